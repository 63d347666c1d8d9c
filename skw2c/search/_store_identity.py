"""What a vector database says of the index that it holds: by what its vectors were made."""

from __future__ import annotations

import json
import uuid

from ..exceptions import SavedIndexError
from ._checks import check_list
from ._stores import Store

_FORMAT = "skw2c store"
_VERSION = 1


def make_identity(description: dict) -> dict:
    """What is said of a new index with some parameters and encoders, which tells it from others."""
    own = {"format": _FORMAT, "version": _VERSION, "id": uuid.uuid4().hex}
    return json.loads(json.dumps({**own, **description}))


def as_list(identity: dict) -> dict:
    """What is said of an index, in the form of the list of one in a folder."""
    return {"id": "", **identity, "failed_items": [], "n_named": 0, "parts": []}


def check_identity(identity: dict, store: Store) -> dict:
    """Return what a database says, which must be of an index that can be read.

    Raises
    ------
    SavedIndexError
        If it is something else, of another version, or damaged.
    """
    if not isinstance(identity, dict) or identity.get("format") != _FORMAT:
        raise SavedIndexError(f"{store!r} does not hold an index of skw2c: name another place")
    version = identity.get("version")
    if type(version) is not int or not 1 <= version <= _VERSION:
        raise SavedIndexError(
            f"The index in {store!r} was made in version {version!r} of the format, and this skw2c "
            f"reads version {_VERSION}: use the skw2c that made it "
            f"({identity.get('created_by')}), or build the index again"
        )
    try:
        check_list(as_list(identity))
        if "id" not in identity:
            raise ValueError("id is missing")
    except ValueError as exc:
        raise SavedIndexError(f"The index in {store!r} is damaged: {exc}") from exc
    return identity
