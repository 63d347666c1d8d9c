"""How fast a folder becomes a matrix whose vectors are all in ``memory=``.

Each file is still read, since vectors are found by content. The files are short noises, and the
vectors are put into the memory as they are, without a network: it is neither of them that is
measured. Where others use the machine, the processor's time tells more than the clock.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.speed.folder import peak_megabytes
from benchmarks.speed.search import positive

RATE = 16000


def main(arguments=None):
    """Write the files, put their vectors into the memory, ask for them, print a line."""
    options = parse_arguments(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(measure(Path(folder), options))
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-files", type=positive, default=100_000)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each file")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--device", default="auto", help="decides what is imported: torch or not")
    parser.add_argument("--folder", help="where files are written and removed again")
    return parser.parse_args(arguments)


def measure(folder, options):
    """What became of the best round, in a sentence."""
    from skw2c import Wav2CLIPTransformer

    files = write_noises(folder / "sounds", options.n_files, options.seconds)
    encoder = Wav2CLIPTransformer("mini", memory=folder / "memory", device=options.device).fit()
    vectors = fill(encoder, files)
    rounds = []
    for _ in range(options.rounds):
        start = time.perf_counter(), time.process_time()
        found = encoder.transform(files)
        rounds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    if not np.array_equal(found, vectors):
        raise AssertionError("the vectors are not those that were put into the memory")
    clock, processor = map(min, zip(*rounds, strict=True))
    return (
        f"{len(files):,} files of {options.seconds:g} s, all in memory: "
        f"{len(files) / clock:,.0f} files per second, {len(files) / processor:,.0f} per second of "
        f"processor time, the best of {len(rounds)} rounds; peak memory {peak_megabytes():,.0f} MB"
    )


def write_noises(folder, n_files, seconds):
    """Write short noises, all different, 1,000 in a folder; return their names."""
    import soundfile

    rng = np.random.default_rng(0)
    files = []
    for number in range(n_files):
        path = folder / f"{number // 1000:04d}" / f"{number:07d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.normal(scale=0.1, size=max(round(seconds * RATE), 1))
        soundfile.write(path, noise, RATE)
        files.append(str(path))
    return files


def fill(encoder, files):
    """Put a vector of its own under the key of each file; return them, a row for each."""
    from skw2c.audio import as_clip

    store = encoder._embedder()._store
    shape = (len(files), encoder._n_features_out)
    vectors = np.random.default_rng(1).standard_normal(shape, np.float32)
    for path, vector in zip(files, vectors, strict=True):
        store.put(store.key(as_clip(path, RATE)), vector[None])
    return vectors


if __name__ == "__main__":
    sys.exit(main())
