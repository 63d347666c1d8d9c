"""Networks of Wav2CLIP in integers of eight bits: close to float32, and the same everywhere."""

import csv
import json

import numpy as np
import pytest

from skw2c import AudioIndex, CLAPTransformer, Wav2CLIPTransformer, ZeroShotClassifier
from skw2c.cli import main
from skw2c.datasets import make_sound_events
from skw2c.exceptions import SavedIndexError
from skw2c.models.wav2clip._int8_layers import Int8Layers, Range, choose_weight_scales
from skw2c.models.wav2clip._ranges import generate_sounds

RATE = 16000
WEIGHTS = ["mini", None]


@pytest.fixture(scope="module")
def clips():
    """Sounds that nothing is calibrated on, of many lengths, and silence."""
    sounds = make_sound_events(24, duration=(1.0, 4.0), random_state=77).data
    return [*sounds, np.zeros(RATE, np.float32), sounds[0][:700], sounds[1][:RATE]]


def transformer(weights, precision="int8", **parameters):
    return Wav2CLIPTransformer(
        weights, precision=precision, device="onnxruntime", random_state=0, **parameters
    )


def cosines(one, other):
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return (one * other).sum(-1) / norms


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("output", ["encoder", "embedding"])
def test_vectors_are_close_to_those_of_float32(clips, weights, output):
    exact = transformer(weights, "float32", output=output).fit_transform(clips)
    rough = transformer(weights, output=output).fit_transform(clips)
    assert rough.dtype == np.float32
    assert np.isfinite(rough).all()
    sounding = cosines(exact[:-3], rough[:-3])
    assert np.mean(sounding) > 0.998
    assert np.min(sounding) > 0.99
    assert cosines(exact[-2:], rough[-2:]).min() > 0.94
    if exact[-3].any():
        assert cosines(exact[-3], rough[-3]) > 0.99
    else:  # digital silence, of which the untrained network makes zeros
        assert np.abs(rough[-3]).max() < 0.05 * np.abs(exact).max()
    assert not np.allclose(exact, rough, rtol=1e-4)  # it is int8


@pytest.mark.parametrize("weights", WEIGHTS)
def test_neighbours_are_kept(weights):
    sounds = make_sound_events(120, duration=1.5, random_state=3).data
    exact, rough = (
        transformer(weights, precision, output="encoder", normalize=True).fit_transform(sounds)
        for precision in ("float32", "int8")
    )
    exact, rough = exact - exact.mean(0), rough - rough.mean(0)  # random networks: one direction

    def nearest(vectors):
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -np.inf)
        return np.argsort(-similar, axis=1)[:, :10]

    kept = [len({*a} & {*b}) / 10 for a, b in zip(nearest(exact), nearest(rough), strict=True)]
    assert np.mean(kept) > 0.85


@pytest.mark.parametrize("weights", WEIGHTS)
def test_batch_order_and_neighbours_do_not_matter(clips, weights):
    encoder = transformer(weights, batch_size=16).fit(None)
    together = encoder.transform(clips)
    alone = np.concatenate([encoder.transform([clip]) for clip in clips[::-1]])[::-1]
    atol = 1e-6 * np.abs(together).max()
    np.testing.assert_allclose(alone, together, rtol=0, atol=atol)


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_long_clips_are_streamed(monkeypatch, mode):
    from skw2c.models.wav2clip import _wav2clip_flow, _wav2clip_streaming

    clip = np.concatenate(make_sound_events(4, duration=5.0, random_state=5).data)
    encoder = transformer("mini", mode=mode).fit(None)
    whole = encoder.transform([clip])
    for module in (_wav2clip_flow, _wav2clip_streaming):
        monkeypatch.setattr(module, "CORE_COLUMNS", 320)
    streamed = encoder.transform([clip])
    assert cosines(whole, streamed).min() > 0.9999


def test_another_process_has_the_same_vectors(clips):
    from joblib import Parallel, delayed

    encoder = transformer("mini").fit(None)
    [there] = Parallel(n_jobs=2, backend="loky")(
        delayed(encoder.transform)(part) for part in [clips[:6]]
    )
    np.testing.assert_array_equal(there, encoder.transform(clips[:6]))


def test_words_find_real_recordings_as_in_float32(shared):
    """A hundred clips of ESC-10, none of which anything is calibrated on."""
    with open(shared / "data" / "esc10" / "meta" / "esc50.csv", newline="") as file:
        rows = list(csv.DictReader(file))[::4]
    truth = np.array([row["category"] for row in rows])
    clips = [str(shared / "data" / "esc10" / "audio" / row["filename"]) for row in rows]
    exact, rough = (
        transformer("mini", precision, output="words", normalize=True).fit_transform(clips)
        for precision in ("float32", "int8")
    )
    assert (exact * rough).sum(axis=1).min() > 0.99
    judge = ZeroShotClassifier(sorted(set(truth)), encoder="passthrough", text_encoder="mini")
    right = [(judge.fit().predict(vectors) == truth).mean() for vectors in (exact, rough)]
    assert right[1] > right[0] - 0.021


# ---- what keeps sums of integers right on every processor ----


@pytest.mark.parametrize("shape", [(8, 5, 3, 3), (6, 1, 3, 3), (4, 1, 1, 1)])
def test_no_two_products_exceed_sixteen_bits(shape):
    rng = np.random.default_rng(0)
    for spread in (0.1, 1, 4):
        weight = rng.normal(size=shape) * np.exp(rng.normal(scale=spread, size=shape))
        scales = choose_weight_scales(weight, np.zeros(len(weight)))
        integers = np.abs(np.rint(weight / scales[:, None, None, None]))
        two = np.sort(integers.reshape(len(weight), -1), axis=1)[:, -2:]
        assert (255 * two.sum(axis=1) <= np.iinfo(np.int16).max).all()
        assert integers.max() <= 127
        assert (two[:, -1] >= 63).all()  # and no bit is given away


def test_channels_without_weights_keep_their_bias():
    weight = np.zeros((2, 3, 1, 1))
    weight[1] = 1e-30
    scales = choose_weight_scales(weight, np.array([5.0, -7.0]))
    offsets = np.array([5.0, -7.0]) / scales
    assert (np.abs(offsets) < 2**31).all()
    np.testing.assert_allclose(np.rint(offsets) * scales, [5.0, -7.0], rtol=0.2)


class _Entries:
    """One convolution with random weights."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.weight, self.bias = rng.normal(size=(4, 1, 3, 3)), rng.normal(size=4)

    def take_convolution(self, convolution, norm, *shape):
        return self.weight, self.bias


def test_what_is_out_of_range_becomes_its_end():
    """A convolution of integers, against the same in floats of rounded numbers."""
    from scipy.signal import correlate2d

    from skw2c.engines import OnnxSession

    entries = _Entries()
    layers = Int8Layers(entries, {"0": Range(-1.0, 1.5), "1": Range(-9.0, 9.0), "2": Range(0, 9)})
    x = layers.add("Identity", ["inputs"])
    y = layers.convolve(x, "c", "n", (4, 3))
    model = layers.finish(layers.sum(y, y))
    inputs = np.random.default_rng(2).normal(size=(1, 1, 257, 8)).astype(np.float32)
    got = OnnxSession(model.content)(inputs)

    def rounded(values, lowest, highest):
        scale = np.float32((highest - lowest) / 255)
        zero = np.rint(-lowest / scale)
        return (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale

    scales = choose_weight_scales(entries.weight, entries.bias)[:, None, None, None]
    weight = np.rint(entries.weight / scales) * scales
    image = rounded(inputs[0, 0], -1.0, 1.5)
    expected = [
        correlate2d(image, kernel[0], "same") + b
        for kernel, b in zip(weight, entries.bias, strict=True)
    ]
    expected = 2 * rounded(np.array(expected), -9.0, 9.0)
    # One step of the integers, where a sum lies between two.
    assert np.abs(got[0] - expected).max() <= 2 * 18 / 255 * 1.01
    assert np.mean(np.abs(got[0] - expected)) < 0.1 * 18 / 255
    assert expected.max() <= 18


def test_the_sounds_of_calibration_are_always_the_same():
    once, again = list(generate_sounds()), list(generate_sounds())
    assert len(once) == 48
    assert all(len(sound) == 40000 and np.abs(sound).max() > 0 for sound in once)
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)


# ---- its place among other vectors ----


def test_an_index_does_not_mix_precisions(clips, tmp_path):
    index = AudioIndex(transformer("mini", output="words")).fit(clips[:4], items=list("abcd"))
    index.save(tmp_path / "index")
    loaded = AudioIndex.load(tmp_path / "index")
    assert loaded.search(clips[:1], by="audio")["item"].iloc[0] == "a"
    assert loaded.encoder.precision == "int8"
    exact = transformer("mini", "float32", output="words")
    with pytest.raises(SavedIndexError, match="differ in precision"):
        AudioIndex.load(tmp_path / "index", encoder=exact)


def test_an_index_of_before_there_was_a_choice_is_read(clips, tmp_path):
    exact = transformer("mini", "float32", output="words")
    AudioIndex(exact).fit(clips[:4], items=list("abcd")).save(tmp_path / "index")
    stated = tmp_path / "index" / "index.json"
    content = json.loads(stated.read_text("utf-8"))

    def forget(value):
        if isinstance(value, dict):
            return {k: forget(v) for k, v in value.items() if k != "precision"}
        return [forget(each) for each in value] if isinstance(value, list) else value

    assert forget(content) != content
    stated.write_text(json.dumps(forget(content)), "utf-8")
    index = AudioIndex.load(tmp_path / "index", encoder=exact)
    assert index.search(clips[:1], by="audio")["item"].iloc[0] == "a"
    with pytest.raises(SavedIndexError, match="differ in precision"):
        AudioIndex.load(tmp_path / "index", encoder=transformer("mini", output="words"))


def test_kept_vectors_are_of_one_precision(clips, tmp_path):
    kept = {
        precision: transformer("mini", precision, memory=tmp_path).fit_transform(clips[:3])
        for precision in ("float32", "int8", "float32", "int8")
    }
    assert not np.array_equal(kept["float32"], kept["int8"])
    np.testing.assert_array_equal(kept["int8"], transformer("mini").fit_transform(clips[:3]))


def test_it_classifies_by_words():
    sounds = make_sound_events(12, random_state=1)
    classifier = ZeroShotClassifier(
        ["siren", "rain"], encoder=transformer("mini", output="words")
    ).fit(None)
    chances = classifier.predict_proba(sounds.data)
    assert chances.shape == (12, 2)


def test_the_shell_has_it(tmp_path, capsys):
    import soundfile

    sound = tmp_path / "a.wav"
    soundfile.write(sound, make_sound_events(1, random_state=0).data[0], RATE)
    out = tmp_path / "vectors.csv"
    arguments = ["--encoder", "mini", "--precision", "int8", "--out", str(out), "--quiet"]
    assert main(["embed", str(sound), *arguments]) == 0
    arguments[1] = "yamnet"
    assert main(["embed", str(sound), *arguments]) != 0
    assert "--precision does not apply to --encoder yamnet" in capsys.readouterr().err


# ---- what cannot be had ----


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_another_engine_is_refused(clips, device):
    encoder = Wav2CLIPTransformer("mini", precision="int8", device=device)
    with pytest.raises(ValueError, match=f"not on device='{device}'.*device='onnxruntime'"):
        encoder.fit_transform(clips[:1])


def test_any_device_is_onnxruntime(clips):
    chosen = Wav2CLIPTransformer("mini", precision="int8").fit_transform(clips[:2])
    np.testing.assert_array_equal(chosen, transformer("mini").fit_transform(clips[:2]))


def test_unknown_precisions_are_refused(clips):
    with pytest.raises(ValueError, match="precision.*float16"):
        Wav2CLIPTransformer("mini", precision="float16").fit(clips[:1])
    with pytest.raises(TypeError, match="precision"):
        CLAPTransformer(precision="int8")


def test_other_networks_are_refused():
    pytest.importorskip("torch")
    from skw2c import Distiller

    clips = [np.random.default_rng(k).normal(size=32000) for k in range(4)]
    small = dict(loss="cosine", clip_length=0.25, batch_size=2, max_epochs=1, random_state=0)
    distiller = Distiller(encoder="mn01", devices="cpu", verbose=False, **small)
    weights = distiller.fit(clips, np.eye(4)).weights_
    encoder = Wav2CLIPTransformer(weights, precision="int8")
    with pytest.raises(ValueError, match="EfficientAT.*precision='float32'"):
        encoder.fit(clips)


def test_it_is_not_exported(tmp_path):
    with pytest.raises(ValueError, match="precision='float32'"):
        transformer("mini").fit(None).export(tmp_path / "mini.onnx")
