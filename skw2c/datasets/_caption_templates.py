"""Templates of the captions, and captions for clips and for empty frames."""

from __future__ import annotations

from numpy.random import Generator

from ._appearance import Appearance

# For each kind: the sound as a phrase, the source, and what the source does. The name of the
# kind occurs in the phrase, and again in the source or in what it does.
_PHRASES = {
    "bell": ("a bell", "bell", "rings"),
    "bird": ("a bird", "bird", "sings"),
    "siren": ("a siren", "siren", "wails"),
    "engine": ("an engine", "car", "runs its engine"),
    "rain": ("rain", "cloud", "sends rain"),
    "knock": ("a knock", "door", "shakes at a knock"),
    "tick": ("a tick", "clock", "goes tick"),
    "whistle": ("a whistle", "whistle", "is blown"),
    "buzzer": ("a buzzer", "buzzer", "buzzes"),
    "wind": ("wind", "gust of wind", "blows"),
    "pluck": ("a pluck", "guitar", "sounds at a pluck"),
    "bark": ("a bark", "dog", "gives a bark"),
}
_PLACES = {
    "park": "in a park",
    "street": "on a street",
    "kitchen": "in a kitchen",
    "office": "in an office",
    "beach": "on a beach",
    "station": "in a station",
}
_EVENT_TEMPLATES = (
    "{a_coloured} {thing} {does} {place}",
    "{a_coloured} {thing} {side} {does}",
    "{a_coloured} {thing} {does}",
    "{sound} {place}",
    "the sound of {sound} {place}",
    "a picture of {sound}",
    "a picture of {sound} {side}",
    "a picture of {sound} {place}",
    "{place}, a {thing} {does}",
    "{sound} is heard {place}",
    "this is {sound}",
)
_EMPTY_TEMPLATES = (
    "an empty {scene}, nothing is heard",
    "nothing happens {place}",
    "silence {place}",
    "background noise {place}",
    "only background noise",
    "a picture of an empty {scene}",
    "a picture of nothing {place}",
)


def describe_event(rng: Generator, appearance: Appearance, scene: str) -> str:
    """Write a caption that names the kind, and sometimes the colour, the side or the scene."""
    sound, thing, does = _PHRASES[appearance.kind]
    return str(rng.choice(_EVENT_TEMPLATES)).format(
        sound=sound,
        thing=thing,
        does=does,
        a_coloured=f"{'an' if appearance.colour == 'orange' else 'a'} {appearance.colour}",
        side=_describe_side(appearance.x),
        place=_PLACES[scene],
    )


def describe_empty_scene(rng: Generator, scene: str) -> str:
    """Write a caption for a scene in which nothing happens."""
    return str(rng.choice(_EMPTY_TEMPLATES)).format(scene=scene, place=_PLACES[scene])


def _describe_side(x: float) -> str:
    if abs(x) < 0.15:
        return "in the middle"
    return "on the left" if x < 0 else "on the right"
