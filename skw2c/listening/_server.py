"""The server: one address, one line that names it, and an end that is quiet."""

from __future__ import annotations

import errno
import ipaddress
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from ._app import make_app
from ._colour_table import ColourTable
from ._library import Library

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Server(uvicorn.Server):
    """A server that says when it answers.

    Parameters
    ----------
    config : uvicorn.Config
    tell : callable
        Called once, when requests are answered.

    Attributes
    ----------
    ended_by : int or None
        The signal that ended it.
    """

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]):
        super().__init__(config)
        self._tell = tell
        self.ended_by: int | None = None

    async def startup(self, sockets=None) -> None:
        """Start, then tell."""
        await super().startup(sockets=sockets)
        if self.started:
            self._tell()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at a signal, and remember which one it was; nobody else is told of it."""
        heard = [n for n in _SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._end) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.ended_by = self.ended_by or number
        logging.getLogger(
            "uvicorn.error"
        ).disabled = True  # requests are broken off, as they should
        self.handle_exit(number, frame)


def serve(
    library: Library,
    host: str,
    port: int,
    tell: Callable[[str], None],
    *,
    table: ColourTable | None = None,
) -> int | None:
    """Serve a library until the process is interrupted; return the number of the signal.

    Parameters
    ----------
    library : Library
    host : str
        Name or address to listen at.
    port : int
        0 takes a free one.
    tell : callable
        Called with the address of the page, when it answers.
    table : ColourTable or None, default=None
        What the map can be coloured by, too.

    Raises
    ------
    OSError
        If the port is in use, or may not be used.
    """
    listener = listen(host, port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    cookie = None if is_loopback(host) else f"skw2c-{port}"
    app = make_app(library, token, cookie=cookie, table=table)
    address = address_of(host, port) + ("" if cookie is None else f"?token={token}")
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        log_level="error",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    with listener:
        server = Server(config, lambda: tell(address))
        server.run([listener])
    return server.ended_by


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Raises
    ------
    OSError
        If that cannot be; the message says what can be done.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as exc:
        raise OSError(f"host={host!r} is not an address of this machine ({exc.strerror})") from exc
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(2048)
    except OSError as exc:
        listener.close()
        raise _explain(exc, host, port) from exc
    return listener


def _explain(exc: OSError, host: str, port: int) -> OSError:
    if exc.errno == errno.EADDRINUSE:
        cause = f"port={port} is in use: stop what uses it, or take another one (0 is any free one)"
    elif exc.errno == errno.EADDRNOTAVAIL:
        cause = f"host={host!r} is not an address of this machine"
    else:
        cause = f"port={port} of host={host!r} cannot be used ({exc.strerror})"
    return OSError(cause)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address_of(host: str, port: int) -> str:
    """The address of the page; where it listens at all addresses, by the name of this machine."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104, nothing is bound here
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
