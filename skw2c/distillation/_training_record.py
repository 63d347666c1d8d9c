"""What a run is known by: the configuration in its checkpoint, and the facts in its model card."""

from __future__ import annotations

from dataclasses import is_dataclass

import numpy as np
from torch import nn

from ..models import describe_width, hearing_of
from ..training import RunState, TrainingClips
from ..weights import fingerprint_module, keep_in_memory

_PARAMETERS = ("batch_size", "learning_rate", "validation_fraction", "precision")


def configure(trainer, clips: TrainingClips, clip_length: float) -> dict:
    """All that the result of a run depends on, except its number of epochs, in plain values.

    Parameters
    ----------
    trainer : SoundTrainer
    clips : TrainingClips
    clip_length : float
        Length of a piece, in seconds.
    """
    split = clips.split_fingerprint()
    return {
        **{name: to_plain(getattr(trainer, name)) for name in _PARAMETERS},
        "encoder": None,  # of those who have such a parameter, `_configuration` states it
        **trainer._configuration(),
        "augment": name_of(trainer.augment),
        "random_state": to_plain(trainer.random_state),
        "clip_length": clip_length,
        "data": clips.fingerprint,
        **({} if split is None else {"split": split}),
    }


def describe_first(encoder) -> str:
    """The encoder as training begins with it: its name, or module and weights."""
    if not isinstance(encoder, nn.Module):
        return encoder
    first_weights = keep_in_memory(encoder.state_dict()).sha256
    return f"{name_of(encoder)} {fingerprint_module(encoder)} {first_weights}"


def list_facts(distiller, clips: TrainingClips, state: RunState, teacher) -> dict:
    """How the weights came to be."""
    encoder, rate, n_views = distiller.encoder, distiller._network_rate, distiller.n_views
    seconds = int(clips.n_samples.sum()) / rate
    return {
        "teacher": None if teacher is None else " ".join(repr(teacher).split()),
        "architecture": name_of(encoder),
        "width": describe_width(encoder, distiller.encoder_width),
        "loss": distiller.loss,
        "captions": clips.has_texts,
        "clips": len(clips.n_samples) // (n_views or 1),
        **({} if n_views is None else {"views_of_a_clip": n_views}),
        "hours": f"{seconds / 3600:.3f}",
        "clip_length": f"{distiller.clip_length:g} seconds",
        "sampling_rate": f"{rate} Hz",
        "front_end": hearing_of(encoder).front_end,
        "batch_size": distiller.batch_size,
        "learning_rate": distiller.learning_rate,
        "lr_schedule": distiller.lr_schedule,
        "augmentation": name_of(distiller.augment),
        "epochs": len(state.history),
        "best_epoch": state.best_epoch,
        "best_loss": f"{state.best_loss:.4f}",
        "random_state": to_plain(distiller.random_state),
    }


def name_of(thing) -> str | None:
    """A module or function by a text that is the same in every process."""
    if thing is None or isinstance(thing, str):
        return thing
    if isinstance(thing, nn.Module):
        n_parameters = sum(value.numel() for value in thing.parameters())
        return f"{type(thing).__module__}.{type(thing).__qualname__} of {n_parameters} parameters"
    if is_dataclass(thing):
        return repr(thing)
    kind = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def to_plain(value):
    """A number or text as a checkpoint holds it; None for a generator of numbers."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, (int, float, str)) else None
