"""Sounds and their waveforms, by the number of their clip."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._http import Json, Workers, send_file, whole_number
from ._library import Library
from ._once import Once
from ._problems import ProblemError
from ._sounds import MISSING, Sounds, told, version_of
from ._uploads import Uploads
from ._waveforms import MOST_POINTS, read_waveform

_KEPT = 2048  # waveforms


class SoundRoutes:
    """Send sounds and waveforms.

    Parameters
    ----------
    library : Library
    sounds : Sounds
    uploads : Uploads
    """

    def __init__(self, library: Library, sounds: Sounds, uploads: Uploads):
        self._library, self._sounds, self._uploads = library, sounds, uploads
        self._waveforms = Once(_KEPT)
        # Of decoders that work at once; what plays as it is needs none.
        self._workers, self._quick = Workers(4), Workers(16)

    def routes(self) -> list[Route]:
        """The routes of sounds."""
        return [
            Route("/audio/{number:int}", self.audio),
            Route("/waveform/{number:int}", self._workers.endpoint(self.waveform)),
            Route("/api/uploads/{id}/audio", self._workers.endpoint(self.upload)),
        ]

    async def audio(self, request: Request) -> Response:
        """A sound that browsers play, decoded where they do not, or the original file."""
        as_ = request.query_params.get("as")
        if as_ not in (None, "original", "wav"):
            raise ProblemError(400, f"as={as_[:40]!r} must be 'original' or 'wav'")
        number = request.path_params["number"]
        path = await self._quick.run(self._path, number)
        if as_ == "original":
            played = await self._quick.run(self._sounds.original, path)
            return send_file(request, played, self._library.items.describe(number)["name"])
        played = None if as_ == "wav" else await self._quick.run(self._sounds.as_it_is, path)
        return send_file(request, played or await self._workers.run(self._sounds.decoded, path))

    def waveform(self, request: Request) -> Response:
        """The waveform of a sound."""
        n_points = whole_number(request, "points", 800, 1, MOST_POINTS)
        path = self._path(request.path_params["number"])
        with told():
            shape = self._waveforms.get(version_of(path), lambda: read_waveform(path))
        return Json(shape.describe(n_points))

    def upload(self, request: Request) -> Response:
        """The sound of an upload."""
        upload = self._uploads.get(request.path_params["id"])
        if upload.kind != "sound":
            raise ProblemError(404, "this upload is an image")
        played = self._sounds.as_it_is(upload.path) or self._sounds.decoded(upload.path)
        return send_file(request, played)

    def _path(self, number: int) -> str:
        items = self._library.items
        if not items.has_file(items.check(number)):
            raise ProblemError(
                404, "this item of the library has no sound file: it was added as a vector"
            )
        path = items.path(number)
        if path is None:
            raise ProblemError(404, MISSING)
        version_of(path)
        return path
