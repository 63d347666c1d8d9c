"""The small classifier on frozen vectors, and how it is scored."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

# The paper states neither the width of its two layers nor how they are trained.
PROBES = {
    "mlp": "standardised vectors, 512 hidden units, Adam with a learning rate of 0.001, batches of "
    "200, up to 200 epochs until the training loss stands still",
    "logistic": "standardised vectors, logistic regression, C = 1",
}
"""Classifiers on frozen vectors, by what they are."""


def make_probe(name, seed, *, multilabel=False):
    """A classifier of vectors: standardisation, then two layers or logistic regression."""
    if name == "mlp":
        last = MLPClassifier((512,), batch_size="auto", max_iter=200, random_state=seed)
    else:
        last = LogisticRegression(max_iter=5000, random_state=seed)
        last = OneVsRestClassifier(last) if multilabel else last
    return make_pipeline(StandardScaler(), last)


def fit_quietly(probe, X, target, **more):
    """Fit a probe; a warning that two layers could be trained for longer is hidden.

    Its matrices are so small that threads would wait for each other longer than they work, on a
    busy machine many times as long.
    """
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return probe.fit(X, target, **more)


def mean_average_precision(target, scores, classes):
    """Mean over the classes of the average precision of each.

    Parameters
    ----------
    target : ndarray of shape (n,), str, or (n, n_classes), int
    scores : ndarray of shape (n, n_classes)
    classes : sequence of str
        Of the columns of ``scores``.

    Returns
    -------
    float
        Over the classes that occur in the target.
    """
    if target.ndim == 1:
        target = target[:, None] == np.asarray(classes)
    there = np.asarray(target).any(axis=0)
    return float(average_precision_score(target[:, there], scores[:, there], average="macro"))


def chance_of(target, measure, classes):
    """The measure of an answer that only knows which classes there are.

    For precision this is how frequent those classes are that occur.
    """
    if measure == "accuracy":
        return 1 / len(classes)
    if target.ndim == 1:
        return 1 / len(np.unique(target))
    return float(target[:, target.any(axis=0)].mean())
