"""What the workers of a cluster do for a data set of vectors."""

from __future__ import annotations

import time

from ..exceptions import AudioError
from ..files import Stamp
from ..transformers._file_embedder import FileEmbedder
from ._file_work import FileWork
from ._folder import CorpusFolder, piece_name
from ._on_cluster import Order, refuse_weights_in_memory
from ._task import PartReport, PartTask, Terms, run_tasks


class EmbeddingOrder(Order[PartTask, PartReport]):
    """Embed the files of parts. A piece of a part is kept until the part is made of all of them.

    Parameters
    ----------
    place : str
        Of the data set.
    encoder : transformer
        Fitted; a few kilobytes, without its network.
    terms : Terms

    Raises
    ------
    ValueError
        If the weights are in no file that workers could read.
    """

    def __init__(self, place: str, encoder, terms: Terms):
        refuse_weights_in_memory(encoder)
        super().__init__(place)
        self._encoder, self._terms = encoder, terms

    def identify(self) -> str | None:
        """What the folder says of itself, in short."""
        return CorpusFolder(self.place).identity()

    def run(self, task: PartTask) -> PartReport:
        """Write a part, or a piece of one."""
        folder = CorpusFolder(self.place)
        [report] = run_tasks([task], folder, FileEmbedder(self._encoder), self._terms)
        return report

    def leave_out(self, task: PartTask, whole: PartTask, cause: str) -> tuple[PartReport, PartTask]:
        """Write the row of a file that kills processes, as a piece of its part."""
        [name], [stamp] = task.files, task.stamps
        terms = self._terms
        if terms.on_error == "raise":
            raise AudioError(f"{name!r}: {cause}")
        file = FileWork(name, stamp or Stamp(), None, retry_failed=False)
        file.fail(cause)
        metadata = {**terms.metadata, "part": task.number, "started": time.time()}
        place = piece_name(task.number, task.piece)
        folder = CorpusFolder(self.place)
        folder.write_rows(place, [file.row], terms.width, terms.has_frames, metadata)
        return PartReport(task.number, 1), whole
