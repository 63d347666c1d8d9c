"""Build the package, look into it, and install it as users would.

    python tools/check_install.py                            # this Python, newest versions
    python tools/check_install.py --oldest                   # the oldest versions that are allowed
    python tools/check_install.py --python python3.12 python3.13 --extra "" clip media
    python tools/check_install.py --extra all                # each extra alone
    python tools/check_install.py --build-only --out dist    # no environment, keep the archives

The wheel and the source distribution are built twice, from copies whose files have different times,
and must have the same bits. The wheel must hold what is in the folder of the package and known to
git, and nothing else. Each environment is fresh; in it, the package is imported, finds what its
extra brings, and embeds a second of sound with the encoder in the wheel. The oldest versions have
wheels for Python 3.11 and 3.12 alone. Needs the packages build and setuptools here, and pip's usual
sources of packages.
"""

import argparse
import configparser
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
OLDEST = ROOT / "constraints-oldest.txt"
NOT_FOR_USERS = {"test", "docs", "benchmarks"}
EPOCH = "1700000000"  # of the files in the archives, so that two builds can be compared

SELF_TEST = """
import importlib, json, sys, time
began = time.perf_counter()
import skw2c
imported = time.perf_counter() - began
assert "torch" not in sys.modules, "importing skw2c alone loads torch"
for name in sys.argv[1:]:
    importlib.import_module(name)
import numpy as np
from skw2c import Wav2CLIPTransformer
began = time.perf_counter()
clips = np.random.default_rng(0).normal(scale=0.1, size=(2, 16000)).astype(np.float32)
vectors = Wav2CLIPTransformer("mini").fit_transform(clips)
assert vectors.shape == (2, 512) and 0 < abs(vectors).max() < float("inf"), vectors
print(json.dumps({"import": imported, "first": time.perf_counter() - began}))
"""

MODULES = {
    "av": "av",
    "faiss-cpu": "faiss",
    "lightning-fabric": "lightning_fabric",
    "open-clip-torch": "open_clip",
    "pillow": "PIL",
    "python-multipart": "python_multipart",
    "umap-learn": "umap",
}


def main(arguments=None):
    """Build, install, print a table; returns 0 if all rows are right."""
    options = parse_arguments(arguments)
    if options.write_oldest:
        OLDEST.write_text(oldest_text(), "utf-8")
        return 0
    with tempfile.TemporaryDirectory(prefix="check-install-") as home:
        wheel, source = build_twice(Path(home))
        check_content(wheel, source)
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, the same bits twice", flush=True)
        print(
            f"{source.name}: {source.stat().st_size / 1e6:.1f} MB, the same bits twice", flush=True
        )
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            for path in (wheel, source):
                shutil.copy(path, options.out)
        if options.build_only:
            return 0
        return check_environments(Path(home), wheel, options)


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", nargs="+", default=[sys.executable], metavar="PROGRAM")
    parser.add_argument("--extra", nargs="+", default=[""], help='"" is none, "all" each alone')
    parser.add_argument("--oldest", action="store_true", help=f"those of {OLDEST.name}")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep the two archives there")
    parser.add_argument("--write-oldest", action="store_true", help=f"write {OLDEST.name}, and end")
    return parser.parse_args(arguments)


def project():
    """What setup.cfg says of the project."""
    stated = configparser.ConfigParser()
    stated.read(ROOT / "setup.cfg", "utf-8")
    return stated


def requirements_of(extra=""):
    """What the package requires, or an extra alone."""
    stated = project()
    text = (
        stated["options.extras_require"][extra] if extra else stated["options"]["install_requires"]
    )
    return [Requirement(line) for line in text.split("\n") if line]


def extras():
    """The extras for users, in the order of setup.cfg."""
    return [name for name in project()["options.extras_require"] if name not in NOT_FOR_USERS]


def oldest_versions(extra=""):
    """A line ``name==version`` for the lower bound of each dependency, or of each of an extra."""
    return [f"{each.name}=={lowest(each)}" for each in requirements_of(extra)]


def lowest(requirement):
    """The lowest version that is allowed."""
    [bound] = [each.version for each in requirement.specifier if each.operator in (">=", "==")]
    return bound


def oldest_text():
    """What constraints-oldest.txt holds: a section for the package, and one for each extra."""
    lines = ["# The oldest versions that setup.cfg allows, of the package and of each extra alone."]
    lines += ["# tools/check_install.py --oldest installs them.", *oldest_versions()]
    for extra in extras():
        lines += ["", f"# {extra}", *oldest_versions(extra)]
    return "\n".join(lines) + "\n"


# The archives


def build_twice(home):
    """Build wheel and source distribution from two copies; they must be the same."""
    built = [build(home / name, touched) for name, touched in (("one", False), ("two", True))]
    for first, second in zip(*built, strict=True):
        if digest(first) != digest(second):
            raise SystemExit(f"two builds of {first.name} differ")
    return built[0]


def build(folder, touched):
    """Build from a copy of the files that git knows; returns the paths of wheel and source."""
    copy = folder / "skw2c"
    for name in known_files():
        place = copy / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place)
        if touched:
            os.utime(place, (time.time(), time.time()))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", copy]
    run(command, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
    [wheel], [source] = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    settle_times(source)
    return wheel, source


def settle_times(source):
    """Give files in a source distribution the time of all builds, as in wheels."""
    with tarfile.open(source) as archive:
        members = [(each, archive.extractfile(each)) for each in archive.getmembers()]
        members = [(each, file and file.read()) for each, file in members]
    with (
        source.open("wb") as out,
        gzip.GzipFile("", "wb", fileobj=out, mtime=int(EPOCH)) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member, content in sorted(members, key=lambda each: each[0].name):
            member.mtime, member.pax_headers = int(EPOCH), {}
            archive.addfile(member, None if content is None else io.BytesIO(content))


def known_files():
    """Files that git knows and that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def digest(path):
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_content(wheel, source):
    """The wheel holds the package and its licences; the source what is needed to build it."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if "/licenses/" in name]
    expected = {name for name in known_files() if name.startswith("skw2c/")}
    if packed != expected:
        raise SystemExit(f"the wheel differs from the folder in {sorted(packed ^ expected)}")
    if len(licences) != len(project()["metadata"]["license_files"].split()):
        raise SystemExit(f"the wheel holds the licences {licences}")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = expected | {"pyproject.toml", "setup.cfg", "README.rst", "LICENSE", "CHANGES.rst"}
    if not missing <= names:
        raise SystemExit(f"the source distribution lacks {sorted(missing - names)}")


# The environments


def check_environments(home, wheel, options):
    """Install and try each; print a table. Returns 1 if one fails."""
    wanted = extras() if options.extra == ["all"] else options.extra
    failed = False
    print("python | extra | versions | size, MB | import, s | first vector, s", flush=True)
    for program in options.python:
        for extra in wanted:
            versions = "oldest" if options.oldest else "newest"
            try:
                facts = try_environment(home / "environment", program, wheel, extra, options.oldest)
            except subprocess.CalledProcessError as error:
                failed = True
                facts = [program, f"failed: {(error.stderr or error.stdout or '').strip()[-500:]}"]
            print(" | ".join([facts[0], extra or "none", versions, *facts[1:]]), flush=True)
            shutil.rmtree(home / "environment", ignore_errors=True)
    return int(failed)


def try_environment(folder, program, wheel, extra, oldest):
    """Install into a fresh environment; returns Python's version, size and times, as texts."""
    run([program, "-m", "venv", folder])
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    constraints = []
    if oldest:
        file = folder / "oldest.txt"
        added = oldest_versions(extra) if extra else []
        file.write_text("\n".join([*oldest_versions(), *added]))
        constraints = ["--constraint", file]
    target = f"{wheel}[{extra}]" if extra else wheel
    run([python, "-m", "pip", "install", "--quiet", *constraints, target])
    run([python, "-m", "pip", "check"])
    version = run([python, "-c", "import sys; print(sys.version.split()[0])"]).strip()
    run([python, "-c", SELF_TEST, *modules_of(extra)], cwd=folder)  # compiles
    times = json.loads(run([python, "-c", SELF_TEST], cwd=folder).splitlines()[-1])
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return [version, f"{size:.0f}", f"{times['import']:.2f}", f"{times['first']:.2f}"]


def modules_of(extra):
    """The modules that an extra brings."""
    required = requirements_of(extra) if extra else []
    names = [each.name.lower().replace("_", "-") for each in required]
    return [MODULES.get(name, name.replace("-", "_")) for name in names]


def run(command, **options):
    """Run a program; returns what it writes, and fails where it does."""
    done = subprocess.run(  # noqa: S603
        [str(part) for part in command], check=True, capture_output=True, text=True, **options
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
