"""How the classifiers of sounds are scored."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

_SHOWN = 10


class ScoredClassifier(ClassifierMixin):
    """A classifier of scikit-learn that refuses to score clips that were not heard."""

    def score(self, X, y, sample_weight=None):
        """Share of the clips that get the right label, or exactly their labels.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips.
        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            The labels.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Weights of the clips.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If clips could not be read, and so have no label; if labels are those of frames; or if y
            has labels that a classifier of any number of labels does not know.
        """
        check_is_fitted(self)
        y = self._to_compare(y)
        answers = self.predict(X)
        failed = np.flatnonzero(_are_missing(answers))
        if len(failed):
            more = " ..." if len(failed) > _SHOWN else ""
            raise ValueError(
                f"{len(failed)} of the {len(answers)} clips could not be read, and have no label "
                f"to compare (rows {', '.join(map(str, failed[:_SHOWN]))}{more}): leave them out "
                "of X and y"
            )
        return accuracy_score(y, answers, sample_weight=sample_weight)

    def _to_compare(self, y):
        """What of a target is compared with the answers; a subclass refuses what cannot be."""
        return y


def _are_missing(answers: np.ndarray) -> np.ndarray:
    """Which rows have no answer: None, or NaN among numbers."""
    if answers.dtype.kind == "O":
        return np.array([answer is None for answer in answers], dtype=bool)
    if answers.dtype.kind != "f":
        return np.zeros(len(answers), dtype=bool)
    rows = answers.reshape(len(answers), -1)
    return np.asarray(np.isnan(rows).any(axis=1))
