"""An encoder that learns from YAMNet by the clips that it is given, without their labels."""

from pathlib import Path

import joblib
from sklearn.base import BaseEstimator, TransformerMixin, clone

from benchmarks.running.fingerprint import fingerprint_recipe
from skw2c import Distiller


class DistilledFeatures(TransformerMixin, BaseEstimator):
    """Vectors of an encoder that learned from a teacher, and not from the labels.

    Parameters
    ----------
    distiller : Distiller
        With a teacher.
    output : {"embedding", "encoder"}, default="encoder"
        The vectors in the teacher's space, or those before.
    checkpoints : str
        Folder in which each training, of other clips or parameters, has a folder of its own.
    """

    def __init__(self, distiller, output="encoder", checkpoints="checkpoints"):
        self.distiller = distiller
        self.output = output
        self.checkpoints = checkpoints

    def fit(self, X, y=None):
        """Train the encoder on the teacher's targets for the clips; y is ignored."""
        known_by = joblib.hash((list(X), fingerprint_recipe(self.distiller)))[:16]
        folder = Path(self.checkpoints) / known_by
        distiller = Distiller(**self.distiller.get_params(deep=False))
        distiller.set_params(checkpoint_dir=str(folder)).fit(list(X), list(X))
        self.transformer_ = distiller.to_transformer(output=self.output)
        return self

    def transform(self, X):
        return self.transformer_.transform(list(X))


def make_student(teacher, **parameters):
    """A distiller for some hundreds of clips of some seconds.

    Parameters
    ----------
    teacher : YAMNetTransformer
    **parameters
        Of `Distiller`.
    """
    recipe = dict(
        encoder_width=16,
        clip_length=2.5,
        max_epochs=60,
        batch_size=64,
        learning_rate=3e-3,
        lr_patience=8,
        early_stopping_patience=None,
        validation_fraction=0.0,
        augment="audioclip",
        precision="bf16-mixed",
    )
    return Distiller(
        teacher=clone(teacher).set_params(mode="frame"),
        frame_rate=1 / teacher.hop_length,
        **(recipe | parameters),
    )
