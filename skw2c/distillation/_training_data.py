"""From X and y to what is trained on: decode the sounds, check the teacher's vectors."""

from __future__ import annotations

import os
import reprlib
from contextlib import closing
from dataclasses import dataclass, field

import joblib
import numpy as np
import torch
from sklearn.utils import column_or_1d
from torch import Tensor

from ..audio import Heard, as_clip, read_up_to, warn_of_cancellation, warn_of_scale
from ..exceptions import AudioError, LeftOutWarning, OptionalDependencyError
from ..system._prefetch import prefetch_map
from ..system._warning import warn_caller
from ..training import SAMPLING_RATE, TeacherVectors, TensorClips, TrainingClips, WaveformClips

_UNREADABLE = (AudioError, OptionalDependencyError)
_GO_ON = "To leave such clips out and go on, pass on_error='nan'."


@dataclass
class _Failures:
    """Rows that cannot be trained on: raised at once, or gathered for one warning.

    Attributes
    ----------
    on_error : {"raise", "nan"}
    causes : dict of int to (str or None, str)
        File and cause, by row.
    """

    on_error: str
    causes: dict[int, tuple[str | None, str]] = field(default_factory=dict)

    def add(self, row: int, file: str | None, error: Exception) -> None:
        """Note a failed row, or raise its error with the row's number."""
        if self.on_error == "raise":
            named = "" if file is None else f" ({file!r})"
            raise type(error)(f"Row {row}{named}: {error}. {_GO_ON}") from error
        self.causes.setdefault(row, (file, str(error)))

    def remaining(self, n_rows: int) -> np.ndarray:
        """Rows that did not fail; one warning tells of the others."""
        if self.causes:
            listed = [(row, *cause) for row, cause in sorted(self.causes.items())]
            warn_caller(LeftOutWarning(listed, n_rows, "clip"))
        return np.array([row for row in range(n_rows) if row not in self.causes], dtype=np.int64)


def _decode(
    items: list,
    rate: int,
    target_rate: int,
    n_jobs: int | None,
    failures: _Failures,
    heeds_scale: bool,
) -> list:
    """Decode clips, ahead in threads; None for those that fail.

    Parameters
    ----------
    items : list
        Paths, arrays and tensors.
    rate : int
        Rate of arrays, in Hz.
    target_rate : int
        Rate of what is decoded, in Hz.
    n_jobs : int or None
    failures : _Failures
    heeds_scale : bool
        Whether to warn of samples that are far beyond [-1, 1].

    Returns
    -------
    list of ndarray of shape (n_samples,), float32, or None
        To be read only.
    """

    def decode(item):
        try:
            clip = as_clip(item, rate)
            # Arrays that can be trained on as they are shall not be in memory twice.
            return read_up_to(clip, target_rate, limit=np.inf, copy=False), clip
        except _UNREADABLE as exc:
            return exc, None
        except MemoryError:
            return AudioError("it takes more memory than there is: cut it into shorter files"), None

    waveforms = []
    heard: dict[int, tuple[str | None, Heard]] = {}
    with closing(
        prefetch_map(decode, items, joblib.effective_n_jobs(n_jobs), inner_threads=1)
    ) as done:
        for row, (result, clip) in enumerate(done):
            if clip is not None:
                heard[row] = (clip.name, clip.heard)
            if isinstance(result, Exception):
                failures.add(row, _name_of(items[row], rate), result)
                result = None
            waveforms.append(result)
    warn_of_cancellation(heard)
    if heeds_scale:
        warn_of_scale(heard)
    return waveforms


def _name_of(item, rate: int) -> str | None:
    try:
        return as_clip(item, rate).name
    except AudioError:
        return None


def _list_vectors(y, n_rows: int, failures: _Failures, name: str = "y") -> list[np.ndarray]:
    """List the vectors of each row, (n_frames, width); those of failed rows as they are.

    Parameters
    ----------
    y : array-like of shape (n_rows, width) or (n_rows, n_frames, width), or sequence of these
    n_rows : int
        Number of clips.
    failures : _Failures
        Is told of rows with NaN.
    name : str
        How messages call y.

    Raises
    ------
    ValueError
        If y does not fit the clips, or its rows do not fit each other.
    """
    rows = [_as_frames(row, number, name) for number, row in enumerate(_rows_of(y, name))]
    if len(rows) != n_rows:
        raise ValueError(
            f"X has {n_rows} clips and {name} has {len(rows)} rows: each clip needs its own, in "
            "the same order"
        )
    width = rows[0].shape[1]
    for number, frames in enumerate(rows):
        if frames.shape[1] != width:
            raise ValueError(
                f"Row {number} of {name} has vectors of {frames.shape[1]} numbers, and row 0 has "
                f"{width}: all must come from one teacher"
            )
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(frames.astype(np.float32), axis=1)
        if not np.isfinite(lengths).all():
            error = ValueError(f"{name} contains NaN, infinity, or numbers too large for float32")
            failures.add(number, None, error)
    return rows


def _rows_of(y, name: str):
    if hasattr(y, "detach"):
        y = y.detach().cpu().float().numpy()
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    if hasattr(y, "toarray"):
        y = y.toarray()
    y = y if isinstance(y, (list, tuple)) else np.asarray(y)
    if not isinstance(y, (list, tuple)) and y.ndim == 0:
        raise TypeError(
            f"{name} is a {type(y[()]).__name__}, and vectors come in an array or a list, one row "
            "for each clip"
        )
    if len(y) and np.ndim(y[0]) == 0 and not isinstance(y[0], (str, os.PathLike)):
        warn_caller(
            f"{name} holds one number for each clip, and a teacher's vectors are (n_clips, width) "
            "or (n_clips, n_frames, width). If these are classes, train a classifier on the "
            "vectors of the sounds instead"
        )
    return y


def _as_frames(row, number: int, name: str) -> np.ndarray:
    row = row.detach().cpu().float() if hasattr(row, "detach") else row
    try:
        frames = np.asarray(row)
        if frames.dtype == object:
            frames = frames.astype(np.float32)
    except (TypeError, ValueError):
        frames = np.asarray(None)
    if frames.dtype.kind not in "fiub":
        raise ValueError(
            f"Row {number} of {name} is {reprlib.repr(row)} of type {type(row).__name__}, and no "
            "vector of numbers. Pictures and videos need a teacher, such as "
            "teacher=CLIPImageEncoder()"
        )
    frames = frames.reshape(1, -1) if frames.ndim < 2 else frames
    if frames.ndim != 2 or 0 in frames.shape:
        raise ValueError(
            f"Row {number} of {name} has the shape {frames.shape}: (width,) or (n_frames, width) "
            "is expected"
        )
    return frames


def _check_directions(vectors: list[np.ndarray], rows: np.ndarray) -> None:
    """Refuse vectors that are all the same: there is nothing to tell apart in them.

    Raises
    ------
    ValueError
        If the vectors of all rows are equal.
    """
    first = _direction(vectors[rows[0]])
    if len(rows) > 1 and all(np.allclose(_direction(vectors[row]), first) for row in rows):
        raise ValueError(
            "y is constant: the vectors of all clips are the same, or have one direction, and the "
            "loss learns to tell directions apart"
        )


def _direction(frames: np.ndarray) -> np.ndarray:
    mean = frames.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(mean)
    # Of a single number there is no direction but its sign; it is left to the loss.
    return mean if len(mean) == 1 or length == 0 else mean / length


def check_number(n_clips: int, least: int = 2) -> None:
    """Refuse to train on so few clips.

    Raises
    ------
    ValueError
        If there are less than ``least``.
    """
    if n_clips < least:
        raise ValueError(
            f"There are n_samples={n_clips} clips to train on, and at least {least} are needed: "
            "the loss tells clips apart"
        )


def collect_clips(
    items, vectors, texts, *, sampling_rate: int, frame_rate: float | None, n_jobs: int | None,
    on_error: str, target_rate: int = SAMPLING_RATE, contrastive: bool = True, groups=None,
    classes: np.ndarray | None = None,
    heeds_scale: bool = True,
) -> TrainingClips:  # fmt: skip
    """Put together what is trained on.

    Parameters
    ----------
    items : list or Tensor of shape (n_clips, n_samples)
        Paths, arrays and tensors; or samples at ``target_rate``, which stay where they are.
    vectors : array-like
        The teacher's, see `Distiller.fit`.
    texts : array-like of shape (n_clips, width) or None
        Vectors of captions.
    sampling_rate : int
        Rate of arrays, in Hz.
    frame_rate : float or None
        Rate of the vectors of a clip, in Hz.
    n_jobs : int or None
        Threads that decode.
    on_error : {"raise", "nan"}
        What becomes of clips that cannot be read, or whose vectors are NaN.
    target_rate : int, default=16000
        Rate of the waveforms that are trained on, in Hz.
    contrastive : bool, default=True
        Whether vectors are compared with each other, so that not all may be the same.
    groups : array-like of shape (n_clips,) or None, default=None
        Clips of the same group are on one side of the split for validation.
    classes : ndarray of shape (n_clips, n_classes) or None, default=None
        1 for the classes of a clip, each of which is split in the same way.
    heeds_scale : bool, default=True
        Whether what is trained depends on how large the samples are.

    Returns
    -------
    TrainingClips

    Raises
    ------
    ValueError
        If these do not fit each other, or cannot be trained on.
    AudioError
        If a clip cannot be read.

    Warns
    -----
    UserWarning
        If channels cancel out, or samples are far beyond [-1, 1] where it matters.
    """
    failures = _Failures(on_error)
    groups = number_groups(groups, len(items))
    vectors = _list_vectors(vectors, len(items), failures)
    texts = _check_texts(texts, len(items), vectors[0].shape[1], failures)
    in_tensor = isinstance(items, Tensor)
    if in_tensor:
        _check_tensor(items, failures, heeds_scale)
    else:
        items = _decode(items, sampling_rate, target_rate, n_jobs, failures, heeds_scale)
    rows = failures.remaining(len(items))
    check_number(len(rows))
    if contrastive:
        _check_directions(vectors, rows)
    targets = TeacherVectors([vectors[row] for row in rows], frame_rate)
    texts = None if texts is None else texts[rows]
    clips = _hold(items, rows, targets, texts)
    clips.groups = None if groups is None else groups[rows]
    clips.classes = None if classes is None else classes[rows]
    return clips


def _hold(items, rows: np.ndarray, targets: TeacherVectors, texts) -> TrainingClips:
    if isinstance(items, Tensor):
        kept = items if len(rows) == len(items) else items[torch.from_numpy(rows)]
        return TensorClips(kept, targets, texts)
    return WaveformClips([items[row] for row in rows], targets, texts)


def number_groups(groups, n_clips: int) -> np.ndarray | None:
    """The group of each clip as a number, in the order in which they come.

    Parameters
    ----------
    groups : array-like of shape (n_clips,) or None
        Words or numbers.
    n_clips : int

    Raises
    ------
    ValueError
        If there is not one for each clip, or one is missing.
    """
    if groups is None:
        return None
    groups = column_or_1d(np.array(list(groups), dtype=object)).tolist()
    if len(groups) != n_clips:
        raise ValueError(f"groups has {len(groups)} rows for {n_clips} clips")
    for row, group in enumerate(groups):
        if group is None or type(group).__name__ in ("NAType", "NaTType") or group != group:
            raise ValueError(
                f"groups has no group at row {row} ({group!r}): give a clip that belongs to no "
                "other a group of its own"
            )
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return np.array([numbers[group] for group in groups])


def _check_tensor(samples: Tensor, failures: _Failures, heeds_scale: bool) -> None:
    if samples.shape[1] == 0:
        raise ValueError(
            f"X is a tensor of shape {tuple(samples.shape)}: its clips have no samples"
        )
    if samples.is_floating_point():
        for row in (~torch.isfinite(samples).all(dim=1)).nonzero()[:, 0].tolist():
            failures.add(row, None, ValueError("it holds NaN or infinite samples"))
        if heeds_scale:
            peaks = torch.linalg.vector_norm(samples, ord=torch.inf, dim=1).tolist()
            warn_of_scale({row: (None, Heard(peak)) for row, peak in enumerate(peaks)})
    elif samples.dtype != torch.int16:
        raise ValueError(
            f"X is a tensor of {samples.dtype}: floats or 16-bit integers are expected"
        )


def _check_texts(texts, n_rows: int, width: int, failures: _Failures) -> np.ndarray | None:
    if texts is None:
        return None
    texts = np.concatenate(_list_vectors(texts, n_rows, failures, name="captions"))
    if texts.shape != (n_rows, width):
        raise ValueError(
            f"captions are vectors of shape {texts.shape}, and ({n_rows}, {width}) is expected: "
            "one for each clip, in the teacher's space"
        )
    return texts.astype(np.float32)
