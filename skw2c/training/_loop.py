"""The loop: epochs, validation, learning rate, early stopping, checkpoints."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..system._prefetch import prefetch_map
from ._clips import Batch, TrainingClips
from ._engine import Engine
from ._epoch_progress import Progress
from ._failure import explain
from ._memory import keep_freed_memory
from ._plan import Piece, Plan
from ._recipe import Recipe
from ._restoring import (
    check_model,
    check_standing,
    load_engine,
    load_optimizer,
    load_scheduler,
)
from ._run_folder import RunFolder

Augment = Callable[[Tensor, torch.Generator], Tensor]


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
    checkpoint_interval : float
        Seconds after which a checkpoint is written within an epoch.
    """

    max_epochs: int
    recipe: Recipe
    early_stopping_patience: int | None
    checkpoint_interval: float


@dataclass
class Standing:
    """Where a run stands, in plain values and tensors.

    Attributes
    ----------
    epoch, step : int
        The next step to take.
    total : float
        Sum of the losses of this epoch's steps.
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
    """A run of training.

    Parameters
    ----------
    model : nn.Module
        Gives the loss of a batch, from ``(waveforms, targets, texts, gather)``; has
        ``after_step()`` and ``describe()``.
    clips : TrainingClips
    plan : Plan
    schedule : Schedule
    engine : Engine
    augment : callable or None
        From waveforms (batch, n_samples) and a generator to waveforms.
    folder : RunFolder or None
        Where to keep where the run stands.
    progress : Progress
    n_threads : int
        Threads that read ahead.
    """

    def __init__(
        self, model: nn.Module, clips: TrainingClips, plan: Plan, schedule: Schedule, *,
        engine: Engine, augment: Augment | None, folder: RunFolder | None, progress: Progress,
        n_threads: int,
    ):  # fmt: skip
        self._model = model
        self._clips = clips
        self._plan = plan
        self._schedule = schedule
        self._engine = engine
        self._augment = augment
        self._folder = folder if engine.rank == 0 else None
        self._place = folder and folder.path
        self._progress = progress
        self._n_threads = n_threads
        model.to(engine.device, memory_format=torch.channels_last)
        trained = [value for value in model.parameters() if value.requires_grad]
        # Fabric wraps the optimizer; its state is kept and set on the optimizer itself.
        self._bare_optimizer = schedule.recipe.make_optimizer(trained)
        self._scheduler = schedule.recipe.make_scheduler(self._bare_optimizer)
        self._forward, self._optimizer = engine.setup(model, self._bare_optimizer)
        self._standing = Standing()

    def restore(self, content: dict) -> None:
        """Go on from the content of a checkpoint, as `RunFolder.load` gives it.

        Raises
        ------
        ValueError
            If it does not fit the model.
        FloatingPointError
            If the loss was no longer a number, and nothing has changed since.
        """
        check_standing(content["standing"])
        self._standing = Standing(**content["standing"])
        if self._standing.best_state:
            check_model(self._model, self._standing.best_state)
        if content.get("failure") is not None:
            self._begin_from_best(content["failure"], is_changed=content["is_changed"])
            return
        check_model(self._model, content["model"])
        self._model.load_state_dict(content["model"])
        load_optimizer(self._bare_optimizer, content["optimizer"])
        load_engine(self._engine, content["engine"])
        load_scheduler(self._scheduler, content["scheduler"])
        if content["world_size"] != self._plan.world_size:
            # Other batches: the epoch begins again.
            self._standing.step, self._standing.total, self._standing.seconds = 0, 0.0, 0.0

    def _begin_from_best(self, failure: dict, *, is_changed: bool) -> None:
        """Go on from the best epoch, whose optimizer begins afresh."""
        standing = self._standing
        if not is_changed and standing.best_epoch < self._schedule.max_epochs:
            raise self._error(failure)
        if standing.best_state:
            self._model.load_state_dict(standing.best_state)
        with warnings.catch_warnings():
            # The steps of the optimizer before those of the scheduler were of the former run.
            warnings.simplefilter("ignore", UserWarning)
            for entry in standing.history:
                self._scheduler.step(_loss_that_counts(entry))

    def finish(self) -> Standing:
        """Train to the end; the model then has its best weights."""
        standing = self._standing
        on_cpu = self._engine.device.type == "cpu"
        memory = keep_freed_memory() if on_cpu else nullcontext()
        if standing.epoch == standing.step == 0:
            self._save()  # where it cannot be written, that is known before the work
        with torch.random.fork_rng(self._random_devices()), torch.enable_grad(), memory:
            while standing.epoch < self._schedule.max_epochs and not self._is_over():
                self._train_epoch()
                self._close_epoch()
                self._save()
        standing.best_state = self._engine.agree(standing.best_state)
        self._model.load_state_dict(standing.best_state)
        return standing

    def _train_epoch(self) -> None:
        """Take the steps of the epoch that are left."""
        standing, batches = self._standing, self._plan.training(self._standing.epoch)
        begun = time.monotonic()
        self._model.train()
        total = torch.zeros((), dtype=torch.float64, device=self._engine.device)
        with self._progress.epoch(standing.epoch, len(batches), standing.step) as bar:
            for batch in self._read(batches[standing.step :]):
                total += self._step(batch)
                standing.step += 1
                bar.update()
                if time.monotonic() - begun > self._schedule.checkpoint_interval:
                    begun = self._add_up(total, begun)
                    self._save()
        self._add_up(total, begun)

    def _add_up(self, total: Tensor, begun: float) -> float:
        """Note the losses and the time since ``begun``; return the time now."""
        now = time.monotonic()
        self._standing.total += total.item()
        self._standing.seconds += now - begun
        total.zero_()
        return now

    def _step(self, batch: Batch) -> Tensor:
        standing = self._standing
        seed, own_seed = self._plan.step_seeds(standing.epoch, standing.step, self._engine.rank)
        _seed(self._engine.device, seed)
        waveforms = batch.waveforms
        if self._augment is not None:
            generator = torch.Generator(waveforms.device).manual_seed(own_seed)
            waveforms = self._augment(waveforms, generator)
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._loss(batch, waveforms)
        self._engine.backward(loss)
        self._optimizer.step()
        self._model.after_step()
        return loss.detach()

    def _loss(self, batch: Batch, waveforms: Tensor) -> Tensor:
        with self._engine.autocast():
            return self._forward(waveforms, batch.targets, batch.texts, self._engine.gather)

    @torch.no_grad()
    def _validate(self) -> float | None:
        """Mean loss of the clips kept for validation; None where there are none."""
        batches = self._plan.validation()
        if not batches:
            return None
        self._model.eval()
        losses = [self._loss(batch, batch.waveforms) for batch in self._read(batches)]
        return self._engine.agree(torch.stack(losses).mean().item())

    def _close_epoch(self) -> None:
        """Judge the epoch: history, learning rate, best weights."""
        standing, n_batches = self._standing, self._standing.step
        rate = self._bare_optimizer.param_groups[0]["lr"]
        training = self._engine.agree(standing.total / n_batches)
        validation = self._validate()
        loss = training if validation is None else validation
        if not loss < float("inf"):
            self._give_up({"epoch": standing.epoch + 1, "loss": loss, "learning_rate": rate})
        if loss < standing.best_loss:
            standing.best_loss, standing.best_epoch = loss, standing.epoch + 1
            standing.best_state = _copy_state(self._model)
        standing.history.append(
            {
                "epoch": standing.epoch + 1,
                "training_loss": training,
                "validation_loss": float("nan") if validation is None else validation,
                "learning_rate": rate,
                **self._model.describe(),
                "seconds": standing.seconds,
            }
        )
        self._progress.tell(standing.history[-1], is_best=standing.best_epoch == len(
            standing.history))  # fmt: skip
        self._scheduler.step(loss)
        standing.epoch, standing.step, standing.total, standing.seconds = (
            standing.epoch + 1, 0, 0.0, 0.0,
        )  # fmt: skip

    def _give_up(self, failure: dict) -> None:
        """Keep the best epoch, from which another learning rate may go on, and raise the error."""
        standing = self._standing
        best = Standing(
            epoch=standing.best_epoch,
            history=standing.history[: standing.best_epoch],
            best_loss=standing.best_loss,
            best_epoch=standing.best_epoch,
            best_state=standing.best_state,
        )
        if self._folder is not None:
            with suppress(OSError):  # the former checkpoint holds the best epoch too
                self._folder.save(
                    {
                        "seed": self._plan.seed,
                        "world_size": self._plan.world_size,
                        "failure": failure,
                        "standing": vars(best),
                    }
                )
        raise self._error(failure)

    def _error(self, failure: dict) -> FloatingPointError:
        standing = self._standing
        return FloatingPointError(
            explain(failure, standing.best_epoch, standing.best_loss, self._place)
        )

    def _is_over(self) -> bool:
        patience = self._schedule.early_stopping_patience
        since_best = self._standing.epoch - self._standing.best_epoch
        return patience is not None and since_best >= patience > 0

    def _read(self, batches: list[Piece]) -> Iterator[Batch]:
        """Read the batches ahead, on their way to the device."""
        shares = (self._plan.share(piece, self._engine.rank) for piece in batches)
        read = prefetch_map(self._fetch, shares, self._n_threads, inner_threads=1)
        with closing(read):
            for batch in read:
                yield _to_device(batch, self._engine.device)

    def _fetch(self, piece: Piece) -> Batch:
        batch = self._clips.read(piece.rows, piece.starts, self._plan.length)
        return _pin(batch) if self._engine.device.type == "cuda" else batch

    def _save(self) -> None:
        if self._folder is not None:
            self._folder.save(
                {
                    "seed": self._plan.seed,
                    "world_size": self._plan.world_size,
                    "model": self._model.state_dict(),
                    "optimizer": self._bare_optimizer.state_dict(),
                    "engine": self._engine.state_dict(),
                    "scheduler": self._scheduler.state_dict(),
                    "standing": copy.copy(vars(self._standing)),
                }
            )

    def _random_devices(self) -> list[int]:
        device = self._engine.device
        return [device.index or 0] if device.type == "cuda" else []


def _loss_that_counts(entry: dict) -> float:
    validation = entry["validation_loss"]
    return entry["training_loss"] if validation != validation else validation


def _copy_state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _pin(batch: Batch) -> Batch:
    return _map(batch, lambda tensor: tensor if tensor.is_cuda else tensor.pin_memory())


def _to_device(batch: Batch, device: torch.device) -> Batch:
    batch = _map(batch, lambda tensor: tensor.to(device, non_blocking=True))
    is_pcm = batch.waveforms.dtype == torch.int16
    batch.waveforms = batch.waveforms.float() / (32768 if is_pcm else 1)
    return batch


def _seed(device: torch.device, seed: int) -> None:
    """Seed the generator that dropout draws from, and no other device's."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def _map(batch: Batch, function: Callable[[Tensor], Tensor]) -> Batch:
    texts = None if batch.texts is None else function(batch.texts)
    return Batch(function(batch.waveforms), function(batch.targets), texts)
