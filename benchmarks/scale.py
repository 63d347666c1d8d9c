"""What holds for very many files, and how fast it is; see benchmarks/scale/measure.py."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts a script's own folder on the path, where the rooms hide packages of their names.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.scale.measure import main

    sys.exit(main())
