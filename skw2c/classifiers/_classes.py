"""The classes of a zero-shot classifier: read from what a user names them by, and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets


def list_labels(labels, name: str) -> list:
    """List labels, each of which must be a string or a number, and all of one kind.

    Raises
    ------
    ValueError
        If there are none, one is missing, or they are of several kinds.
    """
    if isinstance(labels, (str, bytes)) or not np.iterable(labels):
        raise ValueError(f"{name} is {labels!r}, expected a list of labels")
    labels = [label.item() if isinstance(label, np.generic) else label for label in labels]
    for position, label in enumerate(labels):
        _check_label(label, name, position)
    if not labels:
        raise ValueError(f"{name} is empty, expected at least one label")
    words = [isinstance(label, str) for label in labels]
    if any(words) and not all(words):
        number = labels[words.index(False)]
        raise ValueError(
            f"{name} has both strings and numbers ({labels[words.index(True)]!r} and {number!r}): "
            f"write {str(number)!r}, or the name of the class"
        )
    return labels


def read_labels(labels) -> tuple[list, list]:
    """Classes and the words for them, of the parameter `labels`."""
    classes = list_labels(labels, "labels")
    twice = [label for label, count in Counter(classes).items() if count > 1]
    if twice:
        raise ValueError(f"labels contains {', '.join(map(repr, twice))} more than once")
    if not isinstance(labels, Mapping):
        return classes, classes
    return classes, list_labels(labels.values(), "labels")


def labels_of_target(y) -> list:
    """Labels in a target of one label each."""
    y = column_or_1d(y, warn=True)
    if y.dtype.kind != "O":
        check_array(y, ensure_2d=False, dtype=None, input_name="y")
    labels = list_labels(y, "y")
    check_classification_targets(y)
    return labels


def labels_of_sets(y) -> list:
    """Labels in a target of any number of labels each."""
    if hasattr(y, "columns"):
        return _columns_of_indicator(y)
    return list_labels(_labels_in_sets(y), "y")


def _labels_in_sets(y) -> list:
    """All labels of a list with those of each clip, of which there may be none."""
    if isinstance(y, (str, bytes)) or not np.iterable(y) or getattr(y, "ndim", 1) != 1:
        raise ValueError(
            "y must be a list with the labels of each clip, or a DataFrame of 0 and 1 with the "
            "labels as the names of its columns. The columns of a matrix do not have names: pass "
            "labels=[...] in their order"
        )
    labels = []
    for row, item in enumerate(y):
        has_many = np.iterable(item) and not isinstance(item, str)
        own = item if has_many else [item]
        labels += list_labels(own, f"y at row {row}") if len(own) else []
    if labels and set(labels) <= {0, 1}:
        raise ValueError(
            "y only contains 0 and 1, like an indicator matrix, whose columns do not have names: "
            "pass labels=[...] in their order"
        )
    return labels


def check_target(y, classes: list, multilabel: bool) -> None:
    """Refuse a target that has other labels than `labels`, or in another order."""
    if multilabel and hasattr(y, "columns"):
        given = _columns_of_indicator(y)
        if given != classes:
            raise ValueError(
                f"got the columns {given} in y, expected {classes}, as in labels: reorder them by "
                "y[labels]"
            )
    elif multilabel:
        check_known(y, classes)
    elif getattr(y, "ndim", 1) == 1:
        _refuse_unknown(labels_of_target(y), classes)


def check_known(y, classes: list) -> None:
    """Refuse a target of any number of labels each that has others than ``classes``."""
    if hasattr(y, "columns"):
        given = _columns_of_indicator(y)
        _refuse_unknown(given, classes)
        missing = [label for label in classes if label not in given]
        if missing:
            raise ValueError(f"y has no column {missing[0]!r}, which is among the labels")
    elif getattr(y, "ndim", 1) == 2:
        if y.shape[1] != len(classes):
            raise ValueError(f"y has {y.shape[1]} columns for {len(classes)} labels")
    else:
        _refuse_unknown(_labels_in_sets(y), classes)


def _refuse_unknown(given: list, classes: list) -> None:
    unknown = sorted(set(given) - set(classes), key=str)
    if unknown:
        raise ValueError(f"y contains {', '.join(map(repr, unknown[:5]))}, which is not in labels")


def binarize(y, classes: list) -> np.ndarray:
    """A multi-label target as an indicator matrix with the columns of ``classes``."""
    if hasattr(y, "columns"):
        return y[classes].to_numpy()
    if getattr(y, "ndim", 1) == 2:
        return np.asarray(y)
    sets = [item if np.iterable(item) and not isinstance(item, str) else [item] for item in y]
    return np.array([[label in own for label in classes] for own in sets], dtype=int)


def sort_labels(labels: list, words: list) -> tuple[list, list]:
    """Each label once, in scikit-learn's order, and the words beside."""
    by_label = dict(zip(labels, words, strict=True))
    ordered = sorted(by_label)
    return ordered, [by_label[label] for label in ordered]


def _check_label(label, name: str, position: int) -> None:
    missing = label is None or type(label).__name__ in ("NAType", "NaTType")
    if missing or label != label or (isinstance(label, str) and not label.strip()):
        raise ValueError(f"{name} has {label!r} at position {position}, expected a label")
    if not isinstance(label, (str, int, float)):
        raise ValueError(
            f"{name} has {label!r} at position {position}, expected a string or a number"
        )


def _columns_of_indicator(y) -> list:
    columns = list_labels(y.columns, "The columns of y")
    twice = [label for label, count in Counter(columns).items() if count > 1]
    if twice:
        raise ValueError(f"y has several columns named {twice[0]!r}")
    if not np.isin(y.to_numpy(), [0, 1]).all():
        raise ValueError(
            "y is a DataFrame with other values than 0 and 1; with multilabel=True, its columns "
            "are "
            "named after the labels, and 1 marks the clips that have the label"
        )
    return columns
