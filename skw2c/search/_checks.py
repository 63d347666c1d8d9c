"""Whether what a saved index says of itself has the form that it must have."""

from __future__ import annotations

import math
import re

from ._methods import METHODS

FILES = re.compile(
    r"[0-9a-f]{32}\.(vectors\.npy|items\.npy|items\.json|times\.npy|dead\.npy|faiss|codes)"
)
"""Names of the files of an index beside its list."""

_MOST = 2**53  # clips or vectors
_MAY_LACK = ("times", "dead", "neighbours")  # files of a part
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHOICES = {"mode": ("clip", "frame"), "method": METHODS}


def check_list(listed: dict) -> None:
    """Check the list of an index, whose format and version are known to be right.

    Raises
    ------
    ValueError
        If something is missing or has another form. The message begins with its name.
    """
    for name, is_right in _LISTED.items():
        if name not in listed:
            raise ValueError(f"{name} is missing")
        if not is_right(listed[name]):
            raise ValueError(f"{name} is {_shorten(listed[name])}")
    for name, is_right in _MAY_BE_LISTED.items():
        if not is_right(listed.get(name)):
            raise ValueError(f"{name} is {_shorten(listed[name])}")


def check_items(content) -> None:
    """Check the names of clips and their numbers of vectors, as they are read from a file.

    Raises
    ------
    ValueError
        If they have another form.
    """
    if not isinstance(content, dict) or not {"items", "counts"} <= set(content):
        raise ValueError("it holds no items and counts")
    if not _are_names(content["items"]):
        raise ValueError("its items are not names")
    counts = content["counts"]
    if not isinstance(counts, list) or not all(_is_number(n, _MOST) for n in counts):
        raise ValueError("its counts are not numbers of vectors")
    if len(counts) != len(content["items"]):
        raise ValueError("its items do not fit the vectors")


def _is_number(value, most: float = math.inf) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_length(value) -> bool:
    return type(value) in (int, float) and 0 < value < 1e9


def _are_names(value) -> bool:
    return isinstance(value, list) and all(isinstance(n, (str, int, float)) for n in value)


def _is_file(value) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("file"), str)
        and FILES.fullmatch(value["file"]) is not None
        and _is_number(value.get("bytes"))
        and isinstance(value.get("sha256"), str)
        and _SHA256.fullmatch(value["sha256"]) is not None
    )


def _is_part(value) -> bool:
    return (
        isinstance(value, dict)
        and {"vectors", "items", "times"} <= set(value)
        and _is_file(value["vectors"])
        and _is_file(value["items"])
        and all(value.get(kind) is None or _is_file(value[kind]) for kind in _MAY_LACK)
    )


def _are_parts(value) -> bool:
    return isinstance(value, list) and all(map(_is_part, value))


def _is_root(value) -> bool:
    """Where files are: an absolute folder, and perhaps the way to it from that of the index."""
    if value is None:
        return True
    if not isinstance(value, dict) or set(value) != {"absolute", "relative"}:
        return False
    folders = value["absolute"], value["relative"] or ""
    return all(isinstance(name, str) and "\0" not in name for name in folders)


def _are_parameters(value) -> bool:
    if not isinstance(value, dict):
        return False
    prompts = value.get("prompts")
    templates = prompts if isinstance(prompts, list) else [prompts]
    return (
        all(value.get(name) in choices for name, choices in _CHOICES.items())
        and value.get("tail", "drop") in ("drop", "pad")
        and all(isinstance(template, str) for template in templates)
        and all(_is_length(value.get(name)) for name in ("frame_length", "hop_length"))
    )


def _is_encoder(value) -> bool:
    """A name, or a class with parameters, of which the encoder itself knows what is right."""
    if isinstance(value, str):
        return bool(value)
    if not isinstance(value, dict):
        return False
    weights = value.get("weights")
    return (
        isinstance(value.get("class"), str)
        and ("parameters" not in value or isinstance(value["parameters"], dict))
        and (weights is None or isinstance(weights, dict))
        and ("space" not in value or _are_texts(value["space"]))
    )


def _are_texts(value) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _shorten(value) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # numbers of many thousand digits, nesting
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 80 else f"{text[:77]}..."


_LISTED = {
    "id": lambda value: isinstance(value, str),
    "failed_items": _are_names,
    "n_named": lambda value: _is_number(value, _MOST),
    "parameters": _are_parameters,
    "encoder": _is_encoder,
    "text_encoder": lambda value: value is None or _is_encoder(value),
    "image_encoder": lambda value: value is None or _is_encoder(value),
    "parts": _are_parts,
}
_MAY_BE_LISTED = {
    "neighbours": lambda value: value is None or _is_file(value),
    "root": _is_root,
}
