"""Wav2CLIP: spectrogram, residual network and the projection into CLIP's space."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..mobilenet._mobilenet import MobileNet
from ._configuration import BLOCKS, MOBILE
from ._log_spectrogram import LogSpectrogram, standardise_clips
from ._resnet import ResNet
from ._spectrogram_sizes import RATE


class AudioEncoder(nn.Module):
    """Mixin: a network together with its front end, keyed as in the release."""

    sampling_rate = RATE
    n_features: int

    def __init__(self, *shape):
        super().__init__(*shape)
        self.spectrogram = LogSpectrogram()

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embed (batch, n_samples) at 16 kHz as (batch, n_features)."""
        return super().forward(self.prepare(waveforms))

    def prepare(self, waveforms: Tensor) -> Tensor:
        """Standardised spectrograms (batch, 1, 257, columns) of waveforms (batch, n_samples)."""
        with torch.no_grad(), torch.autocast(waveforms.device.type, enabled=False):
            inputs = standardise_clips(self.spectrogram(waveforms.float()))[:, None]
        return inputs.contiguous(memory_format=torch.channels_last)


class ResidualAudioEncoder(AudioEncoder, ResNet):
    """The encoder of the paper."""


class MobileAudioEncoder(AudioEncoder, MobileNet):
    """One that suits a CPU."""


def make_audio_encoder(architecture: str, width: int) -> ResidualAudioEncoder | MobileAudioEncoder:
    """Make an encoder with random weights, by its name among `ARCHITECTURES`."""
    if architecture == MOBILE:
        return MobileAudioEncoder(width)
    return ResidualAudioEncoder(BLOCKS[architecture], width)


class Projection(nn.Module):
    """Two linear layers, from the encoder's space to CLIP's."""

    def __init__(self, n_in: int, n_hidden: int, n_out: int, dropout: float = 0.1):
        super().__init__()
        self.sequential = nn.Sequential(
            nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(n_hidden, n_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.sequential(x)


class Wav2CLIP(nn.Module):
    """The audio side of Wav2CLIP (Wu et al., arXiv 2110.11499).

    The parameters carry the names of the released checkpoint.

    Parameters
    ----------
    architecture : {"resnet18", "resnet34", "mobilenet"}
        Network.
    width : int
        Channels of the first stage of a residual network; scales those of a mobilenet.
    n_outputs : int
        Length of the projected vector, the width of CLIP's space.
    n_words : int or None
        Length of the vector in a space of words, where there is a projection into one.
    """

    sampling_rate = AudioEncoder.sampling_rate

    def __init__(
        self,
        architecture: str = "resnet18",
        width: int = 64,
        n_outputs: int = 512,
        n_words: int | None = None,
    ):
        super().__init__()
        self.architecture = architecture
        self.width = width
        self.n_outputs = n_outputs
        self.n_words = n_words
        self.audio_encoder = make_audio_encoder(architecture, width)
        n_features = self.audio_encoder.n_features
        self.audio_transform = Projection(n_features, n_outputs, n_outputs)
        self.word_transform = None
        if n_words is not None:
            self.word_transform = Projection(n_features, n_words, n_words)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embed (batch, n_samples) at 16 kHz as (batch, n_outputs), not normalised."""
        return self.audio_transform(self.audio_encoder(waveforms))

    def projections(self) -> dict[str, Projection]:
        """The projections that there are, by the output that they give."""
        own = {"embedding": self.audio_transform}
        return own if self.word_transform is None else {**own, "words": self.word_transform}


def random_wav2clip(seed: int) -> Wav2CLIP:
    """Draw the untrained full-size model, the same for the same seed, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Wav2CLIP().float().eval()
