"""run_all.py makes its tables: on a folder in the layout of ESC-50, and in a small world."""

import errno
import json
import os
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from benchmarks import run_all
from benchmarks.datasets import dataset, generated
from benchmarks.running import bench, cells, estimate, extraction, options
from benchmarks.systems import catalogue, wav2clip
from benchmarks.tasks import TASKS, frame_level, image_generation
from skw2c.datasets import make_audiovisual_events, make_sound_events

from .conftest import REPOSITORY
from .processes import run_python
from .vqgan_files import write_tiny_vqgan

RUN_ALL = REPOSITORY / "benchmarks" / "run_all.py"


@pytest.fixture(scope="module")
def esc_folder(tmp_path_factory):
    """A folder in the layout of ESC-50 with 4 classes, odd names, an absent and a broken file."""
    root = tmp_path_factory.mktemp("data") / "ESC-50-master"
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    kinds = ["bell", "rain", "bark", "tick"]
    sounds = make_sound_events(40, kinds=kinds, duration=(1.0, 1.5), random_state=0)
    rows = []
    for row, (waveform, target) in enumerate(zip(sounds.data, sounds.target, strict=True)):
        name = f"{row // 8 + 1}-{row} ü,{target}.{'flac' if row % 2 else 'wav'}"
        soundfile.write(root / "audio" / name, waveform, 16000)
        rows.append((name, row // 8 + 1, 7 * target, kinds[target], False, row, "A"))
    (root / "audio" / "5-broken.wav").write_bytes(b"no sound")
    rows.append(("5-broken.wav", 5, 7, "rain", False, 98, "A"))
    rows.append(("5-absent.wav", 5, 0, "bell", False, 99, "A"))
    columns = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "meta" / "esc50.csv", index=False)
    return root


def read_cells(out):
    """Finished cells by task, data set and system."""
    files = [path for path in out.rglob("cells/**/*.json") if path.parent.name != "runs"]
    cells = [json.loads(path.read_text()) for path in files]
    return {(cell["task"], cell["dataset"], cell["system"]): cell for cell in cells}


def test_official_data(tmp_path, esc_folder, tiny_checkpoint):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class Loud:\n"
        "    def fit(self, X, y=None):\n        return self\n"
        "    def transform(self, X):\n        return np.array([[len(x), 1.0] for x in X])\n"
        "class Short(Loud):\n"
        "    def transform(self, X):\n        return super().transform(X)[1:]\n"
        "class Nothing(Loud):\n"
        "    def transform(self, X):\n        return np.full((len(X), 2), np.nan)\n"
    )
    arguments = [
        "--tasks",
        "esc50",
        "--data-root",
        str(esc_folder),
        "--weights",
        tiny_checkpoint,
        "--output",
        "encoder",
        "--probe",
        "logistic",
        "--features",
        "openl3",
        "wav2clip",
        "mfcc",
        "mine:Loud",
        "mine:Short",
        "mine:Nothing",
    ]
    environment = {"SKW2C_CACHE": str(tmp_path / "none"), "PATH": ""}
    result = run_python(RUN_ALL, *arguments, cwd=tmp_path, env=environment)
    cells = read_cells(tmp_path)
    name = "ESC layout, classes-4"
    mfcc = cells["classification", name, "MFCC"]
    assert mfcc["scores"]["accuracy"] > 0.7
    assert [fold["n_test"] for fold in mfcc["details"]["folds"]] == [8] * 5
    assert np.sum(mfcc["details"]["confusion"]) == 40
    assert mfcc["n"] == 40
    assert "1 clips could not be read" in mfcc["notes"]
    own = f"Wav2CLIP ({os.path.basename(tiny_checkpoint)})"
    assert cells["classification", name, own]["scores"]["accuracy"] > 0.4
    assert cells["classification", name, "mine:Loud"]["n"] == 41
    assert ("classification", name, "mine:Short") not in cells
    for problem in ("41 clips", "gives no vector without NaN", "openl3_audio_mel256_env"):
        assert problem in result.stdout
    page = (tmp_path / "results" / "report.html").read_text("utf-8")
    assert "openl3_audio_mel256_env" in page


def test_a_second_run_computes_nothing(tmp_path, esc_folder):
    arguments = [
        "--tasks",
        "classification",
        "map",
        "--data-root",
        str(esc_folder),
        "--features",
        "mfcc",
        "--probe",
        "logistic",
        "--out",
        str(tmp_path),
    ]
    assert run_all.main(arguments) == 0
    first = read_cells(tmp_path)
    assert len(first) == 2

    def fail(*_):
        raise AssertionError("computed again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extraction, "compute_piece", fail)
        assert run_all.main(arguments) == 0
    assert read_cells(tmp_path) == first


def test_a_full_disk(tmp_path, esc_folder, monkeypatch, capsys):
    """It is said what cannot be written, nothing is left half written, and the run goes on."""
    out = tmp_path / "out"
    arguments = [
        "--tasks",
        "classification",
        "--data-root",
        str(esc_folder),
        "--features",
        "mfcc",
        "--probe",
        "logistic",
        "--out",
        str(out),
    ]
    room, fsync = [2], os.fsync

    def fill(file):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    monkeypatch.setattr("skw2c.system._atomic.os.fsync", fill)
    for n_written in (0, 1, 3):
        room[0] = n_written
        assert run_all.main(arguments) == 1
        errors = capsys.readouterr().err
        assert "No space left on device" in errors
        assert str(out) in errors
        assert "give the same command again" in errors
        assert not list(out.rglob(".*"))
    room[0] = 1000
    assert run_all.main(arguments) == 0
    assert len(read_cells(out)) == 1


def test_small_world(tmp_path, monkeypatch, tiny_world, capsys):
    """Every task in the generated world, by encoders that were trained for some seconds."""
    monkeypatch.setattr(generated, "make_small_world", lambda **_: tiny_world)
    monkeypatch.setattr(generated, "N_MIXTURES", {"train": 20, "test": 20})
    arguments = [
        "--out",
        str(tmp_path),
        "--n-train",
        "96",
        "--n-test",
        "48",
        "--seed",
        "3",
        "--supervise-epochs",
        "1",
        "--caption-epochs",
        "2",
        "--n-trials",
        "1",
        "--probe",
        "logistic",
    ]
    assert run_all.main(arguments) == 0
    told = capsys.readouterr().out
    assert told.index("This will take about") < told.index("classification | ")
    assert "With --quick Supervise is left out" in told
    assert re.search(r"It took \d+\.\d minutes, and \d+\.\d of all processors", told)
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert (scores["cpu_seconds"] > 0).any()
    cells = read_cells(tmp_path)
    names = {kind.name for kind in TASKS.values()}
    assert {task for task, _, _ in cells} == names - {"fine-tuning", "pictures from sound"}
    systems = {"Supervise", "MFCC", "Wav2CLIP (untrained)", "Wav2CLIP mini", "Wav2CLIP (distilled)"}
    assert {system for _, _, system in cells} == systems
    assert not any(cell["problem"] for cell in cells.values())
    world, mixtures = "generated world", "generated mixtures"
    distilled = "Wav2CLIP (distilled)"
    assert cells["zero-shot", world, distilled]["controls"] == {"chance": pytest.approx(0.1)}
    assert cells["zero-shot", f"{world}, kinds never heard", distilled]["controls"] == {
        "chance": 0.5
    }
    among_all = cells["zero-shot", f"{world}, kinds never heard, among all", distilled]
    assert among_all["controls"] == {"chance": pytest.approx(1 / 12)}
    spread = cells["data efficiency", world, "MFCC"]["spread"]
    assert "accuracy at 1 %" in spread
    assert "accuracy at 100 %" not in spread  # there is but one draw of all
    assert not cells["data efficiency", world, "Supervise"]["spread"]
    assert "more epochs" in (tmp_path / "report.md").read_text("utf-8")
    assert "mean average precision" in cells["classification", mixtures, "Supervise"]["scores"]
    shares = [p["share"] for p in cells["data efficiency", world, "MFCC"]["details"]["curve"]]
    assert shares == [1, 2, 5, 10, 20, 50, 100]
    learner = cells["data efficiency", world, "Supervise"]
    assert [point["share"] for point in learner["details"]["curve"]] == [1, 2, 5, 10, 100]
    assert "not trained on 20 % and 50 %: that takes long" in learner["notes"]
    columns = re.findall(r"accuracy at (\d+) %", (tmp_path / "report.md").read_text("utf-8"))
    assert columns[:7] == ["1", "2", "5", "10", "20", "50", "100"]
    captions = cells["captioning", world, distilled]
    assert captions["scores"].keys() >= {"CIDEr-D", "BLEU-1", "BLEU-4", "ROUGE-L"}
    assert captions["controls"].keys() == {"shuffled captions"}
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "This is a generated world" in page
    assert len(scores) > 40


def test_pictures_from_sound(tmp_path, monkeypatch, tiny_world):
    vqgan = write_tiny_vqgan(tmp_path / "vqgan.ckpt")
    monkeypatch.setattr(generated, "make_small_world", lambda **_: tiny_world)
    monkeypatch.setattr(wav2clip, "train_small_vqgan", lambda *_, **__: vqgan)
    arguments = [
        "--tasks",
        "pictures-from-sound",
        "--features",
        "mfcc",
        "wav2clip",
        "--out",
        str(tmp_path),
        "--n-train",
        "12",
        "--n-test",
        "24",
        "--n-painted",
        "12",
        "--painting-steps",
        "2",
    ]
    assert run_all.main(arguments) == 0
    ((key, cell),) = read_cells(tmp_path).items()
    assert key == ("pictures from sound", "generated world", "Wav2CLIP (distilled)")
    assert cell["n"] == 12
    assert cell["scores"].keys() == {"seen as the sound's kind"}
    assert cell["controls"].keys() == {"chance", "shuffled vectors", "before any step"}
    cosines = cell["details"]["mean cosine of picture and sound"]
    assert list(cosines) == ["after step 0", "after step 1", "after step 2"]
    example = cell["details"]["examples"][0]
    assert example["found"][0]["right"] == (
        f"seen as {example['query']}" == example["found"][0]["label"]
    )
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "generated from its sound" in page


def test_shuffled_vectors_are_chance():
    truth = np.repeat(["a", "b", "c", "d", "e"], 8)
    assert abs(image_generation.shuffle(truth, truth, seed=0) - 0.2) < 0.01
    assert image_generation.choose_examples(truth) == [0, 1, 8, 9, 16, 17, 24, 25, 32, 33]


def test_clips_that_are_tested_on_are_held_out(tiny_world):
    train = make_audiovisual_events(24, random_state=0)
    test = make_audiovisual_events(24, random_state=generated.HELD_OUT)
    both = generated.join(generated.as_dataset(train, "train"), generated.as_dataset(test, "test"))
    assert len(both) == 48
    assert both.split.tolist() == ["train"] * 24 + ["test"] * 24
    second = both.tested()
    for row in range(24):
        np.testing.assert_array_equal(second.clips[row], test.data[row])
        own = test.events[test.events["row"] == row]
        got = second.events[second.events["row"] == row]
        assert got["onset"].tolist() == own["onset"].tolist()


def test_seconds_are_labelled_by_what_fills_them():
    events = pd.DataFrame(
        {
            "row": [0, 0, 1],
            "label": ["bell", "bell", "rain"],
            "onset": [0.2, 3.6, 0.0],
            "offset": [1.3, 4.2, 9.0],
        }
    )
    data = dataset.AudioDataset("set", [0, 1], classes=["bell", "rain"], events=events)
    assert frame_level.label_seconds(data, 0, 5).tolist() == ["bell", None, "", None, None]
    assert set(frame_level.label_seconds(data, 1, 5)) == {"rain"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "esc51"], "unknown: esc51"),
        (["--datasets", "esc51"], "unknown: esc51; known: esc50"),
        (["--data-root", "nowhere"], "nowhere"),
        (["--profile", "paper"], "needs --data-root"),
        (["--data-root", ".", "--features", "nothing:there"], "nothing"),
        (["--features", "nothing"], "module:factory"),
        (["--datasets", "esc50"], "esc50 must be read from --data-root"),
        (["--profile", "world", "--data-root", "."], "leave --data-root out"),
        (["--data-root", ".", "--n-seeds", "2"], "--n-seeds is for the generated world"),
        (["--data-root", ".", "--quick"], "--quick is for the generated world"),
        (["--quick", "--features", "mfcc", "supervise"], "--quick leaves supervise out"),
        (["--supervise-shares", "3"], "--supervise-shares"),
        (["--data-root", ".", "--features", "broken_module:make"], "SyntaxError"),
    ],
)
def test_bad_arguments(tmp_path, arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_module.py").write_text("def make(:")
    try:
        status = run_all.main(arguments)
    except SystemExit as exc:
        status = exc.code
    assert status != 0
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors


@pytest.mark.filterwarnings("ignore:batch_size=")
def test_learners_pass_over_what_cannot_be_read(tmp_path, esc_folder):
    """An encoder that is trained from scratch gets the clips that others get vectors of."""
    arguments = [
        "--tasks",
        "classification",
        "--data-root",
        str(esc_folder),
        "--features",
        "supervise",
        "--supervise-width",
        "2",
        "--supervise-epochs",
        "1",
        "--out",
        str(tmp_path),
    ]
    assert run_all.main(arguments) == 0
    (cell,) = read_cells(tmp_path).values()
    assert cell["n"] == 40
    assert "1 clips could not be read" in cell["notes"]


def test_rows_are_called_what_they_are(tmp_path, tiny_checkpoint):
    """Somebody's own weights are not compared with the official ones; in-domain rows are marked."""

    def find(name, *more):
        parsed = options.parse_arguments(["--data-root", ".", *more], TASKS, ["esc50"])
        return catalogue.official_systems(parsed)[name]

    assert find("wav2clip").title == "Wav2CLIP"
    own = find("wav2clip", "--weights", tiny_checkpoint)
    assert own.title == f"Wav2CLIP ({os.path.basename(tiny_checkpoint)})"
    assert find("wav2clip", "--weights", "none").trained_on == ()
    assert find("audioclip").title != find("audioclip-partial").title

    class Told:
        name = "classification"
        zero_shot = False
        suits = staticmethod(lambda system: True)
        fits = staticmethod(lambda data: True)
        prepare = staticmethod(lambda data: data)
        variants = staticmethod(lambda data, system: [(data.name, ())])

        def fingerprint(self, options, data, system):
            return ()

        def fill(self, bench, cell, data, system):
            cell.scores = {"accuracy": 1.0}

    store = cells.CellStore(tmp_path)
    for name, marked in (("VGGSound", True), ("ESC-50", False)):
        data = dataset.AudioDataset(name, [])
        run = bench.Bench(None, [data], [find("wav2clip")], store, None, None)
        run.run(Told())
        assert any(note.startswith("in-domain") for note in run.cells[0].notes) == marked


def test_check_data(tmp_path, esc_folder, capsys):
    assert run_all.main(["--check-data", "--data-root", str(esc_folder)]) == 0
    text = capsys.readouterr().out
    assert str(esc_folder) in text
    for url in ("zenodo.org/records/4060432", "github.com/hche11/VGGSound"):
        assert url in text


@pytest.mark.parametrize("named", [["--datasets", "esc50"], ["--tasks", "esc50", "map"]])
def test_check_data_of_some(esc_folder, capsys, named):
    assert run_all.main(["--check-data", "--data-root", str(esc_folder), *named]) == 0
    text = capsys.readouterr().out
    assert text.count("name: ") == 1
    assert "name: esc50" in text
    assert str(esc_folder) in text


def test_real_sound(esc_folder, tmp_path, capsys):
    assert run_all.main(["--real-sound", str(esc_folder), "--out", str(tmp_path)]) == 0
    cells = read_cells(tmp_path)
    assert {(task, system) for task, _, system in cells} == {
        ("classification", "Wav2CLIP mini"),
        ("classification", "MFCC"),
        ("zero-shot", "Wav2CLIP mini"),
    }
    assert not any(cell["problem"] for cell in cells.values())


def test_real_sound_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKW2C_SHARED", str(tmp_path))
    assert run_all.main(["--real-sound"]) == 0
    assert "No real recordings are evaluated" in capsys.readouterr().out
    assert run_all.main(["--real-sound", str(tmp_path)]) == 1  # a folder that was named
    assert "No real recordings are evaluated" in capsys.readouterr().err


def test_each_name_is_taken_once():
    """A system or task that is named twice would stand in the tables twice."""
    parsed = options.parse_arguments(
        [
            "--data-root",
            ".",
            "--tasks",
            "map,esc50",
            "map",
            "--datasets",
            "desed",
            "esc50",
            "desed",
            "--features",
            "mfcc",
            "wav2clip,mfcc",
        ],
        TASKS,
        ["esc50", "desed"],
    )
    assert parsed.tasks == ["map"]
    assert parsed.datasets == ["desed", "esc50"]
    assert parsed.features == ["mfcc", "wav2clip"]


def test_names_that_no_terminal_has(tmp_path):
    """Bytes of a path that are not UTF-8 are spelled out, and nothing stops for them."""
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \xff")
    os.mkdir(folder)
    result = run_python(RUN_ALL, "--check-data", "--data-root", folder, cwd=tmp_path)
    assert r"caf\udce9" in result.stdout


def test_what_a_run_will_take(monkeypatch, capsys):
    """It follows how fast the machine is and how much there is to do."""
    monkeypatch.setattr(estimate, "measure_rate", lambda: 100)

    def parse(*arguments):
        return options.parse_arguments(arguments, TASKS, [])

    def count(*arguments):
        parsed = parse(*arguments)
        systems = catalogue.world_systems(generated.World(parsed))
        minutes = estimate.estimate_minutes(parsed, [systems["mfcc"], systems["supervise"]])
        return sum(minutes.values())

    whole = count()
    assert count("--n-seeds", "2") == pytest.approx(2 * whole)
    assert count("--supervise-shares", "100") < whole
    monkeypatch.setattr(estimate, "measure_rate", lambda: 50)
    assert count() == pytest.approx(2 * whole)
    estimate.print_estimate(parse(), [catalogue.official_systems(parse())["mfcc"]])
    told = capsys.readouterr().out
    assert "This will take about" in told
    assert "Supervise" not in told


def test_the_machine_is_measured():
    """Nothing that is drawn elsewhere changes by it."""
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    assert estimate.measure_rate() > 0
    assert torch.rand(1) == first


def test_quick_leaves_out_what_is_trained_from_scratch(tmp_path, monkeypatch, tiny_world):
    monkeypatch.setattr(generated, "make_small_world", lambda **_: tiny_world)
    chosen = []
    monkeypatch.setattr(run_all, "run_once", lambda *arguments: chosen.append(arguments[2]) or [])
    monkeypatch.setattr(run_all, "print_estimate", lambda *_: None)
    for arguments, names in (
        (["--quick"], {"mfcc", "untrained", "mini", "wav2clip"}),
        ([], {"supervise", "mfcc", "untrained", "mini", "wav2clip"}),
    ):
        run_all.main([*arguments, "--out", str(tmp_path)])
        assert {system.name for system in chosen.pop()} == names
