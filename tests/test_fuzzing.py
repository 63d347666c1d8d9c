"""The harness of the fuzz tests notices what it is there to notice."""

import json
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings

from tests import fuzzing

DOCUMENTED = ["json:JSONDecodeError"]


def misbehave(path):
    """Do what the file says."""
    with open(path, encoding="utf-8") as file:
        order = json.load(file)
    if order == "crash":
        os.kill(os.getpid(), 11)
    if order == "hang":
        time.sleep(600)
    if order == "swell":
        return len(np.ones(fuzzing.MEMORY // 4))
    if order == "raise":
        raise KeyError(order)
    return order


@pytest.fixture
def victim(tmp_path):
    with fuzzing.Victim("tests.test_fuzzing:misbehave", DOCUMENTED, tmp_path) as victim:
        yield victim


def test_outcomes(victim, monkeypatch):
    monkeypatch.setattr(fuzzing, "SECONDS", 3)
    assert victim.run(b"[1, 2]", "a.json").value == [1, 2]
    assert victim.run(b"[1, 2", "a.json").error == "JSONDecodeError"
    for order, told in {
        "crash": "died of signal 11",
        "hang": "took more than",
        "swell": "undocumented _ArrayMemoryError",
        "raise": "undocumented KeyError",
    }.items():
        with pytest.raises(AssertionError, match=told):
            victim.run(json.dumps(order).encode(), "a.json")
        assert victim.run(b"7", "a.json").value == 7


@settings(fuzzing.REPEATABLE, max_examples=50)
@given(fuzzing.damaged({"a": b"0123456789", "b": bytes(300)}))
def test_damage_changes_the_content(drawn):
    name, content = drawn
    assert name in "ab"
    assert isinstance(content, bytes)
