"""AudioToImage: sounds in, pictures of what is heard out."""

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
from ..transformers._frame_vectors import frame_times_of
from ..transformers._shared_parameters import WITH_ENCODER
from ..validation._intervals import PER_SECOND, RATE, SECONDS
from ..validation._tables import (
    note_columns,
    take_columns,
)
from ..weights import WeightsReference, refer_to, refer_to_clip
from ._image_prompts import check_weight, embed_images, read_texts
from ._video_writer import SOUND_RATE, blend, write_film

_LANCZOS = 1
"""What Pillow calls its best way to resize; Pillow itself is loaded with the first picture."""


@document_shared(WITH_ENCODER)
class AudioToImage(TransformerMixin, BaseEstimator):
    """Paint what is heard.

    A VQGAN [1]_ paints a picture from a grid of codes. CLIP looks at it, and the codes are
    changed step by step until CLIP's vector of the picture points where the vector of the
    sound does, as in VQGAN-CLIP [2]_ with the sounds of Wav2CLIP [3]_. Texts and pictures
    can take part, and what is not to be seen. ``fit`` finds the weights and trains nothing.

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
        The CLIP that looks, see :class:`CLIPImageEncoder`. ``"auto"`` is the one that shares the
        space of ``encoder``.

    clip_pretrained : str, Path or None, default="auto"
        Its weights. ``"auto"``: those that belong to ``encoder``, or ``"openai"`` where
        ``clip_model`` is given.

    sound_weight : float, default=1.0
        How much the sound counts; negative: the picture keeps away from it.

    texts : str, sequence of str, dict or None, default=None
        What the pictures of all sounds shall also show. A dict gives each text its weight,
        as in ``{"an oil painting": 0.5, "letters": -0.3}``; otherwise it is 1.

    images : sequence or None, default=None
        Pictures that all pictures shall resemble: paths, PIL images or arrays, or pairs
        ``(picture, weight)``.

    init_image : str, Path, PIL image, array or None, default=None
        Where to start. None starts with codes drawn by chance.

    size : int or (int, int), default=256
        Height and width in pixels. Each is rounded down to a multiple of what one code
        covers, which is 16 pixels for the official weights.

    n_iter : int, default=500
        Number of steps.

    learning_rate : float, default=0.1
        Of Adam.

    n_cutouts : int, default=32
        Copies of the picture that CLIP sees in each step. Time grows with it.

    augment : sequence of str or None, default=("affine", "perspective", "jitter", "erasing")
        What is done to the copies, so that no single view counts ("Af", "Pe", "Ji" and "Er"
        of the original program). It needs kornia (extra ``generate``); None does not.

    noise : float, default=0.1
        Largest standard deviation of the noise in a copy, of pixels in [0, 1].

    frame_length : float, default=1.0
        For videos: length of a window in seconds, where ``encoder`` is a name or
        ``"passthrough"``.

    hop_length : float, default=1.0
        For videos: time from the start of one window to the next, in seconds.

    frame_iter : int, default=50
        For videos: number of steps from the picture of one window to that of the next. The
        first takes ``n_iter``.

    frame_rate : float, default=12.0
        For videos: pictures per second.

    sampling_rate : int, default=16000
        Rate in Hz of clips that are arrays or tensors. A transformer has its own.

    callback : callable or None, default=None
        Called as ``callback(row, step, picture)`` every ``callback_every`` steps, with the
        picture (height, width, 3), uint8, at that step.

    callback_every : int, default=50
        Steps from one call to the next.

    device : str, default="auto"
        Where the networks run: ``"auto"`` (a CUDA GPU if there is one, else the CPU), or
        a torch device such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``.

    n_jobs, memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of a clip that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` issues one
        :class:`~skw2c.exceptions.FailedClipWarning` and leaves a black picture. A
        transformer has its own; vectors of NaN are refused, or leave a black picture.

    random_state : int, RandomState instance or None, default=None
        Determines all that is drawn: the start, the augmentations, the noise, and the
        network of ``weights=None``. On a CPU the same seed gives the same picture, bit for
        bit.

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
        Vectors of texts and images, those with the weight 0 left out.

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
    The loss of a copy is the sum over prompts of the weight times half the square of the
    angle between the copy's vector and the prompt's. After each step, each channel of the
    codes is kept in the range that it has in the VQGAN.

    A picture depends on nothing but its sound, the parameters and the seed: neither on its
    row nor on its neighbours.

    Checkpoints of Lightning are read without running what is in them. One that holds other
    objects than weights and the states of Lightning is refused; it can be converted where
    it is trusted, in an environment in which it loads, by
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
    Real use needs three downloads, once, and better a GPU:

    >>> from skw2c import AudioToImage
    >>> painter = AudioToImage(size=512, texts={"an oil painting": 0.5}, random_state=0)
    >>> pictures = painter.fit_transform(["rain.wav", "dog.wav"])  # doctest: +SKIP
    >>> pictures.shape  # doctest: +SKIP
    (2, 512, 512, 3)
    >>> painter.write_video("walk.wav", "walk.mp4")  # doctest: +SKIP

    With small networks that are trained on the spot, and vectors at hand:

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
        """Find the weights, and embed the texts and images; no sound is read.

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
            If weights cannot be found, are damaged, or of another model.
        ValueError
            If the picture is smaller than one code, an augmentation is unknown, or
            nothing guides it.
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
            self._read_init_image()  # what cannot be read is refused before the work
        self._read_prompts(self._clip())
        return self

    def transform(self, X):
        """Paint one picture for each sound.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            What the encoder takes.

        Returns
        -------
        ndarray of shape (n_clips, height, width, 3), uint8
            Pictures in RGB.

        Raises
        ------
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        ValueError
            If X is no collection of clips, or its vectors are not of CLIP's width.

        Warns
        -----
        FailedClipWarning
            If clips could not be read and ``on_error="nan"``.
        """
        check_is_fitted(self)
        self._validate_params()
        frames = [vector[None] for vector in self._embed(X)]
        return np.concatenate(self._paint_all(frames))

    def transform_video(self, X):
        """Paint one picture for each window of each sound, each from the one before.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            What the encoder takes. For ``encoder="passthrough"``, one array
            (n_windows, width) for each clip.

        Returns
        -------
        list of ndarray of shape (n_windows, height, width, 3), uint8
            The pictures of each clip. A clip shorter than a window has one.
        """
        check_is_fitted(self)
        self._validate_params()
        return self._paint_all(self._embed_windows(X))

    def write_video(self, clip, path, *, sound=None):
        """Paint a video that follows a sound, and write it with the sound as an mp4 file.

        The picture of a window is reached in the middle of the window; between windows, one
        changes smoothly into the next.

        Parameters
        ----------
        clip : str, Path, array or tensor
            One clip, or for ``encoder="passthrough"`` the vectors (n_windows, width).
        path : str or Path
            The file, which appears whole or not at all. It needs PyAV (extra ``media``).
        sound : str, Path, array or None, default=None
            What is heard, mixed down to mono. None is the clip.

        Returns
        -------
        self : AudioToImage

        Raises
        ------
        AudioError
            If the clip cannot be read.
        ValueError
            If the encoder gives no vectors of windows, or there is nothing to hear.
        """
        check_is_fitted(self)
        self._validate_params()
        if sound is None and takes_vectors(self.encoder_):
            raise ValueError("With encoder='passthrough', pass what is heard: sound=...")
        [windows] = self._embed_windows([clip])
        if np.isnan(windows).any():
            raise ValueError(f"The clip {clip!r} cannot be read, and a video needs its sound")
        centres = self._frame_times(len(windows)).mean(axis=1)
        vqgan = self._vqgan()

        def draw(duration: float) -> Iterator[np.ndarray]:
            with self._progress([windows]) as bar:
                keys = map(vqgan.quantize, self._paint(windows, 0, bar))
                n_pictures = max(round(duration * self.frame_rate), 1)
                times = (np.arange(n_pictures) + 0.5) / self.frame_rate
                yield from map(vqgan.show_between, blend(keys, centres, times))

        heard = as_clip(clip if sound is None else sound, self._rate_of_arrays())
        try:
            write_film(path, self._sides(vqgan), heard.blocks(SOUND_RATE), draw, self.frame_rate)
        except AudioError as exc:
            source = clip if sound is None else sound
            raise AudioError(f"The sound of the video{_path_of(source)}: {exc}") from exc
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.transformer_tags.preserves_dtype = []
        tell_of_input(tags, self)
        return tags

    def _find_clip(self) -> tuple:
        """Model and weights of the CLIP that looks."""
        if self.clip_model != PARTNER:
            chosen = "openai" if self.clip_pretrained == PARTNER else self.clip_pretrained
            return self.clip_model, chosen
        partner = make_partner(self.encoder, "image")
        if not isinstance(partner, CLIPImageEncoder):
            raise ValueError(
                f"No CLIP is known to share the space of encoder={name_encoder(self.encoder)}: "
                "pass clip_model=..., the CLIP whose space its vectors lie in"
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
                "encoder has output='encoder', and its vectors lie in no space of CLIP: take "
                "output='embedding'"
            )
        self.encoder_.fit(X, None)
        note_columns(self, X, reset=True)
        take_columns(self, self.encoder_)

    def _read_prompts(self, clip: FrozenCLIP) -> None:
        texts, weights = read_texts(self.texts)
        of_texts = clip.encode_texts(texts) if texts else np.empty((0, clip.width), np.float32)
        of_images, weights_of_images = embed_images(self.images, clip)
        weights = np.array([*weights, *weights_of_images], np.float64)
        counts = weights != 0
        self.prompt_vectors_ = np.concatenate([of_texts, of_images])[counts]
        self.prompt_weights_ = weights[counts]
        if check_weight(self.sound_weight, "sound_weight") == 0 and not counts.any():
            raise ValueError("sound_weight=0 and no texts or images: nothing guides the picture")

    def _embed(self, X) -> np.ndarray:
        """Vectors (n_clips, width); those of failed clips are NaN."""
        note_columns(self, X, reset=False)
        vectors = np.asarray(self.encoder_.transform(X))
        if vectors.ndim != 2:
            raise ValueError(
                f"A picture needs one vector for each clip, and those of the encoder have shape "
                f"{vectors.shape}: take mode='clip'; transform_video paints windows"
            )
        return vectors

    def _embed_windows(self, X) -> list[np.ndarray]:
        """Vectors (n_windows, width) of each clip."""
        encoder = copy.copy(thaw(self.encoder_))
        if "mode" in encoder.get_params(deep=False):
            encoder.set_params(mode="frame")
        windows = list(encoder.transform(X))
        if np.ndim(windows[0]) != 2:
            raise ValueError(
                "A video needs vectors of windows, (n_windows, width) for each clip, and those of "
                f"the first clip have shape {np.shape(windows[0])}: take an encoder with a "
                "parameter 'mode'"
            )
        return windows

    def _frame_times(self, n_windows: int) -> np.ndarray:
        return frame_times_of(self.encoder_, n_windows)

    def _rate_of_arrays(self) -> int:
        return getattr(self.encoder_, "sampling_rate", self.sampling_rate)

    def _paint_all(self, clips: list[np.ndarray]) -> list[np.ndarray]:
        """Pictures (n, height, width, 3) of each clip, from vectors (n, width)."""
        vqgan = self._vqgan()
        with self._progress(clips) as bar:
            return [
                np.stack([vqgan.show(latents) for latents in self._paint(vectors, row, bar)])
                if np.isfinite(vectors).all()
                else np.zeros((len(vectors), *self._sides(vqgan), 3), np.uint8)
                for row, vectors in enumerate(clips)
            ]

    def _paint(self, vectors: np.ndarray, row: int, bar) -> Iterator:
        """Latents of one picture for each vector, each from the one before."""
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
                f"The vectors of X have {vectors.shape[1]} numbers and those of CLIP {clip.width}: "
                f"clip_model={self.clip_.model!r} must be the CLIP that the encoder belongs to"
            )

    def _start(self, vqgan: FrozenVQGAN):
        height, width = self._sides(vqgan)
        if self.init_image is None:
            return vqgan.draw_latents(height, width, self.seed_)
        picture = self._read_init_image()
        return vqgan.encode(np.asarray(picture.resize((width, height), _LANCZOS)))

    def _read_init_image(self):
        try:
            return as_image(self.init_image).read()
        except ImageError as exc:
            raise ImageError(f"init_image{_path_of(self.init_image)}: {exc}") from exc

    def _sides(self, vqgan: FrozenVQGAN) -> tuple[int, int]:
        """Height and width, rounded down to whole codes."""
        sides = self.size if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
            raise ValueError(f"size={self.size!r} must be a number of pixels, or (height, width)")
        if min(sides) < vqgan.factor:
            raise ValueError(
                f"size={self.size!r} is less than one code of this VQGAN, which covers "
                f"{vqgan.factor} x {vqgan.factor} pixels: choose a larger size"
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
        with progress_bar(n_steps, unit="step", desc="painting", verbose=self.verbose) as bar:
            yield bar

    def _vqgan(self) -> FrozenVQGAN:
        return get_frozen_vqgan(self.weights_, self._device())

    def _clip(self) -> FrozenCLIP:
        return get_frozen_clip(self.clip_, self._device())

    def _device(self) -> str:
        """OpenVINO runs the encoder of sound alone."""
        return "cpu" if self.device == "openvino" else self.device


def _path_of(item) -> str:
    """The file of an item in parentheses, where it is one."""
    return f" ({os.fspath(item)!r})" if isinstance(item, (str, os.PathLike)) else ""


def _check_augmentations(augment) -> None:
    unknown = sorted({str(name) for name in augment or ()} - {*AUGMENTATIONS})
    if unknown:
        raise ValueError(f"augment={augment!r} must be out of {', '.join(AUGMENTATIONS)}, or None")
