"""Put the content of a checkpoint back where it came from, as far as it fits."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

_STATE = {
    "epoch": int,
    "step": int,
    "total": float,
    "seconds": float,
    "history": list,
    "best_loss": float,
    "best_epoch": int,
    "best_state": dict,
}
_ENTRY = ("training_loss", "validation_loss")
# What a scheduler changes; the rest of its state follows from its parameters.
_CHANGING = {
    "last_epoch",
    "_step_count",
    "_last_lr",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
    "_get_lr_called_within_step",
    "_is_initial",
}
_MOMENTUM = "momentum_buffer"


class _Stateful(Protocol):
    def state_dict(self) -> dict: ...

    def load_state_dict(self, state: dict): ...


def check_state(state: dict) -> None:
    """Refuse a state of a run that has another structure.

    Raises
    ------
    ValueError
    """
    _expect(isinstance(state, dict) and state.keys() == _STATE.keys(), "standing")
    for name, kind in _STATE.items():
        _expect(type(state[name]) is kind, name)
    history = state["history"]
    _expect(state["epoch"] == len(history) >= state["best_epoch"] >= 0, "epoch")
    _expect(state["step"] >= 0, "step")
    for entry in history:
        numbers = [entry.get(name) for name in _ENTRY] if isinstance(entry, dict) else [None]
        _expect(all(type(number) is float for number in numbers), "history")
    _expect(all(isinstance(value, Tensor) for value in state["best_state"].values()), "state")
    _expect(bool(state["best_epoch"]) == bool(state["best_state"]), "best_epoch")


def check_model(model: nn.Module, state: dict) -> None:
    """Refuse weights that are not those of a model.

    Raises
    ------
    ValueError
    """
    own = model.state_dict()
    _expect(isinstance(state, dict) and state.keys() == own.keys(), "names of weights")
    for name, value in own.items():
        _expect(_is_like_tensor(state[name], value), name)


def _is_like_tensor(value, own: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == own.shape and value.dtype == own.dtype


def load_optimizer(optimizer: Optimizer, content: dict) -> None:
    """Set the state of an optimizer, each of whose tensors has the shape of its parameter.

    Raises
    ------
    ValueError
        If that is not so: the library would compute beyond their ends.
    """
    own = optimizer.state_dict()
    _expect(isinstance(content, dict) and content.keys() == own.keys(), "optimizer")
    groups = content["param_groups"]
    _expect(isinstance(groups, list) and len(groups) == len(own["param_groups"]), "param_groups")
    for group, wanted in zip(groups, own["param_groups"], strict=True):
        _expect(isinstance(group, dict) and group.get("params") == wanted["params"], "params")
        known = wanted.keys() & group.keys() - {"lr"}
        _expect(all(_is_same(group[name], wanted[name]) for name in known), "param_groups")
        _expect(_is_number(group.get("lr")) and group["lr"] >= 0, "learning rate")
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    names = ["step", "exp_avg", "exp_avg_sq"] if isinstance(optimizer, Adam) else [_MOMENTUM]
    _expect(isinstance(content["state"], dict), "optimizer")
    for number, entry in content["state"].items():
        _expect(type(number) is int and 0 <= number < len(parameters), "optimizer")
        _expect(isinstance(entry, dict) and sorted(entry) == sorted(names), "optimizer")
        for name, value in entry.items():
            like = torch.zeros(()) if name == "step" else parameters[number]
            is_absent = value is None and name == _MOMENTUM
            _expect(is_absent or _is_like_tensor(value, like), name)
    optimizer.load_state_dict(content)


def load_scheduler(scheduler: _Stateful, content: dict) -> None:
    """Set where a scheduler is; its parameters must be those that it has.

    Raises
    ------
    ValueError
    """
    own = scheduler.state_dict()
    _expect(isinstance(content, dict), "scheduler")
    known = {name: value for name, value in content.items() if name in own}
    for name, value in known.items():
        is_right = _is_like if name in _CHANGING else _is_same
        _expect(is_right(value, own[name]), name)
    scheduler.load_state_dict(known)


def load_engine(engine: _Stateful, content: dict) -> None:
    """Set what an engine has learned, which are numbers.

    Raises
    ------
    ValueError
    """
    own = engine.state_dict()
    _expect(isinstance(content, dict) and content.keys() == own.keys(), "engine")
    _expect(all(map(_is_number, content.values())), "engine")
    engine.load_state_dict(content)


def _is_same(value, own) -> bool:
    return repr(value) == repr(own)  # what is not plain may not compare as one


def _is_like(value, own) -> bool:
    """Whether a value is a number, or numbers, where another one is."""
    if isinstance(own, list):
        return isinstance(value, list) and len(value) == len(own) and all(map(_is_number, value))
    return _is_number(value)


def _is_number(value) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 53)


def _expect(fits: bool, name: str) -> None:
    if not fits:
        raise ValueError(f"its {name} does not fit")
