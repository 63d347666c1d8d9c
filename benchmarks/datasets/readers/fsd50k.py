"""FSD50K: 200 classes of the ontology of AudioSet, of which a clip has several."""

import numpy as np

from benchmarks.datasets.dataset import AudioDataset
from skw2c import prettify_label

from ._layout import Reader, keep_present
from ._tables import read_table

SPLITS = {"train": "train", "val": "validation"}


def load(root):
    """Read ``FSD50K.ground_truth/`` and the folders of sounds.

    Classes are known by their ``mid``, AudioSet's identifier, and stand in the order of the
    vocabulary. In prompts, what is in brackets is kept, after a comma: without it "Rattle" and
    "Rattle_(instrument)" would be one. "_and_", which stands for a comma, is left an "and".
    """
    folder = root / "FSD50K.ground_truth"
    classes, mids = _read_vocabulary(folder / "vocabulary.csv")
    dev = read_table(folder / "dev.csv", ["fname", "labels", "mids", "split"])
    evaluation = read_table(folder / "eval.csv", ["fname", "labels", "mids"])
    evaluation.refuse_shared(dev, "fname")
    dev.refuse(~dev.rows["split"].isin(SPLITS), "split is {split!r}, neither train nor val")
    targets, notes = [], []
    for table in (dev, evaluation):
        table.refuse_duplicates("fname")
        target = _mark(table, "mids", mids)
        notes += _note_disagreement(table, target != _mark(table, "labels", classes))
        targets.append(target)
    dataset = AudioDataset(
        "FSD50K",
        clips=[
            str(root / f"FSD50K.{part}_audio" / f"{name}.wav")
            for part, table in (("dev", dev), ("eval", evaluation))
            for name in table.rows["fname"]
        ],
        classes=classes,
        prompts=[prettify_label(label) for label in classes],
        target=np.concatenate(targets),
        split=np.array([*dev.rows["split"].map(SPLITS), *["test"] * len(evaluation)], dtype=str),
        mids=mids,
        notes=notes,
    )
    return keep_present(dataset, f"{folder} (dev.csv, eval.csv)")


def _read_vocabulary(path):
    """Names and mids of the classes, in their order."""
    table = read_table(path, ["index", "label", "mid"], header=False)
    table.refuse(
        table.integers("index") != np.arange(len(table)),
        "the class has the index {index}, which is not its place in the list",
    )
    table.refuse_duplicates("label")
    table.refuse_duplicates("mid")
    return list(table.rows["label"]), list(table.rows["mid"])


def _mark(table, column, known):
    """Mark the classes that a column lists: (n_clips, n_classes), 0 or 1."""
    place = {value: number for number, value in enumerate(known)}
    cells = [cell.split(",") for cell in table.rows[column]]
    strange = [any(value not in place for value in cell) for cell in cells]
    table.refuse(strange, f"{column} {{{column}!r}}: not all of them are in vocabulary.csv")
    target = np.zeros((len(cells), len(known)), dtype=np.int8)
    rows = np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])
    target[rows, [place[value] for cell in cells for value in cell]] = 1
    return target


def _note_disagreement(table, differs):
    rows = np.flatnonzero(differs.any(axis=1))
    if rows.size:
        yield (
            f"Labels and mids of {rows.size} clips disagree, first in "
            f"{table.place(table.rows.index[rows[0]])}; the mids are used."
        )


READER = Reader(
    name="fsd50k",
    title="FSD50K",
    load=load,
    url="https://zenodo.org/records/4060432",
    licence="CC BY 4.0; each clip CC0, CC BY, CC BY-NC or Sampling+",
    folders=("*FSD50K*",),
    inside=("FSD50K.*",),
    markers=("FSD50K.ground_truth/vocabulary.csv", "FSD50K.ground_truth/dev.csv"),
    advice="Archives in parts are joined before they are unpacked: "
    "zip -s 0 FSD50K.dev_audio.zip --out joined.zip",
)
