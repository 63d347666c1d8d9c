"""The map of a library, and what its points are coloured by."""

from __future__ import annotations

import base64

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..maps._colours import (
    Colouring,
    colour_by_folder,
    colour_by_labels,
    colour_by_predictions,
    colour_by_words,
)
from ..maps._item_tables import colour_by_column
from ._colour_table import ColourTable
from ._http import Json, Workers, one_of_texts, read_json, texts
from ._library import Library
from ._maps import Maps
from ._problems import ProblemError
from ._searching import Searcher
from ._sorter import Sorter

_MOST_WORDS = 64


class MapRoutes:
    """Send the map of a library.

    Parameters
    ----------
    library : Library
    searcher : Searcher
    sorter : Sorter
    table : ColourTable
    """

    def __init__(self, library: Library, searcher: Searcher, sorter: Sorter, table: ColourTable):
        self._library, self._searcher = library, searcher
        self._sorter, self._table = sorter, table
        self._maps = Maps(library)
        self._workers = Workers(4)

    def routes(self) -> list[Route]:
        """The routes of the map."""
        threaded = self._workers.endpoint
        return [
            Route("/api/map", threaded(self.map)),
            Route("/api/map", self.start, methods=["POST"]),
            Route("/api/map/points", threaded(self.points)),
            Route("/api/colours", threaded(self.colours)),
        ]

    def map(self, request: Request) -> Response:
        """How far the map is."""
        return Json(self._maps.describe(one_of_texts(request, "method")))

    async def start(self, request: Request) -> Response:
        """Compute the map."""
        body = await read_json(request)
        method = body.get("method", "umap")
        if not isinstance(method, str):
            raise ProblemError(400, "method must be a string")
        await self._workers.run(self._maps.start, method)
        return Json(await self._workers.run(self._maps.describe, method), 202)

    def points(self, request: Request) -> Response:
        """Coordinates of all clips, as 16-bit numbers."""
        method = one_of_texts(request, "method") or "umap"
        found = self._maps.find(method)
        if found is None:
            raise ProblemError(404, f"there is no map by {method} yet: compute it first")
        etag = f'"{self._library.id}-{found.method}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        points = found.points.astype("<u2").tobytes()
        return Response(points, media_type="application/octet-stream", headers=headers)

    def colours(self, request: Request) -> Response:
        """The category of each clip: its folder, label, nearest words, or a column of the table."""
        by = one_of_texts(request, "by") or "folder"
        colour = {
            "folder": self._by_folder,
            "labels": self._by_labels,
            "predicted": self._by_predictions,
            "table": self._by_column,
            "words": self._by_words,
        }.get(by)
        if colour is None:
            raise ProblemError(400, f"by={by[:40]!r} is not what a map can be coloured by")
        try:
            found = colour(request)
        except ValueError as exc:
            raise ProblemError(422, str(exc)) from exc
        numbers = base64.b64encode(found.numbers.astype("<i2").tobytes()).decode("ascii")
        return Json({"title": found.title, "categories": found.categories, "numbers": numbers})

    def _by_folder(self, request: Request) -> Colouring:
        return colour_by_folder(self._library.items.places())

    def _by_labels(self, request: Request) -> Colouring:
        labels = self._sorter.labels
        return colour_by_labels(self._library.items.names, labels.labels, labels.classes)

    def _by_predictions(self, request: Request) -> Colouring:
        return colour_by_predictions(self._sorter.predict()[0])

    def _by_column(self, request: Request) -> Colouring:
        column = one_of_texts(request, "column")
        if column is None:
            raise ProblemError(400, "name the column of the table: column=...")
        return colour_by_column(self._library.items.names, self._table.require(), column)

    def _by_words(self, request: Request) -> Colouring:
        words = list(dict.fromkeys(texts(request, "words")))
        if not words or len(words) > _MOST_WORDS:
            raise ProblemError(400, f"give from 1 to {_MOST_WORDS} words to colour by")
        vectors = np.stack([self._searcher.embed_words(word) for word in words])
        return colour_by_words(self._library.vectors_of_clips(), words, vectors)
