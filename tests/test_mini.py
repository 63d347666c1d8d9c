"""The encoder that the package carries: always there, and useful on real recordings."""

import csv
import socket
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks.mini import held_out, targets, train, zero_shot
from benchmarks.mini.examples import Mixer
from benchmarks.mini.projection import fit_projection, solve
from benchmarks.mini.space import place, span
from benchmarks.mini.student import MapStudent, share_columns
from benchmarks.mini.teacher import HOP, MapTeacher
from benchmarks.mini.texts import PARTS_OF_SPEECH, collect_texts, present_participle
from benchmarks.mini.words import distil
from skw2c import (
    MiniTextEncoder,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    ZeroShotClassifier,
)
from skw2c.exceptions import WeightsError
from skw2c.models.wav2clip._wav2clip_network import Projection
from skw2c.models.words import FrozenWords, get_frozen_words, read_words
from skw2c.models.yamnet import audioset_classes
from skw2c.weights import (
    fetch_weights,
    is_cached,
    read_checkpoint,
    refer_to,
    registry,
    write_safetensors,
)

from .tolerances import FEW, assert_close
from .yamnet_files import TINY, draw_layers, write_keras

LEAST = 0.9
LEAST_BY_WORDS = 0.83
EXPECTED = {
    "encoder": [0.0, 0.0, 0.0, 1.0269, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9636],
    "embedding": [1.2468, 0.1869, -0.6481, 1.0897, -1.4215, -3.3084],
    "words": [0.285, 3.125, -0.647, 0.4717, 0.842, 0.343],
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
    assert weights.path.stat().st_size == row.bytes <= 18_000_000
    state = read_checkpoint(weights.path)
    assert all(
        value.dtype == torch.float16
        for value in state.values()
        if value.numel() > 60_000 and value.is_floating_point()
    )
    words = sum(x.numel() * x.element_size() for n, x in state.items() if n.startswith("words."))
    assert words <= 12_000_000
    card = weights.path.with_suffix(".md").read_text("utf-8")
    assert row.licence in card
    assert "## Limitations" in card


def test_damaged_file_is_told(monkeypatch):
    row = registry()["mini"]
    changed = {**row.__dict__, "sha256": "0" * 64}
    monkeypatch.setitem(registry(), "mini", type(row)(**changed))
    with pytest.raises(WeightsError, match=r"part of the package.*install skw2c again"):
        Wav2CLIPTransformer("mini").fit()


def test_better_than_mfcc_on_real_recordings(shared):
    """Logistic regression on roots of frozen vectors: MFCC statistics reach 77.5 %."""
    with open(shared / "data" / "esc10" / "meta" / "esc50.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    clips = [str(shared / "data" / "esc10" / "audio" / row["filename"]) for row in rows]
    vectors = Wav2CLIPTransformer("mini", output="encoder").fit_transform(clips)
    probe = make_pipeline(
        FunctionTransformer(np.sqrt), StandardScaler(), LogisticRegression(max_iter=5000)
    )
    folds = PredefinedSplit([int(row["fold"]) for row in rows])
    scores = cross_val_score(probe, vectors, [row["category"] for row in rows], cv=folds)
    assert scores.mean() > LEAST


def test_words_tell_real_recordings_apart(shared, tmp_path):
    """By the names of ten classes, none of whose clips or labels it has seen; chance is 10 %."""
    with open(shared / "data" / "esc10" / "meta" / "esc50.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = np.array([row["category"] for row in rows])
    clips = [str(shared / "data" / "esc10" / "audio" / row["filename"]) for row in rows]
    classifier = ZeroShotClassifier(sorted(set(truth)), encoder="mini").fit()
    classifier.encoder_.set_params(memory=tmp_path)  # each recording is embedded once
    assert (classifier.predict(clips) == truth).mean() > LEAST_BY_WORDS
    probabilities = classifier.predict_proba(clips)
    assert_close(probabilities.sum(axis=1), 1, FEW)
    right = (classifier.classes_[probabilities.argmax(axis=1)] == truth).mean()
    assert abs(probabilities.max(axis=1).mean() - right) < 0.05
    same = classifier.set_params(temperature=0.03).predict_proba(clips[:5])
    assert_close(same, probabilities[:5], FEW)


# ---- how it is made


def test_words_of_clip_are_there(shared):
    folder = shared / "data" / "clip_text_vitb32"
    columns, vectors, names = targets.read_labels(folder)
    assert len(columns) == len(set(columns)) == len(names) > 100
    assert_close(np.linalg.norm(vectors, axis=1), 1, FEW)
    scores = np.zeros((3, 521))
    for row, name in enumerate(("Bark", "Violin, fiddle")):
        scores[row, audioset_classes().index(name)] = 0.9
    shares, rows = targets.share_out(scores, np.full(521, 0.01))
    assert rows.tolist() == [0, 1]
    assert [audioset_classes()[share.argmax()] for share in shares] == ["Bark", "Violin, fiddle"]
    np.testing.assert_allclose(shares.sum(axis=1), 1)


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
    run = tmp_path / "run"
    (run / "examples").mkdir(parents=True)
    (run / "examples" / "corpus.json").write_text('{"hours": 0.1, "pieces": 20}')
    (run / "words.json").write_text('{"texts": 9}')
    sounds = rng.integers(-9000, 9000, (24, 24000), dtype=np.int16)
    np.save(run / "examples" / "sounds_000.npy", sounds)
    maps = rng.random((24, 1024, 2, 2)).astype(np.float16)
    np.save(run / "examples" / "maps_000.npy", maps)
    np.save(run / "examples" / "scores_000.npy", rng.random((24, 521)).astype(np.float16))
    entries = read_checkpoint(fetch_weights("mini").path)
    words = {name: value for name, value in entries.items() if name.startswith("words.")}
    write_safetensors(run / "words.safetensors", words, {"format": "skw2c"})
    common = ["--out", str(run), "--precision", "32-true", "--n-examples", "24"]
    train.main(["train", *common, "--encoder-width", "4", "--epochs", "1", "--batch-size", "12"])
    with pytest.raises(FileNotFoundError, match=r"lacks sounds_001\.npy"):
        train.main(["train", *common, "--n-examples", "1001"])
    train.main(["project", *common, "--clip", str(shared / "data" / "clip_text_vitb32")])
    for output in ("words", "embedding"):
        made = Wav2CLIPTransformer(run / "mini.safetensors", output=output)
        assert made.fit_transform([make_sound()]).shape == (1, 512)
    halves = read_checkpoint(run / "mini.safetensors")
    trained = read_checkpoint(run / "encoder.safetensors")
    with safe_open(run / "mini.safetensors", "pt") as file:
        assert file.metadata().items() >= {"examples": "24", "hours": "0.1", "texts": "9"}.items()
    name = "audio_encoder.blocks.4.expand.0.weight"
    np.testing.assert_array_equal(halves[name], trained[name].half())
    again = ["--start", str(run / "encoder.safetensors"), "--name", "again", "--epochs", "1"]
    train.main(["train", *common, *again, "--encoder-width", "4", "--batch-size", "12"])
    assert (run / "again.safetensors").exists()


def test_teacher_hears_windows(rng, tmp_path):
    write_keras(tmp_path / "yamnet.h5", draw_layers(TINY))
    sounds = rng.normal(size=(3, 24000)).astype(np.float32)
    teacher = MapTeacher(tmp_path / "yamnet.h5")
    maps, scores = teacher.hear(sounds)
    frames = YAMNetTransformer(
        tmp_path / "yamnet.h5", mode="frame", tail="drop", hop_length=HOP, sampling_rate=16000
    )
    level = 0.7 * sounds / np.abs(sounds).max(axis=1, keepdims=True)
    expected = frames.fit_transform(list(level))
    assert_close(maps.mean(axis=2).transpose(0, 2, 1), expected)
    expected = frames.set_params(output="scores").fit_transform(list(level)).mean(axis=1)
    assert_close(scores, expected)
    assert_close(teacher.hear(sounds / 100)[0], maps)


def test_windows_share_columns():
    shares = share_columns(8, 4, 16).numpy()
    assert_close(shares.sum(axis=0), 1, FEW)
    assert (np.diff(np.arange(8) @ shares) > 1).all()
    assert_close(share_columns(3, 4, 16).sum(0).numpy(), 1, FEW)
    student = MapStudent(4, 2).eval()
    assert student(torch.zeros(2, 24000)).shape == (2, 2 * 2 * 256 + 512)


def test_classes_have_vectors_of_clip(shared):
    words = get_frozen_words(refer_to("mini"))
    folder = shared / "data" / "clip_text_vitb32"
    vectors = targets.label_classes(folder, words)
    assert vectors.shape == (521, 512)
    assert_close(np.linalg.norm(vectors, axis=1), 1, FEW)
    columns, known, _ = targets.read_labels(folder)
    assert_close(vectors[columns], known, FEW)
    # A word that CLIP's tables lack lies nearer to its kind than to others.
    rows = {name: audioset_classes().index(name) for name in ("Meow", "Purr", "Violin, fiddle")}
    meow, purr, violin = (vectors[row] for row in rows.values())
    assert meow @ purr > meow @ violin


def test_space_of_words(rng):
    vocabulary = ["dog", "bark", "rain", "wind"]
    words = span(vocabulary, rng.normal(size=(4, 6)), ["dog", "bark", "rain wind"], width=3)
    frozen = FrozenWords(words)
    vectors = frozen.encode_texts(["dog", "bark", "rain wind"])
    # With as many dimensions as names the products are the kernel.
    semantic = frozen.encode_texts(["dog", "bark", "rain wind"], "semantic")
    kernel = np.exp(words.sharpness * (semantic @ semantic.T - 1))
    np.testing.assert_allclose(vectors @ vectors.T, kernel, atol=0.01)
    places = place(np.eye(3), np.full(3, 0.1), vectors)
    assert_close(places, vectors)


def test_texts_are_made_by_rules(tmp_path):
    for part in PARTS_OF_SPEECH:
        index = f"bark {part[0]} 1 0 1 1 00000001\nhowl {part[0]} 1 1 @ 1 0 00000002\n"
        (tmp_path / f"index.{part}").write_text("  1 licence\n" + index)
        data = "00000001 00 n 02 bark 0 sea_dog 0 000 | the sound made by a dog; loud\n"
        (tmp_path / f"data.{part}").write_text("  1 licence\n" + data)
    texts = collect_texts(tmp_path, n_compositions=20)
    assert len(texts) == len(set(texts))
    for text in ("Dog", "rooster", "bark", "barking", "sea dog", "the sound made by a dog"):
        assert text in texts
    assert "howl" not in texts
    verbs = ["bark", "hum", "chime", "see", "die", "play", "whistle"]
    doing = ["barking", "humming", "chiming", "seeing", "dying", "playing", "whistling"]
    assert [present_participle(verb) for verb in verbs] == doing


def test_pieces_learn_from_texts(rng):
    vocabulary = ["dog", "rain", "loud", "sound", "of", "the"]
    texts = ["dog", "rain", "loud dog", "loud rain", "dog rain"] * 40
    directions = np.eye(3, 4, dtype=np.float32)
    targets = {
        "dog": directions[0],
        "rain": directions[1],
        "loud dog": directions[0] + directions[2],
        "loud rain": directions[1] + directions[2],
        "dog rain": directions[0] + directions[1],
    }
    wanted = np.stack([targets[text] / np.linalg.norm(targets[text]) for text in texts])
    vectors, _ = distil(texts, wanted, vocabulary, n_epochs=20, batch_size=20, rate=0.03)
    words = span(vocabulary, vectors, ["dog", "rain", "loud"], width=3)
    semantic = FrozenWords(words).encode_texts(["dog", "the sound of dog", "rain"], "semantic")
    assert semantic[0] @ semantic[1] > 0.9
    assert abs(semantic[0] @ semantic[2]) < 0.3


def test_words_that_were_held_out(rng):
    """Where the encoder hears as the teacher does, new words lie between those that it knows."""
    words = read_words(read_checkpoint(fetch_weights("mini").path), "mini")
    meanings = FrozenWords(words).encode_texts(audioset_classes(), "semantic")
    drawn, known = held_out.draw_classes(meanings, 20, seed=0)
    assert len(drawn) == 20
    assert (meanings[drawn] @ meanings[known].T).max() < held_out.NEARLY_THE_SAME
    scores = rng.dirichlet(np.full(521, 0.01), 600)
    part = held_out.Part(scores.astype(np.float32), scores)
    row = held_out.judge(words, part, part, 20, seed=0)
    assert row["chance"] == 1 / 20
    assert 0 <= row["by words"] <= 1
    assert row["sounds"] == (scores[:, drawn].max(axis=1) >= held_out.HEARD).sum()


def test_tables_of_words(tmp_path):
    """Sounds whose vectors are those of their names, and one that is taken for another."""
    truth = np.array(["dog", "rain", "church_bells", "dog"])
    vectors = MiniTextEncoder().fit_transform(["dog", "rain", "church bells", "rain"])
    accuracies = zero_shot.compare_prompts(vectors, truth)
    assert accuracies.index.tolist() == list(zero_shot.PROMPTS)
    assert accuracies.tolist() == [0.75] * len(accuracies)
    confusions = zero_shot.compare_classes(vectors, truth)
    assert confusions.loc["dog", "rain"] == confusions.loc["dog", "dog"] == 1
    assert zero_shot.search(vectors[:3], truth[:3]) == 1
    assert zero_shot.search(vectors, truth) < 1
    assert zero_shot.average_probability(vectors, truth) > 0.9
    for name in ("dog.ogg", "church_bells.wav", "dog_desc.ogg", "notes.txt"):
        (tmp_path / name).touch()
    clips, names = zero_shot.read_named(tmp_path)
    assert [clip[len(str(tmp_path)) + 1 :] for clip in clips] == ["church_bells.wav", "dog.ogg"]
    assert names.tolist() == ["church bells", "dog"]
    ranked = zero_shot.rank_names(vectors[[2, 1]], names)
    assert ranked["accuracy"] == 0.5
    assert ranked["mean reciprocal rank"] == 0.75
