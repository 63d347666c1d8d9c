"""Distil YAMNet without labels: what a small encoder of ours learns from few clips.

Of each official fold of ESC-10 or ESC-50 in turn: the encoder of Wav2CLIP learns, from
nothing, to tell YAMNet's vectors from the sound of the other folds, whose labels it is not
shown; then logistic regression learns the labels from the frozen vectors, and is asked for
those of the fold. The learning rate is chosen within the other folds. Run again, it goes on
where it was.
"""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline

from benchmarks.datasets import readers
from benchmarks.running.probes import make_probe
from benchmarks.systems.distilled_features import DistilledFeatures, make_student
from benchmarks.systems.mfcc import MFCCTransformer
from skw2c import Wav2CLIPTransformer, YAMNetTransformer
from skw2c.system._atomic import write_atomically


def make_features(options):
    """All that is compared, from clips to vectors."""
    teacher = YAMNetTransformer(options.yamnet, tail="drop", memory=options.cache)
    student = make_student(
        teacher,
        encoder_width=options.encoder_width,
        clip_length=options.clip_length,
        max_epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rates[0],
        precision=options.precision,
        random_state=options.seed,
        verbose=options.verbose,
    )
    distilled = {
        f"distilled, {output}": DistilledFeatures(student, output, f"{options.cache}/runs")
        for output in ("encoder", "embedding")
    }
    return {
        "YAMNet, the teacher": teacher,
        **distilled,
        "MFCC statistics": MFCCTransformer(),
        "untrained encoder": Wav2CLIPTransformer(
            None, output="encoder", memory=options.cache, random_state=options.seed
        ),
    }


def evaluate(data, name, features, options):
    """Accuracy of each fold."""
    clips, rows = np.array(data.clips), []
    for fold in sorted(set(data.fold)):
        train, test = data.fold != fold, data.fold == fold
        pipeline = make_pipeline(features, make_probe("logistic", options.seed))
        if isinstance(features, DistilledFeatures) and len(options.learning_rates) > 1:
            pipeline = choose_rate(pipeline, data.fold[train], fold, options)
        pipeline.fit(clips[train], data.target[train])
        row = {
            "features": name,
            "fold": fold,
            "n_train": train.sum(),
            "n_test": test.sum(),
            "accuracy": pipeline.score(clips[test], data.target[test]),
            **getattr(pipeline, "best_params_", {}),
        }
        print(", ".join(f"{k} {v}" for k, v in row.items()), file=sys.stderr, flush=True)
        rows.append(row)
    return pd.DataFrame(rows).rename(columns={_RATE: "learning_rate"})


_RATE = "distilledfeatures__distiller__learning_rate"


def choose_rate(pipeline, folds, test_fold, options):
    """Let a learning rate be chosen by the fold after the test fold; the others train."""
    following = [fold for fold in sorted(set(folds)) if fold > test_fold] or [min(folds)]
    judges = PredefinedSplit(np.where(folds == following[0], 0, -1))
    return GridSearchCV(pipeline, {_RATE: options.learning_rates}, cv=judges, error_score="raise")


def describe_rates(rates):
    """Where the learning rate comes from."""
    if len(rates) == 1:
        return f"The learning rate is {rates[0]:g}."
    return f"The learning rate is chosen for each fold within the others, of {rates}."


def summarise(scores):
    """Mean and deviation over the folds."""
    rows = [
        {
            "features": name,
            "accuracy, %": f"{100 * of.mean():.2f} ± {100 * of.std(ddof=0):.2f}",
            "folds": len(of),
        }
        for name, of in scores.groupby("features", sort=False)["accuracy"]
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", required=True, help="folder of ESC-10 or ESC-50")
    parser.add_argument("--yamnet", default="yamnet", help="weights of YAMNet: a name, or a file")
    parser.add_argument("--out", default="results/distill_yamnet", help="folder of the report")
    parser.add_argument("--cache", help="folder of vectors and checkpoints; default: OUT/cache")
    parser.add_argument("--encoder-width", type=int, default=16)
    parser.add_argument("--clip-length", type=float, default=2.5, help="in seconds")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rates", type=read_rates, default=[1e-3, 3e-3])
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="show how training goes")
    options = parser.parse_args(arguments)
    options.cache = options.cache or f"{options.out}/cache"
    return options


def read_rates(text):
    """Read numbers with commas between them."""
    return [float(rate) for rate in text.split(",")]


def main(arguments=None):
    """Run the comparison and write its tables."""
    options = parse_arguments(arguments)
    data = readers.read("esc50", options.data_root)
    features = make_features(options).items()
    scores = pd.concat([evaluate(data, name, kind, options) for name, kind in features])
    command = shlex.join(sys.argv[1:] if arguments is None else arguments)
    page = "\n\n".join(
        [
            f"# YAMNet distilled on {data.name}",
            f"Command: `python -m benchmarks.mini.distill_yamnet {command}`",
            summarise(scores),
            f"resnet18 of width {options.encoder_width}, pieces of {options.clip_length:g} "
            f"seconds, {options.epochs} epochs. No label is seen before the logistic regression, "
            "by which all rows are judged. Accuracy is the mean and the standard deviation over "
            f"the folds. {describe_rates(options.learning_rates)}",
        ]
    )
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "distill_yamnet.csv", scores.to_csv(index=False).encode())
    write_atomically(out / "distill_yamnet.md", f"{page}\n".encode())
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
