"""The events of generated clips as a table."""

from __future__ import annotations


def tabulate_events(events: list[tuple[int, str, float, float]]):
    """Return events (row, label, onset, offset) as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(events, columns=["row", "label", "onset", "offset"])
