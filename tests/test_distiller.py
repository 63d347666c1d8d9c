"""Distiller: it learns, goes on where it was, saves what it learned, refuses what is no use."""

import pickle
import signal
import subprocess
import sys
import textwrap
import time
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import safetensors
import soundfile
import torch
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_fit2d_1sample

from skw2c import (
    AudioIndex,
    CLIPImageEncoder,
    CLIPTextEncoder,
    CLIPVideoEncoder,
    Distiller,
    Wav2CLIPTransformer,
    ZeroShotClassifier,
)
from skw2c.distillation._training_data import Labelling, Reading, collect_clips
from skw2c.exceptions import (
    AudioError,
    FailedClipWarning,
    LeftOutWarning,
    SavedIndexError,
    WeightsError,
)
from skw2c.models import build_wav2clip
from skw2c.training import Run, _targets
from skw2c.training._checkpoint_file import read_plain

from .conftest import REPOSITORY
from .processes import Python, run_python
from .test_images import write_grey_videos, write_video
from .tolerances import assert_close

# Most trainings here are of few clips, so that they are short.
pytestmark = pytest.mark.filterwarnings("ignore:batch_size=16 is larger")

RATE = 16000
SMALL = dict(
    encoder_width=4, clip_length=0.25, batch_size=16, random_state=0, verbose=False, devices="cpu"
)


def make_clips(n_clips=40, seconds=0.5, width=12, seed=0):
    """Tones in noise, with vectors that tell the pitch."""
    rng = np.random.default_rng(seed)
    pitches = np.exp(rng.uniform(np.log(150), np.log(6000), n_clips))
    t = np.arange(int(seconds * RATE)) / RATE
    sounds = 0.3 * np.sin(2 * np.pi * pitches[:, None] * t) + 0.03 * rng.normal(
        size=(n_clips, len(t))
    )
    centres = np.linspace(np.log(150), np.log(6000), width)
    vectors = np.exp(-((np.log(pitches)[:, None] - centres) ** 2) / 0.1)
    return sounds.astype(np.float32), vectors.astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    sounds, vectors = make_clips()
    return Distiller(max_epochs=3, **SMALL).fit(sounds, vectors)


class Waves(torch.nn.Module):
    """A student that looks at the waveform itself."""

    def __init__(self, n_features=10):
        super().__init__()
        self.layer = torch.nn.Conv1d(1, n_features, 64, 16)

    def forward(self, waveforms):
        return self.layer(waveforms[:, None]).abs().mean(2)


class Shown(TransformerMixin, BaseEstimator):
    """A teacher whose videos are arrays of the vectors that it sees in them."""

    def __init__(self, fps=8.0, pool="mean"):
        self.fps = fps
        self.pool = pool

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        assert self.pool is None
        return X

    def get_feature_names_out(self, input_features=None):
        return np.array([f"shown{k}" for k in range(12)])


# ---- learning


def make_kinds(n_clips, seed):
    """Eight kinds of tones, each with a vector of its own, and which clip is of which."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(n_clips) % 8
    pitches = np.geomspace(200, 5000, 8)[kinds] * rng.uniform(0.95, 1.05, n_clips)
    sounds = np.sin(2 * np.pi * pitches[:, None] * np.arange(4000) / RATE)
    words = np.random.default_rng(0).normal(size=(8, 32))
    return 0.3 * sounds + 0.01 * rng.normal(size=sounds.shape), words, kinds


@pytest.mark.parametrize("loss", ["cx", "clip", "clip_i", "cosine"])
def test_it_learns(loss, rng):
    sounds, words, kinds = make_kinds(160, seed=1)
    distiller = Distiller(loss=loss, max_epochs=12, learning_rate=3e-3, **SMALL)
    distiller.fit(sounds, words[kinds] + 0.3 * rng.normal(size=(160, 32)))
    history = distiller.history_
    fall = 0.2 if loss == "cosine" else 0.5
    assert history["validation_loss"].min() < history["validation_loss"][0] - fall
    sounds, words, kinds = make_kinds(40, seed=2)
    words = distiller.project(words) if loss == "clip_i" else words
    found = cosine_similarity(distiller.transform(sounds), words).argmax(axis=1)
    assert (found == kinds).mean() > 0.7  # by chance 0.125


def test_learning_rate_falls_as_a_cosine(tmp_path):
    sounds, vectors = make_clips(20)
    parameters = dict(lr_schedule="cosine", learning_rate=0.01, checkpoint_dir=tmp_path, **SMALL)
    rates = Distiller(max_epochs=4, **parameters).fit(sounds, vectors).history_["learning_rate"]
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(4) / 4))
    np.testing.assert_allclose(rates, expected)
    with pytest.raises(ValueError, match="max_epochs"):
        Distiller(max_epochs=6, **parameters).fit(sounds, vectors)


def test_best_weights_are_kept_and_history_tells():
    sounds, vectors = make_clips(60)
    distiller = Distiller(
        max_epochs=30,
        learning_rate=0.05,
        lr_patience=0,
        early_stopping_patience=2,
        validation_fraction=0.3,
        **SMALL,
    ).fit(sounds, vectors)
    history = distiller.history_
    assert list(history["epoch"]) == list(range(1, distiller.n_iter_ + 1))
    assert distiller.best_epoch_ == history["epoch"][history["validation_loss"].idxmin()]
    assert distiller.n_iter_ == min(distiller.best_epoch_ + 2, 30)
    assert history["learning_rate"].is_monotonic_decreasing
    again = Distiller(
        max_epochs=distiller.best_epoch_,
        learning_rate=0.05,
        lr_patience=0,
        early_stopping_patience=None,
        validation_fraction=0.3,
        **SMALL,
    ).fit(sounds, vectors)
    np.testing.assert_array_equal(again.transform(sounds), distiller.transform(sounds))


def test_random_state_determines_all():
    sounds, vectors = make_clips()
    state = torch.random.get_rng_state()
    one, same, other = (
        Distiller(max_epochs=2, augment="audioclip", **{**SMALL, "random_state": seed})
        .fit(sounds, vectors)
        .transform(sounds)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_pieces_go_with_the_vectors_of_their_seconds(monkeypatch):
    """The pitch changes every second, and so do the frames; spies see every example."""
    rng = np.random.default_rng(0)
    pitches = rng.permutation(np.arange(1, 13) * 500.0)
    t = np.arange(RATE) / RATE
    sound = np.concatenate([np.sin(2 * np.pi * pitch * t) for pitch in pitches])
    frames = np.repeat(pitches, 100)[:, None] * [1.0, 0.0]
    heard, seen = [], []

    class Spy(Waves):
        def forward(self, waveforms):
            spectra = torch.fft.rfft(waveforms).abs().square()
            hertz = torch.fft.rfftfreq(waveforms.shape[1], 1 / RATE)
            heard.append(((spectra * hertz).sum(1) / spectra.sum(1)).numpy())
            return super().forward(waveforms)

    def spy(*arguments):
        seen.append(average(*arguments)[0])
        return average(*arguments)

    average = _targets.average_frames
    monkeypatch.setattr(_targets, "average_frames", spy)
    Distiller(
        encoder=Spy(),
        teacher=Shown(fps=100.0),
        max_epochs=3,
        validation_fraction=0,
        **{**SMALL, "clip_length": 2.0},
    ).fit([sound] * 8, [frames + np.array([0.0, row]) for row in range(8)])
    heard = np.concatenate(heard)
    heard = heard[np.isfinite(heard)]  # silence tries out what comes before and after
    assert len(heard) == len(seen) == 24
    assert np.std(seen) > 300
    np.testing.assert_allclose(heard, seen, atol=60)


# ---- X and y


def test_files_arrays_and_tensors_give_the_same(tmp_path):
    sounds, vectors = make_clips(12)
    paths = [str(tmp_path / f"{row}.wav") for row in range(12)]
    for path, sound in zip(paths, sounds, strict=True):
        soundfile.write(path, sound, RATE, subtype="FLOAT")
    results = [
        Distiller(max_epochs=1, **SMALL).fit(X, y).weights_
        for X, y in (
            (sounds, vectors),
            (list(sounds), list(vectors)),
            (paths, vectors[:, None]),
            (torch.from_numpy(sounds), torch.from_numpy(vectors)),
        )
    ]
    assert len({weights.sha256 for weights in results}) == 1


def test_arrays_are_neither_copied_nor_changed(rng):
    """Hours of sound shall not be in memory twice."""
    sounds = [rng.normal(size=n).astype(np.float32) for n in (9000, 8000)]
    sounds[1].setflags(write=False)
    clips = collect_clips(sounds, Labelling(np.eye(2)), Reading(RATE, RATE, None, "raise"))
    for own, sound in zip(clips._waveforms, sounds, strict=True):
        assert np.shares_memory(own, sound)
    before = [sound.copy() for sound in sounds]
    clips.read(np.arange(2), np.zeros(2, int), 8500)
    for sound, kept in zip(sounds, before, strict=True):
        np.testing.assert_array_equal(sound, kept)


def test_other_rates_are_resampled():
    sounds, vectors = make_clips(12)
    distiller = Distiller(max_epochs=1, sampling_rate=8000, **SMALL).fit(sounds, vectors)
    assert distiller.to_transformer().sampling_rate == 8000


def test_clips_shorter_than_a_piece_are_repeated(capsys):
    sounds, vectors = make_clips(12)
    ragged = [sound[: 1000 * (1 + row % 8)] for row, sound in enumerate(sounds)]
    Distiller(max_epochs=1, **{**SMALL, "verbose": True}).fit(ragged, vectors)
    assert "6 are shorter than a piece and repeated" in capsys.readouterr().out


def test_images_are_embedded_by_the_teacher(tiny_clip, rng):
    sounds, _ = make_clips(10)
    images = rng.integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
    teacher = CLIPImageEncoder(tiny_clip, pretrained=None, random_state=0)
    taught = Distiller(teacher=teacher, max_epochs=1, **SMALL).fit(sounds, list(images))
    given = Distiller(max_epochs=1, **SMALL).fit(sounds, teacher.fit_transform(list(images)))
    assert taught.weights_ == given.weights_
    assert taught.teacher_.weights_ == teacher.weights_
    assert not hasattr(teacher, "teacher_")


def test_videos_teach_their_own_sound(tiny_clip, tmp_path):
    paths = [str(tmp_path / f"{row}.mkv") for row in range(4)]
    for path in paths:
        write_video(path, [250 * k for k in range(9)], Fraction(1, 1000), sound=(0, 2))
    teacher = CLIPVideoEncoder(tiny_clip, pretrained=None, fps=4.0, random_state=0)
    parameters = dict(teacher=teacher, max_epochs=1, **SMALL)
    with pytest.raises(ValueError, match="constant"):
        Distiller(**parameters).fit(paths)
    write_grey_videos(paths)
    distiller = Distiller(**parameters).fit(paths)
    assert distiller.transform(paths).shape == (4, 16)


def test_captions_add_a_term(tiny_clip):
    sounds, vectors = make_clips(10, width=16)
    teacher = CLIPImageEncoder(tiny_clip, pretrained=None, random_state=0)
    images = list(np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), dtype=np.uint8))
    captions = [f"a tone number {row}" for row in range(10)]
    distiller = Distiller(teacher=teacher, max_epochs=1, **SMALL)
    by_words = distiller.fit(sounds, images, captions=captions).weights_
    texts = CLIPTextEncoder(tiny_clip, pretrained=None, random_state=0).fit_transform(captions)
    assert distiller.fit(sounds, images, captions=texts).weights_ == by_words
    assert "scale_t" in distiller.history_
    assert distiller.fit(sounds, images).weights_ != by_words
    with pytest.raises(ValueError, match="captions are strings, which only an encoder of CLIP"):
        Distiller(max_epochs=1, **SMALL).fit(sounds, vectors, captions=captions)
    with pytest.raises(ValueError, match=r"captions are vectors of shape \(10, 5\)"):
        Distiller(max_epochs=1, **SMALL).fit(sounds, vectors, captions=texts[:, :5])


# ---- bad input


def refuse(match, X=None, y=None, error=ValueError, **parameters):
    sounds, vectors = make_clips(12)
    X, y = sounds if X is None else X, vectors if y is None else y
    with pytest.raises(error, match=match):
        Distiller(max_epochs=1, **{**SMALL, **parameters}).fit(X, y)


def test_what_cannot_be_trained_on_is_refused():
    sounds, vectors = make_clips(12)
    spoiled = vectors.copy()
    spoiled[3, 2] = np.nan
    refuse("X has 12 clips and y has 11 rows", y=vectors[1:])
    refuse(
        r"Row 3: y contains NaN, infinity, or numbers too large .*To leave such clips out",
        y=spoiled,
    )
    refuse("y is constant", y=np.ones((12, 3)))
    refuse(
        "Row 5 of y has vectors of dimension 7, and row 0 of dimension 12",
        y=[*vectors[:5], np.ones(7), *vectors[6:]],
    )
    refuse("Row 0 of y is 'a.png'.*need a teacher", y=["a.png"] * 12)
    refuse("n_samples=1 clips to train on", X=sounds[:1], y=vectors[:1])
    refuse("clip_length=0.01 seconds is too short", clip_length=0.01)
    refuse("encoder's have dimension 32, the teacher's 12: .* encoder_width of 1.5", loss="clip")
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        Distiller(**SMALL).fit(sounds)
    with pytest.warns(UserWarning, match="one number for each clip.*train a classifier"):
        Distiller(max_epochs=1, **SMALL).fit(sounds, np.arange(12))


def test_one_sample_and_large_batches():
    check_fit2d_1sample("Distiller", Distiller(max_epochs=1, **SMALL))
    sounds, vectors = make_clips(12)
    with pytest.warns(UserWarning, match="batch_size=64 is larger than the 12 clips"):
        Distiller(max_epochs=1, **{**SMALL, "batch_size": 64}).fit(sounds, vectors)


def test_unreadable_clips_are_named_or_left_out(tmp_path):
    sounds, vectors = make_clips(12)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    X, y = [*sounds[:11], str(broken)], vectors.copy()
    refuse(r"Row 11 \('.*broken.wav'\).*on_error='nan'", X=X, error=AudioError)
    y[2] = np.nan
    with pytest.warns(LeftOutWarning, match="2 of 12 clips failed and are left out") as caught:
        kept = Distiller(max_epochs=1, on_error="nan", **SMALL).fit(X, y)
    [warning] = [w.message for w in caught if isinstance(w.message, LeftOutWarning)]
    assert [row for row, _, _ in warning.failures] == [2, 11]
    with pytest.warns(FailedClipWarning, match="row 11"):
        assert np.isnan(kept.transform(X)[11]).all()
    rest = [row for row in range(11) if row != 2]
    assert kept.weights_ == Distiller(max_epochs=1, **SMALL).fit(sounds[rest], y[rest]).weights_


def test_tensors_are_checked():
    sounds, vectors = make_clips(12)
    spoiled = torch.from_numpy(sounds.copy())
    spoiled[4, 7] = torch.inf
    refuse("Row 4: it holds NaN", X=spoiled)
    refuse("tensor of torch.int32", X=spoiled.int())
    with pytest.warns(LeftOutWarning):
        Distiller(max_epochs=1, on_error="nan", **SMALL).fit(spoiled, vectors)
    pcm = (torch.from_numpy(sounds) * 32768).round()
    from_pcm, from_floats = (
        Distiller(max_epochs=1, **SMALL).fit(X, vectors).weights_
        for X in (pcm.to(torch.int16), pcm / 32768)
    )
    assert from_pcm == from_floats


def test_diverging_loss_is_told():
    sounds, vectors = make_clips(12)
    with pytest.raises(FloatingPointError, match="epoch .* lower learning_rate"):
        Distiller(max_epochs=20, learning_rate=1e30, **SMALL).fit(sounds, vectors)


def fail_in(epoch, monkeypatch):
    """Make the validation loss NaN from an epoch on, at the learning rate of `FAILING`."""
    validate = Run._validate

    def spoil(run):
        loss = validate(run)
        rate = run._schedule.recipe.learning_rate
        return float("nan") if run._state.epoch + 1 >= epoch and rate == 0.01 else loss

    monkeypatch.setattr(Run, "_validate", spoil)


FAILING = dict(max_epochs=6, learning_rate=0.01, **SMALL)


def test_lack_of_memory_names_what_to_change(monkeypatch):
    def fail(*args):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    sounds, vectors = make_clips(12)
    monkeypatch.setattr(Run, "_loss", fail)
    with pytest.raises(MemoryError, match=r"on 'cpu' to train: choose a smaller batch_size$"):
        Distiller(max_epochs=1, **SMALL).fit(sounds, vectors)


def test_the_best_epoch_of_a_run_whose_loss_became_nan(tmp_path, monkeypatch):
    sounds, vectors = make_clips(24)
    whole = Distiller(**{**FAILING, "max_epochs": 3}).fit(sounds, vectors)
    fail_in(4, monkeypatch)
    failing = {**FAILING, "checkpoint_dir": tmp_path}
    message = (
        rf"epoch 4 is nan\. The best epoch so far is {whole.best_epoch_}, .*checkpoint\.pt'\. To "
        rf"have it, fit again with max_epochs={whole.best_epoch_}\. To go on .*lower learning_rate"
    )
    for _ in range(2):  # the same again says the same, at once
        with pytest.raises(FloatingPointError, match=message):
            Distiller(**failing).fit(sounds, vectors)
        monkeypatch.setattr(Run, "_train_epoch", None)
    before = _content(tmp_path / "checkpoint.pt")
    kept = Distiller(**{**failing, "max_epochs": whole.best_epoch_}).fit(sounds, vectors)
    assert kept.weights_ == whole.weights_
    assert kept.best_epoch_ == kept.n_iter_ == whole.best_epoch_
    assert _content(tmp_path / "checkpoint.pt") == before


def test_another_learning_rate_goes_on_from_the_best_epoch(tmp_path, monkeypatch):
    sounds, vectors = make_clips(24)
    fail_in(4, monkeypatch)
    ends, slower = [], {**FAILING, "learning_rate": 1e-4, "early_stopping_patience": None}
    for name in ("one", "other"):
        with pytest.raises(FloatingPointError, match="The best epoch so far is"):
            Distiller(**FAILING, checkpoint_dir=tmp_path / name).fit(sounds, vectors)
        state = read_plain(tmp_path / name / "checkpoint.pt")["standing"]
        ends.append(Distiller(**slower, checkpoint_dir=tmp_path / name).fit(sounds, vectors))
    one, other = ends
    assert one.weights_ == other.weights_
    assert one.n_iter_ == 6
    pd.testing.assert_frame_equal(
        other.history_.iloc[: state["best_epoch"]], pd.DataFrame(state["history"])
    )
    assert (one.history_["learning_rate"].iloc[state["best_epoch"] :] == 1e-4).all()
    assert one.history_["validation_loss"].min() <= state["best_loss"]
    for changes in ({"learning_rate": 0.01}, {"loss": "clip_i"}):
        with pytest.raises(ValueError, match="of another run"):
            Distiller(**{**slower, **changes}, checkpoint_dir=tmp_path / "one").fit(sounds, vectors)


def test_other_parameters_may_not_change_after_nan(tmp_path, monkeypatch):
    sounds, vectors = make_clips(24)
    fail_in(3, monkeypatch)
    failing = {**FAILING, "checkpoint_dir": tmp_path}
    with pytest.raises(FloatingPointError):
        Distiller(**failing).fit(sounds, vectors)
    before = _content(tmp_path / "checkpoint.pt")
    for changes in ({"loss": "clip_i"}, {"learning_rate": 1e-4, "random_state": 1}):
        with pytest.raises(ValueError, match="of another run"):
            Distiller(**{**failing, **changes}).fit(sounds, vectors)
    assert _content(tmp_path / "checkpoint.pt") == before
    cosine = {**failing, "lr_schedule": "cosine", "resume": False}
    with pytest.raises(FloatingPointError):
        Distiller(**cosine).fit(sounds, vectors)
    assert _content(tmp_path / "checkpoint-1.pt") == before  # resume=False kept it
    slower = {**cosine, "resume": True, "learning_rate": 1e-3}
    done = Distiller(**slower).fit(sounds, vectors)
    assert done.n_iter_ == 6
    epochs = np.arange(6)
    wanted = 1e-3 * (1 + np.cos(np.pi * epochs / 6)) / 2
    began = done.history_["learning_rate"].to_numpy() < 2e-3
    np.testing.assert_allclose(done.history_["learning_rate"][began], wanted[began])


def test_nan_in_the_first_epoch(tmp_path, monkeypatch):
    sounds, vectors = make_clips(24)
    fail_in(1, monkeypatch)
    failing = {**FAILING, "checkpoint_dir": tmp_path}
    for _ in range(2):
        with pytest.raises(
            FloatingPointError,
            match="epoch 1 is nan, and no epoch ended before .*pass resume=False",
        ):
            Distiller(**failing).fit(sounds, vectors)
    slower = {**failing, "learning_rate": 1e-3}
    done = Distiller(**slower).fit(sounds, vectors)
    fresh = Distiller(**{**slower, "checkpoint_dir": None}).fit(sounds, vectors)
    assert done.weights_ == fresh.weights_


def test_resume_false_keeps_the_former_run(tmp_path):
    sounds, vectors = make_clips(20)
    parameters = dict(max_epochs=1, checkpoint_dir=tmp_path, **SMALL)
    first = Distiller(**parameters).fit(sounds, vectors)
    for _ in range(2):
        Distiller(**{**parameters, "loss": "clip_i", "resume": False}).fit(sounds, vectors)
    names = ["checkpoint-1.pt", "checkpoint-2.pt", "checkpoint.pt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    (tmp_path / "checkpoint-1.pt").replace(tmp_path / "checkpoint.pt")
    assert Distiller(**parameters).fit(sounds, vectors).weights_ == first.weights_


# ---- going on


PROGRAM = """
import sys
import numpy as np
from skw2c import Distiller
from tests.test_distiller import SMALL, make_clips

sounds, vectors = make_clips(64)
distiller = Distiller(
    max_epochs=20, checkpoint_dir=sys.argv[1], checkpoint_interval=0.0, augment="audioclip", **SMALL
).fit(sounds, vectors)
np.save(sys.argv[2], distiller.transform(sounds))
"""


def start(folder, name):
    return Python("-c", PROGRAM, folder / name, folder / f"{name}.npy", cwd=REPOSITORY)


def test_killed_run_ends_with_the_weights_of_one_that_was_not(tmp_path):
    assert start(tmp_path, "whole").wait() == 0
    checkpoint, n_killed = tmp_path / "killed" / "checkpoint.pt", 0
    while n_killed < 2:
        process, before = start(tmp_path, "killed"), _content(checkpoint)
        while process.poll() is None and _content(checkpoint) == before:
            time.sleep(0.01)
        time.sleep(0.1 * n_killed)  # killed at different points, in and between epochs
        process.send_signal(signal.SIGKILL)
        n_killed += 1
        process.wait()
    assert torch.load(checkpoint, weights_only=True)["standing"]["epoch"] < 20
    assert start(tmp_path, "killed").wait() == 0
    np.testing.assert_array_equal(*(np.load(tmp_path / f"{n}.npy") for n in ("killed", "whole")))


def _content(path):
    return path.read_bytes() if path.exists() else None


def test_finished_run_is_taken_as_it_is_and_can_be_prolonged(tmp_path, monkeypatch):
    sounds, vectors = make_clips(20)
    parameters = dict(checkpoint_dir=tmp_path, early_stopping_patience=None, **SMALL)
    done = Distiller(max_epochs=2, **parameters).fit(sounds, vectors)
    longer = Distiller(max_epochs=4, **parameters).fit(sounds, vectors)
    assert longer.n_iter_ == 4
    fresh = Distiller(max_epochs=4, **{**parameters, "checkpoint_dir": None}).fit(sounds, vectors)
    assert fresh.weights_ == longer.weights_
    monkeypatch.setattr(Run, "_step", None)
    again = Distiller(max_epochs=2, **parameters).fit(sounds, vectors)
    assert again.weights_ == longer.weights_
    assert done.n_iter_ == 2


def test_checkpoint_of_other_data_or_parameters_is_refused(tmp_path):
    sounds, vectors = make_clips(20)
    parameters = dict(checkpoint_dir=tmp_path, max_epochs=1, **SMALL)
    Distiller(**parameters).fit(sounds, vectors)
    before = _content(tmp_path / "checkpoint.pt")
    for changes, X, name in (
        ({"loss": "clip_i"}, sounds, "loss"),
        ({"random_state": 1}, sounds, "random_state"),
        ({"encoder": Waves()}, sounds, "encoder"),
        ({}, sounds[::-1], "data"),
    ):
        with pytest.raises(ValueError, match=rf"of another run.*{name} \(then"):
            Distiller(**{**parameters, **changes}).fit(X, vectors)
    assert _content(tmp_path / "checkpoint.pt") == before
    Distiller(**{**parameters, "loss": "clip_i", "resume": False}).fit(sounds, vectors)
    assert _content(tmp_path / "checkpoint.pt") != before
    assert _content(tmp_path / "checkpoint-1.pt") == before


def test_run_without_random_state_goes_on_with_its_own(tmp_path):
    sounds, vectors = make_clips(20)
    parameters = {**SMALL, "random_state": None, "checkpoint_dir": tmp_path}
    one = Distiller(max_epochs=1, **parameters).fit(sounds, vectors)
    assert Distiller(max_epochs=1, **parameters).fit(sounds, vectors).weights_ == one.weights_


# ---- what comes out


def test_transformer_gives_the_same_vectors(fitted):
    sounds, _ = make_clips(6, seed=3)
    vectors = fitted.transform(sounds)
    assert vectors.dtype == np.float32
    transformer = fitted.to_transformer(mode="frame", frame_length=0.25, hop_length=0.25)
    assert transformer.transform(sounds).shape == (6, 2, 12)
    np.testing.assert_array_equal(fitted.to_transformer().transform(list(sounds)), vectors)
    assert fitted.to_transformer(output="encoder").transform(sounds).shape == (6, 32)
    for copied in (clone(transformer), pickle.loads(pickle.dumps(transformer))):
        np.testing.assert_array_equal(
            copied.fit(sounds).transform(sounds), transformer.transform(sounds)
        )


def test_model_in_training_form_agrees(fitted):
    """What was trained and what runs frozen are one network."""
    sounds, _ = make_clips(4, seed=3)
    model = build_wav2clip(fitted.weights_.read(), "the trained weights")
    with torch.no_grad():
        expected = model(torch.from_numpy(sounds)).numpy()
    assert_close(fitted.transform(sounds), expected)


def test_pickle_names_and_containers(fitted):
    sounds, _ = make_clips(3)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(sounds), fitted.transform(sounds))
    assert list(again.history_) == list(fitted.history_)
    named = pickle.loads(pickle.dumps(fitted)).set_output(transform="pandas").transform(sounds)
    assert list(named) == [f"distiller{k}" for k in range(12)]
    assert "Distiller" in fitted._repr_html_()


def test_saved_weights_are_read_again(fitted, tmp_path):
    sounds, _ = make_clips(3)
    path = tmp_path / "mine.safetensors"
    fitted.save(path, data="tones | of one kind", licence="CC0")
    transformer = Wav2CLIPTransformer(path).fit(list(sounds))
    np.testing.assert_array_equal(transformer.transform(list(sounds)), fitted.transform(sounds))
    loaded = Distiller(**SMALL).load_weights(path)
    np.testing.assert_array_equal(loaded.transform(sounds), fitted.transform(sounds))
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert metadata["architecture"] == "resnet18"
    assert (metadata["width"], metadata["loss"], metadata["licence"]) == ("4", "cx", "CC0")
    card = (tmp_path / "mine.md").read_text("utf-8")
    assert "| data | tones \\| of one kind |" in card
    assert "| teacher | not stated |" in card
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.md", "mine.safetensors"]


@pytest.mark.parametrize(("encoder", "width"), [("resnet34", 768), ("resnet18", 1024)])
def test_architecture_and_width_follow_and_are_saved(encoder, width, tmp_path):
    sounds, _ = make_clips(8)
    vectors = np.random.default_rng(0).normal(size=(8, width))
    distiller = Distiller(encoder=encoder, max_epochs=1, **SMALL).fit(sounds, vectors)
    distiller.save(tmp_path / "a.safetensors")
    transformer = Wav2CLIPTransformer(str(tmp_path / "a.safetensors")).fit()
    assert transformer.transform(list(sounds)).shape == (8, width)


@pytest.mark.parametrize("loss", ["cx", "clip"])
def test_encoder_of_ones_own(loss, tmp_path):
    sounds, vectors = make_clips(20)
    module = Waves(n_features=12)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    distiller = Distiller(encoder=module, loss=loss, max_epochs=2, **SMALL).fit(sounds, vectors)
    heard = distiller.transform(sounds)
    assert heard.shape == (20, 12)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(distiller)).transform(sounds), heard)
    frames = distiller.to_transformer(mode="frame", frame_length=0.1, hop_length=0.1)
    assert frames.transform(sounds).shape == (20, 5, 12)
    long = np.tile(sounds[0], 250)  # 125 seconds
    assert distiller.transform([long]).shape == (1, 12)
    path = tmp_path / "own.safetensors"
    distiller.save(path)
    again = Distiller(encoder=Waves(n_features=12), loss=loss, **SMALL).load_weights(path)
    np.testing.assert_array_equal(again.transform(sounds), heard)
    with pytest.raises(WeightsError, match="is not a checkpoint of Wav2CLIP"):
        Wav2CLIPTransformer(path).fit().transform(list(sounds))
    with pytest.raises(WeightsError, match="does not fit the encoder"):
        Distiller(encoder=Waves(n_features=5), **SMALL).load_weights(path)
    with pytest.raises(ValueError, match="format='wav2clip' needs"):
        distiller.save(tmp_path / "own.pt", format="wav2clip")


class Moded(Waves):
    """A module whose plain attribute changes what it computes."""

    def __init__(self, mode):
        super().__init__()
        self.mode = mode

    def forward(self, waveforms):
        features = self.layer(waveforms[:, None]).abs()
        return features.mean(2) if self.mode == "mean" else features.amax(2)


def test_modules_are_told_apart_and_kept_as_they_were(tmp_path):
    sounds, vectors = make_clips(12)
    module = Moded("mean")
    distiller = Distiller(encoder=module, max_epochs=1, **SMALL).fit(sounds, vectors)
    heard = distiller.transform(sounds)
    distiller.save(tmp_path / "a.safetensors")
    other = Distiller(encoder=Moded("max"), **SMALL).load_weights(tmp_path / "a.safetensors")
    assert not np.allclose(other.transform(sounds), heard)
    assert other.weights_ != distiller.weights_
    module.mode = "max"
    again = pickle.loads(pickle.dumps(distiller))
    np.testing.assert_array_equal(again.transform(sounds), heard)
    parameters = dict(checkpoint_dir=tmp_path / "run", max_epochs=1, **SMALL)
    Distiller(encoder=Moded("mean"), **parameters).fit(sounds, vectors)
    with pytest.raises(ValueError, match="of another run.*encoder"):
        Distiller(encoder=Moded("max"), **parameters).fit(sounds, vectors)


def test_half_precision_modules_and_short_clips():
    sounds, vectors = make_clips(12)

    class Half(Waves):
        def forward(self, waveforms):
            return super().forward(waveforms.to(self.layer.weight.dtype)).float()

    module = Half().to(torch.bfloat16)
    distiller = Distiller(encoder=module, max_epochs=1, **SMALL)
    X = torch.from_numpy(sounds.astype(np.float64))
    assert distiller.fit(X, vectors).transform([sounds[0], sounds[0][:20]]).shape == (2, 12)


def test_teachers_of_all_kinds():
    sounds, vectors = make_clips(12)
    shown = [np.repeat(vector[None], 4, axis=0) for vector in vectors]
    for teacher in (Shown(), Shown().set_output(transform="pandas")):
        taught = Distiller(teacher=teacher, max_epochs=1, **SMALL).fit(sounds, shown)
        assert taught.teacher_.pool is None
    frozen = FrozenEstimator(StandardScaler().fit(vectors))
    assert hasattr(
        Distiller(teacher=frozen, max_epochs=1, **SMALL).fit(sounds, vectors), "teacher_"
    )
    taught.set_params(teacher=None).fit(sounds, vectors)
    assert not hasattr(taught, "teacher_")
    assert taught._training["teacher"] is None


def test_failures_leave_what_was_fitted(fitted, tmp_path):
    sounds, vectors = make_clips(12)
    distiller = Distiller(max_epochs=1, **SMALL)
    with pytest.raises(ValueError, match="has 3 rows"):
        distiller.fit(sounds, vectors[:3])
    with pytest.raises(NotFittedError):
        distiller.transform(sounds)
    done = pickle.loads(pickle.dumps(fitted))
    fitted.save(tmp_path / "other.safetensors")
    for path in (tmp_path / "none.safetensors", tmp_path / "other.safetensors"):
        with pytest.raises(WeightsError, match=path.name):
            done.set_params(encoder=Waves()).load_weights(path)
        assert done.n_iter_ == fitted.n_iter_
        np.testing.assert_array_equal(done.transform(sounds), fitted.transform(sounds))


def test_folder_that_cannot_be_written_is_known_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(Run, "_step", None)
    with pytest.raises(OSError, match="cannot be written.*choose another checkpoint_dir"):
        Distiller(checkpoint_dir=tmp_path / "file", **SMALL).fit(*make_clips(12))


def test_y_of_other_kinds():
    sounds, vectors = make_clips(12)
    expected = Distiller(max_epochs=1, **SMALL).fit(sounds, vectors).weights_
    for y in (
        pd.DataFrame(vectors),
        csr_array(vectors),
        [torch.from_numpy(vector) for vector in vectors],
        list(vectors[:, None]),
    ):
        assert Distiller(max_epochs=1, **SMALL).fit(sounds, y).weights_ == expected
    tiny = Distiller(max_epochs=1, **SMALL).fit(sounds, vectors * np.float32(1e-12))
    assert np.isfinite(tiny.transform(sounds)).all()
    refuse("y is a int.*, expected an array or a list of vectors", y=3, error=TypeError)
    refuse("numbers too large for float32", y=vectors.astype(float) * 1e300)
    refuse("expected a vector of numbers", y=vectors * 1j)
    refuse("expected a vector of numbers", y=[["1", "2"]] * 12)
    refuse("y is constant", y=np.arange(1, 13)[:, None] * np.ones(3))
    refuse("X is a tensor of shape .*no samples", X=torch.zeros(12, 0))
    refuse("validation_fraction=0.99 of 12 clips leaves 0", validation_fraction=0.99)
    with pytest.raises(ValueError, match="got vectors of dimension 5, expected 12"):
        Distiller(max_epochs=1, **SMALL).fit(sounds, vectors).project(np.ones((2, 5)))


ORIGINAL = """
import sys
import numpy as np
import torch
from benchmarks.speed.worker import provide_torchaudio

provide_torchaudio()
import wav2clip
from wav2clip.model.encoder import ResNetExtractor

checkpoint = torch.load(sys.argv[1], weights_only=True)
model = ResNetExtractor(checkpoint=checkpoint, scenario="frozen", transform=True)
np.save(sys.argv[2], np.concatenate([
    wav2clip.embed_audio(sound, model) for sound in np.load(sys.argv[3])
]))
"""


def test_original_program_loads_its_format(tmp_path):
    if find_spec("wav2clip") is None:
        pytest.skip("the original program is not installed")
    sounds, _ = make_clips(6)
    vectors = np.random.default_rng(0).normal(size=(6, 512))
    parameters = {**SMALL, "encoder_width": 64}
    distiller = Distiller(max_epochs=1, **parameters).fit(sounds, vectors)
    distiller.save(tmp_path / "trained.pt", format="wav2clip")
    np.save(tmp_path / "sounds.npy", sounds)
    files = [tmp_path / name for name in ("trained.pt", "vectors.npy", "sounds.npy")]
    run_python("-c", ORIGINAL, *files, cwd=REPOSITORY)
    theirs = np.load(tmp_path / "vectors.npy")
    assert_close(distiller.transform(sounds), theirs)
    np.testing.assert_array_equal(
        Wav2CLIPTransformer(tmp_path / "trained.pt").fit().transform(list(sounds)),
        distiller.transform(sounds),
    )


def test_save_checks_its_arguments(fitted, tmp_path):
    with pytest.raises(ValueError, match="its name ends in '.safetensors'"):
        fitted.save(tmp_path / "a.pt")
    with pytest.raises(ValueError, match="neither 'safetensors' nor 'wav2clip'"):
        fitted.save(tmp_path / "a.pt", format="onnx")
    with pytest.raises(ValueError, match="vectors of dimension 32, projected to 12"):
        fitted.save(tmp_path / "a.pt", format="wav2clip")
    with pytest.raises(WeightsError):
        Distiller(**SMALL).load_weights(tmp_path / "none.safetensors")
    assert not list(tmp_path.iterdir())


def test_trained_encoder_serves_words_and_search(fitted, tmp_path):
    sounds, vectors = make_clips(12)
    words = {f"kind {k}": vectors[k] for k in range(3)}
    expected = None
    for encoder in (fitted.to_transformer(), FrozenEstimator(fitted)):
        classifier = ZeroShotClassifier(list(words), encoder=encoder, text_encoder=words)
        found = classifier.fit(list(sounds)).predict(list(sounds))
        expected = found if expected is None else expected
        np.testing.assert_array_equal(found, expected)
        index = AudioIndex(encoder, text_encoder=words).fit(list(sounds))
        assert index.search("kind 1", k=3)["rank"].tolist() == [1, 2, 3]


def test_index_with_trained_weights_asks_for_them(fitted, tmp_path):
    sounds, _ = make_clips(5)
    transformer = fitted.to_transformer()
    AudioIndex(transformer).fit(list(sounds)).save(tmp_path / "index")
    loaded = AudioIndex.load(tmp_path / "index", encoder=transformer)
    assert loaded.search(list(sounds[:1]), k=1, by="audio")["item"].tolist() == [0]
    with pytest.raises(SavedIndexError, match="weights were not saved with it: pass it"):
        AudioIndex.load(tmp_path / "index").search(list(sounds[:1]), by="audio")
    other = Distiller(max_epochs=1, **SMALL).fit(*make_clips(8)).to_transformer()
    with pytest.raises(SavedIndexError, match="differ in weights"):
        AudioIndex.load(tmp_path / "index", encoder=other)


def test_learning_curve_is_drawn(fitted):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    ax = fitted.plot_history()
    curves = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    np.testing.assert_array_equal(curves["training"], fitted.history_["training_loss"])
    np.testing.assert_array_equal(curves["validation"], fitted.history_["validation_loss"])
    assert fitted.plot_history(ax) is ax


def test_progress_is_told(capsys):
    Distiller(max_epochs=2, **{**SMALL, "verbose": True}).fit(*make_clips(20))
    told = capsys.readouterr().out
    assert "training on 18 clips, validation on 2" in told
    assert "epoch   2/2: training loss" in told
    Distiller(max_epochs=1, **SMALL).fit(*make_clips(20))
    assert capsys.readouterr().out == ""


BARE = """
import sys

class Bare:
    finders = list(sys.meta_path)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in %r:
            return None
        found = (finder.find_spec(name, path, target) for finder in self.finders)
        return next((spec for spec in found if spec is not None), None)

sys.meta_path[:] = [Bare()]
import numpy as np
from skw2c import Distiller

rng = np.random.default_rng(0)
sounds, vectors = rng.normal(size=(12, 4000)), rng.normal(size=(12, 8))
distiller = Distiller(
    encoder_width=2, clip_length=0.2, max_epochs=2, random_state=0, checkpoint_dir=sys.argv[1]
)
distiller.fit(sounds, vectors)
assert distiller.transform(sounds).shape == (12, 8)
"""
ABSENT = (
    "pandas",
    "soundfile",
    "soxr",
    "pooch",
    "filelock",
    "safetensors",
    "tqdm",
    "librosa",
    "numba",
    "open_clip",
    "PIL",
    "av",
    "faiss",
    "matplotlib",
    "lightning",
    "lightning_fabric",
    "webdataset",
    "platformdirs",
    "requests",
    "pyarrow",
    "torchvision",
)


def test_it_trains_where_only_torch_and_scikit_learn_are(tmp_path):
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", textwrap.dedent(BARE % (ABSENT,)), tmp_path / "run"], check=True
    )
