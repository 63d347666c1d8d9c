"""All systems, in the order of the tables; each is written in a file of its own."""

import importlib
import os
import sys

from benchmarks.systems import (
    audioclip,
    baseline,
    distilled,
    openl3,
    supervise,
    wav2clip,
    wav2clip_mini,
    yamnet,
)
from benchmarks.systems.registered import find_registered, names_of_registered
from benchmarks.systems.system import System

_OFFICIAL = (
    supervise.official,
    openl3.official,
    yamnet.official,
    audioclip.only_sound,
    audioclip.full,
    wav2clip.official,
    wav2clip_mini.official,
    distilled.official,
    baseline.official,
)
_IN_WORLD = (
    supervise.in_world,
    baseline.in_world,
    wav2clip.untrained,
    wav2clip_mini.in_world,
    wav2clip.in_world,
)


def official_systems(options):
    """The systems with their official weights, by name.

    Parameters
    ----------
    options : Namespace
        With ``weights``, ``weights_dir``, ``output``, ``device``, ``n_jobs``, ``seed`` and
        ``verbose``, and those of each training.

    Returns
    -------
    dict of str to System
    """
    return _by_name(make(options) for make in _OFFICIAL)


def world_systems(world):
    """The systems of a generated world, by name; nothing is trained before they are used.

    Parameters
    ----------
    world : World

    Returns
    -------
    dict of str to System
    """
    return _by_name(make(world) for make in _IN_WORLD)


def _by_name(systems):
    return {system.name: system for system in systems}


def choose_systems(options, known):
    """The systems that the command line names; without names all that are not slow.

    Parameters
    ----------
    options : Namespace
        With ``features``: names of systems that are known, of encoders that any package has
        registered in skw2c, with their weights where need be, as ``name=path``, or of factories.
    known : dict of str to System

    Returns
    -------
    list of System

    Raises
    ------
    ValueError
        If a name is none of these.
    """
    if options.features is None:
        return [system for system in known.values() if not system.slow]
    return [
        known[name] if name in known else _find(name, options, known) for name in options.features
    ]


def _find(name, options, known):
    found = find_registered(name, options)
    if found is not None:
        return found
    if ":" in name:
        return load_factory(name)
    names = ", ".join(dict.fromkeys([*known, *names_of_registered()]))
    raise ValueError(f"unknown system {name!r}: known are {names}, and your own as module:factory")


def load_factory(name):
    """A system of the user's own: ``module:factory`` gives a transformer of clips.

    Raises
    ------
    ValueError
        If it cannot be imported.
    """
    module, _, factory = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # where people keep a module of their own
    try:
        make = getattr(importlib.import_module(module), factory)
    except Exception as exc:  # whatever the module does when it is imported
        raise ValueError(f"{name!r} cannot be imported ({type(exc).__name__}: {exc})") from exc
    return System(name, name, make)
