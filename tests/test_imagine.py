"""benchmarks/imagine.py: the sheets of the papers' figures are drawn."""

import shutil

import pytest

from benchmarks.reports import imagine

from .data_sets import write_urbansound8k
from .vqgan_files import write_tiny_vqgan

pytest.importorskip("open_clip")


@pytest.fixture
def small(tmp_path, tiny_checkpoint, tiny_clip):
    """Options for small models in place of the official ones."""
    vqgan = write_tiny_vqgan(tmp_path / "vqgan.ckpt")
    return [
        "--vqgan",
        vqgan,
        "--weights",
        tiny_checkpoint,
        "--clip-model",
        tiny_clip,
        "--size",
        "16",
        "--iterations",
        "1",
        "--cutouts",
        "1",
        "--no-augment",
        "--out",
        str(tmp_path / "out"),
    ]


def test_figure_4(small, tmp_path):
    root = write_urbansound8k(tmp_path)
    run = ["--figure", "4", "--data-root", str(root), "--clip-pretrained", "none"]
    assert imagine.main([*small, *run]) == 0
    assert (tmp_path / "out" / "figure_4.png").exists()


def test_figure_5(small, tmp_path, wav_files, monkeypatch, capsys):
    for song in ("train/A - a", "test/B - b", "test/C - c"):
        (tmp_path / song).mkdir(parents=True)
        for row, track in enumerate(imagine.TRACKS):
            shutil.copy(wav_files[row], tmp_path / song / f"{track}.wav")
    assert [song.name for song in imagine.find_songs(tmp_path, [])] == ["B - b", "C - c"]
    assert [song.name for song in imagine.find_songs(tmp_path, ["A - a"])] == ["A - a"]
    run = ["--figure", "5", "--data-root", str(tmp_path)]
    assert imagine.main([*small, *run, "--clip-pretrained", "none"]) == 0
    assert (tmp_path / "out" / "figure_5.png").exists()
    assert imagine.main([*small, *run, "--songs", "D"]) == 1
    assert "There is no D of musdb18-hq" in capsys.readouterr().err
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:1")
    monkeypatch.setenv("https_proxy", "http://localhost:1")
    assert imagine.main([*run, "--out", str(tmp_path)]) == 1
    assert "not in the cache" in capsys.readouterr().err
