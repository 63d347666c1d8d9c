"""load_audio: one clip as an array."""

from __future__ import annotations

import numpy as np

from ..exceptions import AudioError
from ._items import as_clip
from ._levels import warn_of_cancellation
from ._rate import check_rate
from ._sound_clip import as_audio_error


def load_audio(source, *, sampling_rate: int | None = 16000, input_sampling_rate: int = 16000):
    """Load one clip as the estimators of skw2c read it.

    Decode, average the channels, scale integer PCM by its type and resample with soxr's
    HQ setting; nothing is trimmed or normalised.

    Parameters
    ----------
    source : str, Path, array or tensor of shape (n_samples,), pair, dict, bytes or file object
        A sound or media file, also in an archive or at an address, or samples; the Notes of
        :class:`Wav2CLIPTransformer` list what can be a clip.
    sampling_rate : int or None, default=16000
        Rate of the result in Hz. None keeps the rate of the source.
    input_sampling_rate : int, default=16000
        Rate of ``source`` in Hz where it is an array without one. Files state their own.

    Returns
    -------
    waveform : ndarray of shape (ceil(n * sampling_rate / source rate),), float32
        Mono samples.
    sampling_rate : int
        Their rate in Hz.

    Raises
    ------
    AudioError
        If the source is missing, damaged, truncated, empty, too long for the memory, or has
        samples that are NaN or infinite. The message names it and the cure.
    ValueError
        If a rate is not a whole number of Hz, from 1 to 10,000,000.
    OptionalDependencyError
        If the format needs the extra ``media``.

    Warns
    -----
    UserWarning
        If channels cancel each other out in the mix.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import load_audio
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    >>> waveform, rate = load_audio(tone, input_sampling_rate=44100)
    >>> waveform.shape, waveform.dtype, rate
    ((16000,), dtype('float32'), 16000)
    """
    input_sampling_rate = check_rate("input_sampling_rate", input_sampling_rate)
    if sampling_rate is not None:
        sampling_rate = check_rate("sampling_rate", sampling_rate)
    clip = as_clip(source, input_sampling_rate)
    try:
        with as_audio_error():
            rate = sampling_rate or clip.sampling_rate()
            waveform = np.concatenate([np.zeros(0, np.float32), *clip.blocks(rate)])
        if not len(waveform):
            raise AudioError("it has no samples")
    except AudioError as exc:
        where = "" if clip.name is None else f"{clip.name!r}: "
        raise AudioError(f"{where}{exc}") from exc
    warn_of_cancellation({None: (clip.name, clip.levels)})
    return waveform, rate
