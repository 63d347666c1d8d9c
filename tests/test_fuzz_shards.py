"""Damaged shards, records, lists and checkpoints: an error that is documented, or what is whole."""

import hashlib
import io
import json
import re
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skw2c import ClipShards, Distiller
from skw2c.exceptions import LeftOutWarning
from skw2c.training._shard_file import Clip, scan_shard, write_shard
from skw2c.training._shard_folder import LIST
from skw2c.training._shard_record import write_record

from .fuzzing import REPEATABLE, Victim, damaged

WIDTH = 4
RUN = dict(
    encoder_width=1,
    clip_length=0.1,
    batch_size=4,
    max_epochs=2,
    random_state=0,
    verbose=False,
    devices="cpu",
)


@cache
def make_shard() -> dict[str, bytes]:
    """A folder with a shard of three clips: its files by name."""
    stated = {
        "format": "skw2c shards",
        "version": 1,
        "sampling_rate": 16000,
        "frame_rate": 2.0,
        "width": WIDTH,
        "texts": True,
        "teacher": {"model": "by hand"},
        "shards": {"a.tar": ["1.mp4", "2.mp4", "3.mp4"]},
    }
    clips = [
        Clip(
            key=f"a{level}",
            waveform=np.full(300, level, np.int16),
            vectors=np.full((3, WIDTH), level, np.float16),
            facts={"name": f"{level}.mp4", "start": 0, "duration": 1},
            text=np.full(WIDTH, level, np.float16),
        )
        for level in (1, 2, 3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.tar")
        write_shard(path, clips)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        write_record(
            path, scan_shard(path, WIDTH, True)[0], sha256=sha256, width=WIDTH, failures=[]
        )
        files = {name: Path(folder, name).read_bytes() for name in ("a.tar", "a.json")}
    return {**files, LIST: json.dumps(stated).encode()}


def read_shard(path: str) -> int:
    """Open a folder in which one file is damaged, and read all that is left."""
    damage = Path(path)
    files = {**make_shard(), damage.name.removeprefix("bare-"): damage.read_bytes()}
    if damage.name.startswith("bare-"):
        del files["a.json"]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOutWarning)
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        clips = ClipShards(folder, on_error="nan")
        rows = np.arange(len(clips))
        batch = clips.read(rows, np.zeros(len(rows), int), 200)
        assert batch.targets.isfinite().all()
        return len([clips.describe(row) for row in rows])


def make_clips():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 2400)).astype(np.float32), rng.normal(size=(8, 4))


def go_on(path: str) -> int:
    """Fit with a checkpoint that is damaged."""
    folder = Path(tempfile.mkdtemp())
    try:
        shutil.copy(path, folder / "checkpoint.pt")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Distiller(checkpoint_dir=folder, **RUN).fit(*make_clips()).n_iter_
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    errors, folder = ["skw2c.exceptions:ShardError"], tmp_path_factory.mktemp("damaged")
    with Victim("tests.test_fuzz_shards:read_shard", errors, folder) as victim:
        yield victim


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    errors = ["builtins:ValueError", "builtins:FloatingPointError"]
    folder = tmp_path_factory.mktemp("damaged")
    with Victim("tests.test_fuzz_shards:go_on", errors, folder) as victim:
        yield victim


def shards():
    files = make_shard()
    return damaged({**files, "bare-a.tar": files["a.tar"]})


@settings(REPEATABLE, max_examples=150)
@given(case=shards())
def test_damaged_shards(reader, case):
    check_shard(reader, *case)


@pytest.mark.fuzz
@settings(REPEATABLE, max_examples=20_000)
@given(case=shards())
def test_many_damaged_shards(reader, case):
    check_shard(reader, *case)


def check_shard(reader, name, content):
    outcome = reader.run(content, name)
    assert outcome.error is not None or 1 <= outcome.value <= 3


NUMBERS = st.one_of(
    st.integers(-2, 2500),
    st.builds(lambda power, more: 2**power + more, st.integers(8, 70), st.integers(-3, 3)),
    st.sampled_from([None, 1.5, "1", [], {}, True]),
)


@settings(REPEATABLE, max_examples=60)
@given(data=st.data())
def test_records_with_other_numbers(reader, data):
    """Records whose checksum is made to fit."""
    record = json.loads(make_shard()["a.json"])
    record.pop("clips_sha256")
    for _ in range(data.draw(st.integers(1, 3))):
        column = record["clips"][data.draw(st.sampled_from(sorted(record["clips"])))]
        column[data.draw(st.integers(0, 2))] = data.draw(NUMBERS)
    check_shard_of_numbers(reader.run(json.dumps(record).encode(), "a.json"))


def check_shard_of_numbers(outcome):
    # Vectors that are read from another place may be NaN, and facts no JSON.
    assert outcome.value == 3 or "a.tar: clip" in outcome.message


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Of a run that is done, and of one that is not."""
    files = {}
    for epochs in (1, 2):
        folder = tmp_path_factory.mktemp("run")
        Distiller(checkpoint_dir=folder, **{**RUN, "max_epochs": epochs}).fit(*make_clips())
        files[f"{epochs}.pt"] = (folder / "checkpoint.pt").read_bytes()
    return files


@settings(REPEATABLE, max_examples=25)
@given(data=st.data())
def test_damaged_checkpoints(trainer, checkpoints, data):
    check_checkpoint(trainer, *data.draw(damaged(checkpoints)))


@pytest.mark.fuzz
@settings(REPEATABLE, max_examples=5_000)
@given(data=st.data())
def test_many_damaged_checkpoints(trainer, checkpoints, data):
    check_checkpoint(trainer, *data.draw(damaged(checkpoints)))


def check_checkpoint(trainer, name, content):
    outcome = trainer.run(content, name)
    assert outcome.value == 2 or "checkpoint" in outcome.message


VALUES = st.sampled_from(
    [
        None,
        -1,
        0,
        3,
        2**31,
        2**63,
        2**70,
        1.5,
        float("nan"),
        "x",
        [],
        {},
        [1],
        {"x": 1},
        True,
        torch.zeros(0),
        torch.zeros(3),
        torch.zeros(2, 2, dtype=torch.int64),
    ]
)


@settings(REPEATABLE, max_examples=30)
@given(data=st.data())
def test_checkpoints_of_other_values(trainer, checkpoints, data):
    """Checkpoints that are whole, and hold what does not fit."""
    content = torch.load(io.BytesIO(checkpoints["1.pt"]), weights_only=True)
    place, names = content, []
    while isinstance(place, (dict, list)) and place:
        names.append(
            data.draw(st.sampled_from([*place] if isinstance(place, dict) else range(len(place))))
        )
        holder, place = place, place[names[-1]]
        if data.draw(st.booleans()) and len(names) > 1:
            break
    holder[names[-1]] = data.draw(VALUES)
    file = io.BytesIO()
    torch.save(content, file)
    outcome = trainer.run(file.getvalue(), "checkpoint.pt")
    assert outcome.value is not None or re.search("checkpoint|loss of epoch", outcome.message)
