"""What a library can be asked by, and where it cannot: why, and the one command that helps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..exceptions import WeightsNotAvailableError
from ..system._network import offline

KINDS = {"words": "text", "sound": "audio", "image": "image"}
"""Kinds of queries, and what ``AudioIndex.search`` calls them."""

_COMMAND = re.compile(r'pip install "skw2c\[\w+\]"')
_PLURALS = {"words": "words", "image": "images"}


@dataclass(frozen=True)
class Lack:
    """Why a library cannot be asked by something.

    Attributes
    ----------
    why : str
    command : str or None
        What helps, where a command does.
    """

    why: str
    command: str | None


def find_lacks(index, again: str, fetch: str) -> dict[str, Lack]:
    """For each kind of query that an index cannot answer why not.

    Encoders of words and images are made, so that the first search is quick too; nothing is
    fetched for them.

    Parameters
    ----------
    index : AudioIndex
    again : str
        The command that indexes the same sounds again, but for the encoder.
    fetch : str
        The command that searches by words, for which weights are fetched.
    """
    lacks = {"sound": _lack_of_sound(index, again)}
    with offline():
        lacks |= {kind: _lack_of_partner(index, kind, again, fetch) for kind in _PLURALS}
    return {kind: lack for kind, lack in lacks.items() if lack is not None}


def lack_of(error: Exception) -> Lack:
    """What an error says, and the command in it."""
    message = str(error) or type(error).__name__
    return Lack(message, command_in(message))


def command_in(message: str) -> str | None:
    """The command that a message tells to install what is missing."""
    found = _COMMAND.search(message)
    return found and found[0]


def _lack_of_sound(index, new_index: str) -> Lack | None:
    from ..search._saved_encoders import outline
    from ..transformers._encoders import takes_vectors

    encoder = index._encoder
    try:
        if isinstance(encoder, dict):
            outline(encoder)
        elif takes_vectors(encoder):
            why = "this library was made of vectors: it has no encoder of sounds"
            return Lack(why, f"{new_index} --encoder mini")
    except ValueError as exc:
        return lack_of(exc)
    return None


def _lack_of_partner(index, kind: str, again: str, fetch: str) -> Lack | None:
    own, plural = getattr(index, f"{KINDS[kind]}_encoder"), _PLURALS[kind]
    better = f"{again} --encoder {'mini' if kind == 'words' else 'wav2clip'}"
    if own is None:
        return Lack(f"this library was saved without an encoder of {plural}", better)
    try:
        return _try_partner(index, kind, own)
    except WeightsNotAvailableError as exc:
        why = f"the encoder of {plural} has weights that are not on this machine ({exc})"
        return Lack(why, fetch)
    except Exception as exc:  # encoders of other packages raise what they like
        lack = lack_of(exc)
        return lack if lack.command else Lack(lack.why, better)


def _try_partner(index, kind: str, own) -> Lack | None:
    """Make the encoder of words or images, and compare its vectors with those of the index."""
    from ..transformers._labels import is_table

    if is_table(own):
        return None
    try:
        partner = index._resolve_partner(own, KINDS[kind])
    except ValueError as exc:
        if own != "auto":
            raise
        raise ValueError(f"the encoder of this library has no {_PLURALS[kind]}") from exc
    if kind == "words":
        index._embed_as_units(["sound"], "text")
    else:
        partner.fit(None, None)
    return None
