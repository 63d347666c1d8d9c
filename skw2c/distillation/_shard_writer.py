"""Shards are written: videos are read ahead in threads, and each shard is there whole or not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import joblib
import torch

from ..corpus._division import Report
from ..exceptions import ShardError, UnreadableError, VideoError
from ..system._atomic import replace_atomically
from ..system._prefetch import prefetch_map
from ..training._shard_file import Clip, scan_shard, write_shard
from ..training._shard_record import write_record
from ..transformers._clip_video_encoder import CLIPVideoEncoder
from ._shard_plan import ShardTask, name_shard, width_of
from ._shard_source import Source, UnreachedError, cut, embed_captions, read_source

GO_ON = " To leave such videos out and go on, pass on_error='nan'."


@dataclass(frozen=True)
class ShardTerms:
    """What holds for all shards of a folder.

    Attributes
    ----------
    teacher : CLIPVideoEncoder
        Fitted, with ``pool=None`` and ``on_error="raise"``.
    rate : int
        Rate of the sound, in Hz.
    piece_length : float
        In seconds.
    on_error : {"raise", "nan"}
    n_jobs : int or None
        Videos that are read at the same time.
    """

    teacher: CLIPVideoEncoder
    rate: int
    piece_length: float
    on_error: str
    n_jobs: int | None


class ShardWriter:
    """Write shards into a folder.

    Parameters
    ----------
    folder : Path
    terms : ShardTerms
    """

    def __init__(self, folder: Path, terms: ShardTerms):
        self._folder = folder
        self._terms = terms

    def write(
        self, tasks: list[ShardTask], progress: Callable[[int], None] = lambda n: None
    ) -> Iterator[Report]:
        """Write shards, with videos read ahead; yield a report of each.

        Raises
        ------
        AudioError, VideoError
            If a video cannot be read, under ``on_error="raise"``.
        """
        videos = [(task, place) for task in tasks for place in range(len(task))]
        n_threads = max(1, min(joblib.effective_n_jobs(self._terms.n_jobs), len(videos)))
        sources = prefetch_map(
            lambda video: self._read(*video),
            videos,
            n_threads,
            inner_threads=max(1, torch.get_num_threads() // n_threads),
        )
        with closing(sources):
            for task in tasks:
                taken = _take(task, sources, progress)
                if task.piece:
                    for _ in taken:  # what matters is that the process is still there
                        pass
                else:
                    self._write_shard(task, taken)
                yield Report(task.number, len(task))

    def _read(self, task: ShardTask, place: int) -> Source | UnreadableError:
        cause = task.failed.get(task.rows[place])
        if cause is not None:
            return VideoError(cause)
        return read_source(task.videos[place], self._terms.teacher, self._terms.rate)

    def _write_shard(self, task: ShardTask, sources: Iterator) -> None:
        """Write a shard, index it as a reader would, and note that it is finished."""
        path, width = self._folder / name_shard(task.number), width_of(self._terms.teacher)
        failures: list[tuple[int, UnreadableError]] = []
        with replace_atomically(path) as temporary:
            write_shard(temporary, self._clips(task, sources, failures))
            with open(temporary, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            index, damage = scan_shard(temporary, width, task.captions is not None)
            if damage:
                raise ShardError(f"{path}: the shard reads as damaged after writing ({damage[0]})")
        write_record(
            path,
            index,
            sha256=sha256,
            width=width,
            failures=[(row, str(error)) for row, error in failures],
            unreached=[row for row, error in failures if isinstance(error, UnreachedError)],
        )

    def _clips(self, task: ShardTask, sources: Iterator, failures: list) -> Iterator[Clip]:
        """The clips of a shard; videos that cannot be read are noted in ``failures``."""
        keys = (f"{task.number:06}-{piece:06}" for piece in count())
        texts = (
            None if task.captions is None else embed_captions(task.captions, self._terms.teacher)
        )
        for place, source in enumerate(sources):
            row = task.rows[place]
            if isinstance(source, Source):
                facts = {"name": task.names[place]}
                if task.captions is not None:
                    facts["caption"] = task.captions[place]
                text = None if texts is None else texts[place]
                yield from self._pieces(source, keys, facts, text)
            elif self._terms.on_error == "raise":
                raise type(source)(name_row(row, task.videos[place], str(source))) from source
            else:
                failures.append((row, source))

    def _pieces(self, source: Source, keys: Iterator[str], facts: dict, text) -> Iterator[Clip]:
        terms = self._terms
        shape = len(source.waveform), len(source.vectors)
        for samples, frames in cut(*shape, terms.rate, terms.teacher.fps, terms.piece_length):
            seconds = {
                "start": samples.start / terms.rate,
                "duration": (samples.stop - samples.start) / terms.rate,
            }
            yield Clip(
                key=next(keys),
                waveform=source.waveform[samples],
                vectors=source.vectors[frames],
                facts={**facts, **seconds},
                text=text,
            )


def name_row(row: int, file: str, cause: str) -> str:
    """The message of an error in a video, with the cure."""
    return f"Row {row} ({file!r}): {cause}.{GO_ON}"


def _take(task: ShardTask, sources: Iterator, progress: Callable[[int], None]) -> Iterator:
    """Yield the content of each video of a shard, which are the next that were read."""
    for _ in range(len(task)):
        yield next(sources)
        progress(1)
