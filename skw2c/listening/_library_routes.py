"""The library, its clips, and the clips whose files are missing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .._version import __version__
from ._abilities import KINDS
from ._http import Json, Workers, one_of_texts, whole_number
from ._library import FAILED, LOADING, Library
from ._problems import ProblemError
from ._rows import describe_rows
from ._sounds import Sounds
from ._text import as_text
from ._uploads import MOST_BYTES, MOST_SECONDS

_MOST_ITEMS = 500
_MOST_FOLDERS = 500


class LibraryRoutes:
    """Tell of a library.

    Parameters
    ----------
    library : Library
    sounds : Sounds
    columns : callable
        Gives the columns of the table that the map can be coloured by.
    """

    def __init__(self, library: Library, sounds: Sounds, columns=list):
        self._library, self._sounds, self._columns = library, sounds, columns
        self._workers = Workers(8)

    def routes(self) -> list[Route]:
        """The routes of the library."""
        threaded = self._workers.endpoint
        return [
            Route("/api/library", threaded(self.library)),
            Route("/api/library/refresh", threaded(self.refresh), methods=["POST"]),
            Route("/api/items", threaded(self.items)),
            Route("/api/items/{number:int}", threaded(self.item)),
            Route("/api/folders", threaded(self.folders)),
            Route("/api/missing", threaded(self.missing)),
            Route("/api/missing/remove", threaded(self.remove_missing), methods=["POST"]),
        ]

    def library(self, request: Request) -> Response:
        """What the library is, and what it can be asked."""
        library = self._library
        return Json(
            {
                "state": library.state,
                "error": library.error,
                "command": library.command,
                "id": library.id,
                "outdated": library.is_outdated(),
                "name": as_text(library.folder.name),
                "folder": as_text(library.folder),
                "n_items": len(library.items),
                "n_vectors": sum(library.items.counts),
                "mode": library.mode,
                "encoder": library.encoder_name,
                "queries": {kind: self._ability(kind) for kind in KINDS},
                "fill_command": library.command_to_index("FOLDER_OF_SOUNDS"),
                "max_upload_bytes": MOST_BYTES,
                "max_upload_seconds": MOST_SECONDS,
                "table": self._columns(),
                "version": __version__,
            }
        )

    def refresh(self, request: Request) -> Response:
        """Go over to what another program saved."""
        return Json({"refreshed": self._library.refresh()})

    def items(self, request: Request) -> Response:
        """Clips: some of them in order, those of a name or folder, or those of some numbers."""
        found: Sequence[int]
        shown: Sequence[int]
        if "numbers" in request.query_params:
            found = shown = self._listed_numbers(request)
        else:
            offset = whole_number(request, "offset", 0, 0, len(self._library.items))
            limit = whole_number(request, "limit", 100, 0, _MOST_ITEMS)
            text, folder = one_of_texts(request, "text"), one_of_texts(request, "folder")
            found = self._library.items.find(text or "", folder)
            shown = found[offset : offset + limit]
        rows = describe_rows(self._library, self._sounds, shown)
        return Json({"total": len(found), "items": rows})

    def item(self, request: Request) -> Response:
        """A clip, and what the header of its file says."""
        items = self._library.items
        number = items.check(request.path_params["number"])
        described = items.describe(number) | {"vectors": items.counts[number]}
        described |= dict.fromkeys(("rate", "channels", "bytes"))
        path = items.path(number)
        if path is not None and not described["missing"]:
            facts = self._sounds.facts(path)
            described |= {
                "duration": facts.duration,
                "rate": facts.sampling_rate,
                "channels": facts.channels,
                "bytes": self._sounds.size(path),
            }
        return Json(described)

    def folders(self, request: Request) -> Response:
        """Folders of the library, and how many clips are in each."""
        counted = self._library.items.count_folders()[:_MOST_FOLDERS]
        return Json({"folders": [{"folder": name, "count": n} for name, n in counted if name]})

    def missing(self, request: Request) -> Response:
        """Clips whose files are not there, and what can be done."""
        library = self._library
        missing = library.items.list_missing()
        folder = shlex.quote(as_text(library.folder))
        commands = [
            library.command_to_index("NEW_FOLDER"),
            f"skw2c serve {folder} --root NEW_FOLDER",
        ]
        shown = [library.items.describe(number) for number in missing[:_MOST_ITEMS]]
        return Json({"total": len(missing), "items": shown, "commands": commands})

    def remove_missing(self, request: Request) -> Response:
        """Remove the clips whose files are not there from the index."""
        return Json({"removed": self._library.remove_missing()})

    def _ability(self, kind: str) -> dict:
        library = self._library
        if library.state == LOADING:
            return {"available": False, "why": "the library is still being loaded", "command": None}
        if library.state == FAILED:
            return {"available": False, "why": library.error, "command": library.command}
        lack = library.lacks.get(kind)
        why, command = (None, None) if lack is None else (lack.why, lack.command)
        return {"available": lack is None, "why": why, "command": command}

    def _listed_numbers(self, request: Request) -> list[int]:
        parts = request.query_params["numbers"].split(",")[:_MOST_ITEMS]
        if not all(part.isdecimal() and len(part) < 18 for part in parts):
            raise ProblemError(400, "numbers must be whole numbers, separated by commas")
        return [self._library.items.check(int(part)) for part in parts]
