"""CLAPTextEncoder: texts in, a table of vectors in the space of CLAP's sounds out."""

from __future__ import annotations

import os

import numpy as np

from ..models.clap import LONGEST, get_frozen_clap_text
from ..system._docstrings import document_shared
from ..system._warning import warn_caller
from ..weights import WeightsReference, refer_to
from ._encoder_registry import register_encoder
from ._item_encoder import ItemEncoder
from ._shared_parameters import IMAGES
from ._text_rows import TextRows


@register_encoder("clap", embeds="text", space="clap")
@register_encoder(
    "clap-htsat-unfused", embeds="text", space="clap", parameters={"weights": "clap-htsat-unfused"}
)
@register_encoder(
    "clap-htsat-fused",
    embeds="text",
    space="clap-htsat-fused",
    parameters={"weights": "clap-htsat-fused"},
)
@register_encoder(
    "larger_clap_general",
    embeds="text",
    space="larger_clap_general",
    parameters={"weights": "larger_clap_general"},
)
@register_encoder(
    "larger_clap_music_and_speech",
    embeds="text",
    space="larger_clap_music_and_speech",
    parameters={"weights": "larger_clap_music_and_speech"},
)
@document_shared(IMAGES)
class CLAPTextEncoder(TextRows, ItemEncoder):
    """Embed texts as vectors in the space of CLAP's sounds.

    The texts are cut into tokens and embedded by the text network of CLAP [1]_, which is a
    RoBERTa-base [2]_. ``fit`` finds the weights; nothing is trained. It needs the package
    ``tokenizers`` (extra ``clap``).

    Parameters
    ----------
    weights : str, Path or WeightsReference, default="clap-htsat-unfused"
        See :class:`CLAPTransformer`, which must have the same. A folder has its own
        ``tokenizer.json``; with a file alone, that of RoBERTa-base is fetched.

    normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Largest number of texts in a batch of the network. It does not influence the vectors beyond
        rounding.

    device : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a row that is not a string (None, NaN). ``"raise"`` stops with an error that
        names the row. ``"nan"`` keeps its row as NaN and issues one
        :class:`~skw2c.exceptions.FailedRowWarning`, which carries the list of failures.

    verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLAPTransformer : Embed sounds in the same space.
    ZeroShotClassifier : Compares sounds with texts.

    Notes
    -----
    X is a list, tuple, Series, one-dimensional array or one-column DataFrame of strings. Texts
    are read up to 77 tokens (some 50 words), as in training; a warning says how many lost their
    end. Texts of different lengths in one batch do not influence each other.

    Labels were sentences in training: :class:`ZeroShotClassifier` puts them into ``"This is a
    sound of {}."`` unless it is given other ``prompts``.

    When the weights are loaded, two unlike texts are compared. If their vectors are alike, the
    network of texts is dead or was never trained, which is an error; such files are around.

    References
    ----------
    .. [1] Y. Wu, K. Chen, T. Zhang, Y. Hui, T. Berg-Kirkpatrick and S. Dubnov, "Large-scale
       contrastive language-audio pretraining with feature fusion and keyword-to-caption
       augmentation", ICASSP 2023, arXiv 2211.06687.

    .. [2] Y. Liu et al., "RoBERTa: A robustly optimized BERT pretraining approach", 2019,
       arXiv 1907.11692.

    Examples
    --------
    >>> from skw2c import CLAPTextEncoder
    >>> encoder = CLAPTextEncoder("larger_clap_general", normalize=True)
    >>> encoder.fit_transform(["a dog barks", "rain on a roof"]).shape  # doctest: +SKIP
    (2, 512)
    """

    _parameter_constraints = {
        "weights": [str, os.PathLike, WeightsReference],
        **{
            name: ItemEncoder._parameter_constraints[name]
            for name in ("normalize", "batch_size", "device", "on_error", "verbose")
        },
    }

    def __init__(
        self,
        weights="clap-htsat-unfused",
        *,
        normalize=False,
        batch_size=32,
        device="auto",
        on_error="raise",
        verbose=False,
    ):
        self.weights = weights
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.on_error = on_error
        self.verbose = verbose

    def transform(self, X):
        """Embed texts.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array of str, of shape (n_texts,)
            Texts.

        Returns
        -------
        ndarray of shape (n_texts, 512), float32
            Their vectors.

        Raises
        ------
        TextError
            If an item is not a string and ``on_error="raise"``.
        TypeError, ValueError
            If X is a single text, is empty, or is not a collection of texts.

        Warns
        -----
        FailedRowWarning
            If items are not strings and ``on_error="nan"``.
        UserWarning
            If texts are longer than is read.
        """
        return np.concatenate(self._embed(X))

    def suggest_prompts(self):
        """Sentences that labels are put into, where none are asked for.

        Returns
        -------
        str
            The one of LAION's own evaluation.

        Examples
        --------
        >>> from skw2c import CLAPTextEncoder
        >>> CLAPTextEncoder().suggest_prompts()
        'This is a sound of {}.'
        """
        return "This is a sound of {}."

    def _warn_of_unread(self, texts, network) -> None:
        n_cut = network.count_cut(texts)
        if n_cut:
            warn_caller(
                f"{n_cut} of the texts are longer than the {LONGEST} tokens that CLAP reads, and "
                "their ends were left out: shorten them, or embed their sentences one by one"
            )

    def _refer_to_weights(self):
        return refer_to(self.weights, "clap", folders=True, progress=bool(self.verbose))

    def _network(self):
        return get_frozen_clap_text(self.weights_, self.device)
