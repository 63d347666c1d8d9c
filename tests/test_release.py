"""What is released: archives with the same bits each time, of all that is needed."""

import io
from contextlib import redirect_stdout

import pytest

from tools import check_install

from .conftest import REPOSITORY


@pytest.fixture(scope="module")
def in_git():
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no clone: what belongs to the package is not known")


@pytest.fixture(scope="module")
def released(in_git, tmp_path_factory):
    """The two archives, and what was printed about them."""
    pytest.importorskip("build")
    folder, printed = tmp_path_factory.mktemp("dist"), io.StringIO()
    with redirect_stdout(printed):
        assert check_install.main(["--build-only", "--out", str(folder)]) == 0
    [wheel], [source] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source, printed.getvalue().splitlines()


def test_archives(released):
    *_, lines = released
    assert [line.partition(":")[2].split(",")[1] for line in lines] == [" the same bits twice"] * 2


def test_a_file_too_many_or_missing(released, monkeypatch):
    wheel, source, _ = released
    known = check_install.known_files()
    monkeypatch.setattr(check_install, "known_files", lambda: [*known, "skw2c/more.py"])
    with pytest.raises(SystemExit, match="differs from the folder in .*more.py"):
        check_install.check_content(wheel, source)


def test_oldest_versions_are_those_that_are_stated():
    """After a change: python tools/check_install.py --write-oldest."""
    assert check_install.OLDEST.read_text("utf-8") == check_install.oldest_text()
    assert "numpy==2.0" in check_install.oldest_versions()


def test_extras():
    assert {"clip", "serve", "search"} <= set(check_install.extras())
    assert check_install.modules_of("clip") == ["torch", "open_clip", "PIL"]
    assert check_install.modules_of("") == []


def test_what_the_package_needs_is_known_to_git(in_git):
    needed = {"py.typed", "weights/mini.safetensors", "weights/mini.md", "weights/registry.toml"}
    assert {f"skw2c/{name}" for name in needed} <= set(check_install.known_files())
