"""The same clip has the same vector, whatever its batch, neighbours, order and process."""

import sys

import numpy as np
import pytest
import soundfile

from skw2c import Wav2CLIPTransformer

from .conftest import make_tone
from .processes import run_python
from .tolerances import assert_close


@pytest.fixture(scope="module")
def mixed():
    """32 clips, most of one second, some of other lengths, and one silent."""
    rng = np.random.default_rng(5)
    clips = [make_tone(rng, n) for n in [16000] * 24 + [9000, 16353, 40000, 3000, 300, 24000, 1]]
    return [*clips, np.zeros(16000, np.float32)]


@pytest.fixture(scope="module")
def transformer():
    return Wav2CLIPTransformer(weights=None, random_state=0)


@pytest.mark.parametrize("mode", ["clip", "frame"])
@pytest.mark.parametrize("output", ["embedding", "encoder"])
def test_alone_or_in_a_batch(transformer, mixed, mode, output):
    transformer.set_params(mode=mode, output=output, hop_length=0.4).fit(mixed)
    together = transformer.transform(mixed)
    for row in (0, 7, 23, 24, 25, 26, 28, 30, 31):
        alone = transformer.transform([mixed[row]])
        assert_close(together[row], alone[0])


def test_position(transformer, mixed):
    transformer.set_params(mode="clip", output="embedding").fit(mixed)
    order = np.random.default_rng(0).permutation(len(mixed))
    vectors = transformer.transform([mixed[row] for row in order])
    assert_close(vectors, transformer.transform(mixed)[order])


@pytest.mark.parametrize("parameters", [{"batch_size": 1}, {"batch_size": 3}, {"n_jobs": 4}])
def test_division_of_work(transformer, mixed, parameters):
    transformer.set_params(mode="clip", output="embedding").fit(mixed)
    other = Wav2CLIPTransformer(weights=None, random_state=0, **parameters).fit(mixed)
    assert_close(other.transform(mixed), transformer.transform(mixed))


def test_openvino(transformer, mixed):
    pytest.importorskip("openvino")
    for mode in ("clip", "frame"):
        transformer.set_params(mode=mode, output="embedding", hop_length=0.4).fit(mixed)
        other = Wav2CLIPTransformer(
            weights=None, random_state=0, mode=mode, hop_length=0.4, device="openvino"
        )
        vectors = other.fit(mixed).transform(mixed)
        for ours, expected in zip(vectors, transformer.transform(mixed), strict=True):
            assert_close(ours, expected)
        assert_close(other.transform(mixed[3:4])[0], vectors[3])


def test_onnxruntime(transformer, mixed):
    pytest.importorskip("onnxruntime")
    for mode in ("clip", "frame"):
        transformer.set_params(mode=mode, output="embedding", hop_length=0.4).fit(mixed)
        other = Wav2CLIPTransformer(
            weights=None, random_state=0, mode=mode, hop_length=0.4, device="onnxruntime"
        )
        vectors = other.fit(mixed).transform(mixed)
        for ours, expected in zip(vectors, transformer.transform(mixed), strict=True):
            assert_close(ours, expected)
        assert_close(other.transform(mixed[3:4])[0], vectors[3])


def test_openvino_without_the_extra(mixed, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match=r"device='openvino' needs .*skw2c\[openvino\]"):
        Wav2CLIPTransformer(weights=None, random_state=99, device="openvino").fit(mixed)


def test_repeated_calls_are_equal_to_the_bit(transformer, mixed):
    transformer.set_params(mode="clip", output="embedding").fit(mixed)
    np.testing.assert_array_equal(transformer.transform(mixed), transformer.transform(mixed))


def test_other_process(tmp_path, transformer, mixed):
    soundfile.write(tmp_path / "a.wav", mixed[0], 16000, subtype="FLOAT")
    transformer.set_params(mode="clip", output="embedding").fit(mixed)
    code = (
        "import sys, numpy as np; from skw2c import Wav2CLIPTransformer as T;"
        "X = ['a.wav']; v = T(weights=None, random_state=0).fit_transform(X); np.save('v.npy', v)"
    )
    run_python("-c", code, cwd=tmp_path)
    assert_close(np.load(tmp_path / "v.npy"), transformer.transform(mixed[:1]))


def test_loudness_of_neighbours_does_not_matter(transformer, mixed):
    """The original standardises over the batch, which this would show."""
    transformer.set_params(mode="clip", output="embedding").fit(mixed)
    quiet_and_loud = [mixed[0], 1e-3 * mixed[1], 30 * mixed[2]]
    vectors = transformer.transform(quiet_and_loud)
    assert_close(vectors[0], transformer.transform(mixed[:1])[0])
