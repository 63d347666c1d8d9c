"""Segment-based F1 of sound events, against a plain implementation and sed_eval itself."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skw2c.metrics import segment_f1

LABELS = ["dog", "rain", "bell"]
NAMES = ["f1", "precision", "recall"]


def table(*events):
    return pd.DataFrame(events, columns=["row", "label", "onset", "offset"])


def draw(rng, lengths, n_events, labels=LABELS):
    rows = rng.integers(0, len(lengths), n_events)
    onsets = (rng.random(n_events) * lengths[rows]).round(3)
    offsets = onsets + rng.exponential(1.0, n_events).round(3)
    return table(*zip(rows.tolist(), rng.choice(labels, n_events), onsets, offsets, strict=True))


def plain_counts(reference, estimated, label, lengths, step):
    """Numbers of true, detected and common segments, counted one by one in milliseconds."""
    counts = np.zeros(3, dtype=int)
    for row, length in enumerate(lengths):
        for start in range(0, round(length * 1000), step):
            in_it = [
                any(
                    round(1000 * event.onset) < start + step and round(1000 * event.offset) > start
                    for event in events.itertuples()
                    if event.row == row and event.label == label
                )
                for events in (reference, estimated)
            ]
            counts += [in_it[0], in_it[1], all(in_it)]
    return counts


@pytest.mark.parametrize("seed", range(6))
def test_plain_definition(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(0.5, 5, 3).round(3)
    step = [100, 1000, 250][seed % 3]
    reference, estimated = draw(rng, lengths, 8), draw(rng, lengths, 12)
    for label in LABELS:
        reference.loc[len(reference)] = [0, label, 0.1, 0.4]
        estimated.loc[len(estimated)] = [0, label, 0.3, 0.4]
    scores = segment_f1(reference, estimated, LABELS, lengths, step / 1000)
    counts = [plain_counts(reference, estimated, label, lengths, step) for label in LABELS]
    per_class = scores["per_class"]
    assert per_class.index.tolist() == LABELS
    np.testing.assert_array_equal(per_class[["n_reference", "n_estimated", "n_correct"]], counts)
    f1 = [2 * both / (true + found) for true, found, both in counts]
    np.testing.assert_allclose(per_class["f1"], f1)
    np.testing.assert_allclose(per_class["precision"], [both / found for _, found, both in counts])
    np.testing.assert_allclose(per_class["recall"], [both / true for true, _, both in counts])
    true, found, both = np.sum(counts, axis=0)
    assert scores["micro"] == pytest.approx(
        {"f1": 2 * both / (true + found), "precision": both / found, "recall": both / true}
    )
    assert scores["macro"] == pytest.approx({name: per_class[name].mean() for name in NAMES})


@pytest.mark.parametrize("zero_division", [0.0, float("nan")])
@pytest.mark.parametrize("seed", range(8))
def test_sed_eval(seed, zero_division):
    sed_eval = pytest.importorskip("sed_eval", exc_type=ImportError)
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(0.5, 10, 5).round(3)
    resolution = [0.1, 1.0, 0.02][seed % 3]
    reference = draw(rng, lengths, seed * 4, LABELS[: 1 + seed % 3])
    estimated = draw(rng, lengths, 20, LABELS[: 1 + seed // 3])
    metric = sed_eval.sound_event.SegmentBasedMetrics(LABELS, time_resolution=resolution)
    metric.empty_system_output_handling = "zero_score" if zero_division == 0 else None
    for row, length in enumerate(lengths):
        # sed_eval's rounding errors move edges on the grid: shift them into their segment.
        lists = [
            [
                {
                    "event_label": event.label,
                    "onset": event.onset + 1e-7,
                    "offset": event.offset - 1e-7,
                }
                for event in events.itertuples()
                if event.row == row
            ]
            for events in (reference, estimated)
        ]
        metric.evaluate(*lists, evaluated_length_seconds=length - 1e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = segment_f1(
            reference, estimated, LABELS, lengths, resolution, zero_division=zero_division
        )
        average = metric.results_class_wise_average_metrics()["f_measure"]
    for found, expected in [
        (scores["micro"], metric.results_overall_metrics()["f_measure"]),
        (scores["macro"], average),
        *(
            (scores["per_class"].loc[label], result["f_measure"])
            for label, result in metric.results_class_wise_metrics().items()
        ),
    ]:
        values = [expected[name] for name in ("f_measure", "precision", "recall")]
        np.testing.assert_allclose([found[name] for name in NAMES], values, rtol=1e-12)


def test_edges_on_the_grid():
    """0.3 / 0.1 is less than 3 in floating point, and 0.7 / 0.1 less than 7."""
    one = segment_f1(table((0, "a", 0.3, 0.7)), table((0, "a", 0.3, 0.7)), ["a"], 1.0)
    assert one["per_class"].loc["a", ["n_reference", "n_correct"]].tolist() == [4, 4]
    none = segment_f1(table((0, "a", 0.3, 0.7)), table((0, "a", 0.0, 0.3)), ["a"], 1.0)
    assert none["micro"] == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_any_overlap_counts():
    scores = segment_f1(table((0, "a", 0.199, 0.2)), table((0, "a", 0.1, 0.101)), ["a"], 1.0)
    assert scores["micro"]["f1"] == 1


def test_events_of_one_label_that_overlap_count_once():
    twice = table((0, "a", 0.0, 1.0), (0, "a", 0.5, 1.0))
    scores = segment_f1(table((0, "a", 0.0, 1.0)), twice, ["a"], 2.0)
    assert scores["per_class"].loc["a", "n_estimated"] == 10


def test_events_after_the_end_are_ignored():
    scores = segment_f1(
        table((0, "a", 0.0, 9.0), (1, "a", 3.0, 9.0)),
        table((0, "a", 0.0, 0.42)),
        ["a"],
        [0.42, 2.0],
    )
    assert scores["per_class"].loc["a", "n_reference"] == 5
    assert scores["micro"]["recall"] == 1


def test_labels_that_are_never_detected():
    reference, estimated = table((0, "a", 0, 1), (0, "b", 0, 1)), table((0, "a", 0, 1))
    scores = segment_f1(reference, estimated, ["a", "b"], 1.0)
    assert scores["macro"] == {"f1": 0.5, "precision": 0.5, "recall": 0.5}
    scores = segment_f1(reference, estimated, ["a", "b"], 1.0, zero_division=float("nan"))
    assert scores["macro"] == {"f1": 1.0, "precision": 1.0, "recall": 0.5}


def test_labels_that_are_never_true():
    with pytest.warns(
        UndefinedMetricWarning, match="1 of 2 labels do not have any true events.*'b'"
    ) as (record):
        scores = segment_f1(
            table((0, "a", 0, 1)), table((0, "a", 0, 1), (0, "b", 0, 1)), ["a", "b"], 1.0
        )
    assert record[0].filename == __file__
    assert scores["macro"]["f1"] == 1.0
    assert scores["micro"]["precision"] == 0.5
    with pytest.warns(UndefinedMetricWarning):
        nothing = segment_f1(table(), table(), ["a"], np.ones(3))
    assert np.isnan(nothing["micro"]["f1"])


def test_clips_without_events_make_no_difference():
    reference, estimated = table((1, "a", 0, 1)), table((1, "a", 0, 2))
    expected = segment_f1(reference, estimated, ["a"], [3.0, 3.0])["micro"]
    assert segment_f1(reference, estimated, ["a"], [3.0] * 50)["micro"] == expected
    assert segment_f1(reference, estimated, ["a"], 3.0)["micro"] == expected


def test_other_columns_and_numeric_labels():
    reference = table((0, 7, 0, 1)).assign(score=0.5)[["score", "offset", "onset", "label", "row"]]
    assert segment_f1(reference, reference, [7], 1)["macro"]["f1"] == 1


GOOD = dict(
    reference=table((0, "a", 0, 1)), estimated=table((0, "a", 0, 1)), labels=["a"], duration=[1.0]
)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (dict(labels=["b"]), ValueError, "reference has the label 'a', which is not one of"),
        (dict(labels="a"), ValueError, "labels is the single string 'a'"),
        (dict(labels=["a", "a"]), ValueError, "each of them once"),
        (dict(labels=[]), ValueError, "one or more"),
        (dict(estimated=table((1, "a", 0, 1))), ValueError, "estimated has an event in row 1"),
        (dict(estimated=table((-1, "a", 0, 1))), ValueError, "row -1, .* from 0 to 0"),
        (dict(estimated=table((0.5, "a", 0, 1))), ValueError, "row 0.5"),
        (
            dict(estimated=table((0, "a", 2, 1))),
            ValueError,
            "event 0 of estimated lasts from 2",
        ),
        (dict(estimated=table((0, "a", -1, 1))), ValueError, "must start at 0 or later"),
        (dict(estimated=table((0, "a", 0, np.nan))), ValueError, "to nan seconds"),
        (dict(estimated=table((0, "a", 0, np.inf))), ValueError, "to inf seconds"),
        (dict(reference=pd.DataFrame({"row": [0]})), ValueError, "lacks the columns .'label', 'on"),
        (dict(duration=[[1.0]]), ValueError, "expected seconds"),
        (dict(duration=[-1.0]), ValueError, "expected seconds"),
        (
            dict(time_resolution=0.0),
            ValueError,
            "time_resolution=0.0 seconds, expected",
        ),
        (dict(time_resolution=1 / 30), ValueError, "a whole number of milliseconds"),
        (dict(time_resolution="1"), TypeError, "time_resolution"),
        (dict(zero_division=1.0), ValueError, "zero_division=1.0, expected 0.0 or nan"),
    ],
)
def test_wrong_arguments(changed, error, message):
    with pytest.raises(error, match=message):
        segment_f1(**{**GOOD, **changed})
