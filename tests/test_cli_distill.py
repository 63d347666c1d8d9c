"""``skw2c distill``: from shards to an encoder, on one process and on two."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors

from skw2c import ClipShards, CLIPVideoEncoder, Distiller, Wav2CLIPTransformer, write_shards
from skw2c.cli import main

pytest.importorskip("av")
pytest.importorskip("open_clip")

from .test_shards import FPS, write_film

RECIPE = ["--encoder-width", "2", "--clip-length", "0.5", "--batch-size", "4", "--max-epochs", "2"]


@pytest.fixture(autouse=True)
def shards(tmp_path, monkeypatch, tiny_clip):
    """A working directory with the shards of eight films."""
    monkeypatch.chdir(tmp_path)
    for number in range(8):
        write_film(f"{number}.mkv", 1 + 0.1 * number)
    films = [f"{number}.mkv" for number in range(8)]
    teacher = CLIPVideoEncoder(tiny_clip, None, fps=FPS, random_state=0)
    write_shards(films, "shards", teacher=teacher, clips_per_shard=4, verbose=False)


def distill(*arguments):
    given = ["--shards", "shards", "--out", "e.safetensors", "--quiet", "--devices", "cpu"]
    return main(["distill", *given, *RECIPE, *arguments])


def test_distill(capsys):
    assert distill("--licence", "CC0", "--data", "eight films") == 0
    expected = Distiller(
        encoder_width=2,
        clip_length=0.5,
        batch_size=4,
        max_epochs=2,
        devices="cpu",
        random_state=0,
        verbose=False,
    ).fit(ClipShards("shards"))
    sounds = [np.random.default_rng(0).normal(size=9000)]
    heard = Wav2CLIPTransformer("e.safetensors").fit().transform(sounds)
    np.testing.assert_array_equal(heard, expected.transform(sounds))
    with safetensors.safe_open("e.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata["licence"] == "CC0"
    assert metadata["data"] == "eight films"
    assert "clip" in metadata["teacher"]
    assert "eight films" in Path("e.md").read_text("utf-8")
    assert capsys.readouterr() == ("", "")


def test_same_command_goes_on(monkeypatch):
    assert distill("--max-epochs", "1") == 0
    before = Path("e.safetensors").read_bytes()
    assert distill("--max-epochs", "2") == 0
    assert Path("e.safetensors").read_bytes() != before
    monkeypatch.setattr("skw2c.training.Run._step", None)
    assert distill("--max-epochs", "2") == 0


def test_what_it_refuses(capsys):
    for arguments, message in (
        (["--out", "e.onnx"], "must end in .safetensors or .pt"),
        (["--out", "none/e.pt"], "does not exist"),
        (["--out", "e.pt"], "choose a name that ends in .safetensors"),
        (["--shards", "none"], "none"),
        (["--clip-length", "0.001"], "too short"),
    ):
        assert distill(*arguments) == 1
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error
    with pytest.raises(SystemExit):
        distill("--devices", "many")
    assert not list(Path().glob("e.*"))


def test_damaged_shards_are_counted_and_named(capsys):
    shard = Path("shards/clips-000001.tar")
    shard.write_bytes(shard.read_bytes()[:-20000])
    assert distill() == 1
    assert "--on-error nan" in capsys.readouterr().err
    assert distill("--on-error", "nan") == 3
    assert "clips-000001.tar" in capsys.readouterr().err
    assert Path("e.safetensors").exists()


def test_two_processes_write_one_encoder():
    pytest.importorskip("lightning_fabric")
    command = [
        sys.executable,
        "-m",
        "skw2c",
        "distill",
        "--shards",
        "shards",
        "--out",
        "e.safetensors",
        "--devices",
        "2",
        *RECIPE,
    ]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch   2/2") == 1
    assert "batches of 4 on cpu x 2" in done.stdout
    heard = Wav2CLIPTransformer("e.safetensors").fit().transform([np.ones(9000)])
    assert np.isfinite(heard).all()
