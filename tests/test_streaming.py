"""Long clips: the same vectors as in one piece, in memory that does not grow."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

import skw2c.models.wav2clip._wav2clip_streaming as streaming
from skw2c import Wav2CLIPTransformer
from skw2c.exceptions import AudioError
from skw2c.models import Framing, FrozenWav2CLIP, Wav2CLIP, random_wav2clip
from skw2c.models.wav2clip._folded_resnet import FoldedResNet
from skw2c.models.wav2clip._log_spectrogram import LogSpectrogram
from skw2c.models.wav2clip._resnet import BLOCKS, ResNet

from .conftest import make_tone
from .tolerances import assert_close


@pytest.mark.parametrize("n_samples", [257, 600, 5000, 353 * 40, 353 * 40 - 1, 300_000])
@pytest.mark.parametrize("n_blocks", [1, 2, 7])
def test_spectrogram_of_blocks(rng, monkeypatch, n_samples, n_blocks):
    monkeypatch.setattr("skw2c.models._streaming._JOINED_SAMPLES", 1000)
    front_end = LogSpectrogram()
    waveform = rng.normal(size=n_samples).astype(np.float32)
    blocks = iter(np.array_split(waveform, n_blocks))

    def transform(part):
        return front_end(torch.from_numpy(part), center=False)

    parts = list(streaming.stream_spectrogram(blocks, transform))
    expected = front_end(torch.from_numpy(waveform))
    assert_close(torch.cat(parts, 1), expected)


@pytest.mark.parametrize("n_columns", [1, 31, 32, 33, 700, 1024, 1025, 3000])
@pytest.mark.parametrize("architecture", ["resnet18", "resnet34"])
def test_features_of_parts(monkeypatch, n_columns, architecture):
    monkeypatch.setattr(streaming, "CORE_COLUMNS", 320)
    torch.manual_seed(0)
    resnet = ResNet(BLOCKS[architecture], width=2).eval()
    spectrogram = torch.randn(40, n_columns)
    with torch.no_grad():
        expected = resnet(spectrogram[None, None])[0]
        features = streaming.stream_features(
            spectrogram.split(77, 1),
            resnet.feature_map,
            stride=resnet.time_stride,
            reach=resnet.reach,
        )
    assert_close(features, expected)


def test_reach_is_exact():
    """A change `reach` columns to the right is felt, and nothing further away is."""
    torch.manual_seed(0)
    for architecture in BLOCKS:
        resnet = ResNet(BLOCKS[architecture], width=2).eval().double()
        n_columns = 32 * (2 * (resnet.reach // 32) + 5)
        middle = n_columns // 64
        x = torch.rand(1, 1, 40, n_columns, dtype=torch.float64).requires_grad_()
        resnet.feature_map(x)[0, :, :, middle].sum().backward()
        touched = x.grad.abs().sum((0, 1, 2)).nonzero().ravel()
        assert touched.min() >= 32 * middle - resnet.reach
        assert touched.max() == 32 * middle + resnet.reach


@pytest.fixture(scope="module")
def long_clip():
    return make_tone(np.random.default_rng(3), 16000 * 150)


@pytest.fixture(scope="module")
def narrow_model():
    """A model of fewer channels than the official one, on which a long clip takes a moment."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Wav2CLIP(width=16).eval()


@pytest.mark.parametrize(
    "framing",
    [None, Framing(16000, 16000), Framing(16000, 5001), Framing(8000, 20000, True)],
)
@pytest.mark.parametrize("output", ["embedding", "encoder"])
def test_long_clip_equals_one_piece(long_clip, narrow_model, framing, output):
    network = FrozenWav2CLIP(narrow_model, "cpu")
    prepared = network.prepare(long_clip, framing)
    whole = np.concatenate([network.encode(part, output) for part in prepared.split(50)])
    blocks = np.array_split(long_clip, 37)
    streamed = np.concatenate(list(network.embed_blocks(lambda: iter(blocks), framing, output)))
    assert streamed.dtype == np.float32
    assert_close(streamed, whole)


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_long_files_among_short_ones(tmp_path, tiny_checkpoint, long_clip, waveforms, mode):
    soundfile.write(tmp_path / "long.wav", long_clip, 16000, subtype="FLOAT")
    transformer = Wav2CLIPTransformer(tiny_checkpoint, mode=mode)
    clips = [waveforms[0], str(tmp_path / "long.wav"), waveforms[1], long_clip]
    vectors = transformer.fit_transform(clips)
    assert_close(vectors[1], vectors[3])
    assert_close(vectors[0], transformer.transform(clips[:1])[0])
    assert len(vectors[1]) == (16 if mode == "clip" else 150)


def test_windows_that_overlap_a_lot_are_streamed(tiny_checkpoint, waveforms, monkeypatch):
    """A short clip can have more windows than fit into memory."""
    transformer = Wav2CLIPTransformer(tiny_checkpoint, mode="frame", hop_length=0.005)
    streamed = transformer.fit_transform([waveforms[1]])
    assert streamed.shape == (1, 201, 16)
    sizes = []
    prepare = FrozenWav2CLIP.prepare
    monkeypatch.setattr(
        FrozenWav2CLIP, "prepare", lambda *arguments: sizes.append(1) or prepare(*arguments)
    )
    transformer.transform([waveforms[1]])
    assert not sizes
    monkeypatch.setattr(FrozenWav2CLIP, "longest", lambda self, framing: 10**9)
    assert_close(transformer.transform([waveforms[1]]), streamed)
    assert sizes


def test_damage_far_into_a_long_file(tmp_path, tiny_checkpoint, long_clip):
    broken = long_clip.copy()
    broken[-5] = np.nan
    soundfile.write(tmp_path / "long.wav", broken, 16000, subtype="FLOAT")
    transformer = Wav2CLIPTransformer(tiny_checkpoint)
    with pytest.raises(AudioError, match=f"Row 0 .*sample {len(broken) - 5} is nan"):
        transformer.fit_transform([tmp_path / "long.wav"])


def test_memory_does_not_grow_with_the_length(tmp_path, tiny_checkpoint):
    """Twelve minutes of stereo take hardly more than four."""
    pytest.importorskip("resource")
    block = np.random.default_rng(0).uniform(-0.5, 0.5, (44100 * 60, 2))
    peaks = []
    for minutes in (4, 12):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 44100, 2, subtype="PCM_16") as file:
            for _ in range(minutes):
                file.write(block)
        code = (
            "import resource, sys; from skw2c import Wav2CLIPTransformer as T\n"
            "for mode in ('clip', 'frame'):\n"
            "    T(sys.argv[1], mode=mode).fit_transform([sys.argv[2]])\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        result = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code, tiny_checkpoint, str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        unit = 2**20 if sys.platform == "darwin" else 2**10
        peaks.append(int(result.stdout) / unit)
    # Eight minutes at 16 kHz alone would be 31 MB, at 44.1 kHz in stereo 170 MB.
    assert peaks[1] - peaks[0] < 25


def test_other_architectures_and_devices_share_the_code(waveforms):
    """The plain convolutions, which run on every device, equal the fused ones."""
    torch.manual_seed(0)
    for architecture in BLOCKS:
        model = Wav2CLIP(architecture, width=4, n_outputs=8).eval()
        x = torch.randn(3, 1, 257, 50)
        with torch.no_grad():
            expected = model.audio_encoder.feature_map(x)
            fused, plain = (
                FoldedResNet(model.audio_encoder, torch.device("cpu"), fused=fused)(x)
                for fused in (True, False)
            )
        assert_close(plain, expected)
        assert_close(fused, expected)


def test_the_model_itself_gives_the_same_vectors(waveforms):
    """`Wav2CLIP.forward`, which training uses, and the frozen network agree."""
    model = random_wav2clip(0)
    batch = torch.from_numpy(np.stack([waveforms[0], waveforms[2]]))
    with torch.no_grad():
        expected = model(batch).numpy()
    vectors = Wav2CLIPTransformer(None, random_state=0).fit(waveforms)
    network = FrozenWav2CLIP(model, "cpu")
    inputs = torch.cat([network.prepare(waveforms[row], None) for row in (0, 2)])
    assert_close(network.encode(inputs, "embedding"), expected)
    assert vectors.transform(waveforms).shape == (6, 512)
