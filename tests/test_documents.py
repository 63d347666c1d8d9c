"""The code in the README and the examples run as they stand."""

import re
import runpy
from fractions import Fraction

import matplotlib
import numpy as np
import pytest
from PIL import Image

import skw2c.datasets
import skw2c.transformers._encoder_registry
from skw2c import Wav2CLIPTransformer
from skw2c.transformers._passthrough import Passthrough

from .clap_files import write_tiny_clap
from .conftest import REPOSITORY
from .test_images import write_video
from .test_mteb import make_table, make_tasks
from .vqgan_files import write_tiny_vqgan

# What the examples that take long show in as few clips, epochs and steps as they run with.
SMALLER = {
    "plot_choose_encoder": {"make_sound_events(72,": "make_sound_events(36,"},
    "plot_classify_sounds": {"make_audiovisual_events(300,": "make_audiovisual_events(60,"},
    "plot_distill": {
        "make_audiovisual_events(360,": "make_audiovisual_events(72,",
        "max_epochs=12": "max_epochs=2",
    },
    "plot_listening_at_a_glance": {
        "make_audiovisual_events(240,": "make_audiovisual_events(24,",
        "n_iter=50": "n_iter=2",
    },
}


def code_blocks(path):
    pattern = r"\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)"
    return [re.sub("(?m)^ {4}", "", block) for block in re.findall(pattern, path.read_text())]


@pytest.fixture
def stand_ins(monkeypatch, tiny_checkpoint, tiny_clip):
    """Small random networks in place of the official weights."""

    def construct(entry, **parameters):
        kind = entry.encoder
        own = {name: v for name, v in parameters.items() if name in kind._get_param_names()}
        of_clap = entry.name == "clap" and "weights" in own
        if kind is Passthrough or of_clap or not kind.__module__.startswith("skw2c"):
            return kind(**own)
        if kind is Wav2CLIPTransformer:
            return kind(**{"weights": tiny_checkpoint, **own})
        return kind(**{"model": tiny_clip, "pretrained": None, "random_state": 0, **own})

    registry = skw2c.transformers._encoder_registry
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    monkeypatch.setattr(registry.RegisteredEncoder, "make", construct)


def test_readme(capsys, tmp_path, monkeypatch, wav_files, tiny_checkpoint, tiny_clip, stand_ins):
    blocks = code_blocks(REPOSITORY / "README.rst")
    first, pipeline, files, corpus, queries, training, compared, own, offered, generation = blocks
    names = {}
    exec(first, names)  # noqa: S102
    printed = capsys.readouterr().out
    assert set(re.findall(r"'([^']+)'", printed)) <= {"bird song", "police siren", "rain", "wind"}
    exec(pipeline, names)  # noqa: S102
    assert float(capsys.readouterr().out) > 0.9
    assert len([line for line in pipeline.splitlines() if line]) == 8
    (tmp_path / "sounds").mkdir()
    for row, file in enumerate(wav_files):
        (tmp_path / "sounds" / f"{row}.wav").symlink_to(file)
    Image.new("RGB", (80, 60), "red").save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    files = files.replace("Wav2CLIPTransformer(", f"Wav2CLIPTransformer({tiny_checkpoint!r}, ")
    exec(files, names)  # noqa: S102
    assert names["vectors"].shape == (6, 16)
    exec(corpus, names)  # noqa: S102
    assert len(names["index"].items_) == names["result"].n_embedded == 6
    exec(queries, names)  # noqa: S102
    assert set(names["labels"]) <= {"dog", "rain", "church bells"}
    assert names["events"].columns.tolist() == ["row", "label", "onset", "offset", "score"]
    assert names["found"].columns.tolist() == ["query", "rank", "item", "score"]
    names["videos"] = write_videos(tmp_path)
    training = training.replace("CLIPVideoEncoder(", f"CLIPVideoEncoder({tiny_clip!r}, None, ")
    training = training.replace(
        "Distiller(", "Distiller(max_epochs=1, encoder_width=2, batch_size=4, "
    )
    exec(training, names)  # noqa: S102
    assert names["vectors"].shape == (6, 16)
    assert (tmp_path / "encoder.md").exists()
    clap = write_tiny_clap(tmp_path / "clap")
    compared = compared.replace('"larger_clap_general"', repr(clap)).replace('"mn10"', "None")
    compared = compared.replace('encoder="clap"', f"encoder=CLAPTransformer({clap!r})")
    exec(compared, names)  # noqa: S102
    assert names["vectors"].shape == (6, 16)
    assert names["classifier"].predict(names["files"]).shape == (6,)
    assert names["scores"].shape == (6, 527)
    exec(own, names)  # noqa: S102
    assert names["alike"]["item"][0] == str(names["files"][0])
    monkeypatch.setattr("mteb.get_task", lambda name: make_tasks(make_table(*few_sounds()))[1])
    offered = offered.replace('"ESC50_Zeroshot")', '"ESC50_Zeroshot"), cache=None')
    exec(offered, names)  # noqa: S102
    assert names["model"].sample_rate == names["encoder"].sampling_rate == 16000
    names["encoder"] = Wav2CLIPTransformer(tiny_checkpoint)
    (tmp_path / "walk.wav").symlink_to(wav_files[1])
    small = (
        f"AudioToImage({write_tiny_vqgan(tmp_path / 'vqgan.ckpt')!r}, encoder=encoder, size=32, "
        f"clip_model={tiny_clip!r}, clip_pretrained=None, n_cutouts=2, "
    )
    generation = generation.replace("AudioToImage(", small).replace("n_iter=300", "n_iter=1")
    exec(generation.replace("import " + small, "import AudioToImage"), names)  # noqa: S102
    assert names["images"].shape == (2, 32, 32, 3)
    assert (tmp_path / "walk.mp4").stat().st_size > 1000


def few_sounds():
    events = skw2c.datasets.make_sound_events(8, random_state=0)
    return events.data, events.target_names[events.target].tolist()


def write_videos(folder):
    """Write videos of different colours, with sound."""
    paths = [folder / f"{row}.mkv" for row in range(4)]
    for row, path in enumerate(paths):
        write_video(
            path,
            [250 * k for k in range(9)],
            Fraction(1, 1000),
            sound=(0, 2),
            draw_frame=lambda _, row=row: np.full((64, 64, 3), 60 * row, np.uint8),
        )
    return paths


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples").glob("plot_*.py")), ids=lambda p: p.stem
)
def test_examples(path, monkeypatch, tiny_world, tmp_path):
    matplotlib.use("agg")
    vqgan = write_tiny_vqgan(tmp_path / "vqgan.ckpt")
    monkeypatch.setattr("skw2c.datasets.train_small_vqgan", lambda *_, **__: vqgan)
    monkeypatch.setattr("skw2c.distillation._small_world.make_small_world", lambda: tiny_world)
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    code = path.read_text("utf-8")
    for shown, smaller in SMALLER.get(path.stem, {}).items():
        assert code.count(shown) == 1
        code = code.replace(shown, smaller)
    (tmp_path / path.name).write_text(code, "utf-8")
    runpy.run_path(str(tmp_path / path.name))
    matplotlib.pyplot.close("all")
