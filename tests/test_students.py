"""Students that are EfficientATs, hear their own rate, and learn the very views of the teacher."""

import copy
import json

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from sklearn.base import BaseEstimator, TransformerMixin

from skw2c import (
    CLAPTransformer,
    Distiller,
    EfficientATTransformer,
    SupervisedAudioClassifier,
    Wav2CLIPTransformer,
)
from skw2c.cli._distill import _ENCODERS
from skw2c.datasets import make_sound_events
from skw2c.exceptions import WeightsError
from skw2c.hear import get_scene_embeddings, load_model
from skw2c.models import ARCHITECTURES, build_student, hearing_of
from skw2c.models._window_encoder import WindowEncoder
from skw2c.models.students._efficientat_student import EfficientATStudent
from skw2c.weights import read_metadata
from skw2c.xares import XARESEncoder

from .clap_files import write_tiny_clap
from .conftest import make_tone
from .efficientat_files import randomise
from .tolerances import assert_close

RATE = 32000
N_FEATURES, N_OUTPUTS = 96, 16
KINDS = ["bell", "rain", "engine"]
SMALL = dict(
    loss="cosine", encoder="mn01", clip_length=0.25, batch_size=16, learning_rate=1e-2,
    devices="cpu", random_state=0, verbose=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def network():
    """A student of few channels, whose entries all matter."""
    return randomise(lambda: EfficientATStudent(0.1, N_OUTPUTS))


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    """Its file."""
    path = str(tmp_path_factory.mktemp("student") / "mn01.safetensors")
    save_file(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def clips():
    """At 32 kHz, from one sample to more than two windows."""
    rng = np.random.default_rng(3)
    lengths = (40000, 32000, 1, 514, 320000, 320001, 800000, 40000)
    return [make_tone(rng, length, RATE) for length in lengths]


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    return write_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")


def make_sounds(n_clips, duration=0.25, seed=0):
    clips = make_sound_events(
        n_clips, kinds=KINDS, duration=max(duration, 1), random_state=seed
    ).data
    return [clip[: round(16000 * duration)] for clip in clips]


# The network


def test_names():
    assert {*_ENCODERS} == {*ARCHITECTURES}
    for name in ("resnet18", "mobilenet", "mn02"):
        student, n_features = build_student(name, 64)
        hearing = hearing_of(name)
        waveforms = torch.randn(2, hearing.shortest)
        assert student.eval()(waveforms).shape == (2, n_features)
        assert student.sampling_rate == hearing.sampling_rate


@pytest.mark.parametrize("output", ["encoder", "embedding"])
def test_what_runs_is_what_was_trained(network, weights, clips, output):
    transformer = Wav2CLIPTransformer(weights, output=output, sampling_rate=RATE)
    with torch.inference_mode():
        expected = network.audio_encoder(torch.from_numpy(clips[0])[None])
        if output == "embedding":
            expected = network.audio_transform(expected)
    assert_close(transformer.fit_transform(clips[:1]), expected)


def test_front_end_and_windows_are_those_of_efficientat(network, clips, tmp_path):
    """The same network with a classifier, in the format of the original program."""
    body = {
        name.removeprefix("audio_encoder."): value
        for name, value in network.state_dict().items()
        if name.startswith("audio_encoder.")
    }
    hidden = {"classifier.2.weight": torch.zeros(128, 96), "classifier.2.bias": torch.zeros(128)}
    last = {"classifier.5.weight": torch.zeros(527, 128), "classifier.5.bias": torch.zeros(527)}
    torch.save({**body, **hidden, **last}, tmp_path / "original.pt")
    expected = EfficientATTransformer(tmp_path / "original.pt").fit_transform(clips)
    save_file(network.state_dict(), tmp_path / "student.safetensors")
    transformer = Wav2CLIPTransformer(
        tmp_path / "student.safetensors", output="encoder", sampling_rate=RATE
    )
    np.testing.assert_array_equal(transformer.fit_transform(clips), expected)


# Clips


def test_the_same_clip_has_the_same_vector(weights, clips):
    transformer = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit()
    together = transformer.transform(clips)
    backwards = transformer.set_params(batch_size=3).transform(clips[::-1])[::-1]
    assert together.shape == (8, N_OUTPUTS)
    for row, clip in enumerate(clips):
        assert_close(transformer.transform([clip])[0], together[row])
        assert_close(backwards[row], together[row])


def test_a_long_clip_is_the_mean_direction_of_its_windows(weights, clips):
    transformer = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit()
    clip, length = clips[6], 10 * RATE
    windows = [clip[:length], clip[length : 2 * length], clip[-length:]]
    vectors = transformer.transform(windows)
    expected = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
    assert_close(transformer.transform([clip])[0], expected)
    features = Wav2CLIPTransformer(weights, output="encoder", sampling_rate=RATE).fit()
    expected = features.transform(windows).mean(axis=0)
    assert_close(features.transform([clip])[0], expected)


def test_streamed_is_whole(weights, clips, tmp_path, monkeypatch):
    transformer = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit()
    path = str(tmp_path / "long.wav")
    soundfile.write(path, clips[6], RATE, subtype="FLOAT")
    whole = transformer.transform([path])
    assert_close(whole, transformer.transform([clips[6]]))
    monkeypatch.setattr(WindowEncoder, "_count_at_once", lambda encoder, framing: 1)
    assert transformer._network().longest(transformer._framing()) == 10 * RATE
    assert_close(transformer.transform([path]), whole)


def test_frames(weights, clips):
    parameters = dict(sampling_rate=RATE, frame_length=0.5, hop_length=0.25)
    transformer = Wav2CLIPTransformer(weights, mode="frame", **parameters).fit()
    [frames] = transformer.transform(clips[:1])
    pieces = [clips[0][start : start + 16000] for start in (0, 8000, 16000, 24000)]
    clipwise = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit()
    assert_close(frames, clipwise.transform(pieces))
    np.testing.assert_array_equal(transformer.frame_times(4)[-1], [0.75, 1.25])
    [padded] = transformer.set_params(tail="pad").transform([clips[0][:33000]])
    assert padded.shape == (4, N_OUTPUTS)


def test_other_rates_are_resampled(weights, rng):
    tone = make_tone(rng, 16000, 16000)
    at_16k = Wav2CLIPTransformer(weights).fit_transform([tone])
    brought = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit_transform([(tone, 16000)])
    np.testing.assert_array_equal(at_16k, brought)


def test_scale_matters_and_is_warned_of(weights, clips):
    transformer = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit()
    with pytest.warns(UserWarning, match=r"beyond \[-1, 1\]"):
        transformer.transform([1000 * clips[0]])


def test_a_refit_forgets_the_rate_of_before(weights, tiny_checkpoint):
    transformer = Wav2CLIPTransformer(weights, mode="frame").fit()
    assert transformer._framing().length == RATE
    transformer.set_params(weights=tiny_checkpoint).fit()
    assert transformer._framing().length == 16000


def test_hear_and_xares_take_its_rate(weights, clips):
    model = load_model(weights)
    assert model.sample_rate == RATE
    expected = Wav2CLIPTransformer(weights, sampling_rate=RATE).fit_transform(clips[:1])
    assert_close(get_scene_embeddings(torch.from_numpy(clips[0])[None], model), expected)
    assert XARESEncoder(Wav2CLIPTransformer(weights)).sampling_rate == RATE


# Files that do not fit


def spoil(name, change):
    return lambda state: state.__setitem__(name, change(state[name]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.pop("audio_encoder.features.7.block.1.0.weight"),
            r"Missing: audio_encoder\.f",
        ),
        (
            lambda s: s.update({"audio_encoder.extra": torch.ones(2)}),
            r"Unexpected: audio_encoder\.e",
        ),
        (lambda s: s.pop("audio_transform.sequential.3.weight"), r"Unexpected: audio_transform\.s"),
        (
            spoil("audio_transform.sequential.3.weight", lambda x: x[0]),
            r"sequential\.0\.bias has shape \(16,\), expected \(1,\)",
        ),
        (
            spoil("audio_encoder.features.16.0.weight", lambda x: x[:90]),
            r"features\.10\.block\.0\.0\.weight has shape \(24, 8, 1, 1\), expected \(16, 8,",
        ),
        (spoil("audio_encoder.features.0.1.running_var", torch.neg), "negative variances"),
        (
            spoil("audio_encoder.features.0.1.weight", lambda x: x * torch.nan),
            "NaN or infinite values",
        ),
    ],
)
def test_damaged_files(network, tmp_path, change, message):
    state = dict(network.state_dict())
    change(state)
    save_file(
        {name: value.contiguous() for name, value in state.items()}, tmp_path / "a.safetensors"
    )
    with pytest.raises(WeightsError, match=message):
        Wav2CLIPTransformer(tmp_path / "a.safetensors").fit()


def test_what_it_has_not(weights):
    with pytest.raises(ValueError, match="has no output='words'"):
        Wav2CLIPTransformer(weights, output="words").fit()
    with pytest.raises(ValueError, match="device='openvino' runs Wav2CLIP, not EfficientAT"):
        Wav2CLIPTransformer(weights, device="openvino").fit()
    transformer = Wav2CLIPTransformer(weights, mode="frame").fit()
    with pytest.raises(ValueError, match="frame_length=0.01 seconds is 320 samples at 32000 Hz"):
        transformer.set_params(frame_length=0.01).transform([np.ones(16000)])


# Training


def test_it_learns_what_clap_hears(clap, tmp_path):
    """The cosine with the teacher, on clips that were held out."""
    sounds = make_sounds(84)
    training, held_out = sounds[:60], sounds[60:]
    teacher = CLAPTransformer(clap, memory=tmp_path / "vectors")
    wanted = copy.copy(teacher).set_params(sampling_rate=16000).fit_transform(held_out)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)

    def embed(**parameters):
        own = {**SMALL, "early_stopping_patience": None, **parameters}
        distiller = Distiller(teacher=teacher, **own).fit(training)
        return distiller, distiller.to_transformer(normalize=True).transform(held_out)

    _, untrained = embed(max_epochs=1, learning_rate=1e-9)
    distiller, student = embed(max_epochs=5)
    assert (student * wanted).sum(axis=1).mean() > 0.8
    assert (untrained * wanted).sum(axis=1).mean() < 0.5
    path = str(tmp_path / "small.safetensors")
    distiller.save(path, data="generated", licence="CC0")
    read = Wav2CLIPTransformer(path, normalize=True).fit()
    np.testing.assert_array_equal(read.transform(held_out), student)
    assert read.shared_space() == "clap"
    stated = read_metadata(path)
    assert (stated["architecture"], stated["width"]) == ("mn01", "0.1")
    assert (stated["sampling_rate"], stated["front_end"]) == (
        "32000 Hz",
        "log-mel spectrogram of EfficientAT, 128 bands",
    )
    assert json.loads(stated["words"])["path"] == clap
    again = Distiller(encoder="mn01").load_weights(path).to_transformer(normalize=True)
    np.testing.assert_array_equal(again.transform(held_out), student)


@pytest.mark.parametrize("loss", ["cx", "clip_i", "direct"])
def test_losses_with_and_without_a_projection(loss, rng):
    vectors = rng.normal(size=(20, N_FEATURES))
    distiller = Distiller(max_epochs=1, **{**SMALL, "loss": loss}).fit(make_sounds(20), vectors)
    features = distiller.to_transformer(output="encoder").transform(make_sounds(2))
    embedded = distiller.transform(make_sounds(2))
    assert embedded.shape == features.shape == (2, N_FEATURES)
    assert np.array_equal(embedded, features) == (loss != "cx")


def test_width_is_in_the_name():
    with pytest.raises(ValueError, match="encoder_width=8 does not apply to encoder='mn01'"):
        Distiller(encoder_width=8, **SMALL).fit(make_sounds(4), np.eye(4))
    with pytest.raises(ValueError, match="encoder_width=8 does not apply to encoder='mn04'"):
        SupervisedAudioClassifier(encoder="mn04", encoder_width=8).fit(make_sounds(4), [0, 1, 0, 1])


def test_a_classifier_from_scratch():
    sounds = make_sounds(20)
    own = {name: value for name, value in SMALL.items() if name != "loss"}
    classifier = SupervisedAudioClassifier(max_epochs=1, **own).fit(sounds, ["a", "b"] * 10)
    assert classifier.predict_proba(sounds[:2]).shape == (2, 2)
    assert classifier.to_transformer()._rate == RATE


class Loud(torch.nn.Module):
    """A student of the user's own, with a rate of its own."""

    sampling_rate = 8000

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv1d(1, 6, 64, 16)
        self.seconds = None

    def forward(self, waveforms):
        self.seconds = waveforms.shape[1] / self.sampling_rate
        return self.layer(waveforms[:, None]).abs().mean(2)


def test_a_module_with_a_rate_of_its_own(rng, tmp_path):
    sounds, vectors = make_sounds(20, duration=1.0), rng.normal(size=(20, 5))
    own = {**SMALL, "encoder": Loud()}
    distiller = Distiller(max_epochs=1, **own).fit(sounds, vectors)
    transformer = distiller.to_transformer(mode="frame", frame_length=0.5, hop_length=0.5)
    assert transformer.transform(sounds[:2]).shape == (2, 2, 5)
    module = distiller.to_transformer()._network()._encoder
    assert module.seconds == 0.5
    distiller.transform(sounds[:1])
    assert module.seconds == 1.0
    distiller.save(tmp_path / "own.safetensors")
    assert read_metadata(str(tmp_path / "own.safetensors"))["sampling_rate"] == "8000 Hz"
    again = Distiller(encoder=Loud()).load_weights(tmp_path / "own.safetensors")
    np.testing.assert_array_equal(again.transform(sounds), distiller.transform(sounds))


# Views that teacher and student both hear


class Ear(TransformerMixin, BaseEstimator):
    """A teacher that tells two sounds apart wherever they differ at all."""

    def __init__(self, sampling_rate=16000):
        self.sampling_rate = sampling_rate

    def fit(self, X=None, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        assert {rate for _, rate in X} == {RATE}
        random = np.random.default_rng(0).normal(size=(8000, 6))
        return np.stack([clip.astype(np.float64) @ random for clip, _ in X])


def views_of(sounds, **parameters):
    distiller = Distiller(**{**SMALL, "teacher": Ear(), "n_views": 3, **parameters})
    views, _ = distiller._collect(sounds, None, None, parameters.pop("groups", None))
    return views


@pytest.mark.parametrize("augment", [None, "audioclip"])
def test_the_teacher_hears_what_the_student_hears(augment):
    sounds = [make_sounds(1, duration=seconds, seed=k)[0] for k, seconds in enumerate((1, 2, 0.1))]
    views = views_of(sounds, augment=augment)
    rows = np.array([4, 0, 8, 0])
    batch = views.read(rows, np.zeros(4, int), 8000)
    heard = [(waveform, RATE) for waveform in batch.waveforms.numpy()]
    np.testing.assert_array_equal(batch.targets, Ear().transform(heard).astype(np.float32))
    assert torch.equal(batch.waveforms[1], batch.waveforms[3])
    assert len(views.n_samples) == 9
    assert views.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    everything = views.read(np.arange(9), np.zeros(9, int), 8000).waveforms
    assert len(torch.unique(everything[:6], dim=0)) == 6
    assert np.array_equal(everything[6], everything[7]) == (augment is None)  # it is short


def test_views_are_the_same_again_and_others_for_another_seed():
    sounds = make_sounds(3, duration=1.0)
    one, same, other = (views_of(sounds, random_state=seed).fingerprint for seed in (0, 0, 1))
    assert one == same != other


def test_views_of_tensors_files_and_left_out_clips(tmp_path):
    sounds = make_sounds(3, duration=1.0)
    paths = [str(tmp_path / f"{row}.wav") for row in range(3)]
    for path, sound in zip(paths, sounds, strict=True):
        soundfile.write(path, sound, 16000, subtype="FLOAT")
    expected = views_of(list(sounds)).fingerprint
    assert views_of(paths).fingerprint == expected
    assert views_of(torch.tensor(np.stack(sounds))).fingerprint == expected
    at_its_rate = torch.randn(3, 20000)
    pcm = (at_its_rate / 8 * 32768).round().clamp(-32768, 32767).to(torch.int16)
    own = dict(sampling_rate=RATE)
    assert views_of(pcm, **own).fingerprint == views_of(pcm / 32768, **own).fingerprint
    (tmp_path / "0.wav").write_bytes(b"RIFF")
    with pytest.warns(UserWarning, match="1 of 3 clips failed"):
        views = views_of(paths, on_error="nan")
    rows = np.array([0, 3])
    kept = views_of(list(sounds)).read(rows + 3, np.zeros(2, int), 8000)
    assert torch.equal(views.read(rows, np.zeros(2, int), 8000).waveforms, kept.waveforms)


def test_training_on_views(tmp_path):
    own = dict(teacher=Ear(), n_views=2, augment="audioclip", **SMALL)
    sounds = make_sounds(16, duration=0.75)
    whole = Distiller(max_epochs=2, **own).fit(sounds)
    assert len(whole.history_) == 2
    assert whole._training["views_of_a_clip"] == 2
    assert whole._training["clips"] == 16
    resumed = dict(checkpoint_dir=tmp_path, **own)
    Distiller(max_epochs=1, **resumed).fit(sounds)
    again = Distiller(max_epochs=2, **resumed).fit(sounds)
    assert again.weights_ == whole.weights_


def test_what_views_need(rng):
    sounds = make_sounds(8)
    for parameters, arguments, message in (
        ({"teacher": None}, (), "n_views=3 needs a teacher that hears X"),
        ({}, (rng.normal(size=(8, 4)),), "n_views=3 is for a teacher that hears X: leave y and"),
        ({}, (None, ["a"] * 8), "leave y and captions out"),
    ):
        with pytest.raises(ValueError, match=message):
            Distiller(**{**SMALL, "teacher": Ear(), "n_views": 3, **parameters}).fit(
                sounds, *arguments
            )


def test_long_clips_are_warned_of(clap):
    own = {**SMALL, "teacher": CLAPTransformer(clap), "max_epochs": 1, "batch_size": 4}
    with pytest.warns(UserWarning, match=r"8 of 8 clips .* clip_length=0\.25 seconds.*n_views=4"):
        Distiller(**own).fit(make_sounds(8, duration=0.75))


def test_the_teacher_is_left_as_it_was(clap):
    teacher = CLAPTransformer(clap)
    before = copy.deepcopy(teacher.get_params())
    Distiller(teacher=teacher, n_views=3, max_epochs=1, **SMALL).fit(make_sounds(7))
    assert teacher.get_params() == before
    assert not hasattr(teacher, "weights_")
