"""From clips to vectors: share the work out, batch, keep going, lose no row."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, count

import joblib
import numpy as np

from ..audio import Levels, SoundClip, as_clip, read_up_to, warn_of_cancellation, warn_of_scale
from ..exceptions import AudioError, OptionalDependencyError
from ..models._arrays import concatenate
from ..models._framing import Framing
from ..models._frozen_encoder import FrozenEncoder, Inputs
from ..system._memory_errors import is_lack_of_memory
from ..system._prefetch import prefetch, prefetch_map
from ..system._vector_store import VectorStore
from ._batches import Batches
from ._rows import Results, collect_rows, to_unit_length

_UNREADABLE = (AudioError, OptionalDependencyError)
_NO_MEMORY = "there is not enough memory to embed it"
_ROWS_PER_TASK = 8
_MOST_WORKERS = 8


@dataclass
class _Prepared:
    """A clip that waits for the network, with the key under which its vectors are kept."""

    row: int
    clip: SoundClip
    key: str | None
    inputs: Inputs


class ClipEmbedder:
    """Embed clips with a frozen network.

    Parameters
    ----------
    network : FrozenEncoder
        The network.
    framing : Framing or None
        None embeds each clip as one frame.
    pool : callable or None
        Makes the row of a clip of the vectors of its frames, which come in parts; such as
        `average`. None keeps them all.
    output : str
        Which vector, one of the network's.
    rate : int
        Rate of clips that are arrays, in Hz.
    batch_size : int
        Largest number of frames in a batch of the network.
    n_jobs : int or None
        Threads that decode ahead.
    store : VectorStore
        Where vectors are kept.
    on_error : {"raise", "nan"}
        What to do with a clip that cannot be read.
    heeds_scale : bool
        Whether the vectors depend on how large the samples are.
    verbose : bool or int
        Whether to show progress.
    """

    def __init__(
        self,
        network: FrozenEncoder,
        *,
        framing: Framing | None,
        pool: Callable[[Iterable[np.ndarray]], np.ndarray] | None,
        output: str,
        rate: int,
        batch_size: int,
        n_jobs: int | None,
        store: VectorStore,
        on_error: str,
        heeds_scale: bool,
        verbose,
    ):
        self._network = network
        self._framing = framing
        self._join = pool or _concatenate
        self._output = output
        self._rate = rate
        self._batch_size = batch_size
        self._batches = Batches(network, output, batch_size)
        self._n_jobs = joblib.effective_n_jobs(n_jobs)
        self._store = store
        self._on_error = on_error
        self._heeds_scale = heeds_scale
        self._verbose = verbose
        self._lengths: dict[int, int] = {}
        self._levels: dict[int, tuple[str | None, Levels]] = {}
        self._numbers = count()

    @property
    def n_workers(self) -> int:
        """How many threads work on many clips; on a CPU each runs the network too."""
        return self._share_out(1 << 20)[0]

    @property
    def n_at_once(self) -> int:
        """How many clips a thread on a CPU computes together, if they are short.

        Who embeds a corpus part by part, and later what has changed, is to get the same bits.
        """
        return min(self._batch_size, _ROWS_PER_TASK) if self._network.keeps_bits else 1

    @property
    def is_best_in_threads(self) -> bool:
        """Whether threads that compute a few clips each are as quick as large batches."""
        return self._network.device_type == "cpu" and not self._network.one_at_a_time

    def embed(self, items: list) -> list[np.ndarray]:
        """Embed each item as (n_frames, width) float32; a failed one is a row of NaN.

        Warns
        -----
        FailedClipWarning
            Once, if there are failed clips.
        UserWarning
            Once each, if channels cancel out, samples are far beyond [-1, 1] and the vectors depend
            on it, or there was not enough memory for batches.

        Raises
        ------
        AudioError, OptionalDependencyError
            At the first failed clip, under ``on_error="raise"``. The message names the
            row and the file.
        """
        self._lengths, self._levels = {}, {}
        with self._network.exact():
            vectors = collect_rows(
                items,
                self._results(items),
                width=self._network.widths[self._output],
                unit="clip",
                name_of=self._name_of,
                on_error=self._on_error,
                verbose=self._verbose,
            )
        self._batches.warn_of_halving()
        warn_of_cancellation(self._levels)
        if self._heeds_scale:
            warn_of_scale(self._levels)
        return vectors

    def embed_here(
        self, items: list, stopped: threading.Event
    ) -> list[tuple[np.ndarray, float, Levels | None] | Exception]:
        """Embed some clips in the thread that calls this, which may be one of several.

        Their bits depend on nothing else: not on other clips, and not on the number of threads,
        where each of them is limited to one of torch's.

        Parameters
        ----------
        items : list
            The clips; `n_at_once` of them are worth passing at a time.
        stopped : threading.Event
            Ends the work early.

        Returns
        -------
        list of tuple (vectors, seconds, levels), or Exception
            For each clip the vectors (n_frames, width), float32; how long it is; and its levels, if
            there is to warn of it, else None. Or why it cannot be read, which does not name it;
            under ``on_error="raise"`` nothing follows the first of these.

        Raises
        ------
        concurrent.futures.CancelledError
            If it was stopped.
        """
        task = [(next(self._numbers), item) for item in items]
        try:
            with self._network.exact():
                done = dict(self._embed_task(task, stopped))
            self._batches.warn_of_halving()
            return [self._describe(row, item, done[row]) for row, item in task if row in done]
        finally:
            for row, _ in task:
                self._lengths.pop(row, None)
                self._levels.pop(row, None)

    def embed_together(
        self, items: list
    ) -> list[tuple[np.ndarray, float, Levels | None] | Exception]:
        """Embed clips in batches, in threads of its own; what `embed_here` returns."""
        self._lengths, self._levels = {}, {}
        with self._network.exact():
            done = dict(self._results(items))
        self._batches.warn_of_halving()
        return [self._describe(row, items[row], result) for row, result in sorted(done.items())]

    def _describe(self, row: int, item, result):
        """Vectors, seconds and levels of an item; its error as it is."""
        if isinstance(result, Exception):
            return result
        seconds = self._length_of(row, item) / self._network.sampling_rate
        return result, seconds, self._levels.get(row, (None, None))[1]

    def durations(self, items: list) -> np.ndarray:
        """How long items are that were embedded, in seconds; NaN for those that failed.

        Clips that were found in the store are read for it.
        """
        seconds = np.full(len(items), np.nan)
        for row, item in enumerate(items):
            with suppress(*_UNREADABLE):
                seconds[row] = self._length_of(row, item) / self._network.sampling_rate
        return seconds

    def _length_of(self, row: int, item) -> int:
        """Samples of an item, at the network's rate; it is read where they were not counted."""
        if row not in self._lengths:
            blocks = as_clip(item, self._rate).blocks(self._network.sampling_rate)
            self._lengths[row] = sum(map(len, blocks))
        return self._lengths[row]

    def _results(self, items: list) -> Results:
        """Yield (row, vectors or error) of each item, in order."""
        n_workers, inner_threads, size = self._share_out(len(items))
        numbered = list(enumerate(items))
        tasks = [numbered[start : start + size] for start in range(0, len(numbered), size)]
        stopped = threading.Event()
        results = prefetch_map(
            lambda task: self._embed_task(task, stopped),
            tasks,
            n_workers,
            inner_threads=inner_threads,
            stop=stopped.set,
        )
        with closing(results):
            for task_results in results:
                yield from task_results

    def _share_out(self, n_items: int) -> tuple[int, int, int]:
        """Number of workers, of the network's threads in each, and of items in one task.

        On a CPU a thread that computes a clip alone wastes no time waiting for others:
        on two cores this embeds a quarter more clips per second than two threads for
        each clip. On a GPU one worker more than decode keeps the GPU busy, and so it does a
        network that takes one clip at a time.
        """
        n_threads = self._network.n_threads
        if self._network.device_type != "cpu" or self._network.one_at_a_time:
            return min(self._n_jobs + 1, n_items), n_threads, self._batch_size
        n_workers = min(max(self._n_jobs, min(n_threads, _MOST_WORKERS)), n_items)
        size = min(self._batch_size, _ROWS_PER_TASK, -(-n_items // n_workers))
        return n_workers, max(n_threads // n_workers, 1), size

    def _embed_task(self, task: list[tuple[int, object]], stopped: threading.Event) -> list:
        """Embed some items; return (row, vectors or error) of each, in order.

        Where errors are to be raised, the first one ends the task.
        """
        results: dict[int, np.ndarray | Exception] = {}
        by_columns = defaultdict(list)
        for row, item in task:
            done = self._try_to_read(row, item, stopped)
            if isinstance(done, Exception) and self._on_error == "raise":
                return [(row, done)]
            if isinstance(done, _Prepared):
                by_columns[done.inputs.shape[-1]].append(done)
            else:
                results[row] = done
        for group in by_columns.values():
            _check_goes_on(stopped)
            results.update(self._encode(group))
        return sorted(results.items(), key=lambda result: result[0])

    def _try_to_read(self, row: int, item, stopped: threading.Event):
        """What `_read` gives, or the error that keeps this item from being embedded."""
        try:
            return self._read(row, item, stopped)
        except _UNREADABLE as exc:
            return exc
        except (MemoryError, RuntimeError) as exc:
            if not is_lack_of_memory(exc):
                raise
            return _out_of_memory(exc)

    def _read(self, row: int, item, stopped: threading.Event) -> np.ndarray | _Prepared:
        """Read one item: its vectors where they are known or it is long, else inputs."""
        _check_goes_on(stopped)
        clip = as_clip(item, self._rate)
        key = self._store.key(clip)
        vectors = self._store.get(key)
        if vectors is not None:
            self._recall(row, clip, key)
            return vectors
        longest = self._network.longest(self._framing)
        waveform = read_up_to(clip, self._network.sampling_rate, longest)
        if waveform is not None:
            self._lengths[row] = len(waveform)
            return _Prepared(row, clip, key, self._network.prepare(waveform, self._framing))
        parts = self._network.embed_blocks(
            lambda: prefetch(self._blocks(row, clip, stopped)), self._framing, self._output
        )
        vectors = self._join(parts)
        self._keep(row, clip, key, vectors)
        return vectors

    def _keep(self, row: int, clip: SoundClip, key: str | None, vectors: np.ndarray) -> None:
        """Keep the vectors of a clip, and what there is to warn of."""
        remark = clip.levels.to_array()
        if remark is not None:
            self._levels[row] = (clip.name, clip.levels)
            if key is not None:
                self._store.put(f"{key}-heard", remark)
        self._store.put(key, vectors)

    def _recall(self, row: int, clip: SoundClip, key: str | None) -> None:
        """Warn of a clip that is not read again as when it was."""
        remark = self._store.get(f"{key}-heard")
        if remark is not None:
            self._levels[row] = (clip.name, Levels.from_array(remark))

    def _blocks(self, row: int, clip, stopped: threading.Event) -> Iterator[np.ndarray]:
        length = 0
        for block in clip.blocks(self._network.sampling_rate):
            _check_goes_on(stopped)
            length += len(block)
            yield block
        self._lengths[row] = length

    def _encode(self, group: list[_Prepared]) -> dict[int, np.ndarray | Exception]:
        """Embed clips whose frames are of one size; one by one where memory lacks for one."""
        try:
            return self._encode_together(group)
        except (MemoryError, RuntimeError) as exc:
            if not is_lack_of_memory(exc):
                raise
            if len(group) == 1:
                return {group[0].row: _out_of_memory(exc)}
        results = {}
        for clip in group:
            results.update(self._encode([clip]))
        return results

    def _encode_together(self, group: list[_Prepared]) -> dict[int, np.ndarray | Exception]:
        """Run the network on clips whose frames are of one size, as many as fit at a time."""
        vectors = self._batches.encode(concatenate([clip.inputs for clip in group]))
        ends = np.cumsum([len(clip.inputs) for clip in group])
        results: dict[int, np.ndarray | Exception] = {}
        for done, frames in zip(group, np.split(vectors, ends[:-1]), strict=True):
            results[done.row] = joined = self._join([frames])
            self._keep(done.row, done.clip, done.key, joined)
        return results

    def _name_of(self, item) -> str | None:
        try:
            return as_clip(item, self._rate).name
        except AudioError:
            return None


def _out_of_memory(error: Exception) -> AudioError:
    failure = AudioError(_NO_MEMORY)
    failure.__cause__ = error
    return failure


def _concatenate(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate(list(parts))


def average(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Mean of the rows of all parts, as one row; summed up in double precision."""
    total, count = np.zeros(()), 0
    for part in parts:
        total = total + part.sum(axis=0, dtype=np.float64)
        count += len(part)
    return (total / count).astype(np.float32)[None]


def average_directions(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Mean of the rows of all parts scaled to unit length, as one row; a single row as it is."""
    parts = iter(parts)
    first = next(parts)
    second = next(parts, None)
    if len(first) == 1 and second is None:
        return first
    rest = parts if second is None else chain([second], parts)
    return average(map(to_unit_length, chain([first], rest)))


def _check_goes_on(stopped: threading.Event) -> None:
    """End a task whose results nobody waits for any more."""
    if stopped.is_set():
        raise CancelledError
