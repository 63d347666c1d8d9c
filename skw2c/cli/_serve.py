"""Search, hear and sort the sounds of an index in the browser.

The page is served to this machine only, unless --host says otherwise. The first line of the output
is its address. Nothing leaves the machine; Ctrl-C ends it.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import webbrowser
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial

from ..system._optional import import_optional
from ._csv import flush_output
from ._option_names import name_options
from ._options import add_machine, add_text, index_parameters
from ._stderr import print_message

HELP = "search, hear and sort the sounds of an index in the browser"

_HIGHEST = 65535


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("library", metavar="LIBRARY", help="folder of the index")
    parser.add_argument(
        "--port", type=_port, default=8765, metavar="N", help="0 takes a free one (default: 8765)"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: 127.0.0.1, this machine only); others need the token "
        "in the printed address",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--root", metavar="FOLDER", help="where the sounds were moved to")
    parser.add_argument("--table", metavar="FILE", help="table of the sounds, to colour the map by")
    add_text(parser)
    add_machine(parser)


def run(options: Namespace) -> int:
    """Serve the page; return the exit status."""
    for package in ("starlette", "uvicorn", "python_multipart"):
        import_optional(package, extra="serve", purpose="The listening page")
    from ..listening._colour_table import ColourTable
    from ..listening._library import Library
    from ..listening._server import serve

    table, parameters = ColourTable(options.table), partial(index_parameters, options)
    if options.label_vectors:  # what is wrong with them is told before anything is served
        parameters = partial(dict, parameters())
    library = Library(options.library, root=options.root, parameters=parameters)
    tell = partial(_tell, options=options)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        ended_by = serve(library, options.host, options.port, tell, table=table)
    status = 0 if ended_by is None else 128 + ended_by
    if threading.active_count() > 1:
        # What is still being loaded, decoded or drawn is of no use any more, and a process whose
        # threads are in compiled code cannot always end in order.
        flush_output()
        os._exit(status)
    return status


def _show_warning(message: Warning | str, *place, **more) -> None:
    """Show warnings as other commands do; those of searches come while the page is open."""
    if isinstance(message, UserWarning):
        print_message(f"warning: {name_options(str(message))}")


def _tell(address: str, options: Namespace) -> None:
    print(address, flush=True)
    if not options.no_browser and _has_screen():
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()


def _has_screen() -> bool:
    """Whether a browser has where to open; those in a terminal would take it over."""
    is_unix = sys.platform not in ("darwin", "win32")
    return not is_unix or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST:
        raise ArgumentTypeError(f"got {text!r}, expected a number from 0 to {_HIGHEST}")
    return int(text)
