"""Shards: what is written, that it is read as from memory, and what happens to what is broken."""

import csv
import gzip
import io
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from skw2c import (
    ClipShards,
    CLIPTextEncoder,
    CLIPVideoEncoder,
    Distiller,
    load_audio,
    write_shards,
)
from skw2c.distillation import _shard_source
from skw2c.distillation._shard_source import cut
from skw2c.exceptions import AudioError, LeftOutWarning, ShardError, TextError, VideoError
from skw2c.system._atomic import _host, replace_atomically
from skw2c.training import _open_files
from skw2c.training._clips import WaveformClips
from skw2c.training._shard_file import Clip, write_shard
from skw2c.training._shard_folder import LIST
from skw2c.training._targets import Targets

av = pytest.importorskip("av")
pytest.importorskip("open_clip")

RATE = 16000
FPS = 10
WIDTH = 16


def write_film(path, seconds, *, sound=True, late=0.0, sound_seconds=None, seed=0):
    """Write a film in which frames and loudness change each second, together.

    Its second k is grey of the level 8 k, and the loudness of its sound is k + 1 hundredths.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS, options={"qscale": "2"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        track = container.add_stream("flac", rate=RATE, layout="mono") if sound else None
        for k in range(round(seconds * FPS)):
            image = np.full((64, 64, 3), 8 * (k // FPS), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if track is not None:
            samples = make_sound(sound_seconds or seconds, seed)[round(late * RATE) :]
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = RATE, round(late * RATE), Fraction(1, RATE)
            container.mux([*track.encode(frame), *track.encode()])
    return str(path)


def make_sound(seconds, seed=0):
    """Noise of which second k is k + 1 hundredths loud, in int16."""
    second = np.arange(round(seconds * RATE)) // RATE
    signs = np.random.default_rng(seed).choice([-1, 1], len(second))
    return (signs * np.rint(327.68 * (second + 1))).astype(np.int16)


def second_heard(samples):
    """Which second of the film these samples are from, by their loudness."""
    seconds = np.rint(np.abs(samples.astype(float)) / 327.68) - 1
    assert len(set(seconds)) == 1
    return int(seconds[0])


@pytest.fixture(scope="module")
def teacher(tiny_clip):
    return CLIPVideoEncoder(tiny_clip, pretrained=None, fps=FPS, random_state=0).fit()


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Five films of several lengths, in nested folders."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "deep").mkdir()
    lengths = {"a.mp4": 2, "b.mkv": 3.5, "deep/c.mp4": 1, "deep/d.mkv": 4.2, "e.mp4": 0.5}
    return [
        write_film(folder / name, seconds, seed=row)
        for row, (name, seconds) in enumerate(lengths.items())
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory, films, teacher):
    """Shards of the films, two in each, uncut."""
    folder = tmp_path_factory.mktemp("shards")
    write_shards(films, folder, teacher=teacher, clips_per_shard=2, verbose=False)
    return folder


@pytest.fixture
def shards(written, tmp_path):
    """A copy of `written` that a test may damage."""
    return Path(shutil.copytree(written, tmp_path / "shards"))


def in_memory(files, teacher):
    """The same clips, whole in memory."""
    vectors = [teacher.transform([file])[0] for file in files]
    targets = Targets(vectors, teacher.fps, RATE)
    return WaveformClips([load_audio(file)[0] for file in files], targets)


def to_frames(teacher):
    """The teacher, with a vector of each frame."""
    return CLIPVideoEncoder(**{**teacher.get_params(), "pool": None}).fit()


def read_all(clips, length=4000):
    """The beginning of each clip."""
    rows = np.arange(len(clips.n_samples))
    return clips.read(rows, np.zeros(len(rows), int), length)


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".tar"}


# What is read


def test_the_same_as_in_memory(films, written, teacher):
    expected, clips = in_memory(films, to_frames(teacher)), ClipShards(written)
    assert clips.n_samples.tolist() == expected.n_samples.tolist()
    assert clips.n_samples.dtype == np.int64
    assert (clips.width, clips.has_texts, clips.frame_rate) == (WIDTH, False, FPS)
    assert len(clips) == 5
    rng = np.random.default_rng(0)
    for length in (100, 8000, 33000, 80000):
        rows = rng.integers(0, 5, 40)
        starts = rng.integers(0, clips.n_samples[rows])
        found, wanted = clips.read(rows, starts, length), expected.read(rows, starts, length)
        assert found.waveforms.dtype == torch.int16
        np.testing.assert_allclose(found.waveforms / 32768, wanted.waveforms, atol=2**-16)
        np.testing.assert_allclose(found.targets, wanted.targets, rtol=2e-3, atol=2e-3)
        assert found.targets.dtype == wanted.targets.dtype
        assert found.texts is None


def test_what_is_stated(films, written, teacher):
    stated = json.loads((written / LIST).read_text())
    assert stated["shards"] == {
        "clips-000000.tar": ["a.mp4", "b.mkv"],
        "clips-000001.tar": ["deep/c.mp4", "deep/d.mkv"],
        "clips-000002.tar": ["e.mp4"],
    }
    assert (stated["sampling_rate"], stated["frame_rate"], stated["width"]) == (16000, 10, 16)
    assert (stated["piece_length"], stated["version"], stated["texts"]) == (10, 1, False)
    assert stated["teacher"]["identity"] == teacher.weights_.fingerprint
    described = [ClipShards(written).describe(row) for row in range(5)]
    assert [facts["name"] for facts in described] == [
        "a.mp4",
        "b.mkv",
        "deep/c.mp4",
        "deep/d.mkv",
        "e.mp4",
    ]
    assert described[3] == {
        "name": "deep/d.mkv",
        "start": 0,
        "duration": 4.2,
        "shard": "clips-000001.tar",
    }
    with tarfile.open(written / "clips-000001.tar") as tar:
        assert tar.getnames() == [
            f"000001-{piece:06}.{kind}"
            for piece in (0, 1)
            for kind in ("audio.npy", "vectors.npy", "json")
        ]


@pytest.mark.parametrize("late", [0, 0.5])
@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_sound_and_frames_stay_together(tmp_path, teacher, late, extension):
    film = write_film(tmp_path / f"a.{extension}", 24.3, late=late)
    result = write_shards([film], tmp_path / "s", teacher=teacher, piece_length=5, verbose=False)
    assert (result.n_clips, result.failures) == (5, [])
    assert result.seconds == pytest.approx(24.3)
    seen = to_frames(teacher).transform([film])[0][::FPS]
    assert len(np.unique(seen.round(3), axis=0)) == 25  # each second looks different
    clips, heard = ClipShards(tmp_path / "s"), set()
    for row in range(5):
        begin = round(clips.describe(row)["start"] * RATE)
        for at in range(0, clips.n_samples[row] - 1600, 800):
            second, last = (begin + at) // RATE, (begin + at + 1599) // RATE
            if second == last and begin + at >= late * RATE:
                piece = clips.read(np.array([row]), np.array([at]), 1600)
                assert second_heard(piece.waveforms[0].numpy()) == second
                np.testing.assert_allclose(piece.targets[0], seen[second], rtol=2e-3, atol=2e-3)
                heard.add(second)
    assert heard == set(range(25))


def test_pieces_are_the_whole(tmp_path, teacher):
    film = write_film(tmp_path / "a.mp4", 12.7)
    write_shards([film], tmp_path / "s", teacher=teacher, piece_length=3, verbose=False)
    clips = ClipShards(tmp_path / "s")
    pieces = [
        clips.read(np.array([row]), np.array([0]), n_samples).waveforms[0].numpy()
        for row, n_samples in enumerate(clips.n_samples)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), make_sound(12.7))


@pytest.mark.parametrize("seconds", [0.01, 1, 4.9, 5, 7.49, 7.5, 12.6, 61.234, 3600.5])
@pytest.mark.parametrize("frame_rate", [0.5, 1, 25, 29.97, 30])
@pytest.mark.parametrize("share", [0.2, 1, 1.3])
def test_how_sounds_are_cut(seconds, frame_rate, share):
    n_samples = int(seconds * RATE)
    n_frames = max(1, round(share * seconds * frame_rate))
    pieces = list(cut(n_samples, n_frames, RATE, frame_rate, 5))
    assert len(pieces) == max(1, round(seconds / 5))
    edges = [0, *(samples.stop for samples, _ in pieces)]
    assert [samples.start for samples, _ in pieces] == edges[:-1]
    assert edges[-1] == n_samples
    lengths = np.diff(edges) / RATE
    assert lengths.min() > 0
    assert np.ptp(lengths) <= 2 / frame_rate + 1e-3
    for samples, frames in pieces:
        assert frames.stop > frames.start
        begin = samples.start * frame_rate / RATE  # in frames
        assert frames.start == min(int(begin + 1e-9), n_frames - 1)
        assert frames.stop <= n_frames
    assert pieces[-1][1].stop == n_frames


def test_captions(tmp_path, films, teacher, tiny_clip):
    texts = ["a dog", "rain", "a dog", "bells", "Größe"]
    write_shards(films, tmp_path, teacher=teacher, captions=texts, clips_per_shard=3, verbose=False)
    clips = ClipShards(tmp_path)
    assert clips.has_texts
    expected = CLIPTextEncoder(tiny_clip, pretrained=None, random_state=0).fit_transform(texts)
    found = clips.read(np.array([4, 0, 1]), np.zeros(3, int), 100).texts
    np.testing.assert_allclose(found, expected[[4, 0, 1]], rtol=1e-3, atol=1e-3)
    assert [clips.describe(row)["caption"] for row in range(5)] == texts


def test_webdataset_reads_them(written):
    webdataset = pytest.importorskip("webdataset")
    clips = ClipShards(written)
    files = sorted(str(path) for path in written.glob("*.tar"))
    samples = list(webdataset.WebDataset(files, shardshuffle=False).decode())
    assert len(samples) == 5
    for row, sample in enumerate(samples):
        assert sample["json"]["name"] == clips.describe(row)["name"]
        assert sample["audio.npy"].dtype == np.int16
        assert sample["vectors.npy"].dtype == np.float16
        piece = clips.read(np.array([row]), np.array([0]), clips.n_samples[row])
        np.testing.assert_array_equal(piece.waveforms[0], sample["audio.npy"])
        mean = sample["vectors.npy"].astype(np.float32)[: round(len(sample["audio.npy"]) / 1600)]
        np.testing.assert_allclose(piece.targets[0], mean.mean(axis=0), rtol=1e-5, atol=1e-5)


def test_shards_that_webdataset_wrote(tmp_path, written):
    webdataset = pytest.importorskip("webdataset")
    clips = ClipShards(written)
    stated = json.loads((written / LIST).read_text())
    del stated["shards"]
    (tmp_path / LIST).write_text(json.dumps(stated))
    source = sorted(str(path) for path in written.glob("*.tar"))
    with webdataset.TarWriter(str(tmp_path / "all.tar")) as writer:
        for sample in webdataset.WebDataset(source, shardshuffle=False):
            writer.write({name: sample[name] for name in sample if name != "__url__"})
    copied = ClipShards(tmp_path)
    assert copied.n_samples.tolist() == clips.n_samples.tolist()
    np.testing.assert_array_equal(read_all(copied).waveforms, read_all(clips).waveforms)
    np.testing.assert_array_equal(read_all(copied).targets, read_all(clips).targets)


def test_ways_to_name_shards(written, shards):
    first = read_all(ClipShards(written))
    pattern = f"{written.parent}/{written.name}*/*.tar"
    for paths in (str(written), [written], pattern, sorted(written.glob("*.tar"))):
        np.testing.assert_array_equal(read_all(ClipShards(paths)).targets, first.targets)
    assert len(ClipShards(written / "clips-000001.tar")) == 2
    assert len(ClipShards([shards, written])) == 10
    assert len(ClipShards([written, written])) == 5
    for missing in ("nothing", "nothing*.tar", written / "nothing.tar"):
        with pytest.raises(ShardError, match="nothing"):
            ClipShards(missing)
    with pytest.raises(ShardError, match="paths is empty"):
        ClipShards([])
    with pytest.raises(ValueError, match="on_error='skip' must be"):
        ClipShards(written, on_error="skip")


# How it is read


def test_only_the_piece_is_read(tmp_path):
    n_samples = 1 << 25
    long = Clip("0-0", np.zeros(n_samples, np.int16), np.zeros((60000, WIDTH), np.float16), {})
    long.waveform[-16000:] = np.arange(16000)
    describe_by_hand(tmp_path)
    write_shard(tmp_path / "a.tar", [long])
    clips = ClipShards(tmp_path)
    tracemalloc.start()
    piece = clips.read(np.array([0]), np.array([n_samples - 16000]), 16000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(piece.waveforms[0], np.arange(16000))
    assert peak < 500_000


def test_few_files_are_open(written, monkeypatch):
    monkeypatch.setattr(_open_files, "_OPEN_FILES", 2)
    clips = ClipShards(written)
    expected = read_all(ClipShards(written))
    for row in (0, 4, 2, 0, 3, 4, 1):
        piece = clips.read(np.array([row]), np.array([0]), 4000)
        np.testing.assert_array_equal(piece.waveforms[0], expected.waveforms[row])
        assert len(clips._files._open) <= 2


def test_threads(written, monkeypatch):
    monkeypatch.setattr(_open_files, "_OPEN_FILES", 1)
    clips = ClipShards(written)
    expected = read_all(clips)

    def read(seed):
        rows = np.random.default_rng(seed).integers(0, 5, 20)
        found = clips.read(rows, np.zeros(20, int), 4000)
        return (found.waveforms == expected.waveforms[rows]).all() and (
            found.targets == expected.targets[rows]
        ).all()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(100)))


def test_pickles_and_forks(written):
    clips = ClipShards(written)
    expected = read_all(clips)
    copy = pickle.loads(pickle.dumps(clips))
    assert len(pickle.dumps(clips)) < 10_000
    assert copy.fingerprint == clips.fingerprint
    np.testing.assert_array_equal(read_all(copy).targets, expected.targets)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with clips._files._lock:  # as if another thread were reading during the fork
        process = context.Process(target=lambda: queue.put(read_all(clips).waveforms.numpy()))
        process.start()
        np.testing.assert_array_equal(queue.get(timeout=60), expected.waveforms)
    process.join()


def test_fingerprint(written, shards, tmp_path):
    clips = ClipShards(written)
    assert len(clips.fingerprint) == 64
    for path in shards.iterdir():
        os.utime(path, (1, 1))
    assert ClipShards(shards).fingerprint == clips.fingerprint
    files = sorted(shards.glob("*.tar"))
    others = [ClipShards(files[::-1]).fingerprint, ClipShards(files[:2]).fingerprint]
    for path in shards.glob("clips-*.json"):
        path.unlink()
    others.append(ClipShards(shards).fingerprint)
    assert ClipShards(shards).fingerprint == others[-1]
    stated = json.loads((shards / LIST).read_text())
    (shards / LIST).write_text(json.dumps({**stated, "frame_rate": 5.0}))
    others.append(ClipShards(shards).fingerprint)
    assert len({clips.fingerprint, *others}) == 5


def test_fingerprint_depends_on_the_sound(tmp_path, teacher):
    fingerprints = set()
    for seed in (0, 1):
        film = write_film(tmp_path / "a.mp4", 1, seed=seed)
        folder = tmp_path / str(seed)
        write_shards([film], folder, teacher=teacher, verbose=False)
        fingerprints.add(ClipShards(folder).fingerprint)
    assert len(fingerprints) == 2


def test_headers_give_what_records_give(written, shards):
    recorded = ClipShards(written)
    for path in shards.glob("clips-*.json"):
        path.unlink()
    scanned = ClipShards(shards)
    np.testing.assert_array_equal(scanned._clips, recorded._clips)


# What is broken


def describe_by_hand(folder, **changes):
    stated = {
        "format": "skw2c shards",
        "version": 1,
        "sampling_rate": 16000,
        "frame_rate": 10,
        "width": WIDTH,
        "texts": False,
        "teacher": {"model": "by hand"},
        **changes,
    }
    (folder / LIST).write_text(json.dumps(stated))


def some_clip(key, n_frames=10, width=WIDTH, **kwargs):
    rng = np.random.default_rng(n_frames)
    vectors = rng.normal(size=(n_frames, width)).astype(np.float16)
    waveform = rng.integers(-99, 99, 1600 * n_frames).astype(np.int16)
    return Clip(key, waveform, vectors, {"name": f"{key}.mp4"}, **kwargs)


def rewrite(path, change):
    """Write a tar anew with each member's (name, content) as ``change`` gives it."""
    with tarfile.open(path) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar]
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            changed = change(name, content)
            if changed is not None:
                member = tarfile.TarInfo(changed[0])
                member.size = len(changed[1])
                tar.addfile(member, io.BytesIO(changed[1]))


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def replace(wanted, array):
    def change(name, content):
        if name != f"k1.{wanted}":
            return name, content
        return name, array if isinstance(array, bytes) else npy(array)

    return change


NAN = np.zeros((10, WIDTH), np.float16)
NAN[3, 5] = np.nan
DAMAGE = {
    "no sound": (
        lambda name, content: None if name == "k1.audio.npy" else (name, content),
        "the member audio.npy is missing",
    ),
    "no vectors": (
        lambda name, content: None if name == "k1.vectors.npy" else (name, content),
        "the member vectors.npy is missing",
    ),
    "no facts": (
        lambda name, content: None if name == "k1.json" else (name, content),
        "the member json is missing",
    ),
    "width": (
        replace("vectors.npy", np.zeros((10, 17), np.float16)),
        "vectors of dimension 17, expected 16",
    ),
    "nan": (replace("vectors.npy", NAN), "vectors.npy holds NaN"),
    "dtype": (replace("audio.npy", np.zeros(16000)), "float64 of shape .* expected int16"),
    "big end": (replace("audio.npy", np.zeros(16000, ">i2")), "holds >i2"),
    "stereo": (replace("audio.npy", np.zeros((8000, 2), np.int16)), r"shape \(8000, 2\)"),
    "Fortran": (
        replace("vectors.npy", np.asfortranarray(np.ones((10, WIDTH), np.float16))),
        "in Fortran order",
    ),
    "pickle": (replace("audio.npy", npy(np.array([{}], dtype=object))), "holds object"),
    "no npy": (replace("audio.npy", b"no array at all"), "is not an npy file"),
    "empty member": (replace("audio.npy", b""), "is not an npy file"),
    "no samples": (replace("audio.npy", np.zeros(0, np.int16)), "states the shape"),
    "cut array": (
        replace("audio.npy", npy(np.zeros(16000, np.int16))[:-2]),
        r"states the shape \(16000,\), which its \d+ bytes do not fit",
    ),
    "wild shape": (
        replace(
            "audio.npy",
            npy(np.zeros(16000, np.int16)).replace(b"(16000,), ", b"(9999999999999999999,), "),
        ),
        "audio.npy (is not an npy|states|holds)",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_samples_that_are_broken(tmp_path, kind):
    change, cause = DAMAGE[kind]
    describe_by_hand(tmp_path)
    write_shard(tmp_path / "a.tar", [some_clip("k0", 8), some_clip("k1"), some_clip("k2", 12)])
    write_shard(tmp_path / "b.tar", [some_clip("k3", 14)])
    rewrite(tmp_path / "a.tar", change)
    with pytest.raises(ShardError, match=rf"a\.tar, clip k1: .*{cause}.*on_error='nan'"):
        ClipShards(tmp_path)
    with pytest.warns(LeftOutWarning, match=rf"1 of 4 clips .*clip k1: .*{cause}") as caught:
        clips = ClipShards(tmp_path, on_error="nan")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    [(number, name, stated)] = caught[0].message.failures
    assert (number, name) == (0, f"{tmp_path / 'a.tar'}, clip k1")
    assert clips.failures == [(number, name, stated)]
    assert clips.n_samples.tolist() == [8 * 1600, 12 * 1600, 14 * 1600]
    batch = clips.read(np.arange(3), np.zeros(3, int), 12800)
    for row, n_frames in enumerate((8, 12, 14)):
        expected = some_clip("", n_frames)
        np.testing.assert_array_equal(batch.waveforms[row], expected.waveform[:12800])
        mean = expected.vectors[:8].mean(axis=0, dtype=np.float32)
        np.testing.assert_array_equal(batch.targets[row], mean)


def test_captions_that_are_missing(tmp_path):
    describe_by_hand(tmp_path, texts=True)
    text = np.ones(WIDTH, np.float16)
    clips = [some_clip("k0", text=text), some_clip("k1"), some_clip("k2", text=text * np.nan)]
    write_shard(tmp_path / "a.tar", clips)
    with pytest.warns(LeftOutWarning, match="2 of 3 .*text.npy is missing.*text.npy holds NaN"):
        assert len(ClipShards(tmp_path, on_error="nan")) == 1


def cut_to(share):
    return lambda content: content[: int(share * len(content))]


def overwrite(place, block):
    return lambda content: content[:place] + block + content[place + len(block) :]


BROKEN_FILES = {
    "in a member": (cut_to(0.5), "is cut off|truncated|were written"),
    "without its end": (
        lambda content: content.rstrip(b"\0")[:-1] + b"}",
        "truncated|were written",
    ),
    "in a header": (lambda content: content[:700], "damaged|cut off|truncated|were written"),
    "emptied": (lambda content: b"", "cannot be read"),
    "text": (lambda content: b"no tar\n" * 1000, "not an uncompressed tar"),
    "compressed": (lambda content: gzip.compress(content), "not an uncompressed tar"),
}


@pytest.mark.parametrize("with_record", [True, False])
@pytest.mark.parametrize("kind", BROKEN_FILES)
def test_shards_that_are_broken(shards, kind, with_record):
    change, cause = BROKEN_FILES[kind]
    path = shards / "clips-000001.tar"
    path.write_bytes(change(path.read_bytes()))
    if not with_record:
        path.with_suffix(".json").unlink()
    with pytest.raises(ShardError, match=rf"clips-000001\.tar.*({cause}).*on_error='nan'"):
        ClipShards(shards)
    with pytest.warns(LeftOutWarning, match=r"clips-000001\.tar") as caught:
        clips = ClipShards(shards, on_error="nan")
    assert len(caught) == 1
    names = [clips.describe(row)["name"] for row in range(len(clips))]
    assert names[:2] == ["a.mp4", "b.mkv"]
    assert names[-1] == "e.mp4"
    assert read_all(clips).targets.isfinite().all()


def test_how_much_of_a_shard_is_left(shards):
    path = shards / "clips-000001.tar"
    with tarfile.open(path) as tar:
        os.truncate(path, tar.getmember("000001-000001.json").offset)
    with pytest.warns(LeftOutWarning, match="1 of its 2 clips are complete"):
        assert len(ClipShards(shards, on_error="nan")) == 4


def test_a_damaged_header(shards):
    """`tarfile` takes it for the end, and the clips behind it would be gone without a word."""
    path = shards / "clips-000000.tar"
    with tarfile.open(path) as tar:
        place = tar.getmembers()[3].offset
    path.write_bytes(overwrite(place, b"\xff" * 300)(path.read_bytes()))
    path.with_suffix(".json").unlink()
    with pytest.warns(LeftOutWarning, match=rf"damaged at byte {place}"):
        clips = ClipShards(shards, on_error="nan")
    assert len(clips) == 4


def test_damage_after_the_writing(shards):
    clips = ClipShards(shards)
    path = shards / "clips-000002.tar"
    with tarfile.open(path) as tar:
        place = tar.getmember("000002-000000.vectors.npy").offset_data + 128
    path.write_bytes(overwrite(place, b"\xff" * 2 * WIDTH)(path.read_bytes()))
    with pytest.raises(ShardError, match=r"clips-000002\.tar: clip 4 has vectors that are NaN"):
        read_all(ClipShards(shards))
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(ShardError, match=r"clips-000002\.tar: the file has \d+ bytes, and had"):
        clips.read(np.array([4]), np.array([0]), 100)
    path.unlink()
    with pytest.raises(ShardError, match=r"clips-000002\.tar: the file cannot be read"):
        clips.read(np.array([4]), np.array([0]), 100)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"bytes": 3}',
        '{"clips": 1, "bytes": SIZE, "sha256": 1, "width": 16, "failures": []}',
    ],
)
def test_a_record_that_is_none(written, shards, content):
    path = shards / "clips-000000.tar"
    path.with_suffix(".json").write_text(content.replace("SIZE", str(path.stat().st_size)))
    np.testing.assert_array_equal(ClipShards(shards)._clips, ClipShards(written)._clips)


def test_missing_shards_are_noticed(shards):
    (shards / "clips-000001.tar").unlink()
    with pytest.raises(ShardError, match=r"clips-000001\.tar: the file cannot be read"):
        ClipShards(shards)
    with pytest.warns(LeftOutWarning, match="1 of 4 clips"):
        assert len(ClipShards(shards, on_error="nan")) == 3
    assert len(ClipShards(f"{shards}/*.tar")) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "lacks shards.json"),
        ("{", "is damaged"),
        ("[]", "not a list of shards"),
        ('{"format": "skw2c shards", "version": 99}', "of version 99"),
        ('{"format": "skw2c shards", "version": 1}', "'frame_rate' is missing"),
    ],
)
def test_descriptions_that_are_broken(shards, content, message):
    (shards / LIST).unlink()
    if content is not None:
        (shards / LIST).write_text(content)
    for paths in (shards, f"{shards}/*.tar"):
        with pytest.raises(ShardError, match=message):
            ClipShards(paths)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 17}, "differ in width: 17 and 16"),
        ({"frame_rate": 5.0}, "frame_rate"),
        ({"teacher": {"identity": "another"}}, "differ in teacher identity"),
        ({"texts": True}, "texts"),
        ({"sampling_rate": 32000}, "differ in sampling_rate: 32000 and 16000"),
    ],
)
def test_folders_that_do_not_fit(shards, written, changes, message):
    stated = json.loads((shards / LIST).read_text())
    (shards / LIST).write_text(json.dumps({**stated, **changes}))
    with pytest.raises(ShardError, match=message):
        ClipShards([written, shards], on_error="nan")


def test_shards_at_the_rate_of_another_encoder(films, written, teacher, tmp_path):
    films = films[:2]
    result = write_shards(
        films, tmp_path / "s", teacher=teacher, sampling_rate=32000, verbose=False
    )
    clips = ClipShards(tmp_path / "s")
    assert (clips.sampling_rate, ClipShards(written).sampling_rate) == (32000, 16000)
    assert result.seconds == clips.n_samples.sum() / 32000
    assert [clips.describe(row)["duration"] for row in (0, 1)] == (clips.n_samples / 32000).tolist()
    heard = clips.read(np.array([0]), np.array([3200]), 32000)
    expected, _ = load_audio(films[0], sampling_rate=32000)
    np.testing.assert_allclose(
        heard.waveforms[0] / 32768, expected[3200:35200], rtol=0, atol=2**-16
    )
    small = dict(clip_length=0.5, batch_size=2, max_epochs=1, devices="cpu", verbose=False)
    with pytest.raises(ValueError, match="X holds sound at 16000 Hz, and mn01 takes 32000 Hz"):
        Distiller(encoder="mn01", **small).fit(ClipShards(written))
    with pytest.raises(ValueError, match="X holds sound at 32000 Hz, and resnet18 takes 16000"):
        Distiller(**small).fit(clips)
    trained = Distiller(encoder="mn01", validation_fraction=0, **small).fit(clips)
    assert trained._training["sampling_rate"] == "32000 Hz"
    with pytest.raises(ShardError, match="another configuration: sampling_rate is 32000 there"):
        write_shards(films, tmp_path / "s", teacher=teacher, verbose=False)


def test_another_width(shards):
    stated = json.loads((shards / LIST).read_text())
    (shards / LIST).write_text(json.dumps({**stated, "width": 8}))
    with pytest.raises(ShardError, match="vectors of dimension 16, expected 8"):
        ClipShards(shards)
    with (
        pytest.warns(LeftOutWarning, match="5 of 5 clips"),
        pytest.raises(ShardError, match="There are no clips"),
    ):
        ClipShards(shards, on_error="nan")


# Videos that cannot be read


@pytest.fixture
def broken(tmp_path, films):
    """Films among which some are broken, and what becomes of these."""
    folder = tmp_path / "films"
    folder.mkdir()
    whole = [
        shutil.copy(film, folder / f"{row} whole{Path(film).suffix}")
        for row, film in enumerate(films)
    ]
    (folder / "text.mp4").write_text("no film\n" * 100)
    cut_off = Path(shutil.copy(films[3], folder / "cut.mkv"))
    cut_off.write_bytes(cut_to(0.5)(cut_off.read_bytes()))
    causes = {
        write_film(folder / "silent.mp4", 1, sound=False): "the file has no sound track",
        str(folder / "text.mp4"): "the file is not a sound or media file, or is damaged",
        str(cut_off): "truncated",
        str(folder / "missing.mp4"): "the file does not exist",
        write_sound(folder / "sound.mkv"): "the file has no video, only sound",
    }
    items = [whole[0], *causes, *whole[1:]]
    return items, causes


def write_sound(path):
    with av.open(str(path), "w") as container:
        track = container.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(make_sound(1)[None], format="s16", layout="mono")
        frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        container.mux([*track.encode(frame), *track.encode()])
    return str(path)


def test_videos_that_fail(tmp_path, broken, teacher):
    items, causes = broken
    folder = tmp_path / "shards"
    arguments = dict(teacher=teacher, clips_per_shard=3, verbose=False, n_jobs=2)
    with pytest.warns(LeftOutWarning, match="5 of 10 videos failed and are left out") as caught:
        result = write_shards(items, folder, **arguments)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert result.n_clips == 5
    assert [(row, file) for row, file, _ in result.failures] == list(enumerate(causes, 1))
    for _, file, cause in result.failures:
        assert causes[file] in cause
        assert "Row 0" not in cause
    assert caught[0].message.failures == result.failures
    with open(folder / "failures.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["row"]), row["file"], row["cause"]) for row in rows] == result.failures
    clips = ClipShards(folder)
    assert [clips.describe(row)["name"][0] for row in range(5)] == list("01234")
    with pytest.warns(LeftOutWarning, match="5 of 10"):
        assert write_shards(items, folder, **arguments) == result
    with pytest.raises(VideoError, match=r"Row 1 .*silent\.mp4'\): .*on_error='nan'"):
        write_shards(items, folder, on_error="raise", **arguments)


def test_stop_at_the_first_failure(tmp_path, broken, teacher):
    items, _ = broken
    with pytest.raises(AudioError, match=r"Row 1 .*silent\.mp4'\): the file has no sound"):
        write_shards(items, tmp_path / "s", teacher=teacher, on_error="raise", verbose=False)
    assert not list((tmp_path / "s").glob("*.tar"))
    assert not list((tmp_path / "s").glob(".*.tar"))


def test_a_shard_of_failures_only(tmp_path, broken, teacher):
    items, causes = broken
    with pytest.warns(LeftOutWarning):
        result = write_shards(items, tmp_path / "s", teacher=teacher, clips_per_shard=1)
    assert result.n_clips == 5
    assert len(ClipShards(tmp_path / "s")) == 5
    for path in (tmp_path / "s").glob("clips-*.json"):
        path.unlink()
    assert len(ClipShards(tmp_path / "s")) == 5
    with pytest.warns(LeftOutWarning, match="5 of 5 videos"):
        write_shards(list(causes), tmp_path / "none", teacher=teacher, verbose=False)
    with pytest.raises(ShardError, match="no clips"):
        ClipShards(tmp_path / "none")


def test_real_videos(tmp_path, shared, broken, teacher):
    items, causes = broken
    real = [str(shared / "data" / "video" / f"{name}.mp4") for name in ("bigbuckbunny", "bento")]
    with pytest.warns(LeftOutWarning, match="5 of 12 videos"):
        result = write_shards(
            [*items, *real], tmp_path / "s", teacher=teacher, piece_length=2.5, verbose=False
        )
    assert {file for _, file, _ in result.failures} == set(causes)
    clips = ClipShards(tmp_path / "s")
    pieces = [clips.describe(row) for row in range(len(clips))][-3:]
    assert [Path(piece["name"]).name for piece in pieces] == ["bigbuckbunny.mp4"] * 2 + [
        "bento.mp4"
    ]
    assert pieces[1]["start"] == pieces[0]["duration"]
    assert sum(piece["duration"] for piece in pieces[:2]) == len(load_audio(real[0])[0]) / RATE


# Going on, and sharing the work


def run_in_process(films, folder, tiny_clip):
    program = (
        "import sys, time; from skw2c import CLIPVideoEncoder, write_shards\n"
        "import skw2c.distillation._shard_writer as writer\n"
        "read = writer.read_source\n"
        "writer.read_source = lambda *args: (time.sleep(0.3), read(*args))[1]\n"
        f"teacher = CLIPVideoEncoder({tiny_clip!r}, None, fps={FPS}, random_state=0)\n"
        "write_shards(sys.argv[2:], sys.argv[1], teacher=teacher, clips_per_shard=2)\n"
    )
    command = [sys.executable, "-c", program, str(folder), *films]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603


def test_killed_half_way_and_run_again(tmp_path, films, teacher, tiny_clip):
    many = films * 4
    process = run_in_process(many, tmp_path / "s", tiny_clip)
    deadline = time.monotonic() + 100
    while len(list(tmp_path.glob("s/clips-*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("s/clips-*.tar")}
    assert 3 <= len(finished) < 10
    unfinished = tmp_path / "s" / f".skw2c-{_host()}-{'0' * 32}.clips-000009.tar"
    unfinished.write_text("what a kill leaves")
    arguments = dict(teacher=teacher, clips_per_shard=2, verbose=False)
    write_shards(many, tmp_path / "s", **arguments)
    recorded = [path for path in finished if path.stat().st_mtime_ns == finished[path]]
    assert len(recorded) >= 3
    assert not list((tmp_path / "s").glob(".*.tar"))  # nor what the killed one was writing
    write_shards(many, tmp_path / "t", **arguments)
    assert content_of(tmp_path / "s") == content_of(tmp_path / "t")
    assert ClipShards(tmp_path / "s").fingerprint == ClipShards(tmp_path / "t").fingerprint


def test_finished_shards_are_kept(shards, films, teacher, monkeypatch):
    before = content_of(shards)
    (shards / "clips-000001.tar").unlink()
    os.truncate(shards / "clips-000002.tar", 1000)
    read = []
    transform = CLIPVideoEncoder.transform
    monkeypatch.setattr(
        CLIPVideoEncoder, "transform", lambda self, X: read.append(X[0]) or transform(self, X)
    )
    result = write_shards(films, shards, teacher=teacher, clips_per_shard=2, verbose=False)
    assert sorted(read) == sorted(films[2:])
    assert content_of(shards) == before
    assert result.n_clips == 5
    assert result.seconds == pytest.approx(11.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"piece_length": 4}, "piece_length is 10.0 there and 4.0 here"),
        ({"clips_per_shard": 3}, "clips_per_shard is 2 there and 3 here"),
        ({"frame_rate": 5}, "frame_rate is 10.0 there and 5.0 here"),
        ({"captions": list("abcde")}, "texts is False there and True here"),
    ],
)
def test_other_arguments_overwrite_nothing(shards, films, teacher, changes, message):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    arguments = {"teacher": teacher, "clips_per_shard": 2, "verbose": False, **changes}
    with pytest.raises(ShardError, match=message):
        write_shards(films, shards, **arguments)
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before


def test_other_videos_and_teachers_overwrite_nothing(shards, films, teacher, tiny_clip):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    for others, name in (
        (films[:4], "clips-000002"),
        ([*films[:3], films[4], films[3]], "clips-000001"),
    ):
        with pytest.raises(ShardError, match=rf"other videos, {name}\.tar the first"):
            write_shards(others, shards, teacher=teacher, clips_per_shard=2)
    another = CLIPVideoEncoder(tiny_clip, pretrained=None, fps=FPS, random_state=1)
    with pytest.raises(ShardError, match="teacher identity is"):
        write_shards(films, shards, teacher=another, clips_per_shard=2)
    with pytest.raises(ShardError, match="teacher normalize is False there and True here"):
        write_shards(
            films,
            shards,
            teacher=CLIPVideoEncoder(
                tiny_clip, pretrained=None, fps=FPS, random_state=0, normalize=True
            ),
            clips_per_shard=2,
        )
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before
    (shards / LIST).unlink()
    with pytest.raises(ShardError, match="holds 'clips-000000.tar' but not shards.json"):
        write_shards(films, shards, teacher=teacher, clips_per_shard=2)


def test_other_captions_overwrite_nothing(tmp_path, films, teacher):
    arguments = dict(teacher=teacher, verbose=False)
    write_shards(films, tmp_path, captions=list("abcde"), **arguments)
    with pytest.raises(ShardError, match="captions_sha256"):
        write_shards(films, tmp_path, captions=list("abcdf"), **arguments)


def test_parts(tmp_path, films, written, teacher):
    arguments = dict(teacher=teacher, clips_per_shard=2, verbose=False)
    first = write_shards(films, tmp_path / "1", part=(1, 2), **arguments)
    second = write_shards(films, tmp_path / "2", part=(2, 2), n_jobs=2, **arguments)
    assert (first.n_clips, second.n_clips) == (3, 2)
    with pytest.raises(ShardError, match=r"clips-000001\.tar"):
        ClipShards(tmp_path / "1")
    shutil.copytree(tmp_path / "2", tmp_path / "1", dirs_exist_ok=True)
    assert content_of(tmp_path / "1") == content_of(written)
    assert ClipShards(tmp_path / "1").fingerprint == ClipShards(written).fingerprint
    both = tmp_path / "both"
    write_shards(films, both, part=(2, 2), **arguments)
    write_shards(films, both, part=(1, 2), **arguments)
    assert content_of(both) == content_of(written)
    assert write_shards(films, tmp_path / "many", part=(4, 9), **arguments).n_clips == 0


def test_the_teacher_is_left_alone(tmp_path, films, tiny_clip):
    unfitted = CLIPVideoEncoder(tiny_clip, pretrained=None, fps=30, random_state=0, verbose=True)
    unfitted.set_output(transform="pandas")
    before = unfitted.get_params()
    write_shards(films[:1], tmp_path, teacher=unfitted, frame_rate=FPS, verbose=False)
    assert unfitted.get_params() == before
    assert not hasattr(unfitted, "weights_")
    assert ClipShards(tmp_path).frame_rate == FPS


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"videos": "a.mp4"}, TypeError, "single path"),
        ({"videos": []}, ValueError, "X is empty"),
        ({"videos": ["a.mp4", None]}, VideoError, "Row 1: it is None"),
        ({"teacher": CLIPTextEncoder()}, ValueError, "'teacher' parameter"),
        ({"piece_length": 0}, ValueError, "'piece_length' parameter"),
        ({"piece_length": 0.1}, ValueError, "piece_length=0.1 is too short"),
        ({"clips_per_shard": 0}, ValueError, "'clips_per_shard' parameter"),
        ({"frame_rate": -1}, ValueError, "'frame_rate' parameter"),
        ({"part": (0, 2)}, ValueError, r"part=\(0, 2\)"),
        ({"part": (3, 2)}, ValueError, "1 <= k"),
        ({"part": (1,)}, ValueError, "two whole numbers"),
        ({"part": (0.5, 1)}, ValueError, "two whole numbers"),
        ({"on_error": "skip"}, ValueError, "'on_error' parameter"),
        ({"captions": ["a"]}, ValueError, "1 captions for 5 videos"),
        ({"captions": [*"abcd", None]}, TextError, "The caption of row 4: it is None"),
    ],
)
def test_wrong_arguments(tmp_path, films, teacher, changes, error, message):
    arguments = {"videos": films, "folder": tmp_path / "s", "teacher": teacher, **changes}
    with pytest.raises(error, match=message):
        write_shards(arguments.pop("videos"), arguments.pop("folder"), **arguments)
    assert not (tmp_path / "s").exists()


def test_vectors_that_halves_cannot_hold(tmp_path, films, teacher, monkeypatch):
    transform = CLIPVideoEncoder.transform
    monkeypatch.setattr(CLIPVideoEncoder, "transform", lambda self, X: 1e6 * transform(self, X))
    with pytest.warns(LeftOutWarning, match="too large for 16-bit floats"):
        write_shards(films[:1], tmp_path, teacher=teacher, verbose=False)


def test_progress_is_shown(tmp_path, films, teacher, capsys):
    write_shards(films, tmp_path, teacher=teacher)
    assert "5/5" in capsys.readouterr().err


def test_two_runs_at_once(tmp_path, films, teacher):
    """The second would do all work again, and once removed what the first was writing."""
    arguments = dict(teacher=teacher, clips_per_shard=2, verbose=False)
    write_shards(films, tmp_path, part=(2, 2), **arguments)
    with FileLock(tmp_path / ".part-1-of-2.lock"):  # as a run that is under way holds it
        with pytest.raises(ShardError, match=r"Another run is writing .*part 1 of 2.*run the same"):
            write_shards(films, tmp_path, part=(1, 2), **arguments)
        assert write_shards(films, tmp_path, part=(2, 2), **arguments).n_clips == 2
    assert write_shards(films, tmp_path, part=(1, 2), **arguments).n_clips == 3


def test_what_another_run_is_writing_stays(tmp_path, films, teacher):
    with replace_atomically(tmp_path / "clips-000001.tar") as other:  # by part=(2, 2)
        other.write_text("half a shard")
        (tmp_path / LIST).unlink(missing_ok=True)
        write_shards(films[:2], tmp_path, teacher=teacher, clips_per_shard=2, verbose=False)
        assert other.read_text() == "half a shard"


@pytest.mark.parametrize("place", ["read_whole", "_embed_frames"])
def test_one_video_that_is_too_large_for_memory(tmp_path, films, teacher, monkeypatch, place):
    whole = getattr(_shard_source, place)

    def fail(item, *arguments):
        if "b.mkv" in str(getattr(item, "name", item)):
            raise MemoryError
        return whole(item, *arguments)

    monkeypatch.setattr(_shard_source, place, fail)
    with pytest.warns(LeftOutWarning, match=r"1 of 3 videos failed .*b\.mkv: it takes more memory"):
        result = write_shards(films[:3], tmp_path, teacher=teacher, verbose=False)
    assert result.n_clips == 2
    assert [row for row, _, _ in result.failures] == [1]


def test_records_whose_failures_are_not_theirs_are_written_again(shards, films, teacher):
    place = shards / "clips-000001.json"
    record = json.loads(place.read_text())
    for failures in ([[99, "no such row"]], [[0, "of another shard"]], [["1", 2]], 3):
        place.write_text(json.dumps({**record, "failures": failures}))
        result = write_shards(films, shards, teacher=teacher, clips_per_shard=2, verbose=False)
        assert (result.n_clips, result.failures) == (5, [])
        assert json.loads(place.read_text()) == record
