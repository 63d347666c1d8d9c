"""What a search found, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..validation._file_names import column_of_names
from ._content import IndexContent


@dataclass
class Hits:
    """What a search found.

    Attributes
    ----------
    scores : ndarray of shape (n_queries, n_results)
        Cosines.
    items : list of length n_queries * n_results
        Names of the clips, query by query.
    times : ndarray of shape (n_queries * n_results, 2), or None
        Start and end of the windows, in seconds.
    """

    scores: np.ndarray
    items: list
    times: np.ndarray | None

    @classmethod
    def of_rows(cls, scores: np.ndarray, rows: np.ndarray, content: IndexContent) -> Hits:
        """What vectors are of, by their rows (n_queries, n_results) in an index."""
        rows = rows.ravel()
        times = content.times_of(rows) if content.is_framed else None
        return cls(scores, content.items_of(rows), times)


def tabulate(queries: list, hits: Hits):
    """One row for each result; queries that are not strings are called by their number."""
    import pandas as pd

    names = [query if isinstance(query, str) else k for k, query in enumerate(queries)]
    n_queries, n_results = hits.scores.shape
    table = {
        "query": column_of_names(np.repeat(np.array(names, dtype=object), n_results).tolist()),
        "rank": np.tile(np.arange(1, n_results + 1), n_queries),
        "item": column_of_names(hits.items),
        "score": hits.scores.ravel(),
    }
    if hits.times is not None:
        table |= {"start": hits.times[:, 0], "end": hits.times[:, 1]}
    return pd.DataFrame(table)
