"""The map of an index as a page in one file: what is in it, how it looks, how it is made."""

import base64
import html
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from skw2c import AudioIndex
from skw2c.cli import main
from skw2c.exceptions import OptionalDependencyError
from skw2c.maps import _coordinates, _sound_map

from .browser import open_browser, wait_until, watch

RATE = 16000
HOSTILE = [
    "</script><script>document.title='hacked'</script>",
    "<!-- <script>",
    "{{ data }}",
    "two\nlines",
    "𝄞 雨 \u2028 é",
    "a\udce9b",
    'quote" onload="x',
    "long " * 60,
]
TIME_ADVANCES = "document.querySelector('#progress').value > 0.02"
WORDS = {"dog": [1.0, 0.0], "rain": [0.0, 1.0]}


def tone(frequency, seconds=1.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def directions(n):
    """Unit vectors that turn from one axis to the other."""
    angles = np.linspace(0, np.pi / 2, n)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.fixture
def sounds(tmp_path):
    """Four files in two folders, of which one lies outside of the index."""
    paths = [tmp_path / "sounds" / kind / f"{k}.wav" for kind in ("low", "high") for k in (1, 2)]
    for k, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(200 * (k + 1)), RATE)
    return [str(path) for path in paths]


def index_of(items, **options):
    """An index of vectors whose clips have these names, and their files where there are some."""
    index = AudioIndex("passthrough", text_encoder=WORDS, **options)
    return index.fit(directions(len(items)), items=items)


@pytest.fixture
def index(sounds, tmp_path, monkeypatch):
    """A saved index of ready vectors that knows the files of its clips."""
    index = index_of(sounds)
    for number, path in enumerate(sounds):
        index._set_content(index._content.with_sources({number: (path, source_of(path))}))
    return index.save(tmp_path / "library")


def source_of(path):
    from skw2c.search._sources import Source

    return Source(path, None, None, named=False)


def data_of(page):
    [text] = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL
    )
    return json.loads(text)


def test_all_that_the_page_needs_is_in_it(index):
    drawn = index.map(method="pca", labels=["dog", "rain"])
    page = drawn.html()
    data = data_of(page)
    assert data["title"] == "library"
    assert [each["title"] for each in data["layouts"]] == ["PCA"]
    assert data["names"] == ["1.wav", "2.wav", "1.wav", "2.wav"]
    assert data["folders"] == ["low", "high"]
    assert [each["title"] for each in data["colourings"]] == ["words", "folder"]
    assert data["colourings"][0]["categories"] == ["dog", "rain"]
    assert list(data["previews"]) == list("0123")
    assert "src=" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert repr(drawn) == "SoundMap(4 clips, pca, 4 previews, 0.1 MB)"


def test_nothing_tells_where_the_sounds_lie_on_the_disk(index, tmp_path):
    assert str(tmp_path) not in index.map(method="pca").html()


def test_names_are_text_and_nothing_else():
    drawn = index_of([f"{name}.wav" for name in HOSTILE]).map(method="pca")
    page = drawn.html()
    shown = [
        name.encode(errors="surrogateescape").decode(errors="backslashreplace") for name in HOSTILE
    ]
    names = [name.rpartition("/")[2] for name in shown]
    assert data_of(page)["names"] == [f"{name}.wav" for name in names]
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    page.encode()


def test_the_title_is_text(tmp_path):
    folder = tmp_path / "<b>{{ data }}"
    page = index_of(["a"]).save(folder).map(method="pca").html()
    assert "<title>&lt;b&gt;{{ data }}</title>" in page
    assert data_of(page)["title"] == "<b>{{ data }}"


def test_the_size_is_known_beforehand(index):
    drawn = index.map(method="pca")
    size = len(drawn.html().encode())
    # Seconds of previews are counted as if each lasted three, and these last one.
    assert size < drawn.estimated_size < size + 4 * 3 * 24000 / 8 * 4 / 3 + 1000
    silent = index.map(method="pca", clips=0)
    assert silent.estimated_size == len(silent.html().encode())


def test_a_page_that_is_too_large_is_refused_before_the_work(index, monkeypatch):
    monkeypatch.setattr(_sound_map, "encode_snippet", None)
    with pytest.raises(ValueError, match=r"the map is about 0\.\d MB, and limit=0\.05.*clips=4"):
        index.map(method="pca", limit=0.05)


def test_a_page_that_grows_larger_than_was_expected_is_refused(index, monkeypatch, tmp_path):
    monkeypatch.setattr(_sound_map, "encode_snippet", lambda sound, seconds: bytes(10**6))
    drawn = index.map(method="pca", limit=1)
    with pytest.raises(ValueError, match=r"the map is 5\.\d MB, and limit=1"):
        drawn.save(tmp_path / "map.html")
    assert not (tmp_path / "map.html").exists()
    assert len(index.map(method="pca", limit=None).html()) > 5e6


def test_files_that_are_missing_or_damaged_stay_on_the_map(index, sounds):
    os.remove(sounds[0])
    with open(sounds[1], "wb") as file:
        file.write(b"not a sound")
    drawn = index.map(method="pca")
    assert drawn.failures == {0: "the file does not exist"}
    with pytest.warns(UserWarning, match=r"no preview of .*low/1.wav.*\(and of 1 other\)"):
        data = data_of(drawn.html())
    assert list(drawn.failures) == [0, 1]
    assert drawn.n_previews == 2
    assert len(data["names"]) == 4
    assert list(data["previews"]) == ["2", "3"]
    assert data["notes"] == [
        "1 sound has a file that does not exist.",
        "1 sound has a file that cannot be read.",
    ]


def test_vectors_and_samples_have_no_previews():
    drawn = index_of(["a", "b"]).map(method="pca")
    data = data_of(drawn.html())
    assert data["previews"] == {}
    assert data["notes"] == ["2 sounds did not come from files."]
    assert drawn.n_previews == 0
    assert drawn.failures == {}


def test_previews_can_be_fewer_and_shorter(index):
    def total(**options):
        drawn = index.map(method="pca", **options)
        return sum(map(len, data_of(drawn.html())["previews"].values())), drawn.n_previews

    assert total(clips=2)[1] == 2
    assert total(seconds=0.3)[0] < total()[0] / 2


def test_without_pyav_there_is_a_map_without_sound(index, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(OptionalDependencyError, match="pass clips=0"):
        index.map(method="pca")
    assert index.map(method="pca", clips=0).html()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_an_index_of_next_to_nothing_has_a_map(n):
    index = index_of(["a", "b", "c"])
    index.remove(index.items_[n:]) if n < 3 else None
    assert len(data_of(index.map(labels=["dog"]).html())["names"]) == n


def test_frames_of_a_clip_are_one_point():
    index = AudioIndex("passthrough", mode="frame").fit([directions(3), directions(5)])
    assert index.n_vectors_ == 8
    assert len(data_of(index.map(method="pca").html())["names"]) == 2


def test_a_table_colours_the_clips(index, sounds, tmp_path):
    table = pd.DataFrame({"file": ["low/1.wav", "high/2.wav"], "kind": ["x", "y"], "n": [1, 2]})
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    for given in (table, path, str(path)):
        data = data_of(index.map(method="pca", table=given, clips=0).html())
        assert [each["title"] for each in data["colourings"]] == ["kind", "n", "folder"]
        assert data["colourings"][0]["categories"] == ["x", "y"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "tsne"}, "method='tsne'"),
        ({"clips": -1}, "clips=-1"),
        ({"clips": True}, "clips=True"),
        ({"seconds": 0}, "seconds=0"),
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"seconds": 61}, "seconds=61"),
        ({"limit": 0}, "limit=0"),
        ({"limit": "25"}, "limit='25'"),
        ({"labels": "dog"}, "labels='dog' must be a list"),
        ({"labels": []}, "labels=\\[\\] has no words"),
        ({"labels": ["dog", "cow"]}, "lacks 'cow'"),
        ({"table": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_bad_options_are_named(index, options, message):
    with pytest.raises((ValueError, OSError), match=message):
        index.map(**{"method": "pca", **options})


# ---- coordinates beside the index ----


def test_coordinates_are_kept_beside_a_saved_index(index, tmp_path, monkeypatch):
    index.map(method="pca", clips=0)
    computed = _coordinates.compute_coordinates
    monkeypatch.setattr(_coordinates, "compute_coordinates", None)
    again = AudioIndex.load(tmp_path / "library", text_encoder=WORDS).map(method="pca", clips=0)
    assert again.n_clips == 4
    monkeypatch.setattr(_coordinates, "compute_coordinates", computed)


def test_what_is_not_saved_is_not_kept(index, tmp_path):
    index.remove(index.items_[:1])
    assert len(data_of(index.map(method="pca", clips=0).html())["names"]) == 3
    assert not (tmp_path / "library" / "listening").exists()
    index_of(["a"]).map(method="pca")
    index.save(tmp_path / "library").map(method="pca", clips=0)
    assert (tmp_path / "library" / "listening" / "map-pca.bin").exists()


# ---- notebooks and the shell ----


def test_a_notebook_shows_it_in_a_frame_of_its_own(index):
    drawn = index.map(method="pca", clips=0)
    shown = drawn._repr_html_()
    [inner] = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(inner) == drawn.html()
    assert 'sandbox="allow-scripts allow-downloads"' in shown


def test_the_command_states_the_size_and_writes_the_file(sounds, tmp_path, capsys):
    AudioIndex("mini").fit(sounds).save(tmp_path / "library")
    out = tmp_path / "map.html"
    arguments = ["map", str(tmp_path / "library"), "--out", str(out), "--method", "pca", "--quiet"]
    assert main([*arguments, "--labels", "a tone, rain"]) == 0
    before, after = capsys.readouterr().err.splitlines()
    assert "map.html will have about 0.1 MB: 4 sounds laid out by PCA, 4 previews" in before
    assert "map.html has 0.1 MB" in after
    data = data_of(out.read_text("utf-8"))
    assert data["colourings"][0]["categories"] == ["a tone", "rain"]
    assert len(data["previews"]) == 4

    os.remove(sounds[3])
    assert main([*arguments, "--clips", "2", "--seconds", "1"]) == 0
    told = capsys.readouterr().err
    assert "high/2.wav: the file does not exist" in told
    assert "1 sound without a preview for this reason" in told

    out.unlink()
    assert main([*arguments, "--limit", "0.01"]) == 1
    assert "--limit 0.01: choose fewer previews (--clips 3)" in capsys.readouterr().err
    assert main([*arguments[:3], str(tmp_path / "map.png")]) == 1
    assert "must end in .html or .htm" in capsys.readouterr().err
    assert not out.exists()


def test_the_command_finds_sounds_that_were_moved(sounds, tmp_path, capsys):
    index, out = tmp_path / "library", tmp_path / "map.html"
    AudioIndex("mini").fit(sounds).save(index)
    folder = Path(os.path.commonpath(sounds))
    folder.rename(tmp_path / "elsewhere")
    arguments = ["map", str(index), "--out", str(out), "--method", "pca", "--quiet"]
    assert main(arguments) == 0
    assert "4 sounds laid out by PCA, 0 previews" in capsys.readouterr().err
    assert main([*arguments, "--root", str(tmp_path / "elsewhere")]) == 0
    assert len(data_of(out.read_text("utf-8"))["previews"]) == 4
    assert main([*arguments, "--root", str(folder)]) == 1
    assert str(folder) in capsys.readouterr().err


# ---- in a browser ----


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A map of hostile names and of sounds, one of them without a preview."""
    folder = tmp_path_factory.mktemp("map")
    items = [str(folder / "sounds" / "low" / f"{k}.wav") for k in range(20)]
    items += [f"{folder}/sounds/odd/{k}{name}" for k, name in enumerate(HOSTILE)]
    index = index_of(items)
    for number in range(20):
        os.makedirs(os.path.dirname(items[number]), exist_ok=True)
        soundfile.write(items[number], tone(300 + 10 * number, 2), RATE)
        changed = {number: (items[number], source_of(items[number]))}
        index._set_content(index._content.with_sources(changed))
    drawn = index.map(method="pca", labels=["dog", "rain"])
    drawn.save(folder / "map.html")
    notebook = f"<!doctype html><title>notebook</title>{drawn._repr_html_()}"
    (folder / "notebook.html").write_text(notebook, "utf-8")
    return folder / "map.html"


@pytest.fixture
def open_map(browser, page_file):
    """A function that opens the page; whatever it asks for or complains of fails the test."""
    opened = []

    def open_map(name="map.html", **options):
        context = browser.new_context(**options)
        page = context.new_page()
        seen = watch(page)
        address = page_file.with_name(name).as_uri()
        page.goto(address)
        opened.append((context, seen, address))
        return page

    yield open_map
    for context, seen, address in opened:
        context.close()
        unexpected = [each for each in seen if not each.startswith("data:audio/ogg;")]
        assert unexpected == [address]


def place_of(page, number):
    """Where a point lies in the window, while all are shown; points keep 24 pixels from edges."""
    points = np.frombuffer(
        base64.b64decode(data_of(page.content())["layouts"][0]["points"]), "<u2"
    ).reshape(-1, 2)
    box = page.locator("#points").bounding_box()
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    room = np.array([box["width"], box["height"]]) - 48
    scale = (room / np.maximum(high - low, 1)).min()
    x, y = (points[number] - (low + high) / 2) * scale
    return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 - y


def wait_until_it_plays(page):
    wait_until(page, TIME_ADVANCES)
    assert page.get_attribute("#toggle", "aria-label") == "Stop"


def test_a_click_on_a_point_plays_it(open_map):
    page = open_map()
    assert page.text_content("#facts") == (
        "28 sounds, laid out by PCA. 20 can be heard here; the others are drawn faintly. "
        "8 sounds did not come from files."
    )
    page.mouse.move(*place_of(page, 7))
    page.wait_for_selector(".point-map-tip:has-text('7.wav')")
    page.mouse.click(*place_of(page, 7))
    wait_until_it_plays(page)
    assert page.text_content("#now-name") == "7.wav"
    assert page.text_content("#list-title") == "Near 7.wav"
    assert page.locator("#list [aria-current] .name").text_content() == "7.wav"
    page.click("#toggle")
    page.wait_for_selector("#toggle[aria-label=Play]")


def test_a_sound_without_a_preview_says_so(open_map):
    page = open_map()
    page.mouse.click(*place_of(page, 27))
    assert page.text_content("#message") == "This sound has no preview in this file."
    assert page.is_disabled("#toggle")


def test_hostile_names_are_shown_as_text(open_map):
    page = open_map()
    shown = [name.replace("\udce9", "\\xe9").rpartition("/")[2] for name in HOSTILE]
    expected = [name if "</" in HOSTILE[k] else f"{k}{name}" for k, name in enumerate(shown)]
    names = page.locator("#list .name").all_text_contents()
    assert names[20:] == expected
    assert page.title() == "Map of sounds"


def test_rows_are_walked_by_keys(open_map):
    page = open_map()
    page.keyboard.press("/")
    page.keyboard.type("LOW/1")
    assert page.locator("#list button").count() == 11  # 1 and 10 to 19
    assert page.text_content("#list-title") == "Found: 11 sounds"
    page.locator("#list button").first.focus()
    page.keyboard.press("ArrowDown")
    wait_until_it_plays(page)
    assert page.text_content("#now-name") == "10.wav"
    page.keyboard.press("Space")
    page.wait_for_selector("#toggle[aria-label=Play]")
    page.keyboard.press("ArrowUp")
    wait_until_it_plays(page)
    assert page.text_content("#now-name") == "1.wav"
    page.focus("#filter")
    page.keyboard.press("Escape")
    assert page.locator("#list button").count() == 28


def test_the_map_is_walked_by_keys(open_map):
    page = open_map()
    page.focus("#points canvas[tabindex]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.text_content("#now-name") != "Click a point to hear it"


def test_the_lasso_lists_and_takes_away(open_map):
    page = open_map(accept_downloads=True)
    page.click("#lasso")
    box = page.locator("#points").bounding_box()
    left, top = box["x"] + 2, box["y"] + 60
    right, bottom = box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
    assert re.fullmatch(r"Selected: \d+ sounds", page.text_content("#list-title"))
    with page.expect_download() as download:
        page.click("#save")
    table = pd.read_csv(download.value.path())
    assert list(table.columns) == ["file", "x", "y", "words"]
    assert len(table) == page.locator("#list button").count() > 10
    assert table["file"][0] == "low/0.wav"
    assert set(table["words"]) == {"dog", "rain"}
    page.click("#clear")
    assert page.text_content("#list-title") == "Sounds"


def test_colours_change(open_map):
    page = open_map()
    legend = page.locator(".point-legend-name")
    assert legend.all_text_contents() == ["dog", "rain"]
    page.select_option("#colour-by", label="folder")
    assert legend.all_text_contents()[0] == "low"
    page.select_option("#colour-by", label="nothing")
    assert not page.is_visible("#legend-part")


def test_it_plays_on_hover_where_one_likes(open_map):
    page = open_map()
    page.check("#on-hover")
    page.mouse.move(*place_of(page, 3))
    wait_until_it_plays(page)
    assert page.text_content("#now-name") == "3.wav"


def test_it_plays_in_a_notebook(open_map):
    page = open_map("notebook.html")
    frame = page.frame_locator("iframe")
    frame.locator("#list button").nth(2).click()
    frame.locator("#toggle[aria-label=Stop]").wait_for()
    assert frame.locator("#now-name").text_content() == "2.wav"
    wait_until(page.frames[1], TIME_ADVANCES)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_window_and_is_accessible(open_map, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_map(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#list button").first.click()
    wait_until_it_plays(page)
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [each["id"] for each in serious] == []
