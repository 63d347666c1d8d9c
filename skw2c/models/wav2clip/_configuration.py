"""Which network of Wav2CLIP a checkpoint holds, as the shapes of its entries tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...exceptions import WeightsError

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
"""Blocks in each stage of the residual networks."""

MOBILE = "mobilenet"
ARCHITECTURES = (*BLOCKS, MOBILE)
PREFIXES = ("audio_encoder.", "audio_transform.", "word_transform.")

_FIRST = "audio_encoder.conv1.weight"
_FIRST_OF_MOBILE = "audio_encoder.stem.0.weight"
_FEATURES_OF_MOBILE = "audio_encoder.last.0.weight"
_WORDS = "word_transform.sequential.3.weight"
_LAST = "audio_transform.sequential.3.weight"


def read_configuration(state: Mapping[str, Any], source: str) -> dict:
    """Architecture and widths.

    Parameters
    ----------
    state : mapping of str to Tensor or ndarray
        Entries of the checkpoint.
    source : str
        Its name, for the error.

    Raises
    ------
    WeightsError
        If it lacks the entries that tell them.
    """
    mobile = _FIRST_OF_MOBILE in state
    first = _require(_FEATURES_OF_MOBILE if mobile else _FIRST, 4, state, source)
    last = _require(_LAST, 2, state, source)
    configuration = {"n_outputs": last.shape[0]}
    if _WORDS in state:
        configuration["n_words"] = _require(_WORDS, 2, state, source).shape[0]
    if mobile:
        return configuration | {"architecture": MOBILE, "width": first.shape[0] // 12}
    return configuration | {"architecture": _name_of_blocks(state), "width": first.shape[0]}


def is_optional(name: str) -> bool:
    """Whether an entry may be missing, and says nothing of the frozen network."""
    return name.endswith(("num_batches_tracked", ".window"))


def _require(name: str, n_dimensions: int, state: Mapping[str, Any], source: str) -> Any:
    value = state.get(name)
    if value is None or value.ndim != n_dimensions:
        raise WeightsError(
            f"{source} is not a checkpoint of Wav2CLIP: it lacks {name!r} with {n_dimensions} "
            "dimensions. Expected entries named 'audio_encoder.*' and 'audio_transform.*', as in "
            "the official release."
        )
    return value


def _name_of_blocks(state: Mapping[str, Any]) -> str:
    layers = {re.match(r"audio_encoder\.layer(\d)\.(\d+)\.", name) for name in state}
    deepest = dict.fromkeys("1234", 0)
    for stage, block in (match.groups() for match in layers if match):
        if stage in deepest:
            deepest[stage] = max(deepest[stage], int(block) + 1)
    blocks = tuple(deepest.values())
    # Not a network we know: the smallest one makes the list of differences readable.
    return next((name for name, known in BLOCKS.items() if known == blocks), "resnet18")
