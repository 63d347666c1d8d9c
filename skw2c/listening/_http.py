"""Requests and answers: parameters that are checked, JSON, and work that is done in threads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ._problems import ProblemError
from ._sounds import MISSING, PlayedFile
from ._text import as_file_name

_LARGEST_BODY = 1 << 16  # bytes of a request that brings JSON
_LONGEST_TEXT = 2000  # characters of a parameter


class Json(Response):
    """JSON that is valid whatever the names in it."""

    media_type = "application/json"

    def render(self, content) -> bytes:
        """Spell out what is not ASCII; there is no NaN in JSON."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class Workers:
    """Threads for work that takes long, so that it does not keep quick requests waiting.

    Parameters
    ----------
    most : int
        How many of them work at once.
    """

    def __init__(self, most: int):
        self._most = most
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable, *arguments):
        """Call a function in one of the threads."""
        if self._limiter is None:  # it belongs to the loop of events that runs now
            self._limiter = anyio.CapacityLimiter(self._most)
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._limiter)

    def endpoint(self, function: Callable[[Request], Response]) -> Callable:
        """An endpoint of Starlette that is answered in one of the threads."""

        async def answer(request: Request) -> Response:
            return await self.run(function, request)

        answer.__name__ = function.__name__
        return answer


def whole_number(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number among the parameters of a request; larger ones are cut to the highest.

    Raises
    ------
    ProblemError
        If it is something else, or smaller than the lowest.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    number = _as_whole(name, text)
    if number < lowest:
        raise ProblemError(400, f"{name}={number} must be at least {lowest}")
    return min(number, highest)


def whole_numbers(request: Request, name: str) -> list[int]:
    """All whole numbers of a name among the parameters of a request."""
    return [_as_whole(name, text) for text in request.query_params.getlist(name)]


def texts(request: Request, name: str) -> list[str]:
    """All texts of a name among the parameters of a request, but for empty ones."""
    found = [text.strip() for text in request.query_params.getlist(name)]
    if any(len(text) > _LONGEST_TEXT for text in found):
        raise ProblemError(400, f"{name} is longer than {_LONGEST_TEXT} characters")
    return [text for text in found if text]


async def read_json(request: Request) -> dict:
    """The object of JSON that a request brings.

    Raises
    ------
    ProblemError
        If it brings something else, or too much.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise ProblemError(413, "the request is too large")
    try:
        content = json.loads(bytes(body) or b"{}")
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ProblemError(400, "the request must be an object of JSON")
    return content


def one_of_texts(request: Request, name: str) -> str | None:
    """The last text of a name among the parameters of a request; None where there is none."""
    found = texts(request, name)
    return found[-1] if found else None


def send_file(request: Request, played: PlayedFile, name: str | None = None) -> Response:
    """Send a file, or the range of it that is asked for.

    Parameters
    ----------
    request : Request
    played : PlayedFile
    name : str or None, default=None
        The name under which the browser is to save it; None: it is to play it.
    """
    try:
        status = os.stat(played.path)
    except OSError as exc:
        raise ProblemError(404, MISSING) from exc
    headers = {"Cache-Control": "no-cache"}
    if name is not None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(as_file_name(name))}"
    response = FileResponse(
        played.path, media_type=played.media_type, headers=headers, stat_result=status
    )
    etag = response.headers["etag"]
    if "range" not in request.headers and request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={**headers, "ETag": etag})
    return response


def send_attachment(content: bytes | str, name: str, media_type: str) -> Response:
    """Send what the browser is to save as a file."""
    disposition = f"attachment; filename*=UTF-8''{quote(as_file_name(name))}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})


def _as_whole(name: str, text: str) -> int:
    try:
        if len(text) > 18:
            raise ValueError
        return int(text)
    except ValueError:
        raise ProblemError(400, f"{name}={text[:40]!r} must be a whole number") from None
