"""A module of the HEAR API as a frozen encoder: waveforms in, checked vectors out."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from ...exceptions import AudioError
from .._devices import choose_torch_device
from .._framing import Framing
from .._network_cache import keep_network
from .._on_device import OnDevice
from ._hear_checks import (
    check_finite,
    check_model,
    check_on_grid,
    check_scene,
    check_timestamps,
    learn_grid,
)
from ._hear_module import HEARReference, find_module, locate_weights, name_of, refer_to_loaded
from ._time_grid import TimeGrid

# Seconds of the probes that tell when frames are: where one gives a single frame, the next one.
_PROBES = (4, 16, 64)
_LOUDNESS = 0.01

_alive: weakref.WeakSet[FrozenHEAR] = weakref.WeakSet()


class FrozenHEAR(OnDevice):
    """Embed clips with a HEAR module, one at a time and each as a whole.

    HEAR knows no parts of a clip: `longest` is 0, so that each is taken by `embed_blocks`, and
    there is neither `prepare` nor `encode`. The outputs are ``"clip"``, a scene embedding, and
    ``"frame"``, timestamp embeddings.

    Parameters
    ----------
    module : object
        What has the functions of HEAR.
    model : nn.Module
        What ``load_model`` returned.
    reference : HEARReference
        Which module and weights these are.
    device : str
        Torch device.
    """

    # Nobody promises that a module may be called by two threads, or that the clips of a batch
    # leave each other alone.
    one_at_a_time = True

    def __init__(self, module, model: torch.nn.Module, reference: HEARReference, device: str):
        super().__init__(device)
        self.name, self.reference = reference.module, reference
        stated = check_model(self.name, model)
        self.sampling_rate = stated["sample_rate"]
        self.widths = {
            "clip": stated["scene_embedding_size"],
            "frame": stated["timestamp_embedding_size"],
        }
        self._module = module
        self._model = model.to(self._device).eval()
        self._grid: TimeGrid | None = None
        self._turn, self._learning = threading.Lock(), threading.Lock()
        _alive.add(self)

    def grid(self) -> TimeGrid:
        """When frames are, as a probe of quiet noise shows at the first call.

        Raises
        ------
        ValueError
            If the module fails on the probe, breaks the API, or gives less than two frames.
        """
        with self._learning:
            if self._grid is None:
                self._grid = learn_grid(self.name, self._times_of_probe())
            return self._grid

    def check(self, output: str) -> None:
        """Refuse a module that breaks the API, as a probe shows.

        Raises
        ------
        ValueError
        """
        if output == "frame":
            self.grid()
        else:
            self._run_on_probe("clip", _PROBES[0])

    def longest(self, framing: Framing | None) -> int:
        """Samples of the longest clip that is not taken by `embed_blocks`: none."""
        return 0

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a clip, put together from its blocks.

        Raises
        ------
        AudioError
            If the module fails on it, gives numbers that are not finite, or says that its frames
            are at other times than those of other clips.
        ValueError
            If the module breaks the API.
        """
        waveform = np.concatenate(list(open_blocks()))
        try:
            returned = self._call(waveform, output)
        except MemoryError:
            raise
        except Exception as exc:  # whatever a module trips over in one clip
            raise AudioError(
                f"the HEAR module {self.name!r} failed on its {len(waveform)} samples "
                f"({type(exc).__name__}: {exc})"
            ) from exc
        vectors, times = self._check_returned(returned, output, len(waveform))
        check_finite(self.name, vectors)
        if times is not None:
            check_on_grid(self.name, times, self.grid())
        yield vectors

    def _call(self, waveform: np.ndarray, output: str):
        """What the module returns for one clip."""
        audio = torch.from_numpy(waveform)[None].to(self._device)
        called = {"clip": "get_scene_embeddings", "frame": "get_timestamp_embeddings"}[output]
        with self._turn, torch.inference_mode():
            return getattr(self._module, called)(audio, self._model)

    def _check_returned(
        self, returned, output: str, n_samples: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The vectors (n_frames, width) that were returned, and the times of frames."""
        width = self.widths[output]
        if output == "clip":
            return check_scene(self.name, returned, width), None
        return check_timestamps(self.name, returned, width, n_samples, self.sampling_rate)

    def _times_of_probe(self) -> np.ndarray:
        """The times of two frames or more."""
        for seconds in _PROBES:
            _, times = self._run_on_probe("frame", seconds)
            n_times = 0 if times is None else len(times)
            if times is not None and n_times > 1:
                return times
        raise ValueError(
            f"The HEAR module {self.name!r} returned {n_times} timestamps for {seconds} seconds "
            "of sound, expected at least 2: when its frames are, cannot be told. Use mode='clip'"
        )

    def _run_on_probe(self, output: str, seconds: int) -> tuple[np.ndarray, np.ndarray | None]:
        n_samples = seconds * self.sampling_rate
        noise = np.random.default_rng(0).standard_normal(n_samples, dtype=np.float32)
        try:
            returned = self._call(_LOUDNESS * noise, output)
        except Exception as exc:  # it is the module's own, of any kind
            raise ValueError(
                f"The HEAR module {self.name!r} failed on a probe, {seconds} seconds of quiet "
                f"noise at {self.sampling_rate} Hz ({type(exc).__name__}: {exc}). Correct the "
                "module, or pass an object with the same three functions that corrects it"
            ) from exc
        return self._check_returned(returned, output, n_samples)


def get_frozen_hear(module, weights: str | os.PathLike, device: str) -> FrozenHEAR:
    """Load a HEAR module, or take it from those loaded before.

    Parameters
    ----------
    module : str or object
        Name of the module, or what has its functions.
    weights : str or os.PathLike
        What to give to ``load_model``; nothing where it is empty.
    device : str
        ``"auto"`` or a torch device.

    Raises
    ------
    ImportError
        If the module cannot be imported.
    ValueError
        If it breaks the API, or torch does not know the device.
    """
    device = choose_torch_device(device, "HEAR modules")
    weights, sha256 = locate_weights(weights)
    # An object is kept with its model, so that no other one gets its number meanwhile.
    known_by = module if isinstance(module, str) else id(module)
    key = ("hear", known_by, weights, sha256, device)
    return keep_network(key, lambda: _load(module, weights, sha256, device))


def _load(module, weights: str, sha256: str | None, device: str) -> FrozenHEAR:
    found, name = find_module(module), name_of(module)
    model = found.load_model(weights) if weights else found.load_model()
    check_model(name, model)
    return FrozenHEAR(found, model, refer_to_loaded(name, found, weights, sha256, model), device)


def _free_turns() -> None:
    """Take new locks in a forked process: of the former ones, the holders may be gone."""
    for network in _alive:
        network._turn, network._learning = threading.Lock(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_turns)
