"""AudioCLIPFineTuner: brings sounds to the words for their classes."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skw2c import AudioCLIPFineTuner, AudioCLIPTransformer
from skw2c.exceptions import AudioError, FailedClipWarning, LeftOutWarning
from skw2c.models.audioclip import ESResNeXtFBSP, TextTuning
from skw2c.training import NesterovSGD

from .conftest import Table, write_tiny_clip
from .tolerances import FEW, assert_close, tolerance

RATE = 44100
NARROW = dict(width=4, inner_width=8, groups=2, blocks=(1, 1, 1, 1))
QUICK = dict(
    clip_length=0.15,
    batch_size=12,
    max_epochs=1,
    learning_rate=0.02,
    random_state=0,
    verbose=False,
    augment=None,
)
WORDS = {"low": np.eye(16)[0], "high": np.eye(16)[1]}


def write_narrow(path, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ESResNeXtFBSP(16, **NARROW)
    state = {f"audio.{name}": value for name, value in network.state_dict().items()}
    state["logit_scale_at"] = torch.tensor(np.log(20.0))
    state["logit_scale_ai"] = torch.tensor(np.log(30.0))
    torch.save(state, path)
    return str(path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_narrow(tmp_path_factory.mktemp("audioclip") / "narrow.pt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fine tuner")
    write_narrow(folder / "narrow.pt")
    (folder / "clip").mkdir()
    write_tiny_clip(folder / "clip")
    return folder


@pytest.fixture(scope="module")
def sounds():
    rng = np.random.default_rng(0)
    names = np.array(["low", "high"] * 12)
    t = np.arange(int(0.15 * RATE)) / RATE
    clips = [
        0.3 * np.sin(2 * np.pi * (400 if name == "low" else 9000) * rng.uniform(0.9, 1.1) * t)
        + 0.02 * rng.normal(size=len(t))
        for name in names
    ]
    return clips, names


@pytest.fixture(scope="module")
def tuned(checkpoint, sounds):
    parameters = {**QUICK, "max_epochs": 15, "learning_rate": 0.008, "text_encoder": WORDS}
    return AudioCLIPFineTuner(checkpoint, **parameters).fit(*sounds)


# The classes of scikit-learn's checks, most of which are numbers and so need a table.
NAMED = Table(zip([-1, 0, 1, 2, 3, "one", "two", "three"], np.eye(8, 16), strict=True))


@parametrize_with_checks(
    [
        AudioCLIPFineTuner(
            "narrow.pt",
            text_encoder=NAMED,
            **{**QUICK, "clip_length": 0.01, "batch_size": 300},
        )
    ]
)
@pytest.mark.filterwarnings("ignore:batch_size=")
@pytest.mark.filterwarnings("ignore:Float samples of row")
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_common(estimator, check, folder, monkeypatch):
    monkeypatch.chdir(folder)
    check(estimator)


def test_it_learns(tuned, sounds):
    clips, names = sounds
    assert tuned.score(clips, names) > 0.9
    losses = tuned.history_["training_loss"]
    assert losses.iloc[-1] < 0.7 * losses.iloc[0]


def test_recipe_of_the_paper():
    defaults = AudioCLIPFineTuner()
    recipe = defaults._recipe()
    assert recipe == NesterovSGD(5e-5, 0.98, 0.9, 5e-4)
    assert (defaults.max_epochs, defaults.batch_size) == (50, 64)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = recipe.make_optimizer([parameter])
    scheduler = recipe.make_scheduler(optimizer)
    assert optimizer.param_groups[0]["nesterov"]
    optimizer.step()
    scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(5e-5 * 0.98)


def test_loss_is_that_of_both_directions(checkpoint):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        encoder = ESResNeXtFBSP(16, **NARROW).eval()
    model = TextTuning(encoder, 20.0).eval()
    rng = np.random.default_rng(0)
    waveforms = torch.from_numpy(0.1 * rng.normal(size=(3, 3000)).astype(np.float32))
    words = torch.from_numpy(rng.normal(size=(3, 16)).astype(np.float32))
    with torch.no_grad():
        loss = float(model(waveforms, words))
        sounds = encoder(waveforms).double().numpy()
    sounds, texts = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (sounds, words.numpy()))
    logits = 20 * sounds @ texts.T
    expected = sum(
        -np.mean(np.diag(matrix) - np.log(np.exp(matrix).sum(axis=1)))
        for matrix in (logits, logits.T)
    )
    off = tolerance(20.0)  # by which cosines are multiplied
    assert loss == pytest.approx(expected, abs=off)
    model.train()
    assert float(model(waveforms, words).detach()) != pytest.approx(loss, abs=off)


def test_scale_of_the_checkpoint(tuned):
    assert tuned.scale_ == pytest.approx(20.0, rel=1e-5)


def test_probabilities(tuned, sounds):
    clips, names = sounds
    probabilities = tuned.predict_proba(clips)
    assert_close(probabilities.sum(axis=1), 1, FEW)
    margins = tuned.decision_function(clips)
    np.testing.assert_array_equal(tuned.classes_[(margins > 0).astype(int)], tuned.predict(clips))
    assert set(names) == set(tuned.classes_)


def test_it_begins_with_the_weights(checkpoint, sounds):
    clips, names = sounds
    parameters = {**QUICK, "learning_rate": 1e-12, "text_encoder": WORDS, "weight_decay": 0}
    tuner = AudioCLIPFineTuner(checkpoint, **parameters).fit(clips, names)
    state = tuner.weights_.read()
    original = torch.load(checkpoint, weights_only=True)
    for name, value in state.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(
                value.double(), original[name].double(), rtol=1e-6, atol=1e-9
            )


def test_tuned_again_with_the_same_scale(tuned, sounds, tmp_path):
    tuned.save(tmp_path / "tuned.safetensors")
    for weights in (tuned.weights_, tmp_path / "tuned.safetensors"):
        again = AudioCLIPFineTuner(weights, text_encoder=WORDS, **QUICK).fit(*sounds)
        assert again.scale_ == pytest.approx(tuned.scale_)


def test_pickle_save_and_clone(tuned, sounds, tmp_path):
    clips, _ = sounds
    expected = tuned.predict_proba(clips)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tuned)).predict_proba(clips), expected)
    assert not hasattr(clone(tuned), "classes_")
    path = tmp_path / "tuned.safetensors"
    tuned.save(path)
    assert_close(
        AudioCLIPTransformer(path).fit_transform(clips), tuned.to_transformer().transform(clips)
    )
    with pytest.raises(ValueError, match="safetensors"):
        tuned.save(tmp_path / "tuned.pt")


def test_resumes(checkpoint, sounds, tmp_path):
    parameters = {**QUICK, "max_epochs": 3, "text_encoder": WORDS, "augment": "audioclip"}
    whole = AudioCLIPFineTuner(checkpoint, **parameters).fit(*sounds)
    kept = {**parameters, "checkpoint_dir": tmp_path / "run"}
    AudioCLIPFineTuner(checkpoint, **{**kept, "max_epochs": 2}).fit(*sounds)
    resumed = AudioCLIPFineTuner(checkpoint, **kept).fit(*sounds)
    assert len(resumed.history_) == 3
    assert resumed.weights_ == whole.weights_


def test_a_run_of_other_weights_is_refused(checkpoint, sounds, tmp_path):
    other = write_narrow(tmp_path / "other.pt", seed=1)
    tuner = AudioCLIPFineTuner(
        checkpoint, text_encoder=WORDS, checkpoint_dir=tmp_path / "run", **QUICK
    )
    tuner.fit(*sounds)
    with pytest.raises(ValueError, match="Different: weights"):
        clone(tuner).set_params(weights=other).fit(*sounds)
    moved = tmp_path / "moved.pt"
    moved.write_bytes(Path(checkpoint).read_bytes())
    assert clone(tuner).set_params(weights=moved).fit(*sounds).weights_ == tuner.weights_


def test_a_fit_that_fails_leaves_the_former_one(checkpoint, sounds, monkeypatch):
    clips, names = sounds
    words = {**WORDS, "deep": np.eye(16)[2], "shrill": np.eye(16)[3]}
    tuner = AudioCLIPFineTuner(checkpoint, text_encoder=words, **QUICK).fit(clips, names)
    before = tuner.predict_proba(clips)
    with pytest.raises(AudioError, match="Row 1"):
        tuner.fit([clips[0], np.array([np.nan])], ["deep", "shrill"])
    assert list(tuner.classes_) == ["high", "low"]
    np.testing.assert_array_equal(tuner.predict_proba(clips), before)


def test_samples_in_the_range_of_integers(checkpoint, sounds):
    clips, names = sounds
    tuner = AudioCLIPFineTuner(checkpoint, text_encoder=WORDS, **QUICK)
    with pytest.warns(UserWarning, match="row 0 .* go far beyond") as caught:
        tuner.fit([clip * 32768 for clip in clips], names)
    assert caught[0].filename == __file__


def test_texts_of_a_reference(checkpoint, tuned, sounds, monkeypatch):
    asked = []

    class Encoder:
        def __init__(self, model, pretrained, **parameters):
            asked.append((model, pretrained))
            raise LookupError

    monkeypatch.setattr("skw2c.classifiers._audioclip_fine_tuner.CLIPTextEncoder", Encoder)
    for weights in (checkpoint, AudioCLIPTransformer(checkpoint).fit().weights_):
        with pytest.raises(LookupError):
            AudioCLIPFineTuner(weights, **QUICK).fit(*sounds)
    assert asked == [("RN50-quickgelu", checkpoint)] * 2
    with pytest.raises(ValueError, match="Tuned weights do not include a text encoder"):
        AudioCLIPFineTuner(tuned.weights_, **QUICK).fit(*sounds)


def test_broken_clips_keep_their_row(checkpoint, sounds, tmp_path):
    clips, names = sounds
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    clips, names = [*clips[:12], str(broken)], names[:13]
    parameters = {**QUICK, "text_encoder": WORDS}
    with pytest.raises(AudioError, match="Row 12"):
        AudioCLIPFineTuner(checkpoint, **parameters).fit(clips, names)
    tuner = AudioCLIPFineTuner(checkpoint, on_error="nan", **parameters)
    with pytest.warns(LeftOutWarning):
        tuner.fit(clips, names)
    with pytest.warns(FailedClipWarning):
        predicted = tuner.predict(clips)
    assert len(predicted) == 13
    assert predicted[12] is None


def test_bad_input(checkpoint, sounds):
    clips, names = sounds
    short = {name: vector[:8] for name, vector in WORDS.items()}
    with pytest.raises(ValueError, match="got vectors of texts of dimension 8, expected 16"):
        AudioCLIPFineTuner(checkpoint, text_encoder=short, **QUICK).fit(clips, names)
    with pytest.raises(ValueError, match="lacks 'high'"):
        AudioCLIPFineTuner(checkpoint, text_encoder={"low": WORDS["low"]}, **QUICK).fit(
            clips, names
        )
    with pytest.raises(ValueError, match="indicator"):
        AudioCLIPFineTuner(checkpoint, text_encoder=WORDS, **QUICK).fit(clips, np.eye(24)[:, :3])
    with pytest.raises(ValueError, match="neither a known name"):
        AudioCLIPFineTuner("nothing.pt", text_encoder=WORDS, **QUICK).fit(clips, names)
