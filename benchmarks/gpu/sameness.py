"""Whether a clip has the same vector alone, among others, in another order, again, and on the CPU.

A difference is told as a share of the largest number of the vectors.
"""

import numpy as np

from benchmarks.gpu.encoders import list_encoders, make_clips, make_encoder, short_name

ALLOWED = {"alone": 1e-5, "order": 1e-5, "twice": 0.0, "CPU": 1e-4}
FEW = 4


def measure(options, sizes, deadline):
    """Compare the vectors of each encoder; yield rows, and failures where they differ."""
    for kind in list_encoders(options.encoders):
        differences = compare(kind, options.device, sizes)
        shown = {name: f"{value:.1e}" for name, value in differences.items()}
        yield "rows", {"encoder": short_name(kind), "clips": sizes.clips, **shown}
        for name, value in differences.items():
            if not value <= ALLOWED[name]:
                yield (
                    "failures",
                    f"{short_name(kind)}: {name}: vectors differ by {value:.1e} of the largest "
                    f"number, expected at most {ALLOWED[name]:.0e}",
                )


def compare(kind, device, sizes):
    """Largest differences of the vectors of one encoder."""
    encoder = make_encoder(kind, device)
    clips = make_clips(sizes.clips, sizes.seconds, encoder.sampling_rate)
    together = encoder.transform(clips)
    order = np.random.default_rng(1).permutation(len(clips))
    few = np.linspace(0, len(clips) - 1, min(FEW, len(clips))).astype(int)
    alone = np.concatenate([encoder.transform([clips[row]]) for row in few])
    on_cpu = make_encoder(kind, "cpu").transform([clips[row] for row in few])
    return {
        "alone": difference(alone, together[few]),
        "order": difference(encoder.transform([clips[row] for row in order]), together[order]),
        "twice": difference(encoder.transform(clips), together),
        "CPU": difference(together[few], on_cpu),
    }


def difference(ours, expected):
    """Largest difference, relative to the largest number; infinite if something is not a number."""
    if not (np.isfinite(ours).all() and np.isfinite(expected).all()):
        return float("inf")
    return float(np.abs(ours - expected).max() / np.abs(expected).max())
