"""The command line: ``skw2c embed | classify | index | search | shards | distill | imagine``."""

from __future__ import annotations

import argparse
import os
import traceback

from .._version import __version__
from . import _classify, _distill, _embed, _imagine, _index, _search, _shards
from ._csv import FORMULAS, flush_output
from ._failures import SOME_FAILED
from ._interruption import stopping
from ._option_names import in_options, speak_of
from ._stderr import say

__all__ = ["main"]

_COMMANDS = {
    "embed": _embed,
    "classify": _classify,
    "index": _index,
    "search": _search,
    "shards": _shards,
    "distill": _distill,
    "imagine": _imagine,
}
_STATUS = f"""\
exit status:
  0  all went well
  1  an error, named on the standard error stream
  2  the command line was wrong
  {SOME_FAILED}  finished, but clips failed (--on-error nan); they are listed
130  interrupted (143 by SIGTERM)

{FORMULAS}
SKW2C_TRACEBACK=1 in the environment shows where an error comes from.
"""
_FAULT = (
    "this is a fault of skw2c: please report it, with what SKW2C_TRACEBACK=1 in the environment "
    "shows"
)
_EXPECTED = (ArithmeticError, ImportError, OSError, RuntimeError, TypeError, ValueError)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Parameters
    ----------
    arguments : list of str or None
        The words after the program's name. None takes them from the process.

    Returns
    -------
    int
        The exit status.
    """
    with stopping(until_exit=arguments is None) as stop:
        try:
            status = _run(arguments)
        except KeyboardInterrupt:
            status = None
        except SystemExit:
            raise
        except BaseException as exc:  # also the panics of packages in Rust
            if os.environ.get("SKW2C_TRACEBACK"):
                traceback.print_exc()
            # What was interrupted half way may fail in its own words.
            status = None if stop.number else _fail(exc)
        if status is None:
            say("error: interrupted")
            status = stop.status
    return status


def _run(arguments: list[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        speak_of(options.command)
        return options.run(options)
    finally:
        flush_output()


def _fail(exc: BaseException) -> int:
    """Say what went wrong; return the exit status."""
    kind = type(exc).__name__
    if isinstance(exc, MemoryError):
        say("error: there is not enough memory: a lower --batch-size or --n-jobs takes less")
    elif isinstance(exc, _EXPECTED):
        say(f"error: {in_options(str(exc)) or kind}")
    else:
        say(f"error: {kind}: {str(exc) or 'no more is known'}; {_FAULT}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skw2c",
        description="Sound as vectors in the space of pictures and text.",
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
