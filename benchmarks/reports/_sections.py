"""The report, from its first paragraph to its last."""

import base64
import binascii

from benchmarks.reports._blocks import (
    Bullets,
    Entry,
    Figures,
    Folded,
    Found,
    Heading,
    Query,
    Section,
    Sheet,
    Table,
    Text,
)
from benchmarks.reports._charts import draw_bars, draw_efficiency, draw_history
from benchmarks.reports._colours import colour_systems
from benchmarks.reports._drawings import drawing_of, section_of
from benchmarks.reports._facts import (
    describe_data,
    describe_details,
    describe_environment,
    describe_problems,
)
from benchmarks.reports._layouts import make_tables
from benchmarks.reports._maps import draw_maps
from benchmarks.reports._matrices import show_confusion
from benchmarks.reports._results import group_by

_PNG = b"\x89PNG\r\n\x1a\n"


def make_sections(results, facts, colours):
    """All sections, empty ones left out.

    Parameters
    ----------
    results : Results
    facts : dict
    colours : dict of str to str
        Of systems that have one of their own.

    Returns
    -------
    list of Section
    """
    colours = colour_systems(results.systems(), colours)
    sections = [
        _introduce(results, facts),
        *make_tables(results, colours),
        describe_details(results),
        _show("Systems side by side", [draw_bars(results, colours)]),
        _show_details(results, "curve", [draw_efficiency(results, colours)]),
        _show("Confusions", show_confusion(results, colours)),
        _show_details(results, "points", draw_maps(results)),
        *_show_examples(results),
        _show_details(results, "captions", _show_captions(results, colours)),
        _show("Learning curve", [draw_history(facts.get("history"))]),
        describe_problems(results),
        describe_data(facts),
        describe_environment(facts),
    ]
    sections = _merge([section for section in sections if section is not None])
    for number, section in enumerate(sections, 1):
        section.anchor = f"section-{number}"
    for number, table in enumerate(_find_tables(sections), 1):
        table.anchor = f"table-{number}"
    return sections


def _merge(sections):
    """One section for all of a title, such as a task's table and its image."""
    merged = {}
    for section in sections:
        known = merged.setdefault(section.title, Section(section.title, []))
        known.blocks += section.blocks
    return list(merged.values())


def _find_tables(blocks):
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Section | Folded):
            yield from _find_tables(block.blocks)


def find_pages(sections):
    """All pages that stand beside the report."""
    blocks = [block for section in sections for block in section.blocks]
    return [page for block in blocks if isinstance(block, Figures) for page in block.pages]


def _show(title, blocks):
    blocks = [block for block in blocks if block is not None]
    return Section(title, blocks) if blocks else None


def _show_details(results, name, blocks):
    """What is drawn of details stands in the section of the task that has them."""
    return next((_show(section_of(c.task), blocks) for c in results.holding(name)), None)


def _introduce(results, facts):
    blocks = [Text(paragraph, markup=True) for paragraph in facts.get("introduction", [])]
    n_problems = len(results.problems)
    seconds = sum(cell.seconds for cell in results.cells)
    blocks.append(
        Text(
            f"{len(results.cells) - n_problems} of {len(results.cells)} cells of the tables were "
            f"computed, in {seconds / 60:.1f} minutes of computation"
            + (f"; {n_problems} could not be, and say why." if n_problems else ".")
        )
    )
    badges = results.badges()
    if badges:
        column, heads = [Heading("meaning")], [Heading("", badges=[name]) for name, _ in badges]
        rows = [
            (head, [Entry(meaning, kind="prose")])
            for head, (_, meaning) in zip(heads, badges, strict=True)
        ]
        blocks.append(Table("What the labels mean.", "label", column, rows))
    blocks.append(Bullets(_HOW_TO_READ))
    return Section("What this is", blocks)


_HOW_TO_READ = [
    "\N{PLUS-MINUS SIGN}: standard deviation over folds, trials or seeds.",
    "n: clips that were evaluated. Chance and other controls: what the same measure gives "
    "without anything learned.",
    "Numbers of the papers are cited, never computed here. A dash: not run.",
    "Beside this page lie CSV files with all of its numbers.",
]


def _show_examples(results):
    """A section with a contact sheet for each cell with examples."""
    for number, cell in enumerate(results.holding("examples"), 1):
        queries = [
            Query(
                str(example.get("query", "")),
                _read_image(example.get("picture")),
                [
                    Found(
                        str(found.get("label", "")),
                        found.get("right"),
                        _read_image(found.get("picture")),
                    )
                    for found in example.get("found") or []
                ],
            )
            for example in cell.details["examples"]
        ]
        caption = f"{cell.system}, {cell.dataset}: {drawing_of(cell.task).examples}."
        yield Section(section_of(cell.task), [Sheet(caption, f"examples-{number}", queries)])


def _read_image(text):
    """The bytes of a PNG in base64, or None where it is none."""
    try:
        image = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return image if image.startswith(_PNG) else None


def _show_captions(results, colours):
    """A table for each data set: the captions of all systems for a clip, beside those of people."""
    groups = group_by(results.holding("captions"), lambda cell: cell.dataset)
    for dataset, cells in groups.items():
        captions = {}  # by the references of a clip, and how often they were there before
        for cell in cells:
            seen = []
            for example in cell.details["captions"]:
                references = tuple(map(str, example.get("references") or []))
                row = captions.setdefault((references, seen.count(references)), {})
                row[cell.system] = str(example.get("found", ""))
                seen.append(references)
        rows = [
            (
                Heading(str(number)),
                [
                    Entry("", lines=list(references), kind="prose"),
                    *(Entry(row.get(cell.system, ""), kind="prose") for cell in cells),
                ],
            )
            for number, ((references, _), row) in enumerate(captions.items(), 1)
        ]
        systems = [Heading(cell.system, colour=colours.get(cell.system, "")) for cell in cells]
        caption = f"{dataset}: examples of captions."
        yield Table(caption, "clip", [Heading("references"), *systems], rows)
