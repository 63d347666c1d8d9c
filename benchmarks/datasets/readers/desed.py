"""DESED: sound events of ten classes in clips of ten seconds at home."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.datasets.dataset import AudioDataset
from skw2c import prettify_label

from ._layout import Reader, are_there, keep_present, list_files
from ._tables import read_table

SECONDS = 10.0
CLASSES = [
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
]
BASES = ("", "dcase_synth", "dataset")  # where the generator and the archives put them
EVENT = ["onset", "offset", "event_label"]


@dataclass(frozen=True)
class Subset:
    """A list of events, and folders in which its clips may lie, the best first."""

    title: str
    listing: str
    folders: tuple
    mark: str = ""


_SYNTHETIC = "validation/synthetic21_validation/soundscapes"
SUBSETS = {
    "synthetic": Subset(
        "DESED",  # as the paper has it: of its parts, this has the number of clips that it states
        f"metadata/{_SYNTHETIC}.tsv",
        (f"audio/{_SYNTHETIC}", f"audio/{_SYNTHETIC}_16k"),
        "the synthetic validation part of DESED",
    ),
    "validation": Subset(
        "DESED, validation",
        "metadata/validation/validation.tsv",
        ("audio/validation/validation", "audio/validation/validation_16k", "audio/validation"),
    ),
    "public": Subset(
        "DESED, public evaluation",
        "metadata/eval/public.tsv",
        ("audio/eval/public", "audio/eval/public_16k"),
    ),
}


def load(root, subset=None):
    """Read the events of a subset.

    Parameters
    ----------
    root : Path
    subset : {"synthetic", "validation", "public"} or None, default=None
        By default the first of them that is there: the paper says "2.5k (valid)", which is
        the size of the synthetic one.

    Notes
    -----
    Clips without an event stay. They have a row with nothing but a name in the lists of real
    recordings, and none at all in that of the synthetic ones, whose generator drops events of
    other classes from the list but leaves their sound; there all sounds in the folder are read.
    """
    if subset is not None and subset not in SUBSETS:
        raise ValueError(f"There is no subset {subset!r}; there are: {', '.join(SUBSETS)}")
    wanted = SUBSETS.values() if subset is None else [SUBSETS[subset]]
    places = [(root / base / part.listing, part) for part in wanted for base in BASES]
    present = [(listing, part) for listing, part in places if listing.is_file()]
    if not present:
        raise FileNotFoundError(f"There is no {SUBSETS[subset].listing} in {root}")
    absences = []
    for listing, part in present:
        try:
            return _load_subset(root, listing, part)
        except FileNotFoundError as exc:
            absences.append(str(exc))
    raise FileNotFoundError("; ".join(absences))


def _load_subset(root, listing, part):
    table = read_table(listing, ["filename", *EVENT], delimiter="\t", may_be_empty=EVENT)
    names = list(dict.fromkeys(table.rows["filename"]))
    folder = _find_folder(root, part, names)
    events, notes = _read_events(table)
    unlisted = sorted(
        name for name in list_files(folder) - set(names) if name.lower().endswith(".wav")
    )
    if part is SUBSETS["synthetic"]:
        names += unlisted
        action = "are taken for clips without an event"
    else:
        action = "are left out"
    if unlisted:
        notes.append(f"{len(unlisted)} sounds in {folder} are not listed and {action}.")
    row = {name: number for number, name in enumerate(names)}
    events.insert(0, "row", [row[name] for name in events.pop("filename")])
    dataset = AudioDataset(
        part.title,
        marks=[part.mark] if part.mark else [],
        clips=[str(folder / name) for name in names],
        classes=CLASSES,
        prompts=[prettify_label(label) for label in CLASSES],
        events=events,
        notes=notes,
    )
    return keep_present(dataset, listing)


def _find_folder(root, part, names):
    folders = [root / base / folder for folder in part.folders for base in BASES]
    holding = (f for f in folders if are_there([f / name for name in names]).any())
    return next(holding, folders[0])


def _read_events(table):
    """Events (filename, label, onset, offset), which end with their clip; and notes."""
    empty = table.rows[EVENT] == ""
    table.refuse(
        empty.any(axis=1) & ~empty.all(axis=1), "an event needs an onset, an offset and a label"
    )
    free = empty.all(axis=1)
    table.refuse(~free & ~table.rows["event_label"].isin(CLASSES), "unknown class {event_label!r}")
    onset, offset = (pd.to_numeric(table.rows[c], errors="coerce") for c in ("onset", "offset"))
    table.refuse(
        ~free & ~((onset >= 0) & (onset < offset) & (onset < SECONDS) & np.isfinite(offset)),
        f"no event in a clip of {SECONDS:g} s goes from {{onset!r}} to {{offset!r}}",
    )
    late = int((offset > SECONDS).sum())
    notes = [f"{late} events are listed beyond the end of the clip, and end with it."] * (late > 0)
    events = pd.DataFrame(
        {
            "filename": table.rows["filename"],
            "label": table.rows["event_label"],
            "onset": onset,
            "offset": offset.clip(upper=SECONDS),
        }
    )
    return events[~free].reset_index(drop=True), notes


READER = Reader(
    name="desed",
    title="DESED",
    load=load,
    url="https://github.com/turpaultn/DESED, its public evaluation set at "
    "https://zenodo.org/records/4560759",
    licence="clips of AudioSet and Freesound, each under its own",
    folders=("*DESED*", "dcase*synth*"),
    inside=("audio", "metadata", "dcase_synth", "dataset"),
    markers=tuple(
        f"{base}/{part.listing}".lstrip("/") for base in BASES for part in SUBSETS.values()
    ),
)
