"""A corpus of freely licensed sound, rebuilt by anyone from packages of Debian.

Packages are fetched by name with ``apt-get download``; their sounds, also those in archives
inside of them, are cut into pieces of at most 5 seconds at 16 kHz. Silence and repetitions are
left out, and no package gives more than its share. Each package becomes two files, a table of
its pieces and their samples; ``manifest.json`` tells where all of it comes from and under which
licences. Run again, it goes on where it was, and tries packages again that were not to be had.
"""

import argparse
import hashlib
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import soundfile
import soxr

from skw2c.system._atomic import open_atomically, write_atomically

RATE = 16000
SOUNDS = (".wav", ".ogg", ".oga", ".flac", ".mp3", ".opus", ".aif", ".aiff", ".au")
ARCHIVES = (".zip", ".pk3", ".pk4", ".wz")
PACKAGES = Path(__file__).parent / "corpus_packages.txt"

HELD_OUT = (
    "amoebax-data",
    "asterisk-prompt-it-menardi-wav",
    "gnome-shell-pomodoro-data",
    "lincity-ng-data",
    "oxygen-sounds",
    "scratch",
    "wesnoth-1.16-data",
)
"""Packages that recipes are compared on, and that nothing is trained on."""

_LARGEST_SOUND = 1 << 28
# An encrypted member is a RuntimeError.
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
)
_SPARE_DISK = 2 << 30


class PackageError(Exception):
    """A package that is not to be had, or cannot be unpacked."""


@dataclass(frozen=True)
class Cutting:
    """How sounds become pieces.

    Attributes
    ----------
    longest, shortest : float
        Lengths of a piece, in seconds.
    quietest : float
        Peak below which a piece is silence, where the largest value is 1.
    pieces_per_file : int
        Most pieces of one file, spread evenly over it.
    hours_per_package : float
        Most sound of one package.
    """

    longest: float = 5.0
    shortest: float = 0.1
    quietest: float = 1e-3
    pieces_per_file: int = 12
    hours_per_package: float = 1.0


class Corpus:
    """The pieces of all packages below a folder.

    Parameters
    ----------
    folder : str or Path
        What `build` wrote.

    Attributes
    ----------
    pieces : list of ndarray, int16
        Samples at 16 kHz; a piece that is in several packages is there once.
    packages : list of str
        Package of each piece.
    """

    def __init__(self, folder):
        self.pieces, self.packages, seen = [], [], set()
        for name in _list_built(Path(folder)):
            path = Path(folder, "pieces", f"{name}.json")
            entry = json.loads(path.read_text())
            if not entry["pieces"]:
                continue
            samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
            for piece in entry["pieces"]:
                if piece["sha256"] not in seen:
                    seen.add(piece["sha256"])
                    self.pieces.append(samples[piece["start"] :][: piece["length"]])
                    self.packages.append(entry["package"])

    def take(self, hours, seed=0):
        """Keep so many hours, of pieces drawn at random."""
        order = random.Random(seed).sample(range(len(self.pieces)), len(self.pieces))  # noqa: S311
        lengths = np.cumsum([len(self.pieces[row]) for row in order])
        return self._keep(sorted(order[: np.searchsorted(lengths, hours * 3600 * RATE) + 1]))

    def part(self, held_out):
        """Keep the packages that recipes are compared on, or all others."""
        names = enumerate(self.packages)
        return self._keep([row for row, name in names if (name in HELD_OUT) == held_out])

    def _keep(self, rows):
        self.pieces = [self.pieces[row] for row in rows]
        self.packages = [self.packages[row] for row in rows]
        return self

    @property
    def hours(self):
        """Sound in all, in hours."""
        return sum(map(len, self.pieces)) / RATE / 3600


def _list_built(folder):
    """Packages of which the manifest tells, and not what else lies in the folder."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        raise FileNotFoundError(f"{manifest} is missing: the corpus is not finished")
    entries = json.loads(manifest.read_text())["packages"]
    return sorted(entry["package"] for entry in entries if "left_out" not in entry)


@cache
def read_corpus(folder, held_out, hours, seed):
    """A part of the corpus, or some hours of it; each process reads it once."""
    corpus = Corpus(folder).part(held_out)
    if hours is not None:
        corpus.take(hours, seed)
    return corpus


def fetch(package, folder):
    """Download a package, unless it is there, and return its file.

    Raises
    ------
    PackageError
        If it is not to be had.
    OSError
        If the disk is too full.
    """
    found = sorted(Path(folder).glob(f"{package}_*.deb"))
    if found:
        return found[0]
    _check_space(folder, _SPARE_DISK)
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        done = _run(["apt-get", "-qq", "download", package], cwd=unfinished)
        files = list(Path(unfinished).glob("*.deb"))
        if done.returncode or not files:
            lines = done.stderr.strip().splitlines()
            raise PackageError(lines[-1] if lines else "apt-get gave no file")
        return Path(shutil.move(files[0], Path(folder) / files[0].name))


def unpack_sounds(deb, folder):
    """Unpack the sounds of a package, and return them with the text of its licences.

    Parameters
    ----------
    deb : Path
    folder : Path
        Where the sounds are put, under numbers.

    Returns
    -------
    sounds : list of (str, Path)
        Their names in the package, and where they are.
    licence : str
        Contents of its file ``copyright``.

    Raises
    ------
    PackageError
        If the package is damaged.
    """
    sounds, licence = [], ""
    with subprocess.Popen(  # noqa: S603
        ["dpkg-deb", "--fsys-tarfile", str(deb)],  # noqa: S607
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as reader:
        try:
            with tarfile.open(fileobj=reader.stdout, mode="r|") as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    if member.name.endswith("/copyright") and "share/doc/" in member.name:
                        licence += archive.extractfile(member).read().decode("utf-8", "replace")
                    elif member.name.lower().endswith(SOUNDS + ARCHIVES):
                        _check_space(folder, member.size + _SPARE_DISK)
                        _put(sounds, member.name, archive.extractfile(member), folder)
        except tarfile.TarError as exc:
            raise PackageError(f"the package is damaged ({exc})") from exc
    return sounds, licence


def cut(file, cutting):
    """Read pieces of a sound file: mono, 16 kHz, int16; silent ones are left out.

    Raises
    ------
    soundfile.LibsndfileError
        If the file is broken.
    """
    with soundfile.SoundFile(file) as sound:
        length = round(cutting.longest * sound.samplerate)
        n_pieces = max(1, sound.frames // length)
        n_wanted = min(n_pieces, cutting.pieces_per_file)
        for number in np.linspace(0, n_pieces - 1, n_wanted).round().astype(int):
            sound.seek(number * length)
            frames = sound.read(length, dtype="float32", always_2d=True).mean(axis=1)
            piece = soxr.resample(frames, sound.samplerate, RATE, quality="MQ")
            if len(piece) < cutting.shortest * RATE or not np.isfinite(piece).all():
                continue
            if np.abs(piece).max() >= cutting.quietest:
                yield (np.clip(piece, -1, 1) * 32767).round().astype(np.int16)


def collect(sounds, cutting, seed):
    """Cut sounds in random order until a package has its share.

    Returns
    -------
    pieces : list of (str, ndarray)
        Names in the package, and samples.
    counts : dict
        Numbers of files, of broken ones and of repetitions.
    """
    random.Random(seed).shuffle(sounds)  # noqa: S311
    room = round(cutting.hours_per_package * 3600 * RATE)
    pieces, seen, counts = [], set(), {"files": len(sounds), "broken": 0, "repeated": 0}
    for name, file in sounds:
        if room <= 0:
            break
        try:
            found = list(cut(file, cutting))
        except (soundfile.SoundFileError, ValueError):
            counts["broken"] += 1
            continue
        for piece in found:
            digest = _digest(piece)
            if digest in seen:
                counts["repeated"] += 1
            elif room > 0:
                seen.add(digest)
                pieces.append((name, piece[:room]))
                room -= len(piece)
    return pieces, counts


def add_package(package, folder, cutting, keep=False):
    """Fetch a package and write its pieces; return its entry of the manifest."""
    folder = Path(folder)
    table = folder / "pieces" / f"{package}.json"
    if table.exists():
        entry = json.loads(table.read_text())
        if entry.get("cutting") == vars(cutting):
            return summarise(entry)
    try:
        deb = fetch(package, folder / "packages")
        with tempfile.TemporaryDirectory(dir=folder) as unpacked:
            sounds, licence = unpack_sounds(deb, Path(unpacked))
            pieces, counts = collect(sounds, cutting, package)
    except PackageError as exc:
        print(f"{package}: left out ({exc})", file=sys.stderr, flush=True)
        return {"package": package, "left_out": str(exc)}
    ends = np.cumsum([len(piece) for _, piece in pieces], dtype=int)
    entry = {
        "package": package,
        "version": _field(deb, "Version"),
        "homepage": _field(deb, "Homepage"),
        "licences": list_licences(licence),
        "cutting": vars(cutting),
        **counts,
        "pieces": [
            {
                "file": name,
                "start": int(end) - len(piece),
                "length": len(piece),
                "sha256": _digest(piece),
            }
            for (name, piece), end in zip(pieces, ends, strict=True)
        ],
    }
    if pieces:
        with open_atomically(table.with_suffix(".npy")) as file:
            np.save(file, np.concatenate([piece for _, piece in pieces]))
    write_atomically(table.with_suffix(".copyright"), licence.encode())
    write_atomically(table, json.dumps(entry).encode())
    if not keep:
        deb.unlink()
    print(f"{package}: {summarise(entry)}", file=sys.stderr, flush=True)
    return summarise(entry)


def summarise(entry):
    """What the manifest tells of a package."""
    seconds = sum(piece["length"] for piece in entry["pieces"]) / RATE
    return {**entry, "pieces": len(entry["pieces"]), "hours": round(seconds / 3600, 4)}


def list_licences(text):
    """Names of the licences in a file ``copyright`` of Debian; those of the packaging too.

    Old files have no list, but name the texts that every Debian has.
    """
    names = re.findall(r"^License: *(\S.*)$", text, re.MULTILINE)
    names = names or re.findall(r"/usr/share/common-licenses/([\w.+-]*\w)", text)
    return sorted({" ".join(name.split()) for name in names}) or ["see its file copyright"]


def read_packages(path):
    """Names in a list; what follows a # is a comment."""
    lines = (line.partition("#")[0].strip() for line in Path(path).read_text().splitlines())
    return list(dict.fromkeys(name for line in lines for name in line.split()))


def build(packages, folder, cutting, *, n_jobs=1, keep=False):
    """Add packages to the corpus in a folder, and write its manifest.

    Raises
    ------
    OSError
        If the disk is too full.
    """
    folder = Path(folder)
    for name in ("packages", "pieces"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    entries = joblib.Parallel(n_jobs)(
        joblib.delayed(add_package)(package, folder, cutting, keep) for package in packages
    )
    manifest = {
        "hours": round(sum(entry.get("hours", 0) for entry in entries), 3),
        "cutting": vars(cutting),
        "packages": entries,
    }
    write_atomically(folder / "manifest.json", json.dumps(manifest, indent=1).encode())
    return manifest


def _put(sounds, name, file, folder):
    """Write a sound to the folder; of an archive, the sounds that are in it."""
    if name.lower().endswith(SOUNDS):
        content = file.read(_LARGEST_SOUND)
        path = folder / f"{len(sounds)}{os.path.splitext(name)[1].lower()}"
        path.write_bytes(content)
        sounds.append((name, path))
        return
    with tempfile.TemporaryFile(dir=folder) as seekable:
        shutil.copyfileobj(file, seekable)
        try:
            with zipfile.ZipFile(seekable) as archive:
                for inner in archive.namelist():
                    if inner.lower().endswith(SOUNDS):
                        _put_member(sounds, name, archive, inner, folder)
        except _BROKEN_ARCHIVE as exc:
            print(f"{name}: no archive that can be read ({exc})", file=sys.stderr)


def _put_member(sounds, name, archive, inner, folder):
    try:
        with archive.open(inner) as content:
            _put(sounds, f"{name}/{inner}", content, folder)
    except _BROKEN_ARCHIVE as exc:
        print(f"{name}/{inner}: cannot be read ({exc})", file=sys.stderr)


def _check_space(folder, needed):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{os.fspath(folder)!r} has {free / 1e9:.1f} GB of free disk, and {needed / 1e9:.1f} "
            "GB are needed: make room, and run again to go on"
        )


def _digest(piece):
    return hashlib.sha256(piece.tobytes()).hexdigest()


def _field(deb, name):
    return _run(["dpkg-deb", "--field", str(deb), name]).stdout.strip()


def _run(command, **options):
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, **options
    )


def main(arguments=None):
    """Build the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="folder of the corpus")
    parser.add_argument("--packages", default=PACKAGES, help="list of packages, one a line")
    parser.add_argument("--hours-per-package", type=float, default=Cutting.hours_per_package)
    parser.add_argument("--n-jobs", type=int, default=1, help="packages at once")
    parser.add_argument("--keep", action="store_true", help="keep what was downloaded")
    options = parser.parse_args(arguments)
    cutting = Cutting(hours_per_package=options.hours_per_package)
    names = read_packages(options.packages)
    manifest = build(names, options.out, cutting, n_jobs=options.n_jobs, keep=options.keep)
    print(f"{manifest['hours']} hours of {len(manifest['packages'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
