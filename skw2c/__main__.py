"""``python -m skw2c``, and the command ``skw2c``, are the command line."""

import sys


def run() -> int:
    """Run the command line; return the exit status."""
    try:
        # Imported here, so that Ctrl-C is heard from the beginning.
        from .cli import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
