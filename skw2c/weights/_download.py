"""Download a file of known size, within bounds of size and time."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from ..system._network import check_online
from ..system._progress import progress_bar

_SILENCE = 30.0
"""Seconds after which a server that sends nothing is given up."""
_WINDOW = 60.0
"""Seconds over which the speed is judged."""
_SLOWEST = 8 << 10
"""Bytes a second, of which a download must have as many on average over the window."""
_PART = 1 << 16


class DownloadError(OSError):
    """A server sends something else than the file, or too much of it, or too slowly."""


class Downloader:
    """What pooch calls to fetch a file.

    Parameters
    ----------
    most_bytes : int
        How large the file can be.
    progress : bool
        Whether to show a bar.
    """

    def __init__(self, most_bytes: int, progress: bool):
        self._most = most_bytes
        self._progress = progress

    def __call__(self, url: str, output_file: str, pooch) -> None:
        check_online()
        import requests
        from urllib3.exceptions import HTTPError

        headers = {"Accept-Encoding": "identity"}  # the file as it is, whose size is known
        with requests.get(url, stream=True, timeout=_SILENCE, headers=headers) as response:
            response.raise_for_status()
            self._check_answer(url, response)
            try:
                with open(output_file, "wb") as file:
                    self._copy(response, file)
            except HTTPError as exc:
                raise DownloadError(f"the connection broke ({exc})") from exc

    def _check_answer(self, url: str, response) -> None:
        if urlsplit(url).scheme == "https" and urlsplit(response.url).scheme != "https":
            raise DownloadError(f"the server sends on to {response.url}, which is not encrypted")
        kind = response.headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            raise DownloadError(
                f"{response.url} answers with a page for people (Content-Type {kind!r}), and not "
                "with the file; some networks want a login first"
            )
        self._check_size(int(response.headers.get("Content-Length") or 0))

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self._most:
            raise DownloadError(
                f"the server sends more than {self._most} bytes, which is more than the file has"
            )

    def _copy(self, response, file) -> None:
        stated = int(response.headers.get("Content-Length") or 0)
        speed = _Speed()
        n_bytes = 0
        with progress_bar(
            stated or None, unit="B", desc="Downloading", verbose=self._progress, unit_scale=True
        ) as bar:
            # Not `read`, which waits for as many bytes as it is asked for.
            while part := response.raw.read1(_PART):
                n_bytes += len(part)
                self._check_size(n_bytes)
                speed.count(len(part))
                file.write(part)
                bar.update(len(part))
        if n_bytes < stated:
            raise DownloadError(f"the connection ended after {n_bytes} of {stated} bytes")


class _Speed:
    """Gives up on a server that sends a little now and then, so that no time limit is met."""

    def __init__(self):
        self._begin()

    def _begin(self) -> None:
        self._start, self._n_bytes = time.monotonic(), 0

    def count(self, n_bytes: int) -> None:
        self._n_bytes += n_bytes
        seconds = time.monotonic() - self._start
        if seconds < _WINDOW:
            return
        if self._n_bytes < _SLOWEST * seconds:
            raise DownloadError(
                f"the server sent {self._n_bytes} bytes in {seconds:.0f} seconds, and is given up"
            )
        self._begin()
