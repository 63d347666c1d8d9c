"""train_small_clip: train a small CLIP, or find it in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from ..system._atomic import write_atomically
from ..weights import cache_folder, write_safetensors
from ._clip_training import train_contrastively
from ._parameter_checks import check_at_least, draw_seed
from ._small_recipe import Recipe

# Part of the key of the cache: raise it when the same images and captions give another CLIP.
_RECIPE = 1

_CONFIGURATION = "open_clip_config.json"
_WEIGHTS = "open_clip_model.safetensors"
_MARK = "small_clip"


def train_small_clip(
    images,
    captions,
    *,
    folder=None,
    embed_dim=64,
    max_epochs=9,
    batch_size=32,
    random_state=0,
    verbose=True,
):
    """Train a small CLIP on images and captions, or return the one trained before.

    It is a genuine but small CLIP [1]_: a model of open_clip with a residual network for
    images and a transformer for texts, trained from scratch with the contrastive loss of
    open_clip. With the default parameters, training on 5,000 images of 48 x 48 pixels takes
    one to two minutes on two cores. The model knows only the words of its captions.

    Parameters
    ----------
    images : array-like of shape (n_pairs, size, size, 3), uint8
        Square RGB images of at least 32 x 32 pixels. See `pair_frames`.
    captions : sequence of str
        One caption per image.
    folder : str, Path or None, default=None
        Where to write the model. None means a folder in the cache of skw2c, named after a
        checksum of images, captions and parameters. A model that was trained before on the
        same images and captions, with the same parameters, is not trained again.
    embed_dim : int, default=64
        Dimension of the vectors.
    max_epochs : int, default=9
        Number of passes over the images.
    batch_size : int, default=32
        Number of image-caption pairs that are contrasted with each other in one step.
    random_state : int, RandomState instance or None, default=0
        Determines the initial weights and the order of the images. torch's global generator
        is not changed.
    verbose : bool, default=True
        Whether to show progress.

    Returns
    -------
    str
        The folder of the model, for the parameter ``model`` of
        :class:`~skw2c.CLIPTextEncoder`, :class:`~skw2c.CLIPImageEncoder` and
        :class:`~skw2c.CLIPVideoEncoder`.

    Raises
    ------
    OptionalDependencyError
        If open_clip is not installed.
    ValueError
        If the images are not an array as described above, the captions are not one string
        per image, or the folder contains another model.

    See Also
    --------
    pair_frames : Makes pairs of images and captions.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021, arXiv 2103.00020.

    Examples
    --------
    >>> from skw2c import CLIPTextEncoder
    >>> from skw2c.datasets import make_audiovisual_events, pair_frames, train_small_clip
    >>> pairs = pair_frames(make_audiovisual_events(24, random_state=0), random_state=0)
    >>> folder = train_small_clip(pairs.images, pairs.captions, max_epochs=1, verbose=False)
    >>> CLIPTextEncoder(folder).fit_transform(["a bell", "a red bird in a park"]).shape
    (2, 64)
    """
    images, captions = _check_pairs(images, captions)
    check_at_least("embed_dim", embed_dim, 1)
    check_at_least("max_epochs", max_epochs, 1)
    check_at_least("batch_size", batch_size, 2)
    recipe = Recipe(max_epochs, batch_size, draw_seed(random_state))
    configuration = _configure(images.shape[1], embed_dim)
    checksum = _fingerprint(images, captions, configuration, recipe)
    if folder is None:
        folder = cache_folder() / f"small_clip_{checksum[:16]}"
    folder = Path(folder).expanduser().absolute()
    if not _is_trained(folder, checksum):
        configuration[_MARK] = checksum
        _train(folder, configuration, images, captions, recipe, verbose)
    return str(folder)


def _check_pairs(images, captions) -> tuple[np.ndarray, list[str]]:
    images, captions = np.asarray(images), list(captions)
    shape = images.shape
    if images.ndim != 4 or shape[1] != shape[2] or shape[2] < 32 or shape[3] != 3:
        raise ValueError(
            f"got images of shape {shape}, expected (n_pairs, size, size, 3) with a size of at "
            "least 32 pixels"
        )
    if images.dtype != np.uint8:
        raise ValueError(f"got images of dtype {images.dtype}, expected uint8 from 0 to 255")
    if len(captions) != len(images):
        raise ValueError(
            f"got {len(images)} images and {len(captions)} captions, expected one caption per image"
        )
    for row, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise ValueError(f"captions[{row}] is {caption!r}, expected a string")
    if len(set(captions)) < 2:
        raise ValueError(
            f"all captions are {captions[:1]!r}: a contrastive loss needs at least two different "
            "ones"
        )
    return np.ascontiguousarray(images), captions


def _configure(image_size: int, embed_dim: int) -> dict:
    """The content of ``open_clip_config.json``."""
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


def _fingerprint(images: np.ndarray, captions: list[str], configuration: dict, recipe) -> str:
    """A checksum of all that determines the model; it must stay the same from version to version.

    Otherwise models in the caches of users would be trained again.
    """
    settings = f"{_RECIPE} {images.shape} {recipe} {json.dumps(configuration)}"
    digest = hashlib.sha256(settings.encode())
    digest.update(images.data)
    digest.update(json.dumps(captions).encode())
    return digest.hexdigest()


def _is_trained(folder: Path, checksum: str) -> bool:
    """Whether the folder contains this CLIP, complete."""
    path = folder / _CONFIGURATION
    if not path.exists():
        return False
    try:
        mark = json.loads(path.read_text()).get(_MARK)
    except (ValueError, AttributeError):
        mark = None
    if mark != checksum:
        raise ValueError(
            f"the folder {str(folder)!r} contains a model that was trained on other data or with "
            "other parameters: delete it, or pass another folder"
        )
    return (folder / _WEIGHTS).exists()


def _train(folder: Path, configuration: dict, images, captions, recipe, verbose) -> None:
    state = train_contrastively(
        configuration["model_cfg"],
        configuration["preprocess_cfg"],
        images,
        captions,
        recipe,
        verbose,
    )
    os.makedirs(folder, exist_ok=True)
    write_safetensors(folder / _WEIGHTS, state, {"format": "pt"})
    # The configuration comes last: its checksum marks the folder as complete.
    write_atomically(folder / _CONFIGURATION, (json.dumps(configuration, indent=2) + "\n").encode())
