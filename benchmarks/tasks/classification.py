"""Classes of clips: a small classifier on frozen vectors, or the encoder from scratch."""

import warnings

import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupShuffleSplit, PredefinedSplit, StratifiedGroupKFold

from benchmarks.running.fingerprint import fingerprint_recipe
from benchmarks.running.probes import chance_of, make_probe, mean_average_precision
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.figures import (
    ACCURACY,
    AUDIOCLIP,
    BEST_KNOWN,
    IN_DOMAIN,
    MTEB,
    MTEB_COLUMNS,
    PRECISION,
    QUOTED,
    read_figures,
)
from benchmarks.tasks.task import Task

# Sets whose published measure is the mean average precision, although clips have one class.
_BY_PRECISION = {"VGGSound"}
_N_PARTS = 5

WAV2CLIP_COLUMNS = (
    {"dataset": "ESC-50", "measure": ACCURACY},
    {"dataset": "UrbanSound8K", "measure": ACCURACY},
    {"dataset": "FSD50K", "measure": PRECISION},
    {"dataset": "VGGSound", "measure": PRECISION},
    {"dataset": "TAU 2021", "measure": ACCURACY},
)
"""Columns of classes in table 2 of the Wav2CLIP paper."""
_CITED = "Cited by the paper from the baseline of DCASE 2021, task 1B; not run by its authors."
_ONTOLOGY = "YAMNet was trained with labels of AudioSet, whose classes FSD50K uses."
_ESRESNEXT = "Equal to what the AudioCLIP paper prints for ESResNeXt after 30 epochs."
_FEW = (
    "MTEB's protocol: a logistic regression learns from 8 clips of each class, on splits of its "
    "own; the mean of ten draws. It is not the official folds, on which ours are measured."
)
_OWN_CLASSES = (
    "Its own scores of AudioSet's classes, on the clips for evaluation: no classifier is trained."
)
_BEST_ON_TEST = "The published program keeps the epoch that is best on the test fold: optimistic."


class Classification(Task):
    """Classes of clips: a small classifier on frozen vectors, or an encoder from scratch."""

    name = "classification"
    drawing = Drawing(table="shared")
    published = (
        *read_figures(
            "Wav2CLIP, table 2",
            WAV2CLIP_COLUMNS,
            [
                ({"system": "Supervise"}, ".5300 .6289 .3212 .4512 .3827"),
                ({"system": "OpenL3"}, ".723 .7681 .4053 .3405 .651"),
                ({"system": "YAMNet"}, ".8505 .7832 .5039 .4541 .5667"),
                ({"system": "Wav2CLIP"}, ".8595 .8101 .4308 .4663 .6302"),
                ({"system": BEST_KNOWN}, ".959 .8949 .5671 .544 .687"),
            ],
            notes=[
                ({"system": "OpenL3", "dataset": "TAU 2021"}, _CITED),
                ({"system": "YAMNet", "dataset": "FSD50K"}, _ONTOLOGY),
                ({"system": "Wav2CLIP", "dataset": "VGGSound"}, IN_DOMAIN),
                ({"system": BEST_KNOWN, "dataset": "ESC-50"}, _ESRESNEXT),
                ({"system": BEST_KNOWN, "dataset": "UrbanSound8K"}, _ESRESNEXT),
            ],
        ),
        *read_figures(
            MTEB,
            MTEB_COLUMNS,
            [({"dataset": "ESC-50", "measure": ACCURACY}, "72.1 79.7 96.5 97.0 97.5 97.2")],
            per_cent=True,
            notes=[({}, _FEW)],
            not_comparable=(ACCURACY,),
        ),
        *read_figures(
            "EfficientAT and CED, READMEs",
            [{"dataset": "AudioSet", "measure": PRECISION}],
            [
                ({"system": name}, precision)
                for name, precision in (
                    ("YAMNet", "30.6"),
                    ("mn02", "37.8"),
                    ("mn04", "43.2"),
                    ("mn05", "44.3"),
                    ("mn10", "47.1"),
                    ("mn20", "47.8"),
                    ("mn30", "48.2"),
                    ("mn40", "48.4"),
                    ("mn40_ext", "48.7"),
                    ("ced-tiny", "48.1"),
                    ("ced-mini", "49.0"),
                    ("ced-small", "49.6"),
                    ("ced-base", "50.0"),
                )
            ],
            per_cent=True,
            notes=[({}, _OWN_CLASSES)],
            not_comparable=(PRECISION,),
        ),
    )

    def fits(self, data):
        return data.target is not None

    def suits(self, system):
        return True

    def learner(self, system):
        """What makes a classifier of clips; None for one of frozen vectors."""
        return system.make_classifier

    def fingerprint(self, options, data, system):
        return (system.fingerprint_learning(), options.probe, options.seed, options.n_trials)

    def fill(self, bench, cell, data, system):
        learner, options = self.learner(system), bench.options
        X, rows, source = bench.material(data, system, learner, by_seconds=data.by_seconds)
        n_trials = 1 if learner and data.fold is None else options.n_trials
        trials, tested = [], set()
        for train, test, seed in splits(data, rows, options.seed, n_trials):
            if learner:
                model = learner(seed, len(train))
            else:
                model = make_probe(options.probe, seed, multilabel=data.multilabel)
            scores, classes = bench.try_out(data, source, model, X, rows, train, test)
            tested.update(rows[test].tolist())
            cell.notes += _note_unlearned(data, rows[train], rows[test], cell.notes)
            trials.append(_judge(data, data.target[rows[test]], scores, classes, len(train)))
        summarise(cell, data, trials)
        cell.n = len(tested)
        n_failed = len(data) - len(np.unique(rows))
        if n_failed:
            cell.notes.append(f"{n_failed} clips could not be read")


class FineTuning(Classification):
    """Classes of clips by an encoder that is tuned to them."""

    name = "fine-tuning"
    slow = True
    drawing = Drawing()
    published = (
        *read_figures(
            "AudioCLIP, table 1",
            [{"system": f"ESResNeXt ({n} epochs)"} for n in (5, 30)],
            [
                ({"dataset": "AudioSet", "measure": PRECISION}, "28.17 34.14"),
                ({"dataset": "UrbanSound8K", "measure": ACCURACY}, "89.14 89.49"),
                ({"dataset": "ESC-50", "measure": ACCURACY}, "95.20 95.90"),
            ],
            per_cent=True,
        ),
        *read_figures(
            "AudioCLIP, table 2",
            AUDIOCLIP,
            [
                ({"dataset": "AudioSet, image", "measure": PRECISION}, "8.93 14.82"),
                ({"dataset": "AudioSet, audio", "measure": PRECISION}, "25.85 28.36"),
                ({"dataset": "AudioSet, audio and image", "measure": PRECISION}, "25.11 32.38"),
                ({"dataset": "UrbanSound8K", "measure": ACCURACY}, "89.95 90.07"),
                ({"dataset": "ESC-50", "measure": ACCURACY}, "96.65 97.15"),
            ],
            per_cent=True,
            notes=[({"dataset": name}, _BEST_ON_TEST) for name in ("ESC-50", "UrbanSound8K")],
        ),
        *read_figures(
            "AudioCLIP, table 3",
            [{"dataset": name, "measure": ACCURACY} for name in ("ESC-50", "UrbanSound8K")],
            [
                ({"system": "Human"}, "81.30 -"),
                ({"system": "Piczak-CNN"}, "64.50 73.70"),
                ({"system": "SB-CNN"}, "- 79.00"),
                ({"system": "ESResNet"}, "91.50 85.42"),
                ({"system": "WEANET"}, "94.10 -"),
                ({"system": "DenseNet-201, ensemble of 5"}, "92.89 87.42"),
                ({"system": "ESResNeXt"}, "95.20 89.14"),
                ({"system": "AST"}, "95.60 -"),
                ({"system": "ERANN"}, "96.10 -"),
                ({"system": "Audio-Head"}, "95.90 89.49"),
            ],
            per_cent=True,
            notes=[({}, QUOTED)],
        ),
    )

    def suits(self, system):
        return system.make_fine_tuner is not None

    def learner(self, system):
        return system.make_fine_tuner

    def fingerprint(self, options, data, system):
        return (fingerprint_recipe(system.make_fine_tuner(0, 1)), options.seed, options.n_trials)


def _note_unlearned(data, train, test, known):
    """Notes on classes that are tested, but have no clip to learn from."""
    learned, asked = ({*_classes_of(data, rows)} for rows in (train, test))
    for label in sorted(asked - learned):
        note = f"no clip of {label} was there to learn from in some trial, though some were tested"
        if note not in known:
            yield note


def _classes_of(data, rows):
    if not data.multilabel:
        return data.target[rows].tolist()
    return np.asarray(data.classes)[data.target[rows].any(axis=0)].tolist()


def _judge(data, target, scores, classes, n_train):
    """One trial: its measure, and how often each class is taken for each."""
    measure = measure_of(data)
    trial = {"n_train": n_train, "n_test": len(target)}
    if measure != "accuracy":
        return trial | {measure: mean_average_precision(target, scores, classes)}
    found = np.asarray(classes)[scores.argmax(axis=1)]
    confusion = confusion_matrix(target, found, labels=data.classes)
    return trial | {measure: float(np.mean(found == target)), "confusion": confusion}


def summarise(cell, data, trials):
    """Put the trials into the cell: mean, spread, and all confusions together."""
    measure = measure_of(data)
    values = [trial[measure] for trial in trials]
    cell.scores = {measure: float(np.mean(values))}
    cell.spread = {measure: float(np.std(values))} if len(values) > 1 else {}
    cell.controls = {"chance": chance_of(data.target, measure, data.classes)}
    if measure != "accuracy":
        targets = data.target if data.multilabel else data.target[:, None] == data.classes
        absent = len(data.classes) - int(np.asarray(targets).any(axis=0).sum())
        if absent:
            cell.notes.append(f"{absent} classes without any clip are left out of the mean")
    if "confusion" in trials[0]:
        confusion = sum(trial.pop("confusion") for trial in trials)
        cell.details |= {"confusion": confusion, "classes": list(data.classes)}
    cell.details["folds"] = [{"fold": k + 1, **trial} for k, trial in enumerate(trials)]


def measure_of(data):
    """The measure that is published for a data set."""
    if data.multilabel or data.name in _BY_PRECISION:
        return "mean average precision"
    return "accuracy"


def splits(data, rows, seed, n_trials):
    """Rows to train and to test on, with a seed for each trial.

    Official folds; else the official split, some times with other first weights; else random
    splits, which keep the clips of a recording together and have all classes on both sides, as
    far as both can be had.
    """
    if data.fold is not None:
        splitter = PredefinedSplit(data.fold[rows])
        yield from ((train, test, seed) for train, test in splitter.split())
    elif data.split is not None:
        train, test = (np.flatnonzero(data.split[rows] == part) for part in ("train", "test"))
        yield from ((train, test, seed + trial) for trial in range(n_trials))
    else:
        for trial in range(n_trials):
            yield *_split_at_random(data, rows, seed + trial), seed + trial


def _split_at_random(data, rows, seed):
    """Four fifths to train and a fifth to test on, as numbers of ``rows``."""
    groups = np.arange(len(data))[rows] if data.group is None else data.group[rows]
    target = None if data.target is None or data.multilabel else data.target[rows]
    n_parts = _N_PARTS
    if target is not None:
        most = np.unique(target, return_counts=True)[1].max()
        n_parts = min(n_parts, len(np.unique(groups)), most)
    if target is None or n_parts < 2:
        splitter = GroupShuffleSplit(1, test_size=1 / _N_PARTS, random_state=seed)
    else:
        splitter = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rare classes; cells say what could not be learned
        return next(splitter.split(rows, target, groups))
