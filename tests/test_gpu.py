"""The check of a GPU: a dry run without one, and what it calls a failure."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from benchmarks.gpu import check, sameness, search, training
from benchmarks.gpu.encoders import list_encoders, short_name

from .conftest import REPOSITORY
from .test_distiller import ABSENT, BARE

PROGRAM = """
import runpy

sys.path.insert(0, {folder!r})
sys.argv = ["gpu.py", *{arguments!r}]
runpy.run_path({folder!r} + "/gpu.py", run_name="__main__")
"""


def test_dry_run_where_only_torch_and_scikit_learn_are(tmp_path):
    hide = BARE.partition("import numpy")[0] % ((*ABSENT, "tabulate", "joblib_spark", "kornia"),)
    arguments = ["--dry-run", "--encoders", "YAMNet", "EfficientAT", "--out", str(tmp_path)]
    program = hide + PROGRAM.format(folder=str(REPOSITORY / "benchmarks"), arguments=arguments)
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)  # noqa: S603
    result = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert list(result["parts"]) == ["sameness", "extraction", "training", "search", "painting"]
    assert not any(part["failures"] for part in result["parts"].values())
    assert [row["encoder"] for row in result["parts"]["sameness"]["rows"]] == [
        "EfficientAT",
        "YAMNet",
    ]
    assert [row["batch"] for row in result["parts"]["training"]["rows"]] == [2, 2, 4, 4]
    page = (tmp_path / "gpu.md").read_text("utf-8")
    assert "dry run on the CPU" in page
    assert "| YAMNet |" in page
    assert "Failed" not in page


def test_every_encoder_with_a_network_of_ours_is_checked():
    names = [short_name(kind) for kind in list_encoders()]
    assert {"AudioCLIP", "CED", "CLAP", "EfficientAT", "OpenL3", "Wav2CLIP", "YAMNet"} <= {*names}


@pytest.mark.parametrize(("ours", "expected"), [([1.0, 2.02], 0.01), ([1.0, np.nan], np.inf)])
def test_difference_is_relative_to_the_largest_number(ours, expected):
    reference = np.array([1.0, 2.0], np.float32)
    assert sameness.difference(np.array(ours, np.float32), reference) == pytest.approx(
        expected, rel=1e-5
    )


def test_vectors_that_differ_are_a_failure(monkeypatch):
    differences = {"alone": 2e-5, "order": 0.0, "twice": 1e-9, "CPU": 5e-5}
    monkeypatch.setattr(sameness, "compare", lambda *_: differences)
    options = check.parse_arguments(["--dry-run", "--encoders", "CED"])
    found = list(sameness.measure(options, check.SMALL, 0))
    failures = [content for kind, content in found if kind == "failures"]
    assert [text.split(": ")[:2] for text in failures] == [["CED", "alone"], ["CED", "twice"]]


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ([(2.0, 2.0)] * 99 + [(float("nan"), 1.0)], "not a number"),
        ([(2.0, 2.0)] * 100, "does not fall"),
        ([(2.0, 2.0)] * 50 + [(1.0, 1.5)] * 50, "part"),
    ],
)
def test_a_loss_that_goes_wrong_is_a_failure(curve, message):
    [(kind, text)] = training.check_curve(curve)
    assert kind == "failures"
    assert message in text


def test_a_loss_that_falls_is_none():
    assert not list(training.check_curve([(2.0, 2.0)] * 50 + [(1.0, 1.02)] * 50))


def test_searches_that_disagree_are_a_failure(monkeypatch):
    class Wrong(search.ExactNeighbours):
        def search(self, queries, k):
            scores, rows = super().search(queries, k)
            return scores, rows + 1

    monkeypatch.setattr(search, "ExactNeighbours", Wrong)
    options = check.parse_arguments(["--dry-run"])
    found = list(search.measure(options, check.SMALL, 0))
    assert [kind for kind, _ in found].count("failures") == 1


def test_what_a_part_raises_is_told_and_the_next_part_runs(tmp_path, monkeypatch, capsys):
    def explode(*_, **__):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(search, "draw", explode)
    arguments = ["--dry-run", "--parts", "search", "painting", "--out", str(tmp_path)]
    assert check.main(arguments) == 1
    parts = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["parts"]
    assert parts["search"]["failures"] == ["RuntimeError: out of luck"]
    assert parts["painting"]["rows"]
    assert not parts["painting"]["failures"]
    assert "out of luck" in capsys.readouterr().out


def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit, match="--dry-run"):
        check.main([])


def test_after_its_time_no_part_is_begun(tmp_path):
    arguments = ["--dry-run", "--minutes", "0", "--parts", "search", "--out", str(tmp_path)]
    assert check.main(arguments) == 1
    [failure] = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["parts"]["search"][
        "failures"
    ]
    assert "time was over" in failure
