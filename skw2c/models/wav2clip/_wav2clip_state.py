"""Build Wav2CLIP from the tensors of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names, shapes_of
from ._resnet import BLOCKS
from ._wav2clip_network import MOBILE, Wav2CLIP

_MODEL = "Wav2CLIP"
_PREFIXES = ("audio_encoder.", "audio_transform.", "word_transform.")
_FIRST = "audio_encoder.conv1.weight"
_FIRST_OF_MOBILE = "audio_encoder.stem.0.weight"
_FEATURES_OF_MOBILE = "audio_encoder.last.0.weight"
_WORDS = "word_transform.sequential.3.weight"
_LAST = "audio_transform.sequential.3.weight"


def build_wav2clip(state: Mapping[str, Tensor], source: str) -> Wav2CLIP:
    """Build the model that the checkpoint describes, in eval mode.

    Entries with other prefixes than ``audio_encoder.``, ``audio_transform.`` and
    ``word_transform.`` are passed over (the release carries the image side too). The window of the
    spectrogram and the counters of the batch normalisation may be missing; all else must fit.

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
    mobile = _FIRST_OF_MOBILE in state
    first = _require(_FEATURES_OF_MOBILE if mobile else _FIRST, 4, state, source)
    last = _require(_LAST, 2, state, source)
    configuration = {"n_outputs": last.shape[0]}
    if _WORDS in state:
        configuration["n_words"] = _require(_WORDS, 2, state, source).shape[0]
    if mobile:
        return configuration | {"architecture": MOBILE, "width": first.shape[0] // 12}
    return configuration | {"architecture": _name_of_blocks(state), "width": first.shape[0]}


def _require(name: str, n_dimensions: int, state: Mapping[str, Tensor], source: str) -> Tensor:
    value = state.get(name)
    if value is None or value.ndim != n_dimensions:
        raise WeightsError(
            f"{source} is not a checkpoint of Wav2CLIP: it lacks {name!r} with {n_dimensions} "
            "dimensions. Expected entries named 'audio_encoder.*' and 'audio_transform.*', as in "
            "the official release."
        )
    return value


def _name_of_blocks(state: Mapping[str, Tensor]) -> str:
    layers = {re.match(r"audio_encoder\.layer(\d)\.(\d+)\.", name) for name in state}
    deepest = dict.fromkeys("1234", 0)
    for stage, block in (match.groups() for match in layers if match):
        if stage in deepest:
            deepest[stage] = max(deepest[stage], int(block) + 1)
    blocks = tuple(deepest.values())
    # Not a network we know: the smallest one makes the list of differences readable.
    return next((name for name, known in BLOCKS.items() if known == blocks), "resnet18")
