"""The benchmark with YAMNet as the teacher."""

import shutil

import pandas as pd
import pytest

from benchmarks.mini import distill_yamnet
from benchmarks.running import cells, options
from benchmarks.systems import catalogue
from benchmarks.tasks import TASKS
from skw2c.training import Run

from .test_run_all import esc_folder  # noqa: F401, a fixture
from .yamnet_files import draw_layers, write_keras


@pytest.fixture
def whole_folder(tmp_path, esc_folder):  # noqa: F811
    """A folder in the layout of ESC-50 without the broken file."""
    folder = shutil.copytree(esc_folder, tmp_path / "ESC-50-master")
    table = pd.read_csv(folder / "meta" / "esc50.csv")
    table = table[table["filename"] != "5-broken.wav"]
    table.to_csv(folder / "meta" / "esc50.csv", index=False)
    return folder


def test_it_is_a_system_of_run_all(tmp_path, monkeypatch):
    """Each fold gets an encoder of its own, and what lacks is said."""
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "none"))
    arguments = ["--data-root", ".", "--weights-dir", str(tmp_path), "--out", str(tmp_path)]
    parsed = options.parse_arguments(arguments, TASKS, ["esc50"])
    system = catalogue.official_systems(parsed)["distilled"]
    with pytest.raises(cells.NotHereError, match="yamnet.h5"):
        system.make_classifier(0, 100)
    write_keras(tmp_path / "yamnet.h5", draw_layers())
    features, *_ = system.make_classifier(3, 100).named_steps.values()
    assert features.distiller.random_state == 3
    assert features.distiller.teacher.mode == "frame"
    assert "yamnet.h5" in system.fingerprint_learning()


def test_distillation_of_yamnet(tmp_path, whole_folder, monkeypatch):
    """It runs, and a second time takes what was trained."""
    yamnet = write_keras(tmp_path / "tiny.h5", draw_layers((4,) * 14))
    arguments = [
        "--data-root",
        str(whole_folder),
        "--yamnet",
        yamnet,
        "--out",
        str(tmp_path / "out"),
        "--encoder-width",
        "2",
        "--clip-length",
        "1",
        "--epochs",
        "1",
        "--batch-size",
        "8",
        "--precision",
        "32-true",
    ]
    assert distill_yamnet.main(arguments) == 0
    scores = pd.read_csv(tmp_path / "out" / "distill_yamnet.csv")
    assert len(scores) == 25
    assert set(scores["n_train"]) == {32}
    assert set(scores["n_test"]) == {8}
    distilled = scores["features"].str.startswith("distilled")
    assert scores["learning_rate"].notna().equals(distilled)
    page = (tmp_path / "out" / "distill_yamnet.md").read_text("utf-8")
    mfcc = scores["accuracy"][scores["features"] == "MFCC statistics"]
    assert f"{100 * mfcc.mean():.2f} ±" in page
    monkeypatch.setattr(Run, "_step", None)  # nothing is left to train
    assert distill_yamnet.main(arguments) == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "distill_yamnet.csv"), scores)
    with pytest.raises(TypeError, match="not callable"):
        distill_yamnet.main([*arguments, "--seed", "1"])
