"""How a model's parameters are moved: the optimizer and the course of its learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    ReduceLROnPlateau,
)

_LR_FACTOR, _SMALLEST_LR = 0.1, 1e-6


class Recipe:
    """Base of the recipes: makes the optimizer, and what sets its learning rate per epoch.

    Attributes
    ----------
    largest_norm : float or None
        Gradients are scaled down to this norm, all together. None leaves them as they are.
    """

    largest_norm: ClassVar[float | None] = None

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        raise NotImplementedError

    def make_scheduler(self, optimizer: Optimizer):
        """Give something with ``step(loss)``, ``state_dict`` and ``load_state_dict``."""
        raise NotImplementedError


@dataclass(frozen=True)
class AdamOnPlateau(Recipe):
    """Adam, whose learning rate falls to a tenth when the loss stands still.

    Attributes
    ----------
    learning_rate : float
        At the start.
    patience : int
        Epochs without a better loss after which it falls.
    """

    learning_rate: float
    patience: int

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        return Adam(parameters, self.learning_rate, fused=True)

    def make_scheduler(self, optimizer: Optimizer) -> ReduceLROnPlateau:
        return ReduceLROnPlateau(
            optimizer, factor=_LR_FACTOR, patience=self.patience, min_lr=_SMALLEST_LR
        )


@dataclass(frozen=True)
class AdamOnCosine(Recipe):
    """Adam, whose learning rate falls as half a wave of the cosine.

    Attributes
    ----------
    learning_rate : float
        In the first epoch.
    n_epochs : int
        Epochs until it would be 0, which no epoch sees.
    """

    learning_rate: float
    n_epochs: int

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        return Adam(parameters, self.learning_rate, fused=True)

    def make_scheduler(self, optimizer: Optimizer) -> CosineAnnealingLR:
        return _Cosine(optimizer, self.n_epochs)


@dataclass(frozen=True)
class ClippedAdamW(Recipe):
    """AdamW at a constant learning rate, with gradients of a norm of 1 at most.

    Attributes
    ----------
    learning_rate : float
    """

    largest_norm = 1.0

    learning_rate: float

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        return AdamW(parameters, self.learning_rate, fused=True)

    def make_scheduler(self, optimizer: Optimizer) -> ConstantLR:
        return _Constant(optimizer, factor=1.0)


@dataclass(frozen=True)
class NesterovSGD(Recipe):
    """Stochastic gradient descent with Nesterov's momentum, slower in each epoch.

    Attributes
    ----------
    learning_rate : float
        In the first epoch.
    decay : float
        What it is multiplied by after each epoch.
    momentum : float
    weight_decay : float
    """

    learning_rate: float
    decay: float
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        return SGD(
            parameters,
            self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=True,
        )

    def make_scheduler(self, optimizer: Optimizer) -> ExponentialLR:
        return _Decay(optimizer, self.decay)


# The schedulers of torch that do not look at the loss take an epoch where this would stand.


class _Constant(ConstantLR):
    def step(self, loss=None) -> None:
        super().step()


class _Decay(ExponentialLR):
    def step(self, loss=None) -> None:
        super().step()


class _Cosine(CosineAnnealingLR):
    def step(self, loss=None) -> None:
        super().step()
