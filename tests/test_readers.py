"""What is read of each data set: clips, classes, folds, splits, groups, events, captions."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets import dataset, readers
from benchmarks.reports import published

from . import data_sets
from .data_sets import write_list, write_sounds


def names_of(paths):
    return [Path(path).name for path in paths]


def change(path, old, new):
    """Replace what stands once in a list."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def test_esc50(tmp_path):
    data = readers.read("esc50", data_sets.write_esc50(tmp_path))
    assert data.name == "ESC layout, classes-3"
    assert names_of(data.clips) == [
        "1-100032-A-40.wav",
        "-it's ü, odd.wav",
        " blanks  within .flac",
        "5-3-A-13.wav",
    ]
    assert all(Path(clip).is_file() for clip in data.clips)
    assert names_of(data.missing) == ["5-absent.wav"]
    assert data.classes == ["dog", "clock_alarm", "helicopter"]
    assert data.prompts == ["dog", "clock alarm", "helicopter"]
    assert data.target.tolist() == ["helicopter", "dog", "dog", "clock_alarm"]
    assert data.fold.tolist() == [1, 2, 2, 5]
    assert data.group.tolist() == ["100032", "007", "007", "3"]
    assert data.notes == []


def test_real_esc10(shared):
    data = readers.read("esc50", shared / "data" / "esc10")
    assert data.name == "ESC-10"
    assert len(data) == 400
    assert not data.missing
    assert not data.notes
    assert np.bincount(data.fold).tolist() == [0, 80, 80, 80, 80, 80]
    assert data.classes[:3] == ["dog", "rooster", "rain"]
    assert data.prompts[-1] == "chainsaw"
    assert len(set(data.group)) < 400


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("A-40.wav,1,40", "A-40.wav,2,40", "line 2: 1-100032-A-40.wav has another fold in its na"),
        ("A-40.wav,1,40", "A-40.wav,1,41", "line 2: 1-100032-A-40.wav has another target in its"),
        ('odd.wav",2,0', 'odd.wav",2,13', "line 4: dog with target 0: it had another target ab"),
        ("5,13,clock_alarm", "5,13,dog", "line 5: dog with target 13: it had another target above"),
        ('odd.wav",2', 'odd.wav",two', "line 3: fold is 'two' and not a number"),
        ("5-absent.wav", "5-3-A-13.wav", "line 6: filename '5-3-A-13.wav' is listed already, in l"),
        ("True,100032,A", "True,100032", "line 2: 6 fields where 7 are expected"),
        ("40,helicopter", "40,", "line 2: category is empty"),
        ("40,helicopter", '40,"helicopter', "line 2: ',' expected after"),
    ],
)
def test_esc50_broken_rows(tmp_path, old, new, message):
    root = data_sets.write_esc50(tmp_path)
    change(root / "meta" / "esc50.csv", old, new)
    with pytest.raises(ValueError, match=r"esc50\.csv, " + message):
        readers.read("esc50", root)


def test_urbansound8k(tmp_path):
    data = readers.read("urbansound8k", data_sets.write_urbansound8k(tmp_path))
    assert [Path(clip).parent.name for clip in data.clips] == ["fold5", "fold10", "fold10"]
    assert data.classes == ["air_conditioner", "dog_bark", "street_music"]
    assert data.prompts == ["air conditioner", "dog bark", "street music"]
    assert data.target.tolist() == ["dog_bark", "air_conditioner", "air_conditioner"]
    assert data.fold.tolist() == [5, 10, 10]
    assert data.group.tolist() == ["100032", "7", "7"]
    assert names_of(data.missing) == ["9-9-0-0.wav"]
    assert data.notes == [
        "No clip of fold 1 is there.",
        "No clip of 1 of the 3 classes is there.",
    ]


def test_urbansound8k_recording_in_two_folds(tmp_path):
    root = data_sets.write_urbansound8k(tmp_path)
    change(root / "metadata" / "UrbanSound8K.csv", "8.0,2,10", "8.0,2,5")
    write_sounds(root / "audio" / "fold5", ["7-0-1-0.wav"])
    data = readers.read("urbansound8k", root)
    assert data.notes[-1] == "1 recordings have clips in more than one official fold."


def test_fsd50k(tmp_path):
    data = readers.read("fsd50k", data_sets.write_fsd50k(tmp_path))
    assert [clip.split("FSD50K.")[1] for clip in data.clips] == [
        "dev_audio/007.wav",
        "dev_audio/64760.wav",
        "eval_audio/12.wav",
    ]
    assert data.classes == ["Rattle_(instrument)", "Rattle", "Chirp_and_tweet"]
    assert data.prompts == ["Rattle, instrument", "Rattle", "Chirp and tweet"]
    assert data.mids == ["/m/02dsz", "/m/07rn7sz", "/m/07pggtn"]
    assert data.multilabel
    assert data.target.tolist() == [[1, 0, 1], [0, 0, 1], [0, 1, 1]]
    assert data.split.tolist() == ["train", "validation", "test"]
    assert names_of(data.missing) == ["7.wav"]
    assert data.notes == []


def test_fsd50k_without_dev_sounds(tmp_path):
    root = data_sets.write_fsd50k(tmp_path)
    (root / "FSD50K.dev_audio").rename(root / "elsewhere")
    data = readers.read("fsd50k", root)
    assert data.split.tolist() == ["test"]
    assert len(data.missing) == 3
    assert data.notes == [
        "No clip of split train, validation is there.",
        "No clip of 1 of the 3 classes is there.",
    ]


def test_fsd50k_goes_by_mid(tmp_path):
    root = data_sets.write_fsd50k(tmp_path)
    change(root / "FSD50K.ground_truth" / "dev.csv", "64760,Chirp_and_tweet", "64760,Rattle")
    data = readers.read("fsd50k", root)
    assert data.target[1].tolist() == [0, 0, 1]
    assert "Labels and mids of 1 clips disagree, first in" in data.notes[0]
    assert "dev.csv, line 3" in data.notes[0]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("vocabulary.csv", "0,Rattle", "index,label,mid\n0,Rattle", "line 1: index is 'index' and"),
        ("vocabulary.csv", "1,Rattle,", "3,Rattle,", "line 2: the class has the index 3, which is"),
        ("vocabulary.csv", "1,Rattle,", "1,Chirp_and_tweet,", "line 3: label 'Chirp_and_tweet' is"),
        ("dev.csv", "val", "test", "line 3: split is 'test', neither train nor val"),
        ("dev.csv", "64760,Chirp_and_tweet", "64760,Chirp", "line 3: labels 'Chirp': not all of"),
        ("eval.csv", "12,", "64760,", "line 2: fname '64760' is listed in .*dev.csv too"),
    ],
)
def test_fsd50k_broken_rows(tmp_path, file, old, new, message):
    root = data_sets.write_fsd50k(tmp_path)
    change(root / "FSD50K.ground_truth" / file, old, new)
    with pytest.raises(ValueError, match=f"{file}, {message}"):
        readers.read("fsd50k", root)


@pytest.mark.parametrize("lists", ["vggsound.csv", "train.csv and test.csv", "below data"])
def test_vggsound(tmp_path, lists):
    root = data_sets.write_vggsound(tmp_path)
    if lists == "below data":
        (root / "data").mkdir()
        (root / "vggsound.csv").rename(root / "data" / "vggsound.csv")
    elif lists != "vggsound.csv":
        (root / "vggsound.csv").unlink()
        rows = [(f"{k[0]}_{k[1]:06d}.mp4", *k[2:]) for k in data_sets.VGGSOUND]
        for part in ("train", "test"):
            write_list(root / f"{part}.csv", [row[:2] for row in rows if row[2] == part])
    data = readers.read("vggsound", root)
    data = data.take(np.argsort(data.clips))  # the order is that of the lists
    below = [str(Path(clip).relative_to(root)) for clip in data.clips]
    assert below == [
        "audio/test/---g-f_I2yQ_000001.wav",
        "audio/train/a_000001_b-_000030.flac",
        "video/_bcdefghijk_000000.mp4",
        "video/a_000001_b-_000120.mp4",
    ]
    assert data.target.tolist() == [
        "people marching",
        "bird chirping, tweeting",
        "bee, wasp, etc. buzzing",
        "zebra braying",
    ]
    assert data.classes == data.prompts == sorted(data.target)
    assert data.split.tolist() == ["test", "train", "test", "train"]
    assert data.group.tolist() == ["---g-f_I2yQ", "a_000001_b-", "_bcdefghijk", "a_000001_b-"]
    assert data.images[0] is None
    assert names_of(data.images[1:]) == [
        "a_000001_b-_000030.mp4",
        "_bcdefghijk_000000.mp4",
        "a_000001_b-_000120.mp4",
    ]
    assert data.missing == ["gone1234567_000005"]
    assert data.notes == []


def test_vggsound_takes_sounds_first(tmp_path):
    root = data_sets.write_vggsound(tmp_path)
    write_sounds(root / "more", ["a_000001_b-_30.wav", "---g-f_I2yQ_000001.wav"])
    write_sounds(root / ".hidden", ["gone1234567_000005.wav"])
    (root / "more" / "loop").symlink_to(root, target_is_directory=True)
    data = readers.read("vggsound", root)
    assert names_of(data.clips[1:2]) == ["a_000001_b-_30.wav"]
    assert Path(data.clips[0]).parent.name == "test"
    assert len(data.missing) == 1
    assert data.notes == ["1 files lie in more than one folder; the first by name is used."]


def test_vggsound_listed_twice(tmp_path):
    root = data_sets.write_vggsound(tmp_path)
    rows = data_sets.VGGSOUND
    write_list(root / "vggsound.csv", [*rows, rows[0]])
    data = readers.read("vggsound", root)
    assert len(data) == 4
    assert data.notes == ["1 clips are listed twice."]
    write_list(root / "vggsound.csv", [*rows, (*rows[0][:3], "train")])
    with pytest.raises(ValueError, match="line 6: ---g-f_I2yQ, second 1, is listed above with an"):
        readers.read("vggsound", root)


def test_vggsound_test_part_alone(tmp_path):
    root = tmp_path / "pairs"
    write_list(root / "test.csv", [("---g-f_I2yQ_000001.mp4", "chirp, tweet")])
    write_sounds(root, ["---g-f_I2yQ_000001.wav"])
    data = readers.read("vggsound", root)
    assert data.split.tolist() == ["test"]
    assert data.images is None
    assert data.notes == [f"{root / 'train.csv'} is missing."]
    write_list(root / "test.csv", [("name", "label"), ("---g-f_I2yQ_000001.mp4", "chirp")])
    with pytest.raises(FileNotFoundError, match=r"no vggsound\.csv or data/vggsound\.csv or test"):
        readers.read("vggsound", root)


def test_tau2021(tmp_path):
    data = readers.read("tau2021", data_sets.write_tau2021(tmp_path))
    assert names_of(data.clips) == [
        "tram-lyon-3-1.wav",
        "tram-lyon-3-2.wav",
        "bus-vienna-3-9.wav",
        "street_traffic-london-6-257.wav",
    ]
    assert data.target.tolist() == ["tram", "tram", "bus", "street_traffic"]
    assert data.split.tolist() == ["train", "train", "train", "test"]
    assert data.group.tolist() == ["lyon-3", "lyon-3", "vienna-3", "london-6"]
    assert data.classes == sorted(data.classes)
    assert data.prompts == [
        "airport",
        "bus",
        "metro",
        "metro station",
        "park",
        "public square",
        "shopping mall",
        "street pedestrian",
        "street traffic",
        "tram",
    ]
    assert [video and Path(video).name for video in data.images] == [
        None,
        "tram-lyon-3-2.mp4",
        None,
        None,
    ]
    assert names_of(data.missing) == ["park-oslo-1-1.wav"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "audio/tram-lyon-3-1.wav",
            "audio/bus-lyon-3-1.wav",
            "bus-lyon-3-1.wav has the scene tram",
        ),
        (
            "audio/tram-lyon-3-1.wav",
            "audio/tram_lyon-3.wav",
            "'audio/tram_lyon-3.wav' is not of th",
        ),
        ("3-1.mp4\ttram", "3-1.mp4\tTram", "unknown scene 'Tram'"),
    ],
)
def test_tau2021_broken_rows(tmp_path, old, new, message):
    root = data_sets.write_tau2021(tmp_path)
    change(root / "evaluation_setup" / "fold1_train.csv", old, new)
    with pytest.raises(ValueError, match=r"fold1_train\.csv, line 2: .*" + message):
        readers.read("tau2021", root)


def test_tau2021_clip_in_both_parts(tmp_path):
    root = data_sets.write_tau2021(tmp_path)
    path = root / "evaluation_setup" / "fold1_evaluate.csv"
    path.write_text(path.read_text("utf-8").replace("park-oslo-1-1", "tram-lyon-3-1"), "utf-8")
    with pytest.raises(
        ValueError, match=r"evaluate\.csv, line 3: .* is listed in .*train\.csv too"
    ):
        readers.read("tau2021", root)


def test_desed(tmp_path):
    data = readers.read("desed", data_sets.write_desed(tmp_path))
    assert data.name == "DESED, validation"
    assert names_of(data.clips) == ["Y-bc_30.000_40.000.wav", "Y-free it's.wav"]
    assert names_of(data.missing) == ["Yabsent.wav"]
    assert data.events.to_dict("list") == {
        "row": [0, 0],
        "label": ["Speech", "Dog"],
        "onset": [0.5, 9.0],
        "offset": [1.5, 10.0],
    }
    assert data.classes == sorted(data.classes)
    assert data.prompts == [
        "Alarm bell ringing",
        "Blender",
        "Cat",
        "Dishes",
        "Dog",
        "Electric shaver toothbrush",
        "Frying",
        "Running water",
        "Speech",
        "Vacuum cleaner",
    ]
    assert "1 events are listed beyond the end of the clip" in data.notes[0]
    assert "1 sounds" in data.notes[1]
    assert "left out" in data.notes[1]


def test_desed_synthetic(tmp_path):
    root = data_sets.write_desed(tmp_path)
    data_sets.write_desed_synthetic(root)
    data = readers.read("desed", root)
    assert data.name == "DESED"
    assert names_of(data.clips) == ["10.wav", "2.wav", "3.wav"]
    assert data.events["row"].tolist() == [0, 1]
    assert "without an event" in data.notes[0]
    later = data.take([2, 1])
    assert later.events[["row", "label"]].to_numpy().tolist() == [[1, "Frying"]]
    assert readers.read("desed", root, subset="validation").name == "DESED, validation"
    with pytest.raises(FileNotFoundError, match=r"There is no metadata/eval/public\.tsv in"):
        readers.read("desed", root, subset="public")
    with pytest.raises(ValueError, match="no subset 'weak'; there are: synthetic, validation, pub"):
        readers.read("desed", root, subset="weak")


def test_desed_goes_on_to_what_has_sounds(tmp_path):
    root = data_sets.write_desed(tmp_path)
    data_sets.write_desed_synthetic(root)
    (root / "dcase_synth" / "audio").rename(root / "dcase_synth" / "elsewhere")
    assert readers.read("desed", root).name == "DESED, validation"


def test_desed_public(tmp_path):
    root = tmp_path / "DESED_public_eval" / "dataset"
    rows = [data_sets.DESED_HEADER, ("1Ro0_120_130.wav", "3.847", "10.000", "Frying")]
    write_list(root / "metadata" / "eval" / "public.tsv", rows, delimiter="\t")
    write_sounds(root / "audio" / "eval" / "public", ["1Ro0_120_130.wav"])
    for folder in (tmp_path, root.parent, root, root / "audio"):
        assert readers.read("desed", folder).name == "DESED, public evaluation"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.500\t1.500", "0.500\t", "an event needs an onset, an offset and a label"),
        ("0.500\t1.500", "0.500\t0.500", "no event in a clip of 10 s goes from '0.500' to '0.500"),
        ("0.500\t1.500", "10.1\t10.2", "no event in a clip of 10 s goes from '10.1' to '10.2'"),
        ("0.500\t1.500", "half\t1.500", "no event in a clip of 10 s goes from 'half' to '1.500'"),
        ("Speech", "Talk", "unknown class 'Talk'"),
    ],
)
def test_desed_broken_rows(tmp_path, old, new, message):
    root = data_sets.write_desed(tmp_path)
    change(root / "metadata" / "validation" / "validation.tsv", old, new)
    with pytest.raises(ValueError, match=rf"validation\.tsv, line 2: {message}"):
        readers.read("desed", root)


@pytest.mark.parametrize("validation", [False, True])
def test_clotho(tmp_path, validation):
    data = readers.read("clotho", data_sets.write_clotho(tmp_path, validation=validation))
    assert (data.name, len(data.marks)) == ("Clotho", int(validation))
    own = ["b.wav"] * validation
    expected = ["Heat duct .wav", " it's ü, odd.wav", "-a.wav", *own, "spring, road.wav"]
    assert names_of(data.clips) == expected
    assert data.split.tolist() == ["train"] * 3 + ["validation"] * validation + ["test"]
    assert data.group.tolist() == [
        "4711",
        "development/ it's ü, odd.wav",
        "4711",
        *(f"validation/{name}" for name in own),
        "evaluation/spring, road.wav",
    ]
    assert data.captions[0] == [f"Heat duct .wav, “heard” {k}." for k in range(1, 6)]
    assert len(data.captions) == len(data)
    assert names_of(data.missing) == ["absent.wav"]
    assert data.notes == []
    assert data.target is None


def test_clotho_in_folders_of_the_archives(tmp_path):
    root = data_sets.write_clotho(tmp_path)
    (root / "clotho_csv_files").mkdir()
    for path in root.glob("*.csv"):
        path.rename(root / "clotho_csv_files" / path.name)
    (root / "clotho_audio_files").mkdir()
    (root / "development").rename(root / "clotho_audio_files" / "development")
    (root / "evaluation").rename(root / "clotho_audio_evaluation")
    assert len(readers.read("clotho", root)) == 4


def test_clotho_broken_rows(tmp_path):
    root = data_sets.write_clotho(tmp_path)
    (root / "clotho_metadata_development.csv").write_text("file_name,sound_id\na.wav\n", "utf-8")
    data = readers.read("clotho", root)
    assert "Recordings of the development part are unknown" in data.notes[0]
    assert "line 2: 1 fields where 2 are expected" in data.notes[0]
    change(root / "clotho_captions_evaluation.csv", '"absent.wav, “heard” 3."', "")
    with pytest.raises(ValueError, match=r"evaluation\.csv, line 3: caption_3 is empty"):
        readers.read("clotho", root)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("church_bells crying_baby mouse_click", ["church bells", "crying baby", "mouse click"]),
        (
            "air_conditioner car_horn children_playing dog_bark drilling engine_idling gun_shot "
            "jackhammer siren street_music",
            [
                "air conditioner",
                "car horn",
                "children playing",
                "dog bark",
                "drilling",
                "engine idling",
                "gun shot",
                "jackhammer",
                "siren",
                "street music",
            ],
        ),
        (
            "Motor_vehicle_(road) Bathtub_(filling_or_washing)",
            ["Motor vehicle, road", "Bathtub, filling or washing"],
        ),
        (
            "Rattle Rattle_(instrument) Fixed-wing_aircraft_and_airplane",
            ["Rattle", "Rattle, instrument", "Fixed-wing aircraft and airplane"],
        ),
    ],
)
def test_words_of_classes(tmp_path, labels, words):
    """Every reader says classes by `prettify_label`; here by way of ESC-50."""
    labels = labels.split()
    rows = [(f"{k}.wav", 1, k, label) for k, label in enumerate(labels)]
    header = ("filename", "fold", "target", "category")
    write_list(tmp_path / "meta" / "esc50.csv", [header, *rows])
    write_sounds(tmp_path / "audio", [row[0] for row in rows])
    assert readers.read("esc50", tmp_path).prompts == words


def test_lengths_are_compared():
    with pytest.raises(ValueError, match="pair has 2 clips, and fold is of length 1"):
        dataset.AudioDataset("pair", ["a.wav", "b.wav"], fold=np.array([1]))


@pytest.mark.parametrize("name", ["urbansound8k", "fsd50k", "vggsound", "tau2021", "clotho"])
def test_the_published_numbers_find_their_data(tmp_path, name):
    """A set that is read is called what the papers' tables call it."""
    data = readers.read(name, getattr(data_sets, f"write_{name}")(tmp_path))
    assert data.name in {number.dataset for number in published.PUBLISHED}


def test_the_part_of_desed_that_the_paper_took(tmp_path):
    known = {number.dataset for number in published.PUBLISHED}
    root = data_sets.write_desed(tmp_path)
    assert readers.read("desed", root).name not in known
    data_sets.write_desed_synthetic(root)
    data = readers.read("desed", root)
    assert data.name in known
    assert data.marks == ["the synthetic validation part of DESED"]
