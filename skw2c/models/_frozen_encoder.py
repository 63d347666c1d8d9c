"""What a frozen encoder offers to whatever feeds it with clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np

from ._framing import Windows

if TYPE_CHECKING:
    from torch import Tensor

Inputs: TypeAlias = "Tensor | np.ndarray"
"""What a network takes: tensors of torch, or arrays where it runs without."""

OwnInputs = TypeVar("OwnInputs", bound="Tensor | np.ndarray")
"""Which of them it takes."""


class FrozenEncoder(Protocol[Windows, OwnInputs]):
    """An encoder whose vector of a clip depends on nothing but the clip.

    Framing None embeds a clip as one frame, where the encoder can.

    Attributes
    ----------
    sampling_rate : int
        Rate of the waveforms that it takes, in Hz.
    widths : dict of str to int
        Length of the vector under each name of ``output``.
    device_type : str
        Kind of device that it runs on, such as ``"cpu"``.
    n_threads : int
        How many threads of the processor it may use.
    one_at_a_time : bool
        Whether it takes turns, so that nothing is gained by feeding it from several threads.
    keeps_bits : bool
        Whether vectors have the same bits alone and in any batch, and not only the same numbers
        within rounding.
    """

    one_at_a_time: bool
    keeps_bits: bool
    sampling_rate: int
    widths: dict[str, int]

    @property
    def device_type(self) -> str: ...

    @property
    def n_threads(self) -> int: ...

    def exact(self) -> AbstractContextManager:
        """Keep torch from trading precision for speed, where the device would."""

    def longest(self, framing: Windows) -> int:
        """Samples of the longest clip that `prepare` takes; longer ones are streamed."""

    def prepare(self, waveform: np.ndarray, framing: Windows) -> OwnInputs:
        """Turn (n_samples,) into inputs (n_frames, bins, columns)."""

    def batch_limit(self, columns: int) -> int:
        """Most inputs of so many columns that are worth computing together."""

    def encode(self, inputs: OwnInputs, output: str) -> np.ndarray:
        """Embed inputs of any clips (batch, bins, columns) as (batch, width), float32."""

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Windows,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Yield the vectors (k, width) of a clip that comes in blocks, in bounded memory.

        Parameters
        ----------
        open_blocks : callable
            Starts to read the clip: gives an iterable of float32 blocks. It may be called
            more than once.
        framing : Framing or None
            None embeds the clip as one frame.
        output : str
            Which vector.
        """
