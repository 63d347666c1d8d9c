"""Small networks of EfficientAT in the format of its files."""

import torch

from skw2c.models.efficientat import EfficientAT


def draw_network(width=0.1, seed=0):
    """Draw a network, in eval mode, whose entries all matter."""
    return randomise(lambda: EfficientAT(width), seed)


def randomise(make, seed=0):
    """Make a network, in eval mode, and draw its entries so that all of them matter."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = make().float().eval().requires_grad_(False)
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", ".bias")):
                value.normal_(0, 0.2)
            elif value.ndim == 2:
                value.normal_(0, value.shape[1] ** -0.5)
            elif value.ndim == 1:  # scales of normalisations
                value.uniform_(0.7, 1.3)
    return network


def write_efficientat(path, **configuration):
    """Write such a network as a checkpoint of the original program."""
    torch.save(draw_network(**configuration).state_dict(), path)
    return str(path)
