"""The task of ESC-50: official folds, frozen features, a small classifier on top."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# Two layers as in the paper, which states neither their width nor how they are trained.
CLASSIFIERS = {
    "mlp": lambda seed: MLPClassifier((512,), batch_size=64, max_iter=500, random_state=seed),
    "logistic": lambda seed: LogisticRegression(max_iter=5000, random_state=seed),
}


def evaluate(data, features, classifier, seed):
    """Score a pipeline on every fold.

    Parameters
    ----------
    data : ClassificationData
        Clips, classes and folds.
    features : transformer
        From clips to vectors.
    classifier : {"mlp", "logistic"}
        What is trained on the vectors, after standardisation.
    seed : int
        Seed of the classifier.

    Returns
    -------
    DataFrame
        One row per fold: ``fold``, ``n_train``, ``n_test``, ``accuracy``.
    """
    pipeline = make_pipeline(features, StandardScaler(), CLASSIFIERS[classifier](seed))
    splitter = PredefinedSplit(data.fold)
    scores = cross_validate(
        pipeline, data.clips, data.target, cv=splitter, scoring="accuracy", error_score="raise"
    )
    folds = np.unique(data.fold)
    n_test = np.array([np.sum(data.fold == fold) for fold in folds])
    return pd.DataFrame(
        {
            "fold": folds,
            "n_train": len(data.clips) - n_test,
            "n_test": n_test,
            "accuracy": scores["test_score"],
        }
    )
