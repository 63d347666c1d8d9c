"""Say what is installed and whether it works: versions, extras, weights, processor, a self-test.

The self-test embeds generated sounds with the encoder in the package, without network. Nothing is
sent anywhere; paste the output into a bug report.
"""

from __future__ import annotations

import io
import os
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

import skw2c

from ..system._installation import list_extras, list_requirements
from ..system._optional import is_installed

HELP = "say what is installed and whether it works"

_DEVELOPMENT = ("test", "benchmarks")
_LABELS = ("beep", "dog", "rain")
_LARGEST_GAP = 1e-5


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--all", action="store_true", help="also extras for development")


def run(options: Namespace) -> int:
    """Print the report; return 1 if something that skw2c needs is missing or fails."""
    needed = list_requirements()
    print(f"skw2c {skw2c.__version__}, Python {platform.python_version()}, {platform.platform()}")
    print("\nNeeded packages:")
    _print_items(map(str, needed))
    print("\nExtras:")
    for extra in list_extras():
        if options.all or extra not in _DEVELOPMENT:
            print(f"  {extra}: {_describe_extra(extra)}")
    failures = [str(requirement) for requirement in needed if not requirement.is_met]
    for title, lines in {"Processor": _list_devices, "Weights": _list_weights}.items():
        print(f"\n{title}:")
        _print_items(_survive(lines, failures))
    print("\nSelf-test:")
    _print_items(_survive(_test_itself, failures))
    print(f"\n{len(failures)} faults: {'; '.join(failures)}" if failures else "\nAll is well.")
    return int(bool(failures))


def _print_items(lines) -> None:
    for line in lines:
        print(f"  {line}", flush=True)


def _survive(lines: Callable[[], Iterator[str]], failures: list[str]) -> Iterator[str]:
    """What a part says; what it raises is a fault, and the report goes on."""
    try:
        yield from lines()
    except Exception as exc:
        failures.append(f"{type(exc).__name__}: {exc}")
        yield f"failed: {failures[-1]}"


def _describe_extra(extra: str) -> str:
    requirements = list_requirements(extra)
    unmet = [str(requirement) for requirement in requirements if not requirement.is_met]
    if not unmet:
        return ", ".join(map(str, requirements))
    return f'not installed: {", ".join(unmet)}; pip install "skw2c[{extra}]"'


def _list_devices() -> Iterator[str]:
    if not is_installed("torch"):
        yield f"{platform.machine()}, {os.cpu_count()} cores"
        yield "torch is not installed: mini runs in ONNX Runtime, where the extra onnx is"
        return
    import torch

    threads = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    yield f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {threads}"
    for number in range(torch.cuda.device_count()):
        yield f"GPU {number}: {torch.cuda.get_device_name(number)}, CUDA {torch.version.cuda}"
    if not torch.cuda.is_available():
        yield "no GPU that torch can use"


def _list_weights() -> Iterator[str]:
    from ..weights import cache_folder, is_cached, registry

    yield f"cache: {cache_folder()}"
    for name, file in sorted(registry().items()):
        if file.packaged or is_cached(name):
            yield f"{name}: {'in the package' if file.packaged else 'in the cache'}"


def _test_itself() -> Iterator[str]:
    import numpy as np

    times = np.arange(16000, dtype=np.float32) / 16000
    sounds = [np.sin(2 * np.pi * pitch * times) for pitch in (1000.0, 220.0)]
    encoder = skw2c.make_encoder("mini").fit()
    together = encoder.transform(sounds)
    gap = float(np.abs(encoder.transform(sounds[:1]) - together[:1]).max())
    if not (np.isfinite(together).all() and gap <= _LARGEST_GAP):
        raise ArithmeticError(f"a sound alone and among others has vectors {gap:.1e} apart")
    yield f"sounds have vectors of {together.shape[1]} numbers, the same alone and together"
    label = skw2c.ZeroShotClassifier(_LABELS, encoder="mini").fit().predict(sounds[:1]).item()
    if label != _LABELS[0]:
        raise ArithmeticError(f"a pure tone was taken for {label!r}, expected {_LABELS[0]!r}")
    yield f"of {', '.join(map(repr, _LABELS))}, a pure tone is {label!r}"
    yield _read_back(sounds[0])


def _read_back(sound) -> str:
    import numpy as np
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound, 16000, format="WAV", subtype="FLOAT")
    file.seek(0)
    if not np.array_equal(soundfile.read(file, dtype="float32")[0], sound):
        raise ArithmeticError("a sound that was written was read back differently")
    return f"libsndfile {soundfile.__libsndfile_version__} reads what it wrote"
