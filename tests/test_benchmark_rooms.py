"""The rooms of the benchmarks: imports only point downward, and each says what lives there."""

import ast
import importlib
import subprocess
import sys

import pytest

from .conftest import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"
FILES = sorted(BENCHMARKS.rglob("*.py"))

# From top to bottom: each room may use those below it.
FLOORS = [
    {"run_all"},
    {"gpu", "scale"},
    {"mini", "reports", "speed"},
    {"systems", "tasks"},
    {"datasets"},
    {"running"},
]


def room_of(path):
    return path.relative_to(BENCHMARKS).with_suffix("").parts[0]


def floor_of(room):
    [level] = [k for k, floor in enumerate(FLOORS) if room in floor]
    return level


def imports_of(path):
    """Modules of benchmarks that a file imports, wherever in it, as lists of names."""
    home = path.relative_to(REPOSITORY).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (name for name in names if name[0] == "benchmarks")
        elif isinstance(node, ast.ImportFrom):
            base = list(home[: len(home) - node.level]) if node.level else []
            base += (node.module or "").split(".") if node.module else []
            if base[0] == "benchmarks":
                yield from ([*base, alias.name] for alias in node.names)


def test_every_room_has_a_floor():
    folders = {path.parent.name for path in BENCHMARKS.glob("*/__init__.py")}
    scripts = {path.stem for path in BENCHMARKS.glob("*.py")} - {"__init__"}
    assert folders | scripts == set.union(*FLOORS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(BENCHMARKS)))
def test_imports_point_downward(path):
    own = room_of(path)
    if own == "__init__":
        assert not list(imports_of(path))
        return
    for _, other, *_ in imports_of(path):
        if other != own:
            assert floor_of(other) > floor_of(own), f"{path.name} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(BENCHMARKS)))
def test_private_files_stay_in_their_room(path):
    for _, room, *rest in imports_of(path):
        if room != room_of(path):
            assert not any(name.startswith("_") for name in rest), f"{path.name}: {room}, {rest}"


def test_no_module_imports_itself_by_way_of_others():
    """Modules of a room do not run in circles either."""
    uses = {}
    for path in FILES:
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        name = name.removesuffix(".__init__")
        uses[name] = {_module_of(parts) for parts in imports_of(path)} - {name}
    done = set()
    while len(done) < len(uses):
        ready = {name for name in uses if name not in done and uses[name] <= done}
        assert ready, f"in a circle: {sorted(set(uses) - done)}"
        done |= ready


def _module_of(parts):
    """The module that is imported, or from which a name is."""
    path = REPOSITORY.joinpath(*parts)
    is_module = path.with_suffix(".py").exists() or (path / "__init__.py").exists()
    return ".".join(parts if is_module else parts[:-1])


@pytest.mark.parametrize(
    "folder", sorted(path.parent.name for path in BENCHMARKS.glob("*/__init__.py"))
)
def test_each_room_says_what_lives_there(folder):
    assert importlib.import_module(f"benchmarks.{folder}").__doc__


def test_scripts_run_from_anywhere(tmp_path):
    for script in ("run_all.py", "scale.py", "speed.py"):
        result = subprocess.run(  # noqa: S603
            [sys.executable, str(BENCHMARKS / script), "--help"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": ""},
        )
        assert result.returncode == 0, result.stderr
        assert f"usage: {script}" in result.stdout
