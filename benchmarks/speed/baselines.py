"""How fast YAMNet and OpenL3 are: skw2c against the programs they come from.

All read the same files with the same weights, each measurement in a process of its own, in
turns. YAMNet is compared with the TFLite program, window after window. OpenL3 is compared
with torchopenl3 where that can be imported (it pins an old resampy, so it is no dependency),
and with an equal-cost reference: the same spectrograms and the same network, as torch runs it
layer by layer.
"""

import json
import statistics
import tempfile
from pathlib import Path

from skw2c.system._atomic import write_atomically

WORKER = "baselines_worker"
COMPARED = {
    "YAMNet": ("skw2c yamnet", ["tflite yamnet"]),
    "OpenL3, hop 1.0 s": ("skw2c openl3", ["torch openl3", "torchopenl3"]),
}


def add_arguments(parser):
    """Add what the command line says of these measurements."""
    own = parser.add_argument_group("baselines")
    own.add_argument("--baselines", action="store_true", help="measure YAMNet and OpenL3")
    own.add_argument("--tflite", help="the file yamnet.tflite; without it YAMNet is left out")
    own.add_argument("--n-openl3", type=int, default=40, help="files for OpenL3, which is slow")


def main(options, files, run_worker):
    """Measure, print a table, and write it."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = prepare(options, files, Path(folder))
        rounds = [
            {
                engine: run_worker(jobs[title], engine, "clip", WORKER)
                for title in jobs
                for engine in (COMPARED[title][0], *COMPARED[title][1])
            }
            for _ in range(options.repeats)
        ]
    page = describe(rounds, list(jobs), options)
    Path(options.out).mkdir(parents=True, exist_ok=True)
    write_atomically(Path(options.out) / "speed_baselines.md", page.encode())
    print(page)
    return 0


def prepare(options, files, folder):
    """The job of each system: its files, and its weights where they are no random ones."""
    counts = {"OpenL3, hop 1.0 s": options.n_openl3}
    if options.tflite:
        counts = {"YAMNet": len(files), **counts}
    jobs = {}
    for title, n in counts.items():
        jobs[title] = folder / f"{len(jobs)}.json"
        jobs[title].write_text(
            json.dumps({"files": files[:n], "tflite": options.tflite, "n_jobs": options.n_jobs})
        )
    return jobs


def describe(rounds, titles, options):
    """The table, from medians and from the ratios of each pair."""
    import pandas as pd  # a bare GPU machine measures training without it

    rows, differences, absent = [], [], []
    for title in titles:
        ours, peers = COMPARED[title]
        for engine in (ours, *peers):
            if "absent" in rounds[0][engine]:
                absent.append(f"{engine} is left out: {rounds[0][engine]['absent']}.")
                continue
            results = [measured[engine] for measured in rounds]
            pairs = [(measured[ours], measured[engine]) for measured in rounds]
            rows.append(
                {
                    "system": title,
                    "program": engine,
                    "clips": results[0]["n_files"],
                    "clips/s": f"{_median(results, 'clips_per_second'):.2f}",
                    "skw2c is faster by": f"{_ratio(pairs, 'clips_per_second'):.2f}",
                    "peak memory, MB": f"{_median(results, 'peak_megabytes'):.0f}",
                }
            )
            probes = zip(results[0]["probe"], rounds[0][ours]["probe"], strict=True)
            differences.append(f"{engine} {max(abs(x - y) for x, y in probes):.1e}")
    page = [
        "# Speed of the baselines",
        f"Files from {options.data_root or 'make_sound_events'}, to one vector each, medians of "
        f"{options.repeats} turns; {rounds[0][ours]['threads']} threads of torch. Of YAMNet these "
        "are the mean scores; OpenL3 has random weights.",
        pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True),
        f"Largest difference to the vector of skw2c, first clip: {', '.join(differences)}. (The "
        "TFLite program computes with 8-bit integers.)",
        *absent,
    ]
    return "\n\n".join(page) + "\n"


def _median(results, key):
    return statistics.median(result[key] for result in results)


def _ratio(pairs, key):
    return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)
