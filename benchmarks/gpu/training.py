"""Steps of the Distiller's own loop: speed, share of the matrix rate, memory, loss."""

import statistics
import time
from argparse import Namespace

from benchmarks.speed import training as steps

PRECISIONS = ("32-true", "bf16-mixed")


def measure(options, sizes, deadline):
    """Time each batch size in both precisions; yield rows, and how the losses compare."""
    device = options.device
    options = Namespace(
        device=device,
        steps=sizes.steps,
        curve_steps=sizes.curve_steps,
        encoder_width=sizes.width,
        clip_length=sizes.seconds,
    )
    n_clips = min(2 * max(sizes.batch_sizes), steps.N_CLIPS)
    clips = steps.make_clips(n_clips, round(sizes.seconds * steps.RATE), device)
    time_steps = steps.measure_on_cpu if device == "cpu" else steps.measure_on_gpu
    for batch_size in sizes.batch_sizes:
        for precision in PRECISIONS:
            if time.monotonic() > deadline:
                yield "failures", f"{batch_size}, {precision}: not run: the time was over"
                continue
            yield "rows", time_steps(steps.Kind(batch_size, precision, False), options, clips)
    yield from compare_precisions(options, sizes)


def compare_precisions(options, sizes):
    """The loss in float32 and in bfloat16; a failure where it does not fall, or falls apart."""
    batch_size = sizes.batch_sizes[len(sizes.batch_sizes) // 2]
    curve = steps.compare_losses(options, batch_size)
    yield "notes", f"Batch {batch_size}. {steps.describe_curve(curve)}"
    yield "notes", {"loss": [[round(x, 5) for x in losses] for losses in curve]}
    yield from check_curve(curve)


def check_curve(curve):
    """Failures: a loss that is not a number or does not fall, or precisions that part."""
    last = curve[-len(curve) // 4 or -1 :]
    full, half = (statistics.mean(losses[k] for losses in last) for k in range(2))
    if not (full == full and half == half):
        yield "failures", "a loss is not a number"
    elif len(curve) >= 100 and not max(full, half) < curve[0][0]:
        yield "failures", f"the loss does not fall: {curve[0][0]:.3f}, at the end {full:.3f}"
    elif abs(full - half) > 0.1 * abs(full):
        yield "failures", f"the losses part: {full:.3f} in float32, {half:.3f} in bfloat16"
