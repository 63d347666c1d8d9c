"""From scores of classes to classes, as all classifiers of sounds do it."""

from __future__ import annotations

import numpy as np


def choose_classes(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Class of the largest score in each row; none (None, or NaN among numbers) where it is NaN.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n,)
    """
    failed = np.isnan(scores).any(axis=1)
    chosen = classes[np.where(failed, 0, scores.argmax(axis=1))]
    if failed.any():
        numbers = chosen.dtype.kind in "biuf"
        chosen = chosen.astype(float if numbers else object)
        chosen[failed] = np.nan if numbers else None
    return chosen


def choose_sets(margins: np.ndarray) -> np.ndarray:
    """Which classes each row has, where a row may have any number of them.

    Parameters
    ----------
    margins : ndarray of shape (n, n_classes)
        Above 0 where a row has the class; NaN where nothing was heard.

    Returns
    -------
    ndarray of shape (n, n_classes)
        0 and 1; floats, NaN among them, if there are rows in which nothing was heard.
    """
    failed, chosen = np.isnan(margins), (margins > 0).astype(int)
    return np.where(failed, np.nan, chosen) if failed.any() else chosen


def compare_two(scores: np.ndarray) -> np.ndarray:
    """Scores as scikit-learn's ``decision_function`` gives them.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)

    Returns
    -------
    ndarray of shape (n, n_classes) or (n,)
        Of two classes that of the second less that of the first.
    """
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores
