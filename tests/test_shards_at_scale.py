"""Shards from buckets and archives, on a cluster and in parts: the same bytes as from a folder."""

import json
import os
import shutil
import signal
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from skw2c import ClipShards, CLIPVideoEncoder, write_shards
from skw2c.cli import main
from skw2c.distillation import _shard_source
from skw2c.distillation._shard_order import ShardOrder
from skw2c.distillation._shard_plan import ShardPlan
from skw2c.distillation._shard_writer import ShardTerms
from skw2c.exceptions import AudioError, LeftOutWarning, ShardError, VideoError
from skw2c.files import RemoteError, _problems, new_place

pytest.importorskip("av")
pytest.importorskip("open_clip")

from .buckets import serve_buckets
from .crashing_encoder import CrashingVideoEncoder
from .processes import Python
from .test_shards import FPS, content_of, write_film

NAMES = ["a.mp4", "b.mkv", "deep/c.mp4", "deep/d.mkv", "e.mp4"]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(_problems, "_PAUSES", (0, 0))


@pytest.fixture(scope="module")
def teacher(tiny_clip):
    return CLIPVideoEncoder(tiny_clip, pretrained=None, fps=FPS, random_state=0).fit()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Five films in nested folders, one of which is none, and an archive of them."""
    home = tmp_path_factory.mktemp("home")
    with zipfile.ZipFile(home / "films.zip", "w") as archive:
        for row, name in enumerate(NAMES):
            place = home / "films" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if name == "b.mkv":
                place.write_text("no film at all")
            else:
                write_film(place, 1 + 0.3 * row, seed=row)
            archive.write(place, name)
        archive.writestr("notes.txt", "no film")
    return home


@pytest.fixture(scope="module")
def bucket(home):
    with serve_buckets() as storage:
        storage.mkdir("videos")
        for name in NAMES:
            storage.put_file(str(home / "films" / name), f"videos/takes/{name}")
        storage.put_file(str(home / "films.zip"), "videos/films.zip")
        yield storage


@pytest.fixture
def write(teacher, tmp_path, monkeypatch):
    """`write_shards` with a small teacher, two films to a shard, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(videos, out, **parameters):
        given = {"teacher": teacher, "clips_per_shard": 2, "verbose": False, **parameters}
        return write_shards(videos, out, **given)

    return run


@pytest.fixture(scope="module")
def whole(home, teacher, tmp_path_factory):
    """The shards of the folder, written in this process."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.warns(LeftOutWarning, match="1 of 5 videos"):
        write_shards(home / "films", out, teacher=teacher, clips_per_shard=2, verbose=False)
    return out


def assert_same(out, whole):
    """Compare shards, their records and the list of them."""
    assert content_of(Path(out)) == content_of(whole)
    for name in ("shards.json", *(f"clips-{number:06}.json" for number in range(3))):
        assert Path(out, name).read_text() == (whole / name).read_text()
    assert ClipShards(out).fingerprint == ClipShards(whole).fingerprint


def test_a_folder_is_the_list_of_its_videos(home, write, whole):
    stated = json.loads((whole / "shards.json").read_text())["shards"]
    assert [name for names in stated.values() for name in names] == NAMES
    for number, videos in enumerate(
        ([str(home / "films" / name) for name in NAMES], str(home / "films" / "**" / "*.m*"))
    ):
        with pytest.warns(LeftOutWarning, match=r"1 of 5 videos.*b\.mkv: the file is not a"):
            result = write(videos, f"s{number}")
        assert result.n_clips == 4
        assert_same(f"s{number}", whole)
    with pytest.raises(ValueError, match="does not contain files with the suffix of .*mp4, mkv"):
        write(os.curdir, "t")


@pytest.mark.parametrize(
    "videos",
    [
        "s3://videos/takes",
        "s3://videos/takes/**/*.m*",
        "s3://videos/films.zip",
        "{home}/films.zip",
        [f"s3://videos/takes/{name}" for name in NAMES],
        [f"zip://{name}::{{home}}/films.zip" for name in NAMES],
    ],
    ids=["folder", "pattern", "archive elsewhere", "archive here", "list", "members"],
)
def test_a_bucket_is_a_folder(home, bucket, write, whole, videos):
    if isinstance(videos, str):
        videos = videos.format(home=home)
    else:
        videos = [video.format(home=home) for video in videos]
    with pytest.warns(LeftOutWarning, match="1 of 5 videos") as caught:
        result = write(videos, "s", n_jobs=2)
    [(row, file, cause)] = result.failures
    assert (row, "b.mkv" in file, "skw2c-remote" in cause) == (1, True, False)
    assert caught[0].message.failures == result.failures
    assert_same("s", whole)
    places = Path(new_place("")).parent
    assert [path for path in places.iterdir() if path.suffix in (".mp4", ".mkv")] == []


def test_names_of_videos_here_and_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd::name.mp4").touch()

    def names(*videos):
        return ShardPlan(list(videos), None, 1, 10, 16000).names

    assert names("x/a.mp4", "x/y/b.mp4") == ["a.mp4", "y/b.mp4"]
    assert names("s3://b/x/a.mp4", "s3://b/xy/b.mp4") == ["x/a.mp4", "xy/b.mp4"]
    assert names("s3://b/a.zip::d/a.mp4") == ["a.mp4"]
    assert names("a.zip::d/a.mp4", "zip://b.mp4::a.zip") == ["d/a.mp4", "b.mp4"]
    assert names("odd::name.mp4") == ["odd::name.mp4"]
    here = f"{tmp_path.as_posix()}/a.mp4"
    assert names("a.mp4", "s3://b/a.mp4") == [here, "s3://b/a.mp4"]


def test_what_cannot_be_reached_is_tried_again(home, write, whole, monkeypatch):
    """A network that fails is no fault of a video; one that is not there is."""
    archive = home / "films.zip"
    videos = [f"{archive}::{name}" for name in NAMES]
    real = _shard_source.fetched

    def fail(name):
        if name.endswith(("a.mp4", "d.mkv")):
            raise RemoteError("it cannot be fetched (the network is down)")
        return real(name)

    with monkeypatch.context() as patched:
        patched.setattr(_shard_source, "fetched", fail)
        with pytest.warns(LeftOutWarning, match="3 of 5 videos.*the network is down"):
            assert write(videos, "s").n_clips == 2
        with pytest.raises(VideoError, match=r"Row 0 .*a\.mp4'\): it cannot be fetched.*on_error"):
            write(videos, "s", on_error="raise")
    last = Path("s/clips-000002.tar").stat().st_mtime_ns
    with pytest.warns(LeftOutWarning, match="1 of 5 videos"):
        assert write(videos, "s").n_clips == 4
    assert Path("s/clips-000002.tar").stat().st_mtime_ns == last
    assert_same("s", whole)
    monkeypatch.setattr(_shard_source, "read_whole", lambda *_: pytest.fail("it is read again"))
    with pytest.warns(LeftOutWarning, match="the archive has no file 'none.mp4'"):
        write([f"{archive}::none.mp4"], "t")
    with pytest.warns(LeftOutWarning, match="1 of 5 videos"):
        write(videos, "s")


def test_shards_lie_in_folders(home, write):
    with pytest.raises(ValueError, match="folder='s3://videos/shards' is an address"):
        write(home / "films", "s3://videos/shards")


def test_same_bytes_on_a_cluster(home, write, whole, client):
    with pytest.warns(LeftOutWarning, match="1 of 5 videos") as caught:
        result = write(home / "films", "s", client=client)
    assert (result.n_clips, caught[0].message.failures) == (4, result.failures)
    assert_same("s", whole)
    assert Path("s/failures.csv").read_text() == (whole / "failures.csv").read_text()
    with pytest.warns(LeftOutWarning, match="1 of 5 videos"):
        again = write(home / "films", "s", client="tcp://127.0.0.1:1")  # there is nothing to do
    assert again == result
    with pytest.raises(AudioError, match=r"Row 1 .*b\.mkv'\): the file is not .*on_error='nan'"):
        write(home / "films", "t", client=client, on_error="raise")


def test_captions_on_a_cluster(home, write, client):
    videos = [str(home / "films" / name) for name in NAMES if name != "b.mkv"]
    captions = ["a dog", "rain", "bells", "Größe"]
    for out, cluster in (("one", None), ("two", client)):
        assert write(videos, out, captions=captions, client=cluster).n_clips == 4
    assert content_of(Path("one")) == content_of(Path("two"))


def test_parts_on_a_cluster_and_without(home, write, whole, client):
    with pytest.warns(LeftOutWarning, match="1 of 3 videos"):
        first = write(home / "films", "s", part=(1, 2), client=client)
    assert sorted(content_of(Path("s"))) == ["clips-000000.tar", "clips-000002.tar"]
    second = write(home / "films", "s", part=(2, 2))
    assert (first.n_clips, second.n_clips) == (2, 2)
    assert_same("s", whole)


def test_a_worker_is_killed(write, home, client):
    films = [str(home / "films" / name) for name in NAMES if name != "b.mkv"] * 5
    write(films, "whole", clips_per_shard=1)
    [victim, _] = client.run(os.getpid).values()

    def kill():
        while not list(Path("s").glob("clips-*.json")):
            time.sleep(0.002)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = write(films, "s", clips_per_shard=1, client=client)
    killer.join()
    assert (result.n_clips, result.failures) == (20, [])
    assert content_of(Path("s")) == content_of(Path("whole"))


def test_the_client_is_killed(write, home, client, tiny_clip):
    films = [str(home / "films" / name) for name in NAMES if name != "b.mkv"] * 8
    write(films, "whole", clips_per_shard=1)
    program = (
        "import sys; from skw2c import CLIPVideoEncoder, write_shards\n"
        f"teacher = CLIPVideoEncoder({tiny_clip!r}, None, fps={FPS}, random_state=0)\n"
        "write_shards(sys.argv[2:], 's', teacher=teacher, clips_per_shard=1, client=sys.argv[1])\n"
    )
    process = Python("-c", program, client.scheduler.address, *films)
    while process.poll() is None and len(list(Path("s").glob("clips-*.json"))) < 3:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in Path("s").glob("clips-*.json")}
    assert 3 <= len(finished) < 32
    result = write(films, "s", clips_per_shard=1, client=client)
    assert (result.n_clips, result.failures) == (32, [])
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert content_of(Path("s")) == content_of(Path("whole"))


def test_videos_that_kill_are_left_out(write, home, client, tiny_clip):
    for number in range(8):
        shutil.copy(home / "films" / "a.mp4", f"{number}.mp4")
    shutil.move("5.mp4", "poison 1.mp4")
    shutil.move("7.mp4", "poison 2.mp4")
    teacher = CrashingVideoEncoder(tiny_clip, pretrained=None, fps=FPS, random_state=0)
    with pytest.warns(LeftOutWarning, match="2 of 8 videos"):
        result = write(".", "s", teacher=teacher, clips_per_shard=20, client=client)
    assert [file for _, file, _ in result.failures] == ["./poison 1.mp4", "./poison 2.mp4"]
    assert all("was killed, more than once" in cause for _, _, cause in result.failures)
    write([f"{number}.mp4" for number in (0, 1, 2, 3, 4, 6)], "whole", clips_per_shard=20)
    assert content_of(Path("s")) == content_of(Path("whole"))
    assert ClipShards("s").n_samples.tolist() == [16000] * 6


def test_a_video_that_kills_stops_a_run_if_asked_for(tmp_path, teacher):
    plan = ShardPlan(["a.mp4", "b.mp4"], None, 2, 10, 16000)
    whole = plan.task(0, is_elsewhere=False)
    piece = whole.split()[1]
    for on_error in ("nan", "raise"):
        order = ShardOrder(str(tmp_path), ShardTerms(teacher, 16000, 10, on_error, None))
        if on_error == "nan":
            report, rest = order.leave_out(piece, whole, "it kills")
            assert (report.n_files, rest.failed, rest.rows) == (1, {1: "it kills"}, whole.rows)
            continue
        with pytest.raises(VideoError, match=r"Row 1 \('b.mp4'\): it kills\. To leave .*on_error"):
            order.leave_out(piece, whole, "it kills")


def test_workers_that_are_of_no_use(home, write, client, monkeypatch):
    versions = {"skw2c": "9", "torch": "2"}
    with monkeypatch.context() as patched:
        patched.setattr("skw2c.corpus._on_cluster._versions", lambda: versions)
        message = r"The worker tcp://.* and this process has skw2c 9, torch 2, .*: install the same"
        with pytest.raises(ShardError, match=message):
            write(home / "films", "s", client=client)
    with monkeypatch.context() as patched:
        patched.setattr(ShardOrder, "identify", lambda self: "another")
        message = r"does not find the folder .* on a disk that all machines share$"
        with pytest.raises(ShardError, match=message):
            write(home / "films", "s", client=client)
    assert not list(Path("s").glob("*.tar"))


def test_command_line(home, bucket, teacher, whole, tmp_path, monkeypatch, tiny_clip, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["--clip-model", tiny_clip, "--clip-pretrained", "none", "--fps", str(FPS), "--quiet"]
    given += ["--clips-per-shard", "2"]

    def shards(*arguments):
        return main(["shards", *arguments, *given])

    assert shards("s3://videos/takes", "--out", "s", "--dask", "1") == 3
    error = capsys.readouterr().err
    assert "skw2c: s3://videos/takes/b.mkv: the file is not a sound or media file" in error
    assert "skw2c: 4 clips, 0.00 hours, in s" in error
    assert_same("s", whole)
    members = [f"films.zip::{name}" for name in NAMES]
    shutil.copy(home / "films.zip", "films.zip")
    rows = [f'{name},"the film {row}"' for row, name in enumerate(members)]
    Path("captions.csv").write_text("\n".join(["file,caption", *rows]))
    assert shards("films.zip", "--out", "t", "--captions", "captions.csv") == 3
    clips = ClipShards("t")
    assert [clips.describe(row)["caption"] for row in range(4)] == [
        f"the film {row}" for row in (0, 2, 3, 4)
    ]
    capsys.readouterr()
    assert shards("s3://videos/none", "--out", "u") == 1
    assert "the address or archive 's3://videos/none' does not contain" in capsys.readouterr().err
    assert shards("films.zip", "--out", "s3://videos/out") == 1
    assert "--out 's3://videos/out' is an address" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        shards("films.zip", "--out", "u", "--dask", "many")
    assert "got 'many', expected a number of workers, or an address" in capsys.readouterr().err


def test_vectors_do_not_depend_on_the_number_of_threads(home, teacher, monkeypatch):
    """Threads that share a batch round its vectors by their number, so none do."""
    torch = pytest.importorskip("torch")
    network = "skw2c.models.FrozenCLIP"
    film = [str(home / "films" / "e.mp4")]
    small = CLIPVideoEncoder(**{**teacher.get_params(), "batch_size": 4, "pool": None}).fit()
    expected, threads = small.transform(film), []
    real = small._network().encode_images

    def encode(inputs):
        threads.append(torch.get_num_threads())
        return real(inputs)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        monkeypatch.setattr(f"{network}.encode_images", lambda self, inputs: encode(inputs))
        found = small.transform(film)
    finally:
        torch.set_num_threads(before)
    assert threads == [1] * 6
    np.testing.assert_array_equal(found, expected)
