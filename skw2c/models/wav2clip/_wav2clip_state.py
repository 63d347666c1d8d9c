"""Build Wav2CLIP from the tensors of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names, shapes_of
from ._resnet import BLOCKS
from ._wav2clip_network import Wav2CLIP

_MODEL = "Wav2CLIP"
_PREFIXES = ("audio_encoder.", "audio_transform.")
_FIRST = "audio_encoder.conv1.weight"
_LAST = "audio_transform.sequential.3.weight"


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
    own = shapes_of(lambda: Wav2CLIP(**configuration), source, _MODEL)
    optional = {name for name in own if name.endswith(("num_batches_tracked", ".window"))}
    check_names(
        missing=sorted(own.keys() - state.keys() - optional),
        unexpected=sorted(state.keys() - own.keys()),
        source=source,
        model=_MODEL,
    )
    for name, value in state.items():
        check_entry(name, value, own[name], source, _MODEL)
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
            f"{source} is not a checkpoint of Wav2CLIP: it lacks "
            f"{_FIRST if absent else _LAST!r} with {4 if absent else 2} dimensions. "
            "Expected entries named 'audio_encoder.*' and 'audio_transform.*', as in the "
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
