"""The loop: epochs, validation, learning rate, early stopping, checkpoints."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..models._trainable import Trainable
from ..system._prefetch import prefetch_map
from ._batch import Batch
from ._batches import Batches
from ._engine import Engine
from ._epoch_progress import Progress
from ._failure import Cures, explain
from ._memory import explain_lack, keep_freed_memory
from ._recipe import Recipe
from ._restoring import (
    check_model,
    check_state,
    load_engine,
    load_optimizer,
    load_scheduler,
)
from ._run_folder import RunFolder


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes
    ----------
    max_epochs : int
    recipe : Recipe
        The optimizer, and the course of its learning rate.
    early_stopping_patience : int or None
        Epochs without a better loss after which the run ends.
    checkpoint_interval : float or None, default=None
        Seconds after which a checkpoint is written within an epoch. None stands for runs of
        which no checkpoint can be kept.
    """

    max_epochs: int
    recipe: Recipe
    early_stopping_patience: int | None
    checkpoint_interval: float | None = None


@dataclass
class RunState:
    """Where a run stands, in plain values and tensors.

    A checkpoint holds these attributes under their names, so they stay as they are.

    Attributes
    ----------
    epoch, step : int
        The next step to take.
    total : float
        Sum of the losses of this epoch's steps.
    seconds : float
        What these steps took.
    history : list of dict
        One entry for each finished epoch.
    best_loss : float
    best_epoch : int
        Epoch of the best loss, from 1.
    best_state : dict of str to Tensor
        The model then.
    """

    epoch: int = 0
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)
    best_loss: float = float("inf")
    best_epoch: int = 0
    best_state: dict[str, Tensor] = field(default_factory=dict)


class Run:
    """A run of training, whatever is learned.

    Parameters
    ----------
    model : Trainable
        Gives the loss of a batch.
    batches : Batches
        What it learns from.
    schedule : Schedule
    engine : Engine
        On what it computes.
    progress : Progress
    folder : RunFolder or None, default=None
        Where to keep where the run stands.
    n_threads : int, default=1
        Threads that prefetch batches.
    """

    def __init__(
        self,
        model: Trainable,
        batches: Batches,
        schedule: Schedule,
        *,
        engine: Engine,
        progress: Progress,
        folder: RunFolder | None = None,
        n_threads: int = 1,
    ):
        self._model = model
        self._batches = batches
        self._schedule = schedule
        self._engine = engine
        self._folder = folder if engine.rank == 0 else None
        self._place = None if folder is None else folder.path
        self._progress = progress
        self._n_threads = n_threads
        # torch takes both at once, and its stubs do not list that.
        model.to(engine.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        trained = [value for value in model.parameters() if value.requires_grad]
        # Fabric wraps the optimizer; its state is kept and set on the optimizer itself.
        self._bare_optimizer = schedule.recipe.make_optimizer(trained)
        self._scheduler = schedule.recipe.make_scheduler(self._bare_optimizer)
        self._forward, self._optimizer = engine.setup(model, self._bare_optimizer)
        self._state = RunState()

    def restore(self, content: dict) -> None:
        """Go on from the content of a checkpoint, as `RunFolder.load` gives it.

        Raises
        ------
        ValueError
            If it does not fit the model.
        FloatingPointError
            If the loss was no longer a number, and nothing has changed since.
        """
        check_state(content["standing"])
        self._state = RunState(**content["standing"])
        if self._state.best_state:
            check_model(self._model, self._state.best_state)
        if content.get("failure") is not None:
            self._begin_from_best(content["failure"], is_changed=content["is_changed"])
            return
        check_model(self._model, content["model"])
        self._model.load_state_dict(content["model"])
        load_optimizer(self._bare_optimizer, content["optimizer"])
        load_engine(self._engine, content["engine"])
        load_scheduler(self._scheduler, content["scheduler"])
        if content["world_size"] != self._batches.world_size:
            # Other batches: the epoch begins again.
            self._state.step, self._state.total, self._state.seconds = 0, 0.0, 0.0

    def _begin_from_best(self, failure: dict, *, is_changed: bool) -> None:
        """Go on from the best epoch, with a new optimizer."""
        state = self._state
        if not is_changed and state.best_epoch < self._schedule.max_epochs:
            raise self._error(failure)
        if state.best_state:
            self._model.load_state_dict(state.best_state)
        with warnings.catch_warnings():
            # The steps of the optimizer before those of the scheduler were of the former run.
            warnings.simplefilter("ignore", UserWarning)
            for entry in state.history:
                self._scheduler.step(_loss_that_counts(entry))

    def finish(self) -> RunState:
        """Train to the end; the model then has its best weights.

        Raises
        ------
        FloatingPointError
            If the loss becomes NaN or infinite.
        MemoryError
            If there is not enough memory.
        """
        with explain_lack(str(self._engine.device), self._engine.precision):
            return self._train()

    def _train(self) -> RunState:
        state = self._state
        on_cpu = self._engine.device.type == "cpu"
        memory = keep_freed_memory() if on_cpu else nullcontext()
        if state.epoch == state.step == 0:
            self._save()  # where it cannot be written, that is known before the work
        with torch.random.fork_rng(self._random_devices()), torch.enable_grad(), memory:
            while state.epoch < self._schedule.max_epochs and not self._is_over():
                self._close_epoch(self._train_epoch())
                self._save()
        state.best_state = self._engine.agree(state.best_state)
        self._model.load_state_dict(state.best_state)
        return state

    def _train_epoch(self) -> int:
        """Take the steps of the epoch that are left; return how many terms all losses have."""
        state, contents = self._state, self._batches.training(self._state.epoch)
        begun = time.monotonic()
        self._model.train()
        # Double precision, which the GPUs of Apple do not have.
        on = "cpu" if self._engine.device.type == "mps" else self._engine.device
        total = torch.zeros((), dtype=torch.float64, device=on)
        with self._progress.epoch(state.epoch, len(contents), state.step) as bar:
            for batch in self._read(contents[state.step :]):
                total += self._step(batch).to(on)
                state.step += 1
                bar.update()
                if self._is_due(begun):
                    begun = self._add_up(total, begun)
                    self._save()
        self._add_up(total, begun)
        return self._batches.count_terms(contents)

    def _is_due(self, begun: float) -> bool:
        """Whether it is time for a checkpoint, given when the last one was written."""
        interval = self._schedule.checkpoint_interval
        return interval is not None and time.monotonic() - begun > interval

    def _add_up(self, total: Tensor, begun: float) -> float:
        """Note the losses and the time since ``begun``; return the time now."""
        now = time.monotonic()
        self._state.total += total.item()
        self._state.seconds += now - begun
        total.zero_()
        return now

    def _step(self, batch: Batch) -> Tensor:
        """Take a step; return the sum of the losses of its terms."""
        state, rank, recipe = self._state, self._engine.rank, self._schedule.recipe
        seed = self._batches.step_seed(state.epoch, state.step, rank)
        if seed is not None:
            _seed(self._engine.device, seed)
        batch = self._batches.augment(batch, state.epoch, state.step, rank)
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._loss(batch)
        self._engine.backward(loss / batch.n_terms)
        if recipe.largest_norm is not None:
            self._engine.clip_gradients(self._forward, self._optimizer, recipe.largest_norm)
        self._optimizer.step()
        self._model.after_step()
        return loss.detach()

    def _loss(self, batch: Batch) -> Tensor:
        with self._engine.autocast():
            return self._forward(*batch.inputs(), self._engine.gather)

    @torch.no_grad()
    def _validate(self) -> float | None:
        """Mean loss of the validation set; None where there is none."""
        contents = self._batches.validation()
        if not contents:
            return None
        self._model.eval()
        losses = torch.stack([self._loss(batch) for batch in self._read(contents)])
        return self._engine.agree(self._batches.average(losses, contents))

    def _close_epoch(self, n_terms: int) -> None:
        """Judge the epoch: history, learning rate, best weights."""
        state = self._state
        rate = self._bare_optimizer.param_groups[0]["lr"]
        training = self._engine.agree(state.total / n_terms)
        validation = self._validate()
        loss = training if validation is None else validation
        if not loss < float("inf"):
            self._give_up({"epoch": state.epoch + 1, "loss": loss, "learning_rate": rate})
        if loss < state.best_loss:
            state.best_loss, state.best_epoch = loss, state.epoch + 1
            state.best_state = _copy_weights(self._model)
        entry = {
            "epoch": state.epoch + 1,
            "training_loss": training,
            "validation_loss": float("nan") if validation is None else validation,
            "learning_rate": rate,
            **self._model.describe(),
            "seconds": state.seconds,
        }
        state.history.append(entry)
        self._progress.report(entry, is_best=state.best_epoch == entry["epoch"])
        self._scheduler.step(loss)
        state.epoch, state.step, state.total, state.seconds = state.epoch + 1, 0, 0.0, 0.0

    def _give_up(self, failure: dict) -> None:
        """Keep the best epoch, from which another learning rate may go on, and raise the error."""
        state = self._state
        best = RunState(
            epoch=state.best_epoch,
            history=state.history[: state.best_epoch],
            best_loss=state.best_loss,
            best_epoch=state.best_epoch,
            best_state=state.best_state,
        )
        if self._folder is not None:
            with suppress(OSError):  # the former checkpoint holds the best epoch too
                self._folder.save(
                    {
                        "seed": self._batches.seed,
                        "world_size": self._batches.world_size,
                        "failure": failure,
                        "standing": vars(best),
                    }
                )
        raise self._error(failure)

    def _error(self, failure: dict) -> FloatingPointError:
        cures = Cures(
            self._place,
            can_be_kept=self._schedule.checkpoint_interval is not None,
            is_lower_precision=self._engine.precision != "32-true",
        )
        return FloatingPointError(
            explain(failure, self._state.best_epoch, self._state.best_loss, cures)
        )

    def _is_over(self) -> bool:
        patience = self._schedule.early_stopping_patience
        return patience is not None and self._state.epoch - self._state.best_epoch >= patience

    def _read(self, contents: Sequence) -> Iterator[Batch]:
        """Prefetch batches, on their way to the device."""
        read = prefetch_map(self._fetch, contents, self._n_threads, inner_threads=1)
        with closing(read):
            for batch in read:
                yield batch.to(self._engine.device)

    def _fetch(self, content) -> Batch:
        batch = self._batches.read(content, self._engine.rank)
        return batch.pin() if self._engine.device.type == "cuda" else batch

    def _save(self) -> None:
        if self._folder is not None:
            self._folder.save(
                {
                    "seed": self._batches.seed,
                    "world_size": self._batches.world_size,
                    "model": self._model.state_dict(),
                    "optimizer": self._bare_optimizer.state_dict(),
                    "engine": self._engine.state_dict(),
                    "scheduler": self._scheduler.state_dict(),
                    "standing": copy.copy(vars(self._state)),
                }
            )

    def _random_devices(self) -> list[int]:
        device = self._engine.device
        return [device.index or 0] if device.type == "cuda" else []


def _loss_that_counts(entry: dict) -> float:
    validation = entry["validation_loss"]
    return entry["training_loss"] if validation != validation else validation


def _copy_weights(model: Trainable) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _seed(device: torch.device, seed: int) -> None:
    """Seed the generator that dropout draws from, and no other device's."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)
