"""The report tells every number and problem of its cells, and leaves nothing unescaped."""

import base64
import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from benchmarks import reports
from benchmarks.reports import _colours, _matrices, published
from benchmarks.running import cells, options
from benchmarks.systems import catalogue
from benchmarks.tasks import TASKS

ODD = 'dog <b>&amp; "cat" $x_1$ | ü'
PAPER = ("Supervise", "OpenL3", "YAMNet", "AudioCLIP", "Wav2CLIP")
QUALITY = {"MFCC": 0.4, "Supervise": 0.5, "OpenL3": 0.7, "YAMNet": 0.84, "Wav2CLIP": 0.86}
VOID = {"meta", "img", "br"}


@pytest.fixture(scope="module")
def cell():
    return cells.Cell


@pytest.fixture(scope="module")
def write():
    def write(cells, out, facts=None):
        return Report(reports.write_report(cells, facts or {}, out).parent)

    return write


@pytest.fixture(scope="module")
def rich(write, cell, tmp_path_factory):
    """A report with something of everything."""
    return write(make_cells(cell), tmp_path_factory.mktemp("rich"), make_facts())


class Report:
    """A written report, as a reader of its files has it."""

    def __init__(self, folder):
        self.folder = folder
        self.html = (folder / "report.html").read_text("utf-8")
        self.markdown = plain((folder / "report.md").read_text("utf-8"))
        self.page = Page(self.html)

    def read(self, name):
        return pd.read_csv(self.folder / name)

    def table(self, start):
        """Rows of the table whose caption starts so, as lists of text."""
        [rows] = [rows for caption, rows in self.page.tables if caption.startswith(start)]
        return [[" ".join(plain(text).split()) for text in row] for row in rows]

    def row(self, table, head):
        """Texts behind the head of a row."""
        [found] = [row for row in self.table(table) if row[0] == head]
        return found[1:]


def plain(text):
    """Text with the dashes of keyboards."""
    return text.replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")


class Page(HTMLParser):
    """What a browser would see: tables as text, names and links; checks the nesting."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.words = [], [], [], set(), []
        self.tables = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [v for k, v in attributes.items() if k in ("href", "src", "xlink:href")]
        if tag == "table":
            self.tables.append(["", []])
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            assert tag == "td" or "scope" in attributes
            self.tables[-1][1][-1] += [""] * int(attributes.get("colspan", 1))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)
        if "caption" in self.open:
            self.tables[-1][0] += text
        elif {"td", "th"} & set(self.open):
            small = " " if self.open[-1] in ("small", "span") else ""
            self.tables[-1][1][-1][-1] += small + text


def make_cells(cell):
    """Something of everything: many classes, odd names, failures, parts that are missing."""
    rng = np.random.default_rng(0)
    return [
        *make_papers_cells(cell, rng),
        *make_generated_cells(cell, rng),
        *make_failed_cells(cell),
    ]


def make_papers_cells(cell, rng):
    for system in PAPER:
        yield classify(cell, rng, "ESC-50", system, [f"class {k}" for k in range(50)], 5)
        places = ["airport", "bus", "metro", "park", "tram", ODD]
        yield classify(cell, rng, "TAU 2021", system, places, 0)
    for system, score in (("Wav2CLIP", 0.41), ("AudioCLIP", 0.68), ("AudioCLIP (partial)", 0.7)):
        yield cell("zero-shot", "ESC-50", system, {"accuracy": score}, n=2000)
    ranks = {"reciprocal rank, audio to images": 0.05, "reciprocal rank, images to audio": 0.07}
    yield cell(
        "cross-modal retrieval",
        "VGGSound",
        "Wav2CLIP",
        ranks,
        controls={"chance": 0.0186},
        n=15446,
        notes=["in-domain: pre-trained on this data set"],
    )
    yield cell("audio retrieval", "DESED", "Wav2CLIP", {"macro F1": 0.4, "micro F1": 0.5}, n=1168)
    measures = ("CIDEr-D", "BLEU-1", "BLEU-4", "ROUGE-L")
    captions = {"captions": [{"found": f"{k} dogs", "references": ["dog", ODD]} for k in (7, 8)]}
    scores = dict(zip(measures, (0.09, 0.4, 0.06, 0.27), strict=True))
    yield cell("captioning", "Clotho", "Wav2CLIP", scores, details=captions, n=1045)
    for system in ("AudioCLIP", "Wav2CLIP"):
        scores = {"mean average precision": 0.77, "precision at 1": 0.9, "recall at 1": 0.02}
        yield cell(
            "querying", "ESC-50, text to audio", system, scores, n=50, controls={"chance": 0.02}
        )


def classify(cell, rng, dataset, system, classes, n_folds):
    """A classification with folds and a confusion matrix, one class without clips."""
    quality, n = QUALITY.get(system, 0.8), len(classes)
    confusion = rng.poisson(20 * (1 - quality) / n, (n, n)) + np.diag(rng.poisson(40 * quality, n))
    confusion[2] = 0
    folds = [{"fold": k + 1, "accuracy": quality + 0.01 * k, "n_test": 400} for k in range(n_folds)]
    return cell(
        "classification",
        dataset,
        system,
        {"accuracy": quality},
        {"accuracy": 0.013},
        {"chance": 1 / n},
        n=int(confusion.sum()),
        seconds=61.5,
        details={"folds": folds, "confusion": confusion, "classes": classes},
    )


def make_generated_cells(cell, rng):
    world = "generated world"
    for system, quality in {**QUALITY, ODD: 0.6}.items():
        notes = ["generated world"]
        notes += ["random weights"] if system == "OpenL3" else []
        yield cell(
            "classification",
            world,
            system,
            {"accuracy": quality},
            {"accuracy": 0.02},
            {"chance": 1 / 12, "random vectors": 0.2},
            480,
            notes=notes,
        )
        curve = [
            {
                "share": share,
                "n": 5 * share,
                "scores": list(quality * share**0.03 - rng.random(3) / 9),
            }
            for share in (1, 2, 5, 10, 20, 50, 100)
        ]
        yield cell(
            "data efficiency",
            world,
            system,
            {"at 10 %": quality - 0.1},
            details={"curve": curve, "its own": {"chance": 0.125}},
            notes=notes,
        )
        classes = ["bell", "rain", "bark", ODD, *(f"kind {k}" for k in range(8))]
        labels = rng.integers(12, size=600)
        points = rng.normal(size=(12, 2))[labels] * 8 * quality + rng.normal(size=(600, 2))
        details = {"points": points, "labels": [classes[k] for k in labels], "classes": classes}
        yield cell("map", world, system, details=details, notes=notes)
    picture = draw_picture()
    found = [{"label": f"bell {k}", "right": k % 3 != 1, "picture": picture} for k in range(5)]
    examples = [
        {"query": ODD, "picture": picture, "found": found},
        {"query": "no pictures", "picture": None, "found": [*found[:2], {"label": "?"}]},
        {"query": "no picture at all", "picture": '"><script>', "found": []},
    ]
    yield cell(
        "cross-modal retrieval",
        world,
        "Wav2CLIP (distilled)",
        {"reciprocal rank, audio to images": 0.5},
        details={"examples": examples},
    )
    yield cell(
        "zero-shot",
        "generated world, unseen kinds",
        "Wav2CLIP (distilled)",
        {"accuracy": 0.7},
        controls={"chance": 0.5},
        n=80,
        notes=["generated world"],
    )
    yield cell(
        "frame level",
        world,
        "Wav2CLIP (distilled)",
        {"balanced accuracy": float("nan")},
        notes=["generated world", "only clear seconds"],
    )


def make_failed_cells(cell):
    yield cell(
        "classification",
        "FSD50K",
        "YAMNet",
        problem="no FSD50K.eval_audio in /data <here>: pass --data-root",
    )
    yield cell(
        "classification",
        "generated mixtures",
        "YAMNet",
        problem="ValueError: 3 > 2",
        details={"traceback": "Traceback …\n  <module>\nValueError: 3 > 2"},
    )
    yield cell("zero-shot", "generated world, unseen kinds", "AudioCLIP", problem="no weights")


def draw_picture():
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.tile(np.arange(0, 250, 5, dtype=np.uint8), (50, 1))).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def make_facts():
    epochs = np.arange(1, 21)
    history = [
        {
            "seed": seed,
            "rows": pd.DataFrame(
                {
                    "epoch": epochs,
                    "training_loss": 3 / epochs**0.5,
                    "validation_loss": 3 / epochs**0.4 + 0.03 * (epochs > 15) + seed / 9,
                }
            ),
        }
        for seed in range(2)
    ]
    return {
        "introduction": ["**This is a generated world**: see `make_small_world` & <others>."],
        "command": "python benchmarks/run_all.py --out 'a <b>'",
        "versions": {"python": "3.11.7", "torch": "2.11"},
        "weights": [{"name": "wav2clip", "checksum": "ab" * 32, "licence": "CC BY 4.0"}],
        "seeds": [0, 1],
        "minutes": 12.3456,
        "peak memory": 1.5,
        "nothing": [],
        "environment": {"processor": "x & y", "threads": 2},
        "history": history,
        "data": pd.DataFrame({"data set": ["ESC-50", ODD], "listed": [2000, 5], "missing": [0, 5]}),
        "something new": "told as well",
    }


def test_page_is_whole_and_needs_nothing(rich):
    page = rich.page
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.startswith("data:image/png;base64,") or link.removeprefix("#") in page.ids
    assert not page.tags & {"script", "link", "iframe", "b"}
    for caption, rows in page.tables:
        assert caption
        body = rows[2:] if len(rows[0]) != len(rows[1]) else rows
        assert {len(row) for row in body} == {len(body[0])}, caption


def test_names_arrive_as_they_are(rich):
    words = "".join(rich.page.words)
    assert words.count(ODD) >= 10
    assert "make_small_world & <others>" in words
    assert "'a <b>'" in words
    assert "<b>" not in rich.html
    outside_code = re.sub(r"```.*?```", "", rich.markdown, flags=re.DOTALL)
    assert "<b>" not in outside_code
    assert "'a <b>'" in rich.markdown


def test_every_score_and_problem_stands_in_a_table(rich, cell):
    shown = " ".join(text for _, rows in rich.page.tables for row in rows for text in row)
    for one in make_cells(cell):
        for value in one.scores.values():
            texts = ("undefined",) if np.isnan(value) else (f"{value:.3f}", f"{100 * value:.2f}")
            assert any(text in shown for text in texts), one
            assert any(text in rich.markdown for text in texts), one
    for start in ("no FSD50K", "ValueError", "no weights"):
        assert start in shown


WAV2CLIP_2 = "Layout of table 2 of the Wav2CLIP paper. "


def test_place_tells_ours_published_and_difference(rich):
    esc50 = rich.row(WAV2CLIP_2, "YAMNet")[0]
    assert re.fullmatch(r"0.8400 ± 0.0130 paper 0.8505, -0.0105 n = \d \d{3}", esc50)
    assert rich.row(WAV2CLIP_2, "Wav2CLIP, zero-shot")[0] == "0.4100 paper 0.414, -0.0040 n = 2 000"
    assert rich.row(WAV2CLIP_2, "Supervise")[1] == "- paper 0.6289"
    assert rich.row(WAV2CLIP_2, "AudioCLIP")[1] == "-"
    assert rich.row(WAV2CLIP_2, "SOTA")[4] == "- paper 0.687"
    assert rich.table(WAV2CLIP_2)[1][0] == "ESC-50 accuracy chance 0.0200"
    zero_shot = rich.row(
        "Layout of table 2 of the AudioCLIP paper", "ESC-50 zero-shot, accuracy n = 2 000"
    )
    assert zero_shot == ["70.00 paper 69.40, +0.60b", "68.00 paper 68.60, -0.60b"]
    assert "| 0.8400 ± 0.0130<br>paper 0.8505, -0.0105<br>" in rich.markdown


def test_best_of_ours_is_bold(rich):
    bold = re.findall(r"<td[^>]*><strong>([^<]*)</strong>", rich.html)
    assert "0.8600" in bold
    assert "0.860" in bold
    assert not {"0.8400", "0.840", "0.959", "undefined"} & set(bold)
    assert "| **0.860** ± 0.020 |" in rich.markdown


def test_only_mean_average_precision_of_queries_is_compared(rich):
    row = rich.row(
        "Layout of table 4 of the AudioCLIP paper", "ESC-50, text to audio n = 50 chance 2.00"
    )
    assert row[3:6] == ["90.00 paper 51.78a", "2.00 paper 80.40a", "77.00 paper 76.97, +0.03"]
    assert "cannot be the usual ones" in rich.html


def test_labels_are_said_once_where_all_have_them(rich):
    rows = rich.table("Layout of table 2 of the Wav2CLIP paper, data without")
    body = {row[0]: row[1:] for row in rows[2:]}
    shared = "generated world generated accuracy n = 480 chance 0.083 random vectors 0.200"
    assert rows[1][0] == shared
    assert body["OpenL3 random weights"][0] == "0.700 ± 0.020"
    assert body["YAMNet"][1] == "ValueError"
    in_domain = rich.row(WAV2CLIP_2, "Wav2CLIP")[6]
    assert in_domain.startswith("0.0500f in-domain paper 0.0566, -0.0066")


def test_what_differs_stands_with_each(write, cell, tmp_path):
    report = write(
        [
            cell(
                "classification",
                "mine",
                name,
                {"accuracy": 0.5},
                n=n,
                notes=notes,
                controls={"chance": 0.5, "random": r},
            )
            for name, r, n, notes in (
                ("one", 0.25, 10, []),
                ("other", 0.375, 20, ["generated world"]),
            )
        ],
        tmp_path,
    )
    table = "Layout of table 2 of the Wav2CLIP paper, data without"
    assert report.table(table)[1] == ["mine accuracy chance 0.500"]
    assert report.row(table, "one") == ["0.500 n = 10 random 0.250"]
    assert report.row(table, "other") == ["0.500 generated n = 20 random 0.375"]


def test_captions_stand_beside_each_other(write, cell, tmp_path):
    spoken = [
        cell(
            "captioning",
            "mine",
            system,
            details={
                "captions": [
                    {"found": f"{system} {k}", "references": references}
                    for k, references in enumerate((["rain"], ["rain"], [system]))
                ]
            },
        )
        for system in ("one", "other")
    ]
    rows = write(spoken, tmp_path).table("mine: examples of captions")
    assert rows[1:] == [
        ["1", "rain", "one 0", "other 0"],
        ["2", "rain", "one 1", "other 1"],
        ["3", "one", "one 2", ""],
        ["4", "other", "", "other 2"],
    ]


def test_facts_are_told(rich):
    words = "".join(rich.page.words)
    for told in ("12.3 minutes", "1.5 GB", "Seeds: 0, 1.", "told as well", "ab" * 32):
        assert told in words
    assert "Nothing" not in words
    assert rich.row("What of each data set", ODD) == ["5", "5"]
    assert rich.row("ESC-50, classification: accuracy by fold.", "YAMNet")[1] == "0.85"


def test_problems_are_told_in_full(rich):
    words = "".join(rich.page.words)
    assert "no FSD50K.eval_audio in /data <here>: pass --data-root" in words
    assert "Traceback …\n  <module>\nValueError: 3 > 2" in words
    assert rich.html.count('href="#problem-') == 3
    assert '<a id="problem-2"></a>' in rich.markdown


def test_tables_without_any_run_are_folded(write, cell, tmp_path):
    cells = [one for one in make_cells(cell) if "generated" in one.dataset and one.task != "map"]
    report = write(cells, tmp_path)
    titles = re.findall(r"<summary>([^<]*: none of it was run)</summary>", report.html)
    assert len(titles) == len(published.PAPER_TABLES)
    assert report.row(WAV2CLIP_2, "YAMNet")[0] == "- paper 0.8505"


def test_same_name_twice_loses_nothing(write, cell, tmp_path):
    twice = [cell("frame level", "mine", "one", {"accuracy": value}) for value in (0.25, 0.75)]
    report = write(twice, tmp_path)
    assert report.row("Frame level", "one") == ["0.250"]
    assert report.row("Frame level", "one (2)") == ["0.750"]


def test_no_cells_and_no_facts(write, tmp_path):
    report = write([], tmp_path)
    assert "0 of 0 cells" in "".join(report.page.words)
    assert list(report.read("scores.csv").columns[:3]) == ["task", "dataset", "system"]


def test_numbers_come_back_from_files(rich, cell):
    cells = make_cells(cell)
    scores = rich.read("scores.csv")
    for one in cells:
        rows = scores.query(
            "task == @one.task and dataset == @one.dataset and system == @one.system"
        )
        values = rows[rows["kind"] == "score"].set_index("measure")["value"].to_dict()
        assert values == pytest.approx(one.scores, nan_ok=True)
        controls = rows[rows["kind"].str.startswith("control: ")]["value"].tolist()
        assert controls == list(one.controls.values())
    assert (scores["kind"] == "problem").sum() == 3
    assert scores.query("measure == 'its own, chance'")["value"].tolist() == [0.125] * 6
    [paper] = scores.query(
        "system == 'YAMNet' and dataset == 'ESC-50' and kind == 'score'"
    ).itertuples()
    assert (paper.published, paper.source) == (0.8505, "Wav2CLIP, table 2")
    assert paper.difference == pytest.approx(-0.0105)
    counts = sum(np.sum(one.details["confusion"]) for one in cells if "confusion" in one.details)
    assert rich.read("confusion.csv")["count"].sum() == counts
    assert len(rich.read("folds.csv")) == 25
    assert len(rich.read("curves.csv")) == 6 * 7 * 3
    points = rich.read("map_points.csv")
    assert len(points) == 6 * 600
    assert points["label"].nunique() == 12
    assert rich.read("history.csv").groupby("seed").size().tolist() == [20, 20]


def test_markdown_has_its_pictures_and_even_tables(rich):
    names = re.findall(r'<img src="([^"]*)"', rich.markdown)
    assert len(names) > 20
    for name in names:
        assert (rich.folder / name).read_bytes().startswith(b"\x89PNG")
    tables = re.findall(r"(?:^\|.*\n)+", rich.markdown, flags=re.MULTILINE)
    assert len(tables) >= len(rich.page.tables)
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_pictures_follow_the_colour_of_the_page(rich):
    drawn = re.findall(r"<svg.*?</svg>", rich.html, flags=re.DOTALL)
    n_bars, n_curves, n_confusions, n_maps = 10, 2, 12, 6
    assert len(drawn) == n_bars + n_curves + n_confusions + n_maps
    for svg in drawn:
        assert "currentColor" in svg
        assert "<style" not in svg
        assert "#1b1c1d" not in svg


def test_examples_are_judged_and_broken_pictures_left_out(rich):
    assert rich.html.count('title="right"') == 4
    assert rich.html.count('title="wrong"') == 3
    assert rich.html.count("<img ") == 8


def test_same_input_same_bytes(write, cell, tmp_path):
    cells = [one for one in make_cells(cell) if one.task in ("map", "data efficiency")]
    folders = [write(cells, tmp_path / name, make_facts()).folder for name in "ab"]
    names = sorted(p.relative_to(folders[0]) for p in folders[0].rglob("*") if p.is_file())
    assert len(names) > 15
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_maps_have_pages_beside_the_report(write, cell, tmp_path):
    clips = {
        "labels": ["x", "</script>"],
        "classes": ["x", "</script>"],
        "clips": ["1.wav", "2.wav"],
    }
    first = {
        **clips,
        "points": [[0, 1], [1, 0]],
        "previews": {"1": base64.b64encode(b"Opus").decode()},
    }
    other = {**clips, "points": [[3, 1], [1, 0]], "clips": ["1.wav", "3.wav"]}
    cells = [
        cell("map", "mine", "one", details=first),
        cell("map", "mine", "two", details={**first, "points": [[5, 5], [1, 0]]}),
        cell("map", "mine", "three", details=other),
        cell("map", "mine", "old", details={k: v for k, v in other.items() if k != "clips"}),
    ]
    report = write(cells, tmp_path)
    names = re.findall('<a href="(maps/[^"]*)">Interactive map of mine: ([^(]*) \\(', report.html)
    assert names == [("maps/map-1-1.html", "one, two"), ("maps/map-1-2.html", "three")]
    assert "(maps/map-1-1.html)" in report.markdown
    assert "<script" not in report.html
    page = (tmp_path / names[0][0]).read_text("utf-8")
    assert page.count("<script") == page.count("</script") == 2
    [data] = re.findall('id="data">(.*?)</script>', page, flags=re.DOTALL)
    data = json.loads(data)
    assert [layout["title"] for layout in data["layouts"]] == ["one", "two"]
    assert data["names"] == ["1.wav", "2.wav"]
    assert data["colourings"][0]["categories"] == ["x", "</script>"]
    assert base64.b64decode(data["previews"]["1"]) == b"Opus"


def test_difference_has_one_order_of_classes(cell):
    kept = cell("c", "d", "one", details={"classes": ["x", "y"], "confusion": [[3, 1], [0, 5]]})
    turned = cell("c", "d", "other", details={"classes": ["y", "x"], "confusion": [[5, 0], [1, 3]]})
    for one in (kept, turned):
        np.testing.assert_array_equal(_matrices._read(one, ["x", "y"]), [[0.75, 0.25], [0, 1]])
    shares = _matrices.normalise_rows([[0, 0], [1, 3]])
    assert np.isnan(shares[0]).all()
    np.testing.assert_array_equal(shares[1], [0.25, 0.75])


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (("YAMNet", "OpenL3", "Wav2CLIP"), ("YAMNet", "Wav2CLIP")),
        (("a", "b", "c"), ("b", "c")),
        (("a",), None),
    ],
)
def test_pair_that_is_compared(cell, names, pair):
    cells = [cell("c", "d", name, {"accuracy": 0.1 * k}) for k, name in enumerate(names, 1)]
    assert _matrices._choose_pair(cells) == pair


def test_colours():
    assert len(set(_colours.mark_classes(56))) == 56
    systems = [*PAPER, "MFCC", "mine", "yours"]
    parsed = options.parse_arguments(["--data-root", "."], TASKS, [])
    known = {row.title: row.colour for row in catalogue.official_systems(parsed).values()}
    found = _colours.colour_systems(systems, known)
    assert len(set(found.values())) == len(systems)
    assert set(found) == set(systems)
    assert found["Wav2CLIP"] == _colours.colour_systems(["Wav2CLIP"], known)["Wav2CLIP"]


@pytest.mark.parametrize(
    ("key", "value", "digits"),
    [
        (("classification", "ESC-50", "Wav2CLIP", "accuracy"), 0.8595, 4),
        (("zero-shot", "VGGSound", "Wav2CLIP", "mean average precision"), 0.1002, 4),
        (("audio retrieval", "DESED", "YAMNet", "macro F1"), 0.342, 4),
        (("captioning", "Clotho", "Wav2CLIP", "SPIDEr"), 0.073, 3),
        (("fine-tuning", "ESC-50", "AudioCLIP", "accuracy"), 0.9715, 4),
        (("zero-shot", "ESC-50", "AudioCLIP (partial)", "accuracy"), 0.694, 4),
        (("querying", "ESC-50, text to audio", "AudioCLIP", "mean average precision"), 0.7697, 4),
    ],
)
def test_published(key, value, digits):
    number = published.find(*key)
    assert (number.value, number.digits) == (value, digits)


def test_published_numbers_are_whole():
    sizes = pd.Series([number.source for number in published.PUBLISHED]).value_counts().to_dict()
    assert sizes == {
        "Wav2CLIP, table 2": 37,
        "Wav2CLIP, table 3": 14,
        "AudioCLIP, table 1": 6,
        "AudioCLIP, table 2": 16,
        "AudioCLIP, table 3": 17,
        "AudioCLIP, table 4": 42,
        "MTEB, results": 16,
        "LAION-CLAP, README": 2,
        "EfficientAT and CED, READMEs": 13,
    }
    keys = {(number.source, *number.key) for number in published.PUBLISHED}
    assert len(keys) == len(published.PUBLISHED)
    assert all(0 < number.value < 1 for number in published.PUBLISHED)
    odd = [number for number in published.PUBLISHED if not number.comparable]
    assert {number.measure for number in odd if "table" in number.source} == {
        "precision at 1",
        "recall at 1",
    }
    assert all(number.note for number in odd)


def test_the_same_figure_of_several_sources():
    key = "zero-shot", "ESC-50", "clap-htsat-unfused", "accuracy"
    assert published.find(*key, "MTEB, results").value == 0.817
    assert published.find(*key, "LAION-CLAP, README").value == 0.9275
    assert published.find(*key, "Wav2CLIP, table 2") is None
    assert published.find(*key) == published.find(*key, "MTEB, results")
    of_paper = published.find("zero-shot", "ESC-50", "Wav2CLIP", "accuracy")
    assert of_paper.source == "Wav2CLIP, table 2"


def test_encoders_of_today_stand_beside_what_is_stated(write, cell, tmp_path):
    cells = [
        cell("zero-shot", "ESC-50", "clap-htsat-unfused", {"accuracy": 0.9}),
        cell("classification", "ESC-50", "clap-htsat-unfused", {"accuracy": 0.95}),
        cell("zero-shot", "ESC-50", "Wav2CLIP", {"accuracy": 0.42}),
    ]
    report = write([replace(one, n=2000) for one in cells], tmp_path)
    mteb = "Main scores of MTEB, in per cent. "
    row = report.row(mteb, "ESC-50 zero-shot, accuracy n = 2 000")
    assert row[0].startswith("42.00 stated 40.8, +1.20")
    assert row[3].startswith("90.00 stated 81.7, +8.30")
    row = report.row(mteb, "ESC-50 classification, accuracy n = 2 000")
    assert re.fullmatch("95.00 stated 97.0[a-z]", row[3])
    row = report.row("What the authors of CLAP state", "ESC-50 zero-shot, accuracy n = 2 000")
    assert re.fullmatch(r"90.00 stated 92.75, -2.75[a-z]", row[1])
    assert report.row(WAV2CLIP_2, "Wav2CLIP, zero-shot")[0].startswith("0.4200 paper 0.414")


CONTROL = "".join(chr(code) for code in (*range(9), *range(11, 32), 127, 0x85, 0xFFFE))


@pytest.mark.parametrize("odd", [CONTROL, "\udce9\ud83d"], ids=["control", "bytes"])
def test_what_no_page_can_hold_is_spelled_out(write, cell, tmp_path, odd):
    """Control characters and bytes that are not UTF-8 stop nothing, whatever they stand in."""
    name = f"a{odd}b"
    curve = [{"share": share, "n": 5, "scores": [0.5]} for share in (1, 100)]
    details = {
        "classes": [name, "c"],
        "confusion": [[1, 2], [3, 4]],
        "labels": [name, "c", name],
        "points": [[0, 1], [1, 1], [2, 0]],
        "curve": curve,
        name: 3,
        "captions": [{"found": name, "references": [name]}],
        "examples": [{"query": name, "picture": None, "found": [{"label": name}]}],
    }
    report = write(
        [
            cell(name, name, name, {name: 0.5}, {name: 0.1}, {name: 0.1}, 5, details, [name]),
            cell(name, name, "broken", problem=name, details={"traceback": name}),
        ],
        tmp_path,
        {
            "command": name,
            "data": pd.DataFrame({"set": [name]}, dtype=object),
            "weights": [{name: name}],
            "introduction": [name],
            name: name,
        },
    )
    for text in (report.html, report.markdown, (tmp_path / "scores.csv").read_text("utf-8")):
        assert not set(odd) & set(text)
        assert re.search("a((<|&lt;)(U\\+)?[0-9A-F]{2,4}(>|&gt;))+b", text)
    confusion = report.read("confusion.csv")
    assert confusion["count"].tolist() == [1, 2, 3, 4]
    assert confusion["true"].nunique() == confusion["found"].nunique() == 2
    assert report.read("map_points.csv")["label"].value_counts().tolist() == [2, 1]


@pytest.mark.parametrize("name", ['=HYPERLINK("http://127.0.0.1/","x")', "+1+1", "-2", "@SUM(1)"])
def test_names_are_no_formulas(write, cell, tmp_path, name):
    details = {
        "classes": [name, "b"],
        "confusion": [[1, 2], [3, 4]],
        "labels": [name, "b"],
        "points": [[0, 1], [1, 1]],
        "folds": [{"fold": 1, name: -0.5}],
        name: 3,
        "curve": [{"share": 1, "n": 5, "scores": [0.5]}],
    }
    cells = [cell(name, name, name, {name: -0.5}, {}, {}, 5, details, [name])]
    cells += [cell(name, name, "broken", problem=name)]
    facts = {"history": [{"seed": 0, "rows": pd.DataFrame({"epoch": [1], "loss": [-0.5]})}]}
    report = write(cells, tmp_path, facts)
    for path in tmp_path.glob("*.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            places = [place for row in csv.reader(file) for place in row]
        for place in places:
            assert place[:1] not in "=+-@" or not place or is_number(place), path
    assert report.read("confusion.csv")["true"].unique().tolist() == [f"'{name}", "b"]
    assert report.read("scores.csv")["value"].dropna().tolist() == [-0.5, 3]
    assert name in "".join(report.page.words)


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
