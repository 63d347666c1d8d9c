"""How much is computed: on a GPU, and in a dry run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of all parts.

    Attributes
    ----------
    clips : int
        Clips that are embedded together.
    seconds : float
        Length of a clip.
    repeats : int
        Measurements of the same, of which the median counts.
    batch_sizes : tuple of int
        Clips in a step of training.
    steps, curve_steps : int
        Steps that are timed, and steps of the curves of the loss.
    width : int
        Of the residual network that is trained; 64 is that of Wav2CLIP.
    vectors : int
        Vectors to search in.
    image : int
        Pixels along the side of a painted image.
    paint_steps, cutouts : int
        Steps of painting, and what CLIP sees in each.
    """

    clips: int
    seconds: float
    repeats: int
    batch_sizes: tuple[int, ...]
    steps: int
    curve_steps: int
    width: int
    vectors: int
    image: int
    paint_steps: int
    cutouts: int


FULL = Sizes(256, 5.0, 5, (128, 512, 2048), 40, 200, 64, 1_000_000, 512, 20, 32)
SMALL = Sizes(2, 0.25, 1, (2, 4), 2, 3, 2, 500, 32, 1, 2)
