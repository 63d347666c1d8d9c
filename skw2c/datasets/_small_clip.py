"""train_small_clip: a small CLIP, trained on the spot and kept."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from ..system._atomic import write_atomically
from ..weights import cache_folder, write_safetensors
from ._clip_training import Recipe, train_contrastively
from ._parameter_checks import check_at_least, draw_seed

# Raise it when the same pictures and captions give another CLIP than before.
_RECIPE = 1

_CONFIGURATION = "open_clip_config.json"
_WEIGHTS = "open_clip_model.safetensors"
_MARK = "small_clip"


def train_small_clip(
    pictures,
    captions,
    *,
    folder=None,
    embed_dim=64,
    max_epochs=9,
    batch_size=32,
    random_state=0,
    verbose=True,
):
    """Train a small CLIP on pictures and captions, or find one trained on the same before.

    It is a true CLIP [1]_, only small: a model of open_clip with a residual network for
    pictures and a transformer for texts, trained from scratch with open_clip's contrastive
    loss. On 5,000 pictures of 48 x 48 pixels, the default takes one to two minutes on two
    cores. It knows the words of its captions, and no others.

    Parameters
    ----------
    pictures : array-like of shape (n_pairs, size, size, 3), uint8
        Square pictures in RGB, of at least 32 x 32 pixels. See `pair_frames`.
    captions : sequence of str
        One for each picture.
    folder : str, Path or None, default=None
        Where to write it. None takes a folder in the cache of skw2c, named by a checksum
        of pictures, captions and parameters. What was trained before on the same pictures
        and captions, with the same parameters, is not trained again.
    embed_dim : int, default=64
        Length of the vectors.
    max_epochs : int, default=9
        How often each picture is seen.
    batch_size : int, default=32
        Number of pictures that are compared with each other's captions at once.
    random_state : int, RandomState instance or None, default=0
        Determines the first weights, and the order of pictures. torch's own generator is
        left as it was.
    verbose : bool, default=True
        Whether to show progress.

    Returns
    -------
    str
        The folder, for the parameter ``model`` of :class:`~skw2c.CLIPTextEncoder`,
        :class:`~skw2c.CLIPImageEncoder` and :class:`~skw2c.CLIPVideoEncoder`.

    Raises
    ------
    OptionalDependencyError
        If open_clip is not installed.
    ValueError
        If the pictures are no such array, the captions are not as many strings, or the
        folder holds another model.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021, arXiv 2103.00020.

    Examples
    --------
    >>> from skw2c import CLIPTextEncoder
    >>> from skw2c.datasets import make_audiovisual_events, pair_frames, train_small_clip
    >>> pairs = pair_frames(make_audiovisual_events(24, random_state=0), random_state=0)
    >>> folder = train_small_clip(pairs.pictures, pairs.captions, max_epochs=1, verbose=False)
    >>> CLIPTextEncoder(folder).fit_transform(["a bell", "a red bird in a park"]).shape
    (2, 64)
    """
    pictures, captions = _check_pairs(pictures, captions)
    check_at_least("embed_dim", embed_dim, 1)
    check_at_least("max_epochs", max_epochs, 1)
    check_at_least("batch_size", batch_size, 2)
    recipe = Recipe(max_epochs, batch_size, draw_seed(random_state))
    configuration = _configure(pictures.shape[1], embed_dim)
    checksum = _identify(pictures, captions, configuration, recipe)
    if folder is None:
        folder = cache_folder() / f"small_clip_{checksum[:16]}"
    folder = Path(folder).expanduser().absolute()
    if not _is_there(folder, checksum):
        configuration[_MARK] = checksum
        _train(folder, configuration, pictures, captions, recipe, verbose)
    return str(folder)


def _check_pairs(pictures, captions) -> tuple[np.ndarray, list[str]]:
    pictures, captions = np.asarray(pictures), list(captions)
    shape = pictures.shape
    if pictures.ndim != 4 or shape[1] != shape[2] or shape[2] < 32 or shape[3] != 3:
        raise ValueError(
            f"pictures has the shape {shape}, and must have (n_pairs, size, size, 3) with a size "
            "of at least 32 pixels"
        )
    if pictures.dtype != np.uint8:
        raise ValueError(f"pictures holds {pictures.dtype}, and must hold uint8 from 0 to 255")
    if len(captions) != len(pictures):
        raise ValueError(
            f"There are {len(pictures)} pictures and {len(captions)} captions; there must be as "
            "many of both"
        )
    for row, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise ValueError(f"caption {row} is {caption!r}, and must be a string")
    if len(set(captions)) < 2:
        raise ValueError("All captions are the same; there must be at least two that differ")
    return np.ascontiguousarray(pictures), captions


def _configure(image_size: int, embed_dim: int) -> dict:
    """What ``open_clip_config.json`` says."""
    return {
        "model_cfg": {
            "embed_dim": embed_dim,
            "quick_gelu": False,
            "vision_cfg": {"image_size": image_size, "layers": [1, 1, 1, 1], "width": 16},
            "text_cfg": {
                "context_length": 24,
                "vocab_size": 49408,
                "width": 64,
                "heads": 2,
                "layers": 1,
            },
        },
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
    }


def _identify(pictures: np.ndarray, captions: list[str], configuration: dict, recipe) -> str:
    settings = f"{_RECIPE} {pictures.shape} {recipe} {json.dumps(configuration)}"
    digest = hashlib.sha256(settings.encode())
    digest.update(pictures)
    digest.update(json.dumps(captions).encode())
    return digest.hexdigest()


def _is_there(folder: Path, checksum: str) -> bool:
    """Whether the folder holds this CLIP whole; its configuration is written last."""
    path = folder / _CONFIGURATION
    if not path.exists():
        return False
    try:
        mark = json.loads(path.read_text()).get(_MARK)
    except (ValueError, AttributeError):
        mark = None
    if mark != checksum:
        raise ValueError(
            f"The folder {str(folder)!r} holds a model that was trained on other data, or with "
            "other parameters; delete it, or pass another folder"
        )
    return (folder / _WEIGHTS).exists()


def _train(folder: Path, configuration: dict, pictures, captions, recipe, verbose) -> None:
    state = train_contrastively(
        configuration["model_cfg"],
        configuration["preprocess_cfg"],
        pictures,
        captions,
        recipe,
        verbose,
    )
    os.makedirs(folder, exist_ok=True)
    write_safetensors(folder / _WEIGHTS, state, {"format": "pt"})
    write_atomically(folder / _CONFIGURATION, (json.dumps(configuration, indent=2) + "\n").encode())
