"""write_shards: videos in, shards of their sound and of a teacher's vectors out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from numbers import Integral
from pathlib import Path

import joblib
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._version import __version__
from ..exceptions import LeftOutWarning, ShardError, VideoError
from ..images import VideoFile
from ..system._atomic import replace_atomically, write_atomically
from ..system._locks import LockedError, hold_lock
from ..system._prefetch import prefetch_map
from ..system._progress import progress_bar
from ..system._spreadsheets import disarm, disarm_path
from ..system._warning import warn_caller
from ..training._shard_file import Clip, scan_shard, write_shard
from ..training._shard_folder import claim_folder
from ..training._shard_record import Record, read_finished, write_record
from ..transformers._clip_video_encoder import CLIPVideoEncoder
from ..validation._captions import check_captions
from ..validation._images import list_videos
from ..validation._intervals import PER_SECOND, RATE, SECONDS
from ._shard_source import Source, cut, embed_captions, read_source

_FAILURES = "failures.csv"
_GO_ON = " To leave such videos out and go on, pass on_error='nan'."


@validate_params(
    {
        "folder": [str, os.PathLike],
        "teacher": [CLIPVideoEncoder],
        "frame_rate": [PER_SECOND, None],
        "piece_length": [SECONDS],
        "sampling_rate": [RATE],
        "clips_per_shard": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Interval(Integral, None, None, closed="neither"), None],
        "part": [tuple],
        "on_error": [StrOptions({"raise", "nan"})],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def write_shards(
    videos,
    folder,
    *,
    teacher,
    frame_rate=None,
    piece_length=10.0,
    sampling_rate=16000,
    clips_per_shard=1000,
    captions=None,
    n_jobs=None,
    part=(1, 1),
    on_error="nan",
    verbose=True,
):
    """Write the sound of videos, and a teacher's vectors of their frames, as shards.

    What training needs is thereby computed once. The shards are plain tar files in the naming
    of WebDataset; :class:`~skw2c.ClipShards` reads them in any order without loading them.

    Parameters
    ----------
    videos : list, tuple, Series, DataFrame or array of str or Path, of shape (n_videos,)
        Paths of videos with sound.

    folder : str or Path
        Where the shards are written. It is created if it is missing.

    teacher : CLIPVideoEncoder
        What makes the vectors. It is used with ``pool=None``; fitted where it is not.

    frame_rate : float or None, default=None
        Frames per second. None takes the ``fps`` of the teacher.

    piece_length : float, default=10.0
        Longer sounds are cut into equal pieces of about this many seconds: as many as
        the duration divided by this, rounded, so that nothing is left over.

    sampling_rate : int, default=16000
        Rate of the sound in Hz: that of the encoder that is trained on it. Those of
        EfficientAT, such as ``"mn04"``, hear 32000.

    clips_per_shard : int, default=1000
        Videos per shard. All pieces of a video are in the same shard. A video of ten seconds
        takes about 0.6 MB under the default teacher.

    captions : list, tuple, Series or array of str, of shape (n_videos,), or None, default=None
        A text for each video, embedded by the same CLIP.

    n_jobs : int or None, default=None
        Videos that are read at the same time. None is one, -1 as many as there are
        processors.

    part : tuple (k, n), default=(1, 1)
        Write only every n-th shard, beginning with the k-th, so that n machines share the
        work, with the same arguments otherwise. They may share the folder, or their
        folders are copied together afterwards.

    on_error : {"raise", "nan"}, default="nan"
        What becomes of a video that has no sound or no frames, or is damaged. ``"nan"``, as
        elsewhere, goes on: it is left out, and listed with the cause in one
        :class:`~skw2c.exceptions.LeftOutWarning`, in the result, and in the file
        ``failures.csv`` of the folder. ``"raise"`` stops; shards that are finished stay.

    verbose : bool or int, default=True
        Whether to show a progress bar.

    Returns
    -------
    result : Bunch
        Of this part, including what was there before: ``n_clips`` (int), ``seconds`` (float,
        of sound) and ``failures`` (list of tuple (row, file, cause)).

    Raises
    ------
    ShardError
        If the folder holds shards of other videos or of another configuration, or another run
        is writing the same part of them.
    AudioError, VideoError
        If a video cannot be read and ``on_error="raise"``.
    TextError
        If a caption is not a string.
    ValueError, TypeError
        If another argument is wrong.

    Warns
    -----
    LeftOutWarning
        If videos could not be read and ``on_error="nan"``.

    See Also
    --------
    ClipShards : Reads the shards.

    Notes
    -----
    Each shard appears complete or not at all. Run again with the same arguments, an interrupted
    run goes on: shards that are finished are kept, with the failures in them. To try failed
    videos again, delete their shards.

    A clip ``K`` has the members ``K.audio.npy`` (n_samples,), int16;
    ``K.vectors.npy`` (n_frames, width), float16; with captions ``K.text.npy`` (width,),
    float16; and ``K.json``: ``name`` of the video relative to the folder that all videos have
    in common, ``start`` and ``duration`` of the piece in seconds, and ``caption``. Videos and
    configuration are in ``shards.json``.

    Time starts with the file, for sound and frames alike. Pieces are cut where a frame
    begins. Frames after the end of the sound are kept with the last piece; sound after the
    end of the frames goes with the last frame.

    Examples
    --------
    An untrained teacher, so that nothing is downloaded; ``videos`` is a list of two paths:

    >>> from skw2c import CLIPVideoEncoder, write_shards
    >>> teacher = CLIPVideoEncoder("ViT-S-32", None, fps=2, random_state=0)
    >>> write_shards(videos, "shards", teacher=teacher, verbose=False)
    {'n_clips': 2, 'seconds': 4.0, 'failures': []}
    """
    videos = _list_videos(videos)
    teacher = _prepare(teacher, frame_rate)
    _check_piece_length(piece_length, teacher.fps)
    texts = _check_captions(captions, len(videos))
    plan = _Plan(videos, texts, clips_per_shard, piece_length, int(sampling_rate))
    own = _shards_of_part(part, len(plan.shards))
    folder = Path(folder)
    claim_folder(folder, plan.describe(teacher))
    with _lock_part(folder, part):
        todo = [number for number in own if _find_finished(folder, plan, number) is None]
        _Writer(folder, plan, teacher, on_error).write(todo, n_jobs, verbose)
        _list_failures(folder, plan)
    result = _sum_up(folder, plan, own)
    if result.failures:
        if on_error == "raise":
            raise VideoError(_name_row(*result.failures[0]))
        n_videos = sum(len(plan.shards[number]) for number in own)
        warn_caller(LeftOutWarning(result.failures, n_videos, "video"))
    return result


def _list_videos(videos) -> list[str]:
    names = []
    for row, item in enumerate(list_videos(videos)):
        try:
            names.append(VideoFile(item).name)
        except VideoError as exc:
            raise VideoError(f"Row {row}: {exc}") from exc
    return names


def _prepare(teacher: CLIPVideoEncoder, frame_rate: float | None) -> CLIPVideoEncoder:
    """A fitted copy that gives the vector of each frame."""
    own = clone(teacher).set_output(transform="default")
    own.set_params(pool=None, on_error="raise", verbose=False)
    if frame_rate is not None:
        own.set_params(fps=frame_rate)
    return own._adopt(teacher.weights_) if hasattr(teacher, "weights_") else own.fit()


def _check_piece_length(piece_length: float, fps: float) -> None:
    if piece_length * fps < 2:
        raise ValueError(
            f"piece_length={piece_length} is too short for {fps} frames per second: pieces are cut "
            "where a frame begins, and need two frames each"
        )


def _check_captions(captions, n_videos: int) -> list[str] | None:
    if captions is None:
        return None
    texts = check_captions(captions)
    if len(texts) != n_videos:
        raise ValueError(f"There are {len(texts)} captions for {n_videos} videos")
    return texts


def _shards_of_part(part: tuple, n_shards: int) -> range:
    if len(part) != 2 or not all(isinstance(number, Integral) for number in part):
        raise ValueError(f"part={part!r} must be two whole numbers (k, n)")
    k, n = part
    if not 1 <= k <= n:
        raise ValueError(f"part={part!r} must be (k, n) with 1 <= k <= n")
    return range(k - 1, n_shards, n)


@contextmanager
def _lock_part(folder: Path, part: tuple) -> Iterator[None]:
    """Keep other runs from writing the same part."""
    k, n = part
    message = (
        f"Another run is writing the shards in {str(folder)!r}, part {k} of {n}. Wait until it "
        "has ended and run the same again, which then goes on with what is missing"
    )
    try:
        with hold_lock(folder / f".part-{k}-of-{n}.lock", message):
            yield
    except LockedError as exc:
        raise ShardError(str(exc)) from exc


def _name_row(row: int, file: str, cause: str) -> str:
    return f"Row {row} ({file!r}): {cause}.{_GO_ON}"


class _Plan:
    """Which videos go into which shard, and how they are cut.

    Parameters
    ----------
    videos : list of str
        Their paths.
    captions : list of str or None
        A text for each.
    clips_per_shard : int
        Videos of each shard.
    piece_length : float
        In seconds.
    rate : int
        Rate of the sound, in Hz.

    Attributes
    ----------
    names : list of str
        Paths relative to the folder that all videos have in common.
    shards : list of range
        Rows of the videos of each shard.
    """

    def __init__(self, videos, captions, clips_per_shard, piece_length, rate):
        self.videos = videos
        self.captions = captions
        self.clips_per_shard = int(clips_per_shard)
        self.piece_length = float(piece_length)
        self.rate = rate
        paths = [os.path.abspath(video) for video in videos]
        root = os.path.commonpath([os.path.dirname(path) for path in paths])
        self.names = [Path(os.path.relpath(path, root)).as_posix() for path in paths]
        rows = range(len(videos))
        self.shards = [
            rows[start : start + self.clips_per_shard] for start in rows[:: self.clips_per_shard]
        ]

    @staticmethod
    def name(number: int) -> str:
        """Name of a shard."""
        return f"clips-{number:06}.tar"

    def describe(self, teacher: CLIPVideoEncoder) -> dict:
        """The content of ``shards.json``."""
        captions = json.dumps(self.captions).encode()
        return {
            "created_by": f"skw2c {__version__}",
            "sampling_rate": self.rate,
            "frame_rate": float(teacher.fps),
            "width": _width_of(teacher),
            "texts": self.captions is not None,
            "teacher": _describe(teacher),
            "piece_length": self.piece_length,
            "clips_per_shard": self.clips_per_shard,
            "captions_sha256": hashlib.sha256(captions).hexdigest() if self.captions else None,
            "shards": {
                self.name(number): [self.names[row] for row in rows]
                for number, rows in enumerate(self.shards)
            },
        }


def _width_of(teacher: CLIPVideoEncoder) -> int:
    return len(teacher.get_feature_names_out())


def _describe(teacher: CLIPVideoEncoder) -> dict:
    """Which CLIP, by names that hold on other machines too."""
    weights = teacher.weights_
    return {
        "model": os.path.basename(weights.model) if weights.is_folder else weights.model,
        "pretrained": weights.pretrained and os.path.basename(weights.pretrained),
        "sha256": weights.sha256,
        "identity": weights.fingerprint,
        "normalize": bool(teacher.normalize),
        "normalize_frames": bool(teacher.normalize_frames),
    }


class _Writer:
    """Write the shards of a plan into a folder."""

    def __init__(self, folder: Path, plan: _Plan, teacher: CLIPVideoEncoder, on_error: str):
        self._folder = folder
        self._plan = plan
        self._teacher = teacher
        self._on_error = on_error

    def write(self, todo: list[int], n_jobs: int | None, verbose) -> None:
        """Write the shards of these numbers, prefetching videos in threads."""
        rows = [row for number in todo for row in self._plan.shards[number]]
        n_threads = max(1, min(joblib.effective_n_jobs(n_jobs), len(rows)))
        sources = prefetch_map(
            lambda row: read_source(self._plan.videos[row], self._teacher, self._plan.rate),
            rows,
            n_threads,
            inner_threads=max(1, joblib.cpu_count() // n_threads),
        )
        drawn = progress_bar(len(rows), unit="video", desc="writing shards", verbose=verbose)
        with drawn as bar, closing(sources):
            for number in todo:
                self._write_shard(number, self._take(number, sources, bar))

    def _take(self, number: int, sources: Iterator, bar) -> Iterator[tuple]:
        """Yield row and content of each video of a shard, which are the next that were read."""
        for row in self._plan.shards[number]:
            yield row, next(sources)
            bar.update()

    def _write_shard(self, number: int, sources: Iterator) -> None:
        """Write a shard, index it as a reader would, and note that it is finished."""
        path, width = self._folder / self._plan.name(number), _width_of(self._teacher)
        failures: list[tuple[int, str]] = []
        with replace_atomically(path) as temporary:
            write_shard(temporary, self._clips(number, sources, failures))
            with open(temporary, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            index, damage = scan_shard(temporary, width, self._plan.captions is not None)
            if damage:
                raise ShardError(f"{path}: the shard reads as damaged after writing ({damage[0]})")
        write_record(path, index, sha256=sha256, width=width, failures=failures)

    def _clips(self, number: int, sources: Iterator, failures: list) -> Iterator[Clip]:
        """The clips of a shard; videos that cannot be read are noted in ``failures``."""
        keys = (f"{number:06}-{piece:06}" for piece in count())
        texts = self._embed_captions(number)
        for row, source in sources:
            if isinstance(source, Source):
                facts = {"name": self._plan.names[row]}
                if texts:
                    facts["caption"] = self._plan.captions[row]
                yield from self._pieces(source, keys, facts, texts.get(row))
            elif self._on_error == "raise":
                error = _name_row(row, self._plan.videos[row], str(source))
                raise type(source)(error) from source
            else:
                failures.append((row, str(source)))

    def _pieces(self, source: Source, keys: Iterator[str], facts: dict, text) -> Iterator[Clip]:
        shape, rate = (len(source.waveform), len(source.vectors)), self._plan.rate
        for samples, frames in cut(*shape, rate, self._teacher.fps, self._plan.piece_length):
            seconds = {
                "start": samples.start / rate,
                "duration": (samples.stop - samples.start) / rate,
            }
            yield Clip(
                key=next(keys),
                waveform=source.waveform[samples],
                vectors=source.vectors[frames],
                facts={**facts, **seconds},
                text=text,
            )

    def _embed_captions(self, number: int) -> dict:
        """Vectors of the captions of a shard, by row."""
        if self._plan.captions is None:
            return {}
        rows = self._plan.shards[number]
        texts = [self._plan.captions[row] for row in rows]
        return dict(zip(rows, embed_captions(texts, self._teacher), strict=True))


def _list_failures(folder: Path, plan: _Plan) -> None:
    """Write the videos that are missing in any shard, also of other parts, as a table."""
    failures = _sum_up(folder, plan, range(len(plan.shards))).failures
    if not failures:
        (folder / _FAILURES).unlink(missing_ok=True)
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["row", "file", "cause"])
    writer.writerows((row, disarm_path(file), disarm(cause)) for row, file, cause in failures)
    write_atomically(folder / _FAILURES, table.getvalue().encode("utf-8", "surrogateescape"))


def _sum_up(folder: Path, plan: _Plan, numbers: range) -> Bunch:
    """What those of some shards hold that are finished."""
    found = (_find_finished(folder, plan, number) for number in numbers)
    records = [record for record in found if record is not None]
    return Bunch(
        n_clips=sum(len(record.clips) for record in records),
        seconds=sum(int(record.clips["n_samples"].sum()) for record in records) / plan.rate,
        failures=[
            (row, plan.videos[row], cause) for record in records for row, cause in record.failures
        ],
    )


def _find_finished(folder: Path, plan: _Plan, number: int) -> Record | None:
    """The record of a shard that is finished, with failures of its own videos alone."""
    record = read_finished(folder / plan.name(number))
    is_whole = record is not None and all(row in plan.shards[number] for row, _ in record.failures)
    return record if is_whole else None
