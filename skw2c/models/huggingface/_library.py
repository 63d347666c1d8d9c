"""The library transformers: imported where a model is built, and kept quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ...exceptions import OptionalDependencyError
from ...system._optional import import_optional

_PURPOSE = "HuggingFaceAudioTransformer"


def import_transformers() -> ModuleType:
    """Import the library.

    Raises
    ------
    OptionalDependencyError
        If it is not installed.
    """
    return import_optional("transformers", extra="transformers", purpose=_PURPOSE)


def import_hub() -> ModuleType:
    """Import the client of the Hugging Face hub, which comes with it.

    Raises
    ------
    OptionalDependencyError
        If it is not installed.
    """
    return import_optional("huggingface_hub", extra="transformers", purpose=_PURPOSE)


def look_up(mapping: str, config) -> Any:
    """The class that one of the library's mappings has for a configuration; None if none.

    Parameters
    ----------
    mapping : str
        Such as ``"MODEL_MAPPING"``.
    config : PretrainedConfig

    Raises
    ------
    OptionalDependencyError
        If the class cannot be imported.
    """
    classes = getattr(import_transformers(), mapping)
    try:
        found = classes.get(type(config), None)
    except (ImportError, OSError, RuntimeError) as exc:
        # Where torchaudio is installed it is imported unasked, and fails beside another torch.
        first_line = str(exc).partition("\n")[0]
        raise OptionalDependencyError(
            f"transformers cannot import what belongs to {config.model_type!r} ({first_line}). "
            "Most often a package that it uses unasked, such as torchaudio, does not fit the "
            "installed torch: reinstall or uninstall that package"
        ) from exc
    return found[0] if isinstance(found, tuple) else found


@contextmanager
def kept_quiet() -> Iterator[None]:
    """Keep the library from printing what is checked and said here."""
    logging = import_transformers().utils.logging
    verbosity, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shows_bars:
            logging.enable_progress_bar()
