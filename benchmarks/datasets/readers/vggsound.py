"""VGGSound: clips of YouTube, of which each has one of 309 classes."""

import os
import re

import numpy as np
import pandas as pd

from benchmarks.datasets.dataset import AudioDataset
from skw2c import prettify_label

from ._layout import Reader, keep_present
from ._tables import read_table

SOUNDS = (".wav", ".flac", ".mp3", ".m4a")
VIDEO = ".mp4"
SPLITS = ("train", "test")


def load(root):
    """Read the lists of clips, and the sounds and videos in whatever folders.

    The lists are ``vggsound.csv``, or ``train.csv`` and ``test.csv``, in the folder itself or
    in its folder ``data``. A clip is a sound file named by the id of the video and the second
    in which it starts, ``---g-f_I2yQ_000001.wav``, else the video of this name. Clips of one
    video are a group. Classes are in the order of the alphabet, as in the authors' programs.
    """
    rows, listing, notes = _read_lists(root)
    sounds, videos, twice = _find_files(root)
    if twice:
        notes.append(f"{twice} files lie in more than one folder; the first by name is used.")
    keys = list(zip(rows["id"], rows["start"], strict=True))
    found = [sounds.get(key) or videos.get(key) for key in keys]
    images = [videos.get(key) for key in keys]
    classes = sorted(set(rows["label"]))
    dataset = AudioDataset(
        "VGGSound",
        clips=[
            path or f"{name}_{start:06d}" for path, (name, start) in zip(found, keys, strict=True)
        ],
        classes=classes,
        prompts=[prettify_label(label) for label in classes],
        target=rows["label"].to_numpy(dtype=str),
        split=rows["split"].to_numpy(dtype=str),
        group=rows["id"].to_numpy(dtype=str),
        images=images if any(images) else None,
        notes=notes,
    )
    return keep_present(dataset, listing, np.array([path is not None for path in found]))


def _read_lists(root):
    """Rows (id, start, label, split) of all clips, where they come from, and notes."""
    folder = (
        root if any((root / f"{n}.csv").is_file() for n in ("vggsound", *SPLITS)) else root / "data"
    )
    if (folder / "vggsound.csv").is_file():
        tables = [
            read_table(folder / "vggsound.csv", ["id", "start", "label", "split"], header=False)
        ]
        tables[0].refuse(
            ~tables[0].rows["split"].isin(SPLITS), "{split!r} is neither train nor test"
        )
    else:
        tables = [
            _split_names(
                read_table(folder / f"{split}.csv", ["name", "label"], header=False), split
            )
            for split in SPLITS
            if (folder / f"{split}.csv").is_file()
        ]
    for table in tables:
        table.rows["start"] = table.integers("start")
    _refuse_contradictions(tables)
    rows = pd.concat([table.rows for table in tables], ignore_index=True)
    once = rows.drop_duplicates(["id", "start"], ignore_index=True)
    notes = [f"{len(rows) - len(once)} clips are listed twice."] if len(rows) > len(once) else []
    notes += [
        f"{folder / split}.csv is missing." for split in SPLITS if split not in set(once["split"])
    ]
    return once, " and ".join(str(table.path) for table in tables), notes


def _split_names(table, split):
    """Split names from the right, for the 11 characters of an id may hold an underscore."""
    parts = table.rows["name"].str.extract(r"^(.{11})_([0-9]+)(?:\.\w+)?$")
    table.refuse(parts[0].isna(), "{name!r} is not of the form id_start.mp4")
    table.rows = table.rows.assign(id=parts[0], start=parts[1], split=split)
    return table


def _refuse_contradictions(tables):
    """A clip that is listed twice must be the same clip."""
    known = {}
    for table in tables:
        values = table.rows[["id", "start", "label", "split"]].itertuples(index=False)
        odd = [known.setdefault((id_, start), rest) != rest for id_, start, *rest in values]
        table.refuse(odd, "{id}, second {start}, is listed above with another label or split")


def _find_files(root):
    """Sound files and videos by id and start, and how many lie in several folders."""
    ranks = {end: rank for rank, end in enumerate((*SOUNDS, VIDEO))}
    sounds, videos, twice = {}, {}, 0
    for folder, files in _walk(root):
        for file in files:
            stem, end = os.path.splitext(file)
            key = re.fullmatch(r"(.{11})_([0-9]+)", stem)
            if key is None or end.lower() not in ranks:
                continue
            kind = videos if end.lower() == VIDEO else sounds
            rank, key = ranks[end.lower()], (key[1], int(key[2]))
            known = kind.get(key)
            twice += known is not None and known[0] == rank
            if known is None or rank < known[0]:
                kind[key] = rank, os.path.join(folder, file)
    return (*({key: path for key, (_, path) in kind.items()} for kind in (sounds, videos)), twice)


def _walk(root):
    """Folders below the root and their files, through links, each folder once."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        if os.path.realpath(folder) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(folder))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield folder, sorted(files)


def _lists_clips(path):
    """Tell a list of VGGSound from another file named test.csv."""
    if path.name == "vggsound.csv" or not path.is_file():
        return path.is_file()
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return re.match(r'"?.{11}_[0-9]+\.mp4"?,', file.readline()) is not None


READER = Reader(
    name="vggsound",
    title="VGGSound",
    load=load,
    url="https://github.com/hche11/VGGSound, lists of clips in data/",
    licence="CC BY 4.0",
    folders=("*VGG*Sound*",),
    inside=("data", "audio*", "video*", "train*", "test*"),
    markers=("vggsound.csv", "data/vggsound.csv", "test.csv", "data/test.csv"),
    advice="The clips come from YouTube; sounds (.wav, .flac, .mp3, .m4a) or videos (.mp4) named "
    "id_start, such as ---g-f_I2yQ_000001.wav, are found in any folder below the lists.",
    is_marker=_lists_clips,
)
