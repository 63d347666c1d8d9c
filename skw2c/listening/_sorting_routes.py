"""Labels, and the classifier that learns from them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._http import Json, Workers, one_of_texts, read_json, send_attachment, whole_number
from ._label_exports import classifier_script, labels_csv
from ._library import Library
from ._problems import ProblemError
from ._rows import describe_rows
from ._sorter import Sorter
from ._sorting import Training
from ._sounds import Sounds

_MOST_RESULTS = 500


class SortingRoutes:
    """Label the clips of a library, and learn from it.

    Parameters
    ----------
    library : Library
    sounds : Sounds
    sorter : Sorter
    """

    def __init__(self, library: Library, sounds: Sounds, sorter: Sorter):
        self._library, self._sounds, self._sorter = library, sounds, sorter
        self._workers = Workers(4)

    def routes(self) -> list[Route]:
        """The routes of labels and of the classifier."""
        threaded = self._workers.endpoint
        return [
            Route("/api/labels", threaded(self.labels)),
            Route("/api/labels/classes", self.set_classes, methods=["PUT"]),
            Route("/api/labels/{number:int}", self.set_label, methods=["PUT"]),
            Route("/api/labels.csv", threaded(self.csv)),
            Route("/api/classifier", threaded(self.training)),
            Route("/api/classifier", threaded(self.train), methods=["POST"]),
            Route("/api/classifier/uncertain", threaded(self.uncertain)),
            Route("/api/classifier/confident", threaded(self.confident)),
            Route("/api/classifier.py", threaded(self.script)),
        ]

    def labels(self, request: Request) -> Response:
        """Classes, labels by the numbers of the clips, and how many there are of each."""
        labels = self._sorter.labels
        numbered = self._sorter.numbered()
        return Json({"classes": labels.classes, "labels": numbered, "counts": labels.counts()})

    async def set_classes(self, request: Request) -> Response:
        """Say which classes there are, and which ones have other names than before."""
        body = await read_json(request)
        classes, renamed = body.get("classes"), body.get("renamed")
        if not isinstance(classes, list) or not _are_texts(classes):
            raise ProblemError(400, "classes must be a list of strings")
        if renamed is not None and not (isinstance(renamed, dict) and _are_texts(renamed.values())):
            raise ProblemError(400, "renamed must be an object of strings")
        await self._workers.run(self._sorter.set_classes, classes, renamed)
        return await self._workers.run(self.labels, request)

    async def set_label(self, request: Request) -> Response:
        """Give a clip a label, or take it away."""
        body = await read_json(request)
        label = body.get("label")
        if "label" not in body or not isinstance(label, (str, type(None))):
            raise ProblemError(400, "label must be a string or null")
        await self._workers.run(self._sorter.label, request.path_params["number"], label)
        return Json({"counts": self._sorter.labels.counts()})

    def csv(self, request: Request) -> Response:
        """A table of the labels; with predicted=1 also of what the classifier says of all clips."""
        wanted = whole_number(request, "predicted", 0, 0, 1)
        items = self._library.items
        predicted = self._sorter.predict() if wanted else None
        files = [items.path(number) or str(items.names[number]) for number in range(len(items))]
        table = labels_csv(items.names, self._sorter.labels.labels, predicted, files=files)
        return send_attachment(table, "labels.csv", "text/csv; charset=utf-8")

    def training(self, request: Request) -> Response:
        """What the classifier was trained on last."""
        return Json(describe_training(self._sorter.training))

    def train(self, request: Request) -> Response:
        """Train the classifier on all labels."""
        return Json(describe_training(self._sorter.train()))

    def uncertain(self, request: Request) -> Response:
        """Clips of which the classifier is least certain."""
        k = whole_number(request, "k", 20, 1, _MOST_RESULTS)
        return self._send(self._sorter.uncertain(k))

    def confident(self, request: Request) -> Response:
        """Clips that the classifier is most certain to be of a class."""
        k = whole_number(request, "k", 20, 1, _MOST_RESULTS)
        label = one_of_texts(request, "label")
        if label is None:
            raise ProblemError(400, "name the class: label=...")
        return self._send(self._sorter.confident(label, k))

    def script(self, request: Request) -> Response:
        """A script that trains the same classifier on the table of the labels."""
        script = classifier_script(str(self._library.folder), mode=self._library.mode)
        return send_attachment(script, "classifier.py", "text/x-python; charset=utf-8")

    def _send(self, found: list[tuple[int, dict]]) -> Response:
        rows = describe_rows(self._library, self._sounds, [number for number, _ in found])
        results = [
            row | {"probabilities": shares} for row, (_, shares) in zip(rows, found, strict=True)
        ]
        return Json({"results": results})


def describe_training(training: Training | None) -> dict:
    """What the page shows of a training."""
    if training is None:
        return {"n_labelled": 0, "classes": [], "accuracy": None, "seconds": None}
    return {
        "n_labelled": training.n_labelled,
        "classes": list(training.classes),
        "accuracy": training.accuracy,
        "seconds": training.seconds,
    }


def _are_texts(values) -> bool:
    return all(isinstance(value, str) for value in values)
