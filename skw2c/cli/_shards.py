"""Write shards for training: the sound of videos, and CLIP's vectors of their frames.

Shards are plain tar files in the layout of WebDataset. To resume an interrupted run, give the
same command again: finished shards are kept. With --dask or --part, several processes or machines
share the work. Videos that fail are listed in failures.csv.
"""

from __future__ import annotations

import csv
import os
import sys
from argparse import ArgumentParser, Namespace

import skw2c

from ..files import absolute_name, is_remote
from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._options import add_dask, add_machine, part_of_work, positive, weights

HELP = "write videos as shards for training"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "paths",
        metavar="VIDEO",
        nargs="+",
        help="videos, folders of them, patterns such as 'takes/**/*.mp4', archives such as "
        "takes.zip, or addresses such as s3://bucket/takes",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the shards")
    parser.add_argument(
        "--captions", metavar="FILE", help="CSV with the columns file and caption, for all videos"
    )
    add_dask(parser)
    parser.add_argument(
        "--part", type=part_of_work, default=(1, 1), metavar="K/N", help="write only part K of N"
    )
    parser.add_argument(
        "--piece-length",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="longer videos are cut into pieces of about this length (default: 10)",
    )
    parser.add_argument(
        "--sampling-rate",
        type=positive,
        default=16000,
        metavar="HZ",
        help="rate of the sound (default: 16000, which suits all but mn04 and its kind: 32000)",
    )
    parser.add_argument(
        "--clips-per-shard",
        type=positive,
        default=1000,
        metavar="N",
        help="videos per shard (default: 1000)",
    )
    parser.add_argument(
        "--on-error",
        choices=["raise", "nan"],
        default="nan",
        help="stop at a video that cannot be read, or leave it out (default: nan)",
    )
    group = parser.add_argument_group("teacher")
    group.add_argument("--clip-model", default="ViT-B-32-quickgelu", metavar="NAME")
    group.add_argument("--clip-pretrained", type=weights, default="openai", metavar="TAG")
    group.add_argument(
        "--fps", type=float, default=30.0, help="frames per second (default: 30)", metavar="RATE"
    )
    add_machine(parser)


def run(options: Namespace) -> int:
    """Write the shards; return the exit status."""
    if os.path.lexists(options.out) and not os.path.isdir(options.out):
        raise NotADirectoryError(f"--out {options.out!r} is a file, and shards are in a folder")
    if is_remote(options.out):
        raise ValueError(f"--out {options.out!r} is an address, and shards are in a folder here")
    videos = find_files(options.paths, videos=True, on_error=options.on_error)
    teacher = skw2c.CLIPVideoEncoder(
        options.clip_model,
        options.clip_pretrained,
        fps=options.fps,
        device=options.device,
        random_state=0,
    )
    with listed_failures(videos.unread) as failures:
        result = skw2c.write_shards(
            videos,
            options.out,
            teacher=teacher,
            piece_length=options.piece_length,
            sampling_rate=options.sampling_rate,
            clips_per_shard=options.clips_per_shard,
            captions=options.captions and _read_captions(options.captions, videos),
            n_jobs=options.n_jobs,
            client=options.dask,
            part=options.part,
            on_error=options.on_error,
            verbose=not options.quiet,
        )
    print(
        f"skw2c: {result.n_clips} clips, {result.seconds / 3600:.2f} hours, in {options.out}",
        file=sys.stderr,
    )
    return SOME_FAILED if failures else 0


def _read_captions(path: str, videos: list[str]) -> list[str]:
    """The caption of each video; file names are relative to this folder or to that of the table."""
    rows = _read_rows(path)
    from_here = _by_file(path, rows, "")
    from_there = _by_file(path, rows, os.path.dirname(path))
    captions: list[str] = []
    missing: list[str] = []
    for video in videos:
        place = _place_of(video)
        found = {table[place] for table in (from_here, from_there) if place in table}
        if len(found) > 1:
            raise ValueError(
                f"--captions {path!r} has two captions for {video!r}: its names fit both the "
                "current folder and the folder of the table. Give the files by their absolute paths"
            )
        captions.extend(found)
        if not found:
            missing.append(video)
    if missing:
        raise ValueError(
            f"--captions {path!r} lacks captions for {len(missing)} of {len(videos)} videos; the "
            f"first of them is {missing[0]!r}"
        )
    return captions


def _by_file(path: str, rows: list[tuple[str, str]], folder: str) -> dict[str, str]:
    """The caption of each file, with names relative to a folder."""
    captions: dict[str, str] = {}
    for name, caption in rows:
        place = _place_of(name, folder)
        if captions.setdefault(place, caption) != caption:
            raise ValueError(
                f"--captions {path!r} has two captions for {name!r}: {captions[place]!r} and "
                f"{caption!r}. Remove one of them"
            )
    return captions


def _place_of(name: str, folder: str = "") -> str:
    """The same for all names of a video; addresses and archives are not relative to a folder."""
    if is_remote(name):
        return absolute_name(name)
    return os.path.realpath(os.path.join(folder, name))


def _read_rows(path: str) -> list[tuple[str, str]]:
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        table = csv.DictReader(file)
        columns = table.fieldnames or []
        if not {"file", "caption"} <= set(columns):
            raise ValueError(
                f"--captions {path!r} has the columns {columns}, expected file and caption"
            )
        rows = [(row["file"], row["caption"] or "") for row in table if row["file"]]
    for name, caption in rows:
        if not caption.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in caption):
            raise ValueError(
                f"--captions {path!r} is not text in UTF-8: the caption of {name!r} is "
                f"{caption!a:.99}. Save the table as UTF-8"
            )
    return rows
