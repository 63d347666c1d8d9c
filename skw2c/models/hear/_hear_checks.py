"""Hold a HEAR module to what it states; each error says what was found, and what was expected.

A module that breaks the API gets a ValueError, since all it gives is in doubt. A clip that it
cannot embed is the failure of that clip alone, an AudioError.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np
import torch
from torch import Tensor, nn

from ...exceptions import AudioError
from ._time_grid import STEP_TOLERANCE, TimeGrid

_SIZES = ("sample_rate", "scene_embedding_size", "timestamp_embedding_size")

# Times in seconds are a thousand times too small; the last frames of a clip may be missing.
_TOO_SMALL = 100


def _breach(module: str, found: str, expected: str) -> ValueError:
    return ValueError(
        f"The HEAR module {module!r} does not keep to the HEAR API: {found}, expected {expected}. "
        "Correct the module, or pass an object with the same three functions that corrects it"
    )


def check_model(module: str, model) -> dict[str, int]:
    """The rate and the sizes that a model states, by the names of its attributes."""
    if not isinstance(model, nn.Module):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise _breach(
            module,
            f"load_model returned a {kind}",
            "a torch.nn.Module (models of TensorFlow are not run here)",
        )
    return {name: _check_size(module, model, name) for name in _SIZES}


def _check_size(module: str, model: nn.Module, name: str) -> int:
    if not hasattr(model, name):
        raise _breach(module, f"its model has no attribute {name}", "a positive int")
    value = getattr(model, name)
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise _breach(module, f"its model has {name}={value!r}", "a positive int")
    return int(value)


def check_scene(module: str, vectors, width: int) -> np.ndarray:
    """The vector (1, width) of one clip, float32."""
    call = "get_scene_embeddings"
    _check_numbers(module, vectors, f"{call} returned")
    if tuple(vectors.shape) != (1, width):
        raise _breach(
            module,
            f"{call} returned shape {tuple(vectors.shape)} for one clip",
            f"(1, {width}), which is one row of the scene_embedding_size that its model states",
        )
    return _to_array(vectors)


def check_timestamps(
    module: str, returned, width: int, n_samples: int, rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors (n_frames, width) of one clip, float32, and their times in milliseconds."""
    call = "get_timestamp_embeddings"
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        kind = type(returned).__name__
        raise _breach(module, f"{call} returned a {kind}", "a pair (embeddings, timestamps)")
    vectors, times = returned
    _check_numbers(module, vectors, f"{call} returned as embeddings")
    _check_numbers(module, times, f"{call} returned as timestamps", integers=True)
    shape = tuple(vectors.shape)
    if len(shape) != 3 or shape[0] != 1 or shape[2] != width:
        raise _breach(
            module,
            f"{call} returned embeddings of shape {shape} for one clip",
            f"(1, n_frames, {width}), which has the timestamp_embedding_size that its model states",
        )
    if tuple(times.shape) != shape[:2]:
        raise _breach(
            module,
            f"{call} returned timestamps of shape {tuple(times.shape)}",
            f"{shape[:2]}, one for each of its embeddings",
        )
    times = times[0].detach().cpu().double().numpy()
    if len(times):
        _check_times(module, times, 1000 * n_samples / rate)
    return _to_array(vectors[0]), times


def _check_numbers(module: str, value, what: str, *, integers: bool = False) -> None:
    """Refuse anything but a tensor of floats; half and double precision will do."""
    if not isinstance(value, Tensor):
        raise _breach(module, f"{what} a {type(value).__name__}", "a torch.Tensor")
    is_integer = not value.is_complex() and value.dtype != torch.bool
    if not (value.is_floating_point() or (integers and is_integer)):
        expected = "torch.float32 (or float16, bfloat16 or float64, which are converted)"
        raise _breach(module, f"{what} a tensor of {value.dtype}", expected)


def _to_array(vectors: Tensor) -> np.ndarray:
    return np.array(vectors.detach().cpu().float().numpy())


def _check_times(module: str, times: np.ndarray, duration: float) -> None:
    """Refuse times that cannot be the centres of frames, in milliseconds."""
    if not np.isfinite(times).all():
        raise _breach(module, "its timestamps contain NaN or infinity", "milliseconds")
    steps = np.diff(times)
    if (steps <= 0).any():
        k = int((steps <= 0).argmax())
        found = f"its timestamps {k} and {k + 1} are {times[k]:g} and {times[k + 1]:g}"
        raise _breach(module, found, "timestamps that increase")
    if len(steps):
        _check_unit(module, times, steps.mean(), duration)


def _check_unit(module: str, times: np.ndarray, spacing: float, duration: float) -> None:
    covered = times[-1] - times[0] + spacing
    if times[-1] > duration + spacing or times[0] < -spacing or covered * _TOO_SMALL < duration:
        raise _breach(
            module,
            f"its timestamps go from {times[0]:g} to {times[-1]:g} in a clip of {duration:g} "
            "milliseconds",
            "milliseconds from the start of the clip (not seconds, nor samples)",
        )


def learn_grid(module: str, times: np.ndarray) -> TimeGrid:
    """The grid of times of which there are two or more."""
    steps = np.diff(times)
    k = int(np.abs(steps - steps.mean()).argmax())
    if abs(steps[k] - steps.mean()) > STEP_TOLERANCE:
        raise _breach(
            module,
            f"its timestamps {k} and {k + 1} are {steps[k]:g} milliseconds apart, and others "
            f"{steps.mean():g}",
            f"equal steps, within {STEP_TOLERANCE:g} millisecond",
        )
    return TimeGrid.through(times)


def check_on_grid(module: str, times: np.ndarray, grid: TimeGrid) -> None:
    """Refuse a clip whose frames are at other times than those of other clips.

    Raises
    ------
    AudioError
    """
    k = grid.find_departure(times)
    if k is not None:
        raise AudioError(
            f"the HEAR module {module!r} says that frame {k} is at {times[k]:g} milliseconds, and "
            f"expected is {grid.centres(k + 1)[k]:g}, as its times of other clips are "
            f"{grid.first:g} and then every {grid.spacing:g}: mode='clip' needs no times"
        )


def check_finite(module: str, vectors: np.ndarray) -> None:
    """Refuse a clip whose vectors are not numbers, or of which there is none.

    Raises
    ------
    AudioError
    """
    if len(vectors) == 0:
        raise AudioError(
            f"the HEAR module {module!r} returned 0 frames for it, expected at least 1: the clip "
            "may be too short for it"
        )
    bad = ~np.isfinite(vectors)
    if bad.any():
        raise AudioError(
            f"the HEAR module {module!r} returned {int(bad.sum())} of {bad.size} numbers for it "
            "that are NaN or infinite; all must be finite: the clip may be too short or too "
            "quiet for it"
        )
