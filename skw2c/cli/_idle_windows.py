"""Options of windows where there are none."""

from __future__ import annotations

from collections.abc import Collection

_WINDOWS = ("frame_length", "hop_length", "tail")


def refuse_idle_windows(encoder, given: Collection[str], named: str) -> None:
    """Refuse options of windows that change nothing, since whole clips are embedded.

    Some encoders put the vector of a clip together from those of windows, which options set.

    Parameters
    ----------
    encoder : transformer
        One of another package is not asked: nothing is known of its windows.
    given : collection of str
        Names of the options that were given.
    named : str
        What messages call the encoder.

    Raises
    ------
    ValueError
        If there is one.
    """
    from ..transformers._sound_transformer import SoundTransformer  # not for --help

    if not isinstance(encoder, SoundTransformer) or encoder.mode != "clip":
        return
    for name in _WINDOWS:
        if name in given and _is_idle(encoder, name):
            option = f"--{name.replace('_', '-')}"
            raise ValueError(
                f"{option} needs --mode frame; otherwise {named} gives one vector for a whole "
                f"clip, which does not depend on it: pass --mode frame, or leave {option} out"
            )


def _is_idle(encoder, name: str) -> bool:
    """Whether another value would give the same windows."""
    from sklearn.base import clone

    own = getattr(encoder, name)
    another = {"pad": "drop", "drop": "pad"}[own] if name == "tail" else 2 * own
    try:
        return encoder._windows() == clone(encoder).set_params(**{name: another})._windows()
    except ValueError:
        return False  # what is wrong with the value is told by `fit`
