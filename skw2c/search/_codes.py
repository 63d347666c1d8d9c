"""What faiss searches in, as plain arrays: which list each vector is in, and its code.

An index of faiss is put together from them, so that no bytes from outside are ever read by
native code: numbers are checked here, and a wrong one is an error and no crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ..system._optional import import_optional
from ._arrays import ArrayReader, check_range

_CHOICES = 16  # of a code of 4 bits
_ENCODED = 65536  # vectors at once
LARGEST = 4.0
"""Of a number of a centre; those of unit vectors are at most 1."""


def import_faiss():
    """Import faiss, or say how to install it."""
    return import_optional("faiss", extra="search", purpose="Searching with method='faiss'")


@dataclass
class Codes:
    """Vectors as faiss compares them.

    Attributes
    ----------
    centres : ndarray of shape (n_lists, width), float32
    books : ndarray of shape (n_codes, 16, width // n_codes), float32
        What each value of each code stands for.
    lists : ndarray of shape (n_vectors,), int32
        The list of each vector.
    codes : ndarray of shape (n_vectors, ceil(n_codes / 2)), uint8
        Two codes to a byte.
    """

    centres: np.ndarray
    books: np.ndarray
    lists: np.ndarray
    codes: np.ndarray

    @property
    def n_lists(self) -> int:
        """Number of lists."""
        return len(self.centres)

    def select(self, rows: slice) -> Codes:
        """Those of some vectors."""
        return Codes(self.centres, self.books, self.lists[rows], self.codes[rows])

    def write(self, file: BinaryIO) -> None:
        """Write the arrays one after the other."""
        for array in (self.centres, self.books, self.lists, self.codes):
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    @classmethod
    def read(cls, reader: ArrayReader, shape: tuple[int, int]) -> Codes:
        """Read and check what `write` wrote, for vectors of a shape.

        Raises
        ------
        ValueError
            If it is not one.
        """
        n_vectors, width = shape
        centres, books = reader.read("<f4", 2), reader.read("<f4", 3)
        lists, codes = reader.read("<i4", 1), reader.read("|u1", 2)
        n_codes = len(books)
        if (
            not len(centres)
            or centres.shape[1] != width
            or books.shape != (n_codes, _CHOICES, width // max(n_codes, 1))
            or n_codes * books.shape[2] != width
        ):
            raise ValueError("its centres and codes do not fit the width of the vectors")
        if len(lists) != n_vectors or codes.shape != (n_vectors, -(-n_codes // 2)):
            raise ValueError(f"it is of {len(lists)} vectors, and there are {n_vectors}")
        for array in (centres, books):
            check_range(array, -LARGEST, LARGEST)
        check_range(lists, 0, len(centres) - 1)
        return cls(centres, books, lists, codes)

    def assemble(self):
        """An index of faiss that holds the vectors."""
        faiss = import_faiss()
        width, n_codes = self.centres.shape[1], len(self.books)
        coarse = faiss.IndexFlatIP(width)
        coarse.add(self.centres)
        plain = faiss.IndexIVFPQ(
            coarse, width, self.n_lists, n_codes, 4, faiss.METRIC_INNER_PRODUCT
        )
        plain.by_residual = False
        faiss.copy_array_to_vector(self.books.ravel(), plain.pq.centroids)
        order = np.argsort(self.lists, kind="stable").astype(np.int64)
        codes = np.ascontiguousarray(self.codes[order])
        ends = np.cumsum(np.bincount(self.lists, minlength=self.n_lists)).tolist()
        for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            if start < end:
                arrays = faiss.swig_ptr(order[start:end]), faiss.swig_ptr(codes[start:end])
                plain.invlists.add_entries(number, end - start, *arrays)
        plain.ntotal, plain.is_trained = len(order), True
        index = faiss.IndexIVFPQFastScan(plain)
        coarse.this.disown()
        index.own_fields = True  # of the two, this is the one that stays
        return index


def encode(index, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lists and codes that a trained index gives vectors."""
    faiss = import_faiss()
    lists = np.empty(len(vectors), np.int32)
    codes = np.empty((len(vectors), index.code_size), np.uint8)
    for start in range(0, len(vectors), _ENCODED):
        block = np.ascontiguousarray(vectors[start : start + _ENCODED], np.float32)
        numbers = np.ascontiguousarray(index.quantizer.search(block, 1)[1].ravel())
        there = slice(start, start + len(block))
        lists[there] = numbers
        pointers = map(faiss.swig_ptr, (block, numbers, codes[there]))
        index.encode_vectors(len(block), *pointers)
    return lists, codes


def take_apart(index, vectors: np.ndarray) -> Codes:
    """The arrays of a trained index, and of vectors as it encodes them."""
    faiss = import_faiss()
    quantiser = index.pq
    books = faiss.vector_to_array(quantiser.centroids)
    return Codes(
        index.quantizer.reconstruct_n(0, index.nlist),
        books.reshape(quantiser.M, quantiser.ksub, quantiser.dsub),
        *encode(index, vectors),
    )
