"""Files of JSON that go with weights and describe the model that they are of."""

from __future__ import annotations

import json

from ..exceptions import WeightsError

_MOST_SHOWN = 300  # characters of a reason


def parse_companion(content: bytes | None, name: str, source: str) -> dict | None:
    """Read what a file states; None where there is no file.

    Parameters
    ----------
    content : bytes or None
        What is in the file.
    name : str
        Its name, such as ``"config.json"``.
    source : str
        What messages call the weights.

    Raises
    ------
    WeightsError
        If it is not JSON, or states no names and values.
    """
    if content is None:
        return None
    try:
        stated = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise damaged_companion(name, source, exc) from exc
    if not isinstance(stated, dict):
        raise WeightsError(f"{source} has a {name} that describes no model.")
    return stated


def damaged_companion(name: str, source: str, error: Exception) -> WeightsError:
    """The error for a file that cannot be understood."""
    reason = " ".join(str(error).split())[:_MOST_SHOWN]
    return WeightsError(f"{source} has a damaged {name} ({reason}).")
