"""make_sound_events: clips of generated sounds, with labels and the times of the events."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter
from sklearn.utils import Bunch, check_random_state

from ._sounds import SOUNDS

SOUND_KINDS = tuple(SOUNDS)
"""Names of the kinds of sound that `make_sound_events` can make."""

_SHORT_KINDS = frozenset({"bell", "bird", "knock", "whistle", "buzzer", "pluck", "bark"})


def make_sound_events(
    n_clips=240,
    *,
    kinds=None,
    duration=5.0,
    sampling_rate=16000,
    snr=(0.0, 30.0),
    return_X_y=False,
    random_state=None,
):
    """Generate clips of sound events of different kinds.

    Each clip holds one to three events of one kind over a background of noise and hum.
    Pitch, rate, length, level, onset and character of the events vary as they do in
    recordings, and so do the colour and level of the background.

    Parameters
    ----------
    n_clips : int, default=240
        Number of clips. The kinds take turns, so that all are about as frequent.
    kinds : sequence of str or None, default=None
        Kinds of sound, out of ``skw2c.datasets.SOUND_KINDS``. None takes all twelve.
    duration : float or (float, float), default=5.0
        Length of the clips in seconds, or the range to draw it from.
    sampling_rate : int, default=16000
        In Hz, at least 8000.
    snr : (float, float), default=(0.0, 30.0)
        Range of the ratio of the events' power to the background's, in dB.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` alone.
    random_state : int, RandomState instance or None, default=None
        Determines the clips. Each clip has a seed of its own, so the first clips are the
        same whatever ``n_clips``.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of ndarray of shape (n_samples,), float32
            Waveforms in [-1, 1].
        target : ndarray of shape (n_clips,), int
            Index into ``target_names``.
        target_names : ndarray of shape (n_kinds,), str
            Names of the kinds.
        events : :class:`~pandas.DataFrame`
            One row per event: ``row`` (index of the clip), ``label``, ``onset`` and
            ``offset`` (seconds from the start of the clip).
        sampling_rate : int
            In Hz.
        DESCR : str
            What this is.
    (data, target) : tuple
        Under ``return_X_y=True``.

    Raises
    ------
    ValueError
        If a kind is unknown, or a number is out of range.

    Examples
    --------
    >>> from skw2c.datasets import make_sound_events
    >>> sounds = make_sound_events(24, random_state=0)
    >>> len(sounds.data), sounds.data[0].shape, str(sounds.target_names[sounds.target[0]])
    (24, (80000,), 'bell')
    """
    kinds = _check_kinds(kinds)
    shortest, longest = _check_range("duration", duration, at_least=1.0)
    snr = _check_range("snr", snr)
    if sampling_rate < 8000:
        raise ValueError(f"sampling_rate={sampling_rate!r} Hz must be at least 8000")
    if n_clips < 1:
        raise ValueError(f"n_clips={n_clips!r} must be at least 1")
    entropy = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    data, events = [], []
    for clip in range(n_clips):
        rng = np.random.default_rng([entropy, clip])
        label = kinds[clip % len(kinds)]
        n_samples = int(rng.uniform(shortest, longest) * sampling_rate)
        waveform, times = _make_clip(rng, label, n_samples, sampling_rate, snr)
        data.append(waveform)
        events += [(clip, label, onset, offset) for onset, offset in times]
    target = np.arange(n_clips) % len(kinds)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array(kinds),
        events=_tabulate(events),
        sampling_rate=sampling_rate,
        DESCR=f"{n_clips} generated clips of {len(kinds)} kinds of sound",
    )


def _tabulate(events):
    import pandas as pd

    return pd.DataFrame(events, columns=["row", "label", "onset", "offset"])


def _check_kinds(kinds) -> list[str]:
    kinds = list(SOUND_KINDS if kinds is None else kinds)
    unknown = sorted(set(kinds) - set(SOUND_KINDS))
    if unknown or not kinds:
        raise ValueError(f"kinds={kinds!r} must be out of {', '.join(SOUND_KINDS)}")
    return kinds


def _check_range(name: str, value, at_least: float = -np.inf) -> tuple[float, float]:
    low, high = (value, value) if np.isscalar(value) else value
    if not at_least <= low <= high:
        raise ValueError(
            f"{name}={value!r} must be a number, or a range (low, high), of at least {at_least}"
        )
    return float(low), float(high)


def _make_clip(rng: Generator, label: str, n_samples: int, rate: int, snr):
    """Place events without overlap over a background; return samples and times."""
    sounds = [SOUNDS[label](rng, rate) for _ in range(_count(rng, label))]
    sounds = _fit(sounds, n_samples)
    gaps = n_samples - sum(map(len, sounds))
    cuts = np.sort(rng.integers(0, gaps + 1, len(sounds)))
    foreground, times, used = np.zeros(n_samples), [], 0
    for sound, cut in zip(sounds, cuts, strict=True):
        start, used = cut + used, used + len(sound)
        foreground[start : start + len(sound)] = sound / np.sqrt(np.mean(sound**2))
        times.append((float(start / rate), float((start + len(sound)) / rate)))
    background = _background(rng, n_samples, rate) * 10 ** (-rng.uniform(*snr) / 20)
    mixture = foreground + background
    peak = 10 ** (-rng.uniform(1, 20) / 20)
    return (mixture * peak / np.abs(mixture).max()).astype(np.float32), times


def _count(rng: Generator, label: str) -> int:
    return int(rng.integers(1, 4)) if label in _SHORT_KINDS else 1


def _fit(sounds: list[np.ndarray], n_samples: int) -> list[np.ndarray]:
    """Keep as many events as fit, and cut the first where it alone is too long."""
    kept = [sounds[0][:n_samples]]
    for sound in sounds[1:]:
        if sum(map(len, kept)) + len(sound) <= n_samples:
            kept.append(sound)
    return kept


def _background(rng: Generator, n_samples: int, rate: int) -> np.ndarray:
    """Noise between white and brown with some hum, of unit power."""
    noise = lfilter([1.0], [1.0, -rng.uniform(0.0, 0.98)], rng.normal(size=n_samples))
    hum = np.sin(2 * np.pi * rng.choice([50, 60]) * np.arange(n_samples) / rate)
    mixture = noise / noise.std() + rng.uniform(0, 0.5) * hum
    return mixture / np.sqrt(np.mean(mixture**2))
