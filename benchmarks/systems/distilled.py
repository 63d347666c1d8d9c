"""An encoder that learns from YAMNet, once for each fold."""

from sklearn.pipeline import make_pipeline

from benchmarks.running.probes import make_probe
from benchmarks.systems.distilled_features import DistilledFeatures, make_student
from benchmarks.systems.official import training_devices
from benchmarks.systems.system import System
from benchmarks.systems.yamnet import make_yamnet


def official(options):
    """It learns from the clips of the other folds, and a probe from their labels."""

    def make(seed, n_clips):
        student = make_student(
            make_yamnet(options, tail="drop"),
            random_state=seed,
            verbose=options.verbose,
            devices=training_devices(options),
        )
        features = DistilledFeatures(student, checkpoints=f"{options.cache}/runs")
        return make_pipeline(features, make_probe(options.probe, seed))

    return System(
        "distilled",
        "Distilled from YAMNet",
        make_classifier=make,
        slow=True,
        notes=["trained, without labels, on the clips of the other folds"],
    )
