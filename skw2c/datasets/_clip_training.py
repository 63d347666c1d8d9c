"""Train a CLIP of open_clip on a few thousand pictures and captions, as CLIP was trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from ..system._progress import progress_bar
from ..weights import import_open_clip

_HOTTEST = math.log(100)
_LARGEST_SHIFT = 1 / 12
"""Most that a picture is moved in training, as a share of its width."""


@dataclass(frozen=True)
class Recipe:
    """How a small CLIP is trained.

    Attributes
    ----------
    max_epochs : int
        How often each picture is seen.
    batch_size : int
        Most pictures that are compared at once.
    seed : int
        Of the first weights, and of all that is drawn in training.
    learning_rate : float
        The highest.
    """

    max_epochs: int
    batch_size: int
    seed: int
    learning_rate: float = 2e-3


def train_contrastively(
    model_cfg: dict, preprocess_cfg: dict, pictures: np.ndarray, captions, recipe: Recipe, verbose
) -> dict[str, Tensor]:
    """Train a CLIP from scratch.

    Parameters
    ----------
    model_cfg, preprocess_cfg : dict
        What ``open_clip_config.json`` says of the model and of its pictures.
    pictures : ndarray of shape (n, size, size, 3), uint8
    captions : list of str
    recipe : Recipe
    verbose : bool
        Whether to show progress.

    Returns
    -------
    dict of str to Tensor
        The weights.
    """
    open_clip = import_open_clip()
    texts, numbers = np.unique(captions, return_inverse=True)
    tokenize = open_clip.SimpleTokenizer(context_length=model_cfg["text_cfg"]["context_length"])
    # Most of the vocabulary never occurs, and would take a third of the time.
    used, tokens = torch.unique(tokenize(texts.tolist()), return_inverse=True)
    pairs = _Pairs(torch.from_numpy(pictures), tokens, numbers, preprocess_cfg)
    # The model is so small that threads would mostly wait for each other.
    with torch.random.fork_rng(devices=[]), threadpool_limits(1, user_api="openmp"):
        torch.manual_seed(recipe.seed)
        model = open_clip.CLIP(**model_cfg)
        words = model.token_embedding
        model.token_embedding = nn.Embedding.from_pretrained(words.weight[used], freeze=False)
        _train(model, open_clip.ClipLoss(), pairs, recipe, verbose)
    with torch.no_grad():
        words.weight[used] = model.token_embedding.weight
    model.token_embedding = words
    return {name: value.contiguous() for name, value in model.state_dict().items()}


class _Pairs:
    """Pictures, and captions by number; a caption stands at most once in a batch.

    Its copies would be wrong answers that are right.
    """

    def __init__(self, pictures: Tensor, tokens: Tensor, captions: np.ndarray, preprocess_cfg):
        self._pictures = pictures
        self._tokens = tokens
        self._captions = captions
        self._mean, self._std = (
            torch.tensor(preprocess_cfg[name]).view(1, 3, 1, 1) for name in ("mean", "std")
        )

    def __len__(self):
        return len(self._pictures)

    def read(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        rows = rows[np.unique(self._captions[rows], return_index=True)[1]]
        pictures = self._pictures[rows].permute(0, 3, 1, 2) / 255
        pictures = (_shift(pictures) - self._mean) / self._std
        return (
            pictures.contiguous(memory_format=torch.channels_last),
            self._tokens[self._captions[rows]],
        )


def _train(model: nn.Module, loss: nn.Module, pairs: _Pairs, recipe: Recipe, verbose) -> None:
    rng = np.random.default_rng(recipe.seed)
    n_batches = max(len(pairs) // recipe.batch_size, 1)
    n_steps = recipe.max_epochs * n_batches
    optimizer = torch.optim.AdamW(_group(model), betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=n_steps + 1, pct_start=0.15
    )
    model.to(memory_format=torch.channels_last).train()
    with progress_bar(n_steps, unit="batch", desc="small CLIP", verbose=verbose) as bar:
        for _ in range(recipe.max_epochs):
            for rows in np.array_split(rng.permutation(len(pairs)), n_batches):
                value = loss(*model(*pairs.read(rows)))
                optimizer.zero_grad()
                value.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                with torch.no_grad():
                    model.logit_scale.clamp_(0, _HOTTEST)
                bar.update()


def _group(model: nn.Module) -> list[dict]:
    """Parameters that decay, and those that do not: gains, shifts and the vectors of words."""
    named = dict(model.named_parameters())
    still = {name for name, value in named.items() if value.ndim < 2 or "embedding" in name}
    return [
        {"params": [named[name] for name in named if name not in still], "weight_decay": 0.1},
        {"params": [named[name] for name in sorted(still)], "weight_decay": 0.0},
    ]


def _shift(pictures: Tensor) -> Tensor:
    """Move each picture by a few pixels, and repeat its edge where it leaves a gap."""
    n, _, height, width = pictures.shape
    most = int(width * _LARGEST_SHIFT)
    padded = nn.functional.pad(pictures, (most,) * 4, mode="replicate")
    down, right = torch.randint(0, 2 * most + 1, (2, n, 1))
    rows = (down + torch.arange(height))[:, None, :, None]
    columns = (right + torch.arange(width))[:, None, None, :]
    return padded[
        torch.arange(n)[:, None, None, None], torch.arange(3)[:, None, None], rows, columns
    ]
