"""train_small_vqgan: train a small VQGAN, or find it in the cache."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..models.vqgan import VQGANConfiguration
from ..weights import cache_folder, write_safetensors
from ._parameter_checks import check_at_least, draw_seed
from ._small_recipe import Recipe
from ._vqgan_training import train_to_reconstruct

# Part of the key of the cache: raise it when the same images give another VQGAN.
_RECIPE = 1

_CONFIGURATION = VQGANConfiguration(
    first_width=16,
    widths=(16, 16, 48),
    n_blocks=1,
    attention=(2,),
    z_channels=16,
    n_codes=256,
    code_width=16,
)


def train_small_vqgan(
    images, *, folder=None, max_epochs=8, batch_size=32, random_state=0, verbose=True
):
    """Train a small VQGAN on images, or return the one trained before.

    Its network is that of a VQGAN [1]_, only small, with one of 256 codes for each block of
    4 x 4 pixels. It is trained to reconstruct its images, without the adversarial and the
    perceptual loss, which drawings do not need. Each code is the moving average of the
    latents that are nearest to it. With the default parameters, training on 5,000 images of
    48 x 48 pixels takes some minutes on one core.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width, 3), uint8
        RGB images whose height and width are multiples of 4. See `pair_frames`.
    folder : str, Path or None, default=None
        Where to write the file. None means the cache of skw2c. The file is named after a
        checksum of images and parameters. A model that was trained before on the same images,
        with the same parameters, is not trained again.
    max_epochs : int, default=8
        Number of passes over the images.
    batch_size : int, default=32
        Number of images per step.
    random_state : int, RandomState instance or None, default=0
        Determines the initial weights and the order of the images. torch's global generator
        is not changed.
    verbose : bool, default=True
        Whether to show progress.

    Returns
    -------
    str
        Path of the weights, for the parameter ``weights`` of :class:`~skw2c.AudioToImage`.

    Raises
    ------
    ValueError
        If the images are not an array as described above.

    See Also
    --------
    pair_frames : Takes images from generated clips.

    References
    ----------
    .. [1] P. Esser, R. Rombach and B. Ommer, "Taming transformers for high-resolution image
       synthesis", CVPR 2021, arXiv 2012.09841.

    Examples
    --------
    >>> from skw2c.datasets import make_audiovisual_events, pair_frames, train_small_vqgan
    >>> pairs = pair_frames(make_audiovisual_events(12, random_state=0), random_state=0)
    >>> path = train_small_vqgan(pairs.images, max_epochs=1, verbose=False)
    >>> path.endswith(".safetensors")
    True
    """
    images = _check_images(images)
    check_at_least("max_epochs", max_epochs, 1)
    check_at_least("batch_size", batch_size, 1)
    recipe = Recipe(int(max_epochs), int(batch_size), draw_seed(random_state))
    folder = cache_folder() if folder is None else Path(folder).expanduser().absolute()
    path = folder / f"small_vqgan_{_fingerprint(images, recipe)}.safetensors"
    if not path.exists():
        state = train_to_reconstruct(_CONFIGURATION, images, recipe, verbose)
        folder.mkdir(parents=True, exist_ok=True)
        write_safetensors(path, state, {"format": "pt"})
    return str(path)


def _check_images(images) -> np.ndarray:
    images = np.asarray(images)
    shape, side = images.shape, _CONFIGURATION.factor
    sides = shape[1:3]
    if len(shape) != 4 or shape[3] != 3 or not all(sides) or any(size % side for size in sides):
        raise ValueError(
            f"got images of shape {shape}, expected (n_images, height, width, 3) with a height "
            f"and width that are multiples of {side}"
        )
    if images.dtype != np.uint8:
        raise ValueError(f"got images of dtype {images.dtype}, expected uint8 from 0 to 255")
    if len(images) == 0:
        raise ValueError("got 0 images, expected at least one to train on")
    return np.ascontiguousarray(images)


def _fingerprint(images: np.ndarray, recipe: Recipe) -> str:
    """A checksum of all that determines the model; it must stay the same from version to version.

    Otherwise models in the caches of users would be trained again.
    """
    settings = f"{_RECIPE} {images.shape} {recipe} {asdict(_CONFIGURATION)}"
    digest = hashlib.sha256(settings.encode())
    digest.update(images.data)
    return digest.hexdigest()[:16]
