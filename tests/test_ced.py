"""CED: parity with the original program, reading of its files, and the transformer."""

import hashlib
import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skw2c import CEDTransformer
from skw2c.exceptions import AudioError, FailedClipWarning, WeightsError
from skw2c.models import _network_cache
from skw2c.models.ced import SHORTEST, _frozen_ced, get_frozen_ced
from skw2c.models.ced._ced_front_end import LogMel
from skw2c.models.ced._ced_network import CED, CHUNK_FRAMES, random_ced
from skw2c.weights import refer_to, registry

from .ced_files import draw_ced, write_ced, write_configuration
from .conftest import make_tone
from .tolerances import FEW, assert_close

OUTPUTS = ("embedding", "scores")
CLIPS = ("1s", "2.5s", "10s", "15s")
SIZES = {"tiny": (192, 3), "mini": (256, 4), "small": (384, 6), "base": (768, 12)}
CHUNK = CHUNK_FRAMES * 160


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_ced(tmp_path_factory.mktemp("ced") / "small.safetensors", depth=2)


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(2)
    lengths = (40000, 16000, 16001, 1, 2399, 170000, 52345)
    return [make_tone(rng, length) for length in lengths]


@pytest.fixture
def transformer(checkpoint):
    return CEDTransformer(checkpoint)


def frozen(path):
    return get_frozen_ced(refer_to(path, "ced", folders=True), "cpu")


# Outputs of the original program


@pytest.fixture(scope="module")
def oracle(shared):
    return shared / "oracles" / "clap_tiny" / "ced_tiny"


@pytest.fixture(scope="module")
def expected(oracle):
    return np.load(oracle / "outputs.npz")


@pytest.fixture(scope="module")
def sounds(oracle):
    """The clips of the original program, by their recipes."""
    recipes = json.loads((oracle / "waveforms.json").read_text())
    sounds = {name: _make_sound(*recipe) for name, recipe in recipes["clips"].items()}
    for name, digest in recipes["sha256_of_float32_bytes"].items():
        assert hashlib.sha256(sounds[name].tobytes()).hexdigest() == digest
    return sounds


def _make_sound(n_samples, seed, period):
    index = np.arange(n_samples)
    noise = np.random.default_rng(seed).integers(-8192, 8192, n_samples) / 32768
    steps = 0.5 ** ((index // 12000 + seed) % 4)
    square = (((index // period) % 2) * 2 - 1) * 0.125
    return (noise * steps + square * 0.5 ** ((index // 30000) % 3)).astype(np.float32)


@pytest.mark.parametrize("output", OUTPUTS)
def test_original_program(oracle, expected, sounds, output):
    transformer = CEDTransformer(oracle, output=output).fit()
    together = transformer.transform([sounds[name] for name in CLIPS])
    for name, vector in zip(CLIPS, together, strict=True):
        np.testing.assert_allclose(vector, expected[f"{name}/{output}"], rtol=0, atol=1e-5)
    beside = CEDTransformer(oracle / "model.safetensors", output=output).fit()
    np.testing.assert_array_equal(beside.transform([sounds["1s"]]), together[:1])


def test_front_end_and_tokens_of_the_original_program(oracle, expected, sounds):
    waveform = sounds["2.5s"]
    [decibels] = LogMel(torch.device("cpu"))(torch.from_numpy(waveform)[None])
    # The program of the authors transforms in single precision.
    np.testing.assert_allclose(decibels, expected["2.5s/log_mel"], rtol=0, atol=1e-4)
    network = frozen(oracle)
    with torch.inference_mode():
        [tokens] = network._encoder(network.prepare(waveform, None))
    np.testing.assert_allclose(tokens, expected["2.5s/tokens"], rtol=0, atol=1e-4)


def test_long_clip_of_the_original_program_as_a_stream(oracle, expected, sounds, monkeypatch):
    monkeypatch.setattr(_frozen_ced, "_CHUNKS_AT_ONCE", 1)
    for output in OUTPUTS:
        [vector] = CEDTransformer(oracle, output=output).fit_transform([sounds["15s"]])
        np.testing.assert_allclose(vector, expected[f"15s/{output}"], rtol=0, atol=1e-5)


# The network


@pytest.mark.parametrize(
    ("size", "millions"), [("tiny", 5.50), ("mini", 9.70), ("small", 21.6), ("base", 85.7)]
)
def test_official_sizes(size, millions):
    width, n_heads = SIZES[size]
    with torch.device("meta"):
        network = CED(width, n_heads, depth=12, n_classes=527)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert float(f"{count / 1e6:.3g}") == millions
    row = registry()[f"ced-{size}"]
    assert abs(row.approximate_bytes / (4 * count) - 1) < 0.01
    assert f"/ced-{size}/" in row.url


def test_every_entry_matters(checkpoint, clips):
    """So that the tests above would show a mistake in any."""
    state = draw_ced(depth=2)
    expected = _scores(state, clips[0])
    for name, value in state.items():
        if not value.is_floating_point():
            continue
        # Constants would do nothing where a normalisation over the same numbers follows.
        changed = value + torch.linspace(-1, 1, value.numel()).square().view(value.shape)
        assert np.abs(_scores({**state, name: changed}, clips[0]) - expected).max() > 1e-5, name


def _scores(state, waveform):
    network = CED(64, 1, 2, 5).eval()
    network.load_state_dict(state)
    with torch.inference_mode():
        decibels = LogMel(torch.device("cpu"))(torch.from_numpy(waveform)[None])
        return network(decibels).sigmoid().numpy()


def test_network_as_a_whole(checkpoint, clips):
    [scores] = CEDTransformer(checkpoint, output="scores").fit_transform(clips[:1])
    assert_close(scores, _scores(draw_ced(depth=2), clips[0])[0])


def test_heads_matter(tmp_path, clips):
    paths = [write_ced(tmp_path / f"{n}.safetensors", n_heads=n) for n in (1, 2)]
    one = CEDTransformer(paths[0]).fit_transform(clips[:1])
    np.testing.assert_array_equal(CEDTransformer(paths[1]).fit_transform(clips[:1]), one)
    write_configuration(tmp_path, num_heads=2, embed_dim=64)
    two = CEDTransformer(paths[1]).fit_transform(clips[:1])
    assert np.abs(two - one).max() > 1e-3


def test_untrained_network():
    network = random_ced(0)
    assert sum(parameter.numel() for parameter in network.parameters()) == 9_696_655
    assert not network.training


# Reading of files


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("encoder.norm.bias"), r"Missing: encoder\.norm\.bias\."),
        (lambda s: s.update(extra=torch.ones(3)), r"Unexpected: extra\."),
        (
            lambda s: s.pop("encoder.blocks.0.mlp.fc1.bias"),
            r"Missing: encoder\.blocks\.0\.mlp\.fc1\.bias\. Unexpected: none",
        ),
        (
            lambda s: s.update({"encoder.blocks.7.norm1.bias": torch.ones(64)}),
            r"Missing: encoder\.blocks\.2\..*Unexpected: encoder\.blocks\.7\.norm1\.bias",
        ),
        (
            lambda s: s.update({"encoder.time_pos_embed": torch.ones(1, 64, 1, 64)}),
            r"time_pos_embed has shape \(1, 64, 1, 64\), expected \(1, 64, 1, 63\)",
        ),
        (
            lambda s: s.update({"outputlayer.1.weight": torch.ones(7, 64)}),
            r"outputlayer\.1\.bias has shape \(5,\), expected \(7,\)",
        ),
        (
            lambda s: s.update({"encoder.patch_embed.proj.weight": torch.ones(128, 1, 16, 16)}),
            r"has shape \(\d+(, \d+)*,?\), expected \(",
        ),
        (
            lambda s: s.update({"encoder.patch_embed.proj.weight": torch.ones(48, 1, 16, 16)}),
            "does not tell the number of heads, and its width of 48 is not a multiple of 64",
        ),
        (
            lambda s: s.update({"encoder.patch_embed.proj.weight": torch.ones(0, 1, 16, 16)}),
            "its width of 0 is not a multiple",
        ),
        (lambda s: s["outputlayer.0.weight"].fill_(np.nan), "weight holds NaN or infinite"),
        (lambda s: s["encoder.init_bn.running_var"].fill_(-1), "running_var holds negative"),
        (
            lambda s: s.pop("outputlayer.1.weight"),
            r"not a checkpoint of CED: it lacks 'outputlayer\.1\.weight'",
        ),
        (lambda s: s.clear() or s.update(a=torch.ones(1)), "not a checkpoint .* entry is 'a'"),
    ],
)
def test_files_that_are_not_of_ced(tmp_path, change, message):
    state = draw_ced(depth=2)
    change(state)
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=rf"a\.safetensors' .*{message}"):
        CEDTransformer(tmp_path / "a.safetensors").fit()


def test_weights_of_another_model(tiny_checkpoint):
    with pytest.raises(WeightsError, match="not a checkpoint of CED: .* is 'audio_encoder"):
        CEDTransformer(tiny_checkpoint).fit()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "has a damaged config.json"),
        ("[" * 100_000, "has a damaged config.json"),
        ("[]", "has a config.json that describes no model"),
        ('{"num_heads": "4"}', "states num_heads='4', expected a whole number"),
        ('{"num_heads": 0}', "states num_heads=0, expected"),
        ('{"num_heads": true}', "states num_heads=True, expected"),
        ('{"num_heads": 5}', "its width of 64 cannot be shared out among num_heads=5"),
        ('{"num_heads": 4, "embed_dim": 192}', "embed_dim=192: the width of the weights is 64"),
    ],
)
def test_configurations_that_do_not_fit(tmp_path, content, message):
    path = write_ced(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(content)
    for weights in (path, tmp_path):
        with pytest.raises(WeightsError, match=message) as caught:
            CEDTransformer(weights).fit()
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("content", ["{}", '{"embed_dim": 64}', '{"num_heads": 1}'])
def test_configurations_that_say_little(tmp_path, content):
    path = write_ced(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(content)
    assert frozen(path).n_heads == 1


def test_half_precision_and_the_counter(tmp_path, checkpoint, clips):
    state = draw_ced(depth=2)
    state.pop("encoder.init_bn.num_batches_tracked")
    save_file({name: x.bfloat16() for name, x in state.items()}, tmp_path / "a.safetensors")
    vectors = CEDTransformer(tmp_path / "a.safetensors").fit_transform(clips[:1])
    rounded = {name: x.bfloat16().float() for name, x in state.items()}
    save_file(rounded, tmp_path / "b.safetensors")
    np.testing.assert_array_equal(
        CEDTransformer(tmp_path / "b.safetensors").fit_transform(clips[:1]), vectors
    )


def test_reading_draws_no_random_numbers(tmp_path):
    path = write_ced(tmp_path / "a.safetensors", seed=9)
    before = torch.get_rng_state()
    CEDTransformer(path).fit()
    CEDTransformer(None).fit()
    assert torch.equal(torch.get_rng_state(), before)


def test_unknown_names():
    names = ", ".join(f"'ced-{size}'" for size in SIZES)
    with pytest.raises(WeightsError, match=rf"neither a known name \({names}\) nor an existing"):
        CEDTransformer("ced-huge").fit()


# The transformer


@pytest.mark.parametrize("mode", ["clip", "frame"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_same_clip_same_vector(transformer, clips, mode, output):
    transformer.set_params(mode=mode, output=output, hop_length=0.4).fit()
    alone = [transformer.transform([clip])[0] for clip in clips]
    assert all(np.isfinite(vectors).all() for vectors in alone)
    for parameters in ({"batch_size": 1}, {"batch_size": 3, "n_jobs": 2}, {"batch_size": 64}):
        vectors = transformer.set_params(**parameters).transform(clips[::-1])[::-1]
        for one, other in zip(vectors, alone, strict=True):
            assert_close(one, other)


def test_a_quiet_clip_beside_a_loud_one(transformer, clips):
    """The program of the authors raises the floor of all clips to that of the loudest."""
    quiet = 1e-5 * clips[0]
    quiet[20000:] = 0
    alone = transformer.fit().transform([quiet])
    together = transformer.transform([quiet, clips[0], 0.9 * np.sign(clips[0])])
    assert_close(together[:1], alone)


@pytest.mark.parametrize("n_samples", [CHUNK + 2000, 2 * CHUNK - 1, 2 * CHUNK, 3 * CHUNK - 160])
def test_long_clips_stream(checkpoint, rng, tmp_path, monkeypatch, n_samples):
    """With the loudest moment near the end, which sets the floor of all that comes before."""
    waveform = make_tone(rng, n_samples)
    waveform[5000:90000] = 0
    waveform[-3000:] = np.sign(waveform[-3000:])
    soundfile.write(tmp_path / "long.wav", waveform, 16000, subtype="FLOAT")
    for output in OUTPUTS:
        transformer = CEDTransformer(checkpoint, output=output).fit()
        with monkeypatch.context() as patch:
            whole = transformer.transform([waveform])
            patch.setattr(_frozen_ced, "_CHUNKS_AT_ONCE", 1)
            assert_close(transformer.transform([str(tmp_path / "long.wav")]), whole)


def test_streams_are_read_in_small_parts(transformer, rng):
    """An hour of sound needs as much memory as a minute."""
    network = transformer.fit()._network()
    minute = make_tone(rng, 60 * 16000)
    parts = list(network._stream(minute for _ in range(10)))
    assert [part.shape[1] for part in parts[:-1]] == [CHUNK_FRAMES] * (len(parts) - 1)
    assert sum(part.shape[1] for part in parts) == 1 + 600 * 100


@pytest.mark.parametrize("n_chunks", [2, 3])
def test_whole_chunks(transformer, rng, n_chunks):
    """The program of the authors leaves out the last chunk where it is whole."""
    waveform = make_tone(rng, (n_chunks * CHUNK_FRAMES - 1) * 160)
    network = transformer.fit()._network()
    inputs = network.prepare(waveform, None)
    chunks = inputs[0].unflatten(-1, (n_chunks, -1)).transpose(0, 1)
    assert chunks.shape == (n_chunks, 64, 1008)
    vectors = np.concatenate([network.encode(chunk[None], "embedding") for chunk in chunks])
    assert_close(transformer.transform([waveform])[0], vectors.mean(axis=0))
    assert np.abs(vectors[-1] - vectors[0]).max() > 0.01


def test_columns_are_those_that_the_network_sees(transformer, rng):
    network = transformer.fit()._network()
    lengths = {
        1: 16,
        SHORTEST: 16,
        SHORTEST + 2559: 16,
        SHORTEST + 2560: 32,
        16000: 96,
        CHUNK - 160: 1008,
        CHUNK - 1: 1008,
        CHUNK: 2016,
    }
    for n_samples, columns in lengths.items():
        assert network.prepare(make_tone(rng, n_samples), None).shape == (1, 64, columns)


def test_short_clips(transformer, clips):
    transformer.fit()
    padded = [np.pad(clip, (0, SHORTEST - len(clip))) for clip in clips[3:5]]
    np.testing.assert_array_equal(transformer.transform(clips[3:5]), transformer.transform(padded))


@pytest.mark.parametrize("tail", ["pad", "drop"])
def test_windows(transformer, clips, tail):
    """Each is a clip by itself."""
    transformer.set_params(mode="frame", tail=tail, hop_length=0.5).fit()
    frames = transformer.transform(clips)
    counts = {"pad": [4, 1, 2, 1, 1, 21, 6], "drop": [4, 1, 1, 1, 1, 20, 5]}
    assert [len(vectors) for vectors in frames] == counts[tail]
    windows = [
        np.pad(clips[0], (0, 16000))[start : start + 16000] for start in range(0, 32000, 8000)
    ]
    assert_close(frames[0], clone(transformer).set_params(mode="clip").fit_transform(windows))
    np.testing.assert_allclose(transformer.frame_times(2), [[0, 1], [0.5, 1.5]])


@pytest.mark.parametrize("frame_length", [0.15, 0.5, 10.5])
def test_many_windows_stream(transformer, rng, tmp_path, monkeypatch, frame_length):
    waveform = make_tone(rng, 16000 * 23 + 777)
    soundfile.write(tmp_path / "long.wav", waveform, 16000, subtype="FLOAT")
    transformer.set_params(mode="frame", frame_length=frame_length, hop_length=0.7).fit()
    [whole] = transformer.transform([waveform])
    monkeypatch.setattr(type(transformer._network()), "windows_at_once", 7)
    [streamed] = transformer.transform([str(tmp_path / "long.wav")])
    assert_close(streamed, whole)


def test_long_windows_are_not_read_at_once(transformer):
    network = transformer.fit()._network()
    for frame_length, hop_length in ((60, 0.01), (1, 60)):
        framing = transformer.set_params(
            frame_length=frame_length, hop_length=hop_length
        )._framing()
        assert network.longest(framing) <= 310 * 16000


def test_silence(transformer):
    vectors = transformer.fit_transform([np.zeros(16000), np.zeros(1), np.zeros(170000)])
    assert np.isfinite(vectors).all()


def test_forms_of_clips(transformer, wav_files, waveforms):
    expected = transformer.fit_transform(waveforms)
    for X in (wav_files, pd.Series(wav_files), [torch.from_numpy(clip) for clip in waveforms]):
        assert_close(transformer.transform(X), expected)
    with pytest.raises(AudioError):
        transformer.transform([np.stack([clip, clip]) for clip in waveforms])


def test_normalize(transformer, clips):
    vectors = transformer.fit_transform(clips)
    unit = transformer.set_params(normalize=True).transform(clips)
    assert_close(unit, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), FEW)


def test_feature_names_and_containers(transformer, wav_files):
    transformer.fit()
    assert transformer.get_feature_names_out()[:2].tolist() == [
        "cedtransformer0",
        "cedtransformer1",
    ]
    transformer.set_params(output="scores").set_output(transform="pandas")
    table = transformer.transform(pd.Series(wav_files, index=list("uvwxyz")))
    assert list(table.columns) == [f"cedtransformer{k}" for k in range(5)]
    assert table.dtypes.eq(np.float32).all()
    assert table.to_numpy().min() > 0
    assert table.to_numpy().max() < 1
    with pytest.raises(NotFittedError):
        clone(transformer).get_feature_names_out()


def test_names_of_the_classes_of_audioset():
    transformer = CEDTransformer(None, output="scores").fit()
    names = transformer.get_feature_names_out()
    assert len(names) == len(set(names)) == 527
    assert names[0] == "Speech"
    assert transformer.set_params(output="embedding").get_feature_names_out()[0] == (
        "cedtransformer0"
    )


def test_pickles_carry_no_network(transformer, clips):
    vectors = transformer.fit(clips).transform(clips)
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 4000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(clips), vectors)


def test_memory(tmp_path, wav_files, monkeypatch):
    """What is kept is of one number of heads, which the file of weights does not tell."""
    path = write_ced(tmp_path / "a.safetensors")
    transformer = CEDTransformer(path, memory=str(tmp_path / "kept")).fit()
    expected = transformer.transform(wav_files)
    write_configuration(tmp_path, num_heads=2)
    other = clone(transformer).fit_transform(wav_files)
    assert np.abs(other - expected).max() > 1e-3
    (tmp_path / "config.json").unlink()
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
        ("output", "encoder", "output"),
        ("tail", "keep", "tail"),
        ("hop_length", 0.0, "hop_length"),
        ("frame_length", 0.149, r"a patch of the spectrogram has at least 2400 \(0.15 seconds\)"),
        ("device", "openvino", "runs Wav2CLIP, not CED"),
        ("device", "abacus", "device='abacus' cannot be used"),
    ],
)
def test_bad_parameters(transformer, clips, name, value, message):
    with pytest.raises(ValueError, match=message):
        transformer.set_params(**{name: value}).fit_transform(clips)


def test_untrained(clips):
    one, same = (CEDTransformer(None, random_state=3).fit_transform(clips[1:3]) for _ in "ab")
    np.testing.assert_array_equal(one, same)
    other = CEDTransformer(None, random_state=4).fit_transform(clips[1:3])
    assert np.abs(other - one).max() > 1e-3
    assert one.shape == (2, 256)


def test_folders_and_changed_files(tmp_path, checkpoint, clips):
    shutil.copy(checkpoint, tmp_path / "model.safetensors")
    write_configuration(tmp_path, num_heads=1)
    transformer = CEDTransformer(tmp_path).fit()
    np.testing.assert_array_equal(
        transformer.transform(clips[:1]), CEDTransformer(checkpoint).fit_transform(clips[:1])
    )
    write_configuration(tmp_path, num_heads=2)
    _network_cache._networks.clear()
    with pytest.raises(WeightsError, match="changed since the estimator was fitted"):
        transformer.transform(clips[:1])


def test_networks_are_kept(checkpoint):
    assert frozen(checkpoint) is frozen(checkpoint)


@pytest.mark.parametrize(
    "size", [pytest.param(s, marks=pytest.mark.official_weights(f"ced-{s}")) for s in SIZES]
)
def test_official_weights(size):
    transformer = CEDTransformer(f"ced-{size}", output="scores").fit()
    assert transformer._network().n_heads == SIZES[size][1]
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 80000)
    scores = transformer.transform([np.zeros(80000), noise])
    assert scores.shape == (2, 527)
    assert np.abs(scores[0] - scores[1]).max() > 0.1
