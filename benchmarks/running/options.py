"""The command line of run_all.py."""

import argparse
import os
from pathlib import Path

from benchmarks.running.probes import PROBES

_OUT = "results"
_REPOSITORY = Path(__file__).resolve().parents[2]

SHARES = (1, 2, 5, 10, 20, 50, 100)
"""Parts of the labels that systems learn from to show how many they need, in per cent."""


class NoRealSoundError(FileNotFoundError):
    """Real recordings were asked for, and there are none."""


# In the generated world all is small; the papers' sets get what the papers state.
_PROFILES = {
    "world": dict(
        n_trials=3,
        supervise_width=16,
        supervise_epochs=12,
        supervise_shares=(1, 2, 5, 10, 100),
        caption_epochs=15,
        painting_steps=100,
    ),
    "paper": dict(
        n_trials=3,
        supervise_width=64,
        supervise_epochs=100,
        supervise_shares=SHARES,
        caption_epochs=100,
        painting_steps=500,
    ),
}


def parse_arguments(arguments, tasks, datasets):
    """Read the command line.

    Parameters
    ----------
    arguments : list of str or None
        None takes those of the program.
    tasks : dict of str to Task
        By name; those that are slow are left out where none is named.
    datasets : list of str
        Names that are known.

    Returns
    -------
    Namespace
    """
    options = _make_parser(tasks, datasets).parse_args(arguments)
    if options.real_sound is not None:
        _choose_real_sound(options)
    if options.profile is None:
        options.profile = "world" if options.data_root is None else "paper"
    # A data set among the tasks means that its classes are to be told.
    named = [name for name in options.tasks or [] if name in datasets]
    if named:
        options.datasets = list(dict.fromkeys([*(options.datasets or []), *named]))
        options.tasks = [name for name in options.tasks if name in tasks] or ["classification"]
    if not options.check_data:
        _check_profile(options)
    for name, value in _PROFILES[options.profile].items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.tasks = options.tasks or [name for name, task in tasks.items() if not task.slow]
    options.datasets = options.datasets or list(datasets)
    options.cache = options.cache or f"{options.out}/cache"
    return options


def _choose_real_sound(options):
    """Ask the encoder in the package about real recordings, where there are some.

    Raises
    ------
    NoRealSoundError
        If no folder was named, and there are none.
    FileNotFoundError
        If there are none in the folder that was named.
    """
    shared = Path(os.environ.get("SKW2C_SHARED", _REPOSITORY.parent / "shared"))
    folder = Path(options.real_sound) if options.real_sound else shared / "data" / "esc10"
    if not (folder / "meta" / "esc50.csv").is_file():
        kind = FileNotFoundError if options.real_sound else NoRealSoundError
        raise kind(
            f"No real recordings are evaluated, for {os.fspath(folder)!r} does not hold ESC-50 or "
            "ESC-10 (meta/esc50.csv is missing): pass --real-sound FOLDER, or make run "
            "DATA_ROOT=FOLDER"
        )
    options.data_root = options.data_root or str(folder)
    options.datasets = options.datasets or ["esc50"]
    options.tasks = options.tasks or ["classification", "zero-shot"]
    options.features = options.features or ["mini", "mfcc"]
    if options.out == _OUT:
        options.out = f"{_OUT}/real-sound"


def _check_profile(options):
    """Refuse what is missing, and what would be ignored silently."""
    if options.profile == "paper":
        if options.data_root is None:
            raise ValueError(
                "--profile paper needs --data-root, the folder of the official data sets"
            )
        if options.quick:
            raise ValueError("--quick is for the generated world: name fewer --features or --tasks")
        if options.n_seeds > 1:
            raise ValueError(
                "--n-seeds is for the generated world: official data have folds, or --n-trials"
            )
        return
    if options.datasets and options.data_root is None:
        raise ValueError(f"{' and '.join(options.datasets)} must be read from --data-root")
    if options.data_root is not None:
        raise ValueError("--profile world generates its data: leave --data-root out")


def _make_parser(tasks, datasets):
    parser = argparse.ArgumentParser(
        prog="run_all.py", description="Make the tables and figures of the papers."
    )
    _add_choices(parser, tasks, datasets)
    _add_manner(parser)
    _add_trainings(parser)
    _add_weights(parser.add_argument_group("weights"))
    _add_world(parser.add_argument_group("generated world"))
    return parser


def _add_choices(parser, tasks, datasets):
    """What is run."""
    add = parser.add_argument
    add("--profile", choices=tuple(_PROFILES), help="default: world; with --data-root: paper")
    add(
        "--quick",
        action="store_true",
        help="in the generated world: leave out supervise, whose trainings take long; all other "
        "figures are the same, and are kept for a run without it",
    )
    add("--data-root", help="folder of one official data set, or of several")
    add(
        "--real-sound",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="evaluate the encoder in the package on ESC-50 or ESC-10 in this folder; default: "
        "data/esc10 in the folder that SKW2C_SHARED names, or in ../shared; where there is none, "
        "say so and do nothing",
    )
    add(
        "--check-data",
        action="store_true",
        help="print what is there, and where the rest is, of --datasets or all",
    )
    slow = " and ".join(name for name, task in tasks.items() if task.slow)
    known = [*tasks, *datasets]
    add("--tasks", nargs="+", action=_Names, known=known, help=f"default: all but {slow}")
    add("--datasets", nargs="+", action=_Names, known=datasets, help="default: all that are there")
    add(
        "--features",
        "--systems",
        nargs="+",
        action=_Names,
        known=None,
        help="systems to compare, among them encoders that are registered in skw2c, such as clap, "
        "mn10 and ced, or clap=PATH with the weights to take, and your own, module:factory; "
        "default: all but those that train an encoder for each fold (supervise, distilled)",
    )


def _add_manner(parser):
    """How it is run."""
    add = parser.add_argument
    add("--out", default=_OUT, help="folder of the report")
    add("--cache", help="folder of vectors and finished cells; default: OUT/cache")
    add("--device", default="auto")
    add("--n-jobs", type=int)
    add("--dask", type=int, metavar="N", help="share the vectors out over N processes of Dask")
    add("--seed", type=int, default=0)
    add("--verbose", action="store_true", help="show progress bars")


def _add_trainings(parser):
    """What is trained on top, or from scratch."""
    add = parser.add_argument
    add("--probe", choices=tuple(PROBES), default="mlp", help="the classifier on frozen vectors")
    add("--n-trials", type=int, help="where there are no official folds")
    add("--supervise-width", type=int, help="channels of the encoder from scratch")
    add("--supervise-epochs", type=int, help="in the generated world those with all clips")
    add(
        "--supervise-shares",
        type=int,
        nargs="+",
        metavar="PERCENT",
        choices=SHARES,
        help="shares of the labels that supervise learns from; default: all, and in the generated "
        "world all but 20 and 50",
    )
    add("--caption-epochs", type=int)
    add("--n-painted", type=int, default=60, help="sounds from which images are generated")
    add("--painting-steps", type=int, help="steps of each image")


def _add_weights(group):
    add = group.add_argument
    add("--weights-dir", help="folder with official files of weights; default: the cache")
    add(
        "--weights",
        default="auto",
        help="of wav2clip: 'wav2clip' (fetched where needed), the path of a checkpoint, 'none' for "
        "random ones, or 'auto': what is here",
    )
    add(
        "--output",
        choices=("embedding", "encoder"),
        default="embedding",
        help="which vector of wav2clip the classifiers learn from",
    )


def _add_world(group):
    add = group.add_argument
    add("--n-seeds", type=int, default=1, help="worlds to average over")
    add("--n-train", type=int, default=1500, help="clips to train on")
    add("--n-test", type=int, default=480, help="clips to evaluate on")
    add("--epochs", type=int, default=24, help="of the encoder of sound")
    add("--world", help="folder of what is trained; default: in the cache")


class _Names(argparse.Action):
    """Names with blanks or commas between them, all of them known, each taken once."""

    def __init__(self, *args, known, **kwargs):
        super().__init__(*args, **kwargs)
        self._known = known

    def __call__(self, parser, namespace, values, option=None):
        names = [name for value in values for name in value.split(",") if name]
        unknown = [name for name in names if self._known and name not in self._known]
        if unknown:
            known = ", ".join(self._known)
            parser.error(f"{option}: unknown: {', '.join(unknown)}; known: {known}")
        setattr(namespace, self.dest, list(dict.fromkeys(names)))
