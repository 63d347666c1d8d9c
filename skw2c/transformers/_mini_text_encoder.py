"""MiniTextEncoder: texts in, vectors in the space of the small encoder of sound out."""

from __future__ import annotations

import os

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..exceptions import TextError
from ..models.words import get_frozen_words, has_unread_letters
from ..system._docstrings import document_shared
from ..system._warning import warn_caller
from ..weights import WeightsReference, refer_to
from ._encoder_registry import register_encoder
from ._export_facts import check_file
from ._export_words import write_words_model
from ._item_encoder import ItemEncoder
from ._shared_parameters import IMAGES
from ._text_rows import TextRows


@register_encoder("mini", embeds="text", space="mini")
@document_shared(IMAGES)
class MiniTextEncoder(TextRows, ItemEncoder):
    """Embed English texts in the space of the small encoder of sound, without a network.

    Texts and sounds of this space are near each other where the text says what is heard:
    "dog", "a dog barks" and a recording of a dog. The partner is
    ``Wav2CLIPTransformer("mini", output="words")``, or ``encoder="mini"`` wherever encoders are
    asked for by name. ``fit`` finds the weights, which are part of the package; nothing is
    trained.

    Parameters
    ----------
    weights : str, Path or WeightsReference, default="mini"
        ``"mini"`` comes with the package (its model card is ``mini.md`` in the folder
        ``skw2c/weights``). A path reads another file that holds an encoder of words; it belongs
        to the encoder of sound in the same file.

    batch_size : int, default=1024
        Largest number of texts that are embedded at once. It does not influence the vectors.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a row that is not a string (None, NaN), or in which nothing can be read.
        ``"raise"`` stops with an error that names the row. ``"nan"`` keeps its row as NaN and
        issues one :class:`~skw2c.exceptions.FailedRowWarning`, which carries the list of failures.

    verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    Wav2CLIPTransformer : Embeds sounds.
    ZeroShotClassifier : Compares sounds with texts.
    CLIPTextEncoder : Texts in the space of images.

    Notes
    -----
    X is a list, tuple, Series, one-dimensional array or one-column DataFrame of strings of any
    length. Case, accents, punctuation and the order of the words do not count, and words that
    only say that something is heard ("the sound of", "can be heard") hardly do. It was taught
    English. Letters of other scripts and pictures such as emoji are passed over, with a warning;
    a text of nothing else is an error.

    Each word, or part of a rare word, has a vector. These were distilled from a sentence encoder,
    MiniLM [1]_ as trained by Sentence-BERT [2]_, in the manner of static embeddings; they are
    added, and compared with the names of the 521 classes of sounds that the teacher of the encoder
    of sound knows. The vectors have unit length.

    References
    ----------
    .. [1] W. Wang et al., "MiniLM: Deep self-attention distillation for task-agnostic compression
       of pre-trained transformers", NeurIPS 2020, arXiv 2002.10957.
    .. [2] N. Reimers and I. Gurevych, "Sentence-BERT: Sentence embeddings using Siamese
       BERT-networks", EMNLP 2019, arXiv 1908.10084.

    Examples
    --------
    >>> from skw2c import MiniTextEncoder
    >>> vectors = MiniTextEncoder().fit_transform(["dog", "a dog is barking", "rain on a roof"])
    >>> vectors.shape
    (3, 512)
    >>> cosines = vectors @ vectors.T
    >>> bool(cosines[0, 1] > cosines[0, 2])
    True
    """

    normalize = False  # the vectors have unit length

    _parameter_constraints = {
        "weights": [str, os.PathLike, WeightsReference],
        **{
            name: ItemEncoder._parameter_constraints[name]
            for name in ("batch_size", "on_error", "verbose")
        },
    }

    def __init__(self, weights="mini", *, batch_size=1024, on_error="raise", verbose=False):
        self.weights = weights
        self.batch_size = batch_size
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
            Their vectors, of unit length.

        Raises
        ------
        TextError
            If an item is not a string, or nothing in it can be read, and ``on_error="raise"``.
        TypeError, ValueError
            If X is a single text, is empty, or is not a collection of texts.

        Warns
        -----
        FailedRowWarning
            If there are such items and ``on_error="nan"``.
        UserWarning
            If letters or pictures were passed over.
        """
        return np.concatenate(self._embed(X))

    def export(self, path):
        """Write the fitted encoder as an ONNX file, which needs no skw2c to run, nor Python.

        The model takes ``pieces`` (texts, places), int64: the numbers of the word pieces of each
        text, in any order, and -1 in the places that are left over. It gives ``vectors``
        (texts, 512), float32, those of `transform` within 1e-5, and NaN for a text without a
        piece, in which nothing can be read. Its metadata hold the word pieces, and the rules by
        which texts are cut into them, as JSON under ``word_pieces``.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write, whose name ends in ``.onnx``. One that is there is replaced.

        Raises
        ------
        OSError
            If the file cannot be written.
        ValueError
            If the name ends in something else.
        WeightsError
            If the weights changed since the encoder was fitted.

        Examples
        --------
        >>> import os, tempfile
        >>> from skw2c import MiniTextEncoder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     MiniTextEncoder().fit().export(os.path.join(folder, "words.onnx"))
        ...     os.listdir(folder)
        ['words.onnx']
        """
        check_is_fitted(self)
        self._validate_params()
        check_file(path)
        write_words_model(self, path)

    def _check(self, item, network) -> str:
        text = super()._check(item, network)
        if not network.knows(text):
            what = "is empty" if not text.strip() else f"has no English word ({text[:50]!r})"
            raise TextError(f"it {what}: describe the sound in English, such as 'dog barking'")
        return text

    def _warn_of_unread(self, texts, network) -> None:
        partly = [text for text in texts if has_unread_letters(text)]
        if partly:
            warn_caller(
                f"{len(partly)} of the texts have letters or pictures that were passed over, such "
                f"as {partly[0][:50]!r}: this encoder was taught English. Translate them, or "
                "choose another text encoder"
            )

    def _refer_to_weights(self):
        return refer_to(self.weights, progress=bool(self.verbose))

    def _network(self):
        return get_frozen_words(self.weights_)
