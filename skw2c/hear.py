"""The encoders of sound as a module of the HEAR API, for the benchmarks that speak it.

``skw2c.hear`` itself is such a module, whose model is named by the path that it is given: see
`load_model`. For an encoder with other parameters, write a module of three lines and name it to
the benchmark::

    from skw2c import YAMNetTransformer
    from skw2c.hear import get_scene_embeddings, get_timestamp_embeddings, to_hear

    def load_model(model_file_path=""):
        return to_hear(YAMNetTransformer(output="scores"))

The other direction, a module of HEAR as an encoder, is `HEARTransformer`.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from numbers import Real

import numpy as np
import torch
from torch import Tensor, nn

from .models import Framing
from .transformers._encoder_descriptions import describe_encoder
from .transformers._encoder_registry import find_encoder, names_of_encoders, thaw
from .transformers._hear_transformer import HEARTransformer
from .transformers._rows import to_unit_length
from .transformers._sound_transformer import SoundTransformer
from .transformers._wav2clip_transformer import Wav2CLIPTransformer

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model", "to_hear"]

RATES = (16000, 22050, 32000, 44100, 48000)
"""In Hz. HEAR's recordings come at these rates."""

_DEFAULT = "mini"
_LONGEST_HOP = 86_400
_BLOCK = 1 << 18  # samples


def load_model(model_file_path=""):
    """Load an encoder of this package as a model of HEAR.

    Parameters
    ----------
    model_file_path : str or Path, default=""
        Name of an encoder of sound, such as ``"yamnet"``; or the path of weights that
        :class:`~skw2c.Wav2CLIPTransformer` reads. Empty: ``"mini"``, the small encoder that
        comes with the package.

    Returns
    -------
    torch.nn.Module
        With the attributes ``sample_rate`` (in Hz), ``scene_embedding_size`` and
        ``timestamp_embedding_size``, which are ints.

    Raises
    ------
    ValueError
        If there is neither such a name nor such a file, or HEAR does not know the encoder's
        rate.
    WeightsError
        If the weights cannot be found or read.

    Examples
    --------
    >>> from skw2c.hear import load_model
    >>> model = load_model()
    >>> model.sample_rate, model.scene_embedding_size, model.timestamp_embedding_size
    (16000, 512, 512)
    """
    name = os.fspath(model_file_path) or _DEFAULT
    known = names_of_encoders("audio")
    if name in known:
        return to_hear(find_encoder(name, "audio").make())
    if os.path.isfile(os.path.expanduser(name)):
        return to_hear(Wav2CLIPTransformer(name))
    raise ValueError(
        f"model_file_path={name!r} is neither the name of an encoder "
        f"({', '.join(map(repr, known))}) nor an existing file"
    )


def to_hear(estimator, *, hop_length=0.05):
    """Wrap an encoder of sound as a model of HEAR.

    Parameters
    ----------
    estimator : transformer
        An encoder of sound of this package. It is fitted here if it is not yet, and not changed.
        Where its windows are long, as those of ten seconds of some encoders, timestamps tell
        little apart and take long: a ``frame_length`` of a second or so is better for them.
    hop_length : float, default=0.05
        Time from one timestamp to the next, in seconds. HEAR recommends 0.05 or less.

    Returns
    -------
    torch.nn.Module
        What `get_scene_embeddings` and `get_timestamp_embeddings` take as ``model``, with the
        attributes ``sample_rate`` (in Hz), ``scene_embedding_size`` and
        ``timestamp_embedding_size``, which are ints. To move it with ``model.to(device)`` moves
        nothing: the network runs where the estimator's parameter ``device`` says.

    Raises
    ------
    TypeError
        If it is not an encoder of sound of this package, or one of a module of HEAR.
    ValueError
        If HEAR does not know the encoder's rate, or ``hop_length`` cannot be meant.

    Examples
    --------
    >>> from skw2c import YAMNetTransformer
    >>> from skw2c.hear import to_hear
    >>> to_hear(YAMNetTransformer(weights=None, random_state=0)).scene_embedding_size
    1024
    """
    return _HEARModel(estimator, hop_length)


def get_scene_embeddings(audio, model):
    """Embed sounds as one vector each.

    Parameters
    ----------
    audio : Tensor of shape (n_sounds, n_samples)
        Mono sounds in [-1, 1], at the rate of the model.
    model : torch.nn.Module
        What `load_model` or `to_hear` gave.

    Returns
    -------
    Tensor of shape (n_sounds, scene_embedding_size), float32
        What the estimator gives in clip mode. A sound has the same vector in every batch.

    Raises
    ------
    TypeError
        If ``model`` is another one, or ``audio`` no tensor of floats.
    ValueError
        If ``audio`` has another shape, or contains NaN or infinity.

    Examples
    --------
    >>> import torch
    >>> from skw2c.hear import get_scene_embeddings, load_model
    >>> get_scene_embeddings(torch.zeros(2, 16000), load_model()).shape
    torch.Size([2, 512])
    """
    _check_model(model)
    vectors = model.embed_scenes(_check_audio(audio))
    return torch.from_numpy(vectors).to(audio.device)


def get_timestamp_embeddings(audio, model):
    """Embed sounds as a series of vectors, and say when they are.

    Timestamps are at 0, 50, 100, ... milliseconds (``hop_length`` of `to_hear`) as long as the
    sound lasts. Each is the centre of a window: of the encoder's own length (``frame_length``)
    if it has one, else of one second, with zeros where it reaches beyond the sound. Windows are
    embedded as in the encoder's frame mode.

    Parameters
    ----------
    audio : Tensor of shape (n_sounds, n_samples)
        Mono sounds in [-1, 1], at the rate of the model.
    model : torch.nn.Module
        What `load_model` or `to_hear` gave.

    Returns
    -------
    embeddings : Tensor of shape (n_sounds, n_timestamps, timestamp_embedding_size), float32
        A sound has the same vectors in every batch.
    timestamps : Tensor of shape (n_sounds, n_timestamps), float64
        Milliseconds from the start, the same in all rows. They are computed from whole samples,
        so that nothing adds up over an hour.

    Raises
    ------
    TypeError
        If ``model`` is another one, or ``audio`` no tensor of floats.
    ValueError
        If ``audio`` has another shape, or contains NaN or infinity.

    Examples
    --------
    >>> import torch
    >>> from skw2c.hear import get_timestamp_embeddings, load_model
    >>> embeddings, timestamps = get_timestamp_embeddings(torch.zeros(2, 4000), load_model())
    >>> embeddings.shape
    torch.Size([2, 5, 512])
    >>> timestamps[0].tolist()
    [0.0, 50.0, 100.0, 150.0, 200.0]
    """
    _check_model(model)
    waveforms = _check_audio(audio)
    centres = find_centres(waveforms.shape[1], model.sample_rate, model.hop_length)
    vectors = np.stack([model.embed_frames(waveform, centres) for waveform in waveforms])
    times = torch.from_numpy(1000 * centres / model.sample_rate).repeat(len(vectors), 1)
    return torch.from_numpy(vectors).to(audio.device), times.to(audio.device)


def find_centres(n_samples: int, rate: int, hop_length: float) -> np.ndarray:
    """Samples (n_frames,) that are multiples of ``hop_length`` seconds, below ``n_samples``.

    Each is rounded by itself, in whole numbers, as a hop need not be one.

    Examples
    --------
    >>> from skw2c.hear import find_centres
    >>> find_centres(5000, 22050, 0.05)
    array([   0, 1103, 2205, 3308, 4410])
    """
    hop = Fraction(str(hop_length)) * rate
    n_frames = -((1 - 2 * n_samples) // (2 * hop))
    doubled = 2 * hop.numerator * np.arange(n_frames)
    return (doubled + hop.denominator) // (2 * hop.denominator)


class _HEARModel(nn.Module):
    """An encoder of sound with the attributes of HEAR; see `to_hear`."""

    def __init__(self, estimator, hop_length: float):
        super().__init__()
        self._scenes, self._frames = (_put_in_mode(estimator, mode) for mode in ("clip", "frame"))
        self.sample_rate = _check_rate(estimator, self._frames._network().sampling_rate)
        self.scene_embedding_size = int(self._scenes._n_features_out)
        self.timestamp_embedding_size = int(self._frames._n_features_out)
        self.hop_length = _check_hop(hop_length, self.sample_rate)

    def embed_scenes(self, waveforms: np.ndarray) -> np.ndarray:
        """Embed (n_sounds, n_samples) as (n_sounds, width), float32."""
        return self._scenes.transform([(waveform, self.sample_rate) for waveform in waveforms])

    def embed_frames(self, waveform: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Embed the windows around samples as (n_frames, width), float32."""
        network = self._frames._network()
        own = self._frames._framing()
        length = own.length if own is not None else self.sample_rate
        framing, blocks = _lay_out(waveform, centres, length)
        with network.exact():
            vectors = np.concatenate(
                list(network.embed_blocks(blocks, framing, self._frames._output()))
            )
        return to_unit_length(vectors) if self._frames.normalize else vectors

    def get_extra_state(self) -> str:
        """Which encoder it is, for those who tell models apart by their state."""
        described = describe_encoder(self._scenes)
        if isinstance(described, dict):
            described.pop("weights", None)  # where they lie; what they are stands beside it
        return json.dumps([described, str(self.hop_length)], sort_keys=True, default=repr)

    def set_extra_state(self, state: str) -> None:
        """Refuse the state of another encoder; there is nothing else to load."""
        if state != self.get_extra_state():
            raise ValueError(f"This is the state of another encoder: {state}")


def _put_in_mode(estimator, mode: str) -> SoundTransformer:
    """A fitted twin of an encoder, in another mode."""
    estimator = thaw(estimator)
    if isinstance(estimator, HEARTransformer):
        raise TypeError(
            f"The encoder runs a module of HEAR, {estimator.module!r}: use the module itself"
        )
    if not isinstance(estimator, SoundTransformer):
        raise TypeError(
            f"{estimator!r} is not an encoder of sound of skw2c, such as Wav2CLIPTransformer or "
            "YAMNetTransformer"
        )
    twin = copy.copy(estimator).set_params(mode=mode, on_error="raise")
    twin.set_output(transform="default")
    return twin if hasattr(twin, "weights_") else twin.fit()


def _check_rate(estimator, rate: int) -> int:
    if rate not in RATES:
        raise ValueError(
            f"{type(estimator).__name__} takes sound at {rate} Hz, and HEAR knows "
            f"{', '.join(map(str, RATES))} Hz"
        )
    return rate


def _check_hop(hop_length: float, rate: int) -> float:
    is_number = isinstance(hop_length, Real) and not isinstance(hop_length, bool)
    if not is_number or not 1 / rate <= hop_length <= _LONGEST_HOP:
        raise ValueError(
            f"hop_length={hop_length!r} must be a number of seconds from 1 / {rate}, which is one "
            f"sample, to {_LONGEST_HOP:,}"
        )
    return hop_length


def _check_model(model) -> None:
    if not isinstance(model, _HEARModel):
        raise TypeError(
            f"model is of type {type(model).__name__}, expected what skw2c.hear.load_model or "
            "skw2c.hear.to_hear returned"
        )


def _check_audio(audio) -> np.ndarray:
    """The sounds as an array of float32."""
    if not isinstance(audio, Tensor) or not audio.is_floating_point():
        found = audio.dtype if isinstance(audio, Tensor) else type(audio).__name__
        raise TypeError(f"audio is of type {found}, expected a torch.Tensor of floats in [-1, 1]")
    if audio.ndim != 2 or 0 in audio.shape:
        raise ValueError(
            f"audio has shape {tuple(audio.shape)}, expected (n_sounds, n_samples), both at least "
            "1: for a single sound pass audio[None]"
        )
    broken = torch.nonzero(~audio.isfinite().all(dim=1))
    if len(broken):
        raise ValueError(f"audio contains NaN or infinity in row {int(broken[0])}")
    return audio.detach().cpu().float().numpy()


def _lay_out(
    waveform: np.ndarray, centres: np.ndarray, length: int
) -> tuple[Framing, Callable[[], Iterable[np.ndarray]]]:
    """Windows around centres as a framing of a waveform that comes in blocks.

    Where the hop is not a whole number of samples, windows are put one behind the other.
    """
    lead = length // 2
    hops = np.unique(np.diff(centres))
    if len(hops) > 1:
        padded = np.pad(waveform, (lead, length))
        return Framing(length, length), lambda: _windows(padded, centres, length)
    hop = int(hops[0]) if len(hops) else length
    end = int(centres[-1]) + length - lead
    padded = np.pad(waveform[:end], (0, max(end - len(waveform), 0)))
    starts = range(0, end, _BLOCK)
    blocks = [padded[start : start + _BLOCK] for start in starts]
    return Framing(length, hop, lead=lead), lambda: blocks


def _windows(padded: np.ndarray, centres: np.ndarray, length: int) -> Iterator[np.ndarray]:
    # In the padded waveform, each window starts where its centre was.
    views = np.lib.stride_tricks.sliding_window_view(padded, length)
    at_once = max(_BLOCK // length, 1)
    for start in range(0, len(centres), at_once):
        yield views[centres[start : start + at_once]].ravel()
