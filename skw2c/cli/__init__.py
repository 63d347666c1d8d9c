"""The command line: ``skw2c embed | classify | index | search | shards | distill | imagine``."""

from __future__ import annotations

import argparse
import os
import re
import sys

from .._version import __version__
from . import _classify, _distill, _embed, _imagine, _index, _search, _shards
from ._failures import SOME_FAILED

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
_OPTIONS = {
    "on_error": "--on-error",
    "weights": "--weights",
    "pretrained": "--clip-pretrained",
    "model": "--clip-model",
    "device": "--device",
    "text_encoder": "--label-vectors",
    "vqgan": "--vqgan",
    "clip_model": "--clip-model",
    "clip_pretrained": "--clip-pretrained",
}
_PHRASES = {
    "pass resume=False": "pass --no-resume",
    "another checkpoint_dir": "another --checkpoint-dir",
    "lower learning_rate": "lower --learning-rate",
    "precision='32-true'": "--precision 32-true",
}
_STATUS = f"""\
exit status:
  0  all went well
  1  an error, named on the standard error stream
  2  the command line was wrong
  {SOME_FAILED}  finished, but clips failed (--on-error nan); they are listed
130  interrupted
"""


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
    options = _parser().parse_args(arguments)
    try:
        status = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Who reads the output has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except (ArithmeticError, ValueError, TypeError, OSError, ImportError, RuntimeError) as exc:
        _complain(_in_options(str(exc)))
        return 1
    return status


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
        command.set_defaults(run=module.run)
    return parser


def _in_options(message: str) -> str:
    """Name options of the command line where a message names parameters."""

    def replace(match: re.Match) -> str:
        name, value = match.groups()
        return f"{_OPTIONS[name]} {value.strip(chr(39)).replace('None', 'none')}"

    message = re.sub(rf"\b({'|'.join(_OPTIONS)})=('[^']*'|None)", replace, message)
    for name, option in _PHRASES.items():
        message = message.replace(name, option)
    return message


def _complain(message: str) -> None:
    print(f"skw2c: error: {message}", file=sys.stderr)
