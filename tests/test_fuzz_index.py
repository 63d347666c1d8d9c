"""Indexes from outside: whatever is done to the folder, an error says so, and nothing crashes."""

import hashlib
import json
import shutil
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skw2c import AudioIndex
from skw2c.search._neighbours import FaissNeighbours

from .fuzzing import REPEATABLE, Victim, damaged
from .old_index import save_as_version_1

ODD = [
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**400,
    0.5,
    -0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "a",
    "..",
    "/dev/zero",
    "\0",
    "clip",
    "frame",
    "faiss",
    "passthrough",
    [],
    [[]],
    [3],
    ["a"],
    {},
    {"a": 1},
    {"class": "Wav2CLIPTransformer"},
    {"class": "Wav2CLIPTransformer", "parameters": {"mode": 3}, "weights": {"seed": "a"}},
    {"file": "../x", "bytes": 1, "sha256": "a"},
]


build, built = FaissNeighbours.__init__, {}


def build_once(engine, vectors, **parameters):
    """Build what replaces a damaged structure once: the same vectors give the same each time."""
    key = hashlib.sha256(vectors).digest()
    if key not in built:
        build(engine, vectors, **parameters)
        built.clear()
        built[key] = vars(engine)
    vars(engine).update(built[key], vectors=vectors)


@patch.object(FaissNeighbours, "__init__", build_once)
def use(path):
    """What one does with an index: open it, ask it, add to it."""
    import warnings

    warnings.simplefilter("ignore")
    index = AudioIndex.load(path)
    width = index._content.width
    if not index.n_vectors_:
        return "empty"
    query = np.ones((2, width)) / width**0.5
    found = index.search(query, by="vector", k=3)
    assert np.isfinite(found["score"]).all()
    assert len(index.items_) == len(index)
    return len(found)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Saved indexes: of clips, of windows in two parts, and with a structure to search in."""
    folder, rng = tmp_path_factory.mktemp("indexes"), np.random.default_rng(0)
    few = rng.normal(size=(20, 4))
    AudioIndex("passthrough", text_encoder=None).fit(few).save(folder / "clips")
    frames = AudioIndex("passthrough", mode="frame").fit([few[:7], few[7:9]], items=["a", "b"])
    frames.save(folder / "frames").add([few[:1]], items=["c"]).save(folder / "frames")
    centres = rng.normal(size=(20, 8)).repeat(850, axis=0)
    many = centres + 0.3 * rng.normal(size=centres.shape)
    AudioIndex("passthrough", method="faiss").fit(many).save(folder / "faiss")
    removed = AudioIndex("passthrough").fit(few).save(folder / "removed")
    removed.remove([3, 4]).save(folder / "removed")
    frames.save(folder / "old")
    save_as_version_1(folder / "old")
    return folder


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    documented = ["skw2c.exceptions:SavedIndexError"]
    with Victim(f"{__name__}:use", documented, tmp_path_factory.mktemp("damaged")) as victim:
        yield victim


def sign(folder):
    """Let the list say the checksums of the files as they are now."""
    listed = json.loads((folder / "index.json").read_text())
    entries = [entry for files in listed["parts"] for entry in files.values()]
    for entry in entries:
        if entry:
            content = (folder / entry["file"]).read_bytes()
            entry["bytes"], entry["sha256"] = len(content), hashlib.sha256(content).hexdigest()
    (folder / "index.json").write_text(json.dumps(listed))


def places_in(value, place=()):
    """Where there is something in nested lists and dicts."""
    yield place
    inner = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, dict) else inner:
        yield from places_in(item, (*place, key))


def edit(content, place, change):
    """Change what is at a place; an empty place is all of it."""
    if not place:
        return change
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    if change == "remove":
        del inner[place[-1]]
    else:
        inner[place[-1]] = change
    return content


def attack(data, victim, originals, which, damage):
    copy = victim._folder / "index"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(originals / which, copy)
    damage(data, copy)
    try:
        victim.run_path(copy)
    finally:
        shutil.rmtree(copy)


def damage_file(data, folder, pattern="*.*"):
    """Damage one of the files as a disk or a network would."""
    files = {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}
    files = {kind_of(name): (name, content) for name, content in files.items() if name != ".lock"}
    kind, content = data.draw(damaged({kind: content for kind, (_, content) in files.items()}))
    (folder / files[kind][0]).write_bytes(content)


def kind_of(name):
    """The name of a file without its number, which is another in each run."""
    return name.split(".", 1)[1] if len(name) > 32 else name


def damage_and_sign(data, folder):
    damage_file(data, folder, pattern="?" * 32 + ".*")
    sign(folder)


def damage_structure(data, folder):
    damage_file(data, folder, pattern="*.faiss")
    sign(folder)


def edit_json(data, folder):
    """Put something odd somewhere into the list, or, in an old index, into the names of clips."""
    names = {kind_of(path.name): path for path in sorted(folder.glob("*.json"))}
    path = names[data.draw(st.sampled_from(sorted(names)))]
    content = json.loads(path.read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        if isinstance(content, (dict, list)):
            place = data.draw(st.sampled_from(list(places_in(content))[:400]))
            content = edit(content, place, data.draw(st.sampled_from([*ODD, "remove"])))
    path.write_text(json.dumps(content))
    if path.name != "index.json":
        sign(folder)


KINDS = [("plain", damage_file), ("signed", damage_and_sign), ("edited", edit_json)]


def check(victim, originals, which, damage, n_examples):
    @settings(REPEATABLE, max_examples=n_examples)
    @given(st.data())
    def run(data):
        attack(data, victim, originals, which, damage)

    run()


@pytest.mark.parametrize("which", ["clips", "frames", "removed", "old"])
@pytest.mark.parametrize("damage", [damage for _, damage in KINDS], ids=[name for name, _ in KINDS])
def test_a_damaged_index(victim, originals, which, damage):
    check(victim, originals, which, damage, 40)


def test_a_damaged_structure_to_search_in(victim, originals):
    check(victim, originals, "faiss", damage_structure, 40)


@pytest.mark.fuzz
@pytest.mark.parametrize("which", ["clips", "frames", "removed", "old", "faiss"])
@pytest.mark.parametrize(
    "damage",
    [*(damage for _, damage in KINDS), damage_structure],
    ids=[*(name for name, _ in KINDS), "structure"],
)
def test_a_damaged_index_for_long(victim, originals, which, damage):
    if damage is damage_structure and which != "faiss":
        pytest.skip("it has none")
    check(victim, originals, which, damage, 3000)


def test_what_is_whole_is_opened(victim, originals):
    for folder in originals.iterdir():
        outcome = victim.run_path(folder)
        assert (outcome.error, outcome.value) == (None, 6)
