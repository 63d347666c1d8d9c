"""What a user passes as ``model``: a folder, a name on the hub, or loaded objects."""

from __future__ import annotations

import os

from ...exceptions import WeightsError
from ...weights import WeightsReference, refer_to
from ._hub import fetch_model, is_hub_name
from ._loaded import fingerprint_pair


def refer_to_model(model) -> WeightsReference:
    """Make the reference for what a user passes as ``model``.

    Parameters
    ----------
    model : str, os.PathLike or pair
        Folder, name on the hub, or model and feature extractor. Of a pair the reference knows
        the checksum alone.

    Raises
    ------
    WeightsError
        If it is neither a folder of a model nor one that can be fetched.
    """
    if isinstance(model, tuple):
        return WeightsReference(sha256=fingerprint_pair(model))
    path = os.path.abspath(os.path.expanduser(os.fspath(model)))
    if not os.path.isdir(path):
        path = _fetch(model, path)
    if not os.path.isfile(os.path.join(path, "config.json")):
        raise WeightsError(
            f"The folder {path!r} cannot be used as a model: it has no config.json, which says "
            "what network it is. Pass a folder as model.save_pretrained writes it"
        )
    return refer_to(path, "hugging-face", folders=True)


def _fetch(model: str | os.PathLike, path: str) -> str:
    if isinstance(model, str) and is_hub_name(model):
        return fetch_model(model)
    found = "a file and no folder" if os.path.isfile(path) else "no folder"
    raise WeightsError(
        f"model={os.fspath(model)!r} is {found} (looked for {path!r}). It must be a folder with "
        "config.json, preprocessor_config.json and model.safetensors; or a name on the Hugging "
        "Face hub, such as 'facebook/hubert-base-ls960'; or a pair (model, feature_extractor) of "
        "loaded objects"
    )
