"""Options of the command line: none is ignored, and what was saved stays unless one is given."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from skw2c import AudioIndex, CLIPImageEncoder, CLIPTextEncoder, Wav2CLIPTransformer
from skw2c.cli import _distill, _index_checks, _parser, main
from skw2c.cli._options import make_encoder
from skw2c.cli._partial_folder import resumable

from .conftest import make_tone, write_tiny_checkpoint

MINI = ["--encoder", "mini", "--quiet"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with three sounds."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("sounds")
    for number in range(3):
        write_sound(f"sounds/{number}.wav", number)
    return tmp_path


def write_sound(path, seed=0):
    tone = make_tone(np.random.default_rng(seed), 8000)
    soundfile.write(path, tone, 16000, subtype="FLOAT")


def fails(arguments, capsys, *messages):
    """A command fails before it does anything, and says why."""
    assert main(arguments) == 1
    said = capsys.readouterr().err
    for message in messages:
        assert message in said
    assert "Traceback" not in said


def content_of(place):
    return {path: path.read_bytes() for path in Path(place).rglob("*") if path.is_file()}


@pytest.fixture
def library(capsys):
    """An index of the sounds, and what its files hold."""
    assert main(["index", "library", "sounds", *MINI]) == 0
    capsys.readouterr()
    return content_of("library")


# An index without files


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--dry-run", "it tells what would become of the files that are named"),
        ("--update", "it brings the index up to date with the files that are named"),
        ("--keep-missing", "files are only missing where others are named"),
        ("--method=exact", "it is for sounds that are embedded"),
        ("--batch-size=3", "it is for sounds that are embedded"),
        ("--on-error=nan", "it is for sounds that are embedded"),
        ("--encoder=mini", "it is for sounds that are embedded"),
    ],
)
@pytest.mark.parametrize("action", [["--compact"], ["--root", "sounds"], ["--verify"]])
def test_what_does_nothing_without_files(library, option, why, action, capsys):
    name = option.partition("=")[0]
    message = f"{name} does nothing without PATH, since {why}"
    fails(["index", "library", *action, option], capsys, message, f"or leave {name} out")
    assert content_of("library") == library


def test_what_needs_no_files(library, capsys):
    options = ["--verify", "--compact", "--root", "sounds", "--quiet"]
    assert main(["index", "library", *options]) == 0
    assert "warning" not in capsys.readouterr().err


def test_a_root_without_the_sounds(library, capsys):
    os.mkdir("empty")
    missing = os.path.abspath("empty/0.wav")
    messages = ("3 were looked for there, and none found", repr(missing), "holds them now")
    fails(["index", "library", "--root", "empty"], capsys, *messages)
    fails(["index", "library", "sounds", "--root", "empty", "--quiet"], capsys, *messages)
    assert content_of("library") == library


def test_a_root_with_some_of_the_sounds(library, capsys):
    os.mkdir("some")
    shutil.move("sounds/1.wav", "some/1.wav")
    assert main(["index", "library", "--root", "some"]) == 0
    said = capsys.readouterr().err
    assert "3 were looked for in some, and 2 not found, such as" in said
    assert os.path.abspath("some/0.wav") in said
    assert os.path.abspath("some/1.wav") in AudioIndex.load("library").items_


def test_a_root_of_no_files(capsys):
    AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save("vectors")
    fails(["index", "vectors", "--root", "sounds"], capsys, "--root 'sounds' moves nothing")


def test_many_files_are_looked_for_here_and_there(library, monkeypatch, capsys):
    monkeypatch.setattr(_index_checks, "_MOST", 2)
    os.remove("sounds/0.wav")
    assert main(["index", "library", "--root", "sounds"]) == 0
    assert "2 were looked for in sounds, and 1 not found" in capsys.readouterr().err


# What was saved


@pytest.fixture
def loaded(monkeypatch):
    """The parameters of indexes that are searched or mapped."""
    seen = []

    def note(index, *given, **parameters):
        seen.append(index.get_params(deep=False))
        raise ValueError("seen")

    monkeypatch.setattr(AudioIndex, "search", note)
    monkeypatch.setattr(AudioIndex, "map", note)
    return seen


@pytest.mark.parametrize("command", [["search", "own", "dog"], ["map", "own", "--out", "m.html"]])
def test_prompts_and_encoders_of_the_index(tiny_clip, tiny_checkpoint, loaded, command, capsys):
    encoders = {
        "text_encoder": CLIPTextEncoder(tiny_clip, None, random_state=3),
        "image_encoder": CLIPImageEncoder(tiny_clip, None, random_state=3),
    }
    index = AudioIndex(Wav2CLIPTransformer(tiny_checkpoint), prompts=["the {}", "a {}"], **encoders)
    index.fit(["sounds/0.wav"]).save("own")
    assert main(command) == 1
    [parameters] = loaded
    assert list(parameters["prompts"]) == ["the {}", "a {}"]
    for name, encoder in encoders.items():
        assert type(parameters[name]) is type(encoder)
        assert parameters[name].model == tiny_clip
    assert main([*command, "--prompt", "an {}", "--clip-model", "ViT-B-32"]) == 1
    assert loaded[1]["prompts"] == ["an {}"]
    assert loaded[1]["text_encoder"].model == "ViT-B-32"


def test_the_method_of_the_index(capsys):
    assert main(["index", "library", "sounds/0.wav", "--method", "exact", *MINI]) == 0
    assert main(["index", "library", "sounds", "--quiet"]) == 0
    assert AudioIndex.load("library").method == "exact"
    assert main(["index", "library", "sounds", "--method", "auto", "--quiet"]) == 0
    assert AudioIndex.load("library").method == "auto"
    assert main(["index", "other", "sounds", *MINI]) == 0
    assert AudioIndex.load("other").method == "auto"


def test_the_method_of_an_index_of_vectors(capsys):
    pytest.importorskip("pyarrow")
    assert main(["embed", "sounds", "--out", "e/", *MINI]) == 0
    assert main(["index", "library", "--vectors", "e/", "--method", "exact", "--quiet"]) == 0
    assert main(["index", "library", "--vectors", "e/", "--quiet"]) == 0
    assert AudioIndex.load("library").method == "exact"


# Before training


@pytest.fixture
def distill(monkeypatch):
    """Learn from a teacher; there is nothing to train with."""
    monkeypatch.setattr(_distill.skw2c, "Distiller", Untrained)
    return lambda *options: ["distill", "sounds", "--out", "x.pt", "--quiet", *options]


class Untrained:
    """A distiller that only says that it got as far."""

    def get_params(self):
        return {}

    def __init__(self, **parameters):
        pass

    def fit(self, X):
        raise ValueError("it would be trained")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--teacher", "mini", "--student", "mn04"],
            "needs --encoder resnet18, --encoder-width 64",
        ),
        (["--teacher", "wav2clip", "--encoder-width", "32"], "--encoder-width 64"),
        (["--teacher", "mini"], "a student has the space of --teacher mini"),
        (["--teacher", "clap"], "a student has the space of --teacher clap"),
        (["--teacher", "openl3"], "a student has the space of --teacher openl3"),
    ],
)
def test_what_the_original_program_could_not_load(distill, options, message, capsys):
    fails(distill(*options), capsys, message, "choose a name that ends in .safetensors")
    assert os.listdir() == ["sounds"]


def test_a_teacher_of_another_width(distill, tiny_checkpoint, capsys):
    teacher = ["--teacher", "wav2clip", "--teacher-weights", tiny_checkpoint]
    fails(distill(*teacher), capsys, "dimension 512 (the teacher's have 16)")
    own = ["--teacher", "wav2clip", "--teacher-weights", "none.pt"]
    fails(distill(*own, "--out", "x.safetensors"), capsys, "it would be trained")


def test_a_teacher_of_clip(distill, tmp_path, capsys):
    path = write_tiny_checkpoint(tmp_path / "wide.pt", n_outputs=512)
    teacher = ["--teacher", "wav2clip", "--teacher-weights", path]
    fails(distill(*teacher), capsys, "it would be trained")


@pytest.mark.parametrize("name", ["x.PT", "x.Safetensors"])
def test_weights_in_capital_letters(distill, name, capsys):
    fails(distill("--teacher", "mini", "--out", name), capsys, "must end in .safetensors or .pt")


# Windows


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("wav2clip", ["--frame-length=2", "--hop-length=2", "--tail=pad"]),
        ("mini", ["--frame-length=2", "--hop-length=2", "--tail=drop"]),
        ("audioclip", ["--frame-length=2", "--hop-length=2", "--tail=pad"]),
        ("ced", ["--frame-length=2", "--hop-length=2", "--tail=pad"]),
        ("clap", ["--frame-length=2", "--hop-length=2"]),
        ("mn10", ["--frame-length=2", "--hop-length=2"]),
    ],
)
def test_windows_that_there_are_none_of(encoder, options):
    for option in options:
        given = ["embed", "sounds", "--out", "a.csv", "--encoder", encoder, option]
        name = option.partition("=")[0]
        with pytest.raises(ValueError, match=f"{name} needs --mode frame; otherwise --encoder"):
            make_encoder(_parser().parse_args(given), None)
        make_encoder(_parser().parse_args([*given, "--mode", "frame"]), None)


@pytest.mark.parametrize(
    ("encoder", "option"),
    [
        ("openl3", "--hop-length=0.5"),
        ("openl3", "--hop-length=0.1"),  # as without it
        ("yamnet", "--hop-length=0.96"),
        ("yamnet", "--tail=drop"),
    ],
)
def test_windows_that_whole_clips_are_made_of(encoder, option):
    options = ["embed", "sounds", "--out", "a.csv", "--encoder", encoder, option]
    make_encoder(_parser().parse_args(options), None)


@pytest.mark.parametrize(
    "command",
    [
        ["embed", "sounds", "--out", "a.csv"],
        ["embed", "sounds", "--out", "a/"],
        ["classify", "sounds", "--labels", "dog", "--out", "a.csv"],
        ["export", "a.onnx"],
        ["index", "a", "sounds"],
    ],
)
def test_windows_of_commands(command, capsys):
    fails([*command, "--hop-length", "2", *MINI], capsys, "--hop-length needs --mode frame")
    assert os.listdir() == ["sounds"]


def test_windows_of_an_index_of_clips(library, capsys):
    options = ["--hop-length", "2", "--quiet"]
    message = "--hop-length needs --mode frame; otherwise the encoder of the index"
    fails(["index", "library", "sounds", *options], capsys, message)


def test_options_of_vectors_that_are_there(capsys):
    pytest.importorskip("pyarrow")
    assert main(["embed", "sounds", "--out", "e/", *MINI]) == 0
    capsys.readouterr()
    for option in ("--precision=int8", "--hop-length=2", "--tail=drop", "--batch-size=2"):
        name = option.partition("=")[0]
        message = f"{name} does nothing with --vectors"
        fails(["index", "new", "--vectors", "e/", option, "--quiet"], capsys, message)
    assert not os.path.exists("new")
    assert main(["index", "old", "--vectors", "e/", "--quiet"]) == 0
    before = content_of("old")
    command = ["index", "old", "--vectors", "e/", "--quiet"]
    fails([*command, "--hop-length", "2"], capsys, "--hop-length does nothing with --vectors")
    fails([*command, "--mode", "frame"], capsys, "was built with --mode clip: pass that mode")
    assert content_of("old") == before


# Threads, and what is left of a run


@pytest.mark.parametrize(
    "command",
    [
        ["embed", "sounds", "--out", "a.csv"],
        ["search", "library", "dog"],
        ["distill", "--shards", "a", "--out", "a.pt"],
    ],
)
@pytest.mark.parametrize("number", ["0", "two", "1.5"])
def test_no_threads(command, number, capsys):
    with pytest.raises(SystemExit):
        main([*command, "--n-jobs", number])
    said = capsys.readouterr().err
    assert f"argument --n-jobs: got '{number}', expected a number of threads, or -1" in said
    assert os.listdir() == ["sounds"]


def test_as_many_threads_as_processors():
    options = _parser().parse_args(["embed", "a", "--out", "a.csv", "--n-jobs", "-1"])
    assert options.n_jobs == -1


def test_a_run_that_kept_nothing_leaves_nothing(capsys):
    Path("zero.wav").touch()
    for _ in range(2):
        assert main(["embed", "zero.wav", "--out", "z.csv", *MINI]) == 1
        assert "resuming" not in capsys.readouterr().err
        assert sorted(os.listdir()) == ["sounds", "zero.wav"]


def test_what_an_earlier_version_left(capsys):
    os.makedirs("a.csv.partial/skw2c-vectors/00")
    Path("a.csv.partial/made-by-skw2c").write_text("of an earlier version")
    with resumable("a.csv"):
        assert capsys.readouterr().err == ""


# Names that are not text


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_tables_of_names_that_are_no_text(kind, capsys):
    odd = os.fsdecode(b"sounds/caf\xe9.wav")
    shutil.copy("sounds/0.wav", odd)
    assert main(["embed", "sounds", "--out", f"a.{kind}", *MINI]) == 0
    assert main(["embed", "--files", f"a.{kind}", "--out", f"b.{kind}", *MINI]) == 0
    assert Path(f"a.{kind}").read_bytes() == Path(f"b.{kind}").read_bytes()
    assert b"sounds/caf\xe9.wav" in Path(f"b.{kind}").read_bytes()
    command = ["embed", "--files", f"a.{kind}:name", "--out", f"b.{kind}", *MINI]
    fails(command, capsys, f"--files 'a.{kind}' has no column 'name', but 'file'")
    os.remove(odd)
    said = ("is not text in UTF-8", "leave it as it is", "there is no file 'sounds/caf")
    fails(["embed", "--files", f"a.{kind}", "--out", f"b.{kind}", *MINI], capsys, *said)


@pytest.mark.parametrize(
    "content",
    [
        b"file,label\nsounds/0.wav,caf\xe9\n",
        b"file,caf\xe9\nsounds/0.wav,dog\n",
        b"\xff\xfef",
        "file\nsounds/0.wav\n".encode("utf-16-le"),
    ],
)
def test_tables_in_other_encodings(content, capsys):
    Path("a.csv").write_bytes(content)
    command = ["embed", "--files", "a.csv", "--out", "b.csv", *MINI]
    fails(command, capsys, "'a.csv' is not text in", "iconv -f")


def test_names_in_tables_stay_as_they_are(capsys):
    for name in ("NA", "007"):
        shutil.copy("sounds/0.wav", name)
    Path("a.csv").write_text("file\nNA\n007\n")
    assert main(["embed", "--files", "a.csv", "--out", "b.csv", *MINI]) == 0
    assert pd.read_csv("b.csv", dtype=str, keep_default_na=False)["file"].tolist() == ["NA", "007"]
