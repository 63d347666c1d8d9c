"""Build the network of EfficientAT from the tensors of a checkpoint, strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import Network, check_entry, check_names, fill, shapes_of
from ._efficientat_network import HIDDEN, EfficientAT

_MODEL = "EfficientAT"
_TELLS_WIDTH = "classifier.2.weight"


def build_efficientat(state: Mapping[str, Tensor], source: str) -> EfficientAT:
    """Build the network that a checkpoint of the original program describes, in eval mode.

    Its width is that of its entries. The counters of the batch normalisation may be missing;
    all else must fit.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the checkpoint.
    source : str
        Its name, for the error.

    Raises
    ------
    WeightsError
        If the file is of another network, or an entry is missing, unexpected, of another
        shape, or not finite.
    """
    width = _read_width(state, source)
    return fill_strictly(lambda: EfficientAT(width), state, source)


def fill_strictly(make: Callable[[], Network], state: Mapping[str, Tensor], source: str) -> Network:
    """Make a network of the entries of a checkpoint, in eval mode.

    Parameters
    ----------
    make : callable
        Makes the network.
    state : mapping of str to Tensor
        Its entries; the counters of the batch normalisation may be missing.
    source : str
        Name of the checkpoint, for the error.

    Raises
    ------
    WeightsError
        If an entry is missing, unexpected, of another shape, or not finite.
    """
    own = shapes_of(make, source, _MODEL)
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    check_names(
        missing=sorted(own.keys() - state.keys() - counters),
        unexpected=sorted(state.keys() - own.keys()),
        source=source,
        model=_MODEL,
    )
    for name, value in state.items():
        check_entry(name, value, own[name], source, _MODEL)
        if name.endswith("running_var") and (value < 0).any():
            raise WeightsError(f"{source} is damaged: {name} holds negative variances.")
    return fill(make, state)


def _read_width(state: Mapping[str, Tensor], source: str) -> float:
    """Width of the network, as its classifier tells: other layers are rounded to multiples of 8."""
    value = state.get(_TELLS_WIDTH)
    if value is None or value.ndim != 2:
        raise WeightsError(
            f"{source} is not a checkpoint of EfficientAT: {_describe(state)}. Expected "
            f"the entries of a MobileNetV3 of EfficientAT, with a matrix {_TELLS_WIDTH!r}."
        )
    return len(value) / HIDDEN


def _describe(state: Mapping[str, Tensor]) -> str:
    if _TELLS_WIDTH in state:
        return f"{_TELLS_WIDTH} has shape {tuple(state[_TELLS_WIDTH].shape)}"
    return f"its first entry is {str(next(iter(state), None))[:200]!r}"
