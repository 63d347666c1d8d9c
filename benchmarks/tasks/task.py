"""What a task is: which sets and systems it is for, and how a cell of it is filled."""

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.tasks.drawing import Drawing


class Task:
    """A table of the papers, or a part of one.

    Attributes
    ----------
    name : str
        Its name in tables and, with hyphens, on the command line.
    slow : bool
        Whether it takes days without a GPU in the papers' size: it is left out unless it is
        named.
    zero_shot : bool
        Whether it names classes of which it has learned nothing.
    published : tuple of Published
        What papers print for it.
    drawing : Drawing
        How the report shows it.
    """

    name = ""
    slow = False
    zero_shot = False
    published = ()
    drawing = Drawing()

    def fits(self, data):
        """Whether a data set has what the task needs."""
        raise NotImplementedError

    def suits(self, system):
        """Whether a system can do it at all."""
        return system.make_encoder is not None

    def prepare(self, data):
        """The part of a data set that the task is about."""
        return data

    def variants(self, data, system):
        """Columns of the task for a data set: what each is called, and the arguments for `fill`."""
        yield data.name, ()

    def fingerprint(self, options, data, system):
        """All that the scores depend on, but for the data."""
        return (fingerprint_of(system.encoder()), options.seed)

    def fill(self, bench, cell, data, system, *variant):
        """Compute the scores of a cell."""
        raise NotImplementedError
