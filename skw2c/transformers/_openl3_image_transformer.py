"""OpenL3ImageTransformer: images in, a table of OpenL3's embeddings out."""

from __future__ import annotations

import os
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Options, StrOptions

from ..models.openl3 import IMAGE_SIZES, INPUT_REPRS, get_frozen_openl3_image
from ..system._docstrings import document_shared
from ..weights import WeightsReference, refer_to
from ._encoder_registry import register_encoder
from ._image_encoder import ImageEncoder
from ._shared_parameters import IMAGES

_MODEL = "openl3-image"


@register_encoder("openl3", embeds="image")
@document_shared(IMAGES)
class OpenL3ImageTransformer(ImageEncoder):
    """Embed images with OpenL3, a network that learned from videos without labels.

    The images are resized and cropped to 224 x 224 and embedded by the frozen image
    network of OpenL3 [1]_. ``fit`` finds the weights; nothing is trained.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="openl3"
        ``"openl3"`` is the official file for ``content_type`` and ``input_repr``, version
        0.4 (CC BY 4.0), fetched once into the cache (the folder named by the environment
        variable ``SKW2C_CACHE``, or the platform's cache folder). A name of the registry,
        such as ``"openl3-image-mel256-env"``, is one of these files. A path reads a file
        of OpenL3 (``.h5`` or ``.h5.gz``). None draws an untrained network from
        ``random_state``.

    content_type : {"music", "env"}, default="music"
        Videos that the official networks were trained on: people playing music, or sounds
        of the environment. The default is that of OpenL3. It says nothing where ``weights``
        is not ``"openl3"``.

    input_repr : {"linear", "mel128", "mel256"}, default="mel256"
        Spectrograms of the audio network that was trained together with this one. It too
        only chooses the file of ``"openl3"``.

    embedding_size : {512, 8192}, default=512
        Length of the vector, see the Notes.

    normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Largest number of images in a batch of the network. On a CPU it takes two at a time, as
        more gain nothing. The batch does not influence the vectors.

    device, n_jobs, memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read, or is too small. ``"raise"`` stops
        with an error that names row and file. ``"nan"`` keeps its row as NaN and issues one
        :class:`~skw2c.exceptions.FailedRowWarning`, which carries the list of failures.

    random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    OpenL3Transformer : The network of sound that was trained with this one.
    CLIPImageEncoder : Embed images in the space of CLIP.

    Notes
    -----
    X is a collection of images, as :class:`CLIPImageEncoder` takes it, and they are seen
    in the same way: upright, transparent parts over white. OpenL3 takes no image that is
    lower or narrower than 224 pixels.

    An image whose shorter side is more than 256 pixels is shrunk to that, by bilinear
    interpolation without smoothing, and the middle 224 x 224 pixels are cut out. Colours
    are scaled to -1 to 1, as in the training. The program of OpenL3 does so for images
    of exactly 224 x 224 alone, and scales all others to 0 to 1; their vectors differ.

    The vector holds the largest values of each of 512 maps, which can be negative: over
    the whole map, or over parts of it. Both sizes are of the same weights.

    ==============  ======================================================
    embedding_size  parts
    ==============  ======================================================
    512             1
    8192            16: 4 rows, from the top, by 4 columns, from the left
    ==============  ======================================================

    Vectors of images and of sounds are not in one space: a small network compared them
    in the training, and it is not published. Their distances mean nothing.

    References
    ----------
    .. [1] A. L. Cramer, H.-H. Wu, J. Salamon and J. P. Bello, "Look, listen, and learn
       more: design choices for deep audio embeddings", ICASSP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import OpenL3ImageTransformer
    >>> images = np.random.default_rng(0).random((2, 224, 300, 3))
    >>> transformer = OpenL3ImageTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(images).shape
    (2, 512)
    """

    _parameter_constraints = {
        **ImageEncoder._parameter_constraints,
        "weights": [str, os.PathLike, WeightsReference, None],
        "content_type": [StrOptions({"music", "env"})],
        "input_repr": [StrOptions(set(INPUT_REPRS))],
        "embedding_size": [Options(Integral, set(IMAGE_SIZES))],
    }

    def __init__(
        self,
        weights="openl3",
        *,
        content_type="music",
        input_repr="mel256",
        embedding_size=512,
        normalize=False,
        batch_size=32,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.weights = weights
        self.content_type = content_type
        self.input_repr = input_repr
        self.embedding_size = embedding_size
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def _output(self):
        return str(self.embedding_size)

    def _configuration(self):
        return (_MODEL, self._output())

    def _refer_to_weights(self):
        if self.weights is None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            return WeightsReference(seed=int(seed))
        weights = self.weights
        if weights == "openl3":
            weights = f"{_MODEL}-{self.input_repr}-{self.content_type}"
        return refer_to(weights, _MODEL, progress=bool(self.verbose))

    def _network(self):
        return get_frozen_openl3_image(self.weights_, self.device, self.embedding_size)
