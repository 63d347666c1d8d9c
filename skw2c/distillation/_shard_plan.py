"""Which videos go into which shard, and what ``shards.json`` says of all of them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from itertools import takewhile

from .._version import __version__
from ..corpus._division import Task
from ..files import absolute_name, is_remote
from ..transformers._clip_video_encoder import CLIPVideoEncoder


@dataclass(frozen=True)
class ShardTask(Task):
    """A shard that is to be written; a piece of one is only read, to find what kills a process.

    Attributes
    ----------
    rows : range
        Of its videos.
    videos : list of str
        Where each of them is.
    names : list of str
        What the shard calls each of them.
    captions : list of str or None
        A text for each.
    failed : dict of int to str
        Why a row is left out unread.
    """

    rows: range
    videos: list[str]
    names: list[str]
    captions: list[str] | None = None
    failed: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, files: slice, piece: str) -> ShardTask:
        """The work on some of the videos."""
        return replace(
            self,
            rows=self.rows[files],
            videos=self.videos[files],
            names=self.names[files],
            captions=self.captions and self.captions[files],
            piece=piece,
        )


class ShardPlan:
    """Which videos go into which shard, and how they are cut.

    Parameters
    ----------
    videos : list of str
        Their names.
    captions : list of str or None
        A text for each.
    clips_per_shard : int
        Videos of each shard.
    piece_length : float
        In seconds.
    rate : int
        Rate of the sound, in Hz.

    Attributes
    ----------
    names : list of str
        Relative to the folder that all videos have in common, here or elsewhere.
    shards : list of range
        Rows of the videos of each shard.
    """

    def __init__(self, videos, captions, clips_per_shard, piece_length, rate):
        self.videos = videos
        self.captions = captions
        self.clips_per_shard = int(clips_per_shard)
        self.piece_length = float(piece_length)
        self.rate = rate
        self.names = _shorten(videos)
        rows = range(len(videos))
        self.shards = [
            rows[start : start + self.clips_per_shard] for start in rows[:: self.clips_per_shard]
        ]

    def task(self, number: int, *, is_elsewhere: bool) -> ShardTask:
        """The work on a shard.

        Parameters
        ----------
        number : int
        is_elsewhere : bool
            Whether another process does it, which may work in another folder.
        """
        rows = self.shards[number]
        span = slice(rows.start, rows.stop)
        videos = self.videos[span]
        return ShardTask(
            number,
            rows,
            [absolute_name(video) for video in videos] if is_elsewhere else videos,
            self.names[span],
            self.captions and self.captions[span],
        )

    def describe(self, teacher: CLIPVideoEncoder) -> dict:
        """The content of ``shards.json``."""
        captions = json.dumps(self.captions).encode()
        return {
            "created_by": f"skw2c {__version__}",
            "sampling_rate": self.rate,
            "frame_rate": float(teacher.fps),
            "width": width_of(teacher),
            "texts": self.captions is not None,
            "teacher": _describe(teacher),
            "piece_length": self.piece_length,
            "clips_per_shard": self.clips_per_shard,
            "captions_sha256": hashlib.sha256(captions).hexdigest() if self.captions else None,
            "shards": {
                name_shard(number): [self.names[row] for row in rows]
                for number, rows in enumerate(self.shards)
            },
        }


def name_shard(number: int) -> str:
    """The name of a shard."""
    return f"clips-{number:06}.tar"


def width_of(teacher: CLIPVideoEncoder) -> int:
    """Dimension of the teacher's vectors."""
    return len(teacher.get_feature_names_out())


def _shorten(videos: list[str]) -> list[str]:
    """The names of videos without the folder, bucket or archive that all have in common."""
    paths = [_split(video) for video in videos]
    levels = zip(*(path[:-1] for path in paths), strict=False)
    shared = sum(1 for _ in takewhile(lambda folders: len(set(folders)) == 1, levels))
    return ["/".join(path[shared:]) for path in paths]


def _split(video: str) -> list[str]:
    name = absolute_name(video).replace(os.sep, "/")
    return (name.replace("::", "/") if is_remote(video) else name).split("/")


def _describe(teacher: CLIPVideoEncoder) -> dict:
    """Which CLIP, by names that hold on other machines too."""
    weights = teacher.weights_
    return {
        "model": os.path.basename(weights.model) if weights.is_folder else weights.model,
        "pretrained": weights.pretrained and os.path.basename(weights.pretrained),
        "sha256": weights.sha256,
        "identity": weights.fingerprint,
        "normalize": bool(teacher.normalize),
        "normalize_frames": bool(teacher.normalize_frames),
    }
