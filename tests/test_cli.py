"""The command line: what it writes, what it says, and that it goes on where it was."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from skw2c import AudioIndex, Wav2CLIPTransformer, ZeroShotClassifier, __version__
from skw2c.cli import main
from skw2c.models import _network_cache

from .conftest import make_tone
from .processes import Python
from .tolerances import assert_close, tolerance

UNTRAINED = ["--weights", "none"]


@pytest.fixture
def folder(tmp_path, wav_files, monkeypatch):
    """A working directory with sounds in nested folders, and things that are no sound."""
    deep = tmp_path / "sounds" / "deep"
    deep.mkdir(parents=True)
    for row, file in enumerate(wav_files):
        shutil.copy(file, (deep if row % 2 else deep.parent) / f"clip {row}.wav")
    (deep / "notes.txt").write_text("no sound")
    (deep / "._clip.wav").write_text("what a Mac leaves")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def files():
    """The sounds of `folder` as the command line names them, in its order."""
    return [f"sounds/clip {row}.wav" for row in (0, 2, 4)] + [
        f"sounds/deep/clip {row}.wav" for row in (1, 3, 5)
    ]


@pytest.fixture
def words(folder):
    """A table of label vectors."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.normal(size=(3, 16)), index=["dog", "rain", "bell_(church)"])
    table.to_csv(folder / "words.csv", index_label="label")
    return table


def embed(*arguments):
    return main(["embed", "sounds", "--quiet", *arguments])


def test_embed(folder, files, tiny_checkpoint):
    expected = Wav2CLIPTransformer(tiny_checkpoint, normalize=True).fit_transform(files)
    for name in ("a.csv", "a.tsv", "a.parquet", "a.npz"):
        assert embed("--out", name, "--weights", tiny_checkpoint, "--normalize") == 0
    tables = [pd.read_csv("a.csv"), pd.read_csv("a.tsv", sep="\t"), pd.read_parquet("a.parquet")]
    for table in tables:
        assert table.columns.tolist() == ["file", *[f"wav2cliptransformer{k}" for k in range(16)]]
        assert table["file"].tolist() == files
        assert_close(table.iloc[:, 1:].to_numpy(np.float32), expected)
    with np.load("a.npz", allow_pickle=False) as arrays:
        assert arrays["files"].tolist() == files
        assert_close(arrays["vectors"], expected)
        assert arrays["feature_names"][15] == "wav2cliptransformer15"
    assert sorted(os.listdir()) == ["a.csv", "a.npz", "a.parquet", "a.tsv", "sounds"]


def test_embed_frames(folder, files, tiny_checkpoint):
    arguments = ["--weights", tiny_checkpoint, "--mode", "frame", "--hop-length", "0.5"]
    assert embed("--out", "a.parquet", *arguments) == 0
    table = pd.read_parquet("a.parquet")
    frames = Wav2CLIPTransformer(tiny_checkpoint, mode="frame", hop_length=0.5).fit_transform(files)
    assert table["file"].tolist() == np.repeat(files, [len(rows) for rows in frames]).tolist()
    assert_close(table.iloc[:, 3:].to_numpy(), np.concatenate(frames))
    longest = table[table["file"] == files[3]]
    assert longest[["start", "end"]].to_numpy().tolist() == [[0, 1], [0.5, 1.5], [1, 2]]


def test_folders_patterns_and_names(folder, files, tiny_checkpoint):
    for paths in (["sounds"], ["sounds/**/*.wav"], files, ["sounds", *files]):
        arguments = [*paths, "--out", "a.csv", "--weights", tiny_checkpoint, "--quiet"]
        assert main(["embed", *arguments]) == 0
        assert sorted(pd.read_csv("a.csv")["file"]) == sorted(files)


def test_untrained_and_encoder_output(folder, files):
    assert embed("--out", "a.csv", "--weights", "none", "--output", "encoder") == 0
    table = pd.read_csv("a.csv")
    expected = Wav2CLIPTransformer(None, output="encoder", random_state=0).fit_transform(files)
    assert_close(table.iloc[:, 1:].to_numpy(np.float32), expected)


def test_failures(folder, files, tiny_checkpoint, capsys):
    Path("sounds/broken.wav").write_text("no sound at all")
    assert embed("--out", "a.csv", "--weights", tiny_checkpoint) == 1
    error = capsys.readouterr().err
    assert "skw2c: error: Row 0 ('sounds/broken.wav')" in error
    assert "pass --on-error nan" in error
    assert "Traceback" not in error
    assert not Path("a.csv").exists()
    assert embed("--out", "a.csv", "--weights", tiny_checkpoint, "--on-error", "nan") == 3
    error = capsys.readouterr().err
    assert "resuming" not in error  # the first clip failed, and no vector was kept
    assert "skw2c: sounds/broken.wav: " in error
    assert "skw2c: 1 clip failed" in error
    table = pd.read_csv("a.csv")
    assert table.iloc[:, 1:].isna().all(axis=1).tolist() == [True, *[False] * 6]
    assert not Path("a.csv.partial").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "none", "--out", "a.csv"], "the file or folder 'none' does not exist"),
        (["embed", "*.ogg", "--out", "a.csv"], "no files match the pattern '*.ogg'"),
        (["embed", "empty", "--out", "a.csv"], "'empty' does not contain files with the suffix"),
        (["embed", "sounds", "--out", "a.xlsx"], "--out 'a.xlsx' must end in .csv, .tsv"),
        (["embed", "sounds", "--out", "no/a.csv"], "of --out does not exist"),
        (["embed", "sounds", "--out", "a.csv", "--weights", "no.pt"], "--weights no.pt is neither"),
        (
            ["embed", "sounds", "--out", "a.csv", "--device", "gpu9", *UNTRAINED],
            "--device gpu9 cannot be used",
        ),
        (
            ["embed", "sounds", "--out", "a.csv", "--mode", "frame", "--frame-length", "-1"],
            "--frame-length must be",
        ),
        (["classify", "sounds", "--labels-file", "none.txt"], "none.txt"),
        (["classify", "sounds", "--labels", " , "], "labels is empty"),
        (["classify", "sounds", "--labels", "a", "--label-vectors", "sounds/x"], "sounds/x"),
        (["classify", "sounds", "--labels", "a", "--all", "--mode", "frame"], "--mode clip"),
        (["search", "none", "dog"], "no saved index in"),
    ],
)
def test_errors(folder, capsys, arguments, message):
    Path("empty").mkdir()
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("skw2c: ")
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not Path("a.csv").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["embed"], ["embed", "sounds"], ["dance"], ["search", "i", "q", "-k", "0"]]
)
def test_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: skw2c" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["embed"], ["classify"], ["index"], ["search"]])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "exit status:" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"skw2c {__version__}\n"


# Other commands


@pytest.fixture
def classifier(tiny_checkpoint, words):
    return ZeroShotClassifier(
        list(words.index), encoder=Wav2CLIPTransformer(tiny_checkpoint), text_encoder=words
    ).fit()


@pytest.fixture
def classify(tiny_checkpoint, words):
    def run(*arguments):
        given = ["--weights", tiny_checkpoint, "--label-vectors", "words.csv", "--quiet"]
        return main(["classify", "sounds", *given, *arguments])

    return run


def test_classify(files, classify, classifier, capsys):
    assert classify("--labels", "dog,rain, bell_(church)") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "file\tlabel\tprobability"
    assert [line.split("\t")[0] for line in lines[1:]] == files
    assert [line.split("\t")[1] for line in lines[1:]] == classifier.predict(files).tolist()
    Path("labels.txt").write_text("dog\nrain\n\nbell church\n")
    assert classify("--labels-file", "labels.txt", "--all", "--out", "a.csv") == 1  # a comma
    assert "lacks 'bell church'" in capsys.readouterr().err
    Path("labels.txt").write_text("dog\nrain\n\nbell, church\n")
    assert classify("--labels-file", "labels.txt", "--all", "--out", "a.csv") == 0
    table = pd.read_csv("a.csv")
    assert table.columns.tolist() == ["file", "bell, church", "dog", "rain"]
    expected = classifier.predict_proba(files)
    # Before the softmax, cosines are multiplied by 100.
    np.testing.assert_allclose(table.iloc[:, 1:], expected, rtol=tolerance(100))


def test_classify_seconds_and_many_labels(files, classify, classifier):
    labels = ["--labels", "dog,rain,bell_(church)"]
    assert classify(*labels, "--mode", "frame", "--out", "a.csv") == 0
    classifier.set_params(mode="frame").fit()
    events = classifier.predict_events(files)
    table = pd.read_csv("a.csv")
    assert table.columns.tolist() == ["file", "label", "onset", "offset", "score"]
    assert table["file"].tolist() == [files[row] for row in events["row"]]
    np.testing.assert_allclose(table["offset"], events["offset"])
    assert classify(*labels, "--multilabel", "--threshold", "0", "--out", "b.csv") == 0
    classifier.set_params(mode="clip", multilabel=True, threshold=0.0).fit()
    assert len(pd.read_csv("b.csv")) == classifier.predict(files).sum()


def test_classify_failures(files, classify, capsys):
    Path("sounds/broken.wav").write_text("no sound at all")
    assert classify("--labels", "dog,rain", "--on-error", "nan") == 3
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1] == "sounds/broken.wav\t\t"
    arguments = ["--labels", "dog,rain", "--on-error", "nan", "--multilabel"]
    assert classify(*arguments, "--threshold", "2") == 3
    assert capsys.readouterr().out.splitlines()[1:] == ["sounds/broken.wav\t\t"]
    assert "1 clip failed" in captured.err


@pytest.mark.parametrize("kind", ["npz", "parquet", "tsv"])
def test_tables_of_words(files, words, kind, tiny_checkpoint, capsys):
    if kind == "npz":
        np.savez("w.npz", names=words.index.to_numpy(str), vectors=words.to_numpy())
    elif kind == "parquet":
        words.rename(columns=str).reset_index().to_parquet("w.parquet")
    else:
        words.to_csv("w.tsv", sep="\t")
    arguments = ["--labels", "dog,rain", "--weights", tiny_checkpoint, "--quiet"]
    assert main(["classify", "sounds", *arguments, "--label-vectors", f"w.{kind}"]) == 0
    first = capsys.readouterr().out
    assert main(["classify", "sounds", *arguments, "--label-vectors", "words.csv"]) == 0
    assert capsys.readouterr().out == first
    Path("bad.csv").write_text("label,x\na,b\n")
    assert main(["classify", "sounds", *arguments, "--label-vectors", "bad.csv"]) == 1
    assert "'bad.csv' is not a table of label vectors" in capsys.readouterr().err


@pytest.fixture
def index(folder, tiny_checkpoint):
    def run(*arguments):
        return main(["index", "library", *arguments, "--weights", tiny_checkpoint, "--quiet"])

    return run


def test_index_and_search(files, words, index, capsys):
    assert index("sounds/clip 0.wav", "sounds/clip 2.wav") == 0
    assert "2 files added to 0 in library" in capsys.readouterr().err
    assert index("sounds") == 0
    assert "4 files added to 2 in library" in capsys.readouterr().err
    assert index("sounds") == 0
    assert "0 files added to 6 in library" in capsys.readouterr().err
    assert sorted(AudioIndex.load("library").items_) == sorted(map(os.path.abspath, files))
    assert sorted(os.listdir()) == ["library", "sounds", "words.csv"]
    assert (
        main(["search", "library", "dog", "rain", "-k", "2", "--label-vectors", "words.csv"]) == 0
    )
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["query", "rank", "item", "score"]
    assert [line[:2] for line in lines[1:]] == [
        ["dog", "1"],
        ["dog", "2"],
        ["rain", "1"],
        ["rain", "2"],
    ]
    assert main(["search", "library", files[4], "--by", "audio", "--out", "a.csv"]) == 0
    assert pd.read_csv("a.csv")["item"][0] == os.path.abspath(files[4])
    assert main(["search", "library", " ", "--label-vectors", "words.csv"]) == 1
    assert "skw2c: error: The query 0 is empty" in capsys.readouterr().err


def test_a_later_run_takes_the_encoder_of_the_index(files, index, capsys):
    framed = ["--mode", "frame"]
    assert index("sounds/clip 0.wav", *framed, "--frame-length", "0.5") == 0
    assert main(["index", "library", "sounds", *framed, "--device", "cpu", "--quiet"]) == 0
    assert "5 files added to 1 in library" in capsys.readouterr().err
    assert AudioIndex.load("library").encoder.frame_length == 0.5
    assert main(["index", "library", "sounds", *framed, "--frame-length", "2", "--quiet"]) == 1
    assert "they differ in --frame-length" in capsys.readouterr().err
    AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save("vectors")
    assert main(["index", "vectors", "sounds", "--quiet"]) == 1
    assert "--encoder passthrough, which cannot embed files" in capsys.readouterr().err
    AudioIndex("mini").fit(files[:1]).save("mini")
    own = AudioIndex.load("mini").encoder.get_params()
    assert main(["index", "mini", "sounds", "--quiet"]) == 0
    assert AudioIndex.load("mini").encoder.get_params() == own


def test_index_of_seconds(files, index, capsys):
    assert index("sounds", "--mode", "frame", "--method", "exact") == 0
    assert main(["search", "library", files[3], "--by", "audio", "-k", "1"]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header == "query\trank\titem\tscore\tstart\tend"


def test_index_failures(files, index, capsys):
    Path("sounds/broken.wav").write_text("no sound at all")
    assert index("sounds") == 1
    assert not Path("library").exists()
    assert index("sounds", "--on-error", "nan") == 3
    assert len(AudioIndex.load("library")) == 6
    assert main(["index", "library", "sounds", "--weights", "none", "--quiet"]) == 1
    assert "they differ in weights" in capsys.readouterr().err


# As the shell runs it


def run_in_shell(*arguments, **kwargs):
    command = [sys.executable, "-m", "skw2c", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **kwargs)  # noqa: S603


@pytest.fixture
def many(tmp_path, monkeypatch):
    """Enough sound that there is time to interrupt."""
    rng = np.random.default_rng(0)
    (tmp_path / "many").mkdir()
    for row in range(40):
        soundfile.write(tmp_path / "many" / f"{row:02}.wav", make_tone(rng, 64000), 16000)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_half_way_and_started_again(many, how):
    command = ["-m", "skw2c", "embed", "many", "--out", "a.parquet", "--weights", "none"]
    command += ["--batch-size", "2"]
    process = Python(*command)
    kept = Path("a.parquet.partial")
    deadline = time.monotonic() + 60
    while len(list(kept.rglob("*.vectors"))) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    _, error = process.communicate()
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in error
    n_kept = len(list(kept.rglob("*.vectors")))
    assert 6 <= n_kept < 40
    assert not Path("a.parquet").exists()
    if how == signal.SIGINT:
        assert "to resume, give the same command again" in error
    times = {path: path.stat().st_mtime_ns for path in kept.rglob("*.vectors")}
    again = Python(*command, "--quiet")
    while again.poll() is None:  # what was kept is not computed again
        for path, written in times.items():
            with suppress(FileNotFoundError):  # all is removed at the end, also while we look
                assert path.stat().st_mtime_ns == written
        time.sleep(0.05)
    assert again.returncode == 0
    assert "resuming an interrupted run" in again.communicate()[1]
    table = pd.read_parquet("a.parquet")
    expected = Wav2CLIPTransformer(None, random_state=0).fit_transform(table["file"].tolist())
    assert_close(table.iloc[:, 1:].to_numpy(), expected)
    assert sorted(os.listdir()) == ["a.parquet", "many"]


def test_a_reader_that_has_seen_enough(folder, words, tiny_checkpoint):
    arguments = [
        "--labels",
        "dog,rain",
        "--weights",
        tiny_checkpoint,
        "--label-vectors",
        "words.csv",
    ]
    process = run_in_shell("classify", "sounds", *arguments, "--quiet", stdout=subprocess.PIPE)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert error == "skw2c: 2 files were skipped: 1 .txt, 1 hidden\n"


def test_progress_is_shown(folder, tiny_checkpoint, capsys):
    assert main(["embed", "sounds", "--out", "a.csv", "--weights", tiny_checkpoint]) == 0
    assert "6/6" in capsys.readouterr().err


def test_help_is_quick():
    """What only reads the command line loads no network."""
    program = (
        "import sys; from skw2c.cli import main\n"
        "try: main(['embed', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


# What was found to go wrong


def test_folders_of_others_are_never_removed(folder, files, index, capsys):
    shutil.copytree("sounds", "library.partial")
    assert index("library.partial") == 1
    assert (
        "'library.partial' exists but does not belong to an interrupted run"
        in capsys.readouterr().err
    )
    assert Path("library.partial/clip 0.wav").exists()


def test_a_slash_at_the_end(files, index):
    assert main(["index", "library/", "sounds", "--weights", "none", "--quiet"]) == 0
    assert sorted(os.listdir()) == ["library", "sounds"]


def test_links_and_hidden_files(folder, files, tiny_checkpoint):
    (folder / "elsewhere").mkdir()
    shutil.move("sounds/deep/clip 1.wav", "elsewhere/clip 1.wav")
    os.symlink("../elsewhere", "sounds/linked")
    os.symlink(".", "sounds/loop")
    (folder / "sounds" / ".Trash").mkdir()
    shutil.copy("sounds/clip 0.wav", "sounds/.Trash/gone.wav")
    assert embed("--out", "a.csv", "--weights", tiny_checkpoint) == 0
    table = pd.read_csv("a.csv")
    assert len(table) == 6
    assert "sounds/linked/clip 1.wav" in set(table["file"])
    arguments = ["sounds/**/*.wav", "--out", "b.csv", "--weights", tiny_checkpoint, "--quiet"]
    assert main(["embed", *arguments]) == 0
    assert len(pd.read_csv("b.csv")) == 6


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "npz"])
def test_names_that_are_no_text(folder, files, tiny_checkpoint, kind):
    odd = os.fsdecode(b"sounds/caf\xe9.wav")
    shutil.copy("sounds/clip 0.wav", odd)
    assert embed("--out", f"a.{kind}", "--weights", tiny_checkpoint) == 0
    if kind == "csv":
        assert b"sounds/caf\xe9.wav," in Path("a.csv").read_bytes()
    elif kind == "parquet":
        assert "sounds/caf\\xe9.wav" in set(pd.read_parquet("a.parquet")["file"])
    elif kind == "npz":
        with np.load("a.npz") as arrays:
            assert "sounds/caf\\xe9.wav" in arrays["files"]


def test_relative_names_of_two_folders(folder, files, index, capsys, monkeypatch, tiny_checkpoint):
    for name in ("A", "B"):
        (folder / name / "takes").mkdir(parents=True)
        shutil.copy(folder / files[0], folder / name / "takes" / "1.wav")
        monkeypatch.chdir(folder / name)
        arguments = ["../library", "takes", "--weights", tiny_checkpoint, "--quiet"]
        assert main(["index", *arguments]) == 0
    assert AudioIndex.load("../library").items_ == [
        str(folder / name / "takes" / "1.wav") for name in ("A", "B")
    ]
    monkeypatch.chdir(folder)
    assert index("A", "./B", str(folder / "A")) == 0
    assert "0 files added to 2" in capsys.readouterr().err
    assert index("sounds", "--mode", "frame") == 1
    assert "built with --mode clip: pass that mode" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "sounds", "--out", "d.csv", *UNTRAINED], "'d.csv' is a folder"),
        (
            ["index", "file", "sounds", *UNTRAINED],
            "'file' is a file, expected the folder of an index",
        ),
        (
            ["classify", "sounds", "--labels", "a,file", "--all"],
            "two columns would be named 'file'",
        ),
        (["classify", "sounds", "--labels", "a", "--label-vectors", "bad.npz"], "'bad.npz' is not"),
    ],
)
def test_errors_before_any_work(folder, capsys, arguments, message, monkeypatch):
    monkeypatch.setattr(Wav2CLIPTransformer, "transform", None)
    Path("d.csv").mkdir()
    Path("file").write_text("")
    Path("bad.npz").write_bytes(b"PK\x03\x04 cut off")
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


def test_search_by_picture_and_by_sound(files, index, tiny_clip, tiny_checkpoint, capsys, words):
    moved = shutil.copy(tiny_checkpoint, "moved.pt")
    assert main(["index", "library", "sounds", "--weights", moved, "--quiet"]) == 0
    Path("moved.pt").rename("new.pt")
    _network_cache._networks.clear()
    by_audio = ["search", "library", files[1], "--by", "audio", "-k", "1"]
    assert main(by_audio) == 1
    assert main([*by_audio, "--weights", "new.pt"]) == 0
    assert os.path.abspath(files[1]) in capsys.readouterr().out
    Image.new("RGB", (80, 60), "red").save("p.png")
    clip = ["--clip-model", tiny_clip, "--clip-pretrained", "none"]
    assert main(["search", "library", "p.png", "--by", "image", *clip]) == 0
    assert main(["search", "library", "a dog", *clip]) == 0
    ready = ["--label-vectors", "words.csv", "--prompt", "the {}"]
    assert main(["search", "library", "dog", *ready]) == 1


def test_without_an_output_stream(folder, words, tiny_checkpoint):
    arguments = [
        "--labels",
        "dog,rain",
        "--weights",
        tiny_checkpoint,
        "--label-vectors",
        "words.csv",
    ]
    arguments = ["sounds", *arguments, "--quiet"]
    process = run_in_shell("classify", *arguments, preexec_fn=lambda: os.close(1))
    _, error = process.communicate()
    assert "Traceback" not in error
    assert process.returncode == 0
