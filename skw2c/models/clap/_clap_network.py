"""The two sides of CLAP: each a network and a projection into the space of both."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ._htsat import HTSAT
from ._roberta import RoBERTa


class Projection(nn.Module):
    """Two layers that lead into the space of sounds and texts."""

    def __init__(self, n_inputs: int, n_outputs: int):
        super().__init__()
        self.linear1 = nn.Linear(n_inputs, n_outputs)
        self.linear2 = nn.Linear(n_outputs, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.linear1(x).relu())


class AudioSide(nn.Module):
    """CLAP's encoder of sound.

    Parameters
    ----------
    network : HTSAT
    n_outputs : int
    fused : bool
        Whether it was trained with fusion of features, which its front end differs for.
    temperature : float
        What cosines with texts were divided by in training.
    """

    def __init__(self, network: HTSAT, n_outputs: int, fused: bool, temperature: float):
        super().__init__()
        self.network = network
        self.projection = Projection(network.width, n_outputs)
        self.fused = fused
        self.temperature = temperature


class TextSide(nn.Module):
    """CLAP's encoder of texts."""

    def __init__(self, network: RoBERTa, n_outputs: int):
        super().__init__()
        self.network = network
        self.projection = Projection(network.pooler.out_features, n_outputs)

    def forward(self, numbers: Tensor) -> Tensor:
        """Map numbers of tokens (n, length) to vectors (n, n_outputs), not scaled."""
        return self.projection(self.network(numbers))


_WIDTH, _DEPTHS, _HEADS, _RATIO = 96, (2, 2, 6, 2), (4, 8, 16, 32), 4.0
_N_OUTPUTS = 512
_TEMPERATURE = 0.07


def random_audio_side(seed: int) -> AudioSide:
    """An untrained encoder of sound of the size of ``clap-htsat-unfused``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        side = AudioSide(HTSAT(_WIDTH, _DEPTHS, _HEADS, _RATIO), _N_OUTPUTS, False, _TEMPERATURE)
        for layer in side.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0, 1 / math.sqrt(layer.in_features))
        # The levels of sounds, in decibels, are far from 0.
        side.network.bn0.get_buffer("running_mean").fill_(-50.0)
        side.network.bn0.get_buffer("running_var").fill_(400.0)
    return side.eval().requires_grad_(False)
