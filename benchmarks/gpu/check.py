"""Check a GPU in one command: same vectors, extraction, training, search, painting.

It needs torch, NumPy, SciPy and scikit-learn, no weights and no files, and ends in about eight
minutes. It writes gpu.json and gpu.md. The exit status is 1 if vectors differ by more than they
may, or a part fails. With --dry-run all parts run on the CPU with small sizes, which proves only
that they run.
"""

import argparse
import json
import platform
import sys
import time
import traceback
from pathlib import Path

import torch

from benchmarks.gpu import extraction, painting, sameness, search, training
from benchmarks.gpu.encoders import list_encoders, short_name
from benchmarks.gpu.page import format_page
from benchmarks.gpu.sizes import FULL, SMALL
from skw2c._version import __version__
from skw2c.system._atomic import write_atomically

PARTS = {
    "sameness": sameness,
    "extraction": extraction,
    "training": training,
    "search": search,
    "painting": painting,
}


def main(arguments=None):
    """Run the parts one after another; return the exit status."""
    options = parse_arguments(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("gpu.py: torch finds no GPU here; to try the program, pass --dry-run")
    deadline = time.monotonic() + 60 * options.minutes
    sizes = SMALL if options.dry_run else FULL
    result = {"machine": describe_machine(options.device), "dry_run": options.dry_run, "parts": {}}
    for name in options.parts:
        say(f"{name} ...")
        result["parts"][name] = run_part(PARTS[name], options, sizes, deadline)
        save(result, Path(options.out))  # what is known stays, should a later part break off
    print(format_page(result))
    return int(any(part["failures"] for part in result["parts"].values()))


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="gpu.py", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="on the CPU, with small sizes")
    parser.add_argument("--minutes", type=float, default=8, help="after which no part is begun")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    names = [short_name(kind) for kind in list_encoders()]
    parser.add_argument(
        "--encoders", nargs="+", choices=names, metavar="ENCODER", help=", ".join(names)
    )
    parser.add_argument("--out", default="results", help="folder of gpu.json and gpu.md")
    options = parser.parse_args(arguments)
    options.device = "cpu" if options.dry_run else "cuda"
    return options


def describe_machine(device):
    """What the figures were measured on."""
    facts = {
        "skw2c": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, "
        f"{torch.get_num_threads()} threads",
        "device": device,
    }
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        facts["device"] = f"{properties.name}, {properties.total_memory / 1e9:.0f} GB"
        facts["CUDA, cuDNN"] = f"{torch.version.cuda}, {torch.backends.cudnn.version()}"
    return facts


def run_part(part, options, sizes, deadline):
    """Rows, notes and failures of a part; what it raises is a failure, and the others go on."""
    found = {"rows": [], "notes": [], "failures": []}
    if time.monotonic() > deadline:
        found["failures"].append("not run: the time was over (--minutes)")
        return found
    begun = time.monotonic()
    try:
        for kind, content in part.measure(options, sizes, deadline):
            found[kind].append(content)
            say(f"  {content}")
    except Exception as exc:
        traceback.print_exc()
        found["failures"].append(f"{type(exc).__name__}: {exc}")
    finally:
        if options.device == "cuda":
            torch.cuda.empty_cache()
    found["seconds"] = round(time.monotonic() - begun, 1)
    return found


def save(result, folder):
    """Write both files, each whole."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "gpu.json", json.dumps(result, indent=1).encode())
    write_atomically(folder / "gpu.md", format_page(result).encode())


def say(text):
    """Tell how it goes."""
    print(text, file=sys.stderr, flush=True)
