"""What a run is known by: the configuration in its checkpoint, and the facts in its model card."""

from __future__ import annotations

import hashlib
from dataclasses import is_dataclass

import numpy as np
from torch import nn

from ..training import SAMPLING_RATE, Standing, TrainingClips
from ..weights import fingerprint_module, keep_in_memory

_PARAMETERS = ("batch_size", "learning_rate", "validation_fraction", "precision")


def configure(trainer, clips: TrainingClips, clip_length: float) -> dict:
    """All that the result of a run depends on, but for how long it goes, in plain values.

    Parameters
    ----------
    trainer : SoundTrainer
    clips : TrainingClips
    clip_length : float
        Length of a piece, in seconds.
    """
    names = (*_PARAMETERS, *trainer._decisive)
    if getattr(trainer, "lr_schedule", "plateau") == "cosine":
        names = (*names, "max_epochs")
    return {
        **{name: to_plain(getattr(trainer, name)) for name in names},
        "encoder": _describe_first(getattr(trainer, "encoder", None)),
        "augment": name_of(trainer.augment),
        "random_state": to_plain(trainer.random_state),
        "clip_length": clip_length,
        "data": clips.identity,
    }


def describe_split(clips: TrainingClips) -> dict:
    """What the split for validation depends on beside the data, where that is anything.

    What shards know of their videos follows from the data.
    """
    known = [getattr(clips, name, None) for name in ("groups", "classes")]
    if hasattr(clips, "describe") or all(part is None for part in known):
        return {}
    digest = hashlib.sha256()
    for part in known:
        digest.update(b"none" if part is None else repr(part.shape).encode() + part.tobytes())
    return {"split": digest.hexdigest()}


def _describe_first(encoder) -> str | None:
    """The encoder as training begins with it."""
    if not isinstance(encoder, nn.Module):
        return encoder
    first_weights = keep_in_memory(encoder.state_dict()).sha256
    return f"{name_of(encoder)} {fingerprint_module(encoder)} {first_weights}"


def list_facts(distiller, clips: TrainingClips, standing: Standing, teacher) -> dict:
    """How the weights came to be."""
    encoder = distiller.encoder
    seconds = int(clips.n_samples.sum()) / SAMPLING_RATE
    return {
        "teacher": None if teacher is None else " ".join(repr(teacher).split()),
        "architecture": name_of(encoder),
        "width": distiller.encoder_width if isinstance(encoder, str) else "of its own",
        "loss": distiller.loss,
        "captions": clips.has_texts,
        "clips": len(clips.n_samples),
        "hours": f"{seconds / 3600:.3f}",
        "clip_length": f"{distiller.clip_length:g} seconds",
        "sampling_rate": f"{SAMPLING_RATE} Hz",
        "batch_size": distiller.batch_size,
        "learning_rate": distiller.learning_rate,
        "lr_schedule": distiller.lr_schedule,
        "augmentation": name_of(distiller.augment),
        "epochs": len(standing.history),
        "best_epoch": standing.best_epoch,
        "best_loss": f"{standing.best_loss:.4f}",
        "random_state": to_plain(distiller.random_state),
    }


def name_of(thing) -> str | None:
    """A module or function in words that are the same in every process."""
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
