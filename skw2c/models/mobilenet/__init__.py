"""A small convolutional network for spectrograms that suits a CPU."""

from ._folded_mobilenet import FoldedMobileNet
from ._mobilenet import MobileNet

__all__ = ["FoldedMobileNet", "MobileNet"]
