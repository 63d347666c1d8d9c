"""What a file beside the weights of CED says that the weights themselves do not tell."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...exceptions import WeightsError
from ...weights import WeightsReference
from ...weights._companion import parse_companion

_FILE = "config.json"
_MOST_BYTES = 1 << 20  # the official ones have 25,000


@dataclass(frozen=True)
class CEDConfiguration:
    """What is stated about a network, None where nothing is.

    Attributes
    ----------
    n_heads : int or None
        Heads of the attention.
    width : int or None
        Numbers of a token, which tells whether it is about this network.
    """

    n_heads: int | None = None
    width: int | None = None


def read_configuration(reference: WeightsReference) -> CEDConfiguration:
    """Read the ``config.json`` that goes with the weights, which their checksum is of, too.

    Raises
    ------
    WeightsError
        If it cannot be read, or states a number of heads that is not a whole number.
    """
    return _parse(reference.read_companion(_FILE), reference)


def read_beside(reference: WeightsReference) -> CEDConfiguration | None:
    """Read the ``config.json`` beside the user's file, of which the reference knows nothing.

    Returns
    -------
    CEDConfiguration or None
        None where the weights are not a file of the user's.

    Raises
    ------
    WeightsError
        If it cannot be read, or states a number of heads that is not a whole number.
    """
    if reference.path is None or os.path.isdir(reference.path):
        return None
    path = os.path.join(os.path.dirname(reference.path), _FILE)
    if not os.path.isfile(path):
        return CEDConfiguration()
    try:
        with open(path, "rb") as file:
            return _parse(file.read(_MOST_BYTES), reference)
    except OSError as exc:
        raise WeightsError(f"The file {path!r} cannot be read ({exc.strerror}).") from exc


def _parse(content: bytes | None, reference: WeightsReference) -> CEDConfiguration:
    stated = parse_companion(content, _FILE, reference.label) or {}
    return CEDConfiguration(
        *(_whole_number(stated.get(name), name, reference) for name in ("num_heads", "embed_dim"))
    )


def _whole_number(value, name: str, reference: WeightsReference) -> int | None:
    if value is None or (type(value) is int and value > 0):
        return value
    raise WeightsError(
        f"{reference.label} has a {_FILE} that states {name}={value!r}, expected a whole number."
    )
