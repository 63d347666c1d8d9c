"""Labels that are given by hand, and the classifier that is trained on them."""

from __future__ import annotations

import threading

from ._labels import Labels
from ._library import Library
from ._problems import ProblemError
from ._sorting import SortingClassifier, Training


class Sorter:
    """Label the clips of a library, and train a classifier of its vectors.

    Parameters
    ----------
    library : Library

    Attributes
    ----------
    labels : Labels
        By the names of the clips.
    training : Training or None
        What the classifier was trained on last.
    """

    def __init__(self, library: Library):
        self._library = library
        self.labels = Labels(library.folder)
        self.training: Training | None = None
        self._classifier: tuple[object, SortingClassifier] | None = None
        self._lock = threading.Lock()

    def label(self, number: int, label: str | None) -> None:
        """Give a clip a label, or take it away.

        Raises
        ------
        ProblemError
            If there is no such clip or class, or the label cannot be kept.
        """
        items = self._library.items
        name = items.names[items.check(number)]
        with told_of_labels():
            self.labels.set_label(name, label)

    def set_classes(self, classes: list[str], renamed: dict[str, str] | None = None) -> None:
        """Say which labels there are, and what labels that were given are called now."""
        with told_of_labels():
            self.labels.set_classes(classes, **({} if renamed is None else {"renamed": renamed}))

    def numbered(self) -> dict[str, str]:
        """Labels by the numbers of the clips."""
        labels = self.labels.labels
        names = self._library.items.names
        return {str(number): labels[name] for number, name in enumerate(names) if name in labels}

    def train(self) -> Training:
        """Train the classifier on all labels.

        Raises
        ------
        ProblemError
            If there are too few labels, or the library is not loaded.
        """
        vectors = self._library.vectors_of_clips()
        classifier = SortingClassifier(vectors, self._library.items.names)
        with self._lock:
            try:
                self.training = classifier.fit(self.labels.labels)
            except ValueError as exc:
                raise ProblemError(409, str(exc)) from exc
            self._classifier = self._library.id, classifier
        return self.training

    def uncertain(self, k: int) -> list[tuple[int, dict]]:
        """Clips without a label of which the classifier is least certain."""
        return self._require().uncertain(k, self.labels.labels)

    def confident(self, label: str, k: int) -> list[tuple[int, dict]]:
        """Clips without a label that the classifier is most certain to be of a class."""
        try:
            return self._require().confident(label, k, self.labels.labels)
        except ValueError as exc:
            raise ProblemError(422, str(exc)) from exc

    def predict(self):
        """Class and probability of all clips."""
        return self._require().predict()

    def _require(self) -> SortingClassifier:
        """The classifier of the library as it is now."""
        if self._classifier is None or self._classifier[0] != self._library.id:
            raise ProblemError(409, "train the classifier first")
        return self._classifier[1]


class told_of_labels:  # noqa: N801, it reads as a function
    """Tell the page why labels are refused, or cannot be kept."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, ValueError):
            raise ProblemError(422, str(error)) from error
        if isinstance(error, OSError):
            raise ProblemError(503, f"the label could not be saved: {error}") from error
        return False
