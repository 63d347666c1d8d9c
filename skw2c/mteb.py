"""Evaluate encoders of sound in MTEB, the massive text embedding benchmark, and its audio tasks.

MTEB's own wrapper of Wav2CLIP gave the original program whole batches, filled up with zeros, so
that the vector of a clip depended on its neighbours. Here each clip is embedded by itself.
"""

from __future__ import annotations

import functools

import numpy as np

from .system._optional import import_optional
from .transformers._encoder_registry import registration_of, thaw
from .transformers._encoders import make_partner, name_encoder, resolve_encoder, resolve_partner
from .transformers._rows import to_unit_length
from .weights import registry

_ROWS_AT_ONCE = 64
_LICENCES = {
    "Apache 2.0": "apache-2.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "MIT": "mit",
}


class MTEBEncoder:
    """An encoder of sound, and that of texts which shares its space, as MTEB calls a model.

    Needs the package ``mteb`` (extra ``mteb``), 2.x.

    Parameters
    ----------
    encoder : str or transformer, default="mini"
        A registered name such as ``"clap"``, or a transformer, which is cloned.

    text_encoder : str, transformer or None, default="auto"
        ``"auto"`` is the one that shares the space of ``encoder``, where there is one. Tasks of
        sounds alone need none.

    name : str or None, default=None
        What the model is called in MTEB's results, ``"organisation/model"``. None: ``"skw2c/"``
        and the name under which the encoder is registered.

    **parameters
        Parameters of encoders that are given by name, such as ``device``, ``n_jobs`` or
        ``memory``.

    Attributes
    ----------
    mteb_model_meta : mteb.ModelMeta
        What MTEB writes beside the results.

    Notes
    -----
    Files are decoded by this package from the bytes of the data set, and so neither torchaudio nor
    torchcodec is needed. A clip that cannot be read is an error, for a score must not leave it
    out. Where a task has sounds and texts in one row, their unit vectors are added, as MTEB's
    own wrappers do.

    Examples
    --------
    >>> from skw2c.mteb import MTEBEncoder
    >>> model = MTEBEncoder("mini")
    >>> model.name
    'skw2c/mini'
    >>> import mteb                                                # doctest: +SKIP
    >>> mteb.evaluate(model, mteb.get_task("ESC50_Zeroshot"))      # doctest: +SKIP
    """

    def __init__(self, encoder="mini", text_encoder="auto", *, name=None, **parameters):
        self.encoder = resolve_encoder(encoder, "audio", mode="clip", **parameters)
        self.text_encoder = _find_texts(encoder, text_encoder, parameters)
        self.name = name or f"skw2c/{_name(encoder)}"

    def encode(self, inputs, *, task_metadata=None, prompt_type=None, **options) -> np.ndarray:
        """Embed the rows of a data set.

        Parameters
        ----------
        inputs : torch.utils.data.DataLoader
            Its data set has a column ``"audio"``, ``"text"``, or both.
        task_metadata, prompt_type, **options
            What MTEB says of the task; it changes nothing.

        Returns
        -------
        ndarray of shape (n_rows, width), float32

        Raises
        ------
        ValueError
            If there is neither column, or there are texts and no encoder of texts.
        AudioError
            If a clip cannot be read.
        """
        dataset = inputs.dataset
        parts = []
        if "audio" in dataset.features:
            parts.append(self._embed_sounds(dataset))
        if "text" in dataset.features:
            parts.append(self._embed_texts(dataset))
        if not parts:
            found = ", ".join(map(repr, dataset.features))
            raise ValueError(f"the data set has neither 'audio' nor 'text', but {found}")
        return parts[0] if len(parts) == 1 else np.sum([*map(to_unit_length, parts)], axis=0)

    def similarity(self, embeddings1, embeddings2):
        """Cosines of all pairs of rows, (n1, n2), as a tensor."""
        import torch

        one, other = (_to_unit(vectors) for vectors in (embeddings1, embeddings2))
        return torch.from_numpy(one @ other.T)

    def similarity_pairwise(self, embeddings1, embeddings2):
        """Cosines of the rows in pairs, (n,), as a tensor."""
        import torch

        one, other = (_to_unit(vectors) for vectors in (embeddings1, embeddings2))
        return torch.from_numpy((one * other).sum(axis=1))

    @functools.cached_property
    def mteb_model_meta(self):
        """What MTEB writes beside the results."""
        models = import_optional("mteb.models", extra="mteb", purpose="evaluation in MTEB")
        encoder = self._fitted(self.encoder)
        row = registry().get(getattr(getattr(encoder, "weights_", None), "name", None) or "")
        return models.ModelMeta(
            loader=None,
            name=self.name,
            revision=_fingerprint(encoder),
            release_date=None,
            languages=None if self.text_encoder is None else ["eng-Latn"],
            n_parameters=None,
            memory_usage_mb=None,
            max_tokens=None,
            embed_dim=len(encoder.get_feature_names_out()),
            license=_LICENCES.get(row.licence) if row else None,
            open_weights=True,
            public_training_code=None,
            public_training_data=None,
            framework=["PyTorch"],
            similarity_fn_name="cosine",
            use_instructions=False,
            training_datasets=None,
            modalities=["audio"] if self.text_encoder is None else ["audio", "text"],
        )

    def _embed_sounds(self, dataset) -> np.ndarray:
        datasets = import_optional("datasets", extra="mteb", purpose="evaluation in MTEB")
        if isinstance(dataset.features["audio"], datasets.Audio):
            # The bytes of the files: what `datasets` would decode them with is not needed.
            dataset = dataset.cast_column("audio", datasets.Audio(decode=False))
        encoder = self._fitted(self.encoder)
        return _embed(encoder, dataset, "audio")

    def _embed_texts(self, dataset) -> np.ndarray:
        if self.text_encoder is None:
            raise ValueError(
                f"this task has texts, and {name_encoder(self.encoder)} shares its space with no "
                "encoder of texts: choose a task of sounds alone, or pass text_encoder=..."
            )
        return _embed(self._fitted(self.text_encoder), dataset, "text")

    @staticmethod
    def _fitted(encoder):
        return encoder if hasattr(encoder, "weights_") else encoder.fit(None, None)


def _find_texts(encoder, text_encoder, parameters: dict):
    if text_encoder is None:
        return None
    if isinstance(text_encoder, str) and text_encoder == "auto":
        return make_partner(encoder, "text", **parameters)
    return resolve_partner(text_encoder, encoder, "text", **parameters)


def _name(encoder) -> str:
    if isinstance(encoder, str):
        return encoder
    entry = registration_of(encoder)
    name = None if entry is None else entry.name
    return type(thaw(encoder)).__name__ if name is None else name


def _fingerprint(encoder) -> str | None:
    if not hasattr(encoder, "describe_weights"):
        return None
    return encoder.describe_weights().get("identity", "").removeprefix("sha256 ") or None


def _embed(encoder, dataset, column: str) -> np.ndarray:
    parts, dataset = [], dataset.select_columns([column])
    for start in range(0, len(dataset), _ROWS_AT_ONCE):
        rows = list(dataset[start : start + _ROWS_AT_ONCE][column])
        parts.append(np.asarray(encoder.transform(rows), np.float32))
    return np.concatenate(parts)


def _to_unit(vectors) -> np.ndarray:
    return to_unit_length(np.asarray(vectors, np.float32))
