"""A network of convolutions as it runs in torch when nothing is trained."""

from __future__ import annotations

import torch

from ..mobilenet._folded_mobilenet import FoldedMobileNet
from ..mobilenet._mobilenet import MobileNet
from ._folded_resnet import FoldedResNet
from ._resnet import ResNet


def fold_network(
    network: ResNet | MobileNet, device: torch.device, fused: bool = True
) -> FoldedResNet | FoldedMobileNet:
    """Fold the batch normalisation of a network, whichever of the two kinds it is."""
    if isinstance(network, MobileNet):
        return FoldedMobileNet(network, device, fused)
    return FoldedResNet(network, device, fused)
