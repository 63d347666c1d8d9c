"""Sort clips by a classifier that learns from the labels that were given so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_FEWEST = 3  # labels of each class, from which accuracy means something
_FOLDS = 5
_AT_ONCE = 1 << 15


@dataclass(frozen=True)
class Training:
    """What a training came to.

    Attributes
    ----------
    n_labelled : int
        Number of clips that it learned from.
    classes : list of str
        Their labels, sorted.
    accuracy : float or None
        Share of them that are right when they are left out of the training; None while a class
        has fewer than three.
    seconds : float
        What it took.
    """

    n_labelled: int
    classes: list[str]
    accuracy: float | None
    seconds: float


class SortingClassifier:
    """Logistic regression on the vectors of clips.

    Parameters
    ----------
    vectors : ndarray of shape (n_clips, width), float32
        One unit vector for each clip.
    items : sequence
        Names of the clips.
    """

    def __init__(self, vectors: np.ndarray, items: Sequence):
        self._vectors, self._items = vectors, items
        # Replaced as a whole, because other threads may ask while it learns.
        self._learned: tuple[list[str], np.ndarray] | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether it has learned."""
        return self._learned is not None

    def fit(self, labels: Mapping) -> Training:
        """Learn from labels, and predict all clips.

        Parameters
        ----------
        labels : mapping
            The label of each name that has one.

        Raises
        ------
        ValueError
            If there are fewer than two different labels.
        """
        start = time.perf_counter()
        rows = [number for number, item in enumerate(self._items) if item in labels]
        target = np.array([labels[self._items[number]] for number in rows], dtype=object)
        if len(set(target)) < 2:
            given = f"all of them {target[0]!r}" if len(target) else "no clip has one"
            raise ValueError(
                f"training needs labels of at least two kinds, and {given}: label more clips"
            )
        X, y = self._vectors[rows], target.astype(str)
        model, accuracy = make_classifier().fit(X, y), _cross_validate(X, y)
        classes = model.classes_.tolist()
        self._learned = classes, self._predict(model)
        return Training(len(rows), classes, accuracy, time.perf_counter() - start)

    def predict(self) -> tuple[np.ndarray, np.ndarray]:
        """The most likely label (n_clips,), str, of each clip, and its probability."""
        classes, probabilities = self._require()
        best = probabilities.argmax(axis=1)
        return np.array(classes)[best], probabilities[np.arange(len(best)), best]

    def uncertain(self, k: int, labels: Mapping) -> list[tuple[int, dict[str, float]]]:
        """Clips without a label whose two most likely ones are nearest to each other, first.

        Parameters
        ----------
        k : int
            How many at most.
        labels : mapping
            The label of each name that has one.

        Returns
        -------
        list of (int, dict)
            Number of the clip, and the probability of each label.
        """
        learned = self._require()
        two = np.partition(learned[1], -2, axis=1)[:, -2:]
        return self._list(learned, two[:, 1] - two[:, 0], k, labels)

    def confident(self, label: str, k: int, labels: Mapping) -> list[tuple[int, dict[str, float]]]:
        """Clips without a label that most likely have this one, first.

        Parameters and results are as in `uncertain`.

        Raises
        ------
        ValueError
            If it did not learn such a label.
        """
        learned = self._require()
        classes, probabilities = learned
        if label not in classes:
            known = ", ".join(map(repr, classes))
            raise ValueError(f"the classifier does not know {label!r}; it knows {known}")
        return self._list(learned, -probabilities[:, classes.index(label)], k, labels)

    def _require(self) -> tuple[list[str], np.ndarray]:
        if self._learned is None:
            raise ValueError("the classifier has not learned yet: train it first")
        return self._learned

    def _list(self, learned: tuple, order: np.ndarray, k: int, labels: Mapping) -> list:
        """The first clips without a label in an order, each with its probabilities."""
        classes, probabilities = learned
        found: list[tuple[int, dict]] = []
        for number in np.argsort(order, kind="stable"):
            if len(found) >= k:
                break
            if self._items[number] not in labels:
                own = probabilities[number].tolist()
                found.append((int(number), dict(zip(classes, own, strict=True))))
        return found

    def _predict(self, model) -> np.ndarray:
        blocks = [
            model.predict_proba(self._vectors[start : start + _AT_ONCE])
            for start in range(0, len(self._vectors), _AT_ONCE)
        ]
        return np.concatenate(blocks)


def make_classifier():
    """The classifier of vectors, which `classifier_script` writes out too."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
    )


def _cross_validate(X: np.ndarray, y: np.ndarray) -> float | None:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rarest = min(Counter(y).values())
    if rarest < _FEWEST:
        return None
    folds = StratifiedKFold(min(_FOLDS, rarest), shuffle=True, random_state=0)
    return float((cross_val_predict(make_classifier(), X, y, cv=folds) == y).mean())
