"""The house: what an import loads, and that imports only point downward."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skw2c

PACKAGE = Path(skw2c.__file__).parent
HEAVY = [
    "h5py",
    "tflite",
    "onnxruntime",
    "openvino",
    "librosa",
    "numba",
    "open_clip",
    "matplotlib",
    "av",
    "soundfile",
    "soxr",
    "umap",
    "kornia",
    "PIL",
    "faiss",
    "torchvision",
    "lightning_fabric",
    "webdataset",
]

# From top to bottom: each room may use those below it.
FLOORS = [
    {"__main__"},
    {"cli"},
    {"__init__"},
    {"listening"},
    {"captioning", "classifiers", "generation", "hear", "mteb", "search", "xares"},
    {"distillation"},
    {"corpus"},
    {"datasets", "maps", "training", "transformers"},
    {"models", "validation"},
    {"audio", "engines", "images", "metrics", "synthesis", "weights"},
    {"files"},
    {"system"},
    {"_version", "exceptions"},
]


def loaded_after(code):
    program = f"import sys, json\n{code}\nprint(json.dumps(list(sys.modules)))"
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_import_is_light():
    loaded = loaded_after("import skw2c")
    assert not loaded & {*HEAVY, "torch", "sklearn", "pandas", "numpy"}


def test_embedding_arrays_needs_no_audio_package():
    loaded = loaded_after(
        "import numpy as np, skw2c\n"
        "T = skw2c.Wav2CLIPTransformer(None, random_state=0)\n"
        "T.fit_transform([np.ones(9000)])"
    )
    assert not loaded & {*HEAVY, "pooch"}


def test_everything_public_comes_from_the_package():
    for name in skw2c.__all__:
        assert getattr(skw2c, name) is not None
        assert name in dir(skw2c)
    with pytest.raises(AttributeError, match="no attribute 'Wave2Clip'"):
        skw2c.Wave2Clip  # noqa: B018


def floor_of(module):
    [level] = [k for k, floor in enumerate(FLOORS) if module in floor]
    return level


def _home_of(alias):
    """The module that a name of the package is, or the package itself."""
    is_module = any((PACKAGE / f"{alias.name}{end}").exists() for end in (".py", "/__init__.py"))
    return alias.name if is_module else "__init__"


def imports_of(path):
    """Modules directly below the package that a file imports, wherever in it."""
    home = path.relative_to(PACKAGE).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (name[1] for name in names if name[0] == "skw2c" and name[1:])
        elif isinstance(node, ast.ImportFrom) and node.level:
            parts = [*home[: len(home) - node.level], *(node.module or "").split(".")]
            yield from ([parts[0]] if parts[0] else map(_home_of, node.names))
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "skw2c":
            yield from node.module.split(".")[1:2] or [alias.name for alias in node.names]


def test_every_module_has_a_floor():
    modules = {p.stem for p in PACKAGE.glob("*.py")} | {
        p.parent.name for p in PACKAGE.glob("*/__init__.py")
    }
    assert modules == set.union(*FLOORS)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_point_downward(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for other in imports_of(path):
        if other != own:
            assert floor_of(other) > floor_of(own), f"{path.name} imports {other}"


def test_networks_know_no_sound_files():
    for path in (PACKAGE / "models").rglob("*.py"):
        assert "audio" not in set(imports_of(path))


CLASSES = [name for name in skw2c.__all__ if isinstance(getattr(skw2c, name), type)]


def entries_of(kind, section):
    """Names and types below a heading of a numpydoc docstring, as `help` shows it."""
    document = inspect.getdoc(kind)
    found = re.search(rf"^{section}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", document, re.S | re.M)
    return dict(re.findall(r"^(\w+) : (.+)$", found[1], re.M)) if found else {}


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_is_described_with_its_default(name):
    kind = getattr(skw2c, name)
    described = entries_of(kind, "Parameters")
    parameters = inspect.signature(kind).parameters
    assert list(described) == list(parameters)
    for parameter, type_ in described.items():
        default = parameters[parameter].default
        _, stated, value = type_.partition("default=")
        assert bool(stated) == (default is not inspect.Parameter.empty)
        assert not stated or ast.literal_eval(value) == default
    assert ": shared" not in inspect.getdoc(kind)
