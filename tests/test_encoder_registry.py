"""Encoders describe themselves: a toy in a package of its own works everywhere by its name."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

import skw2c
from benchmarks.running import options
from benchmarks.systems import catalogue
from benchmarks.tasks import TASKS
from skw2c import (
    AudioCLIPTransformer,
    AudioIndex,
    AudioToImage,
    CEDTransformer,
    CLIPImageEncoder,
    CLIPTextEncoder,
    CLIPVideoEncoder,
    OpenL3ImageTransformer,
    Wav2CLIPTransformer,
    ZeroShotClassifier,
    register_encoder,
)
from skw2c.cli import main
from skw2c.exceptions import SavedIndexError
from skw2c.transformers import _encoder_modules, _encoder_registry
from skw2c.transformers._encoder_modules import list_claims, load_own
from skw2c.transformers._encoder_registry import (
    find_encoder,
    find_partner,
    names_of_encoders,
    registration_of,
)
from skw2c.transformers._encoders import make_partner, resolve_encoder

from .conftest import REPOSITORY
from .processes import run_python
from .test_distill_yamnet import esc_folder, whole_folder  # noqa: F401, fixtures

PLUGIN = textwrap.dedent(
    '''
    """A toy encoder in a package of its own: how loud a sound is, and how fast it changes."""

    import numpy as np
    from sklearn.base import BaseEstimator, TransformerMixin

    from skw2c import load_audio, register_encoder


    @register_encoder("toy", embeds="audio", space="toy")
    class ToyTransformer(TransformerMixin, BaseEstimator):
        def __init__(self, mode="clip", scale=1.0):
            self.mode = mode
            self.scale = scale

        def fit(self, X=None, y=None):
            return self

        def transform(self, X):
            clips = [load_audio(clip)[0] for clip in X]
            if self.mode == "frame":
                halves = [np.array_split(clip, 2) for clip in clips]
                return [np.stack(list(map(self._embed, pair))) for pair in halves]
            return np.stack([self._embed(clip) for clip in clips])

        def frame_times(self, n_frames):
            return np.arange(n_frames)[:, None] + [0.0, 1.0]

        def _embed(self, clip):
            power, change = np.mean(clip**2), np.mean(np.diff(clip) ** 2)
            return self.scale * np.array([power + 1e-9, change, 0.1 * power])


    @register_encoder("toy", embeds="text", space="toy")
    class ToyTextEncoder(TransformerMixin, BaseEstimator):
        def fit(self, X=None, y=None):
            return self

        def transform(self, X):
            return np.array([[1.0, 2.0, 0.1] if "noise" in text else [1.0, 0.0, 0.1] for text in X])
    '''
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of installed packages, with the toy and a broken one."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "toy_encoders.py").write_text(PLUGIN)
    (folder / "broken_encoders.py").write_text("import a_package_that_nobody_has\n")
    for package in ("toy", "broken"):
        information = folder / f"{package}_encoders-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}-encoders\nVersion: 1.0\n"
        )
        (information / "entry_points.txt").write_text(
            f"[skw2c.encoders]\n{package} = {package}_encoders\n"
        )
    return folder


@pytest.fixture
def toy(site, monkeypatch):
    """The toy as an installed plug-in, and forgotten afterwards."""
    monkeypatch.syspath_prepend(str(site))
    _encoder_registry.load_own()  # none of them into the copy alone
    monkeypatch.setattr(_encoder_registry, "_ENTRIES", dict(_encoder_registry._ENTRIES))
    _encoder_registry._load_plugins.cache_clear()
    sys.modules.pop("toy_encoders", None)
    yield
    _encoder_registry._load_plugins.cache_clear()
    sys.modules.pop("toy_encoders", None)


@pytest.fixture
def sounds(tmp_path, monkeypatch):
    """A hum and a noise, as files."""
    import soundfile

    monkeypatch.chdir(tmp_path)
    times = np.arange(16000) / 16000
    hum, noise = 0.5 * np.sin(2 * np.pi * 100 * times), np.random.default_rng(0).normal(size=16000)
    soundfile.write("hum.wav", hum, 16000)
    soundfile.write("noise.wav", 0.1 * noise, 16000)
    return ["hum.wav", "noise.wav"]


def test_names():
    assert {"wav2clip", "mini", "audioclip", "openl3", "yamnet", "ced"} <= set(
        names_of_encoders("audio")
    )
    assert {"efficientat", "mn04", "mn10"} <= set(names_of_encoders("audio"))
    assert {"clip", "audioclip"} <= set(names_of_encoders("text"))
    assert find_encoder("mini", "audio").make().weights == "mini"
    assert find_encoder("passthrough", "audio").embeds == "vector"
    with pytest.raises(ValueError, match="'wav2clap' is not .* did you mean 'wav2clip'"):
        find_encoder("wav2clap", "audio")
    with pytest.raises(ValueError, match="not the name of a text encoder.*'audioclip', 'clap"):
        find_encoder("passthrough", "text")


@pytest.mark.parametrize(
    ("encoder", "name"),
    [
        (Wav2CLIPTransformer(), "wav2clip"),
        (Wav2CLIPTransformer("mini", output="words", normalize=True), "mini"),
        (Wav2CLIPTransformer("mini"), "wav2clip"),
        (Wav2CLIPTransformer(Path("mini")), "wav2clip"),
        (FrozenEstimator(AudioCLIPTransformer()), "audioclip"),
        (CEDTransformer(), "ced-mini"),
        (CEDTransformer("ced-tiny"), "ced-tiny"),
        (CEDTransformer("mine.safetensors"), "ced"),
        (CLIPTextEncoder(), "clip"),
        (CLIPTextEncoder("RN50-quickgelu", "audioclip-full"), "audioclip"),
        (Normalizer(), None),
        (make_pipeline(Wav2CLIPTransformer(), Normalizer()), None),
    ],
)
def test_what_an_encoder_is_registered_as(encoder, name):
    entry = registration_of(encoder)
    assert (entry and entry.name) == name


def test_source_tells_of_every_encoder():
    """What is read without an import is what is registered by one."""
    load_own()
    entries = _encoder_registry._entries()
    own = [entry for entry in entries if entry.encoder.__module__.startswith("skw2c.")]
    assert len(own) == len(list_claims()) > 20
    for entry in own:
        known = {"name": entry.name, "embeds": entry.embeds, "space": entry.space}
        wanted = {**known, "kind": entry.encoder.__name__}
        [claim] = [claim for claim in list_claims() if claim.allows(wanted)]
        assert claim.module == entry.encoder.__module__
        assert wanted.items() >= claim.stated.items()
        assert set(wanted) - set(claim.stated) <= {"embeds"}  # a constant of ready vectors


def test_what_cannot_be_read_may_be_anything(monkeypatch):
    """Then it is imported, whatever is asked for."""
    sources = {
        "plain": '@register_encoder("a", embeds="text")\n@document\nclass A:\n    pass',
        "constant": '@register_encoder("a", embeds=KIND, space="s")\nclass A:\n    pass',
        "own": '@register_both("a")\nclass A:\n    pass',
        "nothing": "@document\nclass A:\n    pass",
        "compiled": None,
    }
    monkeypatch.setattr(_encoder_modules, "_source_of", sources.get)
    told = {name: [dict(c.stated) for c in _encoder_modules._read(name)] for name in sources}
    assert told == {
        "plain": [{"kind": "A", "name": "a", "embeds": "text", "space": None}],
        "constant": [{"kind": "A", "name": "a", "space": "s"}],
        "own": [{"kind": "A"}],
        "nothing": [],
        "compiled": [{}],
    }
    [claim] = _encoder_modules._read("constant")
    assert claim.allows({"name": "a", "embeds": "image"})
    assert not claim.allows({"name": "b", "embeds": "image"})


@pytest.mark.parametrize(
    "code",
    [
        "skw2c.make_encoder('mini', 'text').fit_transform(['rain'])",
        "skw2c.make_encoder('mini')",
        "skw2c.AudioIndex.load('saved').search('rain', k=1)",
    ],
)
def test_words_of_mini_are_found_without_torch(code, sounds):
    """Though it is installed; to import it takes seconds."""
    AudioIndex("mini").fit(sounds).save("saved")
    code = f"import skw2c, sys\n{code}\nprint({{'torch', 'onnxruntime'}} & {{*sys.modules}})"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert told.stdout == "set()\n"


def test_subclasses_are_registered_as_their_base():
    class Own(Wav2CLIPTransformer):
        pass

    assert registration_of(Own()).name == "wav2clip"


def test_partners():
    for name, model in [
        ("wav2clip", "ViT-B-32-quickgelu"),
        (Wav2CLIPTransformer("mini"), "ViT-B-32-quickgelu"),
        ("audioclip", "RN50-quickgelu"),
        ("passthrough", "ViT-B-32-quickgelu"),
    ]:
        for embeds in ("text", "image", "video"):
            assert make_partner(name, embeds).model == model
    assert make_partner(AudioCLIPTransformer("mine.pt"), "text").pretrained == "mine.pt"
    assert make_partner(AudioCLIPTransformer("audioclip-partial"), "image").pretrained == (
        "audioclip-partial"
    )
    assert find_partner(find_encoder("openl3", "audio"), "image") is None
    with pytest.raises(ValueError, match="share the space of encoder='openl3': pass text_encoder"):
        ZeroShotClassifier(["a", "b"], encoder="openl3").fit()
    with pytest.raises(ValueError, match="share the space of Pipeline: pass"):
        ZeroShotClassifier(["a"], encoder=make_pipeline(Normalizer())).fit()
    with pytest.raises(ValueError, match="encoder='yamnet' is not known: pass it as clip_model"):
        AudioToImage(None, encoder="yamnet").fit()


def test_registering(monkeypatch):
    _encoder_registry.load_own()  # none of them into the copy alone
    monkeypatch.setattr(_encoder_registry, "_ENTRIES", dict(_encoder_registry._ENTRIES))

    class Own(TransformerMixin, BaseEstimator):
        def fit(self, X=None, y=None):
            return self

        def transform(self, X):
            return X

    for name in ("", "auto", "my encoder", 3):
        with pytest.raises(ValueError, match="must consist of letters"):
            register_encoder(name, embeds="audio")
    with pytest.raises(ValueError, match="embeds='sound' must be one of 'audio'"):
        register_encoder("own", embeds="sound")
    with pytest.raises(ValueError, match="'wav2clip' of audio encoders is taken by Wav2CLIP"):
        register_encoder("wav2clip", embeds="audio")(Own)
    with pytest.raises(TypeError, match="must be a class of transformers"):
        register_encoder("own", embeds="audio")(len)
    assert register_encoder("own", embeds="audio")(Own) is Own
    assert register_encoder("own", embeds="audio")(Own) is Own  # as a module that is run again
    assert type(resolve_encoder("own", "audio", mode="frame", device="cpu")) is Own


def test_a_broken_plug_in_harms_nobody_else(toy):
    assert "toy" in names_of_encoders("audio")
    with pytest.raises(ValueError, match="'broken' could not be loaded .*a_package_that_nobody"):
        find_encoder("broken", "audio")


def test_toy_by_name(toy, sounds):
    classifier = ZeroShotClassifier(["hum", "noise"], encoder="toy").fit()
    assert classifier.predict(sounds).tolist() == ["hum", "noise"]
    frames = ZeroShotClassifier(["hum", "noise"], encoder="toy", mode="frame").fit()
    assert frames.predict_events(sounds)["label"].tolist() == ["hum", "noise"]
    captioner = skw2c.AudioCaptioner(
        "toy", d_model=8, n_heads=1, dim_feedforward=8, max_epochs=2, random_state=0
    )
    assert len(captioner.fit(sounds, ["it hums", "it hisses"]).predict(sounds)) == 2
    with pytest.raises(ValueError, match="encoder='toy' is not known: pass it as clip_model"):
        AudioToImage(None, encoder="toy").fit()


def test_toy_in_a_saved_index(toy, sounds):
    AudioIndex("toy", image_encoder=None).fit(sounds).save("saved")
    listed = json.loads(Path("saved/index.json").read_text())
    assert listed["encoder"] == {
        "class": "toy_encoders.ToyTransformer",
        "parameters": {"mode": "clip", "scale": 1.0},
    }
    index = AudioIndex.load("saved")
    assert index.search("a noise", k=1)["item"][0] == "noise.wav"
    assert index.search("hum.wav", by="audio", k=1)["item"][0] == "hum.wav"
    index.add(sounds).save("saved")
    with pytest.raises(SavedIndexError, match="differ in scale"):
        AudioIndex.load("saved", encoder=type(index.encoder)(scale=2.0))
    _encoder_registry._ENTRIES.pop(("audio", "toy"))
    for by in ("audio", "text"):  # another text encoder would compare what cannot be compared
        with pytest.raises(SavedIndexError, match="toy_encoders.ToyTransformer, whose weights"):
            AudioIndex.load("saved").search("hum.wav", by=by)


def test_toy_in_the_shell(site, sounds):
    """In a process of its own, where the toy is installed and nothing else names it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY)])}

    def run(*arguments):
        return run_python("-m", "skw2c", *arguments, env=environment).stdout

    run("embed", *sounds, "--encoder", "toy", "--out", "vectors.csv")
    header, *rows = Path("vectors.csv").read_text().splitlines()
    assert (header.split(",")[1], len(rows)) == ("toytransformer0", 2)
    labels = run("classify", *sounds, "--encoder", "toy", "--labels", "hum,noise")
    assert "hum.wav,hum" in labels.replace("\t", ",")
    run("index", "library", *sounds, "--encoder", "toy")
    assert "noise.wav" in run("search", "library", "a noise", "-k", "1")


def test_toy_in_the_benchmarks(site, whole_folder, tmp_path):  # noqa: F811, a fixture
    """It stands in the tables with its partners, and no file there names it."""
    arguments = ["--systems", "toy", "mfcc", "--data-root", str(whole_folder), "--out", "out"]
    tasks = ["classification", "zero-shot", "querying", "cross-modal-retrieval"]
    run_python(
        REPOSITORY / "benchmarks" / "run_all.py",
        *[*arguments, "--datasets", "esc50", "--tasks", *tasks, "--probe", "logistic"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
    )
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert not (scores["kind"] == "problem").any()
    of_toy = scores[(scores["system"] == "toy") & (scores["kind"] == "score")]
    assert set(of_toy["task"]) == {"classification", "zero-shot", "querying"}
    assert set(scores["system"]) == {"toy", "MFCC"}


def test_systems_that_nobody_knows():
    parsed = options.parse_arguments(["--data-root", ".", "--systems", "wav2clap"], TASKS, [])
    with pytest.raises(ValueError, match="unknown system 'wav2clap': known are .*wav2clip.*mfcc"):
        catalogue.choose_systems(parsed, catalogue.official_systems(parsed))
    parsed.features = ["passthrough"]
    with pytest.raises(ValueError, match="unknown system 'passthrough'"):
        catalogue.choose_systems(parsed, catalogue.official_systems(parsed))


def test_options_that_an_encoder_lacks(sounds, capsys):
    assert (
        main(["embed", *sounds, "--encoder", "openl3", "--frame-length", "2", "--out", "a.csv"])
        == 1
    )
    assert "--frame-length does not apply to --encoder openl3" in capsys.readouterr().err
    assert main(["embed", *sounds, "--encoder", "clasp", "--out", "a.csv"]) == 1
    assert "Known names: 'audioclip'" in capsys.readouterr().err
    assert main(["embed", *sounds, "--encoder", "passthrough", "--out", "a.csv"]) == 1
    assert "takes vectors" in capsys.readouterr().err
    assert main(["embed", *sounds, "--encoder", "mini", "--normalize", "--out", "a.csv"]) == 0


def test_nothing_in_the_package_names_the_toy():
    package = Path(skw2c.__file__).parent
    for path in [*package.rglob("*.py"), *(REPOSITORY / "benchmarks").rglob("*.py")]:
        assert "ToyTransformer" not in path.read_text("utf-8")


def test_encoders_of_videos_and_images_are_saved(tmp_path, tiny_clip):
    vectors = np.eye(3)
    for encoder in (
        CLIPVideoEncoder(tiny_clip, None, fps=2, random_state=0),
        CLIPImageEncoder(tiny_clip, None, random_state=0),
        OpenL3ImageTransformer(None, random_state=0),
    ):
        folder = tmp_path / type(encoder).__name__
        index = AudioIndex("passthrough", text_encoder=None, image_encoder=encoder)
        index.fit(vectors).save(folder)
        assert repr(AudioIndex.load(folder).image_encoder) == repr(encoder)


def test_what_cannot_be_saved_says_so(tmp_path):
    index = AudioIndex(FunctionTransformer(), text_encoder=Normalizer(), image_encoder=None)
    with pytest.warns(UserWarning, match="not saved with the index") as warned:
        index.fit(np.eye(3)).save(tmp_path)
    parameters = [str(warning.message).split("=")[0] for warning in warned]
    assert parameters == ["encoder", "text_encoder"]
