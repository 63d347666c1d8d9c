"""Labels to take away: a table, and a script of scikit-learn that learns from it again."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence

import numpy as np

from ..system._spreadsheets import disarm, disarm_path


def labels_csv(
    items: Sequence,
    labels: Mapping,
    predicted: tuple[Sequence[str], np.ndarray] | None = None,
    *,
    files: Sequence | None = None,
) -> bytes:
    """A table of clips and labels, as CSV in UTF-8; no cell of it is a formula of a spreadsheet.

    Parameters
    ----------
    items : sequence
        Names of the clips.
    labels : mapping
        The label of each name that has one.
    predicted : (sequence of str, ndarray) or None, default=None
        The most likely label of each clip, and its probability, for a table of all clips. None:
        those that have a label.
    files : sequence or None, default=None
        What to write for each clip in place of its name, such as the path of its file; None among
        them leaves the name.

    Returns
    -------
    bytes
        Columns ``file`` and ``label``, then ``predicted`` and ``probability``. Bytes of file names
        that are no text stay as they are.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", *(["predicted", "probability"] if predicted else [])])
    for number, item in enumerate(items):
        label = labels.get(item)
        if predicted is None and label is None:
            continue
        name = item if files is None or files[number] is None else files[number]
        row = [disarm_path(os.fspath(name) if isinstance(name, os.PathLike) else str(name))]
        row.append("" if label is None else disarm(label))
        if predicted is not None:
            row += [disarm(str(predicted[0][number])), f"{predicted[1][number]:.4f}"]
        writer.writerow(row)
    return text.getvalue().encode("utf-8", "surrogateescape")


def classifier_script(
    library: str | os.PathLike, *, csv_name: str = "labels.csv", mode: str = "clip"
) -> str:
    """A script that learns again what the page has learned, and names other sounds.

    Parameters
    ----------
    library : str or os.PathLike
        The folder of the index, whose encoder makes the vectors.
    csv_name : str, default="labels.csv"
        The table of `labels_csv` that it reads unless it is told another.
    mode : {"clip", "frame"}, default="clip"
        That of the index.

    Returns
    -------
    str
        Source code in Python.
    """
    folder = os.path.realpath(os.path.expanduser(os.fspath(library)))
    return _SCRIPT.format(library=repr(folder), csv_name=repr(csv_name), **_EMBEDDING[mode])


_EMBEDDING = {
    "clip": {
        "imports": "Normalizer, StandardScaler",
        "average": "",
        "embed": "make_pipeline(encoder, Normalizer())",
    },
    "frame": {
        "imports": "FunctionTransformer, Normalizer, StandardScaler, normalize",
        "average": '''

def average(clips):
    """The mean of the unit vectors of the windows of each clip."""
    return np.stack([normalize(windows).mean(axis=0) for windows in clips])
''',
        "embed": "make_pipeline(encoder, FunctionTransformer(average), Normalizer())",
    },
}
_SCRIPT = '''\
"""Learn to sort sounds again from the labels in a table, and sort others.

    python classifier.py [LABELS.csv [SOUND ...]]

It needs skw2c, and the library below for its encoder.
"""

import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import {imports}

from skw2c import AudioIndex

LIBRARY = {library}
LABELS = {csv_name}
{average}

def read_labels(path):
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape")
    table = table[table["label"] != ""]
    # In the table, an apostrophe keeps spreadsheets from computing what begins with = + - or @.
    classes = table["label"].str.replace(r"^'(?=[=+\\-@])", "", regex=True)
    return table["file"].tolist(), classes.to_numpy(dtype=str)


def main(labels=LABELS, *sounds):
    encoder = AudioIndex.load(LIBRARY).encoder
    if isinstance(encoder, str):
        sys.exit("The library was made of vectors: put what made them in the place of `encoder`.")
    embed = {embed}
    classify = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
    )

    files, classes = read_labels(labels)
    vectors = embed.fit_transform(files)
    classify.fit(vectors, classes)
    print(f"learned from {{len(files)}} sounds")

    rarest = np.unique(classes, return_counts=True)[1].min()
    if rarest >= 3:
        scores = cross_val_score(classify, vectors, classes, cv=min(5, rarest))
        print(f"accuracy {{scores.mean():.3f}}, cross-validated")

    if sounds:
        model = make_pipeline(embed, classify)
        for sound, label in zip(sounds, model.predict(list(sounds)), strict=True):
            print(label, sound, sep="\\t")
    # To keep what has learned: pip install skops, then skops.io.dump(classify, "classifier.skops")


if __name__ == "__main__":
    main(*sys.argv[1:])
'''
