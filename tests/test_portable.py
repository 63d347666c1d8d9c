"""Wav2CLIP without torch, in the process of the tests: the same vectors, and the same refusals."""

import numpy as np
import pytest
import torch

from skw2c import Wav2CLIPTransformer
from skw2c.engines import OnnxSession, make_model, make_node
from skw2c.exceptions import OptionalDependencyError, WeightsError
from skw2c.models import Framing, FrozenWav2CLIP, Wav2CLIP, _devices
from skw2c.models.wav2clip._portable_wav2clip import PortableWav2CLIP
from skw2c.system import _optional
from skw2c.weights import fetch_weights, keep_in_memory, read_arrays, read_checkpoint, registry

from .conftest import make_tone
from .tolerances import assert_close

onnxruntime = pytest.importorskip("onnxruntime")
LARGEST_GAP = 1e-5
"""Of the length of the vector, as the documentation promises."""


def draw(architecture):
    """A small network, with statistics that are not those of an untrained one."""
    torch.manual_seed(0)
    model = Wav2CLIP(architecture, 8, 12, 10)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval().requires_grad_(False)


def arrays_of(model):
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


@pytest.fixture(scope="module", params=["resnet18", "resnet34", "mobilenet"])
def networks(request):
    """The same network without torch, and with it."""
    model = draw(request.param)
    return PortableWav2CLIP(arrays_of(model), "the network"), FrozenWav2CLIP(model, "cpu")


def assert_near(actual, expected):
    assert actual.shape == expected.shape
    assert actual.dtype == np.float32
    gap = np.abs(actual - expected).max(axis=1) / np.linalg.norm(expected, axis=1)
    assert gap.max() <= LARGEST_GAP


@pytest.mark.parametrize("framing", [None, Framing(16000, 9001), Framing(8000, 20000, True)])
@pytest.mark.parametrize("n_samples", [400, 16000, 40001])
def test_same_vectors_as_torch(rng, networks, framing, n_samples):
    portable, frozen = networks
    assert portable.widths == frozen.widths
    clip = make_tone(rng, n_samples)
    inputs = portable.prepare(clip, framing)
    for output in portable.widths:
        expected = frozen.encode(frozen.prepare(clip, framing), output)
        assert_near(portable.encode(inputs, output), expected)


def test_silence(networks):
    portable, frozen = networks
    silence = np.zeros(16000, np.float32)
    expected = frozen.encode(frozen.prepare(silence, None), "embedding")
    assert_near(portable.encode(portable.prepare(silence, None), "embedding"), expected)


@pytest.mark.parametrize("framing", [None, Framing(16000, 16000)])
def test_long_clip_equals_one_piece(rng, networks, framing):
    portable, _ = networks
    clip = make_tone(rng, 16000 * 120)
    whole = portable.encode(portable.prepare(clip, framing), "embedding")
    blocks = np.array_split(clip, 19)
    parts = list(portable.embed_blocks(lambda: iter(blocks), framing, "embedding"))
    assert_close(np.concatenate(parts), whole)


def test_window_of_the_checkpoint_counts(rng):
    """That of mini is in half precision, and quiet sounds show it."""
    arrays = arrays_of(draw("mobilenet"))
    clip = make_tone(rng, 16000)
    vectors = []
    for window in (np.ones(512, np.float16), None):
        arrays["audio_encoder.spectrogram.window"] = window
        known = {name: values for name, values in arrays.items() if values is not None}
        portable = PortableWav2CLIP(known, "the network")
        vectors.append(portable.encode(portable.prepare(clip, None), "embedding"))
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audio_encoder.blocks.3.expand.0.weight": None}, r"Missing: audio_encoder\.blocks\.3"),
        ({"audio_encoder.more": np.ones(3)}, r"Unexpected: audio_encoder\.more"),
        ({"audio_transform.sequential.0.bias": np.ones(3)}, r"has shape \(3,\), expected \(12,\)"),
        ({"word_transform.sequential.0.bias": np.full(10, np.nan)}, "not finite"),
        ({"audio_encoder.last.0.weight": None}, "is not a checkpoint of Wav2CLIP"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arrays = arrays_of(draw("mobilenet")) | change
    arrays = {name: values for name, values in arrays.items() if values is not None}
    with pytest.raises(WeightsError, match=f"some weights.*{message}"):
        PortableWav2CLIP(arrays, "some weights")


def test_arrays_are_the_tensors(tmp_path):
    path = fetch_weights("mini").path
    arrays, tensors = read_arrays(path), read_checkpoint(path)
    assert arrays.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pt")
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.pt")["a"], np.ones(2, np.float32))


# The models


def test_model_is_what_the_package_onnx_would_make():
    onnx = pytest.importorskip("onnx")
    weight = np.arange(300, dtype=np.float32).reshape(1, 3, 10, 10)
    nodes = [make_node("Conv", ["x", "w"], "y", strides=[1, 300], kernel_shape=[10, 10], group=1)]
    given, result = ("x", "float32", ["n", 3, 64, "m"]), ("y", "float32", ["n", 1, "a", "b"])
    content = make_model(nodes, {"w": weight}, given, result, {"licence": "CC0", "rate": "16000"})
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert {p.key: p.value for p in model.metadata_props} == {"licence": "CC0", "rate": "16000"}
    [initializer], [node] = model.graph.initializer, model.graph.node
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(initializer), weight)
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    assert attributes == {"strides": [1, 300], "kernel_shape": [10, 10], "group": 1}
    [axes] = (each.type.tensor_type.shape.dim for each in model.graph.input)
    assert [axis.dim_param or axis.dim_value for axis in axes] == ["n", 3, 64, "m"]
    values = np.ones((2, 3, 64, 10), np.float32)
    assert OnnxSession(content)(values).shape == (2, 1, 55, 1)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8", "int32", "int64", "float64"])
def test_constants_have_the_types_of_their_arrays(dtype):
    onnx = pytest.importorskip("onnx")
    values = np.array([[0, 1, 2], [3, 100, 5]], dtype)
    vector = ("x", dtype, [2, 3]), ("y", dtype, [2, 3])
    content = make_model([make_node("Add", ["x", "c"], "y")], {"c": values}, *vector)
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    stored = onnx.numpy_helper.to_array(model.graph.initializer[0])
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, values)
    [given] = model.graph.input
    assert given.type.tensor_type.elem_type == onnx.helper.np_dtype_to_tensor_dtype(values.dtype)


# Which one is meant


def test_auto_is_onnxruntime_where_torch_is_missing(monkeypatch):
    monkeypatch.setattr(_devices, "is_installed", lambda name: name != "torch")
    assert _devices.choose_device("auto", portable=True) == "onnxruntime"
    monkeypatch.setattr(_devices, "is_installed", lambda name: False)
    with pytest.raises(OptionalDependencyError, match=r"skw2c\[torch\].*pip install onnxruntime"):
        _devices.choose_device("auto", portable=True)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert not _optional.is_installed("onnxruntime")
    with pytest.raises(ImportError, match=r"device='onnxruntime' needs .*skw2c\[onnx\]"):
        PortableWav2CLIP(arrays_of(draw("mobilenet")), "the network")


def test_modules_of_your_own_stay_in_torch():
    own = torch.nn.Sequential(torch.nn.Unflatten(1, (1, -1)), torch.nn.AdaptiveAvgPool1d(4))
    reference = keep_in_memory({}, torch.nn.Sequential(own, torch.nn.Flatten()))
    encoder = Wav2CLIPTransformer(reference, output="encoder", device="onnxruntime")
    with pytest.raises(ValueError, match="not modules of your own making: choose 'cpu'"):
        encoder.fit()


def test_weights_that_are_trained_or_drawn(waveforms):
    model = draw("mobilenet")
    for weights in (keep_in_memory(model.state_dict()), None):
        encoder = Wav2CLIPTransformer(weights, random_state=0, device="cpu").fit()
        expected = encoder.transform(waveforms)
        assert_near(encoder.set_params(device="onnxruntime").fit().transform(waveforms), expected)


def test_mini_in_the_wheel_is_small():
    assert registry()["mini"].bytes < 18_000_000
