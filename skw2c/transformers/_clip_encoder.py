"""What the encoders of CLIP's side share: the model and its weights."""

from __future__ import annotations

import os

import numpy as np
from sklearn.utils import check_random_state

from ..models import get_frozen_clip
from ..weights import CLIPReference, refer_to_clip
from ._item_encoder import ItemEncoder

AUDIOCLIP = {"model": "RN50-quickgelu", "pretrained": "audioclip-full"}
"""The CLIP that was trained together with AudioCLIP's encoder of sound."""


class CLIPEncoder(ItemEncoder):
    """Base of CLIP's encoders of texts, images and videos."""

    _reference = CLIPReference

    _parameter_constraints = {
        **ItemEncoder._parameter_constraints,
        "model": [str, os.PathLike],
        "pretrained": [str, os.PathLike, None],
    }

    def _refer_to_weights(self):
        seed = 0
        if self.pretrained is None:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return refer_to_clip(self.model, self.pretrained, seed, progress=bool(self.verbose))

    def _network(self):
        return get_frozen_clip(self.weights_, self.device)
