"""One measurement of encoders.py without torch, in a process of its own; prints a line of JSON."""

import json
import sys
from functools import partial

from benchmarks.speed.folder import peak_megabytes, time_folder

DEVICE = "onnxruntime"


def measure(job, mode, weights=None, precision="float32"):
    from skw2c import Wav2CLIPTransformer
    from skw2c.models._devices import count_threads

    transformer = Wav2CLIPTransformer(
        weights or job["safetensors"],
        mode=mode,
        n_jobs=job["n_jobs"],
        device=DEVICE,
        precision=precision,
    )
    return time_folder(transformer.fit(job["files"]).transform, job["files"], count_threads())


MEASUREMENTS = {
    f"skw2c {DEVICE}": measure,
    "skw2c int8": partial(measure, precision="int8"),
    f"skw2c mini {DEVICE}": partial(measure, weights="mini"),
}


def main(job_file, engine, mode):
    """Measure ``engine`` in ``mode`` on the files that ``job_file`` lists."""
    imported = peak_megabytes()
    with open(job_file, encoding="utf-8") as file:
        job = json.load(file)
    result = MEASUREMENTS[engine](job, mode)
    print(json.dumps({**result, "import_megabytes": imported}))


if __name__ == "__main__":
    main(*sys.argv[1:])
