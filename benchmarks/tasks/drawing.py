"""How the report shows a task."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Drawing:
    """How the report shows a task; each task states its own.

    Attributes
    ----------
    section : str
        Title of its section; empty takes the task's name.
    table : {"shared", "systems", "data"}
        Its table: one for all "shared" tasks, with a row for each system and a column
        for each data set; or its own, with rows for systems, or with rows for data sets and
        measures in per cent for columns.
    rows_of : str
        Name of another task in whose columns it stands, as a second row for each system.
    bars : bool
        Whether bars show the first measure.
    examples : str
        What a sheet of its examples shows.
    """

    section: str = ""
    table: str = "systems"
    rows_of: str = ""
    bars: bool = True
    examples: str = "examples"
