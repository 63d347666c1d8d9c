"""Images of clips: their mean vectors, and one of them to look at."""

import base64
import io
import os

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skw2c.exceptions import VideoError
from skw2c.images import VideoFile

FRAMES_PER_SECOND = 1.0


class ImagesTransformer(TransformerMixin, BaseEstimator):
    """The mean vector of the images of each clip, videos or arrays of frames.

    Parameters
    ----------
    encoder : transformer
        Embeds images.
    """

    def __init__(self, encoder):
        self.encoder = encoder

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        rows = [self._embed(item) for item in X]
        width = max((len(row) for row in rows if row is not None), default=1)
        return np.stack([np.full(width, np.nan) if row is None else row for row in rows])

    def __sklearn_is_fitted__(self):
        return True

    def _embed(self, item):
        if item is None:
            return None
        try:
            frames = read_frames(item)
        except VideoError:
            return None
        return np.asarray(self.encoder.transform(list(frames))).mean(axis=0)


def read_frames(item):
    """Frames (height, width, 3) of a clip, uint8: of a video one for each second."""
    if not isinstance(item, (str, os.PathLike)):
        return item
    return [np.asarray(frame) for frame, _ in VideoFile(item).frames(FRAMES_PER_SECOND)]


def show(item, size=96):
    """The middle image of a clip as base64 of a PNG file; None where it has none."""
    try:
        frames = [] if item is None else read_frames(item)
    except VideoError:
        frames = []
    if not len(frames):
        return None
    return encode_image(frames[len(frames) // 2], size)


def encode_image(image, size=96):
    """A image (height, width, 3), uint8, as base64 of a PNG file of at most this size."""
    from PIL import Image

    image = Image.fromarray(np.asarray(image))
    image.thumbnail((size, size))
    content = io.BytesIO()
    image.save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()
