"""TAU Urban Audio-Visual Scenes 2021, development set."""

import numpy as np

from benchmarks.datasets.dataset import AudioDataset
from skw2c import prettify_label

from ._layout import Reader, are_there, keep_present
from ._tables import read_table

CLASSES = [
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
]
COLUMNS = ["filename_audio", "filename_video", "scene_label"]
SPLITS = {"train": "train", "evaluate": "test"}


def load(root):
    """Read the lists of fold 1 and the folders that they name.

    The clips of a group come from one place of a city. There is no official validation
    part: it is cut out of the training part by group.
    """
    folder = root / "evaluation_setup"
    tables = [read_table(folder / f"fold1_{part}.csv", COLUMNS, delimiter="\t") for part in SPLITS]
    tables[1].refuse_shared(tables[0], "filename_audio")
    groups = [_read_places(table) for table in tables]
    videos = [root / name for table in tables for name in table.rows["filename_video"]]
    images = [
        str(path) if there else None for path, there in zip(videos, are_there(videos), strict=True)
    ]
    dataset = AudioDataset(
        "TAU 2021",
        by_seconds=True,
        clips=[str(root / name) for table in tables for name in table.rows["filename_audio"]],
        classes=CLASSES,
        prompts=[prettify_label(label) for label in CLASSES],
        target=np.concatenate([table.text("scene_label") for table in tables]),
        split=np.repeat(list(SPLITS.values()), [len(table) for table in tables]),
        group=np.concatenate(groups),
        images=images if any(images) else None,
    )
    return keep_present(dataset, f"{folder} (fold1_train.csv, fold1_evaluate.csv)")


def _read_places(table):
    """City and place of each clip, out of names such as audio/airport-london-6-257.wav."""
    table.refuse_duplicates("filename_audio")
    table.refuse(~table.rows["scene_label"].isin(CLASSES), "unknown scene {scene_label!r}")
    said = table.rows["filename_audio"].str.extract(r"([^/]+)-([^-/]+-[^-/]+)-[^-/]+\.\w+$")
    table.refuse(
        said[1].isna(), "{filename_audio!r} is not of the form scene-city-place-segment.wav"
    )
    table.refuse(
        said[0] != table.rows["scene_label"], "{filename_audio} has the scene {scene_label}"
    )
    return said[1].to_numpy(dtype=str)


READER = Reader(
    name="tau2021",
    title="TAU Urban Audio-Visual Scenes 2021, development",
    load=load,
    url="https://zenodo.org/records/4477542",
    licence="for non-commercial use",
    folders=("TAU-urban-audio-visual-scenes-2021*", "*TAU*2021*"),
    inside=("audio", "video", "evaluation_setup"),
    markers=("evaluation_setup/fold1_train.csv", "evaluation_setup/fold1_evaluate.csv"),
    advice="Unpack the archives meta, audio.1 to audio.8 and, where images are wanted, "
    "video.1 to video.16 into one folder.",
)
