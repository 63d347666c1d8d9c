"""The command line: ``skw2c COMMAND``, a module for each command."""

from __future__ import annotations

import argparse
import os
import traceback

from .._version import __version__
from . import (
    _classify,
    _distill,
    _doctor,
    _embed,
    _encoders,
    _export,
    _imagine,
    _index,
    _map,
    _search,
    _serve,
    _shards,
)
from ._csv import FORMULAS, flush_output
from ._failures import SOME_FAILED
from ._interruption import interruptible
from ._option_names import name_options, use_options_of
from ._stderr import print_message

__all__ = ["main"]

_COMMANDS = {
    "embed": _embed,
    "classify": _classify,
    "index": _index,
    "search": _search,
    "serve": _serve,
    "map": _map,
    "shards": _shards,
    "distill": _distill,
    "imagine": _imagine,
    "export": _export,
    "encoders": _encoders,
    "doctor": _doctor,
}
_STATUS = f"""\
exit status:
  0  success
  1  an error, which is printed on standard error
  2  wrong command line
  {SOME_FAILED}  finished, but some clips failed (--on-error nan); they are listed
130  interrupted (143 by SIGTERM)

{FORMULAS}
Set SKW2C_TRACEBACK=1 in the environment to see the traceback of an error.
"""
_FAULT = (
    "this is a bug in skw2c: please report it, with the traceback that SKW2C_TRACEBACK=1 in the "
    "environment shows"
)
_EXPECTED = (ArithmeticError, ImportError, OSError, RuntimeError, TypeError, ValueError)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Parameters
    ----------
    arguments : list of str or None
        The arguments after the program's name. None means those of the process.

    Returns
    -------
    int
        The exit status.
    """
    with interruptible(until_exit=arguments is None) as stop:
        try:
            status = _run(arguments)
        except KeyboardInterrupt:
            status = None
        except SystemExit:
            raise
        except BaseException as exc:  # also the panics of packages in Rust
            if os.environ.get("SKW2C_TRACEBACK"):
                traceback.print_exc()
            # Code that is interrupted may also fail with another error, which is not the user's.
            status = None if stop.number else _fail(exc)
        if status is None:
            print_message("error: interrupted")
            status = stop.status
    return status


def _run(arguments: list[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        use_options_of(options.command)
        return options.run(options)
    finally:
        flush_output()


def _fail(exc: BaseException) -> int:
    """Print what went wrong; return the exit status."""
    kind = type(exc).__name__
    if isinstance(exc, MemoryError):
        print_message("error: not enough memory: try a smaller --batch-size or --n-jobs")
    elif isinstance(exc, _EXPECTED):
        print_message(f"error: {name_options(str(exc)) or kind}")
    else:
        print_message(f"error: {kind}: {str(exc) or 'without a message'}; {_FAULT}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skw2c",
        description="Audio embeddings in a space shared with images and text.",
        epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skw2c {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            epilog=_STATUS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, command=command)
    return parser
