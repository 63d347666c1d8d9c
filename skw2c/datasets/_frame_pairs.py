"""pair_frames: pictures with captions."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from ._caption_templates import describe_emptiness
from ._parameter_checks import check_at_least, draw_seed


def pair_frames(clips, rows=None, *, n_visible=3, n_empty=0.5, random_state=None):
    """Pair frames of audiovisual clips with captions, as a CLIP learns from.

    Frames in which the thing is seen go with the caption of their clip, frames of the
    empty scene with words such as "an empty street, nothing is heard".

    Parameters
    ----------
    clips : :class:`~sklearn.utils.Bunch`
        What `make_audiovisual_events` returns.
    rows : array-like of int or None, default=None
        The clips to take frames from. None takes all.
    n_visible : int, default=3
        Most frames with the thing to take from each clip.
    n_empty : float, default=0.5
        Share of the clips to take one frame of the empty scene from, where there is one.
    random_state : int, RandomState instance or None, default=None
        Determines which frames are taken.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        pictures : ndarray of shape (n_pairs, height, width, 3), uint8
            The frames.
        captions : list of str
            One for each picture.
        row : ndarray of shape (n_pairs,), int
            The clip that each picture is from.
        visible : ndarray of shape (n_pairs,), bool
            Whether the thing is seen in the picture.

    Raises
    ------
    ValueError
        If a number is negative, or there is no such frame.

    Examples
    --------
    >>> from skw2c.datasets import make_audiovisual_events, pair_frames
    >>> clips = make_audiovisual_events(24, random_state=0)
    >>> pairs = pair_frames(clips, random_state=0)
    >>> pairs.pictures.shape, pairs.captions[6]
    ((88, 48, 48, 3), 'background noise on a beach')
    """
    check_at_least("n_visible", n_visible, 0)
    check_at_least("n_empty", n_empty, 0)
    entropy = draw_seed(random_state)
    rows = np.arange(len(clips.frames)) if rows is None else np.asarray(rows)
    pairs = [pair for row in rows for pair in _pair(clips, row, n_visible, n_empty, entropy)]
    if not pairs:
        raise ValueError(
            f"There is no frame to take from {len(rows)} clips with n_visible={n_visible!r} and "
            f"n_empty={n_empty!r}; take more"
        )
    pictures, captions, row, visible = zip(*pairs, strict=True)
    return Bunch(
        pictures=np.stack(pictures),
        captions=list(captions),
        row=np.array(row),
        visible=np.array(visible),
    )


def _pair(clips, row: int, n_visible: int, n_empty: float, entropy: int):
    """Give (picture, caption, row, whether a thing is seen) for some frames of a clip."""
    rng = np.random.default_rng([entropy, row])
    frames, visible = clips.frames[row], clips.visible[row]
    for frame in rng.permutation(np.flatnonzero(visible))[:n_visible]:
        yield frames[frame], clips.captions[row], row, True
    if not visible.all() and rng.random() < n_empty:
        caption = describe_emptiness(rng, str(clips.scene_names[clips.scene[row]]))
        yield frames[rng.choice(np.flatnonzero(~visible))], caption, row, False
