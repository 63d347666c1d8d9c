"""Training in pure torch: what is read, how a run goes, where it is kept."""

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
from ._split import find_unheard
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
    "find_unheard",
]
