"""Colours that stay apart for colour-blind readers, on white and on black."""

# Those of systems, which have them of their own, and of classes are after Okabe and Ito, with the
# yellow darkened and the black left out.
_OTHERS = ("#44AA99", "#B5546B", "#6A7FDB", "#A05A2C", "#6B9E3A", "#C74FB0")
_CLASSES = (
    "#1F7FC4",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#A89A1C",
    "#8A8A8A",
)

SIGNS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖"}
"""Markers of matplotlib, and what they look like in text."""


def colour_systems(systems, known):
    """The colour of each system: the same in every chart of a report, ``known`` or free."""
    colours = {name: known[name] for name in systems if known.get(name)}
    others = [name for name in systems if name not in colours]
    colours |= {name: _OTHERS[k % len(_OTHERS)] for k, name in enumerate(others)}
    return colours


def mark_system(system, systems):
    """A marker for curves, so that colour is not all that tells systems apart."""
    markers = list(SIGNS)
    return markers[list(systems).index(system) % len(markers)]


def mark_classes(n_classes):
    """Pairs of colour and marker, all different for up to 56 classes."""
    markers = list(SIGNS)  # 7 of these and 8 colours meet again after 56
    return [(_CLASSES[k % len(_CLASSES)], markers[k % len(markers)]) for k in range(n_classes)]
