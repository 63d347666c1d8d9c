"""The folder that `embed_corpus` wrote, as an index reads it: by what encoder, and part by part."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sklearn.base import clone

from ..exceptions import CorpusError
from ..files import is_fresh
from ..system._optional import import_optional
from ..transformers._encoder_descriptions import restore_encoder, terms_of_vectors
from ..transformers._encoder_registry import thaw
from ..transformers._sound_transformer import SoundTransformer

if TYPE_CHECKING:
    from ..corpus._rows import FileRow

_OF_FOLDERS = ("width", "frames", "vectors")
_WINDOWS = ("frame_length", "hop_length", "tail")
_UNIT_LENGTH = "normalize"
"""An index scales all vectors anyway."""


class EmbeddedFile(NamedTuple):
    """What is known of a file, and whether it may have changed unnoticed since it was read."""

    row: FileRow
    in_doubt: bool


class EmbeddedFolder:
    """A data set of vectors.

    Parameters
    ----------
    place : str or os.PathLike
        A folder, or an address.

    Raises
    ------
    CorpusError
        If it is none, or is damaged.
    OptionalDependencyError
        If pyarrow is missing.
    """

    def __init__(self, place: str | os.PathLike):
        import_optional("pyarrow", extra="parquet", purpose="A data set of vectors")
        from ..corpus._folder import CorpusFolder

        self._folder = CorpusFolder(place)
        self.place = self._folder.place
        description = self._folder.read_description()
        if description is None:
            raise CorpusError(
                f"{os.fspath(place)!r} is not a folder of vectors: embed_corpus and "
                "'skw2c embed --out FOLDER/' write such folders"
            )
        terms = description["terms"]
        self._identity = hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
        self._terms = {name: terms[name] for name in terms if name not in _OF_FOLDERS}
        self.has_frames = bool(terms.get("frames"))

    def make_encoder(self) -> Any:
        """Make the encoder of the vectors, not fitted.

        Raises
        ------
        CorpusError
            If the folder does not say enough of it, or holds no vectors.
        """
        for number in self._folder.parts():
            head = self._folder.read_head(number)
            if head is not None:
                encoder = restore_encoder(head[1]["encoder"], "audio", fitted=False)
                if encoder is None:
                    raise CorpusError(
                        f"The folder {self.place!r} does not say enough of its encoder to make it "
                        "again: pass the encoder that the vectors were made with, encoder=..."
                    )
                return encoder
        raise CorpusError(f"The folder {self.place!r} does not hold vectors yet")

    def check_encoder(self, encoder: Any, mode: str) -> None:
        """Make sure that a fitted encoder gives the vectors of the folder.

        Parameters
        ----------
        encoder : transformer
        mode : {"clip", "frame"}
            That of the index.

        Raises
        ------
        CorpusError
            If it gives others.
        """
        if self.has_frames != (mode == "frame"):
            kind = "windows" if self.has_frames else "whole clips"
            raise CorpusError(
                f"The vectors in {self.place!r} are of {kind}, and the index has mode={mode!r}: "
                "choose the other mode, or embed the files again"
            )
        own = json.loads(json.dumps(terms_of_vectors(encoder)))
        there = self._terms
        names = [name for name in there | own if there.get(name) != own.get(name)]
        different = [name for name in names if name != _UNIT_LENGTH]
        if set(different) <= {*_WINDOWS} and self._has_same_windows(encoder):
            return
        name = min(different, key=lambda name: name in _WINDOWS)
        raise CorpusError(
            f"The vectors in {self.place!r} are not those of the encoder of the index: {name} is "
            f"{there.get(name)!r} there and {own.get(name)!r} in the index. Pass the encoder that "
            "they were made with, or embed the files again"
        )

    def _has_same_windows(self, encoder: Any) -> bool:
        """Whether what differs only matters to vectors of another mode."""
        encoder = thaw(encoder)
        if not isinstance(encoder, SoundTransformer):
            return {name: self._terms.get(name) for name in _WINDOWS} == dict.fromkeys(_WINDOWS)
        stated = {name: self._terms[name] for name in _WINDOWS if name in self._terms}
        twin = clone(encoder).set_params(**stated)._adopt(encoder.weights_)
        return twin._windows() == encoder._windows()

    def parts(self) -> Iterator[list[EmbeddedFile]]:
        """Yield the rows of each part that is there.

        Raises
        ------
        CorpusError
            If a part is of another encoder than the folder.
        """
        for number in self._folder.parts():
            rows, metadata = self._folder.read_rows(number)
            if rows and metadata.get("identity") != self._identity:
                raise CorpusError(
                    f"Part {number} of {self.place!r} holds vectors of another encoder than the "
                    "folder: embed the files again, which writes it anew"
                )
            yield [EmbeddedFile(row, is_fresh(row.stamp, metadata["started"])) for row in rows]
