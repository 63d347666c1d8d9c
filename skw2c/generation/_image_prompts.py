"""Text and image prompts, each with a weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real

import numpy as np

from ..exceptions import ImageError
from ..images import as_image
from ..models import FrozenCLIP
from ..validation._captions import check_captions


def read_texts(texts) -> tuple[list[str], list[float]]:
    """List texts and their weights.

    Parameters
    ----------
    texts : str, sequence of str, mapping of str to float, or None
        The default weight is 1.

    Raises
    ------
    TextError
        If an item is not a text; the message names its row.
    ValueError
        If a weight is not a finite number.
    """
    if texts is None or len(texts) == 0:
        return [], []
    if isinstance(texts, str):
        texts = [texts]
    weighted = isinstance(texts, Mapping)
    listed = check_captions(list(texts))
    weights = list(texts.values()) if weighted else [1.0] * len(listed)
    pairs = zip(listed, weights, strict=True)
    return listed, [check_weight(weight, f"the text {text!r}") for text, weight in pairs]


def embed_images(images, clip: FrozenCLIP) -> tuple[np.ndarray, list[float]]:
    """Embed images as (n_images, width), and list their weights.

    Parameters
    ----------
    images : sequence or None
        Images, or pairs of an image and its weight. The default weight is 1.
    clip : FrozenCLIP
        Embeds them.

    Raises
    ------
    ImageError
        If an image cannot be read; the message names its row.
    ValueError
        If a weight is not a finite number.
    """
    vectors, weights = [], []
    for row, item in enumerate([] if images is None else images):
        pair = isinstance(item, tuple) and len(item) == 2
        image, weight = item if pair else (item, 1.0)
        try:
            inputs = clip.prepare_image(as_image(image).read())
        except ImageError as exc:
            raise ImageError(f"Row {row} of images: {exc}") from exc
        vectors.append(clip.encode_images([inputs])[0])
        weights.append(check_weight(weight, f"Row {row} of images"))
    return np.reshape(np.array(vectors, np.float32), (len(vectors), clip.width)), weights


def check_weight(weight, where: str) -> float:
    """Return a weight as a float; raise `ValueError` if it is not a finite number."""
    if not isinstance(weight, Real) or not math.isfinite(weight):
        raise ValueError(f"{where} has the weight {weight!r}, expected a finite number")
    return float(weight)
