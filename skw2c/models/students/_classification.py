"""A network that learns to tell classes of sound apart, from random weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from .._trainable import Trainable
from ._distillation import encoder_state_of


class Classification(Trainable):
    """An encoder of sound and a linear layer, with the loss of its task.

    The loss is the cross-entropy of the classes; where a clip may have any number of them,
    the mean of the binary cross-entropies.

    Parameters
    ----------
    encoder : nn.Module
        From waveforms (batch, n_samples) to vectors (batch, n_features).
    n_features : int
    n_classes : int
    multilabel : bool
    """

    def __init__(self, encoder: nn.Module, n_features: int, n_classes: int, multilabel: bool):
        super().__init__()
        self.audio_encoder = encoder
        self.classifier = nn.Linear(n_features, n_classes)
        self._loss = binary_cross_entropy_with_logits if multilabel else cross_entropy

    def forward(
        self,
        waveforms: Tensor,
        targets: Tensor,
        texts: None = None,
        gather: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Compute the loss of a batch.

        Parameters
        ----------
        waveforms : Tensor of shape (batch, n_samples)
        targets : Tensor of shape (batch, n_classes)
            1 for the classes of a clip, 0 for others.
        texts : None
            Not used.
        gather : callable or None
            Not used: clips are not compared with each other.
        """
        return self._loss(self.classifier(self.audio_encoder(waveforms)), targets)

    def encoder_state(self) -> dict[str, Tensor]:
        """Tensors of the encoder, on the CPU, as `Wav2CLIPTransformer` reads them."""
        state = {
            name: value
            for name, value in self.state_dict().items()
            if name.startswith("audio_encoder.")
        }
        return encoder_state_of(state, self.audio_encoder)

    def head(self) -> tuple[Tensor, Tensor]:
        """Weights (n_classes, n_features) and biases (n_classes,) of the linear layer."""
        with torch.no_grad():
            return self.classifier.weight.cpu().double(), self.classifier.bias.cpu().double()
