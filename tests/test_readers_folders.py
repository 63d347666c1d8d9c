"""Data sets are found where they lie, and what is missing or broken is named."""

import re
import shutil

import pytest

from benchmarks.datasets import readers

from .data_sets import WRITERS, write_clotho

LISTS = {
    "esc50": "meta/esc50.csv",
    "urbansound8k": "metadata/UrbanSound8K.csv",
    "fsd50k": "FSD50K.ground_truth/dev.csv",
    "vggsound": "vggsound.csv",
    "tau2021": "evaluation_setup/fold1_train.csv",
    "desed": "metadata/validation/validation.tsv",
    "clotho": "clotho_captions_development.csv",
}
COLUMNS = {
    "esc50": "category",
    "urbansound8k": "classID",
    "fsd50k": "mids",
    "tau2021": "scene_label",
    "desed": "event_label",
    "clotho": "caption_5",
}
INSIDE = {
    "esc50": ["audio", "meta"],
    "urbansound8k": ["audio", "metadata", "audio/fold10"],
    "fsd50k": ["FSD50K.dev_audio", "FSD50K.ground_truth"],
    "vggsound": ["audio", "audio/test", "video"],
    "tau2021": ["audio", "evaluation_setup"],
    "desed": ["audio", "audio/validation/validation", "metadata"],
    "clotho": ["development", "evaluation"],
}
SOUNDS = (".wav", ".flac", ".mp4")
ALL = pytest.mark.parametrize("name", list(WRITERS))


def remove_files(root, is_sound):
    for path in list(root.rglob("*")):
        if path.is_file() and (path.suffix in SOUNDS) == is_sound:
            path.unlink()


def test_all_have_a_copy():
    assert list(readers.READERS) == list(WRITERS) == list(LISTS)


@ALL
def test_folder_is_found(tmp_path, name):
    """Given itself, one in it, the one above it, and the one above an archive's own folder."""
    root = WRITERS[name](tmp_path / "data")
    expected = readers.read(name, root).clips
    assert expected
    for given in (root.parent, *(root / folder for folder in INSIDE[name])):
        assert readers.read(name, given).clips == expected, given
    again = tmp_path / "more" / root.name
    again.mkdir(parents=True)
    root.rename(again / root.name)
    found = readers.read(name, tmp_path / "more").clips
    assert found == [clip.replace(str(root), str(again / root.name)) for clip in expected]


@ALL
def test_folder_of_another_name_is_found(tmp_path, name):
    root = WRITERS[name](tmp_path)
    root.rename(tmp_path / "renamed")
    assert readers.READERS[name].find(tmp_path) == tmp_path / "renamed"


def test_folder_is_relative(tmp_path, monkeypatch):
    root = WRITERS["esc50"](tmp_path)
    monkeypatch.chdir(root / "audio")
    assert readers.READERS["esc50"].find("..") == root
    assert readers.READERS["esc50"].find(".") == root


@ALL
def test_two_folders_are_ambiguous(tmp_path, name):
    root = WRITERS[name](tmp_path)
    shutil.copytree(root, root.with_name(f"{root.name}-2"))
    message = f"more than once: give one of the folders .*{root.name}, .*{root.name}-2"
    with pytest.raises(ValueError, match=message):
        readers.read(name, tmp_path)


@ALL
def test_nothing_is_there(tmp_path, name):
    with pytest.raises(FileNotFoundError) as caught:
        readers.read(name, tmp_path)
    reader = readers.READERS[name]
    for part in (str(tmp_path), reader.markers[0], reader.url, reader.licence):
        assert part in str(caught.value)


@ALL
def test_lists_without_sounds(tmp_path, name):
    root = WRITERS[name](tmp_path)
    remove_files(root, is_sound=True)
    with pytest.raises(
        FileNotFoundError, match=r"None of the \d files that .* lists is there"
    ) as c:
        readers.read(name, tmp_path)
    assert str(root) in str(c.value)
    assert readers.READERS[name].url in str(c.value)


@ALL
def test_sounds_without_lists(tmp_path, name):
    root = WRITERS[name](tmp_path)
    remove_files(root, is_sound=False)
    with pytest.raises(FileNotFoundError, match=f"There is no .*, though {root} is there"):
        readers.read(name, tmp_path)


def test_a_list_of_two_is_missing(tmp_path):
    root = WRITERS["tau2021"](tmp_path)
    path = root / "evaluation_setup" / "fold1_evaluate.csv"
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f"{path} is missing. TAU Urban")):
        readers.read("tau2021", tmp_path)


def test_evaluation_part_of_clotho_alone(tmp_path):
    root = write_clotho(tmp_path)
    path = root / LISTS["clotho"]
    path.unlink()
    data = readers.read("clotho", root)
    assert data.split.tolist() == ["test"]
    assert data.notes == [f"{path} is missing."]


@pytest.mark.parametrize("name", list(COLUMNS))
def test_column_is_missing(tmp_path, name):
    root = WRITERS[name](tmp_path)
    path, column = root / LISTS[name], COLUMNS[name]
    path.write_text(path.read_text("utf-8").replace(column, f"my_{column}", 1), "utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path} lacks the columns {column}; it has:")):
        readers.read(name, root)


def test_wrong_delimiter(tmp_path):
    root = WRITERS["tau2021"](tmp_path)
    path = root / LISTS["tau2021"]
    path.write_text(path.read_text("utf-8").replace("\t", ","), "utf-8")
    with pytest.raises(ValueError, match="it has: filename_audio,filename_video,scene_label"):
        readers.read("tau2021", root)


@ALL
def test_files_of_other_systems(tmp_path, name):
    """A byte order mark, and lines that end as on Windows."""
    root = WRITERS[name](tmp_path)
    expected = readers.read(name, root)
    for path in [*root.rglob("*.csv"), *root.rglob("*.tsv")]:
        if "metadata_" not in path.name:  # not in UTF-8
            content = path.read_bytes().replace(b"\n", b"\r\n")
            path.write_bytes(b"\xef\xbb\xbf" + content)
    data = readers.read(name, root)
    assert data.clips == expected.clips
    assert data.classes == expected.classes
    assert data.missing == expected.missing


@ALL
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the columns|lists nothing"),
        (b"\xff\xfe\x00\x9f", "is not in utf-8-sig"),
        (b'"a\nb', "line 1: unexpected end of data"),
    ],
)
def test_broken_list(tmp_path, name, content, message):
    root = WRITERS[name](tmp_path)
    (root / LISTS[name]).write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        readers.read(name, root)
    assert str(root / LISTS[name]) in str(caught.value)


def test_blank_lines_count_as_lines(tmp_path):
    root = WRITERS["esc50"](tmp_path)
    path = root / LISTS["esc50"]
    text = path.read_text("utf-8")
    path.write_text(text.replace("\n", "\n\n", 1).replace("100032,A\n", "100032\n"), "utf-8")
    with pytest.raises(ValueError, match="line 3: 6 fields where 7 are expected"):
        readers.read("esc50", root)


def test_archive_in_place_of_a_folder(tmp_path):
    archive = tmp_path / "master.zip"
    archive.touch()
    with pytest.raises(FileNotFoundError, match="is a file: unpack the archive and give its fold"):
        readers.read("esc50", archive)
    with pytest.raises(FileNotFoundError, match=r"There is no folder nowhere. ESC-50 is at https"):
        readers.read("esc50", "nowhere")


def test_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="got the data set 'esc51', expected one of: esc50, "):
        readers.read("esc51", tmp_path)


def test_check_data(tmp_path):
    for write in WRITERS.values():
        write(tmp_path)
    shutil.rmtree(tmp_path / "FSD50K")
    table = readers.check_data(tmp_path).set_index("name")
    assert list(table.index) == list(WRITERS)
    assert table["clips"].to_dict() == {
        "esc50": 4,
        "urbansound8k": 3,
        "fsd50k": 0,
        "vggsound": 4,
        "tau2021": 4,
        "desed": 2,
        "clotho": 4,
    }
    assert (table["absent"].drop("fsd50k") == 1).all()
    assert table.at["fsd50k", "found"] == ""
    assert "zenodo.org/records/4060432" in table.at["fsd50k", "missing"]
    assert table.at["esc50", "found"] == str(tmp_path / "ESC-50-master")
    assert "5-absent.wav. ESC-50 is at" in table.at["esc50", "missing"]
    assert "No clip of fold 1" in table.at["urbansound8k", "notes"]


def test_check_data_tells_what_is_broken(tmp_path):
    root = WRITERS["desed"](tmp_path)
    path = root / LISTS["desed"]
    path.write_text(path.read_text("utf-8").replace("Cat", "Lion"), "utf-8")
    row = readers.check_data(root).set_index("name").loc["desed"]
    assert row["found"] == str(root)
    assert row["clips"] == 0
    assert row["missing"] == f"{path}, line 4: unknown class 'Lion'"
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        readers.check_data(root / "nowhere")


def test_check_data_of_complete_data(tmp_path):
    root = WRITERS["esc50"](tmp_path)
    shutil.copy(root / "audio" / "5-3-A-13.wav", root / "audio" / "5-absent.wav")
    row = readers.check_data(root).set_index("name").loc["esc50"]
    assert row.to_dict() == {
        "found": str(root),
        "clips": 5,
        "absent": 0,
        "missing": "",
        "notes": "",
    }
