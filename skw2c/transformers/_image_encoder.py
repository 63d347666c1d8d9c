"""From images to vectors: read ahead, batch, keep, lose no row."""

from __future__ import annotations

import joblib
import numpy as np

from ..exceptions import ImageError
from ..images import as_image
from ..system._prefetch import prefetch_map
from ..validation._images import list_images
from ._item_encoder import ItemEncoder


class ImageEncoder(ItemEncoder):
    """Base of the encoders of images.

    The network of a subclass turns a PIL image into an input in ``prepare_image``, and a
    list of inputs into vectors in ``encode_images``.
    """

    _unit = "image"

    def transform(self, X):
        """Embed images.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Images, see the Notes of the class.

        Returns
        -------
        ndarray of shape (n_images, width), float32
            Their vectors.

        Raises
        ------
        ImageError
            If an image cannot be read and ``on_error="raise"``.
        TypeError, ValueError
            If X is a single image, is empty, or is not a collection of images.

        Warns
        -----
        FailedRowWarning
            If images could not be read and ``on_error="nan"``.
        """
        return np.concatenate(self._embed(X))

    def _list_items(self, X) -> list:
        return list_images(X)

    def _name_of(self, item) -> str | None:
        try:
            return as_image(item).name
        except ImageError:
            return None

    def _results(self, network, items):
        store = self._store("image", *self._configuration())
        prepared = prefetch_map(
            lambda item: _prepare(network, store, item),
            items,
            joblib.effective_n_jobs(self.n_jobs),
            inner_threads=1,
        )
        waiting = []
        for row, result in enumerate(prepared):
            if isinstance(result, (ImageError, np.ndarray)):
                yield row, result
                continue
            waiting.append((row, *result))
            if len(waiting) == self.batch_size:
                yield from _encode(network, store, waiting)
                waiting = []
        if waiting:
            yield from _encode(network, store, waiting)

    def _configuration(self) -> tuple:
        """What vectors depend on beside weights and device."""
        return ()


def _prepare(network, store, item):
    """What is to be done for one image: nothing (vectors, error), or (key, input)."""
    try:
        image = as_image(item)
        key = store.key(image)
        vectors = store.get(key)
        return (key, network.prepare_image(image.read())) if vectors is None else vectors
    except ImageError as exc:
        return exc


def _encode(network, store, waiting):
    vectors = network.encode_images([inputs for _, _, inputs in waiting])
    for (row, key, _), vector in zip(waiting, vectors, strict=True):
        store.put(key, vector[None])
        yield row, vector[None]
