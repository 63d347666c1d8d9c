"""The targets that a teacher gives: for images and videos, and, where it is a CLIP, captions."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.base import clone

from ..system._progress import progress_bar
from ..transformers._clip_text_encoder import CLIPTextEncoder
from ..transformers._frame_vectors import embed_as_array, fit_for_arrays
from ..validation._captions import check_captions
from ._left_out import LeftOut
from ._target_checks import list_targets
from ._views import Views


def compute_targets(teacher, y, on_error: str, rate: int | None = None):
    """Fit a clone of the teacher, and embed what it is shown.

    Parameters
    ----------
    teacher : transformer
        One with a parameter ``pool`` gives a vector for each frame of a video, and one with
        ``on_error`` keeps rows that cannot be read as NaN under ``on_error="nan"``.
    y : array-like
        Images, videos or whatever it takes.
    on_error : {"raise", "nan"}
    rate : int or None
        Where a teacher hears the clips themselves, that of those that are arrays, in Hz.

    Returns
    -------
    teacher : transformer
        The fitted clone.
    targets : array-like
    """
    teacher = fit_teacher(teacher, y, on_error, rate)
    return teacher, embed_as_array(teacher, y)


def fit_teacher(teacher, shown, on_error: str, rate: int | None = None):
    """Fit a clone of the teacher to what it is shown; parameters are those of `compute_targets`."""
    teacher = clone(teacher)
    known = teacher.get_params(deep=False)
    if "pool" in known:
        teacher.set_params(pool=None)
    if "on_error" in known and on_error == "nan":
        teacher.set_params(on_error="nan")
    if "sampling_rate" in known and rate is not None:
        teacher.set_params(sampling_rate=rate)
    return fit_for_arrays(teacher, shown)


def teach_views(views: Views, teacher, rate: int, verbose) -> None:
    """Let the teacher hear each view, once.

    Parameters
    ----------
    views : Views
    teacher : transformer
        A fitted encoder of sound.
    rate : int
        Rate of the views, in Hz.
    verbose : bool or int
        Whether to show progress.
    """
    n_views, targets = len(views.n_samples), []
    with progress_bar(n_views, unit="view", desc="teaching", verbose=verbose) as bar:
        for part in views.parts():
            targets += list(embed_as_array(teacher, [(view, rate) for view in part]))
            bar.update(len(part))
    views.teach(list_targets(targets, n_views, LeftOut("raise"), "the teacher's result"))


def frame_rate_of(teacher, stated: float) -> float:
    """Rate in Hz of a teacher's vectors: that of its frames, else the one that was stated.

    Parameters
    ----------
    teacher : transformer or None
        Of any package: one for videos states the rate of its frames as ``fps``.
    stated : float
    """
    return getattr(teacher, "fps", stated)


def compute_caption_targets(teacher, captions):
    """Embed captions by the teacher's own CLIP; vectors stay as they are.

    Parameters
    ----------
    teacher : transformer or None
        The fitted teacher.
    captions : sequence of str, or array-like of shape (n_captions, width)

    Raises
    ------
    ValueError
        If these are strings, and the teacher is not an encoder of CLIP.
    TextError
        If only some of them are strings.
    """
    if isinstance(captions, str) or not any(isinstance(caption, str) for caption in captions):
        return captions
    if not hasattr(teacher, "pretrained"):
        raise ValueError(
            "captions are strings, which only an encoder of CLIP as the teacher could read: pass "
            "their vectors in the teacher's space"
        )
    return embed_texts(check_captions(captions), teacher)


def embed_texts(texts: list[str], teacher) -> np.ndarray:
    """Embed texts as (n_texts, width), float32, by the very CLIP of a fitted teacher."""
    encoder = CLIPTextEncoder(
        teacher.model,
        teacher.pretrained,
        normalize=teacher.normalize,
        batch_size=teacher.batch_size,
        device=teacher.device,
    )
    with config_context(transform_output="default"):
        return encoder._adopt(teacher.weights_).transform(texts)
