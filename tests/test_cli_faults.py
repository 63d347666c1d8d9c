"""The command line where names, files, links and signals are not what one would wish."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from skw2c import AudioIndex, Wav2CLIPTransformer
from skw2c.cli import _embed, _interruption, _parser, main
from skw2c.cli._file_search import find_files
from skw2c.cli._imagine import _weighted, _weights_of
from skw2c.cli._option_names import name_options, use_options_of
from skw2c.cli._partial_folder import resumable
from skw2c.cli._tables import check_output, read_vectors, write_table
from skw2c.system import _progress
from skw2c.system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS, VIDEO_EXTENSIONS
from skw2c.system._locks import LockedError
from skw2c.system._progress import progress_bar
from skw2c.system._text_file import read_text
from skw2c.transformers._rows import GO_ON

from .conftest import make_tone


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with one sound."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("sounds")
    write_sound("sounds/a.wav")
    return tmp_path


def write_sound(path):
    soundfile.write(path, make_tone(np.random.default_rng(0), 8000), 16000, subtype="FLOAT")


def embed(*arguments, weights):
    return main(["embed", *arguments, "--weights", weights, "--quiet"])


# Which files


def test_one_list_of_suffixes_for_all():
    covers = {
        "AIFF": ".aiff",
        "IRCAM": ".sf",
        "MPC2K": ".mpc",
        "NIST": ".nist",
        "WAVEX": ".wav",
    }
    known = {covers.get(name, f".{name.lower()}") for name in soundfile.available_formats()}
    assert known - {".raw", ".mat4", ".mat5"} <= SOUND_EXTENSIONS
    assert not {".raw", ".vox", ".gsm", ".g722", ".mat"} & (SOUND_EXTENSIONS | MEDIA_EXTENSIONS)
    os.mkdir("all")
    for suffix in SOUND_EXTENSIONS | MEDIA_EXTENSIONS:
        Path(f"all/x{suffix}").touch()
        Path(f"all/Y{suffix.upper()}").touch()
    assert len(find_files(["all"])) == 2 * len(SOUND_EXTENSIONS | MEDIA_EXTENSIONS)
    assert len(find_files(["all"], videos=True)) == 2 * len(VIDEO_EXTENSIONS)
    assert {".3g2", ".asf", ".f4v", ".flv", ".mxf", ".qt", ".vob"} <= VIDEO_EXTENSIONS


def test_what_is_skipped_is_counted(capsys):
    os.makedirs("sounds/.Trash")
    for name in ("1.txt", "2.TXT", "x.jpg", "README", "._a.wav"):
        Path("sounds", name).touch()
    assert find_files(["sounds", "./sounds"]) == ["sounds/a.wav"]
    said = capsys.readouterr().err
    assert "skw2c: 6 files were skipped: 2 " in said
    for part in ("2 .txt", "1 .jpg", "1 without suffix", "2 hidden"):
        assert part in said
    assert "1 file was found under a second name too" in said
    assert find_files(["sounds/a.wav"]) == ["sounds/a.wav"]
    assert capsys.readouterr().err == ""


def test_links_that_lead_nowhere(tiny_checkpoint, capsys):
    os.symlink("loop.wav", "sounds/loop.wav")
    os.symlink("gone.wav", "sounds/dangling.wav")
    os.symlink("../loop", "loop")
    os.symlink("/not/mounted", "sounds/disk")
    assert embed("sounds", "--out", "a.csv", weights=tiny_checkpoint) == 1
    assert "dangling.wav" in capsys.readouterr().err
    for pattern in ("sounds", "sounds/*.wav"):
        options = [pattern, "--out", "a.csv", "--on-error", "nan"]
        assert embed(*options, weights=tiny_checkpoint) == 3
        said = capsys.readouterr().err
        assert "skw2c: sounds/loop.wav: " in said
        table = pd.read_csv("a.csv")
        assert table["file"].tolist() == [f"sounds/{x}.wav" for x in ("a", "dangling", "loop")]
        assert table.iloc[:, 1].notna().tolist() == [True, False, False]
        assert ("the link 'sounds/disk' is broken" in said) == (pattern == "sounds")


def close_folder(monkeypatch):
    """Let nobody look into folders named `closed`; root would be let in, whatever their mode."""
    scandir = os.scandir

    def refuse(path="."):
        if not isinstance(path, int) and os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


def test_folders_that_may_not_be_read(tiny_checkpoint, monkeypatch, capsys):
    os.mkdir("sounds/closed")
    close_folder(monkeypatch)
    for name in ("sounds", "sounds/**/*.wav"):
        assert embed(name, "--out", "a.csv", weights=tiny_checkpoint) == 1
        error = capsys.readouterr().err
        assert "'sounds/closed': the folder cannot be read (Permission denied)" in error
        assert "pass --on-error nan" in error
        options = [name, "--out", "a.csv", "--on-error", "nan"]
        assert embed(*options, weights=tiny_checkpoint) == 3
        assert "skw2c: sounds/closed: the folder cannot be read" in capsys.readouterr().err
        assert pd.read_csv("a.csv")["file"].tolist() == ["sounds/a.wav"]
    with pytest.raises(PermissionError):
        find_files(["sounds/closed"], on_error="nan")


def test_an_index_keeps_what_it_cannot_look_for(tiny_checkpoint, monkeypatch, capsys):
    os.mkdir("sounds/closed")
    write_sound("sounds/closed/b.wav")
    command = ["index", "library", "sounds", "--weights", tiny_checkpoint, "--quiet"]
    assert main(command) == 0
    close_folder(monkeypatch)
    os.remove("sounds/a.wav")
    write_sound("sounds/c.wav")
    assert main(command) == 1
    assert "the folder cannot be read" in capsys.readouterr().err
    assert main([*command, "--on-error", "nan"]) == 3
    items = {os.path.basename(item) for item in AudioIndex.load("library").items_}
    assert "b.wav" in items
    assert "c.wav" in items


def test_brackets_in_the_name_of_a_folder():
    for name in ("[2024] takes", "2 takes", "deep/[x]"):
        os.makedirs(name)
        write_sound(f"{name}/[1] a.wav")
    assert find_files(["[2024] takes/*.wav"]) == ["[2024] takes/[1] a.wav"]
    assert find_files(["[2024] takes/[1]*"]) == ["[2024] takes/[1] a.wav"]
    assert find_files(["*/[[]1] a.wav"]) == ["2 takes/[1] a.wav", "[2024] takes/[1] a.wav"]
    assert find_files([f"{os.getcwd()}/deep/[x]/**/*.wav"])[0].endswith("deep/[x]/[1] a.wav")
    assert find_files(["[0-9] takes/*"]) == ["2 takes/[1] a.wav"]
    with pytest.raises(ValueError, match="no files match"):
        find_files(["[2024] takes/*.mp3"])


# Who writes


def test_two_runs_of_one_output(tiny_checkpoint, capsys):
    with resumable("a.csv") as kept:
        Path(kept, "vectors").touch()
        assert embed("sounds", "--out", "a.csv", weights=tiny_checkpoint) == 1
        assert "another run of skw2c is writing 'a.csv': wait until" in capsys.readouterr().err
        os.symlink("a.csv", "link.csv")
        labels = ["classify", "sounds", "--labels", "a", "--out", "link.csv"]
        np.savez("w.npz", names=["a"], vectors=np.ones((1, 16)))
        assert main([*labels, "--label-vectors", "w.npz", "--weights", tiny_checkpoint]) == 1
        assert "another run of skw2c is writing" in capsys.readouterr().err
        assert Path(kept, "vectors").exists()
    assert embed("sounds", "--out", "a.csv", weights=tiny_checkpoint) == 0
    assert sorted(os.listdir()) == ["a.csv", "link.csv", "sounds", "w.npz"]


def test_what_was_killed_is_gone_on_with(capsys):
    os.makedirs("a.csv.partial")
    Path("a.csv.partial/made-by-skw2c").write_text("of an earlier version")
    Path("a.csv.partial/kept").touch()
    with pytest.raises(KeyError), resumable("a.csv"):
        raise KeyError
    assert Path("a.csv.partial/kept").exists()
    with resumable("a.csv"):
        pass
    assert "resuming an interrupted run" in capsys.readouterr().err
    with pytest.raises(KeyError), resumable("a.csv"):
        raise KeyError  # nothing is kept of it
    assert os.listdir() == ["sounds"]


def test_many_threads_take_turns():
    inside, most, done, wrong = [], [], [], []

    def take():
        for _ in range(30):
            try:
                with resumable("a.csv") as kept:
                    inside.append(kept)
                    most.append(len(inside))
                    Path(kept, "work").touch(exist_ok=False)
                    inside.pop()
                    done.append(kept)
            except LockedError:
                pass
            except BaseException as exc:
                wrong.append(exc)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert done
    assert max(most) == 1
    assert os.listdir() == ["sounds"]


def test_outputs_through_links(tiny_checkpoint, capsys):
    os.mkdir("elsewhere")
    os.symlink("elsewhere/real.csv", "a.csv")
    assert embed("sounds", "--out", "a.csv", weights=tiny_checkpoint) == 0
    assert os.path.islink("a.csv")
    assert os.listdir("elsewhere") == ["real.csv"]
    os.symlink(os.devnull, "null.csv")
    os.symlink("self.csv", "self.csv")
    os.symlink("missing/b.csv", "b.csv")
    for name, why in (("null", "device"), ("self", "levels"), ("b", "does not exist")):
        with pytest.raises(OSError, match=why):
            check_output(f"{name}.csv")


# What the words mean


@pytest.mark.parametrize(
    "text", ["a clock at 12:30", "ratio 4:3", "verse 3:16", "part:2", "a:-1", "rain", ":", "1:2:3"]
)
def test_a_colon_belongs_to_the_words(text):
    assert _weighted(text) == (text, 1.0)
    assert _weighted(f"{text}::-0.25") == (text, -0.25)


def test_weights_of_words(capsys):
    assert _weights_of([]) is None
    assert _weights_of([_weighted("rain::1"), _weighted("sea"), _weighted("rain::-3")]) == {
        "rain": -2.0,
        "sea": 1.0,
    }
    for text in ("rain::", "::1", "rain::nan", "rain::inf", "std::vector", "rain::0,5"):
        with pytest.raises(SystemExit):
            main(["imagine", "sounds/a.wav", "--out", "a.png", "--text", text])
        assert "a weight such as ::0.5" in capsys.readouterr().err


# Encodings


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_the_terminal_lacks(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    names = ["é.wav", "ünïcödé.wav", "caf\udce9.wav", "😀.wav", "last.wav"]
    write_table(pd.DataFrame({"file": pd.Series(names, dtype=object), "x": 0.5}), None)
    lines = raw.getvalue().split(b"\n")
    assert len(lines) == 7
    assert lines[3] == b"caf\xe9.wav\t0.5000"
    assert lines[5] == b"last.wav\t0.5000"
    assert lines[1].startswith(
        {"ascii": rb"\xe9", "latin-1": b"\xe9", "utf-8": "é".encode()}[encoding]
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_label_files(encoding):
    Path("labels.txt").write_text("é\nünïcödé\n", encoding=encoding)
    assert read_text("labels.txt") == "é\nünïcödé\n"
    for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        Path("labels.txt").write_bytes(mark + "é\n".encode(name))
        assert read_text("labels.txt") == "é\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dog\ncaf\xe9\n", "'words.txt' is not text in UTF-8: line 2 has the byte 0xe9"),
        (
            "a\ndog".encode("utf-16-le"),
            "'words.txt' is not text in UTF-8: line 1 has the byte 0x00",
        ),
        (b"\xff\xfea", "'words.txt' is not text in UTF-16-LE"),
        ("café\ndog".encode("utf-16-le"), "iconv -f UTF-16 "),
    ],
)
@pytest.mark.parametrize("option", ["--labels-file", "--label-vectors"])
def test_files_in_other_encodings(content, message, option, capsys):
    Path("words.txt").write_bytes(content)
    given = [] if option == "--labels-file" else ["--labels", "a"]
    assert main(["classify", "sounds", *given, option, "words.txt"]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "iconv -f" in error


NAMES = ["007", "1e5", "NA", "nan", "null", "True", "", "inf", "None", "1.0", "2024-01-01"]


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "npz", "index"])
def test_names_of_labels_stay_as_they_are(kind):
    vectors = np.arange(2.0 * len(NAMES)).reshape(-1, 2) / 7
    table = pd.DataFrame(vectors, columns=["x", "y"], index=pd.Index(NAMES, name="label"))
    if kind == "npz":
        np.savez("w.npz", names=np.array(NAMES), vectors=vectors)
    elif kind in ("csv", "tsv"):
        table.to_csv(f"w.{kind}", sep="\t" if kind == "tsv" else ",")
    elif kind == "parquet":
        table.reset_index().to_parquet("w.parquet")
    else:
        table.to_parquet("w.parquet")
    read = read_vectors("w.parquet" if kind == "index" else f"w.{kind}")
    assert read.index.tolist() == NAMES
    np.testing.assert_array_equal(read.to_numpy(), vectors)


def test_a_label_with_two_vectors():
    Path("w.csv").write_text("label,x\ndog,1\ndog,2\n")
    with pytest.raises(ValueError, match="two rows for the label 'dog'"):
        read_vectors("w.csv")


# Tables


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_no_formulas_in_tables(kind, tiny_checkpoint, capsys):
    for name in ("=HYPERLINK(1,2).wav", "-x.wav", "@a.wav", "+1.wav"):
        write_sound(name)
    assert embed("*.wav", "--out", f"a.{kind}", weights=tiny_checkpoint) == 0
    table = pd.read_csv(f"a.{kind}", sep="\t" if kind == "tsv" else ",")
    assert table["file"].str.startswith("./").all()
    assert all(Path(name).exists() for name in table["file"])
    Path("w.csv").write_text(f"label{',x' * 16}\n=1+1{',1' * 16}\n")
    label = ["--labels", "=1+1", "--label-vectors", "w.csv", "--weights", tiny_checkpoint]
    assert main(["classify", "-x.wav".replace("-", "./-"), *label, "--out", f"b.{kind}"]) == 0
    assert "'=1+1" in Path(f"b.{kind}").read_text()
    assert main(["classify", "sounds", *label, "--all", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("file\t'=1+1\n")


def test_numbers_come_back_as_they_were():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2**32, size=(300, 40), dtype=np.uint32).view(np.float32)
    numbers[3] = np.nan
    numbers[5, 7] = np.nan
    table = pd.DataFrame(numbers, columns=[f"x{k}" for k in range(40)])
    table.insert(0, "file", [f'a "{k}",\n.wav' for k in range(300)])
    table.insert(1, "start", np.arange(300) / 7)
    write_table(table, "a.csv")
    read = pd.read_csv("a.csv")
    np.testing.assert_array_equal(read.iloc[:, 2:].to_numpy(np.float32), numbers)
    assert read["file"].tolist() == table["file"].tolist()
    # pandas' parser may be off by a rounding or two of double precision, 2.2e-16 each.
    np.testing.assert_allclose(read["start"], table["start"], rtol=1e-15)
    assert b"nan" not in Path("a.csv").read_bytes()


# Signals and faults


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("x"), "error: KeyError: 'x'; this is a bug in skw2c"),
        (AssertionError(), "error: AssertionError: without a message; this is a bug"),
        (MemoryError(), "error: not enough memory"),
        (RuntimeError(), "error: RuntimeError"),
        (type("PanicException", (BaseException,), {})("rust"), "error: PanicException: rust"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "no"), "error: 'ascii' codec can't encode"),
    ],
)
def test_faults_without_traceback(monkeypatch, capsys, error, message):
    def fail(options):
        raise error

    monkeypatch.setattr(_embed, "run", fail)
    monkeypatch.delenv("SKW2C_TRACEBACK", raising=False)
    assert main(["embed", "sounds", "--out", "a.csv"]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    monkeypatch.setenv("SKW2C_TRACEBACK", "1")
    assert main(["embed", "sounds", "--out", "a.csv"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.fixture
def usual_signals():
    """Handlers as in a terminal: under ``nohup`` and in the background some are ignored."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("disguised", [False, True])
@pytest.mark.usefixtures("usual_signals")
def test_signals(monkeypatch, capsys, name, status, disguised):
    number = getattr(signal, name)
    before = signal.getsignal(number)

    def interrupted(options):
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            if disguised:  # as modules in C do
                raise ImportError("initialization failed") from None
            raise
        return 0

    monkeypatch.setattr(_embed, "run", interrupted)
    assert main(["embed", "sounds", "--out", "a.csv"]) == status
    assert capsys.readouterr().err == "skw2c: error: interrupted\n"
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("usual_signals")
def test_an_interruption_that_python_swallows(monkeypatch, capsys):
    waited = []

    class Fragile:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def interrupted(options):
        fragile = Fragile()
        del fragile
        time.sleep(600)
        waited.append(True)
        return 0

    monkeypatch.setattr(_embed, "run", interrupted)
    assert main(["embed", "sounds", "--out", "a.csv"]) == 130
    assert not waited
    assert capsys.readouterr().err == "skw2c: error: interrupted\n"


IMPORTING = """
import sys, os, signal
sys.path.insert(0, os.getcwd())
open("slow_module.py", "w").write("import os, signal; os.kill(os.getpid(), signal.{name})")
from skw2c.transformers._rows import GO_ON
from skw2c.cli import _embed, main
def run(options):
    import slow_module
_embed.run = run
sys.exit(main(["embed", "sounds", "--out", "a.csv"]))
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_signals_during_imports(name, status):
    command = [sys.executable, "-c", IMPORTING.format(name=name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert result.returncode == status
    assert result.stderr == "skw2c: error: interrupted\n"


def test_others_keep_their_handlers(monkeypatch):
    own = []
    before = signal.signal(signal.SIGTERM, lambda *given: own.append(given))
    try:
        with _interruption.interruptible(until_exit=False):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert own


@pytest.mark.parametrize("arguments", [["--help"], ["embed", "--help"], ["--version"]])
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_a_full_disk_behind_the_output(arguments):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "skw2c", *arguments]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)  # noqa: S603
    assert result.returncode == 1
    assert result.stderr.startswith(b"skw2c: error: [Errno 28]")


def test_without_an_error_stream(monkeypatch, capsys):
    Path("sounds/notes.txt").touch()
    monkeypatch.setattr(sys, "stderr", None)
    find_files(["sounds"])
    assert capsys.readouterr().out == ""


def test_names_move_no_cursor(capsys):
    with pytest.raises(SystemExit):
        main(["imagine", "sounds/a.wav", "--out", "a.png", "--text", "::"])
    capsys.readouterr()
    assert main(["embed", "\x1b[2J\x9b", "--out", "a.csv"]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_vectors_are_those_of_python(tiny_checkpoint):
    assert embed("sounds", "--out", "a.csv", weights=tiny_checkpoint) == 0
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(["sounds/a.wav"])
    table = pd.read_csv("a.csv").iloc[:, 1:].to_numpy(np.float32)
    np.testing.assert_array_equal(table, expected)


# Words of the command line


@pytest.mark.parametrize(
    ("command", "said", "expected"),
    [
        (
            "embed",
            "The 'frame_length' parameter of Wav2CLIPTransformer must be a float. Got -1.",
            "--frame-length must be a float. Got -1.",
        ),
        ("embed", "(3) pass weights=None for one", "(3) pass --weights none for one"),
        ("embed", "device='my gpu' cannot", "--device 'my gpu' cannot"),
        (
            "embed",
            "'batch_size.wav': batch_size, a/batch_size.wav",
            "'batch_size.wav': --batch-size, a/batch_size.wav",
        ),
        ("search", f"Row 0: bad.{GO_ON}", "Row 0: bad."),
        ("search", "leave prompts='{}'", "leave --prompt '{}'"),
        (
            "distill",
            "pass resume=False, or lower learning_rate",
            "pass --no-resume, or lower --learning-rate",
        ),
        ("imagine", "augment=None, n_iter=3", "--no-augment, --iterations 3"),
    ],
)
def test_messages_name_options(command, said, expected):
    [commands] = _parser()._subparsers._group_actions
    use_options_of(commands.choices[command])
    assert name_options(said) == expected


def test_no_bars_in_files(monkeypatch, capsys):
    with progress_bar(3, unit="clip", desc="embedding", verbose=True) as bar:
        bar.update(2)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", -1)
        bar.update(0)
        assert capsys.readouterr().err == "embedding: 2/3 clips\n"
        bar.update()
    assert capsys.readouterr().err == "embedding: 3/3 clips\n"
    with progress_bar(3, unit="step", desc="epoch", verbose=True, leave=False) as bar:
        bar.update(3)
    with progress_bar(None, unit="B", desc="x", verbose=True, unit_scale=True) as bar:
        bar.update(2_500_000)
    assert capsys.readouterr().err.splitlines()[-1] == "x: 2 MB"
    monkeypatch.setattr(sys, "stderr", None)
    with progress_bar(3, unit="clip", desc="embedding", verbose=True) as bar:
        bar.update(3)


def test_bars_on_terminals(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar(3, unit="clip", desc="embedding", verbose=True) as bar:
        bar.update(3)
    assert "3/3" in sys.stderr.getvalue()
