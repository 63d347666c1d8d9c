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
        raise ValueError(f"{name} is {labels!r}, and labels come in a list")
    labels = [label.item() if isinstance(label, np.generic) else label for label in labels]
    for position, label in enumerate(labels):
        _check_label(label, name, position)
    if not labels:
        raise ValueError(f"{name} is empty: there are no labels to choose from")
    words = [isinstance(label, str) for label in labels]
    if any(words) and not all(words):
        number = labels[words.index(False)]
        raise ValueError(
            f"{name} has both strings and numbers ({labels[words.index(True)]!r} and {number!r}): "
            f"write {str(number)!r}, or what it means in words"
        )
    return labels


def read_labels(labels) -> tuple[list, list]:
    """Classes and the words for them, of the parameter `labels`."""
    classes = list_labels(labels, "labels")
    twice = [label for label, count in Counter(classes).items() if count > 1]
    if twice:
        raise ValueError(f"labels has {', '.join(map(repr, twice))} more than once")
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
    if isinstance(y, (str, bytes)) or not np.iterable(y) or getattr(y, "ndim", 1) != 1:
        raise ValueError(
            "y must be a list with the labels of each clip, or a DataFrame of 0 and 1 with the "
            "labels as names of its columns. A matrix does not say what its columns are called: "
            "pass labels=[...] in their order"
        )
    labels = []
    for row, item in enumerate(y):
        own = item if np.iterable(item) and not isinstance(item, str) else [item]
        labels += list_labels(own, f"y at row {row}") if len(own) else []
    if labels and set(labels) <= {0, 1}:
        raise ValueError(
            "y holds nothing but 0 and 1, as an indicator matrix does, which does not say what "
            "its columns are called: pass labels=[...] in their order"
        )
    return list_labels(labels, "y")


def check_target(y, classes: list, multilabel: bool) -> None:
    """Refuse a target that has other labels than `labels`, or in another order."""
    if multilabel and hasattr(y, "columns"):
        given = _columns_of_indicator(y)
        if given != classes:
            raise ValueError(
                f"The columns of y are {given}, and labels are {classes}: bring the columns into "
                "the order of the labels, y[labels]"
            )
    elif multilabel and getattr(y, "ndim", 1) == 2 and y.shape[1] != len(classes):
        raise ValueError(f"y has {y.shape[1]} columns for {len(classes)} labels")
    elif getattr(y, "ndim", 1) == 1:
        given = labels_of_sets(y) if multilabel else labels_of_target(y)
        unknown = sorted(set(given) - set(classes), key=str)
        if unknown:
            raise ValueError(
                f"y has {', '.join(map(repr, unknown[:5]))}, which labels does not have"
            )


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
        raise ValueError(f"{name} has no label at position {position}: {label!r}")
    if not isinstance(label, (str, int, float)):
        raise ValueError(
            f"{name} has {label!r} at position {position}, and a label is a string or a number"
        )


def _columns_of_indicator(y) -> list:
    columns = list_labels(y.columns, "The columns of y")
    twice = [label for label, count in Counter(columns).items() if count > 1]
    if twice:
        raise ValueError(f"y has several columns {twice[0]!r}")
    if not np.isin(y.to_numpy(), [0, 1]).all():
        raise ValueError(
            "y is a DataFrame that holds other values than 0 and 1; under multilabel=True it says "
            "with 0 and 1 which clip has the label that a column is named by"
        )
    return columns
