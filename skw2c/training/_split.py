"""Which clips are held out for validation, so that each class is on both sides."""

from __future__ import annotations

import numpy as np


def draw_evenly(
    classes: np.ndarray, groups: np.ndarray, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw clips for validation: of each class about the same part, and of none all.

    The rare classes are served first, as in the iterative stratification of Sechidis et al.
    (2011). A group that alone has a class is trained on.

    Parameters
    ----------
    classes : ndarray of shape (n_clips, n_classes)
        1 for the classes of a clip, 0 for others.
    groups : ndarray of shape (n_clips,)
        Clips with the same number stay together.
    fraction : float
        Part of the clips that is wanted.
    rng : Generator

    Returns
    -------
    ndarray of shape (n_clips,), bool
    """
    none = ~classes.any(axis=1, keepdims=True)  # clips of no class are a kind of their own
    classes = np.hstack([classes, none])
    names, owners = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), classes.shape[1]))
    np.add.at(counts, owners, classes)
    totals = counts.sum(axis=0)
    missing, weights = _share_out(fraction * totals, rng), 1 / np.maximum(totals, 1)
    left = (counts > 0).sum(axis=0)  # groups of each class that are trained on
    taken, order = np.zeros(len(names), dtype=bool), rng.permutation(len(names))
    for column in np.argsort(totals, kind="stable"):
        for group in order[(counts[order, column] > 0) & ~taken[order]]:
            own = counts[group]
            # Whether what is held out comes nearer to what is wanted, over all classes.
            nearer = (own * (own - 2 * missing)) @ weights < 0
            if nearer and missing[column] > 0 and (left[own > 0] > 1).all():
                taken[group] = True
                left[own > 0] -= 1
                missing -= own
    return taken[owners]


def _share_out(parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Round the parts so that their sum is what it would be if it were rounded itself."""
    whole = np.floor(parts)
    n_more = round(parts.sum() - whole.sum())
    order = rng.permutation(len(parts))
    largest = order[np.argsort(-(parts - whole)[order], kind="stable")]
    whole[largest[:n_more]] += 1
    return whole


def find_unvalidated(classes: np.ndarray, held_out: np.ndarray, fraction: float) -> np.ndarray:
    """Columns of the classes that are missing in validation, although it could have a clip of them.

    Classes of a single clip are among them; those that are merely too rare for a small
    validation are not.

    Parameters
    ----------
    classes : ndarray of shape (n_clips, n_classes)
    held_out : ndarray of shape (n_clips,), bool
        Which clips are held out.
    fraction : float
        Part of the clips that was wanted.
    """
    n_clips, n_held_out = classes.sum(axis=0), classes[held_out].sum(axis=0)
    due = (n_clips == 1) | (np.floor(fraction * n_clips) >= 1)
    return np.flatnonzero((n_held_out == 0) & due)
