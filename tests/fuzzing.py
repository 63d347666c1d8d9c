"""Feed damaged input to a function, in a process of its own that may crash, hang or swell.

The parent draws the damage with hypothesis; the child runs the function on one file after the
other, and is started again after it died. Thus a crash in native code is the failure of one
example, which hypothesis makes as small as it can, and not the end of the suite.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import resource
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

REPOSITORY = Path(__file__).parents[1]
SECONDS = 20
"""How long one example may take. The start of the child is not counted."""
MEMORY = 2 << 30
"""How much more memory than before its first example the child may ask for, in bytes."""

REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,  # the child has its own limit
    suppress_health_check=list(HealthCheck),
)
"""The same examples in every run. A test adds ``max_examples``."""


@dataclass
class Outcome:
    """What became of one example: what the function returned, or the documented error."""

    value: object
    error: str | None
    message: str


class Victim:
    """A function that is run on damaged files in a process of its own.

    Parameters
    ----------
    function : str
        ``"tests.test_fuzz_x:name"``. It takes a path, and returns what JSON can hold.
    documented : list of str
        The errors that it may raise, as ``"skw2c.exceptions:AudioError"``.
    folder : Path
        Where the damaged files are written.
    **environment : str
        Environment variables of the child, such as ``MALLOC_PERTURB_``.
    """

    def __init__(self, function: str, documented: list[str], folder: Path, **environment: str):
        self._command = [sys.executable, "-m", "tests.fuzzing", function, *documented]
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
            **environment,
        }
        self._folder = Path(folder)
        self._child: subprocess.Popen | None = None

    def __enter__(self) -> Victim:
        return self

    def __exit__(self, *exc_info) -> None:
        self._end()

    def run(self, content: bytes, name: str) -> Outcome:
        """Write the content under the name, and run the function on it."""
        path = self._folder / name
        path.write_bytes(content)
        try:
            return self.run_path(path)
        finally:
            path.unlink()

    def run_path(self, path: Path) -> Outcome:
        """Run the function on a file or folder that is there.

        Raises
        ------
        AssertionError
            If the process died, took too long, or raised what is not documented.
        """
        if self._child is None:
            self._start()
        self._child.stdin.write(f"{os.fspath(path)}\n".encode())
        self._child.stdin.flush()
        answer = self._answer(SECONDS)
        if answer is None:
            self._child.kill()
        if not answer:
            status = self._end()
            how = f"took more than {SECONDS} s" if answer is None else f"died of signal {-status}"
            raise AssertionError(f"{self._command[3]} {how} on {path.name!r}")
        answer = json.loads(base64.b64decode(answer))
        if not answer.pop("documented"):
            raise AssertionError(f"undocumented {answer['error']}: {answer['message']}")
        return Outcome(**answer)

    def _start(self) -> None:
        self._child = subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            cwd=REPOSITORY,
        )
        assert self._answer(600), "the child did not start"

    def _answer(self, seconds: float) -> bytes | None:
        """The next line of the child; empty at its end, None where it takes too long."""
        ready, _, _ = select.select([self._child.stdout], [], [], seconds)
        return self._child.stdout.readline() if ready else None

    def _end(self) -> int:
        if self._child is None:
            return 0
        child, self._child = self._child, None
        child.stdin.close()
        status = child.wait()
        child.stdout.close()
        return status


@st.composite
def damaged(draw, contents: dict[str, bytes], most: int = 4):
    """Draw a name and its content with up to ``most`` damages, most of them near the start.

    Parameters
    ----------
    contents : dict of {str: bytes}
        Whole files by name.
    """
    name = draw(st.sampled_from(sorted(contents)))
    content = bytearray(contents[name])
    for _ in range(draw(st.integers(1, most))):
        _damage(draw, content)
    return name, bytes(content)


def _damage(draw, content: bytearray) -> None:
    last = max(len(content) - 1, 0)
    # Headers say how the rest is read, and are short: half of all damage goes there.
    place = draw(st.one_of(st.integers(0, min(last, 200)), st.integers(0, last)))
    length = draw(st.integers(1, 64))
    kind = draw(st.sampled_from(["flip", "number", "cut", "remove", "repeat", "zero", "noise"]))
    span = slice(place, place + length)
    if kind == "flip" and content:
        content[place] ^= 1 << draw(st.integers(0, 7))
    elif kind == "number":
        width = draw(st.sampled_from([1, 2, 4, 8]))
        value = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])) if width == 1 else _extreme(draw)
        order = draw(st.sampled_from(["little", "big"]))
        content[place : place + width] = (value % 256**width).to_bytes(width, order)
    elif kind == "cut":
        del content[place:]
    elif kind == "remove":
        del content[span]
    elif kind == "repeat":
        content[place:place] = content[span]
    elif kind == "zero":
        content[span] = bytes(len(content[span]))
    elif kind == "noise":
        content[span] = draw(st.binary(min_size=length, max_size=length))


def _extreme(draw) -> int:
    power = draw(st.sampled_from([7, 8, 15, 16, 24, 31, 32, 40, 48, 62, 63, 64]))
    return 2**power + draw(st.integers(-2, 2))


def _serve(function: str, documented: list[str]) -> None:
    """Answer each path on the standard input by a line on the standard output."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is not an answer
    run = _resolve(function)
    errors = tuple(map(_resolve, documented))
    if "skw2c" in sys.modules:  # which may import on first use what takes gigabytes
        importlib.import_module("torch")
    limit = _data_size() + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    answers.write(b"ready\n")
    for line in sys.stdin.buffer:
        answer = _attempt(run, os.fsdecode(line[:-1]), errors)
        answers.write(base64.b64encode(json.dumps(answer).encode()) + b"\n")


def _attempt(run, path: str, errors: tuple[type[Exception], ...]) -> dict:
    try:
        value = run(path)
    except Exception as exc:
        known = isinstance(exc, errors)
        name = type(exc).__qualname__
        return {"value": None, "error": name, "message": str(exc)[:2000], "documented": known}
    return {"value": value, "error": None, "message": "", "documented": True}


def _resolve(name: str):
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _data_size() -> int:
    """Private memory of this process that the limit counts, in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        sizes = [line.split() for line in status if line.startswith("VmData")]
    return int(sizes[0][1]) << 10


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2:])
