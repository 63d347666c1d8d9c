"""Run the benchmarks and write their tables.

Without arguments everything runs offline: on generated sounds, with the official weights
if they are in the cache and else with an untrained encoder (the report says which).
"""

import argparse
import shlex
import sys
import time

import classification_data
import pandas as pd
import report
from classification import CLASSIFIERS, evaluate
from features import FEATURES

from skw2c.weights import is_cached


def run_esc50(options, notes):
    """Classify ESC-50, or generated sounds in its place, with each kind of features."""
    if options.data_root is None:
        data = classification_data.make_generated(options.seed)
        notes.append(
            "The data are generated sounds, in the form of ESC-50: pass --data-root for real ones."
        )
    else:
        data = classification_data.read_esc50(options.data_root)
    if data.missing:
        notes.append(f"{len(data.missing)} files are listed but absent, such as {data.missing[0]}.")
    for name in options.features:
        start = time.perf_counter()
        scores = evaluate(data, FEATURES[name](options), options.classifier, options.seed)
        scores.insert(0, "data", data.name)
        scores.insert(1, "features", _describe(name, options))
        scores.insert(2, "classifier", options.classifier)
        print(
            f"{data.name}, {name}: {100 * scores['accuracy'].mean():.2f} % "
            f"in {time.perf_counter() - start:.1f} s",
            flush=True,
        )
        yield scores


TASKS = {"esc50": run_esc50}


def _describe(name, options):
    if name != "wav2clip":
        return name
    weights = "untrained" if options.weights is None else str(options.weights)
    return f"{name} ({weights}, output={options.output})"


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=_names(TASKS), default=list(TASKS), help="default: all")
    parser.add_argument("--data-root", help="folder of the official data; default: generated")
    parser.add_argument(
        "--features", type=_names(FEATURES), default=list(FEATURES), help="default: all"
    )
    parser.add_argument(
        "--weights",
        default="auto",
        help="'wav2clip' (fetched where needed), the path of a checkpoint, 'none' for an "
        "untrained encoder, or 'auto': 'wav2clip' if it is in the cache, else 'none'",
    )
    parser.add_argument("--output", choices=("clip", "encoder"), default="clip")
    parser.add_argument("--classifier", choices=tuple(CLASSIFIERS), default="mlp")
    parser.add_argument("--out", default="results", help="folder of the report")
    parser.add_argument("--cache", help="folder of computed vectors; default: OUT/cache")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--n-jobs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="show progress bars")
    options = parser.parse_args(arguments)
    options.cache = options.cache or f"{options.out}/cache"
    if options.weights == "auto":
        options.weights = "wav2clip" if is_cached("wav2clip") else "none"
    if options.weights == "none":
        options.weights = None
    return options


def _names(known):
    def parse(text):
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(unknown)}; known: {', '.join(known)}"
            )
        return names

    return parse


def main(arguments=None):
    """Run what the command line asks for; return the exit status."""
    options = parse_arguments(arguments)
    notes = []
    if options.weights is None and "wav2clip" in options.features:
        notes.append(
            "wav2clip ran **untrained**: the official weights were not asked for or are not in "
            "the cache. This shows that the pipeline runs, not what Wav2CLIP can do; pass "
            "--weights wav2clip where there is a network."
        )
    try:
        folds = [scores for task in options.tasks for scores in TASKS[task](options, notes)]
    except (ValueError, OSError) as exc:
        print(f"run_all.py: {exc}", file=sys.stderr)
        return 1
    command = shlex.join(
        ["python", "benchmarks/run_all.py", *(sys.argv[1:] if arguments is None else arguments)]
    )
    page = report.write(pd.concat(folds), options.out, command=command, notes=notes)
    print(f"\n{page}\nWritten to {options.out}/report.md and {options.out}/folds.csv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
