"""Saved indexes as earlier versions wrote them."""

import hashlib
import json
import uuid

import numpy as np

from skw2c.search._folder import read_index


def save_as_version_1(folder):
    """Rewrite a saved index into version 1: names in JSON, one search structure for all parts.

    Nothing may have been removed from it, and only its first part may have a structure.
    """
    listed, parts, _ = read_index(folder)
    structures = [part.files["neighbours"] for part in parts]
    if len(parts) > 1 and any(structures):
        raise AssertionError("this needs an index of one part, or one without a structure")
    for files, part in zip(listed["parts"], parts, strict=True):
        (folder / files["items"]["file"]).unlink()
        every = range(len(part.clips))
        sources = part.clips.list_sources(every)
        content = {
            "items": part.clips.list_names(every),
            "counts": np.asarray(part.clips.counts).tolist(),
            "sources": [
                s and [s.path, s.stamp and list(s.stamp), s.digest, s.named] for s in sources
            ],
        }
        files["items"] = write(folder, "items.json", json.dumps(content).encode())
        del files["neighbours"], files["dead"]
    del listed["root"]
    listed |= {"version": 1, "neighbours": structures[0] if structures else None}
    (folder / "index.json").write_text(json.dumps(listed, indent=1))


def write(folder, suffix, content):
    """Write a file of an index; return what the list says of it."""
    path = folder / f"{uuid.uuid4().hex}.{suffix}"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "bytes": len(content), "sha256": digest}
