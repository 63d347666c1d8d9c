"""English texts that the encoder of words learns from, and the ways in which people ask for sounds.

They are made by rules from the words of WordNet (Princeton University, WordNet licence) and the
names of the classes of AudioSet; none is taken from a data set of captions.
"""

import re
from pathlib import Path

import numpy as np

from skw2c.models.yamnet import audioset_classes

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")

TEMPLATES = (
    *("the sound of {}", "a sound of {}", "sound of {}", "{} sound", "{} sounds", "sounds of {}"),
    *("this is a sound of {}", "this is the sound of {}", "a recording of {}", "recording of {}"),
    *("i can hear {}", "i hear {}", "you can hear {}", "one can hear {}", "{} can be heard"),
    *("we hear {}", "there is {}", "{} in the background", "{} in the distance", "{} nearby"),
    *("someone recorded {}", "audio of {}", "an audio clip of {}", "audio recording of {}"),
    *("a clip of {}", "{} noise", "the noise of {}", "noise from {}", "noise of {}"),
    *("a field recording of {}", "listen to {}", "listening to {}", "a photo of {}"),
    *("a photo of a {}", "a video of {}", "sound effect of {}", "{} sound effect", "{} audio"),
    *("a {}", "an {}", "the {}", "some {}", "a loud {}", "a faint {}", "it sounds like {}"),
    *("sounds like {}", "that is {}", "this is {}", "this is a {}", "here is {}"),
    *("an example of {}", "we are hearing {}", "a {} is heard", "the {} is heard"),
    *("what you hear is {}", "mostly {}", "it is {}", "a recording with {}"),
    *("in this recording there is {}", "a short recording of {}", "a noisy recording of {}"),
)
"""Ways to ask for what is heard; they are taught to change nothing."""

_COMPOSITIONS = (
    *("{noun} {doing}", "{doing} {noun}", "{kind} {noun}", "{noun} {other}", "{noun} and {other}"),
    *("{noun} {doing} the {other}", "{noun} in the {other}", "{kind} {noun} {doing}"),
    *("{noun} on {other}", "{noun} with {kind} {other}"),
)
_LONGEST_GLOSS = 15


def collect_texts(wordnet, seed=0, n_compositions=70_000):
    """List texts without repetition.

    Parameters
    ----------
    wordnet : str or Path
        Folder with the files ``data.*`` and ``index.*`` of WordNet 3.0.
    seed : int
    n_compositions : int
        Short phrases that are put together from words.

    Returns
    -------
    list of str
    """
    rng = np.random.default_rng(seed)
    common = {part: _read_common(Path(wordnet), part) for part in PARTS_OF_SPEECH}
    short, glosses = _read_entries(Path(wordnet), common)
    names = audioset_classes()
    parts = split_names(names)
    doing = [present_participle(verb) for verb in common["verb"] if verb.isalpha()]
    texts = [*names, *parts, *(word for words in common.values() for word in words)]
    texts += [*doing, *short, *glosses]
    low = [part.lower() for part in parts]
    for _ in range(n_compositions):
        words = {
            "noun": _draw(rng, common["noun"] if rng.random() < 0.7 else low),
            "other": _draw(rng, common["noun"] if rng.random() < 0.6 else low),
            "doing": _draw(rng, doing),
            "kind": _draw(rng, common["adj"]),
        }
        texts.append(_draw(rng, _COMPOSITIONS).format(**words))
    return list(dict.fromkeys(texts))


def split_names(names):
    """The parts between commas and parentheses: "Chicken, rooster" are two words for it."""
    return [part.strip() for name in names for part in re.split(r"[,()]", name) if part.strip()]


def present_participle(verb):
    """What something does that is heard: "bark" gives "barking"."""
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return f"{verb[:-1]}ing"
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb):
        return f"{verb}{verb[-1]}ing"
    return f"{verb}ing"


def _read_common(folder, part):
    """Words that occur in the texts which WordNet's authors tagged."""
    words = []
    for line in (folder / f"index.{part}").read_text("latin-1").splitlines():
        fields = line.split()
        if not line.startswith(" ") and int(fields[int(fields[3]) + 5]) > 0:
            words.append(fields[0].replace("_", " "))
    return sorted(word for word in words if word.isascii())


def _read_entries(folder, common):
    """Words of one or two words, and explanations of common ones."""
    short, glosses = set(), []
    for part in PARTS_OF_SPEECH:
        known = set(common[part])
        for line in (folder / f"data.{part}").read_text("latin-1").splitlines():
            if line.startswith(" "):
                continue
            head, _, gloss = line.partition("|")
            fields = head.split()
            forms = [fields[4 + 2 * number] for number in range(int(fields[3], 16))]
            words = [re.sub(r"\((a|p|ip)\)", "", form).replace("_", " ") for form in forms]
            short.update(word for word in words if _is_short(word))
            first = gloss.split(";")[0].strip()
            if 2 < len(first.split()) <= _LONGEST_GLOSS and known & {w.lower() for w in words}:
                glosses.append(first)
    return sorted(short), glosses


def _is_short(word):
    plain = word.replace(" ", "").replace("-", "")
    return word.isascii() and word.islower() and plain.isalpha() and len(word.split()) <= 2


def _draw(rng, choices):
    return choices[rng.integers(len(choices))]
