"""What a shard holds of one video: its sound, the vectors of its frames, and where both are cut."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from ..audio import FileClip, read_whole
from ..exceptions import UnreadableError, VideoError
from ..files import MissingFileError, RemoteError, fetched, is_remote
from ..system._prefetch import prefetch_map
from ..transformers._clip_video_encoder import CLIPVideoEncoder
from ._teacher_targets import embed_texts


class UnreachedError(VideoError):
    """A video elsewhere cannot be fetched, and may be to be had another time."""


@dataclass
class Source:
    """What was read of a video; both begin when the file begins.

    Attributes
    ----------
    waveform : ndarray of shape (n_samples,), int16
    vectors : ndarray of shape (n_frames, width), float16
    """

    waveform: np.ndarray
    vectors: np.ndarray


def read_source(video: str, teacher: CLIPVideoEncoder, rate: int) -> Source | UnreadableError:
    """Read a video, or return the error why it cannot be read.

    Parameters
    ----------
    video : str
        Path or address. What is elsewhere is brought into a temporary file, and deleted.
    teacher : CLIPVideoEncoder
        Fitted, with ``pool=None`` and ``on_error="raise"``.
    rate : int
        Rate of the waveform, in Hz.

    Raises
    ------
    OptionalDependencyError
        If a package for a protocol is missing.
    """
    try:
        with fetched(video) if is_remote(video) else nullcontext(video) as path:
            found = _read(path, teacher, rate)
    except MissingFileError as exc:
        return VideoError(str(exc))
    except RemoteError as exc:
        return UnreachedError(str(exc))
    if isinstance(found, UnreadableError) and path != video:
        return type(found)(str(found).replace(path, video))
    return found


def _read(path: str, teacher: CLIPVideoEncoder, rate: int) -> Source | UnreadableError:
    try:
        waveform = read_whole(FileClip(path), rate)
        return Source(_to_pcm(waveform), _embed_frames(path, teacher))
    except UnreadableError as exc:
        return exc
    except MemoryError:
        return VideoError("it takes more memory than there is: cut it into shorter files")


def _to_pcm(waveform: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(waveform * 32768), -32768, 32767).astype(np.int16)


def _embed_frames(video: str, teacher: CLIPVideoEncoder) -> np.ndarray:
    try:
        [vectors] = teacher.transform([video])
    except VideoError as exc:
        raise exc.__cause__ or exc from None  # the encoder calls every single video row 0
    return _to_halves(vectors)


def _to_halves(vectors: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        halves = vectors.astype(np.float16)
    if not np.isfinite(halves).all():
        raise VideoError("the teacher's vectors are NaN, or too large for 16-bit floats")
    return halves


def embed_captions(texts: list[str], teacher: CLIPVideoEncoder) -> np.ndarray:
    """Embed texts as (n_texts, width), float16, by the CLIP of the teacher."""
    # Several threads of torch's would round the vectors by their number.
    [vectors] = prefetch_map(
        lambda together: embed_texts(together, teacher), [texts], 1, inner_threads=1
    )
    return _to_halves(vectors)


def cut(
    n_samples: int, n_frames: int, rate: int, frame_rate: float, piece_length: float
) -> Iterator[tuple[slice, slice]]:
    """Yield the samples and the frames of equal pieces of about ``piece_length`` seconds.

    A piece begins with the first sample that is heard while some frame is shown, so that
    its own frames, counted from zero, keep their places against the sound.
    """
    duration = n_samples / rate
    n_pieces = max(1, round(duration / piece_length))
    frames = [round(piece * duration / n_pieces * frame_rate) for piece in range(n_pieces)]
    samples = [math.ceil(frame * rate / frame_rate) for frame in frames]
    ends = zip([*samples[1:], n_samples], [*frames[1:], n_frames], strict=True)
    for sample, frame, (last_sample, last_frame) in zip(samples, frames, ends, strict=True):
        first = min(frame, n_frames - 1)
        yield slice(sample, last_sample), slice(first, min(max(last_frame, first + 1), n_frames))
