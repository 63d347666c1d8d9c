"""Small networks of CED in the layout of the official files, whose entries all matter."""

import json

import torch
from safetensors.torch import save_file

from skw2c.models.ced._ced_network import CED

TINY = dict(width=64, n_heads=1, depth=1, n_classes=5)


def draw_ced(seed=0, **configuration):
    """Draw the entries of a network, by default of one block and five classes."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = CED(**{**TINY, **configuration}).state_dict()
        for name, value in state.items():
            if not value.is_floating_point():
                continue
            if name.endswith("running_mean"):
                value.normal_(-10, 5)
            elif name.endswith("running_var"):
                value.uniform_(100, 300)
            elif "norm" in name or "_bn." in name or name.startswith("outputlayer.0"):
                value.add_(0.3 * torch.randn(value.shape))
            elif name.endswith("pos_embed"):
                value.normal_(0, 0.3)
            else:
                value.mul_(2)
    return state


def write_ced(path, seed=0, **configuration):
    """Write such a network as a safetensors file."""
    save_file(draw_ced(seed, **configuration), path)
    return str(path)


def write_configuration(folder, **stated):
    """Write the ``config.json`` that goes with the weights in a folder."""
    (folder / "config.json").write_text(json.dumps(stated))
