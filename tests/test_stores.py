"""An index in a database finds and follows what one in a folder does, and loses nothing."""

import itertools
import os
import pickle
import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone

from skw2c import AudioIndex, Wav2CLIPTransformer
from skw2c.exceptions import FailedClipWarning, OptionalDependencyError, SavedIndexError
from skw2c.search import LanceStore, QdrantStore
from skw2c.search._stores import Condition

from .buckets import serve_buckets
from .tolerances import assert_close

lancedb = pytest.importorskip("lancedb")
qdrant_client = pytest.importorskip("qdrant_client")

from . import qdrant_server  # noqa: E402 - needs qdrant-client

pytestmark = [
    pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection"),
    pytest.mark.filterwarnings("ignore:Failed to obtain server version"),
]
WIDTH = 16
DATABASES = ["lancedb", "qdrant folder", "qdrant server"]


@pytest.fixture(scope="module")
def server():
    with qdrant_server.StandIn() as running:
        yield running


@pytest.fixture
def make_store(tmp_path, request, monkeypatch):
    """Makes a store of a kind; None for the folder."""

    def make(kind, name="sounds"):
        if kind == "folder":
            return None
        if kind == "lancedb":
            return LanceStore(tmp_path / "lance", table=name)
        if kind == "qdrant folder":
            return QdrantStore(tmp_path / "qdrant", collection=name)
        monkeypatch.setenv("QDRANT_API_KEY", qdrant_server.KEY)
        test = request.node.name.encode().hex()
        url = request.getfixturevalue("server").url
        return QdrantStore(url, collection=f"{test[-80:]} {name}")

    return make


@pytest.fixture(params=["folder", *DATABASES])
def anywhere(request, make_store):
    return make_store(request.param)


@pytest.fixture(params=DATABASES)
def store(request, make_store):
    return make_store(request.param)


@pytest.fixture
def vectors(rng):
    return rng.normal(size=(50, WIDTH))


@pytest.fixture
def library(tmp_path, wav_files, monkeypatch):
    """A folder ``lib`` of three sounds, in which the test runs."""
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    files = ["lib/a.wav", "lib/b.wav", "lib/deep/c.wav"]
    for name, file in zip(files, wav_files, strict=False):
        shutil.copy(file, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return files


def same(one, other):
    """The same results, with cosines that differ by the rounding of float32 at most."""
    columns = [name for name in other if name != "score"]
    assert list(one) == list(other)
    pd.testing.assert_frame_equal(one[columns], other[columns])
    if len(other):
        assert_close(one["score"], other["score"])


def opened_again(index, tmp_path, **parameters):
    """The index as another program finds it."""
    if index.store is not None:
        return AudioIndex.load(index.store, **parameters)
    return AudioIndex.load(index.save(tmp_path / "saved")._home, **parameters)


def test_finds_what_the_default_finds(anywhere, vectors, rng, tmp_path):
    queries, names = rng.normal(size=(3, WIDTH)), [f"{row}.wav" for row in range(50)]
    expected = AudioIndex("passthrough").fit(vectors, items=names)
    index = AudioIndex("passthrough", store=anywhere).fit(vectors, items=names)
    for found in (index, opened_again(index, tmp_path)):
        for k in (1, 7, 1000):
            same(
                found.search(queries, by="vector", k=k), expected.search(queries, by="vector", k=k)
            )
        assert (len(found), found.n_vectors_, found.items_) == (50, 50, names)


def test_copies_stand_in_the_order_in_which_they_were_added(anywhere, vectors):
    clips = np.repeat(vectors[:3], 30, axis=0)[np.random.default_rng(1).permutation(90)]
    index = AudioIndex("passthrough", store=anywhere).fit(clips)
    same(
        index.search(vectors[0], by="vector", k=4),
        AudioIndex("passthrough").fit(clips).search(vectors[0], by="vector", k=4),
    )


def test_words(anywhere, vectors, tmp_path):
    words = {"first": vectors[0], "last": vectors[-1]}
    index = AudioIndex("passthrough", text_encoder=words, store=anywhere).fit(vectors)
    expected = AudioIndex("passthrough", text_encoder=words).fit(vectors)
    same(index.search(["first", "last"]), expected.search(["first", "last"]))
    again = opened_again(index, tmp_path, text_encoder=words)
    same(again.search("last", k=3), expected.search("last", k=3))


def test_what_is_added_and_removed(anywhere, vectors, tmp_path):
    index = AudioIndex("passthrough", store=anywhere).fit(vectors[:20])
    expected = AudioIndex("passthrough").fit(vectors[:20])
    for each in (index, expected):
        assert len(each.add(vectors[20:30]).remove([3, 25]).add(vectors[:1], items=["x"])) == 29
    for found in (index, opened_again(index, tmp_path)):
        assert found.items_ == expected.items_
        same(
            found.search(vectors[:4], by="vector", k=9),
            expected.search(vectors[:4], by="vector", k=9),
        )
        with pytest.raises(ValueError, match="does not contain the clip 3"):
            found.remove([4, 3])
        assert len(found) == 29
    assert index.add(vectors[:1]).items_[-1] == expected.add(vectors[:1]).items_[-1]
    index.remove(index.items_)
    with pytest.raises(ValueError, match="the index is empty"):
        index.search(vectors[0], by="vector")
    assert index.add(vectors[:2], items=["y", "z"]).items_ == ["y", "z"]


def test_names_of_every_kind(anywhere, vectors, tmp_path):
    names = ["it's", 'a "b"', "ü/ß.wav", "", 7, 2.5, "7"]
    index = AudioIndex("passthrough", store=anywhere).fit(vectors[:7], items=names)
    again = opened_again(index, tmp_path)
    assert again.items_ == names
    found = again.search(vectors[:7], by="vector", k=1)["item"].tolist()
    assert found == names
    assert again.remove(["it's", 7]).items_ == ['a "b"', "ü/ß.wav", "", 2.5, "7"]
    one = again.search(vectors[0], by="vector", where={"items": ['a "b"']})
    assert one["item"].tolist() == ['a "b"']


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_follows_its_files(anywhere, library, wav_files, mode, tiny_checkpoint, tmp_path):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    parameters = dict(encoder=encoder, mode=mode, text_encoder=None, image_encoder=None)
    index = AudioIndex(**parameters, store=anywhere).fit(library)
    assert index.add(library).items_ == library
    same(
        index.search(wav_files[0], by="audio"),
        AudioIndex(**parameters).fit(library).search(wav_files[0], by="audio"),
    )
    shutil.copy(wav_files[3], "lib/b.wav")  # shorter than before
    os.rename("lib/a.wav", "lib/deep/moved.wav")
    os.remove("lib/deep/c.wav")
    shutil.copy(wav_files[4], "lib/new.wav")
    now = ["lib/b.wav", "lib/deep/moved.wav", "lib/new.wav"]
    index = opened_again(index, tmp_path)
    for dry_run in (True, False):
        report = index.update(now, dry_run=dry_run)
        assert report.changed == ["lib/b.wav"]
        assert report.moved == [("lib/a.wav", "lib/deep/moved.wav")]
        assert (report.missing, report.added) == (["lib/deep/c.wav"], ["lib/new.wav"])
    kept = ["lib/deep/moved.wav", "lib/b.wav", "lib/new.wav"]
    expected = AudioIndex(**parameters).fit(kept)
    for found in (index, opened_again(index, tmp_path)):
        assert found.items_ == kept
        assert found.n_vectors_ == expected.n_vectors_
        for query in kept:
            same(found.search(query, by="audio", k=9), expected.search(query, by="audio", k=9))
    report = opened_again(index, tmp_path).update(now)
    assert sorted(report.unchanged) == sorted(kept)
    assert not any(report[name] for name in ("added", "changed", "moved", "missing"))


def test_what_cannot_be_read_is_left_out(anywhere, library, tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint, on_error="nan")
    with pytest.warns(FailedClipWarning):
        index = AudioIndex(encoder, store=anywhere).fit([*library, "lib/none.wav"])
    assert (index.items_, index.failed_items_) == (library, ["lib/none.wav"])


def test_frames_of_vectors(anywhere, rng, tmp_path):
    clips = [rng.normal(size=(3, WIDTH)), rng.normal(size=(5, WIDTH))]
    index = AudioIndex("passthrough", mode="frame", hop_length=0.5, store=anywhere)
    index.fit(clips, items=["a", "b"])
    for found in (index, opened_again(index, tmp_path)):
        assert (len(found), found.n_vectors_) == (2, 8)
        one = found.search(clips[1][4], by="vector", k=1)
        assert one[["item", "start", "end"]].to_numpy().tolist() == [["b", 2.0, 3.0]]
    assert index.update([clips[1][:2]], items=["b"]).changed == ["b"]
    assert opened_again(index, tmp_path).n_vectors_ == 5
    assert_close(index._content.vectors() ** 2 @ np.ones(WIDTH), np.ones(5))


def test_where(anywhere, library, wav_files, tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    index, expected = (
        AudioIndex(encoder, store=each).fit(library).add(wav_files[4:5], items=["web/it's.wav"])
        for each in (anywhere, None)
    )
    os.symlink("lib", "linked")
    for where in [
        {"folder": "lib"},
        {"folder": os.path.abspath("lib") + "/"},
        {"folder": ["lib/deep", "web"]},
        {"folder": "linked/deep"},
        {"duration": (None, 1.5)},
        {"duration": (1.0, np.inf)},
        {"duration": (None, None), "folder": "lib"},
        {"items": [library[1], os.path.abspath(library[2])]},
        {"items": "web/it's.wav", "folder": "web"},
        {"items": library[1], "duration": (None, 9), "folder": "web"},
    ]:
        found = index.search(wav_files[0], by="audio", where=where)
        same(found, expected.search(wav_files[0], by="audio", where=where))
    for where, message in [
        ({"folder": "nowhere"}, "has no clips in the folder 'nowhere'"),
        ({"folder": 3}, "the folder 3 must be the name of a folder"),
        ({"items": ["none.wav"]}, "does not contain the clip 'none.wav'"),
        ({"duration": 3}, "duration=3 must be two numbers"),
        ({"duration": (9, 1)}, r"duration=\(9, 1\) begins with 9 and ends with 1 seconds"),
        ({"duration": (90, None)}, r"no clips with a duration in \(90, None\) seconds"),
        ({"items": [], "duration": (0, 9)}, r"items=\[\] names nothing"),
        ({"folder": []}, r"folder=\[\] names nothing"),
        ({"loud": True}, "must be a dict with some of the keys 'folder', 'duration', 'items'"),
    ]:
        for each in (index, expected):
            with pytest.raises(ValueError, match=message):
                each.search(wav_files[0], by="audio", where=where)


def test_durations_that_are_not_known(anywhere, vectors):
    index = AudioIndex("passthrough", store=anywhere).fit(vectors)
    with pytest.raises(ValueError, match="durations of the clips are not known"):
        index.search(vectors[0], by="vector", where={"duration": (0, 1)})


def test_map(anywhere, vectors):
    index = AudioIndex("passthrough", store=anywhere).fit(vectors).remove(3)
    expected = AudioIndex("passthrough").fit(vectors).remove(3)
    assert_close(index._content.vectors(), expected._content.vectors())
    assert index.map(method="pca", clips=0).estimated_size > 0


# The store


def test_parameters(store, vectors, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    index = AudioIndex("passthrough", store=store)
    assert index.get_params()["store"] is store
    again = clone(index).store
    assert (type(again), vars(again)) == (type(store), vars(store))
    assert f"store={type(store).__name__}(" in repr(index)
    assert repr(store).endswith("='sounds')") or store.location.startswith("http")
    assert not os.path.exists("sounds")
    index = AudioIndex("passthrough").set_params(store=store).fit(vectors)
    assert index._content.store is store
    with pytest.raises(ValueError, match="The 'store' parameter of AudioIndex must be"):
        AudioIndex("passthrough", store="lancedb").fit(vectors)


def test_pickled(store, vectors):
    index = AudioIndex("passthrough", store=store).fit(vectors)
    again = pickle.loads(pickle.dumps(index))
    same(again.search(vectors[:2], by="vector"), index.search(vectors[:2], by="vector"))
    assert again.items_ == index.items_


def test_in_memory(vectors):
    store = QdrantStore(":memory:")
    index = AudioIndex("passthrough", store=store).fit(vectors)
    same(
        AudioIndex.load(store).search(vectors[:2], by="vector"),
        AudioIndex("passthrough").fit(vectors).search(vectors[:2], by="vector"),
    )
    assert len(clone(index).fit(vectors[:3])) == 3  # in a database of its own
    assert len(index.refresh()) == 50
    with pytest.raises(SavedIndexError, match="was deleted, and it is gone"):
        pickle.loads(pickle.dumps(index)).refresh()


def test_an_index_that_is_there_is_not_overwritten(store, vectors):
    index = AudioIndex("passthrough", store=store).fit(vectors)
    with pytest.raises(SavedIndexError, match="holds an index already, with 50 vectors: go on"):
        AudioIndex("passthrough", store=store).fit(vectors[:3])
    assert len(index.refresh()) == 50
    store.drop()
    store.drop()  # there is nothing
    assert len(AudioIndex("passthrough", store=store).fit(vectors[:3])) == 3
    with pytest.raises(SavedIndexError, match="was deleted, and another one is in its place"):
        index.add(vectors[:1])
    index = AudioIndex.load(store)
    index.remove(index.items_)
    assert AudioIndex("passthrough", store=store).fit(vectors).n_vectors_ == 50


def test_another_encoder(store, wav_files, tiny_checkpoint, tmp_path):
    AudioIndex(Wav2CLIPTransformer(tiny_checkpoint), store=store).fit(wav_files[:2])
    copied = shutil.copy(tiny_checkpoint, tmp_path / "copy.pt")
    again = AudioIndex.load(store, encoder=Wav2CLIPTransformer(copied))
    assert again.add(wav_files[2:3]).items_ == wav_files[:3]
    message = "differ in weights. Pass one that is the same, or build the index again"
    with pytest.raises(SavedIndexError, match=message):
        AudioIndex.load(store, encoder=Wav2CLIPTransformer(None, random_state=0))
    with pytest.raises(SavedIndexError, match="built with mode='clip': pass that mode"):
        AudioIndex.load(store, mode="frame")
    assert AudioIndex.load(store).search(wav_files[2], by="audio")["item"][0] == wav_files[2]


def test_two_programs_add_one_file(store, library, tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    first = AudioIndex(encoder, store=store).fit(library[:1])
    second = AudioIndex.load(store)
    assert second.items_ == library[:1]
    first.add(library[1:])
    second.add(library)
    for index in (first.refresh(), second.refresh(), AudioIndex.load(store)):
        assert sorted(index.items_) == library
        assert index.n_vectors_ == 3


def test_readers_see_what_others_wrote_after_a_refresh(store, vectors):
    writer = AudioIndex("passthrough", store=store).fit(vectors)
    reader = AudioIndex.load(store)
    assert len(reader.items_) == 50
    writer.remove([0]).add(vectors[:1], items=["new"])
    assert reader.items_ == list(range(50))
    assert reader.refresh().items_ == writer.items_ == [*range(1, 50), "new"]
    same(reader.search(vectors[0], by="vector"), writer.search(vectors[0], by="vector"))


class CutOffError(Exception):
    """What ends a write early."""


@contextmanager
def failing_at(step, index):
    """Let the writes of an index fail from one on; those that fail are listed."""
    table, done, failed = index._content._open(), [], []

    def limited(method):
        def call(*arguments):
            if len(done) == step:
                failed.append(method)
                raise CutOffError
            done.append(method)
            method(*arguments)

        return call

    table.write, table.delete = limited(table.write), limited(table.delete)
    try:
        yield failed
    except CutOffError:
        pass
    finally:
        del table.write, table.delete


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_an_update_that_is_cut_off_loses_nothing(
    make_store, mode, library, wav_files, tiny_checkpoint
):
    """Whatever step fails, the next update makes it good."""
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    for step in itertools.count():
        store = make_store("lancedb", name=f"{mode}{step}")
        shutil.rmtree("lib")
        os.makedirs("lib")
        for name, file in zip("abc", wav_files, strict=False):
            shutil.copy(file, f"lib/{name}.wav")
        index = AudioIndex(encoder, mode=mode, store=store)
        index.fit(["lib/a.wav", "lib/b.wav", "lib/c.wav"])
        shutil.copy(wav_files[3], "lib/b.wav")
        os.rename("lib/a.wav", "lib/moved.wav")
        os.remove("lib/c.wav")
        shutil.copy(wav_files[4], "lib/new.wav")
        now = ["lib/moved.wav", "lib/b.wav", "lib/new.wav"]
        with failing_at(step, index) as failed:
            index.update(now)
        again = AudioIndex.load(store)
        assert {"lib/b.wav"} <= set(again.items_)
        assert set(again.items_) & {"lib/a.wav", "lib/moved.wav"}
        again.update(now)
        expected = AudioIndex(encoder, mode=mode).fit(now)
        assert sorted(again.items_) == sorted(now)
        assert again.n_vectors_ == expected.n_vectors_
        for query in now:
            one, other = (each.search(query, by="audio", k=1) for each in (again, expected))
            same(one, other)
        if not failed:
            break
    assert step >= {"clip": 3, "frame": 7}[mode]


def test_vectors_whose_addition_was_cut_off_are_not_doubled(store, rng):
    clips = [rng.normal(size=(3, WIDTH)), rng.normal(size=(5, WIDTH))]
    index = AudioIndex("passthrough", mode="frame", store=store).fit(clips[:1], items=["a"])
    table, results = index._content._open(), [True, False]  # of the two writes of an addition
    write = table.write

    def write_or_fail(*given):
        if not results.pop(0):
            raise CutOffError
        write(*given)

    table.write = write_or_fail
    with pytest.raises(CutOffError):
        index.add(clips[1:], items=["b"])
    del table.write
    assert (index.items_, index.n_vectors_) == (["a"], 3)
    assert index.add(clips[1:], items=["b"]).n_vectors_ == 8
    assert AudioIndex.load(store).items_ == ["a", "b"]


def test_names_that_are_no_text(store, vectors):
    with pytest.raises(SavedIndexError, match=r"cannot keep the name 'a\\udcff', .*rename"):
        AudioIndex("passthrough", store=store).fit(vectors[:1], items=["a\udcff"])


class Framing(TransformerMixin, BaseEstimator):
    """Gives each clip as many vectors as it has whole seconds, and some clips none."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [np.ones((len(clip) // 16000, WIDTH)) for clip in X]

    def frame_times(self, n_frames):
        return np.arange(n_frames)[:, None] + [0.0, 1.0]


def test_clips_without_windows(store):
    index, clips = AudioIndex(Framing(), mode="frame", store=store), [np.ones(40000), np.ones(900)]
    with (
        pytest.warns(UserWarning, match=r"is not saved .* pass it to AudioIndex\.load\(store, "),
        pytest.raises(ValueError, match=r"'b.wav' is shorter than a window, and has no vector"),
    ):
        index.fit(clips, items=["a.wav", "b.wav"])
    assert index.add(clips[:1], items=["a.wav"]).n_vectors_ == 2


def test_what_is_for_folders(store, vectors, tmp_path):
    with pytest.raises(ValueError, match="must be 'auto' or 'exact'"):
        AudioIndex("passthrough", method="faiss", store=store).fit(vectors)
    index = AudioIndex("passthrough", store=store).fit(vectors)
    with pytest.raises(ValueError, match="each change counts at once: there is nothing to save"):
        index.save(tmp_path / "index")
    with pytest.raises(ValueError, match="root and verify are for indexes in folders"):
        AudioIndex.load(store, root=tmp_path)
    AudioIndex("passthrough").fit(vectors).save(tmp_path / "index")
    with pytest.raises(ValueError, match="two places"):
        AudioIndex.load(tmp_path / "index", store=store)
    assert index.compact() is index
    same(
        index.set_params(method="exact").search(vectors[:2], by="vector"),
        AudioIndex("passthrough").fit(vectors).search(vectors[:2], by="vector"),
    )


def test_no_index_at_all(store):
    with pytest.raises(SavedIndexError, match=r"there is no index in .*Store\("):
        AudioIndex.load(store)


def test_an_index_of_a_newer_version(store, vectors):
    table = store.connect()
    AudioIndex("passthrough", store=store).fit(vectors)
    identity = table.read_identity()
    for changed, message in [
        ({"version": 99}, "made in version 99 of the format.*reads version 1"),
        ({"format": "other"}, "does not hold an index of skw2c"),
        ({"encoder": 3}, "is damaged: encoder is 3"),
        ({"parameters": {}}, "is damaged: parameters is"),
    ]:
        table.create(WIDTH, identity | changed)
        with pytest.raises(SavedIndexError, match=message):
            AudioIndex.load(store)
        with pytest.raises(SavedIndexError, match=message):
            AudioIndex("passthrough", store=store).fit(vectors)


def test_rows_that_something_else_wrote(store, vectors):
    index = AudioIndex("passthrough", store=store).fit(vectors)
    table = store.connect()
    [(rows, found)] = list(table.read(Condition(), with_vectors=True))
    table.write([rows[0] | {"item": None, "is_number": None}], found[:1])
    index.refresh()
    with pytest.raises(SavedIndexError, match="is damaged: .* Something else writes there"):
        index.search(found[0], by="vector")
    with pytest.raises(SavedIndexError, match="is damaged: the row .* is not one of an index"):
        _ = AudioIndex.load(store).items_


def test_tables_of_something_else(tmp_path, vectors):
    lancedb.connect(tmp_path).create_table("mine", [{"vector": [1.0, 2.0], "id": 1}])
    store = LanceStore(tmp_path, table="mine")
    for use in (store.drop, lambda: AudioIndex.load(store)):
        with pytest.raises(SavedIndexError, match="'mine'.*not an index of skw2c.*another table"):
            use()
    with pytest.raises(SavedIndexError, match="not an index of skw2c"):
        AudioIndex("passthrough", store=store).fit(vectors)
    assert lancedb.connect(tmp_path).open_table("mine").count_rows() == 1


def test_collections_of_something_else(tmp_path, vectors):
    store = QdrantStore(tmp_path / "q", collection="mine")
    client = store.connect()._client
    size = qdrant_client.models.VectorParams(size=2, distance="Cosine")
    client.create_collection("mine", vectors_config=size)
    for use in (store.drop, lambda: AudioIndex("passthrough", store=store).fit(vectors)):
        with pytest.raises(SavedIndexError, match="'mine'.*not an index of skw2c"):
            use()
    assert client.collection_exists("mine")


def test_databases_that_cannot_be_reached(tmp_path, vectors, server, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("QDRANT_API_KEY", "wrong")
    for store in [
        LanceStore(tmp_path / "file" / "lance"),
        QdrantStore(tmp_path / "file" / "qdrant"),
        QdrantStore("http://127.0.0.1:9"),
        QdrantStore(server.url),
    ]:
        for use in (
            lambda store=store: AudioIndex("passthrough", store=store).fit(vectors),
            lambda store=store: AudioIndex.load(store),
        ):
            with pytest.raises(ConnectionError, match=r"Store\(.* cannot be used: .*Check the"):
                use()


def test_servers_that_keep_no_metadata(vectors, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", qdrant_server.KEY)
    with qdrant_server.StandIn(keeps_metadata=False) as old:
        with pytest.raises(SavedIndexError, match=r"use version 1\.16 of Qdrant or later"):
            AudioIndex("passthrough", store=QdrantStore(old.url)).fit(vectors)
        assert not old.client.collection_exists("skw2c")


def test_servers_are_told_to_compare_all(make_store, server, vectors):
    index = AudioIndex("passthrough", store=make_store("qdrant server")).fit(vectors)
    for method, is_told in (("auto", False), ("exact", True)):
        server.requests.clear()
        index.set_params(method=method).search(vectors[0], by="vector")
        [body] = [body for name, body in server.requests if name == "_query"]
        assert (b'"exact":true' in body.replace(b" ", b"")) == is_told


@pytest.mark.filterwarnings("ignore:The create_index():DeprecationWarning")  # as of version 0.30
def test_indexes_of_lancedb(tmp_path, rng):
    """An approximate search fills up what a filter leaves, and an exact one compares all."""
    vectors, query = rng.normal(size=(600, WIDTH)), rng.normal(size=WIDTH)
    store = LanceStore(tmp_path / "lance")
    index = AudioIndex("passthrough", store=store).fit(vectors)
    expected = AudioIndex("passthrough").fit(vectors)
    own = lancedb.connect(store.uri).open_table("skw2c")
    kind = {"metric": "cosine", "index_type": "IVF_FLAT", "num_partitions": 40}
    own.create_index(**kind, vector_column_name="vector")
    index.refresh()
    few = {"items": [5, 9, 77]}
    same(
        index.search(query, by="vector", where=few), expected.search(query, by="vector", where=few)
    )
    found = index.search(query, by="vector", k=10)
    assert len(found) == 10
    assert (found["score"].diff().dropna() <= 0).all()
    same(index.search(query, by="vector", k=590), expected.search(query, by="vector", k=590))
    index.set_params(method="exact")
    same(index.search(query, by="vector", k=300), expected.search(query, by="vector", k=300))
    index.add(vectors[:1], items=["new"]).compact()
    assert own.count_rows() == 600  # as it was opened
    assert index.search(vectors[0], by="vector", k=2)["item"].tolist() == [0, "new"]


def test_tables_in_a_bucket(vectors, monkeypatch):
    """On a server of S3 on this machine."""
    with serve_buckets() as storage:
        for name, value in {
            "ENDPOINT": os.environ["AWS_ENDPOINT_URL"],
            "REGION": "us-east-1",
            "ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        storage.mkdir("library")
        store = LanceStore("s3://library/lance")
        index = AudioIndex("passthrough", store=store).fit(vectors).remove(3).add(vectors[:1])
        again = AudioIndex.load(store)
        assert again.items_ == index.items_
        expected = AudioIndex("passthrough").fit(vectors).remove(3).add(vectors[:1])
        same(again.search(vectors[:2], by="vector"), expected.search(vectors[:2], by="vector"))
        assert storage.ls("library/lance") == ["library/lance/skw2c.lance"]


@pytest.mark.parametrize(
    ("store", "module", "extra"),
    [(LanceStore("x"), "lancedb", "lancedb"), (QdrantStore("x"), "qdrant_client", "qdrant")],
)
def test_packages_that_are_missing(store, module, extra, vectors, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OptionalDependencyError, match=rf'pip install "skw2c\[{extra}\]"'):
        AudioIndex("passthrough", store=store).fit(vectors)
