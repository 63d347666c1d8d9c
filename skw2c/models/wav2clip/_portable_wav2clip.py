"""A frozen Wav2CLIP encoder without torch: NumPy around a network that ONNX Runtime runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from ...engines import OnnxSession, code_of, make_model, make_node
from .._devices import count_threads
from ._checked_entries import CheckedEntries
from ._configuration import read_configuration
from ._int8_layers import Int8Layers, Range
from ._layers import Layers
from ._network_models import model_network
from ._ranges import MeasuredLayers, generate_sounds, measure_ranges
from ._spectrogram_sizes import HOP_LENGTH, LOG_OFFSET, N_FFT
from ._wav2clip_flow import Wav2CLIPFlow

FLOAT32, INT8 = "float32", "int8"

_COLUMNS_AT_ONCE = 2048
"""Of a spectrogram in double precision."""


class PortableWav2CLIP(Wav2CLIPFlow):
    """Embed clips as `FrozenWav2CLIP` does on a CPU, within rounding.

    Parameters
    ----------
    state : mapping of str to ndarray
        Entries of a checkpoint.
    source : str
        Its name, for errors.
    precision : {"float32", "int8"}, default="float32"
        Of the network. With ``"int8"`` it is run on some generated sounds first, which takes
        seconds.

    Raises
    ------
    OptionalDependencyError
        If ONNX Runtime is not installed.
    WeightsError
        If an entry is missing, unexpected, of another shape, or not finite.
    """

    device_type = "cpu"
    one_at_a_time = False
    keeps_bits = True

    def __init__(self, state: Mapping[str, np.ndarray], source: str, precision: str = FLOAT32):
        configuration = read_configuration(state, source)
        size = configuration["architecture"], configuration["width"]
        entries = CheckedEntries(state, source)
        self._window = entries.take_window(N_FFT)
        if precision == INT8:
            measured = model_network(MeasuredLayers(CheckedEntries(state, source)), *size)
            layers: Layers = Int8Layers(entries, self._measure(OnnxSession(measured.content)))
        else:
            layers = Layers(entries)
        model = model_network(layers, *size)
        self._stride, self._reach = model.stride, model.reach
        self.widths = {"encoder": model.n_features, "embedding": configuration["n_outputs"]}
        if "n_words" in configuration:
            self.widths["words"] = configuration["n_words"]
        self._projections = {
            output: OnnxSession(
                _make_projection(entries, prefix, model.n_features, self.widths[output])
            )
            for output, prefix in _PROJECTIONS.items()
            if output in self.widths
        }
        entries.check_that_all_are_taken()
        self._network = OnnxSession(model.content)

    @property
    def n_threads(self) -> int:
        """How many threads of the processor it may use."""
        return count_threads()

    def exact(self) -> AbstractContextManager:
        """Nothing here trades precision for speed."""
        return nullcontext()

    def _measure(self, network: OnnxSession) -> dict[str, Range]:
        sounds = (self.prepare(sound, None) for sound in generate_sounds())
        return measure_ranges(network, (sound[:, None] for sound in sounds))

    def _transform(self, waveforms: np.ndarray, center: bool = True) -> np.ndarray:
        if center:
            border = N_FFT // 2
            waveforms = np.pad(waveforms, ((0, 0), (border, border)), "reflect")
        return np.stack([_log_spectrogram(waveform, self._window) for waveform in waveforms])

    def _finish(self, features: np.ndarray, output: str) -> np.ndarray:
        projection = self._projections.get(output)
        return features if projection is None else projection(features)


_PROJECTIONS = {"embedding": "audio_transform.", "words": "word_transform."}


def _log_spectrogram(waveform: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Natural logarithm of the power spectrogram (257, columns), float32."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, N_FFT)[::HOP_LENGTH]
    power = np.empty((len(frames), N_FFT // 2 + 1), np.float32)
    for start in range(0, len(frames), _COLUMNS_AT_ONCE):
        part = slice(start, start + _COLUMNS_AT_ONCE)
        spectra = np.fft.rfft(frames[part].astype(np.float64) * window)
        power[part] = spectra.real**2 + spectra.imag**2
    return np.log(power.T + np.float32(LOG_OFFSET))


def _make_projection(entries: CheckedEntries, prefix: str, n_in: int, n_out: int) -> bytes:
    """The model of two linear layers in double precision, from the encoder's space to another.

    NumPy would ask for all threads of the processor for products as small as these.
    """
    constants = {
        "first": entries.take(f"{prefix}sequential.0.weight", n_out, n_in).T,
        "offset": entries.take(f"{prefix}sequential.0.bias", n_out),
        "second": entries.take(f"{prefix}sequential.3.weight", n_out, n_out).T,
        "last_offset": entries.take(f"{prefix}sequential.3.bias", n_out),
    }
    nodes = [
        make_node("Cast", ["features"], "exact", to=code_of("float64")),
        make_node("MatMul", ["exact", "first"], "product"),
        make_node("Add", ["product", "offset"], "sum"),
        make_node("Relu", ["sum"], "hidden"),
        make_node("MatMul", ["hidden", "second"], "second_product"),
        make_node("Add", ["second_product", "last_offset"], "second_sum"),
        make_node("Cast", ["second_sum"], "vectors", to=code_of("float32")),
    ]
    axes = "batch", n_in
    return make_model(
        nodes, constants, ("features", "float32", axes), ("vectors", "float32", ("batch", n_out))
    )
