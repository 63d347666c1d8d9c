"""The tasks of the papers, each of which fills the cells of a table or a figure."""

from benchmarks.tasks.audio_retrieval import AudioRetrieval
from benchmarks.tasks.captioning import Captioning
from benchmarks.tasks.classification import Classification, FineTuning
from benchmarks.tasks.cross_modal import CrossModal
from benchmarks.tasks.data_efficiency import DataEfficiency
from benchmarks.tasks.frame_level import FrameLevel
from benchmarks.tasks.image_generation import ImageGeneration
from benchmarks.tasks.maps import Maps
from benchmarks.tasks.querying import Querying
from benchmarks.tasks.zero_shot import ZeroShot

TASKS = {
    kind.name.replace(" ", "-"): kind
    for kind in (
        Classification,
        ZeroShot,
        AudioRetrieval,
        CrossModal,
        Captioning,
        DataEfficiency,
        FrameLevel,
        Querying,
        Maps,
        FineTuning,
        ImageGeneration,
    )
}
