"""The documentation names everything that is public, and its code runs as it stands."""

import re

import pytest

import skw2c
import skw2c.transformers._encoder_registry
from skw2c import CLAPTransformer, Wav2CLIPTransformer
from skw2c.transformers._passthrough import Passthrough

from .conftest import REPOSITORY
from .test_documents import code_blocks
from .test_images import write_grey_videos
from .test_mteb import make_table, make_tasks
from .vqgan_files import write_tiny_vqgan

DOCS = REPOSITORY / "docs"


def test_reference_lists_all_that_is_public_and_nothing_else():
    listed = re.findall(r"(?m)^    (\w+)$", (DOCS / "api.rst").read_text("utf-8"))
    assert len(listed) == len({*listed})
    assert {*listed} == {name for name in skw2c.__all__ if not name.startswith("_")}


@pytest.mark.parametrize("page", ["start", "guide/seconds", "guide/words", "guide/captions"])
def test_code_with_generated_sounds_runs(page, capsys):
    names = {}
    for block in code_blocks(DOCS / f"{page}.rst"):
        exec(block, names)  # noqa: S102
    capsys.readouterr()
    assert {"clips", "X"} & names.keys()


def test_code_with_files_runs(tmp_path, monkeypatch, wav_files):
    monkeypatch.chdir(tmp_path)
    names = {}
    for row, file in enumerate(wav_files):
        folder = tmp_path / "sounds" / ("dog", "rain")[row % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{row}.wav").symlink_to(file)
    for page in ("features", "search", "large"):
        for block in code_blocks(DOCS / "guide" / f"{page}.rst"):
            exec(block, names)  # noqa: S102
    assert len(names["scores"]) == 2
    assert len(names["index"].items_) == len(names["files"])
    assert names["table"]["error"].isna().all()
    assert len(names["table"]) == names["result"].n_files


def test_code_that_chooses_an_encoder_runs():
    names = {}
    for block in code_blocks(DOCS / "choosing.rst"):
        exec(block, names)  # noqa: S102
    assert isinstance(names["make_encoder"]("clap"), CLAPTransformer)


@pytest.fixture
def stand_ins(monkeypatch, tiny_checkpoint, tiny_clip):
    """Small random networks in place of the official weights; what is registered is forgotten."""

    def construct(entry, **parameters):
        kind = entry.encoder
        own = {name: v for name, v in parameters.items() if name in kind._get_param_names()}
        if kind is Passthrough or not kind.__module__.startswith("skw2c"):
            return kind(**own)
        if kind is Wav2CLIPTransformer:
            return kind(**{"weights": tiny_checkpoint, **own})
        return kind(**{"model": tiny_clip, "pretrained": None, "random_state": 0, **own})

    registry = skw2c.transformers._encoder_registry
    registry.load_own()  # none of them into the copy alone
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    monkeypatch.setattr(registry.RegisteredEncoder, "make", construct)


def test_code_with_encoders_runs(stand_ins, monkeypatch, wav_files):
    names = {"files": [str(file) for file in wav_files]}
    own, offered = code_blocks(DOCS / "guide" / "encoders.rst")
    exec(own, names)  # noqa: S102
    assert names["alike"]["item"][0] == names["files"][0]
    sounds = skw2c.datasets.make_sound_events(8, random_state=0)
    table = make_table(sounds.data, sounds.target_names[sounds.target].tolist())
    monkeypatch.setattr("mteb.get_task", lambda name: make_tasks(table)[1])
    offered = offered.replace('"ESC50_Zeroshot")', '"ESC50_Zeroshot"), cache=None')
    exec(offered, names)  # noqa: S102
    assert names["model"].sample_rate == names["encoder"].sampling_rate == 16000


def test_code_that_trains_runs(stand_ins, tmp_path, monkeypatch, tiny_clip):
    monkeypatch.chdir(tmp_path)
    names = {"videos": [tmp_path / f"{row}.mkv" for row in range(4)]}
    write_grey_videos(names["videos"])
    [training] = code_blocks(DOCS / "guide" / "training.rst")
    training = training.replace("CLIPVideoEncoder(", f"CLIPVideoEncoder({tiny_clip!r}, None, ")
    training = training.replace(
        "Distiller(", "Distiller(max_epochs=1, encoder_width=2, batch_size=4, "
    )
    exec(training, names)  # noqa: S102
    assert (tmp_path / "encoder.md").exists()


def test_code_that_paints_runs(tmp_path, monkeypatch, tiny_checkpoint, tiny_clip, wav_files):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.wav").symlink_to(wav_files[1])
    names = {"files": wav_files, "encoder": Wav2CLIPTransformer(tiny_checkpoint)}
    [painting] = code_blocks(DOCS / "guide" / "images.rst")
    small = (
        f"= AudioToImage({write_tiny_vqgan(tmp_path / 'vqgan.ckpt')!r}, encoder=encoder, size=32, "
        f"clip_model={tiny_clip!r}, clip_pretrained=None, n_cutouts=2, "
    )
    painting = painting.replace("= AudioToImage(", small).replace("n_iter=300", "n_iter=1")
    exec(painting, names)  # noqa: S102
    assert names["images"].shape == (2, 32, 32, 3)
    assert (tmp_path / "walk.mp4").stat().st_size > 1000
