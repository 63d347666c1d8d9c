"""Read the tensors of files that torch wrote, without running what is in them."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

import torch
from torch import Tensor

from ..exceptions import WeightsError
from ._bounds import MAX_ENTRIES, Budget, TooLargeError, count_entries, open_archive, unpacked_limit
from ._pickled import Inert, Module, RefusedError, StoredNumbers, StoredTensor, read_pickle

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_MAX_DEPTH = 100


def read_torch(path: str) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint or TorchScript archive.

    Both say in the language of pickle which tensors there are. Of a checkpoint of Lightning
    the ``state_dict`` is read; of a TorchScript archive all that its modules hold, under their
    full names, without running the program in it.

    Raises
    ------
    WeightsError
        If the file is damaged, or asks for anything but modules and tensors.
    """
    try:
        if zipfile.is_zipfile(path):
            with open_archive(path) as archive:
                return _read_archive(archive, path)
        with open(path, "rb") as file:
            return _read_legacy(file, path)
    except WeightsError:
        raise
    except TooLargeError as exc:
        raise WeightsError(f"The weights {path!r} are refused: {exc}.") from exc
    except RefusedError as exc:
        raise WeightsError(
            f"The weights {path!r} are refused: {_first_line(exc)}. The file is not a torch "
            "checkpoint, or it holds objects other than tensors, and loading those could run code. "
            "Save the state dict alone, or convert it to safetensors."
        ) from exc
    except Exception as exc:  # zipfile, zlib, pickle and torch raise a dozen kinds
        raise WeightsError(
            f"The weights {path!r} are damaged or truncated ({type(exc).__name__}: "
            f"{_first_line(exc)}). Fetch or copy the file again."
        ) from exc


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0][:500]


def _read_archive(archive: zipfile.ZipFile, path: str) -> dict[str, Tensor]:
    names = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
    if len(names) != 1:
        raise RefusedError("it is a zip file without the description of one checkpoint")
    folder = names[0].removesuffix("/data.pkl")
    order = f"{folder}/byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise RefusedError("its numbers are in the order of other processors")
    with archive.open(names[0]) as file:
        content, _ = read_pickle(file)
    named = _name_tensors(content, path)

    def read(stored: StoredNumbers) -> bytes:
        member = f"{folder}/data/{stored.key}"
        if archive.getinfo(member).file_size != stored.n_bytes:
            raise ValueError(f"storage {stored.key} has another length than stated")
        return archive.read(member)

    return _make_tensors(named, path, read)


def _read_legacy(file: BinaryIO, path: str) -> dict[str, Tensor]:
    """Read the format of torch before 1.6: pickles, one after the other, and then the numbers."""
    if (read_pickle(file)[0], read_pickle(file)[0]) != (_MAGIC, _VERSION):
        raise RefusedError("it does not begin as one that torch wrote")
    read_pickle(file)  # on which machine it was written
    content, storages = read_pickle(file)
    keys, _ = read_pickle(file)
    named = _name_tensors(content, path)
    places = {}
    for key in keys:
        length = int.from_bytes(file.read(8), "little", signed=True)
        if length != storages[key].n_elements:
            raise ValueError(f"storage {key} has {length} elements")
        places[key] = file.tell()
        file.seek(storages[key].n_bytes, os.SEEK_CUR)
    if file.tell() > os.path.getsize(path):
        raise EOFError("it ends before its last storage")

    def read(stored: StoredNumbers) -> bytes:
        file.seek(places[stored.key])
        return file.read(stored.n_bytes)

    return _make_tensors(named, path, read)


def _name_tensors(content, path: str) -> dict[str, StoredTensor]:
    """Tell the tensors that count, by their names."""
    if isinstance(content, Module):
        return dict(_walk(content, "", [MAX_ENTRIES]))
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if (
        not isinstance(content, Mapping)
        or isinstance(content, Inert)
        or not all(
            isinstance(name, str) and isinstance(value, StoredTensor)
            for name, value in content.items()
        )
    ):
        kind = "object of another package" if isinstance(content, Inert) else type(content).__name__
        raise WeightsError(
            f"The weights {path!r} hold a {kind}, expected a state dict (names and tensors)."
        )
    return dict(content)


def _walk(module: Module, prefix: str, left: list[int]) -> Iterator[tuple[str, StoredTensor]]:
    """Name the tensors of modules; one that is shared comes under each of its names."""
    if prefix.count(".") > _MAX_DEPTH:
        raise RefusedError(f"the module {prefix[:100]!r} is part of itself, or too deep")
    for name, value in module.attributes.items():
        left[0] -= 1
        if left[0] < 0:
            raise TooLargeError(
                f"its modules have, under all their names, more than {MAX_ENTRIES} entries"
            )
        if isinstance(value, StoredTensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, Module):
            yield from _walk(value, f"{prefix}{name}.", left)


def _make_tensors(
    named: dict[str, StoredTensor], path: str, read: Callable[[StoredNumbers], bytes]
) -> dict[str, Tensor]:
    """Read each storage that is needed once, and make the tensors that lie in them."""
    count_entries(len(named))
    budget = Budget(unpacked_limit(path))
    for stored in named.values():  # before anything is read
        budget.take(math.prod(stored.size) * stored.dtype.itemsize, "its tensors")
    storages: dict[str, bytearray] = {}
    tensors = {}
    for name, stored in named.items():
        key = stored.storage.key
        if key not in storages:
            storages[key] = bytearray(read(stored.storage))
        tensors[name] = _make_tensor(stored, storages[key])
    return tensors


def _make_tensor(stored: StoredTensor, content: bytearray) -> Tensor:
    if not content:
        return torch.empty(0, dtype=stored.dtype).as_strided(
            stored.size, stored.stride, stored.offset
        )
    flat = torch.frombuffer(content, dtype=stored.dtype)
    return torch.as_strided(flat, stored.size, stored.stride, stored.offset)
