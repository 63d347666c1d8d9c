"""``skw2c imagine``: a picture or a video of a sound file."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skw2c import AudioToImage, Wav2CLIPTransformer
from skw2c.cli import main

from .vqgan_files import write_tiny_vqgan

pytest.importorskip("open_clip")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, wav_files, tiny_checkpoint, tiny_clip):
    """A working directory with a sound and small models."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(wav_files[1], "in.wav")
    shutil.copy(tiny_checkpoint, "encoder.pt")
    shutil.copytree(tiny_clip, "clip")
    write_tiny_vqgan("vqgan.ckpt")
    return tmp_path


MODELS = [
    "--vqgan",
    "vqgan.ckpt",
    "--weights",
    "encoder.pt",
    "--clip-model",
    "clip",
    "--clip-pretrained",
    "none",
]
QUICK = ["--size", "24x17", "--iterations", "3", "--cutouts", "2", "--quiet", "--no-augment"]


def imagine(*arguments):
    return main(["imagine", "in.wav", *MODELS, *QUICK, *arguments])


def paint(**parameters):
    parameters = {
        **dict(
            clip_model="clip",
            clip_pretrained=None,
            size=(17, 24),
            n_iter=3,
            n_cutouts=2,
            augment=None,
            random_state=7,
        ),
        **parameters,
    }
    encoder = Wav2CLIPTransformer("encoder.pt")
    return AudioToImage("vqgan.ckpt", encoder=encoder, **parameters).fit_transform(["in.wav"])[0]


def test_picture(capsys):
    assert imagine("--out", "out.png", "--seed", "7") == 0
    np.testing.assert_array_equal(np.asarray(Image.open("out.png")), paint())
    assert capsys.readouterr() == ("", "")


def test_prompts():
    prompts = ["--text", "a: b", "--text", "red::-0.5", "--image", "out.jpg::0.25"]
    assert imagine("--out", "out.jpg", "--seed", "1") == 0
    assert Image.open("out.jpg").size == (24, 16)
    more = [*prompts, "--sound-weight", "0.5", "--init-image", "out.jpg"]
    assert imagine("--out", "more.png", "--seed", "7", *more) == 0
    expected = paint(
        texts={"a: b": 1, "red": -0.5},
        images=[("out.jpg", 0.25)],
        sound_weight=0.5,
        init_image="out.jpg",
    )
    np.testing.assert_array_equal(np.asarray(Image.open("more.png")), expected)


def test_steps_are_saved():
    assert imagine("--out", "out.png", "--seed", "7", "--save-every", "2") == 0
    assert sorted(path.name for path in Path().glob("out*")) == ["out.000002.png", "out.png"]
    np.testing.assert_array_equal(np.asarray(Image.open("out.000002.png")), paint(n_iter=2))


def test_video():
    av = pytest.importorskip("av")
    video = ["--frame-length", "0.5", "--hop-length", "0.5", "--frame-rate", "8"]
    assert imagine("--out", "out.mp4", "--frame-iterations", "1", *video) == 0
    with av.open("out.mp4") as film:
        assert film.streams.video[0].frames == 16
        assert film.streams.audio[0].codec_context.name == "aac"


def test_what_it_refuses(capsys):
    Path("notes.txt").write_text("no sound")
    for arguments, message in (
        (["--out", "out.gif"], "must end in .png, .jpg or .mp4"),
        (["--out", "none/out.png"], "does not exist"),
        (["--out", "out.png", "--vqgan", "none.ckpt"], "--vqgan none.ckpt is neither a known name"),
        (["--out", "out.png", "--vqgan", "encoder.pt"], "not a checkpoint of VQGAN"),
        (["--out", "out.png", "--size", "1"], "expected at least 2 pixels"),
        (["--out", "out.png", "--sound-weight", "0"], "nothing guides"),
        (["--out", "out.png", "--image", "none.png"], "does not exist"),
        (["--out", "out.png", "--iterations", "-1"], "--iterations must be"),
    ):
        assert imagine(*arguments) == 1
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error
    assert main(["imagine", "none.wav", "--out", "out.png"]) == 1
    assert "the sound file 'none.wav' does not exist" in capsys.readouterr().err
    assert main(["imagine", "notes.txt", "--out", "out.mp4", *MODELS, *QUICK]) == 1
    assert "notes.txt" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        imagine("--out", "out.png", "--size", "large")
    assert not list(Path().glob("out*"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_folder_that_cannot_be_written_to(folder, capsys):
    (folder / "closed").mkdir(mode=0o500)
    assert imagine("--out", "closed/out.png") == 1
    assert "cannot be written to" in capsys.readouterr().err
