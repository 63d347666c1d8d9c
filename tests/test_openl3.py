"""OpenL3 on sound: front ends, network, reading of files, and the estimator."""

import pickle

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.signal
import soundfile
import torch
from sklearn.base import clone

from skw2c import OpenL3Transformer
from skw2c.exceptions import AudioError, WeightsError
from skw2c.models import Framing
from skw2c.models._mel_filters import mel_filters
from skw2c.models.openl3 import FRONTENDS, INPUT_REPRS
from skw2c.models.openl3._frozen_openl3 import FrozenOpenL3
from skw2c.models.openl3._openl3_front_end import FrontEnd
from skw2c.models.openl3._openl3_network import FoldedOpenL3, OpenL3Network, random_openl3
from skw2c.models.openl3._openl3_state import build_openl3
from skw2c.weights import read_checkpoint

from .conftest import make_tone
from .openl3_files import IMAGE, draw_layers, largest_of, run_layers, write_keras, write_torchopenl3
from .tolerances import FEW, assert_close

# Some of 256 filters on the HTK scale lie between two bins, in the original too.
pytestmark = pytest.mark.filterwarnings("ignore:Empty filters detected")

RATE = 48000
CPU = torch.device("cpu")
SHAPES = {"linear": (257, 197), "mel128": (128, 199), "mel256": (256, 199)}


@pytest.fixture(scope="module")
def layers():
    return draw_layers()


@pytest.fixture(scope="module")
def checkpoint(layers, tmp_path_factory):
    return write_keras(tmp_path_factory.mktemp("openl3") / "small.h5", layers)


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(2)
    return [make_tone(rng, length, RATE) for length in (RATE, RATE // 3, 2 * RATE + 1, 1)]


@pytest.fixture
def transformer(checkpoint):
    return OpenL3Transformer(checkpoint, input_repr="linear", hop_length=0.5)


def reference_spectrogram(window, input_repr, frontend):
    """The spectrogram of one window in double precision, with librosa's filters."""
    window = np.asarray(window, float)
    n_fft = 512 if input_repr == "linear" else 2048
    if input_repr != "linear":
        before, after, mode = {
            "kapre-0.1": (982, 982, "constant"),
            "kapre-0.3": (0, 1964, "constant"),
            "librosa": (1024, 1024, "reflect"),
        }[frontend]
        window = np.pad(window, (before, after), mode=mode)
    frames = np.lib.stride_tricks.sliding_window_view(window, n_fft)[::242]
    amplitudes = np.abs(np.fft.rfft(frames * scipy.signal.get_window("hann", n_fft))).T
    if input_repr != "linear":
        trained = frontend == "kapre-0.1"
        filters = librosa.filters.mel(
            sr=RATE, n_fft=n_fft, n_mels=int(input_repr[3:]), htk=trained, dtype=np.float64
        )
        amplitudes = np.sqrt(filters @ amplitudes**2) if trained else filters @ amplitudes
    decibels = librosa.power_to_db(amplitudes, ref=1.0, amin=1e-10, top_db=80.0)
    return decibels - decibels.max()


def assert_near(actual, expected):
    assert actual.shape == expected.shape
    assert_close(actual, expected)


# Front ends


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("n_mels", [40, 128, 256])
def test_mel_filters_equal_librosas(scale, n_mels):
    expected = librosa.filters.mel(
        sr=RATE, n_fft=2048, n_mels=n_mels, htk=scale == "htk", dtype=np.float64
    )
    filters = mel_filters(n_mels, 2048, RATE, scale).numpy()
    np.testing.assert_allclose(filters, expected, atol=1e-12)


@pytest.mark.parametrize("frontend", FRONTENDS)
@pytest.mark.parametrize("input_repr", INPUT_REPRS)
def test_spectrograms(rng, frontend, input_repr):
    tone = np.sin(2 * np.pi * 1234.5 * np.arange(RATE) / RATE)
    windows = np.stack([rng.normal(size=RATE), tone, make_tone(rng, RATE, RATE)])
    windows = windows.astype(np.float32)
    spectrograms = FrontEnd(input_repr, frontend, CPU)(torch.from_numpy(windows)).numpy()
    assert spectrograms.shape == (3, *SHAPES[input_repr])
    assert spectrograms.dtype == np.float32
    expected = [reference_spectrogram(window, input_repr, frontend) for window in windows]
    assert_close(spectrograms, expected)


def test_the_librosa_front_end_is_librosas():
    window = np.random.default_rng(0).normal(size=RATE)
    S = librosa.feature.melspectrogram(
        y=window, sr=RATE, n_fft=2048, hop_length=242, n_mels=128, power=1.0, pad_mode="reflect"
    )
    S = librosa.power_to_db(S, ref=1.0, amin=1e-10, top_db=80.0)
    spectrogram = FrontEnd("mel128", "librosa", CPU)(torch.from_numpy(window)[None])
    assert_close(spectrogram[0], S - S.max())


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_silence_is_flat(frontend):
    assert not FrontEnd("mel256", frontend, CPU)(torch.zeros(1, RATE)).any()


# The network and its files


def test_full_size():
    assert sum(p.numel() for p in OpenL3Network("audio").parameters()) == 4_687_042
    network = OpenL3Network("audio", (1,) * 8)
    for rows, columns in SHAPES.values():
        maps = network(torch.zeros(1, 1, rows, columns))
        assert maps.shape == (1, 1, 16 if rows == 128 else 32, 24)


def test_untrained_network_is_seeded_and_leaves_torch_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first, same, other = (random_openl3("audio", seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    weights = [network.convolutions[3].weight for network in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("size", [512, 6144])
@pytest.mark.parametrize("frontend", FRONTENDS)
@pytest.mark.parametrize("input_repr", INPUT_REPRS)
def test_numpy_gives_the_same(layers, checkpoint, clips, input_repr, frontend, size):
    window = clips[0]
    transformer = OpenL3Transformer(
        checkpoint,
        input_repr=input_repr,
        frontend=frontend,
        embedding_size=size,
        center=False,
    )
    spectrogram = reference_spectrogram(window, input_repr, frontend)
    maps = run_layers(layers, spectrogram[None, :, :, None])
    cells = (1, 1) if size == 512 else (4, 3)
    expected = largest_of(maps, *cells).reshape(1, -1)
    assert expected.shape == (1, 10 * cells[0] * cells[1])
    vectors = transformer.fit_transform([window])
    assert vectors.dtype == np.float32
    assert_near(vectors, expected)
    assert (vectors < 0).any()  # no rectifier at the end


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("side", ["audio", "image"])
def test_folding_changes_nothing(side, fused):
    torch.manual_seed(0)
    network = OpenL3Network(side, (4, 4, 8, 8, 8, 8, 16, 16)).eval().requires_grad_(False)
    for norm in network.norms:
        norm.weight.uniform_(-1, 1)
        norm.bias.normal_()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.1, 2)
    x = torch.randn(2, 1 if side == "audio" else 3, 40, 50)
    folded = FoldedOpenL3(network, CPU, fused=fused)(x)
    assert_near(folded.numpy(), network(x).numpy())


@pytest.mark.parametrize("name", ["small.h5.gz", "small.pth.tar"])
def test_other_formats_hold_the_same(tmp_path, layers, checkpoint, clips, name):
    write = write_keras if name.endswith(".gz") else write_torchopenl3
    path = write(tmp_path / name, layers)
    first, second = (OpenL3Transformer(weights, hop_length=1.0) for weights in (checkpoint, path))
    np.testing.assert_array_equal(first.fit_transform(clips), second.fit_transform(clips))


def write_with_spectrogram(path, layers, n_mels=128):
    kernels = {"real_kernels": np.zeros((2048, 1, 1, 1025)), "freq2mel": np.zeros((1025, n_mels))}
    return write_keras(path, [("melspectrogram_1", kernels), *layers])


def test_files_of_version_0_2_hold_spectrograms_too(tmp_path, layers, checkpoint, clips):
    path = write_with_spectrogram(tmp_path / "v0_2_0.h5", layers)
    first, second = (OpenL3Transformer(w, input_repr="mel128") for w in (checkpoint, path))
    np.testing.assert_array_equal(first.fit_transform(clips[:1]), second.fit_transform(clips[:1]))
    with pytest.raises(WeightsError, match=r"takes 'mel128'.*input_repr, which is 'linear'"):
        OpenL3Transformer(path, input_repr="linear").fit(clips)


def _without_a_layer(layers):
    return layers[:-2]


def _transposed(layers):
    name, arrays = layers[3]
    kernel = arrays["kernel"].transpose(0, 1, 3, 2)
    return [*layers[:3], (name, {**arrays, "kernel": kernel}), *layers[4:]]


def _not_finite(layers):
    name, arrays = layers[4]
    return [*layers[:4], (name, {**arrays, "beta": arrays["beta"] * np.nan}), *layers[5:]]


def _swapped(layers):
    return [layers[1], layers[0], *layers[2:]]


def _with_more(layers):
    name, arrays = layers[5]
    return [*layers[:5], (name, {**arrays, "scale": arrays["bias"]}), *layers[6:]]


def _of_images(layers):
    return draw_layers(IMAGE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_a_layer, "not a checkpoint of OpenL3: it has 14 layers .* OpenL3 has 16"),
        (_transposed, r"conv2d_12/kernel:0 .*shape \(3, 4, 3, 3\).* expected \(4, 3, 3, 3\)"),
        (_not_finite, "damaged: .*batch_normalization_13/beta:0 holds NaN"),
        (_swapped, "a normalisation with gamma, .* is expected, there is .*conv2d_11/bias:0"),
        (_with_more, "a convolution with kernel, bias is expected, there is .*/scale:0"),
        (_of_images, "network of images, expected its network of sound"),
    ],
)
def test_files_that_are_refused(tmp_path, layers, change, message):
    path = write_keras(tmp_path / "other.h5", change(layers))
    with pytest.raises(WeightsError, match=message) as error:
        OpenL3Transformer(path).fit()
    assert path in str(error.value)


def test_wav2clip_is_refused(tiny_checkpoint):
    with pytest.raises(WeightsError, match="not a checkpoint of OpenL3"):
        OpenL3Transformer(tiny_checkpoint).fit()


@pytest.mark.parametrize(
    "name", ["openl3_audio_mel128_env-v0_4_0.h5", "torchopenl3_mel128_music_512.pth.tar"]
)
def test_names_tell_what_shapes_do_not(tmp_path, layers, name):
    path = (write_keras if name.endswith("h5") else write_torchopenl3)(tmp_path / name, layers)
    with pytest.raises(WeightsError, match=r"takes 'mel128'.*input_repr, which is 'linear'"):
        OpenL3Transformer(path, input_repr="linear").fit()


def test_names_of_the_registry(tmp_path, monkeypatch):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", refuse)
    with pytest.raises(WeightsError, match="'openl3-audio-linear-env' are not in the cache"):
        OpenL3Transformer(input_repr="linear", content_type="env").fit()
    with pytest.raises(WeightsError, match=r"openl3_audio_mel128_music-v0_2_0\.h5\.gz"):
        OpenL3Transformer("openl3-audio-mel128-music-v0.2").fit()
    with pytest.raises(WeightsError, match="'openl3-audio-mel256-music', .* nor an existing"):
        OpenL3Transformer("openl3-image-mel256-music").fit()


def refuse(*arguments, **options):
    raise OSError("no network")


# Windows


@pytest.mark.parametrize(
    ("seconds", "hop", "centred", "uncentred"),
    [(1, 0.1, 6, 1), (5, 0.1, 46, 41), (10, 0.1, 96, 91), (5, 1.0, 6, 5), (0.3, 0.1, 1, 1)],
)
def test_number_of_windows(seconds, hop, centred, uncentred):
    for center, expected in ((True, centred), (False, uncentred)):
        framing = OpenL3Transformer(hop_length=hop, center=center)._framing()
        assert framing.count(round(seconds * RATE)) == expected


def test_windows_are_centred_on_their_times(transformer, clips):
    transformer.set_params(mode="frame", hop_length=0.3).fit()
    np.testing.assert_allclose(transformer.frame_times(40).mean(axis=1), np.arange(40) * 0.3)
    padded = np.pad(clips[2], (RATE // 2, 0))
    expected = transformer.transform([clips[2]])
    uncentred = transformer.set_params(center=False).transform([padded])
    np.testing.assert_array_equal(uncentred, expected)
    assert transformer.frame_times(2)[0].tolist() == [0, 1]


def test_the_vector_of_a_clip_is_the_mean_of_its_windows(transformer, clips):
    vectors = transformer.fit_transform(clips)
    frames = transformer.set_params(mode="frame").transform(clips)
    assert [len(rows) for rows in frames] == [2, 1, 5, 1]
    assert_close(vectors, [rows.mean(axis=0) for rows in frames])


def test_neighbours_and_batches_do_not_matter(transformer, clips):
    transformer.set_params(mode="frame").fit()
    alone = [transformer.transform([clip])[0] for clip in clips]
    for batch_size, n_jobs, order in ((1, None, [0, 1, 2, 3]), (3, 2, [2, 3, 0, 1])):
        transformer.set_params(batch_size=batch_size, n_jobs=n_jobs)
        together = transformer.transform([clips[row] for row in order])
        for row, vectors in zip(order, together, strict=True):
            assert_near(vectors, alone[row])


@pytest.mark.parametrize("center", [True, False])
def test_long_clips_are_streamed(monkeypatch, transformer, tmp_path, rng, center):
    clip = make_tone(rng, 3 * RATE + 123, RATE)
    soundfile.write(tmp_path / "clip.wav", clip, RATE, subtype="FLOAT")
    transformer.set_params(mode="frame", hop_length=0.1, center=center).fit()
    whole = transformer.transform([clip])
    assert whole.shape == (1, 27 if center else 22, 10)
    monkeypatch.setattr(FrozenOpenL3, "windows_at_once", 5)
    monkeypatch.setattr(FrozenOpenL3, "prepare", None)  # it would be for short clips
    assert_near(transformer.transform([str(tmp_path / "clip.wav")]), whole)


def test_memory_is_bounded(transformer):
    network = transformer.fit()._network()
    framing = transformer.set_params(hop_length=0.1)._framing()
    assert network.longest(framing) <= 8 * RATE
    inputs = network.prepare(np.zeros(network.longest(framing), np.float32), framing)
    assert len(inputs) == network.windows_at_once
    assert inputs.element_size() * inputs.nelement() < 20e6


def test_odd_clips_have_finite_vectors(transformer, tmp_path, rng):
    tone = make_tone(rng, RATE, RATE)
    soundfile.write(tmp_path / "mono.wav", tone, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone, tone], 1), RATE, subtype="FLOAT")
    mono, stereo, *others = transformer.fit_transform(
        [str(tmp_path / "mono.wav"), str(tmp_path / "stereo.wav"), np.zeros(RATE), np.ones(1)]
    )
    assert_close(mono, stereo)
    assert np.isfinite(others).all()


# The estimator


def test_forms_of_clips(transformer, clips, tmp_path):
    expected = transformer.fit_transform(clips)
    paths = [str(tmp_path / f"{row}.wav") for row in range(len(clips))]
    for path, clip in zip(paths, clips, strict=True):
        soundfile.write(path, clip, RATE, subtype="FLOAT")
    tensors = [torch.from_numpy(clip) for clip in clips]
    for X in (paths, pd.Series(paths), pd.DataFrame({"file": paths}), tensors, np.array(paths)):
        assert_near(transformer.fit_transform(X), expected)


def test_pickle_clone_and_containers(transformer, clips):
    vectors = transformer.fit_transform(clips)
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 4000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(clips), vectors)
    assert clone(transformer).get_params() == transformer.get_params()
    before = dict(vars(transformer))
    table = transformer.set_output(transform="pandas").transform(clips)
    assert list(table.columns) == [f"openl3transformer{k}" for k in range(10)]
    assert {**before, "_sklearn_output_config": None} == {
        **vars(transformer),
        "_sklearn_output_config": None,
    }
    # Both sizes are of the same weights, so that fitting anew is not needed.
    assert transformer.set_params(embedding_size=6144).transform(clips).shape == (4, 120)
    with pytest.raises(ValueError, match="transform='default'"):
        transformer.set_params(mode="frame").transform(clips)


@pytest.mark.parametrize(
    "change", [{"frontend": "librosa"}, {"hop_length": 0.4}, {"center": False}]
)
def test_memory_tells_configurations_apart(monkeypatch, tmp_path, checkpoint, clips, change):
    transformer = OpenL3Transformer(checkpoint, hop_length=0.8, memory=tmp_path)
    first = transformer.fit_transform(clips[2:3])
    other = transformer.set_params(**change).fit_transform(clips[2:3])
    assert np.abs(first - other).max() > 1e-3
    expected = clone(transformer).set_params(memory=None).fit_transform(clips[2:3])
    np.testing.assert_array_equal(other, expected)
    monkeypatch.setattr(FrozenOpenL3, "encode", None)
    np.testing.assert_array_equal(transformer.transform(clips[2:3]), expected)


def test_failed_rows(transformer, clips):
    X = [clips[0], "nowhere.wav", clips[2]]
    with pytest.raises(AudioError, match=r"Row 1 \('nowhere.wav'\)"):
        transformer.fit(X).transform(X)
    with pytest.warns(UserWarning, match="1 of 3 clips failed"):
        vectors = transformer.set_params(on_error="nan").transform(X)
    assert np.isnan(vectors).any(axis=1).tolist() == [False, True, False]


def test_normalize(transformer, clips):
    vectors = transformer.set_params(normalize=True).fit_transform(clips)
    assert_close(np.linalg.norm(vectors, axis=1), 1, FEW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content_type", "speech"),
        ("input_repr", "mel64"),
        ("embedding_size", 1024),
        ("frontend", "kapre"),
        ("mode", "mean"),
        ("hop_length", 0.0),
        ("hop_length", 1e-6),
        ("center", "yes"),
        ("device", "openvino"),
    ],
)
def test_bad_parameters(transformer, clips, name, value):
    with pytest.raises(ValueError, match=name):
        transformer.set_params(**{name: value}).fit_transform(clips)


def test_windows_of_other_representations_need_other_weights(tmp_path, layers, clips):
    path = write_keras(tmp_path / "openl3_audio_linear_env.h5", layers)
    transformer = OpenL3Transformer(path, input_repr="linear").fit()
    with pytest.raises(WeightsError, match="takes 'linear'"):
        transformer.set_params(input_repr="mel256").transform(clips)


# The official weights


def resample_as_resampy(waveform, old, new):
    """Resample as resampy 0.2 does with its filter "kaiser_best"; to a higher rate only."""
    n_zeros, steps, rolloff = 64, 512, 0.9475937167399596
    n = n_zeros * steps
    times = np.linspace(0, n_zeros, n + 1)
    taper = scipy.signal.windows.kaiser(2 * n + 1, 14.769656459379492)[n:]
    half = np.append(rolloff * np.sinc(rolloff * times) * taper, 0)
    position = np.arange(len(waveform) * new // old) * (old / new)
    whole = position.astype(int)
    result = np.zeros(len(position))
    padded = np.pad(waveform, n_zeros + 1)
    for k in range(-n_zeros, n_zeros + 2):
        distance = np.abs(position - whole - k) * steps
        index = np.minimum(distance.astype(int), n)
        weight = half[index] + (distance - index) * (half[index + 1] - half[index])
        weight[distance > n] = 0
        result += weight * padded[whole + k + n_zeros + 1]
    return result.astype(np.float32)


# TensorFlow's Fourier transform is not exact enough for the range of 160 decibels, which a
# pure tone has: the floor of the spectrograms of kapre 0.3 is its noise.
CORRELATIONS = {"kapre-0.1": 0.999, "kapre-0.3": 0.98, "librosa": 0.999}
FILES = {"kapre-0.1": "", "kapre-0.3": "_kapre", "librosa": "_librosa"}


def check_regression(shared, frontend, suffix, **parameters):
    folder = shared / "oracles" / "openl3"
    expected = np.load(folder / f"chirp_44k{FILES[frontend]}{suffix}.npz")
    waveform, rate = soundfile.read(folder / "chirp_44k.wav")
    clip = resample_as_resampy(waveform, rate, RATE)
    transformer = OpenL3Transformer(frontend=frontend, mode="frame", **parameters)
    vectors = transformer.fit_transform([clip])[0]
    assert vectors.shape == expected["embedding"].shape
    correlation = np.corrcoef(vectors.ravel(), expected["embedding"].ravel())[0, 1]
    assert correlation > CORRELATIONS[frontend]
    starts = transformer.frame_times(len(vectors))[:, 0] + 0.5 * transformer.center
    np.testing.assert_allclose(starts, expected["timestamps"], atol=1e-9)


@pytest.mark.official_weights("openl3-audio-mel256-music")
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_upstreams_regression_data(shared, frontend):
    check_regression(shared, frontend, "", embedding_size=6144)


@pytest.mark.official_weights("openl3-audio-linear-env")
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_upstreams_regression_data_of_linear_spectrograms(shared, frontend):
    check_regression(
        shared,
        frontend,
        "_linear",
        input_repr="linear",
        content_type="env",
        center=False,
        hop_length=0.5,
    )


def test_resampling_as_resampy_keeps_a_tone():
    """What the regression data were resampled with; resampy itself is not needed for it."""
    tone = np.sin(2 * np.pi * 3000 * np.arange(44100) / 44100)
    expected = np.sin(2 * np.pi * 3000 * np.arange(48000) / 48000)
    resampled = resample_as_resampy(tone, 44100, 48000)
    assert_close(resampled[200:-200], expected[200:-200])


def test_all_regression_data_have_the_shapes_of_their_windows(shared):
    """Without the weights, at least the number of windows and their times are compared."""
    folder = shared / "oracles" / "openl3"
    for frontend in FRONTENDS:
        for suffix, parameters in (("", {}), ("_linear", {"center": False, "hop_length": 0.5})):
            expected = np.load(folder / f"chirp_44k{FILES[frontend]}{suffix}.npz")
            transformer = OpenL3Transformer(**parameters)
            framing: Framing = transformer._framing()
            assert framing.count(2 * RATE) == len(expected["embedding"])
            starts = transformer.frame_times(len(expected["embedding"]))[:, 0]
            starts += 0.5 * transformer.center
            np.testing.assert_allclose(starts, expected["timestamps"], atol=1e-9)


def test_the_state_of_a_file_loads_in_any_order(layers, checkpoint):
    state = read_checkpoint(checkpoint)
    network = build_openl3(dict(reversed(state.items())), "the file", "audio")
    kernel = layers[-1][1]["kernel"]
    np.testing.assert_array_equal(network.convolutions[7].weight, kernel.transpose(3, 2, 0, 1))
