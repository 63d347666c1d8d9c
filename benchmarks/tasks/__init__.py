"""The tasks of the papers, each of which fills the cells of a table or a figure."""

from tasks.audio_retrieval import AudioRetrieval
from tasks.captioning import Captioning
from tasks.classification import Classification, FineTuning
from tasks.cross_modal import CrossModal
from tasks.data_efficiency import DataEfficiency
from tasks.frame_level import FrameLevel
from tasks.imagining import Imagining
from tasks.maps import Maps
from tasks.querying import Querying
from tasks.zero_shot import ZeroShot

# What takes long, in the papers' size days without a GPU, is run only where it is asked for.
SLOW = ("fine-tuning", "pictures-from-sound")
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
        Imagining,
    )
}
