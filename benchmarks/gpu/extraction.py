"""How many clips a second become vectors, from arrays in memory, by the estimators themselves."""

import statistics
import time

from benchmarks.gpu.encoders import list_encoders, make_clips, make_encoder, short_name


def measure(options, sizes, deadline):
    """Time each encoder on the device, and some clips on the CPU; yield rows."""
    for kind in list_encoders(options.encoders):
        if time.monotonic() > deadline:
            yield "failures", f"{short_name(kind)}: not run: the time was over (--minutes)"
            continue
        yield "rows", time_encoder(kind, options.device, sizes)


def time_encoder(kind, device, sizes):
    """A row of the table."""
    encoder = make_encoder(kind, device)
    clips = make_clips(sizes.clips, sizes.seconds, encoder.sampling_rate)
    rate = time_clips(encoder, clips, sizes.repeats)
    some = clips[: max(len(clips) // 16, 1)]
    on_cpu = time_clips(make_encoder(kind, "cpu"), some, 1)
    return {
        "encoder": short_name(kind),
        "clips": len(clips),
        "seconds of a clip": sizes.seconds,
        "clips/s": f"{rate:.0f}",
        "CPU of this machine, clips/s": f"{on_cpu:.1f}",
        "ratio": f"{rate / on_cpu:.1f}",
    }


def time_clips(encoder, clips, repeats):
    """Clips per second, the median of some calls after a first one that is not counted."""
    encoder.transform(clips)
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        encoder.transform(clips)
        seconds.append(time.perf_counter() - begun)
    return len(clips) / statistics.median(seconds)
