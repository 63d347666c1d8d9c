"""An index of vectors that `embed_corpus` wrote: the same as of the sounds, and none is read."""

import os
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile

pytest.importorskip("pyarrow")

from skw2c import AudioIndex, Wav2CLIPTransformer, embed_corpus
from skw2c.cli import main
from skw2c.corpus._folder import CorpusFolder
from skw2c.exceptions import CorpusError, FailedFileWarning
from skw2c.models import FrozenWav2CLIP
from skw2c.search import _embedded_part

from .conftest import make_tone

LONG_AGO = 1_700_000_000


def write_sound(path, seed, seconds=0.5):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    tone = make_tone(np.random.default_rng(seed), round(16000 * seconds))
    soundfile.write(path, tone, 16000, subtype="FLOAT")
    os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A working directory with 40 sounds."""
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        write_sound(f"sounds/{number:02}.wav", number, 0.3 + 0.1 * (number % 5))
    return [os.path.abspath(f"sounds/{number:02}.wav") for number in range(40)]


@pytest.fixture
def embed(files, tiny_checkpoint):
    """Write the vectors of the sounds into ``vectors``."""

    def run(found="sounds", out="vectors", **parameters):
        encoder = Wav2CLIPTransformer(tiny_checkpoint, **parameters)
        return embed_corpus(found, out, encoder, verbose=False)

    return run


@pytest.fixture
def index(tiny_checkpoint):
    """An index that is not fitted."""
    return AudioIndex(Wav2CLIPTransformer(tiny_checkpoint))


def says(result, **counts):
    assert result == {"n_added": 0, "n_changed": 0, "n_unchanged": 0, "n_failed": 0, **counts}


def vectors_of(index):
    """The vectors of an index by the names of its clips, which are there once each."""
    content = index._content
    assert len(set(index.items_)) == len(index)
    ends = np.cumsum(content.counts)
    return dict(zip(index.items_, np.split(content.vectors(), ends[:-1]), strict=True))


def assert_same(index, other):
    one, two = vectors_of(index), vectors_of(other)
    assert sorted(one) == sorted(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def no_network(monkeypatch):
    monkeypatch.setattr(FrozenWav2CLIP, "encode", lambda *_: pytest.fail("a sound is embedded"))


def test_the_same_as_of_the_sounds(files, embed, index, tiny_checkpoint, monkeypatch):
    embed()
    expected = AudioIndex(Wav2CLIPTransformer(tiny_checkpoint)).fit(files)
    with monkeypatch.context() as patched:
        no_network(patched)
        says(index.add_embedded("vectors", save_to="lib"), n_added=40)
        loaded = AudioIndex.load("lib", verify=True)
        report = loaded.update(files, dry_run=True)
    assert loaded.items_ == expected.items_ == report.unchanged
    assert_same(loaded, expected)
    for mine, theirs in zip(loaded._content.sources, expected._content.sources, strict=True):
        assert (mine.path, mine.digest, mine.named) == (theirs.path, theirs.digest, False)
    durations = [part.clips.seconds for part in loaded._content.parts]
    np.testing.assert_allclose(np.concatenate(durations), expected._content.parts[0].clips.seconds)
    query = expected._content.vectors()[7]
    assert loaded.search(query, by="vector", k=1)["item"].tolist() == [files[7]]


def test_what_has_changed_takes_the_place_of_what_was_there(files, embed, index, monkeypatch):
    Path("sounds/03.wav").write_bytes(b"no sound")
    with pytest.warns(FailedFileWarning):
        embed()
    says(index.add_embedded("vectors"), n_added=39, n_failed=1)
    says(index.add_embedded("vectors"), n_unchanged=39, n_failed=1)
    before = vectors_of(index)
    write_sound("sounds/03.wav", 3)
    write_sound("sounds/05.wav", 99)
    write_sound("sounds/21.wav", 98)
    Path("sounds/39.wav").unlink()
    embed()
    no_network(monkeypatch)
    monkeypatch.setattr(_embedded_part, "_AT_ONCE", 1)  # each part by itself
    says(index.add_embedded("vectors"), n_added=1, n_changed=2, n_unchanged=37)
    after = vectors_of(index)
    assert sorted(after) == files
    for name in set(before) - {files[5], files[21]}:
        np.testing.assert_array_equal(after[name], before[name])
    for name in (files[5], files[21]):
        assert not np.array_equal(after[name], before[name])
    assert index.update([], dry_run=True).missing == [files[39]]


def test_clips_keep_the_names_that_they_were_given(files, embed, index, monkeypatch):
    index.fit([files[0], files[0], files[1]], items=["one", "the same", "two"])
    write_sound(files[1], 77)
    embed(files[:3])
    no_network(monkeypatch)
    says(index.add_embedded("vectors"), n_added=1, n_changed=1, n_unchanged=1)
    assert sorted(index.items_) == [files[2], "one", "the same", "two"]
    assert index.update(files[:3], dry_run=True).unchanged == index.items_


def test_a_run_that_ends_early_goes_on(files, embed, index, tiny_checkpoint, monkeypatch):
    embed()
    monkeypatch.setattr(_embedded_part, "_AT_ONCE", 1)
    save, saved = AudioIndex.save, []

    def fail_later(self, folder, **parameters):
        saved.append((len(self), self.method))
        if len(saved) == 3:
            raise OSError("no space left")
        return save(self, folder, **parameters)

    with monkeypatch.context() as patched:
        patched.setattr(AudioIndex, "save", fail_later)
        with pytest.raises(OSError, match="no space left"):
            index.add_embedded("vectors", save_to="lib")
    assert saved == [(16, "exact"), (32, "exact"), (40, "exact")]
    assert index.method == "auto"
    again = AudioIndex.load("lib", method="auto")
    says(again.add_embedded("vectors", save_to="lib"), n_added=8, n_unchanged=32)
    loaded = AudioIndex.load("lib", verify=True)
    assert loaded.method == "auto"
    assert_same(loaded, AudioIndex(Wav2CLIPTransformer(tiny_checkpoint)).fit(files))


def test_the_root_is_that_of_all_files(files, embed, index, monkeypatch):
    write_sound("sounds/a deep one/first.wav", 1)
    embed(os.path.abspath("sounds/a deep one"))
    embed()
    monkeypatch.setattr(_embedded_part, "_AT_ONCE", 1)
    says(index.add_embedded("vectors", save_to="lib"), n_added=41)
    shutil.move("sounds", "moved")
    loaded = AudioIndex.load("lib", root="moved")
    assert loaded.update([], dry_run=True).missing == []


def test_windows(files, embed, tiny_checkpoint):
    framing = dict(mode="frame", hop_length=0.1, tail="pad")
    embed(**framing)
    encoder = Wav2CLIPTransformer(tiny_checkpoint, **framing)
    index, expected = (AudioIndex(encoder, mode="frame") for _ in range(2))
    says(index.add_embedded("vectors"), n_added=40)
    expected.fit(files)
    assert_same(index, expected)
    np.testing.assert_array_equal(
        np.concatenate([part.times for part in index._content.parts]),
        np.concatenate([part.times for part in expected._content.parts]),
    )
    with pytest.raises(CorpusError, match="are of windows, and the index has mode='clip'"):
        AudioIndex(encoder).add_embedded("vectors")
    other = Wav2CLIPTransformer(tiny_checkpoint, **{**framing, "hop_length": 0.2})
    with pytest.raises(CorpusError, match=r"hop_length is 0\.1 there and 0\.2 in the index"):
        AudioIndex(other, mode="frame").add_embedded("vectors")


def test_only_what_matters_to_the_vectors_is_compared(files, embed, tiny_checkpoint):
    embed(files[:2], hop_length=0.1, tail="pad", normalize=True)
    index = AudioIndex(Wav2CLIPTransformer(tiny_checkpoint, hop_length=0.2))
    says(index.add_embedded("vectors"), n_added=2)


def test_vectors_of_another_encoder(files, embed, index):
    embed(files[:2])
    others = Wav2CLIPTransformer(None, random_state=0)
    with pytest.raises(CorpusError, match="weights is 'sha256 .* there and .* in the index"):
        AudioIndex(others).add_embedded("vectors")
    fitted = AudioIndex("passthrough").fit(np.eye(16), items=list(range(16)))
    with pytest.raises(CorpusError, match="are not those of the encoder of the index"):
        fitted.add_embedded("vectors")
    assert len(fitted) == 16
    embed(files[2:4], "others", output="encoder")
    shutil.copy("others/part-000000.parquet", "vectors/part-000001.parquet")
    with pytest.raises(CorpusError, match=r"Part 1 of .*vectors' holds vectors of another encoder"):
        index.add_embedded("vectors")


def test_folders_that_are_none(files, index):
    for folder in ("none", "sounds"):
        with pytest.raises(CorpusError, match=f"'{folder}' is not a folder of vectors: embed_cor"):
            index.add_embedded(folder)
    assert not Path("none").exists()
    with pytest.raises(NotADirectoryError, match="is a file, expected a folder"):
        index.add_embedded(files[0])


def test_sounds_elsewhere(files, embed, index):
    memory = fsspec.filesystem("memory")
    names = [f"memory://takes/{number}.wav" for number in range(3)]
    for name, file in zip(names, files, strict=False):
        memory.put_file(file, name)
    embed(names)
    says(index.add_embedded("vectors"), n_added=3)
    assert index.items_ == names
    memory.put_file(files[9], names[1])
    embed(names)
    says(index.add_embedded("vectors"), n_changed=1, n_unchanged=2)
    assert sorted(vectors_of(index)) == names
    assert index.update([], dry_run=True).missing == []


def test_a_database(files, embed, index, tiny_checkpoint, tmp_path):
    pytest.importorskip("lancedb")
    from skw2c.search import LanceStore

    embed(files[:3])
    stored = AudioIndex(
        Wav2CLIPTransformer(tiny_checkpoint), store=LanceStore(str(tmp_path / "db"), table="t")
    )
    with pytest.raises(ValueError, match="where each change counts at once"):
        stored.add_embedded("vectors", save_to="lib")
    says(stored.add_embedded("vectors"), n_added=3)
    write_sound(files[1], 77)
    embed(files[:3])
    says(stored.add_embedded("vectors"), n_changed=1, n_unchanged=2)
    index.add_embedded("vectors")
    assert_same(stored, index)


def skw2c_index(*arguments):
    return main(["index", "lib", *arguments, "--quiet"])


def test_command_line(files, embed, tiny_checkpoint, monkeypatch, capsys):
    Path("sounds/03.wav").write_bytes(b"no sound")
    with pytest.warns(FailedFileWarning):
        embed()
    no_network(monkeypatch)
    assert skw2c_index("--vectors", "vectors/", "--update") == 1
    assert "there is no index in 'lib' to update" in capsys.readouterr().err
    assert skw2c_index("--vectors", "vectors/") == 3
    assert capsys.readouterr().err == (
        "skw2c: 39 files added to 0 in lib, 0 changed, 0 unchanged, 1 without a vector left out\n"
    )
    monkeypatch.undo()
    os.chdir(Path(files[0]).parents[1])
    write_sound("sounds/03.wav", 3)
    write_sound("sounds/04.wav", 77)
    embed()
    assert skw2c_index("--vectors", "vectors", "--update", "--compact") == 0
    assert "1 files added to 39 in lib, 1 changed, 38 unchanged, 0 without" in (
        capsys.readouterr().err
    )
    expected = AudioIndex(Wav2CLIPTransformer(tiny_checkpoint)).fit(files)
    assert_same(AudioIndex.load("lib"), expected)
    embed(out="windows", mode="frame")
    weights = ["--weights", tiny_checkpoint]
    for arguments, message in [
        (["sounds"], "--vectors and PATH do not go together"),
        (["--dry-run"], "--vectors and --dry-run do not go together"),
        (["--weights", "none"], "makes other vectors than the encoder of the saved index"),
    ]:
        assert skw2c_index(*arguments, "--vectors", "vectors") == 1
        assert message in capsys.readouterr().err
    assert skw2c_index("--vectors", "windows") == 1
    assert "are of windows, and the index has --mode clip" in capsys.readouterr().err
    assert main(["index", "new", "--vectors", "windows", "--quiet"]) == 0
    assert AudioIndex.load("new").mode == "frame"
    assert main(["index", "other", "--vectors", "vectors", "--quiet", *weights]) == 0
    assert_same(AudioIndex.load("other"), expected)


def test_a_folder_in_which_nothing_is_finished(files, embed, index):
    embed(files[:2])
    for number in CorpusFolder("vectors").parts():
        CorpusFolder("vectors").remove_part(number)
    says(index.add_embedded("vectors", save_to="lib"))
    assert len(AudioIndex.load("lib")) == 0
    embed(files[:2])
    says(AudioIndex.load("lib").add_embedded("vectors"), n_added=2)
