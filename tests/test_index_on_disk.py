"""An index on disk: opened at once, changed by marks, read while it is written, moved, filtered."""

import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scale import index as index_benchmark
from skw2c import AudioIndex, Wav2CLIPTransformer
from skw2c.cli import main
from skw2c.exceptions import SavedIndexError
from skw2c.search import _arrays, _engines, _listing
from skw2c.search._disk_neighbours import DiskNeighbours
from skw2c.search._listing import read_clips
from skw2c.search._neighbours import ExactNeighbours

from .conftest import REPOSITORY
from .old_index import save_as_version_1
from .test_neighbours import draw, recall

WIDTH = 8


@pytest.fixture
def vectors(rng):
    return rng.normal(size=(300, WIDTH)).astype(np.float32)


@pytest.fixture
def saved(vectors, tmp_path):
    """A saved index of two parts, of 200 and 60 clips, the second of which was added."""
    index = AudioIndex("passthrough").fit(vectors[:200], items=range(200)).save(tmp_path / "i")
    index.add(vectors[200:260], items=range(200, 260)).save(tmp_path / "i")
    assert len(index._content.parts) == 2
    return tmp_path / "i"


@pytest.fixture
def mapped(monkeypatch):
    """Let all files of more than 300 bytes be mapped, as large ones are."""
    for module in (_arrays, _listing):
        monkeypatch.setattr(module, "MAPPED", 300)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def draw_clusters(rng):
    """Unit vectors (20000, 128) in 20 clusters."""
    noise = rng.normal(size=(20_000, 128))
    vectors = rng.normal(size=(20, 128)).repeat(1000, axis=0) + 0.3 * noise
    return unit(vectors).astype(np.float32)


def is_right(index, vectors, items, k=7):
    """It has these clips, and finds what a comparison with all of them finds."""
    assert index.items_ == list(items)
    assert (len(index), index.n_vectors_) == (len(items), len(items))
    queries = vectors[::23]
    found = index.search(queries, by="vector", k=k)
    cosines = unit(queries.astype(float)) @ unit(vectors[list(items)].astype(float)).T
    expected = np.argsort(-cosines, axis=1)[:, :k]
    assert found["item"].tolist() == np.array(list(items))[expected].ravel().tolist()


def fails(arguments, capsys, message):
    """The command ends with an error that says so."""
    assert main(arguments) > 0
    assert message in capsys.readouterr().err


def files(folder, pattern):
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


# Opened at once


def test_large_files_are_not_read_to_open_an_index(saved, vectors, mapped):
    index = AudioIndex.load(saved)
    for part in index._content.parts:
        assert set(part.unread) == {"vectors", "items"}
        assert not part.vectors.flags.writeable
    is_right(index, vectors, range(260))
    assert AudioIndex.load(saved, verify=True)._content.parts[0].unread == {}


def flip(path, place=-3):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["vectors", "items"])
def test_damage_is_found_before_it_is_copied(saved, vectors, mapped, kind, tmp_path, capsys):
    first = json.loads((saved / "index.json").read_text())["parts"][0]
    flip(saved / first[kind]["file"])
    index = AudioIndex.load(saved)
    for act in (
        lambda: AudioIndex.load(saved, verify=True),
        lambda: index.save(tmp_path / "copy"),
        index.compact,
        lambda: pickle.dumps(index),
    ):
        with pytest.raises(SavedIndexError, match="its content is not what was saved"):
            act()
    fails(["index", str(saved), "--verify"], capsys, "its content is not what was saved")
    assert not (tmp_path / "copy" / "index.json").exists()


def test_scores_that_cannot_be_are_an_error(saved, vectors, mapped):
    first = json.loads((saved / "index.json").read_text())["parts"][0]["vectors"]["file"]
    content = bytearray((saved / first).read_bytes())
    content[128:132] = np.float32(np.nan).tobytes()
    (saved / first).write_bytes(content)
    index = AudioIndex.load(saved)
    with pytest.raises(SavedIndexError, match="vectors that are damaged.*--verify"):
        index.search(vectors[0], by="vector", k=300)


def test_verify_in_the_shell(saved, capsys):
    assert main(["index", str(saved), "--verify"]) == 0
    told = capsys.readouterr().err
    assert told.endswith("are as they were saved: 260 clips, 260 vectors\n")
    fails(["index", str(saved)], capsys, "or pass --verify, --compact or --root")


def test_parts_are_never_put_together_in_memory(saved, vectors, mapped, monkeypatch):
    index = AudioIndex.load(saved)
    arrays = [part.vectors for part in index._content.parts]
    is_right(index, vectors, range(260))
    assert [engine.vectors for engine in index._engine().engines] == arrays
    monkeypatch.setattr(np, "concatenate", None)
    for one, other in zip(index._content.parts, arrays, strict=True):
        assert one.vectors is other


@pytest.mark.parametrize("method", ["exact", "faiss"])
def test_an_index_of_version_1(rng, tmp_path, method):
    vectors = rng.normal(size=(17_000, WIDTH)).astype(np.float32)
    index = AudioIndex("passthrough", method=method).fit(vectors).save(tmp_path)
    expected = index.search(vectors[:20], by="vector")
    save_as_version_1(tmp_path)
    old = AudioIndex.load(tmp_path)
    assert old.search(vectors[:20], by="vector").equals(expected)
    old.add(vectors[:1], items=["new"]).save(tmp_path)
    again = AudioIndex.load(tmp_path)
    assert again.items_ == [*range(17_000), "new"]
    assert json.loads((tmp_path / "index.json").read_text())["version"] == 2


# Removed


def test_what_is_removed_is_marked_in_place(saved, vectors):
    before = files(saved, "*.vectors.npy")
    index = AudioIndex.load(saved).remove([3, 50, 199, 210]).save(saved)
    assert files(saved, "*.vectors.npy") == before
    assert len(files(saved, "*.dead.npy")) == 2
    kept = [n for n in range(260) if n not in {3, 50, 199, 210}]
    for one in (index, AudioIndex.load(saved), AudioIndex.load(saved, verify=True)):
        is_right(one, vectors, kept)
        assert len(one.search(vectors[3], by="vector", k=1000)) == 256
    is_right(AudioIndex.load(saved).remove([4, 0]).save(saved), vectors, sorted({*kept} - {0, 4}))
    assert len(files(saved, "*.dead.npy")) == 2


def test_a_part_that_lost_more_than_a_third_is_written_anew(saved, vectors):
    before = files(saved, "*.vectors.npy")
    index = AudioIndex.load(saved).remove(range(70)).save(saved)
    is_right(index, vectors, range(70, 260))
    is_right(AudioIndex.load(saved), vectors, range(70, 260))
    assert len(files(saved, "*.vectors.npy").keys() & before.keys()) == 1
    assert not files(saved, "*.dead.npy")
    AudioIndex.load(saved).remove(range(200, 260)).save(saved)
    assert len(files(saved, "*.vectors.npy")) == 1
    is_right(AudioIndex.load(saved), vectors, range(70, 200))


def test_compact(saved, vectors):
    index = AudioIndex.load(saved).remove([3, 210])
    assert index.compact() is index
    kept = [n for n in range(260) if n not in {3, 210}]
    for one in (index, AudioIndex.load(saved)):
        is_right(one, vectors, kept)
        assert len(one._content.parts) == 1
    assert len(files(saved, "*.npy")) == 2
    before = files(saved, "*.npy")
    AudioIndex.load(saved).compact()
    assert files(saved, "*.npy") == before
    with pytest.raises(ValueError, match=r"never saved: save it into a folder before compact\(\)"):
        AudioIndex("passthrough").fit(vectors).compact()


def test_clips_are_numbered_without_those_that_were_removed(saved):
    """As the listening page lists, finds and shows them."""
    index = AudioIndex.load(saved).remove([3, 210]).save(saved)
    _, clips = read_clips(saved)
    assert (clips.items, clips.sources) == (index.items_, index._content.sources)
    assert clips.counts == index._content.counts.tolist()
    content = index._content
    for number in (0, 2, 3, 198, 199, 257):
        rows = content.rows_of(number)
        assert content.numbers_of(rows).tolist() == [number]
        assert content.items_of(rows) == [clips.items[number]]
        expected = content.vectors()[number]
        np.testing.assert_array_equal(content.vectors_at(rows)[0], expected)


def test_windows_of_removed_clips_are_not_found(rng, tmp_path):
    clips = [rng.normal(size=(n, WIDTH)) for n in (3, 1, 4, 2)]
    index = AudioIndex("passthrough", mode="frame").fit(clips, items=list("abcd")).save(tmp_path)
    index.remove(["b", "c"]).save(tmp_path)
    again = AudioIndex.load(tmp_path)
    found = again.search(clips[3][1], by="vector", k=9)
    assert found[["item", "start", "end"]].to_numpy().tolist()[0] == ["d", 1.0, 2.0]
    assert sorted(found["item"]) == list("aaadd")
    assert again.n_vectors_ == 5
    assert again.compact().search(clips[3][1], by="vector", k=9).equals(found)


@pytest.mark.parametrize("method", ["faiss", "disk"])
def test_recall_after_much_was_removed(rng, method, tmp_path):
    vectors = draw_clusters(rng) if method == "disk" else draw("clusters", 20_000)
    index = AudioIndex("passthrough", method=method).fit(vectors).save(tmp_path)
    gone = rng.choice(20_000, 6000, replace=False)
    index.remove(gone.tolist()).save(tmp_path)
    again = AudioIndex.load(tmp_path)
    [engine] = again._engine().engines
    assert engine._settings
    assert engine.saved_as
    near = vectors[rng.choice(20_000, 200)]
    queries = near + 0.05 * rng.normal(size=near.shape)
    found = again.search(queries, by="vector")["item"].to_numpy().reshape(200, 10)
    exact = AudioIndex.load(tmp_path, method="exact").search(queries, by="vector")
    assert not set(found.ravel()) & set(gone.tolist())
    assert recall(found, exact["item"].to_numpy().reshape(200, 10)) >= 0.95


# A full disk


@contextmanager
def at_most(n_bytes):
    """Let no file become larger, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("act", ["save", "compact", "copy"])
@pytest.mark.parametrize("size", [100, 4000])
def test_a_full_disk_leaves_what_was_there(saved, vectors, act, size, tmp_path):
    before = files(saved, "*.*")
    index = AudioIndex.load(saved).remove([0]).add(vectors[260:], items=range(260, 300))
    copy = tmp_path / "copy"
    do = {"save": lambda: index.save(saved), "copy": lambda: index.save(copy)}
    with at_most(size), pytest.raises(OSError, match=r"large|space"):
        do.get(act, index.compact)()
    assert files(saved, "*.*") == before
    assert not copy.exists() or not files(copy, "*.npy")
    is_right(AudioIndex.load(saved), vectors, range(260))
    do.get(act, index.compact)()  # there is room again
    is_right(AudioIndex.load(copy if act == "copy" else saved), vectors, range(1, 300))


# Read while it is written


def test_refresh(saved, vectors):
    reader, writer = AudioIndex.load(saved), AudioIndex.load(saved)
    assert reader.refresh() is reader
    first = reader._content.parts[0]
    writer.remove([1]).add(vectors[260:270], items=range(260, 270)).save(saved)
    is_right(reader, vectors, range(260))
    is_right(reader.refresh(), vectors, [0, *range(2, 270)])
    assert reader._content.parts[0].vectors is first.vectors
    reader.add(vectors[:1], items=[0])
    with pytest.raises(ValueError, match="has changes that are not saved"):
        reader.refresh()
    with pytest.raises(ValueError, match=r"save it into a folder before refresh\(\)"):
        AudioIndex("passthrough").fit(vectors).refresh()


def test_a_reader_goes_on_after_all_files_were_replaced(saved, vectors, mapped):
    reader = AudioIndex.load(saved)
    AudioIndex.load(saved).remove([1]).compact()
    is_right(reader, vectors, range(260))
    shutil.rmtree(saved)
    is_right(reader, vectors, range(260))
    with pytest.raises(SavedIndexError, match="no saved index"):
        reader.refresh()
    is_right(reader, vectors, range(260))


def test_another_index_in_the_folder(saved, rng):
    reader = AudioIndex.load(saved)
    shutil.rmtree(saved)
    clips = [rng.normal(size=(2, WIDTH))]
    AudioIndex("passthrough", mode="frame").fit(clips).save(saved)
    with pytest.raises(SavedIndexError, match="differ in mode. Load it with"):
        reader.refresh()
    assert len(reader) == 260


WRITER = """
import sys
import numpy as np
from skw2c import AudioIndex
folder, n_rounds = sys.argv[1], int(sys.argv[2])
index = AudioIndex.load(folder)
for turn in range(1, n_rounds + 1):
    index.remove(range((turn - 1) * 100, turn * 100))
    vectors = np.eye(8)[np.full(100, turn % 8)]
    index.add(vectors, items=range(turn * 100, (turn + 1) * 100)).save(folder)
    if turn % 10 == 0:
        index.compact()
"""


def test_a_reader_sees_the_old_or_the_new_state_never_between(tmp_path):
    """A process replaces all clips many times; each state has 100, of one round."""
    rounds = 25
    AudioIndex("passthrough").fit(np.eye(8)[np.zeros(100, int)]).save(tmp_path)
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(rounds)]
    writer = subprocess.Popen(command, cwd=REPOSITORY)  # noqa: S603
    reader, seen = AudioIndex.load(tmp_path), set()
    while writer.poll() is None or max(seen) < rounds:
        names = np.array(reader.refresh().items_)
        turn = int(names[0] // 100)
        assert sorted(names) == list(range(turn * 100, (turn + 1) * 100))
        found = reader.search(np.eye(8)[turn % 8], by="vector", k=200)
        assert sorted(found["item"]) == sorted(names)
        np.testing.assert_allclose(found["score"], 1)
        seen.add(turn)
        time.sleep(0.002)
    assert writer.wait() == 0
    assert seen <= set(range(rounds + 1))


# Codes on disk


@pytest.fixture(scope="module")
def clusters():
    return draw_clusters(np.random.default_rng(0))


@pytest.fixture(scope="module")
def on_disk(clusters, tmp_path_factory):
    path = tmp_path_factory.mktemp("disk") / "lists"
    return DiskNeighbours(clusters, path=path), path


def test_disk_recall(on_disk, clusters):
    engine, path = on_disk
    assert engine._settings
    assert path.stat().st_size < clusters.nbytes / 10
    rng = np.random.default_rng(1)
    near = clusters[rng.choice(20_000, 200)] + 0.05 * rng.normal(size=(200, 128))
    kept = rng.random(20_000) < 0.5
    for queries in (near, rng.normal(size=(200, 128))):
        queries = unit(queries).astype(np.float32)
        for some in (None, kept):
            scores, rows = engine.search(queries, 10, some)
            truth = ExactNeighbours(clusters).search(queries, 10, some)
            assert recall(rows, truth[1]) >= 0.95
            assert some is None or some[rows].all()
            exact = np.einsum("ij,ikj->ik", queries, clusters[rows], dtype=float)
            np.testing.assert_allclose(scores, exact, rtol=0, atol=1e-9)


def test_disk_saved_and_loaded(on_disk, clusters, tmp_path):
    engine, path = on_disk
    engine.save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()
    other = DiskNeighbours.load(tmp_path / "copy", clusters)
    (tmp_path / "copy").unlink()  # what is mapped stays
    assert other._settings == engine._settings
    for one, two in zip(
        engine.search(clusters[:50], 10), other.search(clusters[:50], 10), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    other.save(tmp_path / "again")  # is built anew
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_temporary_codes_go_with_the_engine(clusters):
    engine = DiskNeighbours(clusters[:17_000])
    path = Path(engine.path)
    assert path.exists()
    del engine
    assert not path.exists()


def test_damaged_lists(on_disk, clusters, tmp_path):
    """No number in the file leads faiss out of it."""
    _, path = on_disk
    content, damaged = path.read_bytes(), tmp_path / "damaged"
    rng = np.random.default_rng(0)
    for place in [*range(0, 400, 7), *rng.choice(len(content), 60)]:
        changed = bytearray(content)
        changed[place] ^= 255
        check_refused_or_sane(damaged, bytes(changed), clusters)
    for size in (0, 1, 100, len(content) // 2, len(content) - 1):
        damaged.write_bytes(content[:size])
        with pytest.raises(ValueError, match="not a saved search structure .*, or is damaged"):
            DiskNeighbours.load(damaged, clusters)
    with pytest.raises(ValueError, match="it is of 20000 vectors, and there are 19999"):
        DiskNeighbours.load(path, clusters[:-1])


def check_refused_or_sane(path, content, vectors):
    path.write_bytes(content)
    try:
        other = DiskNeighbours.load(path, vectors)
        scores, rows = other.search(vectors[:20], 10)
    except ValueError as exc:
        assert "damaged" in str(exc)  # noqa: PT017
    else:
        exact = np.einsum("qd,qkd->qk", vectors[:20], vectors[rows])
        np.testing.assert_allclose(scores, exact, atol=1e-5)


def test_rows_that_there_are_none_of(on_disk, clusters, tmp_path):
    engine, path = on_disk
    content = bytearray(path.read_bytes())
    first = int(engine._file.offsets[0] + engine._file.capacities[0] * engine._file.code_size)
    size = int(engine._file.sizes[0])
    rows = np.full(size, 2**40).astype("<i8")
    rows[0] = np.frombuffer(content, "<i8", 1, first)[0]
    content[first : first + 8 * size] = rows.tobytes()
    (tmp_path / "odd").write_bytes(content)
    other = DiskNeighbours.load(tmp_path / "odd", clusters)
    with pytest.raises(SavedIndexError, match="names vectors that there are none of"):
        other.search(clusters, 10)


def test_codes_of_another_faiss(on_disk, clusters, tmp_path):
    engine, path = on_disk
    content = bytearray(path.read_bytes())
    for offset in engine._file.offsets[:-1].tolist():
        content[offset : offset + 8] = bytes(b ^ 255 for b in content[offset : offset + 8])
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ValueError, match="installed version of faiss codes vectors otherwise"):
        DiskNeighbours.load(tmp_path / "other", clusters)


def test_auto_takes_codes_on_disk_for_many(clusters, tmp_path, monkeypatch):
    monkeypatch.setattr(_engines, "AUTO_THRESHOLD", 10_000)
    monkeypatch.setattr(_engines, "DISK_THRESHOLD", 15_000)
    index = AudioIndex("passthrough").fit(clusters).save(tmp_path)
    assert [engine.method for engine in index._engine().engines] == ["disk"]
    assert len(files(tmp_path, "*.codes")) == 1
    again = AudioIndex.load(tmp_path)
    assert again._content.parts[0].engines["disk"].saved_as
    found = again.search(clusters[:50], by="vector", k=1)
    assert found["item"].tolist() == list(range(50))
    assert len(files(again.compact().save(tmp_path)._home and tmp_path, "*.codes")) == 1


# Moved as a whole


@pytest.fixture
def library(tmp_path, wav_files, tiny_checkpoint):
    """An index of three sounds in folders, saved beside them."""
    sounds = tmp_path / "lib" / "sounds"
    for name, file in zip(("a/1.wav", "a/2.wav", "b/3.wav"), wav_files, strict=False):
        (sounds / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, sounds / name)
    paths = sorted(map(str, sounds.rglob("*.wav")))
    index = AudioIndex(Wav2CLIPTransformer(tiny_checkpoint)).fit(paths)
    index.save(tmp_path / "lib" / "index")
    return tmp_path / "lib"


def sounds_of(folder):
    return sorted(map(str, Path(folder).rglob("*.wav")))


@pytest.mark.parametrize("how", ["together", "copied", "root", "index alone"])
def test_a_library_that_moved_is_found_again(library, how, tmp_path):
    new = tmp_path / "elsewhere" / "moved"
    index, sounds, given = new / "index", new / "sounds", {}
    if how == "together":
        shutil.move(library, new)
    elif how == "copied":
        shutil.copytree(library, new)
    elif how == "root":
        shutil.move(library / "sounds", sounds)
        index, given = library / "index", {"root": sounds}
    else:
        shutil.move(library / "index", index)
        sounds = library / "sounds"
    opened = AudioIndex.load(index, **given)
    assert opened.items_ == sounds_of(sounds)
    found = opened.search(sounds_of(sounds)[1], by="audio", k=1)
    assert found["item"].tolist() == sounds_of(sounds)[1:2]
    report = opened.update(sounds_of(sounds))
    assert sorted(report.unchanged) == sounds_of(sounds)
    assert not report.missing
    opened.save(index)
    assert AudioIndex.load(index).items_ == sounds_of(sounds)
    assert opened.refresh().items_ == sounds_of(sounds)


def test_the_root_in_the_shell(library, tmp_path, capsys):
    shutil.move(library / "sounds", tmp_path / "new")
    index = str(library / "index")
    assert main(["index", index, "--root", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().err.endswith(f"are in {tmp_path / 'new'}\n")
    assert AudioIndex.load(index).items_ == sounds_of(tmp_path / "new")
    fails(["index", index, "--root", "none"], capsys, "the folder 'none' does not exist")
    fails(["index", "none", "--root", str(tmp_path)], capsys, "there is no saved index")


def test_files_outside_of_the_root_keep_their_paths(library, tmp_path, wav_files, tiny_checkpoint):
    index = AudioIndex.load(library / "index").add(wav_files[3:4]).save(library / "index")
    shutil.move(library, tmp_path / "new")
    moved = AudioIndex.load(tmp_path / "new" / "index")
    assert moved.items_ == [*sounds_of(tmp_path / "new" / "sounds"), wav_files[3]]
    assert index.items_[-1] == wav_files[3]


def test_where_the_root_is_said_to_be(library):
    path = library / "index" / "index.json"
    listed = json.loads(path.read_text())
    assert listed["root"] == {"absolute": str(library / "sounds"), "relative": "../sounds"}
    for odd in (3, {}, {"absolute": 3, "relative": None}, {"absolute": "\0", "relative": "a"}):
        path.write_text(json.dumps(listed | {"root": odd}))
        with pytest.raises(SavedIndexError, match="damaged.*root is"):
            AudioIndex.load(library / "index")
    path.write_text(json.dumps({k: v for k, v in listed.items() if k != "root"}))
    with pytest.raises(SavedIndexError, match="paths are relative, and the root is missing"):
        AudioIndex.load(library / "index").items_  # noqa: B018


def test_a_dry_run_and_an_update_in_the_shell(library, wav_files, tiny_checkpoint, capsys):
    index, sounds = str(library / "index"), library / "sounds"
    options = ["--weights", tiny_checkpoint, "--quiet"]
    shutil.copy(wav_files[4], sounds / "b" / "4.wav")
    os.remove(sounds / "a" / "1.wav")
    os.rename(sounds / "a" / "2.wav", sounds / "5.wav")
    assert main(["index", index, str(sounds), "--update", "--dry-run", *options]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"added\t{sounds}/b/4.wav",
        f"missing\t{sounds}/a/1.wav",
        f"moved\t{sounds}/a/2.wav\t{sounds}/5.wav",
    ]
    assert "nothing was done: 1 added, 0 changed, 1 moved, 1 missing, 1 unchanged" in told.err
    assert len(AudioIndex.load(index)) == 3
    assert main(["index", index, str(sounds), "--update", *options]) == 0
    assert sorted(AudioIndex.load(index).items_) == sounds_of(sounds)
    for option in ("--update", "--dry-run"):
        arguments = ["index", f"{index}x", str(sounds), option, *options]
        fails(arguments, capsys, f"or build it without {option}")


# Filtered


def test_where(library):
    index, sounds = AudioIndex.load(library / "index"), library / "sounds"
    query = sounds_of(sounds)[0]

    def find(**where):
        return sorted(index.search(query, by="audio", where=where)["item"])

    first, second, third = sounds_of(sounds)
    for folder in (sounds / "a", "a", f"{sounds}/a/", [sounds / "a"]):
        assert find(folder=folder) == [first, second]
    assert find(folder=sounds) == find(folder=library) == [first, second, third]
    assert find(folder=["a", "b"]) == [first, second, third]
    assert find(items=[third, first]) == [first, third]
    assert find(folder="a", items=[third, first]) == [first]
    assert find(folder="b", items=[first]) == []
    seconds = index._content.parts[0].clips.seconds
    assert find(duration=(None, float(seconds.max()))) == [first, second, third]
    with pytest.raises(ValueError, match=r"no clips with a duration in \(.*, None\) seconds"):
        find(duration=(float(seconds.max()) + 1, None))


def test_where_without_files(rng):
    names = ["birds/a", "birds/b", "birdsong/c", 7]
    index = AudioIndex("passthrough").fit(rng.normal(size=(4, WIDTH)), items=names)

    def find(where):
        return index.search(np.ones(WIDTH), by="vector", where=where)["item"].tolist()

    assert sorted(find({"folder": "birds"})) == ["birds/a", "birds/b"]
    assert find({"items": 7}) == [7]
    for where, message in [
        ({}, "must be a dict with some of the keys 'folder', 'duration', 'items'"),
        ({"label": "x"}, "must be a dict with"),
        ([1], "must be a dict with"),
        ({"folder": 3}, "the folder 3 must be the name of a folder"),
        ({"folder": "cats"}, "has no clips in the folder 'cats'"),
        ({"duration": 3}, r"must be two numbers of seconds, \(shortest, longest\)"),
        ({"duration": (0, 1)}, "durations of the clips are not known"),
        ({"duration": (9, 1)}, r"duration=\(9, 1\) begins with 9 and ends with 1 seconds"),
        ({"items": ["none"]}, "does not contain the clip 'none'"),
        ({"items": []}, r"items=\[\] names nothing"),
        ({"folder": []}, r"folder=\[\] names nothing"),
    ]:
        with pytest.raises(ValueError, match=message):
            find(where)


def test_where_among_removed_and_in_several_parts(saved, vectors):
    index = AudioIndex.load(saved).remove([5, 205])
    wanted = [1, 3, 201, 203, 259]
    found = index.search(vectors[5], by="vector", where={"items": wanted})
    cosines = unit(vectors[wanted].astype(float)) @ unit(vectors[5].astype(float))
    assert found["item"].tolist() == np.array(wanted)[np.argsort(-cosines)].tolist()


def test_where_in_the_shell(library, tiny_checkpoint, capsys):
    query = sounds_of(library / "sounds")[2]
    command = ["search", str(library / "index"), query, "--by", "audio"]
    assert main([*command, "--folder", "a", "--shortest", "0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main([*command, "--longest", "0.001"]) == 1
    assert "no clips with a duration in (None, 0.001) seconds" in capsys.readouterr().err


def test_benchmark_of_an_update(tmp_path, capsys):
    """After some of the files changed, only these are embedded again."""
    arguments = ["--files", "30", "--changed", "4", "--folder", str(tmp_path)]
    assert index_benchmark.main(["--only", "update", *arguments]) == 0
    told = capsys.readouterr().out
    assert told.startswith("update: 30 files indexed in ")
    assert "after 4 changed, update took " in told
    assert "and embedded 4, save" in told
