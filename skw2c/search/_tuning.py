"""How much has to be compared to find what is wanted, measured with queries of two kinds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ._centres import draw_rows
from ._comparison import SLACK, compute_cosines
from ._settings import EVERY, GAP, Setting

if TYPE_CHECKING:
    from ._neighbours import ListNeighbours

TUNED = (10, 100)  # neighbours that settings are for
_TRIALS = 256  # queries of each kind
_CANDIDATES = 1 / 16  # of all vectors at most; beyond, all are compared
_FACTORS = (64, 256, 1024)  # candidates for each neighbour that are looked at
_FEWEST = 4  # likewise, below which it is not tried
_GAPS = np.geomspace(500, EVERY, 120).astype(int).tolist()  # the last of which is EVERY


class Trial(NamedTuple):
    """Queries of one kind.

    Attributes
    ----------
    queries : ndarray of shape (n_queries, n_features), float32
    n_own : int
        1 if each of them is a vector that is searched, 0 otherwise.
    truth : ndarray of shape (n_queries, n_neighbours), float64
        The largest cosines, descending.
    """

    queries: np.ndarray
    n_own: int
    truth: np.ndarray


def tune(engine: ListNeighbours, recall: float, random) -> list[Setting]:
    """For each number of neighbours the least effort that suffices, if there is one.

    The queries are items, and vectors that belong to no cluster; either kind has to find the
    share ``recall`` of its true neighbours, on average less twice its standard error.
    """
    items = engine.vectors[draw_rows(engine.vectors, _TRIALS, random)]
    trials = [
        Trial(queries, n_own, engine.compare_all(queries, max(TUNED))[0])
        for queries, n_own in ((items, 1), (mix(items, random), 0))
    ]
    settings = [_choose(engine, k, recall, trials) for k in TUNED]
    return [setting for setting in settings if setting is not None]


def mix(items, random):
    """Unit vectors with the items' numbers in each column, which belong to no cluster.

    Each is the sum of two, nearer to the mean of the items than they are, where neighbours
    are spread over the most lists.
    """
    mixed = np.zeros(items.shape, np.float32)
    for _ in range(2):
        order = np.argsort(random.random_sample(items.shape), axis=0)
        mixed += np.take_along_axis(np.asarray(items), order, 0)
    return mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), SLACK)


def bound_recall(hits, n_own, k):
    """Recall less twice its standard error, from how many of ``k`` neighbours each query found.

    Hits are told by the cosine, so that copies stand for each other. A vector that finds itself
    does not count.
    """
    shares = (hits - n_own) / (k - n_own)
    return shares.mean() - 2 * shares.std() / len(shares) ** 0.5


class _Look(NamedTuple):
    """Where the true neighbours of some queries are, if all lists are searched.

    Attributes
    ----------
    trial : Trial
    places : ndarray of shape (4, n_queries, k), float64
        How many lists are nearer than that of each true neighbour, and how many candidates
        are before it; how far the list is behind the nearest one, and the candidate behind
        the last estimate that counts. Infinite if it is no candidate.
    """

    trial: Trial
    places: np.ndarray

    def bound(self, setting: Setting) -> float:
        """At least the bound of the recall with a setting."""
        list_places, candidate_places, list_gaps, candidate_gaps = self.places
        are_found = (
            (list_places < setting.n_lists)
            & (candidate_places < setting.n_candidates)
            & (list_gaps <= setting.list_gap * GAP)
            & (candidate_gaps <= setting.candidate_gap * GAP)
        )
        return bound_recall(are_found.sum(axis=1), self.trial.n_own, setting.n_neighbours)


def _choose(engine, k: int, recall: float, trials: Sequence[Trial]) -> Setting | None:
    """As few candidates as suffice in all lists, then as few lists, by number and by gap."""
    aim = (1 + recall) / 2  # half of what may be missed is left to the lists
    for most in _numbers_of_candidates(k, len(engine.vectors)):
        looks = [_look(engine, trial, k, most) for trial in trials]
        setting = Setting(k, engine.n_lists, most)
        if _bound(looks, setting) >= aim:
            setting = _lower(setting, "n_candidates", range(k, most + 1), looks, aim)
            setting = _lower(setting, "candidate_gap", _GAPS, looks, aim)
            setting = _lower(setting, "n_lists", range(1, engine.n_lists + 1), looks, recall)
            setting = _lower(setting, "list_gap", _GAPS, looks, recall)
            return _check(engine, setting, recall, trials)
    return None


def _numbers_of_candidates(k: int, n_vectors: int) -> list[int]:
    """How many candidates to look at: few first, as to search all lists for many takes long."""
    most = int(_CANDIDATES * n_vectors)
    if most < _FEWEST * k:
        return []
    return sorted({min(factor * k, most) for factor in _FACTORS})


def _look(engine, trial: Trial, k: int, n_candidates: int) -> _Look:
    queries, _, truth = trial
    list_scores, lists = engine.find_lists(queries, engine.n_lists)
    estimates, rows = engine.scan(queries, list_scores, lists, n_candidates)
    are_true = compute_cosines(engine.vectors, queries, rows) >= truth[:, k - 1 : k]
    # The true ones among the candidates, at most k for each query, nearest first.
    are_true &= rows >= 0
    nth = are_true.cumsum(axis=1)
    at, place = np.nonzero(are_true & (nth <= k))
    list_place = np.argsort(lists, axis=1)[at, engine.find_owners(rows[at, place])]
    places = np.full((4, len(rows), k), np.inf)
    places[:, at, nth[at, place] - 1] = (
        list_place,
        place,
        list_scores[at, 0] - list_scores[at, list_place],
        estimates[at, k - 1] - estimates[at, place],
    )
    return _Look(trial, places)


def _bound(looks: Sequence[_Look], setting: Setting) -> float:
    return min(look.bound(setting) for look in looks)


def _lower(
    setting: Setting, field: str, choices: Sequence[int], looks: Sequence[_Look], wanted: float
) -> Setting:
    """The setting with the least number in a field with which so much is found.

    With larger ones more is found, and with the largest one enough.
    """
    at = bisect_left(
        choices[:-1], wanted, key=lambda number: _bound(looks, setting._replace(**{field: number}))
    )
    return setting._replace(**{field: choices[at]})


def _check(engine, setting: Setting, recall: float, trials: Sequence[Trial]) -> Setting | None:
    """The setting, with a larger gap of lists if searching finds less than it should."""
    for gap in (gap for gap in _GAPS if gap >= setting.list_gap):
        setting = setting._replace(list_gap=gap)
        if min(_measure(engine, setting, trial) for trial in trials) >= recall:
            return setting
    return None


def _measure(engine, setting: Setting, trial: Trial) -> float:
    """Recall less twice its standard error, by searching."""
    k = setting.n_neighbours
    scores, _ = engine.search_lists(trial.queries, k, setting)
    return bound_recall((scores >= trial.truth[:, k - 1 : k]).sum(axis=1), trial.n_own, k)
