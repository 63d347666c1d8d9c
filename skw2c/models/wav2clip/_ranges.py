"""Between what numbers the results of a network's layers lie, measured on generated sounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ...engines import make_node
from ...synthesis import SOUNDS, make_event_clip
from ._int8_layers import Range
from ._layers import Layers, NetworkModel
from ._spectrogram_sizes import RATE

_N_ROUNDS, _N_SAMPLES = 4, 5 * RATE // 2
_SPREAD = 1.5


def generate_sounds() -> Iterator[np.ndarray]:
    """Yield the clips that networks are calibrated on, 2.5 seconds each, always the same.

    A quarter of them end in digital silence, as many recordings do that were cut out.
    """
    for turn in range(_N_ROUNDS):
        for kind, label in enumerate(SOUNDS):
            rng = np.random.default_rng([turn, kind])
            sound = make_event_clip(rng, label, _N_SAMPLES, RATE)[0]
            if (turn + kind) % 4 == 0:
                sound[rng.integers(_N_SAMPLES // 4, _N_SAMPLES) :] = 0
            yield sound


class MeasuredLayers(Layers):
    """Layers whose model gives the extremes of each operation's result instead of the last."""

    def finish(self, x: str) -> NetworkModel:
        """Make the model, from one clip to (2, n_operations): the smallest and the largest."""
        names = [f"{number}" for number in range(self._n_results)]
        rows = [self._reduce(name, names) for name in ("ReduceMin", "ReduceMax")]
        self.nodes.append(make_node("Concat", rows, "extremes", axis=0))
        return self._model("extremes", [2, len(names)])

    def _reduce(self, operation: str, names: list[str]) -> str:
        shape = f"{operation}.shape"
        self.constants[shape] = np.array([1, len(names)])
        reduced = [f"{name}.{operation}" for name in names]
        self.nodes += [
            *(make_node(operation, [n], r) for n, r in zip(names, reduced, strict=True)),
            make_node("Concat", reduced, f"{operation}.all", axis=1),
            make_node("Reshape", [f"{operation}.all", shape], f"{operation}.row"),
        ]
        return f"{operation}.row"


def measure_ranges(
    measure: Callable[[np.ndarray], np.ndarray], inputs: Iterable[np.ndarray]
) -> dict[str, Range]:
    """Find the range of each result.

    Its ends are the means of the clips' extremes, and 1.5 standard deviations beyond. The extremes
    of all clips would be those of the oddest one, and leave fewer steps for the others.

    Parameters
    ----------
    measure : callable
        The model of `MeasuredLayers`.
    inputs : iterable of ndarray
        Inputs of one clip each.

    Returns
    -------
    dict of str to Range
    """
    extremes = np.array([measure(each) for each in inputs], np.float64)
    lowest, highest = extremes.mean(0) + _SPREAD * extremes.std(0) * [[-1], [1]]
    return {
        f"{number}": Range(_round(low), _round(high))
        for number, (low, high) in enumerate(zip(lowest, highest, strict=True))
    }


def _round(extreme: float) -> float:
    """Keep so few digits that machines whose sums differ in the last bits agree."""
    return float(f"{extreme:.3g}")
