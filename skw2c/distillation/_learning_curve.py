"""The plot of a learning curve."""

from __future__ import annotations

from itertools import pairwise


def draw_history(ax, history: list[dict], best_epoch: int):
    """Plot the training and validation losses over the epochs.

    Parameters
    ----------
    ax : matplotlib Axes
    history : list of dict
        One entry per epoch.
    best_epoch : int
        Is marked.

    Returns
    -------
    matplotlib Axes
    """
    epochs = [entry["epoch"] for entry in history]
    curves = {
        name: [entry[f"{name}_loss"] for entry in history] for name in ("training", "validation")
    }
    for name, losses in curves.items():
        if losses[0] == losses[0]:  # NaN where there is no validation set
            ax.plot(epochs, losses, label=name)
    ax.axvline(best_epoch, color="0.6", linestyle=":", label=f"best: epoch {best_epoch}")
    for before, entry in pairwise(history):
        if entry["learning_rate"] < before["learning_rate"]:
            ax.axvline(entry["epoch"], color="0.85", linewidth=0.8, zorder=0)
    ax.set(xlabel="epoch", ylabel="loss", title="Learning curve")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
