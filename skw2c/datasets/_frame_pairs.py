"""pair_frames: pairs of images and captions, from the frames of generated clips."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from ._caption_templates import describe_empty_scene
from ._parameter_checks import check_at_least, draw_seed


def pair_frames(clips, rows=None, *, n_visible=3, n_empty=0.5, random_state=None):
    """Pair video frames of audiovisual clips with captions, to train a CLIP on.

    Frames that show the sound source get the caption of their clip. Frames of the empty scene
    get a caption such as "an empty street, nothing is heard".

    Parameters
    ----------
    clips : :class:`~sklearn.utils.Bunch`
        Clips as returned by `make_audiovisual_events`.
    rows : array-like of int or None, default=None
        The clips from which to take frames. None means all.
    n_visible : int, default=3
        The largest number of frames with the sound source to take from each clip.
    n_empty : float, default=0.5
        Fraction of the clips from which to take one frame of the empty scene, if they have
        one.
    random_state : int, RandomState instance or None, default=None
        Determines which frames are taken.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        images : ndarray of shape (n_pairs, height, width, 3), uint8
            The frames.
        captions : list of str
            One caption per image.
        row : ndarray of shape (n_pairs,), int
            The clip from which each image was taken.
        visible : ndarray of shape (n_pairs,), bool
            Whether the image shows the sound source.

    Raises
    ------
    ValueError
        If a number is negative, or if there are no frames to take.

    See Also
    --------
    train_small_clip : Trains a small CLIP on such pairs.
    train_small_vqgan : Trains a small VQGAN on such images.

    Examples
    --------
    >>> from skw2c.datasets import make_audiovisual_events, pair_frames
    >>> clips = make_audiovisual_events(24, random_state=0)
    >>> pairs = pair_frames(clips, random_state=0)
    >>> pairs.images.shape, pairs.captions[6]
    ((88, 48, 48, 3), 'background noise on a beach')
    """
    check_at_least("n_visible", n_visible, 0)
    check_at_least("n_empty", n_empty, 0)
    entropy = draw_seed(random_state)
    rows = np.arange(len(clips.frames)) if rows is None else np.asarray(rows)
    pairs = [pair for row in rows for pair in _pair(clips, row, n_visible, n_empty, entropy)]
    if not pairs:
        raise ValueError(
            f"no frames to take from {len(rows)} clips with n_visible={n_visible!r} and "
            f"n_empty={n_empty!r}: pass more clips, or larger numbers"
        )
    images, captions, row, visible = zip(*pairs, strict=True)
    return Bunch(
        images=np.stack(images),
        captions=list(captions),
        row=np.array(row),
        visible=np.array(visible),
    )


def _pair(clips, row: int, n_visible: int, n_empty: float, entropy: int):
    """Yield (image, caption, row, whether the source is visible) for some frames of a clip."""
    rng = np.random.default_rng([entropy, row])
    frames, visible = clips.frames[row], clips.visible[row]
    for frame in rng.permutation(np.flatnonzero(visible))[:n_visible]:
        yield frames[frame], clips.captions[row], row, True
    if not visible.all() and rng.random() < n_empty:
        caption = describe_empty_scene(rng, str(clips.scene_names[clips.scene[row]]))
        yield frames[rng.choice(np.flatnonzero(~visible))], caption, row, False
