"""EfficientAT: parity with the original program, reading of its files, and the transformer."""

import hashlib
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skw2c import EfficientATTransformer
from skw2c.exceptions import AudioError, FailedClipWarning, WeightsError
from skw2c.models import Framing
from skw2c.models._state_checks import shapes_of
from skw2c.models.efficientat import (
    EfficientAT,
    audioset_labels,
    build_efficientat,
    get_frozen_efficientat,
)
from skw2c.models.efficientat._efficientat_front_end import LogMel, count_columns, mel_matrix
from skw2c.models.efficientat._folded_efficientat import FoldedEfficientAT
from skw2c.models.yamnet import audioset_classes
from skw2c.transformers._encoder_registry import find_encoder, registration_of
from skw2c.weights import read_checkpoint, refer_to, registry

from .conftest import make_tone
from .efficientat_files import draw_network, write_efficientat
from .tolerances import assert_close, tolerance

RATE = 32000
OUTPUTS = {"embedding": 96, "scores": 527, "mid": 184}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_efficientat(tmp_path_factory.mktemp("efficientat") / "tiny.pt")


@pytest.fixture(scope="module")
def clips():
    """At 32 kHz, from one sample to three seconds."""
    rng = np.random.default_rng(2)
    lengths = (40000, 32000, 32001, 1, 513, 514, 23280, 96345, 32000)
    return [make_tone(rng, length, RATE) for length in lengths]


@pytest.fixture
def transformer(checkpoint):
    return EfficientATTransformer(checkpoint, frame_length=1.0, hop_length=1.0)


def frozen(path):
    return get_frozen_efficientat(refer_to(path, "efficientat"), "cpu")


# Outputs of the original program


@pytest.fixture(scope="module")
def oracle(shared):
    folder = shared / "oracles" / "clap_tiny" / "efficientat_mn01"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder


@pytest.fixture(scope="module")
def expected(oracle):
    return np.load(oracle / "outputs.npz")


@pytest.fixture(scope="module")
def sounds(oracle):
    described = json.loads((oracle / "waveforms.json").read_text())
    sounds = {name: make_stepped(*recipe) for name, recipe in described["clips"].items()}
    for name, sound in sounds.items():
        digest = described["sha256_of_float32_bytes"][name]
        assert hashlib.sha256(sound.tobytes()).hexdigest() == digest
    return sounds


def make_stepped(n_samples, seed, period):
    """Noise in steps of loudness, and a square wave: the same numbers on every machine."""
    index = np.arange(n_samples)
    noise = np.random.default_rng(seed).integers(-8192, 8192, n_samples) / 32768
    square = np.where(index // period % 2, 0.125, -0.125)
    steps = 0.5 ** ((index // 12000 + seed) % 4)
    return (noise * steps + square * 0.5 ** (index // 30000 % 3)).astype(np.float32)


@pytest.fixture(scope="module")
def original(oracle):
    return str(oracle / "mn01_random.safetensors")


def assert_parity(actual, expected):
    """Of the largest value, as the oracle's page has it; two sounds differ 2000 times as much."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_front_end_of_the_original_program(sounds, expected):
    log_mel = LogMel()(torch.from_numpy(sounds["2.5s"])[None])[0]
    assert_parity(log_mel.numpy(), expected["2.5s/log_mel"])


@pytest.mark.parametrize("name", ["1s", "2.5s", "10s"])
def test_original_program(original, sounds, expected, oracle, name):
    vectors = {
        output: EfficientATTransformer(original, output=output).fit_transform([sounds[name]])[0]
        for output in OUTPUTS
    }
    assert_parity(vectors["embedding"], expected[f"{name}/embedding"])
    channels = json.loads((oracle / "waveforms.json").read_text())["channels_of_blocks"]
    means = np.split(expected[f"{name}/block_means"], np.cumsum(channels)[:-1])
    mid = [expected[f"{name}/mel_means"], *(means[block] for block in (5, 11, 13, 15))]
    assert_parity(vectors["mid"], np.concatenate(mid))
    logits = expected[f"{name}/logits"]
    # A sigmoid is nowhere steeper than 1/4.
    limit = 0.25e-4 * np.abs(logits).max()
    scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
    np.testing.assert_allclose(vectors["scores"], scores, rtol=0, atol=limit)


@pytest.mark.parametrize("name", ["1s", "2.5s"])
def test_every_map_of_the_original_program(original, sounds, expected, name):
    network = build_efficientat(read_checkpoint(original), "it")
    x = LogMel()(torch.from_numpy(sounds[name])[None])
    assert_parity(network(x)[0].numpy(), expected[f"{name}/logits"])
    assert_parity(network.embed(x)[0].numpy(), expected[f"{name}/embedding"])
    means, x = [], x[:, None]
    for layer in network.features:
        x = layer(x)
        means.append(x.mean((2, 3))[0])
    assert_parity(torch.cat(means).numpy(), expected[f"{name}/block_means"])


@pytest.mark.official_weights("mn10")
def test_official_weights(shared):
    table = pd.read_csv(shared / "data" / "esc10" / "meta" / "esc50.csv")
    folder = shared / "data" / "esc10" / "audio"
    for category, name in (("dog", "Dog"), ("rooster", "Chicken, rooster"), ("rain", "Rain")):
        files = [str(folder / file) for file in table["filename"][table["category"] == category]]
        scores = EfficientATTransformer(output="scores").fit_transform(files).mean(axis=0)
        assert name in np.array(audioset_labels())[np.argsort(scores)[-5:]]


# The network


@pytest.mark.parametrize(
    ("width", "n_tensors", "n_values", "n_parameters"),
    [
        (0.1, 294, 126_402, None),
        (0.2, 312, 329_733, None),
        (0.4, 312, 993_485, 983_599),
        (0.5, 312, 1_443_637, None),
        (1.0, 312, 4_901_277, 4_876_831),
        (2.0, 312, 17_958_133, None),
        (3.0, 312, 39_159_613, None),
        (4.0, 312, 68_524_949, None),
    ],
)
def test_sizes_of_the_official_networks(width, n_tensors, n_values, n_parameters):
    entries = shapes_of(lambda: EfficientAT(width), "it", "EfficientAT")
    sizes = {name: entry.numel() for name, entry in entries.items()}
    assert (len(sizes), sum(sizes.values())) == (n_tensors, n_values)
    if n_parameters is not None:
        learned = [name for name in sizes if not re.search("running|tracked", name)]
        assert sum(sizes[name] for name in learned) == n_parameters
    for row in registry().values():
        if row.model == "efficientat" and f" of width {width} " in row.architecture:
            n_bytes = row.bytes or row.approximate_bytes
            assert 0 <= n_bytes - 4 * n_values < 200_000


@pytest.mark.parametrize("width", [0.1, 0.2])
@pytest.mark.parametrize("fused", [True, False])
def test_folded_is_unfolded(width, fused):
    network = draw_network(width)
    folded = FoldedEfficientAT(network, CPU, fused=fused)
    x = torch.randn(2, 128, 77, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert_close(folded.embed(x), network.embed(x))
        logits = network(x)
        # A sigmoid is nowhere steeper than 1/4.
        error = (folded.score(x) - torch.sigmoid(logits)).abs().max()
        assert error < 0.25 * tolerance(logits)
        assert_close(folded.middle_means(x), network.middle_means(x))


def test_every_entry_matters():
    """No layer of the small networks is dead, so that the tests above would show a mistake."""
    network = draw_network()
    x = torch.randn(1, 128, 20, generator=torch.Generator().manual_seed(1))
    logits = network(x)
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            kept = value.clone()
            value.mul_(1.2).add_(0.1)
            assert (network(x) - logits).abs().max() > 10 * tolerance(logits), name
            value.copy_(kept)


def test_it_can_be_trained():
    network = draw_network().train().requires_grad_(True)
    network(torch.randn(2, 128, 60)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_bands():
    matrix = mel_matrix()
    assert matrix.shape == (128, 513)
    assert matrix.any(axis=1).all()
    assert not matrix[:, 480:].any()


def test_long_windows_are_transformed_in_parts():
    """Of more columns than are computed at once."""
    waveform = torch.randn(1, 3 * RATE * 10, generator=torch.Generator().manual_seed(0))
    whole = LogMel()(waveform)
    assert whole.shape[2] == count_columns(waveform.shape[1]) == 3000
    part = LogMel()(waveform[:, RATE * 10 : RATE * 20])
    assert_close(part[..., 2:-2], whole[..., 1002:1998])


# Reading of files


def test_formats(checkpoint, tmp_path, clips):
    state = read_checkpoint(checkpoint)
    counted = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert len(counted) < len(state)
    save_file(counted, tmp_path / "a.safetensors")
    vectors = EfficientATTransformer(tmp_path / "a.safetensors").fit_transform(clips[:2])
    np.testing.assert_array_equal(
        vectors, EfficientATTransformer(checkpoint).fit_transform(clips[:2])
    )


def test_width_is_that_of_the_file(tmp_path, clips):
    wide = write_efficientat(tmp_path / "wide.pt", width=0.2)
    assert EfficientATTransformer(wide).fit_transform(clips[:2]).shape == (2, 192)
    transformer = EfficientATTransformer(wide, output="mid").fit()
    assert transformer.transform(clips[:2]).shape == (2, 224)


def fill(name, value):
    return lambda state: state[name].fill_(value)


def replace(name, *shape):
    return lambda state: state.__setitem__(name, torch.zeros(*shape))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("features.7.block.1.0.weight"), r"Missing: features\.7\.block\.1\.0\.w"),
        (lambda s: s.update(extra=torch.ones(3)), r"Unexpected: extra\."),
        (
            replace("features.5.block.3.0.weight", 8, 24, 1, 1),
            r"features\.5\.block\.3\.0\.weight has shape \(8, 24, 1, 1\), expected \(8, 16, 1, 1\)",
        ),
        (
            replace("classifier.5.weight", 521, 128),
            r"classifier\.5\.weight has shape \(521, 128\), expected \(527, 128\)",
        ),
        (replace("classifier.2.weight", 256, 96), "Missing: features.2.block.2.0.weight"),
        (replace("classifier.2.weight", 0, 96), "Missing: features.11.block.1.conc_se_layers"),
        (replace("classifier.2.weight", 96), r"not a checkpoint of Eff.* has shape \(96,\)"),
        (fill("features.4.block.0.1.bias", np.nan), "damaged: .*4.block.0.1.bias holds NaN or inf"),
        (fill("classifier.5.bias", np.inf), "damaged: classifier.5.bias holds NaN or infinite"),
        (fill("features.16.1.running_var", -1.0), "damaged: .* holds negative variances"),
        (
            lambda s: s.update({"classifier.5.bias": torch.zeros(527, dtype=torch.complex64)}),
            "classifier.5.bias holds complex numbers",
        ),
        (lambda s: s.pop("classifier.2.weight"), "not a checkpoint of EfficientAT: its first"),
    ],
)
def test_files_that_are_not_of_efficientat(checkpoint, tmp_path, change, message):
    state = read_checkpoint(checkpoint)
    change(state)
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=rf"a\.pt' .*({message})"):
        EfficientATTransformer(tmp_path / "a.pt").fit()


def test_weights_of_another_model(tiny_checkpoint):
    message = r"tiny\.pt' is not a checkpoint of EfficientAT: its first entry is 'audio_encoder"
    with pytest.raises(WeightsError, match=message):
        EfficientATTransformer(tiny_checkpoint).fit()


def test_registry():
    rows = {name: row for name, row in registry().items() if row.model == "efficientat"}
    assert {"mn02", "mn04", "mn05", "mn10", "mn20", "mn30", "mn40", "mn40_ext"} == set(rows)
    assert {name for name, row in rows.items() if row.sha256} == {"mn04", "mn10"}
    assert all(row.licence == "MIT" for row in rows.values())


@pytest.mark.parametrize("name", ["mn04", "mn10"])
def test_names_of_encoders(name):
    encoder = find_encoder(name, "audio").make()
    assert encoder.weights == name
    assert registration_of(encoder).name == name
    assert registration_of(EfficientATTransformer("mn20")).name == "efficientat"


# The transformer


def test_windows(transformer, clips):
    frames = transformer.set_params(mode="frame").fit_transform(clips)
    assert [len(vectors) for vectors in frames] == [2, 1, 2, 1, 1, 1, 1, 4, 1]
    whole = transformer.set_params(mode="clip").transform(clips)
    for vector, vectors in zip(whole, frames, strict=True):
        if len(vectors) == 1:  # the clip is not longer than a window
            assert_close(vector, vectors[0])
    ten = clone(transformer).set_params(mode="frame", frame_length=10.0, hop_length=10.0)
    long = make_tone(np.random.default_rng(0), 24 * RATE, RATE)
    [windows] = ten.fit_transform([long])
    assert len(windows) == 3
    assert_close(transformer.transform([long])[0], windows.mean(axis=0))


def test_the_last_window_ends_with_the_clip(transformer, clips):
    transformer.set_params(mode="frame", hop_length=0.4).fit()
    waveform = clips[0]
    vectors, durations = transformer.embed_with_durations([waveform])
    times = transformer.frame_times(len(vectors[0]), durations[0])
    np.testing.assert_allclose(times, [[0, 1], [0.25, 1.25]])
    np.testing.assert_allclose(transformer.frame_times(3), [[0, 1], [0.4, 1.4], [0.8, 1.8]])
    for (start, end), vector in zip(times, vectors[0], strict=True):
        window = waveform[round(start * RATE) : round(end * RATE)]
        assert_close(transformer.transform([window])[0, 0], vector)
    np.testing.assert_allclose(transformer.frame_times(1, 0.2), [[0, 0.2]])


def test_nothing_is_added_to_short_clips(transformer, checkpoint, clips):
    short = clips[6]
    network = frozen(checkpoint)
    inputs = network.prepare(short, Framing(RATE, RATE, align_tail=True))
    assert inputs.shape == (1, 128, count_columns(len(short)))
    [vector] = transformer.fit_transform([short])
    assert_close(vector, network.encode(inputs, "embedding")[0])
    [padded] = transformer.transform([np.pad(short, (0, len(short)))])
    assert np.abs(padded - vector).max() > 0.05 * np.abs(vector).max()


def test_the_shortest_clips_are_padded(transformer, clips):
    lengths = [1, 2, 400, 513, 514]
    shortest = [clips[0][:length] for length in lengths]
    vectors = transformer.fit_transform(shortest)
    assert np.isfinite(vectors).all()
    padded = [np.pad(clip, (0, 514 - len(clip))) for clip in shortest]
    assert_close(vectors, transformer.transform(padded))


@pytest.mark.parametrize("output", OUTPUTS)
def test_same_clip_same_vector(transformer, clips, output):
    transformer.set_params(output=output).fit()
    alone = np.concatenate([transformer.transform([clip]) for clip in clips])
    assert np.isfinite(alone).all()
    assert alone.shape == (len(clips), OUTPUTS[output])
    for parameters in ({"batch_size": 1}, {"batch_size": 3, "n_jobs": 2}, {"batch_size": 64}):
        vectors = transformer.set_params(**parameters).transform(clips[::-1])[::-1]
        assert_close(vectors, alone)


@pytest.mark.parametrize("hop_length", [1.0, 0.3001, 1.7])
def test_long_clips_stream(transformer, rng, tmp_path, monkeypatch, hop_length):
    waveform = make_tone(rng, RATE * 9 + 777, RATE)
    soundfile.write(tmp_path / "long.wav", waveform, RATE, subtype="FLOAT")
    transformer.set_params(mode="frame", hop_length=hop_length).fit()
    [whole] = transformer.transform([waveform])
    hop = round(hop_length * RATE)
    starts = np.minimum(np.arange(len(whole)) * hop, len(waveform) - RATE)
    for k in (0, 1, len(whole) - 1):
        window = waveform[starts[k] : starts[k] + RATE]
        assert_close(transformer.transform([window])[0, 0], whole[k])
    monkeypatch.setattr(type(transformer._network()), "windows_at_once", 3)
    [streamed] = transformer.transform([str(tmp_path / "long.wav")])
    assert_close(streamed, whole)


def test_long_clips_are_not_read_at_once(transformer):
    network = transformer.fit()._network()
    for seconds in (10.0, 60.0):
        transformer.set_params(mode="frame", frame_length=10.0, hop_length=seconds)
        framing = transformer._framing()
        assert network.longest(framing) <= 310 * RATE


def test_forms_of_clips(transformer, wav_files, waveforms):
    transformer.set_params(sampling_rate=16000)
    expected = transformer.fit_transform(waveforms)
    series = pd.Series(wav_files, index=list("uvwxyz"))
    for X in (wav_files, series, [torch.from_numpy(clip) for clip in waveforms]):
        assert_close(transformer.fit_transform(X), expected)


def test_silence(transformer):
    for output in OUTPUTS:
        transformer.set_params(output=output)
        assert np.isfinite(transformer.fit_transform([np.zeros(RATE), np.zeros(1)])).all()


def test_feature_names_and_containers(transformer, wav_files):
    transformer.fit()
    assert transformer.get_feature_names_out().tolist() == [
        f"efficientattransformer{k}" for k in range(96)
    ]
    transformer.set_params(output="scores").set_output(transform="pandas")
    table = transformer.transform(pd.Series(wav_files, index=list("uvwxyz")))
    assert list(table.columns) == list(audioset_labels())
    assert list(table.index) == list("uvwxyz")
    assert table.dtypes.eq(np.float32).all()
    assert table.to_numpy().min() > 0
    assert table.to_numpy().max() < 1
    with pytest.raises(NotFittedError):
        clone(transformer).get_feature_names_out()
    with pytest.raises(ValueError, match="transform='default'"):
        transformer.set_params(mode="frame").transform(wav_files)


def test_labels_are_those_of_audioset():
    names = audioset_labels()
    assert len(names) == len(set(names)) == 527
    assert names[:2] == ("Speech", "Male speech, man speaking")
    assert names[-1] == "Field recording"
    assert set(audioset_classes()) < set(names)


def test_pickles_carry_no_network(transformer, clips):
    vectors = transformer.fit(clips).transform(clips)
    before = dict(vars(transformer))
    pickled = pickle.dumps(transformer)
    assert vars(transformer) == before
    assert len(pickled) < 4000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(clips), vectors)


def test_memory(transformer, wav_files, tmp_path, monkeypatch):
    transformer.set_params(memory=str(tmp_path / "kept")).fit()
    expected = transformer.transform(wav_files)
    scores = clone(transformer).set_params(output="scores").fit_transform(wav_files)
    assert scores.shape != expected.shape
    framed = clone(transformer).set_params(mode="frame", frame_length=0.5).fit_transform(wav_files)
    assert not np.array_equal([len(vectors) for vectors in framed], np.ones(len(framed)))
    monkeypatch.setattr(type(transformer._network()), "encode", None)
    np.testing.assert_array_equal(transformer.transform(wav_files), expected)


def test_failed_clips(transformer, wav_files):
    with pytest.raises(AudioError, match="Row 1"):
        transformer.fit().transform([wav_files[0], "missing.wav"])
    transformer.set_params(on_error="nan")
    with pytest.warns(FailedClipWarning, match=r"missing\.wav"):
        vectors = transformer.transform([wav_files[0], "missing.wav"])
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mode", "clips", "mode"),
        ("output", "log_mel", "output"),
        ("frame_length", 0.016, "the spectrogram needs at least 514"),
        ("hop_length", 0.0, "hop_length"),
        ("hop_length", 1e-6, "one sample is at least 1"),
        ("device", "openvino", "runs Wav2CLIP, not EfficientAT"),
        ("weights", "yamnet", r"neither a known name \('mn02', 'mn04', "),
    ],
)
def test_bad_parameters(transformer, clips, name, value, message):
    with pytest.raises(ValueError, match=message):
        transformer.set_params(**{"mode": "frame", name: value}).fit_transform(clips)


def test_untrained(clips):
    one, same = (
        EfficientATTransformer(None, random_state=3).fit_transform(clips[:2]) for _ in "ab"
    )
    np.testing.assert_array_equal(one, same)
    assert one.shape == (2, 960)
    other = EfficientATTransformer(None, random_state=4).fit_transform(clips[:2])
    assert np.abs(other - one).max() > 1e-3
    assert (np.abs(one) > 1e-3).mean() > 0.9


def test_networks_are_kept(checkpoint):
    assert frozen(checkpoint) is frozen(checkpoint)
