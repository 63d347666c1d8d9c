"""Constants of TFLite programs: what they stand for, and files that must be refused."""

import sys

import numpy as np
import pytest

from skw2c.exceptions import OptionalDependencyError, WeightsError
from skw2c.weights import read_checkpoint

from .tflite_files import quantize, write_tflite


@pytest.fixture
def kernel(rng):
    return rng.normal(size=(4, 3, 3, 2)) * np.array([1, 10, 100, 0.1]).reshape(-1, 1, 1, 1)


def test_names_say_operator_activation_and_position(tmp_path, kernel):
    bias = np.arange(4, dtype=np.float32)
    path = write_tflite(
        tmp_path / "a.tflite",
        [
            ("MUL", None, [bias]),
            ("CONV_2D", "RELU6", [kernel.astype(np.float32), bias]),
            ("FULLY_CONNECTED", "NONE", [bias[:, None]]),
        ],
    )
    state = read_checkpoint(path)
    assert list(state) == [
        "000/MUL/NONE/1",
        "001/CONV_2D/RELU6/1",
        "001/CONV_2D/RELU6/2",
        "002/FULLY_CONNECTED/NONE/1",
    ]
    np.testing.assert_array_equal(state["001/CONV_2D/RELU6/1"], kernel.astype(np.float32))
    assert state["002/FULLY_CONNECTED/NONE/1"].shape == (4, 1)


@pytest.mark.parametrize(("axis", "zero"), [(0, 0), (3, 0), (None, 0), (None, 7), (0, -3)])
def test_quantised_numbers_come_as_what_they_stand_for(tmp_path, kernel, axis, zero):
    constant = quantize(kernel, axis, zero)
    path = write_tflite(tmp_path / "a.tflite", [("CONV_2D", "RELU", [constant])])
    [value] = read_checkpoint(path).values()
    assert value.numpy().dtype == np.float32
    steps = np.abs(kernel).max(tuple({0, 1, 2, 3} - {axis}), keepdims=True) / 100
    assert np.abs(value.numpy() - kernel).max() > 0
    assert (np.abs(value.numpy() - kernel) <= 0.501 * steps).all()


def test_a_bias_of_32_bits_keeps_its_precision(tmp_path):
    whole = np.array([2**24 + 1, -5], np.int32)
    constant = (whole, np.array([0.125, 0.25]), 0, 0)
    path = write_tflite(tmp_path / "a.tflite", [("CONV_2D", "RELU", [constant])])
    [value] = read_checkpoint(path).values()
    np.testing.assert_array_equal(value, (whole * [0.125, 0.25]).astype(np.float32))


@pytest.mark.parametrize("size", [0, 7, 100, 2000])
def test_cut_off(tmp_path, kernel, size):
    path = write_tflite(tmp_path / "a.tflite", [("CONV_2D", "RELU", [kernel.astype(np.float32)])])
    content = (tmp_path / "a.tflite").read_bytes()
    size = min(size, len(content) - 40)
    (tmp_path / "a.tflite").write_bytes(content[:size])
    with pytest.raises(WeightsError, match=r"a\.tflite' are damaged, truncated or not a TFLite"):
        read_checkpoint(path)


def test_no_tflite(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"PK\x03\x04 and so on, and so on, and so on")
    with pytest.raises(WeightsError, match="not a TFLite file"):
        read_checkpoint(tmp_path / "a.tflite")


def test_constants_that_are_no_numbers(tmp_path):
    path = write_tflite(tmp_path / "a.tflite", [("MUL", None, [np.array([True, False])])])
    with pytest.raises(WeightsError, match="constants of type BOOL"):
        read_checkpoint(path)


def test_without_the_package(tmp_path, monkeypatch):
    path = write_tflite(tmp_path / "a.tflite", [("MUL", None, [np.ones(2, np.float32)])])
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(OptionalDependencyError, match=r"skw2c\[tflite\]"):
        read_checkpoint(path)
