"""Train a CLIP of open_clip on a few thousand images and captions, as CLIP was trained."""

from __future__ import annotations

import math

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from ..system._progress import progress_bar
from ..weights import import_open_clip
from ._small_recipe import Recipe

_LARGEST_LOGIT_SCALE = math.log(100)
"""CLIP clips the logarithm of its inverse temperature here, for stability."""

_LARGEST_SHIFT = 1 / 12
"""The largest shift of an image in training, as a fraction of its width."""


def train_contrastively(
    model_cfg: dict, preprocess_cfg: dict, images: np.ndarray, captions, recipe: Recipe, verbose
) -> dict[str, Tensor]:
    """Train a CLIP from scratch.

    Parameters
    ----------
    model_cfg, preprocess_cfg : dict
        The sections of ``open_clip_config.json`` for the model and for its images.
    images : ndarray of shape (n, size, size, 3), uint8
    captions : list of str
    recipe : Recipe
    verbose : bool
        Whether to show progress.

    Returns
    -------
    dict of str to Tensor
        The state dict.
    """
    open_clip = import_open_clip()
    texts, caption_ids = np.unique(captions, return_inverse=True)
    tokenize = open_clip.SimpleTokenizer(context_length=model_cfg["text_cfg"]["context_length"])
    # Only the tokens that occur are trained: updating the embeddings of the whole vocabulary
    # would take a third of the time.
    used, tokens = torch.unique(tokenize(texts.tolist()), return_inverse=True)
    pairs = _Pairs(torch.from_numpy(images), tokens, caption_ids, preprocess_cfg)
    # The model is so small that threads would spend most of their time waiting for each other.
    with torch.random.fork_rng(devices=[]), threadpool_limits(1, user_api="openmp"):
        torch.manual_seed(recipe.seed)
        model = open_clip.CLIP(**model_cfg)
        all_tokens = model.token_embedding
        model.token_embedding = nn.Embedding.from_pretrained(all_tokens.weight[used], freeze=False)
        _train(model, open_clip.ClipLoss(), pairs, recipe, verbose)
    with torch.no_grad():
        all_tokens.weight[used] = model.token_embedding.weight
    model.token_embedding = all_tokens
    return {name: value.contiguous() for name, value in model.state_dict().items()}


class _Pairs:
    """Pairs of images and captions, read as batches.

    A caption occurs at most once in a batch: the contrastive loss would count its copies as
    negatives, although they match.
    """

    def __init__(self, images: Tensor, tokens: Tensor, caption_ids: np.ndarray, preprocess_cfg):
        self._images = images
        self._tokens = tokens
        self._caption_ids = caption_ids
        self._mean, self._std = (
            torch.tensor(preprocess_cfg[name]).view(1, 3, 1, 1) for name in ("mean", "std")
        )

    def __len__(self):
        return len(self._images)

    def read(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Read the images and tokens of some rows, without duplicate captions."""
        rows = rows[np.unique(self._caption_ids[rows], return_index=True)[1]]
        images = self._images[rows].permute(0, 3, 1, 2) / 255
        images = (_shift(images) - self._mean) / self._std
        return (
            images.contiguous(memory_format=torch.channels_last),
            self._tokens[self._caption_ids[rows]],
        )


def _train(model: nn.Module, loss: nn.Module, pairs: _Pairs, recipe: Recipe, verbose) -> None:
    rng = np.random.default_rng(recipe.seed)
    n_batches = max(len(pairs) // recipe.batch_size, 1)
    n_steps = recipe.max_epochs * n_batches
    optimizer = torch.optim.AdamW(_parameter_groups(model), betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=n_steps + 1, pct_start=0.15
    )
    model.to(memory_format=torch.channels_last).train()
    with progress_bar(n_steps, unit="step", desc="small CLIP", verbose=verbose) as bar:
        for _ in range(recipe.max_epochs):
            for rows in np.array_split(rng.permutation(len(pairs)), n_batches):
                value = loss(*model(*pairs.read(rows)))
                optimizer.zero_grad()
                value.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                with torch.no_grad():
                    model.get_parameter("logit_scale").clamp_(0, _LARGEST_LOGIT_SCALE)
                bar.update()


def _parameter_groups(model: nn.Module) -> list[dict]:
    """Parameters with weight decay, and without: gains, biases and embeddings."""
    named = dict(model.named_parameters())
    undecayed = {name for name, value in named.items() if value.ndim < 2 or "embedding" in name}
    return [
        {"params": [named[name] for name in named if name not in undecayed], "weight_decay": 0.1},
        {"params": [named[name] for name in sorted(undecayed)], "weight_decay": 0.0},
    ]


def _shift(images: Tensor) -> Tensor:
    """Shift each image by a few pixels at random, repeating its edge to fill the gap."""
    n, _, height, width = images.shape
    most = int(width * _LARGEST_SHIFT)
    padded = nn.functional.pad(images, (most,) * 4, mode="replicate")
    down, right = torch.randint(0, 2 * most + 1, (2, n, 1))
    rows = (down + torch.arange(height))[:, None, :, None]
    columns = (right + torch.arange(width))[:, None, None, :]
    return padded[
        torch.arange(n)[:, None, None, None], torch.arange(3)[:, None, None], rows, columns
    ]
