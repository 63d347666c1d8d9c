"""Encoders as ONNX files: the same vectors as `transform`, from ONNX Runtime alone."""

import json
import os
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from skw2c import (
    AudioCLIPTransformer,
    CEDTransformer,
    CLAPTransformer,
    EfficientATTransformer,
    HEARTransformer,
    OpenL3Transformer,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    __version__,
    register_encoder,
)
from skw2c.cli import main
from skw2c.engines import _packages
from skw2c.exceptions import OptionalDependencyError
from skw2c.models.students._efficientat_student import EfficientATStudent
from skw2c.system._installation import Requirement
from skw2c.transformers import _encoder_registry
from skw2c.transformers._export import describe, make_ends
from skw2c.weights import keep_in_memory

from . import ced_files, clap_files, efficientat_files, hear_module, openl3_files, yamnet_files
from .conftest import REPOSITORY, make_tone, write_tiny_audioclip, write_tiny_checkpoint
from .test_documents import code_blocks

pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")

LARGEST_GAP = 1e-5
"""Of the length of the vector, between ONNX Runtime and torch."""
LARGEST_GAP_OF_ROUNDING_ERRORS = 1e-2
"""Of AudioCLIP in silence, whose spectrogram is nothing but rounding errors there."""


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(session, clips):
    [vectors] = session.run(["vectors"], {"waveforms": clips})
    return vectors


def metadata_of(session):
    return session.get_modelmeta().custom_metadata_map


def make_clips(rate, lengths):
    """Pairs of clips of each length, one of them 60 dB below the other; then silence.

    Not of the shortest: a few samples near digital silence are a spectrogram of rounding errors.
    """
    rng = np.random.default_rng(4)
    for n_samples in lengths:
        tone = make_tone(rng, n_samples, rate)
        yield np.stack([tone, tone[::-1] if n_samples < 100 else 1e-3 * tone])
    yield np.zeros((1, rate), np.float32)


def assert_same_vectors(compute, encoder, lengths):
    """Compare what a function gives with `transform`, length by length."""
    encoder.set_params(sampling_rate=encoder._rate)
    for clips in make_clips(encoder._rate, lengths):
        expected = np.stack(list(encoder.transform(list(clips))))
        actual = compute(clips)
        assert actual.shape == expected.shape
        assert actual.dtype == np.float32
        gap = np.abs(actual - expected).max(axis=-1) / np.linalg.norm(expected, axis=-1)
        assert gap.max() <= largest_gap(encoder, clips), clips.shape


def largest_gap(encoder, clips):
    hears_nothing = isinstance(encoder, AudioCLIPTransformer) and not clips.any()
    return LARGEST_GAP_OF_ROUNDING_ERRORS if hears_nothing else LARGEST_GAP


def run_in_torch(encoder, clips):
    """What the exported model computes, computed by torch."""
    graph, (framing, pool) = encoder._graph(), encoder._windows()
    front, tail = make_ends(encoder, graph, framing, pool)
    with torch.no_grad():
        features = front(torch.from_numpy(clips))
        features = features if graph.network is None else graph.network(features)
        return tail(features.unflatten(0, (len(clips), -1))).numpy()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "encoder.onnx")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Files of small networks with random weights, by the name of the encoder."""
    folder = tmp_path_factory.mktemp("tiny")
    student = efficientat_files.randomise(lambda: EfficientATStudent(0.1, 16))
    save_file(student.state_dict(), folder / "student.safetensors")
    shape = dict(architecture="mobilenet", width=4, n_words=8)
    return {
        "wav2clip": write_tiny_checkpoint(folder / "resnet.pt"),
        "mobilenet": write_tiny_checkpoint(folder / "mobilenet.pt", **shape),
        "student": str(folder / "student.safetensors"),
        "yamnet": yamnet_files.write_keras(folder / "yamnet.h5", yamnet_files.draw_layers()),
        "openl3": openl3_files.write_keras(folder / "openl3.h5", openl3_files.draw_layers()),
        "efficientat": efficientat_files.write_efficientat(folder / "efficientat.pt"),
        "ced": ced_files.write_ced(folder / "ced.safetensors", depth=2),
        "audioclip": write_tiny_audioclip(folder / "audioclip.pt"),
        "clap": clap_files.write_tiny_clap(folder / "clap"),
    }


KINDS = {
    "wav2clip": Wav2CLIPTransformer,
    "mobilenet": Wav2CLIPTransformer,
    "student": Wav2CLIPTransformer,
    "yamnet": YAMNetTransformer,
    "openl3": OpenL3Transformer,
    "efficientat": EfficientATTransformer,
    "ced": CEDTransformer,
    "audioclip": AudioCLIPTransformer,
    "clap": CLAPTransformer,
}


def make_tiny(network, tiny, **parameters):
    return KINDS[network](tiny[network], **parameters).fit()


def lengths_for(encoder):
    """In samples: one, less than a window, an odd number, and more than windows of ten seconds."""
    rate = encoder._rate
    return (1, rate // 50, rate + rate // 2 + 1, round(10.7 * rate))


# The same vectors. To export takes seconds, so most is tested of what is exported.


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("wav2clip", {}),
        ("wav2clip", {"output": "encoder", "mode": "frame", "hop_length": 0.4, "tail": "pad"}),
        ("mobilenet", {"output": "words", "normalize": True}),
        ("mobilenet", {"mode": "frame", "frame_length": 0.5}),
        ("student", {}),
        ("yamnet", {"output": "scores", "mode": "frame", "hop_length": 0.3001}),
        ("yamnet", {"output": "log_mel", "tail": "drop", "hop_length": 1.0}),
        ("openl3", {"input_repr": "linear", "hop_length": 0.5, "embedding_size": 6144}),
        ("openl3", {"mode": "frame", "frontend": "librosa", "center": False, "hop_length": 0.7}),
        ("efficientat", {"output": "mid"}),
        ("efficientat", {"output": "scores", "mode": "frame", "frame_length": 1.0}),
        ("ced", {}),
        ("ced", {"output": "scores", "mode": "frame", "hop_length": 0.7}),
        ("audioclip", {"legacy_scaling": True}),
        ("audioclip", {"output": "encoder", "mode": "frame", "n_channels": 2}),
        ("clap", {"normalize": True}),
        ("clap", {"output": "hidden", "mode": "frame", "frame_length": 3.0}),
        ("clap", {"output": "log_mel"}),
    ],
)
def test_what_is_exported_computes_what_transform_computes(network, parameters, tiny):
    encoder = make_tiny(network, tiny, **parameters)
    lengths = lengths_for(encoder)
    assert_same_vectors(lambda clips: run_in_torch(encoder, clips), encoder, lengths)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("wav2clip", {"output": "encoder", "mode": "frame", "hop_length": 0.4, "tail": "pad"}),
        ("openl3", {"mode": "frame", "hop_length": 0.7}),
        ("ced", {"output": "scores", "mode": "frame", "hop_length": 0.7}),
        ("audioclip", {"n_channels": 2}),
        ("clap", {}),
    ],
)
def test_file_gives_the_same_vectors(network, parameters, tiny, path):
    encoder = make_tiny(network, tiny, **parameters)
    encoder.export(path)
    session = open_session(path)
    assert_same_vectors(lambda clips: run(session, clips), encoder, lengths_for(encoder))
    width = encoder._n_features_out
    shape = ["batch", "frames", width] if encoder.mode == "frame" else ["batch", width]
    assert session.get_outputs()[0].shape == shape


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("mobilenet", {"output": "words"}),
        ("student", {}),
        ("yamnet", {"output": "scores"}),
        ("openl3", {"hop_length": 0.5}),
        ("efficientat", {"output": "mid"}),
        ("ced", {"output": "scores"}),
        ("audioclip", {}),
        ("clap", {}),
    ],
)
def test_device(network, parameters, tiny):
    """``device="onnxruntime"``: the vectors of torch, whatever the batch and the order."""
    encoder = make_tiny(network, tiny, **parameters)
    parameters = {**parameters, "sampling_rate": encoder._rate}
    encoder.set_params(**parameters)
    other = make_tiny(network, tiny, device="onnxruntime", **parameters)
    rng = np.random.default_rng(6)
    clips = [make_tone(rng, n, encoder._rate) for n in lengths_for(encoder)[1:3] * 2]
    together = list(other.transform(clips))
    alone = [other.transform([clip])[0] for clip in clips[:2]]
    backwards = list(other.transform(clips[::-1]))[::-1]
    for row, expected in enumerate(encoder.transform(clips)):
        for actual in (together[row], backwards[row], *alone[row : row + 1]):
            gap = np.abs(actual - expected).max(axis=-1) / np.linalg.norm(expected, axis=-1)
            assert gap.max() <= LARGEST_GAP


def test_guide(tmp_path, monkeypatch, capsys):
    """The page of the guide, which exports mini."""
    monkeypatch.chdir(tmp_path)
    state, names = torch.random.get_rng_state(), {}
    for block in code_blocks(REPOSITORY / "docs" / "guide" / "export.rst"):
        exec(block, names)  # noqa: S102
    assert capsys.readouterr().out == "16000\n"
    assert torch.equal(torch.random.get_rng_state(), state)
    assert sorted(os.listdir()) == ["mini-words.onnx", "mini.onnx", "words.npy"]
    encoder, session = names["encoder"], open_session("mini.onnx")
    heard = [clip[:48000] for clip in names["clips"].data]
    expected = encoder.transform(heard)
    limit = LARGEST_GAP * np.linalg.norm(expected, axis=1).min()
    np.testing.assert_allclose(names["vectors"], expected, rtol=0, atol=limit)
    assert_same_vectors(lambda clips: run(session, clips), encoder, (1, 300, 16000, 80001))
    [waveforms] = session.get_inputs()
    assert (waveforms.name, waveforms.type) == ("waveforms", "tensor(float)")
    assert waveforms.shape == ["batch", "samples"]
    assert metadata_of(session) == {
        "skw2c_version": __version__,
        "encoder": "mini",
        "weights": encoder.weights_.fingerprint,
        "licence": "CC BY-SA 4.0",
        "sampling_rate": "16000",
        "mode": "clip",
        "output": "words",
        "normalize": "false",
        "words": "mini",
        "words_weights": encoder.weights_.fingerprint,
        "temperature": "0.03",
    }
    with open("mini.onnx", "rb") as file:  # where it was made is nobody's business
        assert os.fsencode(REPOSITORY) not in file.read()


def test_metadata(tiny):
    encoder = make_tiny("wav2clip", tiny, mode="frame", hop_length=0.5, tail="pad")
    facts = describe(encoder, encoder._windows()[0])
    assert facts["weights"] == encoder.weights_.fingerprint
    assert facts["licence"] == "not stated"
    assert (facts["words"], "words_weights" in facts) == ("clip", False)
    frames = {"length": 16000, "hop": 8000, "pad_tail": True, "lead": 0, "align_tail": False}
    assert json.loads(facts["frames"]) == frames
    encoder = make_tiny("audioclip", tiny, output="encoder")
    assert "words" not in describe(encoder, None)
    encoder = make_tiny("clap", tiny)
    facts = describe(encoder, None)
    assert (facts["words"], facts["words_weights"]) == ("clap", encoder.weights_.fingerprint)
    assert float(facts["temperature"]) == encoder.suggest_temperature()
    encoder = Wav2CLIPTransformer(None, output="encoder", random_state=0).fit()
    assert describe(encoder, None)["weights"] == encoder.weights_.fingerprint


# What cannot be


def test_refusals(tiny, path, tmp_path):
    encoder = Wav2CLIPTransformer(tiny["wav2clip"])
    with pytest.raises(NotFittedError):
        encoder.export(path)
    encoder.fit()
    with pytest.raises(ValueError, match=r"encoder\.pt' must end in \.onnx"):
        encoder.export(tmp_path / "encoder.pt")
    with pytest.raises(OSError, match="does not exist"):
        encoder.export(tmp_path / "nowhere" / "encoder.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.onnx"):
        encoder.export(tmp_path / "folder.onnx")
    with pytest.raises(ValueError, match="HEARTransformer cannot be exported: .*tools of the"):
        HEARTransformer(hear_module).fit().export(path)
    own = torch.nn.Sequential(torch.nn.Unflatten(1, (1, -1)), torch.nn.AdaptiveAvgPool1d(4))
    own = torch.nn.Sequential(own, torch.nn.Flatten())
    reference = keep_in_memory({}, own)
    with pytest.raises(ValueError, match=r"module of your own making.*torch\.onnx\.export"):
        Wav2CLIPTransformer(reference, output="encoder").fit().export(path)
    assert not os.path.exists(path)


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_without_the_extra(package, tiny, path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    encoder = Wav2CLIPTransformer(tiny["wav2clip"]).fit()
    with pytest.raises(OptionalDependencyError, match=rf"{package}.*skw2c\[export\]"):
        encoder.export(path)


def test_with_a_package_that_is_too_old(tiny, path, monkeypatch):
    old = Requirement("onnxscript", ">=0.7", "0.1.0", False)
    monkeypatch.setattr(_packages, "list_requirements", lambda extra: [old])
    encoder = Wav2CLIPTransformer(tiny["wav2clip"]).fit()
    with pytest.raises(OptionalDependencyError, match=r"0\.1\.0, wanted >=0\.7.*skw2c\[export\]"):
        encoder.export(path)


# In the shell


def test_command(tiny, path, capsys):
    options = ["--encoder", "yamnet", "--weights", tiny["yamnet"], "--output", "scores"]
    assert main(["export", path, *options, "--mode", "frame", "--normalize", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    session = open_session(path)
    encoder = make_tiny("yamnet", tiny, output="scores", mode="frame", normalize=True)
    assert_same_vectors(lambda clips: run(session, clips), encoder, lengths_for(encoder))
    facts = metadata_of(session)
    assert (facts["encoder"], facts["normalize"], facts["mode"]) == ("yamnet", "true", "frame")


def register_toy(monkeypatch):
    """Register an encoder as another package would, that knows nothing of files."""
    _encoder_registry.load_own()  # none of them into the copy alone
    monkeypatch.setattr(_encoder_registry, "_ENTRIES", dict(_encoder_registry._ENTRIES))

    @register_encoder("toy", embeds="audio")
    class Toy(TransformerMixin, BaseEstimator):
        def fit(self, X=None, y=None):
            return self

        def transform(self, X):
            return np.ones((len(X), 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.pt", "--encoder", "yamnet"], "'a.pt' must end in .onnx"),
        (["a.onnx", "--encoder", "passthrough"], "takes vectors, and cannot embed files"),
        (["a.onnx", "--encoder", "yamnet", "--frame-length", "2"], "--frame-length does not apply"),
        (["a.onnx", "--encoder", "toy"], "--encoder toy cannot be exported"),
    ],
)
def test_refusals_of_the_command(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    register_toy(monkeypatch)
    assert main(["export", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert os.listdir() == []
