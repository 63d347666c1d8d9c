"""A student that learns from a teacher's vectors, with the losses of Wav2CLIP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._trainable import Trainable
from ..wav2clip import AudioEncoder, Projection
from ._losses import ContrastiveLoss, CosineLoss

LOSSES = ("cx", "clip", "clip_i", "cosine", "direct")


class Distillation(Trainable):
    """An encoder of sound, its projections and its losses, keyed as in the release.

    With a the encoder's vector of a sound, g and f the projections of sound and image,
    and v the teacher's vector, the losses of Wav2CLIP (Wu et al., arXiv 2110.11499) are

    - ``"cx"``: the mean of L(a, f(v)) and L(g(a), v), each with a scale of its own;
    - ``"clip_i"``: L(a, f(v));
    - ``"clip"``: L(a, v).

    ``"cosine"`` is 1 - cos(g(a), v), for a teacher that hears the same sound, and ``"direct"``
    is 1 - cos(a, v), for an encoder that ends in the teacher's space itself.

    Vectors of captions t add a term to the mean, as in the cooperative training of
    AudioCLIP (Guzhov et al., arXiv 2106.13043): L(g(a), t), L(a, f(t)) or L(a, t); under
    ``"cosine"`` and ``"direct"`` their own with t.

    Parameters
    ----------
    encoder : nn.Module
        From waveforms (batch, n_samples) to vectors (batch, n_features).
    n_features : int
    n_targets : int
        Length of the teacher's vectors.
    loss : {"cx", "clip", "clip_i", "cosine", "direct"}
    with_texts : bool
        Whether there are vectors of captions.
    """

    def __init__(
        self, encoder: nn.Module, n_features: int, n_targets: int, loss: str, with_texts: bool
    ):
        super().__init__()
        self.audio_encoder = encoder
        self.audio_transform = self.image_transform = None
        self.loss_fn_a: ContrastiveLoss | None = None
        self.loss_fn_i: ContrastiveLoss | CosineLoss | None = None
        self.loss_fn_t: ContrastiveLoss | CosineLoss | None = None
        if loss in ("cx", "clip_i"):
            self.image_transform = Projection(n_targets, n_features, n_features)
            self.loss_fn_a = ContrastiveLoss()
        if loss in ("cx", "cosine"):
            self.audio_transform = Projection(n_features, n_targets, n_targets)
        if loss in ("cx", "clip"):
            self.loss_fn_i = ContrastiveLoss()
        if loss in ("cosine", "direct"):
            self.loss_fn_i = CosineLoss()
        if with_texts:
            alone = loss in ("cosine", "direct")
            self.loss_fn_t = CosineLoss() if alone else ContrastiveLoss()

    def forward(
        self,
        waveforms: Tensor,
        targets: Tensor,
        texts: Tensor | None = None,
        gather: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Compute the loss of a batch.

        Parameters
        ----------
        waveforms : Tensor of shape (batch, n_samples)
        targets : Tensor of shape (batch, n_targets)
        texts : Tensor of shape (batch, n_targets) or None
        gather : callable or None
            Puts the rows of all processes together, and hands their gradients back.
        """
        gather = gather or _alone
        sounds = self.audio_encoder(waveforms)
        pairs = self._pair(sounds, targets, texts)
        losses = [loss(gather(x), gather(y)) for loss, x, y in pairs]
        return torch.stack(losses).mean()

    def _pair(self, a: Tensor, v: Tensor, t: Any):
        g, f = self.audio_transform or _alone, self.image_transform or _alone
        projected = g(a)
        if self.loss_fn_a is not None:
            yield self.loss_fn_a, a, f(v)
        if self.loss_fn_i is not None:
            yield self.loss_fn_i, projected, v
        if self.loss_fn_t is not None:
            # Under "clip_i" there is no g, and f is what brings CLIP's vectors to the sounds.
            yield self.loss_fn_t, projected, f(t) if self.audio_transform is None else t

    def after_step(self) -> None:
        """Keep the learned factors of the cosines in their range."""
        for loss in self._losses().values():
            loss.clamp()

    def describe(self) -> dict[str, float]:
        """The learned factors of the cosines, for the history."""
        return {
            f"scale_{name[-1]}": loss.logit_scale.exp().item()
            for name, loss in self._losses().items()
        }

    def _losses(self) -> dict[str, ContrastiveLoss]:
        """Those with a factor that is learned."""
        named = {name: getattr(self, name) for name in ("loss_fn_a", "loss_fn_i", "loss_fn_t")}
        return {name: loss for name, loss in named.items() if isinstance(loss, ContrastiveLoss)}

    def encoder_state(self) -> dict[str, Tensor]:
        """All tensors, on the CPU; with a residual network in the format of the release."""
        return encoder_state_of(self.state_dict(), self.audio_encoder)


def encoder_state_of(state: Mapping[str, Tensor], encoder: nn.Module) -> dict[str, Tensor]:
    """Copy tensors to the CPU; those of a network of Wav2CLIP in the format of the release.

    That format asks for a projection. Where there is none, because the encoder's own vector
    is what is wanted, it is the identity.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries ``audio_encoder.*`` and, where there is a projection, ``audio_transform.*``.
    encoder : nn.Module
        What the first are of.
    """
    copied = {name: value.detach().cpu().clone() for name, value in state.items()}
    projected = any(name.startswith("audio_transform.") for name in copied)
    if not projected and isinstance(encoder, AudioEncoder):
        projection = _identity_projection(encoder.n_features)
        copied |= {f"audio_transform.{name}": value for name, value in projection.items()}
    return copied


def _identity_projection(n: int) -> dict[str, Tensor]:
    # The vectors of a residual network are means of what a rectifier gave, and so pass the
    # rectifier of the projection as they are.
    layers = ("sequential.0", "sequential.3")
    return {f"{layer}.weight": torch.eye(n) for layer in layers} | {
        f"{layer}.bias": torch.zeros(n) for layer in layers
    }


def _alone(x: Tensor) -> Tensor:
    return x
