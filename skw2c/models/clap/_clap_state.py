"""Build the sides of CLAP from the entries of a checkpoint, strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import Network, check_entry, check_names, fill, shapes_of
from ._clap_description import CLAPDescription
from ._clap_network import AudioSide, TextSide
from ._htsat import HTSAT
from ._roberta import RoBERTa

_AUDIO, _TEXT = "audio_model.", "text_model."
AUDIO_ENTRIES = (_AUDIO, "audio_projection.", "logit_scale_a")
"""What the names of the entries begin with that the encoder of sound is made of."""
TEXT_ENTRIES = (_TEXT, "text_projection.")
"""The same, of the encoder of texts."""
_SIDES = {_AUDIO: "audio_projection.", _TEXT: "text_projection."}
_KINDS = {_AUDIO: "sound", _TEXT: "texts"}

# What transformers calls the parts that have other names here. The first that fits counts.
_RENAMED = {
    _AUDIO: [
        ("audio_model.audio_encoder.", "network."),
        ("audio_projection.", "projection."),
        (".batch_norm.", ".bn0."),
        (".layernorm_before.", ".norm1."),
        (".layernorm_after.", ".norm2."),
        (".attention.output.dense.", ".attn.proj."),
        (".attention.self.", ".attn."),
        (".intermediate.dense.", ".mlp.fc1."),
        (".output.dense.", ".mlp.fc2."),
    ],
    _TEXT: [
        ("text_projection.", "projection."),
        ("text_model.embeddings.word_embeddings.", "network.tokens."),
        ("text_model.embeddings.position_embeddings.", "network.positions."),
        ("text_model.embeddings.token_type_embeddings.", "network.kinds."),
        ("text_model.embeddings.LayerNorm.", "network.norm."),
        ("text_model.encoder.layer.", "network.blocks."),
        ("text_model.pooler.dense.", "network.pooler."),
        (".attention.output.dense.", ".proj."),
        (".attention.output.LayerNorm.", ".norm1."),
        (".attention.self.", "."),
        (".intermediate.dense.", ".fc1."),
        (".output.dense.", ".fc2."),
        (".output.LayerNorm.", ".norm2."),
    ],
}
# Tables that follow from the sizes alone, and counters; with or without them, it is the same.
_FIXED = re.compile(r"\.(position_ids|token_type_ids|relative_position_index|num_batches_tracked)$")
# Layers that see clips of more than ten seconds all at once, which are not heard that way here.
_FUSION = re.compile(r"\.patch_embed\.(fusion_model|mel_conv2d)\.")

Entry = tuple[str, Tensor]


def build_audio_side(state: Mapping[str, Tensor], source: str) -> AudioSide:
    """Build CLAP's encoder of sound.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the file, as transformers names them; those of texts are passed over.
    source : str
        Its name, for the errors.

    Raises
    ------
    WeightsError
        If entries are missing, unknown, of another shape, or not finite.
    """
    entries = _take_side(state, _AUDIO, source)
    fused = any(_FUSION.search(name) for name in state)
    return _fill(lambda: _make_audio_side(entries, state, fused), entries, source)


def build_text_side(
    state: Mapping[str, Tensor], source: str, description: CLAPDescription
) -> TextSide:
    """Build CLAP's encoder of texts; the entries of sound are passed over.

    As `build_audio_side`, with what the shapes do not tell.
    """
    entries = _take_side(state, _TEXT, source)
    return _fill(lambda: _make_text_side(entries, description), entries, source)


def _take_side(state: Mapping[str, Tensor], side: str, source: str) -> dict[str, Entry]:
    """Entries of one side by their names in our networks, with the names in the file."""
    prefixes = (side, _SIDES[side])
    own = {n: x for n, x in state.items() if n.startswith(prefixes) and not _FIXED.search(n)}
    if not own:
        raise WeightsError(
            f"{source} holds no CLAP as transformers writes it: it has no entries {side}*, which "
            f"are its network of {_KINDS[side]}."
        )
    entries = {}
    for name, value in own.items():
        if not _FUSION.search(name):
            renamed = name
            for old, new in _RENAMED[side]:
                renamed = renamed.replace(old, new)
            entries[renamed] = (name, value)
    return _stack_attention(entries)


def _stack_attention(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Make one layer of those for queries, keys and values."""
    stacked: dict[str, Entry] = {}
    for name, entry in entries.items():
        query = re.match(r"(.*\.)query\.(.*)", name)
        if query is None:
            is_part = re.search(r"\.(key|value)\.", name)
            if not is_part or name.replace(is_part[1], "query") not in entries:
                stacked[name] = entry
            continue
        start, end = query.groups()
        names = (f"{start}{part}.{end}" for part in ("query", "key", "value"))
        parts = [entries[own] for own in names if own in entries]
        if len(parts) == 3 and len({value.shape for _, value in parts}) == 1:
            stacked[f"{start}qkv.{end}"] = (entry[0], torch.cat([value for _, value in parts]))
        else:
            stacked[name] = entry  # what is wrong is said of the whole
    return stacked


def _fill(make: Callable[[], Network], entries: dict[str, Entry], source: str) -> Network:
    try:
        expected = shapes_of(make, source, "CLAP")
    except (KeyError, IndexError) as exc:
        raise WeightsError(f"{source} does not fit CLAP: it lacks {exc}.") from exc
    counters = {name for name in expected if name.endswith("num_batches_tracked")}
    check_names(
        sorted(expected.keys() - entries.keys() - counters),
        sorted(entries[name][0] for name in entries.keys() - expected.keys()),
        source,
        "CLAP",
    )
    for name, entry in entries.items():
        check_entry(*entry, expected[name], source, "CLAP")
    return fill(make, {name: value.contiguous() for name, (_, value) in entries.items()})


def _make_audio_side(
    entries: dict[str, Entry], state: Mapping[str, Tensor], fused: bool
) -> AudioSide:
    table = "network.layers.{}.blocks.{}.attn.relative_position_bias_table"
    depths: list[int] = []
    heads: list[int] = []
    while table.format(len(depths), 0) in entries:
        stage = len(depths)
        depths.append(_count(table.format(stage, "{}"), entries))
        heads.append(_shape(entries, table.format(stage, 0))[1])
    width = _shape(entries, "network.patch_embed.proj.weight")[0]
    hidden = _shape(entries, "network.layers.0.blocks.0.mlp.fc1.weight")[0]
    network = HTSAT(width, depths, heads, hidden / width)
    scale = float(state["logit_scale_a"]) if "logit_scale_a" in state else math.log(1 / 0.07)
    n_outputs = _shape(entries, "projection.linear2.weight")[0]
    return AudioSide(network, n_outputs, fused, math.exp(-scale))


def _make_text_side(entries: dict[str, Entry], description: CLAPDescription) -> TextSide:
    n_tokens, width = _shape(entries, "network.tokens.weight")
    network = RoBERTa(
        n_tokens,
        _shape(entries, "network.positions.weight")[0],
        width,
        _shape(entries, "network.blocks.0.fc1.weight")[0],
        _count("network.blocks.{}.fc1.weight", entries),
        description.text_heads or max(width // 64, 1),
        description.text_epsilon,
    )
    return TextSide(network, _shape(entries, "projection.linear2.weight")[0])


def _shape(entries: dict[str, Entry], name: str) -> torch.Size:
    return entries[name][1].shape


def _count(pattern: str, entries: dict[str, Entry]) -> int:
    count = 0
    while pattern.format(count) in entries:
        count += 1
    return count
