"""Windows of frame mode: how many, where, and the same from blocks as from the whole."""

import numpy as np
import pytest

from skw2c import Wav2CLIPTransformer
from skw2c.models import Framing

from .tolerances import FEW, assert_close

FRAMINGS = [(10, 10), (10, 5), (10, 3), (10, 1), (10, 25), (7, 10), (1, 1), (1, 4)]


@pytest.mark.parametrize(("length", "hop"), FRAMINGS)
@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 14, 15, 20, 33, 100])
def test_drop(length, hop, n_samples):
    frames = Framing(length, hop).cut(np.arange(1, n_samples + 1))
    whole = [k for k in range(0, n_samples, hop) if k + length <= n_samples]
    assert len(frames) == max(len(whole), 1) == Framing(length, hop).count(n_samples)
    if whole:
        np.testing.assert_array_equal(frames[:, 0], np.array(whole) + 1)
    else:
        np.testing.assert_array_equal(
            frames[0], np.pad(np.arange(1, n_samples + 1), (0, length - n_samples))
        )


@pytest.mark.parametrize(("length", "hop"), FRAMINGS)
@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 14, 15, 20, 33, 100])
def test_pad_covers_every_sample_that_frames_can_cover(length, hop, n_samples):
    framing = Framing(length, hop, pad_tail=True)
    waveform = np.arange(1, n_samples + 1)
    frames = framing.cut(waveform)
    seen = set(frames.ravel()) - {0}
    reachable = {k + 1 for k in range(n_samples) if k % hop < length}
    assert reachable <= seen
    assert all(frame.any() for frame in frames)
    # Without the last frame something would be missing.
    assert len(frames) == 1 or set(frames[:-1].ravel()) - {0} != seen


@pytest.mark.parametrize(("length", "hop"), FRAMINGS)
@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 14, 15, 20, 33, 100])
def test_an_aligned_last_frame_ends_with_the_clip(length, hop, n_samples):
    framing = Framing(length, hop, align_tail=True)
    waveform = np.arange(1, n_samples + 1)
    frames = framing.cut(waveform)
    assert len(frames) == framing.count(n_samples)
    assert frames[-1][-1] == n_samples
    assert frames.shape[1] == min(length, n_samples)
    assert len(frames) == 1 or frames[-2][-1] < n_samples
    for (start, stop), frame in zip(framing.spans(len(frames), n_samples), frames, strict=True):
        np.testing.assert_array_equal(waveform[start:stop], frame)


@pytest.mark.parametrize(("length", "hop"), FRAMINGS)
@pytest.mark.parametrize("tail", [{}, {"pad_tail": True}, {"align_tail": True}], ids=str)
@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 15, 57, 100, 203])
@pytest.mark.parametrize("n_frames", [1, 3])
def test_blocks(length, hop, tail, n_samples, n_frames):
    framing = Framing(length, hop, **tail)
    waveform = np.arange(1, n_samples + 1, dtype=np.float32)
    expected = framing.cut(waveform)
    for block_length in (1, 4, 64, 500):
        blocks = np.split(waveform, range(block_length, n_samples, block_length))
        parts = list(framing.cut_blocks(blocks, n_frames))
        assert all(len(part) <= n_frames for part in parts)
        np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_times_come_from_whole_samples(waveforms):
    transformer = Wav2CLIPTransformer(None, mode="frame", frame_length=1.0, hop_length=0.1)
    times = transformer.frame_times(36000)
    assert times.shape == (36000, 2)
    assert times[-1, 0] == 3599.9
    np.testing.assert_allclose(times[:, 1] - times[:, 0], 1, rtol=1e-9)


def test_shapes(tiny_checkpoint, waveforms):
    transformer = Wav2CLIPTransformer(tiny_checkpoint, mode="frame", frame_length=0.5)
    ragged = transformer.set_params(hop_length=0.5).fit_transform(waveforms)
    assert ragged.dtype == object
    assert ragged.shape == (6,)
    assert [frames.shape for frames in ragged] == [(k, 16) for k in (2, 4, 2, 1, 1, 2)]
    equal = transformer.transform([waveforms[0], waveforms[2]])
    assert equal.shape == (2, 2, 16)
    assert equal.dtype == np.float32
    padded = transformer.set_params(tail="pad").transform(waveforms)
    assert [len(frames) for frames in padded] == [2, 4, 2, 1, 1, 3]


def test_normalize(tiny_checkpoint, waveforms):
    transformer = Wav2CLIPTransformer(tiny_checkpoint, normalize=True)
    plain = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    unit = transformer.fit_transform(waveforms)
    assert_close(np.linalg.norm(unit, axis=1), 1, FEW)
    assert_close(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True))
    frames = transformer.set_params(mode="frame").transform(waveforms[:1])
    assert_close(np.linalg.norm(frames, axis=-1), 1, FEW)
