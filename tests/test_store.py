"""What ``memory=`` keeps: right or computed again, and nothing that runs."""

import errno
import os
import pickle
import warnings

import joblib
import numpy as np
import pytest

from skw2c import Wav2CLIPTransformer
from skw2c.system import _vector_store as store_module
from skw2c.system._atomic import _host
from skw2c.system._vector_store import VectorStore


class Clip:
    """A clip of some content."""

    def __init__(self, content):
        self._content = content

    def digest(self):
        return self._content


@pytest.fixture
def kept(tmp_path, rng):
    """A store that knows one clip, its key, its vectors, its file."""
    store = VectorStore(tmp_path, ("weights", 1))
    vectors = rng.normal(size=(3, 8)).astype(np.float32)
    key = store.key(Clip("a"))
    store.put(key, vectors)
    [path] = tmp_path.rglob("*.vectors")
    return store, key, vectors, path


def test_what_is_kept_comes_back(kept, tmp_path):
    store, key, vectors, _ = kept
    for again in (store, VectorStore(str(tmp_path), ("weights", 1))):
        found = again.get(key)
        np.testing.assert_array_equal(found, vectors)
        assert found.dtype == np.float32
        found += 1  # it is the caller's own
    np.testing.assert_array_equal(store.get(key), vectors)
    other = VectorStore(tmp_path, ("weights", 2))
    assert other.get(other.key(Clip("a"))) is None
    assert store.get(store.key(Clip("b"))) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_the_folder_is_not_waited_for(kept):
    store, key, vectors, path = kept
    path.unlink()
    os.mkfifo(path)
    with pytest.warns(UserWarning, match="cannot be read \\(it is not a file"):
        assert store.get(key) is None
    path.unlink()
    store.put(key, vectors)
    assert np.array_equal(store.get(key), vectors)


def test_nothing_is_kept_without_a_folder(tmp_path):
    for memory in (None, joblib.Memory(None, verbose=0)):
        store = VectorStore(memory, ())
        assert store.key(Clip("a")) is None
        assert store.get(None) is None
        store.put(None, np.ones((1, 2), np.float32))


def test_every_flipped_bit_is_noticed(kept):
    _, key, vectors, path = kept
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (1, 64):
            path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
            store = VectorStore(path.parents[2], ("weights", 1))
            with pytest.warns(UserWarning, match=f"{path.name}.* is damaged"):
                assert store.get(key) is None
    store.put(key, vectors)
    np.testing.assert_array_equal(store.get(key), vectors)


@pytest.mark.parametrize("size", [0, 1, 20, 40, 100, -1])
def test_files_that_are_cut_off_or_of_another_clip(kept, size):
    store, key, vectors, path = kept
    path.write_bytes(path.read_bytes()[:size])
    with pytest.warns(UserWarning, match="damaged"):
        assert store.get(key) is None
    store.put(key, vectors)
    other = store.key(Clip("b"))
    there = path.parents[1] / other[:2] / f"{other}.vectors"
    there.parent.mkdir(exist_ok=True)
    there.write_bytes(path.read_bytes())
    store = VectorStore(path.parents[2], ("weights", 1))
    with pytest.warns(UserWarning, match="damaged"):
        assert store.get(other) is None


def test_a_warning_comes_once(kept):
    store, key, _, path = kept
    path.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        store.get(key)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.get(key) is None


class Harmful:
    """Would make a folder if it were unpickled."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return os.mkdir, (str(self._path),)


def test_nothing_in_the_folder_can_run(tiny_checkpoint, wav_files, tmp_path):
    """Whoever may write into the folder may not thereby run code."""
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path / "m")
    expected = transformer.fit_transform(wav_files[:2])
    files = [path for path in (tmp_path / "m").rglob("*") if path.is_file()]
    for path in files:
        path.write_bytes(pickle.dumps(Harmful(tmp_path / "ran")))
    with pytest.warns(UserWarning, match="damaged"):
        found = transformer.transform(wav_files[:2])
    np.testing.assert_array_equal(found, expected)
    assert not (tmp_path / "ran").exists()
    assert len(files) == 2


def test_a_transformer_computes_again_what_is_damaged(tiny_checkpoint, wav_files, tmp_path):
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path)
    expected = transformer.fit_transform(wav_files)
    path = next(tmp_path.rglob("*.vectors"))
    content = bytearray(path.read_bytes())
    content[-101] ^= 64
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="is not what was written: it is damaged"):
        np.testing.assert_array_equal(transformer.transform(wav_files), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(transformer.transform(wav_files), expected)


def test_a_full_disk_keeps_nothing_and_loses_nothing(
    tiny_checkpoint, wav_files, tmp_path, monkeypatch
):
    def fill(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(wav_files)
    monkeypatch.setattr(store_module, "write_atomically", fill)
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path)
    with pytest.warns(UserWarning, match=r"cannot be written \(No space left on device\)") as said:
        np.testing.assert_array_equal(transformer.fit_transform(wav_files), expected)
    assert len(said) == 1


def test_a_file_is_no_folder(tiny_checkpoint, wav_files, tmp_path):
    (tmp_path / "m").write_text("mine")
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path / "m")
    with pytest.raises(NotADirectoryError, match="memory= needs a folder"):
        transformer.fit_transform(wav_files)


def test_leftovers_of_killed_runs_are_removed(kept):
    _, key, vectors, path = kept
    left = path.with_name(f".skw2c-{_host()}-{'0' * 32}.{path.name}")
    left.write_bytes(b"half")
    VectorStore(path.parents[2], ("weights", 1)).put(key, vectors)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
