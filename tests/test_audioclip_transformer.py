"""AudioCLIPTransformer by real clips, and the texts and images beside it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.base import clone

from skw2c import (
    AudioCLIPTransformer,
    CLIPImageEncoder,
    CLIPTextEncoder,
    ZeroShotClassifier,
    load_audio,
)
from skw2c.exceptions import FailedClipWarning, WeightsError
from skw2c.models.audioclip import (
    _frozen_audioclip,
    build_audioclip,
    random_audioclip,
    read_logit_scales,
)
from skw2c.weights import fetch_weights, read_checkpoint, refer_to_clip, registry, write_safetensors

from .conftest import make_tone
from .tolerances import FEW, assert_close

RATE = 44100


@pytest.fixture
def transformer(tiny_audioclip):
    return AudioCLIPTransformer(tiny_audioclip)


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(2)
    return [make_tone(rng, length, RATE) for length in (44100, 60000, 44100, 1, 5000, 20001)]


@pytest.fixture
def expected(transformer, clips):
    return np.concatenate([transformer.fit([clip]).transform([clip]) for clip in clips])


def test_forms_of_clips(transformer, clips, expected, tmp_path):
    paths = [str(tmp_path / f"{row}.wav") for row in range(len(clips))]
    for path, clip in zip(paths, clips, strict=True):
        soundfile.write(path, clip, RATE, subtype="FLOAT")
    tensors = [torch.from_numpy(clip) for clip in clips]
    for X in (paths, pd.DataFrame({"file": paths}), clips, tensors):
        vectors = transformer.fit_transform(X)
        assert vectors.dtype == np.float32
        assert_close(vectors, expected)
    order = [4, 0, 5, 2]
    assert_close(transformer.transform([paths[row] for row in order]), expected[order])


def test_files_at_other_rates_and_in_stereo(transformer, rng, tmp_path):
    soundfile.write(tmp_path / "x.wav", rng.uniform(-0.5, 0.5, (8000, 2)), 16000)
    waveform, _ = load_audio(tmp_path / "x.wav", sampling_rate=RATE)
    vectors = transformer.fit_transform([tmp_path / "x.wav", waveform])
    assert_close(vectors[0], vectors[1])


def test_pickle_and_clone(transformer, clips, expected):
    pickled = pickle.dumps(transformer.fit(clips))
    assert len(pickled) < 4000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(clips[:1]), expected[:1])
    np.testing.assert_array_equal(clone(transformer).fit_transform(clips[:1]), expected[:1])


def test_set_output_and_names(transformer, clips):
    table = transformer.set_output(transform="pandas").fit_transform(clips[:2])
    assert list(table.columns) == [f"audiocliptransformer{k}" for k in range(16)]
    assert transformer.set_params(output="encoder").fit_transform(clips[:2]).shape == (2, 256)


def test_memory(transformer, clips, tmp_path, monkeypatch):
    transformer.set_params(memory=tmp_path)
    first = transformer.fit_transform(clips)
    quieter = clone(transformer).set_params(legacy_scaling=True).fit_transform(clips)
    assert np.abs(first - quieter).max() > 1e-3
    monkeypatch.setattr(_frozen_audioclip.FrozenAudioCLIP, "prepare", None)
    np.testing.assert_array_equal(transformer.transform(clips), first)


def test_unreadable_clips_and_silence(transformer, clips):
    transformer.set_params(on_error="nan")
    with pytest.warns(FailedClipWarning, match="row 1"):
        vectors = transformer.fit_transform([clips[0], "no such file.wav", np.zeros(44100)])
    assert np.isnan(vectors).any(1).tolist() == [False, True, False]


def test_windows(transformer, clips, expected):
    transformer.set_params(mode="frame", frame_length=0.5, hop_length=0.25, tail="pad")
    frames = transformer.fit_transform([clips[0], clips[1]])
    assert [len(rows) for rows in frames] == [3, 5]
    np.testing.assert_array_equal(transformer.frame_times(2), [[0, 0.5], [0.25, 0.75]])
    each = transformer.set_params(mode="clip").transform(
        [clips[0][11025 * k : 11025 * k + 22050] for k in range(3)]
    )
    assert_close(frames[0], each)


def test_long_clips_among_short_ones(transformer, clips, monkeypatch):
    long = np.tile(clips[1], 6)
    whole = transformer.fit_transform([long])
    monkeypatch.setattr(_frozen_audioclip, "CORE_COLUMNS", 256)
    vectors = transformer.transform([clips[0], long, clips[1]])
    assert_close(vectors[1], whole[0])
    frames = transformer.set_params(mode="frame").transform([long])
    assert frames.shape == (1, 8, 16)


def test_normalize_and_channels(transformer, clips, expected):
    vectors = transformer.set_params(normalize=True).fit_transform(clips)
    assert_close(np.linalg.norm(vectors, axis=1), 1, FEW)
    features = transformer.set_params(normalize=False, output="encoder").fit_transform(clips)
    twice = transformer.set_params(n_channels=2).fit_transform(clips)
    assert_close(twice, 2 * features)
    doubled = transformer.set_params(output="embedding").fit_transform(clips)
    assert np.abs(doubled - 2 * expected).max() > 1e-3  # the bias is not doubled


def test_floats_in_the_range_of_integers(transformer, clips):
    transformer.fit(clips)
    integers = [(clip * 32767).astype(np.int16) for clip in clips]
    floats = [integers[0].astype(np.float32), clips[1], torch.from_numpy(clips[2] * 32768)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = transformer.transform(integers)
        transformer.transform([3 * clips[0]])
    with pytest.warns(UserWarning, match=r"row 0 \(up to \d+.*\), row 2 .* divide them by 32768"):
        loud = transformer.transform(floats)
    assert np.abs(loud[0] - expected[0]).max() > 1e-3
    with pytest.warns(UserWarning, match="row 0"):
        transformer.fit(floats[0][None]).transform(floats[0][None])
    legacy = transformer.set_params(legacy_scaling=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors = legacy.transform([floats[0]])
    assert_close(vectors, expected[:1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "clips"),
        ("output", "image"),
        ("tail", "keep"),
        ("hop_length", 1e-6),
        ("n_channels", 0),
        ("legacy_scaling", "yes"),
        ("device", "openvino"),
        ("weights", "wav2clip"),
    ],
)
def test_bad_parameters(transformer, clips, name, value):
    with pytest.raises(ValueError, match=name):
        transformer.set_params(**{name: value}).fit_transform(clips[:1])


def test_checkpoint_of_another_model(tiny_checkpoint):
    with pytest.raises(WeightsError, match=r"tiny.pt' is not a checkpoint of AudioCLIP"):
        AudioCLIPTransformer(tiny_checkpoint).fit()


def test_safetensors(tmp_path, tiny_audioclip, clips, expected):
    """As fetched weights are kept: also the entry that is empty."""
    state = read_checkpoint(tiny_audioclip)
    assert state["audio.fbsp.bias"].numel() == 0
    write_safetensors(tmp_path / "tiny.safetensors", state, {})
    converted = AudioCLIPTransformer(tmp_path / "tiny.safetensors")
    np.testing.assert_array_equal(converted.fit_transform(clips[:1]), expected[:1])


def test_untrained_weights(clips):
    vectors = AudioCLIPTransformer(None, random_state=3).fit_transform(clips[4:5])
    assert vectors.shape == (1, 1024)
    again = AudioCLIPTransformer(None, random_state=3).fit_transform(clips[4:5])
    np.testing.assert_array_equal(vectors, again)


def test_registry():
    for name in ("audioclip-full", "audioclip-partial"):
        row = registry()[name]
        assert row.bytes == 537302068
        assert row.licence == "MIT"
        assert row.url.endswith(f"/v0.1/{row.file}")
        assert row.clip_model == "RN50-quickgelu"
    assert registry()["esresnext-fbsp"].clip_model is None


# ---- the CLIP in a checkpoint of AudioCLIP


@pytest.fixture(scope="module")
def whole_checkpoint(tmp_path_factory):
    """All entries of the official release, of full size, with random values."""
    open_clip = pytest.importorskip("open_clip")
    path = tmp_path_factory.mktemp("audioclip") / "full.pt"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clip = open_clip.create_model("RN50-quickgelu", load_weights=False).eval()
        audio = random_audioclip(0).state_dict()
        audio = {f"audio.{name}": tensor for name, tensor in audio.items()}
        scales = {f"logit_scale_{pair}": torch.tensor(4.0) for pair in ("ai", "at")}
        torch.save({**clip.state_dict(), **scales, **audio}, path)
    yield path, clip
    path.unlink()


def test_whole_checkpoint(whole_checkpoint, rng):
    open_clip = pytest.importorskip("open_clip")
    pil_image = pytest.importorskip("PIL.Image")
    path, clip = whole_checkpoint
    assert path.stat().st_size == pytest.approx(537302068, rel=1e-3)
    texts = ["a dog barks", "rain, thunder"]
    with torch.no_grad():
        expected = clip.encode_text(open_clip.get_tokenizer("RN50-quickgelu")(texts)).numpy()
    for model in ("RN50-quickgelu", "RN50"):
        vectors = CLIPTextEncoder(model, pretrained=path).fit_transform(texts)
        assert vectors.shape == (2, 1024)
        assert_close(vectors, expected)
    image = pil_image.fromarray(rng.integers(0, 256, (300, 260, 3), dtype=np.uint8))
    transform = open_clip.image_transform(224, is_train=False)
    with torch.no_grad():
        expected = clip.encode_image(transform(image)[None]).numpy()
    vectors = CLIPImageEncoder("RN50-quickgelu", pretrained=path).fit_transform([image])
    assert_close(vectors, expected)
    sound = AudioCLIPTransformer(path).fit_transform([np.zeros(4000)])
    assert sound.shape == (1, 1024)
    assert read_logit_scales(read_checkpoint(path), "it")["audio_text"] == pytest.approx(np.exp(4))


def test_names_of_audioclip_go_with_its_model():
    with pytest.raises(WeightsError, match="neither a tag of weights for model='ViT-B-32'"):
        refer_to_clip("ViT-B-32", "audioclip-full", 0, progress=False)
    with pytest.raises(WeightsError, match="'audioclip-full', 'audioclip-partial', 'clip-rn50-aud"):
        refer_to_clip("RN50", "audioclip", 0, progress=False)


# ---- the official release


@pytest.mark.official_weights("audioclip-full")
def test_official_weights_recognise_sounds(shared):
    """Zero-shot, the authors report 69 % of the 50 classes of ESC-50."""
    table = pd.read_csv(shared / "data" / "esc10" / "meta" / "esc50.csv")
    table = table[table.esc10].groupby("category").head(4)
    paths = [shared / "data" / "esc10" / "audio" / name for name in table.filename]
    words = sorted(set(table.category))
    texts = [word.replace("_", " ") for word in words]
    targets = CLIPTextEncoder("RN50-quickgelu", "audioclip-full", normalize=True)
    vectors = AudioCLIPTransformer(normalize=True).fit_transform(paths)
    guesses = (vectors @ targets.fit_transform(texts).T).argmax(1)
    assert (np.array(words)[guesses] == table.category.to_numpy()).mean() > 0.6
    network = build_audioclip(read_checkpoint(fetch_weights("audioclip-full").path), "official")
    assert network.loss_ttf() < 0.1


def test_outputs_without_words(tiny_audioclip):
    """What comes before the last layer, and logits, are comparable with no text."""
    for parameters in (
        dict(weights=tiny_audioclip, output="encoder"),
        dict(weights="esresnext-fbsp"),
    ):
        encoder = AudioCLIPTransformer(**parameters)
        assert encoder.shared_space() is None
        with pytest.raises(ValueError, match="No text encoder is known to share the space"):
            ZeroShotClassifier(["dog", "rain"], encoder=encoder).fit()
