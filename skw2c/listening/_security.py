"""Who may ask: the page itself, from this machine, and nobody on its behalf.

A page from elsewhere can make a browser send requests to this server, but cannot choose the
header Host, nor hide that they come from another site, nor know the token.
"""

from __future__ import annotations

import json
import re
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders

TOKEN_HEADER = "x-skw2c-token"  # noqa: S105, it is a name
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_READING = frozenset({"GET", "HEAD"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:@/\[\]]+)(?::\d*)?")
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """Refuse requests that do not come from the page, and add headers to all answers.

    Parameters
    ----------
    app : ASGI application
    token : str
        What the page holds, and writing takes.
    cookie : str or None, default=None
        Name of the cookie in which each request must bring the token, where the server can be
        reached from other machines. None: it cannot, and only the names of this machine are
        accepted as Host.
    """

    def __init__(self, app, token: str, cookie: str | None = None):
        self._app, self._token, self._cookie = app, token, cookie

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        if self._brings_token_in_address(scope):
            await self._let_in(scope, send_with_headers)
            return
        refusal = self._why_refused(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await _answer(send_with_headers, *refusal)

    def _why_refused(self, scope, headers: Headers) -> tuple[int, str] | None:
        if self._cookie is None and host_name(headers.get("host", "")) not in LOCAL_NAMES:
            return (
                400,
                "this server answers only under the names of this machine, such as 127.0.0.1",
            )
        if _is_from_elsewhere(scope, headers):
            return 403, "this request comes from another site"
        if self._cookie is not None and not self._is_known(headers, self._cookie):
            return 403, "open the page by the address with the token that the server printed"
        if scope["method"] not in _READING and not self._may_write(headers):
            return 403, f"this request needs the header {TOKEN_HEADER}, with the token of the page"
        return None

    def _may_write(self, headers: Headers) -> bool:
        return self._is_token(headers.get(TOKEN_HEADER))

    def _is_known(self, headers: Headers, name: str) -> bool:
        """Whether a request brings the token, in the cookie of this name or in the header."""
        if self._is_token(headers.get(TOKEN_HEADER)):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(name)
        except CookieError:
            return False
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self._token.encode())

    def _brings_token_in_address(self, scope) -> bool:
        if self._cookie is None or scope["method"] != "GET":
            return False
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        return self._is_token(query.get("token"))

    async def _let_in(self, scope, send) -> None:
        """Put the token into a cookie, and lead to the address without it."""
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        place = "/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else "")
        cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 303, "", {"location": place, "set-cookie": cookie})


def host_name(host: str) -> str:
    """The name in the header Host, without the port."""
    found = _HOST.fullmatch(host.strip().lower())
    return "" if found is None else found[1]


def _is_from_elsewhere(scope, headers: Headers) -> bool:
    """Whether another site sent the request; a link to the page itself may be followed."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        follows_link = (
            scope["method"] == "GET"
            and scope["path"] == "/"
            and headers.get("sec-fetch-mode") == "navigate"
        )
        return site not in ("same-origin", "none") and not follows_link
    origin = headers.get("origin")
    if origin is None:
        return False
    return origin.partition("://")[2].lower() != headers.get("host", "").strip().lower()


async def _answer(send, status: int, sentence: str, headers: dict | None = None) -> None:
    body = json.dumps({"error": sentence}).encode() if sentence else b""
    fields = {"content-type": "application/json", "content-length": str(len(body))}
    fields |= headers or {}
    # What is refused is not read to its end.
    fields["connection"] = "close"
    raw = [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in fields.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
