"""Names of models on the Hugging Face hub, and the folders that they are fetched into."""

from __future__ import annotations

import os
import re

from ...exceptions import WeightsError
from ...system._network import check_online
from ._library import import_hub

_NAME = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_DESCRIPTIONS = ["config.json", "preprocessor_config.json", "processor_config.json"]
_SAFE, _OTHER = "model.safetensors", "pytorch_model.bin"


def split_name(model: str) -> tuple[str, str | None]:
    """Name and revision of what is written like a name on the hub."""
    found = _NAME.fullmatch(model)
    if found is None:
        raise ValueError(f"{model!r} is not written like a name on the hub")
    return found["name"], found["revision"]


def is_hub_name(model) -> bool:
    """Whether it is written like a name on the hub."""
    return isinstance(model, str) and _NAME.fullmatch(model) is not None


def find_in_cache(model: str) -> str | None:
    """The folder that a model was fetched into earlier; None where there is none."""
    name, revision = split_name(model)
    try:
        folder = import_hub().snapshot_download(name, revision=revision, local_files_only=True)
    except Exception:  # the client has many for "not there"
        return None
    return folder if _is_complete(folder) else None


def fetch_model(model: str) -> str:
    """The folder of a model on the hub, which is fetched where it is not in the hub's cache.

    Only the weights and what describes them are fetched. What is there is not looked for again.

    Raises
    ------
    WeightsError
        If it can be neither found nor fetched.
    """
    cached = find_in_cache(model)
    if cached is not None:
        return cached
    name, revision = split_name(model)
    download = import_hub().snapshot_download
    try:
        check_online()
        patterns = [*_DESCRIPTIONS, _SAFE, f"{_SAFE}.index.json"]
        folder = download(name, revision=revision, allow_patterns=patterns)
        if not any(os.path.isfile(os.path.join(folder, pattern)) for pattern in patterns[-2:]):
            patterns = [*_DESCRIPTIONS, _OTHER, f"{_OTHER}.index.json"]
            folder = download(name, revision=revision, allow_patterns=patterns)
    except Exception as exc:  # whatever can go wrong in a network
        raise WeightsError(_describe_failure(model, name, revision, exc)) from exc
    return folder


def _describe_failure(model: str, name: str, revision: str | None, error: Exception) -> str:
    first_line = str(error).strip().partition("\n")[0].rstrip(".")
    command = f"hf download {name}{f' --revision {revision}' if revision else ''}"
    return (
        f"model={model!r} is no folder here, and cannot be fetched from the Hugging Face hub "
        f"({type(error).__name__}: {first_line}). There are three ways out: fit once while "
        "connected to the network, after which it is in the hub's cache; or run `"
        f"{command} --local-dir FOLDER` on a machine that is connected, copy the folder and pass "
        "its path; or pass what you have loaded yourself, model=(model, feature_extractor)"
    )


def _is_complete(folder: str) -> bool:
    present = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    return "config.json" in present and bool(present & {_SAFE, _OTHER})
