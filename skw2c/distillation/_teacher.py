"""What the teacher says: of pictures and videos, and, where it is a CLIP, of captions."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.base import clone

from ..transformers._clip_text_encoder import CLIPTextEncoder
from ..validation._texts import check_captions


def teach(teacher, y, on_error: str):
    """Fit a clone of the teacher, and embed what it is shown.

    Parameters
    ----------
    teacher : transformer
        One with a parameter ``pool`` gives a vector for each picture of a video, and one with
        ``on_error`` keeps rows that cannot be read as NaN under ``on_error="nan"``.
    y : array-like
        Pictures, videos or whatever it takes.
    on_error : {"raise", "nan"}

    Returns
    -------
    teacher : transformer
        The fitted clone.
    vectors : array-like
    """
    teacher = clone(teacher)
    known = teacher.get_params(deep=False)
    if "pool" in known:
        teacher.set_params(pool=None)
    if "on_error" in known and on_error == "nan":
        teacher.set_params(on_error="nan")
    if hasattr(teacher, "set_output"):
        teacher.set_output(transform="default")
    with config_context(transform_output="default"):
        return teacher, teacher.fit(y, None).transform(y)


def teach_captions(teacher, captions):
    """Embed captions by the CLIP that teaches; vectors stay as they are.

    Parameters
    ----------
    teacher : transformer or None
        The fitted teacher.
    captions : sequence of str, or array-like of shape (n_captions, width)

    Raises
    ------
    ValueError
        If these are words, and the teacher is no encoder of CLIP.
    TextError
        If only some of them are words.
    """
    if isinstance(captions, str) or not any(isinstance(caption, str) for caption in captions):
        return captions
    if not hasattr(teacher, "pretrained"):
        raise ValueError(
            "captions are words, and the teacher is no encoder of CLIP that could read them: "
            "pass their vectors in the teacher's space"
        )
    return read_captions(check_captions(captions), teacher)


def read_captions(texts: list[str], teacher) -> np.ndarray:
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
