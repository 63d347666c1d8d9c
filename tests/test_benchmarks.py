"""The measurements of speed run, and count what they say they count."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from benchmarks.scale import arithmetic, measure
from benchmarks.speed import baselines_worker, cached, encoders, folder, worker
from skw2c.datasets import make_sound_events
from skw2c.models import random_wav2clip

from .conftest import REPOSITORY
from .processes import run_python


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Four sound files."""
    folder = tmp_path_factory.mktemp("sounds")
    made = make_sound_events(4, duration=(1.0, 1.5), random_state=0)
    for row, waveform in enumerate(made.data):
        soundfile.write(folder / f"{row}.wav", waveform, 16000)
    return folder


def test_operations_are_counted_without_padding():
    assert worker.count_operations(random_wav2clip(0).audio_encoder) == pytest.approx(
        4.13e9, rel=0.01
    )


def test_memory_is_that_of_the_process_alone():
    """And not of the one that started it, which may have imported what the other does without."""
    ballast = np.ones(1 << 28, np.uint8)
    program = "from benchmarks.speed.folder import peak_megabytes; print(peak_megabytes())"
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], check=True, capture_output=True, cwd=REPOSITORY
    )
    assert 1 < float(told.stdout) < len(ballast) / 2**20
    assert folder.peak_megabytes() > len(ballast) / 2**20


def test_speed(tmp_path, sounds, monkeypatch):
    """Both programs run on the same files and agree; what they measure is not judged here."""

    found = {}

    def measure(job, engine, mode, worker="worker"):
        """Windows are left to two programs; the others measure whole clips alone here."""
        if mode == "frame" and engine not in ("skw2c", "original"):
            return found[engine]
        found[engine] = measure_once(job, engine, mode, worker)
        return found[engine]

    def measure_once(job, engine, mode, worker):
        """Two measurements in processes that start as users' do; the others in quicker ones."""
        if mode == "clip" and engine in ("skw2c mini", "skw2c mini onnxruntime"):
            return start_worker(job, engine, mode, worker)
        done = run_python("-m", f"benchmarks.speed.{worker}", job, engine, mode)
        return json.loads(done.stdout.splitlines()[-1])

    start_worker = encoders.run_worker
    monkeypatch.setattr(encoders, "run_worker", measure)
    monkeypatch.chdir(tmp_path)
    counts = ["--n-files", "4", "--repeats", "1", "--rounds", "1"]
    assert encoders.main(["--data-root", str(sounds), *counts]) == 0
    page = (tmp_path / "results" / "speed.md").read_text("utf-8")
    assert page.count("| original") == page.count("| skw2c mini onnxruntime") == 2
    difference = page.partition("first clip: ")[2].split()[0].rstrip(".")
    assert float(difference) < 1e-4  # of vectors of length 1, ten times what rounding allows


@pytest.mark.parametrize("engine", ["skw2c mini", "skw2c mn10"])
def test_encoders_of_others(sounds, engine):
    files = sorted(map(str, sounds.glob("*.wav")))[:3]
    found = baselines_worker.MEASUREMENTS[engine]({"files": files, "n_jobs": 1})
    assert found["n_files"] == 3
    assert found["clips_per_second"] > 0


def test_stand_in_for_torchaudio():
    spectrogram = worker.Spectrogram(512, 353)(torch.randn(2, 1, 16000))
    assert spectrogram.shape == (2, 1, 257, 46)


def test_scale(tmp_path, capsys):
    """Rows are counted; neither speed nor memory is judged here."""
    assert measure.main(["--only", "short", "--n-files", "40", "--folder", str(tmp_path)]) == 0
    lines = capsys.readouterr().out
    assert "rows: 40, of different files 40; 1 have errors, 1 were to be expected" in lines
    assert "0 files embedded" in lines


def test_arithmetic(capsys):
    units = arithmetic.Units(clips_per_core_second=100, price=0.5)
    figures = arithmetic.estimate(3.6e8, units)
    assert figures["embedding, core-hours"] == pytest.approx(1000)
    assert figures["embedding, USD"] == pytest.approx(500)
    assert figures["embedding, USD per million"] == pytest.approx(500 / 360)
    assert arithmetic.estimate(1e6, units)["queries per core-second"] == (
        units.queries_per_core_second
    )
    assert arithmetic.main(["--clips", "2e6", "--price", "0.1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| figure | 2,000,000 clips | formula |"
    assert len(lines) == 2 + len(figures)


def test_cached(tmp_path, capsys):
    """That the vectors are the kept ones, it checks itself."""
    pytest.importorskip("onnxruntime")
    arguments = ["--n-files", "30", "--rounds", "1", "--device", "onnxruntime"]
    assert cached.main([*arguments, "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("30 files of 0.1 s, all in memory: ")
    assert list(tmp_path.iterdir()) == []
