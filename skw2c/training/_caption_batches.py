"""The training of a decoder of captions on vectors of frames that stay as they are."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..models import PAD, CaptionDecoder, pad_frames
from ._epoch_progress import Progress

_LARGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class CaptionedFrames:
    """What a decoder learns from.

    Attributes
    ----------
    frames : list of ndarray of shape (n_frames, n_features)
        Those of each clip.
    captions : list of ndarray of int64
        Numbers of the words of each caption, from its start to its end.
    clips : ndarray of shape (n_captions,)
        Index of the clip that each caption is of.
    """

    frames: list[np.ndarray]
    captions: list[np.ndarray]
    clips: np.ndarray

    def batch(self, rows: np.ndarray, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Frames, their numbers, and words (batch, longest), of some captions."""
        frames, n_frames = pad_frames([self.frames[clip] for clip in self.clips[rows]], like)
        words = [torch.from_numpy(self.captions[row]) for row in rows]
        padded = nn.utils.rnn.pad_sequence(words, batch_first=True, padding_value=PAD)
        return frames, n_frames, padded.to(like.device)


class CaptionRun:
    """A run of training.

    Parameters
    ----------
    decoder : CaptionDecoder
        On the device that computes.
    examples : CaptionedFrames
    training, validation : ndarray of int
        Which captions are learned from, and which are kept aside, maybe none.
    seed : int
        Determines the order of the captions, and dropout.
    max_epochs, batch_size : int
    learning_rate : float
        Of AdamW.
    early_stopping_patience : int or None
        Epochs without a lower loss after which the run ends.
    progress : Progress
    """

    def __init__(
        self, decoder: CaptionDecoder, examples: CaptionedFrames, training: np.ndarray,
        validation: np.ndarray, *, seed: int, max_epochs: int, batch_size: int,
        learning_rate: float, early_stopping_patience: int | None, progress: Progress,
    ):  # fmt: skip
        self._decoder = decoder
        self._examples = examples
        self._training = training
        self._validation = validation
        self._seed = seed
        self._max_epochs = max_epochs
        self._batch_size = batch_size
        self._learning_rate = learning_rate
        self._patience = early_stopping_patience
        self._progress = progress
        self._like = decoder.to_words.weight.detach()
        self._optimizer = torch.optim.AdamW(decoder.parameters(), learning_rate, fused=True)

    def finish(self) -> tuple[list[dict], int]:
        """Train to the end; the decoder then has its best weights.

        Returns
        -------
        history : list of dict
            One entry for each epoch.
        best_epoch : int
            From 1.

        Raises
        ------
        FloatingPointError
            If the loss is no longer a number.
        """
        history: list[dict] = []
        best_loss, best_epoch, best_state = float("inf"), 0, {}
        devices = [self._like.device] if self._like.is_cuda else []
        with torch.random.fork_rng(devices), torch.enable_grad():
            torch.manual_seed(self._seed)
            for epoch in range(self._max_epochs):
                history.append(self._run_epoch(epoch))
                loss = self._judge(history[-1], best_epoch, best_loss)
                if loss < best_loss:
                    best_loss, best_epoch, best_state = loss, epoch + 1, self._copy_state()
                self._progress.tell(history[-1], is_best=best_epoch == epoch + 1)
                if self._patience is not None and epoch + 1 - best_epoch >= self._patience:
                    break
        self._decoder.load_state_dict(best_state)
        return history, best_epoch

    def _run_epoch(self, epoch: int) -> dict:
        begun = time.monotonic()
        training = self._train_epoch(epoch)
        return {
            "epoch": epoch + 1,
            "training_loss": training,
            "validation_loss": self._validate(),
            "learning_rate": self._learning_rate,
            "seconds": time.monotonic() - begun,
        }

    def _judge(self, entry: dict, best_epoch: int, best_loss: float) -> float:
        """The loss that counts: that of validation, where there is one."""
        loss = entry["validation_loss" if len(self._validation) else "training_loss"]
        if not loss < float("inf"):
            told = f"The loss of epoch {entry['epoch']} is {loss}: lower learning_rate (now "
            told += f"{self._learning_rate:g})"
            if best_epoch:
                told += (
                    f". The best epoch so far is {best_epoch}, whose loss is {best_loss:.4f}: to "
                    f"have it, fit again with max_epochs={best_epoch} and the same random_state, "
                    "a number"
                )
            raise FloatingPointError(told)
        return loss

    def _train_epoch(self, epoch: int) -> float:
        """Take the steps of an epoch; return the mean loss of a word."""
        order = np.random.default_rng([self._seed, epoch]).permutation(self._training)
        batches = self._cut(order)
        self._decoder.train()
        losses = []
        with self._progress.epoch(epoch, len(batches), 0) as bar:
            for rows in batches:
                loss, n_words = self._loss(rows)
                self._optimizer.zero_grad(set_to_none=True)
                (loss / n_words).backward()
                nn.utils.clip_grad_norm_(self._decoder.parameters(), _LARGEST_GRADIENT)
                self._optimizer.step()
                losses.append((loss.item(), n_words))
                bar.update()
        return _mean(losses)

    @torch.no_grad()
    def _validate(self) -> float:
        """Mean loss of a word of the captions kept aside; NaN without any."""
        self._decoder.eval()
        losses = [self._loss(rows) for rows in self._cut(self._validation)]
        return _mean([(loss.item(), n_words) for loss, n_words in losses])

    def _cut(self, rows: np.ndarray) -> list[np.ndarray]:
        starts = range(0, len(rows), self._batch_size)
        return [rows[start : start + self._batch_size] for start in starts]

    def _loss(self, rows: np.ndarray) -> tuple[Tensor, int]:
        """Sum of the losses of the words of some captions, and the number of words."""
        frames, n_frames, words = self._examples.batch(rows, self._like)
        logits, _ = self._decoder(words[:, :-1], self._decoder.listen(frames, n_frames))
        targets = words[:, 1:]
        loss = cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=PAD, reduction="sum"
        )
        return loss, int((targets != PAD).sum())

    def _copy_state(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._decoder.state_dict().items()}


def _mean(losses: list[tuple[float, int]]) -> float:
    if not losses:
        return float("nan")
    total, n_words = np.sum(losses, axis=0)
    return float(total / n_words)
