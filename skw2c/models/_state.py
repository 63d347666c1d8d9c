"""Build Wav2CLIP from the tensors of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..exceptions import WeightsError
from .wav2clip._network import Wav2CLIP
from .wav2clip._resnet import BLOCKS

_PREFIXES = ("audio_encoder.", "audio_transform.")
_FIRST = "audio_encoder.conv1.weight"
_LAST = "audio_transform.sequential.3.weight"
_MAX_NAME = 200  # what a message shows of a name


def build_wav2clip(state: Mapping[str, Tensor], source: str) -> Wav2CLIP:
    """Build the model that the checkpoint describes, in eval mode.

    Entries with other prefixes than ``audio_encoder.`` and ``audio_transform.`` are
    passed over (the release carries the image side too). The window of the spectrogram
    and the counters of the batch normalisation may be missing; all else must fit.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the checkpoint.
    source : str
        Its name, for the error.

    Raises
    ------
    WeightsError
        If an entry is missing, unexpected, of another shape, or not finite.
    """
    state = {name: value for name, value in state.items() if name.startswith(_PREFIXES)}
    configuration = _read_configuration(state, source)
    own = shapes_of(lambda: Wav2CLIP(**configuration), source, "Wav2CLIP")
    optional = {name for name in own if name.endswith(("num_batches_tracked", ".window"))}
    check_names(
        missing=sorted(own.keys() - state.keys() - optional),
        unexpected=sorted(state.keys() - own.keys()),
        source=source,
    )
    for name, value in state.items():
        check_entry(name, value, own[name], source)
    with torch.random.fork_rng(devices=[]):  # what it draws is replaced
        model = Wav2CLIP(**configuration).float().eval()
    own = model.state_dict()
    filled = {name: _default_entry(own[name]) for name in optional}
    filled |= {name: value.to(own[name].dtype) for name, value in state.items()}
    model.load_state_dict(filled, assign=True)
    return model.requires_grad_(False)


def _default_entry(own: Tensor) -> Tensor:
    """What an entry that a checkpoint may lack is taken for: the window, or a counter."""
    if own.is_floating_point():
        return torch.hann_window(len(own), dtype=own.dtype)
    return torch.zeros_like(own)


def _read_configuration(state: Mapping[str, Tensor], source: str) -> dict:
    """Architecture and widths, as the shapes of the entries tell them."""
    first, last = state.get(_FIRST), state.get(_LAST)
    absent = first is None or first.ndim != 4
    if absent or last is None or last.ndim != 2:
        raise WeightsError(
            f"{source} is no checkpoint of Wav2CLIP: it lacks "
            f"{_FIRST if absent else _LAST!r} with {4 if absent else 2} dimensions. "
            "Expected are entries named 'audio_encoder.*' and 'audio_transform.*', as in the "
            "official release."
        )
    layers = {re.match(r"audio_encoder\.layer(\d)\.(\d+)\.", name) for name in state}
    deepest = dict.fromkeys("1234", 0)
    for stage, block in (match.groups() for match in layers if match):
        if stage in deepest:
            deepest[stage] = max(deepest[stage], int(block) + 1)
    blocks = tuple(deepest.values())
    for architecture, known in BLOCKS.items():
        if blocks == known:
            return dict(architecture=architecture, width=first.shape[0], n_outputs=last.shape[0])
    # Not a network we know: the smallest one makes the list of differences readable.
    return dict(architecture="resnet18", width=first.shape[0], n_outputs=last.shape[0])


def shapes_of(make: Callable[[], nn.Module], source: str, model: str) -> dict[str, Tensor]:
    """Entries of the network that a checkpoint describes, without their numbers.

    A few large entries can describe a network that no memory holds. So its shapes are compared
    with those of all entries before it is made.

    Parameters
    ----------
    make : callable
        Makes the network.
    source : str
        Name of the checkpoint, for the error.
    model : str
        What the network is, for the error.

    Raises
    ------
    WeightsError
        If there can be no such network.
    """
    try:
        with torch.device("meta"), _Undrawn():
            return make().float().state_dict()
    except (RuntimeError, TypeError, ValueError) as exc:
        first_line = str(exc).partition("\n")[0]
        raise WeightsError(
            f"{source} does not fit {model}: no network has such shapes ({first_line})."
        ) from exc


class _Undrawn(TorchFunctionMode):
    """Spares what torch can do without memory only after it has loaded a compiler, in seconds."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function.__name__ == "normal_":
            return args[0] if args else kwargs["tensor"]
        if function in (torch.arange, torch.hann_window, torch.linspace):  # some thousand numbers
            kwargs = {**(kwargs or {}), "device": "cpu"}
        return function(*args, **(kwargs or {}))


def check_names(
    missing: list[str], unexpected: list[str], source: str, model: str = "Wav2CLIP"
) -> None:
    """Raise an error that names what a checkpoint lacks or has beyond the model."""
    if missing or unexpected:
        raise WeightsError(
            f"{source} does not fit {model}. Missing: {_shorten(missing)}. "
            f"Unexpected: {_shorten(unexpected)}."
        )


def _shorten(names: list[str], limit: int = 10) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(name[:_MAX_NAME] for name in names[:limit]) + more) or "none"


def check_entry(
    name: str, value: Tensor, own: Tensor, source: str, model: str = "Wav2CLIP"
) -> None:
    """Raise an error if an entry has another shape than the model's own, or is not finite."""
    if value.shape != own.shape:
        raise WeightsError(
            f"{source} does not fit {model}: {name} has shape {tuple(value.shape)}, "
            f"expected {tuple(own.shape)}."
        )
    if value.is_complex():
        raise WeightsError(f"{source} does not fit {model}: {name} holds complex numbers.")
    # Some formats of eight bits know no more than to become others.
    if value.is_floating_point() and not torch.isfinite(value.float()).all():
        raise WeightsError(f"{source} is damaged: {name} holds NaN or infinite values.")
