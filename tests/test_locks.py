"""Locks that end with their process."""

import subprocess
import sys
import threading

import pytest

from skw2c.system._locks import LockedError, hold_lock

HOLD = """
import sys
from skw2c.system._locks import hold_lock
with hold_lock(sys.argv[1], "held"):
    print("holding", flush=True)
    sys.stdin.read()
"""


def test_two_holders_in_one_process(tmp_path):
    with (
        hold_lock(tmp_path / "lock", "is written by another run"),
        pytest.raises(LockedError, match="is written by another run"),
        hold_lock(tmp_path / "lock", "is written by another run"),
    ):
        pass
    with hold_lock(tmp_path / "lock", "held"):
        pass


def test_what_was_killed_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    assert other.stdout.readline().strip() == b"holding"
    with pytest.raises(LockedError, match="held"), hold_lock(tmp_path / "lock", "held"):
        pass
    other.kill()
    other.communicate()
    with hold_lock(tmp_path / "lock", "held", timeout=10):
        pass


def test_waiting(tmp_path):
    released = threading.Event()

    def wait():
        with hold_lock(tmp_path / "lock", "held", timeout=60):
            released.set()

    thread = threading.Thread(target=wait)
    with hold_lock(tmp_path / "lock", "held"):
        thread.start()
        assert not released.wait(0.1)
    thread.join(60)
    assert released.is_set()
