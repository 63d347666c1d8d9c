"""Names of options in place of the names of parameters, in messages of the package."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, _StoreFalseAction, _StoreTrueAction

# Parameters whose options have another name, if the command has them.
_SYNONYMS = {
    "prompts": "prompt",
    "text_encoder": "label_vectors",
    "model": "clip_model",
    "pretrained": "clip_pretrained",
    "texts": "text",
    "images": "image",
    "n_iter": "iterations",
    "n_cutouts": "cutouts",
    "frame_iter": "frame_iterations",
    "augment": "no_augment",
    "callback_every": "save_every",
    "random_state": "seed",
    "client": "dask",
    "verbose": "quiet",
    "verbose=False": "quiet",
    "augment=None": "no_augment",
}
# Phrases that only make sense in Python.
_PHRASES = {
    "AudioIndex.load(folder, encoder=...)": "--weights FILE",
    "AudioIndex.load(folder, text_encoder=...)": "--label-vectors FILE",
    "(encoder='passthrough')": "in Python",
    "pass a threshold": "pass --threshold",
    "memory=": "the folder of finished vectors",
}
_GO_ON = re.compile(r" To [^.]* go on, pass on_error='nan'\.")
_option_of: dict[str, str] = {}


def use_options_of(command: ArgumentParser) -> None:
    """Use the options of a command as the names of parameters in messages."""
    _option_of.clear()
    for action in command._actions:
        longest = max(action.option_strings, key=len, default=None)
        if longest is not None:
            _option_of[action.dest] = longest
            if isinstance(action, (_StoreTrueAction, _StoreFalseAction)):
                _option_of[f"{action.dest}={isinstance(action, _StoreTrueAction)}"] = longest
    for name, synonym in _SYNONYMS.items():
        if synonym in _option_of:
            _option_of.setdefault(name, _option_of[synonym])


def name_options(message: str) -> str:
    """Replace the names of parameters in a message by those of options.

    Parameters
    ----------
    message : str

    Returns
    -------
    str
    """
    if "on_error" not in _option_of:
        message = _GO_ON.sub("", message)
    for phrase, words in _PHRASES.items():
        message = message.replace(phrase, words)
    if not _option_of:
        return message
    names = "|".join(name for name in sorted(_option_of, key=len, reverse=True) if "=" not in name)
    plain = "|".join(name for name in sorted(_option_of, key=len, reverse=True) if "_" in name)
    return re.sub(
        rf"The '(?P<parameter>{names})' parameter of \w+"
        rf"|(?<![\w.-])(?P<name>{names})=(?P<value>'[^']*'|\([^)]*\)|[^\s,;:()]+)"
        r"|(?<!\w)'[^']*'"  # file names and other quoted text stay as they are
        rf"|(?<![\w/.-])(?P<plain>{plain})(?![\w/-]|\.\w)",
        _translate,
        message,
    )


def _translate(match: re.Match) -> str:
    known = match["parameter"] or match["plain"]
    if known:
        return _option_of[known]
    if not match["name"]:
        return match[0]
    flag = _option_of.get(f"{match['name']}={match['value']}")
    if flag:
        return flag
    value = match["value"]
    if value[:1] == "'":
        value = shlex.quote(value[1:-1])
    return f"{_option_of[match['name']]} {'none' if value == 'None' else value}"
