"""The benchmark with YAMNet: the teacher is what it should be, and the student is taught."""

import importlib

import numpy as np
import pandas as pd
import pytest
import torch

from skw2c.training import Run

from .conftest import REPOSITORY
from .test_benchmarks import esc_folder  # noqa: F401, a fixture


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    return importlib.import_module


def write_network(path, width=4):
    """A network of few channels with the keys of YAMNet."""
    rng = np.random.default_rng(0)
    arrays = {
        "frontend/window": np.hanning(400),
        "frontend/mel_matrix": rng.random((64, 257)),
        "frontend/log_offset": np.array(0.001),
        "layer01_conv/kernel": rng.normal(size=(width, 1, 3, 3)),
    }
    for number in range(2, 28):
        kind, shape = ("pointwise", (width, width, 1, 1)) if number % 2 else (
            "depthwise", (width, 1, 3, 3)
        )  # fmt: skip
        arrays[f"layer{number:02d}_{kind}/kernel"] = rng.normal(size=shape)
    kernels = [name for name in arrays if name.endswith("kernel")]
    arrays |= {name.replace("kernel", "bias"): np.full(width, 0.1) for name in kernels}
    np.savez(path, **{name: value.astype(np.float32) for name, value in arrays.items()})
    return str(path)


def test_yamnet_gives_the_reference_vectors(load, shared):
    network = load("yamnet").YAMNet(shared / "weights" / "yamnet_float32.npz")
    waveforms = np.load(shared / "oracles" / "yamnet_tflite_esc10.npz")
    expected = np.load(shared / "oracles" / "yamnet_float32_esc10.npz")
    for clip in np.unique(expected["clip_index"])[:3]:
        vectors = network(waveforms[f"waveform_16k/{clip:02d}"])
        np.testing.assert_allclose(
            vectors, expected["embeddings"][expected["clip_index"] == clip], atol=3e-4
        )


def test_windows_of_yamnet(load, tmp_path):
    yamnet = load("yamnet")
    network = yamnet.YAMNet(write_network(tmp_path / "tiny.npz"))
    waveform = np.random.default_rng(0).normal(size=31000).astype(np.float32)
    vectors = network(waveform)
    assert vectors.shape == (3, 4)
    np.testing.assert_allclose(vectors[1], network(waveform[7680:])[0], rtol=1e-5)
    assert network(waveform[:100]).shape == (1, 4)


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_distillation_of_yamnet(load, tmp_path, esc_folder, one_thread, monkeypatch):  # noqa: F811
    """It runs, and a second time takes what was trained."""
    script = load("distill_yamnet")
    arguments = [
        "--data-root", str(esc_folder), "--yamnet", write_network(tmp_path / "tiny.npz"),
        "--out", str(tmp_path / "out"), "--encoder-width", "2", "--clip-length", "1",
        "--epochs", "1", "--batch-size", "8", "--precision", "32-true",
    ]  # fmt: skip
    assert script.main(arguments) == 0
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
    assert script.main(arguments) == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "distill_yamnet.csv"), scores)
    with pytest.raises(TypeError, match="not callable"):
        script.main([*arguments, "--seed", "1"])
