"""Train an audio encoder: on shards written by `skw2c shards`, or on sounds that a teacher hears.

With --teacher, a large encoder of sound teaches a small one (--loss cosine, if no other is named).
The weights say which space that is, so that `skw2c classify` and `skw2c search` find its words.

To resume an interrupted run from its last checkpoint, give the same command again. With several
devices, the command starts one process per device.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

import skw2c

from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._options import number_of_jobs, positive
from ._tables import check_output

_ENCODERS = ["resnet18", "resnet34", "mobilenet", "mn01", "mn02", "mn04", "mn05", "mn10", "mn20"]

_FORMATS = (".safetensors", ".pt")
_WIDTH = 512  # of the vectors of the original program

HELP = "train an audio encoder on shards, or as the student of another"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="with --teacher: sound files, folders of them, or patterns",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--shards", nargs="+", metavar="PATH", help="folder of shards, or files and patterns"
    )
    source.add_argument(
        "--teacher", metavar="NAME", help="encoder of sound to learn from, such as clap"
    )
    parser.add_argument(
        "--teacher-weights", metavar="NAME", help="name or path of the teacher's weights"
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="weights to write: .safetensors, or .pt in the format of the original program",
    )
    parser.add_argument(
        "--checkpoint-dir", metavar="DIR", help="folder of the checkpoints (default: OUT.run)"
    )
    parser.add_argument(
        "--no-resume",
        dest="resume",
        action="store_false",
        help="start from the beginning; former checkpoints are kept under another name",
    )
    parser.add_argument(
        "--data", metavar="TEXT", help="description of the training data, for the model card"
    )
    parser.add_argument(
        "--licence", metavar="TEXT", help="licence of the weights, for the model card"
    )
    _add_recipe(parser)
    _add_machine(parser)


def _add_recipe(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("recipe")
    group.add_argument("--loss", choices=["cx", "clip", "clip_i", "cosine"])
    group.add_argument(
        "--encoder",
        "--student",
        choices=_ENCODERS,
        default="resnet18",
        metavar="NAME",
        help="what is trained: resnet18 (default), resnet34, mobilenet, or mn01 to mn20, which are "
        "EfficientAT's and hear 32 kHz",
    )
    group.add_argument("--encoder-width", type=positive, default=64, metavar="N")
    group.add_argument("--clip-length", type=float, default=5.0, metavar="SECONDS")
    group.add_argument(
        "--n-views",
        type=positive,
        metavar="N",
        help="pieces of each clip that the teacher hears as the student does; without it, the "
        "teacher hears whole clips",
    )
    group.add_argument("--max-epochs", type=positive, default=100, metavar="N")
    group.add_argument(
        "--batch-size", type=positive, default=128, metavar="N", help="total over all devices"
    )
    group.add_argument("--learning-rate", type=float, default=1e-3, metavar="RATE")
    group.add_argument("--lr-patience", type=int, default=5, metavar="EPOCHS")
    group.add_argument("--early-stopping-patience", type=positive, default=10, metavar="EPOCHS")
    group.add_argument("--validation-fraction", type=float, default=0.1, metavar="FRACTION")
    group.add_argument("--augment", choices=["audioclip"], help="augmentation of the waveforms")
    group.add_argument("--random-state", type=int, default=0, metavar="SEED")


def _add_machine(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--devices",
        type=_devices,
        default="auto",
        metavar="N",
        help="auto, cpu, or a number of GPUs (extra 'train')",
    )
    group.add_argument("--num-nodes", type=positive, default=1, metavar="N")
    group.add_argument(
        "--precision", choices=["auto", "32-true", "bf16-mixed", "16-mixed"], default="auto"
    )
    group.add_argument("--compile", action="store_true", help="compile the model")
    group.add_argument(
        "--n-jobs",
        type=number_of_jobs,
        default=None,
        metavar="N",
        help="number of threads that read",
    )
    group.add_argument(
        "--on-error",
        choices=["raise", "nan"],
        default="raise",
        help="stop at clips that cannot be read, or leave them out",
    )
    group.add_argument("--quiet", action="store_true", help="do not show progress")


def _devices(text: str) -> str | int:
    return text if text in ("auto", "cpu") else positive(text)


def run(options: Namespace) -> int:
    """Train and write the weights; return the exit status."""
    _check_name(options.out)
    if bool(options.paths) != bool(options.teacher):
        raise ValueError("pass PATH and --teacher together, or --shards alone")
    saved_as = "wav2clip" if options.out.endswith(".pt") else "safetensors"
    parameters = skw2c.Distiller().get_params()
    chosen = {name: value for name, value in vars(options).items() if name in parameters}
    chosen |= {
        "loss": options.loss or ("cosine" if options.teacher else "cx"),
        "checkpoint_dir": options.checkpoint_dir or f"{options.out}.run",
        "verbose": not options.quiet,
    }
    with listed_failures() as failures:
        distiller = (_learn_from if options.teacher else _train_on_shards)(options, chosen)
    distiller.save(options.out, format=saved_as, data=options.data, licence=options.licence)
    return SOME_FAILED if failures else 0


def _check_name(out: str) -> None:
    check_output(out, _FORMATS)
    if not out.endswith(_FORMATS):
        raise ValueError(f"--out {out!r} must end in .safetensors or .pt, in small letters")


def _check_original(options: Namespace, width: int = _WIDTH) -> None:
    """Refuse, before training, a model that could not be written afterwards."""
    if (options.encoder, options.encoder_width, width) != ("resnet18", 64, _WIDTH):
        theirs = "" if width == _WIDTH else f" (the teacher's have {width})"
        raise ValueError(
            f"--out {options.out!r} is in the format of the original program, which needs "
            f"--encoder resnet18, --encoder-width 64 and vectors of dimension {_WIDTH}{theirs}: "
            "choose a name that ends in .safetensors"
        )


def _check_teacher(options: Namespace, teacher, space: str | None) -> None:
    """Refuse, before training, a teacher whose student the original program could not use."""
    from sklearn.base import clone  # not for --help

    if not options.out.endswith(".pt"):
        return
    _check_original(options)
    if hasattr(teacher, "shared_space"):
        space = teacher.shared_space()
    if space != "clip":
        raise ValueError(
            f"--out {options.out!r} is in the format of the original program, which takes all "
            "vectors for those of CLIP's space, and a student has the space of --teacher "
            f"{options.teacher}: choose a name that ends in .safetensors"
        )
    if hasattr(teacher, "get_feature_names_out"):
        _check_original(options, len(clone(teacher).fit().get_feature_names_out()))


def _train_on_shards(options: Namespace, chosen: dict):
    clips = skw2c.ClipShards(options.shards, on_error=options.on_error)
    if options.out.endswith(".pt"):
        _check_original(options, clips.width)
    return skw2c.Distiller(**{**chosen, "teacher": None, "on_error": "raise"}).fit(clips)


def _learn_from(options: Namespace, chosen: dict):
    """Train on what a teacher hears in files; its vectors are kept beside the checkpoints."""
    from ..transformers._encoder_registry import find_encoder

    own = {} if options.teacher_weights is None else {"weights": options.teacher_weights}
    entry = find_encoder(options.teacher, "audio")
    teacher = entry.make(
        memory=os.path.join(chosen["checkpoint_dir"], "teacher"),
        n_jobs=options.n_jobs,
        verbose=not options.quiet,
        **own,
    )
    _check_teacher(options, teacher, entry.space)
    files = find_files(options.paths, on_error=options.on_error)
    return skw2c.Distiller(**{**chosen, "teacher": teacher}).fit(files)
