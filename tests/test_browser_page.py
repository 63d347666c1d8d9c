"""The documentation's page "Try it in the browser": it computes what Python computes, and says why
where it cannot."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest
import soundfile
from filelock import FileLock

from skw2c import MiniTextEncoder, ZeroShotClassifier, datasets
from skw2c.models.words import get_frozen_words, has_unread_letters
from skw2c.models.yamnet import audioset_classes

from .browser import open_browser, require_browser, wait_until, watch
from .conftest import REPOSITORY
from .tolerances import FEW, assert_close

pytest.importorskip("onnxscript")

DOCS = REPOSITORY / "docs"
RATE = 16000
LARGEST_GAP = 1e-4
"""Between probabilities; the network's differ by the rounding of float32."""
LARGEST_GAP_OF_OTHER_RATES = 1e-2
"""The filter of the page is not exactly that of soxr."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; img-src data:"
)
AROUND = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <title>Try it in the browser</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="../_static/browser/style.css">
    <script defer src="../_static/browser/start.js"></script>
  </head>
  <body><main><h1>Try it in the browser</h1>{}</main></body>
</html>
"""
HOSTILE = [
    *("Café au lait", "cafe\u0301", "ÇA MARCHE", "İstanbul", "STRASSE straße", "ﬁre ﬀ", "Ⅷ ½ x²"),
    *("dog_bark", "don\u2019t \u2013 stop…", "rock'n'roll", "3.5 kHz", "a1b2c3", "##s", "[UNK]"),
    *("собака лает", "犬 dog", "dog 🐶", "क", "ὈΔΟΣ", "zero\u200bwidth", "a\u00adb", "tab\tnew\n"),
    *("", " ", "~", "dog " * 500, "x" * 300, "pneumonoultramicroscopicsilicovolcanoconiosis", "ﷺ"),
]
ARCHIVE_HASH = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"


@pytest.fixture(scope="module")
def files():
    """The module that writes the files of the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        import browser_files

        yield browser_files
        sys.modules.pop("browser_files")


@pytest.fixture(scope="module")
def runtime(files):
    """Content of the files of onnxruntime-web, which npm fetches once."""
    require_browser()
    folder = Path(pooch.os_cache("skw2c-tests"))
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"onnxruntime-web-{files.VERSION}.tgz"
    with FileLock(folder / ".lock"):
        if not archive.exists():
            pack(f"onnxruntime-web@{files.VERSION}", folder)
    assert pooch.file_hash(archive) == ARCHIVE_HASH
    with tarfile.open(archive) as packed:
        return {name: packed.extractfile(f"package/dist/{name}").read() for name in files.RUNTIME}


def pack(package, folder):
    """Have npm fetch a package; where it cannot, the tests are skipped."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, which fetches onnxruntime-web")
    done = subprocess.run([npm, "pack", package], cwd=folder, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        pytest.skip(f"npm cannot fetch {package}: {done.stderr.strip()[-300:]}")


@pytest.fixture(scope="module")
def site(runtime, files, tmp_path_factory):
    """The folder of a site that consists of this page, made once for all processes of the run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "browser page"
    scripts = folder / "_static" / "browser"
    with FileLock(f"{folder}.lock"):
        if not (scripts / "model" / "model.json").exists():
            shutil.copytree(DOCS / "_static" / "browser", scripts, dirs_exist_ok=True)
            (scripts / files.OWN_COPY).mkdir(exist_ok=True)
            for name, content in runtime.items():
                (scripts / files.OWN_COPY / name).write_bytes(content)
            files.LONGEST = 6
            files.write_browser_files(scripts / "model")
            fragment = (DOCS / "_templates" / "browser.html").read_text("utf-8")
            (folder / "guide").mkdir()
            (folder / "guide" / "browser.html").write_text(AROUND.format(fragment), "utf-8")
    return folder


class Handler(SimpleHTTPRequestHandler):
    """Serves files under the strictest policy that the page can have."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serve(folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def address(site):
    with serve(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser(runtime):
    microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with open_browser(*microphone) as browser:
        yield browser


@pytest.fixture(scope="module")
def new_page(browser):
    """A function that makes an empty page; its list ``seen`` gets what the console says."""
    contexts = []

    def new_page(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.seen = watch(page)
        page.set_default_timeout(60_000)
        return page

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def shared_page(new_page, address):
    page = open_page(new_page(permissions=["microphone"]), address)
    page.labels = page.input_value("#try-labels").split("\n")
    return page


@pytest.fixture
def page(shared_page, address):
    """The page with the labels that it comes with; what the console says of it fails the test."""
    shared_page.fill("#try-labels", "\n".join(shared_page.labels))
    yield shared_page
    assert [each for each in shared_page.seen if not each.startswith((address, "blob:"))] == []


def open_page(page, address):
    page.goto(f"{address}/guide/browser.html")
    page.locator("#try-panel:enabled").wait_for()
    return page


def take_example(page, name):
    page.click(f"#try-examples button:has-text('{name}')")
    page.locator("#try-status", has_text=f"The example “{name}”: ").wait_for()


def drop(page, name, content):
    dropped = page.evaluate_handle(
        """([name, text]) => {
            const files = new DataTransfer();
            const content = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
            files.items.add(new File([content], name));
            return files;
        }""",
        [name, base64.b64encode(content).decode()],
    )
    page.dispatch_event("#try-place", "drop", {"dataTransfer": dropped})


def as_file(samples, rate=RATE, *form):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, *(form or ("FLOAT", None, "WAV")))
    return file.getvalue()


def make_sound(kind, rate=RATE):
    return datasets.make_sound_events(
        1, kinds=[kind], duration=2.0, sampling_rate=rate, random_state=3
    ).data[0]


def results_of(page, labels):
    """Probabilities by label, once the page shows those of these labels."""
    wait_until(page, f"document.querySelectorAll('#try-results li').length === {len(labels)}", 60)
    rows = page.locator("#try-results li").all()
    shown = {
        row.locator("span").first.inner_text(): float(row.locator("data").get_attribute("value"))
        for row in rows
    }
    assert sorted(shown) == sorted(labels)
    assert [*shown.values()] == sorted(shown.values(), reverse=True)
    return shown


def assert_those_of_python(shown, sound, largest_gap=LARGEST_GAP):
    classifier = ZeroShotClassifier([*shown], encoder="mini").fit()
    [expected] = classifier.predict_proba([sound])
    actual = [shown[label] for label in classifier.classes_]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=largest_gap)
    assert next(iter(shown)) == classifier.predict([sound])[0]


# ---- what it computes


def test_a_dropped_sound_has_the_probabilities_of_python(page, address):
    bird = make_sound("bird")
    drop(page, "a bird.wav", as_file(np.stack([1.5 * bird, 0.5 * bird], axis=1)))
    page.locator("#try-status", has_text="“a bird.wav”: ").wait_for()
    assert_those_of_python(results_of(page, page.labels), bird)
    labels = ["A robin sings!", "café noise", "le vent", "antidisestablishmentarianism", "mouse"]
    page.fill("#try-labels", "\n".join(labels))
    assert_those_of_python(results_of(page, labels), bird)
    drop(page, "rain.wav", as_file(make_sound("rain")))
    page.locator("#try-status", has_text="“rain.wav”: ").wait_for()
    assert_those_of_python(results_of(page, labels), make_sound("rain"))
    # Nothing was sent anywhere: the page asked its own server for files, and played what it has.
    asked = [each for each in page.seen if "://" in each]
    assert all(each.startswith((f"{address}/", f"blob:{address}/")) for each in asked)
    assert not any("wav" in each for each in asked)


@pytest.mark.parametrize(
    ("rate", "form"),
    [
        (44100, ("PCM_16", None, "WAV")),
        (8000, ("PCM_16", None, "FLAC")),
        (22050, ("VORBIS", None, "OGG")),
    ],
)
def test_sounds_of_other_rates(page, rate, form):
    content = as_file(make_sound("bird", rate), rate, *form)
    drop(page, f"{rate}.wav", content)
    page.locator("#try-status", has_text=f"“{rate}.wav”: ").wait_for()
    shown = results_of(page, page.labels)
    assert_those_of_python(shown, content, LARGEST_GAP_OF_OTHER_RATES)


def texts():
    """Names of sounds and hostile texts, some of them drawn."""
    rng = np.random.default_rng(0)
    ranges = [(32, 127), (192, 592), (880, 1280), (7680, 8600), (65280, 65520), (119808, 120832)]
    drawn = [
        "".join(map(chr, rng.integers(*ranges[k % len(ranges)], size=rng.integers(1, 30))))
        for k in range(120)
    ]
    names = [*audioset_classes()][:200]
    return [*names, *(name.upper() for name in names[:50]), *drawn, *HOSTILE]


def test_words_have_the_vectors_of_python(page):
    frozen = get_frozen_words(MiniTextEncoder().fit().weights_)
    result = page.evaluate(
        """async (texts) => {
            const base = new URL("../_static/browser/", location.href);
            const { Words, hasUnreadLetters } = await import(new URL("words.js", base));
            const { readTensors } = await import(new URL("tensors.js", base));
            const answer = await fetch(new URL("model/words.safetensors", base));
            const words = new Words(readTensors(await answer.arrayBuffer()));
            const list = (vector) => vector && [...vector];
            const results = texts.map((text) => [list(words.embed(text)), hasUnreadLetters(text)]);
            return JSON.stringify(results); // which Playwright passes on sooner
        }""",
        texts(),
    )
    vectors, unread = zip(*json.loads(result), strict=True)
    known = [text for text in texts() if frozen.knows(text)]
    assert [vector is not None for vector in vectors] == [frozen.knows(text) for text in texts()]
    assert 250 < len(known) < len(texts()) - 20
    expected = frozen.encode_texts(known)
    actual = [vector for vector in vectors if vector is not None]
    assert_close(actual, expected, FEW)
    assert [*unread] == [has_unread_letters(text) for text in texts()]


def test_examples_and_the_microphone(page):
    take_example(page, "bird song")
    assert page.inner_text("#try-results li >> nth=0").startswith("bird song")
    page.click("#try-record")
    page.locator("#try-status", has_text="Recording 5 seconds").wait_for()
    page.locator("#try-status", has_text=re.compile(r"The recording: .+%\.")).wait_for()
    assert page.evaluate("document.querySelector('#try-audio').src").startswith("blob:")


def test_of_long_sounds_the_beginning_is_heard(page):
    sound = np.concatenate([make_sound(kind) for kind in ("bird", "rain", "rain", "siren")])
    drop(page, "both.wav", as_file(sound))
    page.locator("#try-status", has_text="Only the first 6 of its 8 seconds were heard.").wait_for()
    assert_those_of_python(results_of(page, page.labels), sound[: 6 * RATE])


# ---- what it cannot


def test_labels_that_cannot_be_compared_are_told(page):
    page.fill("#try-labels", "dog\n собака \n犬 dogs\nDog!\n\n")
    take_example(page, "rain")
    results_of(page, ["dog", "犬 dogs"])
    assert page.locator("#try-notes li").all_inner_texts() == [
        "“собака” is left out, as it has no English word.",
        "Of “犬 dogs” only what is English is read.",
        "“Dog!” is left out, as it says what “dog” says.",
    ]
    page.fill("#try-labels", "dog")
    page.locator("#try-status", has_text="Type two labels or more").wait_for()
    assert page.locator("#try-results li").count() == 0


def problem_of(page):
    page.locator("#try-problem:visible").wait_for()
    return page.inner_text("#try-problem")


@pytest.mark.parametrize("content", [b"", b"not a sound", as_file(np.zeros(100))[:30]])
def test_a_file_that_is_no_sound(page, content):
    drop(page, "<b>notes.txt", content)
    assert problem_of(page).startswith("“<b>notes.txt” could not be decoded: it is not sound")
    take_example(page, "rain")
    assert page.locator("#try-problem").is_hidden()


def test_without_webassembly(new_page, address):
    page = new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(f"{address}/guide/browser.html")
    assert problem_of(page).startswith("This browser has no WebAssembly")


def test_opened_as_a_file(new_page, site):
    page = new_page()
    page.goto((site / "guide" / "browser.html").as_uri())
    assert "python -m http.server" in problem_of(page)


def test_without_the_model(new_page, address):
    page = new_page()
    page.route("**/model.json", lambda route: route.fulfill(status=404))
    page.goto(f"{address}/guide/browser.html")
    assert re.match("The model of this page is missing: `make docs` .*404", problem_of(page))


@pytest.mark.parametrize("name", ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"])
def test_a_runtime_that_was_changed_is_refused(new_page, address, name):
    page = new_page()
    page.route(
        f"**/{name}",
        lambda route: route.fulfill(body="globalThis.changed = 1", content_type="text/javascript"),
    )
    open_page(page, address).click("#try-examples button")
    assert problem_of(page).startswith("ONNX Runtime could not be fetched from 127.0.0.1")
    assert page.evaluate("globalThis.changed") is None


# ---- the files


def test_without_a_copy_the_runtime_comes_from_a_fixed_address(files, tmp_path):
    found = files.find_runtime(tmp_path)
    assert found["address"] == f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{files.VERSION}/dist/"
    assert all(value.startswith("sha384-") for value in found["files"].values())
    assert files.VERSION in (DOCS / "guide" / "browser.rst").read_text("utf-8")


# ---- for everyone


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_is_accessible(page, width):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 800})
    take_example(page, "rain")
    page.focus("#try-choose")
    for key in ("Tab", "Tab", "Enter"):  # past the microphone
        page.keyboard.press(key)
    page.locator("#try-status", has_text="The example “bird song”: ").wait_for()
    drop(page, "nothing", b"")
    problem_of(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["impact"]) for each in found] == []
