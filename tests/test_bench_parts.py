"""What the benchmarks are made of: cells, cached vectors, seconds, and small data sets."""

import argparse
import base64
import hashlib
import json
import os
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

import skw2c
from benchmarks import tasks
from benchmarks.datasets import dataset
from benchmarks.running import bench, cells, extraction, fingerprint, probes, segments, trials
from benchmarks.systems import mfcc, supervise
from benchmarks.systems.system import System
from benchmarks.tasks import audio_retrieval, classification, data_efficiency, maps
from skw2c import (
    AudioCLIPFineTuner,
    AudioCLIPTransformer,
    OpenL3Transformer,
    SupervisedAudioClassifier,
    Wav2CLIPTransformer,
    YAMNetTransformer,
)

from .tolerances import assert_close


class Loudness:
    """An encoder that counts what it is asked."""

    def __init__(self, width=2):
        self.width = width
        self.n_asked = 0

    def transform(self, clips):
        self.n_asked += len(clips)
        return np.stack([np.full(self.width, np.square(clip).mean()) for clip in clips])


@pytest.fixture
def clips(rng):
    return [rng.normal(size=rng.integers(50, 90)) for _ in range(150)]


def test_finished_cells_are_not_computed_again(tmp_path):
    calls = []
    store = cells.CellStore(tmp_path)

    def run(cell):
        calls.append(cell.system)
        cell.scores = {"accuracy": np.float64(0.5)}
        cell.details["confusion"] = np.eye(2)

    first = store.compute("task", "a/b set", "MFCC", ("x", 1), run)
    again = store.compute("task", "a/b set", "MFCC", ("x", 1), run)
    store.compute("task", "a/b set", "MFCC", ("x", 2), run)
    assert len(calls) == 2
    assert again.score == first.score == 0.5
    assert again.details["confusion"] == [[1, 0], [0, 1]]


def test_cells_say_what_all_processors_did(tmp_path):
    """Waiting takes no processor."""
    store = cells.CellStore(tmp_path)

    def work(cell):
        used = time.process_time()
        while time.process_time() - used < 0.05:
            pass
        time.sleep(0.05)

    cell = store.compute("task", "set", "system", (), work)
    assert cell.cpu_seconds >= 0.03  # clocks tick every hundredth of a second
    kept = store.compute("task", "set", "system", (), work)
    assert kept.cpu_seconds == cell.cpu_seconds
    assert cells.average_seeds([cell, kept])[0].cpu_seconds == 2 * cell.cpu_seconds


def test_failed_cells_are_shown_and_tried_again(tmp_path):
    attempts = []
    store = cells.CellStore(tmp_path)

    def run(cell):
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("out of luck")
        cell.scores = {"accuracy": 1.0}

    failed = store.compute("task", "set", "system", (), run)
    assert failed.problem == "RuntimeError: out of luck"
    assert "Traceback" in failed.details["traceback"]
    assert np.isnan(failed.score)
    assert store.compute("task", "set", "system", (), run).problem is None


def test_a_damaged_cell_is_computed_again(tmp_path):
    store = cells.CellStore(tmp_path)

    def run(cell):
        cell.scores = {"accuracy": 1.0}

    store.compute("task", "set", "system", (), run)
    [file] = tmp_path.rglob("*.json")
    file.write_text(file.read_text()[:20])
    assert store.compute("task", "set", "system", (), run).score == 1.0
    assert json.loads(file.read_text())["scores"] == {"accuracy": 1.0}


def test_interruption_is_no_failure(tmp_path):
    def run(cell):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cells.CellStore(tmp_path).compute("task", "set", "system", (), run)


def test_seeds_are_averaged():
    made = [
        cells.Cell("t", "d", "s", {"accuracy": value}, {}, {"chance": 0.1}, n=10)
        for value in (0.5, 0.7)
    ]
    failed = cells.Cell("t", "d", "s", problem="none")
    [cell] = cells.average_seeds([*made, failed])
    assert cell.scores == {"accuracy": pytest.approx(0.6)}
    assert cell.spread == {"accuracy": pytest.approx(0.1)}
    assert cell.n == 20
    assert "1 of 3 seeds failed" in cell.notes


def test_vectors_are_computed_once(tmp_path, clips):
    cache, encoder = extraction.VectorCache(tmp_path), Loudness()
    vectors = cache.embed(clips, encoder, "loudness")
    assert_close([row[0] for row in vectors], [np.square(clip).mean() for clip in clips])
    again = cache.embed(clips, encoder, "loudness")
    np.testing.assert_array_equal(np.stack(vectors), np.stack(again))
    assert encoder.n_asked == len(clips)
    cache.embed(clips, encoder, "another")
    assert encoder.n_asked == 2 * len(clips)


def test_a_killed_extraction_goes_on(tmp_path, clips):
    cache = extraction.VectorCache(tmp_path)

    class Killed(Loudness):
        def transform(self, clips):
            if self.n_asked:
                raise KeyboardInterrupt
            return super().transform(clips)

    with pytest.raises(KeyboardInterrupt):
        cache.embed(clips, Killed(), "loudness")
    encoder = Loudness()
    cache.embed(clips, encoder, "loudness")
    assert encoder.n_asked == len(clips) - extraction.CLIPS_AT_ONCE


def test_frames_keep_their_number(tmp_path):
    class Frames:
        def transform(self, clips):
            return [np.arange(2 * len(clip)).reshape(-1, 2) for clip in clips]

    rows = extraction.VectorCache(tmp_path).embed([[0], [0, 0, 0]], Frames(), "frames")
    assert [row.shape for row in rows] == [(1, 2), (3, 2)]
    np.testing.assert_array_equal(rows[1], np.arange(6).reshape(3, 2))


class TooFew(Loudness):
    def transform(self, clips):
        return super().transform(clips)[1:]


class Growing(Loudness):
    def transform(self, clips):
        self.width += 1
        return super().transform(clips)


class Endless(Loudness):
    def transform(self, clips):
        return np.full((len(clips), 2), np.inf)


class Words(Loudness):
    def transform(self, clips):
        return np.array([["a", "b"]] * len(clips))


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (TooFew(), "63 rows for 64 clips"),
        (Growing(), "vectors of dimension 3 and 4 and 5"),
        (Endless(), "row 0 contains infinite"),
        (Words(), "a vector of numbers"),
    ],
)
def test_encoders_that_do_not_keep_to_the_rules(tmp_path, clips, encoder, message):
    with pytest.raises(ValueError, match=message):
        extraction.VectorCache(tmp_path).embed(clips, encoder, "x")


def test_dask_gives_the_same_matrix(tmp_path, clips):
    pytest.importorskip("distributed")
    encoder = Wav2CLIPTransformer("mini", device="onnxruntime").fit()  # loads in a moment
    clips = [np.resize(clip, 3000).astype(np.float32) for clip in clips]
    expected = extraction.VectorCache(tmp_path / "one").embed(clips, encoder, "mini")
    with extraction.backend(2):
        shared = extraction.VectorCache(tmp_path / "two").embed(clips, encoder, "mini")
    assert_close(np.stack(shared), np.stack(expected))  # the processes have other threads


@pytest.mark.parametrize(
    ("duration", "n"), [(0.1, 1), (1.0, 1), (1.4, 1), (1.5, 2), (4.0, 4), (10.0, 10), (9.97, 10)]
)
def test_number_of_seconds(duration, n):
    assert segments.count_segments(duration) == n


def test_seconds_are_embedded_by_themselves(rng):
    clips = [rng.normal(size=n).astype(np.float32) for n in (32000, 5000, 40000)]
    rows = segments.SegmentTransformer(Loudness()).transform([*clips, "nowhere.wav"])
    assert [len(row) for row in rows] == [2, 1, 3, 1]
    assert rows[0][1, 0] == pytest.approx(np.square(clips[0][16000:]).mean(), rel=1e-5)
    assert rows[2][2, 0] == pytest.approx(np.square(clips[2][32000:]).sum() / 16000, rel=1e-5)
    assert np.isnan(rows[3]).all()


def test_labels_of_seconds():
    events = pd.DataFrame(
        {
            "label": ["dog", "cat", "dog", "cat"],
            "onset": [0.0, 0.95, 2.2, 3.97],
            "offset": [0.5, 2.0, 2.25, 4.0],
        }
    )
    labelled = segments.label_segments(events, ["cat", "dog"], 5)
    # Of an event shorter than a tenth of a second all of it counts.
    expected = [[0, 1], [1, 0], [0, 1], [1, 0], [0, 0]]
    np.testing.assert_array_equal(labelled, expected)


def make_dataset():
    events = pd.DataFrame(
        {
            "row": [0, 2, 2],
            "label": ["a", "b", "a"],
            "onset": [0.0, 1.0, 0.5],
            "offset": [1.0, 2.0, 0.7],
        }
    )
    return dataset.AudioDataset(
        "set",
        [np.zeros(4), np.ones(4), np.full(4, 2.0)],
        classes=["a", "b"],
        target=np.array(["a", "b", "a"]),
        split=np.array(["train", "test", "test"]),
        events=events,
        captions=[["x"], ["y"], ["z"]],
    )


def test_part_of_a_data_set():
    data = make_dataset()
    part = data.tested()
    assert len(part) == 2
    assert part.captions == [["y"], ["z"]]
    assert part.events["row"].tolist() == [1, 1]
    assert part.fingerprint != data.fingerprint
    assert data.take([2, 0]).target.tolist() == ["a", "a"]
    assert data.take([2, 0]).events["row"].tolist() == [1, 0, 0]


def test_identity_follows_what_is_known():
    first, second = make_dataset(), make_dataset()
    assert first.fingerprint == second.fingerprint
    changed = make_dataset()
    changed.target = np.array(["a", "b", "b"])
    assert changed.fingerprint != first.fingerprint
    shown = [np.zeros((1, 2, 2, 3), np.uint8)] * 3
    seen, partly = make_dataset(), make_dataset()
    seen.images, partly.images = shown, [None, *shown[1:]]
    assert len({first.fingerprint, seen.fingerprint, partly.fingerprint}) == 3


@pytest.mark.parametrize("seed", range(5))
def test_shares_have_every_class(seed):
    rng = np.random.default_rng(seed)
    target = rng.choice(list("abcde"), 400, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    sizes = []
    for share in data_efficiency.SHARES:
        drawn = data_efficiency.draw_share(target, share, seed)
        assert set(target[drawn]) == set(target)
        assert len(np.unique(drawn)) == len(drawn)
        sizes.append(len(drawn))
    assert sizes == sorted(sizes)
    assert sizes[-1] == 400
    assert sizes[3] == pytest.approx(40, abs=5)


def test_splits_keep_recordings_together():
    groups = np.repeat(np.arange(20), 3).astype(str)
    data = dataset.AudioDataset("set", list(range(60)), group=groups)
    trials = list(classification.splits(data, np.arange(60), 0, 3))
    assert len(trials) == 3
    for train, test, _ in trials:
        assert not set(groups[train]) & set(groups[test])


def test_random_splits_have_all_classes_on_both_sides():
    """A class of two clips is tested with the one, and learned from with the other."""
    target = np.array(["common"] * 90 + ["rare"] * 5)
    data = dataset.AudioDataset("set", list(range(95)), ["common", "rare"], target=target)
    for seed in range(5):
        for train, test, _ in classification.splits(data, np.arange(95), seed, 2):
            assert sorted([*train, *test]) == list(range(95))
            assert len(test) == 19
            assert np.sum(target[test] == "rare") == 1


def test_classes_without_clips_to_learn_from_are_named(tmp_path):
    """All clips of a class are of one recording: it is said, and its clips are tested."""
    data = dataset.AudioDataset(
        "set",
        list(np.eye(12)),
        ["a", "b", "c"],
        target=np.repeat(["a", "b", "c"], 4),
        group=np.array([*"01230123", *"4444"]),
    )
    options = argparse.Namespace(seed=0, probe="logistic", n_trials=5)
    folders = (extraction.VectorCache(tmp_path), trials.TrialStore(tmp_path))
    run = bench.Bench(options, [data], [], cells.CellStore(tmp_path), *folders)
    system = System("own", "own", Identity)
    cell = cells.Cell("classification", data.name, system.title)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tasks.TASKS["classification"]().fill(run, cell, data, system)
    [note] = cell.notes
    assert "no clip of c was there to learn from" in note


class Identity(TransformerMixin, BaseEstimator):
    """Clips that are vectors."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack(X)

    def __sklearn_is_fitted__(self):
        return True


def test_models_are_told_of_recordings(tmp_path):
    """Who sets clips aside to judge by must know which are of one recording."""
    told = []

    class Grouped(DummyClassifier):
        def fit(self, X, y, groups=None):
            told.append(groups)
            return super().fit(X, y)

    store, X = trials.TrialStore(tmp_path), np.zeros((6, 2))
    target, groups = np.array(["a", "b"] * 3), np.array(["x", "y", "y", "x", "z", "z"])
    for model in (Grouped(strategy="prior"), DummyClassifier(strategy="prior")):
        fingerprint = (type(model).__name__,)
        store.predict(model, X, target, np.arange(4), np.array([4, 5]), fingerprint, groups)
    [given] = told
    assert given.tolist() == ["x", "y", "y", "x"]


def test_thresholds_are_chosen_on_other_recordings():
    groups = np.repeat([*"abcdefgh"], 3)
    data = dataset.AudioDataset("set", list(range(24)), group=groups)
    folds = list(audio_retrieval._split(data, 0))
    assert len(folds) == 5
    for scored, held_out in folds:
        assert not set(groups[scored]) & set(groups[held_out])


def test_clips_of_a_map_can_be_heard(monkeypatch):
    rng = np.random.default_rng(0)
    clips = [rng.normal(0, 0.1, 8000).astype(np.float32) for _ in range(7)]
    clips[3] = "nowhere.wav"
    monkeypatch.setattr(maps, "_MOST_PREVIEWS", 4)
    previews = maps.make_previews(clips)
    assert list(previews) == ["0", "2", "4", "6"]
    sound, rate = skw2c.load_audio(base64.b64decode(previews["4"]), sampling_rate=None)
    assert abs(len(sound) / rate - 0.5) <= 0.02
    monkeypatch.setattr(maps, "_MOST_PREVIEWS", 7)
    assert "3" not in maps.make_previews(clips)
    monkeypatch.setitem(sys.modules, "av", None)
    assert maps.make_previews(clips) == {}
    assert maps.name_clip("a/b.wav", 3) == "b.wav"
    assert maps.name_clip(clips[0], 3) == "clip 3"


def test_a_copy_is_a_neighbour_and_not_the_clip_itself():
    """Right is what the nearest other clips are, in whatever order they come."""
    judge = maps.judge_neighbours
    vectors = np.array([[0, 1], [0, 1], [1, 0], [1, 0], [1, 0], [0.9, 0.2], [5, 5]], np.float32)
    labels = np.array(["a", "b", "a", "a", "b", "a", "b"])
    expected = np.array([0, 0, 1 / 2, 1 / 2, 0, 2 / 3, 0])
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(labels))
        np.testing.assert_allclose(judge(vectors[order], labels[order]), expected[order])
    rng = np.random.default_rng(0)
    apart, labels = rng.normal(size=(60, 3)).astype(np.float32), rng.choice([*"ab"], 60)
    distances = np.linalg.norm(apart[:, None].astype(float) - apart, axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(judge(apart, labels), labels[distances.argmin(1)] == labels)


def test_names_that_are_not_utf8_have_an_identity(tmp_path):
    """Names of files may hold any bytes."""
    name = os.fsdecode(b"caf\xe9.wav")
    (tmp_path / name).write_bytes(b"sound")
    clips = [str(tmp_path / name)]
    data = dataset.AudioDataset("set", clips, [name], images=clips)
    assert len(data.fingerprint) == 64
    rows = extraction.VectorCache(tmp_path).embed(clips, Lengths(), "lengths")
    assert np.stack(rows).tolist() == [[len(clips[0])]]


class Lengths(Loudness):
    def transform(self, clips):
        return np.array([[len(clip)] for clip in clips])


def test_average_precision_of_classes_that_occur():
    scores = np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.9], [0.6, 0.3, 0.1]])
    value = probes.mean_average_precision(np.array(["a", "b", "a"]), scores, ["a", "b", "c"])
    assert value == 1.0
    indicator = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    value = probes.mean_average_precision(indicator, scores, ["a", "b", "c"])
    assert value == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)


def test_distances_to_labelled_seconds(rng):
    vectors = rng.normal(size=(7, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labelled = rng.random((7, 2)) < 0.5
    labelled[:, 1] = [1, 0, 0, 0, 0, 0, 0]
    seconds = audio_retrieval.Seconds(np.arange(7), np.zeros(7, int), vectors, labelled)
    for row in range(7):
        for label in range(2):
            others = [q for q in range(7) if q != row and labelled[q, label]]
            expected = min((1 - vectors[row] @ vectors[q] for q in others), default=np.inf)
            assert seconds.distances()[row, label] == pytest.approx(expected)


def test_identity_of_encoders():
    """It follows the seed of an encoder of one's own, and not where an encoder runs."""
    fingerprint_of = fingerprint.fingerprint_of

    class Own(BaseEstimator):
        def __init__(self, random_state=None, n_jobs=None):
            self.random_state = random_state
            self.n_jobs = n_jobs

    assert fingerprint_of(Own(0)) != fingerprint_of(Own(1))
    assert fingerprint_of(Own(0)) == fingerprint_of(Own(0, n_jobs=2))
    first, second = (Wav2CLIPTransformer(None, random_state=seed).fit() for seed in (0, 1))
    assert fingerprint_of(first) != fingerprint_of(second)
    assert fingerprint_of(first) == fingerprint_of(Wav2CLIPTransformer(first.weights_).fit())
    assert fingerprint_of(Loudness(2)) == fingerprint_of(Loudness(2))
    assert fingerprint_of(Loudness(2)) != fingerprint_of(Loudness(3))


@pytest.mark.parametrize(
    ("estimator", "digest"),
    [
        (Wav2CLIPTransformer("mini"), "a94e9a082f7e0a17"),
        (
            Wav2CLIPTransformer(None, mode="frame", output="encoder", random_state=3),
            "e462eac2551b73d8",
        ),
        (AudioCLIPTransformer(None, random_state=0), "9f66069a83231737"),
        (YAMNetTransformer(None, random_state=0), "50a77b4ace62e7c0"),
        (OpenL3Transformer(None, random_state=0), "60346a31f9c18205"),
        (mfcc.MFCCTransformer(), "a6ab4e66a581831c"),
        (SupervisedAudioClassifier(random_state=0), "97e39cc68fd4e35b"),
        (AudioCLIPFineTuner("x"), "0b4b08dadccef703"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_is_in_caches_is_found_again(estimator, digest):
    """Where a parameter was renamed, `fingerprint` must know what it was called first."""
    if hasattr(estimator, "predict"):
        found = fingerprint.fingerprint_recipe(estimator)
    else:
        found = fingerprint.fingerprint_of(estimator.fit(None))
    found = found.replace(skw2c.__version__, "VERSION")
    assert hashlib.sha256(found.encode()).hexdigest()[:16] == digest, found


def test_identity_of_what_is_trained(tmp_path):
    """It follows each parameter, and the files that are named, and not where training runs."""
    fingerprint_of = fingerprint.fingerprint_recipe

    def make(**parameters):
        return SupervisedAudioClassifier(encoder_width=4, **parameters)

    assert fingerprint_of(make(random_state=0)) != fingerprint_of(make(random_state=1))
    assert fingerprint_of(make()) == fingerprint_of(
        make(n_jobs=2, verbose=False, checkpoint_dir="x")
    )
    weights = tmp_path / "weights.npz"
    weights.write_bytes(b"first")
    pipeline = make_pipeline(YAMNetTransformer(str(weights)), StandardScaler())
    before = fingerprint_of(pipeline)
    assert fingerprint_of(pipeline) == before
    weights.write_bytes(b"another")
    assert fingerprint_of(pipeline) != before


def test_a_damaged_piece_is_computed_again(tmp_path, clips):
    cache, encoder = extraction.VectorCache(tmp_path), Loudness()
    first = cache.embed(clips, encoder, "loudness")
    piece = next(tmp_path.iterdir())
    piece.write_bytes(piece.read_bytes()[:-50])
    np.testing.assert_array_equal(cache.embed(clips, encoder, "loudness"), first)
    assert encoder.n_asked == len(clips) + 64 or encoder.n_asked == len(clips) + len(clips) % 64


def test_an_encoder_that_was_mended_begins_anew(tmp_path, clips):
    cache = extraction.VectorCache(tmp_path)
    with pytest.raises(ValueError, match="dimension 3 and 4 and 5"):
        cache.embed(clips, Growing(), "growing")
    assert len(cache.embed(clips, Loudness(), "growing")) == len(clips)


def test_pieces_of_which_nothing_can_be_read(tmp_path):
    """Seconds of clips none of which is readable are NaN, as are those among others."""
    (tmp_path / "broken.wav").write_bytes(b"")
    broken, good = str(tmp_path / "broken.wav"), np.ones(32000, np.float32)
    cutter = segments.SegmentTransformer(Loudness())
    for clips in ([broken, broken], [good, broken]):
        rows = cutter.transform(clips)
        assert rows[1].shape == (1, 2)
        assert np.isnan(rows[1]).all()
    assert rows[0].shape == (2, 2)
    listened = segments.ListeningTransformer().transform([good, broken])
    np.testing.assert_array_equal(listened, [[1.0], [np.nan]])


def test_events_behind_the_last_second_are_missed():
    events = pd.DataFrame(
        {
            "row": [0, 0, 1],
            "label": ["a", "a", "a"],
            "onset": [0.0, 2.0, 0.0],
            "offset": [1.0, 2.4, 1.0],
        }
    )
    data = dataset.AudioDataset("set", [0, 1], classes=["a"], events=events)
    vectors = [np.ones((2, 3)), np.full((1, 3), np.nan)]
    seconds = audio_retrieval.Seconds.of(data, vectors)
    found = np.array([[True], [False]])
    scores = audio_retrieval.score(seconds, found, data, np.arange(2))
    assert scores["per_class"].loc["a", "n_reference"] == 14
    assert scores["per_class"].loc["a", "n_correct"] == 10


class Counter(DummyClassifier):
    """A classifier that counts how often any of its kind was trained."""

    n_fits = 0

    def fit(self, X, y):
        type(self).n_fits += 1
        return super().fit(X, y)


@pytest.mark.parametrize("X", [np.zeros((6, 2)), [np.zeros(3)] * 6], ids=["vectors", "clips"])
def test_a_trial_is_made_once(tmp_path, X, monkeypatch):
    monkeypatch.setattr(Counter, "n_fits", 0)
    store = trials.TrialStore(tmp_path)
    target = np.array(["a", "b", "b", "a", "b", "b"])

    def try_out(*fingerprint):
        train, test = np.arange(4), np.array([4, 5])
        return store.predict(Counter(strategy="prior"), X, target, train, test, fingerprint)

    scores, classes = try_out("one")
    assert scores.tolist() == [[0.5, 0.5]] * 2
    assert classes.tolist() == ["a", "b"]
    again = try_out("one")
    assert Counter.n_fits == 1
    np.testing.assert_array_equal(again[0], scores)
    np.testing.assert_array_equal(again[1], classes)
    try_out("another")
    assert Counter.n_fits == 2
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(try_out("one")[0], scores)
    assert Counter.n_fits == 3


def test_probes_take_one_thread_of_algebra():
    class Asked(DummyClassifier):
        def fit(self, X, y):
            self.n_threads_ = {
                pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
            }
            return super().fit(X, y)

    asked = probes.fit_quietly(Asked(), np.zeros((4, 2)), np.array(["a", "b"] * 2))
    assert asked.n_threads_ <= {1}


def test_an_interrupted_training_goes_on(tmp_path, rng, monkeypatch, capsys):
    store = trials.TrialStore(tmp_path / "trials")
    X = [rng.normal(size=8000) for _ in range(8)]
    target, rows = np.array(["a", "b"] * 4), np.arange(8)
    model = SupervisedAudioClassifier(
        encoder_width=2, clip_length=0.5, max_epochs=2, batch_size=4, random_state=0, devices="cpu"
    )

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SupervisedAudioClassifier, "predict_proba", stop)
        with pytest.raises(KeyboardInterrupt):
            store.predict(clone(model), X, target, rows[:6], rows[6:], ("one",))
    assert "going on" not in capsys.readouterr().out
    found, _ = store.predict(clone(model), X, target, rows[:6], rows[6:], ("one",))
    assert "going on" in capsys.readouterr().out
    alone = model.fit(X[:6], target[:6]).predict_proba(X[6:])
    np.testing.assert_array_equal(found, alone)
    assert [path.suffix for path in (tmp_path / "trials").iterdir()] == [".npz"]


def test_chance_is_among_all_that_can_be_answered():
    chance, target = probes.chance_of, np.array(["a", "b", "b", "b"])
    assert chance(target, "accuracy", ["a", "b", "c", "d"]) == 0.25
    assert chance(target, "mean average precision", ["a", "b", "c", "d"]) == 0.5
    shares = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    assert chance(shares, "mean average precision", ["a", "b", "c"]) == 0.625


def test_fewer_clips_are_learned_from_for_more_epochs():
    """Batches get smaller where that costs no steps."""
    plan = supervise.plan_training
    expected = [(32, 12), (32, 12), (32, 24), (32, 30), (16, 42), (12, 40), (12, 84)]
    assert [plan(12, n) for n in (5000, 1000, 500, 400, 100, 25, 12)] == expected


def test_seconds_are_told_apart_but_labels_counted_in_clips(tmp_path, rng):
    """Where each second is judged, a share of the labels is still one of the clips."""
    clips = [rng.normal(size=32000).astype(np.float32) for _ in range(12)]
    data = dataset.AudioDataset(
        "scenes",
        clips,
        ["a", "b"],
        target=np.array(["a", "b"] * 6),
        split=np.repeat(["train", "test"], [8, 4]),
        by_seconds=True,
    )
    folders = (extraction.VectorCache(tmp_path), trials.TrialStore(tmp_path))
    options = argparse.Namespace(seed=0, probe="logistic", n_trials=1)
    run = bench.Bench(options, [data], [], cells.CellStore(tmp_path), *folders)
    system = System("mfcc", "MFCC", mfcc.MFCCTransformer)

    def fill(name):
        cell = cells.Cell(name, data.name, system.title)
        tasks.TASKS[name]().fill(run, cell, data, system)
        return cell

    assert np.sum(fill("classification").details["confusion"]) == 4 * 2
    assert fill("data-efficiency").n == 4
    assert fill("data-efficiency").details["curve"][-1]["n"] == 8
