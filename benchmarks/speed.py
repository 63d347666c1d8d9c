"""How fast a folder of sound files becomes a matrix; see benchmarks/speed/encoders.py."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts a script's own folder on the path, where the rooms hide packages of their names.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.speed.encoders import main

    sys.exit(main())
