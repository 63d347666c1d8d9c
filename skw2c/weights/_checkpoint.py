"""Read and write files of tensors without ever running what is in them."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..exceptions import WeightsError
from ..system._atomic import open_atomically
from ..system._optional import need_torch
from ..system._tensors import tensor_to_array
from ._bounds import (
    Budget,
    TooLargeError,
    check_tensors,
    count_entries,
    open_archive,
    unpacked_limit,
)

if TYPE_CHECKING:
    from torch import Tensor

_SAFETENSORS = ".safetensors"
_KERAS_SUFFIXES = (".h5", ".h5.gz", ".hdf5")
_MAX_HEADER = 16 << 20  # an entry takes some 100 bytes of a safetensors header


def read_checkpoint(
    path: str | os.PathLike, prefixes: tuple[str, ...] = ("",)
) -> dict[str, Tensor]:
    """Read the tensors of a file, whose format is known by its name.

    ``.safetensors``, ``.h5`` and ``.h5.gz`` (Keras), ``.npz`` (NumPy), ``.tflite``; anything
    else is a torch checkpoint or a TorchScript archive.

    Parameters
    ----------
    path : str or os.PathLike
        The file. A Lightning checkpoint gives its ``state_dict``.
    prefixes : tuple of str, default=("",)
        What the names of the tensors begin with; others are left out, and of a safetensors file
        not even read.

    Returns
    -------
    dict of str to Tensor, on the CPU

    Raises
    ------
    WeightsError
        If the file is truncated, is not a checkpoint, or holds other objects than tensors:
        these are not loaded, because loading them could run code. Files that state or unpack to
        far more than a file of their size can hold, or lead to other files, are refused, too.

    Examples
    --------
    >>> from skw2c.weights import fetch_weights, read_checkpoint
    >>> tensors = read_checkpoint(fetch_weights("mini").path)
    >>> tensors["audio_transform.sequential.3.bias"].shape
    torch.Size([512])
    """
    path = _check_is_file(path)
    return _check(_read_by_suffix(path, prefixes), path)


def read_arrays(
    path: str | os.PathLike, prefixes: tuple[str, ...] = ("",)
) -> dict[str, np.ndarray]:
    """Read the tensors of a file as arrays, which needs no torch if it is a safetensors file.

    Parameters
    ----------
    path : str or os.PathLike
        The file, of any format that `read_checkpoint` reads.
    prefixes : tuple of str, default=("",)
        What the names of the tensors begin with; others are left out.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    OptionalDependencyError
        If the format needs torch, which is not installed.
    WeightsError
        As `read_checkpoint`.

    Examples
    --------
    >>> from skw2c.weights import fetch_weights, read_arrays
    >>> arrays = read_arrays(fetch_weights("mini").path, ("audio_encoder.",))
    >>> {type(values).__name__ for values in arrays.values()}
    {'ndarray'}
    """
    path = _check_is_file(path)
    if path.endswith(_SAFETENSORS):
        return _check(_read_safetensors(path, prefixes, "np"), path)
    need_torch(f"reading the weights {path!r}, which are no safetensors file,")
    tensors = read_checkpoint(path, prefixes)
    return {name: tensor_to_array(value) for name, value in tensors.items()}


def _check_is_file(path: str | os.PathLike) -> str:
    path = os.fspath(path)
    if not os.path.isfile(path):  # a pipe would be waited for without end
        raise WeightsError(f"The weights {path!r} are not a file.")
    return path


def _check(tensors: dict[str, Any], path: str) -> dict[str, Any]:
    try:
        check_tensors(tensors.values(), Budget(unpacked_limit(path)))
    except ValueError as exc:
        raise WeightsError(f"The weights {path!r} are refused: {exc}.") from exc
    return tensors


def _read_by_suffix(path: str, prefixes: tuple[str, ...]) -> dict[str, Tensor]:
    need_torch(f"reading the weights {path!r} as tensors")
    if path.endswith(_SAFETENSORS):
        return _read_safetensors(path, prefixes, "pt")
    tensors = _read_whole(path)
    return {name: value for name, value in tensors.items() if name.startswith(prefixes)}


def _read_whole(path: str) -> dict[str, Tensor]:
    if path.endswith(_KERAS_SUFFIXES):
        from ._keras import read_keras

        return read_keras(path)
    if path.endswith(".npz"):
        return _read_npz(path)
    if path.endswith(".tflite"):
        from ._tflite import read_tflite

        return read_tflite(path)
    from ._torch_file import read_torch

    return read_torch(path)


def _read_safetensors(path: str, prefixes: tuple[str, ...], framework: str) -> dict[str, Any]:
    with _open_safetensors(path, framework) as file:
        names = file.keys()
        count_entries(len(names))
        wanted = [name for name in names if name.startswith(prefixes)]
        # Copies: the file may be written to, or cut, while the network is in use.
        tensors = {name: file.get_tensor(name) for name in wanted}
        return {n: x.copy() if framework == "np" else x.clone() for n, x in tensors.items()}


@contextmanager
def _open_safetensors(path: str, framework: str = "np") -> Iterator:
    import safetensors

    try:
        with open(path, "rb") as file:
            _check_header_length(int.from_bytes(file.read(8), "little"))
        with safetensors.safe_open(path, framework) as file:
            yield file
    except Exception as exc:  # of safetensors, and what torch raises for a type it lacks
        raise WeightsError(
            f"The weights {path!r} are damaged or not a safetensors file ({exc})."
        ) from exc


def read_metadata(path: str | os.PathLike) -> dict[str, str]:
    """Read what a safetensors file says of its tensors; other files say nothing.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    dict of str to str

    Raises
    ------
    WeightsError
        If the file is damaged.

    Examples
    --------
    >>> from skw2c.weights import fetch_weights, read_metadata
    >>> read_metadata(fetch_weights("mini").path)["format"]
    'skw2c'
    """
    path = os.fspath(path)
    if not path.endswith(".safetensors"):
        return {}
    with _open_safetensors(path) as file:
        return dict(file.metadata() or {})


def _check_header_length(n_bytes: int) -> None:
    if n_bytes > _MAX_HEADER:
        raise TooLargeError(f"it states a header of {n_bytes} bytes")


def _read_npz(path: str) -> dict[str, Tensor]:
    try:
        with open_archive(path) as archive:
            count_entries(len(archive.infolist()))
            return {
                member.filename.removesuffix(".npy"): _read_array(archive, member)
                for member in archive.infolist()
            }
    except Exception as exc:  # what NumPy raises depends on the kind of damage
        raise WeightsError(
            f"The weights {path!r} are damaged, or not an npz file of arrays of numbers ({exc})."
        ) from exc


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Tensor:
    """Read an array, whose header may not state more than the archive does."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(file)
        if dtype.kind not in "fiub" or math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"{member.filename} states shape {shape} and type {dtype}")
    import torch

    with archive.open(member) as file:
        return torch.from_numpy(np.lib.format.read_array(file, allow_pickle=False))


def write_safetensors(
    path: str | os.PathLike, state: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors and their description; the file appears whole or not at all.

    The same ones give the same bytes, so that a checksum tells what is in a file.

    Parameters
    ----------
    path : str or os.PathLike
        The file to write.
    state : mapping of str to Tensor
        The tensors.
    metadata : mapping of str to str
        Their description.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import torch
    >>> from skw2c.weights import read_checkpoint, write_safetensors
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "weights.safetensors"
    ...     write_safetensors(path, {"gain": torch.ones(3)}, {"licence": "CC0"})
    ...     read_checkpoint(path)
    {'gain': tensor([1., 1., 1.])}
    """
    from safetensors.torch import save

    tensors = {name: value.contiguous().clone() for name, value in state.items()}
    content = memoryview(save(tensors, metadata=dict(metadata)))
    start = 8 + int.from_bytes(content[:8], "little")
    with open_atomically(path) as file:
        file.write(_in_order(bytes(content[8:start])))
        file.write(content[start:])


def _in_order(header: bytes) -> bytes:
    """A header, its length before it, with the metadata sorted.

    They come in random order (https://github.com/safetensors/safetensors/issues/584).
    """
    entries = json.loads(header)
    if "__metadata__" in entries:
        entries["__metadata__"] = dict(sorted(entries["__metadata__"].items()))
    header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors begin at a multiple of eight bytes
    return len(header).to_bytes(8, "little") + header
