"""Search by words, sounds and images that are added and subtracted."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..system._network import offline
from ._abilities import KINDS, lack_of
from ._library import Library
from ._problems import ProblemError
from ._uploads import Upload

MOST_RESULTS = 1000
MOST_PARTS = 32
_PLACE = re.compile(r"^(Query: )?(Row \d+: )?")


@dataclass
class Question:
    """What is looked for: the sum of some vectors, less others.

    Attributes
    ----------
    words, minus_words : list of str
    items, minus_items : list of int
        Numbers of clips of the library.
    uploads, minus_uploads : list of Upload
    """

    words: list[str] = field(default_factory=list)
    minus_words: list[str] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    minus_items: list[int] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    minus_uploads: list[Upload] = field(default_factory=list)

    def parts(self) -> list[tuple[int, str, object]]:
        """Sign, kind and value of all parts."""
        lists: list[tuple[int, str, Sequence[object]]] = [
            (1, "words", self.words),
            (1, "item", self.items),
            (1, "upload", self.uploads),
            (-1, "words", self.minus_words),
            (-1, "item", self.minus_items),
            (-1, "upload", self.minus_uploads),
        ]
        return [(sign, kind, value) for sign, kind, values in lists for value in values]


@dataclass(frozen=True)
class Hit:
    """A clip or a window that was found.

    Attributes
    ----------
    number : int
        Of the clip.
    score : float
        Cosine.
    start, end : float or None
        Seconds from the start of the clip, in frame mode.
    """

    number: int
    score: float
    start: float | None
    end: float | None


@dataclass(frozen=True)
class Answer:
    """What was found, best first, what was asked in words, and the seconds that it took."""

    query: str
    seconds: float
    hits: list[Hit]


class Searcher:
    """Answer questions to a library.

    Parameters
    ----------
    library : Library
    """

    def __init__(self, library: Library):
        self._library = library

    def search(self, question: Question, k: int, folder: str | None = None) -> Answer:
        """Find the nearest clips or windows.

        Parameters
        ----------
        question : Question
        k : int
            Number of results.
        folder : str or None, default=None
            Look only in this folder and those below it.

        Raises
        ------
        ProblemError
            If nothing is asked, a kind of question has no encoder, or the library is not loaded.
        """
        start, index = time.perf_counter(), self._library.index
        unit, content = self.embed(question), index._content
        allowed = None if folder is None else self._library.items.in_folder(folder)
        scores, rows = self._rank(index, unit, k, set(question.items), allowed)
        numbers = content.numbers_of(rows).tolist()
        framed = content.is_framed and len(rows)
        times = content.times_of(rows).tolist() if framed else [(None, None)] * len(rows)
        hits = [
            Hit(number, score, *span)
            for number, score, span in zip(numbers, scores.tolist(), times, strict=True)
        ]
        return Answer(self.tell(question), time.perf_counter() - start, hits)

    def embed(self, question: Question) -> np.ndarray:
        """The unit vector of a question, of shape (width,)."""
        parts = question.parts()
        if not parts:
            raise ProblemError(
                400, "nothing is asked: give words, the number of a sound or an upload"
            )
        if len(parts) > MOST_PARTS:
            raise ProblemError(400, f"a search takes at most {MOST_PARTS} words and sounds")
        total = sum(sign * self._embed_part(kind, value) for sign, kind, value in parts)
        length = np.linalg.norm(total)
        if not np.isfinite(length) or length < 1e-6:
            raise ProblemError(422, "what is added and what is taken away cancel each other out")
        return np.ascontiguousarray(total / length, np.float32)

    def embed_words(self, words: str) -> np.ndarray:
        """The unit vector of words, of shape (width,)."""
        return self._embed_query("words", words, words)

    def tell(self, question: Question) -> str:
        """A question in words."""
        text = ""
        for sign, kind, value in question.parts():
            name = self._name(kind, value)
            text += f" \N{MINUS SIGN} {name}" if sign < 0 else f" + {name}"
        return text.removeprefix(" + ").strip()

    def _name(self, kind: str, value) -> str:
        if kind == "words":
            return value
        return self._library.items.describe(value)["name"] if kind == "item" else value.name

    def _embed_part(self, kind: str, value) -> np.ndarray:
        index = self._library.index
        if kind == "item":
            return self._vector_of_item(index, value)
        if kind == "words":
            return self.embed_words(value)
        return self._embed_query(value.kind, value.path, value.name)

    def _embed_query(self, kind: str, query: str, name: str) -> np.ndarray:
        """The unit vector of words or of a file that has a name of its own."""
        index, lack = self._library.index, self._library.lacks.get(kind)
        if lack is None:
            try:
                with self._library.encoding, offline():
                    return index._embed_as_units([query], KINDS[kind])[0]
            except (ImportError, OSError, RuntimeError, TypeError, ValueError) as exc:
                lack = lack_of(exc)
        why = _PLACE.sub("", lack.why.replace(repr(query), repr(name)))
        raise ProblemError(422, why, command=lack.command)

    def _vector_of_item(self, index, number: int) -> np.ndarray:
        """The mean direction of a clip's vectors."""
        self._library.items.check(number)
        content = index._content
        mean = content.vectors_at(content.rows_of(number)).mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)

    def _rank(self, index, unit, k, left_out, allowed):
        """Scores and rows of the best vectors, but for those of some clips."""
        content = index._content
        if not index.n_vectors_:
            return np.zeros(0), np.zeros(0, int)
        if allowed is not None:
            chosen = content.masks_of(set(allowed) - left_out)
            scores, rows = index._engine().search(unit[None], k, chosen)
            return scores[0], rows[0]
        spare = sum(len(content.rows_of(number)) for number in left_out)
        scores, rows = index._engine().search(unit[None], k + spare)
        scores, rows = scores[0], rows[0]
        kept = ~np.isin(content.numbers_of(rows), list(left_out))
        return scores[kept][:k], rows[kept][:k]
