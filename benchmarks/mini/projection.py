"""The projections of a trained encoder, into the space of CLIP and that of its own words."""

import numpy as np
import torch
from torch.nn.functional import normalize

from skw2c.models.wav2clip._wav2clip_network import Projection

CLIP_SCALE = 100.0
"""What CLIP multiplies its cosines by."""

WORD_SCALE = 20.0
"""Cosines in the space of words are spread further."""


def fit_projection(
    features, shares, labels, *, scale=CLIP_SCALE, n_epochs=15, batch_size=256, seed=0
):
    """Fit the two layers that bring sounds near their labels.

    It begins at the mean of the labels of each sound, found by solving for it, and then asks
    that the cosines with all labels tell their shares, as CLIP tells classes by its cosines.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Vectors of the encoder, none negative.
    shares : ndarray of shape (n, n_labels)
        Of each word in each sound.
    labels : ndarray of shape (n_labels, width)
        Of unit length.
    scale : float
        What cosines are multiplied by.
    n_epochs, batch_size : int
    seed : int

    Returns
    -------
    dict of str to Tensor
        Entries of `Projection`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        projection = Projection(features.shape[1], labels.shape[1], labels.shape[1])
        projection.load_state_dict(solve(features, shares @ labels, seed=seed))
        optimizer = torch.optim.AdamW(projection.parameters(), 1e-3, weight_decay=1e-4)
        x, y, labels = (torch.from_numpy(a).float() for a in (features, shares, labels))
        for _ in range(n_epochs):
            for rows in torch.randperm(len(x)).split(batch_size):
                logits = scale * normalize(projection(x[rows]), dim=1) @ labels.T
                loss = -(y[rows] * logits.log_softmax(dim=1)).sum(dim=1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return {name: value.detach() for name, value in projection.state_dict().items()}


def solve(features, targets, *, regularisation=1e-2, seed=0):
    """Find layers that bring features near targets.

    The first hands the features on, which are positive and pass the rectifier as they are,
    and mixes them at random for the rest of its width; where it is narrower than the features, it
    hands on their principal components, which a bias makes positive. The second is a ridge
    regression.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    targets : ndarray of shape (n, width)
    regularisation : float
        Part of the mean variance of the hidden units that is added to each.
    seed : int
        Of the random part.
    """
    width, n_features = targets.shape[1], features.shape[1]
    make = _hand_on if width >= n_features else _reduce
    kernel, bias = make(features, width, seed)
    hidden = np.maximum(features @ kernel.T + bias, 0).astype(np.float64)
    x, y = hidden - hidden.mean(axis=0), targets - targets.mean(axis=0)
    gram = x.T @ x
    gram += regularisation * np.trace(gram) / width * np.eye(width)
    solution = np.linalg.solve(gram, x.T @ y).T
    entries = {
        "sequential.0.weight": kernel,
        "sequential.0.bias": bias,
        "sequential.3.weight": solution,
        "sequential.3.bias": targets.mean(axis=0) - solution @ hidden.mean(axis=0),
    }
    return {name: torch.from_numpy(value).float() for name, value in entries.items()}


def _hand_on(features, width, seed):
    spread = features.std(axis=0) + 1e-6
    n_features = features.shape[1]
    mixed = np.random.default_rng(seed).normal(size=(width - n_features, n_features)) / spread
    mixed *= spread.mean() / np.sqrt(n_features)
    kernel = np.concatenate([np.eye(n_features), mixed])
    return kernel, np.concatenate([np.zeros(n_features), -mixed @ features.mean(axis=0)])


def _reduce(features, width, seed):
    spread = features.std(axis=0) + 1e-6
    standardised = (features - features.mean(axis=0)) / spread
    variances, directions = np.linalg.eigh(standardised.T @ standardised / len(features))
    kernel = directions[:, ::-1][:, :width].T / spread
    lift = 3 * np.sqrt(np.maximum(variances[::-1][:width], 0))
    return kernel, lift - kernel @ features.mean(axis=0)
