"""What the encoders of texts, images and videos share: fitting, rows, validation."""

from __future__ import annotations

import os
from collections.abc import Generator
from numbers import Integral

import joblib
import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..system._vector_store import VectorStore
from ..validation._tables import note_columns
from ._rows import collect_rows, to_unit_length
from ._weights_by_reference import WeightsByReference


class ItemEncoder(
    WeightsByReference, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Base of the encoders whose items are read one by one.

    A subclass lists the items of X in ``_list_items``, names one in ``_name_of``, and
    embeds them in ``_results``. It finds its weights in ``_refer_to_weights`` and makes its
    network in ``_network``.
    """

    _unit = "row"

    _parameter_constraints = {
        "normalize": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "n_jobs": [Interval(Integral, None, None, closed="neither"), None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None):
        """Find the weights and check the parameters; X is listed, not read.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or None
            What `transform` takes. May be None, since nothing is learned from it.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.
        """
        if X is not None:
            self._list_items(X)
        note_columns(self, X, reset=True)
        return self._adopt(self._refer_to_weights())

    def _embed(self, X) -> list[np.ndarray]:
        """Vectors (n_frames, width) of each item of X."""
        check_is_fitted(self)
        self._validate_params()
        items = self._list_items(X)
        note_columns(self, X, reset=False)
        network = self._network()
        with network.exact():
            vectors = collect_rows(
                items,
                self._results(network, items),
                width=self._n_features_out,
                unit=self._unit,
                name_of=self._name_of,
                on_error=self.on_error,
                verbose=self.verbose,
            )
        return [to_unit_length(rows) for rows in vectors] if self.normalize else vectors

    def _output(self) -> str:
        """Which of the network's vectors."""
        return "embedding"

    def _list_items(self, X) -> list:
        raise NotImplementedError

    def _name_of(self, item) -> str | None:
        raise NotImplementedError

    def _results(self, network, items: list) -> Generator:
        raise NotImplementedError

    def _store(self, *configuration) -> VectorStore:
        everything = (self.weights_.fingerprint, self._network().device_type, *configuration)
        return VectorStore(self.memory, everything)

    @property
    def _n_features_out(self):
        return self._widths[self._output()]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = self.on_error == "nan"
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.requires_fit = True
        return tags
