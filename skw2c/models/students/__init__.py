"""What is trained here: encoders of sound, the losses that they learn by, and how they run then.

Networks that are frozen from the start belong to their own folders; the loop of training stands
in ``skw2c/training``.
"""

from ...system._lazy_names import import_lazily

_HOMES = {
    "ARCHITECTURES": "_student",
    "LOSSES": "_distillation",
    "Classification": "_classification",
    "Distillation": "_distillation",
    "FrozenStudent": "_frozen_student",
    "Hearing": "_student",
    "build_student": "_student",
    "check_width": "_student",
    "describe_width": "_student",
    "get_frozen_student": "_frozen_student",
    "graph_student": "_student_graph",
    "hearing_of": "_student",
    "restore_projection": "_frozen_module",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
