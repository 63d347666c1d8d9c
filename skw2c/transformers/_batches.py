"""Batches that a network is run on, smaller ones where memory lacks."""

from __future__ import annotations

import numpy as np

from ..models._arrays import split
from ..models._frozen_encoder import FrozenEncoder, Inputs
from ..system._memory_errors import is_lack_of_memory
from ..system._warning import warn_caller


class Batches:
    """Run a network on inputs of any number, as many at a time as there is memory for.

    What memory lacked for once is not tried again.

    Parameters
    ----------
    network : FrozenEncoder
    output : str
        Which vector, one of the network's.
    largest : int
        Most inputs at a time.
    """

    def __init__(self, network: FrozenEncoder, output: str, largest: int):
        self._network = network
        self._output = output
        self._largest = largest
        self._smaller: dict[int, int] = {}

    def encode(self, inputs: Inputs) -> np.ndarray:
        """Embed inputs (n, bins, columns) as (n, width), float32.

        Raises
        ------
        MemoryError, RuntimeError
            If there is not enough memory for a single one, or at any other failure.
        """
        columns = inputs.shape[-1]
        limit = min(self._largest, self._network.batch_limit(columns))
        limit = min(limit, self._smaller.get(columns, limit))
        parts = split(inputs, -(-len(inputs) // limit))
        return np.concatenate([self._encode_or_halve(part) for part in parts])

    def warn_of_halving(self) -> None:
        """Warn, once, where memory lacked for what was to be computed at a time."""
        if self._smaller:
            size = min(self._smaller.values())
            self._smaller = {}
            warn_caller(
                f"There was not enough memory for batches of up to {self._largest}. Smaller ones "
                f"were computed, down to {size}, which gives the same vectors: pass "
                f"batch_size={size} to save the time of the attempts"
            )

    def _encode_or_halve(self, inputs: Inputs) -> np.ndarray:
        try:
            return self._network.encode(inputs, self._output)
        except (MemoryError, RuntimeError) as exc:
            if len(inputs) == 1 or not is_lack_of_memory(exc):
                raise
        # Not before the error is gone, which holds what was allocated until then.
        columns, half = inputs.shape[-1], len(inputs) // 2
        self._smaller[columns] = min(half, self._smaller.get(columns, half))
        return self.encode(inputs)
