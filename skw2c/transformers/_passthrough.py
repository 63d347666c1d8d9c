"""Ready vectors as an encoder: what is embedded already passes through."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..validation._tables import check_frames, note_columns, spans_of_frames
from ._encoder_registry import READY, register_encoder


# Ready vectors are taken to lie in CLIP's space, since most encoders here map into it.
@register_encoder("passthrough", embeds=READY, space="clip")
class Passthrough(TransformerMixin, BaseEstimator):
    """Take ready vectors for their own embedding.

    Parameters
    ----------
    mode : {"clip", "frame"}, default="clip"
        In clip mode X is a table (n_clips, width); in frame mode it holds the vectors of the
        frames (n_frames, width) of each clip, where None stands for a clip that failed.

    frame_length : float, default=1.0
        Length of a frame in seconds, for `frame_times`.

    hop_length : float, default=1.0
        Time from the start of one frame to the next, in seconds.

    on_error : {"raise", "nan"}, default="raise"
        Whether NaN is refused, or stands for what failed.

    expected_width : int or None, default=None
        Dimension of the vectors of frames, where it is known before `fit`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of X in `fit`, where X was a table.

    feature_names_in_ : ndarray of shape ``(n_features_in_,)``
        Names of the columns of X in `fit`, where they are strings.

    Examples
    --------
    >>> from skw2c.transformers._passthrough import Passthrough
    >>> Passthrough().fit_transform([[1.0, 2.0]])
    array([[1., 2.]])
    >>> [frames.shape for frames in Passthrough("frame").fit_transform([[[1.0, 2.0]]])]
    [(1, 2)]
    """

    def __init__(
        self,
        mode="clip",
        *,
        frame_length=1.0,
        hop_length=1.0,
        on_error="raise",
        expected_width=None,
    ):
        self.mode = mode
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.on_error = on_error
        self.expected_width = expected_width

    def fit(self, X=None, y=None):
        """Note the columns of X; None will do."""
        note_columns(self, None, reset=True)
        self._width = self.expected_width
        if X is not None:
            self._check(X, reset=True)
        return self

    def transform(self, X):
        """Check the vectors, and return them.

        Parameters
        ----------
        X : array-like
            In clip mode (n_clips, width); in frame mode (n_frames, width) of each clip.

        Returns
        -------
        ndarray of shape (n_clips, width), or list of ndarray of shape (n_frames, width)

        Raises
        ------
        ValueError
            If X holds anything but vectors, or NaN under ``on_error="raise"``.
        """
        return self._check(X, reset=False)

    def frame_times(self, n_frames):
        """Start and end of frames in seconds, (n_frames, 2)."""
        return spans_of_frames(n_frames, self.frame_length, self.hop_length)

    def _check(self, X, *, reset: bool):
        finite = True if self.on_error == "raise" else "allow-nan"
        if self.mode == "frame":
            frames = check_frames(X, getattr(self, "_width", self.expected_width), finite)
            if reset:
                self._width = frames[0].shape[1]
            return frames
        if reset or hasattr(self, "n_features_in_"):
            return validate_data(self, X, reset=reset, ensure_all_finite=finite)
        return check_array(X, ensure_all_finite=finite, input_name="X")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = self.on_error == "nan"
        tags.transformer_tags.preserves_dtype = [np.float64, np.float32]
        return tags
