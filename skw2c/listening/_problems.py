"""What the page is told when a request cannot be answered: a status and a sentence."""

from __future__ import annotations


class ProblemError(Exception):
    """A request that is refused, or that fails for a reason which the user can do something about.

    Parameters
    ----------
    status : int
        The status of HTTP, such as 404.
    sentence : str
        What is wrong, and the cure.
    **more
        What else the answer says, such as the command that helps.
    """

    def __init__(self, status: int, sentence: str, **more):
        super().__init__(sentence)
        self.status = status
        self.more = more
