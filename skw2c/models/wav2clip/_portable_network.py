"""A network in ONNX Runtime, in place of torch's own operations on a CPU."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...engines import OnnxSession
from ._checked_entries import CheckedEntries
from ._layers import Layers
from ._network_models import model_network
from ._wav2clip_network import Wav2CLIP


class PortableNetwork:
    """The network of a model as `PortableWav2CLIP` runs it, from tensors to tensors.

    The many small layers of a mobilenet take torch longer to begin than to compute, and it holds
    Python's lock meanwhile. Inputs are computed one by one, so that the bits of each depend on
    nothing else.

    Parameters
    ----------
    model : Wav2CLIP
        In eval mode; it stays as it is.
    """

    def __init__(self, model: Wav2CLIP):
        state = {name: value.numpy() for name, value in model.state_dict().items()}
        layers = Layers(CheckedEntries(state, "The model"))
        self._session = OnnxSession(model_network(layers, model.architecture, model.width).content)

    def __call__(self, x: Tensor) -> Tensor:
        """Map (batch, 1, bins, columns) to (batch, features, rows, columns / stride)."""
        maps = [self._session(one) for one in np.split(x.numpy(), len(x))]
        return torch.from_numpy(np.concatenate(maps))
