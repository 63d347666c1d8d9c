"""make_sound_events: generated clips with labels, and the onsets and offsets of events."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from ..audio import check_rate
from ..synthesis import make_event_clip
from ._event_table import tabulate_events
from ._parameter_checks import check_at_least, check_kinds, check_range, draw_seed


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

    Each clip contains one to three events of one kind, over a background of noise and hum.
    The pitch, rate, length, level, onset and timbre of the events vary as in recordings, and
    so do the colour and level of the background.

    Parameters
    ----------
    n_clips : int, default=240
        Number of clips. The kinds take turns, so the classes are balanced.
    kinds : sequence of str or None, default=None
        The kinds of sound to generate, from ``skw2c.datasets.SOUND_KINDS``. None means all
        twelve.
    duration : float or (float, float), default=5.0
        Length of the clips in seconds, or the range from which it is drawn.
    sampling_rate : int, default=16000
        In Hz, at least 8000.
    snr : (float, float), default=(0.0, 30.0)
        Range of the signal-to-noise ratio in dB: the power of the events relative to that
        of the background.
    return_X_y : bool, default=False
        Whether to return only ``(data, target)`` instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        Determines the clips. Each clip has its own seed, so the first clips do not depend on
        ``n_clips``.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of ndarray of shape (n_samples,), float32
            Waveforms in [-1, 1].
        target : ndarray of shape (n_clips,), int
            The kind of each clip, as an index into ``target_names``.
        target_names : ndarray of shape (n_kinds,), str
            Names of the kinds.
        events : :class:`~pandas.DataFrame`
            One row per event: ``row`` (index of the clip), ``label``, ``onset`` and
            ``offset`` (seconds from the start of the clip).
        sampling_rate : int
            In Hz.
        DESCR : str
            A description of the data set.
    (data, target) : tuple
        If ``return_X_y=True``.

    Raises
    ------
    ValueError
        If a kind is unknown, or a number is out of range.

    See Also
    --------
    make_audiovisual_events : Clips with video frames and captions as well.

    Examples
    --------
    >>> from skw2c.datasets import make_sound_events
    >>> sounds = make_sound_events(24, random_state=0)
    >>> len(sounds.data), sounds.data[0].shape, str(sounds.target_names[sounds.target[0]])
    (24, (80000,), 'bell')
    """
    kinds = check_kinds(kinds)
    shortest, longest = check_range("duration", duration, at_least=1.0)
    snr = check_range("snr", snr)
    sampling_rate = check_rate("sampling_rate", sampling_rate)
    check_at_least("sampling_rate", sampling_rate, 8000, " Hz")
    check_at_least("n_clips", n_clips, 1)
    entropy = draw_seed(random_state)
    data, events = [], []
    for clip in range(n_clips):
        rng = np.random.default_rng([entropy, clip])
        label = kinds[clip % len(kinds)]
        n_samples = int(rng.uniform(shortest, longest) * sampling_rate)
        waveform, times = make_event_clip(rng, label, n_samples, sampling_rate, snr)
        data.append(waveform)
        events += [(clip, label, onset, offset) for onset, offset in times]
    target = np.arange(n_clips) % len(kinds)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array(kinds),
        events=tabulate_events(events),
        sampling_rate=sampling_rate,
        DESCR=f"{n_clips} generated clips of {len(kinds)} kinds of sound",
    )
