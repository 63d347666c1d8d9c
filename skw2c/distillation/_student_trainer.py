"""What the estimators have in common that train an encoder of sound, named or the user's own."""

from __future__ import annotations

from numbers import Integral

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from ..models import ARCHITECTURES, check_width, hearing_of
from ._sound_trainer import SoundTrainer


class StudentTrainer(SoundTrainer):
    """Base of the estimators with the parameters ``encoder`` and ``encoder_width``.

    What sound is trained on, and at which rate, the encoder tells.
    """

    _parameter_constraints = {
        **SoundTrainer._parameter_constraints,
        "encoder": [StrOptions(set(ARCHITECTURES)), torch.nn.Module],
        "encoder_width": [Interval(Integral, 1, None, closed="left")],
        "lr_patience": [Interval(Integral, 0, None, closed="left")],
    }

    @property
    def _network_rate(self) -> int:
        return hearing_of(self.encoder).sampling_rate

    @property
    def _shortest(self) -> int:
        return hearing_of(self.encoder).shortest

    def _check_encoder(self) -> None:
        """Refuse, before anything is read, what the encoder cannot be trained with."""
        check_width(self.encoder, self.encoder_width)
        self._piece_length()
