"""Read weights that Keras wrote, without TensorFlow."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import subprocess
import sys

import numpy as np
import torch
from torch import Tensor

from ..exceptions import WeightsError
from ..system._optional import import_optional
from . import _keras_names
from ._bounds import Budget, TooLargeError, unpacked_limit
from ._keras_names import AnyLengthError, descend, find_root, list_layers

_SECONDS = 60


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
            tensors = dict(_list_tensors(file, content, Budget(limit)))
    except Exception as exc:  # what h5py raises depends on the kind of damage
        raise WeightsError(
            f"The weights {path!r} are damaged, truncated or not an HDF5 file of Keras ({exc}). "
            "Fetch or copy the file again."
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


def _list_tensors(file, content: bytes, budget: Budget):
    """Name and value of each weight, in the order of the file."""
    root = find_root(file)
    try:
        layers = list_layers(root, len(content))
    except AnyLengthError:
        layers = _list_layers_apart(content)
    with_weights = [(layer, names) for layer, names in layers if names]
    for position, (layer, names) in enumerate(with_weights):
        group = descend(root, layer)
        for name in names:
            value = _read_array(descend(group, name), budget)
            yield f"{position:03d}/{layer}/{name}", torch.from_numpy(value)


def _list_layers_apart(content: bytes) -> list:
    """List the layers in a process that may take no more memory than a list of names needs."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", _keras_names.__file__],
        input=content,
        capture_output=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ValueError(f"the names of its layers cannot be read: {last[:200]}")
    return json.loads(done.stdout)


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
