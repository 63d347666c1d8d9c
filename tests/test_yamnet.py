"""YAMNet: reading of its files, parity, and the transformer."""

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
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import YAMNetTransformer
from skw2c.exceptions import AudioError, FailedClipWarning, WeightsError
from skw2c.models import Framing
from skw2c.models.yamnet import audioset_classes, get_frozen_yamnet
from skw2c.models.yamnet._yamnet_network import HALVING, random_yamnet
from skw2c.weights import WeightsReference, read_checkpoint, refer_to

from .conftest import make_tone
from .tolerances import assert_close
from .yamnet_files import (
    compute,
    cut,
    draw_layers,
    fold_layers,
    folded_arrays,
    write_arrays,
    write_keras,
    write_program,
)

OUTPUTS = ("log_mel", "embedding", "scores")


@pytest.fixture(scope="module")
def layers():
    return draw_layers()


@pytest.fixture(scope="module")
def checkpoint(layers, tmp_path_factory):
    return write_keras(tmp_path_factory.mktemp("yamnet") / "small.h5", layers)


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(2)
    lengths = (40000, 15600, 15601, 1, 23280, 52345)
    return [make_tone(rng, length) for length in lengths]


@pytest.fixture
def transformer(checkpoint):
    return YAMNetTransformer(checkpoint)


def frozen(path):
    return get_frozen_yamnet(refer_to(path, "yamnet"), "cpu")


# The network


@pytest.mark.parametrize("kind", ["keras", "safetensors", "arrays", "RELU6", "RELU"])
def test_every_format_gives_what_it_stands_for(tmp_path, layers, clips, kind):
    folded, most = fold_layers(layers), np.inf if kind in ("keras", "safetensors", "RELU") else 6
    if kind == "keras":
        path = write_keras(tmp_path / "a.h5", layers)
    elif kind == "safetensors":
        path = str(tmp_path / "a.safetensors")
        save_file(read_checkpoint(write_keras(tmp_path / "a.h5", layers)), path)
    elif kind == "arrays":
        path = write_arrays(tmp_path / "a.npz", layers)
    else:
        path, folded = write_program(tmp_path / "a.tflite", layers, kind)
        most = 6 if kind == "RELU6" else np.inf
    waveform = 3 * clips[0]
    expected = dict(zip(OUTPUTS, compute(folded, cut(waveform), most), strict=True))
    for output in OUTPUTS:
        transformer = YAMNetTransformer(path, mode="frame", output=output)
        [vectors] = transformer.fit_transform([waveform])
        wanted = expected[output].reshape(len(vectors), -1)
        # The logarithm makes the rounding of quiet bands ten times as large.
        np.testing.assert_allclose(vectors, wanted, atol=1e-4)
    assert (np.abs(expected["embedding"] - compute(folded, cut(waveform), 6)[1]).max() > 0.1) == (
        most > 6
    )


def test_narrow_networks_differ_in_every_layer(layers, clips):
    """No layer is dead, so that the test above would show a mistake in any."""
    folded, windows = fold_layers(layers), cut(clips[0])
    expected = compute(folded, windows)[1]
    for k in range(len(folded) - 1):
        changed = [
            (1.1 * kernel, bias) if k == n else (kernel, bias)
            for n, (kernel, bias) in enumerate(folded)
        ]
        assert np.abs(compute(changed, windows)[1] - expected).max() > 1e-3


def test_borders_are_those_of_tensorflow(layers, clips, checkpoint):
    """With as many zeros before as after a map, the vectors would be others."""
    [vector] = frozen(checkpoint).encode(
        frozen(checkpoint).prepare(clips[1], Framing(15600, 7680)), "embedding"
    )
    x = torch.from_numpy(compute(fold_layers(layers), clips[1][None])[0])[:, None]
    for number, (kernel, bias) in enumerate(fold_layers(layers)[:-1], 1):
        x = torch.nn.functional.conv2d(
            x,
            torch.from_numpy(kernel),
            torch.from_numpy(bias),
            stride=2 if number in HALVING else 1,
            padding=kernel.shape[-1] // 2,
            groups=len(kernel) if number > 1 and number % 2 == 0 else 1,
        ).clamp(0)
    assert np.abs(x.mean((2, 3)).numpy() - vector).max() > 0.01


def test_untrained_network_has_the_official_size():
    weights = random_yamnet(0)
    assert sum(kernel.numel() for kernel, _ in weights.layers) == 3_184_512
    assert sum(value.numel() for value in weights.classifier) == 534_025


# Reading of files


def test_all_of_the_official_entries_are_read(checkpoint):
    assert len(read_checkpoint(checkpoint)) == 110


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("layer26_depthwise/bias"), r"Missing: layer26_depthwise/bias\."),
        (lambda a: a.update(extra=np.ones(3)), r"Unexpected: extra\."),
        (
            lambda a: a.update({"layer05_pointwise/kernel": np.ones((5, 3, 1, 1))}),
            r"layer05_pointwise/kernel has shape \(5, 3, 1, 1\), expected \(5, 4, 1, 1\)",
        ),
        (
            lambda a: a.update({"classifier/kernel": np.ones((500, 5))}),
            r"classifier/kernel has shape \(500, 5\), expected \(521, 5\)",
        ),
        (
            lambda a: a.update({"layer01_conv/kernel": np.array(1.0)}),
            r"layer01_conv/kernel has shape \(\), expected \(1, 1, 3, 3\)",
        ),
        (lambda a: a["layer03_pointwise/bias"].fill(np.nan), "bias holds NaN or infinite"),
        (lambda a: a["frontend/mel_matrix"].fill(0.1), "mel_matrix is of another spectrogram"),
        (lambda a: a.pop("layer01_conv/kernel"), "not a checkpoint of YAMNet: its first entry"),
    ],
)
def test_arrays_that_are_not_of_yamnet(tmp_path, layers, change, message):
    arrays = folded_arrays(layers)
    change(arrays)
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(WeightsError, match=rf"a\.npz' .*{message}"):
        YAMNetTransformer(tmp_path / "a.npz").fit()


@pytest.mark.parametrize(
    ("layer", "entry", "value", "message"),
    [
        (3, "beta", None, r"Missing: layer3/depthwise_conv/bn/layer3/depthwise_conv/bn/beta:0"),
        (3, "gamma", np.ones(4), r"Unexpected: .*layer3/depthwise_conv/gamma:0"),
        (3, "beta", np.ones(5), r"bn/beta:0 has shape \(5,\), expected \(4,\)"),
        (3, "depthwise_kernel", np.ones((3, 3, 4)), "has shape .*, expected 4 dimensions"),
        (4, "kernel", np.ones((1, 1, 3, 5)), r"\(in the order of torch\) has shape \(5, 3, 1, 1\)"),
        (4, "moving_variance", np.full(5, -1.0), "holds NaN or infinite"),
        (4, "kernel", np.array(b"words"), "damaged, .* or not an HDF5 file of Keras"),
        (4, "kernel", np.ones((1, 1, 4, 5), ">f4"), "damaged, .* or not an HDF5 file of Keras"),
    ],
)
def test_keras_files_that_are_not_of_yamnet(tmp_path, layer, entry, value, message):
    layers = draw_layers()
    layers[layer][1].pop(entry, None)
    if value is not None:
        layers[layer][1][entry] = value
    path = write_keras(tmp_path / "a.h5", layers)
    with pytest.raises(WeightsError, match=message):
        YAMNetTransformer(path).fit()


def test_programs_that_are_not_of_yamnet(tmp_path, layers):
    path, _ = write_program(tmp_path / "a.tflite", layers[:5] + layers[-1:])
    with pytest.raises(WeightsError, match="another program than YAMNet.* 3 CONV_2D, 2 DEPTHWISE"):
        YAMNetTransformer(path).fit()
    path, _ = write_program(tmp_path / "b.tflite", layers, "TANH")
    with pytest.raises(WeightsError, match="all with RELU6, .* with NONE, TANH"):
        YAMNetTransformer(path).fit()


def test_weights_of_another_model(tiny_checkpoint):
    with pytest.raises(WeightsError, match="not a checkpoint of YAMNet: .* is 'audio_encoder"):
        YAMNetTransformer(tiny_checkpoint).fit()


def test_official_file_in_the_cache(tmp_path, monkeypatch, checkpoint, clips):
    """It is converted, and read without the network."""
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    shutil.copy(checkpoint, tmp_path / "yamnet.h5")
    vectors = YAMNetTransformer().fit_transform(clips)
    np.testing.assert_array_equal(vectors, YAMNetTransformer(checkpoint).fit_transform(clips))
    (tmp_path / "yamnet.h5").unlink()
    np.testing.assert_array_equal(YAMNetTransformer().fit_transform(clips), vectors)


# The transformer


@pytest.mark.parametrize("tail", ["pad", "drop"])
def test_windows(transformer, clips, tail):
    frames = transformer.set_params(mode="frame", tail=tail).fit_transform(clips)
    counts = {"pad": [5, 1, 2, 1, 2, 6], "drop": [4, 1, 1, 1, 2, 5]}
    assert [len(vectors) for vectors in frames] == counts[tail]
    means = transformer.set_params(mode="clip").transform(clips)
    assert_close(means, [v.mean(axis=0) for v in frames])
    np.testing.assert_allclose(transformer.frame_times(2), [[0, 0.975], [0.48, 1.455]])


@pytest.mark.parametrize("hop_length", [0.48, 0.5, 0.03, 0.0123, 0.975, 1.2])
def test_windows_do_not_depend_on_their_neighbours(transformer, clips, hop_length):
    """Whether their spectrograms are computed together or one by one."""
    transformer.set_params(mode="frame", hop_length=hop_length).fit()
    waveform, hop = clips[0], round(16000 * hop_length)
    frames = transformer.transform([waveform])[0]
    for k in (0, 1, len(frames) - 1):
        window = np.pad(waveform, (0, 15600))[k * hop : k * hop + 15600]
        assert_close(frames[k], transformer.transform([window])[0, 0])


@pytest.mark.parametrize("output", OUTPUTS)
def test_same_clip_same_vector(transformer, clips, output):
    transformer.set_params(output=output).fit()
    alone = np.concatenate([transformer.transform([clip]) for clip in clips])
    assert np.isfinite(alone).all()
    for parameters in ({"batch_size": 1}, {"batch_size": 3, "n_jobs": 2}, {"batch_size": 64}):
        vectors = transformer.set_params(**parameters).transform(clips[::-1])[::-1]
        assert_close(vectors, alone)


@pytest.mark.parametrize(("hop_length", "tail"), [(0.48, "pad"), (0.48, "drop"), (0.3001, "pad")])
def test_long_clips_stream(transformer, rng, tmp_path, monkeypatch, hop_length, tail):
    waveform = make_tone(rng, 16000 * 20 + 777)
    soundfile.write(tmp_path / "long.wav", waveform, 16000, subtype="FLOAT")
    transformer.set_params(mode="frame", hop_length=hop_length, tail=tail).fit()
    [whole] = transformer.transform([waveform])
    monkeypatch.setattr(type(transformer._network()), "windows_at_once", 7)
    [streamed] = transformer.transform([str(tmp_path / "long.wav")])
    assert_close(streamed, whole)
    [mean] = transformer.set_params(mode="clip").transform([str(tmp_path / "long.wav")])
    assert_close(mean, whole.mean(axis=0))


def test_windows_far_apart_are_not_read_at_once(transformer):
    network = transformer.fit()._network()
    framing = transformer.set_params(hop_length=60)._framing()
    assert network.longest(framing) <= 310 * 16000


def test_forms_of_clips(transformer, wav_files, waveforms):
    expected = transformer.fit_transform(waveforms)
    series = pd.Series(wav_files, index=list("uvwxyz"))
    for X in (wav_files, series, [torch.from_numpy(clip) for clip in waveforms]):
        assert_close(transformer.fit_transform(X), expected)
    stereo = [np.stack([clip, clip]) for clip in waveforms]
    integers = [(clip * 2**15).astype(np.int16) for clip in waveforms]
    np.testing.assert_allclose(transformer.transform(integers), expected, atol=0.01)
    with pytest.raises(AudioError):
        transformer.transform(stereo)


def test_silence(transformer):
    vectors = transformer.fit_transform([np.zeros(16000), np.zeros(1)])
    assert np.isfinite(vectors).all()


def test_feature_names_and_containers(transformer, wav_files):
    transformer.fit()
    assert transformer.get_feature_names_out().tolist() == [
        f"yamnettransformer{k}" for k in range(5)
    ]
    transformer.set_params(output="scores").set_output(transform="pandas")
    table = transformer.transform(pd.Series(wav_files, index=list("uvwxyz")))
    assert list(table.columns) == list(audioset_classes())
    assert list(table.index) == list("uvwxyz")
    assert table.dtypes.eq(np.float32).all()
    assert table.to_numpy().min() > 0
    assert table.to_numpy().max() < 1
    with pytest.raises(NotFittedError):
        clone(transformer).get_feature_names_out()
    with pytest.raises(ValueError, match="transform='default'"):
        transformer.set_params(mode="frame").transform(wav_files)


def test_classes_are_those_of_audioset():
    names = audioset_classes()
    assert len(names) == len(set(names)) == 521
    assert names[0] == "Speech"
    assert names[1] == "Child speech, kid speaking"
    assert {"Silence", "White noise", "Sine wave"} < set(names)


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
    assert scores.shape == (6, 521)
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
        ("hop_length", 1e-6, "one sample is at least 1"),
        ("device", "openvino", "runs Wav2CLIP, not YAMNet"),
        ("device", "abacus", "device='abacus' cannot be used"),
        ("weights", "wav2clip", r"neither a known name \('yamnet', 'yamnet-tflite'\)"),
    ],
)
def test_bad_parameters(transformer, clips, name, value, message):
    with pytest.raises(ValueError, match=message):
        transformer.set_params(**{name: value}).fit_transform(clips)


def test_untrained(clips):
    one, same = (YAMNetTransformer(None, random_state=3).fit_transform(clips[1:3]) for _ in "ab")
    np.testing.assert_array_equal(one, same)
    other = YAMNetTransformer(None, random_state=4).fit_transform(clips[1:3])
    assert np.abs(other - one).max() > 1e-3
    assert (one > 0).mean() > 0.2


# Outputs of the original program


@pytest.fixture(scope="module")
def oracle(shared):
    return np.load(shared / "oracles" / "yamnet_tflite_esc10.npz")


@pytest.fixture(scope="module", params=["yamnet_float32.npz", "yamnet.tflite"])
def official(request, shared):
    return str(shared / "weights" / request.param)


@pytest.fixture(scope="module")
def recordings(oracle):
    return {
        k: oracle[f"waveform_16k/{k:02d}"] for k in range(40) if f"waveform_16k/{k:02d}" in oracle
    }


def test_float32_network(shared, recordings):
    expected = np.load(shared / "oracles" / "yamnet_float32_esc10.npz")
    order = list(dict.fromkeys(expected["clip_index"].tolist()))
    for output, key in (("embedding", "embeddings"), ("scores", "scores")):
        transformer = YAMNetTransformer(
            shared / "weights" / "yamnet_float32.npz", mode="frame", output=output, tail="drop"
        )
        frames = transformer.fit_transform([recordings[k] for k in order])
        # The original was run on another processor, and sums up to 1024 terms in 27 layers.
        np.testing.assert_allclose(np.concatenate(frames), expected[key], atol=2e-4)


def test_original_program(official, oracle, shared):
    """Which rounds the maps between its layers to 8 bits."""
    files = [str(shared / "data" / "esc10" / "audio" / name) for name in oracle["filename"]]
    transformer = YAMNetTransformer(official, mode="frame", tail="drop")
    ours = np.concatenate(transformer.fit_transform(files))
    assert ours.shape == oracle["embeddings"].shape
    correlations = [
        np.corrcoef(*pair)[0, 1] for pair in zip(ours, oracle["embeddings"], strict=True)
    ]
    assert min(correlations) > 0.98
    assert np.mean(correlations) > 0.999


def test_front_end_of_the_original_program(official, oracle, recordings):
    transformer = YAMNetTransformer(official, mode="frame", output="log_mel", tail="drop").fit()
    for k, waveform in recordings.items():
        patch = transformer.transform([waveform])[0, 0].reshape(96, 64)
        # The program multiplies by a matrix of cosines in place of an FFT, in single precision.
        np.testing.assert_allclose(patch, oracle["log_mel_first_window"][k], atol=2e-3)


@pytest.mark.parametrize("name", ["Silence", "White noise", "Sine wave"])
def test_published_self_tests(official, name):
    """The three sounds that the original program is tested with, 3 seconds each."""
    sounds = {
        "Silence": np.zeros(48000),
        "White noise": np.random.RandomState(51773).uniform(-1, 1, 48000),
        "Sine wave": np.sin(2 * np.pi * 440 * np.linspace(0, 3, 48000)),
    }
    [scores] = YAMNetTransformer(official, output="scores").fit_transform([sounds[name]])
    assert name in np.array(audioset_classes())[np.argsort(scores)[-10:]]


def test_accuracy_on_real_recordings(shared):
    """ESC-10 in its official folds, as the vectors of the original program have it: 95.75 %."""
    table = pd.read_csv(shared / "data" / "esc10" / "meta" / "esc50.csv")
    files = [str(shared / "data" / "esc10" / "audio" / name) for name in table["filename"]]
    vectors = YAMNetTransformer(shared / "weights" / "yamnet_float32.npz").fit_transform(files)
    accuracies = []
    for fold in sorted(set(table["fold"])):
        test = (table["fold"] == fold).to_numpy()
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        pipeline.fit(vectors[~test], table["category"][~test])
        accuracies.append(pipeline.score(vectors[test], table["category"][test]))
    assert abs(np.mean(accuracies) - 0.9575) <= 0.01


@pytest.mark.official_weights("yamnet")
def test_official_weights(shared, recordings):
    """The trained network and that of the original program, whose weights have 8 bits."""
    clips = list(recordings.values())
    ours = YAMNetTransformer(mode="frame").fit_transform(clips)
    rounded = YAMNetTransformer(shared / "weights" / "yamnet.tflite", mode="frame")
    for own, other in zip(ours, rounded.fit_transform(clips), strict=True):
        assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.9


def test_networks_are_kept(checkpoint):
    reference = refer_to(checkpoint, "yamnet")
    assert frozen(checkpoint) is get_frozen_yamnet(reference, "cpu")
    assert isinstance(reference, WeightsReference)
