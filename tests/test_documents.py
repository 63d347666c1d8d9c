"""The code in the README and the examples run as they stand."""

import re
import runpy

import matplotlib
import pytest

from .conftest import REPOSITORY
from .vqgan_files import write_tiny_vqgan

# What the examples that take long show in as few clips, epochs and steps as they run with.
SMALLER = {
    "plot_choose_encoder": {"make_sound_events(72,": "make_sound_events(36,"},
    "plot_captions": {"max_epochs=15": "max_epochs=1"},
    "plot_classify_sounds": {"make_audiovisual_events(300,": "make_audiovisual_events(60,"},
    "plot_distill": {
        "make_audiovisual_events(360,": "make_audiovisual_events(72,",
        "max_epochs=12": "max_epochs=2",
    },
    "plot_few_labels": {"make_sound_events(1000,": "make_sound_events(180,"},
    "plot_listening_at_a_glance": {
        "make_audiovisual_events(240,": "make_audiovisual_events(24,",
        "n_iter=50": "n_iter=2",
    },
    "plot_tune_pipeline": {"make_sound_events(96,": "make_sound_events(48,"},
    "plot_words_minus_words": {"range(6)": "range(1)"},
}


def code_blocks(path):
    pattern = r"\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)"
    return [re.sub("(?m)^ {4}", "", block) for block in re.findall(pattern, path.read_text())]


def test_readme(capsys):
    first, pipeline = code_blocks(REPOSITORY / "README.rst")
    names = {}
    exec(first, names)  # noqa: S102
    printed = capsys.readouterr().out
    assert set(re.findall(r"'([^']+)'", printed)) <= {"bird song", "police siren", "rain", "wind"}
    exec(pipeline, names)  # noqa: S102
    assert float(capsys.readouterr().out) > 0.9
    assert len([line for line in pipeline.splitlines() if line]) == 8


def test_readme_is_one_page():
    text = (REPOSITORY / "README.rst").read_text("utf-8")
    assert len(text.split()) <= 700
    links = re.findall(r"<([^<>:]+)>`_|image:: (\S+)", text)
    assert len(links) > 5
    for link in links:
        assert (REPOSITORY / "".join(link)).is_file()


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
