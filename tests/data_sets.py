"""Tiny copies of the official data sets, in their layout and with the oddest names."""

import csv

import numpy as np
import soundfile

SOUND = np.full(800, 0.1, dtype=np.float32)


def write_list(path, rows, *, delimiter=",", encoding="utf-8", newline="\n"):
    """Write a csv file, as other programs write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows(rows)


def write_sounds(folder, names):
    """Write clips of 0.05 s at 16 kHz."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        soundfile.write(folder / name, SOUND, 16000)


def write_esc50(parent):
    root = parent / "ESC-50-master"
    rows = [
        ("1-100032-A-40.wav", 1, 40, "helicopter", "True", "100032", "A"),
        ("-it's ü, odd.wav", 2, 0, "dog", "True", "007", "A"),
        (" blanks  within .flac", 2, 0, "dog", "True", "007", "B"),
        ("5-3-A-13.wav", 5, 13, "clock_alarm", "False", "3", "A"),
        ("5-absent.wav", 5, 0, "dog", "False", "9", "A"),
    ]
    header = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
    write_list(root / "meta" / "esc50.csv", [header, *rows])
    write_sounds(root / "audio", [row[0] for row in rows[:-1]])
    return root


def write_urbansound8k(parent):
    root = parent / "UrbanSound8K"
    rows = [
        ("100032-3-0-0.wav", "100032", "0.0", "0.3", 1, 5, 3, "dog_bark"),
        ("7-0-0-0.wav", "7", "0.0", "4.0", 2, 10, 0, "air_conditioner"),
        ("7-0-1-0.wav", "7", "4.0", "8.0", 2, 10, 0, "air_conditioner"),
        ("9-9-0-0.wav", "9", "0.0", "4.0", 2, 1, 9, "street_music"),
    ]
    header = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
    write_list(root / "metadata" / "UrbanSound8K.csv", [header, *rows])
    for row in rows[:-1]:
        write_sounds(root / "audio" / f"fold{row[5]}", [row[0]])
    return root


def write_fsd50k(parent):
    root = parent / "FSD50K"
    folder = root / "FSD50K.ground_truth"
    vocabulary = [
        (0, "Rattle_(instrument)", "/m/02dsz"),
        (1, "Rattle", "/m/07rn7sz"),
        (2, "Chirp_and_tweet", "/m/07pggtn"),
    ]
    dev = [
        ("007", "Rattle_(instrument),Chirp_and_tweet", "/m/02dsz,/m/07pggtn", "train"),
        ("64760", "Chirp_and_tweet", "/m/07pggtn", "val"),
        ("7", "Rattle", "/m/07rn7sz", "train"),
    ]
    evaluation = [("12", "Rattle,Chirp_and_tweet", "/m/07rn7sz,/m/07pggtn")]
    write_list(folder / "vocabulary.csv", vocabulary)
    write_list(folder / "dev.csv", [("fname", "labels", "mids", "split"), *dev])
    write_list(folder / "eval.csv", [("fname", "labels", "mids"), *evaluation])
    write_sounds(root / "FSD50K.dev_audio", ["007.wav", "64760.wav"])
    write_sounds(root / "FSD50K.eval_audio", ["12.wav"])
    return root


VGGSOUND = [
    ("---g-f_I2yQ", 1, "people marching", "test"),
    ("a_000001_b-", 30, "bird chirping, tweeting", "train"),
    ("a_000001_b-", 120, "zebra braying", "train"),
    ("_bcdefghijk", 0, "bee, wasp, etc. buzzing", "test"),
    ("gone1234567", 5, "people marching", "train"),
]


def write_vggsound(parent):
    root = parent / "VGGSound"
    write_list(root / "vggsound.csv", VGGSOUND)
    stems = [f"{id_}_{start:06d}" for id_, start, _, _ in VGGSOUND]
    write_sounds(root / "audio" / "test", [f"{stems[0]}.wav"])
    write_sounds(root / "audio" / "train", [f"{stems[1]}.flac"])
    (root / "video").mkdir()
    for stem in stems[1:4]:
        (root / "video" / f"{stem}.mp4").write_bytes(b"not decoded here")
    return root


def write_tau2021(parent):
    root = parent / "TAU-urban-audio-visual-scenes-2021-development"
    rows = {
        "train": [("tram-lyon-3-1", "tram"), ("tram-lyon-3-2", "tram"), ("bus-vienna-3-9", "bus")],
        "evaluate": [("street_traffic-london-6-257", "street_traffic"), ("park-oslo-1-1", "park")],
    }
    for part, own in rows.items():
        listed = [(f"audio/{stem}.wav", f"video/{stem}.mp4", scene) for stem, scene in own]
        header = ("filename_audio", "filename_video", "scene_label")
        path = root / "evaluation_setup" / f"fold1_{part}.csv"
        write_list(path, [header, *listed], delimiter="\t")
        write_sounds(root / "audio", [f"{stem}.wav" for stem, _ in own if stem != "park-oslo-1-1"])
    (root / "video").mkdir()
    (root / "video" / "tram-lyon-3-2.mp4").write_bytes(b"not decoded here")
    return root


DESED_HEADER = ("filename", "onset", "offset", "event_label")


def write_desed(parent):
    root = parent / "DESED"
    events = [
        ("Y-bc_30.000_40.000.wav", "0.500", "1.500", "Speech"),
        ("Y-free it's.wav", "", "", ""),
        ("Yabsent.wav", "0.000", "1.000", "Cat"),
        ("Y-bc_30.000_40.000.wav", "9.000", "10.115", "Dog"),
    ]
    path = root / "metadata" / "validation" / "validation.tsv"
    write_list(path, [DESED_HEADER, *events], delimiter="\t")
    names = [events[0][0], events[1][0], "Yunlisted.wav"]
    write_sounds(root / "audio" / "validation" / "validation", names)
    return root


def write_desed_synthetic(root):
    """Add synthetic soundscapes, of which one has no event of the ten classes."""
    events = [("10.wav", "0.008", "1.022", "Blender"), ("2.wav", "1.000", "2.000", "Frying")]
    place = "validation/synthetic21_validation"
    path = root / "dcase_synth" / "metadata" / place / "soundscapes.tsv"
    write_list(path, [DESED_HEADER, *events], delimiter="\t")
    folder = root / "dcase_synth" / "audio" / place / "soundscapes"
    write_sounds(folder, ["2.wav", "10.wav", "3.wav"])


CLOTHO_HEADER = ("file_name", *(f"caption_{number}" for number in range(1, 6)))


def write_clotho(parent, *, validation=False):
    root = parent / "clotho"
    names = {
        "development": ["Heat duct .wav", " it's ü, odd.wav", "-a.wav"],
        "evaluation": ["spring, road.wav", "absent.wav"],
    }
    if validation:
        names["validation"] = ["b.wav"]
    for part, own in names.items():
        rows = [(name, *(f"{name}, “heard” {k}." for k in range(1, 6))) for name in own]
        write_list(root / f"clotho_captions_{part}.csv", [CLOTHO_HEADER, *rows])
        write_sounds(root / part, [name for name in own if name != "absent.wav"])
    recordings = ["4711", "Not found", "4711"]
    rows = [(n, "é;b", k) for n, k in zip(names["development"], recordings, strict=True)]
    path = root / "clotho_metadata_development.csv"
    write_list(path, [("file_name", "keywords", "sound_id"), *rows], encoding="ISO-8859-1")
    return root


WRITERS = {
    "esc50": write_esc50,
    "urbansound8k": write_urbansound8k,
    "fsd50k": write_fsd50k,
    "vggsound": write_vggsound,
    "tau2021": write_tau2021,
    "desed": write_desed,
    "clotho": write_clotho,
}
