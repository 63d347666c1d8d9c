"""How tasks are drawn, by their names; a name may be unknown."""

from benchmarks.tasks import TASKS
from benchmarks.tasks.drawing import Drawing

_DRAWINGS = {task.name: task.drawing for task in TASKS.values()}
_ORDER = list(_DRAWINGS)


def drawing_of(task):
    """How a task is drawn."""
    return _DRAWINGS.get(task, Drawing())


def section_of(task):
    """Title of the section of a task."""
    return drawing_of(task).section or task.capitalize()


def place_of(task):
    """The place of a task among all."""
    return _ORDER.index(task) if task in _ORDER else len(_ORDER)
