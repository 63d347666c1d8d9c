"""train_small_vqgan: a small VQGAN, trained on the spot and kept."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..models.vqgan import VQGANConfiguration
from ..weights import cache_folder, write_safetensors
from ._parameter_checks import check_at_least, draw_seed
from ._vqgan_training import Recipe, train_to_reconstruct

# Raise it when the same pictures give another VQGAN than before.
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
    pictures, *, folder=None, max_epochs=8, batch_size=32, random_state=0, verbose=True
):
    """Train a small VQGAN on pictures, or find one trained on the same before.

    It is a true VQGAN [1]_ in its network, only small, with one of 256 codes for each 4 x 4
    pixels. It learns to give back its pictures; there is no adversary and no perceptual
    loss, which for drawings are not needed. The codes follow the means of what they stand
    for. On 5,000 pictures of 48 x 48 pixels, the default takes some minutes on one core.

    Parameters
    ----------
    pictures : array-like of shape (n_pictures, height, width, 3), uint8
        Pictures in RGB, whose height and width are multiples of 4. See `pair_frames`.
    folder : str, Path or None, default=None
        Where to keep it. None is the cache of skw2c. The file is named by a checksum of
        pictures and parameters, and what was trained before is not trained again.
    max_epochs : int, default=8
        How often each picture is seen.
    batch_size : int, default=32
        Pictures of a step.
    random_state : int, RandomState instance or None, default=0
        Determines the first weights, and the order of pictures. torch's own generator is
        left as it was.
    verbose : bool, default=True
        Whether to show progress.

    Returns
    -------
    str
        The file, for the parameter ``weights`` of :class:`~skw2c.AudioToImage`.

    Raises
    ------
    ValueError
        If the pictures are no such array.

    References
    ----------
    .. [1] P. Esser, R. Rombach and B. Ommer, "Taming transformers for high-resolution image
       synthesis", CVPR 2021, arXiv 2012.09841.

    Examples
    --------
    >>> from skw2c.datasets import make_audiovisual_events, pair_frames, train_small_vqgan
    >>> pairs = pair_frames(make_audiovisual_events(12, random_state=0), random_state=0)
    >>> file = train_small_vqgan(pairs.pictures, max_epochs=1, verbose=False)
    """
    pictures = _check_pictures(pictures)
    check_at_least("max_epochs", max_epochs, 1)
    check_at_least("batch_size", batch_size, 1)
    recipe = Recipe(int(max_epochs), int(batch_size), draw_seed(random_state))
    folder = cache_folder() if folder is None else Path(folder).expanduser().absolute()
    path = folder / f"small_vqgan_{_identify(pictures, recipe)}.safetensors"
    if not path.exists():
        state = train_to_reconstruct(_CONFIGURATION, pictures, recipe, verbose)
        folder.mkdir(parents=True, exist_ok=True)
        write_safetensors(path, state, {"format": "pt"})
    return str(path)


def _check_pictures(pictures) -> np.ndarray:
    pictures = np.asarray(pictures)
    shape, side = pictures.shape, _CONFIGURATION.factor
    sides = shape[1:3]
    if len(shape) != 4 or shape[3] != 3 or not all(sides) or any(size % side for size in sides):
        raise ValueError(
            f"pictures has the shape {shape}, and must have (n_pictures, height, width, 3) with "
            f"heights and widths that are multiples of {side}"
        )
    if pictures.dtype != np.uint8:
        raise ValueError(f"pictures holds {pictures.dtype}, and must hold uint8 from 0 to 255")
    if len(pictures) == 0:
        raise ValueError("There is no picture to learn from")
    return np.ascontiguousarray(pictures)


def _identify(pictures: np.ndarray, recipe: Recipe) -> str:
    settings = f"{_RECIPE} {pictures.shape} {recipe} {asdict(_CONFIGURATION)}"
    digest = hashlib.sha256(settings.encode())
    digest.update(pictures)
    return digest.hexdigest()[:16]
