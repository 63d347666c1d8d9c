"""Where sounds belong in the space of CLIP, as a teacher's scores and CLIP's labels tell.

The classes of AudioSet that have a vector of CLIP under their own name, or under the name of
what makes the sound, are listed in ``audioset_in_clip.csv``. A sound belongs near these, as
near as its scores are high.
"""

import csv
from pathlib import Path

import numpy as np
from sklearn.kernel_ridge import KernelRidge

from benchmarks.mini.space import weigh
from skw2c.models.yamnet import audioset_classes

NAMES = Path(__file__).parent / "audioset_in_clip.csv"


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


def label_classes(folder, words):
    """Vectors of CLIP (521, 512) for all classes, of unit length.

    Classes without a vector of their own get the one that kernel ridge regression expects from the
    meaning of their names. It learns from all names in the tables.

    Parameters
    ----------
    folder : str or Path
        Vectors of CLIP, see `read_labels`.
    words : FrozenWords
        Encoder of words, for what names mean.
    """
    names, vectors = _read_tables(Path(folder), words)
    mean = vectors.mean(axis=0)
    regression = make_regression().fit(words.encode_texts(names, "semantic"), vectors - mean)
    expected = regression.predict(words.encode_texts(audioset_classes(), "semantic")) + mean
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    columns, known, _ = read_labels(folder)
    expected[columns] = known
    return expected


def make_regression():
    """From the meaning of a name to CLIP's vector of it; settled by five folds over the names."""
    return KernelRidge(kernel="rbf", gamma=1.0, alpha=0.3)


def share_out(scores, prevalence, least=0.05):
    """Share each sound out among the classes.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
    prevalence : ndarray of shape (n_classes,)
        Mean scores over the corpus, see `weigh`.
    least : float
        Highest score below which a sound belongs nowhere, and is left out.

    Returns
    -------
    shares : ndarray of shape (n_placed, n_classes)
        The sum of a row is 1.
    rows : ndarray of shape (n_placed,)
        Which sounds have a place.
    """
    rows = np.flatnonzero(scores.max(axis=1) >= least)
    shares = weigh(scores[rows], prevalence)
    return shares / shares.sum(axis=1, keepdims=True), rows


def _read_tables(folder, words):
    """All names that the encoder of words can read, each once, with their vectors."""
    vectors = {}
    for table in ("lvis", "o365", "oid", "coco"):  # of equal names the last has spaces
        for name, vector in _read_table(folder, table).items():
            plain = name.replace("_", " ").lower().split("(")[0].strip()
            if words.knows(plain):
                vectors[plain] = vector
    return list(vectors), np.array(list(vectors.values()))


def _read_table(folder, table):
    with open(folder / f"{table}_names.csv", newline="", encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    vectors = np.load(folder / f"{table}.npy").astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return dict(zip(names, vectors, strict=True))
