"""Make the tables and figures of the papers.

Without arguments everything runs offline, in a small generated world: a small CLIP and an
encoder of sound are trained in it, and evaluated on clips that are held out; ``--quick`` leaves
out what is trained from scratch on labels. With ``--data-root`` the official data sets that are
there are evaluated on instead; with ``--real-sound`` the encoder in the package, on ESC-10.
"""

import errno
import os

# Threads of torch that wait for each other should sleep: those that spin take the processor from
# the ones they wait for where others use it too, and a step of training takes several times as
# long. OpenMP reads this when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import platform
import resource
import shlex
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

if __name__ == "__main__":
    # Python puts a script's own folder on the path, where the rooms hide packages of their names.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import pandas as pd

from benchmarks.datasets.generated import World
from benchmarks.datasets.readers import READERS, check_data, read
from benchmarks.reports import as_plain, write_report
from benchmarks.running.bench import Bench, print_cell
from benchmarks.running.cells import CellStore, average_seeds, count_cpu_seconds
from benchmarks.running.estimate import print_estimate
from benchmarks.running.extraction import VectorCache, backend
from benchmarks.running.fingerprint import fingerprint_java_scores
from benchmarks.running.options import NoRealSoundError, parse_arguments
from benchmarks.running.probes import PROBES
from benchmarks.running.trials import TrialStore
from benchmarks.systems.catalogue import choose_systems, official_systems, world_systems
from benchmarks.tasks import TASKS

# Keys of finished runs on disk spell out what is encoded as it was first called.
_FIRST_CALLED = {"sound": "sound", "texts": "texts", "images": "pictures"}
_WHEN_FULL = ". Make room, and give the same command again: what is finished is kept"
_PACKAGES = (
    "skw2c",
    "torch",
    "scikit-learn",
    "numpy",
    "librosa",
    "soundfile",
    "soxr",
    "open-clip-torch",
    "umap-learn",
)


def main(arguments=None):
    """Run what the command line asks for; return the exit status."""
    start, used = time.perf_counter(), count_cpu_seconds()
    try:
        options = parse_arguments(arguments, TASKS, list(READERS))
        if options.check_data:
            print_data(check_data(options.data_root or ".", options.datasets))
            return 0
        facts = make_facts(options, sys.argv[1:] if arguments is None else arguments)
        run = run_world if options.profile == "world" else run_paper
        cells = run(options, facts)
        facts |= {
            "minutes": (time.perf_counter() - start) / 60,
            "CPU minutes": (count_cpu_seconds() - used) / 60,
            "peak memory": peak_memory(),
        }
        colours = facts.pop("colours")
        write_report(cells, facts, Path(options.out), colours)
    except NoRealSoundError as exc:
        print(exc)
        return 0
    except (ValueError, OSError, ImportError) as exc:
        full = getattr(exc, "errno", None) == errno.ENOSPC
        print(f"run_all.py: {exc}{_WHEN_FULL if full else ''}", file=sys.stderr)
        return 1
    print(f"\n{tabulate(cells)}\n")
    took = "It took {minutes:.1f} minutes, and {CPU minutes:.1f} of all processors together"
    print(took.format_map(facts))
    print(f"Written to {options.out}/report.html and report.md, with the numbers in CSV files")
    return 0 if any(cell.problem is None for cell in cells) else 1


def run_world(options, facts):
    """All tasks in the generated world, for one or several seeds."""
    cells, first = [], options.seed
    official, known = official_systems(options), world_systems(World(options))
    options.features = options.features or _choose_names(options, known)
    systems = choose_systems(options, {**official, **known})  # before the work
    _check_quick(options, systems)
    facts["colours"] = {system.title: system.colour for system in systems}
    if _is_whole(options):
        print_estimate(options, systems)
    for seed in range(first, first + options.n_seeds):
        options.seed = seed
        world = World(options)
        facts["history"].append({"seed": seed, "rows": world.made.history})
        facts["introduction"] = world.describe()
        systems = choose_systems(options, {**official, **world_systems(world)})
        cells += run_once(options, world, systems, facts)
    options.seed = first
    return average_seeds(cells)


def _choose_names(options, known):
    """The systems of the world; with ``--quick`` only those that are not slow."""
    return [name for name, system in known.items() if not (options.quick and system.slow)]


def _check_quick(options, systems):
    """Refuse to leave out and to run the same system."""
    slow = [system.name for system in systems if system.slow]
    if options.quick and slow:
        left_out = " and ".join(slow)
        raise ValueError(f"--quick leaves {left_out} out: name it among --features, or say --quick")


def _is_whole(options):
    """Whether all tasks that are not slow are run, and nothing is kept of an earlier run."""
    usual = {name for name, task in TASKS.items() if not task.slow}
    return set(options.tasks) == usual and not Path(options.cache, "cells").exists()


def run_once(options, world, systems, facts):
    """The cells of a world; where all of them are finished, its clips are not even made."""
    weights = list_weights(systems)
    facts["weights"] += [row for row in weights if row not in facts["weights"]]
    weights = [row | {"encoder of": _FIRST_CALLED[row["encoder of"]]} for row in weights]
    if not all(name in world_systems(world) for name in options.features):
        return run_tasks(options, world.data(), systems)
    recipes = [system.fingerprint_learning() for system in systems]
    fingerprint = (*world.fingerprint, weights, recipes, fingerprint_java_scores())
    store = CellStore(Path(options.cache, "cells"))
    cells = store.recall(fingerprint)
    if cells is not None:
        for cell in cells:
            print_cell(cell)
        return cells
    cells = run_tasks(options, world.data(), systems)
    if not any(cell.problem for cell in cells):
        store.remember(fingerprint, cells)
    return cells


def run_paper(options, facts):
    """All tasks on the official data sets that are there."""
    systems = choose_systems(options, official_systems(options))
    facts["colours"] = {system.title: system.colour for system in systems}
    data, problems = [], []
    for name in options.datasets:
        try:
            data.append(read(name, options.data_root))
        except (FileNotFoundError, ValueError) as exc:
            problems.append({"data set": name, "clips": 0, "absent": 0, "notes": str(exc)})
    if not data:
        raise FileNotFoundError("\n".join(problem["notes"] for problem in problems))
    rows = [*map(summarise, data), *problems]
    facts["data"] = pd.DataFrame(rows, dtype=object)  # names of folders may hold any bytes
    facts["weights"] = list_weights(systems)
    return run_tasks(options, data, systems)


def tabulate(cells):
    """A table of the first measures: a row for each task and data set, a column for each system."""
    rows, problems = {}, []
    for cell in cells:
        row = rows.setdefault((cell.task, cell.dataset), {"task": cell.task, "data": cell.dataset})
        row["measure"] = row.get("measure") or cell.measure
        row[cell.system] = f"{cell.score:.3f}" if cell.problem is None else "-"
        if cell.problem and (cell.system, cell.problem) not in problems:
            problems.append((cell.system, cell.problem))
    rows, problems = as_plain(rows), as_plain(problems)
    table = pd.DataFrame(list(rows.values())).fillna("")
    text = table.to_markdown(index=False, disable_numparse=True)
    return "\n".join([text, *(f"- {system}: {problem}" for system, problem in problems)])


def print_data(table):
    """Print what is there of each data set, and what is missing."""
    for row in table.to_dict("records"):
        print("\n".join(f"{name}: {value}" for name, value in row.items() if value != ""), "\n")


def summarise(data):
    """What the report tells of a data set."""
    notes = " ".join(data.notes)
    return {"data set": data.name, "clips": len(data), "absent": len(data.missing), "notes": notes}


def run_tasks(options, data, systems):
    """Fill the cells of all tasks."""
    folder = Path(options.cache)
    vectors = VectorCache(folder / "vectors", options.n_jobs)
    store, trials = CellStore(folder / "cells"), TrialStore(folder / "trials")
    bench = Bench(options, data, systems, store, vectors, trials)
    with backend(options.dask):
        for name in options.tasks:
            bench.run(TASKS[name]())
    return bench.cells


def list_weights(systems):
    """Name and checksum of the weights of each system that has some."""
    rows = []
    for system in systems:
        for kind, make in (
            ("sound", system.make_encoder),
            ("texts", system.make_text_encoder),
            ("images", system.make_image_encoder),
        ):
            with suppress(Exception):  # its cells tell what is missing
                reference = make().fit(None).weights_
                row = {"system": system.title, "encoder of": kind, "weights": reference.fingerprint}
                rows.append(row)
    return rows


def make_facts(options, arguments):
    """What the report says of how it came to be."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "absent"
    return {
        "command": shlex.join(["python", "benchmarks/run_all.py", *arguments]),
        "versions": {"Python": platform.python_version(), **versions},
        "environment": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "classifier on frozen vectors": PROBES[options.probe],
        "seeds": list(range(options.seed, options.seed + options.n_seeds)),
        "weights": [],
        "history": [],
        "introduction": [],
    }


def peak_memory():
    """Peak memory of this process, in GB."""
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def print_whatever_comes():
    """Spell out what the terminal's encoding lacks, such as bytes of names that are not UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    print_whatever_comes()
    sys.exit(main())
