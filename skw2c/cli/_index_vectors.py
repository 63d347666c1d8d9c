"""Index the vectors that `skw2c embed --out FOLDER/` wrote."""

from __future__ import annotations

import os
from argparse import Namespace

import skw2c

from ._failures import SOME_FAILED
from ._index_checks import check_mode, check_root
from ._options import given_of_encoder, make_encoder, names_encoder
from ._stderr import print_message

_NOT_HERE = ("paths", "dry_run", "keep_missing")


def add_vectors(options: Namespace) -> int:
    """Build the index of the vectors, or extend it by them; return the exit status."""
    for name in _NOT_HERE:
        if getattr(options, name):
            what = "PATH" if name == "paths" else f"--{name.replace('_', '-')}"
            raise ValueError(f"--vectors and {what} do not go together: leave one of them out")
    _refuse_other_vectors(options)
    is_there = os.path.exists(os.path.join(options.index, "index.json"))
    if options.update and not is_there:
        raise FileNotFoundError(
            f"there is no index in {options.index!r} to update: check the name, or build it "
            "without --update"
        )
    index = _load(options) if is_there else _make(options)
    before = len(index) if is_there else 0
    result = index.add_embedded(options.vectors, save_to=options.index)
    if options.root:
        index.save(options.index, root=options.root)
    if options.compact:
        index.compact()
    print_message(
        f"{result.n_added} files added to {before} in {options.index}, {result.n_changed} changed, "
        f"{result.n_unchanged} unchanged, {result.n_failed} without a vector left out"
    )
    return SOME_FAILED if result.n_failed else 0


def _refuse_other_vectors(options: Namespace) -> None:
    """Refuse options of an encoder that is not named: that of the vectors is as it was."""
    given = {} if names_encoder(options) else given_of_encoder(options)
    for name in sorted(set(given) - {"mode"}):
        option = f"--{name.replace('_', '-')}"
        raise ValueError(
            f"{option} does nothing with --vectors, since the encoder that made them has its own: "
            f"leave {option} out, or embed the files again with it"
        )


def _load(options: Namespace):
    given = {"encoder": make_encoder(options, None)} if names_encoder(options) else {}
    if options.method is not None:
        given["method"] = options.method
    index = skw2c.AudioIndex.load(options.index, root=options.root, verify=options.verify, **given)
    if options.mode != "clip":  # which stands for no mode too, and then it is that of the index
        check_mode(index, options)
    check_root(index, options)
    return index


def _make(options: Namespace):
    """An index that is not fitted; its encoder is that of the vectors, if none was named."""
    from ..search._embedded_folder import EmbeddedFolder

    embedded = EmbeddedFolder(options.vectors)
    if names_encoder(options):
        encoder, mode = make_encoder(options, None), options.mode
    else:
        encoder, mode = embedded.make_encoder(), "frame" if embedded.has_frames else options.mode
    tail = options.tail or getattr(encoder, "tail", "pad")
    return skw2c.AudioIndex(encoder, mode=mode, tail=tail, method=options.method or "auto")
