"""How long a run in the generated world will take on this machine, printed before it begins."""

import time

import numpy as np
import torch

from skw2c.models import Classification, build_student

_WIDTH, _BATCH, _SAMPLES = 16, 32, 48000
_SHORTEST = 0.7  # seconds of measuring
# What else takes time, in clips of training: the small CLIP and the images, for each clip;
# vectors, probes, captions and maps, for each clip and system.
_CLIP, _TASKS = 5, 4


def print_estimate(options, systems):
    """Print how long a run of all tasks will take, and what the longest parts of it are."""
    minutes = estimate_minutes(options, systems)
    parts = [f"{value:.0f} for {name}" for name, value in minutes.items() if value]
    text = f"This will take about {sum(minutes.values()):.0f} minutes as this machine is now: "
    print(f"{text}{', '.join(parts)}.", flush=True)
    slow = " and ".join(system.title for system in systems if system.slow)
    if slow:
        print(f"With --quick {slow} is left out; all other figures stay the same.", flush=True)


def estimate_minutes(options, systems):
    """Minutes that a run of all tasks takes where nothing is kept of an earlier one.

    Parameters
    ----------
    options : Namespace
    systems : list of System

    Returns
    -------
    dict of str to float
        By what they are spent on.
    """
    rate = 60 * measure_rate()
    n_clips = options.n_train + options.n_test
    learners = [system for system in systems if system.count_training is not None]
    works = {
        "the world": options.n_train * (options.epochs + _CLIP),
        **{f"the trainings of {learner.title}": learner.count_training() for learner in learners},
        "all else": n_clips * _TASKS * (len(systems) - len(learners)),
    }
    return {name: options.n_seeds * work / rate for name, work in works.items()}


def measure_rate():
    """Clips of three seconds that are trained on in a second, as things stand on this machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder, n_features = build_student("resnet18", _WIDTH)
        model = Classification(encoder, n_features, 2, multilabel=False)
        model.to(memory_format=torch.channels_last).train()
        waveforms = 0.1 * torch.randn(_BATCH, _SAMPLES)
    targets = torch.eye(2)[torch.arange(_BATCH) % 2]
    seconds = []
    while sum(seconds) < _SHORTEST or len(seconds) < 3:
        start = time.perf_counter()
        model(waveforms, targets).backward()
        seconds.append(time.perf_counter() - start)
    return _BATCH / float(np.median(seconds[1:]))
