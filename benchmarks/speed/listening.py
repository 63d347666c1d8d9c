"""How soon the listening page answers for a large library, and how fast it searches and draws.

The library is made of some generated sounds under many names, with vectors near theirs. The
server runs in a process of its own, and is asked over HTTP as a browser asks it. Where others use
the machine, what the server took of the processors tells more than the clock.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil

from benchmarks.speed.search import positive

SOUNDS = 64
SPREAD = 0.03  # standard deviation of what each number of a vector differs by from its sound's
WORDS = ("dog", "rain on a roof", "a siren passes", "footsteps", "a crowd laughs", "wind", "bell")
TARGETS = {"first line": 2000, "search by words": 300, "waveform": 100}


def main(arguments=None):
    """Make the library, start the server, ask it, print a table."""
    options = parse_arguments(arguments)
    with tempfile.TemporaryDirectory() as folder:
        library = options.library or make_library(Path(folder), options.items)
        rows = measure(library)
    print(describe(rows, options))
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=positive, default=100_000)
    parser.add_argument("--library", help="a saved index, in place of a generated one")
    return parser.parse_args(arguments)


def make_library(folder, n_items):
    """Save an index of generated sounds under many names."""
    import soundfile

    from skw2c import AudioIndex
    from skw2c.datasets import make_sound_events
    from skw2c.search._clip_table import ClipTable
    from skw2c.search._content import IndexContent
    from skw2c.search._part import IndexPart

    sounds = make_sound_events(SOUNDS, duration=5.0, sampling_rate=44100, random_state=0)
    files = [str(folder / f"{number:02d}.ogg") for number in range(SOUNDS)]
    for path, waveform in zip(files, sounds.data, strict=True):
        soundfile.write(path, waveform, sounds.sampling_rate)
    index = AudioIndex("mini").fit(files)
    rng = np.random.default_rng(0)
    owners = np.arange(n_items) % SOUNDS
    vectors = index._content.vectors()[owners]
    vectors = vectors + SPREAD * rng.standard_normal(vectors.shape, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sources = [index._content.sources[owner]._replace(named=True) for owner in owners]
    names = [f"recordings/{n // 500:04d}/sound {n:07d} of a library.ogg" for n in range(n_items)]
    ones = np.ones(n_items, np.int64)
    clips = ClipTable.from_lists(names, sources, ones)
    index._set_content(IndexContent([IndexPart(vectors, clips)]))
    index.save(folder / "library")
    return folder / "library"


def measure(library):
    """Milliseconds of each request: lists by what was asked."""
    command = [sys.executable, "-m", "skw2c", "serve", str(library), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    server = Server(process)
    rows = {}

    def ask(name, *paths):
        rows[name] = [server.time(lambda path=path: server.read(path)) for path in paths]

    try:
        rows["first line"] = [server.time(server.read_line)]
        ask("page", "")
        ask("first 100 items", "api/items")
        rows["all is loaded"] = [server.time(server.wait)]
        ask("waveform", *(f"waveform/{number}" for number in range(SOUNDS)))
        ask("waveform again", *(f"waveform/{number}" for number in range(SOUNDS)))
        searches = [f"api/search?words={words.replace(' ', '%20')}" for words in WORDS]
        ask("first search by words", searches[0])
        ask("search by words", *searches)
        ask("more like this", *(f"api/search?item={number}" for number in range(len(WORDS))))
        ask("filter by name", *(f"api/items?text={number}" for number in range(len(WORDS))))
        return rows
    finally:
        process.terminate()
        process.wait()


class Server:
    """A server that runs, and how long it takes to answer, by the clock and of its processors.

    Parameters
    ----------
    process : subprocess.Popen
    """

    def __init__(self, process):
        self._process, self._address = process, None
        self._usage = psutil.Process(process.pid)
        self._start = time.perf_counter()

    def time(self, call):
        """Milliseconds that a call takes, and those that the server works meanwhile."""
        start, used = time.perf_counter(), sum(self._usage.cpu_times()[:2])
        if call == self.read_line:
            start, used = self._start, 0
        call()
        used = sum(self._usage.cpu_times()[:2]) - used
        return 1000 * (time.perf_counter() - start), 1000 * used

    def read_line(self):
        """Wait for the address of the page."""
        self._address = self._process.stdout.readline().strip()

    def read(self, path):
        """What is answered."""
        with urllib.request.urlopen(self._address + path) as answer:  # noqa: S310
            return answer.read()

    def wait(self):
        """Wait until it can search."""
        while json.loads(self.read("api/library"))["state"] == "loading":
            time.sleep(0.05)


def describe(rows, options):
    """A table of what was measured."""
    lines = [
        f"Library of {options.library or format(options.items, ',')} clips, "
        f"{platform.machine()}, Python {platform.python_version()}",
        "",
        "| what | median, ms | slowest, ms | processor, ms | target, ms |",
        "|:--|--:|--:|--:|--:|",
    ]
    for name, pairs in rows.items():
        clock, used = zip(*pairs, strict=True)
        cells = [name, *map(round, (statistics.median(clock), max(clock), statistics.mean(used)))]
        lines.append(f"| {' | '.join(map(str, cells))} | {TARGETS.get(name, '')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
