"""CLIPVideoEncoder: videos in, vectors of their frames out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import joblib
import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..exceptions import VideoError
from ..images import VideoFile
from ..system._docstrings import document_shared
from ..system._prefetch import prefetch, prefetch_map
from ..validation._images import list_videos
from ..validation._intervals import PER_SECOND
from ..validation._tables import check_container, stack_frames
from ._clip_encoder import AUDIOCLIP, CLIPEncoder
from ._encoder_registry import register_encoder
from ._rows import to_unit_length
from ._shared_parameters import CLIP

_MOST_THREADS = 8
"""Threads that embed frames; each has one or two batches of them in memory."""


@register_encoder("clip", embeds="video", space="clip")
@register_encoder("audioclip", embeds="video", space="audioclip", parameters=AUDIOCLIP)
@document_shared(CLIP)
class CLIPVideoEncoder(CLIPEncoder):
    """Embed the frames of videos as vectors in the space of CLIP.

    The frames are taken ``fps`` times per second and embedded by the vision tower of
    CLIP [1]_, as in the pre-training of Wav2CLIP [2]_. ``fit`` finds the weights;
    nothing is trained. Needs the extra ``media`` beside ``clip``.

    Parameters
    ----------
    model, pretrained : shared
        As described in ``_shared_parameters``.

    fps : float, default=30.0
        Frames per second. The frame at second k / fps is the one that is shown then:
        a video of 25 frames per second shows some of them twice, one of 60 shows every
        second one.

    pool : {"mean"} or None, default="mean"
        ``"mean"`` gives one vector per video, the mean over its frames. None gives the
        vector of each frame, see `frame_times`.

    normalize : bool, default=False
        Whether to scale each vector of the result to unit length.

    normalize_frames : bool, default=False
        Whether to scale the vector of each frame to unit length before their mean is
        taken.

    batch_size : int, default=32
        Largest number of frames in a batch of the network. It does not influence the vectors
        beyond rounding.

    device : shared
        As described in ``_shared_parameters``.

    n_jobs : int or None, default=None
        Threads that resize frames ahead while the network works. None is one, -1
        as many as there are processors.

    memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a video that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` keeps its row as NaN and issues one
        :class:`~skw2c.exceptions.FailedRowWarning`, which carries the list of failures.
        Under ``pool=None`` such a row has as many frames as all others have, or else one.

    random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLIPImageEncoder : The same for frames.
    Wav2CLIPTransformer : Embeds the sound of videos.

    Notes
    -----
    X is a list, tuple, Series, one-column DataFrame or object array of paths. Time starts
    with the file, that is with its first frame or sound, whichever is earlier. Frames
    are turned upright and brought to square pixels, as players do.

    Videos are decoded frame by frame: memory does not grow with their length, but for
    the vectors of ``pool=None``, about 220 MB per hour at 30 frames per second. On a CPU, each
    batch of frames is computed by one thread, and up to eight of them at a time, so that the bits
    do not depend on the number of threads.

    OpenAI's weights always run with the quick GELU that they were trained with, even
    under a plain name such as ``model="ViT-B-32"`` or from a copy of OpenAI's file:
    open_clip by itself would run that copy with another GELU and give wrong vectors
    without a word. A copy that somebody saved again, without the entries that mark OpenAI's
    files, cannot be told apart; name the ``-quickgelu`` model for it.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021, arXiv 2103.00020.
    .. [2] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    Examples
    --------
    >>> from skw2c import CLIPVideoEncoder
    >>> encoder = CLIPVideoEncoder(fps=1, pool=None)
    >>> encoder.fit_transform(["holiday.mp4"])  # doctest: +SKIP
    >>> encoder.frame_times(2)
    array([[0., 1.],
           [1., 2.]])
    """

    _unit = "video"

    _parameter_constraints = {
        **CLIPEncoder._parameter_constraints,
        "fps": [PER_SECOND],
        "pool": [StrOptions({"mean"}), None],
        "normalize_frames": ["boolean"],
    }

    def __init__(
        self,
        model="ViT-B-32-quickgelu",
        pretrained="openai",
        *,
        fps=30.0,
        pool="mean",
        normalize=False,
        normalize_frames=False,
        batch_size=32,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.model = model
        self.pretrained = pretrained
        self.fps = fps
        self.pool = pool
        self.normalize = normalize
        self.normalize_frames = normalize_frames
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def transform(self, X):
        """Embed videos.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array of str or Path, of shape (n_videos,)
            Paths of videos.

        Returns
        -------
        ndarray
            Under ``pool="mean"`` (n_videos, width), float32; the width is 512 for the
            default model. Under ``pool=None`` (n_videos, n_frames, width) if all videos
            have as many frames, else an object array of shape (n_videos,) of arrays
            (n_frames of the video, width); see `frame_times`.

        Raises
        ------
        VideoError
            If a video cannot be read and ``on_error="raise"``.
        TypeError, ValueError
            If X is a single path, is empty, or is not a collection of paths.

        Warns
        -----
        FailedRowWarning
            If videos could not be read and ``on_error="nan"``.
        """
        if self.pool is None:
            check_container(self, "pool=None", "pool='mean'")
        vectors = self._embed(X)
        return stack_frames(vectors) if self.pool is None else np.concatenate(vectors)

    def frame_times(self, n_frames):
        """Start and end of the time that each of the first frames stands for.

        Parameters
        ----------
        n_frames : int
            Number of frames.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the file.
        """
        return (np.arange(n_frames)[:, None] + [0, 1]) / self.fps

    def _list_items(self, X) -> list:
        return list_videos(X)

    def _name_of(self, item) -> str | None:
        try:
            return VideoFile(item).name
        except VideoError:
            return None

    def _results(self, network, items):
        store = self._store("video", float(self.fps), self.pool, self.normalize_frames)
        for row, item in enumerate(items):
            try:
                yield row, self._embed_video(network, store, VideoFile(item))
            except VideoError as exc:
                yield row, exc

    def _embed_video(self, network, store, video) -> np.ndarray:
        key = store.key(video)
        vectors = store.get(key)
        if vectors is None:
            batches = self._encode_frames(network, video)
            vectors = _mean(batches) if self.pool else _repeat(batches)
            store.put(key, vectors)
        return vectors

    def _encode_frames(self, network, video) -> Iterator[tuple]:
        """Yield vectors of frames, and how many instants show each of them."""
        prepared = prefetch_map(
            lambda frame: (network.prepare_image(frame[0]), frame[1]),
            prefetch(video.frames(self.fps)),
            joblib.effective_n_jobs(self.n_jobs),
            inner_threads=1,
        )
        batches = iter(lambda: list(islice(prepared, self.batch_size)), [])
        encode = partial(self._encode_batch, network)
        if network.device_type != "cpu":
            return map(encode, batches)
        # A batch that several threads share is rounded in another way by another number of them.
        return prefetch_map(encode, batches, min(network.n_threads, _MOST_THREADS), inner_threads=1)

    def _encode_batch(self, network, batch: list[tuple]) -> tuple[np.ndarray, tuple]:
        """The vectors of some frames, and how many instants show each of them."""
        inputs, repeats = zip(*batch, strict=True)
        vectors = network.encode_images(list(inputs))
        return (to_unit_length(vectors) if self.normalize_frames else vectors), repeats


def _mean(batches) -> np.ndarray:
    total, count = np.zeros(()), 0
    for vectors, repeats in batches:
        total = total + np.average(vectors.astype(float), axis=0, weights=repeats) * sum(repeats)
        count += sum(repeats)
    return (total / count)[None].astype(np.float32)


def _repeat(batches) -> np.ndarray:
    return np.concatenate([np.repeat(vectors, repeats, axis=0) for vectors, repeats in batches])
