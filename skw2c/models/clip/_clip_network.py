"""The network of CLIP as open_clip makes it, and its weights, read strictly."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...exceptions import WeightsError
from ...weights import CLIPReference, import_open_clip, read_checkpoint, registry

# What OpenAI's checkpoints hold beside the weights; no other checkpoint has them.
_OPENAI_ENTRIES = ("input_resolution", "context_length", "vocab_size")

# What AudioCLIP's checkpoints hold beside those of OpenAI's CLIP.
_AUDIOCLIP_ENTRIES = ("audio.", "logit_scale_ai", "logit_scale_at")


@dataclass(frozen=True)
class CLIPNetwork:
    """A model of open_clip, with what belongs to it.

    Attributes
    ----------
    model : nn.Module
        What `open_clip.create_model` gives.
    tokenizer : callable
        What `open_clip.get_tokenizer` gives.
    width : int
        Dimension of the vectors.
    quick_gelu : bool
        Whether the model has the quick GELU of OpenAI's models.
    """

    model: nn.Module
    tokenizer: Callable
    width: int
    quick_gelu: bool


def build_clip(reference: CLIPReference) -> CLIPNetwork:
    """Build the model that ``reference`` names, and read its weights.

    OpenAI's weights always get the quick GELU that they were trained with: the plain
    names of open_clip have another GELU, with which they load without complaint and give
    other vectors. They are known by their tag or name, or by what OpenAI's own files and
    those of AudioCLIP hold beside the weights.

    Raises
    ------
    WeightsError
        If the weights are damaged, or of another model.
    """
    open_clip = import_open_clip()
    state = None if reference.pretrained is None else read_checkpoint(reference.locate())
    configuration = _read_configuration(open_clip, reference)
    quick_gelu = (
        bool(configuration["model_cfg"].get("quick_gelu"))
        or _tag_wants_quick_gelu(open_clip, reference)
        or _is_openai(state)
        or _is_of_audioclip(state)
    )
    model, tokenizer = _create(
        open_clip, reference, quick_gelu, configuration.get("preprocess_cfg")
    )
    if state is not None:
        _load(open_clip, model, state, reference)
    return CLIPNetwork(model, tokenizer, configuration["model_cfg"]["embed_dim"], quick_gelu)


def _create(open_clip, reference: CLIPReference, quick_gelu: bool, preprocessing: dict | None):
    """The model with random weights, and its tokenizer."""
    name = f"local-dir:{reference.model}" if reference.is_folder else reference.model
    with _quietly(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(reference.seed or 0)
        try:
            model = open_clip.create_model(
                name,
                load_weights=False,
                pretrained_text=False,
                force_quick_gelu=quick_gelu,
                force_preprocess_cfg=preprocessing,
            )
            return model, open_clip.get_tokenizer(name)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as exc:
            raise WeightsError(
                f"open_clip cannot build model={reference.model!r} ({type(exc).__name__}: {exc})"
            ) from exc


def _read_configuration(open_clip, reference: CLIPReference) -> dict:
    """The model's configuration, and how its images are prepared."""
    if reference.is_folder:
        return reference.read_configuration()
    return {
        "model_cfg": open_clip.get_model_config(reference.model),
        "preprocess_cfg": _preprocessing(open_clip, reference),
    }


def _preprocessing(open_clip, reference: CLIPReference) -> dict:
    """How the tag prepares images; without a tag, how all tags of the model agree to."""
    tags = open_clip.list_pretrained_tags_by_model(reference.model)
    tags = [reference.pretrained] if reference.pretrained in tags else tags
    names = ("mean", "std", "interpolation", "resize_mode")
    stated = []
    for tag in tags:
        row = open_clip.get_pretrained_cfg(reference.model, tag)
        stated.append({name: row[name] for name in names if name in row})
    return stated[0] if stated and all(row == stated[0] for row in stated) else {}


def _tag_wants_quick_gelu(open_clip, reference: CLIPReference) -> bool:
    if reference.is_folder or reference.pretrained is None:
        return False
    if reference.pretrained in registry():
        return True
    row = open_clip.get_pretrained_cfg(reference.model, reference.pretrained)
    return bool(row.get("quick_gelu"))


def _is_openai(state: Mapping[str, Tensor] | None) -> bool:
    return state is not None and any(name in state for name in _OPENAI_ENTRIES)


def _is_of_audioclip(state: Mapping[str, Tensor] | None) -> bool:
    return state is not None and "logit_scale_ai" in state


def _load(open_clip, model, state: dict[str, Tensor], reference: CLIPReference) -> None:
    try:
        if _is_openai(state):
            # The masks of attention are tensors in an archive, but no weights.
            extra = ("attn_mask", *_OPENAI_ENTRIES)
            model.load_state_dict({k: v for k, v in state.items() if not k.endswith(extra)})
        elif _is_of_audioclip(state):
            clip = {k: v for k, v in state.items() if not k.startswith(_AUDIOCLIP_ENTRIES)}
            model.load_state_dict(clip)
        else:
            open_clip.load_checkpoint(model, str(reference.locate()), weights_only=True)
    except Exception as exc:  # open_clip looks at shapes and names of all kinds without checks
        raise WeightsError(
            f"The {reference.label} do not fit the model ({type(exc).__name__}: {str(exc)[:2000]})."
        ) from exc
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise WeightsError(
                f"The {reference.label} are damaged: {name} holds NaN or infinite values."
            )


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep open_clip from warning that weights are random, which is what is asked for."""

    def is_others(record: logging.LogRecord) -> bool:
        return "open_clip" not in record.pathname

    logger = logging.getLogger()
    logger.addFilter(is_others)
    try:
        yield
    finally:
        logger.removeFilter(is_others)
