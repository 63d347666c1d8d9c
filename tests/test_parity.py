"""The vectors are those of the original program, from a checkpoint of the official format."""

import numpy as np
import pytest

from skw2c import Wav2CLIPTransformer, load_audio

# What the README promises. Two programs with other orders of summation on other processors come
# within a tenth of it, and no change of the front end, however small, does.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def oracle(shared):
    return np.load(shared / "oracles" / "wav2clip_outputs.npz")


@pytest.fixture(scope="module")
def waveforms(oracle):
    return [oracle[f"waveform_16k/{row}"] for row in range(8)]


@pytest.fixture(scope="module")
def files(oracle, shared):
    return [str(shared / "data" / "esc10" / "audio" / str(name)) for name in oracle["filename"]]


@pytest.fixture(scope="module")
def checkpoint(shared):
    return shared / "oracles" / "wav2clip_random_checkpoint.pt"


def test_decoding(files, waveforms):
    for file, waveform in zip(files, waveforms, strict=True):
        np.testing.assert_array_equal(load_audio(file)[0], waveform)


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("embedding", "clip_embedding"),
        ("embedding", "clip_embedding_float64"),
        ("encoder", "clip_encoder_feature"),
    ],
)
def test_clip_mode(oracle, checkpoint, files, waveforms, output, key):
    transformer = Wav2CLIPTransformer(checkpoint, output=output)
    for clips in (files, waveforms):
        vectors = transformer.fit_transform(clips)
        np.testing.assert_allclose(vectors, oracle[key], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("hop_length", "n_clips"), [(1.0, 8), (0.5, 2)])
def test_frame_mode(oracle, checkpoint, files, hop_length, n_clips):
    transformer = Wav2CLIPTransformer(checkpoint, mode="frame", hop_length=hop_length)
    frames = transformer.fit_transform(files[:n_clips])
    for row in range(n_clips):
        expected = oracle[f"frame_16000_{round(16000 * hop_length)}/{row}"][0].T
        assert frames[row].shape == expected.shape
        np.testing.assert_allclose(frames[row], expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_array_equal(transformer.frame_times(3)[:, 0], hop_length * np.arange(3))


def test_front_end(oracle, checkpoint, waveforms):
    network = Wav2CLIPTransformer(checkpoint).fit(waveforms)._network()
    spectrogram = network.prepare(waveforms[0], None)[0].numpy()
    difference = np.abs(spectrogram - oracle["normalised_log_spectrogram/0"])
    # The logarithm magnifies the rounding of the FFT where there is hardly any power.
    assert difference.max() < 2e-3
    assert difference.mean() < 5e-6


def test_the_oracle_would_show_statistics_over_the_batch(oracle):
    """The original's vectors of a batch differ from those one by one, which ours must equal."""
    batch = oracle["batch_embedding"]
    single = oracle["clip_embedding"][oracle["batch_index"]]
    assert np.abs(batch - single).max() > 0.1


@pytest.mark.official_weights
def test_official_weights(waveforms):
    vectors = Wav2CLIPTransformer().fit_transform(waveforms)
    assert vectors.shape == (8, 512)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T - 2 * np.eye(8)
    # A trained encoder tells a chainsaw from a clock; a random one gives cosines above 0.99.
    assert similarity.max() < 0.99
