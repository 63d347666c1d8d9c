"""The systems that are compared: what makes their vectors, and what shares their space."""

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sklearn.pipeline import make_pipeline

from benchmarks.running.cells import NotHereError
from benchmarks.running.fingerprint import identify, identify_recipe
from benchmarks.running.probes import make_probe
from benchmarks.systems.distilled import DistilledFeatures, make_student
from benchmarks.systems.mfcc import MFCCTransformer
from skw2c import (
    AudioCLIPFineTuner,
    AudioCLIPTransformer,
    AudioToImage,
    CLIPImageEncoder,
    CLIPTextEncoder,
    OpenL3ImageTransformer,
    OpenL3Transformer,
    SupervisedAudioClassifier,
    Wav2CLIPTransformer,
    YAMNetTransformer,
)
from skw2c.weights import is_cached, registry, sha256_of


@dataclass
class System:
    """A row of the tables.

    Attributes
    ----------
    name : str
        What the command line calls it.
    title : str
        What tables call it.
    make_encoder : callable or None
        Gives the transformer from clips to vectors. It raises `NotHereError` where weights
        lack.
    make_fine_tuner : callable or None
        From a seed, and the number of clips to learn from, to a classifier of clips that tunes
        the encoder.
    make_features : callable or None
        Gives another transformer for classifiers that are trained on its vectors; None takes
        ``make_encoder``.
    make_text_encoder, make_image_encoder : callable or None
        Give the transformers of texts and pictures that share its space.
    make_painter : callable or None
        Gives an `AudioToImage` that paints from vectors under the eyes of the system's CLIP.
    make_classifier : callable or None
        From a seed, and the number of clips to learn from, to a classifier of clips that learns
        its own vectors.
    sampling_rate : int
        Rate at which pieces of clips are cut for it, in Hz.
    notes : list of str
        What every cell says of the system.
    trained_on : tuple of str
        Data sets that it has seen before, so that its figures there are no transfer.
    """

    name: str
    title: str
    make_encoder: Callable | None = None
    make_text_encoder: Callable | None = None
    make_image_encoder: Callable | None = None
    make_painter: Callable | None = None
    make_classifier: Callable | None = None
    make_fine_tuner: Callable | None = None
    make_features: Callable | None = None
    sampling_rate: int = 16000
    notes: list = field(default_factory=list)
    trained_on: tuple = ()

    def encoder(self):
        """The encoder of clips, fitted."""
        return self.make_encoder().fit(None)

    def features(self):
        """The encoder of clips for trained classifiers, fitted."""
        return (self.make_features or self.make_encoder)().fit(None)

    def identify_learning(self):
        """What classes are learned from, in words: vectors of an encoder, or clips."""
        if self.make_classifier is not None:
            return identify_recipe(self.make_classifier(0, 1))
        return identify(self.features())

    def text_encoder(self):
        """The encoder of texts, fitted."""
        return self._partner(self.make_text_encoder, "texts")

    def image_encoder(self):
        """The encoder of pictures, fitted."""
        return self._partner(self.make_image_encoder, "pictures")

    def _partner(self, make, what):
        if make is None:
            raise NotHereError(f"{self.title} has no encoder of {what} in its space")
        return make().fit(None)


def find_weights(options, names, files=()):
    """Find weights below ``--weights-dir`` or in the cache; nothing is downloaded.

    Parameters
    ----------
    options : Namespace
    names : sequence of str
        Names in the registry of weights, the best first.
    files : sequence of str
        Names of other files that hold the same weights.

    Returns
    -------
    str
        A path, or a name in the registry.

    Raises
    ------
    NotHereError
        If there are none.
    """
    folders = [Path(options.weights_dir)] if options.weights_dir else []
    wanted = [*(registry()[name].file for name in names), *files]
    for path in (folder / file for folder in folders for file in wanted):
        if path.is_file():
            return str(path)
    for name in names:
        if is_cached(name):
            return name
    entry = registry()[names[0]]
    raise NotHereError(
        f"{entry.file} is neither in the folder of --weights-dir nor in the cache (it is at "
        f"{entry.url})"
    )


def title_wav2clip(weights):
    """What Wav2CLIP is called with the official weights, random ones, or somebody's own."""
    if weights == "none":
        return "Wav2CLIP (untrained)"
    path = Path(weights)
    own = path.is_file() and sha256_of(path) != registry()["wav2clip"].sha256
    return f"Wav2CLIP ({path.name})" if own else "Wav2CLIP"


class Catalogue:
    """All systems that the package has, with their official weights.

    Parameters
    ----------
    options : Namespace
        With ``weights``, ``weights_dir``, ``output``, ``device``, ``n_jobs``, ``seed`` and
        ``verbose``.
    """

    def __init__(self, options):
        self._options = options
        self._systems = {
            system.name: system
            for system in (
                self._supervise(),
                self._openl3(),
                self._yamnet(),
                self._audioclip("audioclip-partial", "AudioCLIP (partial)"),
                self._audioclip("audioclip-full", "AudioCLIP"),
                self._wav2clip(),
                self._mini(),
                self._distilled(),
                System("mfcc", "MFCC", MFCCTransformer),
            )
        }

    def systems(self):
        """All systems by name, in the order of the tables."""
        return dict(self._systems)

    def _common(self):
        options = self._options
        return dict(
            device=options.device, n_jobs=options.n_jobs, random_state=options.seed,
            verbose=options.verbose, on_error="nan",
        )  # fmt: skip

    def _wav2clip(self):
        options = self._options
        untrained = options.weights == "none"

        def make(output="embedding"):
            weights = options.weights
            if weights == "auto":
                weights = find_weights(options, ["wav2clip"])
            return Wav2CLIPTransformer(
                None if untrained else weights, output=output, **self._common()
            )

        return System(
            "wav2clip",
            title_wav2clip(options.weights),
            make,
            lambda: self._make_clip(CLIPTextEncoder),
            lambda: self._make_clip(CLIPImageEncoder),
            make_painter=self._make_painter,
            make_features=lambda: make(options.output),
            notes=["random weights"] if untrained else [],
            trained_on=() if untrained else ("VGGSound",),
        )

    def _make_clip(self, kind):
        weights = find_weights(self._options, ["clip-vit-b-32"])
        weights = "openai" if weights == "clip-vit-b-32" else weights
        return kind(pretrained=weights, device=self._options.device, normalize=True)

    def _make_painter(self):
        return AudioToImage(
            find_weights(self._options, ["vqgan-imagenet-f16-16384"]),
            n_iter=self._options.painting_steps, device=self._options.device,
            random_state=self._options.seed, verbose=self._options.verbose,
        )  # fmt: skip

    def _mini(self):
        def make(output="embedding"):
            return Wav2CLIPTransformer("mini", output=output, **self._common())

        return System(
            "mini",
            "Wav2CLIP mini",
            make,
            lambda: self._make_clip(CLIPTextEncoder),
            lambda: self._make_clip(CLIPImageEncoder),
            make_features=lambda: make("encoder"),
        )

    def _make_yamnet(self, **parameters):
        files = ["yamnet_float32.npz", "yamnet.tflite"]
        weights = find_weights(self._options, ["yamnet"], files)
        return YAMNetTransformer(weights, **parameters, **self._common())

    def _yamnet(self):
        return System("yamnet", "YAMNet", self._make_yamnet)

    def _distilled(self):
        options = self._options

        def make(seed, n_clips):
            student = make_student(
                self._make_yamnet(tail="drop"), random_state=seed, verbose=options.verbose,
                devices="cpu" if options.device == "cpu" else "auto",
            )  # fmt: skip
            features = DistilledFeatures(student, checkpoints=f"{options.cache}/runs")
            return make_pipeline(features, make_probe(options.probe, seed))

        return System(
            "distilled", "Distilled from YAMNet", make_classifier=make,
            notes=["trained, without labels, on the clips of the other folds"],
        )  # fmt: skip

    def _openl3(self):
        own = dict(content_type="env", input_repr="mel256")

        def make():
            name = f"openl3-audio-{own['input_repr']}-{own['content_type']}"
            return OpenL3Transformer(find_weights(self._options, [name]), **own, **self._common())

        def make_image():
            name = f"openl3-image-{own['input_repr']}-{own['content_type']}"
            return OpenL3ImageTransformer(
                find_weights(self._options, [name]), **own, device=self._options.device
            )

        return System("openl3", "OpenL3", make, make_image_encoder=make_image, sampling_rate=48000)

    def _audioclip(self, weights, title):
        """The model whose parts were all trained on AudioSet, or only that of sounds."""
        names, options = [weights], self._options

        def make():
            return AudioCLIPTransformer(find_weights(options, names), **self._common())

        def partner(kind):
            return lambda: kind(
                "RN50-quickgelu",
                find_weights(options, names),
                device=options.device,
                normalize=True,
            )

        def tune(seed, n_clips):
            return AudioCLIPFineTuner(
                find_weights(options, names), n_jobs=options.n_jobs, random_state=seed,
                devices="cpu" if options.device == "cpu" else "auto", verbose=options.verbose,
            )  # fmt: skip

        return System(
            weights.removesuffix("-full"),
            title,
            make,
            partner(CLIPTextEncoder),
            partner(CLIPImageEncoder),
            make_fine_tuner=tune,
            sampling_rate=44100,
        )

    def _supervise(self):
        options = self._options

        def make(seed, n_clips):
            return SupervisedAudioClassifier(
                encoder_width=options.supervise_width, max_epochs=options.supervise_epochs,
                n_jobs=options.n_jobs, random_state=seed, verbose=options.verbose,
                devices="cpu" if options.device == "cpu" else "auto",
            )  # fmt: skip

        return System("supervise", "Supervise", make_classifier=make)


def load_factory(name):
    """A system of the user's own: ``module:factory`` gives a transformer of clips.

    Raises
    ------
    ValueError
        If there is no such thing.
    """
    module, _, factory = name.partition(":")
    if not factory:
        raise ValueError(f"{name!r} is no system; one of your own is named module:factory")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # where people keep a module of their own
    try:
        make = getattr(importlib.import_module(module), factory)
    except Exception as exc:  # whatever the module does when it is imported
        raise ValueError(f"{name!r} cannot be imported ({type(exc).__name__}: {exc})") from exc
    return System(name, name, make)
