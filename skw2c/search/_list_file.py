"""The file of lists that a search on disk maps: plain numbers, laid out as faiss reads them.

After a first line come arrays as `np.save` writes them: settings, the centres of the lists and
their lengths. Then, list by list, the codes of its vectors and their rows. Where a list begins
follows from the lengths, so that no number in the file can lead faiss out of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ._arrays import ArrayReader, check_range
from ._codes import LARGEST, import_faiss
from ._settings import MOST, read_settings, to_array

_MAGIC = b"skw2c lists 1\n"
_AT_ONCE = 1 << 16  # vectors
_ALIGNED = 64  # bytes, to which the lists begin
_FACTORS = 8  # bytes at the end of a code: two numbers of float32
_PROBED = 16  # lists of which a code is compared
_ALIKE = 0.98  # share of the bits of a code that a machine which rounds otherwise gives too
_QUERIES = 3  # what faiss divides among threads, where the lists to search are given
_RESERVED = to_array([], MOST)


def has_lists_on_disk() -> bool:
    """Whether the faiss that is installed has these codes."""
    return hasattr(import_faiss(), "IndexIVFRaBitQ")


@dataclass
class ListFile:
    """What a file holds, but for the lists themselves.

    Attributes
    ----------
    centres : ndarray of shape (n_lists, width), float32
    sizes : ndarray of shape (n_lists,), int64
        Number of vectors in each list.
    start : int
        Where the first list begins, in bytes.
    code_size : int
        In bytes.
    """

    centres: np.ndarray
    sizes: np.ndarray
    start: int
    code_size: int

    @property
    def n_lists(self) -> int:
        """Number of lists."""
        return len(self.centres)

    @property
    def capacities(self) -> np.ndarray:
        """Codes for which each list has room, so that rows begin at multiples of 8 bytes."""
        return -(-self.sizes // 8) * 8

    @property
    def offsets(self) -> np.ndarray:
        """Where each list begins, and where the last one ends, in bytes."""
        lengths = self.capacities * (self.code_size + 8)
        return self.start + np.concatenate([[0], np.cumsum(lengths)])

    @staticmethod
    def empty(path: str | os.PathLike) -> None:
        """Write a file for vectors of which all are compared."""
        with open(path, "wb") as file:
            file.write(_MAGIC)
            np.save(file, _RESERVED[:0], allow_pickle=False)

    @staticmethod
    def write_settings(path: str | os.PathLike, settings: list) -> None:
        """Write settings into their place; without any, all else is dropped."""
        if not settings:
            ListFile.empty(path)
            return
        with open(path, "r+b") as file:
            file.seek(len(_MAGIC))
            np.save(file, to_array(settings, MOST), allow_pickle=False)

    @classmethod
    def read(cls, buffer, shape: tuple[int, int]) -> tuple[ListFile | None, list]:
        """Read and check the beginning of a file, for vectors of a shape; also its settings.

        Raises
        ------
        ValueError
            If it is something else.
        """
        if buffer[: len(_MAGIC)] != _MAGIC:
            raise ValueError("it does not begin as one that this version writes")
        reader = ArrayReader(buffer, len(_MAGIC))
        settings = read_settings(reader, lowest=0)
        if not settings:
            return None, []
        centres, sizes = reader.read("<f4", 2), reader.read("<i8", 1)
        n_vectors, width = shape
        if not len(centres) or centres.shape[1] != width or len(sizes) != len(centres):
            raise ValueError("its lists do not fit the width of the vectors")
        check_range(centres, -LARGEST, LARGEST)
        check_range(sizes, 0, n_vectors)
        if sizes.sum() != n_vectors:
            raise ValueError(f"it is of {sizes.sum()} vectors, and there are {n_vectors}")
        start = -(-reader.position // _ALIGNED) * _ALIGNED
        found = cls(centres, sizes, start, make_coder(centres).code_size)
        if found.offsets[-1] != len(buffer):
            raise ValueError(f"its lists end at {found.offsets[-1]} of {len(buffer)} bytes")
        return found, [setting for setting in settings if min(setting) > 0]

    def assemble(self, path: str | os.PathLike):
        """An index of faiss that maps the lists in a file."""
        faiss = import_faiss()
        index = make_coder(self.centres)
        lists = faiss.OnDiskInvertedLists(self.n_lists, self.code_size, os.fspath(path))
        lists.lists.clear()
        for numbers in zip(self.sizes, self.capacities, self.offsets[:-1], strict=True):
            one = faiss.OnDiskOneList()
            one.size, one.capacity, one.offset = map(int, numbers)
            lists.lists.push_back(one)
        lists.totsize, lists.read_only, lists.prefetch_nthread = int(self.offsets[-1]), True, 0
        lists.do_mmap()
        index.replace_invlists(lists, True)
        lists.this.disown()
        index.parallel_mode = _QUERIES
        index.ntotal = int(self.sizes.sum())
        return index

    def check_codes(self, buffer, vectors: np.ndarray) -> None:
        """Compare some codes in a file with those that the installed faiss gives the same vectors.

        Raises
        ------
        ValueError
            If it codes otherwise, so that the lists would be searched in vain.
        """
        some = np.flatnonzero(self.sizes)[:_PROBED]
        offsets, capacities = self.offsets[some].tolist(), self.capacities[some].tolist()
        places = [o + n * self.code_size for o, n in zip(offsets, capacities, strict=True)]
        rows = np.array([np.frombuffer(buffer, "<i8", 1, place)[0] for place in places])
        if rows.min() < 0 or rows.max() >= len(vectors):
            raise ValueError("it names vectors that there are none of")
        found = [np.frombuffer(buffer, np.uint8, self.code_size, offset) for offset in offsets]
        wanted = encode(make_coder(self.centres), vectors[rows], some)
        bits = np.unpackbits(np.stack(found) ^ wanted, axis=1)[:, : -8 * _FACTORS]
        if 1 - bits.mean() < _ALIKE:
            raise ValueError("the installed version of faiss codes vectors otherwise")


def make_coder(centres: np.ndarray):
    """An empty index of faiss with these centres, which codes vectors."""
    faiss = import_faiss()
    width = centres.shape[1]
    coarse = faiss.IndexFlatIP(width)
    coarse.add(np.ascontiguousarray(centres))
    index = faiss.IndexIVFRaBitQ(coarse, width, len(centres), faiss.METRIC_INNER_PRODUCT)
    coarse.this.disown()
    index.own_fields, index.is_trained = True, True
    return index


def encode(coder, vectors: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """Codes of vectors (n_vectors, code_size) that are in these lists."""
    faiss = import_faiss()
    vectors = np.ascontiguousarray(vectors, np.float32)
    lists = np.ascontiguousarray(lists, np.int64)
    codes = np.empty((len(vectors), coder.code_size), np.uint8)
    coder.encode_vectors(len(vectors), *map(faiss.swig_ptr, (vectors, lists, codes)))
    return codes


def write_lists(path: str | os.PathLike, centres: np.ndarray, vectors: np.ndarray) -> None:
    """Divide vectors into lists and write the file, whose settings are empty for now."""
    coder = make_coder(centres)
    owners = _assign(coder, vectors)
    sizes = np.bincount(owners, minlength=len(centres)).astype(np.int64)
    with open(path, "w+b") as file:
        file.write(_MAGIC)
        for array in (_RESERVED, centres.astype("<f4", copy=False), sizes):
            np.save(file, array, allow_pickle=False)
        start = -(-file.tell() // _ALIGNED) * _ALIGNED
        found = ListFile(centres, sizes, start, coder.code_size)
        _reserve(file, int(found.offsets[-1]))
        _fill(np.memmap(file, np.uint8, "r+"), found, coder, owners, vectors)


def _assign(coder, vectors: np.ndarray) -> np.ndarray:
    """The list of each vector, int32."""
    owners = np.empty(len(vectors), np.int32)
    for start in range(0, len(vectors), _AT_ONCE):
        block = np.ascontiguousarray(vectors[start : start + _AT_ONCE], np.float32)
        owners[start : start + _AT_ONCE] = coder.quantizer.search(block, 1)[1].ravel()
    return owners


def _fill(content: np.memmap, found: ListFile, coder, owners, vectors) -> None:
    """Write codes and rows to their places, block by block."""
    offsets, capacities = found.offsets.tolist(), found.capacities.tolist()
    filled, code_size = [0] * found.n_lists, found.code_size
    for start in range(0, len(vectors), _AT_ONCE):
        own = owners[start : start + _AT_ONCE]
        codes = encode(coder, vectors[start : start + _AT_ONCE], own)
        order = np.argsort(own, kind="stable")
        numbers, firsts = np.unique(own[order], return_index=True)
        for number, rows in zip(numbers.tolist(), np.split(order, firsts[1:]), strict=True):
            there, before = offsets[number], filled[number]
            filled[number] += len(rows)
            place = there + before * code_size
            content[place : place + len(rows) * code_size] = codes[rows].ravel()
            place = there + capacities[number] * code_size + 8 * before
            ids = (start + rows).astype("<i8")
            content[place : place + 8 * len(rows)] = ids.view(np.uint8)
    content.flush()


def _reserve(file: BinaryIO, size: int) -> None:
    """Give a file its size, so that a full disk is an error now, and not the end of the process."""
    start = file.tell()
    file.flush()
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    while start < size:
        start += file.write(bytes(min(1 << 24, size - start)))
    file.flush()
