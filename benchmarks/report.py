"""Write the results: one CSV of all numbers, one page of tables."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("skw2c", "torch", "scikit-learn", "numpy", "librosa", "soundfile", "soxr")


def summarise(folds):
    """Mean and deviation of the accuracy over the folds, as text in per cent."""
    keys = ["data", "features", "classifier"]
    rows = []
    for names, group in folds.groupby(keys, sort=False):
        accuracy = 100 * group["accuracy"]
        row = dict(zip(keys, names, strict=True))
        row["accuracy, %"] = f"{accuracy.mean():.2f} ± {accuracy.std(ddof=0):.2f}"
        row["folds"] = len(group)
        row["clips"] = int(group["n_test"].sum())
        rows.append(row)
    return rows


def write(folds, out, *, command, notes):
    """Write ``folds.csv`` and ``report.md`` into the folder ``out``; return the page."""
    import pandas as pd

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(summarise(folds)).to_markdown(index=False, disable_numparse=True)
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    lines = [
        "# Benchmark report",
        f"Command: `{command}`",
        table,
        "Accuracy is the mean and the standard deviation over the folds.",
        *(f"- {note}" for note in notes),
        f"Python {platform.python_version()}, {versions}.",
    ]
    page = "\n\n".join(lines) + "\n"
    replace(out / "folds.csv", folds.to_csv(index=False))
    replace(out / "report.md", page)
    return page


def replace(path, text):
    """Write a text file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
