"""Searching, and the uploads to search with."""

from __future__ import annotations

import threading

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._http import Json, Workers, one_of_texts, texts, whole_number, whole_numbers
from ._library import Library
from ._problems import ProblemError
from ._rows import describe_rows
from ._searching import MOST_RESULTS, Question, Searcher
from ._sounds import Sounds
from ._uploads import MOST_BYTES, Uploads

_FRAME = 64 << 10  # bytes of a form beside the file in it
_PATIENCE = 60.0  # seconds that decoding may take


class SearchRoutes:
    """Search a library.

    Parameters
    ----------
    library : Library
    sounds : Sounds
    uploads : Uploads
    searcher : Searcher
    """

    def __init__(self, library: Library, sounds: Sounds, uploads: Uploads, searcher: Searcher):
        self._library, self._sounds, self._uploads = library, sounds, uploads
        self._searcher = searcher
        self._workers, self._decoders = Workers(4), Workers(2)

    def routes(self) -> list[Route]:
        """The routes of searching."""
        return [
            Route("/api/search", self._workers.endpoint(self.search)),
            Route("/api/uploads", self.upload, methods=["POST"]),
        ]

    def search(self, request: Request) -> Response:
        """The clips or windows that are nearest to what is asked."""
        k = whole_number(request, "k", 50, 1, MOST_RESULTS)
        question = Question(
            words=texts(request, "words"),
            minus_words=texts(request, "minus_words"),
            items=whole_numbers(request, "item"),
            minus_items=whole_numbers(request, "minus_item"),
            uploads=[self._uploads.get(id_) for id_ in texts(request, "upload")],
            minus_uploads=[self._uploads.get(id_) for id_ in texts(request, "minus_upload")],
        )
        found = self._searcher.search(question, k, one_of_texts(request, "folder"))
        rows = describe_rows(self._library, self._sounds, [hit.number for hit in found.hits])
        results = [
            row | {"rank": rank, "score": hit.score, "start": hit.start, "end": hit.end}
            for rank, (row, hit) in enumerate(zip(rows, found.hits, strict=True), 1)
        ]
        return Json({"query": found.query, "seconds": found.seconds, "results": results})

    async def upload(self, request: Request) -> Response:
        """Take a sound or an image to search with."""
        refuse_large(request)
        bounded = Request(request.scope, bound(request.receive, MOST_BYTES + _FRAME))
        try:
            form = await bounded.form(max_files=1, max_fields=1)
        except HTTPException as exc:
            raise ProblemError(400, f"the upload cannot be read: {exc.detail}") from exc
        try:
            file = form.get("file")
            if file is None or isinstance(file, str):
                raise ProblemError(400, "send one file, in the field 'file' of a form")
            if file.size is not None and file.size > MOST_BYTES:
                raise too_large()
            upload = await self._take(file)
        finally:
            await form.close()
        described = {"id": upload.id, "kind": upload.kind, "name": upload.name}
        return Json(described | {"duration": upload.duration})

    async def _take(self, file):
        """Keep an upload; decoding that takes too long is told to stop."""
        stop = threading.Event()
        timer = threading.Timer(_PATIENCE, stop.set)
        timer.daemon = True
        timer.start()
        try:
            name, kind = file.filename or "upload", file.content_type or ""
            return await self._decoders.run(self._uploads.take, file.file, name, kind, stop)
        finally:
            timer.cancel()


def too_large() -> ProblemError:
    """The error of an upload of too many bytes."""
    return ProblemError(413, f"the file is larger than {MOST_BYTES >> 20} MB")


def refuse_large(request: Request) -> None:
    """Refuse an upload by the size that it states, before any of it is read."""
    stated = request.headers.get("content-length", "0")
    if not stated.isdecimal() or int(stated[:20]) > MOST_BYTES + _FRAME:
        raise too_large()


def bound(receive, most: int):
    """What receives a request, and refuses it as soon as more arrives than it may have."""
    left = most

    async def receive_bounded():
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_large()
        return message

    return receive_bounded
