"""From X and y to the clips that are trained on: sounds are decoded, targets checked."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import joblib
import numpy as np
import torch
from torch import Tensor

from ..audio import Levels, as_clip, read_whole, warn_of_cancellation, warn_of_scale
from ..exceptions import AudioError, OptionalDependencyError
from ..system._prefetch import prefetch_map
from ..training import Targets, TensorClips, TrainingClips, WaveformClips
from ..validation._groups import number_groups
from ._left_out import LeftOut
from ._target_checks import check_caption_targets, check_directions, list_targets
from ._views import Drawing, Views

_UNREADABLE = (AudioError, OptionalDependencyError)


@dataclass(frozen=True)
class Reading:
    """How the clips of an estimator are read.

    Attributes
    ----------
    sampling_rate : int
        Rate of clips that are arrays, in Hz.
    network_rate : int
        Rate of the waveforms that the network takes, in Hz.
    n_jobs : int or None
        Threads that decode.
    on_error : {"raise", "nan"}
        What becomes of clips that cannot be read, or whose targets hold NaN.
    """

    sampling_rate: int
    network_rate: int
    n_jobs: int | None
    on_error: str


@dataclass(frozen=True)
class Labelling:
    """What belongs to each clip, beside its sound.

    Attributes
    ----------
    targets : array-like
        See `Distiller.fit`.
    frame_rate : float or None, default=None
        Rate of the targets of a clip, in Hz.
    texts : array-like of shape (n_clips, width) or None, default=None
        Vectors of captions.
    groups : array-like of shape (n_clips,) or None, default=None
        Clips of the same group are on one side of the split for validation.
    classes : ndarray of shape (n_clips, n_classes) or None, default=None
        1 for the classes of a clip, each of which is split in the same way. Targets of classes
        may be all the same; those of a teacher are compared with each other, and may not.
    """

    targets: object
    frame_rate: float | None = None
    texts: object = None
    groups: object = None
    classes: np.ndarray | None = None


def collect_clips(items, labelling: Labelling, reading: Reading) -> TrainingClips:
    """Put together what is trained on.

    Parameters
    ----------
    items : list or Tensor of shape (n_clips, n_samples)
        Paths, arrays and tensors; or samples at the network's rate, which stay where they are.
    labelling : Labelling
    reading : Reading

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
        If channels cancel out, or samples are far beyond [-1, 1].
    """
    left_out = LeftOut(reading.on_error)
    groups = number_groups(labelling.groups, len(items))
    targets = list_targets(labelling.targets, len(items), left_out)
    width = targets[0].shape[1]
    texts = check_caption_targets(labelling.texts, len(items), width, left_out)
    items, rows = _read(items, reading, left_out)
    if labelling.classes is None:
        check_directions(targets, rows)
    own = Targets([targets[row] for row in rows], labelling.frame_rate, reading.network_rate)
    clips = _select(items, rows, own, None if texts is None else texts[rows])
    clips.groups = None if groups is None else groups[rows]
    clips.classes = None if labelling.classes is None else labelling.classes[rows]
    return clips


def collect_views(items, groups, reading: Reading, drawing: Drawing) -> Views:
    """Put together the views of clips, whose targets are not known yet.

    Clips that cannot be read are treated as in `collect_clips`.

    Parameters
    ----------
    items : list or Tensor of shape (n_clips, n_samples)
        As for `collect_clips`.
    groups : array-like of shape (n_clips,) or None
        Clips of the same group are on one side of the split for validation.
    reading : Reading
    drawing : Drawing
        How views are drawn.
    """
    left_out = LeftOut(reading.on_error)
    groups = number_groups(groups, len(items))
    items, rows = _read(items, reading, left_out)
    sounds = [_to_floats(items[row]) if isinstance(items, Tensor) else items[row] for row in rows]
    return Views(sounds, rows, drawing, None if groups is None else groups[rows])


def _to_floats(samples: Tensor) -> np.ndarray:
    scale = 1 if samples.is_floating_point() else 32768
    return (samples.detach().cpu().float() / scale).numpy()


def _read(items, reading: Reading, left_out: LeftOut):
    """The samples of clips, None for those that fail, and the rows of the others."""
    if isinstance(items, Tensor):
        _check_tensor(items, left_out)
    else:
        items = _decode(items, reading, left_out)
    rows = left_out.remaining(len(items))
    check_enough_clips(len(rows))
    return items, rows


def _select(items, rows: np.ndarray, targets: Targets, texts) -> TrainingClips:
    if isinstance(items, Tensor):
        kept = items if len(rows) == len(items) else items[torch.from_numpy(rows)]
        return TensorClips(kept, targets, texts)
    return WaveformClips([items[row] for row in rows], targets, texts)


def check_enough_clips(n_clips: int) -> None:
    """Refuse to train on fewer than two clips, which the loss could not tell apart.

    Raises
    ------
    ValueError
    """
    if n_clips < 2:
        raise ValueError(
            f"There are n_samples={n_clips} clips to train on, and at least 2 are needed: "
            "the loss tells clips apart"
        )


def _decode(items: list, reading: Reading, left_out: LeftOut) -> list[np.ndarray | None]:
    """Decode clips in threads; None for those that fail. The arrays are to be read only."""

    def decode(item):
        try:
            clip = as_clip(item, reading.sampling_rate)
            # Arrays that can be trained on as they are must not be in memory twice.
            return read_whole(clip, reading.network_rate, copy=False), clip
        except _UNREADABLE as exc:
            return exc, None
        except MemoryError:
            return AudioError("it takes more memory than there is: cut it into shorter files"), None

    waveforms = []
    decoded: dict[int, tuple[str | None, Levels]] = {}
    n_threads = joblib.effective_n_jobs(reading.n_jobs)
    with closing(prefetch_map(decode, items, n_threads, inner_threads=1)) as results:
        for row, (result, clip) in enumerate(results):
            if clip is not None:
                decoded[row] = (clip.name, clip.levels)
            if isinstance(result, Exception):
                left_out.add(row, _name_of(items[row], reading.sampling_rate), result)
                result = None
            waveforms.append(result)
    warn_of_cancellation(decoded)
    warn_of_scale(decoded)
    return waveforms


def _name_of(item, rate: int) -> str | None:
    try:
        return as_clip(item, rate).name
    except AudioError:
        return None


def _check_tensor(samples: Tensor, left_out: LeftOut) -> None:
    if samples.shape[1] == 0:
        raise ValueError(
            f"X is a tensor of shape {tuple(samples.shape)}: its clips have no samples"
        )
    if samples.is_floating_point():
        for row in (~torch.isfinite(samples).all(dim=1)).nonzero()[:, 0].tolist():
            left_out.add(row, None, ValueError("it holds NaN or infinite samples"))
        peaks = torch.linalg.vector_norm(samples, ord=torch.inf, dim=1).tolist()
        warn_of_scale({row: (None, Levels(peak)) for row, peak in enumerate(peaks)})
    elif samples.dtype != torch.int16:
        raise ValueError(f"X is a tensor of {samples.dtype}, expected floats or 16-bit integers")
