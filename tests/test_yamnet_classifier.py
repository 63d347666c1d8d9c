"""The classifier by YAMNet's scores."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skw2c import YAMNetClassifier, YAMNetTransformer
from skw2c.exceptions import FailedClipWarning
from skw2c.models.yamnet import audioset_classes

from .tolerances import assert_close
from .yamnet_files import TINY, draw_layers, write_keras

LABELS = ["Dog", "Rain", "Crying baby", "Rooster"]
NAMES = ["Dog", "Rain", "Baby cry, infant cry", "Chicken, rooster"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_keras(tmp_path_factory.mktemp("yamnet") / "small.h5", draw_layers())


@pytest.fixture
def classifier(checkpoint):
    return YAMNetClassifier(checkpoint)


@pytest.fixture
def scores(checkpoint, waveforms):
    """Of all clips, with the classes sorted."""
    transformer = YAMNetTransformer(checkpoint, output="scores")
    table = pd.DataFrame(transformer.fit_transform(waveforms), columns=audioset_classes())
    return table[sorted(table.columns)]


def test_all_classes(classifier, wav_files, waveforms, scores):
    classifier.fit()
    assert classifier.classes_.tolist() == scores.columns.tolist()
    for clips in (wav_files, waveforms, pd.Series(wav_files)):
        assert_close(classifier.decision_function(clips), scores)
        assert classifier.predict(clips).tolist() == scores.idxmax(axis=1).tolist()
    assert is_classifier(classifier)
    assert not hasattr(classifier, "predict_proba")


def test_some_classes(classifier, waveforms, scores):
    classifier.set_params(labels=NAMES).fit()
    assert classifier.classes_.tolist() == sorted(NAMES)
    expected = scores[sorted(NAMES)]
    assert_close(classifier.decision_function(waveforms), expected)
    assert classifier.predict(waveforms).tolist() == expected.idxmax(axis=1).tolist()
    classifier.set_params(labels=dict(zip(LABELS, NAMES, strict=True))).fit()
    assert classifier.classes_.tolist() == sorted(LABELS)
    renamed = expected.rename(columns=dict(zip(NAMES, LABELS, strict=True)))
    predicted = renamed.idxmax(axis=1).tolist()
    assert classifier.predict(waveforms).tolist() == predicted
    assert classifier.score(waveforms, predicted) == 1
    assert classifier.score(waveforms, ["Dog"] * 6) == predicted.count("Dog") / 6


def test_two_classes(classifier, waveforms, scores):
    decision = classifier.set_params(labels=["Rain", "Dog"]).fit().decision_function(waveforms)
    assert_close(decision, scores["Rain"] - scores["Dog"])
    assert (classifier.predict(waveforms) == np.where(decision > 0, "Rain", "Dog")).all()


def test_numbers_as_labels(classifier, waveforms):
    classifier.set_params(labels={7: "Rain", 3: "Dog"}, on_error="nan").fit()
    assert set(classifier.predict(waveforms)) <= {3, 7}
    with pytest.warns(FailedClipWarning):
        assert np.isnan(classifier.predict([waveforms[0], None])[1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["rain"],
            "labels contains 'rain', which is not a class of YAMNet. Similar ones are 'Rain'",
        ),
        (["Rain", "Doggs"], "labels contains 'Doggs', .* Similar ones are 'Dog'"),
        ({"a": "Rain", "b": "Rain"}, "several labels stand for 'Rain'"),
        (["Rain", "Rain"], "'Rain' more than once"),
        ([], "labels is empty"),
        ([3], "labels contains 3, which is not a class"),
    ],
)
def test_labels_that_name_no_class(classifier, labels, message):
    with pytest.raises(ValueError, match=message):
        classifier.set_params(labels=labels).fit()


def test_top(classifier, waveforms, scores):
    table = classifier.fit().predict_top(waveforms, 3)
    assert list(table.columns) == ["row", "label", "score"]
    assert table["row"].tolist() == [row for row in range(6) for _ in range(3)]
    for row, own in table.groupby("row"):
        best = scores.loc[row].nlargest(3)
        assert own["label"].tolist() == best.index.tolist()
        assert_close(own["score"], best)
    assert (table["label"][::3].to_numpy() == classifier.predict(waveforms)).all()
    for wrong in (0, 522):
        with pytest.raises(ValueError, match=f"n_labels={wrong}, expected 1 to 521"):
            classifier.predict_top(waveforms, wrong)


def test_frames(classifier, waveforms, checkpoint):
    classifier.set_params(mode="frame", labels=NAMES).fit()
    frames = YAMNetTransformer(checkpoint, mode="frame", output="scores").fit_transform(waveforms)
    columns = [audioset_classes().index(name) for name in sorted(NAMES)]
    decisions = classifier.decision_function(waveforms)
    labels = classifier.predict(waveforms)
    for own, chosen, expected in zip(decisions, labels, frames, strict=True):
        np.testing.assert_array_equal(own, expected[:, columns])
        np.testing.assert_array_equal(chosen, classifier.classes_[own.argmax(axis=1)])
    table = classifier.predict_top(waveforms, 1)
    assert list(table.columns) == ["row", "label", "onset", "offset", "score"]
    assert table["label"].tolist() == np.concatenate(labels).tolist()
    np.testing.assert_allclose(table["onset"][:2], [0, 0.48])
    np.testing.assert_allclose(classifier.frame_times(2), [[0, 0.975], [0.48, 1.455]])
    with pytest.raises(ValueError, match="score with mode='clip'"):
        classifier.score(waveforms, ["Dog"] * 6)


def test_failed_clips(classifier, waveforms):
    classifier.set_params(on_error="nan").fit()
    clips = [waveforms[0], "missing.wav", waveforms[1]]
    with pytest.warns(FailedClipWarning, match=r"missing\.wav"):
        labels = classifier.predict(clips)
    assert labels[1] is None
    assert labels[[0, 2]].tolist() == classifier.predict(waveforms[:2]).tolist()
    with pytest.warns(FailedClipWarning):
        assert classifier.predict_top(clips, 1)["row"].tolist() == [0, 2]


def test_estimator(classifier, wav_files):
    with pytest.raises(NotFittedError):
        classifier.predict(wav_files)
    labels = classifier.fit(wav_files).predict(wav_files)
    pickled = pickle.dumps(classifier)
    assert len(pickled) < 200_000  # the names of 521 classes
    assert (pickle.loads(pickled).predict(wav_files) == labels).all()
    with pytest.raises(NotFittedError):
        clone(classifier).predict_top(wav_files)
    with config_context(transform_output="pandas"):
        assert (clone(classifier).fit().predict(wav_files) == labels).all()
    scores = cross_val_score(classifier, wav_files, labels, cv=[([0, 1, 2], [3, 4, 5])])
    assert scores.tolist() == [1.0]
    frame = pd.DataFrame({"file": wav_files})
    assert classifier.fit(frame).feature_names_in_.tolist() == ["file"]
    assert not hasattr(classifier.fit(wav_files), "feature_names_in_")


def test_real_recordings(shared):
    """Classes of ESC-10 that AudioSet has under a name, on recordings that it never saw."""
    names = {
        "dog": "Dog",
        "rain": "Rain",
        "crying_baby": "Baby cry, infant cry",
        "chainsaw": "Chainsaw",
        "clock_tick": "Tick-tock",
        "sneezing": "Sneeze",
        "helicopter": "Helicopter",
        "rooster": "Crowing, cock-a-doodle-doo",
        "sea_waves": "Waves, surf",
        "crackling_fire": "Crackle",
    }
    table = pd.read_csv(shared / "data" / "esc10" / "meta" / "esc50.csv").query("fold == 1")
    files = [str(shared / "data" / "esc10" / "audio" / name) for name in table["filename"]]
    classifier = YAMNetClassifier(shared / "weights" / "yamnet_float32.npz", labels=names).fit()
    assert classifier.score(files, table["category"]) > 0.8


def test_windows_end_with_their_clip(folder):
    classifier = YAMNetClassifier(folder / "tiny.h5", mode="frame").fit()
    top = classifier.predict_top([np.zeros(20000), np.zeros(4000)], 1)
    assert top[["row", "onset", "offset"]].to_numpy().tolist() == [
        [0, 0.0, pytest.approx(0.96, abs=0.02)],
        [0, 0.48, 1.25],
        [1, 0.0, 0.25],
    ]


class _Untyped(YAMNetClassifier):
    """The classifier, as an estimator of no kind.

    What is asked of classifiers beyond that is to learn their classes from y, and these have
    theirs from AudioSet.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = tags.classifier_tags = None
        return tags


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("common")
    write_keras(folder / "tiny.h5", draw_layers(TINY))
    return folder


# What is predicted is compared as numbers, so that labels are numbers: all of those in y.
NUMBERED = dict(enumerate(["Dog", "Rain", "Wind", "Train", "Bell", "Sheep"], -1))


@parametrize_with_checks(
    [
        _Untyped("tiny.h5", labels=NUMBERED),
        _Untyped("tiny.h5", labels=NUMBERED, on_error="nan"),
    ]
)
def test_common(estimator, check, folder, monkeypatch):
    monkeypatch.chdir(folder)
    check(estimator)
