"""Augmentation of waveforms, as in the training of AudioCLIP."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class WaveformAugmentation:
    """Scale, shift, reverse and disturb waveforms at random.

    The augmentation of AudioCLIP (Guzhov et al., arXiv 2106.13043), with the factor of the
    time scale as its program draws it. All clips of a batch are treated at once, on the
    device that they are on.

    Parameters
    ----------
    time_scale : float, default=1.5
        A clip plays ``time_scale ** u`` times as fast, u uniform in [-1, 1]. What becomes
        longer than the clip is cropped at random, what becomes shorter is put somewhere
        into a clip of the former length. 1 leaves the time as it is.
    inversion_probability : float, default=0.5
        Probability that a clip is played backwards.
    noise_probability : float, default=0.25
        Probability that white noise is added.
    snr : (float, float), default=(10.0, 120.0)
        Range of the ratio of the clip's power to the noise's, in dB.
    padding : {"silence", "edge"}, default="silence"
        What is around a clip that became shorter: zeros, or its first and its last sample
        as in the program of AudioCLIP.
    shun_silence : bool, default=False
        Whether the start of a clip that became longer is taken instead of a part with less
        than half of the clip's standard deviation, and the end instead of such a start, as
        in that program.
    """

    time_scale: float = 1.5
    inversion_probability: float = 0.5
    noise_probability: float = 0.25
    snr: tuple[float, float] = (10.0, 120.0)
    padding: str = "silence"
    shun_silence: bool = False

    def __call__(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        """Augment waveforms (batch, n_samples); the generator is on their device."""

        def draw(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=waveforms.device)

        n_clips = len(waveforms)
        factors, places = self.time_scale ** (2 * draw(n_clips) - 1), draw(n_clips)
        backwards = draw(n_clips) < self.inversion_probability
        waveforms = torch.where(backwards[:, None], waveforms.flip(1), waveforms)
        waveforms = self._scale_time(waveforms, factors, places)
        low, high = self.snr
        levels = 10 ** (-(low + (high - low) * draw(n_clips)) / 20)
        levels = levels * (draw(n_clips) < self.noise_probability)
        loudness = waveforms.square().mean(1).sqrt()
        noise = torch.randn(waveforms.shape, generator=generator, device=waveforms.device)
        return waveforms + (levels * loudness)[:, None] * noise

    def _scale_time(self, waveforms: Tensor, factors: Tensor, places: Tensor) -> Tensor:
        scaled = _scale_time(waveforms, factors, places, self.padding)
        if not self.shun_silence:
            return scaled
        enough = waveforms.std(1) / 2
        for other_place in (0, 1):
            quiet = (factors < 1) & (scaled.std(1) < enough)
            places = torch.where(quiet, other_place, places)
            scaled = _scale_time(waveforms, factors, places, self.padding)
        return scaled


def _scale_time(waveforms: Tensor, factors: Tensor, places: Tensor, padding: str) -> Tensor:
    """Play each waveform ``factors`` times as fast, by linear interpolation.

    ``places``, from 0 to 1, say which part is taken, or where in the padding it is put.
    """
    n_samples = waveforms.shape[1]
    factors, places = factors.double(), places.double()  # single precision is audible as noise
    room = n_samples / factors - n_samples
    times = torch.arange(n_samples, device=waveforms.device) + (places * room)[:, None]
    positions = times * factors[:, None]
    inside = (positions >= 0) & (positions <= n_samples - 1)
    before = positions.clamp(0, n_samples - 1).floor()
    part = (positions.clamp(0, n_samples - 1) - before).to(waveforms.dtype)
    left = waveforms.gather(1, before.long())
    right = waveforms.gather(1, (before.long() + 1).clamp(max=n_samples - 1))
    scaled = left + part * (right - left)
    return scaled if padding == "edge" else torch.where(inside, scaled, 0.0)
