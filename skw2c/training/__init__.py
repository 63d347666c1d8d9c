"""Training in pure torch: what is read, how a run goes, where it is kept."""

from ._augment import WaveformAugmentation
from ._caption_batches import CaptionedFrames, CaptionRun
from ._clips import TensorClips, TrainingClips, WaveformClips
from ._engine import PRECISIONS, choose_engine
from ._epoch_progress import Progress
from ._loop import Run, Schedule, Standing
from ._plan import Plan
from ._recipe import AdamOnCosine, AdamOnPlateau, NesterovSGD
from ._run_folder import RunFolder
from ._split import find_unheard
from ._targets import Targets

__all__ = [
    "PRECISIONS",
    "AdamOnCosine",
    "AdamOnPlateau",
    "CaptionRun",
    "CaptionedFrames",
    "NesterovSGD",
    "Plan",
    "Progress",
    "Run",
    "RunFolder",
    "Schedule",
    "Standing",
    "Targets",
    "TensorClips",
    "TrainingClips",
    "WaveformAugmentation",
    "WaveformClips",
    "choose_engine",
    "find_unheard",
]
