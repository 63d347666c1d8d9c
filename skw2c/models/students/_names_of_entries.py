"""Which kind of student a checkpoint holds, as its entries tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LAST_MAP = "audio_encoder.features.16.0.weight"


def is_efficientat_student(state: Mapping[str, Any]) -> bool:
    """Whether these tensors, or arrays, are those of a student that is an EfficientAT."""
    return LAST_MAP in state and state[LAST_MAP].ndim == 4
