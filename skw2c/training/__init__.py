"""Training in pure torch: batches, the one loop, checkpoints, and shards as they are read.

What differs between trainings is in `Batches`, in a model with its loss and in a recipe; nothing
here knows estimators or X.
"""

from ._augment import WaveformAugmentation
from ._batches import SoundBatches
from ._caption_batches import CaptionBatches, CaptionedFrames
from ._clips import TensorClips, TrainingClips, WaveformClips
from ._engine import PRECISIONS, SingleDevice, choose_engine
from ._epoch_progress import Progress
from ._loop import Run, RunState, Schedule
from ._plan import Plan
from ._recipe import AdamOnCosine, AdamOnPlateau, ClippedAdamW, NesterovSGD
from ._run_folder import RunFolder
from ._split import find_unvalidated
from ._targets import Targets

__all__ = [
    "PRECISIONS",
    "AdamOnCosine",
    "AdamOnPlateau",
    "CaptionBatches",
    "CaptionedFrames",
    "ClippedAdamW",
    "NesterovSGD",
    "Plan",
    "Progress",
    "Run",
    "RunFolder",
    "RunState",
    "Schedule",
    "SingleDevice",
    "SoundBatches",
    "Targets",
    "TensorClips",
    "TrainingClips",
    "WaveformAugmentation",
    "WaveformClips",
    "choose_engine",
    "find_unvalidated",
]
