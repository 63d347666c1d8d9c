"""Short previews of sounds, as Ogg Opus in memory."""

from __future__ import annotations

import io
import os
from contextlib import closing

import numpy as np

from ..audio import FileClip, SoundClip, as_clip
from ..audio._sound_clip import as_audio_error
from ..exceptions import AudioError, OptionalDependencyError
from ..system._optional import import_optional

BIT_RATE = 24_000
"""Bits per second of a preview; Opus needs no more for mono sound that one recognises."""

_RATE = 48_000
# Half of the usual effort takes a third of the time, for 6 % more bytes.
_OPTIONS = {"b": str(BIT_RATE), "vbr": "constrained", "compression_level": "5"}
_LONGEST_SILENCE = 30.0  # seconds at the start that a preview leaves out at most
_SILENT = 10 ** (-50 / 20)  # of the loudest sample
_FAINTEST = 1e-4  # what is not louder is no sound yet
_LEAD = 0.05  # seconds that are kept before the sound begins
_FADE = 0.03  # seconds


def require_opus(cure: str):
    """Import PyAV, if it is there and can write Opus.

    Parameters
    ----------
    cure : str
        What else can be done.

    Raises
    ------
    OptionalDependencyError
        If it is not, or it cannot.
    """
    av = import_optional("av", extra="media", purpose=f"Previews of sounds ({cure})")
    if "libopus" not in av.codecs_available:
        raise OptionalDependencyError(
            f"This build of PyAV has no encoder for Opus, which previews of sounds need: {cure}, "
            "or install the one from PyPI with: pip install --force-reinstall av"
        )
    return av


def encode_snippet(source, seconds: float) -> bytes:
    """The first seconds of a sound, from where it is heard, as mono Ogg Opus.

    Parameters
    ----------
    source : str, Path, array or what else can be a clip
        An array is taken for samples at 16 kHz.
    seconds : float
        Longest duration.

    Raises
    ------
    AudioError
        If the sound cannot be read, or has no samples.
    """
    clip = FileClip(source) if isinstance(source, (str, os.PathLike)) else as_clip(source, 16_000)
    return _encode(cut_snippet(clip, seconds))


def cut_snippet(clip: SoundClip, seconds: float) -> np.ndarray:
    """The first seconds of a clip at 48 kHz, without the silence before them; no more is read.

    Parameters
    ----------
    clip : SoundClip
    seconds : float
        Longest duration.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        From -1 to 1, faded out where it was cut.

    Raises
    ------
    AudioError
        If the clip cannot be read, or has no samples.
    """
    length = round(seconds * _RATE)
    samples, start = _read(clip, length)
    is_cut = len(samples) > start + length
    snippet = samples[start : start + length].copy()
    snippet /= max(float(np.abs(snippet).max()), 1.0)
    if is_cut:
        fade = min(round(_FADE * _RATE), len(snippet))
        snippet[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return snippet


def _read(clip: SoundClip, length: int) -> tuple[np.ndarray, int]:
    """The samples of a clip until so many are heard, and where these begin."""
    samples, start = np.zeros(0, np.float32), 0
    with as_audio_error(), closing(clip.blocks(_RATE)) as blocks:
        for block in blocks:
            samples = np.concatenate([samples, block])
            start = _find_onset(samples) if len(samples) else 0
            if len(samples) > start + length or len(samples) > _LONGEST_SILENCE * _RATE:
                break
        if not len(samples):
            raise AudioError("it has no samples")
    return samples, start


def _find_onset(samples: np.ndarray) -> int:
    """Where a sound begins; where it is silent throughout, at its first sample."""
    level = np.abs(samples)
    heard = level > _SILENT * level.max(initial=_FAINTEST)
    return max(int(heard.argmax()) - round(_LEAD * _RATE), 0)


def _encode(samples: np.ndarray) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=_RATE, layout="mono", options=_OPTIONS)
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.rate, frame.pts = _RATE, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()
