"""How long a folder of sound files takes to become a matrix, and the memory of the process."""

import resource
import sys
import time

WARM_UP = 8


def peak_megabytes():
    """The most memory that this process has had.

    On Linux what `getrusage` knows begins with the memory of the process that started it.
    """
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:
            [peak] = (line.split()[1] for line in status if line.startswith("VmHWM:"))
        return int(peak) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def time_folder(embed, files, n_threads):
    """Clips per second and peak memory of ``embed``, which maps files to vectors."""
    embed(files[:WARM_UP])
    start = time.perf_counter()
    vectors = embed(files)
    seconds = time.perf_counter() - start
    return {
        "clips_per_second": len(files) / seconds,
        "peak_megabytes": peak_megabytes(),
        "probe": [float(value) for value in vectors[0].ravel()],
        "n_files": len(files),
        "threads": n_threads,
    }
