"""What a run prints while it goes."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ..system._progress import progress_bar


class Progress:
    """Print a line for each epoch, and show a bar within it where tqdm is installed.

    Parameters
    ----------
    verbose : bool or int
        Whether to print anything.
    n_epochs : int
    """

    def __init__(self, verbose, n_epochs: int):
        self._verbose = bool(verbose)
        self._n_epochs = n_epochs

    def print(self, text: str) -> None:
        """Print a line."""
        if self._verbose:
            print(text, flush=True)

    def epoch(self, epoch: int, n_steps: int, step: int) -> AbstractContextManager:
        """Show a bar of the steps of an epoch, counted from 0."""
        return progress_bar(
            n_steps,
            unit="step",
            desc=f"epoch {epoch + 1}/{self._n_epochs}",
            verbose=self._verbose,
            initial=step,
            leave=False,
        )

    def report(self, entry: dict, *, is_best: bool) -> None:
        """Print how an epoch went."""
        validation = entry["validation_loss"]
        judged = "" if validation != validation else f", validation loss {validation:.4f}"
        self.print(
            f"epoch {entry['epoch']:3d}/{self._n_epochs}: training loss "
            f"{entry['training_loss']:.4f}{judged}{' (best)' if is_best else ''}, learning rate "
            f"{entry['learning_rate']:.0e}, {entry['seconds']:.1f} s"
        )
