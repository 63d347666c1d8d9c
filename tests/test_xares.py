"""Encoders as X-ARES calls them, by the rules of its checker."""

import numpy as np
import pytest
import torch

from skw2c import Wav2CLIPTransformer, YAMNetTransformer
from skw2c.xares import XARESEncoder

from .tolerances import assert_close


@pytest.mark.parametrize("encoder", ["mini", YAMNetTransformer(None, random_state=0)], ids=str)
@pytest.mark.filterwarnings("ignore:Float samples of row")
def test_what_the_checker_asks(encoder):
    """Two rows of normal numbers, far beyond [-1, 1], as that program has it."""
    model = XARESEncoder(encoder)
    assert type(model).__name__.endswith("Encoder")
    assert isinstance(model, torch.nn.Module)
    assert isinstance(model.sampling_rate, int)
    assert isinstance(model.output_dim, int)
    assert model.hop_size_in_ms > 0
    sound = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 50_000)).astype(np.float32))
    vectors = model(sound)
    assert vectors.ndim == 3
    assert vectors.dtype == torch.float32
    assert (vectors.shape[0], vectors.shape[2]) == (2, model.output_dim)
    assert_close(model(sound[1])[0], vectors[1])


def test_windows_are_those_of_the_encoder(waveforms):
    model = XARESEncoder("mini", hop_length=0.25)
    own = Wav2CLIPTransformer("mini", output="words", mode="frame", tail="pad", hop_length=0.25)
    expected = own.fit_transform(waveforms[1:2])
    assert_close(model(torch.from_numpy(waveforms[1])), expected)


def test_encoders_without_windows():
    with pytest.raises(ValueError, match="encoder='passthrough' has no frame mode with"):
        XARESEncoder("passthrough")
