"""Build the network of CED from the tensors of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names, fill, shapes_of
from ._ced_configuration import CEDConfiguration
from ._ced_network import CED

_FIRST, _LAST = "encoder.patch_embed.proj.weight", "outputlayer.1.weight"
_VARIANCES, _COUNTER = "encoder.init_bn.running_var", "encoder.init_bn.num_batches_tracked"
_BLOCK = re.compile(r"encoder\.blocks\.(\d+)\.")
_ENTRIES_OF_A_BLOCK = 12
_WIDTH_OF_A_HEAD = 64


def build_ced(
    state: Mapping[str, Tensor], source: str, stated: CEDConfiguration | None = None
) -> CED:
    """Build the network that the checkpoint describes, in eval mode.

    Width, number of blocks and number of classes are those of its entries. They do not tell the
    number of heads: it is the stated one, or one for 64 numbers of the width.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the checkpoint.
    source : str
        Its name, for the error.
    stated : CEDConfiguration or None
        What is stated beside it.

    Raises
    ------
    WeightsError
        If an entry is missing, unexpected, of another shape, or not finite, or the number of heads
        is not known.
    """
    for name in (_FIRST, _LAST):
        if name not in state or state[name].ndim < 2:
            raise WeightsError(
                f"{source} is not a checkpoint of CED: it lacks {name!r}, and its first entry is "
                f"{next(iter(state), None)!r}. Expected the entries 'encoder.*' and "
                "'outputlayer.*' of the official model.safetensors."
            )
    width = state[_FIRST].shape[0]
    configuration = dict(
        width=width,
        n_heads=_choose_heads(width, stated or CEDConfiguration(), source),
        depth=_count_blocks(state),
        n_classes=state[_LAST].shape[0],
    )
    own = shapes_of(lambda: CED(**configuration), source, "CED")
    check_names(
        missing=sorted(own.keys() - state.keys() - {_COUNTER}),
        unexpected=sorted(state.keys() - own.keys()),
        source=source,
        model="CED",
    )
    for name, value in state.items():
        check_entry(name, value, own[name], source, "CED")
    if (state[_VARIANCES] < 0).any():
        raise WeightsError(f"{source} is damaged: {_VARIANCES} holds negative values.")
    return fill(lambda: CED(**configuration), state)


def _choose_heads(width: int, stated: CEDConfiguration, source: str) -> int:
    if stated.width not in (None, width):
        raise WeightsError(
            f"{source} does not fit the config.json beside it, which states embed_dim="
            f"{stated.width}: the width of the weights is {width}."
        )
    if stated.n_heads is None and (width == 0 or width % _WIDTH_OF_A_HEAD):
        raise WeightsError(
            f"{source} does not tell the number of heads, and its width of {width} is not a "
            f"multiple of {_WIDTH_OF_A_HEAD}, as in the official files. Put the config.json of the "
            "network beside it, with num_heads."
        )
    n_heads = stated.n_heads or width // _WIDTH_OF_A_HEAD
    if width == 0 or width % n_heads:
        raise WeightsError(
            f"{source} does not fit CED: its width of {width} cannot be shared out among "
            f"num_heads={n_heads}, as the config.json beside it states."
        )
    return n_heads


def _count_blocks(state: Mapping[str, Tensor]) -> int:
    numbers = {match[1] for match in map(_BLOCK.match, state) if match}
    # Not more than all entries together can fill: a network of the rest would take long to make.
    return min(len(numbers), -(-len(state) // _ENTRIES_OF_A_BLOCK))
