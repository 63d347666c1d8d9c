"""CLIPImageEncoder: images in, a table of vectors out."""

from __future__ import annotations

from ..system._docstrings import document_shared
from ._clip_encoder import AUDIOCLIP, CLIPEncoder
from ._encoder_registry import register_encoder
from ._image_encoder import ImageEncoder
from ._shared_parameters import CLIP


@register_encoder("clip", embeds="image", space="clip")
@register_encoder("audioclip", embeds="image", space="audioclip", parameters=AUDIOCLIP)
@document_shared(CLIP)
class CLIPImageEncoder(ImageEncoder, CLIPEncoder):
    """Embed images as vectors in the space of CLIP.

    The images are resized and cropped as CLIP wants them, and embedded by its vision
    tower [1]_, as open_clip runs it. ``fit`` finds the weights; nothing is trained.

    Parameters
    ----------
    model, pretrained, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Largest number of images in a batch of the network. It does not influence the vectors
        beyond rounding.

    device, n_jobs, memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` keeps its row as NaN and issues one
        :class:`~skw2c.exceptions.FailedRowWarning`, which carries the list of failures.

    random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLIPVideoEncoder : The same for videos.
    CLIPTextEncoder : The same for texts.

    Notes
    -----
    X is a list, tuple, Series, one-column DataFrame or object array of paths, PIL images,
    arrays or tensors; or one array of grey (n, height, width) or colour images
    (n, height, width, channels). Channels come last: 1 (grey), 2 (grey and alpha),
    3 (RGB) or 4 (RGBA). Numbers are uint8, uint16, bool, or floats in [0, 1].

    Images are seen as a person sees them: turned upright as their EXIF entry says,
    transparent parts over white, 16 bits scaled to 8. The first frame stands for an
    animation. open_clip's own transform ignores the entry, drops transparency and clips
    16 bits; for plain RGB images the vectors are equal.

    OpenAI's weights always run with the quick GELU that they were trained with, even
    under a plain name such as ``model="ViT-B-32"`` or from a copy of OpenAI's file:
    open_clip by itself would run that copy with another GELU and give wrong vectors
    without a word. A copy that somebody saved again, without the entries that mark OpenAI's
    files, cannot be told apart; name the ``-quickgelu`` model for it.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021, arXiv 2103.00020.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import CLIPImageEncoder
    >>> images = np.random.default_rng(0).random((2, 60, 80, 3))
    >>> encoder = CLIPImageEncoder(pretrained=None, random_state=0)
    >>> encoder.fit_transform(images).shape
    (2, 512)
    """

    _parameter_constraints = CLIPEncoder._parameter_constraints

    def __init__(
        self,
        model="ViT-B-32-quickgelu",
        pretrained="openai",
        *,
        normalize=False,
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
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose
