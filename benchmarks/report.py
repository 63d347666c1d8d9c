"""Write the results: a CSV of all numbers of each task, one page of tables."""

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("skw2c", "torch", "scikit-learn", "numpy", "librosa", "soundfile", "soxr")


@dataclass
class Section:
    """What a task adds to the report.

    Attributes
    ----------
    title : str
    table : DataFrame
        As it is printed.
    numbers : dict of str to DataFrame
        Everything behind it, by the name of a CSV file.
    notes : list of str
    draw : dict of str to callable
        Pictures by the name of a file, each from what draws on matplotlib's Axes.
    """

    title: str
    table: object
    numbers: dict
    notes: list = field(default_factory=list)
    draw: dict = field(default_factory=dict)


def write(sections, out, *, command, notes):
    """Write the sections' files and ``report.md`` into the folder ``out``; return the page."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    parts = ["# Benchmark report", f"Command: `{command}`"]
    for section in sections:
        parts += [f"## {section.title}"]
        parts += [section.table.to_markdown(index=False, disable_numparse=True)]
        parts += [f"- {note}" for note in section.notes]
        for name, numbers in section.numbers.items():
            replace(out / name, numbers.to_csv(index=False))
        for name, draw in section.draw.items():
            _draw(out / name, draw)
            parts += [f"![{Path(name).stem}]({name})"]
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    parts += [*(f"- {note}" for note in notes), f"Python {platform.python_version()}, {versions}."]
    page = "\n\n".join(parts) + "\n"
    replace(out / "report.md", page)
    return page


def _draw(path, draw):
    """Draw a picture into a file."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    draw(axes)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    figure.savefig(temporary, dpi=120)
    plt.close(figure)
    temporary.replace(path)


def replace(path, text):
    """Write a text file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
