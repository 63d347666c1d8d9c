"""Build Wav2CLIP from the tensors of a checkpoint, strictly."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .._state_checks import check_entry, check_names, shapes_of
from ._configuration import PREFIXES, is_optional, read_configuration
from ._wav2clip_network import Wav2CLIP

_MODEL = "Wav2CLIP"


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
    state = {name: value for name, value in state.items() if name.startswith(PREFIXES)}
    configuration = read_configuration(state, source)
    own = shapes_of(lambda: Wav2CLIP(**configuration), source, _MODEL)
    optional = set(filter(is_optional, own))
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
