"""Index sound files, so that `skw2c search` finds them.

The first run builds the index. Later runs bring it up to date: new and changed files are embedded,
moved and renamed files get their new names, and missing files are removed. They take the encoder
that the index has, unless one is named. Files are identified by their content, and named by their
absolute paths. To resume an interrupted run, give the same command again.

With --vectors the vectors are those that `skw2c embed --out FOLDER/` wrote: they are added, or take
the place of those of files that have changed, and no sound is read.

If all the files were moved together, --root tells where they are now. An index that lies beside its
files, or among them, finds them without it.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

import skw2c

from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._index_checks import check_mode, check_root, refuse_without_files
from ._index_vectors import add_vectors
from ._options import adapt_encoder, add_encoder, add_paths, make_encoder, names_encoder
from ._partial_folder import resumable
from ._stderr import print_message

HELP = "build a searchable index of sound files, or bring one up to date"

_OUTCOMES = {
    "changed": "changed and embedded again",
    "moved": "moved",
    "missing": "missing and removed",
    "unchanged": "unchanged",
}
_SAVED = ("method", "tail")  # what is not given stays as it was saved
_KINDS = ("added", "changed", "moved", "missing", "unchanged")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("index", metavar="INDEX", help="folder of the index")
    add_paths(parser, required=False)
    parser.add_argument(
        "--vectors",
        metavar="FOLDER/",
        help="in place of files: the folder of vectors that skw2c embed --out FOLDER/ wrote",
    )
    parser.add_argument(
        "--method",
        choices=["auto", "exact", "faiss", "disk"],
        help="how to search (default: that of the index; auto in a new one, which chooses by the "
        "size of the index)",
    )
    parser.add_argument(
        "--keep-missing",
        action="store_true",
        help="keep missing files in the index, for example those on a drive that is not mounted",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="only bring an index up to date",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only print what would become of each file"
    )
    parser.add_argument(
        "--root",
        metavar="FOLDER",
        help="folder that holds the sounds, if it was moved; their paths are saved relative to it",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare all files of the index with their checksums first",
    )
    parser.add_argument(
        "--compact",
        action="store_true",
        help="rewrite the index as one part, without what was removed",
    )
    add_encoder(parser)


def run(options: Namespace) -> int:
    """Build the index or update it; return the exit status."""
    if os.path.lexists(options.index) and not os.path.isdir(options.index):
        raise NotADirectoryError(f"{options.index!r} is a file, expected the folder of an index")
    if options.vectors:
        return add_vectors(options)
    if not options.paths:
        return _maintain(options)
    # Absolute, because another run may start in another folder.
    found = find_files(options.paths, on_error=options.on_error)
    files = [os.path.abspath(file) for file in found]
    with resumable(options.index) as memory, listed_failures(found.unread) as failures:
        index, before = _open(options, memory), 0
        # Files in a folder that cannot be read at the moment are not missing.
        missing = "keep" if options.keep_missing or found.unread else "remove"
        if options.dry_run:
            _print_plan(index.update(files, missing=missing, dry_run=True))
            return 0
        if index is None:
            index = skw2c.AudioIndex(
                make_encoder(options, memory),
                mode=options.mode,
                tail=options.tail or "pad",
                method=options.method or "auto",
            ).fit(files)
            counts = {"added": len(index)}
        else:
            before = len(index)
            report = index.update(files, missing=missing)
            counts = {kind: len(names) for kind, names in report.items()}
        index.save(options.index, root=options.root or _root_of(index, options.paths))
        if options.compact:
            index.compact()
        also = "".join(
            f", {counts[kind]} {outcome}" for kind, outcome in _OUTCOMES.items() if counts.get(kind)
        )
        print_message(f"{counts['added']} files added to {before} in {options.index}{also}")
    return SOME_FAILED if failures else 0


def _maintain(options: Namespace) -> int:
    """Do what needs no sounds; return the exit status."""
    if not (options.verify or options.compact or options.root):
        raise ValueError(
            "name the sound files or folders to index, or their vectors by --vectors, or pass "
            "--verify, --compact or --root"
        )
    refuse_without_files(options)
    index = skw2c.AudioIndex.load(options.index, root=options.root, verify=options.verify)
    check_root(index, options)
    if options.verify:
        n_clips, n_vectors = len(index), index.n_vectors_
        print_message(
            f"all files of {options.index} are as they were saved: {n_clips} clips, "
            f"{n_vectors} vectors"
        )
    if options.root:
        index.save(options.index)
        print_message(f"the sounds of {options.index} are in {options.root}")
    if options.compact:
        index.compact()
        print_message(f"{options.index} was rewritten: {len(index)} clips")
    return 0


def _open(options: Namespace, memory: str):
    """Load the index if there is one, else return None."""
    if not os.path.exists(os.path.join(options.index, "index.json")):
        if options.update or options.dry_run:
            option = "--update" if options.update else "--dry-run"
            raise FileNotFoundError(
                f"there is no index in {options.index!r} to update: check the name, or "
                f"build it without {option}"
            )
        return None
    index = skw2c.AudioIndex.load(
        options.index,
        root=options.root,
        verify=options.verify,
        encoder=_encoder_for(options, memory),
        on_error=options.on_error,
        **{name: own for name in _SAVED if (own := getattr(options, name)) is not None},
    )
    check_mode(index, options)
    check_root(index, options)
    return index


def _encoder_for(options: Namespace, memory: str):
    """The encoder that is named, or that of the saved index."""
    if names_encoder(options):
        return make_encoder(options, memory)
    saved = skw2c.AudioIndex.load(options.index, root=options.root).encoder
    return adapt_encoder(saved, options, memory)


def _root_of(index, paths: list[str]) -> str | None:
    """The folder that was named, if it is the only one and the index knows none yet."""
    is_new = getattr(index, "_root", None) is None
    return paths[0] if is_new and len(paths) == 1 and os.path.isdir(paths[0]) else None


def _print_plan(report) -> None:
    """Print what would become of each file, and how many there are of each kind."""
    for kind in ("added", "changed", "missing"):
        for name in report[kind]:
            print(f"{kind}\t{name}")
    for before, after in report["moved"]:
        print(f"moved\t{before}\t{after}")
    counts = ", ".join(f"{len(report[kind])} {kind}" for kind in _KINDS)
    print_message(f"nothing was done: {counts}")
