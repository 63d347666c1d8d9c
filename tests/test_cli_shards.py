"""``skw2c shards``: what it writes, what it says, and that it goes on where it was."""

import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from skw2c import ClipShards, CLIPTextEncoder, CLIPVideoEncoder, write_shards
from skw2c.cli import main

pytest.importorskip("av")
pytest.importorskip("open_clip")

from .processes import Python
from .test_shards import FPS, content_of, write_film


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with films in nested folders, and things that are no film."""
    (tmp_path / "films" / "deep").mkdir(parents=True)
    write_film(tmp_path / "films" / "b.mkv", 2)
    write_film(tmp_path / "films" / "a.mp4", 4.2)
    write_film(tmp_path / "films" / "deep" / "c.mp4", 1)
    (tmp_path / "films" / "notes.txt").write_text("no film")
    (tmp_path / "films" / "a.wav").write_text("the sound of one")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shards(folder, tiny_clip):
    def run(*arguments):
        given = ["--clip-model", tiny_clip, "--clip-pretrained", "none", "--fps", str(FPS)]
        return main(["shards", "films", "--out", "s", "--quiet", *given, *arguments])

    return run


def test_shards(shards, folder, tiny_clip, capsys):
    assert shards("--piece-length", "2", "--clips-per-shard", "2", "--n-jobs", "2") == 0
    assert capsys.readouterr().err == (
        "skw2c: 2 files were skipped: 1 .txt, 1 .wav\nskw2c: 4 clips, 0.00 hours, in s\n"
    )
    teacher = CLIPVideoEncoder(tiny_clip, None, fps=FPS, random_state=0)
    films = ["films/a.mp4", "films/b.mkv", "films/deep/c.mp4"]
    write_shards(films, "t", teacher=teacher, piece_length=2, clips_per_shard=2, verbose=False)
    assert len(content_of(folder / "s")) == 2
    assert content_of(folder / "s") == content_of(folder / "t")
    assert ClipShards("s").fingerprint == ClipShards("t").fingerprint


def test_failures(shards, capsys):
    Path("films/broken.mp4").write_text("no film at all")
    write_film("films/silent.mp4", 1, sound=False)
    assert shards("--on-error", "raise") == 1
    error = capsys.readouterr().err
    assert "skw2c: error: Row 2 ('films/broken.mp4'): the file is not a sound" in error
    assert "pass --on-error nan" in error
    assert "Traceback" not in error
    for _ in range(2):
        assert shards() == 3
        error = capsys.readouterr().err
        assert "skw2c: films/broken.mp4: the file is not a sound or media file" in error
        assert "skw2c: films/silent.mp4: the file has no sound track" in error
        assert "skw2c: 2 clips failed" in error
        assert "skw2c: 3 clips, 0.00 hours, in s" in error
    assert Path("s/failures.csv").read_text().count("\n") == 3
    assert len(ClipShards("s")) == 3


def test_parts(shards, folder):
    each = ["--clips-per-shard", "1", "--part"]
    assert shards(*each, "2/2") == 0
    assert sorted(content_of(folder / "s")) == ["clips-000001.tar"]
    assert shards(*each, "1/2") == 0
    assert len(ClipShards("s")) == 3


def test_captions(shards, folder, tiny_clip):
    rows = ["file,caption", "deep/c.mp4,rain", "b.mkv,a dog", '"a.mp4","bells, far"', "x.mp4,no"]
    Path("films/captions.csv").write_text("\n".join(rows))
    assert shards("--captions", "films/captions.csv") == 0
    clips = ClipShards("s")
    captions = ["bells, far", "a dog", "rain"]
    assert [clips.describe(row)["caption"] for row in range(3)] == captions
    encoder = CLIPTextEncoder(tiny_clip, None, random_state=0)
    found = clips.read(np.arange(3), np.zeros(3, int), 100).texts
    np.testing.assert_allclose(found, encoder.fit_transform(captions), rtol=1e-3, atol=1e-3)
    Path("here.csv").write_text("caption,file\nx,films/a.mp4\ny,films/b.mkv\nz,films/deep/c.mp4\n")
    assert shards("--captions", "here.csv", "--out", "t") == 0
    assert [ClipShards("t").describe(row)["caption"] for row in range(3)] == ["x", "y", "z"]


def test_captions_in_another_encoding(shards, folder, capsys):
    rows = "file,caption\na.mp4,Größe\nb.mkv,dog\ndeep/c.mp4,x\n"
    Path("films/latin.csv").write_bytes(rows.encode("latin-1"))
    assert shards("--captions", "films/latin.csv") == 1
    error = capsys.readouterr().err
    assert "'films/latin.csv' is not text in UTF-8: the caption of 'a.mp4' is" in error
    assert not Path("s").exists()


def test_captions_that_name_a_file_twice(shards, folder, capsys):
    rows = ["file,caption", "a.mp4,rain", "b.mkv,dog", "deep/c.mp4,x", "films/a.mp4,bells"]
    Path("films/twice.csv").write_text("\n".join([*rows[:4], "./a.mp4,bells"]))
    assert shards("--captions", "films/twice.csv") == 1
    assert "two captions for './a.mp4': 'rain' and 'bells'" in capsys.readouterr().err
    Path("films/both.csv").write_text("\n".join(rows))
    assert shards("--captions", "films/both.csv") == 1
    assert "two captions for 'films/a.mp4': its names fit both" in capsys.readouterr().err
    assert not Path("s").exists()
    Path("films/same.csv").write_text("\n".join([*rows[:4], "./a.mp4,rain"]))
    assert shards("--captions", "films/same.csv") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--captions", "none.csv"], "none.csv"),
        (["--captions", "bad.csv"], "has the columns ['a', 'b'], expected file and caption"),
        (
            ["--captions", "few.csv"],
            "'few.csv' lacks captions for 2 of 3 videos; the first of them is 'films/b.mkv'",
        ),
        (["--out", "bad.csv"], "--out 'bad.csv' is a file"),
        (["--piece-length", "-1"], "--piece-length must be"),
        (["--piece-length", "0.1"], "too short"),
        (["--fps", "0"], "fps"),
        (["--clip-pretrained", "no.pt"], "--clip-pretrained"),
        (["--device", "gpu9"], "--device gpu9 cannot be used"),
    ],
)
def test_errors(shards, folder, capsys, arguments, message):
    Path("bad.csv").write_text("a,b\n1,2\n")
    Path("few.csv").write_text("file,caption\nfilms/a.mp4,x\n")
    assert shards(*arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not Path("s").exists()


def test_a_folder_without_videos(folder, capsys):
    Path("sounds").mkdir()
    Path("films/a.wav").rename("sounds/a.wav")
    assert main(["shards", "sounds", "--out", "s"]) == 1
    assert "'sounds' does not contain files with the suffix of a sound or video (mp4" in (
        capsys.readouterr().err
    )


def test_another_configuration(shards, folder, capsys):
    assert shards() == 0
    before = content_of(folder / "s")
    assert shards("--piece-length", "2") == 1
    assert "--piece-length is 10.0 there and 2.0 here" in capsys.readouterr().err
    assert content_of(folder / "s") == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--part", "3/2"],
        ["--part", "0/2"],
        ["--part", "1"],
        ["--clips-per-shard", "0"],
        ["--dance"],
    ],
)
def test_usage(shards, arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        shards(*arguments)
    assert caught.value.code == 2
    assert "usage: skw2c" in capsys.readouterr().err


def test_help(capsys):
    with pytest.raises(SystemExit):
        main(["shards", "--help"])
    assert "exit status:" in capsys.readouterr().out


def test_interrupted_and_started_again(folder, tiny_clip, shards):
    for number in range(30):
        shutil.copy("films/a.mp4", f"films/more {number:02}.mp4")
    each = ["--clips-per-shard", "1"]
    teacher = ["--clip-model", tiny_clip, "--clip-pretrained", "none", "--fps", str(FPS)]
    process = Python("-m", "skw2c", "shards", "films", "--out", "s", *teacher, *each)
    deadline = time.monotonic() + 100
    while len(list(folder.glob("s/clips-*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in error
    assert not list(folder.glob("s/.*.tar"))
    finished = {path: path.stat().st_mtime_ns for path in folder.glob("s/clips-*.tar")}
    assert 3 <= len(finished) < 33
    assert shards(*each) == 0
    assert len(ClipShards("s")) == 33
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(json.loads(Path("s/shards.json").read_text())["shards"]) == 33
