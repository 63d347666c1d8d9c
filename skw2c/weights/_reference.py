"""Refer to weights in a few bytes, for an estimator to keep in place of a network."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..exceptions import WeightsError
from ..system._checksum import sha256_of
from ._checkpoint import read_arrays, read_checkpoint, read_metadata
from ._fetch import CachedWeights, fetch_file, fetch_weights
from ._in_memory import InMemoryWeights
from ._model_folder import checksum_of_folder, find_weights, read_description
from ._registry import registry

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class WeightsReference:
    """Which weights: a name of the registry, a file, trained ones, or the seed of random ones.

    Attributes
    ----------
    name : str or None
        Name in the registry.
    path : str or None
        Absolute path of the user's own file, or of a folder in the layout of the Hugging Face
        hub.
    sha256 : str or None
        Checksum of the file, or of what counts in the folder, which must be the same whenever it
        is read again.
    seed : int or None
        Seed of random weights.
    in_memory : InMemoryWeights or None
        Weights in memory, trained by :class:`~skw2c.Distiller`.

    Examples
    --------
    >>> from skw2c.weights import refer_to
    >>> reference = refer_to("mini")
    >>> reference.name, reference.path
    ('mini', None)
    >>> tensors = reference.read()
    """

    name: str | None = None
    path: str | None = None
    sha256: str | None = None
    seed: int | None = None
    in_memory: InMemoryWeights | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """How messages call these weights."""
        if self.in_memory is not None:
            return f"The trained weights {self.sha256:.12}"
        if self.path and os.path.isdir(self.path):
            return f"The folder of weights {self.path!r}"
        return f"The file of weights {self.path!r}" if self.path else f"weights={self.name!r}"

    @property
    def fingerprint(self) -> str:
        """The same for the same weights, wherever they are."""
        return f"seed {self.seed}" if self.seed is not None else f"sha256 {self.sha256}"

    def read(self, prefixes: tuple[str, ...] = ("",)) -> dict[str, Tensor]:
        """Read the tensors.

        Parameters
        ----------
        prefixes : tuple of str, default=("",)
            What the names of the tensors begin with; others are left out.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, or no longer the one referred to.
        """
        if self.in_memory is not None:
            tensors = self.in_memory.tensors()
            return {name: value for name, value in tensors.items() if name.startswith(prefixes)}
        return self._read_with(read_checkpoint, prefixes)

    def read_arrays(self, prefixes: tuple[str, ...] = ("",)) -> dict[str, np.ndarray]:
        """Read the tensors as arrays, which needs no torch where they are in a safetensors file.

        Parameters
        ----------
        prefixes : tuple of str, default=("",)
            What the names of the tensors begin with; others are left out.

        Raises
        ------
        OptionalDependencyError
            If the format needs torch, which is not installed.
        WeightsError
            As `read`.

        Examples
        --------
        >>> from skw2c.weights import refer_to
        >>> arrays = refer_to("mini").read_arrays(("audio_encoder.",))
        >>> {type(values).__name__ for values in arrays.values()}
        {'ndarray'}
        """
        if self.in_memory is not None:
            arrays = self.in_memory.arrays
            return {name: value for name, value in arrays.items() if name.startswith(prefixes)}
        return self._read_with(read_arrays, prefixes)

    def metadata(self) -> dict[str, str]:
        """What the weights say of themselves.

        Returns
        -------
        dict of str to str
            Empty where they say nothing.

        Raises
        ------
        WeightsError
            If the file is missing or damaged.

        Examples
        --------
        >>> from skw2c.weights import refer_to
        >>> refer_to("mini").metadata()["licence"]
        'CC BY-SA 4.0'
        """
        if self.in_memory is not None:
            return dict(self.in_memory.facts or {})
        if self.seed is not None:
            return {}
        return read_metadata(self._fetch().path if self.path is None else _file_of(self.path))

    def read_companion(self, name: str) -> bytes | None:
        """Read a file that goes with the weights, such as ``config.json``.

        Parameters
        ----------
        name : str
            Its name in a folder of the hub's layout.

        Returns
        -------
        bytes or None
            None where the weights have none.

        Raises
        ------
        WeightsError
            If it cannot be read, or is no longer the one referred to.

        Examples
        --------
        >>> from skw2c.weights import refer_to
        >>> refer_to("mini").read_companion("config.json") is None
        True
        """
        if self.path is not None and os.path.isdir(self.path):
            self._compare(_checksum(self.path))
            return read_description(self.path, name)
        companions = registry()[self.name].companions if self.name else {}
        return fetch_file(companions[name]) if name in companions else None

    def _read_with(self, read: Callable, prefixes: tuple[str, ...]) -> dict[str, Any]:
        """Read the file with a function, if it is still the one referred to."""
        if self.path is None:
            cached = self._fetch()
            self._compare(cached.sha256)
            return read(cached.path, prefixes)
        self._compare(_checksum(self.path))
        return read(_file_of(self.path), prefixes)

    def _fetch(self) -> CachedWeights:
        if self.name is None:
            raise WeightsError("Random weights are in no file, and cannot be read.")
        return fetch_weights(self.name)

    def _compare(self, sha256: str) -> None:
        if sha256 != self.sha256:
            raise WeightsError(
                f"{self.label} changed since the estimator was fitted; fit it again, or "
                "put the former file back."
            )


def keep_in_memory(
    state: Mapping[str, Tensor],
    encoder: nn.Module | None = None,
    facts: Mapping[str, str] | None = None,
) -> WeightsReference:
    """Make the reference for trained weights, which carries them.

    Parameters
    ----------
    state : mapping of str to Tensor
        The tensors.
    encoder : nn.Module or None
        The module that they belong to, if it is not one of skw2c.
    facts : mapping of str to str or None
        What is known of them, as the metadata of a file.

    Returns
    -------
    WeightsReference

    Examples
    --------
    >>> import torch
    >>> from skw2c.weights import keep_in_memory
    >>> reference = keep_in_memory({"gain": torch.ones(3)})
    >>> reference.read()
    {'gain': tensor([1., 1., 1.])}
    """
    weights = replace(InMemoryWeights.of(state, encoder), facts=facts)
    return WeightsReference(sha256=weights.checksum(), in_memory=weights)


def refer_to(
    weights: str | os.PathLike | WeightsReference,
    model: str = "wav2clip",
    *,
    folders: bool = False,
    progress: bool = False,
) -> WeightsReference:
    """Make the reference for what a user passes as ``weights``.

    Parameters
    ----------
    weights : str, os.PathLike or WeightsReference
        Name in the registry, fetched where needed, path of a file, or a reference, which
        stays as it is.
    model : str, default="wav2clip"
        Which of the models in the registry the names are of.
    folders : bool, default=False
        Whether a path may be a folder in the layout of the Hugging Face hub, with
        ``config.json`` beside the weights.
    progress : bool, default=False
        Whether to show the progress of a download.

    Raises
    ------
    WeightsError
        If there is neither such a name nor such a file.

    Examples
    --------
    >>> from skw2c.weights import refer_to
    >>> reference = refer_to("mini")
    >>> reference.fingerprint == f"sha256 {reference.sha256}"
    True
    """
    if isinstance(weights, WeightsReference):
        return weights
    known = [name for name, entry in registry().items() if entry.model == model]
    if isinstance(weights, str) and weights in known:
        return WeightsReference(
            name=weights, sha256=fetch_weights(weights, progress=progress).sha256
        )
    path = os.path.abspath(os.path.expanduser(os.fspath(weights)))
    if not (os.path.isfile(path) or (folders and os.path.isdir(path))):
        names = ", ".join(map(repr, _usable(known))) or "none is registered"
        places = "file or folder" if folders else "file"
        raise WeightsError(
            f"weights={os.fspath(weights)!r} is neither a known name ({names}) nor an existing "
            f"{places} (looked for {path!r}). weights=None gives an untrained encoder."
        )
    reference = WeightsReference(path=path, sha256=_checksum(path))
    _refuse_broken(find_weights(path) if os.path.isdir(path) else path)
    return reference


def _usable(names: list[str]) -> list[str]:
    return [name for name in names if not registry()[name].refused]


def _refuse_broken(path: str) -> None:
    """Raise an error for a copy of a file that is known to be broken."""
    for entry in registry().values():
        if entry.refused and entry.sha256 == sha256_of(path):
            raise WeightsError(f"The file of weights {path!r} is not used: {entry.refused}.")


def _file_of(path: str) -> str:
    return find_weights(path) if os.path.isdir(path) else path


def _checksum(path: str) -> str:
    try:
        return checksum_of_folder(path) if os.path.isdir(path) else sha256_of(path)
    except OSError as exc:
        raise WeightsError(
            f"The file of weights {path!r} cannot be read ({exc.strerror}); put it back, or "
            "fit the estimator again with other weights."
        ) from exc
