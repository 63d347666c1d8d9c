"""scikit-learn's meta-estimators over every classifier: the same as alone, or a clear error."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
)
from sklearn.multiclass import OneVsRestClassifier

import skw2c
from skw2c import (
    AudioCLIPFineTuner,
    SupervisedAudioClassifier,
    Wav2CLIPTransformer,
    YAMNetClassifier,
    ZeroShotClassifier,
)

from .test_audioclip_fine_tuner import write_narrow
from .yamnet_files import TINY, draw_layers, write_keras

WORDS = ["dog", "rain", "sea"]
SPACE = dict(zip(WORDS, np.eye(3), strict=True))
TRAINED = dict(clip_length=0.1, batch_size=9, max_epochs=2, random_state=0, verbose=False)


class Speech(ClassifierMixin):
    """Stands for an encoder of texts, which would embed any word, "0" as well."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([SPACE.get(text, np.ones(3)) for text in X])

    def get_params(self, deep=True):
        return {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("meta")
    write_narrow(folder / "narrow.pt")
    write_keras(folder / "tiny.h5", draw_layers(TINY))
    return folder


@pytest.fixture(scope="module")
def data():
    """Twenty-seven vectors, as many clips, and their classes."""
    rng = np.random.default_rng(0)
    y = np.array(WORDS * 9)
    vectors = np.array([SPACE[word] for word in y]) + rng.normal(scale=0.3, size=(27, 3))
    t = np.arange(1600) / 16000
    pitches = dict(zip(WORDS, (300, 1500, 6000), strict=True))
    clips = [0.3 * np.sin(2 * np.pi * pitches[word] * t + rng.uniform(0, 6)) for word in y]
    return vectors, np.array(clips, np.float32), y


def make(kind, folder, tiny_checkpoint):
    """A classifier of a kind, with its labels given where it takes them."""
    return {
        "vectors": lambda: ZeroShotClassifier(WORDS, encoder="passthrough", text_encoder=SPACE),
        "words": lambda: ZeroShotClassifier(WORDS, encoder="passthrough", text_encoder=Speech()),
        "clips": lambda: ZeroShotClassifier(
            WORDS,
            encoder=Wav2CLIPTransformer(tiny_checkpoint),
            text_encoder=dict(zip(WORDS, np.eye(16), strict=False)),
        ),
        "yamnet": lambda: YAMNetClassifier(
            folder / "tiny.h5", labels={"dog": "Dog", "rain": "Rain", "sea": "Waves, surf"}
        ),
        "supervised": lambda: SupervisedAudioClassifier(
            encoder_width=4, validation_fraction=0, **TRAINED
        ),
        "fine tuner": lambda: AudioCLIPFineTuner(
            folder / "narrow.pt",
            labels=WORDS,
            text_encoder=dict(zip(WORDS, np.eye(16), strict=False)),
            sampling_rate=16000,
            validation_fraction=0,
            **{**TRAINED, "max_epochs": 1},
        ),
    }[kind]()


KINDS = ["vectors", "words", "clips", "yamnet", "supervised", "fine tuner"]
QUICK = ["vectors", "words", "clips", "yamnet"]


@pytest.fixture
def parts(request, folder, data, tiny_checkpoint):
    """A classifier, what it takes, the classes, and what it says alone."""
    vectors, clips, y = data
    classifier = make(request.param, folder, tiny_checkpoint)
    X = vectors if request.param in ("vectors", "words") else clips
    return classifier, X, y


def has_probabilities(classifier):
    return hasattr(classifier, "predict_proba")


def test_every_classifier_is_here():
    everyone = {
        name
        for name in skw2c.__all__
        if issubclass(type(getattr(skw2c, name)), type)
        and issubclass(getattr(skw2c, name), ClassifierMixin)
    }
    assert everyone == {
        "AudioCLIPFineTuner",
        "SupervisedAudioClassifier",
        "YAMNetClassifier",
        "ZeroShotClassifier",
    }


@pytest.mark.parametrize("parts", KINDS, indirect=True)
def test_voting(parts):
    classifier, X, y = parts
    alone = clone(classifier).fit(X, y)
    hard = VotingClassifier([("only", classifier)]).fit(X, y)
    np.testing.assert_array_equal(hard.predict(X), alone.predict(X))
    assert hard.classes_.tolist() == WORDS
    soft = VotingClassifier([("only", classifier)], voting="soft").fit(X, y)
    if has_probabilities(alone):
        np.testing.assert_allclose(soft.predict_proba(X), alone.predict_proba(X), atol=1e-5)
        assert soft.score(X, y) == alone.score(X, y)
    else:
        with pytest.raises(AttributeError, match="scores of YAMNet are not probabilities"):
            soft.predict_proba(X)


@pytest.mark.parametrize("parts", QUICK, indirect=True)
def test_predictions_of_folds(parts):
    classifier, X, y = parts
    alone = clone(classifier).fit()
    method = "predict_proba" if has_probabilities(alone) else "decision_function"
    expected = getattr(alone, method)(X)
    np.testing.assert_allclose(
        cross_val_predict(classifier, X, y, cv=3, method=method), expected, atol=1e-5
    )
    np.testing.assert_array_equal(cross_val_predict(classifier, X, y, cv=3), alone.predict(X))


@pytest.mark.parametrize("parts", [*QUICK, "supervised"], indirect=True)
def test_stacking_and_calibration(parts):
    classifier, X, y = parts
    others = [("own", classifier)]
    stacked = StackingClassifier(others, LogisticRegression(), cv=2).fit(X, y)
    assert stacked.classes_.tolist() == WORDS
    assert set(stacked.predict(X)) <= set(WORDS)
    calibrated = CalibratedClassifierCV(classifier, cv=2, ensemble=False).fit(X, y)
    probabilities = calibrated.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    if not isinstance(classifier, (YAMNetClassifier, SupervisedAudioClassifier)):
        assert np.isfinite(probabilities).all()
    if X.shape[1] == 3:
        assert stacked.score(X, y) > 0.9
        assert calibrated.score(X, y) > 0.9


@pytest.mark.parametrize("parts", QUICK, indirect=True)
def test_bagging(parts):
    classifier, X, y = parts
    # So few clips in each bag that some would lack a class.
    bagged = BaggingClassifier(classifier, n_estimators=4, max_samples=2, random_state=0)
    alone = clone(classifier).fit()
    np.testing.assert_array_equal(bagged.fit(X, y).predict(X), alone.predict(X))
    assert bagged.classes_.tolist() == WORDS


@pytest.mark.parametrize("parts", ["supervised"], indirect=True)
def test_bags_of_trained_classifiers(parts):
    classifier, X, y = parts
    bagged = BaggingClassifier(classifier, n_estimators=2, random_state=0).fit(X, y)
    assert set(bagged.predict(X)) <= set(WORDS)


@pytest.mark.parametrize("parts", ["words", "supervised"], indirect=True)
@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test_searches(parts, search):
    classifier, X, y = parts
    name = "temperature" if hasattr(classifier, "temperature") else "learning_rate"
    options = {} if search is GridSearchCV else {"n_iter": 2, "random_state": 0}
    found = search(classifier, {name: [0.01, 0.001]}, cv=2, **options).fit(X, y)
    assert found.classes_.tolist() == WORDS
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("parts", QUICK, indirect=True)
def test_two_classes(parts):
    """What is for two classes, where one against the rest is the same as one or the other."""
    classifier, X, y = parts
    X, y = X[y != "sea"], y[y != "sea"]
    labels = classifier.labels
    two = {w: labels[w] for w in WORDS[:2]} if isinstance(labels, dict) else WORDS[:2]
    classifier = classifier.set_params(labels=two)
    alone = clone(classifier).fit(X, y)
    rest = OneVsRestClassifier(classifier).fit(X, y)
    np.testing.assert_array_equal(rest.predict(X), alone.predict(X))
    if X.shape[1] != 3:  # which untrained networks tell apart by no threshold
        return
    tuned = TunedThresholdClassifierCV(classifier, cv=2).fit(X, y)
    assert tuned.classes_.tolist() == WORDS[:2]
    assert set(tuned.predict(X)) <= set(WORDS)


@pytest.mark.parametrize("parts", QUICK, indirect=True)
def test_one_class_at_a_time_is_refused(parts):
    classifier, X, y = parts
    with pytest.raises(ValueError, match="OneVsRestClassifier and its like ask for one class"):
        OneVsRestClassifier(classifier).fit(X, y)


def test_one_against_the_rest_learns(folder, data, tiny_checkpoint):
    _, clips, y = data
    classifier = OneVsRestClassifier(make("supervised", folder, tiny_checkpoint)).fit(clips, y)
    assert classifier.predict_proba(clips).shape == (27, 3)


@pytest.mark.parametrize("y", [[0, 1, 2], np.array([0, 1]), pd.Series([7, 8])])
def test_numbers_are_no_words(y):
    classifier = ZeroShotClassifier(encoder="passthrough", text_encoder=Speech())
    with pytest.raises(ValueError, match=r"are numbers, and nothing says .* labels=\{0: 'dog'"):
        classifier.fit(y=y)
    with pytest.raises(ValueError, match="labels 0, 1 are numbers"):
        classifier.set_params(labels=[0, 1]).fit()
    classifier.set_params(labels={7: "dog", 8: "rain"}).fit(y=[7, 8])
    assert classifier.classes_.tolist() == [7, 8]


def test_ensembles_without_labels_are_refused(data):
    vectors, _, y = data
    classifier = ZeroShotClassifier(encoder="passthrough", text_encoder=Speech())
    for fit in (
        VotingClassifier([("only", classifier)]).fit,
        StackingClassifier([("only", classifier)], cv=2).fit,
        BaggingClassifier(classifier).fit,
        lambda X, y: cross_val_predict(classifier, X, y, method="predict_proba"),
    ):
        with pytest.raises(ValueError, match="whose labels are those of y, in sorted order"):
            fit(vectors, y)


NUMBERED = {0: "dog", 1: "rain", 2: "sea"}


@pytest.mark.parametrize(
    ("labels", "y", "message"),
    [
        (["sea", "dog", "rain"], [0, 1, 2], r"pass labels=\['dog', 'rain', 'sea'\]"),
        (WORDS, [0, 1], "y has the numbers 0, 1, which labels does not have"),
        (WORDS, [0, 3], "y has the numbers 0, 3, which labels does not have"),
        (NUMBERED, [0, 1], "y has 0, 1 of the labels 0 to 2 alone"),
        (NUMBERED, [0, 4], "y has the numbers 0, 4"),
        ({1: "dog", 2: "rain", 3: "sea"}, [0, 1, 2], "words or numbers from 0, in sorted order"),
    ],
)
def test_what_is_not_certain_is_refused(labels, y, message):
    for text_encoder in (SPACE, Speech()):
        classifier = ZeroShotClassifier(labels, encoder="passthrough", text_encoder=text_encoder)
        with pytest.raises(ValueError, match=message):
            classifier.fit(y=y)


@pytest.mark.parametrize(
    ("labels", "y", "classes"),
    [
        (WORDS, [0, 1, 2], [0, 1, 2]),
        (WORDS, [0, 2], [0, 1, 2]),
        (dict(zip(WORDS, WORDS, strict=True)), [2, 1, 0], [0, 1, 2]),
        (NUMBERED, [0, 1, 2], [0, 1, 2]),
        (NUMBERED, [1, 2], [0, 1, 2]),
        ({10: "dog", 20: "rain"}, [0, 1], [0, 1]),
        ({10: "dog", 20: "rain"}, [10], [10, 20]),
    ],
)
def test_what_is_certain(labels, y, classes):
    classifier = ZeroShotClassifier(labels, encoder="passthrough", text_encoder=SPACE).fit(y=y)
    assert classifier.classes_.tolist() == classes
    expected = [SPACE[word] for word in WORDS[: len(classes)]]
    np.testing.assert_array_equal(classifier.label_vectors_, expected)


def test_tables_whose_names_are_numbers(data):
    vectors, _, _ = data
    table = dict(enumerate(np.eye(3)))
    classifier = ZeroShotClassifier(encoder="passthrough", text_encoder=table)
    y = np.array([0, 1, 2] * 9)
    voting = VotingClassifier([("only", classifier)]).fit(vectors, y)
    assert voting.score(vectors, y) == clone(classifier).fit(vectors, y).score(vectors, y) > 0.9
    with pytest.raises(ValueError, match="y has 0, 1 of the labels 0 to 2 alone"):
        VotingClassifier([("only", classifier)]).fit(vectors[y > 0], y[y > 0])


def test_numbers_of_a_fine_tuner(folder, data, tiny_checkpoint):
    _, clips, y = data
    tuner = make("fine tuner", folder, tiny_checkpoint).set_params(text_encoder=Speech())
    with pytest.raises(ValueError, match="y has 'sea', which labels does not have"):
        clone(tuner).set_params(labels=["dog", "rain"]).fit(clips, y)
    with pytest.raises(ValueError, match="are numbers, and nothing says"):
        clone(tuner).set_params(labels=None).fit(clips, np.unique(y, return_inverse=True)[1])
    with pytest.raises(ValueError, match="y has 0, 1 of the labels 0 to 2 alone"):
        clone(tuner).set_params(labels=NUMBERED).fit(clips, [0, 1, 0] * 9)


def test_yamnet_of_numbers(folder, data):
    _, clips, _ = data
    with pytest.raises(ValueError, match="y has the numbers 0, 1, which labels does not have"):
        YAMNetClassifier(folder / "tiny.h5").fit(clips[:2], [0, 1])
    assert not hasattr(YAMNetClassifier(), "predict_proba")
