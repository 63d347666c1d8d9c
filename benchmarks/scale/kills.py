"""Kill workers, scheduler and client at random, and see whether any row is lost."""

import io
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from skw2c import embed_corpus

from .sounds import read_rows, same_bits, write_sounds

KINDS = ("worker", "scheduler", "client")
FILES_PER_KILL = 40  # so that the last one comes before the end
LONGEST = 600  # seconds without a new part
CLIENT = """
import sys
from skw2c import embed_corpus
sounds, out, address = sys.argv[1:]
embed_corpus(sounds, out, "mini", address, verbose=False, files_per_part=4)
"""


def measure(folder, options):
    """Yield lines on kills and rows."""
    write_sounds(folder / "sounds", FILES_PER_KILL * options.kills, 1.0, 16000, seed=options.seed)
    embed_corpus(folder / "sounds", folder / "whole", "mini", verbose=False)
    rng, killed, torn = random.Random(options.seed), Counter(), 0  # noqa: S311
    kinds = [KINDS[number % len(KINDS)] for number in range(options.kills)]
    rng.shuffle(kinds)
    with Machinery(folder / "sounds", folder / "out") as machinery:
        for kind in kinds:
            if not machinery.wait_for_part():
                break
            time.sleep(rng.uniform(0, 1))
            machinery.kill(kind)
            killed[kind] += 1
            torn += count_torn(folder / "out")
            machinery.start_again()
        machinery.wait_for_end()
    torn += count_torn(folder / "out")
    rows, whole = read_rows(folder / "out"), read_rows(folder / "whole")
    yield ", ".join(f"{killed[kind]} x {kind}" for kind in KINDS) + " killed by signal 9"
    doubled = len(rows) - rows["file"].nunique()
    lost = len(set(whole["file"]) - set(rows["file"]))
    yield f"{len(whole)} files: {lost} rows lost, {doubled} doubled, {torn} parts torn"
    yield f"same bits as without: {'yes' if same_bits(rows, whole) else 'NO'}"


def count_torn(out):
    """Parts that cannot be read, at this moment."""
    torn = 0
    for path in out.glob("part-*.parquet"):
        try:
            pq.read_table(io.BytesIO(path.read_bytes()))
        except (OSError, ValueError):
            torn += 1
    return torn


class Machinery:
    """Scheduler, two workers and client, each a process."""

    def __init__(self, sounds, out):
        self._sounds, self._out = sounds, Path(out)
        self._processes = {}
        self._n_parts = 0

    def __enter__(self):
        self.start_again()
        return self

    def __exit__(self, *exc_info):
        for process in self._processes.values():
            end(process)

    def is_running(self):
        """Whether the client has not ended by itself."""
        return self._processes["client"].poll() is None

    def wait_for_part(self):
        """Wait until one more part is there than at the last time; False if all are."""
        start = time.monotonic()
        while self.is_running():
            n_parts = len(list(self._out.glob("part-*.parquet")))
            if n_parts > self._n_parts:
                self._n_parts = n_parts
                return True
            if time.monotonic() - start > LONGEST:
                raise TimeoutError(f"no new part within {LONGEST} seconds")
            time.sleep(0.05)
        return False

    def kill(self, kind):
        """Kill a process of a kind, so that it notices nothing."""
        if kind == "worker":
            for process in find_worker(self._processes["worker 0"].pid):
                process.kill()
        else:
            self._processes[kind].kill()
            self._processes[kind].wait()

    def start_again(self):
        """Start what does not run; without its scheduler all of it."""
        scheduler = self._processes.get("scheduler")
        if scheduler is None or scheduler.poll() is not None:
            for process in self._processes.values():
                end(process)
            self._processes = {}
            self._port = free_port()
        for name in ("scheduler", "worker 0", "worker 1", "client"):
            process = self._processes.get(name)
            if process is None or process.poll() is not None:
                self._processes[name] = self._start(name)

    def wait_for_end(self):
        """Wait until the client has ended; start it again where it ended by an error."""
        for _ in range(3):
            if self._processes["client"].wait() == 0:
                return
            self.start_again()
        raise RuntimeError("the client fails again and again")

    def _start(self, name):
        address, port = f"tcp://127.0.0.1:{self._port}", str(self._port)
        commands = {
            "scheduler": f"-m distributed.cli.dask_scheduler --host 127.0.0.1 --port {port}",
            "worker": f"-m distributed.cli.dask_worker {address} --nthreads 1 --memory-limit 0",
        }
        command = commands.get(name.partition(" ")[0], "").split()
        command = [*command, "--no-dashboard"] if command else ["-c", CLIENT]
        if name == "client":
            command += [str(self._sounds), str(self._out), address]
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *command],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )


def find_worker(nanny):
    """The worker of a nanny, which starts another one; none if it is not there at the moment."""
    try:
        children = psutil.Process(nanny).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:  # zombies too
        return []


def end(process):
    """End a process and those that it has started."""
    if process.poll() is not None:  # its number may be that of another one now
        return
    own = psutil.Process(process.pid)
    for member in [*own.children(recursive=True), own]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
