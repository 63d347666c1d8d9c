"""How the encoders of skw2c refer to their weights, which lie in a file and not in the encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from ..weights import WeightsReference

IN_MEMORY = {"held": True}
"""What a description says of weights that were trained and lie in no file."""


class WeightsByReference:
    """Mixin of the encoders that keep a reference to their weights in place of a network.

    A subclass finds its weights in ``_refer_to_weights`` and makes its network in ``_network``.

    Attributes
    ----------
    _reference : type
        The class of its references, a dataclass of what JSON can hold.
    """

    _reference: type = WeightsReference
    # Of the BaseEstimator that it is mixed into.
    get_params: Callable[..., dict]
    set_params: Callable

    def describe_weights(self) -> dict:
        """Where the weights of the fitted encoder lie, and their fingerprint."""
        if not hasattr(self, "weights_"):
            return {}
        known = {field.name: getattr(self.weights_, field.name) for field in fields(self.weights_)}
        in_memory = known.pop("in_memory", None) is not None
        return {
            "weights": IN_MEMORY if in_memory else known,
            "identity": self.weights_.fingerprint,
        }

    def adopt_weights(self, description: dict):
        """Become fitted with weights that were described."""
        return self._adopt(self.refer_to_described(description))

    def refer_to_described(self, description: dict):
        """The reference that was described, which becomes the parameter where it was one."""
        reference = self._reference(**description["weights"])
        own = self.get_params(deep=False)
        if "weights" in own and own["weights"] is None and reference.seed is None:
            self.set_params(weights=reference)
        return reference

    def _adopt(self, reference):
        """Become fitted with these weights."""
        self.weights_ = reference
        self._widths = self._network().widths
        return self

    def _refer_to_weights(self):
        raise NotImplementedError

    def _network(self):
        raise NotImplementedError
