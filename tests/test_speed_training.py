"""Measuring the speed of training: it runs where only torch is, and counts what it says."""

import argparse
import copy
import csv
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from benchmarks.speed import training, worker
from skw2c.models import build_student
from skw2c.training import Targets, TensorClips, WaveformClips
from skw2c.training._memory import keep_freed_memory
from skw2c.training._targets import average, average_frames

from .conftest import REPOSITORY
from .processes import run_python
from .test_distiller import ABSENT, BARE

RATE = 16000
BENCHMARKS = REPOSITORY / "benchmarks"


TINY = (
    "--train --device cpu --batch-sizes 2,4 --precision 32-true,bf16-mixed --steps 2 --threads 1 "
    "--encoder-width 2 --clip-length 1 --curve-steps 5"
)

PROGRAM = """
import runpy

sys.path.insert(0, {folder!r})
sys.argv = ["speed.py", *{arguments!r}]
runpy.run_path({folder!r} + "/speed.py", run_name="__main__")
"""


def test_it_runs_where_only_torch_and_scikit_learn_are(tmp_path):
    hide = BARE.partition("import numpy")[0] % ((*ABSENT, "tabulate"),)
    arguments = [*TINY.split(), "--out", str(tmp_path)]
    program = hide + PROGRAM.format(folder=str(BENCHMARKS), arguments=arguments)
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)  # noqa: S603
    page = (tmp_path / "speed_training.md").read_text("utf-8")
    table = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    rows = [dict(zip(table[0], cells, strict=True)) for cells in table[2:]]
    assert [(row["batch"], row["precision"]) for row in rows] == [
        ("2", "32-true"),
        ("2", "bf16-mixed"),
        ("4", "32-true"),
        ("4", "bf16-mixed"),
    ]
    for row in rows:
        step, rate = float(row["step, s"]), float(row["clips/s"])
        assert rate * step == pytest.approx(int(row["batch"]), rel=0.1)
        assert float(row["ratio"]) > 0
    with open(tmp_path / "loss_curve.csv", encoding="utf-8", newline="") as file:
        curve = list(csv.DictReader(file))
    assert [row["step"] for row in curve] == list("12345")
    losses = np.array([[float(row["32-true"]), float(row["bf16-mixed"])] for row in curve])
    gaps = np.abs(np.diff(losses, axis=1))
    assert 0 < gaps.max() < 0.2
    assert f"largest difference {gaps.max():.4f}, mean {gaps.mean():.4f}" in page


def count_by_gradients(student, n_samples):
    """Products of a step by the meter of torch, which counts those with padded zeros too."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        student(torch.randn(1, n_samples)).sum().backward()
    counts = counter.get_flop_counts()["Global"]
    return sum(n for name, n in counts.items() if "convolution" in str(name))


@pytest.mark.parametrize("width", [2, 8])
def test_operations_are_those_of_torch_but_for_the_padding(width):
    """Without padding and its zeros, both count the same."""
    options = argparse.Namespace(encoder_width=width, clip_length=5.0)
    layers = training.list_layers(options)
    assert sum(number for _, number in layers) == 20
    ours = sum(layer.operations * number for layer, number in layers)
    student, _ = build_student("resnet18", width)
    theirs = count_by_gradients(student, 80000)
    assert 0.9 * theirs < ours < theirs
    without_padding = 0
    for layer, number in layers:
        convolution = copy.deepcopy(layer.convolution)
        shape = [n + 2 * pad for n, pad in zip(layer.shape[2:], convolution.padding, strict=True)]
        convolution.padding = (0, 0)
        shape_in = (1, layer.shape[1], *shape)
        products = worker.count_products(
            convolution, shape_in, convolution(torch.zeros(shape_in)).shape
        )
        without_padding += number * products * (2 if layer.is_first else 3)
    assert without_padding == theirs


def test_bare_convolutions_are_those_of_the_network():
    """The bare convolution gives both gradients, the first one that of its weights alone."""
    options = argparse.Namespace(encoder_width=4, clip_length=1.0)
    for layer, _ in training.list_layers(options):
        gradients = layer.bare(2, torch.float32)()
        shapes = [tuple(gradient.shape) for gradient in gradients]
        weights = tuple(layer.convolution.weight.shape)
        expected = [weights] if layer.is_first else [(2, *layer.shape[1:]), weights]
        assert shapes == expected


def test_clock_leaves_out_the_pauses(monkeypatch):
    """One second a step, and a hundred in each pause."""
    now = [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])

    def pause():
        now[0] += 100

    clock = training.Clock(torch.device("cpu"), 2, pause)
    for _ in range(training.WARM_UP + 6):
        now[0] += 1
        clock.update()
    assert clock.seconds == [1, 1, 1]


def test_rows_stand_for_clips():
    clips = TensorClips(torch.arange(12.0).reshape(3, 4), Targets(np.eye(3)[:, None], None))
    rows = training.Rows(clips, 8)
    assert len(rows.n_samples) == 8
    batch = rows.read(np.array([7, 0]), np.array([1, 0]), 2)
    torch.testing.assert_close(batch.waveforms, torch.tensor([[5.0, 6.0], [0.0, 1.0]]))
    torch.testing.assert_close(batch.targets, torch.eye(3)[[1, 0]])


def test_row_of_a_gpu(monkeypatch):
    """The whole way of a GPU, on the CPU, with clocks and meters that stand still."""
    cuda = training.torch.cuda
    monkeypatch.setattr(cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(cuda, "max_memory_allocated", lambda: 3 * 10**9)
    monkeypatch.setattr(training, "measure_steps", lambda *arguments: [0.01])
    monkeypatch.setattr(training, "measure_matrix_rate", lambda device: 2e12)
    options = argparse.Namespace(encoder_width=64, clip_length=5.0, steps=40, device="cpu")
    row = training.measure_on_gpu(training.Kind(128, "bf16-mixed", True), options, None)
    operations = sum(n * layer.operations for layer, n in training.list_layers(options))
    assert operations == pytest.approx(12.2e9, rel=0.02)
    assert row == {
        "batch": 128,
        "precision": "bf16-mixed",
        "compiled": "yes",
        "step, ms": "10.0",
        "clips/s": "12800",
        "TFLOP/s": f"{operations * 12800 / 1e12:.1f}",
        "share of the matrix rate, %": f"{operations * 12800 / 2e10:.1f}",
        "peak memory, GB": "3.0",
    }

    def run_out(*arguments):
        raise cuda.OutOfMemoryError

    monkeypatch.setattr(training, "measure_steps", run_out)
    row = training.measure_on_gpu(training.Kind(2, "bf16-mixed", False), options, None)
    assert row["step, ms"] == "out of memory"


def test_rate_of_a_product_of_matrices(monkeypatch):
    monkeypatch.setitem(training.MATRIX, "cpu", 100)
    monkeypatch.setattr(training, "time_call", lambda function: 0.5 + 0 * len(function()))
    assert training.measure_matrix_rate("cpu") == 4e6


# ---- what the speed rests on


def test_vectors_of_whole_clips_are_the_average_frames(rng):
    """The short way gives the bits of the definition."""
    rows, starts, lengths = np.array([[4, 0, 4], [0, 16000, 99], [8000, 8000, 7000]])
    for vectors, rate in (
        (list(rng.normal(size=(6, 1, 3)).astype(np.float32)), 30.0),
        (list(rng.normal(size=(6, 1, 3))), None),
        ([rng.normal(size=(n, 3)).astype(np.float16) for n in (1, 2, 3, 4, 50, 6)], None),
        ([rng.normal(size=(n, 3)).astype(np.float32) for n in (3, 2, 3, 4, 50, 6)], 10.0),
    ):
        found = Targets(vectors, rate, RATE).read(rows, starts, lengths)
        pieces = zip(rows, starts, lengths, strict=True)
        expected = [
            average(vectors[row])
            if rate is None
            else average_frames(vectors[row], rate, RATE, *piece)
            for row, *piece in pieces
        ]
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.int16])
def test_pieces_of_tensors_are_those_of_arrays(rng, dtype):
    waveforms = torch.from_numpy(rng.integers(-9999, 9999, (5, 300))).to(dtype)
    vectors = Targets(list(rng.normal(size=(5, 1, 3)).astype(np.float32)), None)
    rows, starts = np.array([3, 1, 3, 0]), np.array([200, 0, 17, 100])
    one = TensorClips(waveforms, vectors).read(rows, starts, 100).waveforms
    other = WaveformClips(waveforms.float().numpy(), vectors).read(rows, starts, 100).waveforms
    assert one.dtype == dtype
    assert one.is_contiguous()
    torch.testing.assert_close(one.float(), other, rtol=0, atol=0)


def test_freed_memory_is_kept_and_given_back():
    """Only within the block does a freed map stay with the process."""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    program = """
        import ctypes, os
        from skw2c.training._memory import _find_glibc, keep_freed_memory

        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20

        def use(size=200 << 20):
            block = libc.malloc(size)
            ctypes.memset(block, 1, size)
            libc.free(block)

        libc = _find_glibc()
        if libc is not None:
            libc.malloc.restype = ctypes.c_void_p
            libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
            before = resident()
            use()
            assert resident() < before + 50
            with keep_freed_memory():
                use()
                assert resident() > before + 150
            assert resident() < before + 50
            use()
            assert resident() < before + 50
    """
    run_python("-c", textwrap.dedent(program))


def test_keeping_memory_does_nothing_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    from skw2c.training._memory import _find_glibc

    _find_glibc.cache_clear()
    try:
        with keep_freed_memory():
            assert _find_glibc() is None
    finally:
        _find_glibc.cache_clear()
