"""Sorting: labels that are kept, the classifier that learns from them, and what one takes away."""

import csv
import io
import json
import runpy
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from skw2c import AudioIndex
from skw2c.exceptions import SavedIndexError
from skw2c.listening._label_exports import classifier_script, labels_csv
from skw2c.listening._labels import Labels
from skw2c.listening._sorting import SortingClassifier
from skw2c.maps._coordinates import mean_vectors

RATE = 16000


@pytest.fixture
def labels(tmp_path):
    found = Labels(tmp_path)
    found.set_classes(["dog", "rain"])
    return found


# ---- labels ----


def test_labels_are_on_disk_at_once(labels, tmp_path):
    labels.set_label("a.wav", "dog")
    labels.set_label(3, "rain")
    labels.set_label("b.wav", "rain")
    labels.set_label("b.wav", None)
    again = Labels(tmp_path)
    assert again.labels == labels.labels == {"a.wav": "dog", 3: "rain"}
    assert again.classes == ["dog", "rain"]
    assert again.counts() == {"dog": 1, "rain": 1}


def test_labels_outlive_their_class(labels):
    labels.set_label("a.wav", "dog")
    labels.set_classes(["wind"])
    assert labels.labels == {"a.wav": "dog"}
    assert labels.counts() == {"wind": 0, "dog": 1}
    labels.set_label("a.wav", None)
    labels.set_label("never labelled", None)
    assert labels.counts() == {"wind": 0}


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([str(k) for k in range(10)], "got 10 classes, expected at most 9"),
        (["dog", " dog "], "'dog' is there twice"),
        (["dog", " "], "has no name"),
        (["two\nlines"], "cannot be shown"),
        (["\udce9"], "cannot be shown"),
        ([3], "3 is not text"),
        (["x" * 201], "201 characters, expected at most 200"),
    ],
)
def test_classes_that_cannot_be(labels, classes, message):
    with pytest.raises(ValueError, match=message):
        labels.set_classes(classes)
    assert labels.classes == ["dog", "rain"]


def test_a_label_is_one_of_the_classes(labels):
    with pytest.raises(ValueError, match=r"'wind' is none of the classes \('dog', 'rain'\)"):
        labels.set_label("a.wav", "wind")
    assert labels.labels == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        json.dumps({"format": "skw2c labels", "version": 2}).encode(),
        json.dumps({"format": "skw2c labels", "version": 1, "classes": []}).encode(),
        json.dumps(
            {"format": "skw2c labels", "version": 1, "classes": [], "labels": [["a", 3]]}
        ).encode(),
        json.dumps(
            {"format": "skw2c labels", "version": 1, "classes": [], "labels": [[["a"], "b"]]}
        ).encode(),
        json.dumps(
            {"format": "skw2c labels", "version": 1, "classes": "ab", "labels": []}
        ).encode(),
    ],
)
def test_damaged_labels_are_named_and_left_alone(labels, tmp_path, content):
    path = tmp_path / "listening" / "labels.json"
    path.write_bytes(content)
    for use in (lambda: Labels(tmp_path), lambda: labels.set_label("a.wav", "dog")):
        with pytest.raises(SavedIndexError, match=r"labels\.json' cannot be read .*: put the file"):
            use()
    assert path.read_bytes() == content


def test_a_failed_write_changes_nothing(labels, tmp_path, monkeypatch):
    labels.set_label("a.wav", "dog")

    def fail(*_):
        raise OSError(28, "No space left on device", "labels.json")

    monkeypatch.setattr("skw2c.listening._labels.write_atomically", fail)
    with pytest.raises(OSError, match="No space left"):
        labels.set_label("b.wav", "rain")
    assert labels.labels == {"a.wav": "dog"}


LABEL_SOME = """
import sys
from skw2c.listening._labels import Labels
labels = Labels(sys.argv[1])
for k in range(20):
    labels.set_label(f"process {k}", "dog")
assert "torch" not in sys.modules
"""


def test_processes_and_threads_do_not_overwrite_each_other(labels, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", LABEL_SOME, str(tmp_path)])  # noqa: S603

    def label_as(prefix):
        for k in range(20):
            labels.set_label(f"{prefix}{k}", "rain")

    threads = [threading.Thread(target=label_as, args=(f"thread{n} ",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process.wait() == 0
    assert labels.counts() == {"dog": 20, "rain": 40}
    assert Labels(tmp_path).counts() == {"dog": 20, "rain": 40}


def test_a_link_does_not_lead_labels_elsewhere(labels, tmp_path):
    other = tmp_path / "precious"
    other.write_bytes((tmp_path / "listening" / "labels.json").read_bytes())
    before = other.read_bytes()
    (tmp_path / "listening" / "labels.json").unlink()
    (tmp_path / "listening" / "labels.json").symlink_to(other)
    labels.set_classes(["wind"])
    assert other.read_bytes() == before


# ---- the classifier ----


@pytest.fixture
def groups(rng):
    """Thirty unit vectors around two directions, the last one between them, and their names."""
    centres = np.eye(8)[np.repeat([0, 1], 15)]
    centres[-1] = centres[0] + centres[-1]
    vectors = centres + 0.05 * rng.normal(size=(30, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), [f"{k}.wav" for k in range(30)]


GIVEN = {"0.wav": "x", "1.wav": "x", "15.wav": "y", "16.wav": "y", "not in the index": "z"}


def test_it_learns_from_a_few_labels(groups):
    vectors, items = groups
    classifier = SortingClassifier(vectors, items)
    assert not classifier.is_fitted
    training = classifier.fit(GIVEN)
    assert (training.n_labelled, training.classes, training.accuracy) == (4, ["x", "y"], None)
    assert classifier.is_fitted
    predicted, probabilities = classifier.predict()
    assert predicted.tolist()[:29] == ["x"] * 15 + ["y"] * 14
    assert probabilities.shape == (30,)
    assert 0.5 <= probabilities.min() <= probabilities.max() <= 1


def test_it_is_judged_by_labels_that_are_left_out(groups):
    vectors, items = groups
    right = {items[k]: "x" if k < 15 else "y" for k in (*range(6), *range(15, 21))}
    assert SortingClassifier(vectors, items).fit(right).accuracy == 1
    wrong = {**right, "0.wav": "y"}
    assert SortingClassifier(vectors, items).fit(wrong).accuracy == pytest.approx(11 / 12)


def test_the_least_certain_clip_comes_first(groups):
    vectors, items = groups
    given = {items[k]: "x" if k < 15 else "y" for k in (*range(10), *range(15, 25))}
    classifier = SortingClassifier(vectors, items)
    classifier.fit(given)
    (number, probabilities), *rest = classifier.uncertain(40, given)
    assert number == 29
    assert sum(probabilities.values()) == pytest.approx(1)
    assert len(rest) == 9  # all but those that have a label
    margins = [abs(own["x"] - own["y"]) for _, own in rest]
    assert margins == sorted(margins)
    assert [number for number, _ in classifier.uncertain(1, {**given, "29.wav": "x"})] != [29]


def test_the_most_certain_clips_of_a_label_come_first(groups):
    vectors, items = groups
    classifier = SortingClassifier(vectors, items)
    classifier.fit(GIVEN)
    found = classifier.confident("y", 5, GIVEN)
    assert all(number > 16 for number, _ in found)
    own = [probabilities["y"] for _, probabilities in found]
    assert own == sorted(own, reverse=True)
    with pytest.raises(ValueError, match="does not know 'z'; it knows 'x', 'y'"):
        classifier.confident("z", 5, GIVEN)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no clip has one"),
        ({"0.wav": "x", "1.wav": "x"}, "all of them 'x'"),
        ({"elsewhere": "x", "nowhere": "y"}, "no clip has one"),
    ],
)
def test_what_is_missing_is_told(groups, given, message):
    classifier = SortingClassifier(*groups)
    with pytest.raises(ValueError, match=message):
        classifier.fit(given)
    with pytest.raises(ValueError, match="has not learned yet"):
        classifier.predict()


def test_rare_labels_count_as_much(groups):
    vectors, items = groups
    many = {**{items[k]: "x" for k in range(14)}, "15.wav": "y"}
    classifier = SortingClassifier(vectors, items)
    classifier.fit(many)
    assert classifier.predict()[0].tolist()[15:29] == ["y"] * 14


# ---- what one takes away ----


def rows_of(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"))))


def test_the_table_of_labels():
    items = ["a.wav", "b.wav", "=1.wav", 'c,"d.wav', "\udce9.wav", 7]
    given = {"a.wav": "dog", "=1.wav": "-x", 'c,"d.wav': "@y", "\udce9.wav": "dog", 7: "dog"}
    assert rows_of(labels_csv(items, given)) == [
        ["file", "label"],
        ["a.wav", "dog"],
        ["./=1.wav", "'-x"],
        ['c,"d.wav', "'@y"],
        ["\udce9.wav", "dog"],
        ["7", "dog"],
    ]


def test_the_table_of_predictions_has_all_clips():
    predicted = np.array(["dog", "+z"]), np.array([0.75, 0.5])
    content = labels_csv(["a", "b"], {"a": "dog"}, predicted, files=["/d/a.wav", None])
    assert rows_of(content) == [
        ["file", "label", "predicted", "probability"],
        ["/d/a.wav", "dog", "dog", "0.7500"],
        ["b", "", "'+z", "0.5000"],
    ]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Ten files, of two kinds, one of them with a name like a formula."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("sounds")
    paths = [str(folder / f"{k} '{k % 2}'.wav") for k in range(10)]
    for k, path in enumerate(paths):
        seconds = np.arange(2 * RATE) / RATE
        tone = 0.5 * np.sin(2 * np.pi * (300 + 20 * k) * seconds)
        soundfile.write(path, tone if k % 2 else rng.normal(0, 0.1, 2 * RATE), RATE)
    return paths


def learn(recordings, folder, mode):
    """A library, its classifier of tones and noise, and the script and table beside it."""
    index = AudioIndex("mini", mode=mode).fit(recordings).save(folder / 'it\'s a "library"')
    content = index._content
    classifier = SortingClassifier(mean_vectors(content.vectors(), content.counts), recordings)
    given = {path: "=tone" if k % 2 else "noise" for k, path in enumerate(recordings[:8])}
    training = classifier.fit(given)
    (folder / "labels.csv").write_bytes(labels_csv(recordings, given))
    script = folder / "classifier.py"
    script.write_text(classifier_script(folder / 'it\'s a "library"', mode=mode), "utf-8")
    assert classifier.predict()[0].tolist()[8:] == ["noise", "=tone"]
    return script, [
        "learned from 8 sounds",
        f"accuracy {training.accuracy:.3f}, cross-validated",
        f"noise\t{recordings[8]}",
        f"=tone\t{recordings[9]}",
    ]


def test_the_script_learns_what_the_page_has_learned(recordings, tmp_path):
    script, expected = learn(recordings, tmp_path, "clip")
    result = subprocess.run(  # noqa: S603
        [sys.executable, str(script), "labels.csv", *recordings[8:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == expected


def test_the_script_averages_windows(recordings, tmp_path, monkeypatch, capsys):
    script, expected = learn(recordings, tmp_path, "frame")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script), "labels.csv", *recordings[8:]])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == expected


def test_the_script_of_a_library_of_vectors_says_what_it_lacks(tmp_path, monkeypatch):
    AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save(tmp_path / "library")
    script = tmp_path / "classifier.py"
    script.write_text(classifier_script(tmp_path / "library"), "utf-8")
    monkeypatch.setattr(sys, "argv", [str(script)])
    with pytest.raises(SystemExit, match="made of vectors"):
        runpy.run_path(str(script), run_name="__main__")
