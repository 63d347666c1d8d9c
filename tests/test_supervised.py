"""SupervisedAudioClassifier: learns, says so as scikit-learn does, and loses no row."""

import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skw2c import SupervisedAudioClassifier, Wav2CLIPTransformer
from skw2c.exceptions import FailedClipWarning, LeftOutWarning
from skw2c.models import SHORTEST

from .tolerances import FEW, assert_close

QUICK = dict(
    encoder_width=4, clip_length=0.25, batch_size=8, max_epochs=1, random_state=0, verbose=False
)


@pytest.fixture(scope="module")
def sounds():
    """Tones of three pitches in noise, and their names."""
    rng = np.random.default_rng(0)
    names = np.array(["low", "middle", "high"] * 16)
    pitches = {"low": 300, "middle": 1200, "high": 4800}
    t = np.arange(4000) / 16000
    clips = [
        0.3 * np.sin(2 * np.pi * pitches[name] * rng.uniform(0.9, 1.1) * t)
        + 0.05 * rng.normal(size=len(t))
        for name in names
    ]
    return clips, names


@pytest.fixture(scope="module")
def trained(sounds):
    clips, names = sounds
    return SupervisedAudioClassifier(**{**QUICK, "max_epochs": 12}).fit(clips, names)


@parametrize_with_checks(
    [SupervisedAudioClassifier(**{**QUICK, "clip_length": SHORTEST / 16000, "batch_size": 100})]
)
@pytest.mark.filterwarnings("ignore:batch_size=")
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_common(estimator, check):
    check(estimator)


def test_it_learns(trained, sounds):
    clips, names = sounds
    assert trained.score(clips, names) > 0.9
    assert list(trained.classes_) == ["high", "low", "middle"]


def test_probabilities(trained, sounds):
    clips, _ = sounds
    probabilities = trained.predict_proba(clips)
    assert_close(probabilities.sum(axis=1), 1, FEW)
    logits = trained.decision_function(clips)
    np.testing.assert_array_equal(logits.argmax(axis=1), probabilities.argmax(axis=1))
    np.testing.assert_array_equal(trained.classes_[logits.argmax(axis=1)], trained.predict(clips))


def test_two_classes(sounds):
    clips, names = sounds
    kept = [clip for clip, name in zip(clips, names, strict=True) if name != "middle"]
    two = SupervisedAudioClassifier(**QUICK).fit(kept, names[names != "middle"])
    margins = two.decision_function(kept)
    assert margins.shape == (len(kept),)
    np.testing.assert_array_equal(two.classes_[(margins > 0).astype(int)], two.predict(kept))


def test_several_classes_of_a_clip(sounds):
    clips, names = sounds
    mixed = [clips[row] + clips[(row + 1) % len(clips)] for row in range(len(clips))]
    own = pd.get_dummies(pd.Series(names)).astype(int)
    y = (own | own.shift(-1, fill_value=0)).iloc[:-1]
    classifier = SupervisedAudioClassifier(**{**QUICK, "max_epochs": 15}).fit(mixed[:-1], y)
    assert classifier.multilabel_
    assert list(classifier.classes_) == ["high", "low", "middle"]
    predicted = classifier.predict(mixed[:-1])
    assert predicted.shape == y.shape
    assert (predicted == y.to_numpy()).mean() > 0.9
    assert classifier.predict_proba(mixed[:-1]).sum(axis=1).max() > 1.5


def test_same_seed_same_classifier(sounds):
    clips, names = sounds
    first, second = (SupervisedAudioClassifier(**QUICK).fit(clips, names) for _ in range(2))
    np.testing.assert_array_equal(first.coef_, second.coef_)
    assert first.weights_ == second.weights_


def test_pickle_and_clone(trained, sounds):
    clips, _ = sounds
    again = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(again.predict_proba(clips), trained.predict_proba(clips))
    assert not hasattr(clone(trained), "classes_")


def test_cross_validation_of_files(sounds, tmp_path):
    clips, names = sounds
    files = [str(tmp_path / f"{row}.wav") for row in range(len(clips))]
    for file, clip in zip(files, clips, strict=True):
        soundfile.write(file, clip, 16000, subtype="FLOAT")
    classifier = SupervisedAudioClassifier(**QUICK)
    assert np.isfinite(cross_val_score(classifier, files, names, cv=2)).all()


def test_broken_clips_are_left_out_and_keep_their_row(sounds, tmp_path):
    clips, names = sounds
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    clips = [*clips[:20], str(broken)]
    with pytest.raises(Exception, match="Row 20"):
        SupervisedAudioClassifier(**QUICK).fit(clips, names[:21])
    classifier = SupervisedAudioClassifier(**QUICK, on_error="nan")
    with pytest.warns(LeftOutWarning):
        classifier.fit(clips, names[:21])
    with pytest.warns(FailedClipWarning):
        predicted = classifier.predict(clips)
    assert len(predicted) == 21
    assert predicted[20] is None
    with pytest.warns(FailedClipWarning):
        assert np.isnan(classifier.predict_proba(clips)[20]).all()


def test_resumes(sounds, tmp_path):
    clips, names = sounds
    parameters = {**QUICK, "max_epochs": 3}
    whole = SupervisedAudioClassifier(**parameters).fit(clips, names)
    kept = {**parameters, "checkpoint_dir": tmp_path / "run"}
    SupervisedAudioClassifier(**{**kept, "max_epochs": 2}).fit(clips, names)
    resumed = SupervisedAudioClassifier(**kept).fit(clips, names)
    assert len(resumed.history_) == 3
    np.testing.assert_array_equal(resumed.coef_, whole.coef_)


def test_a_run_with_another_loss_is_refused(sounds, tmp_path):
    clips, names = sounds
    classifier = SupervisedAudioClassifier(checkpoint_dir=tmp_path / "run", **QUICK)
    classifier.fit(clips, names)
    with pytest.raises(ValueError, match="multilabel .then False, now True"):
        clone(classifier).fit(clips, pd.get_dummies(pd.Series(names)))


@pytest.mark.parametrize("error", [KeyboardInterrupt, FloatingPointError])
def test_a_fit_that_ends_early_leaves_the_former_one(sounds, monkeypatch, error):
    clips, names = sounds
    classifier = SupervisedAudioClassifier(**QUICK).fit(clips, names)
    before = classifier.predict_proba(clips)

    def stop(*args):
        raise error

    monkeypatch.setattr("skw2c.training._loop.Run._train_epoch", stop)
    with pytest.raises(error):
        classifier.fit(np.stack(clips)[:, :3000], np.where(names == "low", "down", "up"))
    assert list(classifier.classes_) == ["high", "low", "middle"]
    assert not hasattr(classifier, "n_features_in_")
    np.testing.assert_array_equal(classifier.predict_proba(clips), before)


def test_broken_clips_have_no_classes(sounds):
    clips, names = sounds
    y = pd.get_dummies(pd.Series(names))
    classifier = SupervisedAudioClassifier(on_error="nan", **QUICK).fit(clips, y)
    with pytest.warns(FailedClipWarning):
        predicted = classifier.predict([*clips[:2], "missing.wav"])
    assert np.isnan(predicted[2]).all()
    np.testing.assert_array_equal(predicted[:2], classifier.predict(clips[:2]))


def test_the_encoder_is_a_transformer(trained, sounds, tmp_path):
    clips, _ = sounds
    vectors = trained.to_transformer().transform(clips)
    assert vectors.shape == (len(clips), 32)
    again = Wav2CLIPTransformer(trained.weights_, output="encoder").fit_transform(clips)
    np.testing.assert_array_equal(vectors, again)
    assert_close(
        vectors @ trained.coef_.T + trained.intercept_, trained.decision_function(clips), FEW
    )


def test_a_module_of_ones_own(sounds):
    class Loudness(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Linear(1, 4)

        def forward(self, waveforms):
            return self.scale(waveforms.square().mean(1, keepdim=True))

    clips, _ = sounds
    loud = [clip * factor for clip, factor in zip(clips, [1, 0.1] * 24, strict=True)]
    with torch.random.fork_rng():  # or what it begins with depends on the tests before
        torch.manual_seed(0)
        encoder = Loudness()
    classifier = SupervisedAudioClassifier(
        **{**QUICK, "encoder": encoder, "max_epochs": 60, "learning_rate": 0.05}
    ).fit(loud, ["loud", "quiet"] * 24)
    assert classifier.score(loud, ["loud", "quiet"] * 24) > 0.95


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y"),
        (["rain"] * 48, "only one class.*rain"),
        (["rain", "wind"] * 10, "48 clips and y has 20"),
        (np.linspace(0, 1, 48), "continuous"),
        ([["rain"], ["rain", "wind"]] * 24, "label"),
        (["rain", "wind", None] * 16, "row 2 has no class"),
        (np.array(["rain", np.nan] * 24, dtype=object), "row 1 has no class"),
        (pd.Series(["rain", pd.NA] * 24, dtype="string"), "row 1 has no class"),
    ],
)
def test_bad_targets(sounds, y, message):
    with pytest.raises(ValueError, match=message):
        SupervisedAudioClassifier(**QUICK).fit(sounds[0], y)


def test_columns_without_names():
    sounds, y = make_multilabel_classification(20, SHORTEST, n_classes=3, random_state=0)
    classifier = SupervisedAudioClassifier(**QUICK).fit(sounds, y)
    assert list(classifier.classes_) == [0, 1, 2]


def test_a_class_that_has_two_columns(sounds):
    clips, _ = sounds
    y = pd.DataFrame(np.tile([[1, 0, 1], [0, 1, 0]], (len(clips) // 2, 1)), columns=list("aba"))
    with pytest.raises(ValueError, match="y has several columns (named )?'a'"):
        SupervisedAudioClassifier(**QUICK).fit(clips[: len(y)], y)
