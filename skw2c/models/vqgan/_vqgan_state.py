"""Build VQGAN from the tensors of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names, shapes_of
from ._vqgan_network import VQGAN, VQGANConfiguration

_MODEL = "VQGAN"
_LOSS = "loss."
_FIRST, _LAST = "encoder.conv_in.weight", "encoder.conv_out.weight"
_CODES = "quantize.embedding.weight"


def build_vqgan(state: Mapping[str, Tensor], source: str) -> VQGAN:
    """Build the network that the checkpoint describes, in eval mode.

    Entries ``loss.*``, which the official checkpoints hold beside it, are passed over.

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
    state = {name: value for name, value in state.items() if not name.startswith(_LOSS)}
    configuration = _read_configuration(state, source)
    own = shapes_of(lambda: VQGAN(configuration), f"{source} ({configuration})", _MODEL)
    check_names(
        missing=sorted(own.keys() - state.keys()),
        unexpected=sorted(state.keys() - own.keys()),
        source=source,
        model=_MODEL,
    )
    for name, value in state.items():
        check_entry(name, value, own[name], source, _MODEL)
    with torch.device("meta"):
        network = VQGAN(configuration).eval()
    network.load_state_dict({name: value.float() for name, value in state.items()}, assign=True)
    return network.requires_grad_(False)


def _read_configuration(state: Mapping[str, Tensor], source: str) -> VQGANConfiguration:
    """Sizes, as the shapes of the entries tell them."""
    for name, n_dimensions in ((_FIRST, 4), (_LAST, 4), (_CODES, 2)):
        if name not in state or state[name].ndim != n_dimensions:
            raise WeightsError(
                f"{source} is not a checkpoint of VQGAN: it lacks {name!r} with {n_dimensions} "
                "dimensions. Expected entries named 'encoder.*', 'decoder.*', 'quantize.*', "
                "'quant_conv.*' and 'post_quant_conv.*', as in the official release for "
                "ImageNet; those with Gumbel quantisation are of another kind."
            )
    matches = [re.match(r"encoder\.down\.(\d+)\.(block|attn)\.(\d+)\.", name) for name in state]
    parts = {(int(m[1]), m[2], int(m[3])) for m in matches if m}
    levels = sorted({level for level, _, _ in parts})
    if not levels:
        raise WeightsError(
            f"{source} is not a checkpoint of VQGAN: it lacks entries 'encoder.down.*'. Those "
            "of other programs, such as diffusers, have other names"
        )
    return VQGANConfiguration(
        first_width=state[_FIRST].shape[0],
        widths=tuple(_width_of(level, state, source) for level in levels),
        n_blocks=len({number for _, kind, number in parts if kind == "block"}),
        attention=tuple(sorted({level for level, kind, _ in parts if kind == "attn"})),
        z_channels=state[_LAST].shape[0],
        n_codes=state[_CODES].shape[0],
        code_width=state[_CODES].shape[1],
    )


def _width_of(level: int, state: Mapping[str, Tensor], source: str) -> int:
    name = f"encoder.down.{level}.block.0.conv1.weight"
    if name not in state:
        check_names([name], [], source, _MODEL)
    return state[name].shape[0]
