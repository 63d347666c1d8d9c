"""AudioToImage: sounds in, generated images out."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..audio import as_clip
from ..exceptions import AudioError, ImageError
from ..images import as_image
from ..models import FrozenCLIP, get_frozen_clip
from ..models._devices import device_beside
from ..models.vqgan import AUGMENTATIONS, FrozenVQGAN, Guidance, GuidedGenerator, get_frozen_vqgan
from ..system._docstrings import document_shared
from ..system._progress import progress_bar
from ..transformers._clip_image_encoder import CLIPImageEncoder
from ..transformers._encoder_registry import thaw
from ..transformers._encoders import (
    PARTNER,
    make_partner,
    name_encoder,
    resolve_encoder,
    takes_vectors,
    tell_of_input,
)
from ..transformers._frame_vectors import embed_frames, frame_times_of
from ..transformers._shared_parameters import WITH_ENCODER
from ..validation._intervals import PER_SECOND, RATE, SECONDS
from ..validation._tables import (
    note_columns,
    take_columns,
)
from ..weights import WeightsReference, refer_to, refer_to_clip
from ._image_prompts import check_weight, embed_images, read_texts
from ._video_writer import SOUND_RATE, blend, write_video_file

_LANCZOS = 1
"""Pillow's number for Lanczos resampling; Pillow itself is only imported with the first image."""


@document_shared(WITH_ENCODER)
class AudioToImage(TransformerMixin, BaseEstimator):
    """Generate images from sounds.

    A VQGAN [1]_ decodes an image from a grid of codes. The codes are optimised step by step until
    CLIP's vector of the image is similar to the vector of the sound, as in VQGAN-CLIP [2]_ with
    the audio encoder of Wav2CLIP [3]_. Texts and images can be used as further prompts, also with
    negative weights. ``fit`` finds the weights; nothing is trained.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="vqgan-imagenet-f16-16384"
        The VQGAN. ``"vqgan-imagenet-f16-16384"`` and ``"vqgan-imagenet-f16-1024"`` are the
        official ones for ImageNet, with as many codes, fetched once into the cache (the
        folder named by the environment variable ``SKW2C_CACHE``, or the platform's cache
        folder). A path reads a checkpoint with their names of entries, ``.ckpt`` or
        ``.safetensors``, also of a smaller network. None draws an untrained one from
        ``random_state``.

    encoder : str or transformer, default="wav2clip"
        What makes vectors of X, in the space of a CLIP: the name of a registered encoder (see
        :func:`~skw2c.register_encoder`), such as ``"wav2clip"`` or ``"audioclip"``; or
        ``"passthrough"``, where X holds vectors, such as those of :class:`CLIPTextEncoder`. A
        transformer is cloned and fitted; wrap one that is trained already in
        :class:`~sklearn.frozen.FrozenEstimator`.

    clip_model : str or Path, default="auto"
        The CLIP that embeds the image, see :class:`CLIPImageEncoder`. ``"auto"`` is the one that
        shares the space of ``encoder``.

    clip_pretrained : str, Path or None, default="auto"
        Its weights. ``"auto"``: those that belong to ``encoder``, or ``"openai"`` where
        ``clip_model`` is given.

    sound_weight : float, default=1.0
        Weight of the sound. With a negative weight, the image becomes less similar to it.

    texts : str, sequence of str, dict or None, default=None
        Text prompts for all images. A dict maps each text to its weight, as in
        ``{"an oil painting": 0.5, "letters": -0.3}``; otherwise the weights are 1.

    images : sequence or None, default=None
        Image prompts for all images: paths, PIL images or arrays, or pairs
        ``(image, weight)``.

    init_image : str, Path, PIL image, array or None, default=None
        The image to start from. None starts from random codes.

    size : int or (int, int), default=256
        Height and width in pixels. Each is rounded down to a multiple of what one code
        covers, which is 16 pixels for the official weights.

    n_iter : int, default=500
        Number of steps.

    learning_rate : float, default=0.1
        Learning rate of Adam.

    n_cutouts : int, default=32
        Number of augmented copies of the image that CLIP embeds in each step. Time is
        proportional to it.

    augment : sequence of str or None, default=("affine", "perspective", "jitter", "erasing")
        Augmentations of the copies, so that the result does not depend on a single view ("Af",
        "Pe", "Ji" and "Er" of the original program). They need kornia (extra ``generate``); None
        does not.

    noise : float, default=0.1
        Largest standard deviation of the noise in a copy, for pixels in [0, 1].

    frame_length : float, default=1.0
        For videos: length of a window in seconds, where ``encoder`` is a name or
        ``"passthrough"``.

    hop_length : float, default=1.0
        For videos: time from the start of one window to the next, in seconds.

    frame_iter : int, default=50
        For videos: number of steps from the image of one window to that of the next. The first
        image takes ``n_iter``.

    frame_rate : float, default=12.0
        For videos: frames per second.

    sampling_rate : int, default=16000
        Rate in Hz of clips that are arrays or tensors. A transformer has its own.

    callback : callable or None, default=None
        Called as ``callback(row, step, image)`` every ``callback_every`` steps, with the image
        (height, width, 3), uint8, at that step.

    callback_every : int, default=50
        Number of steps between calls.

    device : str, default="auto"
        Where the networks run: ``"auto"`` (a CUDA GPU if there is one, else the CPU), or
        a torch device such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``.

    n_jobs, memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a clip that cannot be read. ``"raise"`` stops with an error that names
        row and file. ``"nan"`` issues one :class:`~skw2c.exceptions.FailedClipWarning` and
        returns a black image. A transformer has its own parameter; vectors that are NaN are
        refused, or give a black image.

    random_state : int, RandomState instance or None, default=None
        Determines the random start, the augmentations, the noise, and the network of
        ``weights=None``. On a CPU, the same seed gives the same image, bit for bit.

    verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_ : WeightsReference
        Which VQGAN ``fit`` found. Pickles carry this, not the network.

    clip_ : CLIPReference
        Which CLIP ``fit`` found.

    encoder_ : shared
        As described in ``_shared_parameters``.

    prompt_vectors_ : ndarray of shape (n_prompts, width), float32
        Vectors of the texts and images whose weight is not 0.

    prompt_weights_ : ndarray of shape (n_prompts,), float64
        Their weights.

    seed_ : int
        Drawn from ``random_state``.

    n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    skw2c.datasets.train_small_vqgan : A small VQGAN, to try it on without a network.
    Wav2CLIPTransformer : The encoder of sounds.

    Notes
    -----
    The loss of a copy is the sum over the prompts of the weight times half the square of the
    angle between the vector of the copy and that of the prompt. After each step, each channel of
    the codes is clipped to the range that it has in the VQGAN.

    An image only depends on its sound, the parameters and the seed, not on its row or its
    neighbours.

    Checkpoints of Lightning are read without running any code in them. A checkpoint that contains
    other objects than weights and the states of Lightning is refused. If you trust it, convert it
    in an environment in which it loads, by
    ``safetensors.torch.save_file(torch.load(path, weights_only=False)["state_dict"], new)``.

    References
    ----------
    .. [1] P. Esser, R. Rombach and B. Ommer, "Taming transformers for high-resolution image
       synthesis", CVPR 2021, arXiv 2012.09841.
    .. [2] K. Crowson et al., "VQGAN-CLIP: Open domain image generation and editing with
       natural language guidance", ECCV 2022, arXiv 2204.08583.
    .. [3] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    Examples
    --------
    Real use needs three downloads, once, and preferably a GPU:

    >>> from skw2c import AudioToImage
    >>> generator = AudioToImage(size=512, texts={"an oil painting": 0.5}, random_state=0)
    >>> images = generator.fit_transform(["rain.wav", "dog.wav"])  # doctest: +SKIP
    >>> images.shape  # doctest: +SKIP
    (2, 512, 512, 3)
    >>> generator.write_video("walk.wav", "walk.mp4")  # doctest: +SKIP

    With small networks trained on the spot, and precomputed vectors:

    >>> import numpy as np
    >>> from skw2c.datasets import (
    ...     make_audiovisual_events, pair_frames, train_small_clip, train_small_vqgan
    ... )
    >>> pairs = pair_frames(make_audiovisual_events(12, random_state=0), random_state=0)
    >>> vqgan = train_small_vqgan(pairs.images, max_epochs=1, verbose=False)
    >>> clip = train_small_clip(pairs.images, pairs.captions, max_epochs=1, verbose=False)
    >>> generator = AudioToImage(
    ...     vqgan,
    ...     encoder="passthrough",
    ...     clip_model=clip,
    ...     size=32,
    ...     n_iter=2,
    ...     frame_iter=1,
    ...     n_cutouts=2,
    ...     augment=None,
    ...     random_state=0,
    ... )
    >>> rng = np.random.default_rng(0)
    >>> generator.fit_transform(rng.normal(size=(2, 64))).shape
    (2, 32, 32, 3)
    >>> windows = rng.normal(size=(3, 64))
    >>> [images.shape for images in generator.transform_video([windows])]
    [(3, 32, 32, 3)]
    >>> generator = generator.write_video(windows, "noise.mp4", sound=rng.normal(size=48000))
    """

    _parameter_constraints = {
        "weights": [str, os.PathLike, WeightsReference, None],
        "encoder": [str, HasMethods(["fit", "transform"])],
        "clip_model": [str, os.PathLike],
        "clip_pretrained": [str, os.PathLike, None],
        "sound_weight": [Real],
        "texts": [str, Mapping, "array-like", None],
        "images": [list, tuple, np.ndarray, None],
        "init_image": "no_validation",
        "size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "n_cutouts": [Interval(Integral, 1, None, closed="left")],
        "augment": [tuple, list, None],
        "noise": [Interval(Real, 0, None, closed="left")],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
        "frame_iter": [Interval(Integral, 0, None, closed="left")],
        "frame_rate": [PER_SECOND],
        "sampling_rate": [RATE],
        "callback": [callable, None],
        "callback_every": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        weights="vqgan-imagenet-f16-16384",
        *,
        encoder="wav2clip",
        clip_model="auto",
        clip_pretrained="auto",
        sound_weight=1.0,
        texts=None,
        images=None,
        init_image=None,
        size=256,
        n_iter=500,
        learning_rate=0.1,
        n_cutouts=32,
        augment=AUGMENTATIONS,
        noise=0.1,
        frame_length=1.0,
        hop_length=1.0,
        frame_iter=50,
        frame_rate=12.0,
        sampling_rate=16000,
        callback=None,
        callback_every=50,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.weights = weights
        self.encoder = encoder
        self.clip_model = clip_model
        self.clip_pretrained = clip_pretrained
        self.sound_weight = sound_weight
        self.texts = texts
        self.images = images
        self.init_image = init_image
        self.size = size
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.n_cutouts = n_cutouts
        self.augment = augment
        self.noise = noise
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.frame_iter = frame_iter
        self.frame_rate = frame_rate
        self.sampling_rate = sampling_rate
        self.callback = callback
        self.callback_every = callback_every
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X=None, y=None):
        """Find the weights, and embed the texts and images. Sounds are not read.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or None, default=None
            What the encoder takes. None will do: nothing is learned from it.
        y : None
            Ignored.

        Returns
        -------
        self : AudioToImage
            The fitted estimator.

        Raises
        ------
        WeightsError
            If weights cannot be found, are damaged, or belong to another model.
        ValueError
            If the image is smaller than one code, an augmentation is unknown, or all weights
            are 0.
        """
        _check_augmentations(self.augment)
        model, pretrained = self._find_clip()  # before anything is fetched
        self._fit_encoder(X)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.seed_ = seed
        self.weights_ = (
            WeightsReference(seed=seed)
            if self.weights is None
            else refer_to(self.weights, "vqgan", progress=bool(self.verbose))
        )
        self.clip_ = refer_to_clip(
            model, pretrained, seed if pretrained is None else 0, progress=bool(self.verbose)
        )
        self._sides(self._vqgan())
        if self.init_image is not None:
            self._read_init_image()  # so that an unreadable image is an error now, not later
        self._read_prompts(self._clip())
        return self

    def transform(self, X):
        """Generate one image for each sound.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            What the encoder takes.

        Returns
        -------
        ndarray of shape (n_clips, height, width, 3), uint8
            RGB images.

        Raises
        ------
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        ValueError
            If X is not a collection of clips, or its vectors do not have CLIP's dimension.

        Warns
        -----
        FailedClipWarning
            If clips could not be read and ``on_error="nan"``.
        """
        check_is_fitted(self)
        self._validate_params()
        frames = [vector[None] for vector in self._embed(X)]
        return np.concatenate(self._generate_all(frames))

    def transform_video(self, X):
        """Generate one image for each window of each sound, each starting from the one before.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            What the encoder takes. For ``encoder="passthrough"``, one array
            (n_windows, width) for each clip.

        Returns
        -------
        list of ndarray of shape (n_windows, height, width, 3), uint8
            The images of each clip. A clip shorter than a window has one image.
        """
        check_is_fitted(self)
        self._validate_params()
        return self._generate_all(self._embed_windows(X)[0])

    def write_video(self, clip, path, *, sound=None):
        """Generate a video that follows a sound, and write it with the sound as an mp4 file.

        The image of a window is shown at the middle of the window; in between, images are
        interpolated.

        Parameters
        ----------
        clip : str, Path, array or tensor
            One clip, or for ``encoder="passthrough"`` the vectors (n_windows, width).
        path : str or Path
            The file, written atomically. This needs PyAV (extra ``media``).
        sound : str, Path, array or None, default=None
            The sound of the video, mixed down to mono. None is the clip.

        Returns
        -------
        self : AudioToImage

        Raises
        ------
        AudioError
            If the clip cannot be read.
        ValueError
            If the encoder does not return vectors of windows, or the sound is missing.
        """
        check_is_fitted(self)
        self._validate_params()
        if sound is None and takes_vectors(self.encoder_):
            raise ValueError("with encoder='passthrough', pass the sound of the video: sound=...")
        [windows], [length] = self._embed_windows([clip])
        if np.isnan(windows).any():
            raise ValueError(f"the clip {clip!r} cannot be read, but the video needs its sound")
        centres = frame_times_of(self.encoder_, len(windows), length).mean(axis=1)
        vqgan = self._vqgan()

        def draw(duration: float) -> Iterator[np.ndarray]:
            with self._progress([windows]) as bar:
                keys = map(vqgan.quantize, self._generate(windows, 0, bar))
                n_frames = max(round(duration * self.frame_rate), 1)
                times = (np.arange(n_frames) + 0.5) / self.frame_rate
                yield from map(vqgan.show_between, blend(keys, centres, times))

        track = as_clip(clip if sound is None else sound, self._rate_of_arrays())
        try:
            write_video_file(
                path, self._sides(vqgan), track.blocks(SOUND_RATE), draw, self.frame_rate
            )
        except AudioError as exc:
            source = clip if sound is None else sound
            raise AudioError(f"the sound of the video{_path_of(source)}: {exc}") from exc
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.transformer_tags.preserves_dtype = []
        tell_of_input(tags, self)
        return tags

    def _find_clip(self) -> tuple:
        """Model and weights of the CLIP that embeds the image."""
        if self.clip_model != PARTNER:
            chosen = "openai" if self.clip_pretrained == PARTNER else self.clip_pretrained
            return self.clip_model, chosen
        partner = make_partner(self.encoder, "image")
        if not isinstance(partner, CLIPImageEncoder):
            raise ValueError(
                f"the CLIP that shares the space of {name_encoder(self.encoder)} is not "
                "known: pass it as clip_model=..., or choose an encoder in the space of a CLIP, "
                "such as Wav2CLIPTransformer('mini')"
            )
        chosen = partner.pretrained if self.clip_pretrained == PARTNER else self.clip_pretrained
        return partner.model, chosen

    def _fit_encoder(self, X) -> None:
        self.encoder_ = resolve_encoder(
            self.encoder,
            "audio",
            mode="clip",
            frame_length=self.frame_length,
            hop_length=self.hop_length,
            sampling_rate=self.sampling_rate,
            device=self.device,
            n_jobs=self.n_jobs,
            memory=self.memory,
            on_error=self.on_error,
            verbose=self.verbose,
        )
        if thaw(self.encoder_).get_params(deep=False).get("output") == "encoder":
            raise ValueError(
                "encoder has output='encoder', whose vectors are not in the space of a CLIP: pass "
                "one with output='embedding'"
            )
        self.encoder_.fit(X, None)
        note_columns(self, X, reset=True)
        take_columns(self, self.encoder_)

    def _read_prompts(self, clip: FrozenCLIP) -> None:
        texts, weights_of_texts = read_texts(self.texts)
        of_texts = clip.encode_texts(texts) if texts else np.empty((0, clip.width), np.float32)
        of_images, weights_of_images = embed_images(self.images, clip)
        weights = np.array([*weights_of_texts, *weights_of_images], np.float64)
        counts = weights != 0
        self.prompt_vectors_ = np.concatenate([of_texts, of_images])[counts]
        self.prompt_weights_ = weights[counts]
        if check_weight(self.sound_weight, "sound_weight") == 0 and not counts.any():
            raise ValueError(
                "got sound_weight=0 and neither texts nor images with a weight: nothing guides the "
                "image"
            )

    def _embed(self, X) -> np.ndarray:
        """Vectors (n_clips, width); those of failed clips are NaN."""
        note_columns(self, X, reset=False)
        vectors = np.asarray(self.encoder_.transform(X))
        if vectors.ndim != 2:
            raise ValueError(
                f"got vectors of shape {vectors.shape} from the encoder, expected one vector per "
                "clip: use mode='clip', or transform_video for windows"
            )
        return vectors

    def _embed_windows(self, X) -> tuple[list[np.ndarray], np.ndarray]:
        """Vectors (n_windows, width) of each clip, and how long the clips are, in seconds."""
        encoder = copy.copy(thaw(self.encoder_))
        if "mode" in encoder.get_params(deep=False):
            encoder.set_params(mode="frame")
        windows, durations = embed_frames(encoder, X)
        windows = list(windows)
        if np.ndim(windows[0]) != 2:
            raise ValueError(
                f"got vectors of shape {np.shape(windows[0])} for the first clip, expected "
                "(n_windows, width): a video needs an encoder with a parameter 'mode'"
            )
        return windows, durations

    def _rate_of_arrays(self) -> int:
        return getattr(self.encoder_, "sampling_rate", self.sampling_rate)

    def _generate_all(self, clips: list[np.ndarray]) -> list[np.ndarray]:
        """Generate images (n, height, width, 3) for each clip, from vectors (n, width)."""
        vqgan = self._vqgan()
        with self._progress(clips) as bar:
            return [
                np.stack([vqgan.show(latents) for latents in self._generate(vectors, row, bar)])
                if np.isfinite(vectors).all()
                else np.zeros((len(vectors), *self._sides(vqgan), 3), np.uint8)
                for row, vectors in enumerate(clips)
            ]

    def _generate(self, vectors: np.ndarray, row: int, bar) -> Iterator:
        """Yield the latents of one image per vector, each starting from the one before."""
        vqgan, clip = self._vqgan(), self._clip()
        self._check_width(vectors, clip)
        guidance = Guidance(
            float(self.learning_rate),
            int(self.n_cutouts),
            tuple(self.augment or ()),
            float(self.noise),
            self.seed_,
        )
        generator = GuidedGenerator(vqgan, clip, guidance)
        latents, n_iter, done = self._start(vqgan), self.n_iter, 0
        for vector in vectors:
            prompts, weights = self._prompts_with(vector)
            watch = self._watch(vqgan, row, done, bar)
            with clip.exact():
                latents = generator.generate(latents, prompts, weights, n_iter, watch)
            yield latents
            done, n_iter = done + n_iter, self.frame_iter

    def _prompts_with(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        prompts, weights = self.prompt_vectors_, self.prompt_weights_
        if self.sound_weight == 0:
            return prompts, weights
        return np.vstack([vector[None], prompts]), np.append(self.sound_weight, weights)

    def _check_width(self, vectors: np.ndarray, clip: FrozenCLIP) -> None:
        if vectors.shape[1] != clip.width:
            raise ValueError(
                f"got vectors of dimension {vectors.shape[1]}, expected {clip.width}, that of "
                f"clip_model={self.clip_.model!r}: it must be the CLIP that the encoder belongs to"
            )

    def _start(self, vqgan: FrozenVQGAN):
        height, width = self._sides(vqgan)
        if self.init_image is None:
            return vqgan.draw_latents(height, width, self.seed_)
        image = self._read_init_image()
        return vqgan.encode(np.asarray(image.resize((width, height), _LANCZOS)))

    def _read_init_image(self):
        try:
            return as_image(self.init_image).read()
        except ImageError as exc:
            raise ImageError(f"init_image{_path_of(self.init_image)}: {exc}") from exc

    def _sides(self, vqgan: FrozenVQGAN) -> tuple[int, int]:
        """Height and width, rounded down to whole codes."""
        sides = self.size if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
            raise ValueError(f"got size={self.size!r}, expected pixels or (height, width)")
        if min(sides) < vqgan.factor:
            raise ValueError(
                f"got size={self.size!r}, expected at least {vqgan.factor} pixels, the size of one "
                "code of this VQGAN"
            )
        height, width = (int(side) // vqgan.factor * vqgan.factor for side in sides)
        return height, width

    def _watch(self, vqgan: FrozenVQGAN, row: int, done: int, bar) -> Callable:
        def watch(step: int, latents) -> None:
            bar.update()
            if self.callback is not None and (done + step) % self.callback_every == 0:
                self.callback(row, done + step, vqgan.show(latents))

        return watch

    @contextmanager
    def _progress(self, clips: list[np.ndarray]):
        n_steps = sum(self.n_iter + self.frame_iter * (len(windows) - 1) for windows in clips)
        with progress_bar(n_steps, unit="step", desc="generating", verbose=self.verbose) as bar:
            yield bar

    def _vqgan(self) -> FrozenVQGAN:
        return get_frozen_vqgan(self.weights_, self._device())

    def _clip(self) -> FrozenCLIP:
        return get_frozen_clip(self.clip_, self._device())

    def _device(self) -> str:
        """The device of VQGAN and CLIP; other engines than torch only run the audio encoder."""
        return device_beside(self.device)


def _path_of(item) -> str:
    """The path of an item in parentheses, if it is a file."""
    return f" ({os.fspath(item)!r})" if isinstance(item, (str, os.PathLike)) else ""


def _check_augmentations(augment) -> None:
    unknown = sorted({str(name) for name in augment or ()} - {*AUGMENTATIONS})
    if unknown:
        raise ValueError(
            f"got augment={augment!r}, expected some of {', '.join(AUGMENTATIONS)}, or None"
        )
