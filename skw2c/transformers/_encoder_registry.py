"""The registry of encoders: each class says by itself what it embeds and which names it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

from sklearn.frozen import FrozenEstimator

from ._encoder_modules import load_own

Encoder = TypeVar("Encoder", bound=type)

GROUP = "skw2c.encoders"
"""The group of entry points through which other packages bring encoders."""

READY = "vector"
"""What an encoder embeds that takes ready vectors."""

_MODALITIES = ("audio", "text", "image", "video", READY)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESERVED = ("auto", "none")
_ENTRIES: dict[tuple[str, str], RegisteredEncoder] = {}
_NAMELESS: dict[str, RegisteredEncoder] = {}


@dataclass(frozen=True)
class RegisteredEncoder:
    """A name under which an encoder may be asked for.

    Attributes
    ----------
    name : str or None
        The name; None for an encoder that no name says enough of.
    embeds : str
        What it embeds: "audio", "text", "image", "video", or "vector" for ready vectors.
    space : str or None
        Name of the space that its vectors lie in; None where no other encoder shares it.
    encoder : type
        The class.
    parameters : Mapping of str to object
        Parameters that the name stands for.
    """

    name: str | None
    embeds: str
    space: str | None
    encoder: type[Any]
    parameters: Mapping[str, object]

    def make(self, **parameters):
        """Make the unfitted encoder; parameters that its class does not have are left out."""
        return construct(self.encoder, {**self.parameters, **parameters})

    def is_of(self, encoder) -> bool:
        """Whether an encoder has the parameters that the name stands for."""
        own = encoder.get_params(deep=False)
        return all(
            type(own.get(name)) is type(value) and own[name] == value
            for name, value in self.parameters.items()
        )


def register_encoder(
    name: str,
    *,
    embeds: str,
    space: str | None = None,
    parameters: Mapping[str, object] | None = None,
) -> Callable[[Encoder], Encoder]:
    """Let an encoder be asked for by its name, everywhere in skw2c.

    Decorates a class of transformers. From then on ``encoder="name"`` works in
    :class:`ZeroShotClassifier`, :class:`AudioIndex`, :class:`AudioCaptioner` and
    :class:`AudioToImage`, ``--encoder name`` in the shell, and ``--systems name`` in the
    benchmarks.

    A package brings its encoders by an entry point of the group ``skw2c.encoders`` that names
    the module, which is imported when a name is first looked up::

        [project.entry-points."skw2c.encoders"]
        toy = "toy_package.encoders"

    Parameters
    ----------
    name : str
        The name: letters, digits, dots, hyphens and underscores. Encoders of the same model
        that embed different things may share a name.
    embeds : {"audio", "text", "image", "video"}
        What the encoder embeds.
    space : str or None, default=None
        Name of the space that its vectors lie in. Encoders of one space are partners: an
        estimator that is given one of them finds the others. None: no other encoder shares it.
    parameters : dict or None, default=None
        Parameters of the class that the name stands for, such as ``{"weights": "small"}``.

    Returns
    -------
    callable
        A decorator, which returns the class as it is.

    Raises
    ------
    ValueError
        If the name is malformed or taken by another class, or ``embeds`` is none of these.
    TypeError
        If the class does not have ``fit``, ``transform`` and ``get_params``.

    See Also
    --------
    AudioIndex : Is saved with a registered encoder, and restores it.

    Notes
    -----
    ``fit`` must work without data, as ``fit(None)``, and the class must be made from its
    parameters alone. An :class:`AudioIndex` is saved with such an encoder if its parameters are
    strings, numbers, booleans or None. Where the vectors depend on more, such as a file of weights,
    the class has two methods: ``describe_weights()`` of a fitted encoder returns a dict of what
    JSON can hold, with a fingerprint of the weights under ``"identity"``, and
    ``adopt_weights(description)`` makes an unfitted encoder fitted with these weights and returns
    it.

    Where a partner takes over parameters of the encoder, such as one file of weights for both,
    a method ``partner_parameters(embeds)`` returns them as a dict.

    Where the space depends on parameters, such as which vector to give, a method
    ``shared_space()`` returns its name, or None. Where the cosines with texts are spread in another
    way than those of CLIP, a method ``suggest_temperature()`` returns what to divide them by for
    probabilities. Where an encoder of texts was trained on sentences, a method
    ``suggest_prompts()`` returns the templates that labels are put into.

    An encoder of frames has a parameter ``mode`` in {"clip", "frame"} and a method
    ``frame_times(n_frames)``, which returns their start and end in seconds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, TransformerMixin
    >>> from skw2c import ZeroShotClassifier, load_audio, register_encoder
    >>> @register_encoder("loudness", embeds="audio")
    ... class LoudnessTransformer(TransformerMixin, BaseEstimator):
    ...     def fit(self, X=None, y=None):
    ...         return self
    ...     def transform(self, X):
    ...         power = [np.mean(np.square(load_audio(clip)[0])) for clip in X]
    ...         return np.array([[p, 1 - p] for p in power])
    >>> levels = {"loud": [1.0, 0.0], "quiet": [0.0, 1.0]}
    >>> classifier = ZeroShotClassifier(list(levels), encoder="loudness", text_encoder=levels)
    >>> clips = [np.ones(16000), np.full(16000, 0.01)]
    >>> classifier.fit().predict(clips).tolist()
    ['loud', 'quiet']
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        raise ValueError(
            f"name={name!r} must consist of letters, digits, dots, hyphens and underscores, and "
            f"must not be {' or '.join(map(repr, _RESERVED))}"
        )
    if embeds not in _MODALITIES:
        raise ValueError(f"embeds={embeds!r} must be one of {', '.join(map(repr, _MODALITIES))}")

    def register(encoder: Encoder) -> Encoder:
        _check_class(encoder)
        known = _ENTRIES.get((embeds, name))
        if known is not None and key_of(known.encoder) != key_of(encoder):
            raise ValueError(
                f"The name {name!r} of {embeds} encoders is taken by {key_of(known.encoder)}: "
                f"register {encoder.__qualname__} under another name"
            )
        _ENTRIES[embeds, name] = RegisteredEncoder(
            name, embeds, space, encoder, dict(parameters or {})
        )
        return encoder

    return register


def register_nameless(*, embeds: str) -> Callable[[Encoder], Encoder]:
    """Let an encoder be saved with an index, and be made again, which has no name.

    Decorates a class that cannot be made without a parameter, so that no name alone says enough.

    Parameters
    ----------
    embeds : {"audio", "text", "image", "video"}
        What the encoder embeds.
    """

    def register(encoder: Encoder) -> Encoder:
        _check_class(encoder)
        _NAMELESS[key_of(encoder)] = RegisteredEncoder(None, embeds, None, encoder, {})
        return encoder

    return register


def make_encoder(name, embeds="audio", **parameters):
    """Make the encoder that a name stands for.

    Parameters
    ----------
    name : str
        A registered name, see :func:`list_encoders`.
    embeds : {"audio", "text", "image", "video"}, default="audio"
        What it embeds.
    **parameters
        Parameters of the encoder, such as ``device``.

    Returns
    -------
    transformer
        Not fitted.

    Raises
    ------
    TypeError
        If the encoder has no such parameter.
    ValueError
        If the name is not registered; the message lists the names that are.

    See Also
    --------
    register_encoder : How an encoder gets a name.

    Examples
    --------
    >>> from skw2c import make_encoder
    >>> make_encoder("mini", mode="frame")
    Wav2CLIPTransformer(mode='frame', output='words', weights='mini')
    """
    entry = find_encoder(name, embeds)
    return entry.encoder(**{**entry.parameters, **parameters})


def find_encoder(name: str, embeds: str) -> RegisteredEncoder:
    """Look a name up among the encoders of one modality, and those of ready vectors.

    Raises
    ------
    ValueError
        If it is not registered; the message lists the names that are.
    """
    found = _look_up(name, embeds)
    if found is None:
        raise ValueError(_describe_missing(name, embeds))
    return found


def is_registered(name: str, embeds: str) -> bool:
    """Whether a name is registered among the encoders of one modality."""
    return _look_up(name, embeds) is not None


def names_of_encoders(embeds: str) -> list[str]:
    """The names of all encoders of one modality, sorted."""
    load_own()
    _load_plugins()
    return sorted(name for kind, name in _ENTRIES if kind == embeds)


def registration_of(encoder) -> RegisteredEncoder | None:
    """Say as what an encoder is registered; None where its class is not.

    Of several names of the class, it is the one that stands for the most of its parameters.
    """
    encoder = thaw(encoder)  # whose own module is imported
    _load_plugins()
    for kind in type(encoder).__mro__:
        own = [e for e in _entries() if e.encoder is kind and e.is_of(encoder)]
        if own:
            return max(own, key=lambda entry: len(entry.parameters))
    return None


def find_partner(entry: RegisteredEncoder, embeds: str) -> RegisteredEncoder | None:
    """Find the encoder of another modality that shares an encoder's space, or None.

    Of several it is the one of the same name, or else the one that is named as the space.
    """
    if entry.space is None:
        return None
    load_own(embeds=embeds, space=entry.space)
    _load_plugins()
    in_space = {
        name: other
        for (kind, name), other in _ENTRIES.items()
        if kind == embeds and other.space == entry.space
    }
    for name in (entry.name, entry.space):
        if name in in_space:
            return in_space[name]
    return next(iter(in_space.values())) if len(in_space) == 1 else None


def key_of(kind: type) -> str:
    """What a class is called in files: those of skw2c by their name, others by their path."""
    own = kind.__module__.split(".")[0] == __name__.split(".")[0]
    return kind.__name__ if own else f"{kind.__module__}.{kind.__qualname__}"


def find_class(key: str) -> type[Any] | None:
    """Find the registered class with this key; nothing is imported by a name from a file."""
    load_own(kind=key)
    found = _class_of(key)
    if found is None:
        _load_plugins()
        found = _class_of(key)
    return found


def construct(kind: type[Any], parameters: Mapping[str, object]):
    """Make an encoder of a class; parameters that the class does not have are left out."""
    known = kind._get_param_names()
    return kind(**{name: value for name, value in parameters.items() if name in known})


def thaw(encoder):
    """Take an encoder out of the `FrozenEstimator` around it, where there is one."""
    while isinstance(encoder, FrozenEstimator):
        encoder = encoder.estimator
    return encoder


def _look_up(name: str, embeds: str) -> RegisteredEncoder | None:
    found = _find_own(name, embeds)
    if found is None and embeds == "audio":
        found = _find_own(name, READY)  # vectors of sounds, made already
    if found is None:
        _load_plugins()
        found = _ENTRIES.get((embeds, name))
    return found


def _find_own(name: str, embeds: str) -> RegisteredEncoder | None:
    load_own(name=name, embeds=embeds)
    return _ENTRIES.get((embeds, name))


def _class_of(key: str) -> type | None:
    return next((e.encoder for e in _entries() if key_of(e.encoder) == key), None)


def _entries() -> list[RegisteredEncoder]:
    """All encoders that are registered, those without a name too."""
    return [*_ENTRIES.values(), *_NAMELESS.values()]


@cache
def _load_plugins() -> dict[str, str]:
    """Import what other packages bring; return what could not be imported, and why."""
    failures = {}
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as exc:  # one broken package must not break those that do not use it
            failures[point.name] = f"{type(exc).__name__}: {exc}"
    return failures


def _check_class(encoder: type) -> None:
    needed = ("fit", "transform", "get_params", "_get_param_names")
    lacking = [name for name in needed if not hasattr(encoder, name)]
    if not isinstance(encoder, type) or lacking:
        raise TypeError(
            f"{encoder!r} must be a class of transformers, derived from BaseEstimator and "
            "TransformerMixin of scikit-learn, with the methods fit and transform"
        )


def _describe_missing(name: str, embeds: str) -> str:
    known = names_of_encoders(embeds) + (names_of_encoders(READY) if embeds == "audio" else [])
    near = get_close_matches(name, known, n=1)
    broken = [
        f" The entry point {point!r} could not be loaded ({reason})."
        for point, reason in _load_plugins().items()
    ]
    absent = _NEED_TORCH if load_own() else ""
    return (
        f"{name!r} is not the name of {_ARTICLES.get(embeds, 'a')} {embeds} encoder"
        f"{f': did you mean {near[0]!r}?' if near else '.'} "
        f"Known names: {', '.join(map(repr, known))}.{absent}{''.join(broken)} Other "
        f"packages bring encoders through the entry points {GROUP!r} or skw2c.register_encoder."
    )


_NEED_TORCH = ' More of them run in torch, which is not installed: pip install "skw2c[torch]".'
_ARTICLES = {"audio": "an", "image": "an"}
