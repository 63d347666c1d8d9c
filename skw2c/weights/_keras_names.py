"""List the layers of an HDF5 file of Keras; as a program, those of the file on standard input.

Newer versions of h5py write names as strings of any length. To read one, the HDF5 library takes as
much memory as some bytes of the file say, up to 4 GB, before it looks whether there is a string.
No call of the library says how long it will be. So such names are read in a process of its own,
whose memory is limited. This module imports nothing that is slow to load.
"""

from __future__ import annotations

import json
import math
import sys

MAX_NAMES = 10_000
_MEMORY = 1 << 30


class AnyLengthError(ValueError):
    """The names are strings of any length."""


def find_root(file):
    """The group of layers: that of a whole model, or the file itself."""
    return descend(file, "model_weights") if file.id.links.exists(b"model_weights") else file


def descend(group, path: str):
    """Find what lies below a group, without leaving the file by a link.

    Raises
    ------
    ValueError
        If the path leads over a link, or through what is not a group.
    """
    import h5py

    for part in path.split("/"):
        if not isinstance(group, h5py.Group):
            raise ValueError(f"{path[:100]!r} does not lead through groups")
        # Not `group.get(part, getlink=True)`, which follows the link before it says what it is.
        link = group.id.links.get_info(part.encode())
        if link.type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{path[:100]!r} is a link, which could lead to another file")
        group = group[part]
    return group


def list_layers(root, n_bytes: int, *, limited: bool = False) -> list[tuple[str, list[str]]]:
    """Names of the layers, and of the weights of each, in the order of the file.

    Parameters
    ----------
    root : h5py.Group
        What `find_root` gives.
    n_bytes : int
        Size of the file.
    limited : bool, default=False
        Whether the memory of this process is limited.

    Raises
    ------
    AnyLengthError
        If the memory is not limited, and some names are of any length.
    """
    layers: list[tuple[str, list[str]]] = []
    n_names = 0
    if "layer_names" not in root.attrs:
        return layers
    for layer in _read_names(root, "layer_names", n_bytes, limited):
        names = _read_names(descend(root, layer), "weight_names", n_bytes, limited)
        layers.append((layer, names))
        n_names += 1 + len(names)
        if n_names > MAX_NAMES:
            raise ValueError(f"it has more than {MAX_NAMES} entries, which no network here has")
    return layers


def _read_names(group, attribute: str, n_bytes: int, limited: bool) -> list[str]:
    stored = group.attrs.get_id(attribute)
    n_names = math.prod(stored.shape)
    if n_names > MAX_NAMES or n_names * max(stored.dtype.itemsize, 1) > n_bytes:
        raise ValueError(f"its list {attribute} states more names than it can hold")
    if stored.dtype.kind == "O" and not limited:
        raise AnyLengthError
    names = group.attrs[attribute].ravel().tolist()
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _main() -> None:
    import io

    import h5py

    content = sys.stdin.buffer.read()
    try:
        import resource
    except ImportError:  # on Windows
        pass
    else:
        limit = _MEMORY + 4 * len(content)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with h5py.File(io.BytesIO(content)) as file:
        layers = list_layers(find_root(file), len(content), limited=True)
    print(json.dumps(layers))


if __name__ == "__main__":
    _main()
