"""The documentation names everything that is public, and its code runs as it stands."""

import re

import pytest

import skw2c

from .conftest import REPOSITORY
from .test_documents import code_blocks

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
