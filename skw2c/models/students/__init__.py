"""What is trained here: encoders of sound, the losses that they learn by, and how they run then.

Networks that are frozen from the start belong to their own folders; the loop of training stands
in ``skw2c/training``.
"""

from ._classification import Classification
from ._distillation import LOSSES, Distillation
from ._frozen_module import restore_projection
from ._frozen_student import FrozenStudent, get_frozen_student
from ._student import (
    ARCHITECTURES,
    Hearing,
    build_student,
    check_width,
    describe_width,
    hearing_of,
)
from ._student_graph import graph_student

__all__ = [
    "ARCHITECTURES",
    "LOSSES",
    "Classification",
    "Distillation",
    "FrozenStudent",
    "Hearing",
    "build_student",
    "check_width",
    "describe_width",
    "get_frozen_student",
    "graph_student",
    "hearing_of",
    "restore_projection",
]
