"""What is trained here: an encoder of sound, with the losses that it learns by.

Frozen networks belong to their own folders; the loop of training stands in ``skw2c/training``.
"""

from ._classification import Classification
from ._distillation import LOSSES, Distillation, build_student

__all__ = ["LOSSES", "Classification", "Distillation", "build_student"]
