"""Models that the user has loaded: copied, so that theirs stay as they are, and told apart."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import torch
from torch import nn

from ...weights import fingerprint_module


def copy_pair(pair) -> tuple[nn.Module, object]:
    """Copy a pair (model, feature extractor), to be run in single precision.

    Of a model with a head only the base model is taken.

    Raises
    ------
    ValueError
        If it is no such pair.
    """
    model, extractor = check_pair(pair)
    module = copy.deepcopy(getattr(model, "base_model", model)).cpu().float().eval()
    if hasattr(module, "set_attn_implementation"):
        module.set_attn_implementation("eager")
    return module.requires_grad_(False), copy.deepcopy(extractor)


def check_pair(pair) -> tuple[Any, object]:
    """Refuse what is not a model of transformers and its feature extractor.

    Raises
    ------
    ValueError
    """
    if len(pair) != 2:
        raise ValueError(
            f"model={type(pair).__name__} of {len(pair)} objects must be a pair "
            "(model, feature_extractor)"
        )
    model, extractor = pair
    if not isinstance(model, nn.Module) or not hasattr(model, "config"):
        raise ValueError(
            f"The first of model=(model, feature_extractor) is a {type(model).__name__}, expected "
            "a model of transformers, as AutoModel.from_pretrained gives it"
        )
    if not callable(extractor) or not hasattr(extractor, "sampling_rate"):
        raise ValueError(
            f"The second of model=(model, feature_extractor) is a {type(extractor).__name__}, "
            "expected a feature extractor of transformers, as AutoFeatureExtractor."
            "from_pretrained gives it"
        )
    return model, extractor


def fingerprint_pair(pair) -> str:
    """SHA-256 of the form and weights of a model, and of its feature extractor."""
    return fingerprint(*copy_pair(pair))


def fingerprint(module: nn.Module, extractor) -> str:
    """SHA-256 of a module as `copy_pair` gives it, and of its feature extractor."""
    digest = hashlib.sha256(fingerprint_module(module).encode())
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().contiguous().flatten().view(torch.uint8).numpy())
    stated = extractor.to_dict() if hasattr(extractor, "to_dict") else {}
    digest.update(json.dumps(stated, sort_keys=True, default=str).encode())
    return digest.hexdigest()
