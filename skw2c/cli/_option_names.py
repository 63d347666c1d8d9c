"""Messages of the package in the words of the command line."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, _StoreFalseAction, _StoreTrueAction

# Parameters whose options are called otherwise; what a command has not is left as it is.
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
    "verbose": "quiet",
    "verbose=False": "quiet",
    "augment=None": "no_augment",
}
# What only Python has.
_PHRASES = {
    "AudioIndex.load(folder, encoder=...)": "--weights FILE",
    "AudioIndex.load(folder, text_encoder=...)": "--label-vectors FILE",
    "(encoder='passthrough')": "in Python",
    "pass a threshold": "pass --threshold",
    "memory=": "the folder of kept vectors",
}
_GO_ON = re.compile(r" To [^.]* go on, pass on_error='nan'\.")
_spoken: dict[str, str] = {}


def speak_of(command: ArgumentParser) -> None:
    """Take the options of a command as the words for what messages name."""
    _spoken.clear()
    for action in command._actions:
        longest = max(action.option_strings, key=len, default=None)
        if longest is not None:
            _spoken[action.dest] = longest
            if isinstance(action, (_StoreTrueAction, _StoreFalseAction)):
                _spoken[f"{action.dest}={isinstance(action, _StoreTrueAction)}"] = longest
    for name, synonym in _SYNONYMS.items():
        if synonym in _spoken:
            _spoken.setdefault(name, _spoken[synonym])


def in_options(message: str) -> str:
    """Name options of the command line where a message names parameters of Python.

    Parameters
    ----------
    message : str

    Returns
    -------
    str
    """
    if "on_error" not in _spoken:
        message = _GO_ON.sub("", message)
    for phrase, words in _PHRASES.items():
        message = message.replace(phrase, words)
    if not _spoken:
        return message
    names = "|".join(name for name in sorted(_spoken, key=len, reverse=True) if "=" not in name)
    plain = "|".join(name for name in sorted(_spoken, key=len, reverse=True) if "_" in name)
    return re.sub(
        rf"The '(?P<parameter>{names})' parameter of \w+"
        rf"|(?<![\w.-])(?P<name>{names})=(?P<value>'[^']*'|\([^)]*\)|[^\s,;:()]+)"
        r"|(?<!\w)'[^']*'"  # names of files and what else is quoted stay as they are
        rf"|(?<![\w/.-])(?P<plain>{plain})(?![\w/-]|\.\w)",
        _translate,
        message,
    )


def _translate(match: re.Match) -> str:
    known = match["parameter"] or match["plain"]
    if known:
        return _spoken[known]
    if not match["name"]:
        return match[0]
    flag = _spoken.get(f"{match['name']}={match['value']}")
    if flag:
        return flag
    value = match["value"]
    if value[:1] == "'":
        value = shlex.quote(value[1:-1])
    return f"{_spoken[match['name']]} {'none' if value == 'None' else value}"
