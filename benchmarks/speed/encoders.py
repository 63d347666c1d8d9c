"""How fast a folder of sound files becomes a matrix: skw2c against the original program.

Both run on the same files with the same checkpoint, each measurement in a process of its
own, in turns, so that the ratios hold where the machine's speed drifts. The network is
also compared with the rate at which this machine computes convolutions.

With --train it is the training that is measured, see training.py; with --baselines it is
encoders of others, see baselines.py.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.speed import baselines, portable_worker, training
from skw2c.system._atomic import write_atomically

MODES = ("clip", "frame")
PORTABLE = tuple(portable_worker.MEASUREMENTS)
ENGINES = ("skw2c", "skw2c openvino", "skw2c mini", *PORTABLE, "original")


def main(arguments=None):
    """Measure, print a page of tables, and write it."""
    options = parse_arguments(arguments)
    if options.train:
        return training.main(options)
    if options.baselines:
        with tempfile.TemporaryDirectory() as folder:
            return baselines.main(options, list_files(options, Path(folder)), run_worker)
    with tempfile.TemporaryDirectory() as folder:
        job = prepare(options, Path(folder))
        rounds = [
            {
                (engine, mode): run_worker(job, engine, mode, worker_of(engine))
                for mode in MODES
                for engine in ENGINES
            }
            for _ in range(options.repeats)
        ]
        network = run_worker(job, "network", "clip")
    page = "\n\n".join([*describe(rounds, options), describe_network(network)]) + "\n"
    Path(options.out).mkdir(parents=True, exist_ok=True)
    write_atomically(Path(options.out) / "speed.md", page.encode())
    print(page)
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="speed.py", description=__doc__)
    parser.add_argument("--data-root", help="folder with sound files; default: generated wav files")
    parser.add_argument("--n-files", type=positive, default=200)
    parser.add_argument("--repeats", type=positive, default=3, help="pairs of measurements")
    parser.add_argument(
        "--rounds", type=positive, default=15, help="turns of the network and bare convolutions"
    )
    parser.add_argument("--n-jobs", type=int)
    parser.add_argument("--out", default="results")
    baselines.add_arguments(parser)
    training.add_arguments(parser)
    return parser.parse_args(arguments)


def positive(text):
    """Read a number of at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def prepare(options, folder):
    """Choose the files, write what is missing, and draw a checkpoint in the official format."""
    import torch

    from skw2c.models import random_wav2clip
    from skw2c.weights import write_safetensors

    checkpoint, safetensors = folder / "random.pt", folder / "random.safetensors"
    state = random_wav2clip(0).state_dict()
    torch.save(state, checkpoint)
    write_safetensors(safetensors, state, {})
    files = list_files(options, folder)
    listing = folder / "job.json"
    listing.write_text(
        json.dumps(
            {
                "files": files,
                "checkpoint": str(checkpoint),
                "safetensors": str(safetensors),
                "n_jobs": options.n_jobs,
                "rounds": options.rounds,
            }
        )
    )
    return listing


def list_files(options, folder):
    """The files to embed, as many as are asked for."""
    if options.data_root is None:
        files = write_generated(folder, options.n_files)
    else:
        files = sorted(p for p in Path(options.data_root).rglob("*") if is_sound(p))
    if not files:
        raise SystemExit(f"speed.py: found no sound files below {options.data_root}")
    return [str(path) for path in files[: options.n_files]]


def is_sound(path):
    """Whether both programs read the file."""
    return path.suffix.lower() in {".wav", ".flac", ".ogg", ".mp3"}


def write_generated(folder, n_files):
    """Write generated sounds as wav files of 44.1 kHz."""
    import soundfile

    from skw2c.datasets import make_sound_events

    sounds = make_sound_events(n_files, sampling_rate=44100, random_state=0)
    paths = [folder / f"{row:05d}.wav" for row in range(n_files)]
    for path, waveform in zip(paths, sounds.data, strict=True):
        soundfile.write(path, waveform, sounds.sampling_rate)
    return paths


def worker_of(engine):
    """The program that measures it; in one of them nothing imports torch."""
    return "portable_worker" if engine in PORTABLE else "worker"


def run_worker(job, engine, mode, worker="worker"):
    """Measure in a new process, by a program of this room."""
    root = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([root, inherited]) if inherited else root
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-m", f"{__package__}.{worker}", str(job), engine, mode],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return json.loads(result.stdout.splitlines()[-1])


def describe(rounds, options):
    """Tables of both modes, from medians and from the ratios of each pair."""
    import pandas as pd

    rows = []
    for mode in MODES:
        for engine in ENGINES:
            results = [measured[engine, mode] for measured in rounds]
            pairs = [(measured[engine, mode], measured["original", mode]) for measured in rounds]
            rows.append(
                {
                    "mode": mode,
                    "program": engine,
                    "clips/s": f"{median_of(results, 'clips_per_second'):.1f}",
                    "ratio": f"{ratio_of(pairs, 'clips_per_second'):.2f}",
                    "peak memory, MB": f"{median_of(results, 'peak_megabytes'):.0f}",
                    "memory ratio": f"{ratio_of(pairs, 'peak_megabytes'):.2f}",
                }
            )
    first = rounds[0]
    largest = max(
        abs(x - y)
        for mode in MODES
        for x, y in zip(
            first["skw2c", mode]["probe"], first["original", mode]["probe"], strict=True
        )
    )
    return [
        "# Speed",
        f"{first['skw2c', 'clip']['n_files']} files from "
        f"{options.data_root or 'make_sound_events'}, medians of {options.repeats} pairs of runs, "
        f"{first['skw2c', 'clip']['threads']} threads of torch. `ratio` is to the original, "
        "the median over the pairs. Memory is the peak of the whole process, of which importing "
        f"torch takes {first['skw2c', 'clip']['import_megabytes']:.0f} MB; with ONNX Runtime it is "
        "not imported.",
        pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True),
        "Largest difference between the vectors of both programs for the first clip: "
        f"{largest:.1e}.",
        f"The original is wav2clip 0.1.0 from PyPI, with {first['original', 'clip']['changes']}.",
    ]


def median_of(results, key):
    return statistics.median(result[key] for result in results)


def ratio_of(pairs, key):
    return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)


def describe_network(network):
    """The network alone, as a share of the machine's rate of convolution."""
    engines = ", and ".join(
        f"in {name} {engine['milliseconds']:.1f} ms per clip of 5 seconds "
        f"({engine['gflops']:.0f} GFLOP/s, **{100 * engine['share']:.0f} %**)"
        for name, engine in network["engines"].items()
    )
    return (
        f"Network alone: {engines} of the {network['machine_gflops']:.0f} GFLOP/s at which the "
        "same threads compute the network's bare 3 x 3 convolutions (the fastest of four "
        "shapes; medians of rounds in turns). Products with the zeros of the padding are "
        "counted in neither."
    )
