"""What a search found, as a table."""

from __future__ import annotations

import numpy as np

from ..validation._file_names import column_of_names
from ._content import IndexContent


def tabulate(queries: list, scores: np.ndarray, rows: np.ndarray, content: IndexContent):
    """One row for each result.

    Parameters
    ----------
    queries : list
        Those that are not strings are called by their number.
    scores, rows : ndarray of shape (n_queries, n_results)
        Cosines, and numbers of vectors of the index.
    content : IndexContent
    """
    import pandas as pd

    names = [query if isinstance(query, str) else k for k, query in enumerate(queries)]
    n_queries, n_results = rows.shape
    table = {
        "query": column_of_names(np.repeat(np.array(names, dtype=object), n_results).tolist()),
        "rank": np.tile(np.arange(1, n_results + 1), n_queries),
        "item": column_of_names(content.items_of(rows.ravel())),
        "score": scores.ravel(),
    }
    if content.is_framed:
        times = content.times_of(rows.ravel())
        table |= {"start": times[:, 0], "end": times[:, 1]}
    return pd.DataFrame(table)
