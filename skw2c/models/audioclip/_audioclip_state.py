"""Build the audio encoder of AudioCLIP from the tensors of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names, shapes_of
from ._esresnext import BLOCKS, ESResNeXtFBSP

_PREFIX = "audio."
_FIRST = ("conv1.weight", "layer1.0.conv1.weight", "layer1.0.conv2.weight", "fc.weight")
_NAME = "the audio encoder of AudioCLIP"
_SCALES = {"audio_image": "logit_scale_ai", "audio_text": "logit_scale_at"}


def build_audioclip(state: Mapping[str, Tensor], source: str) -> ESResNeXtFBSP:
    """Build the network that the checkpoint describes, in eval mode.

    Of a checkpoint of AudioCLIP the entries ``audio.*`` are taken, the rest (CLIP) is passed
    over. A checkpoint of the encoder alone has no prefix. The window, the empty bias and the
    counters of the batch normalisation may be missing; all else must fit.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the checkpoint.
    source : str
        Its name, for the error.

    Raises
    ------
    WeightsError
        If an entry is missing, unexpected, of another shape, or not finite.
    """
    prefix = _PREFIX if any(name.startswith(_PREFIX) for name in state) else ""
    given = {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
    configuration = _read_configuration(given, prefix, source)
    own = shapes_of(lambda: ESResNeXtFBSP(**configuration), source, _NAME)
    optional = {n for n in own if n.endswith("num_batches_tracked")} | {"window", "fbsp.bias"}
    check_names(
        missing=sorted(prefix + name for name in own.keys() - given.keys() - optional),
        unexpected=sorted(prefix + name for name in given.keys() - own.keys()),
        source=source,
        model=_NAME,
    )
    for name, value in given.items():
        check_entry(prefix + name, value, own[name], source, model=_NAME)
    with torch.random.fork_rng(devices=[]):  # what it draws is replaced
        network = ESResNeXtFBSP(**configuration).float().eval()
    own = network.state_dict()
    network.load_state_dict(
        {name: given.get(name, value).to(value.dtype) for name, value in own.items()}, assign=True
    )
    return network.requires_grad_(False)


def read_logit_scales(state: Mapping[str, Tensor], source: str) -> dict[str, float]:
    """Read the factors by which AudioCLIP multiplies its cosines.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of a checkpoint of AudioCLIP, with logarithms of the factors.
    source : str
        Its name, for the error.

    Returns
    -------
    dict of str to float
        ``"audio_image"`` and ``"audio_text"``, those that are there, each in [1, 100].

    Raises
    ------
    WeightsError
        If the checkpoint has none.
    """
    there = {pair: state[name] for pair, name in _SCALES.items() if name in state}
    if not there:
        raise WeightsError(
            f"{source} is not a checkpoint of AudioCLIP as a whole: it lacks "
            f"{' and '.join(_SCALES.values())}."
        )
    for pair, value in there.items():
        check_entry(_SCALES[pair], value, torch.empty(value.shape[:0]), source, model="AudioCLIP")
    return {pair: float(value.double().exp().clamp(1, 100)) for pair, value in there.items()}


def _read_configuration(given: Mapping[str, Tensor], prefix: str, source: str) -> dict:
    """Widths and numbers of blocks, as the shapes and names of the entries tell them."""
    for name in _FIRST:
        if name not in given or given[name].ndim < 2:
            raise WeightsError(
                f"{source} is not a checkpoint of AudioCLIP: it lacks {prefix + name!r}. Expected "
                "entries named 'audio.*', as in the official release, or those of the audio "
                "encoder alone."
            )
    first, inner, grouped, last = (given[name].shape for name in _FIRST)
    # A number that no network can have becomes one that it can: the shapes then differ.
    per_group = max(grouped[1], 1)
    groups = max(inner[0] // per_group, 1)
    return dict(
        width=max(first[0], 1),
        inner_width=groups * per_group,
        groups=groups,
        n_outputs=last[0],
        blocks=_count_blocks(given),
    )


def _count_blocks(names) -> tuple[int, ...]:
    matches = (re.match(r"layer([1-4])\.(\d+)\.", name) for name in names)
    found = {(int(match[1]), int(match[2])) for match in matches if match}
    counts = tuple(sum(stage == k for stage, _ in found) for k in (1, 2, 3, 4))
    # Of a stage that is not there at all, all is missing.
    return tuple(count or known for count, known in zip(counts, BLOCKS, strict=True))
