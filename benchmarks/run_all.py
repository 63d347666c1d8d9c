"""Run the benchmarks and write their tables.

Without arguments everything runs offline, in a small generated world: a small CLIP and an
encoder of sound are trained in it, and evaluated on clips that are held out.
"""

import argparse
import shlex
import sys
import time

import classification_data
import pandas as pd
import report
import world
from classification import CLASSIFIERS, evaluate
from features import FEATURES

from skw2c.weights import is_cached


def run_world(options):
    """All tasks of Wav2CLIP in the small generated world."""
    seeds = range(options.seed, options.seed + options.n_seeds)
    results = [world.evaluate(seed, options) for seed in seeds]
    scores = pd.concat([scores for scores, _ in results])
    histories = pd.concat([h.assign(seed=s) for s, (_, h) in zip(seeds, results, strict=True)])
    return report.Section(
        "The small generated world",
        world.summarise(scores),
        {"world.csv": scores, "world_history.csv": histories},
        notes=world.describe(options),
        draw={"learning_curve.png": lambda ax: world.draw_history(ax, histories)},
    )


def run_esc50(options):
    """Classify ESC-50, or generated sounds in its place, with each kind of features."""
    notes = []
    if options.data_root is None:
        data = classification_data.make_generated(options.seed)
        notes.append(
            "The data are generated sounds, in the form of ESC-50: pass --data-root for real ones."
        )
    else:
        data = classification_data.read_esc50(options.data_root)
    if data.missing:
        notes.append(f"{len(data.missing)} files are listed but absent, such as {data.missing[0]}.")
    if options.weights is None and "wav2clip" in options.features:
        notes.append(
            "wav2clip ran **untrained**: the official weights were not asked for or are not in "
            "the cache. This shows that the pipeline runs, not what Wav2CLIP can do; pass "
            "--weights wav2clip where there is a network."
        )
    folds = pd.concat([_classify(data, name, options) for name in options.features])
    notes.append("Accuracy is the mean and the standard deviation over the folds.")
    return report.Section(data.name, _summarise(folds), {"folds.csv": folds}, notes)


TASKS = {"world": run_world, "esc50": run_esc50}


def _classify(data, name, options):
    """The accuracy of one kind of features on every fold."""
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
    return scores


def _summarise(folds):
    """Mean and deviation of the accuracy over the folds, as text in per cent."""
    rows = []
    for (features, classifier), group in folds.groupby(["features", "classifier"], sort=False):
        accuracy = 100 * group["accuracy"]
        rows.append(
            {
                "features": features,
                "classifier": classifier,
                "accuracy, %": f"{accuracy.mean():.2f} ± {accuracy.std(ddof=0):.2f}",
                "folds": len(group),
                "clips": int(group["n_test"].sum()),
            }
        )
    return pd.DataFrame(rows)


def _describe(name, options):
    if name != "wav2clip":
        return name
    weights = "untrained" if options.weights is None else str(options.weights)
    return f"{name} ({weights}, output={options.output})"


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tasks", type=_names(TASKS), help="default: world; with --data-root: esc50"
    )
    parser.add_argument("--data-root", help="folder of the official data; default: generated")
    parser.add_argument("--out", default="results", help="folder of the report")
    parser.add_argument("--cache", help="folder of computed vectors; default: OUT/cache")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--n-jobs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="show progress bars")
    own = parser.add_argument_group("world")
    own.add_argument("--n-seeds", type=int, default=1, help="worlds to average over")
    own.add_argument("--n-train", type=int, default=1500, help="clips to train on")
    own.add_argument("--n-test", type=int, default=480, help="clips to evaluate on")
    own.add_argument("--epochs", type=int, default=24, help="of the encoder of sound")
    own.add_argument("--world", help="folder of what is trained; default: in the cache")
    own = parser.add_argument_group("esc50")
    own.add_argument(
        "--features", type=_names(FEATURES), default=list(FEATURES), help="default: all"
    )
    own.add_argument(
        "--weights",
        default="auto",
        help="'wav2clip' (fetched where needed), the path of a checkpoint, 'none' for an "
        "untrained encoder, or 'auto': 'wav2clip' if it is in the cache, else 'none'",
    )
    own.add_argument("--output", choices=("clip", "encoder"), default="clip")
    own.add_argument("--classifier", choices=tuple(CLASSIFIERS), default="mlp")
    options = parser.parse_args(arguments)
    options.cache = options.cache or f"{options.out}/cache"
    options.tasks = options.tasks or ["world" if options.data_root is None else "esc50"]
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
    options, start = parse_arguments(arguments), time.perf_counter()
    try:
        sections = [TASKS[task](options) for task in options.tasks]
    except (ValueError, OSError) as exc:
        print(f"run_all.py: {exc}", file=sys.stderr)
        return 1
    command = shlex.join(
        ["python", "benchmarks/run_all.py", *(sys.argv[1:] if arguments is None else arguments)]
    )
    notes = [f"All of it took {(time.perf_counter() - start) / 60:.1f} minutes."]
    page = report.write(sections, options.out, command=command, notes=notes)
    print(f"\n{page}\nWritten to {options.out}/report.md, with the numbers in CSV files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
