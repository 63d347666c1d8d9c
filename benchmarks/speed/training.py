"""How fast the encoder trains, in the very loop that Distiller runs; needs torch alone.

On a CPU a step is compared with the bare convolutions of the network, forward and
backward, computed in turns with the steps. On a GPU it is told how many clips and
operations a second are trained on, beside a large product of matrices.
"""

import copy
import csv
import io
import math
import platform
import statistics
import sys
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.speed.worker import count_products, list_convolutions
from skw2c.models import Distillation, build_student
from skw2c.system._atomic import write_atomically
from skw2c.training import (
    AdamOnPlateau,
    Plan,
    Run,
    Schedule,
    SoundBatches,
    Targets,
    TensorClips,
    choose_engine,
)

RATE = 16000
HOP = 353  # samples from one column of the spectrogram to the next
WARM_UP = 3
N_TARGETS = 512
N_CLIPS = 1024  # at most in memory; a step that needs more takes them again
MATRIX = {"cpu": 2048, "cuda": 8192}
BATCH_SIZES = {"cpu": [16], "cuda": [128, 512, 2048]}
PRECISIONS = {"cpu": ["32-true", "bf16-mixed"], "cuda": ["bf16-mixed"]}
STEPS = {"cpu": 6, "cuda": 40}
CURVE_STEPS = {"cpu": 0, "cuda": 200}


def add_arguments(parser):
    """Add what belongs to training to the command line of speed.py."""
    group = parser.add_argument_group("training")
    group.add_argument("--train", action="store_true", help="measure training instead")
    group.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    group.add_argument("--batch-sizes", type=_list_of(int), help="such as 128,512")
    group.add_argument("--precision", type=_list_of(str), help="such as 32-true,bf16-mixed")
    group.add_argument("--steps", type=int, help="steps to measure of each kind")
    group.add_argument("--threads", type=int, help="threads of torch on a CPU")
    group.add_argument("--compile", action="store_true", help="also with torch.compile")
    group.add_argument("--autotune", action="store_true", help="let cuDNN try its algorithms")
    group.add_argument("--curve-steps", type=int, help="steps of the loss in both precisions")
    group.add_argument("--encoder-width", type=int, default=64)
    group.add_argument("--clip-length", type=float, default=5.0, help="in seconds")


def _list_of(kind):
    def parse(text):
        return [kind(part) for part in text.split(",")]

    return parse


@dataclass
class Kind:
    """One way to train: the same steps, differently computed."""

    batch_size: int
    precision: str
    compile: bool


class Clock:
    """Stands where a run shows its progress, and times the steps.

    Parameters
    ----------
    device : torch.device
    block : int
        Steps that are timed together; the device's work is waited for after each block.
    pause : callable
        Called between blocks, outside of what is timed.
    """

    def __init__(self, device, block, pause=lambda: None):
        self.seconds = []
        self._device, self._block, self._pause = device, block, pause
        self._n_steps, self._begun = -WARM_UP, None

    def epoch(self, epoch, n_steps, step):
        return nullcontext(self)

    def update(self):
        self._n_steps += 1
        if self._n_steps < 0 or self._n_steps % self._block:
            return
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        if self._n_steps > 0:
            self.seconds.append((time.perf_counter() - self._begun) / self._block)
            self._pause()
        self._begun = time.perf_counter()

    def print(self, text):
        pass

    def report(self, entry, *, is_best):
        pass


class Rows:
    """Many rows out of few clips, each of which stands for several."""

    def __init__(self, clips, n_rows):
        self._clips, self._n_clips = clips, len(clips.n_samples)
        self.n_samples = clips.n_samples[0].repeat(n_rows)
        self.width, self.has_texts, self.groups = clips.width, clips.has_texts, clips.groups

    def read(self, rows, starts, length):
        return self._clips.read(rows % self._n_clips, starts, length)


def make_clips(n_clips, n_samples, device):
    """Tones in noise as 16-bit samples on the device, with vectors that tell the pitch."""
    generator = torch.Generator().manual_seed(0)
    octaves = 5 * torch.rand(n_clips, generator=generator)
    samples = torch.empty(n_clips, n_samples, dtype=torch.int16, device=device)
    time_axis = torch.arange(n_samples, device=device) / RATE
    for row, octave in enumerate(octaves.tolist()):
        tone = torch.sin(2 * math.pi * 200 * 2**octave * time_axis)
        noise = torch.randn(n_samples, generator=generator).to(device)
        samples[row] = (6000 * tone + 600 * noise).to(torch.int16)
    centres = torch.linspace(0, 5, N_TARGETS)
    vectors = torch.exp(-((octaves[:, None] - centres) ** 2) / 0.1)
    return TensorClips(samples, Targets(list(vectors[:, None].numpy()), None))


def train(clips, kind, options, progress, n_epochs=1):
    """Run Distiller's loop; give the losses of all steps, on the device."""
    losses = []

    class Recorded(Distillation):
        def forward(self, *arguments):
            loss = super().forward(*arguments)
            losses.append(loss.detach())
            return loss

    torch.manual_seed(0)
    student, n_features = build_student("resnet18", options.encoder_width)
    make = Distillation if kind.compile else Recorded
    model = make(student, n_features, clips.width, "cx", clips.has_texts)
    if kind.compile:
        model.compile()
    length = round(options.clip_length * RATE)
    plan = Plan(clips.n_samples, length, kind.batch_size, 0.0, seed=0)
    schedule = Schedule(n_epochs, AdamOnPlateau(1e-3, n_epochs), None, checkpoint_interval=math.inf)
    engine = choose_engine("cpu" if options.device == "cpu" else 1, 1, kind.precision)
    Run(model, SoundBatches(clips, plan), schedule, engine=engine, progress=progress).finish()
    return losses


def measure_steps(clips, kind, options, block, pause=lambda: None):
    """Seconds of a step, from each block."""
    rows = Rows(clips, (WARM_UP + options.steps) * kind.batch_size)
    clock = Clock(torch.device(options.device), block, pause)
    train(rows, kind, options, clock)
    return clock.seconds


def list_layers(options):
    """Each convolution of the network with the shape of its input, and how often it occurs."""
    student, _ = build_student("resnet18", options.encoder_width)
    n_columns = 1 + round(options.clip_length * RATE) // HOP
    layers, numbers = {}, Counter()
    for convolution, shape_in, shape_out in list_convolutions(student, n_columns):
        name = (str(convolution), shape_in)
        layers[name] = Layer(
            convolution, shape_in, count_products(convolution, shape_in, shape_out)
        )
        numbers[name] += 1
    return [(layer, numbers[name]) for name, layer in layers.items()]


@dataclass
class Layer:
    """A convolution as the network has it."""

    convolution: object
    shape: tuple
    products: int

    @property
    def operations(self):
        """Operations of a clip, forward and backward.

        Backward there are as many for the weights and as many for the input; the spectrogram
        needs no gradient.
        """
        return self.products * (2 if self.is_first else 3)

    @property
    def is_first(self):
        return self.shape[1] == 1

    def bare(self, batch_size, dtype):
        """The convolution alone, forward and backward, as a function."""
        layout = dict(dtype=dtype, memory_format=torch.channels_last)
        convolution = copy.deepcopy(self.convolution).to(**layout)
        x = torch.randn(batch_size, *self.shape[1:]).to(**layout)
        x.requires_grad_(not self.is_first)
        gradient = torch.randn_like(convolution(x))
        wanted = [convolution.weight] if self.is_first else [x, convolution.weight]
        return lambda: torch.autograd.grad(convolution(x), wanted, gradient)


def measure_on_cpu(kind, options, clips):
    """A row of the table: steps in turns with the bare convolutions of the same batch."""
    layers, numbers = zip(*list_layers(options), strict=True)
    dtype = torch.float32 if kind.precision == "32-true" else torch.bfloat16
    bare = [layer.bare(kind.batch_size, dtype) for layer in layers]
    for function in bare:
        function()
    turns = []
    steps = measure_steps(
        clips, kind, options, 1, lambda: turns.append([time_call(function) for function in bare])
    )
    numbers, seconds = np.array(numbers), np.array(turns)
    work = kind.batch_size * np.array([layer.operations for layer in layers])
    total, of_all = work @ numbers, seconds @ numbers
    fastest = np.median(work / seconds, axis=0).max()
    step = np.median(steps)
    return {
        **_name(kind),
        "threads": torch.get_num_threads(),
        "step, s": f"{step:.3f}",
        "clips/s": f"{kind.batch_size / step:.1f}",
        "GFLOP/s": f"{total / step / 1e9:.3g}",
        "all convolutions, GFLOP/s": f"{np.median(total / of_all) / 1e9:.3g}",
        "ratio": f"{np.median(steps / of_all):.2f}",
        "fastest, GFLOP/s": f"{fastest / 1e9:.3g}",
        "ratio to fastest": f"{step * fastest / total:.2f}",
    }


def _name(kind):
    return {
        "batch": kind.batch_size,
        "precision": kind.precision,
        "compiled": "yes" if kind.compile else "no",
    }


def time_call(function):
    """Seconds of a call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure_on_gpu(kind, options, clips):
    """A row of the table: speed, share of the rate of a product of matrices, memory."""
    cuda = torch.cuda
    cuda.empty_cache()
    cuda.reset_peak_memory_stats()
    try:
        [step] = measure_steps(clips, kind, options, options.steps)
    except cuda.OutOfMemoryError:
        return {**_name(kind), "step, ms": "out of memory"}
    peak = cuda.max_memory_allocated()
    operations = sum(layer.operations * number for layer, number in list_layers(options))
    rate = operations * kind.batch_size / step
    return {
        **_name(kind),
        "step, ms": f"{1000 * step:.1f}",
        "clips/s": f"{kind.batch_size / step:.0f}",
        "TFLOP/s": f"{rate / 1e12:.1f}",
        "share of the matrix rate, %": f"{100 * rate / measure_matrix_rate(options.device):.1f}",
        "peak memory, GB": f"{peak / 1e9:.1f}",
    }


def measure_matrix_rate(device):
    """Operations per second of a large product of matrices in bfloat16."""
    n = MATRIX[device]
    x, y = (torch.randn(n, n, device=device).bfloat16() for _ in range(2))

    def multiply():
        product = x @ y
        if device == "cuda":
            torch.cuda.synchronize()
        return product

    for _ in range(WARM_UP):
        multiply()
    return 2 * n**3 / statistics.median(time_call(multiply) for _ in range(20))


def compare_losses(options, batch_size):
    """The loss of each step in float32 and in bfloat16, from the same weights and batches."""
    n_clips = min(8 * batch_size, N_CLIPS * 4)
    clips = make_clips(n_clips, round(options.clip_length * RATE), options.device)
    n_epochs = -(-options.curve_steps * batch_size // n_clips)
    silent = Clock(torch.device("cpu"), options.curve_steps + 1)
    curves = [
        torch.stack(train(clips, Kind(batch_size, precision, False), options, silent, n_epochs))
        for precision in ("32-true", "bf16-mixed")
    ]
    return list(zip(*(curve[: options.curve_steps].tolist() for curve in curves), strict=True))


def main(options):
    """Measure, print a page of tables, and write it; with the curves of the loss as CSV."""
    complete(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = options.autotune
    kinds = [
        Kind(batch_size, precision, compiled)
        for batch_size in options.batch_sizes
        for precision in options.precision
        for compiled in ([False, True] if options.compile else [False])
    ]
    measure = measure_on_cpu if options.device == "cpu" else measure_on_gpu
    n_clips = min(max(options.batch_sizes) * 2, N_CLIPS)
    clips = make_clips(n_clips, round(options.clip_length * RATE), options.device)
    rows = [say(measure(kind, options, clips)) for kind in kinds]
    parts = ["# Speed of training", describe(options), format_table(rows)]
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    if options.curve_steps:
        curve = compare_losses(options, options.batch_sizes[len(options.batch_sizes) // 2])
        write_atomically(out / "loss_curve.csv", format_csv(curve).encode())
        parts.append(describe_curve(curve))
    page = "\n\n".join(parts) + "\n"
    write_atomically(out / "speed_training.md", page.encode())
    print(page)
    return 0


def complete(options):
    """Fill in what depends on the device."""
    options.device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    options.batch_sizes = options.batch_sizes or BATCH_SIZES[options.device]
    options.precision = options.precision or PRECISIONS[options.device]
    options.steps = options.steps or STEPS[options.device]
    if options.curve_steps is None:
        options.curve_steps = CURVE_STEPS[options.device]


def say(row):
    """Tell how it goes."""
    print(", ".join(f"{name} {value}" for name, value in row.items()), file=sys.stderr, flush=True)
    return row


def describe(options):
    """What is measured, and how."""
    common = (
        f"Steps of the loop of Distiller: spectrogram, resnet18 of width {options.encoder_width}, "
        f'loss "cx", backward, Adam, on clips of {options.clip_length:g} seconds that are in '
        "memory. Operations are the multiplications and additions of the convolutions, forward "
        "and backward, without products with the zeros of the padding. "
    )
    if options.device == "cpu":
        return (
            f"{common}`ratio` is the time of a step over the time of the bare convolutions of the "
            "network, each forward and backward by itself, in the same format of memory and of "
            "numbers; `ratio to fastest` is the time of a step over the time that its operations "
            "would take at the rate of the fastest of these convolutions. Medians of "
            f"{options.steps} turns of a step and each convolution. torch {torch.__version__}, "
            f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}."
        )
    n = MATRIX[options.device]
    return (
        f"{common}Mean of {options.steps} steps after {WARM_UP}. The rate of matrices is that of "
        f"a product of {n} x {n} in bfloat16 in the same run. torch {torch.__version__}, "
        f"{torch.cuda.get_device_name()}, cuDNN {torch.backends.cudnn.version()}, algorithms "
        f"{'tried' if options.autotune else 'as cuDNN guesses'}."
    )


def describe_curve(curve):
    """How far the losses in both precisions are apart."""
    gaps = [abs(x - y) for x, y in curve]
    return (
        f"Loss of bf16-mixed against 32-true over {len(curve)} steps from the same weights and "
        f"batches (loss_curve.csv): it falls from {curve[0][0]:.3f} to {curve[-1][0]:.3f} and "
        f"{curve[-1][1]:.3f}; largest difference {max(gaps):.4f}, mean {statistics.mean(gaps):.4f}."
    )


def format_csv(curve):
    """The losses of each step as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["step", "32-true", "bf16-mixed"])
    writer.writerows([step, *losses] for step, losses in enumerate(curve, 1))
    return file.getvalue()


def format_table(rows):
    """A table in Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, ["---"] * len(names), *([str(row.get(n, "")) for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
