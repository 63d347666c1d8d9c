"""The package of metrics: what it offers, and its retrieval metrics in blocks of any size."""

import pytest

from skw2c import metrics
from skw2c.metrics import _retrieval_scores


def test_everything_public_is_there():
    assert set(_retrieval_scores.__all__) < set(metrics.__all__)
    assert metrics.__all__ == sorted(metrics.__all__)
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__.split()


@pytest.mark.parametrize(("scores_per_block", "n_blocks"), [(1, 60), (170, 30), (10**6, 1)])
def test_blocks_make_no_difference(scores_per_block, n_blocks, monkeypatch, rng):
    labels = rng.integers(0, 9, 60)
    vectors = rng.normal(size=(60, 64))[rng.integers(0, 40, 60)]
    case = (vectors, vectors, labels, labels)
    expected = metrics.retrieval_scores(*case)
    monkeypatch.setattr(_retrieval_scores, "_SCORES_PER_BLOCK", scores_per_block)
    search = _retrieval_scores._prepare(*case, False)
    assert len(list(_retrieval_scores._score_blocks(search))) == n_blocks
    assert metrics.retrieval_scores(*case) == expected
