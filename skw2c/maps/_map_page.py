"""The page of a map: one file of HTML that needs nothing beside it, and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np

from ._colours import Colouring
from ._folders import shorten_names

_STYLES = ("points.css", "map_page.css")
_SCRIPTS = ("points.js", "map_page.js")


def describe_map(
    items: Sequence,
    layouts: Mapping[str, np.ndarray],
    colourings: Sequence[Colouring],
    title: str,
) -> dict:
    """What the page must know of a map, but for its previews, in what JSON can hold.

    Parameters
    ----------
    items : sequence
        Names of the clips.
    layouts : mapping of str to ndarray of shape (n_clips, 2), uint16
        Where the clips lie, by what laid them out. The first one is shown first.
    colourings : sequence of Colouring
        The first one is shown first.
    title : str
    """
    folders, names = shorten_names([_as_text(item) for item in items])
    known = {folder: number for number, folder in enumerate(dict.fromkeys(folders))}
    numbers = np.array([known[folder] for folder in folders], np.uint32)
    return {
        "title": _as_text(title),
        "layouts": [
            {"title": _as_text(name), "points": _to_base64(points.astype("<u2"))}
            for name, points in layouts.items()
        ],
        "names": names,
        "folders": list(known),
        "folderNumbers": _to_base64(numbers.astype("<u4")),
        "colourings": [
            {
                "title": _as_text(colouring.title),
                "categories": [_as_text(name) for name in colouring.categories],
                "numbers": _to_base64(colouring.numbers.astype("<i2")),
            }
            for colouring in colourings
        ],
    }


def render_page(described: dict, previews: Mapping[int, bytes], notes: Sequence[str]) -> str:
    """The page as text.

    Parameters
    ----------
    described : dict
        What `describe_map` gave.
    previews : mapping of int to bytes
        Ogg Opus by the number of the clip.
    notes : sequence of str
        Sentences about what the page lacks.
    """
    sounds = {number: base64.b64encode(sound).decode() for number, sound in previews.items()}
    content = {**described, "previews": sounds, "notes": list(notes)}
    before, between, after = _template()
    title = html.escape(described["title"])
    return "".join([before, title, between, _to_json(content), after])


def measure_page(described: dict, n_preview_bytes: float) -> int:
    """The size of the page in bytes, with previews of a given size in all."""
    empty = len(render_page(described, {}, []).encode())
    return empty + round(n_preview_bytes * 4 / 3)


def read_asset(name: str) -> str:
    """A script, a style or the template of the page."""
    return (resources.files(__package__) / "static" / name).read_text("utf-8")


@cache
def _template() -> list[str]:
    """The page before its title, up to its data, and after; it runs no script but its own."""
    styles, scripts = ("\n".join(map(read_asset, names)) for names in (_STYLES, _SCRIPTS))
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash_of(scripts)}",
            f"style-src {_hash_of(styles)}",
            "img-src data:",
            "media-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    page = read_asset("map_page.html")
    for mark, text in (("policy", policy), ("styles", styles), ("scripts", scripts)):
        page = page.replace(f"{{{{ {mark} }}}}", text)
    before, rest = page.split("{{ title }}")
    return [before, *rest.split("{{ data }}")]


def _hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _to_json(content: dict) -> str:
    """JSON in which nothing ends the script element that it stands in."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _to_base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _as_text(name) -> str:
    """A name that can be written in UTF-8: bytes of file names that are no text, as \\xe9."""
    return str(name).encode(errors="surrogateescape").decode(errors="backslashreplace")
