"""Encoders that any package registers in skw2c: a row each, without a line in the benchmarks."""

from pathlib import Path

from benchmarks.running.cells import NotHereError
from benchmarks.systems.official import common_parameters, find_weights
from benchmarks.systems.system import System
from skw2c.transformers._encoder_registry import find_encoder, is_registered, names_of_encoders
from skw2c.transformers._encoders import make_partner
from skw2c.transformers._sound_transformer import SoundTransformer
from skw2c.weights import is_cached, registry, sha256_of


def names_of_registered():
    """Names of all encoders of audio that are registered."""
    return names_of_encoders("audio")


def find_registered(name, options):
    """The system of a registered encoder of audio, or None where the name is not one.

    Its partners are those that share its space, as the registry tells. Nothing is downloaded:
    official weights are taken from ``--weights-dir`` or the cache.

    Parameters
    ----------
    name : str
        The name alone, or with the weights to take, such as ``"clap=folder"``.
    options : Namespace
        With ``weights_dir``, ``device``, ``n_jobs``, ``seed`` and ``verbose``.

    Returns
    -------
    System or None
    """
    name, _, weights = name.partition("=")
    if not is_registered(name, "audio") or find_encoder(name, "audio").embeds != "audio":
        return None
    entry = find_encoder(name, "audio")
    _check_weights(entry, weights)
    known = _official_name(entry.make(), weights)

    def make():
        own = _choose_weights(name, known, weights, options)
        return entry.make(**common_parameters(options), **own)

    return System(
        f"{name}={weights}" if weights else name,
        known or (f"{name} ({Path(weights).name})" if weights else name),
        make_encoder=make,
        make_text_encoder=_find_partner(name, "text", make, known, options),
        make_image_encoder=_find_partner(name, "image", make, known, options),
        sampling_rate=getattr(entry.make(), "sampling_rate", System.sampling_rate),
    )


def _check_weights(entry, weights):
    """Refuse weights that are not there, or that the encoder would not take."""
    if not weights:
        return
    if "weights" not in entry.encoder._get_param_names():
        raise ValueError(f"{entry.name!r} takes no weights: leave ={weights} out")
    if not Path(weights).exists():
        raise ValueError(f"{entry.name}={weights} names weights that are not there")


def _official_name(encoder, weights):
    """What the weights are called in the registry of weights; None for all others."""
    if not weights:
        return encoder._name_of_weights() if isinstance(encoder, SoundTransformer) else None
    if not Path(weights).is_file():
        return None
    sha256 = sha256_of(weights)
    return next((file.name for file in registry().values() if file.sha256 == sha256), None)


def _choose_weights(name, known, weights, options):
    """The parameter for the weights of an encoder, where there is one to set.

    Raises
    ------
    NotHereError
        If official ones are neither in ``--weights-dir`` nor in the cache.
    """
    if weights:
        return {"weights": weights}
    if known is None or registry()[known].packaged:
        return {}
    folder = Path(options.weights_dir or "", known)
    if options.weights_dir and folder.is_dir():
        return {"weights": str(folder)}
    try:
        return {"weights": find_weights(options, [known])}
    except NotHereError as exc:
        raise NotHereError(f"{exc}; weights elsewhere are named as {name}=PATH") from exc


def _find_partner(name, embeds, make_encoder, known, options):
    """What makes the encoder that shares the space; None where the registry knows of none."""
    if make_partner(name, embeds) is None:
        return None

    def make():
        encoder = make_encoder()
        if known is not None and not Path(str(encoder.weights)).is_dir():
            _check_companions(known)
        return make_partner(encoder, embeds, device=options.device, normalize=True)

    return make


def _check_companions(known):
    """Refuse to download what goes with official weights, such as a tokenizer."""
    for name in registry()[known].companions.values():
        if not is_cached(name):
            entry = registry()[name]
            raise NotHereError(f"{entry.file} is not in the cache (it is at {entry.url})")
