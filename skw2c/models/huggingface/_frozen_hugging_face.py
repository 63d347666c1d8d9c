"""Models of sound of the library transformers, frozen: clips in, vectors of frames out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from ...exceptions import WeightsError
from ...weights import WeightsReference
from .._devices import choose_torch_device
from .._framing import Framing
from .._network_cache import keep_network
from .._on_device import OnDevice
from .._streaming import join_blocks
from ._description import read_config, read_extractor
from ._kinds import check_extractor, find_kind
from ._library import import_transformers
from ._loaded import copy_pair, fingerprint
from ._network_state import build_network
from ._sound_models import SoundModel
from ._windowing import Window, Windowing

_WINDOWS_PER_BATCH = {"cpu": 1, "cuda": 16}
_LOADED = "The loaded model"


class FrozenHuggingFace(OnDevice):
    """Embed clips with one layer of a model, one clip at a time.

    The clips of a batch would have to be padded to one length, which many models do not leave
    without effect. So `longest` is 0, each clip is taken by `embed_blocks`, and there is neither
    `prepare` nor `encode`. Windows of a clip that are of one length are computed together.

    Parameters
    ----------
    model : SoundModel
    layer : int or str
        As the model's ``resolve_layer`` gives it.
    batch_size : int
        Most windows at once.
    device : str
        Torch device that the model is on.
    """

    def __init__(self, model: SoundModel, layer: int | str, batch_size: int, device: str):
        super().__init__(device)
        self._model, self._layer = model, layer
        limit = _WINDOWS_PER_BATCH.get(self.device_type, _WINDOWS_PER_BATCH["cpu"])
        self._limit = min(batch_size, limit)
        self.sampling_rate = model.sampling_rate
        self.widths = {"clip": model.width, "frame": model.width}

    def longest(self, framing: Windowing) -> int:
        """Samples of the longest clip that is not taken by `embed_blocks`: none."""
        return 0

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Windowing | Framing,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Yield the vectors (k, width) of the frames of a clip, window by window.

        Of a `Framing` each window is a clip, whose vector is the mean of those of its frames.
        """
        if isinstance(framing, Framing):
            yield from self._embed_as_clips(framing.cut_blocks(open_blocks(), 1), output)
            return
        windows = framing.cut_blocks(join_blocks(open_blocks()))
        for batch in _group(windows, self._limit):
            vectors = self._model.embed([window.samples for window in batch], self._layer)
            for window, frames in zip(batch, vectors, strict=True):
                yield frames[window.skip : window.skip + window.count]

    def _embed_as_clips(self, cut: Iterable[np.ndarray], output: str) -> Iterator[np.ndarray]:
        own = self._model.windowing(None)
        for windows in cut:
            for samples in windows:
                parts = self.embed_blocks(partial(iter, [samples]), own, output)
                yield np.concatenate(list(parts)).mean(axis=0, keepdims=True)


def get_sound_model(reference: WeightsReference, pair, device: str) -> tuple[SoundModel, str]:
    """Build a model, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which model.
    pair : tuple or None
        Model and feature extractor, of which the reference knows the checksum alone.
    device : str
        ``"auto"`` or a torch device.

    Returns
    -------
    model : SoundModel
    device : str
        The torch device that it is on.

    Raises
    ------
    OptionalDependencyError
        If the package ``transformers`` is not installed.
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the files are damaged or do not fit each other, or the model is of a kind that cannot
        be run here.
    """
    device = choose_torch_device(device, "models of transformers")
    key = ("hugging-face", reference, device)
    return keep_network(key, lambda: _build(reference, pair, device)), device


def _build(reference: WeightsReference, pair, device: str) -> SoundModel:
    import_transformers()
    if reference.path is None:
        return _build_loaded(reference, pair, device)
    config = read_config(reference)
    kind = find_kind(config, reference.label)
    extractor = read_extractor(reference, config)
    check_extractor(config, extractor, reference.label)
    network = build_network(config, reference.read(), reference.label)
    return kind(network, extractor, device, reference.label)


def _build_loaded(reference: WeightsReference, pair, device: str) -> SoundModel:
    module, extractor = copy_pair(pair)
    if fingerprint(module, extractor) != reference.sha256:
        raise WeightsError(
            f"{_LOADED} changed since the estimator was fitted; fit it again, or take a copy of "
            "the model for it."
        )
    kind = find_kind(module.config, _LOADED)
    check_extractor(module.config, extractor, _LOADED)
    return kind(module, extractor, device, _LOADED)


def _group(windows: Iterable[Window], limit: int) -> Iterator[list[Window]]:
    """Windows of one length that follow each other, at most so many at a time."""
    batch: list[Window] = []
    for window in windows:
        if batch and (len(batch) == limit or len(window.samples) != len(batch[0].samples)):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
