"""Read weights that Keras wrote, without TensorFlow."""

from __future__ import annotations

import gzip
import io
import math

import numpy as np
import torch
from torch import Tensor

from .._optional import import_optional
from ..exceptions import WeightsError
from ._bounds import Budget, TooLargeError, count_entries, unpacked_limit

KERAS_SUFFIXES = (".h5", ".h5.gz", ".hdf5")
_MAX_NAMES = 1 << 30


def read_keras(path: str) -> dict[str, Tensor]:
    """Read the arrays of an HDF5 file of weights, gzip-compressed or not.

    Keras loads such a file by the order of its layers, and numbers the names of layers
    differently from version to version. So each array is named by the position of its
    layer among those that have weights, then by its path in the file:
    ``"003/conv2d_2/kernel:0"``.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict of str to Tensor
        In the layouts of Keras.

    Raises
    ------
    WeightsError
        If the file is damaged, or holds no weights of Keras.
    OptionalDependencyError
        If h5py is not installed.
    """
    h5py = import_optional("h5py", extra="keras", purpose="Reading weights of Keras (.h5)")
    limit = unpacked_limit(path)
    try:
        content = _read_content(path, limit)
        with h5py.File(io.BytesIO(content)) as file:
            whole_model = file.id.links.exists(b"model_weights")
            root = _descend(h5py, file, "model_weights") if whole_model else file
            tensors = dict(_list_tensors(h5py, root, Budget(limit), len(content)))
    except Exception as exc:  # what h5py raises depends on the kind of damage
        raise WeightsError(
            f"The weights {path!r} are damaged, truncated or no HDF5 file of Keras ({exc}). Fetch "
            "or copy the file again."
        ) from exc
    if not tensors:
        raise WeightsError(f"The weights {path!r} hold no layers of Keras with weights.")
    return tensors


def _read_content(path: str, limit: int) -> bytes:
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLargeError(f"it unpacks to more than {limit} bytes")
    return content


def _list_tensors(h5py, root, budget: Budget, n_bytes: int):
    """Name and value of each weight, in the order of the file."""
    position = n_entries = 0
    for layer in _read_names(root, "layer_names", n_bytes, missing=[]):
        group = _descend(h5py, root, layer)
        names = _read_names(group, "weight_names", n_bytes)
        n_entries += 1 + len(names)
        count_entries(n_entries)
        for name in names:
            value = _read_array(_descend(h5py, group, name), budget)
            yield f"{position:03d}/{layer}/{name}", torch.from_numpy(value)
        position += bool(names)


def _read_names(group, attribute: str, n_bytes: int, missing: list | None = None) -> list[str]:
    """Read a list of names, whose size a few bytes can state as they like."""
    if attribute not in group.attrs and missing is not None:
        return missing
    stored = group.attrs.get_id(attribute)
    n_names = math.prod(stored.shape)
    count_entries(n_names)
    # Names of any length are references, of which each can lead to all of the file.
    if n_names * max(stored.dtype.itemsize, 1) > n_bytes or (
        stored.dtype.kind == "O" and n_names * n_bytes > _MAX_NAMES
    ):
        raise TooLargeError(f"its list {attribute} states {n_names} names")
    return [_decode(name) for name in np.ravel(group.attrs[attribute])]


def _descend(h5py, group, path: str):
    """Find what lies below a group, without leaving the file by a link."""
    for part in path.split("/"):
        if not isinstance(group, h5py.Group):
            raise ValueError(f"{path[:100]!r} does not lead through groups")
        # Not `group.get(part, getlink=True)`, which follows the link before it says what it is.
        link = group.id.links.get_info(part.encode())
        if link.type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{path[:100]!r} is a link, which could lead to another file")
        group = group[part]
    return group


def _read_array(dataset, budget: Budget) -> np.ndarray:
    """Read numbers that lie in the file itself, as many as it can hold."""
    name = f"{dataset.name[-100:]!r}"
    if getattr(dataset, "dtype", np.dtype("O")).kind not in "fiub":
        raise ValueError(f"{name} is not an array of numbers")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"the numbers of {name} lie in another file")
    # Keras does not compress, and what a filter unpacks to is stated nowhere.
    if dataset.id.get_create_plist().get_nfilters():
        raise ValueError(f"{name} is compressed, which weights of Keras are not")
    budget.take(math.prod(dataset.chunks or ()) * dataset.dtype.itemsize, f"a part of {name}")
    budget.take(dataset.size * dataset.dtype.itemsize, name)
    return np.array(dataset)


def _decode(name) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
