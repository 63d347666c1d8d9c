"""Compare the entries of a checkpoint with those of the network that they are to fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..exceptions import WeightsError

_MAX_NAME = 200  # characters of a name that a message shows
_DRAWING = ("normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_", "trunc_normal_")


Network = TypeVar("Network", bound=nn.Module)


def shapes_of(make: Callable[[], nn.Module], source: str, model: str) -> dict[str, Tensor]:
    """Entries of the network that a checkpoint describes, without their numbers.

    A few large entries can describe a network too large for any memory. So its shapes are compared
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
        If a network cannot have such shapes.
    """
    try:
        with torch.device("meta"), _Undrawn():
            return make().float().state_dict()
    except (RuntimeError, TypeError, ValueError) as exc:
        first_line = str(exc).partition("\n")[0]
        raise WeightsError(
            f"{source} does not fit {model}: no network has such shapes ({first_line})."
        ) from exc


def fill(make: Callable[[], Network], values: Mapping[str, Tensor]) -> Network:
    """Make a network of tensors that fit it, in eval mode; they become its own, without a copy.

    Parameters
    ----------
    make : callable
        Makes the network, whose first numbers are not drawn.
    values : mapping of str to Tensor
        All of its entries, except the counters of normalisations.
    """
    with _Undrawn():
        module = make().float().eval()
    own = module.state_dict()
    module.load_state_dict(
        {
            name: values[name].to(value.dtype) if name in values else value
            for name, value in own.items()
        },
        assign=True,
    )
    return module.requires_grad_(False)


class _Undrawn(TorchFunctionMode):
    """Leaves out what draws the first numbers of a network.

    It would take memory and time; and without memory torch can do it only after it has loaded a
    compiler, in seconds.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function.__name__ in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        if function in (torch.arange, torch.hann_window, torch.linspace):  # some thousand numbers
            kwargs = {**(kwargs or {}), "device": "cpu"}
        return function(*args, **(kwargs or {}))


def check_names(missing: list[str], unexpected: list[str], source: str, model: str) -> None:
    """Raise an error that names what a checkpoint lacks or has beyond the model."""
    if missing or unexpected:
        raise WeightsError(
            f"{source} does not fit {model}. Missing: {_shorten(missing)}. "
            f"Unexpected: {_shorten(unexpected)}."
        )


def _shorten(names: list[str], limit: int = 10) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(name[:_MAX_NAME] for name in names[:limit]) + more) or "none"


def check_entry(name: str, value: Tensor, own: Tensor, source: str, model: str) -> None:
    """Raise an error if an entry has another shape than the model's own, or is not finite."""
    if value.shape != own.shape:
        raise WeightsError(
            f"{source} does not fit {model}: {name} has shape {tuple(value.shape)}, "
            f"expected {tuple(own.shape)}."
        )
    if value.is_complex():
        raise WeightsError(f"{source} does not fit {model}: {name} holds complex numbers.")
    # Some formats of eight bits can do nothing but be converted.
    if value.is_floating_point() and not torch.isfinite(value.float()).all():
        raise WeightsError(f"{source} is damaged: {name} holds NaN or infinite values.")
