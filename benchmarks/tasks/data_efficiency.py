"""How many labels each system needs: the same probe on ever more of them (figure 2)."""

import numpy as np

from benchmarks.running.options import SHARES
from benchmarks.running.probes import chance_of, make_probe, mean_average_precision
from benchmarks.tasks.classification import measure_of
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.task import Task

_N_DRAWS = 3


class DataEfficiency(Task):
    """How many labels a system needs: the same probe on ever more of them."""

    name = "data efficiency"
    drawing = Drawing(bars=False)

    def fits(self, data):
        return data.target is not None and data.split is not None and not data.multilabel

    def suits(self, system):
        return True

    def fingerprint(self, options, data, system):
        shares = shares_of(system, options)
        return (system.fingerprint_learning(), options.probe, options.seed, shares)

    def fill(self, bench, cell, data, system):
        learner = system.make_classifier
        X, rows, source = bench.material(data, system, learner)
        target, split = data.target[rows], data.split[rows]
        pool, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
        measure = measure_of(data)

        def score(train, seed):
            model = learner(seed, len(train)) if learner else make_probe(bench.options.probe, seed)
            found, classes = bench.try_out(data, source, model, X, rows, train, test)
            if measure == "accuracy":
                return float(np.mean(np.asarray(classes)[found.argmax(axis=1)] == target[test]))
            return mean_average_precision(target[test], found, classes)

        curve = []
        shares = shares_of(system, bench.options)
        for share in shares:
            scores, drawn = [], []
            for draw in range(_draws(system, share)):
                drawn = draw_share(target[pool], share, bench.options.seed + draw)
                train = pool[drawn]
                scores.append(score(train, bench.options.seed + draw))
            curve.append({"share": share, "n": len(drawn), "scores": scores})
        cell.scores = {
            f"{measure} at {point['share']} %": float(np.mean(point["scores"])) for point in curve
        }
        cell.spread = {
            f"{measure} at {point['share']} %": float(np.std(point["scores"]))
            for point in curve
            if len(point["scores"]) > 1
        }
        cell.controls = {"chance": chance_of(target[test], measure, data.classes)}
        cell.n = len(test)
        cell.details["curve"] = curve
        left_out = [f"{share} %" for share in SHARES if share not in shares]
        if left_out:
            cell.notes.append(f"not trained on {' and '.join(left_out)}: that takes long")


def shares_of(system, options):
    """The shares that a system learns from; of one that is trained from scratch maybe not all."""
    if not system.make_classifier:
        return SHARES
    return tuple(share for share in SHARES if share in options.supervise_shares)


def _draws(system, share):
    """What is trained from scratch takes too long to be trained several times."""
    return 1 if share == 100 or system.make_classifier else _N_DRAWS


def draw_share(target, share, seed):
    """Rows of a share (in per cent) of the clips, by class, at least one of each.

    Rows of a smaller share are among those of a larger one.
    """
    rng = np.random.default_rng(seed)
    place = np.zeros(len(target))
    for label in np.unique(target):
        own = rng.permutation(np.flatnonzero(target == label))
        place[own] = (np.arange(len(own)) + rng.uniform(0.25, 0.75)) / len(own)
        place[own[0]] = 0
    n = max(round(len(target) * share / 100), len(np.unique(target)))
    return np.sort(np.argsort(place, kind="stable")[:n])
