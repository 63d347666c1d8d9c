"""Files that appear whole or not at all: links, modes, leftovers, full disks."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from skw2c.system import _atomic
from skw2c.system._atomic import (
    check_place,
    open_atomically,
    remove_leftovers,
    replace_atomically,
    write_atomically,
)


@pytest.fixture
def link(tmp_path):
    """A link in one folder to a file in another."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "target.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "target.csv")
    return tmp_path / "link.csv"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_link_is_written_through(link):
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (link.parent / "there" / "target.csv").read_text() == "new"
    assert names(link.parent / "there") == ["target.csv"]


def test_a_link_to_a_link_and_to_what_is_not_there_yet(link):
    second = link.parent / "second"
    second.symlink_to("link.csv")
    (link.parent / "there" / "target.csv").unlink()
    write_atomically(second, b"new")
    assert second.is_symlink() and link.is_symlink()  # noqa: PT018
    assert (link.parent / "there" / "target.csv").read_text() == "new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_the_mode_of_a_file_is_kept(link, mode):
    target = link.parent / "there" / "target.csv"
    target.chmod(mode)
    for path in (link, target):
        write_atomically(path, b"new")
        assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"")
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_what_cannot_be_written(tmp_path):
    (tmp_path / "folder").mkdir()
    for name, target in (("d", "folder"), ("broken", "none/a"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    for name, kind, message in (
        ("folder", IsADirectoryError, "is a folder, and a file is to be written"),
        ("d", IsADirectoryError, "a link to '.*folder', which is a folder"),
        ("broken", FileNotFoundError, "a link to '.*none/a', whose folder does not exist"),
        ("loop", OSError, "symbolic links"),
        ("pipe", OSError, "is a device or a pipe, not a file"),
        ("none/a", FileNotFoundError, "the folder '.*none' does not exist"),
        ("folder/a\0", ValueError, "null"),
    ):
        before = names(tmp_path)
        with pytest.raises(kind, match=message) as caught:
            write_atomically(tmp_path / name, b"new")
        if kind is not ValueError:
            assert caught.value.filename == str(tmp_path / name)
            assert caught.value.errno
        assert names(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_where_one_may_not_write(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected"):
        write_atomically(path, b"new")
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match="the folder .* cannot be written to"):
        write_atomically(tmp_path / "b", b"new")
    tmp_path.chmod(0o755)


def test_no_permission_is_said_of_the_folder(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied", args[0])

    monkeypatch.setattr(_atomic.os, "open", refuse)
    with pytest.raises(PermissionError, match="the folder .* cannot be written to") as caught:
        write_atomically(tmp_path / "b", b"new")
    assert caught.value.filename == str(tmp_path / "b")


def test_names_of_any_length(tmp_path):
    for name in ("x" * 250 + ".npy", "é" * 120 + ".npy", os.fsdecode(b"\xe9" * 240) + ".npy"):
        write_atomically(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_an_error_in_the_block_leaves_what_was_there(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(ValueError, match="mine"), open_atomically(path) as file:  # noqa: PT012
        file.write(b"new")
        raise ValueError("mine")
    with pytest.raises(FileNotFoundError, match="other"), replace_atomically(path):
        open(tmp_path / "other").close()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def _write_and_die(path):
    with open_atomically(path) as file:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def _leave_something(path):
    process = multiprocessing.get_context("fork").Process(target=_write_and_die, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    (tmp_path / ".mine.skw2c-0").write_text("mine")
    for name in ("a.npy", "b.json", "a.npy"):
        _leave_something(tmp_path / name)
        assert len(names(tmp_path)) == 2  # the next that was killed removed it, too
    write_atomically(tmp_path / "c", b"whole")
    assert names(tmp_path) == [".mine.skw2c-0", "c"]


def test_what_live_writers_write_stays(tmp_path):
    with open_atomically(tmp_path / "a") as one, open_atomically(tmp_path / "b") as two:
        write_atomically(tmp_path / "c", b"c")
        code = "import sys; from skw2c.system._atomic import remove_leftovers as r; r(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)  # noqa: S603
        one.write(b"one")
        two.write(b"two")
    assert [(tmp_path / name).read_bytes() for name in "abc"] == [b"one", b"two", b"c"]
    assert names(tmp_path) == ["a", "b", "c"]


def test_what_another_machine_writes_stays_for_a_day(tmp_path, monkeypatch):
    monkeypatch.setattr(_atomic, "_host", lambda: "0123abcd")
    _leave_something(tmp_path / "a")
    monkeypatch.undo()
    remove_leftovers(tmp_path)
    [left] = tmp_path.iterdir()
    then = time.time() - 100_000
    os.utime(left, (then, then))
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_where_there_are_no_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(_atomic.fcntl, "flock", refuse)
    with open_atomically(tmp_path / "a") as file:
        remove_leftovers(tmp_path)
        file.write(b"a")
    assert names(tmp_path) == ["a"]


FULL_DISK = """
import io, resource, signal, sys, tarfile
import numpy as np, pandas as pd, torch
import pyarrow
from skw2c.system._atomic import open_atomically
x = np.random.default_rng(0).normal(size=50_000)

def write_tar(file):
    entry = tarfile.TarInfo("x")
    entry.size = x.nbytes
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(x))

WRITERS = [
    lambda file: np.save(file, x),
    lambda file: np.savez(file, x=x),
    lambda file: torch.save({"x": torch.tensor(x)}, file),
    lambda file: pd.DataFrame(x).to_csv(file),
    lambda file: pd.DataFrame(dict(x=x)).to_parquet(file),
    write_tar,
]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for write in WRITERS:
    try:
        with open_atomically(sys.argv[1]) as file:
            write(file)
    except OSError as error:
        print(error.errno, error.strerror, error.filename, error, sep="|")
"""


def test_a_full_disk_says_so(tmp_path):
    """numpy and torch raise errors that say neither what nor where."""
    path = str(tmp_path / "there")
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FULL_DISK, path], check=True, capture_output=True, text=True
    )
    message = f"[Errno 27] File too large: {path!r}"
    assert result.stdout.splitlines() == [f"27|File too large|{path}|{message}"] * 6
    assert names(tmp_path) == []


def test_the_folder_is_synced_after_the_file(tmp_path, monkeypatch):
    order, fsync, replace = [], os.fsync, os.replace

    def sync(handle):
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def move(*paths):
        order.append("name")
        replace(*paths)

    monkeypatch.setattr(_atomic.os, "fsync", sync)
    monkeypatch.setattr(_atomic.os, "replace", move)
    write_atomically(tmp_path / "a", b"")
    assert order == ["file", "name", "folder"]
    order.clear()
    write_atomically(tmp_path / "a", b"", durable=False)
    assert order == ["name"]


def test_numpy_and_others_write_by_the_name(tmp_path):
    with replace_atomically(tmp_path / "a.npy") as temporary:
        assert temporary.suffix == ".npy"
        np.save(temporary, np.arange(5))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.arange(5))
    assert check_place(tmp_path / "a.npy") == tmp_path / "a.npy"
