"""Read the files of a folder that describe a model, without running anything from it."""

from __future__ import annotations

from ...exceptions import WeightsError
from ...weights import WeightsReference
from ...weights._companion import damaged_companion, parse_companion
from ._library import import_transformers, kept_quiet, look_up

_EXTRACTOR_FILES = ("processor_config.json", "preprocessor_config.json")
# How the network is computed is decided here; some values of these name code to be fetched.
_NOT_TAKEN = ("attn_implementation", "_attn_implementation", "experts_implementation", "auto_map")


def read_config(reference: WeightsReference):
    """Make the configuration of the network.

    Raises
    ------
    WeightsError
        If ``config.json`` is damaged, or describes no network of the library.
    """
    stated = _read(reference, "config.json") or {}
    if stated.get("quantization_config"):
        raise WeightsError(
            f"{reference.label} holds quantised weights, which are not run here: take the "
            "original ones"
        )
    kind = stated.pop("model_type", None)
    _check_is_known(kind, "auto_map" in stated, reference.label)
    stated = {name: value for name, value in stated.items() if name not in _NOT_TAKEN}
    try:
        with kept_quiet():
            return import_transformers().AutoConfig.for_model(kind, **stated)
    except Exception as exc:  # each configuration checks its values in its own way
        raise damaged_companion("config.json", reference.label, exc) from exc


def read_extractor(reference: WeightsReference, config):
    """Make the feature extractor that belongs to a configuration.

    Raises
    ------
    WeightsError
        If the folder describes none, or another one than the library has for the network.
    """
    source, stated = _find_extractor(reference)
    kind = look_up("FEATURE_EXTRACTOR_MAPPING", config)
    named = stated.get("feature_extractor_type", kind.__name__)
    if named != kind.__name__:
        raise WeightsError(
            f"{reference.label} names the feature extractor {named!r} in {source}, and the kind "
            f"{config.model_type!r} has {kind.__name__!r}: the model would not hear what it was "
            "trained on"
        )
    try:
        with kept_quiet():
            return kind(**stated)
    except Exception as exc:  # as above
        raise damaged_companion(source, reference.label, exc) from exc


def _check_is_known(kind, has_code: bool, source: str) -> None:
    transformers = import_transformers()
    if isinstance(kind, str) and kind in transformers.CONFIG_MAPPING:
        return
    found = (
        "has a config.json without model_type, which says what network it is"
        if kind is None
        else f"is of the kind {kind!r}, which transformers {transformers.__version__} does not know"
    )
    cure = (
        "It brings code of its own, and code from outside is never run here"
        if has_code
        else "Take another model, or another version of transformers"
    )
    raise WeightsError(f"{source} {found}. {cure}")


def _find_extractor(reference: WeightsReference) -> tuple[str, dict]:
    """Name of the file that describes the feature extractor, and what it states."""
    for name in _EXTRACTOR_FILES:
        stated = _read(reference, name)
        if stated is not None and name == "processor_config.json":
            stated = stated.get("feature_extractor")
        if isinstance(stated, dict):
            return name, stated
    raise WeightsError(
        f"{reference.label} has neither preprocessor_config.json nor a processor_config.json with "
        "a feature extractor, so that the rate and form of the model's input are unknown. "
        "feature_extractor.save_pretrained(folder) writes it"
    )


def _read(reference: WeightsReference, name: str) -> dict | None:
    return parse_companion(reference.read_companion(name), name, reference.label)
