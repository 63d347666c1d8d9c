"""The measurements of speed run, and count what they say they count."""

import subprocess
import sys

import pytest
import soundfile
import torch

from benchmarks.speed import worker
from skw2c.datasets import make_sound_events
from skw2c.models import random_wav2clip

from .conftest import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Four sound files."""
    folder = tmp_path_factory.mktemp("sounds")
    made = make_sound_events(4, duration=(1.0, 1.5), random_state=0)
    for row, waveform in enumerate(made.data):
        soundfile.write(folder / f"{row}.wav", waveform, 16000)
    return folder


def run(*arguments, cwd):
    return subprocess.run(  # noqa: S603
        [sys.executable, str(BENCHMARKS / arguments[0]), *arguments[1:]],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_operations_are_counted_without_padding():
    assert worker.count_operations(random_wav2clip(0).audio_encoder) == pytest.approx(
        4.13e9, rel=0.01
    )


def test_speed(tmp_path, sounds):
    """Both programs run on the same files and agree; what they measure is not judged here."""
    result = run(
        "speed.py",
        "--data-root",
        str(sounds),
        "--n-files",
        "4",
        "--repeats",
        "1",
        "--rounds",
        "1",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "results" / "speed.md").read_text("utf-8")
    assert page.count("| original") == 2
    difference = page.partition("first clip: ")[2].split()[0].rstrip(".")
    assert float(difference) < 1e-4  # of vectors of length 1, ten times what rounding allows


def test_stand_in_for_torchaudio():
    spectrogram = worker.Spectrogram(512, 353)(torch.randn(2, 1, 16000))
    assert spectrogram.shape == (2, 1, 257, 46)
