"""The encoder of words of mini as an ONNX file: the same vectors, by rules that are told."""

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skw2c import MiniTextEncoder, Wav2CLIPTransformer, __version__
from skw2c.cli import main
from skw2c.exceptions import WeightsError
from skw2c.models.words import Words, write_words
from skw2c.models.yamnet import audioset_classes
from skw2c.weights import write_safetensors

from .conftest import REPOSITORY
from .test_documents import code_blocks

onnxruntime = pytest.importorskip("onnxruntime")

LARGEST_GAP = 1e-5
"""Between components of vectors of unit length."""
HOSTILE = [
    *("Café au lait", "cafe\u0301", "ÇA MARCHE", "İstanbul", "STRASSE straße", "ﬁre ﬀ", "Ⅷ ½ x²"),
    *("dog_bark", "don\u2019t \u2013 stop…", "rock'n'roll", "3.5 kHz", "a1b2c3", "##s", "[UNK]"),
    *("собака лает", "犬 dog", "dog 🐶", "क", "ὈΔΟΣ", "zero\u200bwidth", "a\u00adb", "tab\tnew\n"),
    *("", " ", "~", "dog " * 500, "x" * 300, "™ trade", "pneumonoultramicroscopic", "ﷺ", "\0dog"),
]
PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "onnxscript"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from skw2c.cli import main

sys.exit(main(["export", sys.argv[1], "--encoder", "mini", "--words"]))
"""


@pytest.fixture(scope="module")
def encoder():
    return MiniTextEncoder(on_error="nan").fit()


@pytest.fixture(scope="module")
def path(encoder, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("words") / "words.onnx")
    encoder.export(path)
    return path


@pytest.fixture(scope="module")
def session(path):
    return open_session(path)


@pytest.fixture(scope="module")
def guide(path):
    """What the page of the guide defines: how texts are cut, and embedded."""
    [code] = [
        block
        for block in code_blocks(REPOSITORY / "docs" / "guide" / "export.rst")
        if "def cut(" in block
    ]
    names = {"onnxruntime": onnxruntime, "np": np, "words": np.eye(3, 512)}
    exec(code.replace('"mini-words.onnx"', repr(path)), names)  # noqa: S102
    return names


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def metadata_of(session):
    return session.get_modelmeta().custom_metadata_map


def make_texts():
    """400 texts: names of sounds, alone and in sentences, and what no one would write."""
    names = audioset_classes()
    sentences = [f"The sound of {name.upper()}, far away." for name in names]
    texts = [*HOSTILE, *names[:200], *sentences]
    return texts[:400]


def embed(encoder, texts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return encoder.transform(texts)


def pad(rows, n_places=None):
    pieces = np.full((len(rows), n_places or max(map(len, rows))), -1, np.int64)
    for row, numbers in zip(pieces, rows, strict=True):
        row[: len(numbers)] = numbers
    return pieces


def run(session, pieces):
    [vectors] = session.run(["vectors"], {"pieces": pieces})
    return vectors


# ---- the same vectors


def test_same_vectors_by_the_rules_of_the_guide(encoder, guide):
    texts = make_texts()
    assert len(texts) == 400
    actual, expected = guide["embed"](texts), embed(encoder, texts)
    unknown = np.isnan(expected).all(axis=1)
    assert 5 <= unknown.sum() <= 20  # "" among them, and what is in other scripts alone
    np.testing.assert_array_equal(np.isnan(actual).all(axis=1), unknown)
    np.testing.assert_array_equal(np.isnan(actual).any(axis=1), unknown)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=LARGEST_GAP)


def test_neither_padding_nor_order_counts(session, guide):
    rows = [guide["cut"](text) for text in ("a dog is barking", "rain", "", "dog " * 300)]
    together = run(session, pad(rows))
    assert together.dtype == np.float32
    for number, row in enumerate(rows):
        for n_places in (len(row) or 1, 2000):
            alone = run(session, pad([row[::-1]], n_places))
            np.testing.assert_allclose(alone[0], together[number], rtol=0, atol=1e-6)
    scattered = pad([rows[0]], 9)[:, ::-1]
    np.testing.assert_allclose(run(session, scattered)[0], together[0], rtol=0, atol=1e-6)
    assert np.isnan(run(session, np.empty((2, 0), np.int64))).all()


def test_the_partner_that_the_file_names_has_its_weights(guide):
    names = metadata_of(guide["session"])
    sounds = Wav2CLIPTransformer(names["sounds"], output="words").fit()
    assert names["sounds_weights"] == sounds.weights_.fingerprint
    words = MiniTextEncoder(sounds.weights_).fit()
    assert words.weights_.fingerprint == names["weights"]


# ---- what the file says


def test_inputs_outputs_and_metadata(encoder, session):
    [given], [result] = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("pieces", "tensor(int64)", ["texts", "places"])
    assert (result.name, result.type) == ("vectors", "tensor(float)")
    assert result.shape == ["texts", 512]
    facts = dict(metadata_of(session))
    rules = json.loads(facts.pop("word_pieces"))
    assert facts == {
        "skw2c_version": __version__,
        "encoder": "mini",
        "weights": encoder.weights_.fingerprint,
        "licence": "CC BY-SA 4.0",
        "output": "embedding",
        "normalize": "true",
        "sounds": "mini",
        "sounds_weights": encoder.weights_.fingerprint,
    }
    assert len(rules.pop("vocabulary")) == 27590
    assert rules == {
        "case": "lower",
        "form": "NFKD",
        "left_out": ["Mn", "Cf"],
        "word": "[a-z0-9]+",
        "within": "##",
    }


def test_model_is_sound(path):
    """By the checker of ONNX, which is stricter than what runs it."""
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(onnx.load(path), full_check=True)


def test_a_file_of_weights_of_its_own(tmp_path, rng):
    words = Words(
        vocabulary=["dog", "bark", "##ing"],
        pieces=rng.integers(-127, 128, (3, 4), np.int8),
        scales=np.full(3, 0.01, np.float32),
        anchors=np.eye(5, 4, dtype=np.float32),
        projection=rng.normal(size=(5, 3)).astype(np.float16).astype(np.float32),
        sharpness=4.0,
    )
    write_safetensors(tmp_path / "own.safetensors", write_words(words), {})
    encoder = MiniTextEncoder(tmp_path / "own.safetensors").fit()
    encoder.export(tmp_path / "own.onnx")
    session = open_session(tmp_path / "own.onnx")
    assert metadata_of(session)["licence"] == "not stated"
    assert json.loads(metadata_of(session)["word_pieces"])["vocabulary"] == words.vocabulary
    expected = encoder.transform(["dog", "dog barking"])
    actual = run(session, np.array([[0, -1, -1], [0, 1, 2]]))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=LARGEST_GAP)


# ---- in the shell


def test_command_needs_neither_torch_nor_onnx(path, tmp_path):
    own = tmp_path / "mini-words.onnx"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, own], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with open(path, "rb") as expected:
        assert own.read_bytes() == expected.read()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.pt", "--encoder", "mini"], "'a.pt' must end in .onnx"),
        (["a.onnx", "--encoder", "mini", "--mode", "frame"], "--mode does not apply to --words"),
        (["a.onnx", "--encoder", "mini", "--normalize"], "--normalize does not apply to --words"),
        (["a.onnx", "--encoder", "yamnet"], "YAMNetTransformer has no words"),
        (["a.onnx", "--encoder", "passthrough"], "takes vectors"),
        (["a.onnx", "--encoder", "wav2clip"], "CLIPTextEncoder, which has the words of Wav2CLIP"),
    ],
)
def test_refusals_of_the_command(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments, "--words"]) == 1
    assert message in capsys.readouterr().err
    assert os.listdir() == []


def test_refusals(encoder, tmp_path):
    with pytest.raises(NotFittedError):
        MiniTextEncoder().export(tmp_path / "words.onnx")
    with pytest.raises(ValueError, match=r"words\.pt' must end in \.onnx"):
        encoder.export(tmp_path / "words.pt")
    with pytest.raises(OSError, match="does not exist"):
        encoder.export(tmp_path / "nowhere" / "words.onnx")
    weights = tmp_path / "mini.safetensors"
    weights.write_bytes((REPOSITORY / "skw2c" / "weights" / "mini.safetensors").read_bytes())
    fitted = MiniTextEncoder(weights).fit()
    weights.write_bytes(b"")
    with pytest.raises(WeightsError, match="changed since the estimator was fitted"):
        fitted.export(tmp_path / "words.onnx")
    assert os.listdir(tmp_path) == ["mini.safetensors"]
