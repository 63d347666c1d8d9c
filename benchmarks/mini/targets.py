"""Where sounds belong in the space of CLIP, as a teacher's scores and CLIP's labels tell.

The classes of AudioSet that have a vector of CLIP under their own name, or under the name of
what makes the sound, are listed in ``audioset_in_clip.csv``. A sound belongs near these, as
near as its scores are high.
"""

import csv
from pathlib import Path

import numpy as np

from skw2c.models.yamnet import audioset_classes

NAMES = Path(__file__).parent / "audioset_in_clip.csv"


def score(embeddings, weights):
    """Scores of the 521 classes of AudioSet, from YAMNet's embeddings (n, 1024).

    Parameters
    ----------
    embeddings : ndarray
    weights : str or Path
        File of YAMNet (.npz), of which the classifier is read.
    """
    with np.load(weights) as arrays:
        logits = embeddings @ arrays["classifier/kernel"].T + arrays["classifier/bias"]
    return 1 / (1 + np.exp(-logits))


def read_labels(folder):
    """Vectors of CLIP (n_classes, 512) of unit length, and their columns among the scores.

    Parameters
    ----------
    folder : str or Path
        With ``TABLE.npy`` and ``TABLE_names.csv`` of each table that the list names.

    Returns
    -------
    columns : ndarray of shape (n_classes,)
    vectors : ndarray of shape (n_classes, 512)
    names : list of str
        CLIP's name of each.
    """
    columns, vectors, names, tables = [], [], [], {}
    classes = {name: column for column, name in enumerate(audioset_classes())}
    with open(NAMES, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            table = row["table"]
            if table not in tables:
                tables[table] = _read_table(Path(folder), table)
            columns.append(classes[row["audioset"]])
            vectors.append(tables[table][row["name"]])
            names.append(row["name"])
    return np.array(columns), np.array(vectors), names


def share_out(scores, folder, least=0.1):
    """Share each sound out among labels.

    Parameters
    ----------
    scores : ndarray of shape (n, 521)
    folder : str or Path
        Vectors of CLIP, see `read_labels`.
    least : float
        Highest score below which a sound belongs nowhere, and is left out.

    Returns
    -------
    shares : ndarray of shape (n_placed, n_labels)
        Of each label in each sound, the sum of a row being 1. What sounds often counts for
        less, so that each label has the same share of all sounds in the end, roughly.
    labels : ndarray of shape (n_labels, 512)
        Vectors of unit length, all different.
    rows : ndarray of shape (n_placed,)
        Which sounds have a place.
    """
    columns, vectors, _ = read_labels(folder)
    labels, number = np.unique(vectors.round(6), axis=0, return_inverse=True)
    found = np.zeros((len(scores), len(labels)))
    for column, word in zip(columns, number.ravel(), strict=True):
        found[:, word] = np.maximum(found[:, word], scores[:, column])
    rows = np.flatnonzero(found.max(axis=1) >= least)
    shares = found[rows] / found[rows].sum(axis=1, keepdims=True)
    shares /= shares.mean(axis=0) + 1e-6
    return shares / shares.sum(axis=1, keepdims=True), labels, rows


def _read_table(folder, table):
    with open(folder / f"{table}_names.csv", newline="", encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    vectors = np.load(folder / f"{table}.npy").astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return dict(zip(names, vectors, strict=True))
