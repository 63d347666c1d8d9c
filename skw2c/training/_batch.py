"""A batch: tensors that are read on the CPU and go to the device together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor


@dataclass
class Batch:
    """Base of the batches.

    Attributes
    ----------
    n_terms : int
        Number of terms that the model's loss is the sum of: 1 where it is a mean already.
    """

    n_terms = 1

    def inputs(self) -> tuple[Tensor | None, ...]:
        """What the model is called with."""
        raise NotImplementedError

    def pin(self) -> Self:
        """Copy to memory from which a GPU reads by itself."""
        return self._map(lambda tensor: tensor if tensor.is_cuda else tensor.pin_memory())

    def to(self, device: torch.device) -> Self:
        """Put on a device, as the model takes it, without waiting for the copy."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def _map(self, function: Callable[[Tensor], Tensor]) -> Self:
        tensors = {name: own for name, own in vars(self).items() if isinstance(own, Tensor)}
        return replace(self, **{name: function(own) for name, own in tensors.items()})


@dataclass
class SoundBatch(Batch):
    """Pieces of some clips, all of one length.

    Attributes
    ----------
    waveforms : Tensor of shape (batch, n_samples)
        Floats, or 16-bit integers where 32768 stands for 1.
    targets : Tensor of shape (batch, width)
        Targets of the same seconds, float32.
    texts : Tensor of shape (batch, width) or None
        Vectors of captions, float32.
    """

    waveforms: Tensor
    targets: Tensor
    texts: Tensor | None = None

    def inputs(self) -> tuple[Tensor | None, ...]:
        return self.waveforms, self.targets, self.texts

    def to(self, device: torch.device) -> Self:
        # Integers become floats on the device, to which half as many bytes are copied so.
        batch = super().to(device)
        is_pcm = batch.waveforms.dtype == torch.int16
        return replace(batch, waveforms=batch.waveforms.float() / (32768 if is_pcm else 1))
