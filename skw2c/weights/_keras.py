"""Read weights that Keras wrote, without TensorFlow."""

from __future__ import annotations

import gzip
import io

import numpy as np
import torch
from torch import Tensor

from .._optional import import_optional
from ..exceptions import WeightsError

KERAS_SUFFIXES = (".h5", ".h5.gz", ".hdf5")


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
    try:
        with open(path, "rb") as file:
            content = file.read()
        if path.endswith(".gz"):
            content = gzip.decompress(content)
        with h5py.File(io.BytesIO(content)) as file:
            root = file.get("model_weights", file)
            tensors = dict(_list_tensors(root))
    except Exception as exc:  # what h5py raises depends on the kind of damage
        raise WeightsError(
            f"The weights {path!r} are damaged, truncated or no HDF5 file of Keras ({exc}). Fetch "
            "or copy the file again."
        ) from exc
    if not tensors:
        raise WeightsError(f"The weights {path!r} hold no layers of Keras with weights.")
    return tensors


def _list_tensors(root):
    """Name and value of each weight, in the order of the file."""
    position = 0
    for layer in map(_decode, root.attrs.get("layer_names", [])):
        group = root[layer]
        names = [_decode(name) for name in group.attrs["weight_names"]]
        for name in names:
            yield f"{position:03d}/{layer}/{name}", torch.from_numpy(np.array(group[name]))
        position += bool(names)


def _decode(name) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
