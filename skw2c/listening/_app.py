"""The application: all routes of the listening page and of its API."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from ._colour_table import ColourTable
from ._http import Json
from ._library import Library
from ._library_routes import LibraryRoutes
from ._map_routes import MapRoutes
from ._page_routes import PageRoutes
from ._problems import ProblemError
from ._search_routes import SearchRoutes
from ._searching import Searcher
from ._security import HEADERS, Guard
from ._sorter import Sorter
from ._sorting_routes import SortingRoutes
from ._sound_routes import SoundRoutes
from ._sounds import Sounds
from ._uploads import Uploads


class _Routes(Protocol):
    """Some of the routes."""

    def routes(self) -> list[Route]: ...


def make_app(
    library: Library, token: str, *, cookie: str | None = None, table: ColourTable | None = None
) -> Starlette:
    """Make the application that serves a library.

    Parameters
    ----------
    library : Library
        It is loaded in a thread as soon as the application starts.
    token : str
        What the page holds, and writing takes.
    cookie : str or None, default=None
        As for `Guard`: the name of a cookie where other machines may ask too.
    table : ColourTable or None, default=None
        What the map can be coloured by, too.
    """
    sounds, table = Sounds(), table or ColourTable(None)
    uploads, searcher, sorter = Uploads(sounds), Searcher(library), Sorter(library)
    parts: list[_Routes] = [
        PageRoutes(token),
        LibraryRoutes(library, sounds, table.columns),
        SoundRoutes(library, sounds, uploads),
        SearchRoutes(library, sounds, uploads, searcher),
        MapRoutes(library, searcher, sorter, table),
        SortingRoutes(library, sounds, sorter),
    ]

    def load() -> None:
        library.load()
        table.load()

    @asynccontextmanager
    async def lifespan(_):
        threading.Thread(target=load, name="skw2c-loading", daemon=True).start()
        try:
            yield
        finally:
            sounds.close()

    app = Starlette(
        routes=[route for part in parts for route in part.routes()],
        middleware=[Middleware(Guard, token=token, cookie=cookie)],
        exception_handlers={
            # Each is called with what it handles, which the types of Starlette do not say.
            ProblemError: tell_problem,  # type: ignore[dict-item]
            HTTPException: tell_refusal,  # type: ignore[dict-item]
            Exception: tell_fault,
        },
        lifespan=lifespan,
    )
    app.state.sounds, app.state.uploads = sounds, uploads
    return app


def list_routes(app: Starlette) -> list[tuple[str, str]]:
    """Method and path of all routes."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    return [(method, r.path) for r in routes for method in (r.methods or set()) - {"HEAD"}]


async def tell_problem(request: Request, problem: ProblemError) -> Json:
    """The answer to a request that cannot be answered, in a sentence."""
    headers = {"Connection": "close"} if problem.status == 413 else None
    return Json({"error": str(problem), **problem.more}, problem.status, headers)


async def tell_refusal(request: Request, refusal: HTTPException) -> Json:
    """The answer to a request of another address or method than there are."""
    sentence = {404: "there is nothing at this address"}.get(refusal.status_code, refusal.detail)
    return Json({"error": sentence}, refusal.status_code, refusal.headers)


async def tell_fault(request: Request, error: Exception) -> Json:
    """The answer where this program is wrong; the server prints the traceback."""
    sentence = f"this is a bug in skw2c: {type(error).__name__}: {error}; please report it"
    return Json({"error": sentence}, 500, HEADERS)  # the guard does not see this answer
