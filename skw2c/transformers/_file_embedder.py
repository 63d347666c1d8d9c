"""Files to vectors, each by itself, with the error of each that fails."""

from __future__ import annotations

import copy
import threading
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..audio import Levels
from ..exceptions import OptionalDependencyError, UnreadableError
from ._encoder_registry import find_encoder, thaw
from ._frame_vectors import embed_frames, frame_times_of
from ._rows import to_unit_length
from ._sound_transformer import SoundTransformer

_OWN = {"on_error": "nan", "verbose": False}
_SHORT, _MANY = 1 << 22, 1 << 28  # bytes


class EmbeddedFile(NamedTuple):
    """What became of a file.

    Attributes
    ----------
    vectors : ndarray of shape (n_frames, width), float32
    times : ndarray of shape (n_frames, 2), float64, or None
        Start and end of each frame in seconds; None for a whole clip.
    seconds : float or None
        How long the clip is; None where the encoder does not say.
    levels : Levels or None
        Those of a clip that there is to warn of.
    """

    vectors: np.ndarray
    times: np.ndarray | None
    seconds: float | None
    levels: Levels | None


class FileEmbedder:
    """Embed files with a fitted encoder, in several threads at once where that is of use.

    Parameters
    ----------
    encoder : transformer
        Fitted.

    Attributes
    ----------
    n_threads : int
        How many threads may call `embed` at once, each limited to one of torch's.
    files_at_once, bytes_at_once : int
        How many files to pass at a time, if they have no more bytes.
    has_frames : bool
        Whether a file has a vector for each of its windows.
    """

    def __init__(self, encoder):
        self._encoder = thaw(encoder)
        first = _first_step(self._encoder)
        self.has_frames = getattr(first, "mode", "clip") == "frame"
        self.n_threads = self.files_at_once = self.bytes_at_once = 1
        self._embedder = None
        if isinstance(self._encoder, SoundTransformer):
            self._embedder = self._encoder._embedder()
            self._in_threads = self._embedder.is_best_in_threads
            if self._in_threads:
                self.n_threads = self._embedder.n_workers
                self.files_at_once, self.bytes_at_once = self._embedder.n_at_once, _SHORT
            else:
                self.files_at_once, self.bytes_at_once = 4 * self._encoder.batch_size, _MANY

    def width(self, folder: str) -> int:
        """Length of a vector.

        Parameters
        ----------
        folder : str
            Where a sound may be written that shows it, if the encoder does not say.
        """
        if isinstance(self._encoder, SoundTransformer):
            return self._encoder._n_features_out
        import soundfile

        path = f"{folder}/noise.wav"
        noise = np.random.default_rng(0).normal(scale=0.1, size=32000)
        soundfile.write(path, noise, 16000)
        [result] = self.embed([path], threading.Event())
        if isinstance(result, Exception):
            raise result
        return result.vectors.shape[1]

    def embed(self, paths: list[str], stopped: threading.Event) -> list[EmbeddedFile | Exception]:
        """Embed local files; errors do not name them.

        Raises
        ------
        concurrent.futures.CancelledError
            If it was stopped meanwhile.
        """
        if self._embedder is None:
            return [self._transform(path) for path in paths]
        if self._in_threads:
            done = self._embedder.embed_here(paths, stopped)
        else:
            done = self._embedder.embed_together(paths)
        return [self._finish(result) for result in done]

    def _finish(self, result) -> EmbeddedFile | Exception:
        if isinstance(result, Exception):
            return result
        vectors, seconds, levels = result
        if self._encoder.normalize:
            vectors = to_unit_length(vectors)
        times = self._encoder.frame_times(len(vectors), seconds) if self.has_frames else None
        return _check_finite(vectors) or EmbeddedFile(vectors, times, seconds, levels)

    def _transform(self, path: str) -> EmbeddedFile | Exception:
        """Embed a file with an encoder of another package, or a pipeline, which may fail anyhow."""
        try:
            [vectors], [seconds] = embed_frames(self._encoder, [path])
        except (UnreadableError, OptionalDependencyError) as exc:
            return _without_row(exc)
        except (NotFittedError, AttributeError, TypeError):  # not of this file
            raise
        except Exception as exc:
            return UnreadableError(f"the encoder fails ({type(exc).__name__}: {exc})")
        vectors = np.atleast_2d(np.asarray(vectors, np.float32))
        seconds = float(seconds) if np.isfinite(seconds) else None
        times = None
        if self.has_frames:
            times = frame_times_of(self._encoder, len(vectors), seconds)
        return _check_finite(vectors) or EmbeddedFile(vectors, times, seconds, None)


def prepare_encoder(encoder):
    """Make the fitted encoder that a parameter means, which goes on after failures.

    Parameters
    ----------
    encoder : str or transformer
        The name of a registered encoder of sound; or an encoder, fitted or not, which is not
        changed.
    """
    if isinstance(encoder, str):
        return find_encoder(encoder, "audio").make(**_OWN).fit(None, None)
    encoder = thaw(encoder)
    if hasattr(encoder, "steps"):
        check_is_fitted(encoder)
        own = copy.copy(encoder)
        own.steps = [(name, _quiet(copy.copy(step), on_error="raise")) for name, step in own.steps]
        return own
    own = _quiet(clone(encoder), **_OWN)
    try:
        check_is_fitted(encoder)
    except NotFittedError:
        return own.fit(None, None)
    return own._adopt(encoder.weights_) if isinstance(encoder, SoundTransformer) else encoder


def _quiet(encoder, **parameters):
    """Set those of the parameters that an encoder has."""
    known = encoder.get_params(deep=False) if hasattr(encoder, "get_params") else {}
    given = {"verbose": False, **parameters}
    given = {name: value for name, value in given.items() if name in known}
    return encoder.set_params(**given) if given else encoder


def _first_step(encoder):
    steps = getattr(encoder, "steps", None)
    return steps[0][1] if steps else encoder


def _without_row(error: Exception) -> Exception:
    """The error of the only row, without its number, its name and the cure for several rows."""
    return error.__cause__ if isinstance(error.__cause__, type(error)) else error


def _check_finite(vectors: np.ndarray) -> UnreadableError | None:
    if np.isfinite(vectors).all():
        return None
    return UnreadableError("the encoder gives it a vector with numbers that are not finite")
