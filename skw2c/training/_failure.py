"""The message where a loss is no longer a number, and how to get what the run has learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAY_DIFFER = ("learning_rate", "max_epochs", "precision")
"""Parameters that may change where a run goes on from its best epoch after such a loss."""


@dataclass(frozen=True)
class Cures:
    """What a user could change.

    Attributes
    ----------
    place : Path or None
        The checkpoint that holds the best epoch.
    can_be_kept : bool
        Whether there could be one.
    is_lower_precision : bool
        Whether the run computed in less than float32.
    """

    place: Path | None
    can_be_kept: bool
    is_lower_precision: bool


def explain(failure: dict, best_epoch: int, best_loss: float, cures: Cures) -> str:
    """The message of the error.

    Parameters
    ----------
    failure : dict
        ``epoch``, from 1, ``loss``, and ``learning_rate`` at that time.
    best_epoch : int
        From 1; 0 where none ended.
    best_loss : float
    cures : Cures
    """
    place = cures.place
    failed = f"The loss of epoch {failure['epoch']} is {failure['loss']}"
    cure = f"lower learning_rate (now {failure['learning_rate']:g})"
    if cures.is_lower_precision:
        cure += ", or choose precision='32-true'"
    if not best_epoch:
        again = "" if place is None else ". To train again as it was, pass resume=False"
        return f"{failed}, and no epoch ended before it: {cure}{again}"
    best = f"The best epoch so far is {best_epoch}, whose loss is {best_loss:.4f}"
    if place is not None:
        return (
            f"{failed}. {best}; it is kept in {str(place)!r}. To have it, fit again with "
            f"max_epochs={best_epoch}. To go on from it, {cure}, and fit again"
        )
    keep = (
        "; with a checkpoint_dir, the best epoch is kept, and training goes on from it"
        if cures.can_be_kept
        else ""
    )
    return (
        f"{failed}. {best}. To have it, fit again with max_epochs={best_epoch} and the same "
        f"random_state, a number. To come further, {cure}{keep}"
    )
