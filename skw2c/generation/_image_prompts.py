"""What a picture shall show beside a sound: texts and pictures, each with a weight."""

from __future__ import annotations

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
        A weight that is not given is 1.

    Raises
    ------
    TextError
        If one is no text; the message names its row.
    ValueError
        If a weight is no finite number.
    """
    if texts is None or len(texts) == 0:
        return [], []
    if isinstance(texts, str):
        texts = [texts]
    weighted = isinstance(texts, Mapping)
    listed = check_captions(list(texts))
    weights = list(texts.values()) if weighted else [1.0] * len(listed)
    pairs = zip(listed, weights, strict=True)
    return listed, [check_weight(weight, f"The text {text!r}") for text, weight in pairs]


def embed_images(images, clip: FrozenCLIP) -> tuple[np.ndarray, list[float]]:
    """Embed pictures as (n_pictures, width), and list their weights.

    Parameters
    ----------
    images : sequence or None
        Pictures, or pairs of a picture and its weight. A weight that is not given is 1.
    clip : FrozenCLIP
        Embeds them.

    Raises
    ------
    ImageError
        If one cannot be read; the message names its row.
    ValueError
        If a weight is no finite number.
    """
    vectors, weights = [], []
    for row, item in enumerate([] if images is None else images):
        pair = isinstance(item, tuple) and len(item) == 2
        picture, weight = item if pair else (item, 1.0)
        try:
            inputs = clip.prepare_image(as_image(picture).read())
        except ImageError as exc:
            raise ImageError(f"Row {row} of images: {exc}") from exc
        vectors.append(clip.encode_images([inputs])[0])
        weights.append(check_weight(weight, f"Row {row} of images"))
    return np.reshape(np.array(vectors, np.float32), (len(vectors), clip.width)), weights


def check_weight(weight, where: str) -> float:
    """Return a weight as a float; raise `ValueError` for what is no finite number."""
    if not isinstance(weight, Real) or not np.isfinite(weight):
        raise ValueError(f"{where}: the weight {weight!r} must be a finite number")
    return float(weight)
