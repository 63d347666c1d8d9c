"""CLIPTextEncoder: texts in, a table of vectors out."""

from __future__ import annotations

import numpy as np

from ..system._docstrings import document_shared
from ..system._warning import warn_caller
from ._clip_encoder import AUDIOCLIP, CLIPEncoder
from ._encoder_registry import register_encoder
from ._shared_parameters import CLIP
from ._text_rows import TextRows


@register_encoder("clip", embeds="text", space="clip")
@register_encoder("audioclip", embeds="text", space="audioclip", parameters=AUDIOCLIP)
@document_shared(CLIP)
class CLIPTextEncoder(TextRows, CLIPEncoder):
    """Embed texts as vectors in the space of CLIP.

    The texts are tokenised and embedded by the text tower of CLIP [1]_, as open_clip
    runs it. ``fit`` finds the weights; nothing is trained.

    Parameters
    ----------
    model, pretrained, normalize : shared
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

    random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLIPImageEncoder : The same for images.
    ZeroShotClassifier : Compares sounds with texts.

    Notes
    -----
    X is a list, tuple, Series, one-dimensional array or one-column DataFrame of strings.
    Texts that are longer than the model reads (77 tokens, some 50 words) lose their end; with
    the tokenizer of OpenAI's models a warning says how many did.

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
    >>> from skw2c import CLIPTextEncoder
    >>> encoder = CLIPTextEncoder(pretrained=None, random_state=0)
    >>> encoder.fit_transform(["a dog barks", "rain on a roof"]).shape
    (2, 512)
    """

    _parameter_constraints = {
        name: constraint
        for name, constraint in CLIPEncoder._parameter_constraints.items()
        if name not in ("n_jobs", "memory")
    }

    def __init__(
        self,
        model="ViT-B-32-quickgelu",
        pretrained="openai",
        *,
        normalize=False,
        batch_size=32,
        device="auto",
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.model = model
        self.pretrained = pretrained
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def transform(self, X):
        """Embed texts.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array of str, of shape (n_texts,)
            Texts.

        Returns
        -------
        ndarray of shape (n_texts, width), float32
            Their vectors; the width is 512 for the default model.

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
            If texts are longer than the model reads.
        """
        return np.concatenate(self._embed(X))

    def _warn_of_unread(self, texts, network) -> None:
        n_cut = network.count_cut(texts)
        if n_cut:
            warn_caller(
                f"{n_cut} of the texts are longer than the model reads, and their ends were "
                "left out: shorten them, or embed their sentences one by one"
            )
