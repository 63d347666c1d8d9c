"""The base of the networks that are trained, each with the loss of its task."""

from __future__ import annotations

from torch import nn


class Trainable(nn.Module):
    """A network with its loss, as the loop of training calls it.

    ``forward`` takes the tensors of a batch, and last what puts the rows of all processes
    together (or None). It gives the loss of the batch.
    """

    def after_step(self) -> None:
        """Bring parameters back into their range after a step; by default all are free."""

    def describe(self) -> dict[str, float]:
        """What else the history of training notes of each epoch; by default nothing."""
        return {}
