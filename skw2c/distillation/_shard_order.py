"""What the workers of a cluster do for shards."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from ..corpus._division import Report
from ..corpus._on_cluster import Order
from ..exceptions import ShardError, VideoError
from ..system._installation import version_of
from ..training._shard_folder import LIST
from ._shard_plan import ShardTask
from ._shard_writer import ShardTerms, ShardWriter, name_row

_PACKAGES = ("open_clip_torch", "av", "pillow", "soxr")


class ShardOrder(Order[ShardTask, Report]):
    """Write shards. A piece of one is read and not kept: it shows which video kills a process.

    Parameters
    ----------
    place : str
        The folder of the shards.
    terms : ShardTerms
    """

    unit: ClassVar[str] = "shard"
    where: ClassVar[str] = "on a disk that all machines share"
    error: ClassVar[type[Exception]] = ShardError

    def __init__(self, place: str, terms: ShardTerms):
        super().__init__(place)
        self._terms = terms

    def identify(self) -> str | None:
        """Checksum of the list of shards."""
        try:
            return hashlib.sha256(Path(self.place, LIST).read_bytes()).hexdigest()
        except FileNotFoundError:
            return None

    def versions(self) -> dict[str, str]:
        """Of the packages that decode videos and embed their frames."""
        decoding = {name: version_of(name) or "missing" for name in _PACKAGES}
        return {**super().versions(), **decoding}

    def run(self, task: ShardTask) -> Report:
        """Write a shard, or read a piece of one."""
        [report] = ShardWriter(Path(self.place), self._terms).write([task])
        return report

    def leave_out(self, task: ShardTask, whole: ShardTask, cause: str) -> tuple[Report, ShardTask]:
        """Leave the video of a piece out of its shard."""
        [row], [video] = task.rows, task.videos
        if self._terms.on_error == "raise":
            raise VideoError(name_row(row, video, cause))
        return Report(task.number, 1), replace(whole, failed={**whole.failed, row: cause})
