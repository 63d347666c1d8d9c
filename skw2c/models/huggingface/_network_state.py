"""Make the network of a configuration, and fill it with the entries of a checkpoint, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names
from ._library import kept_quiet, look_up

# A vector for hiding frames in training, tables that follow from the sizes, and counters.
_UNUSED = re.compile(r"(^|\.)(masked_spec_embed|position_ids|num_batches_tracked)$")
# Whisper writes with its decoder, which is not run.
_NOT_RUN = {"whisper": "decoder."}
# How many times the numbers in its file a network may have: some are stored once and used twice.
_MOST_NUMBERS = 2
_SPARE_NUMBERS = 1 << 20


def build_network(config, state: Mapping[str, Tensor], source: str) -> nn.Module:
    """Make the base model of a configuration, ready to run in single precision.

    Parameters
    ----------
    config : PretrainedConfig
    state : mapping of str to Tensor
        Entries of the file, of the base model or of one with a head, which is left out.
    source : str
        Its name, for the errors.

    Raises
    ------
    WeightsError
        If entries are missing, unknown, of another shape, or not finite.
    """
    kind = look_up("MODEL_MAPPING", config)
    _check_size(kind, config, state, source)
    with kept_quiet(), torch.random.fork_rng(devices=[]):  # what is missing is drawn, and refused
        try:
            # It renames what older versions called differently. It opens no file.
            network, report = kind.from_pretrained(
                None,
                config=config,
                state_dict=dict(state),
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
                attn_implementation="eager",
            )
        except Exception as exc:  # what is wrong in a state, the library says in many ways
            raise _misfit(source, config, exc) from exc
    _check_report(report, network, config, state, source)
    for name, value in network.state_dict().items():
        check_entry(name, value, value, source, config.model_type)
    return network.eval().requires_grad_(False)


def _check_size(kind: type, config, state: Mapping[str, Tensor], source: str) -> None:
    """Refuse a configuration of a network far larger than the file, before there is memory."""
    layers = [getattr(config, name, 0) for name in ("num_hidden_layers", "decoder_layers")]
    if max(layers) > len(state):
        raise WeightsError(
            f"{source} does not fit its config.json: that states {max(layers)} layers, and there "
            f"are {len(state)} entries."
        )
    try:
        with torch.device("meta"), kept_quiet():
            n_numbers = sum(value.numel() for value in kind(config).state_dict().values())
    except Exception as exc:  # of whatever kind sizes that fit no network lead to
        raise _misfit(source, config, exc) from exc
    n_stated = sum(value.numel() for value in state.values())
    if n_numbers > _MOST_NUMBERS * n_stated + _SPARE_NUMBERS:
        raise WeightsError(
            f"{source} does not fit its config.json: the network has {n_numbers:,} numbers, and "
            f"the file {n_stated:,}."
        )


def _check_report(report: dict, network, config, state: Mapping[str, Tensor], source: str) -> None:
    """Refuse what did not fit; heads, which lie outside the base model, may be there."""
    model = f"the network {config.model_type!r}"
    left_out = _NOT_RUN.get(config.model_type)
    prefix = f"{network.base_model_prefix}."
    has_head = any(name.startswith(prefix) for name in state)

    def counts(name: str) -> bool:
        is_run = left_out is None or not name.removeprefix(prefix).startswith(left_out)
        return is_run and not _UNUSED.search(name)

    def is_of_head(name: str) -> bool:
        return has_head and name in state and not name.startswith(prefix)

    missing = sorted(filter(counts, report["missing_keys"]))
    unexpected = filter(counts, report["unexpected_keys"])
    check_names(missing, sorted(name for name in unexpected if not is_of_head(name)), source, model)
    for name, found, expected in sorted(report["mismatched_keys"], key=str):
        if counts(name):
            raise WeightsError(
                f"{source} does not fit {model}: {name} has shape {tuple(found)}, expected "
                f"{tuple(expected)}."
            )
    if report.get("error_msgs"):
        raise WeightsError(f"{source} does not fit {model} ({report['error_msgs'][0]}).")


def _misfit(source: str, config, error: Exception) -> WeightsError:
    reason = " ".join(str(error).split())[:300]
    return WeightsError(f"{source} does not fit the network {config.model_type!r} ({reason}).")
