"""Maps of sounds: where clips lie, what colours them, and their previews."""

import os
import re
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from skw2c import load_audio
from skw2c.audio import ArrayClip
from skw2c.exceptions import OptionalDependencyError
from skw2c.maps import _coordinates
from skw2c.maps._colours import (
    colour_by_folder,
    colour_by_labels,
    colour_by_predictions,
    colour_by_words,
)
from skw2c.maps._coordinates import (
    METHODS,
    compute_coordinates,
    find_coordinates,
    mean_vectors,
    read_coordinates,
    why_no_umap,
)
from skw2c.maps._item_tables import colour_by_column, columns_of, read_item_table
from skw2c.maps._snippets import cut_snippet, encode_snippet, require_opus
from skw2c.maps._spread import choose_spread

RATE = 16000


def unit(vectors):
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def groups(rng, n_each=20, n_groups=3, width=16):
    """Unit vectors in groups that lie far apart, and the group of each."""
    of = np.repeat(np.arange(n_groups), n_each)
    return unit(np.eye(width)[of] + 0.05 * rng.normal(size=(len(of), width))), of


def share_of_own(points, of):
    """Share of points whose nearest other one is of their group."""
    far = ((points[:, None].astype(float) - points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    return (of[far.argmin(axis=1)] == of).mean()


# ---- coordinates ----


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_stay_neighbours(rng, method):
    vectors, of = groups(rng)
    found = compute_coordinates(vectors, method)
    assert found.method == method
    assert found.points.dtype == np.uint16
    assert found.points.shape == (60, 2)
    assert share_of_own(found.points, of) == 1
    # The map fills the square in its longer direction, and lies in the middle of the other.
    low, high = found.points.min(axis=0).astype(int), found.points.max(axis=0).astype(int)
    assert sorted(high - low)[1] == 65535
    assert np.abs(low + high - 65535).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_the_same_each_time(rng, method):
    vectors = unit(rng.normal(size=(40, 8)))
    one, other = (compute_coordinates(vectors, method).points for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("method", METHODS)
def test_a_few_clips_are_laid_out_by_pca(rng, n, method):
    found = compute_coordinates(unit(rng.normal(size=(n, 8))), method)
    assert found.method == "pca"
    assert found.points.shape == (n, 2)
    assert len(np.unique(found.points, axis=0)) == n


@pytest.mark.parametrize("method", METHODS)
def test_vectors_that_are_all_the_same_lie_in_the_middle(rng, method):
    vectors = np.repeat(unit(rng.normal(size=(1, 8))), 30, axis=0)
    found = compute_coordinates(vectors, method)
    np.testing.assert_array_equal(found.points, np.full((30, 2), 32768))


def test_umap_takes_many_copies_of_a_vector(rng):
    vectors = unit(rng.normal(size=(30, 8)))
    vectors = np.concatenate([np.repeat(vectors[:1], 30, axis=0), vectors])
    found = compute_coordinates(vectors, "umap")
    assert found.method == "umap"
    assert len(np.unique(found.points, axis=0)) > 30


def test_pca_goes_block_by_block_and_learns_from_a_sample(rng, monkeypatch):
    vectors, _ = groups(rng)
    whole = compute_coordinates(vectors, "pca").points
    monkeypatch.setattr(_coordinates, "_AT_ONCE", 7)
    # Rounding differs with the shape of a block, by a step of the grid at most.
    np.testing.assert_allclose(compute_coordinates(vectors, "pca").points, whole, atol=1)
    monkeypatch.setattr(_coordinates, "_SAMPLE", 30)
    sampled = compute_coordinates(vectors, "pca").points
    assert share_of_own(sampled, np.repeat(range(3), 20)) == 1


@pytest.mark.parametrize(("n_most", "given"), [(60, True), (59, False)])
def test_umap_finds_neighbours_by_itself_among_many(rng, monkeypatch, n_most, given):
    umap = pytest.importorskip("umap")
    options = {}

    class Mapper:
        def __init__(self, **parameters):
            options.update(parameters)

        def fit_transform(self, vectors):
            return vectors[:, :2]

    monkeypatch.setattr(umap, "UMAP", Mapper)
    monkeypatch.setattr(_coordinates, "_MOST_EXACT", n_most)
    vectors, _ = groups(rng)
    compute_coordinates(vectors, "umap")
    assert ("precomputed_knn" in options) is given
    if given:
        rows, distances = options["precomputed_knn"]
        np.testing.assert_array_equal(rows[:, 0], np.arange(60))
        cosines = (vectors[:, None] * vectors[rows]).sum(axis=2)
        np.testing.assert_allclose(distances, 1 - cosines, atol=1e-6)


def test_the_mean_of_its_windows_stands_for_a_clip():
    vectors = unit([[1, 0], [0, 1], [3, 4], [1, 0], [-1, 0]])
    means = mean_vectors(vectors, [2, 0, 1, 2])
    half = np.sqrt(0.5)
    np.testing.assert_allclose(means, [[half, half], [0, 0], [0.6, 0.8], [0, 0]], atol=1e-7)
    assert mean_vectors(vectors, [1] * 5) is vectors


def test_a_method_that_there_is_not():
    with pytest.raises(ValueError, match="method='tsne' must be 'auto', 'umap' or 'pca'"):
        find_coordinates(np.eye(3, dtype=np.float32), "tsne")


def test_without_umap(monkeypatch):
    monkeypatch.setattr(_coordinates.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "umap", None)
    vectors = np.eye(12, dtype=np.float32)
    assert why_no_umap() == 'UMAP is not installed: pip install "skw2c[serve]"'
    assert find_coordinates(vectors).method == "pca"
    with pytest.raises(OptionalDependencyError, match=r"skw2c\[serve\]"):
        find_coordinates(vectors, "umap")


# ---- coordinates that are kept ----


@pytest.fixture
def kept(rng, tmp_path):
    """Vectors whose coordinates are in a folder, and the file of them."""
    vectors = unit(rng.normal(size=(12, 8)))
    find_coordinates(vectors, "pca", folder=tmp_path, index_id="one")
    return vectors, tmp_path, tmp_path / "listening" / "map-pca.bin"


def test_coordinates_are_computed_once(kept, monkeypatch):
    vectors, folder, file = kept
    expected = compute_coordinates(vectors, "pca").points
    monkeypatch.setattr(_coordinates, "compute_coordinates", None)
    found = find_coordinates(vectors, "pca", folder=folder, index_id="one")
    np.testing.assert_array_equal(found.points, expected)
    assert [path.name for path in file.parent.iterdir()] == ["map-pca.bin"]


def test_umap_of_a_few_clips_is_kept_as_what_it_is(rng, tmp_path):
    vectors = unit(rng.normal(size=(3, 8)))
    find_coordinates(vectors, "umap", folder=tmp_path, index_id="one")
    assert read_coordinates(tmp_path, "one", 3, "umap").method == "pca"
    assert read_coordinates(tmp_path, "one", 3, "pca") is None


def damage(content, how):
    if how == "flipped":
        return content[:-1] + bytes([content[-1] ^ 1])
    return {"truncated": content[:-1], "longer": content + b"\0", "empty": b""}[how]


@pytest.mark.parametrize("how", ["flipped", "truncated", "longer", "empty"])
def test_damaged_coordinates_are_computed_again(kept, how):
    vectors, folder, file = kept
    good = file.read_bytes()
    file.write_bytes(damage(good, how))
    assert read_coordinates(folder, "one", 12, "pca") is None
    find_coordinates(vectors, "pca", folder=folder, index_id="one")
    assert file.read_bytes() == good


def test_coordinates_of_another_state_of_the_index_are_replaced(kept):
    vectors, folder, file = kept
    assert read_coordinates(folder, "two", 12, "pca") is None
    assert read_coordinates(folder, "one", 11, "pca") is None
    find_coordinates(vectors, "pca", folder=folder, index_id="two")
    assert read_coordinates(folder, "two", 12, "pca") is not None
    assert read_coordinates(folder, "one", 12, "pca") is None
    assert len(list(file.parent.iterdir())) == 1


def test_what_is_no_file_is_not_read(kept):
    _vectors, folder, file = kept
    file.unlink()
    os.mkfifo(file)  # reading it would wait for ever
    assert read_coordinates(folder, "one", 12, "pca") is None


def test_a_link_does_not_lead_writing_elsewhere(kept, tmp_path):
    vectors, folder, file = kept
    other = tmp_path / "precious"
    other.write_bytes(b"precious")
    file.unlink()
    file.symlink_to(other)
    find_coordinates(vectors, "pca", folder=folder, index_id="two")
    assert other.read_bytes() == b"precious"
    assert not file.is_symlink()


def test_a_folder_that_cannot_be_written_to_is_no_error(rng, tmp_path):
    (tmp_path / "listening").write_text("in the way")
    vectors = unit(rng.normal(size=(12, 8)))
    assert len(find_coordinates(vectors, "pca", folder=tmp_path, index_id="one").points) == 12


# ---- colours ----


def named(colouring):
    """The category of each clip by name."""
    names = [*colouring.categories, None]  # -1 is the last
    assert colouring.numbers.dtype == np.int16
    return [names[number] for number in colouring.numbers]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["/d/a/1.wav", "/d/b/2.wav", "/d/b/3.wav"], ["a", "b", "b"]),
        (["/d/a/1.wav", "/d/a/2.wav"], ["a", "a"]),
        (["/d/1.wav", "/d/d/2.wav"], ["d/", "d"]),
        (["x/a/1.wav", "x/b/c/2.wav", "x/b/d/3.wav"], ["a", "b/c", "b/d"]),
        (["1.wav", 3, "a/2.wav"], [None, None, "a"]),
        (["/1.wav", "/b/2.wav"], ["/", "b"]),
        ([], []),
    ],
)
def test_folders_are_told_apart_below_the_common_one(items, expected):
    assert named(colour_by_folder(items)) == expected


def test_the_deepest_level_that_colours_can_tell_apart():
    items = [f"/d/{k % 3}/{k}/x.wav" for k in range(60)]
    assert named(colour_by_folder(items)) == [str(k % 3) for k in range(60)]


def test_rare_folders_share_a_colour():
    items = [f"/d/{k}/{n}.wav" for k in range(30) for n in range(30 - k)]
    found = colour_by_folder(items)
    assert found.categories == [*map(str, range(19)), "other"]
    assert named(found)[-1] == "other"
    assert named(found)[0] == "0"


def test_digits_in_names_are_numbers():
    items = [f"/d/take {k}/1.wav" for k in (10, 9, 100)]
    assert colour_by_folder(items).categories == ["take 9", "take 10", "take 100"]


def test_labels_come_in_the_order_of_their_classes():
    found = colour_by_labels(["a", "b", "c"], {"a": "rain", "b": "old"}, ["wind", "rain"])
    assert found.categories == ["wind", "rain", "old"]
    assert named(found) == ["rain", "old", None]
    assert named(colour_by_predictions(np.array(["x", "y"]))) == ["x", "y"]


def test_the_nearest_word_colours_a_clip(rng):
    vectors = unit(rng.normal(size=(50, 4)))
    words = unit(rng.normal(size=(3, 4)))
    found = colour_by_words(vectors, ["a", "b", "c"], words)
    np.testing.assert_array_equal(found.numbers, (vectors @ words.T).argmax(axis=1))
    assert named(colour_by_words(vectors[:2], [], words[:0])) == [None, None]


def frame(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["/d/a/1.wav", "/d/b/1.wav"], ["x", "y", None]),
        (["a/1.wav", "./b/1.wav"], ["x", "y", None]),
        (["2.wav", "nowhere.wav"], [None, None, "x"]),
    ],
)
def test_rows_of_a_table_find_their_clips(names, expected):
    items = ["/d/a/1.wav", "/d/b/1.wav", "/d/b/2.wav"]
    table = frame(file=names, kind=["x", "y"])
    assert named(colour_by_column(items, table, "kind")) == expected


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        (frame(file=["1.wav"], kind=["x"]), "kind", "'1.wav' in the table stands for 2 clips"),
        (frame(file=["3.wav"], kind=["x"]), "kind", "does not name any clip of the index"),
        (frame(file=["a/1.wav"], kind=["x"]), "kin", "does not have a column 'kin'"),
        (frame(file=["a/1.wav"] * 2, kind=["x", "y"]), "kind", "two rows for the clip 'a/1.wav'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table, column, message):
    with pytest.raises(ValueError, match=message):
        colour_by_column(["a/1.wav", "b/1.wav"], table, column)


def test_names_that_stand_twice_in_the_index_are_no_riddle():
    assert named(colour_by_column(["a", "a"], frame(file=["a"], kind=["x"]), "kind")) == ["x", "x"]


def test_numbers_are_sorted_as_numbers_and_many_become_ranges():
    items = [str(k) for k in range(100)]
    few = frame(file=items, fold=[k % 12 for k in range(100)])
    assert colour_by_column(items, few, "fold").categories == [str(k) for k in range(12)]
    many = colour_by_column(items, frame(file=items, length=range(100)), "length")
    assert len(many.categories) == 8
    assert many.categories[0] == "0 to 12.38"
    assert (np.diff(many.numbers) >= 0).all()
    assert set(many.numbers) == set(range(8))
    assert np.bincount(many.numbers).min() >= 12


def test_empty_cells_are_no_category():
    table = frame(file=["a", "b", "c"], kind=["", None, "x"])
    assert named(colour_by_column(["a", "b", "c"], table, "kind")) == [None, None, "x"]


def test_a_table_is_read_as_text(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("\ufefffile,label\n007,NA\n".encode())
    table = read_item_table(path)
    assert columns_of(table) == ["label"]
    assert table.iloc[0].tolist() == ["007", "NA"]


@pytest.mark.parametrize("text", ["", "file\na.wav\n", "file,label\na.wav,x,y\n"])
def test_what_is_no_table_is_named(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(repr(str(path)))):
        read_item_table(path)


# ---- previews ----


def test_previews_come_from_everywhere_on_the_map(rng):
    crowd = rng.integers(0, 2048, (5000, 2))
    edge = np.array([[65535, 65535], [65535, 0], [0, 65535]])
    points = np.concatenate([crowd, edge]).astype(np.uint16)
    chosen = choose_spread(points, np.arange(len(points)), 100)
    assert len(chosen) == 100
    assert (np.diff(chosen) > 0).all()
    assert {5000, 5001, 5002} <= set(chosen)
    np.testing.assert_array_equal(choose_spread(points, np.array([7, 3]), 100), [3, 7])
    assert choose_spread(points, np.arange(10), 0).size == 0


def tone(seconds, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def clip(tmp_path):
    """Silence of two seconds, then a tone of four."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.concatenate([np.zeros(2 * RATE), tone(4)]), RATE)
    return str(path)


def test_a_preview_is_the_sound_itself(clip):
    waveform, rate = load_audio(encode_snippet(clip, 3.0), sampling_rate=None)
    assert rate == 48000
    # Packets of Opus last 20 ms.
    assert abs(len(waveform) / rate - 3.0) <= 0.02
    # From the tone's start on, for its silence is left out.
    spectrum = np.abs(np.fft.rfft(waveform[rate // 2 : 3 * rate // 2]))
    assert spectrum.argmax() == 440
    assert np.abs(waveform[: rate // 4]).max() > 0.4


def test_a_preview_is_faded_out_where_it_is_cut():
    cut = cut_snippet(ArrayClip(tone(4), RATE), 1.0)
    assert len(cut) == 48000
    assert cut[-1] == 0
    assert np.abs(cut[-1000:]).max() < 0.5
    whole = cut_snippet(ArrayClip(tone(0.5), RATE), 1.0)
    assert len(whole) == 24000
    assert np.abs(whole[-1000:]).max() > 0.45


def test_loud_and_silent_sounds_have_previews_too():
    assert np.abs(cut_snippet(ArrayClip(8 * tone(1), RATE), 1.0)).max() == 1
    silence = cut_snippet(ArrayClip(np.zeros(40 * RATE), RATE), 3.0)
    assert len(silence) == 3 * 48000
    assert not silence.any()


def test_only_the_beginning_of_a_long_file_is_read(monkeypatch):
    long = ArrayClip(tone(200), RATE)
    asked = []
    blocks = long.blocks(48000)
    monkeypatch.setattr(long, "blocks", lambda rate: (asked.append(len(b)) or b for b in blocks))
    assert len(cut_snippet(long, 3.0)) == 3 * 48000
    assert sum(asked) < 40 * 48000


def test_without_pyav_the_cure_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(OptionalDependencyError, match=r"pass clips=0.*skw2c\[media\]"):
        require_opus("for a map without sound, pass clips=0")
