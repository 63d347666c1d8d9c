"""The benchmarks run, read what is on disk as it is, and count what they say they count."""

import importlib
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from skw2c.datasets import make_sound_events
from skw2c.models import random_wav2clip

from .conftest import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture(scope="module")
def esc_folder(tmp_path_factory):
    """A folder in the layout of ESC-50 with 4 classes, odd names and one absent file."""
    root = tmp_path_factory.mktemp("data") / "ESC-50-master"
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    kinds = ["bell", "rain", "bark", "tick"]
    sounds = make_sound_events(40, kinds=kinds, duration=(1.0, 1.5), random_state=0)
    rows = []
    for row, (waveform, target) in enumerate(zip(sounds.data, sounds.target, strict=True)):
        name = f"{row // 8 + 1}-{row} ü,{target}.{'flac' if row % 2 else 'wav'}"
        soundfile.write(root / "audio" / name, waveform, 16000)
        rows.append((name, row // 8 + 1, 7 * target, kinds[target], False, row, "A"))
    rows.append(("5-absent.wav", 5, 0, "bell", False, 99, "A"))
    columns = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "meta" / "esc50.csv", index=False)
    return root


@pytest.mark.parametrize("above", [False, True])
def test_esc50_reader(load, esc_folder, above):
    data = load("classification_data").read_esc50(esc_folder.parent if above else esc_folder)
    assert len(data.clips) == len(data.target) == len(data.fold) == 40
    assert [path.rsplit("/", 1)[-1] for path in data.missing] == ["5-absent.wav"]
    assert np.bincount(data.fold).tolist() == [0, 8, 8, 8, 8, 8]
    assert sorted(set(data.target)) == ["bark", "bell", "rain", "tick"]


def test_real_esc10(load, shared):
    data = load("classification_data").read_esc50(shared / "data" / "esc10")
    assert data.name == "ESC-10"
    assert len(data.clips) == 400
    assert not data.missing
    assert np.bincount(data.fold).tolist() == [0, 80, 80, 80, 80, 80]


def run(*arguments, cwd):
    return subprocess.run(  # noqa: S603
        [sys.executable, str(BENCHMARKS / arguments[0]), *arguments[1:]],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_run_all(tmp_path, esc_folder, tiny_checkpoint):
    result = run(
        "run_all.py", "--tasks", "esc50", "--data-root", str(esc_folder), "--weights",
        tiny_checkpoint, "--output", "encoder", "--classifier", "logistic", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    folds = pd.read_csv(tmp_path / "results" / "folds.csv")
    assert len(folds) == 10
    assert folds["n_test"].tolist() == [8] * 10
    accuracy = folds.groupby("features")["accuracy"].mean()
    assert accuracy["mfcc"] > 0.7
    assert accuracy.min() > 0.4  # chance is 0.25
    page = (tmp_path / "results" / "report.md").read_text("utf-8")
    assert f"{100 * accuracy['mfcc']:.2f} ±" in page
    assert "1 files are listed but absent" in page
    assert page in result.stdout


def test_run_all_generated_sounds(tmp_path, load, monkeypatch):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "empty"))
    run_all, data = load("run_all"), load("classification_data")
    sounds = make_sound_events(120, kinds=["bell", "rain"], duration=1.0, random_state=0)
    small = data.ClassificationData(
        "small", sounds.data, sounds.target_names[sounds.target], np.arange(120) // 2 % 3, []
    )
    monkeypatch.setattr(data, "make_generated", lambda seed: small)
    assert run_all.main(["--tasks", "esc50", "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert "untrained" in page
    assert "generated sounds" in page


def test_run_all_offline_default(tmp_path, load, monkeypatch, tiny_world):
    """The small world by default: its tasks, and that clips in it are held out."""
    run_all, world = load("run_all"), load("world")
    monkeypatch.setattr(world, "make_small_world", lambda **_: tiny_world)
    out = tmp_path / "out"
    assert run_all.main(["--out", str(out), "--n-test", "60", "--seed", "3"]) == 0
    scores = pd.read_csv(out / "world.csv")
    assert scores.groupby("task").size().to_dict() == {
        "classification": 3, "cross-modal search": 4, "frame level": 1, "zero-shot": 3,
    }  # fmt: skip
    assert scores["score"].between(0, 1).all()
    by_chance = scores.set_index(["task", "what"])["chance"]
    assert by_chance["zero-shot", "kinds it has heard"] == pytest.approx(0.1)
    assert by_chance["zero-shot", "kinds it has never heard, among themselves"] == 0.5
    page = (out / "report.md").read_text("utf-8")
    assert "This is a generated world" in page
    assert (out / "learning_curve.png").stat().st_size > 5000


def test_seconds_are_labelled_by_what_fills_them(load):
    world = load("world")
    events = pd.DataFrame({"row": [0, 0, 1], "onset": [0.2, 3.6, 0.0], "offset": [1.3, 4.2, 9.0]})
    clips = SimpleNamespace(events=events)
    made = SimpleNamespace(clips=clips, labels=["bell", "rain"])
    times = np.arange(5)[:, None] + [0, 1]
    labels = world._label_seconds(made, 0, times).tolist()
    assert labels == ["bell", "", world.NOTHING, "", ""]
    assert set(world._label_seconds(made, 1, times)) == {"rain"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "esc51"], "unknown: esc51; known: world, esc50"),
        (["--features", "mfcc,clap"], "unknown: clap"),
        (["--data-root", "nowhere"], "no meta/esc50.csv in nowhere"),
        (["--tasks", "esc50", "--weights", "nothing.pt"], "neither a known name"),
    ],
)
def test_run_all_bad_arguments(tmp_path, arguments, message):
    result = run("run_all.py", *arguments, cwd=tmp_path)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_generated_folds_are_balanced(load):
    data = load("classification_data").make_generated(0)
    table = pd.crosstab(data.target, data.fold)
    assert table.shape == (12, 5)
    assert (table == 4).all().all()


def test_operations_are_counted_without_padding(load):
    worker = load("speed_worker")
    assert worker.count_operations(random_wav2clip(0).audio_encoder) == pytest.approx(
        4.13e9, rel=0.01
    )


def test_speed(tmp_path, load, esc_folder):
    """Both programs run on the same files and agree; what they measure is not judged here."""
    result = run(
        "speed.py", "--data-root", str(esc_folder), "--n-files", "4", "--repeats", "1",
        cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "results" / "speed.md").read_text("utf-8")
    assert page.count("| original") == 2
    difference = page.partition("first clip: ")[2].split()[0].rstrip(".")
    assert float(difference) < 1e-4


def test_stand_in_for_torchaudio(load):
    spectrogram = load("speed_worker").Spectrogram(512, 353)(torch.randn(2, 1, 16000))
    assert spectrogram.shape == (2, 1, 257, 46)
