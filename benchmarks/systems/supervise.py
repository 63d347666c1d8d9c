"""Supervise: the encoder of Wav2CLIP, trained from scratch on labels."""

import numpy as np

from benchmarks.datasets import generated
from benchmarks.systems.official import training_devices
from benchmarks.systems.system import System
from skw2c import SupervisedAudioClassifier

# A tenth of fewer clips cannot tell which epoch was best.
_ENOUGH_TO_VALIDATE = 500
_FULL, _MOST_EPOCHS = 1000, 7
# As many steps of half as many clips cost half, and with few clips lead about as far.
_BATCH, _FEW, _SMALLEST_BATCH = 32, 250, 12
_MEASURED_WIDTH = 16
_LEARNED_KINDS = 10 / 12  # the others of the world are kept from it


def _supervise(make, **more):
    return System(
        "supervise", "Supervise", make_classifier=make, slow=True, colour="#D55E00", **more
    )


def official(options):
    """As the papers train it, as far as they state it."""

    def make(seed, n_clips):
        return SupervisedAudioClassifier(
            encoder_width=options.supervise_width,
            max_epochs=options.supervise_epochs,
            n_jobs=options.n_jobs,
            random_state=seed,
            verbose=options.verbose,
            devices=training_devices(options),
        )

    return _supervise(make)


def in_world(world):
    """For short clips, and few of them."""
    options = world.options

    def make(seed, n_clips):
        batch_size, max_epochs = plan_training(options.supervise_epochs, n_clips)
        return SupervisedAudioClassifier(
            encoder_width=options.supervise_width,
            clip_length=3.0,
            learning_rate=2e-3,
            batch_size=batch_size,
            lr_patience=2,
            early_stopping_patience=None,
            max_epochs=max_epochs,
            validation_fraction=0.1 if n_clips >= _ENOUGH_TO_VALIDATE else 0.0,
            n_jobs=options.n_jobs,
            devices="cpu",
            random_state=seed,
            verbose=options.verbose,
        )

    note = (
        "trained for more epochs where there are fewer clips; no clips are held out for "
        f"validation where there are fewer than {_ENOUGH_TO_VALIDATE}"
    )
    return _supervise(make, notes=[note], count_training=lambda: count_training(options))


def plan_training(n_epochs, n_clips):
    """Batch size and epochs from scratch: about as many steps for fewer clips, within reason."""
    epochs = np.clip(n_epochs * _FULL / n_clips, n_epochs, _MOST_EPOCHS * n_epochs)
    batch = whole = min(_BATCH, n_clips)
    if n_clips < _FEW:
        batch = max(whole // 2, min(whole, _SMALLEST_BATCH))
    return batch, round(epochs * batch / whole)


def count_training(options):
    """Clips of all trainings in the world, each as often as it is seen, at a width of 16."""
    n_clips = round(options.n_train * _LEARNED_KINDS)
    sizes = [round(n_clips * share / 100) for share in options.supervise_shares]
    sizes.append(generated.N_MIXTURES["train"])
    if 100 not in options.supervise_shares:
        sizes.append(n_clips)
    scale = options.supervise_width / _MEASURED_WIDTH
    return scale * sum(n * plan_training(options.supervise_epochs, n)[1] for n in sizes)
