"""ZeroShotClassifier: right by plain numpy, and with a classifier's manners."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import soundfile
import torch
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skw2c import CLIPTextEncoder, Wav2CLIPTransformer, ZeroShotClassifier
from skw2c.exceptions import AudioError, FailedClipWarning
from skw2c.transformers._encoders import resolve_encoder

from .tolerances import assert_close

NAMES = [f"label_{letter}" for letter in "cadb"]


@pytest.fixture
def table(rng):
    return rng.normal(size=(4, 16))


@pytest.fixture
def vectors(rng, table):
    return np.repeat(table, 5, axis=0) + rng.normal(size=(20, 16))


@pytest.fixture
def classifier(table):
    return ZeroShotClassifier(NAMES, encoder="passthrough", text_encoder=(table, NAMES))


@pytest.fixture
def by_words(tiny_checkpoint, tiny_clip):
    return ZeroShotClassifier(
        ["dog", "rain", "bell"],
        encoder=Wav2CLIPTransformer(tiny_checkpoint),
        text_encoder=CLIPTextEncoder(tiny_clip, pretrained=None, random_state=0),
    )


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_real_label_vectors_as_numpy_says(shared):
    folder = shared / "data" / "clip_text_vitb32"
    rng = np.random.default_rng(0)
    for name in ("lvis", "o365", "coco"):
        table = np.load(folder / f"{name}.npy").astype(float)
        names = pd.read_csv(folder / f"{name}_names.csv")["name"].tolist()
        target = rng.integers(len(names), size=3000)
        vectors = table[target] + rng.normal(size=(3000, 512)) * rng.uniform(0.2, 2, (3000, 1))
        classifier = ZeroShotClassifier(
            names, encoder="passthrough", text_encoder=(table, names)
        ).fit()
        best = (unit(vectors) @ unit(table).T).argmax(axis=1)
        truth = np.array(names)[target]
        np.testing.assert_array_equal(classifier.predict(vectors), np.array(names)[best])
        accuracy = classifier.score(vectors, truth)
        assert accuracy == np.mean(np.array(names)[best] == truth)
        assert 0.5 < accuracy < 1
        probabilities = classifier.predict_proba(vectors)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
        shuffled = rng.permutation(names).tolist()
        again = clone(classifier).set_params(labels=shuffled).fit()
        np.testing.assert_array_equal(again.predict_proba(vectors), probabilities)


def test_cosines_and_probabilities(classifier, table, vectors):
    cosines = classifier.fit().decision_function(vectors)
    order = np.argsort(NAMES)
    assert classifier.classes_.tolist() == sorted(NAMES)
    np.testing.assert_allclose(cosines, (unit(vectors) @ unit(table).T)[:, order])
    np.testing.assert_allclose(classifier.predict_proba(vectors), softmax(100 * cosines, axis=1))
    classifier.set_params(temperature=0.5)
    np.testing.assert_allclose(classifier.predict_proba(vectors), softmax(2 * cosines, axis=1))
    assert log_loss(np.repeat(NAMES, 5), classifier.predict_proba(vectors)) < np.log(4)


def test_labels_come_from_y_as_well(classifier, vectors):
    expected = classifier.fit().predict(vectors)
    y = np.repeat(NAMES, 5)
    for fit in ((vectors, y), (vectors, y.tolist()), (None, y), (None, pd.Series(NAMES))):
        again = clone(classifier).set_params(labels=None).fit(*fit)
        np.testing.assert_array_equal(again.predict(vectors), expected)


def test_labels_of_other_kinds(table, vectors):
    classifier = ZeroShotClassifier(
        [30, 10, 20, 40], encoder="passthrough", text_encoder=(table, [30, 10, 20, 40])
    ).fit()
    assert classifier.classes_.tolist() == [10, 20, 30, 40]
    assert classifier.predict(vectors).dtype.kind == "i"
    in_order = clone(classifier).set_params(text_encoder=table).fit()
    np.testing.assert_array_equal(in_order.predict(vectors), classifier.predict(vectors))


def test_two_labels(table, vectors):
    classifier = ZeroShotClassifier(
        ["x", "y"], encoder="passthrough", text_encoder={"x": table[0], "y": table[1]}
    ).fit()
    decision = classifier.decision_function(vectors)
    assert decision.shape == (20,)
    np.testing.assert_array_equal(classifier.predict(vectors), np.where(decision > 0, "y", "x"))
    np.testing.assert_array_equal(classifier.predict_proba(vectors)[:, 1] > 0.5, decision > 0)


def test_one_label(table, vectors):
    classifier = ZeroShotClassifier(["x"], encoder="passthrough", text_encoder={"x": table[0]})
    assert set(classifier.fit().predict(vectors)) == {"x"}
    np.testing.assert_array_equal(classifier.predict_proba(vectors), np.ones((20, 1)))


def test_multilabel(classifier, table, vectors):
    cosines = unit(vectors) @ unit(table).T
    classifier.set_params(multilabel=True, threshold=0.3).fit()
    assert classifier.classes_.tolist() == NAMES  # the order of the columns of y
    np.testing.assert_allclose(classifier.decision_function(vectors), cosines)
    np.testing.assert_array_equal(classifier.predict(vectors), cosines > 0.3)
    probabilities = classifier.predict_proba(vectors)
    np.testing.assert_array_equal(probabilities > 0.5, cosines > 0.3)
    truth = np.repeat(np.eye(4), 5, axis=0)
    assert average_precision_score(truth, classifier.decision_function(vectors)) > 0.8

    classifier.set_params(threshold=None)
    chosen = classifier.predict(vectors)
    np.testing.assert_array_equal(chosen, softmax(100 * cosines, axis=1) > 0.25)
    np.testing.assert_array_equal(classifier.predict_proba(vectors) > 0.5, chosen)
    assert (chosen.sum(axis=1) >= 1).all()


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([["b", "a"], [], ["c"]], ["a", "b", "c"]),
        (pd.DataFrame([[1, 0, 0]], columns=["b", "c", "a"]), ["b", "c", "a"]),
        (["b", "a", "b"], ["a", "b"]),
    ],
)
def test_multilabel_labels_from_y(table, y, classes):
    names = dict(zip("abcd", table, strict=True))
    classifier = ZeroShotClassifier(encoder="passthrough", text_encoder=names, multilabel=True).fit(
        y=y
    )
    assert classifier.classes_.tolist() == classes


def test_words_and_sounds(by_words, tiny_checkpoint, wav_files, waveforms):
    by_words.set_params(prompts=["{}", "the sound of a {}"]).fit()
    audio = unit(Wav2CLIPTransformer(tiny_checkpoint).fit_transform(wav_files).astype(float))
    text = []
    for label in by_words.classes_:
        both = by_words.text_encoder_.transform([label, f"the sound of a {label}"])
        text.append(unit(unit(both.astype(float)).mean(axis=0)))
    assert_close(by_words.decision_function(wav_files), audio @ np.array(text).T)
    np.testing.assert_array_equal(by_words.predict(wav_files), by_words.predict(waveforms))


def test_frames(by_words, tiny_checkpoint, wav_files):
    by_words.set_params(mode="frame").fit()
    two_seconds, one_second = wav_files[1], wav_files[0]
    probabilities = by_words.predict_proba([one_second, two_seconds])
    assert [frames.shape for frames in probabilities] == [(1, 3), (2, 3)]
    labels = by_words.predict([two_seconds, two_seconds])
    assert labels.shape == (2, 2)
    assert by_words.decision_function([two_seconds]).shape == (1, 2, 3)
    np.testing.assert_array_equal(by_words.frame_times(2), [[0, 1], [1, 2]])
    frames = Wav2CLIPTransformer(tiny_checkpoint, mode="frame").fit_transform([two_seconds])[0]
    expected = unit(frames.astype(float)) @ by_words.label_vectors_.T
    assert_close(by_words.decision_function([two_seconds])[0], expected)


def test_frames_of_vectors_that_are_ready(classifier, table):
    classifier.set_params(mode="frame", frame_length=2.0, hop_length=0.5).fit()
    frames = classifier.predict([table[[0, 0, 1]], table[[3]]])
    assert [labels.tolist() for labels in frames] == [["label_c", "label_c", "label_a"], [NAMES[3]]]
    np.testing.assert_array_equal(classifier.frame_times(2), [[0, 2], [0.5, 2.5]])
    with pytest.raises(ValueError, match="X is empty"):
        classifier.predict([])


def test_events(classifier, table):
    classifier.set_params(mode="frame").fit()
    clips = [table[[0, 0, 1, 0]], table[[2]]]
    events = classifier.predict_events(clips)
    assert events.columns.tolist() == ["row", "label", "onset", "offset", "score"]
    assert events.drop(columns="score").to_numpy().tolist() == [
        [0, "label_c", 0.0, 2.0],
        [0, "label_a", 2.0, 3.0],
        [0, "label_c", 3.0, 4.0],
        [1, "label_d", 0.0, 1.0],
    ]
    assert (events["score"] > 0.99).all()


@pytest.fixture
def beep(rng):
    """Three and a half seconds of silence, with a beep in the last fifth of a second."""
    clip = np.zeros(56000, np.float32)
    clip[-3200:] = np.sin(np.arange(3200))
    return clip


@pytest.mark.parametrize("memory", [False, True])
def test_the_end_of_a_clip_is_heard(tiny_checkpoint, beep, memory, tmp_path, wav_files):
    encoder = Wav2CLIPTransformer(tiny_checkpoint, memory=str(tmp_path) if memory else None)
    labels = {"x": np.eye(16)[0], "y": np.eye(16)[1]}
    classifier = ZeroShotClassifier(
        ["x", "y"],
        encoder=encoder,
        text_encoder=labels,
        mode="frame",
        multilabel=True,
        threshold=-1,
    ).fit()
    path = tmp_path / "long.wav"
    soundfile.write(path, np.resize(beep, 130 * 16000 + 800), 16000)  # which is read in blocks
    clips = [beep, beep[:3000], str(path), torch.from_numpy(beep), wav_files[1]]
    for _ in range(2):  # the second time from the memory
        events = classifier.predict_events(clips)
        assert events.groupby("row")["offset"].max().tolist() == [3.5, 0.1875, 130.05, 3.5, 2.0]
        assert events.groupby("row")["onset"].max().tolist() == [0] * 5
    assert classifier.predict([beep]).shape == (1, 4, 2)
    frozen = clone(classifier).set_params(encoder=FrozenEstimator(classifier.encoder_)).fit()
    assert frozen.predict_events([beep])["offset"].tolist() == [3.5, 3.5]
    dropped = classifier.set_params(tail="drop").fit().predict_events([beep])
    assert dropped["offset"].tolist() == [3, 3]


def test_a_late_beep_in_a_pipeline(beep, tiny_checkpoint):
    waves = Wav2CLIPTransformer(tiny_checkpoint, mode="frame", tail="pad")
    pipeline = make_pipeline(waves, FunctionTransformer())
    classifier = ZeroShotClassifier(
        ["x", "y"],
        encoder=pipeline,
        text_encoder={"x": np.eye(16)[0], "y": np.eye(16)[1]},
        mode="frame",
        multilabel=True,
        threshold=-1,
    ).fit([beep])
    assert classifier.predict_events([beep])["offset"].tolist() == [3.5, 3.5]


def test_named_encoders_hear_ends(monkeypatch, tmp_path):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    assert ZeroShotClassifier(["a"], mode="frame")._make_encoder(512).tail == "pad"
    assert ZeroShotClassifier(["a"], mode="frame", tail="drop")._make_encoder(512).tail == "drop"
    own = Wav2CLIPTransformer("mini", sampling_rate=8000, tail="drop")
    made = ZeroShotClassifier(["a"], encoder=own, mode="frame")._make_encoder(512)
    assert (made.tail, made.mode, made.sampling_rate) == ("pad", "frame", 8000)
    assert ZeroShotClassifier(["a"], encoder=own)._make_encoder(512).tail == "drop"


def test_overlapping_events(classifier, table):
    classifier.set_params(mode="frame", multilabel=True, threshold=0.5).fit()
    both, silence = unit(table[0]) + unit(table[1]), -table.sum(axis=0)
    clip = np.stack([table[0], both, table[1], silence, table[1]])
    events = classifier.predict_events([clip, silence[None]])
    assert events[["row", "label", "onset", "offset"]].to_numpy().tolist() == [
        [0, "label_c", 0.0, 2.0],
        [0, "label_a", 1.0, 3.0],
        [0, "label_a", 4.0, 5.0],
    ]


def test_events_need_frames(classifier, vectors):
    with pytest.raises(ValueError, match="needs mode='frame', got mode='clip'"):
        classifier.fit().predict_events(vectors)
    classifier.set_params(mode="frame", encoder=FunctionTransformer()).fit()
    with pytest.raises(ValueError, match=r"shape \(16,\) for the first clip"):
        classifier.predict(vectors)


@pytest.mark.parametrize("multilabel", [False, True])
def test_failed_clips_keep_their_rows(by_words, wav_files, multilabel):
    clips = [wav_files[0], "missing.wav", wav_files[1]]
    by_words.set_params(multilabel=multilabel).fit()
    with pytest.raises(AudioError, match=r"Row 1 \('missing.wav'\)"):
        by_words.predict(clips)
    by_words.set_params(encoder__on_error="nan").fit()
    with pytest.warns(FailedClipWarning):
        labels = by_words.predict(clips)
    with pytest.warns(FailedClipWarning):
        probabilities = by_words.predict_proba(clips)
    assert np.isnan(probabilities).all(axis=1).tolist() == [False, True, False]
    if multilabel:
        assert np.isnan(labels).all(axis=1).tolist() == [False, True, False]
    else:
        assert labels[1] is None
        assert labels[0] in by_words.classes_


@pytest.mark.parametrize("multilabel", [False, True])
def test_what_failed_is_not_scored(by_words, wav_files, multilabel):
    by_words.set_params(multilabel=multilabel, encoder__on_error="nan").fit()
    label = by_words.classes_[0]
    y = [[label]] * 3 if multilabel else [label] * 3
    message = r"1 of the 3 clips could not be read, and have no label to compare \(rows 1\)"
    with pytest.warns(FailedClipWarning), pytest.raises(ValueError, match=message):
        by_words.score([wav_files[0], "missing.wav", wav_files[1]], y)


@pytest.mark.parametrize("mode", ["clip", "frame"])
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_the_container_of_the_encoder_does_not_matter(by_words, wav_files, mode, container):
    pytest.importorskip(container)
    by_words.set_params(mode=mode).fit()
    expected = [by_words.predict(wav_files[:3]), by_words.predict_proba(wav_files[:3])]
    by_words.encoder.set_output(transform=container)
    with sklearn.config_context(transform_output=container):
        by_words.fit()
        found = [by_words.predict(wav_files[:3]), by_words.predict_proba(wav_files[:3])]
    for one, other in zip(expected, found, strict=True):
        for own, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(own, theirs)


def test_failed_frames(by_words, wav_files):
    by_words.set_params(mode="frame", encoder__on_error="nan").fit()
    clips = [wav_files[1], None]
    with pytest.warns(FailedClipWarning):
        labels = by_words.predict(clips)
    assert labels[1].tolist() == [None, None]
    with pytest.warns(FailedClipWarning):
        assert set(by_words.predict_events(clips)["row"]) == {0}


def test_vectors_with_nan(classifier, vectors):
    vectors[3] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier.fit().predict(vectors)
    labels = classifier.set_params(on_error="nan").fit().predict(vectors)
    assert [label is None for label in labels] == [row == 3 for row in range(20)]
    numbers = [0, 1, 2, 3]
    classifier.set_params(labels=numbers, text_encoder=(classifier.text_encoder[0], numbers))
    labels = classifier.fit().predict(vectors)
    assert np.flatnonzero(np.isnan(labels)).tolist() == [3]


def test_pipelines_grids_and_pickles(by_words, wav_files, waveforms):
    y = ["dog", "rain", "bell", "dog", "rain", "bell"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cross_val_score(by_words, wav_files, y, cv=2).shape == (2,)
    grid = GridSearchCV(by_words, {"prompts": ["{}", "a {}"]}, cv=2).fit(wav_files, y)
    assert grid.best_params_["prompts"] in ("{}", "a {}")
    pipeline = make_pipeline(
        by_words.encoder, clone(by_words).set_params(encoder="passthrough")
    ).fit(wav_files, y)
    by_words.fit()
    np.testing.assert_array_equal(pipeline.predict(wav_files), by_words.predict(wav_files))
    pickled = pickle.dumps(by_words)
    assert len(pickled) < 6000
    np.testing.assert_array_equal(
        pickle.loads(pickled).predict(wav_files), by_words.predict(wav_files)
    )
    assert "ZeroShotClassifier" in by_words._repr_html_()
    with pytest.raises(NotFittedError):
        clone(by_words).predict(wav_files)


def test_trained_encoders_stay_as_they_are(table, vectors):
    from sklearn.decomposition import PCA

    pca = PCA(8).fit(vectors)
    labels = {name: pca.transform(v[None])[0] for name, v in zip(NAMES, table, strict=True)}
    classifier = ZeroShotClassifier(NAMES, encoder=FrozenEstimator(pca), text_encoder=labels)
    assert classifier.fit().predict(vectors).shape == (20,)
    assert classifier.score(vectors, np.repeat(NAMES, 5)) > 0.5


def test_nothing_is_written_by_predict(by_words, wav_files):
    before = dict(vars(by_words.fit()))
    by_words.predict(wav_files)
    by_words.predict_proba(wav_files)
    assert vars(by_words) == before


def test_names_are_resolved(monkeypatch, tmp_path):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    made = ZeroShotClassifier(["a"], mode="frame", hop_length=0.5, n_jobs=2)._make_encoder(512)
    assert (made.mode, made.hop_length, made.n_jobs) == ("frame", 0.5, 2)
    assert isinstance(made, Wav2CLIPTransformer)
    assert resolve_encoder("clip", "text", device="openvino").device == "cpu"
    assert resolve_encoder("wav2clip", "audio", device="openvino").device == "openvino"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (dict(labels=[]), "labels is empty"),
        (dict(labels=["a", "b", "a"]), "labels contains 'a' more than once"),
        (dict(labels=["a", None]), "labels has None at position 1, expected a label"),
        (dict(labels=["a", " "]), "labels has ' ' at position 1, expected a label"),
        (dict(labels=["label_a", "x"]), "lacks 'x'"),
        (dict(labels=None), "requires y to be passed, but the target y is None"),
        (dict(threshold=0.2), "threshold=0.2 needs multilabel=True"),
        (dict(prompts="a {}"), "prompts='a {}' needs a text encoder"),
        (dict(prompts="a"), "'a' lacks a place for the label"),
        (dict(temperature=0.0), "'temperature' parameter"),
        (
            dict(encoder="wav2vec"),
            "'wav2vec' is not the name of an audio encoder: did you mean 'wav2clip'",
        ),
        (dict(text_encoder=3), "'text_encoder' parameter"),
        (dict(mode="frames"), "'mode' parameter"),
    ],
)
def test_bad_parameters(classifier, parameters, message):
    with pytest.raises(ValueError, match=message):
        classifier.set_params(**parameters).fit()


def test_bad_y(classifier):
    classifier.set_params(labels=None)
    with pytest.raises(ValueError, match="y has .* at position 1, expected a label"):
        classifier.fit(y=np.array(["a", None], dtype=object))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(np.ones((3, 16)), ["a", "b"])
    with pytest.raises(
        ValueError, match="columns do not have names|columns of a matrix do not have names"
    ):
        classifier.set_params(multilabel=True).fit(y=np.eye(3))


def test_vectors_of_another_space(classifier, vectors):
    with pytest.raises(
        ValueError, match=r"shape \(20, 8\) for X, but label vectors of dimension 16"
    ):
        classifier.fit().predict(vectors[:, :8])


# What users name labels by


def test_words_for_numbers(table, vectors):
    words = {f"word_{k}": vector for k, vector in enumerate(table)}
    meaning = {30: "word 2", 10: "word 0", 20: "word 1", 40: "word 3"}
    classifier = ZeroShotClassifier(meaning, encoder="passthrough", text_encoder=words).fit()
    assert classifier.classes_.tolist() == [10, 20, 30, 40]
    assert classifier.score(vectors, np.repeat([10, 20, 30, 40], 5)) > 0.9
    again = clone(classifier).set_params(text_encoder=table[[2, 0, 1, 3]]).fit()
    np.testing.assert_array_equal(again.predict(vectors), classifier.predict(vectors))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("dog", "'labels' parameter .* must be .* an array-like or None. Got 'dog'"),
        ([1, "a"], "both strings and numbers .'a' and 1."),
        ([("a", "b")], r"labels has \('a', 'b'\) at position 0, expected a string or"),
        ([pd.NA, "a"], "<NA> at position 0, expected a label"),
        ({0: "dog", 1: ""}, "'' at position 1, expected a label"),
        ([0, 1], r"lacks 0, 1.*Numbers mean words by labels=\{0: 'dog'"),
    ],
)
def test_labels_that_are_none(classifier, labels, message):
    with pytest.raises(ValueError, match=message):
        classifier.set_params(labels=labels).fit()


def test_a_target_with_other_labels(classifier, vectors):
    y = np.repeat(NAMES, 5)
    classifier.fit(vectors[:5], y[:5])  # a part of the labels is no fault
    assert len(classifier.classes_) == 4
    with pytest.raises(ValueError, match="y contains 'typo', which is not in labels"):
        classifier.fit(vectors, [*y[1:], "typo"])
    classifier.set_params(multilabel=True, threshold=0.3)
    indicator = pd.DataFrame(np.repeat(np.eye(4, dtype=int), 5, axis=0), columns=NAMES)
    score = classifier.fit(vectors, indicator).score(vectors, indicator)
    assert score > 0.1
    sets = [{label} for label in y]
    assert classifier.fit(vectors, sets).score(vectors, sets) == score
    assert classifier.score(vectors, indicator[NAMES[::-1]]) == score
    assert classifier.score(vectors, indicator.to_numpy()) == score
    assert classifier.score(vectors, [[]] * 20) < 1
    with pytest.raises(ValueError, match="y contains 'typo', which is not in labels"):
        classifier.score(vectors, [*sets[1:], {"typo"}])
    with pytest.raises(ValueError, match="y contains 'typo', which is not in labels"):
        classifier.score(vectors, indicator.assign(typo=0))
    with pytest.raises(ValueError, match=f"y has no column '{NAMES[0]}'"):
        classifier.score(vectors, indicator[NAMES[1:]])
    with pytest.raises(ValueError, match="reorder them by y"):
        classifier.fit(vectors, indicator[NAMES[::-1]])
    with pytest.raises(ValueError, match="y has 3 columns for 4 labels"):
        classifier.fit(vectors, indicator.to_numpy()[:, :3])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0, 1], [1, 0]], "only contains 0 and 1, like an indicator matrix"),
        (pd.DataFrame({"label": ["a", "b"]}), "other values than 0 and 1"),
        (pd.DataFrame([[1, 0]], columns=["a", "a"]), "several columns named 'a'"),
        ("abc", "y must be a list with the labels of each clip"),
        ([["a"], None], "y at row 1 has None at position 0, expected a label"),
        ([[], []], "y is empty"),
    ],
)
def test_multilabel_targets_that_say_nothing(classifier, y, message):
    with pytest.raises(ValueError, match=message):
        classifier.set_params(labels=None, multilabel=True).fit(y=y)


def test_missing_labels_in_every_container(classifier):
    classifier.set_params(labels=None)
    for y in (pd.Series(["a", pd.NA], dtype="string"), ["a", None], pd.Series(["a", np.nan])):
        with pytest.raises(ValueError, match=r"at position 1, expected a label|contains NaN"):
            classifier.fit(y=y)


def test_categories_and_strings(classifier, vectors):
    y = np.repeat(NAMES, 5)
    expected = classifier.fit().predict(vectors)
    for kind in ("category", "string"):
        again = clone(classifier).set_params(labels=None).fit(vectors, pd.Series(y, dtype=kind))
        np.testing.assert_array_equal(again.predict(vectors), expected)


# Encoders of every kind


def test_times_come_from_the_encoder_in_a_pipeline(by_words, tiny_checkpoint, waveforms):
    inner = Wav2CLIPTransformer(tiny_checkpoint, mode="frame", hop_length=0.5)
    for encoder in (make_pipeline(FunctionTransformer(), inner), FrozenEstimator(inner.fit())):
        by_words.set_params(mode="frame", encoder=encoder).fit()
        np.testing.assert_array_equal(by_words.frame_times(2), [[0, 1], [0.5, 1.5]])
        assert by_words.predict_events([waveforms[1]])["offset"].max() == 2
    by_words.set_params(encoder=FunctionTransformer(lambda X: [np.ones((2, 16))] * len(X))).fit()
    with pytest.raises(ValueError, match="FunctionTransformer does not say when its frames are"):
        by_words.predict_events([waveforms[1]])


def test_text_encoders_of_every_kind(by_words, wav_files):
    from sklearn.feature_extraction.text import HashingVectorizer

    expected = by_words.fit().predict(wav_files)
    frozen = FrozenEstimator(clone(by_words.text_encoder).fit())
    by_words.set_params(text_encoder=frozen).fit()
    np.testing.assert_array_equal(by_words.predict(wav_files), expected)
    sparse = HashingVectorizer(n_features=16)
    assert by_words.set_params(text_encoder=sparse).fit().label_vectors_.shape == (3, 16)


def test_tables_as_parameters(table, vectors, classifier):
    expected = classifier.fit().predict(vectors)
    for form in (
        pd.DataFrame(table, index=NAMES),
        pd.Series(list(table), index=NAMES),
        dict(zip(NAMES, table, strict=True)),
        table,
        table.tolist(),
    ):
        classifier.set_params(text_encoder=form)
        np.testing.assert_array_equal(clone(classifier).fit().predict(vectors), expected)


def test_vectors_in_a_table_with_names(classifier, vectors):
    frame = pd.DataFrame(vectors, columns=[f"v{k}" for k in range(16)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = classifier.fit().predict(vectors)
        np.testing.assert_array_equal(classifier.predict(frame), expected)
        np.testing.assert_array_equal(classifier.fit(frame).predict(frame), expected)
    assert classifier.feature_names_in_[0] == "v0"


def test_frames_that_are_none(classifier, table):
    classifier.set_params(mode="frame").fit()
    for bad in (table[:0], table[:, :5], table * np.nan, None):
        with pytest.raises(ValueError, match="^Row 1"):
            classifier.predict([table, bad])
    classifier.set_params(on_error="nan").fit()
    labels = classifier.predict([table, None, table * np.nan])
    assert labels[1].tolist() == [None]
    assert labels[2].tolist() == [None] * 4
    with pytest.raises(ValueError, match="score with mode='clip'"):
        classifier.score([table], ["a"])


# Odd settings


def test_extreme_temperatures(classifier, vectors):
    for temperature in (1e-310, 1e-6, 1e6):
        classifier.set_params(temperature=temperature, multilabel=False).fit()
        probabilities = classifier.predict_proba(vectors)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(
            classifier.classes_[probabilities.argmax(axis=1)], classifier.predict(vectors)
        )
        classifier.set_params(multilabel=True)
        assert np.isfinite(classifier.predict_proba(vectors)).all()


def test_labels_that_could_never_be_given(classifier):
    classifier.set_params(multilabel=True, threshold=float("nan"))
    with pytest.raises(ValueError, match="threshold=nan, expected a finite number"):
        classifier.fit()
    classifier.set_params(labels=NAMES[:1], threshold=None)
    with pytest.raises(ValueError, match="only label, .* pass a threshold, or a second label"):
        classifier.fit()
    assert classifier.set_params(threshold=0.1).fit().classes_.tolist() == NAMES[:1]


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame])
def test_vectors_in_tables(classifier, table, vectors, form):
    expected = classifier.fit().predict(vectors)
    np.testing.assert_array_equal(classifier.predict(form(vectors)), expected)
    classifier.set_params(mode="frame").fit()
    np.testing.assert_array_equal(classifier.predict([form(vectors)])[0], expected)
    with pytest.raises(ValueError, match=r"table of 20 rows and 16 columns.* pass \[table\]"):
        classifier.predict(form(vectors))
