"""AudioIndex: what is found is right, and what was saved is never lost."""

import io
import json
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import soundfile
from PIL import Image
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skw2c
from skw2c import AudioIndex, CLIPImageEncoder, CLIPTextEncoder, Wav2CLIPTransformer
from skw2c.exceptions import AudioError, FailedClipWarning, FailedRowWarning, SavedIndexError
from skw2c.search._neighbours import ExactNeighbours, FaissNeighbours

from .tolerances import assert_close


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def vectors(rng):
    return rng.normal(size=(50, 16))


@pytest.fixture
def index(vectors):
    words = {"first": vectors[0], "last": vectors[-1]}
    return AudioIndex("passthrough", text_encoder=words).fit(vectors)


@pytest.fixture
def sounds(tiny_checkpoint, tiny_clip):
    """An unfitted index over all of which words, sounds and pictures may be asked."""
    return AudioIndex(
        Wav2CLIPTransformer(tiny_checkpoint),
        text_encoder=CLIPTextEncoder(tiny_clip, None, random_state=0),
        image_encoder=CLIPImageEncoder(tiny_clip, None, random_state=0),
    )


@pytest.fixture
def saved(index, tmp_path):
    index.save(tmp_path / "index")
    return tmp_path / "index"


def same(one, other):
    pd.testing.assert_frame_equal(one, other)


def test_ranks_as_numpy_does(index, vectors, rng):
    queries = rng.normal(size=(3, 16))
    found = index.search(queries, by="vector", k=7)
    assert found.columns.tolist() == ["query", "rank", "item", "score"]
    cosines = unit(queries) @ unit(vectors).T
    order = np.argsort(-cosines, axis=1)[:, :7]
    assert found["item"].tolist() == order.ravel().tolist()
    assert found["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7] * 3
    assert found["query"].tolist() == np.repeat([0, 1, 2], 7).tolist()
    assert_close(found["score"], np.take_along_axis(cosines, order, axis=1).ravel())


@pytest.mark.parametrize("method", ["exact", "faiss", "auto"])
def test_methods_agree(vectors, method, rng):
    index = AudioIndex("passthrough", method=method).fit(vectors)
    query = rng.normal(size=16)
    expected = AudioIndex("passthrough", method="exact").fit(vectors).search(query, by="vector")
    same(index.search(query, by="vector"), expected)
    kind = FaissNeighbours if method == "faiss" else ExactNeighbours
    [engine] = index._engine().engines
    assert isinstance(engine, kind)


def test_one_query_or_many(index, vectors):
    one = index.search("first", k=3)
    assert one["query"].tolist() == ["first"] * 3
    assert one["item"][0] == 0
    both = index.search(["first", "last"], k=3)
    same(both.iloc[:3], one)
    assert both["item"][3] == 49
    assert len(index.search("first", k=1000)) == 50
    same(index.search(vectors[0], by="vector"), index.search(vectors[:1], by="vector"))


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, sparse.csr_array, list])
def test_tables_of_vectors_as_queries(vectors, form):
    queries = form(vectors[:3])
    index = AudioIndex("passthrough").fit(vectors)
    same(index.search(queries, by="vector"), index.search(vectors[:3], by="vector"))
    if form is not pd.DataFrame:
        return
    same(index.search(queries.iloc[0], by="vector"), index.search(vectors[0], by="vector"))
    with pytest.raises(ValueError, match="dimension 15 .*expected 16"):
        index.search(queries[queries.columns[1:]], by="vector")


def test_columns_of_queries_are_those_of_the_index(vectors):
    table = pd.DataFrame(vectors).rename(columns=str)
    index = AudioIndex("passthrough").fit(table)
    same(index.search(table[:2], by="vector"), index.search(vectors[:2], by="vector"))
    with pytest.raises(ValueError, match="feature names should match"):
        index.search(table[table.columns[::-1]], by="vector")


def test_windows_end_with_their_clip(sounds, waveforms, tmp_path):
    clip = np.resize(waveforms[0], 24800)  # a second and 11/20
    sounds.set_params(mode="frame").fit([clip, clip[:8000]])
    found = sounds.search(waveforms[0], by="audio", k=9).sort_values(["item", "start"])
    assert found[["item", "start", "end"]].to_numpy().tolist() == [
        [0, 0.0, 1.0],
        [0, 1.0, 1.55],
        [1, 0.0, 0.5],
    ]
    sounds.save(tmp_path / "index")
    assert AudioIndex.load(tmp_path / "index").tail == "pad"
    listed = json.loads((tmp_path / "index" / "index.json").read_text())
    assert listed["parameters"].pop("tail") == "pad"
    (tmp_path / "index" / "index.json").write_text(json.dumps(listed))
    assert AudioIndex.load(tmp_path / "index").tail == "drop"  # as it was made before
    again = sounds.set_params(tail="drop").fit([clip]).search(waveforms[0], by="audio")
    assert again[["start", "end"]].to_numpy().tolist() == [[0.0, 1.0]]


def test_names(vectors):
    for items in (list("abcde"), pd.Series(list("abcde")), np.array(list("abcde")), range(5)):
        index = AudioIndex("passthrough").fit(vectors[:5], items=items)
        assert index.items_ == list(items)
    assert index.add(vectors[5:7]).items_ == [0, 1, 2, 3, 4, 5, 6]
    index = AudioIndex("passthrough").fit(vectors[:1], items=[Path("a.wav")])
    assert index.items_ == ["a.wav"]
    with pytest.raises(ValueError, match="items has 2 names for 5 clips"):
        index.fit(vectors[:5], items=["a", "b"])
    with pytest.raises(ValueError, match=r"items contains \(1, 2\), expected strings or numbers"):
        index.fit(vectors[:1], items=[(1, 2)])


def test_words_sounds_and_pictures(sounds, wav_files, waveforms):
    sounds.fit(wav_files)
    audio = unit(sounds.encoder.fit_transform(wav_files).astype(float))
    assert sounds.items_ == wav_files
    found = sounds.search(wav_files[2], by="audio", k=2)
    assert found["item"][0] == wav_files[2]
    assert_close(found["score"][0], 1)
    assert found["query"][0] == wav_files[2]
    assert sounds.search(waveforms[2], by="audio", k=1)["item"][0] == wav_files[2]
    assert sounds.search(waveforms[:2], by="audio", k=1)["item"].tolist() == wav_files[:2]
    text = unit(sounds.text_encoder.fit_transform(["a dog"]).astype(float))
    best = int((text @ audio.T).argmax())
    assert sounds.search("a dog", k=1)["item"][0] == wav_files[best]
    picture = Image.new("RGB", (70, 70), "red")
    image = unit(sounds.image_encoder.fit_transform([picture]).astype(float))
    best = int((image @ audio.T).argmax())
    for query in (picture, [picture], np.asarray(picture)):
        assert sounds.search(query, by="image", k=1)["item"][0] == wav_files[best]


def test_prompts(sounds, wav_files):
    sounds.set_params(prompts=["{}", "the sound of {}"]).fit(wav_files)
    texts = sounds.text_encoder.fit_transform(["rain", "the sound of rain"]).astype(float)
    expected = sounds.search(unit(texts).mean(axis=0), by="vector")
    found = sounds.search("rain")
    assert found["item"].tolist() == expected["item"].tolist()
    assert_close(found["score"], expected["score"])


def test_frames_say_when(sounds, wav_files, waveforms):
    sounds.set_params(mode="frame").fit(wav_files)
    encoder = Wav2CLIPTransformer(sounds.encoder.weights, mode="frame", tail="pad")
    frames = encoder.fit_transform(wav_files)
    counts = [len(rows) for rows in frames]
    assert sounds.n_vectors_ == sum(counts)
    assert len(sounds) == 6
    found = sounds.search(frames[1][1], by="vector", k=1)
    assert found[["item", "start", "end"]].to_numpy().tolist() == [[wav_files[1], 1.0, 2.0]]
    whole = sounds.search(waveforms[1], by="audio", k=3)  # a query is heard as a whole
    assert whole.columns.tolist() == ["query", "rank", "item", "score", "start", "end"]


def test_frames_of_vectors(rng):
    clips = [rng.normal(size=(3, 8)), rng.normal(size=(5, 8))]
    index = AudioIndex("passthrough", mode="frame", hop_length=0.5).fit(clips, items=["a", "b"])
    found = index.search(clips[1][4], by="vector", k=1)
    assert found[["item", "start", "end"]].to_numpy().tolist() == [["b", 2.0, 3.0]]


def test_failed_clips_are_left_out_and_listed(sounds, wav_files):
    clips = [wav_files[0], "missing.wav", wav_files[1]]
    with pytest.raises(AudioError, match=r"Row 1 \('missing.wav'\)"):
        sounds.fit(clips)
    sounds.set_params(encoder__on_error="nan")
    with pytest.warns(FailedClipWarning):
        sounds.fit(clips)
    assert sounds.items_ == [wav_files[0], wav_files[1]]
    assert sounds.failed_items_ == ["missing.wav"]
    assert sounds.search(wav_files[1], by="audio", k=1)["item"][0] == wav_files[1]
    with pytest.warns(FailedClipWarning):
        sounds.fit(["missing.wav"])
    with pytest.raises(ValueError, match="index is empty: its clips could not be read"):
        sounds.search("a dog")
    with pytest.raises(AudioError, match=r"^Query: Row 0 \('none.wav'\): the file does not exist"):
        sounds.fit(wav_files).search("none.wav", by="audio")


def test_add(index, vectors, rng):
    more = rng.normal(size=(10, 16))
    index.search("first")
    index.add(more[:4]).add(more[4:])
    same(
        index.search(more, by="vector", k=3),
        AudioIndex("passthrough").fit(np.vstack([vectors, more])).search(more, by="vector", k=3),
    )
    with pytest.raises(ValueError, match="X has 8 features, but AudioIndex is expecting 16"):
        index.add(more[:, :8])


# Saved


def test_save_and_load(index, saved, vectors):
    again = AudioIndex.load(saved)
    same(again.search(vectors[:5], by="vector"), index.search(vectors[:5], by="vector"))
    assert again.items_ == index.items_
    assert {path.suffix for path in saved.iterdir()} == {".json", ".npy", ""}
    for path in saved.glob("*.npy"):
        np.load(path, allow_pickle=False)


def test_save_and_load_everything(sounds, wav_files, tmp_path):
    sounds.set_params(mode="frame", prompts=["{}", "a {}"], encoder__on_error="nan")
    with pytest.warns(FailedClipWarning):
        sounds.fit([*wav_files, "missing.wav"])
    sounds.save(tmp_path / "a")
    again = AudioIndex.load(tmp_path / "a")
    same(again.search("a dog", k=3), sounds.search("a dog", k=3))
    same(again.search(wav_files[3], by="audio", k=3), sounds.search(wav_files[3], by="audio", k=3))
    assert again.failed_items_ == ["missing.wav"]
    assert again.encoder.weights == sounds.encoder.weights
    assert again.add(wav_files[:1], items=["again"]).items_[-1] == "again"
    again.save(tmp_path / "a")
    assert AudioIndex.load(tmp_path / "a").n_vectors_ == again.n_vectors_


def test_untrained_encoders_come_back(tmp_path, waveforms):
    index = AudioIndex(Wav2CLIPTransformer(None, random_state=None)).fit(waveforms[:2])
    index.save(tmp_path)
    again = AudioIndex.load(tmp_path)
    found = again.search(waveforms[1], by="audio", k=1)
    assert found["item"][0] == 1
    assert_close(found["score"][0], 1)


def test_what_is_added_is_written_beside_what_is_there(index, saved, vectors):
    before = {path.name: path.read_bytes() for path in saved.glob("*.npy")}
    again = AudioIndex.load(saved).add(vectors[:3], items=["x", "y", "z"]).save(saved)
    for name, content in before.items():
        assert (saved / name).read_bytes() == content
    loaded = AudioIndex.load(saved)
    assert loaded.items_ == [*range(50), "x", "y", "z"]
    same(loaded.search(vectors[:2], by="vector"), again.search(vectors[:2], by="vector"))
    loaded.save(saved)  # nothing is new
    assert len(list(saved.glob("*.vectors.npy"))) == 2
    loaded.save(saved.parent / "copy")  # one part
    assert len(list((saved.parent / "copy").glob("*.vectors.npy"))) == 1
    same(
        AudioIndex.load(saved.parent / "copy").search(vectors[0], by="vector"),
        loaded.search(vectors[0], by="vector"),
    )


def test_nobody_overwrites_what_another_added(saved, vectors):
    mine, yours = AudioIndex.load(saved), AudioIndex.load(saved)
    yours.add(vectors[:1], items=["yours"]).save(saved)
    mine.add(vectors[:1], items=["mine"])
    with pytest.raises(SavedIndexError, match="changed since: load it and add to it"):
        mine.save(saved)
    assert AudioIndex.load(saved).items_[-1] == "yours"
    with pytest.raises(SavedIndexError, match="holds an index that this one was not loaded from"):
        AudioIndex("passthrough").fit(vectors).save(saved)


@pytest.mark.parametrize("step", range(6))
def test_a_save_that_is_cut_off_loses_nothing(saved, vectors, step, monkeypatch):
    """Whatever step fails, the folder still holds what was saved before."""
    import os

    index = AudioIndex.load(saved).add(vectors[:1], items=["new"])
    calls, replace = [], os.replace

    def fail_at_step(*paths):
        calls.append(paths)
        if len(calls) > step:
            raise KeyboardInterrupt
        replace(*paths)

    monkeypatch.setattr(os, "replace", fail_at_step)
    try:
        index.save(saved)
    except KeyboardInterrupt:
        monkeypatch.undo()
        assert AudioIndex.load(saved).items_ == list(range(50))
        index.save(saved)
    monkeypatch.undo()
    assert AudioIndex.load(saved).items_ == [*range(50), "new"]
    assert not list(saved.glob(".*.npy"))
    assert len(list(saved.glob("*.vectors.npy"))) == 2


def test_large_indexes_keep_their_search_structure(vectors, tmp_path, monkeypatch):
    index = AudioIndex("passthrough", method="faiss").fit(vectors).save(tmp_path)
    monkeypatch.setattr(FaissNeighbours, "__init__", None)  # loading builds nothing
    again = AudioIndex.load(tmp_path)
    same(again.search(vectors[:4], by="vector"), index.search(vectors[:4], by="vector"))
    exact = AudioIndex.load(tmp_path, method="exact")
    same(exact.search(vectors[:4], by="vector"), index.search(vectors[:4], by="vector"))


def test_the_list_of_another_version(saved):
    path = saved / "index.json"
    listed = json.loads(path.read_text())
    path.write_text(json.dumps({**listed, "version": 99}))
    message = "saved in version 99 .* reads versions 1 to 2.*skw2c 0"
    with pytest.raises(SavedIndexError, match=message):
        AudioIndex.load(saved)
    path.write_text(json.dumps({**listed, "format": "something"}))
    with pytest.raises(SavedIndexError, match="not the list of a saved index, but of 'something'"):
        AudioIndex.load(saved)


def test_truncated_and_swapped_files(index, saved, rng, tmp_path):
    other = AudioIndex("passthrough").fit(rng.normal(size=(50, 16)), items=range(50, 100))
    other.save(tmp_path / "other")
    for pattern in ("*.vectors.npy", "*.items.npy", "index.json"):
        [path] = saved.glob(pattern)
        [other] = (tmp_path / "other").glob(pattern)
        whole = path.read_bytes()
        path.write_bytes(whole[:-10])
        with pytest.raises(SavedIndexError, match="damaged"):
            AudioIndex.load(saved)
        shutil.copy(other, path)
        with pytest.raises(SavedIndexError, match="damaged"):
            AudioIndex.load(saved)
        path.unlink()
        with pytest.raises(SavedIndexError, match="missing"):
            AudioIndex.load(saved)
        path.write_bytes(whole)
        AudioIndex.load(saved)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "skw2c index", "version": 1}'])
def test_lists_that_are_none(saved, content):
    (saved / "index.json").write_text(content)
    with pytest.raises(SavedIndexError, match="damaged"):
        AudioIndex.load(saved)


def test_no_index_at_all(tmp_path):
    with pytest.raises(SavedIndexError, match="no saved index in .* index.json is missing"):
        AudioIndex.load(tmp_path)


def test_encoders_of_other_packages(tmp_path, vectors):
    encoder = FrozenEstimator(FunctionTransformer().fit(vectors))
    AudioIndex(encoder).fit(vectors).save(tmp_path)
    again = AudioIndex.load(tmp_path)
    assert again.search(vectors[7], by="vector", k=1)["item"][0] == 7
    with pytest.raises(
        SavedIndexError, match="class sklearn.*, whose weights were not saved.*pass it"
    ):
        again.add(vectors)
    again = AudioIndex.load(tmp_path, encoder=encoder)
    assert again.add(vectors[:1]).n_vectors_ == 51


def test_another_encoder_than_that_of_the_index(sounds, wav_files, tmp_path, tiny_checkpoint):
    sounds.fit(wav_files).save(tmp_path / "a")
    copied = shutil.copy(tiny_checkpoint, tmp_path / "copy.pt")
    AudioIndex.load(tmp_path / "a", encoder=Wav2CLIPTransformer(copied)).add(wav_files[:1])
    for encoder, difference in (
        (Wav2CLIPTransformer(None, random_state=0), "weights"),
        (Wav2CLIPTransformer(tiny_checkpoint, output="encoder"), "output"),
        ("passthrough", "encoder"),
    ):
        with pytest.raises(SavedIndexError, match=f"they differ in {difference}"):
            AudioIndex.load(tmp_path / "a", encoder=encoder)


def test_tables_of_words_are_not_saved(saved, vectors):
    with pytest.raises(ValueError, match=r"load\(folder, text_encoder=...\)"):
        AudioIndex.load(saved).search("first")
    again = AudioIndex.load(saved, text_encoder={"first": vectors[0]})
    assert again.search("first", k=1)["item"][0] == 0


# Manners


def test_manners(sounds, wav_files):
    with pytest.raises(NotFittedError):
        sounds.search("a dog")
    with pytest.raises(NotFittedError):
        sounds.add(wav_files)
    assert sounds.fit(wav_files) is sounds
    found = sounds.search("a dog")
    same(pickle.loads(pickle.dumps(sounds)).search("a dog"), found)
    same(clone(sounds).fit(pd.DataFrame({"file": wav_files})).search("a dog"), found)
    same(sounds.fit(wav_files).search("a dog"), found)  # anew, not beside
    assert "AudioIndex" in sounds._repr_html_()


@pytest.mark.parametrize(
    ("query", "parameters", "message"),
    [
        ("", {}, "query 0 is empty"),
        (["a", " "], {}, "query 1 is empty"),
        ([], {}, "query is empty"),
        (3, {}, "query is 3, and by='text' takes one query or a list"),
        ([3], {}, "query 0 is 3, expected a string"),
        ("none", {}, "lacks 'none'"),
        (np.ones(8), dict(by="vector"), "vectors of dimension 8 for the query, expected 16"),
        ([np.nan] * 16, dict(by="vector"), "Input query contains NaN"),
        ("a", dict(by="words"), "by='words' must be one of 'text', 'audio', 'image', 'vector'"),
        ("first", dict(k=0), "k=0 must be a whole number of at least 1"),
        ("first", dict(k=2.5), "k=2.5 must be"),
        ("a.wav", dict(by="audio"), "made of vectors .* search by='vector'"),
    ],
)
def test_bad_queries(index, query, parameters, message):
    with pytest.raises(ValueError, match=message):
        index.search(query, **parameters)


def test_an_index_without_pictures(index):
    with pytest.raises(ValueError, match="image_encoder is None"):
        index.set_params(image_encoder=None).search("a.png", by="image")


@pytest.mark.parametrize(
    "parameters", [dict(method="hnsw"), dict(mode="x"), dict(encoder=3), dict(text_encoder=3)]
)
def test_bad_parameters(index, vectors, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        index.set_params(**parameters).fit(vectors)


def test_the_version_is_written(saved):
    assert json.loads((saved / "index.json").read_text())["created_by"].endswith(skw2c.__version__)


# What others may do to the folder


def test_a_list_cannot_make_anything_run(tmp_path, waveforms):
    """Of what a list states of an encoder, only what tells its vectors is heeded."""
    AudioIndex(Wav2CLIPTransformer(None, random_state=0)).fit(waveforms[:2]).save(tmp_path / "a")
    path = tmp_path / "a" / "index.json"
    listed = json.loads(path.read_text())
    harmful = {"memory": str(tmp_path / "cache"), "device": "meta", "n_jobs": 99}
    listed["encoder"]["parameters"] |= harmful
    listed["parameters"] |= harmful
    path.write_text(json.dumps(listed))
    index = AudioIndex.load(tmp_path / "a")
    index.search(waveforms[0], by="audio")
    assert not (tmp_path / "cache").exists()
    assert (index.memory, index.encoder.memory) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", None),
        ("encoder", 5),
        ("encoder", {"class": "os.system"}),
        ("encoder", {"class": "Wav2CLIPTransformer"}),
        ("parts", [{"vectors": {"file": "..", "bytes": 1, "sha256": "x"}}]),
        ("parts", [3]),
        ("parts", []),
        ("n_items", 3),
        ("n_vectors", -1),
        ("failed_items", KeyError),
    ],
)
def test_lists_that_somebody_wrote(saved, name, value):
    listed = json.loads((saved / "index.json").read_text())
    listed = {k: v for k, v in listed.items() if k != name} | (
        {} if value is KeyError else {name: value}
    )
    (saved / "index.json").write_text(json.dumps(listed))
    try:
        index = AudioIndex.load(saved)
    except SavedIndexError as error:
        assert "damaged" in str(error)  # noqa: PT017
    else:
        with pytest.raises(SavedIndexError, match="class os.system, whose weights were not saved"):
            index.add([[1.0] * 16])


def test_files_of_others_stay(tmp_path, vectors):
    names = ["mine.faiss", "birds.vectors.npy", "a.items.json", "notes.txt"]
    for name in names:
        (tmp_path / name).write_text("mine")
    index = AudioIndex("passthrough").fit(vectors).save(tmp_path)
    index.add(vectors).save(tmp_path)
    for name in names:
        assert (tmp_path / name).read_text() == "mine"


def test_a_folder_that_went_away_is_written_anew(index, saved, vectors):
    index.add(vectors[:1])
    shutil.rmtree(saved)
    index.save(saved)
    assert len(AudioIndex.load(saved)) == 51
    next(saved.glob("*.vectors.npy")).unlink()
    index.save(saved)
    assert len(AudioIndex.load(saved)) == 51


def test_many_additions_make_few_files(saved, vectors):
    for k in range(100):
        AudioIndex.load(saved).add(vectors[:1], items=[f"new {k}"]).save(saved)
    index = AudioIndex.load(saved)
    assert index.items_ == [*range(50), *(f"new {k}" for k in range(100))]
    assert len(list(saved.glob("*.vectors.npy"))) <= 8
    assert len(list(saved.iterdir())) <= 20


def test_loading_while_another_saves(saved, vectors):
    import threading

    stop, errors = threading.Event(), []

    def load():
        while not stop.is_set():
            try:
                n_items = len(AudioIndex.load(saved))
                assert n_items >= 50
            except Exception as exc:
                errors.append(exc)

    reader = threading.Thread(target=load)
    reader.start()
    index = AudioIndex.load(saved)
    for _ in range(60):
        index.add(vectors[:20]).save(saved)
    stop.set()
    reader.join()
    assert not errors


def test_a_search_structure_that_is_lost_is_built_anew(vectors, tmp_path):
    index = AudioIndex("passthrough", method="faiss").fit(vectors).save(tmp_path)
    expected = index.search(vectors[:4], by="vector")
    [path] = tmp_path.glob("*.faiss")
    for damage in (lambda: path.write_bytes(b"x"), path.unlink):
        damage()
        with pytest.warns(
            UserWarning, match="structure of the index is missing or damaged, and is built"
        ):
            again = AudioIndex.load(tmp_path)
        same(again.search(vectors[:4], by="vector"), expected)


def test_folders_by_any_name(index, tmp_path, vectors, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    index.save("~/home")
    assert (tmp_path / "home" / "index.json").exists()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    AudioIndex.load("link").add(vectors[:1]).save("home")
    index.save("A").save("B")
    index.add(vectors[:1]).save("A").add(vectors[:1]).save("B")
    assert [len(AudioIndex.load(name)) for name in ("~/home", "A", "B")] == [51, 51, 52]


# What is kept of an index


def test_numbers_of_numpy_are_saved(tmp_path, tiny_checkpoint, waveforms):
    encoder = Wav2CLIPTransformer(tiny_checkpoint, sampling_rate=np.int64(44100))
    index = AudioIndex(encoder, mode="frame", hop_length=np.float32(0.5))
    index.set_params(encoder__hop_length=np.float32(0.5)).fit(waveforms[:2]).save(tmp_path)
    again = AudioIndex.load(tmp_path)
    assert again.encoder.sampling_rate == 44100
    assert (again.hop_length, again.encoder.hop_length) == (0.5, 0.5)
    same(again.search(waveforms[0], by="audio"), index.search(waveforms[0], by="audio"))


def test_the_mode_is_for_good(index, saved, vectors):
    with pytest.raises(SavedIndexError, match="built with mode='clip': pass that mode"):
        AudioIndex.load(saved, mode="frame")
    with pytest.raises(ValueError, match="mode='frame' came after the index was built"):
        index.set_params(mode="frame").add([vectors])


def test_numbers_are_given_once(vectors, tmp_path):
    vectors[1] = np.nan
    index = AudioIndex("passthrough", on_error="nan").fit(vectors[:5]).add(vectors[5:7])
    assert index.items_ == [0, 2, 3, 4, 5, 6]
    assert index.failed_items_ == [1]
    again = AudioIndex.load(index.save(tmp_path)._home, on_error="nan").add(vectors[7:8])
    assert again.items_[-1] == 7


def test_what_failed_once_may_come_right(vectors):
    bad = vectors[:2] * np.nan
    index = AudioIndex("passthrough", on_error="nan").fit(bad, items=["a", "b"])
    index.add(bad, items=["a", "b"]).add(vectors[:1], items=["b"])
    assert index.failed_items_ == ["a"]
    assert index.items_ == ["b"]


def test_vectors_of_any_length(vectors):
    huge = np.vstack([vectors[:2] * 1e39, vectors[2:4] * 1e-39, vectors[4:]])
    same(
        AudioIndex("passthrough").fit(huge).search(vectors[:4], by="vector"),
        AudioIndex("passthrough").fit(vectors).search(vectors[:4], by="vector"),
    )


@pytest.mark.parametrize("method", ["exact", "faiss"])
def test_queries_without_direction(vectors, method, tiny_clip):
    picture = CLIPImageEncoder(tiny_clip, None, random_state=0, on_error="nan")
    index = AudioIndex("passthrough", method=method, image_encoder=picture).fit(vectors)
    failed = pytest.warns(FailedRowWarning)
    with failed, pytest.raises(ValueError, match="query 0 is NaN or infinite"):
        index.search("none.png", by="image")
    with pytest.raises(ValueError, match="vector of query 1 is zero, and so does not have"):
        index.search([vectors[0], vectors[0] * 0], by="vector")


def test_frozen_encoders(tiny_checkpoint, wav_files, tmp_path):
    frozen = FrozenEstimator(Wav2CLIPTransformer(tiny_checkpoint).fit())
    AudioIndex(frozen).fit(wav_files).save(tmp_path)
    assert (
        AudioIndex.load(tmp_path).search(wav_files[1], by="audio", k=1)["item"][0] == wav_files[1]
    )
    other = FrozenEstimator(Wav2CLIPTransformer(None, random_state=0).fit())
    with pytest.raises(SavedIndexError, match="they differ in weights"):
        AudioIndex.load(tmp_path, encoder=other)
    with pytest.raises(ValueError, match="expected one vector each with mode='clip'"):
        AudioIndex(FrozenEstimator(frozen.estimator.set_params(mode="frame"))).fit(wav_files[:1])


def test_queries_in_tables_and_tensors(index, vectors):
    import torch

    frame = pd.DataFrame({"caption": ["first", "last"]})
    same(index.search(frame), index.search(["first", "last"]))
    query = torch.tensor(vectors[0], requires_grad=True)
    same(index.search(query, by="vector"), index.search(vectors[0], by="vector"))
    with pytest.raises(ValueError, match="items is 'abcde', expected a list"):
        index.add(vectors[:5], items="abcde")
    with pytest.raises(ValueError, match="prompts='a {}' needs a text encoder"):
        index.set_params(prompts="a {}").search("first")


def test_what_is_added_leaves_the_search_structure_as_it_is(rng, monkeypatch):
    vectors = rng.normal(size=(20_000, 16)).astype(np.float32)
    index = AudioIndex("passthrough", method="faiss").fit(vectors)
    expected = index.search(vectors[:5], by="vector", k=1)
    [structure] = index._engine().engines
    index.add(vectors[:100] + 0.01 * rng.normal(size=(100, 16)), items=range(-100, 0))
    assert index._engine().engines[0] is structure
    assert index.n_vectors_ == 20_100
    found = index.search(vectors[:5], by="vector", k=2)
    same(found[found["rank"] == 1].reset_index(drop=True), expected)
    assert found[found["rank"] == 2]["item"].tolist() == [-100, -99, -98, -97, -96]


def test_the_engine_follows_the_size_of_a_part(vectors, monkeypatch):
    monkeypatch.setattr("skw2c.search._engines.AUTO_THRESHOLD", 15)
    index = AudioIndex("passthrough").fit(vectors[:10])
    assert [engine.method for engine in index._engine().engines] == ["exact"]
    index.add(vectors[10:20])  # is joined with the first one, as neither is saved
    assert [engine.method for engine in index._engine().engines] == ["faiss"]


def test_a_loaded_encoder_can_be_cloned(tiny_checkpoint, waveforms, tmp_path):
    reference = Wav2CLIPTransformer(tiny_checkpoint).fit().weights_
    AudioIndex(Wav2CLIPTransformer(reference)).fit(waveforms).save(tmp_path / "index")
    encoder = AudioIndex.load(tmp_path / "index").encoder
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    np.testing.assert_array_equal(clone(encoder).fit_transform(waveforms), expected)


# Containers of scikit-learn


@pytest.fixture(params=["pandas", "polars"])
def container(request):
    return request.param


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_a_container_for_all_estimators(sounds, wav_files, tmp_path, tiny_clip, mode, container):
    """Nothing that an index does depends on the container that is set for transformers."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    queries = [("rain", "text"), (wav_files[1], "audio"), (str(tmp_path / "red.png"), "image")]
    index = sounds.set_params(mode=mode)

    def find_all():
        own = clone(index).fit(wav_files[:2]).add(wav_files[2:])
        again = AudioIndex.load(own.save(tmp_path / f"{mode} {container} {len(found)}")._home)
        again.update(wav_files)
        return [found.search(query, by=by) for found in (own, again) for query, by in queries]

    found = []
    expected = find_all()
    found.append(expected)
    with config_context(transform_output=container):
        for one, other in zip(find_all(), expected, strict=True):
            same(one, other)


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_encoders_whose_container_was_chosen(tiny_checkpoint, wav_files, mode, container):
    encoder = Wav2CLIPTransformer(tiny_checkpoint, mode=mode)
    expected = AudioIndex(encoder, mode=mode).fit(wav_files)
    ColumnTransformer([("sound", encoder, "file")]).set_output(transform=container)
    frozen = FrozenEstimator(clone(encoder).set_params(tail="pad").fit())
    for own in (encoder, frozen):
        index = AudioIndex(own, mode=mode).fit(wav_files[:2]).add(wav_files[2:])
        for query in wav_files[:2]:
            if mode == "clip" or own is encoder:
                found = index.search(query, by="audio")
                same(found, expected.search(query, by="audio"))
        assert own._sklearn_output_config == {"transform": container}  # it is not changed


class Loudness(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An encoder of another package, which gives two vectors for each clip."""

    def fit(self, X=None, y=None):
        self.n_features_in_ = 1
        return self

    def transform(self, X):
        return np.stack([np.reshape([len(clip), 1.0, 1.0, 0.5], (2, 2)) for clip in X])

    def frame_times(self, n_frames):
        return np.arange(n_frames)[:, None] + [0.0, 1.0]


def test_frames_of_others_in_a_container(waveforms, container):
    expected = AudioIndex(Loudness(), mode="frame").fit(waveforms)
    index = AudioIndex(Loudness().set_output(transform=container), mode="frame").fit(waveforms)
    np.testing.assert_array_equal(index._content.vectors(), expected._content.vectors())


def test_pipelines_in_a_container(tiny_checkpoint, wav_files, container, recwarn):
    pipeline = make_pipeline(Wav2CLIPTransformer(tiny_checkpoint), StandardScaler())
    expected = AudioIndex(pipeline).fit(wav_files).search(wav_files[0], by="audio")
    same(
        AudioIndex(clone(pipeline).set_output(transform=container))
        .fit(wav_files)
        .search(wav_files[0], by="audio"),
        expected,
    )
    with config_context(transform_output=container):
        index = AudioIndex(pipeline).fit(wav_files)
    same(index.search(wav_files[0], by="audio"), expected)
    assert not recwarn.list


# What one sound may be


def in_all_forms(path):
    """One clip as whatever the encoders take inside a list."""
    import pyarrow as pa
    import torch

    samples, rate = soundfile.read(path, dtype="float32")
    content = Path(path).read_bytes()
    tensor = torch.from_numpy(samples)
    return {
        "path": Path(path),
        "samples": samples,
        "numbers": samples.tolist(),
        "tensor": tensor,
        "half tensor": tensor.double().requires_grad_(),
        "Series": pd.Series(samples),
        "polars": pl.Series(samples),
        "arrow": pa.array(samples),
        "pair": (samples, rate),
        "pair as a list": [rate, samples],
        "pair of torchaudio": (tensor[None], rate),
        "pair of numbers": (samples.tolist(), rate),
        "bytes": content,
        "bytearray": bytearray(content),
        "memory": memoryview(content),
        "file in memory": io.BytesIO(content),
        "file": open(path, "rb"),
        "samples in a dict": {"array": samples, "sampling_rate": rate},
        "bytes in a dict": {"bytes": content, "path": None},
        "path in a dict": {"bytes": None, "path": path},
        "value of arrow": pa.scalar({"bytes": content, "path": None}),
        "decoder": SimpleNamespace(
            get_all_samples=lambda: SimpleNamespace(data=tensor[None], sample_rate=rate)
        ),
        "decoded": SimpleNamespace(data=tensor[None], sample_rate=rate),
    }


def test_one_sound_in_any_form(sounds, wav_files):
    index = sounds.fit(wav_files)
    expected = index.search(wav_files[1], by="audio")["score"]
    forms = in_all_forms(wav_files[1])
    with forms["file"]:
        for form, clip in forms.items():
            for query in (clip, [clip]):
                found = index.search(query, by="audio")
                assert len(found) == len(wav_files), form
                np.testing.assert_array_equal(found["score"], expected, err_msg=form)


def test_several_sounds_stay_several(sounds, wav_files, waveforms):
    index = sounds.fit(wav_files)
    two = [waveforms[0], waveforms[2]]
    for query in (
        two,
        tuple(two),
        np.stack(two),
        np.stack(two).tolist(),
        wav_files[:2],
        pd.Series(wav_files[:2]),
        [(two[0], 16000), two[1]],
    ):
        assert index.search(query, by="audio", k=1)["query"].nunique() == 2
    for query, message in [
        ({"array": two[0]}, "of type dict; a clip is"),
        (b"no sound", "is not a sound"),
    ]:
        with pytest.raises(AudioError, match=message):
            index.search(query, by="audio")
