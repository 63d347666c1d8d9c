"""Trials: a classifier is trained on some clips and tested on others; its predictions are kept."""

import hashlib
import shutil
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from benchmarks.running.probes import fit_quietly
from skw2c.system._atomic import open_atomically

VERSION = 2
"""Raise it when the same trial comes out differently than before."""


class TrialStore:
    """Predictions of classifiers in finished trials, each in a file of its own.

    A cell that was interrupted goes on with its next trial, a training that writes checkpoints
    where it was, and a trial that belongs to two tables is made once.

    Parameters
    ----------
    folder : str or Path
    """

    def __init__(self, folder):
        self._folder = Path(folder)

    def predict(self, model, X, target, train, test, fingerprint, groups=None):
        """Probabilities of the tested clips: from disk, or by a model that is trained first.

        Parameters
        ----------
        model : classifier
        X : list or ndarray
            Clips or vectors.
        target : ndarray
            The class of each, or its classes.
        train, test : ndarray of int
            Rows of ``X`` to train on, and to predict.
        fingerprint : tuple
            All that the probabilities depend on.
        groups : ndarray or None
            The recording of each clip, for models that hold some clips out for validation.

        Returns
        -------
        scores : ndarray of shape (n_test, n_classes), float64
        classes : ndarray of shape (n_classes,), str
            Of the columns.
        """
        name = hashlib.sha256(repr((VERSION, *fingerprint)).encode()).hexdigest()[:32]
        path, checkpoints = self._folder / f"{name}.npz", self._folder / name
        kept = _read(path)
        if kept is not None:
            return kept
        if "checkpoint_dir" in model.get_params(deep=False):
            model.set_params(checkpoint_dir=str(checkpoints))
        grouped = groups is not None and has_fit_parameter(model, "groups")
        more = {"groups": groups[train]} if grouped else {}
        fit_quietly(model, _pick(X, train), target[train], **more)
        scores = np.asarray(model.predict_proba(_pick(X, test)), np.float64)
        classes = np.asarray(model.classes_).astype(str)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(path) as file:
            np.savez(file, scores=scores, classes=classes)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return scores, classes


def _pick(X, rows):
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def _read(path):
    try:
        with np.load(path) as arrays:
            return arrays["scores"], arrays["classes"]
    except (FileNotFoundError, BadZipFile, ValueError, EOFError, KeyError):
        return None
