"""Everything that a GPU does, in one command; see benchmarks/gpu/check.py."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts a script's own folder on the path, where the rooms hide packages of their names.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.gpu.check import main

    sys.exit(main())
