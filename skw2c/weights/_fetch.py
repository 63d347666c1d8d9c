"""Fetch pre-trained weights once, check them ever after."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from ..exceptions import WeightsError, WeightsNotAvailableError
from ..system._atomic import write_atomically
from ..system._checksum import git_blob_of, sha256_of
from ..system._optional import need_torch
from ._checkpoint import read_checkpoint, write_safetensors
from ._download import Downloader
from ._registry import WeightsFile, registry

CACHE_VARIABLE = "SKW2C_CACHE"
_NUMBERS = {3: "three", 4: "four"}


def cache_folder() -> Path:
    """Return the folder in which weights are cached.

    Returns
    -------
    Path
        The folder that the environment variable ``SKW2C_CACHE`` names, or else the folder that
        the platform has for caches.

    Examples
    --------
    >>> from skw2c.weights import cache_folder
    >>> path = cache_folder() / "wav2clip.safetensors"
    >>> path.name
    'wav2clip.safetensors'
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("skw2c"))


@dataclass(frozen=True)
class CachedWeights:
    """A file of weights in the cache.

    Attributes
    ----------
    path : Path
        The ``.safetensors`` file.
    sha256 : str
        Checksum of the original file that it was converted from.
    """

    path: Path
    sha256: str


def is_cached(name: str) -> bool:
    """Tell whether weights can be used without a network.

    Parameters
    ----------
    name : str
        Name in the registry, such as ``"wav2clip"``.

    Returns
    -------
    bool
        Whether the weights are in the cache, or come with the package.

    Examples
    --------
    >>> from skw2c.weights import is_cached
    >>> is_cached("mini")
    True
    """
    entry, folder = registry()[name], cache_folder()
    if entry.packaged:
        return True
    if entry.verbatim:
        return _place_of(entry, folder).exists()
    return (folder / f"{name}.safetensors").exists() and (folder / f"{name}.json").exists()


def fetch_weights(name: str, *, progress: bool = False) -> CachedWeights:
    """Return the file of the weights ``name``, fetched on the first call.

    Weights that the package carries are not fetched.

    The original file is converted to safetensors, which is what stays in the cache, next
    to a record of where it came from. Where the publisher states no checksum, the record
    holds that of the first download, and a later download must equal it.

    Parameters
    ----------
    name : str
        Name in the registry, such as ``"wav2clip"``.
    progress : bool, default=False
        Whether to show the progress of a download.

    Returns
    -------
    CachedWeights
        The file in the cache, its checksum checked.

    Raises
    ------
    WeightsNotAvailableError
        If the file is not in the cache and cannot be fetched.
    WeightsError
        If the file is damaged, or is not the one recorded.

    Examples
    --------
    >>> from skw2c.weights import fetch_weights
    >>> fetch_weights("mini").path.name
    'mini.safetensors'
    """
    entry = registry()[name]
    if entry.refused:
        raise WeightsError(f"The weights {name!r} are not used: {entry.refused}.")
    if entry.packaged:
        return _take_from_package(entry)
    folder = cache_folder()
    converted = folder / f"{name}.safetensors"
    record = _read_record(entry, folder)
    if not (record and converted.exists()):
        with _only_one(entry, folder):
            record = _read_record(entry, folder)
            if not (record and converted.exists()):
                record = _fetch_and_convert(entry, folder, record, progress)
    if sha256_of(converted) != record["safetensors_sha256"]:
        raise WeightsError(
            f"The weights {str(converted)!r} are damaged: their checksum is not the one "
            "recorded when they were fetched. Delete the file to fetch it again."
        )
    return CachedWeights(converted, record["sha256"])


def fetch_file(name: str, *, progress: bool = False) -> bytes:
    """Return what is in a file that goes with weights, fetched on the first call.

    Parameters
    ----------
    name : str
        Name in the registry of a file that is kept as it is.
    progress : bool, default=False
        Whether to show the progress of a download.

    Raises
    ------
    WeightsNotAvailableError
        If the file is not in the cache and cannot be fetched.
    WeightsError
        If it is not the one that is registered.

    Examples
    --------
    >>> from skw2c.weights import fetch_file, is_cached
    >>> if is_cached("clap-tokenizer"):
    ...     tokenizer = fetch_file("clap-tokenizer")
    """
    entry, folder = registry()[name], cache_folder()
    path = _place_of(entry, folder)
    if not path.exists():
        with _only_one(entry, folder):
            if not path.exists():
                original = _download(entry, folder, entry.sha256, progress)
                _check_published(entry, original)
                write_atomically(path, original.read_bytes())
                original.unlink()
    content = path.read_bytes()
    if sha256(content).hexdigest() != entry.sha256:
        raise WeightsError(
            f"The file {str(path)!r} is damaged: its checksum is not the one that is registered. "
            "Delete it to fetch it again."
        )
    return content


def _place_of(entry: WeightsFile, folder: Path) -> Path:
    """Where a file that is kept as it is lies in the cache."""
    return folder / f"{entry.name}{Path(entry.file).suffix}"


def _take_from_package(entry: WeightsFile) -> CachedWeights:
    path = Path(str(resources.files(__package__).joinpath(entry.file)))
    if not path.is_file() or sha256_of(path) != entry.sha256:
        raise WeightsError(
            f"The weights {entry.name!r} are part of the package, and {str(path)!r} is missing or "
            "damaged: install skw2c again."
        )
    return CachedWeights(path, entry.sha256)


def _read_record(entry: WeightsFile, folder: Path) -> dict:
    """What is recorded of the first download, or nothing."""
    path = folder / f"{entry.name}.json"
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text())
        return {"sha256": record["sha256"], "safetensors_sha256": record["safetensors_sha256"]}
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise WeightsError(
            f"The record {str(path)!r} of the weights {entry.name!r} is damaged. Delete it and "
            "the .safetensors file beside it to fetch the weights again."
        ) from exc


@contextmanager
def _only_one(entry: WeightsFile, folder: Path) -> Iterator[None]:
    """Let processes that need the same weights at the same time wait for one to fetch them."""
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{entry.name}.lock")
        lock.acquire()
    except OSError as exc:
        raise WeightsNotAvailableError(_ways_out(entry, folder, exc)) from exc
    try:
        yield
    finally:
        lock.release()


def _fetch_and_convert(entry: WeightsFile, folder: Path, record: dict, progress: bool) -> dict:
    need_torch(f"fetching the weights {entry.name!r}, which are converted then,")
    expected = entry.sha256 or record.get("sha256")
    given = (folder / entry.file).exists()
    original = _download(entry, folder, expected, progress)
    try:
        _check_published(entry, original)
        state = read_checkpoint(original)
        digest = sha256_of(original)
    finally:
        if not given:
            original.unlink(missing_ok=True)
    description = {
        "name": entry.name,
        "url": entry.url,
        "licence": entry.licence,
        "architecture": entry.architecture,
        "sha256": digest,
        "sha256_origin": "published" if entry.sha256 else "first download",
    }
    converted = folder / f"{entry.name}.safetensors"
    write_safetensors(converted, state, {"format": "pt", **description})
    record = {**description, "safetensors_sha256": sha256_of(converted)}
    write_atomically(folder / f"{entry.name}.json", json.dumps(record, indent=2).encode())
    return record


def _check_published(entry: WeightsFile, original: Path) -> None:
    """Compare a file with what the publisher states beside, or in place of, its SHA-256."""
    size = original.stat().st_size
    if entry.bytes and size != entry.bytes:
        raise WeightsError(
            f"The file fetched from {entry.url} has {size} bytes, expected {entry.bytes}."
        )
    if entry.git_blob and git_blob_of(original) != entry.git_blob:
        raise WeightsError(
            f"The file fetched from {entry.url} is not the one published: git would call it "
            f"{git_blob_of(original)}, and the published one is {entry.git_blob}. Fetch or copy "
            "it again."
        )


def _download(entry: WeightsFile, folder: Path, sha256: str | None, progress: bool) -> Path:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(
            pooch.retrieve(
                entry.url,
                sha256,
                fname=entry.file,
                path=folder,
                downloader=Downloader(_most_bytes(entry), progress),
            )
        )
    except OSError as exc:  # some of those of requests are a ValueError, too
        raise WeightsNotAvailableError(_ways_out(entry, folder, exc)) from exc
    except ValueError as exc:
        raise WeightsError(
            f"The file fetched from {entry.url} has another SHA-256 checksum than "
            f"{'published' if entry.sha256 else 'the first download had'} ({sha256}), and is "
            "not used. Try again; if you trust the new file, delete "
            f"{str(folder / (entry.name + '.json'))!r}."
        ) from exc


def _most_bytes(entry: WeightsFile) -> int:
    """How large the file can be: as stated, or a quarter more than its parameters take."""
    return entry.bytes or (entry.approximate_bytes or 0) * 5 // 4


_WITH_WORDS = "pass encoder='mini', which comes with the package and has words of its own"


def _ways_out(entry: WeightsFile, folder: Path, cause: Exception) -> str:
    parameter = entry.parameter
    ways = [
        *(
            f"pass {parameter}={other.name!r}, a small network that comes with the package"
            for other in registry().values()
            if other.packaged and other.model == entry.model
        ),
        *([_WITH_WORDS] if entry.model in ("clip", "clap") else []),
        f"connect to the network, or copy {entry.file} from another machine into the cache (the "
        f"variable {CACHE_VARIABLE} names another folder), and try again",
        f"pass the path of a checkpoint file, {parameter}='path/to/file.pt' or '.safetensors'",
        f"pass {parameter}=None for an untrained encoder",
    ]
    numbered = "; ".join(f"({number}) {way}" for number, way in enumerate(ways, 1))
    return (
        f"The weights {entry.name!r} are not in the cache {str(folder)!r} and could not be "
        f"fetched from {entry.url} ({type(cause).__name__}: {cause}). There are "
        f"{_NUMBERS[len(ways)]} ways out: {numbered}."
    )
