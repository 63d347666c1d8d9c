"""Keep clips of the small world as a library, and name the command that opens it to listen."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from benchmarks.datasets.generated import HELD_OUT


def main(arguments=None):
    """Make the library where there is none, and print the command."""
    options = parse_arguments(arguments)
    folder = Path(options.out)
    if not (folder / "index.json").exists():
        make_library(folder, options.n_clips)
    print(f"Hear clips of the small world: {shlex.join([program(), 'serve', str(folder)])}")
    return 0


def program():
    """The program of this environment, as it can be called from here."""
    beside = Path(sys.executable).with_name("skw2c")
    return os.path.relpath(beside) if beside.exists() else "skw2c"


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.datasets.library", description=__doc__)
    parser.add_argument("--out", default="results/library", help="folder of the library")
    parser.add_argument("--n-clips", type=int, default=240)
    return parser.parse_args(arguments)


def make_library(folder, n_clips):
    """Write clips as sound files, a folder for each kind, and index them with words."""
    import soundfile

    from skw2c import AudioIndex
    from skw2c.datasets import make_audiovisual_events

    clips = make_audiovisual_events(n_clips, random_state=HELD_OUT)
    files = []
    for number, (waveform, kind) in enumerate(zip(clips.data, clips.target, strict=True)):
        place = folder.resolve() / "sounds" / clips.target_names[kind] / f"{number:04d}.flac"
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, waveform, clips.sampling_rate)
        files.append(str(place))
    AudioIndex("mini").fit(files).save(folder)


if __name__ == "__main__":
    sys.exit(main())
