"""Captions: what is heard and seen in a clip, in words."""

from __future__ import annotations

from numpy.random import Generator

from ._appearance import Look

# The sound as a phrase; the thing that makes it; what the thing does. Sound, and thing or
# deed, hold the name of the kind.
_WORDS = {
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


def describe_event(rng: Generator, look: Look, scene: str) -> str:
    """Name the kind, and at times its colour, its side and its scene."""
    sound, thing, does = _WORDS[look.kind]
    return str(rng.choice(_EVENT_TEMPLATES)).format(
        sound=sound,
        thing=thing,
        does=does,
        a_coloured=f"{'an' if look.colour == 'orange' else 'a'} {look.colour}",
        side=_say_side(look.x),
        place=_PLACES[scene],
    )


def describe_emptiness(rng: Generator, scene: str) -> str:
    """Say that nothing is seen or heard but the scene."""
    return str(rng.choice(_EMPTY_TEMPLATES)).format(scene=scene, place=_PLACES[scene])


def _say_side(x: float) -> str:
    if abs(x) < 0.15:
        return "in the middle"
    return "on the left" if x < 0 else "on the right"
