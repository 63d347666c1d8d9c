"""The server of the listening page: its API, who may ask, hostile names, requests and files."""

import asyncio
import base64
import concurrent.futures
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from skw2c import AudioIndex, load_audio
from skw2c.audio._facts import read_facts
from skw2c.cli import main
from skw2c.exceptions import AudioError, SavedIndexError
from skw2c.listening import _uploads as uploads_module
from skw2c.listening._app import list_routes, make_app
from skw2c.listening._colour_table import ColourTable
from skw2c.listening._library import Library
from skw2c.listening._once import Once
from skw2c.listening._openapi import OPERATIONS, describe_api
from skw2c.listening._security import HEADERS, host_name
from skw2c.listening._server import address_of, is_loopback, listen
from skw2c.listening._waveforms import read_waveform

from .conftest import REPOSITORY
from .sound_files import tone, write_parts
from .test_structure import HEAVY, loaded_after

TOKEN = "token-of-the-tests"  # noqa: S105
WRITE = {"X-Skw2c-Token": TOKEN, "Sec-Fetch-Site": "same-origin"}
HERE = "http://127.0.0.1:8765"
LONG = "n" * 240
HOSTILE = [
    "<script>alert('x')<.wav",
    "&lt;img src=x onerror=alert(1)&gt;.wav",
    "two\nlines\r.wav",
    "\N{DOG FACE}.wav",
    f"{LONG}.wav",
    os.fsdecode(b"caf\xe9.wav"),
    "..%2f..%2fetc%2fpasswd.wav",
    '"quoted"; filename=x.wav',
]


def write_sounds(folder):
    """One sound of each kind that browsers play, and of kinds that they do not."""
    folder.mkdir()
    for number, (name, form, subtype) in enumerate(
        [
            ("a16.wav", "WAV", "PCM_16"),
            ("b24.wav", "WAV", "PCM_24"),
            ("c32.wav", "WAV", "FLOAT"),
            ("d.flac", "FLAC", "PCM_16"),
            ("e.ogg", "OGG", "VORBIS"),
            ("f.mp3", "MP3", "MPEG_LAYER_III"),
            ("g.opus", "OGG", "OPUS"),
            ("h.aiff", "AIFF", "PCM_16"),
            ("i-adpcm.wav", "WAV", "IMA_ADPCM"),
            ("j.au", "AU", "PCM_16"),
        ]
    ):
        samples = np.stack([tone(300 + 200 * number, 1, 48000)] * 2, axis=1)
        soundfile.write(folder / name, samples, 48000, format=form, subtype=subtype)
    write_parts(folder / "k.m4a", "aac", [(0, 2500, 1)])
    write_parts(folder / "l-alac.m4a", "alac", [(0, 2700, 1)], movflags="faststart")
    write_parts(folder / "m.webm", "libopus", [(0, 2900, 1)])
    write_parts(folder / "n.mkv", "libopus", [(0, 3100, 1)], video=1)
    return sorted(map(str, folder.iterdir()))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A saved index of sounds of many kinds, and their files."""
    home = tmp_path_factory.mktemp("serve")
    files = write_sounds(home / "sounds")
    AudioIndex("mini").fit(files).save(home / "library")
    return home / "library", files


@pytest.fixture
def library(made, tmp_path):
    """A copy of the saved index, which a test may change."""
    shutil.copytree(made[0], tmp_path / "library")
    return tmp_path / "library"


@pytest.fixture(scope="module")
def client(made):
    """The page of the sounds, loaded; no test changes it."""
    with open_page(made[0]) as page:
        yield page


class open_page:  # noqa: N801, it reads as a function
    """The page of a saved index in this process, with its index loaded."""

    def __init__(self, folder, *, cookie=None, table=None, **parameters):
        self.library = Library(folder, **parameters)
        app = make_app(self.library, TOKEN, cookie=cookie, table=table)
        self.client = TestClient(app, base_url=HERE, follow_redirects=False)
        self.client.library = self.library

    def __enter__(self):
        self.client.__enter__()
        assert self.library.wait(60)
        assert self.library.state == "ready", self.library.error
        return self.client

    def __exit__(self, *exc_info):
        self.client.__exit__(*exc_info)


def get(client, path, **kwargs):
    response = client.get(path, **kwargs)
    assert response.status_code == 200, response.text
    return response.json()


def number_of(files, name):
    return [os.path.basename(file) for file in files].index(name)


def refused(response, status, *words):
    """The answer is a sentence with these words."""
    assert response.status_code == status, response.text
    sentence = response.json()["error"]
    for word in words:
        assert word in sentence
    return response.json()


# The page


def test_page_holds_the_token(client):
    response = client.get("/")
    assert response.headers["content-type"].startswith("text/html")
    assert f'name="skw2c-token" content="{TOKEN}"' in response.text
    assert "{{" not in response.text


def test_page_loads_nothing_from_elsewhere(client):
    text = client.get("/").text
    places = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert places
    for place in places:
        assert place.startswith(("/static/", "/api/", "/openapi.json", "#"))
        if place.startswith("/static/"):
            answer = client.get(place)
            assert answer.status_code == 200, place
            if place.endswith(".js"):
                assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    ["../_app.py", "..%2f_app.py", "%2e%2e/_app.py", "index.html", "none.js", "%2e%2e", "%00.js"],
)
def test_static_gives_only_its_own_files(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_every_answer_has_the_headers(client):
    for path in ["/", "/static/icon.svg", "/api/library", "/audio/0", "/audio/99", "/none"]:
        answer = client.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
    assert "access-control-allow-origin" not in client.get("/", headers={"Origin": HERE}).headers


def test_faults_are_told(made, monkeypatch):
    def fail(*args):
        raise KeyError("<b>")

    monkeypatch.setattr("skw2c.listening._items.Items.count_folders", fail)
    app = make_app(Library(made[0]), TOKEN)
    client = TestClient(app, base_url=HERE, raise_server_exceptions=False)
    answer = client.get("/api/folders")
    refused(answer, 500, "bug in skw2c", "KeyError")
    assert answer.headers["content-type"] == "application/json"
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_openapi_describes_all_routes(client):
    described = get(client, "/openapi.json")
    assert described == json.loads(json.dumps(describe_api()))
    paths = {(method, path) for path, own in described["paths"].items() for method in own}
    routes = {(m.lower(), re.sub(r":int\}", "}", path)) for m, path in list_routes(client.app)}
    assert paths == routes
    assert len(OPERATIONS) == len(routes)


def test_start_imports_nothing_heavy():
    """What takes seconds to import is imported while the page answers."""
    loaded = loaded_after("import skw2c.listening._server")
    assert not loaded & {*HEAVY, "torch", "sklearn", "pandas", "scipy"}


# The library


def test_library_tells_of_itself(client, made):
    found = get(client, "/api/library")
    folder, files = made
    assert (found["state"], found["error"], found["mode"]) == ("ready", None, "clip")
    assert found["n_items"] == found["n_vectors"] == len(files)
    assert (found["name"], found["folder"]) == ("library", str(folder))
    assert found["encoder"] == "mini"
    assert found["fill_command"] == f"skw2c index {folder} FOLDER_OF_SOUNDS --encoder mini"
    available = {kind: ability["available"] for kind, ability in found["queries"].items()}
    assert available == {"words": True, "sound": True, "image": False}
    image = found["queries"]["image"]
    assert "no images" in image["why"]
    sounds = os.path.dirname(files[0])
    assert image["command"] == f"skw2c index {folder}-new {sounds} --encoder wav2clip"


def test_items(client, made):
    _, files = made
    found = get(client, "/api/items?limit=3&offset=2")
    assert found["total"] == len(files)
    assert [item["item"] for item in found["items"]] == files[2:5]
    first = found["items"][0]
    assert (first["number"], first["name"]) == (2, os.path.basename(files[2]))
    assert first["folder"] == os.path.dirname(files[2])
    assert (first["has_file"], first["missing"]) == (True, False)
    get(client, "/api/items?limit=500")  # headers that were read late are known now
    durations = [item["duration"] for item in get(client, "/api/items")["items"]]
    assert durations == pytest.approx([1] * len(files), abs=0.1)


def test_items_are_filtered(client, made):
    _, files = made
    assert [i["name"] for i in get(client, "/api/items?text=ADPCM")["items"]] == ["i-adpcm.wav"]
    assert get(client, "/api/items?text=nothing-like-it") == {"total": 0, "items": []}
    sounds = os.path.dirname(files[0])
    for folder, n_found in [(sounds, len(files)), (os.path.dirname(sounds), len(files))]:
        assert get(client, f"/api/items?folder={quote(folder)}")["total"] == n_found
    assert get(client, f"/api/items?folder={quote(sounds[:-1])}")["total"] == 0
    numbers = [i["number"] for i in get(client, "/api/items?numbers=7,3,3")["items"]]
    assert numbers == [7, 3, 3]
    assert get(client, "/api/folders") == {"folders": [{"folder": sounds, "count": len(files)}]}


def test_item(client, made):
    _, files = made
    number = number_of(files, "e.ogg")
    found = get(client, f"/api/items/{number}")
    assert (found["rate"], found["channels"], found["vectors"]) == (48000, 2, 1)
    assert found["bytes"] == os.path.getsize(files[number])


@pytest.mark.parametrize(
    "path",
    [
        "/api/items?offset=-1",
        "/api/items?limit=x",
        "/api/items?numbers=1;2",
        "/api/items?numbers=-1",
        f"/api/items?offset={'9' * 5000}",
        "/api/search",
        "/api/search?words=%20",
        "/api/search?words=dog&k=0",
        "/api/search?item=one",
        f"/api/search?words={'x' * 3000}",
        "/api/search?" + "&".join(["words=dog"] * 40),
        "/waveform/0?points=0",
        "/audio/0?as=mp3",
        "/api/colours?by=mood",
        "/api/map?method=t-sne",
        "/api/colours?by=words",
    ],
)
def test_odd_parameters_are_refused(client, path):
    refused(client.get(path), 400)


@pytest.mark.parametrize("number", ["14", "-1", "1" * 30, "%2e%2e", "0x1", "1.5", "%2e%2e%2fetc"])
@pytest.mark.parametrize("path", ["/audio/", "/waveform/", "/api/items/"])
def test_only_numbers_of_clips_are_found(client, path, number):
    assert client.get(path + number).status_code == 404


# Sounds


PLAYED = {
    "a16.wav": "audio/wav",
    "b24.wav": "audio/wav",
    "c32.wav": "audio/wav",
    "d.flac": "audio/flac",
    "f.mp3": "audio/mpeg",
    "g.opus": "audio/ogg",
    "k.m4a": "audio/mp4",
    "m.webm": "audio/webm",
}


@pytest.mark.parametrize("name", PLAYED)
def test_what_browsers_play_is_sent_as_it_is(client, made, name):
    _, files = made
    number = number_of(files, name)
    answer = client.get(f"/audio/{number}")
    assert answer.headers["content-type"] == PLAYED[name]
    with open(files[number], "rb") as file:
        assert answer.content == file.read()


@pytest.mark.parametrize("name", ["e.ogg", "h.aiff", "i-adpcm.wav", "j.au", "l-alac.m4a", "n.mkv"])
def test_all_else_is_decoded(client, made, name):
    _, files = made
    number = number_of(files, name)
    answer = client.get(f"/audio/{number}")
    assert answer.headers["content-type"] == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(answer.content), always_2d=True)
    expected, own_rate = load_audio(files[number], sampling_rate=None)
    assert (rate, samples.shape[1]) == (own_rate, read_facts(files[number]).channels)
    # Half a step of 16 bits, where it is rounded.
    np.testing.assert_allclose(samples.mean(axis=1), expected, rtol=0, atol=1 / 2**15)
    part = client.get(f"/audio/{number}", headers={"Range": "bytes=1000-1999"})
    assert part.status_code == 206
    assert part.content == answer.content[1000:2000]


def test_long_vorbis_is_sent_as_it_is(library, monkeypatch):
    """Chromium seeks inexactly in it, which matters less than hours of WAV."""
    monkeypatch.setattr("skw2c.listening._sounds._LONGEST_VORBIS", 0.5)
    with open_page(library) as client:
        names = [item["name"] for item in get(client, "/api/items")["items"]]
        answer = client.get(f"/audio/{names.index('e.ogg')}")
        assert answer.headers["content-type"] == "audio/ogg"


def test_decoded_and_original(client, made):
    _, files = made
    number = number_of(files, "f.mp3")
    decoded = client.get(f"/audio/{number}?as=wav")
    assert soundfile.info(io.BytesIO(decoded.content)).subtype == "PCM_16"
    original = client.get(f"/audio/{number}?as=original")
    with open(files[number], "rb") as file:
        assert original.content == file.read()
    assert original.headers["content-disposition"] == "attachment; filename*=UTF-8''f.mp3"
    assert original.headers["content-type"] == "application/octet-stream"


def test_ranges(client, made):
    content = client.get("/audio/0").content
    size = len(content)
    for asked, expected in {
        "bytes=0-": (0, size),
        "bytes=5-9": (5, 10),
        f"bytes={size - 3}-": (size - 3, size),
        "bytes=-4": (size - 4, size),
        f"bytes=0-{size * 9}": (0, size),
    }.items():
        answer = client.get("/audio/0", headers={"Range": asked})
        start, end = expected
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.content == content[start:end]
    assert client.get("/audio/0", headers={"Range": f"bytes={size}-"}).status_code == 416
    assert client.get("/audio/0", headers={"Range": "bytes=9-5"}).status_code in (400, 416)
    parts = client.get("/audio/0", headers={"Range": "bytes=0-3,8-11"})
    assert parts.status_code == 206
    assert parts.headers["content-type"].startswith("multipart/byteranges")
    assert content[:4] in parts.content
    head = client.head("/audio/0")
    assert (head.content, head.headers["content-length"]) == (b"", str(size))


def test_unchanged_sound_is_not_sent_again(client):
    etag = client.get("/audio/0").headers["etag"]
    again = client.get("/audio/0", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    ranged = {"Range": "bytes=0-9", "If-Range": '"another"'}
    assert client.get("/audio/0", headers=ranged).status_code == 200


def test_changed_sound_is_read_again(library, tmp_path):
    soundfile.write(tmp_path / "x.wav", tone(440, 1), 48000)
    index = AudioIndex.load(library)
    index.add([str(tmp_path / "x.wav")]).save(library)
    number = len(index) - 1
    with open_page(library) as client:
        assert get(client, f"/waveform/{number}")["duration"] == 1
        soundfile.write(tmp_path / "x.wav", tone(440, 2), 48000)
        assert get(client, f"/waveform/{number}")["duration"] == 2
        assert get(client, f"/api/items/{number}")["duration"] == 2


@pytest.mark.parametrize(("seconds", "rate"), [(0.001, 8000), (1, 44100), (25.3, 96000)])
def test_waveform_is_of_all_samples(tmp_path, seconds, rate):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, (round(seconds * rate), 2)).astype("f4")
    samples[len(samples) // 3, 1] = 0.9
    samples[-1, 0] = -0.8
    soundfile.write(tmp_path / "x.wav", samples, rate, subtype="FLOAT")
    shape = read_waveform(str(tmp_path / "x.wav"))
    assert len(shape.low) <= 2**14
    described = shape.describe(100)
    assert described["duration"] == pytest.approx(seconds)
    n_points = described["points"]
    assert len(described["low"]) == len(described["high"]) == n_points <= 100
    assert (max(described["high"]), min(described["low"])) == (round(0.9 * 127), round(-0.8 * 127))
    assert described["low"][-1] == round(-0.8 * 127)
    at = described["high"].index(round(0.9 * 127))
    # A stretch of 64 samples may lie across the border of two points.
    assert abs(at / n_points - 1 / 3) <= 1 / n_points + 64 / len(samples)


def test_waveform_of_a_long_sound(tmp_path):
    rate, minutes = 8000, 40
    samples = np.zeros(60 * minutes * rate, "f4")
    samples[60 * 30 * rate :] = 0.5
    soundfile.write(tmp_path / "x.flac", samples, rate)
    shape = read_waveform(str(tmp_path / "x.flac"))
    assert len(shape.low) <= 2**14
    described = shape.describe(40)
    assert described["duration"] == 60 * minutes
    assert described["high"][:30] == [0] * 30
    assert described["high"][30:] == [64] * 10


def test_waveform_shows_channels_that_cancel_out(tmp_path):
    samples = np.stack([tone(100, 1, 8000), -tone(100, 1, 8000)], axis=1)
    soundfile.write(tmp_path / "x.wav", samples, 8000)
    assert max(read_waveform(str(tmp_path / "x.wav")).high) > 40


def test_odd_rates_are_resampled_for_the_browser(library, tmp_path):
    files = []
    for rate in (2000, 400_000):
        files.append(str(tmp_path / f"{rate}.wav"))
        soundfile.write(files[-1], tone(100, 1, rate), rate)
    index = AudioIndex.load(library)
    index.add(files).save(library)
    with open_page(library) as client:
        for number in (len(index) - 2, len(index) - 1):
            sound = soundfile.info(io.BytesIO(client.get(f"/audio/{number}").content))
            assert sound.samplerate == 48000
            assert sound.duration == pytest.approx(1, abs=1e-3)


def test_damaged_sound_is_told(library, tmp_path):
    place = tmp_path / "x.wav"
    soundfile.write(place, tone(440, 1), 48000)
    index = AudioIndex.load(library)
    index.add([str(place)]).save(library)
    place.write_bytes(b"no sound" * 100)
    number = len(index) - 1
    with open_page(library) as client:
        refused(client.get(f"/audio/{number}"), 415, "cannot be read")
        refused(client.get(f"/waveform/{number}"), 415, "cannot be read")
        refused(client.get(f"/api/items/{number}"), 415)
        assert client.get(f"/audio/{number}?as=original").content == b"no sound" * 100
        assert get(client, f"/api/items?numbers={number}")["items"][0]["duration"] is None


@pytest.mark.parametrize("name", ["passwd", "notes.txt"])
def test_files_that_are_no_sounds_are_never_sent(library, tmp_path, name):
    """An index from elsewhere may list any file of this machine."""
    place = tmp_path / name
    soundfile.write(place, tone(440, 1), 48000, format="WAV")
    index = AudioIndex.load(library)
    index.add([str(place)]).save(library)
    place.write_text("secret")
    with open_page(library) as client:
        for query in ("", "?as=original", "?as=wav"):
            answer = client.get(f"/audio/{len(index) - 1}{query}")
            refused(answer, 415)
            assert "secret" not in answer.text


def test_pipes_are_not_opened(library, tmp_path):
    place = tmp_path / "x.wav"
    soundfile.write(place, tone(440, 1), 48000)
    index = AudioIndex.load(library)
    index.add([str(place)]).save(library)
    place.unlink()
    os.mkfifo(place)
    with open_page(library) as client:
        for query in ("", "?as=original", "?as=wav"):
            refused(client.get(f"/audio/{len(index) - 1}{query}"), 415, "not a regular file")
        refused(client.get(f"/waveform/{len(index) - 1}"), 415, "not a regular file")


def test_too_long_to_decode(library, tmp_path, monkeypatch):
    monkeypatch.setattr("skw2c.listening._sounds._LARGEST", 50_000)
    with open_page(library) as client:
        names = [item["name"] for item in get(client, "/api/items")["items"]]
        refused(client.get(f"/audio/{names.index('h.aiff')}"), 413, "download the original")


def test_room_for_decoded_sounds_is_bounded(library, monkeypatch):
    monkeypatch.setattr("skw2c.listening._sounds._MOST_BYTES", 200_000)
    monkeypatch.setattr("skw2c.listening._sounds._IN_USE", 0)
    with open_page(library) as client:
        names = [item["name"] for item in get(client, "/api/items")["items"]]
        numbers = [names.index(name) for name in ("h.aiff", "i-adpcm.wav", "j.au", "n.mkv")]
        first = [client.get(f"/audio/{number}").content for number in numbers]
        again = [client.get(f"/audio/{number}").content for number in numbers]
        assert first == again


# Searching


def test_words_find_what_the_index_finds(client, made):
    expected = AudioIndex.load(made[0]).search("a high whistle", k=5)
    found = get(client, "/api/search?words=a%20high%20whistle&k=5")
    assert found["query"] == "a high whistle"
    assert [hit["item"] for hit in found["results"]] == expected["item"].tolist()
    assert [hit["rank"] for hit in found["results"]] == [1, 2, 3, 4, 5]
    scores = [hit["score"] for hit in found["results"]]
    assert scores == pytest.approx(expected["score"].tolist(), abs=1e-6)
    assert all(hit["start"] is None and hit["end"] is None for hit in found["results"])


def test_more_like_this_leaves_it_out(client, made):
    _, files = made
    found = get(client, "/api/search?item=3&k=500")
    assert [hit["number"] for hit in found["results"]].count(3) == 0
    assert len(found["results"]) == len(files) - 1
    assert found["query"] == "d.flac"


def test_parts_are_added_and_subtracted(client, made):
    index = AudioIndex.load(made[0])
    units = index._embed_as_units(["rain", "wind", "dog"], "text")
    clip = index._content.vectors()[4]
    total = units[0] + units[1] + clip - units[2] - index._content.vectors()[7]
    expected = index.search(total, by="vector", k=20)
    expected = expected[expected["item"] != made[1][4]]
    query = "words=rain&words=wind&item=4&minus_words=dog&minus_item=7"
    found = get(client, f"/api/search?{query}&k=20")
    minus = "\N{MINUS SIGN}"
    assert found["query"] == f"rain + wind + e.ogg {minus} dog {minus} h.aiff"
    assert [hit["item"] for hit in found["results"]] == expected["item"].tolist()
    scores = [hit["score"] for hit in found["results"]]
    assert scores == pytest.approx(expected["score"].tolist(), abs=1e-6)


def test_search_in_a_folder(library, tmp_path):
    files = []
    for name in ("one/x.wav", "one/two/y.wav", "onely/z.wav"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, tone(440 + len(files), 1), 48000)
        files.append(str(place))
    AudioIndex.load(library).add(files).save(library)
    with open_page(library) as client:
        folder = quote(str(tmp_path / "one"))
        found = get(client, f"/api/search?words=whistle&folder={folder}")
        assert {hit["name"] for hit in found["results"]} == {"x.wav", "y.wav"}
        number = next(hit["number"] for hit in found["results"] if hit["name"] == "x.wav")
        found = get(client, f"/api/search?item={number}&folder={folder}")
        assert [hit["name"] for hit in found["results"]] == ["y.wav"]
        assert get(client, "/api/search?words=dog&folder=/nowhere")["results"] == []


def test_what_cancels_out_is_refused(client):
    refused(client.get("/api/search?item=3&minus_item=3"), 422, "cancel each other out")
    refused(client.get("/api/search?item=99"), 404, "there is no sound 99")
    refused(client.get("/api/search?item=3&minus_item=-1"), 404)
    refused(client.get("/api/search?words=dog&upload=unknown"), 404, "send it again")


def test_words_that_nobody_taught_it(client):
    answer = refused(client.get("/api/search?words=%D0%BA%D0%BE%D1%82"), 422, "no English word")
    assert answer["command"] is None
    assert not answer["error"].startswith(("Query", "Row"))


def test_frames_are_found_with_their_times(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * 48000)
    parts = [tone(300, 3), noise.astype("f4"), tone(3000, 3)]
    soundfile.write(tmp_path / "x.wav", np.concatenate(parts), 48000)
    soundfile.write(tmp_path / "y.wav", tone(3000, 2), 48000)
    soundfile.write(tmp_path / "z.wav", noise[:48000], 48000)
    files = [str(tmp_path / f"{name}.wav") for name in "xyz"]
    index = AudioIndex("mini", mode="frame").fit(files).save(tmp_path / "library")
    with open_page(tmp_path / "library") as client:
        told = get(client, "/api/library")
        assert (told["mode"], told["n_items"], told["n_vectors"]) == ("frame", 3, 12)
        [best] = get(client, "/api/search?item=1&k=1")["results"]
        assert best["number"] == 0
        assert 6 <= best["start"] < best["end"] <= 9
        hits = get(client, "/api/search?item=0&k=100")["results"]
        assert {hit["number"] for hit in hits} == {1, 2}
        assert len(hits) == 3
        expected = index.search("whistle", k=4)
        hits = get(client, "/api/search?words=whistle&k=4")["results"]
        assert [hit["start"] for hit in hits] == expected["start"].tolist()
        assert get(client, "/api/items/0")["vectors"] == 9


def test_before_it_is_loaded(made):
    """Lists, sounds and waveforms are there at once; what searches says that it is not yet."""
    app = make_app(Library(made[0]), TOKEN)
    client = TestClient(app, base_url=HERE)  # not entered: nothing loads
    told = get(client, "/api/library")
    assert told["state"] == "loading"
    assert not any(ability["available"] for ability in told["queries"].values())
    assert get(client, "/api/items")["total"] == told["n_items"]
    assert client.get("/audio/0").status_code == 200
    assert get(client, "/waveform/0")["points"] > 100
    refused(client.get("/api/search?words=dog"), 503, "being loaded")
    refused(client.post("/api/classifier", headers=WRITE), 503)
    refused(client.post("/api/map", headers=WRITE, json={"method": "pca"}), 503)
    refused(client.post("/api/missing/remove", headers=WRITE), 503)
    refused(client.post("/api/library/refresh", headers=WRITE), 503)


def test_library_that_cannot_be_loaded(library):
    vectors = next(library.glob("*.vectors.npy"))
    vectors.write_bytes(vectors.read_bytes()[:-1])
    page = open_page(library)
    with pytest.raises(AssertionError, match="damaged"), page:
        pass
    told = get(page.client, "/api/library")
    assert told["state"] == "failed"
    assert "damaged" in told["error"]
    refused(page.client.get("/api/search?words=dog"), 503, "could not be loaded", "damaged")
    assert page.client.get("/audio/0").status_code == 200


def test_vectors_without_sounds(tmp_path):
    AudioIndex("passthrough", text_encoder=None).fit(np.eye(3, 4), items=["a", 7, "<b>"]).save(
        tmp_path / "library"
    )
    with open_page(tmp_path / "library") as client:
        told = get(client, "/api/library")["queries"]
        assert not told["words"]["available"]
        assert not told["sound"]["available"]
        command = f"skw2c index {tmp_path / 'library'}-new FOLDER_OF_SOUNDS --encoder mini"
        assert told["words"]["command"] == told["sound"]["command"] == command
        answer = refused(client.get("/api/search?words=dog"), 422, "without an encoder of words")
        assert answer["command"] == command
        items = get(client, "/api/items")["items"]
        assert [(item["name"], item["folder"], item["has_file"]) for item in items] == [
            ("a", "", False),
            ("7", "", False),
            ("<b>", "", False),
        ]
        assert not any(item["missing"] for item in items)
        refused(client.get("/audio/1"), 404, "no sound file", "vector")
        refused(client.get("/waveform/1"), 404, "no sound file")
        assert len(get(client, "/api/search?item=1")["results"]) == 2
        assert get(client, "/api/folders") == {"folders": []}
        assert get(client, "/api/missing")["total"] == 0


def test_nothing_is_fetched(tmp_path, monkeypatch):
    """What is not on this machine is said, with the command that fetches it."""

    def connect(*args, **kwargs):
        raise AssertionError("it went to the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "cache"))
    AudioIndex("passthrough", image_encoder=None).fit(np.eye(3, 512)).save(tmp_path / "library")
    with open_page(tmp_path / "library") as client:
        words = get(client, "/api/library")["queries"]["words"]
        assert not words["available"]
        assert "weights that are not on this machine" in words["why"]
        assert words["command"] == f"skw2c search {tmp_path / 'library'} dog"
        refused(client.get("/api/search?words=dog"), 422, "not on this machine")


def test_words_of_another_width(tmp_path):
    index = AudioIndex("passthrough", text_encoder="mini", image_encoder=None)
    index.fit(np.eye(3, 16)).save(tmp_path / "library")
    with open_page(tmp_path / "library") as client:
        words = get(client, "/api/library")["queries"]["words"]
        assert not words["available"]
        assert "expected 16" in words["why"]


def test_words_from_a_table(tmp_path):
    index = AudioIndex("passthrough", text_encoder=None).fit(np.eye(3, 4), items=["a", "b", "c"])
    index.save(tmp_path / "library")
    words = {"second": [0.0, 2.0, 0.1, 0.0]}
    with open_page(tmp_path / "library", parameters=lambda: {"text_encoder": words}) as client:
        assert get(client, "/api/library")["queries"]["words"]["available"]
        assert get(client, "/api/search?words=second&k=1")["results"][0]["name"] == "b"
        refused(client.get("/api/search?words=third"), 422, "lacks 'third'")


def test_empty_library(library):
    index = AudioIndex.load(library)
    index.remove(index.items_).save(library)
    with open_page(library) as client:
        told = get(client, "/api/library")
        assert (told["state"], told["n_items"]) == ("ready", 0)
        assert "FOLDER_OF_SOUNDS" in told["fill_command"]
        assert get(client, "/api/items") == {"total": 0, "items": []}
        assert get(client, "/api/search?words=dog")["results"] == []
        assert client.get("/audio/0").status_code == 404
        refused(client.post("/api/classifier", headers=WRITE), 409, "empty")
        refused(client.post("/api/map", headers=WRITE, json={"method": "pca"}), 409, "empty")
        colours = get(client, "/api/colours?by=folder")
        assert (colours["categories"], colours["numbers"]) == ([], "")


# Hostile names


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    home = tmp_path_factory.mktemp("hostile")
    folder = home / ("deep" * 20) / "<b>&"
    folder.mkdir(parents=True)
    files = [str(folder / name) for name in HOSTILE]
    for number, file in enumerate(files):
        with open(os.fsencode(file), "wb") as content:
            soundfile.write(content, tone(300 + 100 * number, 0.5), 48000, format="WAV")
    AudioIndex("mini").fit(files).save(home / "library")
    with open_page(home / "library") as client:
        yield client, files


def test_hostile_names_are_text(hostile):
    client, files = hostile
    response = client.get("/api/items")
    response.content.decode("ascii")  # nothing in it depends on an encoding
    items = response.json()["items"]
    assert len(items) == len(files)
    for item, file in zip(items, files, strict=True):
        name = os.path.basename(file)
        assert item["name"] == name.replace("\udce9", "\\xe9")
        item["name"].encode("utf-8")
        assert not item["missing"]
    assert "<script>" not in client.get("/").text.replace("<script ", "")


def test_hostile_names_are_found_and_heard(hostile):
    client, files = hostile
    for number in range(len(files)):
        assert client.get(f"/audio/{number}").status_code == 200
        assert get(client, f"/waveform/{number}")["duration"] == 0.5
        original = client.get(f"/audio/{number}?as=original")
        disposition = original.headers["content-disposition"]
        assert original.status_code == 200
        assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w.%~-]+", disposition)
        assert len(get(client, f"/api/search?item={number}")["results"]) == len(files) - 1
    assert get(client, "/api/items?text=%3Cscript")["total"] == 1
    assert get(client, "/api/items?text=%F0%9F%90%B6")["total"] == 1
    folder = quote(get(client, "/api/folders")["folders"][0]["folder"])
    assert get(client, f"/api/search?item=0&folder={folder}")["results"]


def test_hostile_labels_are_text(hostile):
    client, files = hostile
    classes = ["<img src=x onerror=alert(1)>", "=1+1", "\N{DOG FACE}"]
    put = client.put("/api/labels/classes", headers=WRITE, json={"classes": classes})
    assert put.json()["classes"] == classes
    for number in range(len(files)):
        body = {"label": classes[number % 3]}
        assert client.put(f"/api/labels/{number}", headers=WRITE, json=body).status_code == 200
    assert len(get(client, "/api/labels")["labels"]) == len(files)
    table = client.get("/api/labels.csv").content
    assert b",=1+1" not in table
    assert b"caf\xe9.wav" in table


# Who may ask


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8765", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("127.0.0.1@evil.example", 400),
        ("[::1].evil.example", 400),
        ("", 400),
        ("192.168.0.7", 400),
    ],
)
def test_foreign_hosts_are_refused(client, host, status):
    """A page that points its own name at this machine gets nothing."""
    answer = client.get("/api/library", headers={"Host": host})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": HERE}, 200),
    ],
)
def test_other_sites_are_refused(client, headers, status):
    assert client.get("/api/items", headers=headers).status_code == status
    assert client.get("/audio/0", headers=headers).status_code == status


def test_links_from_elsewhere_open_the_page(client):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/", headers=embedded).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/uploads"),
        ("POST", "/api/map"),
        ("POST", "/api/classifier"),
        ("POST", "/api/missing/remove"),
        ("POST", "/api/library/refresh"),
        ("PUT", "/api/labels/0"),
        ("PUT", "/api/labels/classes"),
        ("DELETE", "/api/labels/0"),
        ("OPTIONS", "/api/labels/0"),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Skw2c-Token": "another"},
        {"X-Skw2c-Token": "t\u00f6ken".encode("latin-1")},
        {"X-Skw2c-Token": TOKEN, "Sec-Fetch-Site": "cross-site"},
        {"X-Skw2c-Token": TOKEN, "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": HERE},
    ],
)
def test_writing_needs_the_token(client, method, path, headers):
    refused(client.request(method, path, headers=headers), 403)


def test_token_alone_is_enough_for_programs(library):
    with open_page(library) as client:
        body = {"classes": ["dog"]}
        token = {"X-Skw2c-Token": TOKEN}
        assert client.put("/api/labels/classes", headers=token, json=body).status_code == 200


def test_other_machines_need_the_token_for_everything(library):
    with open_page(library, cookie="skw2c-8765") as client:
        for path in ("/", "/api/library", "/audio/0", "/static/icon.svg", "/?token=wrong"):
            refused(client.get(path), 403, "token")
        answer = client.get(f"/?token={TOKEN}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert cookie == f"skw2c-8765={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
        assert client.get("/").status_code == 200  # the client keeps the cookie
        refused(client.post("/api/classifier"), 403, "token")
        client.cookies.clear()
        assert client.get("/api/library", headers={"X-Skw2c-Token": TOKEN}).status_code == 200
        answer = client.get(f"//evil.example/?token={TOKEN}")
        assert not answer.headers.get("location", "").startswith("//")


def test_names_of_hosts():
    assert host_name("[::1]:80") == "[::1]"
    assert host_name("LocalHost:80") == "localhost"
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [
        True
    ] * 4
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "")))  # noqa: S104
    assert address_of("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert address_of("::1", 80) == "http://[::1]:80/"
    assert address_of("0.0.0.0", 80) == f"http://{socket.gethostname()}:80/"  # noqa: S104


# Uploads


def send(client, content, name="sound.wav", kind="audio/wav", headers=WRITE):
    return client.post("/api/uploads", headers=headers, files={"file": (name, content, kind)})


def wav_bytes(samples, rate=48000):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return file.getvalue()


def test_upload_finds_itself(client, made):
    _, files = made
    number = number_of(files, "d.flac")
    with open(files[number], "rb") as file:
        sent = send(client, file.read(), "mine.flac", "audio/flac").json()
    assert (sent["kind"], sent["name"]) == ("sound", "mine.flac")
    assert sent["duration"] == pytest.approx(1, abs=1e-3)
    found = get(client, f"/api/search?upload={sent['id']}&k=3")
    assert found["query"] == "mine.flac"
    assert found["results"][0]["number"] == number
    assert found["results"][0]["score"] == pytest.approx(1, abs=1e-5)
    less = get(client, f"/api/search?words=dog&minus_upload={sent['id']}&k=500")["results"]
    assert less[-1]["number"] == number
    with open(files[number], "rb") as file:
        assert client.get(f"/api/uploads/{sent['id']}/audio").content == file.read()
    assert client.get("/api/uploads/..%2f..%2fetc/audio").status_code == 404


def test_recording_of_a_browser(client, made):
    """MediaRecorder gives WebM with Opus, under a type and without a useful name."""
    _, files = made
    with open(files[number_of(files, "m.webm")], "rb") as file:
        sent = send(client, file.read(), "blob", "audio/webm;codecs=opus").json()
    assert sent["duration"] == pytest.approx(1, abs=0.1)
    audio = client.get(f"/api/uploads/{sent['id']}/audio")
    assert audio.headers["content-type"] == "audio/webm"


def test_image_where_there_is_no_encoder_of_images(client):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    sent = send(client, file.getvalue(), "x.png", "image/png").json()
    assert (sent["kind"], sent["duration"]) == ("image", None)
    refused(client.get(f"/api/search?upload={sent['id']}"), 422, "no images")
    refused(client.get(f"/api/uploads/{sent['id']}/audio"), 404, "image")


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"no sound at all", "x.wav", ["'x.wav'", "neither a sound nor an image"]),
        (b"", "x.wav", ["'x.wav'"]),
        (b"#EXTM3U\nhttp://127.0.0.1:1/x.mp3\n", "x.m3u8", ["neither"]),
        (b"<svg/>", "../../<b>.svg", ["'<b>.svg'"]),
    ],
)
def test_odd_uploads_are_refused(client, content, name, words):
    answer = send(client, content, name)
    refused(answer, 415, *words)
    assert "skw2c-listening" not in answer.text  # where it is kept is nobody's business
    assert not list(client.app.state.sounds.folder.glob("*.svg"))


def test_forms_without_a_file_are_refused(client):
    post = client.post
    refused(post("/api/uploads", headers=WRITE), 400, "'file'")
    refused(post("/api/uploads", headers=WRITE, data={"file": "text"}), 400, "'file'")
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(post("/api/uploads", headers=WRITE | kind, content=b"nonsense"), 400)
    two = [("file", ("a.wav", b"x")), ("file", ("b.wav", b"x"))]
    refused(post("/api/uploads", headers=WRITE, files=two), 400)


def test_long_sounds_are_refused(client, monkeypatch):
    monkeypatch.setattr(uploads_module, "MOST_SECONDS", 2)
    refused(send(client, wav_bytes(tone(440, 3))), 413, "longer")
    assert send(client, wav_bytes(tone(440, 1.9))).status_code == 200


def test_slow_decoding_is_stopped(client, monkeypatch):
    monkeypatch.setattr("skw2c.listening._search_routes._PATIENCE", 0)
    time.sleep(0.01)
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(Exception, match="too long to be decoded"):
        client.app.state.uploads.take(io.BytesIO(wav_bytes(tone(440, 1))), "x", "", stopped)


def test_only_the_last_uploads_are_kept(library):
    with open_page(library) as client:
        ids = [send(client, wav_bytes(tone(440 + k, 0.1))).json()["id"] for k in range(20)]
        kept = [client.get(f"/api/uploads/{id_}/audio").status_code for id_ in ids]
        assert kept == [404] * 4 + [200] * 16
        folder = client.app.state.sounds.folder
        assert len(list(folder.glob("upload-*"))) == 16
    assert not folder.exists()


def ask(app, headers, receive):
    """Send a POST to an application as a server does; return the status of the answer."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/uploads",
        "raw_path": b"/api/uploads",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8765),
    }
    sent = []

    async def send_back(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send_back))
    return sent[0]["status"]


def form_headers(length=None):
    headers = [
        (b"x-skw2c-token", TOKEN.encode()),
        (b"content-type", b"multipart/form-data; boundary=x"),
    ]
    return headers if length is None else [*headers, (b"content-length", str(length).encode())]


def test_large_upload_is_refused_before_it_is_read(made):
    async def receive():
        raise AssertionError("it was read")

    app = make_app(Library(made[0]), TOKEN)
    assert ask(app, form_headers(10**9), receive) == 413
    assert ask(app, form_headers("9" * 400), receive) == 413


def test_large_upload_is_refused_while_it_comes(made):
    """Without a length, no more is read than may come, and nothing is kept."""
    received = 0
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.wav"\r\n\r\n'

    async def receive():
        nonlocal received
        body = start if not received else bytes(1 << 16)
        received += len(body)
        return {"type": "http.request", "body": body, "more_body": True}

    app = make_app(Library(made[0]), TOKEN)
    assert ask(app, form_headers(), receive) == 413
    assert received <= uploads_module.MOST_BYTES + (1 << 18)
    assert not list(app.state.sounds.folder.iterdir())


@pytest.mark.parametrize("body", [b"[]", b"{", b"[" * 50_000, b"x" * 70_000, b'{"classes": [1]}'])
def test_odd_json_is_refused(client, body):
    answer = client.put("/api/labels/classes", headers=WRITE, content=body)
    assert answer.status_code in (400, 413)
    assert answer.json()["error"]


# Files that moved


@pytest.fixture
def movable(library, tmp_path):
    """A library of three sounds in folders, and the folder that they are in."""
    files = []
    for name in ("a/x.wav", "b/x.wav", "b/y.wav"):
        place = tmp_path / "old" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, tone(300 + 400 * len(files), 1), 48000)
        files.append(str(place))
    AudioIndex("mini").fit(files).save(tmp_path / "movable")
    return tmp_path / "movable", tmp_path / "old"


def test_missing_files_are_told_and_removed(movable):
    folder, sounds = movable
    (sounds / "b" / "x.wav").unlink()
    with open_page(folder) as client:
        items = get(client, "/api/items")["items"]
        assert [item["missing"] for item in items] == [False, True, False]
        refused(client.get("/audio/1"), 404, "missing")
        refused(client.get("/waveform/1"), 404, "missing")
        assert get(client, "/api/items/1")["bytes"] is None
        missing = get(client, "/api/missing")
        assert (missing["total"], missing["items"][0]["number"]) == (1, 1)
        assert missing["commands"] == [
            f"skw2c index {folder} NEW_FOLDER --encoder mini",
            f"skw2c serve {folder} --root NEW_FOLDER",
        ]
        before = get(client, "/api/library")["id"]
        removed = client.post("/api/missing/remove", headers=WRITE).json()
        assert removed == {"removed": 1}
        assert get(client, "/api/library")["id"] != before
        assert [i["name"] for i in get(client, "/api/items")["items"]] == ["x.wav", "y.wav"]
        assert client.post("/api/missing/remove", headers=WRITE).json() == {"removed": 0}
        assert len(get(client, "/api/search?words=dog")["results"]) == 2
    assert len(AudioIndex.load(folder)) == 2


def test_what_another_program_saved_is_shown_when_it_is_asked_for(movable):
    folder, sounds = movable
    with open_page(folder) as client:
        before = get(client, "/api/library")
        assert not before["outdated"]
        assert client.post("/api/library/refresh", headers=WRITE).json() == {"refreshed": False}
        soundfile.write(sounds / "b" / "z.wav", tone(2500, 1), 48000)
        other = AudioIndex.load(folder)
        other.remove(str(sounds / "a" / "x.wav")).add([str(sounds / "b" / "z.wav")]).save(folder)
        told = get(client, "/api/library")
        assert told == before | {"outdated": True}
        assert client.post("/api/library/refresh", headers=WRITE).json() == {"refreshed": True}
        told = get(client, "/api/library")
        assert not told["outdated"]
        assert told["id"] != before["id"]
        names = [item["name"] for item in get(client, "/api/items")["items"]]
        assert names == ["x.wav", "y.wav", "z.wav"]
        assert client.get("/audio/2").status_code == 200
        assert len(get(client, "/api/search?words=dog")["results"]) == 3
        best = get(client, "/api/search?item=2&k=1")["results"]
        assert len(best) == 1


def test_what_another_program_saved_stays_where_missing_sounds_are_removed(movable):
    folder, sounds = movable
    with open_page(folder) as client:
        (sounds / "b" / "x.wav").unlink()
        AudioIndex.load(folder).remove(str(sounds / "a" / "x.wav")).save(folder)
        assert client.post("/api/missing/remove", headers=WRITE).json() == {"removed": 1}
        assert [i["name"] for i in get(client, "/api/items")["items"]] == ["y.wav"]
    assert AudioIndex.load(folder).items_ == [str(sounds / "b" / "y.wav")]


def test_a_library_that_was_replaced_by_another_one(movable):
    folder = movable[0]
    with open_page(folder) as client:
        shutil.rmtree(folder)
        AudioIndex("passthrough").fit(np.eye(3, dtype=np.float32)).save(folder)
        assert get(client, "/api/library")["outdated"]
        refused(client.post("/api/library/refresh", headers=WRITE), 409)
        assert get(client, "/api/items")["total"] == 3
        assert len(get(client, "/api/search?words=dog")["results"]) == 3


def test_folder_that_moved(movable, tmp_path):
    folder, sounds = movable
    os.rename(sounds, tmp_path / "new")
    with open_page(folder) as client:
        assert get(client, "/api/missing")["total"] == 3
    with open_page(folder, root=tmp_path / "new") as client:
        assert get(client, "/api/missing")["total"] == 0
        # Two have one name, and are told apart by their folders.
        for number, name in enumerate(["a/x.wav", "b/x.wav", "b/y.wav"]):
            assert client.get(f"/audio/{number}").content == (tmp_path / "new" / name).read_bytes()
        (tmp_path / "new" / "b" / "y.wav").unlink()
        (tmp_path / "secret.wav").write_bytes(b"secret")
        for place in ("new/b/y.wav", "new/y.wav"):
            (tmp_path / place).symlink_to(tmp_path / "secret.wav")
            client.library._relocation.find.cache_clear()
            refused(client.get("/audio/2"), 404, "missing")
            assert get(client, "/api/items/2")["missing"]
    with pytest.raises(NotADirectoryError, match="does not exist"):
        Library(folder, root=tmp_path / "none")


# Map, colours, labels


def colours_of(answer):
    numbers = np.frombuffer(base64.b64decode(answer["numbers"]), "<i2")
    return [answer["categories"][number] if number >= 0 else None for number in numbers]


def test_map_is_computed_once(library):
    with open_page(library) as client:
        n_items = get(client, "/api/library")["n_items"]
        assert get(client, "/api/map?method=pca")["state"] == "absent"
        refused(client.get("/api/map/points?method=pca"), 404, "compute it first")
        started = client.post("/api/map", headers=WRITE, json={"method": "pca"})
        assert started.status_code == 202
        told = wait_for(lambda: (m := get(client, "/api/map?method=pca"))["state"] == "ready" and m)
        assert (told["method"], told["n"], told["message"]) == ("pca", n_items, None)
        points = client.get("/api/map/points?method=pca")
        assert points.headers["content-type"] == "application/octet-stream"
        assert np.frombuffer(points.content, "<u2").shape == (2 * n_items,)
        etag = {"If-None-Match": points.headers["etag"]}
        assert client.get("/api/map/points?method=pca", headers=etag).status_code == 304
        refused(client.post("/api/map", headers=WRITE, json={"method": 3}), 400)
    with open_page(library) as client:  # it is kept beside the index
        assert get(client, "/api/map?method=pca")["state"] == "ready"


def test_map_that_fails_says_why(library, monkeypatch):
    def fail(*args, **kwargs):
        raise MemoryError("too large")

    monkeypatch.setattr("skw2c.listening._maps.find_coordinates", fail)
    with open_page(library) as client:
        client.post("/api/map", headers=WRITE, json={"method": "pca"})
        told = wait_for(lambda: (m := get(client, "/api/map?method=pca"))["message"] and m)
        assert (told["state"], told["message"]) == ("absent", "too large")


def test_colours(library, made, tmp_path):
    _, files = made
    table = tmp_path / "table.csv"
    rows = [
        f"{os.path.basename(file)},{'odd' if k % 2 else 'even'}" for k, file in enumerate(files)
    ]
    table.write_text("\n".join(["file,parity", *rows]))
    with open_page(library, table=ColourTable(table)) as client:
        wait_for(lambda: get(client, "/api/library")["table"])
        assert get(client, "/api/library")["table"] == ["parity"]
        by_column = colours_of(get(client, "/api/colours?by=table&column=parity"))
        assert by_column == ["odd" if k % 2 else "even" for k in range(len(files))]
        refused(client.get("/api/colours?by=table&column=none"), 422)
        refused(client.get("/api/colours?by=table"), 400)
        assert set(colours_of(get(client, "/api/colours?by=folder"))) == {"sounds"}
        words = ["a whistle", "a bass drum"]
        index = AudioIndex.load(made[0])
        units = index._embed_as_units(words, "text")
        expected = (index._content.vectors() @ units.T).argmax(axis=1)
        found = get(client, "/api/colours?by=words&words=a%20whistle&words=a%20bass%20drum")
        assert found["categories"] == words
        assert colours_of(found) == [words[k] for k in expected]
        refused(client.get("/api/colours?by=predicted"), 409, "train")
    with pytest.raises(FileNotFoundError, match="none.csv"):
        ColourTable(tmp_path / "none.csv")
    table.write_text("one column\nx\n")
    with open_page(library, table=ColourTable(table)) as client:
        answer = wait_for(lambda: (a := client.get("/api/colours?by=table&column=x")) and a)
        refused(answer, 422)


def test_labels_are_kept_and_learned(library, made):
    _, files = made
    with open_page(library) as client:
        refused(client.post("/api/classifier", headers=WRITE), 409)
        refused(client.get("/api/classifier/uncertain"), 409, "train")
        assert get(client, "/api/classifier")["n_labelled"] == 0
        put = client.put("/api/labels/classes", headers=WRITE, json={"classes": ["low", "high"]})
        assert put.json() == {
            "classes": ["low", "high"],
            "labels": {},
            "counts": {"low": 0, "high": 0},
        }
        for number, label in [(0, "low"), (1, "low"), (12, "high"), (13, "high")]:
            client.put(f"/api/labels/{number}", headers=WRITE, json={"label": label})
        refused(client.put("/api/labels/0", headers=WRITE, json={"label": "none"}), 422)
        refused(client.put("/api/labels/0", headers=WRITE, json={}), 400)
        refused(client.put("/api/labels/99", headers=WRITE, json={"label": "low"}), 404)
        told = get(client, "/api/labels")
        assert told["labels"] == {"0": "low", "1": "low", "12": "high", "13": "high"}
        trained = client.post("/api/classifier", headers=WRITE).json()
        assert trained == get(client, "/api/classifier")
        assert (trained["n_labelled"], trained["classes"]) == (4, ["high", "low"])
        for path in ("uncertain?k=3", "confident?label=low&k=3"):
            results = get(client, f"/api/classifier/{path}")["results"]
            assert len(results) == 3
            assert not {result["number"] for result in results} & {0, 1, 12, 13}
            assert sum(results[0]["probabilities"].values()) == pytest.approx(1)
        refused(client.get("/api/classifier/confident?label=none"), 422)
        refused(client.get("/api/classifier/confident"), 400)
        assert client.get("/api/labels.csv").text.splitlines()[1] == f"{files[0]},low"
        assert len(client.get("/api/labels.csv?predicted=1").text.splitlines()) == 1 + len(files)
        script = client.get("/api/classifier.py")
        compile(script.text, "classifier.py", "exec")
        assert "attachment" in script.headers["content-disposition"]
        assert set(colours_of(get(client, "/api/colours?by=predicted"))) <= {"low", "high"}
        client.put("/api/labels/0", headers=WRITE, json={"label": None})
    with open_page(library) as client:
        assert get(client, "/api/labels")["counts"] == {"low": 1, "high": 2}


def wait_for(condition, seconds=30):
    """Ask until there is an answer."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


# Parts


def test_once_computes_once():
    once, counted, started = Once(2), [], threading.Event()

    def compute():
        started.wait()
        counted.append(1)
        return "result"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(once.get, "key", compute) for _ in range(8)]
        started.set()
        assert {future.result() for future in waiting} == {"result"}
    assert len(counted) == 1


def test_once_forgets_errors_and_the_oldest():
    once = Once(2)
    with pytest.raises(ZeroDivisionError):
        once.get("key", lambda: 1 / 0)
    assert once.get("key", lambda: 1) == 1
    assert [once.get(key, lambda: 2) for key in ("b", "c", "key")] == [2, 2, 2]


def test_facts_of_sounds(made):
    _, files = made
    for file in files:
        facts = read_facts(file)
        assert facts.sampling_rate == 48000
        assert facts.duration == pytest.approx(1, abs=0.1)
        assert facts.has_video == file.endswith(".mkv")
    with pytest.raises(AudioError, match="does not exist"):
        read_facts("none.wav")


# The process


def start(folder, *options, **kwargs):
    command = [sys.executable, "-m", "skw2c", "serve", str(folder), "--no-browser", *options]
    return subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs
    )


@pytest.fixture
def served(library):
    """A process that serves a library, and host and port of its page."""
    process = start(library, "--port", "0")
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), process.stderr.read()
        yield process, urlsplit(address).netloc
    finally:
        process.kill()
        process.communicate()


def ask_process(netloc, path, headers=None):
    connection = http.client.HTTPConnection(netloc, timeout=60)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_process_ends_quietly(served, number):
    process, netloc = served
    assert ask_process(netloc, "/api/library")[0] == 200
    process.send_signal(number)  # while it is still being loaded
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (128 + number, "", "")


def test_process_ends_quietly_while_it_answers(served):
    """Requests that are not read, or not sent, to their end do not hold it up."""
    process, netloc = served
    connection = http.client.HTTPConnection(netloc)
    connection.request("GET", "/audio/0")
    connection.getresponse()
    host, port = netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as unfinished:
        unfinished.sendall(b"POST /api/uploads HTTP/1.1\r\n")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    connection.close()
    assert (process.returncode, output, errors) == (130, "", "")


def test_many_requests_at_once(served):
    """Searches, ranges and waveforms of 200 clients: none is lost, none is wrong."""
    process, netloc = served

    def is_loaded():
        return json.loads(ask_process(netloc, "/api/library")[1])["state"] == "ready"

    wait_for(is_loaded, 120)
    paths = [
        ("/api/search?words=dog&k=3", {}),
        ("/audio/3", {"Range": "bytes=100-5099"}),
        ("/waveform/5?points=50", {}),
        ("/audio/7", {"Range": "bytes=0-99"}),
        ("/api/items?limit=5", {}),
    ]
    expected = [_without_times(ask_process(netloc, *path)) for path in paths]
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        jobs = [pool.submit(ask_process, netloc, *paths[k % 5]) for k in range(400)]
        answers = [_without_times(job.result()) for job in jobs]
    assert answers == [expected[k % 5] for k in range(400)]
    assert {status for status, _ in answers} == {200, 206}
    assert process.poll() is None


def _without_times(answer):
    return answer[0], re.sub(rb'"(seconds|duration)":[^,]*', b"", answer[1])


@pytest.mark.parametrize("stated", [True, False])
def test_gigabyte_is_not_taken(served, stated):
    process, netloc = served
    host, port = netloc.split(":")
    page = ask_process(netloc, "/")[1].decode()
    token = re.search('name="skw2c-token" content="([^"]*)"', page)[1]
    size = f"Content-Length: {1 << 30}" if stated else "Transfer-Encoding: chunked"
    head = (
        f"POST /api/uploads HTTP/1.1\r\nHost: {netloc}\r\nX-Skw2c-Token: {token}\r\n{size}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.wav"\r\n\r\n'
    block, sent = bytes(1 << 20), 0
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        try:
            for number in range(1024):
                content = (part if number == 0 else b"") + block
                chunk = content if stated else b"%x\r\n%s\r\n" % (len(content), content)
                connection.sendall(chunk)
                sent += len(content)
        except OSError:
            pass  # it hung up
    assert sent < 64 << 20  # what it may take, and what the buffers of the system hold
    assert ask_process(netloc, "/api/library")[0] == 200
    assert process.poll() is None


def test_port_in_use(served, library, capfd):
    _, netloc = served
    port = netloc.split(":")[1]
    assert main(["serve", str(library), "--no-browser", "--port", port]) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert f"--port {port} is in use" in captured.err
    assert "0 is any free one" in captured.err


def test_hosts_that_are_not_here(library, capfd):
    for host in ("203.0.113.7", "no-such-host.invalid"):
        assert main(["serve", str(library), "--no-browser", "--port", "0", "--host", host]) == 1
        assert "is not an address of this machine" in capfd.readouterr().err
    listen("127.0.0.1", 0).close()


def test_libraries_that_cannot_be_opened(library, tmp_path, capfd):
    def fails(*words):
        assert main(["serve", str(library), "--no-browser", "--port", "0"]) == 1
        captured = capfd.readouterr()
        assert captured.out == ""
        assert "Traceback" not in captured.err
        for word in words:
            assert word in captured.err

    listed = json.loads((library / "index.json").read_text())
    (library / "index.json").write_text(json.dumps(listed | {"version": 3}))
    fails("version 3", "reads versions 1 to 2", "build the index again")
    (library / "index.json").write_text(json.dumps(listed | {"parts": 3}))
    fails("damaged")
    (library / "index.json").write_text(json.dumps(listed))
    items = next(library.glob("*.items.npy"))
    items.write_bytes(items.read_bytes()[:-1])
    fails("damaged", items.name)
    shutil.rmtree(library)
    fails("there is no saved index")
    with pytest.raises(SavedIndexError):
        Library(library)


def test_options_are_checked_before_anything_is_served(library, tmp_path, capfd):
    for options, word in [
        (["--root", str(tmp_path / "none")], "does not exist"),
        (["--table", str(tmp_path / "none.csv")], "does not exist"),
        (["--label-vectors", str(tmp_path / "none.csv")], "none.csv"),
    ]:
        arguments = ["serve", str(library), "--no-browser", "--port", "0", *options]
        assert main(arguments) == 1
        assert word in capfd.readouterr().err
    for port in ("-1", "65536", "x"):
        with pytest.raises(SystemExit):
            main(["serve", str(library), "--port", port])


def test_without_the_extra(library, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", str(library), "--no-browser"]) == 1
    assert 'pip install "skw2c[serve]"' in capfd.readouterr().err


def test_small_world_is_kept_to_listen_to(tmp_path, capsys):
    """``make run`` ends with the command that opens it."""
    from benchmarks.datasets import library as program

    arguments = ["--out", str(tmp_path / "library"), "--n-clips", "12"]
    assert program.main(arguments) == 0
    line = capsys.readouterr().out
    assert line.endswith(f" serve {tmp_path / 'library'}\n")
    assert len(AudioIndex.load(tmp_path / "library")) == 12
    before = (tmp_path / "library" / "index.json").read_bytes()
    assert program.main(arguments) == 0
    assert capsys.readouterr().out == line
    assert (tmp_path / "library" / "index.json").read_bytes() == before
    makefile = (REPOSITORY / "Makefile").read_text()
    [recipe] = re.findall(r"^run:.*\n((?:\t.*\n)+)", makefile, re.M)
    assert recipe.splitlines()[-1].endswith("-m benchmarks.datasets.library")
