"""The directive ``rooms``: a drawing of the rooms of the package, made from what they import."""

import ast
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

BOX = (128, 34)
GAP = (14, 40)
MARGIN = 10


class Rooms(SphinxDirective):
    """Draw the rooms on their floors; a tooltip names what a room imports."""

    def run(self):
        import skw2c

        drawing = draw(read_rooms(Path(skw2c.__file__).parent))
        return [nodes.raw("", drawing, format="html")]


def read_rooms(package):
    """What each room imports of the others, by name."""
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    return {
        room: {name for path in (package / room).rglob("*.py") for name in imports_of(path)}
        & rooms - {room}
        for room in rooms
    }


def imports_of(path):
    """First names below the package that a file imports, relative to its own place."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level > 1:
            yield node.module.split(".")[0]


def find_floors(rooms):
    """Rooms by floor, the lowest first: each stands above all that it imports."""
    floors, placed = [], set()
    while rooms.keys() - placed:
        floor = sorted(name for name in rooms.keys() - placed if rooms[name] <= placed)
        if not floor:
            raise ValueError(f"imports run in a circle: {sorted(rooms.keys() - placed)}")
        floors.append(floor)
        placed |= {*floor}
    return floors


def reached_by(names, rooms):
    """All rooms that these ones import, directly or through others."""
    below = set().union(*(rooms[name] for name in names)) if names else set()
    return below | reached_by(below, rooms) if below else below


def draw(rooms):
    """An SVG with the highest floor on top."""
    floors = find_floors(rooms)[::-1]
    widest = max(map(len, floors))
    width = widest * (BOX[0] + GAP[0]) - GAP[0] + 2 * MARGIN
    height = len(floors) * (BOX[1] + GAP[1]) - GAP[1] + 2 * MARGIN
    places = {
        name: place(row, column, len(floor), width)
        for row, floor in enumerate(floors)
        for column, name in enumerate(floor)
    }
    lines = [
        line(places[name], places[other])
        for name, below in rooms.items()
        for other in sorted(below - reached_by(below, rooms))
    ]
    boxes = [box(name, places[name], rooms[name]) for name in places]
    label = (
        "The rooms of the package on their floors. Lines run from a room down to those that it "
        "imports and does not reach through others."
    )
    return (
        f'<svg class="rooms" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def place(row, column, n_columns, width):
    """Upper left corner of a box, its floor centred."""
    floor = n_columns * (BOX[0] + GAP[0]) - GAP[0]
    x = (width - floor) / 2 + column * (BOX[0] + GAP[0])
    return x, MARGIN + row * (BOX[1] + GAP[1])


def line(above, below):
    x1, y1, x2, y2 = above[0] + BOX[0] / 2, above[1] + BOX[1], below[0] + BOX[0] / 2, below[1]
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}"/>'


def box(name, corner, imported):
    x, y = corner
    told = f"{name} imports {', '.join(sorted(imported)) or 'no other room'}"
    return (
        f'<g><title>{told}</title><rect x="{x:.0f}" y="{y:.0f}" width="{BOX[0]}" '
        f'height="{BOX[1]}" rx="5"/><text x="{x + BOX[0] / 2:.0f}" y="{y + BOX[1] / 2 + 5:.0f}">'
        f"{name}</text></g>"
    )


def setup(app):
    """Add the directive."""
    app.add_directive("rooms", Rooms)
    return {"parallel_read_safe": True}
