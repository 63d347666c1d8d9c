"""Shards made by hand: keys that come twice, records and lists that state what cannot be."""

import hashlib
import io
import json
import os
import tarfile
import textwrap

import numpy as np
import pytest

from skw2c import ClipShards
from skw2c.exceptions import LeftOutWarning, ShardError
from skw2c.training._shard_file import CLIP, Clip, scan_shard, write_shard
from skw2c.training._shard_folder import LIST
from skw2c.training._shard_record import write_record

from .processes import run_python

WIDTH = 4
STATED = {
    "format": "skw2c shards",
    "version": 1,
    "sampling_rate": 16000,
    "frame_rate": 1.0,
    "width": WIDTH,
    "texts": False,
    "teacher": {"model": "by hand"},
}


def describe(folder, **changes):
    (folder / LIST).write_text(json.dumps({**STATED, **changes}))


def make_clip(key, level):
    """A second of sound and a vector that tell which clip they are of."""
    samples = np.full(16000, level, np.int16)
    return Clip(key, samples, np.full((1, WIDTH), level, np.float16), {"name": f"{level}.mp4"})


def write_recorded(folder, clips, name="a.tar"):
    """A shard with its record, as `write_shards` leaves it."""
    path = folder / name
    write_shard(path, clips)
    index, _ = scan_shard(path, WIDTH, False)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    write_record(path, index, sha256=sha256, width=WIDTH, failures=[])
    return path


def read_levels(clips):
    """Levels of the sounds and of the vectors that go with them."""
    rows = np.arange(len(clips))
    batch = clips.read(rows, np.zeros(len(rows), int), 16000)
    assert (batch.waveforms == batch.waveforms[:, :1]).all()
    return batch.waveforms[:, 0].tolist(), batch.targets[:, 0].tolist()


def reorder(path, order):
    """Write the members of a shard in another order; a place may come twice."""
    with tarfile.open(path) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar]
    with tarfile.open(path, "w") as tar:
        for name, content in (members[place] for place in order):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


# Keys


def test_a_key_that_comes_twice(tmp_path):
    describe(tmp_path)
    write_shard(tmp_path / "a.tar", [make_clip("0", 1), make_clip("1", 2), make_clip("0", 3)])
    message = r"a\.tar, clip 0: the member audio.npy occurs twice, .*Give each .*key of its own"
    with pytest.raises(ShardError, match=message):
        ClipShards(tmp_path)
    with pytest.warns(LeftOutWarning, match="1 of 2 clips"):
        assert read_levels(ClipShards(tmp_path, on_error="nan")) == ([2], [2])


@pytest.mark.parametrize("again", range(3))
def test_a_member_that_comes_twice(tmp_path, again):
    describe(tmp_path)
    write_shard(tmp_path / "a.tar", [make_clip("0", 1), make_clip("0", 9)])
    reorder(tmp_path / "a.tar", [0, 1, 2, 3 + again])
    with pytest.raises(ShardError, match="clip 0: the member .* occurs twice"):
        ClipShards(tmp_path)


def test_members_in_any_order(tmp_path):
    describe(tmp_path)
    write_shard(tmp_path / "a.tar", [make_clip("0", 1), make_clip("1", 2), make_clip("2", 3)])
    reorder(tmp_path / "a.tar", [5, 2, 7, 8, 0, 6, 4, 1, 3])
    assert read_levels(ClipShards(tmp_path)) == ([2, 1, 3], [2, 1, 3])


def test_the_same_key_in_several_shards_and_folders(tmp_path):
    for name, level in (("a.tar", 1), ("b.tar", 2)):
        write_shard(tmp_path / name, [make_clip("0", level)])
    describe(tmp_path)
    assert read_levels(ClipShards(tmp_path)) == ([1, 2], [1, 2])
    write_shard(tmp_path / "c.tar", [make_clip("x/0", 3), make_clip("y/0", 4)])
    assert read_levels(ClipShards(tmp_path / "c.tar")) == ([3, 4], [3, 4])


def test_a_shard_that_is_named_twice_is_read_once(tmp_path, monkeypatch):
    describe(tmp_path)
    write_shard(tmp_path / "a.tar", [make_clip("0", 1)])
    write_shard(tmp_path / "b.tar", [make_clip("0", 2)])
    (tmp_path / "link.tar").symlink_to("b.tar")
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / "b.tar", "b.tar", "./a.tar", tmp_path / "link.tar", tmp_path]
    assert read_levels(ClipShards(paths)) == ([2, 1], [2, 1])


def test_tar_files_that_were_joined(tmp_path):
    """`cat` leaves an end mark between them, behind which nobody looks."""
    describe(tmp_path)
    for name, level in (("a.tar", 1), ("b.tar", 2)):
        write_shard(tmp_path / name, [make_clip(str(level), level)])
    joined = (tmp_path / "a.tar").read_bytes() + (tmp_path / "b.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(joined)
    (tmp_path / "b.tar").unlink()
    with pytest.raises(ShardError, match=r"a\.tar: the file goes on after the end mark"):
        ClipShards(tmp_path)
    with pytest.warns(LeftOutWarning, match="goes on after the end mark"):
        assert read_levels(ClipShards(tmp_path, on_error="nan")) == ([1], [1])


# Records


def change_record(path, change, *, sign=True):
    """Change the record of a shard, and its checksum with it."""
    place = path.with_suffix(".json")
    record = json.loads(place.read_text())
    change(record)
    if sign:
        del record["clips_sha256"]  # as in records of former versions
    place.write_text(json.dumps(record))


COLUMNS = ("audio", "n_samples", "vectors", "n_frames", "facts", "facts_size")


@pytest.mark.parametrize(
    "value",
    [2**63 - 1, 2**62, 2**61, -1, 10**6, 2**64, 10**30, 1.5, "1", None, [1], {}, float("nan")],
)
@pytest.mark.parametrize("name", COLUMNS)
def test_records_that_lead_out_of_the_shard(tmp_path, name, value):
    describe(tmp_path)
    path = write_recorded(tmp_path, [make_clip("0", 1), make_clip("1", 2)])

    def change(record):
        record["clips"][name][1] = value

    change_record(path, change)
    assert read_levels(ClipShards(tmp_path)) == ([1, 2], [1, 2])


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(clips=[]),
        lambda record: record.update(clips=None),
        lambda record: record["clips"].pop("audio"),
        lambda record: record["clips"].update(audio=7),
        lambda record: record["clips"]["audio"].pop(),
        lambda record: record.update(bytes="7"),
        lambda record: record.update(width=None),
        lambda record: record.update(width=2**62),
        lambda record: record.update(failures=3),
        lambda record: record.update(failures=[1]),
        lambda record: record.update(failures=[["0", "x"]]),
        lambda record: record.update(sha256=0),
    ],
)
def test_records_of_another_structure_are_not_trusted(tmp_path, change):
    describe(tmp_path)
    change_record(write_recorded(tmp_path, [make_clip("0", 1)]), change)
    assert read_levels(ClipShards(tmp_path)) == ([1], [1])


def test_a_number_of_a_record_that_changed(tmp_path):
    """One that still lies within the shard, where another sound would be heard."""
    describe(tmp_path)
    path = write_recorded(tmp_path, [make_clip("0", 1), make_clip("1", 2)])

    def change(record):
        record["clips"]["audio"][0] = record["clips"]["audio"][1]

    change_record(path, change, sign=False)
    assert read_levels(ClipShards(tmp_path)) == ([1, 2], [1, 2])


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b'{"clips": 1, "clips": 2}'])
def test_records_that_are_not_json(tmp_path, content):
    describe(tmp_path)
    write_recorded(tmp_path, [make_clip("0", 1)]).with_suffix(".json").write_bytes(content)
    assert read_levels(ClipShards(tmp_path)) == ([1], [1])


def test_facts_that_describe_nothing(tmp_path):
    describe(tmp_path)
    for content in ("[1]", "[" * 100_000, "{", "7", '{"name": "\\ud800"}'):
        clip = make_clip("0", 1)
        write_shard(tmp_path / "a.tar", [clip])
        with tarfile.open(tmp_path / "a.tar", "a") as tar:
            member = tarfile.TarInfo("1.json")
            member.size = len(content)
            for kind, array in (("audio.npy", clip.waveform), ("vectors.npy", clip.vectors)):
                file = io.BytesIO()
                np.save(file, array)
                other = tarfile.TarInfo(f"1.{kind}")
                other.size = file.tell()
                file.seek(0)
                tar.addfile(other, file)
            tar.addfile(member, io.BytesIO(content.encode()))
        clips = ClipShards(tmp_path)
        assert len(clips) == 2
        if not content.startswith('{"'):
            with pytest.raises(ShardError, match=r"a\.tar: clip 1 cannot be read \(its json does"):
                clips.describe(1)


# The list


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_rate": 0}, "'frame_rate' is 0"),
        ({"frame_rate": float("nan")}, "is nan"),
        ({"frame_rate": 1e308}, "'frame_rate' is 1e"),
        ({"frame_rate": 10**400}, "'frame_rate' is 1"),
        ({"frame_rate": True}, "'frame_rate' is True"),
        ({"width": 0}, "'width' is 0"),
        ({"width": 2**70}, "'width' is"),
        ({"width": True}, "'width' is True"),
        ({"sampling_rate": "16000"}, "'sampling_rate' is '16000'"),
        ({"texts": 1}, "'texts' is 1"),
        ({"teacher": []}, "'teacher'"),
        ({"shards": 3}, "'shards' does not list"),
        ({"shards": ["a.tar"]}, "'shards' does not list"),
        ({"shards": {"a.tar": 3}}, "'shards' does"),
        ({"shards": {"../a.tar": []}}, "lists '../a.tar'"),
        ({"shards": {"/a.tar": []}}, "lists"),
        ({"shards": {"a\0.tar": []}}, "lists"),
        ({"shards": {"a.txt": []}}, "lists 'a.txt'"),
    ],
)
def test_lists_that_state_what_cannot_be(tmp_path, changes, message):
    describe(tmp_path, **changes)
    write_shard(tmp_path / "a.tar", [make_clip("0", 1)])
    with pytest.raises(ShardError, match=message):
        ClipShards(tmp_path)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"format": 1, "format": 2}', "\0", "1e999"])
def test_lists_that_are_not_json(tmp_path, content):
    (tmp_path / LIST).write_text(content)
    write_shard(tmp_path / "a.tar", [make_clip("0", 1)])
    with pytest.raises(ShardError, match=r"shards\.json' is (damaged|not a list)"):
        ClipShards(tmp_path)


# Files


@pytest.mark.parametrize("name", ["a.tar", "a.json", LIST])
def test_pipes_are_not_waited_for(tmp_path, name):
    describe(tmp_path)
    write_recorded(tmp_path, [make_clip("0", 1)])
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    if name == "a.json":
        assert read_levels(ClipShards(tmp_path)) == ([1], [1])
        return
    with pytest.raises(ShardError, match="pipe"):
        ClipShards(tmp_path)


def test_a_shard_that_is_cut_off_while_it_is_open(tmp_path):
    """Memory that is mapped from it would be gone, and the process with it."""
    describe(tmp_path)
    write_recorded(tmp_path, [make_clip("0", 1), make_clip("1", 2)])
    program = """
        import os, sys
        import numpy as np
        from skw2c import ClipShards
        from skw2c.exceptions import ShardError

        clips, first, second = ClipShards(sys.argv[1]), np.array([0]), np.array([1])
        clips.read(first, first, 16000)
        os.truncate(sys.argv[1] + "/a.tar", 5000)
        for read in (lambda: clips.read(second, first, 16000), lambda: clips.describe(1)):
            try:
                read()
            except ShardError as exc:
                assert "a.tar: clip 1 cannot be read (the file ends before byte" in str(exc), exc
            else:
                raise AssertionError
    """
    run_python("-c", textwrap.dedent(program), tmp_path)


@pytest.mark.parametrize("size", [-1, -512, -(2**40), 2**40, 2**62])
def test_sizes_in_headers_that_cannot_be(tmp_path, size):
    describe(tmp_path)
    path = tmp_path / "a.tar"
    write_shard(path, [make_clip("0", 1), make_clip("1", 2)])
    content = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        start = tar.getmember("1.json").offset
    header = tarfile.TarInfo("1.json")
    header.size = size
    content[start : start + 512] = header.tobuf(tarfile.GNU_FORMAT)
    path.write_bytes(content)
    with pytest.raises(ShardError, match=r"a\.tar"):
        ClipShards(tmp_path)
    with pytest.warns(LeftOutWarning):
        assert read_levels(ClipShards(tmp_path, on_error="nan")) == ([1], [1])


def test_the_index_holds_what_a_record_can():
    assert CLIP.itemsize == 8 * len(CLIP.names)
