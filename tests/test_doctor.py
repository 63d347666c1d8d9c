"""skw2c doctor: what it reports, and what it calls a fault."""

from importlib import metadata

import pytest

from skw2c.cli import _doctor, main
from skw2c.system import _installation

version = metadata.version


@pytest.fixture(scope="module")
def report():
    """Output of a run where all is well."""
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lambda *texts, **_: lines.append(" ".join(texts)))
        status = main(["doctor"])
    return status, "\n".join(lines)


def test_all_is_well(report):
    status, text = report
    assert status == 0
    assert text.endswith("All is well.")
    assert f"numpy {version('numpy')}" in text
    assert "mini: in the package" in text
    assert "a pure tone is 'beep'" in text


def test_extras_are_those_of_the_package(report):
    _, text = report
    for extra in {*metadata.metadata("skw2c").get_all("Provides-Extra")} - {"test", "benchmarks"}:
        assert f"\n  {extra}: " in text
    assert "\n  test: " not in text


def test_a_fault_is_named_and_the_rest_is_told(monkeypatch, capsys):
    def know(name):
        if name == "scipy":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name in ("joblib", "faiss-cpu") else version(name)

    def explode():
        raise OSError("libsndfile is not there")
        yield

    monkeypatch.setattr(_installation.metadata, "version", know)
    monkeypatch.setattr(_doctor, "_test_itself", explode)
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "scipy (missing)" in text
    assert "joblib (0.1, wanted >=" in text
    assert 'faiss-cpu (0.1, wanted >=1.9); pip install "skw2c[search]"' in text
    assert "3 faults: " in text
    assert "OSError: libsndfile is not there" in text.splitlines()[-1]
    assert "faiss" not in text.splitlines()[-1]


@pytest.mark.parametrize("extra", ["clap", "serve"])
def test_requirements_of_an_extra_are_its_own(extra):
    names = {requirement.name for requirement in _installation.list_requirements(extra)}
    assert names
    assert not names & {requirement.name for requirement in _installation.list_requirements()}
