"""Where torch is not installed: mini embeds and classifies, and all else says what it needs."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from skw2c import MiniTextEncoder, Wav2CLIPTransformer, ZeroShotClassifier, datasets

pytest.importorskip("onnxruntime")
LARGEST_GAP = 1e-5
"""Of the length of the vector."""
LABELS = ["rain", "police siren", "bird song"]

# A process of its own, as those that other tests start have loaded torch.
PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "onnxscript"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())

import json
import numpy as np
import skw2c
from skw2c.cli import main

statuses = [
    main(["embed", "sounds", "--weights", "mini", "--out", "vectors.npz", "--quiet"]),
    main(["classify", "sounds", "--weights", "mini", "--labels", ",".join(LABELS),
          "--out", "labels.csv", "--quiet"]),
    main(["embed", "sounds", "--encoder", "yamnet", "--out", "more.npz", "--quiet"]),
]
names = sorted(path for path in __import__("glob").glob("sounds/*"))
np.save("words.npy", skw2c.MiniTextEncoder().fit_transform(LABELS))
frames = skw2c.Wav2CLIPTransformer("mini", mode="frame", hop_length=0.5).fit_transform(names[:2])
np.save("frames.npy", np.stack(list(frames)))
classifier = skw2c.ZeroShotClassifier(LABELS, encoder="mini").fit()
index = skw2c.AudioIndex(encoder="mini").fit(names)
index.save("index")
hits = skw2c.AudioIndex.load("index").search("rain", k=2)

def refuse(attempt):
    try:
        attempt()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

refusals = {
    "class": refuse(lambda: skw2c.YAMNetTransformer),
    "room": refuse(lambda: skw2c.hear),
    "device": refuse(lambda: skw2c.Wav2CLIPTransformer("mini", device="cpu").fit()),
    "drawn": refuse(lambda: skw2c.Wav2CLIPTransformer(None).fit()),
    "checkpoint": refuse(lambda: skw2c.Wav2CLIPTransformer("a.pt").fit()),
    "name": refuse(lambda: skw2c.make_encoder("yamnet")),
    "words": refuse(lambda: skw2c.ZeroShotClassifier(LABELS).fit()),
    "export": refuse(lambda: classifier.encoder_.export("mini.onnx")),
    "trainer": refuse(lambda: skw2c.datasets.train_small_clip),
}
print(json.dumps({
    "statuses": statuses,
    "labels": classifier.predict(names).tolist(),
    "found": [hit if isinstance(hit, str) else str(hit) for hit in np.ravel(hits.iloc[:, :1])],
    "refusals": refusals,
    "loaded": [name for name in ("torch", "onnx", "soundfile") if name in sys.modules],
}))
"""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("without-torch")
    clips = datasets.make_sound_events(6, duration=2, random_state=0).data
    (folder / "sounds").mkdir()
    for number, clip in enumerate(clips):
        soundfile.write(folder / "sounds" / f"{number}.wav", clip, 16000, subtype="FLOAT")
    (folder / "a.pt").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def told(sounds):
    """What the process says, which has no torch."""
    code = f"LABELS = {LABELS!r}\n{PROGRAM}"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=sounds, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "errors": done.stderr}


def names_in(folder):
    return sorted(str(path) for path in (folder / "sounds").iterdir())


def assert_near(actual, expected):
    assert actual.shape == expected.shape
    gap = np.abs(actual - expected).max(axis=-1) / np.linalg.norm(expected, axis=-1)
    assert gap.max() <= LARGEST_GAP


def test_torch_was_absent(told):
    assert told["loaded"] == ["soundfile"]


def test_same_vectors(told, sounds):
    with np.load(sounds / "vectors.npz") as table:
        vectors = table["vectors"]
    encoder = Wav2CLIPTransformer("mini", output="words").fit()
    assert_near(vectors, encoder.transform(names_in(sounds)))
    frames = Wav2CLIPTransformer("mini", mode="frame", hop_length=0.5)
    assert_near(np.load(sounds / "frames.npy"), frames.fit_transform(names_in(sounds)[:2]))


def test_same_words_and_labels(told, sounds):
    np.testing.assert_array_equal(
        np.load(sounds / "words.npy"), MiniTextEncoder().fit_transform(LABELS)
    )
    expected = ZeroShotClassifier(LABELS, encoder="mini").fit().predict(names_in(sounds))
    assert told["labels"] == expected.tolist()
    rows = (sounds / "labels.csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + len(expected)
    assert len(told["found"]) == 2


def test_all_else_says_what_it_needs(told):
    assert told["statuses"] == [0, 0, 1]
    assert "'yamnet' is not the name of" in told["errors"]
    assert 'pip install "skw2c[torch]"' in told["errors"]
    for name, message in told["refusals"].items():
        extra = "export" if name == "export" else "torch"
        assert f"skw2c[{extra}]" in message, name
    assert "encoder='mini', which needs none" in told["refusals"]["words"]
