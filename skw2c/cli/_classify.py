"""Classify sound files by labels that you choose, without training (zero-shot).

Each file gets the label whose text is most similar, with its probability among all labels.
With --mode frame, the result is sound events with onset and offset in seconds; with
--multilabel, a file may have any number of labels.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext

import skw2c

from ..system._text_file import read_text
from ..validation._file_names import column_of_names
from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._options import add_encoder, add_paths, add_text, make_encoder, make_text_encoder
from ._partial_folder import resumable
from ._tables import check_output, write_table

HELP = "classify sound files by labels that you choose"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_paths(parser)
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", metavar="A,B,C", help="labels to choose from")
    labels.add_argument("--labels-file", metavar="FILE", help="file with one label per line")
    parser.add_argument("--multilabel", action="store_true", help="any number of labels")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="COSINE",
        help="lowest similarity of a label, for --multilabel",
    )
    parser.add_argument(
        "--all", action="store_true", help="write the probability of every label (for --mode clip)"
    )
    parser.add_argument("--out", metavar="FILE", help="table to write (default: the terminal)")
    add_text(parser)
    add_encoder(parser)


def run(options: Namespace) -> int:
    """Classify the files; return the exit status."""
    check_output(options.out)
    if options.all and options.mode == "frame":
        raise ValueError("--all only works with --mode clip")
    files = find_files(options.paths, on_error=options.on_error)
    classifier = skw2c.ZeroShotClassifier(
        _read_labels(options),
        text_encoder=make_text_encoder(options),
        prompts=options.prompt or "auto",
        mode=options.mode,
        tail=options.tail or "pad",
        multilabel=options.multilabel,
        threshold=options.threshold,
        device=options.device,
    )
    with _memory(options) as memory, listed_failures(files.unread) as failures:
        classifier.set_params(encoder=make_encoder(options, memory)).fit()
        write_table(_tabulate(classifier, files, options.all), options.out)
    return SOME_FAILED if failures else 0


def _memory(options: Namespace):
    return resumable(options.out) if options.out else nullcontext()


def _read_labels(options: Namespace) -> list[str]:
    if options.labels is not None:
        labels = options.labels.split(",")
    else:
        # Not by `splitlines`, which also splits at characters that may be part of a label.
        labels = io.StringIO(read_text(options.labels_file), newline=None).read().split("\n")
    labels = [label.strip() for label in labels if label.strip()]
    reserved = sorted({"file", "files"} & set(labels))
    if options.all and reserved:
        raise ValueError(
            f"with --all, two columns would be named {reserved[0]!r}: rename the label"
        )
    return labels


def _tabulate(classifier, files: list[str], everything: bool):
    """Return one row for each file, each event, or each label of a file."""
    import numpy as np
    import pandas as pd

    if classifier.mode == "frame":
        events = classifier.predict_events(files)
        events.insert(0, "file", column_of_names([files[row] for row in events.pop("row")]))
        return events
    probabilities = classifier.predict_proba(files)
    if everything:
        table = pd.DataFrame(probabilities, columns=list(classifier.classes_))
        table.insert(0, "file", column_of_names(files))
        return table
    if classifier.multilabel:
        has = probabilities > 0.5
        has[np.isnan(probabilities).any(1), 0] = True  # a file that failed has a row without label
        rows, columns = np.nonzero(has)
    else:
        rows = np.arange(len(files))
        columns = np.where(np.isnan(probabilities).any(1), 0, probabilities.argmax(axis=1))
    found = probabilities[rows, columns]
    labels = np.where(np.isnan(found), "", classifier.classes_[columns])
    return pd.DataFrame(
        {
            "file": column_of_names([files[row] for row in rows]),
            "label": labels,
            "probability": found,
        }
    )
