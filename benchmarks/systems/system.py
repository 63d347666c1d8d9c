"""What a system is: a row of the tables, and whatever makes its vectors and their partners."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.running.cells import NotHereError
from benchmarks.running.fingerprint import fingerprint_of, fingerprint_recipe


@dataclass
class System:
    """A row of the tables.

    Attributes
    ----------
    name : str
        Its name on the command line.
    title : str
        Its name in the tables.
    make_encoder : callable or None
        Gives the transformer from clips to vectors. It raises `NotHereError` where weights
        are missing.
    make_text_encoder, make_image_encoder : callable or None
        Give the transformers of texts and images that share its space.
    make_image_generator : callable or None
        Gives an `AudioToImage` that generates images from vectors, judged by the system's CLIP.
    make_classifier : callable or None
        From a seed, and the number of clips to learn from, to a classifier of clips that learns
        its own vectors.
    make_fine_tuner : callable or None
        From a seed, and the number of clips to learn from, to a classifier of clips that tunes
        the encoder.
    make_features : callable or None
        Gives another transformer for classifiers that are trained on its vectors; None takes
        ``make_encoder``.
    count_training : callable or None
        Gives the clips that it trains on in a whole run of the generated world, each as often
        as it is seen.
    sampling_rate : int
        Rate at which pieces of clips are cut for it, in Hz.
    slow : bool
        Whether it trains an encoder for each fold, which takes days without a GPU in the
        papers' size: it is left out unless it is named.
    colour : str
        In charts, such as "#1F7FC4"; empty takes one that is free.
    notes : list of str
        What every cell states about the system.
    trained_on : tuple of str
        Data sets that it has seen before, so that its figures there do not show transfer.
    """

    name: str
    title: str
    make_encoder: Callable | None = None
    make_text_encoder: Callable | None = None
    make_image_encoder: Callable | None = None
    make_image_generator: Callable | None = None
    make_classifier: Callable | None = None
    make_fine_tuner: Callable | None = None
    make_features: Callable | None = None
    count_training: Callable | None = None
    sampling_rate: int = 16000
    slow: bool = False
    colour: str = ""
    notes: list = field(default_factory=list)
    trained_on: tuple = ()

    def encoder(self):
        """The encoder of clips, fitted."""
        return self.make_encoder().fit(None)

    def features(self):
        """The encoder of clips for trained classifiers, fitted."""
        return (self.make_features or self.make_encoder)().fit(None)

    def fingerprint_learning(self):
        """What classes are learned from, as text: vectors of an encoder, or clips."""
        if self.make_classifier is not None:
            return fingerprint_recipe(self.make_classifier(0, 1))
        return fingerprint_of(self.features())

    def text_encoder(self):
        """The encoder of texts, fitted."""
        return self._partner(self.make_text_encoder, "texts")

    def image_encoder(self):
        """The encoder of images, fitted."""
        return self._partner(self.make_image_encoder, "images")

    def _partner(self, make, what):
        if make is None:
            raise NotHereError(f"{self.title} has no encoder of {what} in its space")
        return make().fit(None)
