"""What the README and the examples show runs as it stands."""

import re
import runpy

import matplotlib
import pytest

from .conftest import REPOSITORY


def code_blocks(path):
    pattern = r"\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)"
    return [re.sub("(?m)^ {4}", "", block) for block in re.findall(pattern, path.read_text())]


def test_readme(capsys, tmp_path, monkeypatch, wav_files, tiny_checkpoint):
    first, second = code_blocks(REPOSITORY / "README.rst")
    names = {}
    exec(first, names)  # noqa: S102
    assert capsys.readouterr().out.startswith("0.")
    assert len([line for line in first.splitlines() if line]) == 8
    # The second block needs the official weights and a folder of sounds: stand in for both.
    (tmp_path / "sounds").mkdir()
    for row, file in enumerate(wav_files):
        (tmp_path / "sounds" / f"{row}.wav").symlink_to(file)
    monkeypatch.chdir(tmp_path)
    second = second.replace("Wav2CLIPTransformer(", f"Wav2CLIPTransformer({tiny_checkpoint!r}, ")
    exec(second, names)  # noqa: S102
    assert names["vectors"].shape == (6, 16)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples").glob("*.py")), ids=lambda p: p.stem
)
def test_examples(path, monkeypatch):
    matplotlib.use("agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    runpy.run_path(str(path))
    matplotlib.pyplot.close("all")
