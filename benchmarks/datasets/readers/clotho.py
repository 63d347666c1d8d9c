"""Clotho: recordings with five captions each."""

import numpy as np

from benchmarks.datasets.dataset import AudioDataset

from ._layout import Reader, keep_present
from ._tables import read_table

SPLITS = {"development": "train", "validation": "validation", "evaluation": "test"}
CAPTIONS = [f"caption_{number}" for number in range(1, 6)]
NO_SOUND_ID = ("", "Not found")


def load(root):
    """Read the captions of the parts that are there, and their folders of sounds.

    The version is 2.1 where there is a list of the validation part, else 1. Clips of one
    recording, by its number at Freesound, are a group where the metadata are there.
    """
    folder = root if (root / _name_list("evaluation")).is_file() else root / "clotho_csv_files"
    clips, captions, split, group, notes = [], [], [], [], []
    for part, name in SPLITS.items():
        path = folder / _name_list(part)
        if path.is_file():
            table = read_table(path, ["file_name", *CAPTIONS])
            table.refuse_duplicates("file_name")
            names = table.rows["file_name"]
            clips += [str(_find_folder(root, part) / file) for file in names]
            captions += table.rows[CAPTIONS].to_numpy().tolist()
            split += [name] * len(table)
            group += _read_recordings(folder, part, names, notes)
        elif part != "validation":
            notes.append(f"{path} is missing.")
    second = "validation" in split
    dataset = AudioDataset(
        "Clotho",
        marks=["version 2.1 of Clotho; the paper took version 1"] if second else [],
        clips=clips,
        split=np.array(split, dtype=str),
        group=np.array(group, dtype=str),
        captions=captions,
        notes=notes,
    )
    return keep_present(dataset, f"{folder} (clotho_captions_*.csv)")


def _name_list(part):
    return f"clotho_captions_{part}.csv"


def _find_folder(root, part):
    """Where the archive was unpacked: here, or in a folder of its own."""
    archive = f"clotho_audio_{part}"
    places = [part, f"clotho_audio_files/{part}", f"{archive}/{part}", archive]
    return next((root / place for place in places if (root / place).is_dir()), root / part)


def _read_recordings(folder, part, names, notes):
    """Number of the recording of each clip; its own name where that is unknown."""
    path = folder / f"clotho_metadata_{part}.csv"
    known = {}
    if path.is_file():
        try:
            table = read_table(
                path, ["file_name", "sound_id"], encoding="ISO-8859-1", may_be_empty=["sound_id"]
            )
            ids = table.rows["sound_id"]
            odd = ids != ids.groupby(table.rows["file_name"]).transform("first")
            table.refuse(odd, "{file_name!r} is of another recording above")
            known = dict(zip(table.rows["file_name"], table.rows["sound_id"], strict=True))
        except ValueError as exc:  # captions are read without it
            notes.append(f"Recordings of the {part} part are unknown: {exc}.")
    return [
        f"{part}/{name}" if known.get(name, "") in NO_SOUND_ID else known[name] for name in names
    ]


READER = Reader(
    name="clotho",
    title="Clotho",
    load=load,
    url="https://zenodo.org/records/3490684 (v1, as in the paper) or 4783391 (v2.1)",
    licence="sounds under Creative Commons, captions for non-commercial use",
    folders=("*clotho*",),
    inside=("development", "validation", "evaluation", "clotho_*"),
    markers=tuple(
        f"{folder}{_name_list(part)}"
        for folder in ("", "clotho_csv_files/")
        for part in ("evaluation", "development")
    ),
    advice="Its .7z archives need 7-Zip.",
)
