"""What the estimators that train a network on sound have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..models._trainable import Trainable
from ..system._optional import import_optional
from ..system._warning import warn_caller
from ..training import (
    PRECISIONS,
    Plan,
    Progress,
    Run,
    RunFolder,
    RunState,
    Schedule,
    SoundBatches,
    TrainingClips,
    WaveformAugmentation,
    choose_engine,
    find_unvalidated,
)
from ..validation._clips import validate_clips
from ..validation._intervals import RATE, SECONDS
from ..validation._tables import note_columns, take_columns
from ._learning_curve import draw_history
from ._training_data import Labelling, Reading, check_enough_clips, collect_clips
from ._training_record import configure


class SoundTrainer(BaseEstimator):
    """Base of the estimators that train a network on pieces of sound.

    A subclass states ``_network_rate``, makes the model in ``_build``, gives its weights in
    ``_export``, and names the recipe of its optimisation in ``_recipe`` and what its result
    depends on in ``_configuration``.
    """

    _parameter_constraints = {
        "clip_length": [SECONDS],
        "sampling_rate": [RATE],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "early_stopping_patience": [Interval(Integral, 1, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "augment": [StrOptions({"audioclip"}), callable, None],
        "precision": [StrOptions(set(PRECISIONS))],
        "devices": [StrOptions({"auto", "cpu"}), Interval(Integral, 1, None, closed="left")],
        "num_nodes": [Interval(Integral, 1, None, closed="left")],
        "compile": ["boolean"],
        "checkpoint_dir": [str, os.PathLike, None],
        "checkpoint_interval": [Interval(Real, 0, None, closed="left")],
        "resume": ["boolean"],
        "n_jobs": [Interval(Integral, None, None, closed="neither"), None],
        "on_error": [StrOptions({"raise", "nan"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @property
    def history_(self):
        """How training went, one row per epoch (DataFrame)."""
        check_is_fitted(self, "_history")
        pandas = import_optional("pandas", extra="train", purpose="The table history_")
        return pandas.DataFrame(self._history)

    def plot_history(self, ax=None):
        """Plot the learning curve.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to plot. None makes a new figure.

        Returns
        -------
        matplotlib Axes
        """
        check_is_fitted(self, "_history")
        plot = import_optional("matplotlib.pyplot", extra="train", purpose="plot_history")
        ax = plot.subplots(layout="constrained")[1] if ax is None else ax
        return draw_history(ax, self._history, self.best_epoch_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = self.on_error == "nan"
        return tags

    def _make_transformer(self, kind, parameters: dict):
        """A transformer with the trained weights, fitted, by default as this estimator is set."""
        check_is_fitted(self, "weights_")
        own = dict(
            sampling_rate=self.sampling_rate,
            n_jobs=self.n_jobs,
            device="cpu" if self.devices == "cpu" else "auto",
        )
        transformer = kind(self.weights_, **{**own, **parameters}).fit()
        take_columns(transformer, self)
        return transformer

    def _train(self, clips: TrainingClips, engine) -> tuple[Any, RunState]:
        """Train a new model, which `_build` makes; it then has its best weights."""
        length = self._piece_length()
        progress = Progress(self.verbose and engine.rank == 0, self.max_epochs)
        folder = self._folder(clips, length)
        content = _load(folder, engine) if folder and self.resume else None
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        seed = content["seed"] if content else int(engine.agree(seed))
        plan = self._make_plan(clips, length, seed, engine.world_size)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            model = self._build(clips)
        if self.compile:
            model.compile()
        self._export(model)  # what could not be kept is refused before the work
        run = Run(
            model,
            SoundBatches(clips, plan, self._augmentation()),
            self._schedule(),
            engine=engine,
            folder=folder,
            progress=progress,
            n_threads=joblib.effective_n_jobs(self.n_jobs),
        )
        progress.print(_describe_start(clips, plan, engine))
        if content:
            _restore(run, content, folder)
            progress.print(f"going on from {str(folder.path)!r}")
        elif folder and engine.rank == 0:
            moved = folder.rename_former()
            if moved is not None:
                progress.print(f"the checkpoint of a former run is kept as {str(moved)!r}")
        state = run.finish()
        self._forget()
        self._history = state.history
        self.n_iter_, self.best_epoch_ = len(state.history), state.best_epoch
        return model, state

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was if a fit fails or is interrupted.

        Otherwise the classes of the new fit would name the outputs of the former network.
        """
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _configuration(self) -> dict:
        """What the result depends on beside data and shared parameters, in plain values.

        The names are those of the configuration in a checkpoint, and so stay as they are.
        """
        return {}

    @property
    def _network_rate(self) -> int:
        """Rate of the waveforms that the network takes, in Hz."""
        raise NotImplementedError

    @property
    def _shortest(self) -> int:
        """Fewest samples that it takes."""
        return 1

    def _build(self, clips: TrainingClips) -> Trainable:
        """The model with its first weights, drawn from torch's own generator."""
        raise NotImplementedError

    def _export(self, model):
        """What is kept of the model."""
        raise NotImplementedError

    def _recipe(self):
        """The optimizer, and the course of its learning rate."""
        raise NotImplementedError

    def _choose_engine(self):
        return choose_engine(self.devices, self.num_nodes, self.precision)

    def _piece_length(self) -> int:
        """Length of each example in samples."""
        length = round(self.clip_length * self._network_rate)
        if length < self._shortest:
            raise ValueError(
                f"clip_length={self.clip_length!r} seconds is too short: the spectrogram needs at "
                f"least {self._shortest} samples, {self._shortest / self._network_rate:.4f} seconds"
            )
        return length

    def _list_clips(self, X):
        """The clips of X as a list, or the tensor that X is."""
        if hasattr(X, "detach") and X.ndim == 2 and self.sampling_rate == self._network_rate:
            note_columns(self, None, reset=True)
            self.n_features_in_ = X.shape[1]
            return X
        return validate_clips(self, X, reset=True)

    def _collect_clips(self, items, labelling: Labelling) -> TrainingClips:
        """Put together what is trained on, from the items of X and what belongs to each."""
        return collect_clips(items, labelling, self._reading())

    def _reading(self) -> Reading:
        """How clips are read."""
        return Reading(
            sampling_rate=self.sampling_rate,
            network_rate=self._network_rate,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
        )

    def _make_plan(self, clips: TrainingClips, length: int, seed: int, world_size: int) -> Plan:
        check_enough_clips(len(clips.n_samples))
        plan = Plan(
            clips.n_samples,
            length,
            self.batch_size,
            self.validation_fraction,
            seed,
            world_size,
            clips.groups,
            clips.classes,
        )
        if self.validation_fraction:
            self._warn_of_split(plan)
        if not plan.validation():
            plan = replace(plan, validation_fraction=0.0)
        n_training = len(plan.split()[0])
        if not plan.training(0):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(clips.n_samples)} clips "
                f"leaves {n_training} to train on, and at least {max(2, world_size)} are needed"
            )
        if self.batch_size > n_training:
            warn_caller(
                f"batch_size={self.batch_size} is larger than the {n_training} clips to train "
                "on: all of them make one batch"
            )
        return plan

    def _warn_of_split(self, plan: Plan) -> None:
        """Warn of groups that cannot be split, and of classes that the validation set lacks."""
        share = f"validation_fraction={self.validation_fraction}"
        if not plan.held_out.any() and plan.groups is not None:
            warn_caller(
                f"{share} of {len(np.unique(plan.groups))} groups leaves none for validation: the "
                "training loss stands in for the validation loss"
            )
        elif plan.classes is not None and plan.held_out.any():
            columns = find_unvalidated(plan.classes, plan.held_out, self.validation_fraction)
            if len(columns):
                warn_caller(_describe_unvalidated(self.classes_[columns].tolist()))

    def _schedule(self) -> Schedule:
        return Schedule(
            max_epochs=self.max_epochs,
            recipe=self._recipe(),
            early_stopping_patience=self.early_stopping_patience,
            checkpoint_interval=self.checkpoint_interval,
        )

    def _augmentation(self):
        return WaveformAugmentation() if self.augment == "audioclip" else self.augment

    def _folder(self, clips, length):
        """Where the run is kept, with all that its result depends on."""
        if self.checkpoint_dir is None:
            return None
        configuration = configure(self, clips, length / self._network_rate)
        return RunFolder(self.checkpoint_dir, configuration)

    def _forget(self):
        """Drop the attributes of an earlier fit."""
        for name in ("_history", "n_iter_", "best_epoch_"):
            with suppress(AttributeError):
                delattr(self, name)


def _describe_unvalidated(classes: list) -> str:
    shown = ", ".join(map(repr, classes[:5])) + (", ..." if len(classes) > 5 else "")
    return (
        f"the validation set has no clip of {shown}: there is a single clip or group with it, "
        "which is trained on, or its groups cannot be split. The best epoch is found without it. "
        "Add clips of it from elsewhere, or pass validation_fraction=0"
    )


def _load(folder, engine):
    """The checkpoint as the first process finds it; its error on all processes."""
    content = None
    if engine.rank == 0:
        try:
            content = folder.load()
            if content and not (type(content["seed"]) is int and 0 <= content["seed"] < 1 << 63):
                raise folder.damaged()
        except LookupError:
            content = folder.damaged()
        except ValueError as exc:
            content = exc
    content = engine.agree(content)
    if isinstance(content, ValueError):
        raise content
    return content


def _restore(run: Run, content: dict, folder: RunFolder) -> None:
    """Go on from a checkpoint, whose error names its file."""
    try:
        run.restore(content)
    except (ValueError, LookupError, TypeError) as exc:
        raise folder.damaged() from exc


def _describe_start(clips, plan, engine) -> str:
    training, validation = plan.split()
    n_short = int((clips.n_samples < plan.length).sum())
    short = f"; {n_short} are shorter than a piece and repeated" if n_short else ""
    many = f" x {engine.world_size}" if engine.world_size > 1 else ""
    return (
        f"training on {len(training)} clips, validation on {len(validation)}{short}; batches of "
        f"{len(plan.training(0)[0].rows)} on {engine.device.type}{many}"
    )
