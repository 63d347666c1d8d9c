"""What holds for very many files, and how fast it is.

Sounds are generated. The rows:

cluster  two workers of Dask against the threads of one process: the same bits, the speed, memory
short    many files of one second, some of them broken: memory, files per second, and a second run
         that finds nothing to do
kills    workers, scheduler and client are killed at random, until that many kills are done: rows
         that are lost, doubled or torn
"""

import argparse
import platform
import sys
import tempfile
from pathlib import Path

from . import cluster, kills, short

ROWS = {"cluster": cluster.measure, "short": short.measure, "kills": kills.measure}


def main(arguments=None):
    """Measure, print."""
    options = parse_arguments(arguments)
    print(f"{platform.platform()}, Python {platform.python_version()}", flush=True)
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="scale-", dir=options.folder) as folder:
            for line in ROWS[name](Path(folder), options):
                print(f"{name}: {line}", flush=True)
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--n-files", type=positive, default=100_000, help="of the row short")
    parser.add_argument("--kills", type=positive, default=20)
    parser.add_argument("--rounds", type=positive, default=3, help="of the row cluster")
    parser.add_argument("--n-sounds", type=positive, default=400, help="of the row cluster")
    parser.add_argument("--folder", help="where to work (default: that of temporary files)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def positive(text):
    """Read a whole number of at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
