"""Classes as a network is trained on them: from y to columns of 0 and 1."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target


def read_classes(estimator, y, n_clips: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Read the classes of clips.

    Parameters
    ----------
    estimator : estimator
        Is named in the error where y is missing.
    y : array-like of shape (n_clips,) or (n_clips, n_classes)
        One class for each clip, or an indicator matrix.
    n_clips : int

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    targets : ndarray of shape (n_clips, n_classes), float32
        1 for the classes of a clip, 0 for others.
    multilabel : bool
        Whether y is an indicator matrix.

    Raises
    ------
    ValueError
        If y is missing or lacks a class, is not a target of classes, has another length or a
        single class.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target "
            "y is None: pass the class of each clip"
        )
    names = _read_columns(y) if hasattr(y, "columns") else None
    y = y.to_numpy() if hasattr(y, "to_numpy") else y
    _check_complete(y)
    multilabel = type_of_target(y, input_name="y") == "multilabel-indicator"
    if multilabel:
        targets = check_array(y, accept_sparse="csr", input_name="y")
        targets = targets.toarray() if hasattr(targets, "toarray") else targets
        classes = np.array(names) if names else np.arange(targets.shape[1])
    else:
        classes, targets = _binarize(column_or_1d(y, warn=True))
    if len(targets) != n_clips:
        raise ValueError(f"X has {n_clips} clips and y has {len(targets)} rows")
    if len(classes) < 2:
        raise ValueError(
            f"y has only one class, {str(classes[0])!r}: there is nothing to tell apart. At least "
            "two classes are needed"
        )
    return classes, targets.astype(np.float32), multilabel


def _read_columns(y) -> list:
    names = list(y.columns)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"y has several columns {twice[0]!r}, and each class needs a column of its own: "
            "rename or drop all but one"
        )
    return names


def _binarize(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    check_classification_targets(y)
    binarizer = LabelBinarizer().fit(y)
    targets, classes = binarizer.transform(y), binarizer.classes_
    if len(classes) == 2:  # which has one column of its own
        targets = np.hstack([1 - targets, targets])
    return classes, targets


def _check_complete(y) -> None:
    """Refuse missing labels among strings, which could not even be sorted."""
    if getattr(getattr(y, "dtype", None), "kind", "O") != "O" or not np.iterable(y):
        return
    for row, label in enumerate(y):
        if label is None or type(label).__name__ == "NAType" or _is_nan(label):
            raise ValueError(
                f"Input y contains NaN or None: row {row} has no class ({label!r}). Leave such "
                "clips out"
            )


def _is_nan(label) -> bool:
    return isinstance(label, float) and label != label
