"""An index follows its files: unchanged, changed, moved, missing, told apart by content."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from skw2c import AudioIndex, Wav2CLIPTransformer
from skw2c.cli import main
from skw2c.exceptions import AudioError, FailedClipWarning, SavedIndexError
from skw2c.models import FrozenWav2CLIP

from .old_index import save_as_version_1


@pytest.fixture
def library(tmp_path, wav_files, monkeypatch):
    """A folder ``lib`` of three sounds, in which the test runs."""
    (tmp_path / "lib").mkdir()
    for name, file in zip("abc", wav_files, strict=False):
        shutil.copy(file, tmp_path / "lib" / f"{name}.wav")
    monkeypatch.chdir(tmp_path)
    return [f"lib/{name}.wav" for name in "abc"]


@pytest.fixture
def index(library, tiny_checkpoint):
    return AudioIndex(Wav2CLIPTransformer(tiny_checkpoint)).fit(library)


@pytest.fixture
def n_computed(monkeypatch):
    """How many frames the network saw."""
    counts, encode = [], FrozenWav2CLIP.encode

    def counting(self, inputs, output):
        counts.append(len(inputs))
        return encode(self, inputs, output)

    monkeypatch.setattr(FrozenWav2CLIP, "encode", counting)
    return lambda: (sum(counts), counts.clear())[0]


def says(report, **expected):
    every = {kind: [] for kind in ["added", "changed", "moved", "unchanged", "missing", "failed"]}
    assert dict(report) == {**every, **expected}


def is_found(index, *files):
    """Each file is found by its own sound, with its own vector."""
    assert index.items_ == list(files)
    expected = Wav2CLIPTransformer(index.encoder.weights, mode=index.mode).fit_transform(
        list(files)
    )
    for file, vectors in zip(files, expected, strict=True):
        best = index.search(np.atleast_2d(vectors)[-1], by="vector", k=1)
        assert best["item"][0] == file
        assert best["score"][0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("again", ["list", "relative", "link", "folder", "twice"])
def test_the_same_file_stands_once(index, library, again, n_computed):
    os.symlink("lib", "linked")
    os.symlink("lib/a.wav", "link.wav")
    n_computed()
    files = {
        "list": library,
        "relative": ["lib/../lib/a.wav", os.path.abspath("lib/b.wav"), Path("lib/c.wav")],
        "link": ["link.wav"],
        "folder": ["linked/a.wav", "linked/b.wav"],
        "twice": library * 2,
    }[again]
    assert index.add(files) is index
    report = index.update(files)
    assert n_computed() == 0
    is_found(index, *library)
    assert sorted(report.unchanged) == sorted(library[: len(report.unchanged)])
    assert len(AudioIndex(index.encoder).fit([*library, *files])) == 3


@pytest.mark.parametrize("mode", ["clip", "frame"])
@pytest.mark.parametrize("method", ["exact", "faiss"])
@pytest.mark.parametrize("saved", [False, True])
def test_what_became_of_each_file(index, library, wav_files, mode, method, saved, n_computed):
    index.set_params(mode=mode, method=method).fit(library)
    index.search(wav_files[0], by="audio")
    if saved:
        index.save("idx")
        index = AudioIndex.load("idx")
    n_computed()
    shutil.copy(wav_files[3], "lib/a.wav")
    os.remove("lib/b.wav")
    os.rename("lib/c.wav", "lib/moved.wav")
    shutil.copy(wav_files[4], "lib/new.wav")
    now = ["lib/a.wav", "lib/moved.wav", "lib/new.wav"]
    expected = dict(
        added=["lib/new.wav"],
        changed=["lib/a.wav"],
        moved=[("lib/c.wav", "lib/moved.wav")],
        missing=["lib/b.wav"],
    )
    says(index.update(now, dry_run=True), **expected)
    assert index.items_ == library
    assert n_computed() == 0
    says(index.update(now), **expected)
    assert n_computed() > 0
    is_found(index, "lib/moved.wav", "lib/a.wav", "lib/new.wav")
    index.save("idx")
    is_found(AudioIndex.load("idx"), "lib/moved.wav", "lib/a.wav", "lib/new.wav")
    n_computed()
    says(
        AudioIndex.load("idx").update(now), unchanged=["lib/a.wav", "lib/moved.wav", "lib/new.wav"]
    )
    assert n_computed() == 0


def test_a_renamed_folder_is_not_computed_again(index, library, n_computed):
    index.save("idx")
    arrays = {path.name for path in Path("idx").glob("*.vectors.npy")}
    n_computed()
    os.rename("lib", "moved")
    now = [file.replace("lib", "moved") for file in library]
    index = AudioIndex.load("idx")
    says(index.update(now), moved=list(zip(library, now, strict=True)))
    index.save("idx")
    assert n_computed() == 0
    assert {path.name for path in Path("idx").glob("*.vectors.npy")} == arrays  # nor written again
    is_found(AudioIndex.load("idx"), *now)


def test_adding_finds_what_changed_and_moved_but_keeps_what_is_gone(index, library, wav_files):
    shutil.copy(wav_files[3], "lib/a.wav")
    os.remove("lib/b.wav")
    os.rename("lib/c.wav", "lib/d.wav")
    index.add(["lib/a.wav", "lib/d.wav"])
    assert index.items_ == ["lib/b.wav", "lib/d.wav", "lib/a.wav"]
    says(index.update([], missing="keep"))
    says(index.update([]), missing=["lib/b.wav"])
    is_found(index, "lib/d.wav", "lib/a.wav")
    with pytest.raises(ValueError, match="missing='drop', expected 'remove' or 'keep'"):
        index.update([], missing="drop")


def test_times_alone_change_nothing(index, library, n_computed):
    n_computed()
    os.utime("lib/a.wav", (1, 1))
    says(index.update(["lib/a.wav"]), unchanged=["lib/a.wav"])
    assert n_computed() == 0


def test_the_same_size_and_time_with_other_content(index, library):
    status = os.stat("lib/a.wav")
    content = bytearray(Path("lib/a.wav").read_bytes())
    content[-4000:-2000], content[-2000:] = content[-2000:], content[-4000:-2000]
    Path("lib/a.wav").write_bytes(content)
    os.utime("lib/a.wav", ns=(status.st_atime_ns, status.st_mtime_ns))
    says(index.update(["lib/a.wav"]), changed=["lib/a.wav"])


def test_copies_are_files_of_their_own(index, library):
    shutil.copy("lib/a.wav", "lib/copy.wav")
    says(index.update(["lib/copy.wav"]), added=["lib/copy.wav"])
    assert index.items_ == [*library, "lib/copy.wav"]
    os.rename("lib/a.wav", "lib/1.wav")
    os.rename("lib/copy.wav", "lib/2.wav")
    report = index.update(["lib/1.wav", "lib/2.wav"])
    assert report.moved == [("lib/a.wav", "lib/1.wav"), ("lib/copy.wav", "lib/2.wav")]


def test_files_that_swap_their_names(index, library):
    os.rename("lib/a.wav", "x")
    os.rename("lib/b.wav", "lib/a.wav")
    os.rename("x", "lib/b.wav")
    says(index.update(library), changed=["lib/a.wav", "lib/b.wav"], unchanged=["lib/c.wav"])
    is_found(index, "lib/c.wav", "lib/a.wav", "lib/b.wav")


def test_names_of_ones_own(library, tiny_checkpoint, wav_files, waveforms):
    index = AudioIndex(Wav2CLIPTransformer(tiny_checkpoint)).fit(library, items=["A", "B", 7])
    index.add(library[:1], items=["A"]).add(library[:1], items=["again"]).add(library[:1])
    assert index.items_ == ["A", "B", 7, "again"]
    shutil.copy(wav_files[3], "lib/a.wav")
    os.rename("lib/b.wav", "lib/d.wav")
    os.remove("lib/c.wav")
    says(
        index.update(["lib/a.wav", "lib/d.wav"]),
        changed=["A", "again"],
        moved=[("B", "B")],
        missing=[7],
    )
    assert index.items_ == ["B", "A", "again"]
    index.add(waveforms[:2], items=["B", "x"])  # samples are no files, and never the same
    assert index.items_ == ["B", "A", "again", "B", "x"]
    says(index.update(waveforms[1:3], items=["x", "y"]), changed=["x"], added=["y"])
    assert index.items_ == ["B", "A", "again", "B", "x", "y"]
    assert index.remove(["B", Path("lib/a.wav")]).items_ == ["x", "y"]


def test_remove(index, library):
    for wrong in ("none.wav", 3, ["lib/a.wav", "none.wav"]):
        with pytest.raises(ValueError, match="does not contain the clip .* no clips were removed"):
            index.remove(wrong)
    assert index.items_ == library
    index.save("idx").remove(os.path.abspath("lib/b.wav")).save("idx")
    is_found(AudioIndex.load("idx"), "lib/a.wav", "lib/c.wav")
    index.remove(["lib/a.wav", "lib/c.wav"])
    assert (len(index), index.n_vectors_) == (0, 0)
    with pytest.raises(ValueError, match="index is empty"):
        index.search("lib/a.wav", by="audio")
    index.save("idx")
    assert AudioIndex.load("idx").items_ == []
    is_found(AudioIndex.load("idx").add(library), *library)


@pytest.mark.parametrize("method", ["exact", "faiss"])
def test_a_large_index_is_right_after_it_lost_some(rng, method, tmp_path):
    vectors = rng.normal(size=(17_000, 8)).astype(np.float32)
    index = AudioIndex("passthrough", method=method).fit(vectors)
    index.search(vectors[:1], by="vector")
    index.remove(range(0, 600, 2)).save(tmp_path)
    for one in (index, AudioIndex.load(tmp_path)):
        found = one.search(vectors[:600], by="vector", k=1)["item"]
        assert found[1::2].tolist() == list(range(1, 600, 2))
        assert not set(found) & set(range(0, 600, 2))
        assert len(one) == 16_700


def test_a_file_that_cannot_be_read_any_more(index, library):
    index.save("idx")
    Path("lib/a.wav").write_text("no sound")
    before = index.items_
    with pytest.raises(AudioError, match=r"lib/a.wav"):
        index.update(library)
    assert index.items_ == before
    index.set_params(encoder__on_error="nan")
    index._fitted_encoder().set_params(on_error="nan")
    with pytest.warns(FailedClipWarning):
        report = index.update(library)
    says(report, unchanged=library[1:], failed=["lib/a.wav"])
    assert index.items_ == library[1:]  # its old vector is not that of the file
    assert index.failed_items_ == ["lib/a.wav"]


def test_an_index_that_was_saved_before_files_were_known(index, library, n_computed):
    paths = [os.path.abspath(file) for file in library]
    index.fit(paths).save("idx")
    save_as_version_1(Path("idx"))
    [part] = Path("idx").glob("*.items.json")
    content = json.loads(part.read_text())
    del content["sources"]
    rewrite(part, content)
    old = AudioIndex.load("idx")
    assert old.search(paths[0], by="audio", k=1)["item"][0] == paths[0]
    os.remove("lib/b.wav")
    n_computed()
    says(old.update(paths[:1]), changed=paths[:1], missing=paths[1:2])
    assert n_computed() == 1
    assert old.items_ == [paths[2], paths[0]]


def rewrite(path, content):
    """Change a file of an index, and what the list says of it."""
    import hashlib

    text = json.dumps(content).encode()
    path.write_bytes(text)
    listed = json.loads(Path("idx/index.json").read_text())
    for files in listed["parts"]:
        files["items"] |= {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    Path("idx/index.json").write_text(json.dumps(listed))


@pytest.mark.parametrize(
    "sources",
    [
        3,
        [],
        [3] * 3,
        [["a", None, None]] * 3,
        [["a", [1], None, False]] * 3,
        [["a", None, 3, False]] * 3,
        [["\0", None, None, False]] * 3,
    ],
)
def test_sources_that_somebody_wrote(index, sources):
    index.save("idx")
    save_as_version_1(Path("idx"))
    [part] = Path("idx").glob("*.items.json")
    rewrite(part, {**json.loads(part.read_text()), "sources": sources})
    with pytest.raises(SavedIndexError, match="damaged"):
        AudioIndex.load("idx")


def test_the_shell_says_what_became_of_the_files(library, wav_files, tiny_checkpoint, capsys):
    def run(*arguments):
        shell = ["index", "idx", *arguments, "--weights", tiny_checkpoint, "--quiet"]
        assert main(shell) == 0
        return capsys.readouterr().err.splitlines()[-1]

    assert run("lib") == "skw2c: 3 files added to 0 in idx"
    shutil.copy(wav_files[3], "lib/a.wav")
    os.remove("lib/b.wav")
    os.rename("lib/c.wav", "lib/d.wav")
    assert run("lib", "--keep-missing") == (
        "skw2c: 0 files added to 3 in idx, 1 changed and embedded again, 1 moved"
    )
    assert run("lib") == "skw2c: 0 files added to 3 in idx, 1 missing and removed, 2 unchanged"
    os.symlink("lib", "link")
    assert run("link") == "skw2c: 0 files added to 2 in idx, 2 unchanged"
    assert sorted(AudioIndex.load("idx").items_) == [
        os.path.abspath("lib/a.wav"),
        os.path.abspath("lib/d.wav"),
    ]


def test_an_index_saved_when_the_embedding_was_called_clip(index, library, tiny_checkpoint):
    index.save("saved")
    listed = json.loads(Path("saved/index.json").read_text())
    assert listed["encoder"]["parameters"]["output"] == "embedding"
    listed["encoder"]["parameters"]["output"] = "clip"
    Path("saved/index.json").write_text(json.dumps(listed))
    for opened in (
        AudioIndex.load("saved"),
        AudioIndex.load("saved", encoder=Wav2CLIPTransformer(tiny_checkpoint)),
    ):
        assert opened.search(library[1], by="audio", k=1)["item"][0] == library[1]
