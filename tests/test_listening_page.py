"""The listening page in a browser: what one sees, hears, types, drops and takes away."""

import csv
import io
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from skw2c import AudioIndex, EfficientATTransformer

from .efficientat_files import write_efficientat

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
if BROWSER is None:
    pytest.skip(
        "there is no Chromium or Chrome to open the page in; `make browser` as root installs it "
        "on Debian",
        allow_module_level=True,
    )

RATE = 16000
N_SOUNDS = 33
expect.set_options(timeout=30000)  # they wait no longer than they must
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
HOSTILE = [
    "<img src=x onerror=document.title='hacked'>.wav",
    "two\nlines.wav",
    "𝄞 雨の音 🎵.wav",
    "'; DROP TABLE sounds; --.wav",
    "=HYPERLINK(1).wav",
    "long " * 48 + ".wav",
]


# ---- sounds and libraries ----


def sounds(folder):
    """Write three kinds of sound, eight of each, those of hostile names and some that differ."""
    rng = np.random.default_rng(0)
    kinds = {"tones": tone, "noise": noise, "clicks": clicks}
    paths = [
        write(folder / kind / f"{kind} {k}.wav", make(rng, k))
        for kind, make in kinds.items()
        for k in range(8)
    ]
    odd = folder / "odd <b>folder</b>"
    paths += [write(odd / name, tone(rng, 9 + k)) for k, name in enumerate(HOSTILE)]
    paths.append(write(folder / "tones" / "apple.aiff", tone(rng, 3)))
    paths.append(write(folder / "tones" / "whistle.ogg", np.tile(tone(rng, 20), 4)))
    paths.append(write(folder / "noise" / "minute.wav", np.tile(noise(rng, 2), 60)))
    assert len(paths) == N_SOUNDS
    return paths


def tone(rng, k):
    seconds = np.arange(RATE) / RATE
    return 0.5 * np.sin(2 * np.pi * 220 * 1.12**k * seconds)


def noise(rng, k):
    return np.clip(rng.normal(0, 0.05 + 0.02 * k, RATE), -0.9, 0.9)


def clicks(rng, k):
    sound = np.zeros(RATE)
    sound[:: 1000 + 300 * k] = 0.9
    return sound


def write(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)
    return str(path)


@contextmanager
def serve(library):
    """Open a library's page by the command; the address stands in its first line."""
    command = [sys.executable, "-m", "skw2c", "serve", str(library), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("listening")


@pytest.fixture(scope="module")
def addresses(folder):
    """Addresses of a library with words, and of one of seconds, without words, that lost a file."""
    paths = sounds(folder / "sounds")
    AudioIndex("mini").fit(paths).save(folder / "library")
    lost = shutil.copy(paths[1], folder / "lost.wav")
    wordless = EfficientATTransformer(
        write_efficientat(folder / "tiny.pt"), frame_length=1.0, hop_length=1.0
    )
    index = AudioIndex(wordless, mode="frame").fit([*paths[8:24], paths[-1], lost])
    index.save(folder / "frames")
    Path(lost).unlink()
    with serve(folder / "library") as words, serve(folder / "frames") as frames:
        yield {"words": words, "frames": frames}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=MICROPHONE)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, addresses, request, tmp_path):
    """A function that opens a library's page; what the console then says fails the test."""
    contexts, problems = [], []

    def open_page(library="words", **options):
        context = browser.new_context(**{"permissions": ["microphone"], **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20000)
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.problems = problems
        page.goto(addresses[library])
        expect(page.locator("body[data-library=ready]")).to_have_count(1, timeout=120000)
        return page

    failed = request.session.testsfailed
    yield open_page
    for context in contexts:
        if request.session.testsfailed > failed:
            picture = tmp_path / "page.png"
            context.pages[0].screenshot(path=picture)
            print("the page, as the test left it:", picture)
        context.close()
    assert not problems


@pytest.fixture
def page(open_page):
    return open_page()


# ---- helpers ----


def search(page, text):
    page.fill("#words", text)
    page.press("#words", "Enter")
    expect(page.locator("#search-status")).to_contain_text("result")


def rows(page, list_="results"):
    return page.locator(f"#{list_} .row")


def names(page, list_="results"):
    return page.locator(f"#{list_} .row .name").all_text_contents()


def row(page, name, list_="results"):
    return rows(page, list_).filter(has_text=name)


def audio(page, what):
    return page.evaluate(f"document.querySelector('audio').{what}")


def wait_for(check, seconds=10):
    """Wait until a check of the page is true; the page's policy forbids Playwright's own."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_heard(page, title):
    """Whether this sound plays, and its time advances."""
    expect(page.locator("#player-title")).to_have_text(title)
    wait_for(lambda: audio(page, "currentTime") > 0.1)
    return audio(page, "error") is None


def lines(download):
    return io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))


# ---- searching ----


def test_words_are_searched_as_they_are_typed(page):
    expect(page.locator("#search-status")).to_have_text(f"{N_SOUNDS} sounds")
    page.fill("#words", "hissing noise")
    expect(page.locator("#search-status")).to_contain_text(f"{N_SOUNDS} results for hissing noise")
    scores = [float(text) for text in page.locator("#results .bar-text").all_text_contents()]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]


def test_words_are_added_and_subtracted(page):
    search(page, "beep, -hissing noise")
    chips = page.locator("#chips .chip")
    expect(chips).to_have_count(2)
    expect(chips.nth(1)).to_have_class(re.compile("minus"))
    first = names(page)
    chips.nth(1).locator(".chip-sign").click()
    expect(page.locator("#search-status")).not_to_contain_text("\N{MINUS SIGN}")
    assert names(page) != first
    page.press("#words", "Backspace")
    expect(chips).to_have_count(1)


def test_a_folder_bounds_the_search(page):
    page.select_option("#folder", label="clicks (8)")
    expect(page.locator("#search-status")).to_have_text("8 sounds")
    search(page, "noise")
    assert {name.split()[0] for name in names(page)} == {"clicks"}


def test_names_are_filtered(page):
    page.fill("#name-text", "APPLE")
    expect(page.locator("#search-status")).to_contain_text("1 sound")
    assert names(page) == ["apple.aiff"]
    page.fill("#name-text", "no such name")
    expect(page.locator("#search-state")).to_contain_text("No sound has such a name")


def test_a_file_is_searched_by(page, folder):
    page.set_input_files("#file", folder / "sounds" / "clicks" / "clicks 5.wav")
    expect(page.locator("#chips .chip-name")).to_have_text("clicks 5.wav")
    expect(page.locator("#search-status")).to_contain_text("result")
    assert names(page)[0] == "clicks 5.wav"
    expect(rows(page).first.locator(".bar-text")).to_have_text("1.000")


def test_a_dropped_file_is_searched_by(page, folder):
    sound = list((folder / "sounds" / "noise" / "noise 1.wav").read_bytes())
    transfer = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            const file = new File([new Uint8Array(bytes)], "mine.wav", {type: "audio/wav"});
            transfer.items.add(file);
            return transfer;
        }""",
        sound,
    )
    page.dispatch_event("main", "dragover", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(page.locator("#chips .chip-name")).to_have_text("mine.wav")
    expect(rows(page).first.locator(".name")).to_have_text("noise 1.wav")


def test_what_is_no_sound_is_refused_in_a_sentence(page, tmp_path):
    (tmp_path / "notes.wav").write_bytes(b"these are words, not a sound" * 50)
    page.set_input_files("#file", tmp_path / "notes.wav")
    expect(page.locator("#toast")).to_have_class(re.compile("shown"))
    expect(page.locator("#toast")).to_contain_text("notes.wav")
    assert all("status of 4" in problem for problem in page.problems)
    page.problems.clear()


def test_a_recording_is_searched_by(page):
    page.click("#record")
    expect(page.locator("#record-time")).to_contain_text("1.")
    page.click("#record")
    expect(page.locator("#chips .chip-name")).to_have_text("recording.webm")
    expect(page.locator("#search-status")).to_contain_text("results for")


def test_more_and_less_like_a_sound_and_the_way_back(page):
    search(page, "noise")
    before = names(page)
    row(page, "clicks 3.wav").get_by_role("button", name="More like this").click()
    expect(page.locator("#chips .chip-name")).to_have_text("clicks 3.wav")
    expect(row(page, "clicks 3.wav")).to_have_count(0)
    assert {name.split()[0] for name in names(page)[:4]} == {"clicks"}
    rows(page).first.get_by_role("button", name="Less like this").click()
    expect(page.locator("#chips .chip.minus")).to_have_count(1)
    page.go_back()
    page.go_back()
    expect(page.locator("#chips .chip-name")).to_have_text("noise")
    wait_for(lambda: names(page) == before)


# ---- hearing ----


def test_a_click_plays(page):
    row(page, "tones 2.wav").click()
    assert is_heard(page, "tones 2.wav")
    assert audio(page, "duration") == pytest.approx(1)


def test_a_click_into_the_waveform_is_heard_from_there(page):
    wave = row(page, "minute.wav").locator("canvas")
    wave.scroll_into_view_if_needed()
    expect(row(page, "minute.wav").locator(".duration")).to_have_text("1:00")
    page.wait_for_timeout(300)  # the waveform is drawn
    parts = []
    page.on("response", lambda response: parts.append(response.status))
    box = wave.bounding_box()
    wave.click(position={"x": 0.75 * box["width"], "y": box["height"] / 2})
    wait_for(lambda: audio(page, "currentTime") > 40)
    assert audio(page, "currentTime") == pytest.approx(45, abs=2)
    assert 206 in parts


def test_what_the_browser_cannot_play_is_decoded_for_it(page):
    row(page, "apple.aiff").click()
    assert is_heard(page, "apple.aiff")


def test_ogg_is_decoded_as_chromium_seeks_in_it_up_to_a_page_too_early(page):
    with page.expect_response(re.compile("/audio/")) as response:
        row(page, "whistle.ogg").click()
    assert response.value.headers["content-type"] == "audio/wav"
    assert is_heard(page, "whistle.ogg")
    assert audio(page, "duration") == pytest.approx(4)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 404, "json": {"error": "the file was moved"}}, "The file was moved."),
        ({"body": "no sound", "content_type": "audio/wav"}, "This browser cannot play it"),
    ],
)
def test_why_a_sound_is_not_heard(page, answer, told):
    """The server knows of the file, and nothing of loudspeakers."""
    page.route("**/audio/*", lambda route: route.fulfill(**answer))
    row(page, "tones 2.wav").click()
    expect(page.locator("#player-message")).to_contain_text(f"tones 2.wav: {told}")
    page.problems.clear()


def test_keys_walk_and_hear_the_list(page):
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("noise")
    page.keyboard.press("Enter")
    expect(page.locator("#search-status")).to_contain_text("result")
    page.keyboard.press("ArrowDown")
    first, second = names(page)[:2]
    assert is_heard(page, first)
    page.keyboard.press("ArrowDown")
    assert is_heard(page, second)
    page.keyboard.press(" ")
    wait_for(lambda: audio(page, "paused"))
    page.keyboard.press("ArrowLeft")
    wait_for(lambda: audio(page, "currentTime") == 0)
    page.keyboard.press("ArrowRight")
    wait_for(lambda: audio(page, "currentTime") > 0.9)
    page.keyboard.press("Enter")
    expect(page.locator("#chips .chip-name")).to_have_text(second)


def test_autoplay_can_be_switched_off(page):
    page.uncheck("#autoplay")
    rows(page).first.locator(".row-main").focus()
    page.keyboard.press("ArrowDown")
    expect(rows(page).nth(1).locator(".row-main")).to_be_focused()
    expect(page.locator("#player-title")).to_have_text("Nothing is playing")


def test_single_keys_can_be_switched_off(page):
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#words")).not_to_be_focused()


def test_the_browser_may_ask_for_a_click_before_the_first_sound(open_page):
    page = open_page()
    page.evaluate(
        "() => { HTMLMediaElement.prototype.play = () => "
        "Promise.reject(new DOMException('no gesture yet', 'NotAllowedError')); }"
    )
    row(page, "tones 1.wav").click()
    expect(page.locator("#player-message")).to_contain_text("Click or press a key to hear")


# ---- the map ----


def open_map(page):
    """Open the map by PCA; returns where its canvas is."""
    page.evaluate("localStorage.setItem('skw2c-layout', 'pca')")
    page.reload()
    page.click("#tab-map")
    expect(page.locator("#map-status")).to_contain_text(f"{N_SOUNDS} sounds by")
    return page.locator("#points canvas").last.bounding_box()


def lasso(page, box):
    """Draw around all of the map but its edge."""
    corners = [(0.01, 0.1), (0.99, 0.1), (0.99, 0.99), (0.01, 0.99)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def find_point(page, box):
    """Move over the map until a name shows; returns it."""
    tip = page.locator(".point-map-tip")
    for y in range(70, int(box["height"]), 20):
        for x in range(10, int(box["width"]), 20):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if tip.is_visible():
                return tip.locator("strong").text_content()
    raise AssertionError("there is no point")


def test_the_map_names_and_plays_its_points(page):
    box = open_map(page)
    name = find_point(page, box)
    page.mouse.down()
    page.mouse.up()
    assert is_heard(page, name)
    expect(page.locator("#map-list-title")).to_have_text(f"Like {name}")
    assert names(page, "map-list")[0] == name


def test_the_lasso_lists_and_exports(page):
    box = open_map(page)
    page.click("#map-lasso")
    lasso(page, box)
    expect(page.locator("#map-list-title")).to_contain_text("Selected")
    expect(rows(page, "map-list").first).to_be_visible()
    selected = names(page, "map-list")
    assert len(selected) > 5
    with page.expect_download() as download:
        page.click("#map-export")
    table = list(csv.reader(lines(download)))
    assert table[0] == ["file", "x", "y", "category", "label"]
    assert [Path(line[0]).name for line in table[1:]] == selected
    assert {line[3] for line in table[1:]} <= {"tones", "noise", "clicks", "odd <b>folder</b>"}
    page.click("#map-clear")
    expect(page.locator("#map-list-title")).to_have_text("Sounds")


def test_the_map_is_coloured_by_words_as_they_are_typed(page):
    open_map(page)
    legend = page.locator("#legend .point-legend-name")
    expect(legend).to_have_count(4)
    page.select_option("#colour-by", "words")
    page.fill("#colour-words", "noise, beep")
    expect(legend).to_have_text(["noise", "beep"])
    counts = page.locator("#legend .point-legend-count").all_text_contents()
    assert sum(map(int, counts)) == N_SOUNDS
    box = page.locator("#legend input").first
    box.uncheck()
    expect(box).not_to_be_checked()


def test_the_map_shows_pca_while_umap_is_computed(page):
    state = {"state": "computing", "method": "umap", "n": N_SOUNDS, "message": None}
    umap = {**state, "umap": {"available": True, "why": None}}
    page.route("**/api/map?method=umap", lambda route: route.fulfill(json=umap))
    page.click("#tab-map")
    expect(page.locator("#map-status")).to_contain_text("UMAP is being computed; PCA is shown")
    expect(page.locator("#legend .point-legend-name")).to_have_count(4)


def test_keys_walk_the_map(page):
    open_map(page)
    canvas = page.locator("#points canvas").last
    canvas.focus()
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "+", "-", "0"):
        canvas.press(key)
    canvas.press("Enter")
    tip = page.locator(".point-map-tip strong")
    expect(tip).to_be_visible()  # which it is when it shows the name of this point
    name = tip.text_content()
    assert is_heard(page, name)
    expect(page.locator(".point-map-spoken")).to_contain_text(name)


def test_results_are_shown_on_the_map(page):
    search(page, "noise")
    page.click("#results-to-map")
    expect(page.locator("#map-list-title")).to_contain_text(
        f"Results of the search: {N_SOUNDS} sounds"
    )


# ---- sorting ----


@pytest.fixture
def sorting(page):
    """The page at its sorting, with two labels and nothing labelled, whatever ran before."""
    page.evaluate("""async () => {
        const { labels } = await import("/static/labels.js");
        await labels.load();
        for (const number of [...labels.given.keys()]) await labels.give({ number }, null);
        await labels.setClasses([]);
        labels.done = [];
    }""")
    page.click("#tab-sort")
    page.select_option("#sort-order", "unlabelled")
    for label in ("clicks", "rest"):
        page.fill("#class-name", label)
        page.press("#class-name", "Enter")
        expect(page.get_by_label("Name of label").last).to_have_value(label)
    return page


def give(page, name, key):
    """Label a listed sound by its key."""
    place = row(page, name, "sort-list")
    place.locator(".row-main").focus()
    page.keyboard.press(key)
    expect(place).to_have_count(0)


def test_sounds_are_labelled_and_labels_are_taken_away(sorting):
    first = names(sorting, "sort-list")[:2]
    sorting.locator("#sort-list .row-main").first.focus()
    sorting.keyboard.press("1")
    sorting.keyboard.press("2")
    expect(sorting.locator("#sort-status")).to_contain_text(f"2 of {N_SOUNDS} labelled")
    sorting.keyboard.press("u")
    expect(sorting.locator("#sort-status")).to_contain_text(f"1 of {N_SOUNDS} labelled")
    with sorting.expect_download() as download:
        sorting.get_by_role("link", name="Labels (CSV)").click()
    table = list(csv.DictReader(lines(download)))
    assert [(Path(line["file"]).name, line["label"]) for line in table] == [(first[0], "clicks")]


def test_labels_on_their_way_are_in_what_is_taken_away(sorting):
    """However slow the server: the page shows a label at once, and the table must have it too."""
    held = []
    sorting.route("**/api/labels/*", lambda route: held.append(route))
    first = names(sorting, "sort-list")[0]
    sorting.locator("#sort-list .row-main").first.focus()
    sorting.keyboard.press("1")
    expect(sorting.locator("#sort-status")).to_contain_text(f"1 of {N_SOUNDS} labelled")
    with sorting.expect_download() as download:
        sorting.get_by_role("link", name="Labels (CSV)").click()
        sorting.wait_for_timeout(300)  # time for a download that does not wait
        held[0].continue_()
    table = list(csv.DictReader(lines(download)))
    assert [(Path(line["file"]).name, line["label"]) for line in table] == [(first, "clicks")]
    sorting.unroute("**/api/labels/*")


def test_a_label_is_renamed_with_all_that_has_it(sorting):
    sorting.locator("#sort-list .row-main").first.focus()
    sorting.keyboard.press("2")
    expect(sorting.locator(".class-count").nth(1)).to_have_text("1")
    name = sorting.get_by_label("Name of label 2")
    name.fill("others")
    name.press("Enter")
    sorting.select_option("#sort-order", "labelled")
    expect(rows(sorting, "sort-list")).to_have_count(1)
    expect(sorting.locator("#sort-list .tag")).to_have_text("others")
    expect(sorting.locator(".class-count").nth(1)).to_have_text("1")


def test_a_classifier_is_trained_and_its_script_taken_away(sorting):
    sorting.uncheck("#train-auto")
    for k in range(6):
        give(sorting, f"clicks {k}.wav", "1")
        give(sorting, f"noise {k}.wav", "2")
    sorting.click("#train")
    expect(sorting.locator("#train-status")).to_contain_text("Trained on 12 sounds. Accuracy")
    with sorting.expect_download() as download:
        sorting.get_by_role("link", name="Classifier").click()
    compile("".join(lines(download)), "classifier.py", "exec")


def test_after_some_labels_the_least_certain_are_next(sorting):
    for name, key in {"clicks 0": "1", "tones 1": "2", "noise 2": "2", "tones 3": "2"}.items():
        give(sorting, f"{name}.wav", key)
    expect(sorting.locator("#sort-order")).to_have_value("unlabelled")
    give(sorting, "clicks 5.wav", "1")
    expect(sorting.locator("#train-status")).to_contain_text("Trained on 5 sounds")
    expect(sorting.locator("#sort-order")).to_have_value("uncertain")
    expect(sorting.locator("#sort-list .bar-text").first).to_contain_text("%")
    sorting.select_option("#sort-order", "confident:clicks")
    expect(sorting.locator("#sort-list .bar-text").first).to_contain_text("clicks")


# ---- what is missing, hostile or refused ----


def test_hostile_names_are_text(page):
    page.select_option("#folder", label="odd <b>folder</b> (6)")
    expect(rows(page)).to_have_count(len(HOSTILE))
    assert sorted(names(page)) == sorted(HOSTILE)
    assert page.locator("#results img, #results b").count() == 0
    for name in HOSTILE[:2]:
        page.locator("#results .row").nth(names(page).index(name)).click()
        wait_for(lambda name=name: page.locator("#player-title").text_content() == name)
    assert page.title().startswith("library")


def test_a_library_without_words_says_what_helps(open_page):
    page = open_page("frames")
    expect(page.locator("#words")).to_be_disabled()
    expect(page.locator("#words-missing")).to_contain_text("words")
    expect(page.locator("#words-missing code")).to_contain_text("skw2c index")


def test_the_seconds_that_were_found_are_heard(open_page):
    page = open_page("frames")
    row(page, "noise 2.wav").get_by_role("button", name="More like this").click()
    expect(page.locator("#search-status")).to_contain_text("results for")
    found = row(page, "minute.wav").filter(has_not_text="0:00 to").first
    start = found.locator(".seconds").text_content().split(" to ")[0]
    found.locator(".row-main").click()
    wait_for(lambda: audio(page, "currentTime") > int(start[2:]))
    assert audio(page, "currentTime") == pytest.approx(int(start[2:]), abs=2)


def test_a_missing_sound_is_shown_and_removed(open_page):
    page = open_page("frames")
    lost = row(page, "lost.wav")
    expect(lost.locator(".gone")).to_have_text("missing")
    notice = page.get_by_role("region", name="Missing sounds")
    expect(notice).to_contain_text("1 file is missing")
    expect(notice.locator("code").first).to_contain_text("skw2c index")
    notice.get_by_role("button", name="Remove from the library").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator("#search-status")).to_have_text("17 sounds")
    expect(lost).to_have_count(0)


def test_a_library_that_another_program_changed(open_page, folder):
    page = open_page("frames")
    look = "document.dispatchEvent(new Event('visibilitychange'))"
    notice = page.get_by_role("region", name="Library that has changed")
    index = AudioIndex.load(folder / "frames")
    name = next(item for item in index.items_ if "lost" not in item)
    n_sounds = len(index)
    page.evaluate(look)
    for change, expected in ((index.remove, n_sounds - 1), (index.add, n_sounds)):
        change([name]).save(folder / "frames")
        page.evaluate(look)
        expect(notice).to_contain_text("Another program has changed the library")
        notice.get_by_role("button", name="Show it as it is now").click()
        expect(page.locator("#search-status")).to_have_text(f"{expected} sounds")
        expect(notice).to_have_count(0)


def test_a_library_that_cannot_be_read_says_so(open_page):
    page = open_page()
    page.route(
        "**/api/library",
        lambda route: route.fulfill(
            json={**route.fetch().json(), "state": "failed", "error": "vectors.npy is damaged"}
        ),
    )
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("vectors.npy is damaged")


def test_a_server_that_is_gone_is_told(open_page):
    page = open_page()
    page.route("**/api/search*", lambda route: route.abort())
    page.fill("#words", "rain")
    expect(page.locator("#search-state")).to_contain_text("skw2c serve")
    page.problems.clear()


# ---- for everyone ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, scheme):
    page = open_page(color_scheme=scheme)
    page.select_option("#folder", label="clicks (8)")
    search(page, "noise, -beep")
    rows(page).first.click()
    check_with_axe(page)
    open_map(page)
    check_with_axe(page)
    page.click("#tab-sort")
    expect(rows(page, "sort-list").first).to_be_visible()
    check_with_axe(page)
    page.click("#help-open")
    check_with_axe(page, "#help")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_much_is_missing(open_page, scheme):
    page = open_page("frames", color_scheme=scheme)
    expect(page.locator("#words-missing")).to_be_visible()
    check_with_axe(page)


def check_with_axe(page, part=None):
    """Judge the page at rest: results that are being looked for are dimmed meanwhile."""
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    page.evaluate("Promise.allSettled(document.getAnimations().map((each) => each.finished))")
    options = {"resultTypes": ["violations"]}
    found = Axe().run(page, context=part, options=options).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious]


@pytest.mark.parametrize("width", [340, 900])
def test_nothing_overflows(open_page, width):
    page = open_page(viewport={"width": width, "height": 700})
    for view in ("search", "map", "sort"):
        page.click(f"#tab-{view}")
        expect(page.locator(f"#view-{view}")).to_be_visible()
        wider = page.evaluate(
            "[document.documentElement, document.querySelector('main')]"
            ".map((each) => each.scrollWidth - each.clientWidth)"
        )
        assert wider == [0, 0]
