"""The figures of all tasks that papers and their like print, in the order of the tables."""

from dataclasses import dataclass, replace

from benchmarks.reports._results import FINE_PROPORTION, PER_CENT, PROPORTION, Unit
from benchmarks.tasks import TASKS
from benchmarks.tasks.figures import LAION, MTEB


@dataclass(frozen=True)
class PaperTable:
    """A table of a paper, and how its layout is drawn.

    Attributes
    ----------
    source : str
        Paper and table, as figures name them.
    title : str
        What it is about.
    caption : str
    corner : str
        Head of its first column.
    rows : {"systems", "data", "queries"}
        What its rows are: systems; tasks and data sets; or data sets, with the measures of
        each system for columns.
    unit : Unit
    datasets : tuple of str
        The order of its data sets, where figures of several tasks alternate.
    ours : bool
        Whether it has room for systems that are measured here.
    word : str
        What stands before its figures, beside ours.
    """

    source: str
    title: str
    caption: str
    corner: str
    rows: str
    unit: Unit
    datasets: tuple = ()
    ours: bool = True
    word: str = "paper"


_PLACE = "Each place: ours; below it what the paper prints, and our difference to it. "
_BEST = "The best of ours is bold."
_STATED = "Each place: ours; below it what is stated, and our difference where it means anything. "

PAPER_TABLES = (
    PaperTable(
        "Wav2CLIP, table 2",
        "all tasks",
        f"Layout of table 2 of the Wav2CLIP paper. {_PLACE}{_BEST}",
        corner="system",
        rows="systems",
        unit=FINE_PROPORTION,
    ),
    PaperTable(
        "Wav2CLIP, table 3",
        "captioning",
        f"Layout of table 3 of the Wav2CLIP paper, Clotho. {_PLACE}{_BEST}",
        corner="system",
        rows="systems",
        unit=PROPORTION,
    ),
    PaperTable(
        "AudioCLIP, table 1",
        "training of ESResNeXt",
        "Layout of table 1 of the AudioCLIP paper, in per cent.",
        corner="trained on",
        rows="data",
        unit=PER_CENT,
        ours=False,
    ),
    PaperTable(
        "AudioCLIP, table 2",
        "classification",
        f"Layout of table 2 of the AudioCLIP paper, in per cent. {_PLACE}{_BEST}",
        corner="data",
        rows="data",
        unit=PER_CENT,
        datasets=(
            "ImageNet, image",
            "AudioSet, image",
            "AudioSet, audio",
            "AudioSet, audio and image",
            "UrbanSound8K",
            "ESC-50",
        ),
        ours=False,
    ),
    PaperTable(
        "AudioCLIP, table 3",
        "other systems",
        "Table 3 of the AudioCLIP paper, in per cent: what it quotes from others.",
        corner="system",
        rows="systems",
        unit=PER_CENT,
        ours=False,
    ),
    PaperTable(
        "AudioCLIP, table 4",
        "querying",
        f"Layout of table 4 of the AudioCLIP paper, in per cent. {_PLACE}Only mean average "
        f"precision can be compared with the paper. {_BEST}",
        corner="data and direction",
        rows="queries",
        unit=PER_CENT,
    ),
    PaperTable(
        MTEB,
        "encoders of today",
        f"Main scores of MTEB, in per cent. {_STATED}{_BEST}",
        corner="data",
        rows="data",
        unit=PER_CENT,
        ours=False,
        word="stated",
    ),
    PaperTable(
        LAION,
        "zero-shot",
        f"What the authors of CLAP state, in per cent. {_STATED}{_BEST}",
        corner="data",
        rows="data",
        unit=PER_CENT,
        ours=False,
        word="stated",
    ),
    PaperTable(
        "EfficientAT and CED, READMEs",
        "AudioSet",
        "Mean average precision on AudioSet, in per cent, as their authors state it.",
        corner="system",
        rows="systems",
        unit=PER_CENT,
        ours=False,
        word="stated",
    ),
)


def _order_figures():
    figures = [
        replace(number, task=task.name) for task in TASKS.values() for number in task.published
    ]
    return tuple(number for table in PAPER_TABLES for number in figures_in(table, figures))


def figures_in(table, figures=None):
    """The figures of a paper's table, in its order of data sets."""
    figures = PUBLISHED if figures is None else figures
    own = [number for number in figures if number.source == table.source]
    if table.datasets:
        own.sort(key=lambda number: table.datasets.index(number.dataset))
    return own


PUBLISHED = _order_figures()
"""All figures, in the order of the papers' tables."""

_BY_KEY = {number.key: number for number in reversed(PUBLISHED)}
_BY_SOURCE = {(number.source, *number.key): number for number in PUBLISHED}


def find(task, dataset, system, measure, source=None):
    """The figure that is published for this, or None.

    Without a source it is that of the first table that has one, and so the papers'.
    """
    key = task, dataset, system, measure
    return _BY_KEY.get(key) if source is None else _BY_SOURCE.get((source, *key))
