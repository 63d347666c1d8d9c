"""The page itself: its document, its scripts and styles."""

from __future__ import annotations

from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import maps
from ._http import Json
from ._openapi import describe_api

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_TOKEN = "{{ token }}"  # noqa: S105, it is where the token stands


class PageRoutes:
    """Serve the page.

    Parameters
    ----------
    token : str
        What the page holds.
    """

    def __init__(self, token: str):
        self._token = token
        homes = (__package__, maps.__name__)
        self._folders = [resources.files(home) / "static" for home in homes]

    def routes(self) -> list[Route]:
        """The routes of the page."""
        return [
            Route("/", self.page),
            Route("/favicon.ico", self.icon),
            Route("/openapi.json", self.openapi),
            Route("/static/{name}", self.static),
        ]

    def page(self, request: Request) -> Response:
        """The document, with the token in it."""
        text = self._read("index.html").decode("utf-8").replace(_TOKEN, self._token)
        return Response(text, media_type=_TYPES[".html"])

    def icon(self, request: Request) -> Response:
        """The icon of the page."""
        return Response(self._read("icon.svg"), media_type=_TYPES[".svg"])

    def openapi(self, request: Request) -> Response:
        """The description of the API."""
        return Json(describe_api())

    def static(self, request: Request) -> Response:
        """A script, a style or a picture of the page."""
        name = request.path_params["name"]
        media_type = _TYPES.get("." + name.rpartition(".")[2])
        if media_type is None or media_type == _TYPES[".html"]:
            raise HTTPException(404)
        headers = {"Cache-Control": "no-cache"}
        return Response(self._read(name), media_type=media_type, headers=headers)

    def _read(self, name: str) -> bytes:
        """A file of the page, by a name that is in the list of a folder."""
        files = (file for folder in self._folders if folder.is_dir() for file in folder.iterdir())
        for file in files:
            if file.name == name and file.is_file():
                return file.read_bytes()
        raise HTTPException(404)
