"""What systems with official weights share: where the weights are, and their parameters."""

from pathlib import Path

from benchmarks.datasets.dataset import CLIPS_RATE
from benchmarks.running.cells import NotHereError
from skw2c import AudioToImage
from skw2c.weights import is_cached, registry


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


def common_parameters(options):
    """Parameters that all transformers of sound take."""
    return dict(
        sampling_rate=CLIPS_RATE,
        device=options.device,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=options.verbose,
        on_error="nan",
    )


def training_devices(options):
    """The devices of what is trained."""
    return "cpu" if options.device == "cpu" else "auto"


def make_clip(kind, options):
    """An encoder of CLIP ViT-B/32, of the class ``kind``."""
    weights = find_weights(options, ["clip-vit-b-32"])
    weights = "openai" if weights == "clip-vit-b-32" else weights
    return kind(pretrained=weights, device=options.device, normalize=True)


def make_image_generator(options):
    """Generates images from vectors in the space of CLIP ViT-B/32."""
    return AudioToImage(
        find_weights(options, ["vqgan-imagenet-f16-16384"]),
        n_iter=options.painting_steps,
        device=options.device,
        random_state=options.seed,
        verbose=options.verbose,
    )
