"""The audio encoder of AudioCLIP, tuned to the texts of a task."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from .._trainable import Trainable
from ._esresnext import ESResNeXtFBSP


class TextTuning(Trainable):
    """The loss by which AudioCLIP is tuned to a task: each sound to its text, and back.

    The texts stay as they are. Guzhov et al. (arXiv 2106.13043) add the cross-entropies of
    both directions, and keep the wavelets at length 1.

    Parameters
    ----------
    encoder : ESResNeXtFBSP
    scale : float
        What cosines are multiplied by.
    """

    def __init__(self, encoder: ESResNeXtFBSP, scale: float):
        super().__init__()
        self.audio = encoder
        self._scale = scale

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
        targets : Tensor of shape (batch, n_outputs)
            The vector of each clip's text.
        texts : None
            Not used.
        gather : callable or None
            Puts the rows of all processes together, and hands their gradients back.
        """
        sounds, words = normalize(self.audio(waveforms).float()), normalize(targets)
        if gather is not None:
            sounds, words = gather(sounds), gather(words)
        # Texts that occur twice in a batch do no harm: the logits of their columns are equal,
        # so the gradient is that of sharing the answer out among them.
        logits = self._scale * sounds @ words.T
        rows = torch.arange(len(logits), device=logits.device)
        loss = cross_entropy(logits, rows) + cross_entropy(logits.T, rows)
        return loss + self.audio.loss_ttf() if self.training else loss

    def encoder_state(self) -> dict[str, Tensor]:
        """Tensors of encoder and scale, on the CPU, keyed as in the official checkpoints."""
        state = {name: value.detach().cpu().clone() for name, value in self.state_dict().items()}
        return {**state, "logit_scale_at": torch.tensor(self._scale).log()}
