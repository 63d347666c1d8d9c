"""Encoders that any package registers in skw2c: a row each, without a line in the benchmarks."""

from functools import partial

from benchmarks.systems.official import common_parameters
from benchmarks.systems.system import System
from skw2c.transformers._encoder_registry import find_encoder, is_registered, names_of_encoders
from skw2c.transformers._encoders import make_partner, resolve_encoder


def names_of_registered():
    """Names of all encoders of audio that are registered."""
    return names_of_encoders("audio")


def find_registered(name, options):
    """The system of a registered encoder of audio, or None where the name is not one.

    Its partners are those that share its space, as the registry tells.

    Parameters
    ----------
    name : str
    options : Namespace
        With ``device``, ``n_jobs``, ``seed`` and ``verbose``.

    Returns
    -------
    System or None
    """
    if not is_registered(name, "audio") or find_encoder(name, "audio").embeds != "audio":
        return None
    make = partial(resolve_encoder, name, "audio", **common_parameters(options))
    return System(
        name,
        name,
        make_encoder=make,
        make_text_encoder=_find_partner(name, "text", options),
        make_image_encoder=_find_partner(name, "image", options),
        sampling_rate=getattr(make(), "sampling_rate", System.sampling_rate),
    )


def _find_partner(name, embeds, options):
    make = partial(make_partner, name, embeds, device=options.device, normalize=True)
    return None if make() is None else make
