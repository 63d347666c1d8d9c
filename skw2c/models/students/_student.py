"""The encoders of sound that can be trained, and what each takes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from .. import efficientat, wav2clip
from ..wav2clip import AudioEncoder

ARCHITECTURES = (*wav2clip.ARCHITECTURES, *efficientat.WIDTHS)
"""Names of those that are made here."""
FULL_WIDTH = 64
"""The parameter ``encoder_width`` where it changes nothing."""

_HIGHEST_RATE = 1_000_000


@dataclass(frozen=True)
class Hearing:
    """What sound an encoder takes.

    Attributes
    ----------
    sampling_rate : int
        In Hz.
    shortest : int, default=1
        Fewest samples.
    front_end : str, default="of its own"
        What it makes of waveforms before anything is learned, in words.
    """

    sampling_rate: int
    shortest: int = 1
    front_end: str = "of its own"


_BY_FAMILY = {
    wav2clip.ARCHITECTURES: Hearing(
        AudioEncoder.sampling_rate,
        wav2clip.SHORTEST,
        front_end="log spectrogram of Wav2CLIP, standardised clip by clip",
    ),
    tuple(efficientat.WIDTHS): Hearing(
        efficientat.EfficientATEncoder.sampling_rate,
        efficientat.SHORTEST,
        front_end="log-mel spectrogram of EfficientAT, 128 bands",
    ),
}
_HEARING = {name: hearing for names, hearing in _BY_FAMILY.items() for name in names}


def hearing_of(encoder: str | nn.Module) -> Hearing:
    """What sound an encoder takes: one of `ARCHITECTURES`, or a module.

    A module may state its rate as ``sampling_rate``.

    Raises
    ------
    ValueError
        If that is no rate.
    """
    if isinstance(encoder, str):
        return _HEARING[encoder]
    rate = getattr(encoder, "sampling_rate", AudioEncoder.sampling_rate)
    if not isinstance(rate, Integral) or not 1 <= int(rate) <= _HIGHEST_RATE:
        raise ValueError(
            f"encoder has sampling_rate={rate!r}, expected a whole number of Hz of at least 1"
        )
    # Of modules of the user's nothing else is known.
    return Hearing(int(rate), wav2clip.SHORTEST)


def check_width(encoder: str | nn.Module, width: int) -> None:
    """Refuse a width for an encoder whose name states it.

    Raises
    ------
    ValueError
    """
    if isinstance(encoder, str) and encoder in efficientat.WIDTHS and width != FULL_WIDTH:
        others = ", ".join(map(repr, efficientat.WIDTHS))
        raise ValueError(
            f"encoder_width={width} does not apply to encoder={encoder!r}, whose name states its "
            f"width: leave it out, and choose among {others}"
        )


def describe_width(encoder: str | nn.Module, width: int) -> float | str:
    """How wide an encoder is, for its model card."""
    if not isinstance(encoder, str):
        return "of its own"
    return efficientat.WIDTHS.get(encoder, width)


def build_student(encoder: str | nn.Module, width: int) -> tuple[nn.Module, int]:
    """Make the encoder to train, and return it with the dimension of its vectors.

    Parameters
    ----------
    encoder : str or nn.Module
        One of `ARCHITECTURES`. A module goes from waveforms (batch, n_samples), at 16 kHz or
        the rate that it states, to (batch, n_features); it is copied.
    width : int
        Channels of the first stage of a residual network; scales those of a mobilenet.

    Raises
    ------
    ValueError
        If the module does not keep to this, or the width does not apply.
    """
    if isinstance(encoder, nn.Module):
        student = copy.deepcopy(encoder)
        return student, _probe(student)
    check_width(encoder, width)
    own: Any
    if encoder in efficientat.WIDTHS:
        own = efficientat.EfficientATEncoder(efficientat.WIDTHS[encoder])
    else:
        own = wav2clip.make_audio_encoder(encoder, width)
    return own, own.n_features


@torch.no_grad()
def _probe(encoder: nn.Module) -> int:
    """Length of the vectors that a module gives."""
    training, second = encoder.training, hearing_of(encoder).sampling_rate
    vectors = encoder.eval()(torch.zeros(2, second))
    encoder.train(training)
    if not isinstance(vectors, Tensor) or vectors.ndim != 2 or len(vectors) != 2:
        found = tuple(vectors.shape) if isinstance(vectors, Tensor) else type(vectors).__name__
        raise ValueError(
            "encoder must turn waveforms (batch, n_samples) into vectors (batch, n_features), "
            f"and turned (2, {second}) into {found}"
        )
    return vectors.shape[1]
