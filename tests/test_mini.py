"""The encoder that the package carries: always there, and useful on real recordings."""

import configparser
import csv
import socket
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skw2c.weights
from benchmarks.mini import targets, train
from benchmarks.mini.examples import Mixer
from benchmarks.mini.projection import fit_projection, solve
from skw2c import Wav2CLIPTransformer
from skw2c.exceptions import WeightsError
from skw2c.models.wav2clip._wav2clip_network import Projection
from skw2c.models.yamnet import audioset_classes
from skw2c.weights import fetch_weights, is_cached, read_checkpoint, registry

from .conftest import REPOSITORY
from .tolerances import FEW, assert_close

LEAST = 0.9
EXPECTED = {
    "encoder": [0.1504, 0.3652, 0.6665, 0.0568, 0.7518, 0.0423],
    "embedding": [-0.0324, -0.0579, -0.0709, -0.333, -0.3599, 0.4502],
}
"""First numbers of the vectors of `make_sound`."""


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise AssertionError("the network is asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "empty"))
    return tmp_path / "empty"


def make_sound():
    times = np.arange(32000) / 16000
    return np.sin(2 * np.pi * (300 + 200 * times) * times) * np.exp(-3 * (times % 0.5))


def test_it_is_there_without_network(no_network):
    assert is_cached("mini")
    transformer = Wav2CLIPTransformer("mini").fit()
    assert transformer.weights_.name == "mini"
    vectors = transformer.transform([make_sound(), np.zeros(16000), np.ones(1)])
    assert vectors.shape == (3, 512)
    assert np.isfinite(vectors).all()
    assert not no_network.exists()


def test_vectors_are_those_of_the_release():
    sound = [make_sound()]
    for output, expected in EXPECTED.items():
        vector = Wav2CLIPTransformer("mini", output=output).fit_transform(sound)[0]
        np.testing.assert_allclose(vector[: len(expected)], expected, rtol=2e-3, atol=1e-3)


def test_registry_states_what_the_file_is():
    row, weights = registry()["mini"], fetch_weights("mini")
    assert weights.sha256 == row.sha256
    assert weights.path.stat().st_size == row.bytes <= 12_000_000
    state = read_checkpoint(weights.path)
    assert {str(value.dtype) for value in state.values()} <= {"torch.float16", "torch.int64"}
    card = weights.path.with_suffix(".md").read_text("utf-8")
    assert row.licence in card
    assert "## Limitations" in card


def test_damaged_file_is_told(monkeypatch):
    row = registry()["mini"]
    changed = {**row.__dict__, "sha256": "0" * 64}
    monkeypatch.setitem(registry(), "mini", type(row)(**changed))
    with pytest.raises(WeightsError, match=r"part of the package.*install skw2c again"):
        Wav2CLIPTransformer("mini").fit()


def test_wheel_holds_the_file_and_its_card():
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    packaged = setup["options.package_data"]["skw2c.weights"].replace(" ", "").split(",")
    folder = REPOSITORY / "skw2c" / "weights"
    assert {"mini.safetensors", "mini.md"} <= set(packaged)
    assert all((folder / name).is_file() for name in packaged)
    assert skw2c.weights.__name__ == "skw2c.weights"


def test_better_than_mfcc_on_real_recordings(shared):
    """Logistic regression on frozen vectors: MFCC statistics reach 77.5 %."""
    with open(shared / "data" / "esc10" / "meta" / "esc50.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    clips = [str(shared / "data" / "esc10" / "audio" / row["filename"]) for row in rows]
    vectors = Wav2CLIPTransformer("mini", output="encoder").fit_transform(clips)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    folds = PredefinedSplit([int(row["fold"]) for row in rows])
    scores = cross_val_score(probe, vectors, [row["category"] for row in rows], cv=folds)
    assert scores.mean() > LEAST


# ---- how it is made


def test_words_of_clip_are_there(shared):
    folder = shared / "data" / "clip_text_vitb32"
    columns, vectors, names = targets.read_labels(folder)
    assert len(columns) == len(set(columns)) == len(names) > 100
    assert_close(np.linalg.norm(vectors, axis=1), 1, FEW)
    scores = np.zeros((3, 521))
    for row, name in enumerate(("Bark", "Violin, fiddle")):
        scores[row, audioset_classes().index(name)] = 0.9
    shares, words, rows = targets.share_out(scores, folder)
    assert rows.tolist() == [0, 1]
    for share, name in zip(shares, ("dog", "Violin"), strict=True):
        assert_close(words[share.argmax()], vectors[names.index(name)])
    np.testing.assert_allclose(shares.max(axis=1), 1)


def test_projection_is_found(rng):
    features = rng.exponential(size=(400, 6)).astype(np.float32)
    targets = features @ rng.normal(size=(6, 10)) + 3
    found = project(solve(features, targets, regularisation=1e-8), features, 10)
    np.testing.assert_allclose(found, targets, atol=0.01)
    words = np.linalg.qr(rng.normal(size=(10, 10)))[0][:4]
    right = features[:, :4].argmax(axis=1)
    entries = fit_projection(features, np.eye(4)[right], words, n_epochs=5)
    answers = (project(entries, features, 10) @ words.T).argmax(axis=1)
    assert (answers == right).mean() > 0.9


def project(entries, features, width):
    projection = Projection(features.shape[1], width, width).eval()
    projection.load_state_dict(entries)
    return projection(torch.from_numpy(features)).detach().numpy()


def test_examples_are_mixed_from_the_corpus(rng):
    pieces = [rng.integers(-3000, 3000, n).astype(np.int16) for n in (400, 80000)]
    mixer = Mixer(SimpleNamespace(pieces=pieces, packages=["a", "b"]), seconds=1.0)
    examples = np.stack([mixer.draw(np.random.default_rng(k)) for k in range(40)])
    assert examples.shape == (40, 16000)
    assert examples.dtype == np.int16
    peaks = np.abs(examples.astype(int)).max(axis=1) / 32767
    assert ((peaks >= 0.1 - 1e-3) & (peaks <= 0.9)).all()
    assert peaks.std() > 0.1
    again = mixer.draw(np.random.default_rng(7))
    np.testing.assert_array_equal(again, examples[7])


def test_training_goes_from_examples_to_a_file(shared, tmp_path, rng):
    examples = tmp_path / "run" / "examples"
    examples.mkdir(parents=True)
    (tmp_path / "run" / "corpus.json").write_text('{"hours": 0.1, "pieces": 20}')
    np.save(examples / "sounds_000.npy", rng.integers(-9000, 9000, (24, 4000), dtype=np.int16))
    np.save(examples / "heard_000.npy", rng.random((24, 1024)).astype(np.float16))
    np.savez(
        tmp_path / "yamnet.npz",
        **{"classifier/kernel": rng.normal(size=(521, 1024)), "classifier/bias": np.zeros(521)},
    )
    common = ["--out", str(tmp_path / "run"), "--precision", "32-true", "--n-examples", "24"]
    train.main(["train", *common, "--encoder-width", "4", "--epochs", "1", "--batch-size", "12"])
    with pytest.raises(FileNotFoundError, match="lacks heard_001.npy"):
        train.main(["train", *common, "--n-examples", "1001"])
    clip = shared / "data" / "clip_text_vitb32"
    train.main(["project", *common, "--yamnet", str(tmp_path / "yamnet.npz"), "--clip", str(clip)])
    made = Wav2CLIPTransformer(tmp_path / "run" / "mini.safetensors")
    assert made.fit_transform([make_sound()]).shape == (1, 512)
    halves = read_checkpoint(tmp_path / "run" / "mini.safetensors")
    trained = read_checkpoint(tmp_path / "run" / "encoder.safetensors")
    with safe_open(tmp_path / "run" / "mini.safetensors", "pt") as file:
        assert file.metadata().items() >= {"examples": "24", "hours": "0.1"}.items()
    name = "audio_encoder.layer4.0.conv1.weight"
    np.testing.assert_array_equal(halves[name], trained[name].half())
    rolled = train.roll(torch.arange(6)[None], torch.Generator().manual_seed(1))[0].tolist()
    assert sorted(rolled) == list(range(6))
    assert {(b - a) % 6 for a, b in pairwise(rolled)} == {1}
