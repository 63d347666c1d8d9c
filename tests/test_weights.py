"""The registry, the cache against a local server, and checkpoints that must be refused."""

import contextlib
import dataclasses
import hashlib
import http.server
import json
import pickle
import threading
import time
import types

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from skw2c import Wav2CLIPTransformer
from skw2c.exceptions import WeightsError, WeightsNotAvailableError
from skw2c.models import Wav2CLIP
from skw2c.weights import (
    WeightsReference,
    _download,
    _fetch,
    fetch_weights,
    is_cached,
    registry,
    write_safetensors,
)

from .conftest import write_tiny_checkpoint
from .processes import Python, run_python


class Server:
    """A web server on this machine whose answers a test chooses."""

    def __init__(self, content):
        self.content = content
        self.cut = None
        self.status, self.headers, self.pause = 200, {}, 0.0
        self.n_requests = 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.n_requests += 1
                if owner.content is None:
                    self.send_error(404)
                    return
                self.send_response(owner.status)
                headers = {"Content-Length": str(len(owner.content)), **owner.headers}
                for name, value in headers.items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who asked may have gone
                    self._write()

            def _write(self):
                if not owner.pause:
                    self.wfile.write(owner.content[: owner.cut])
                    return
                for byte in owner.content:
                    self.wfile.write(bytes([byte]))
                    time.sleep(owner.pause)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/Wav2CLIP.pt"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tiny_checkpoint, cache):
    with open(tiny_checkpoint, "rb") as file:
        server = Server(file.read())
    yield server
    server.stop()


@pytest.fixture
def register(monkeypatch, server):
    """Make the registry's row of Wav2CLIP point at the local server."""

    def change(**changes):
        row = dataclasses.replace(registry()["wav2clip"], **{"url": server.url, **changes})
        monkeypatch.setattr(_fetch, "registry", lambda: {"wav2clip": row})

    change()
    return change


def files_in(cache):
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_registry_states_what_users_must_know():
    for name, row in registry().items():
        assert row.name == name
        assert row.packaged or row.url.startswith("https://")
        assert row.licence
        assert row.architecture
        assert row.bytes or row.approximate_bytes
    assert registry()["wav2clip"].licence == "CC BY 4.0"


def test_fetched_once_and_then_offline(register, server, cache, tiny_checkpoint, waveforms):
    assert not is_cached("wav2clip")
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    np.testing.assert_array_equal(Wav2CLIPTransformer().fit_transform(waveforms), expected)
    assert server.n_requests == 1
    assert is_cached("wav2clip")
    server.stop()
    np.testing.assert_array_equal(Wav2CLIPTransformer().fit_transform(waveforms), expected)
    assert server.n_requests == 1


def test_what_lies_in_the_cache(register, server, cache, tiny_checkpoint):
    path = fetch_weights("wav2clip").path
    assert files_in(cache) == ["wav2clip.json", "wav2clip.safetensors"]
    state = torch.load(tiny_checkpoint, weights_only=True)
    converted = load_file(path)
    assert converted.keys() == state.keys()
    assert all(torch.equal(converted[name], state[name]) for name in state)
    record = json.loads((cache / "wav2clip.json").read_text())
    assert record["sha256_origin"] == "first download"
    assert record["url"] == server.url
    assert record["licence"] == "CC BY 4.0"


def test_interrupted_download_leaves_nothing_and_starts_again(register, server, cache):
    server.cut = 5000
    with pytest.raises(WeightsNotAvailableError, match="could not be fetched"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []
    server.cut = None
    fetch_weights("wav2clip")
    assert is_cached("wav2clip")


def test_published_checksum(register, server, cache):
    register(sha256="0" * 64)
    with pytest.raises(WeightsError, match="another SHA-256 checksum than published"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []


def test_published_size(register, server, cache):
    register(bytes=7)
    with pytest.raises(WeightsError, match="sends more than 7 bytes"):
        fetch_weights("wav2clip")
    register(bytes=len(server.content) + 1)
    with pytest.raises(WeightsError, match=f"expected {len(server.content) + 1}"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []


def test_a_download_that_goes_on_for_ever(register, server, cache, monkeypatch):
    """A byte now and then meets no limit on silence, and a stream without length none on size."""
    server.headers = {"Content-Length": None}
    server.pause = 0.01
    monkeypatch.setattr(_download, "_WINDOW", 0.5)
    with pytest.raises(WeightsNotAvailableError, match=r"sent \d+ bytes in \d+ seconds"):
        fetch_weights("wav2clip")
    server.pause = 0.0
    register(approximate_bytes=len(server.content) // 2)
    with pytest.raises(WeightsNotAvailableError, match="more than the file has"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []


def test_a_server_that_sends_elsewhere(register, server, cache, tmp_path):
    """What is said is what happened, and not that a checksum differs."""
    server.status = 302
    (tmp_path / "secret").write_bytes(server.content)
    server.headers = {"Location": (tmp_path / "secret").as_uri()}
    with pytest.raises(WeightsNotAvailableError, match=r"could not be fetched .*file:"):
        fetch_weights("wav2clip")
    server.headers = {"Location": server.url}
    with pytest.raises(WeightsNotAvailableError, match="could not be fetched .*redirects"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []


def test_an_address_that_becomes_unencrypted():
    """Nobody on the way may choose the weights."""
    response = types.SimpleNamespace(url="http://example.org/a.pt", headers={})
    downloader = _download.Downloader(100, progress=False)
    downloader._check_answer("http://example.org/", response)
    with pytest.raises(OSError, match="not encrypted"):
        downloader._check_answer("https://example.org/", response)


def test_published_name_in_git(register, server, cache):
    content = b"blob %d\0" % len(server.content) + server.content
    register(git_blob="0" * 40)
    with pytest.raises(WeightsError, match=f"git would call it .* published one is {'0' * 40}"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []
    register(git_blob=hashlib.sha1(content).hexdigest())  # noqa: S324
    fetch_weights("wav2clip")
    assert is_cached("wav2clip")


def test_first_download_is_checked_ever_after(register, server, cache):
    fetch_weights("wav2clip").path.unlink()
    server.content += b"x"
    with pytest.raises(WeightsError, match=r"the first download had.*wav2clip\.json"):
        fetch_weights("wav2clip")
    (cache / "wav2clip.json").unlink()
    server.content = server.content[:-1]
    assert fetch_weights("wav2clip").path.exists()


def test_damaged_cache(register, server, cache):
    path = fetch_weights("wav2clip").path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="Delete the file to fetch it again"):
        fetch_weights("wav2clip")


def test_a_page_in_place_of_the_file(register, server, cache):
    server.content = b"<html>Please log in to this network</html>"
    with pytest.raises(WeightsError, match="refused|damaged"):
        fetch_weights("wav2clip")
    server.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(WeightsNotAvailableError, match="answers with a page for people"):
        fetch_weights("wav2clip")
    assert files_in(cache) == []


@pytest.mark.parametrize("absent", ["server", "file"])
def test_no_network_names_three_ways_out(register, server, cache, waveforms, absent):
    if absent == "server":
        server.stop()
    server.content = None
    with pytest.raises(WeightsNotAvailableError) as caught:
        Wav2CLIPTransformer().fit(waveforms)
    message = str(caught.value)
    for part in ("(1)", "(2)", "(3)", "SKW2C_CACHE", "weights=None", "weights='path", server.url):
        assert part in message
    assert isinstance(caught.value, OSError)


def test_no_network_names_what_needs_none(server, cache, monkeypatch):
    server.stop()
    row = dataclasses.replace(registry()["wav2clip"], url=server.url)
    monkeypatch.setattr(_fetch, "registry", lambda: {**registry(), "wav2clip": row})
    with pytest.raises(WeightsNotAvailableError, match=r"four ways out: \(1\) pass weights='mini'"):
        fetch_weights("wav2clip")


def test_original_file_put_into_the_cache_by_hand(register, server, cache):
    cache.mkdir()
    (cache / "Wav2CLIP.pt").write_bytes(server.content)
    server.stop()
    fetch_weights("wav2clip")
    # What the user put there stays.
    assert files_in(cache) == ["Wav2CLIP.pt", "wav2clip.json", "wav2clip.safetensors"]


def test_cache_that_may_not_be_written(register, cache, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(WeightsNotAvailableError, match=r"Permission denied.*SKW2C_CACHE"):
        fetch_weights("wav2clip")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(WeightsNotAvailableError, match="SKW2C_CACHE"):
        fetch_weights("wav2clip")


def test_damaged_record(register, cache):
    fetch_weights("wav2clip")
    for text in ("{", "[]", '{"sha256": "0"}'):
        (cache / "wav2clip.json").write_text(text)
        with pytest.raises(WeightsError, match=r"wav2clip\.json.* is damaged"):
            fetch_weights("wav2clip")


def test_processes_that_fetch_at_the_same_time(server, cache):
    """All get the weights, and one fetches them."""
    code = (
        "import dataclasses, sys\n"
        "from skw2c.weights import _fetch, registry\n"
        "row = dataclasses.replace(registry()['wav2clip'], url=sys.argv[1])\n"
        "_fetch.registry = lambda: {'wav2clip': row}\n"
        "print(_fetch.fetch_weights('wav2clip').sha256)"
    )
    running = [Python("-c", code, server.url) for _ in range(4)]
    digests = [process.communicate()[0] for process in running]
    assert len(set(digests)) == 1
    assert len(digests[0].strip()) == 64
    assert server.n_requests == 1


def test_default_cache_is_the_platforms(monkeypatch):
    monkeypatch.delenv("SKW2C_CACHE", raising=False)
    assert _fetch.cache_folder().name == "skw2c"


def test_safetensors_and_path_objects(tmp_path, tiny_checkpoint, waveforms):
    state = torch.load(tiny_checkpoint, weights_only=True)
    save_file(state, tmp_path / "w.safetensors")
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    vectors = Wav2CLIPTransformer(tmp_path / "w.safetensors").fit_transform(waveforms)
    np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("n_facts", [0, 1, 12])
def test_the_same_tensors_and_description_give_the_same_file(tmp_path, n_facts):
    state = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor(3), "c": torch.ones(0)}
    metadata = {f"fact {n}": 'Grüße, "n"\n' * n for n in range(n_facts)}
    paths = [tmp_path / f"{name}.safetensors" for name in "xyz"]
    for path in paths:
        write_safetensors(path, state, metadata)
    assert len({path.read_bytes() for path in paths}) == 1
    with safe_open(paths[0], "pt") as file:
        assert (file.metadata() or {}) == metadata
        assert set(file.keys()) == set(state)
        for name, tensor in state.items():
            torch.testing.assert_close(file.get_tensor(name), tensor, rtol=0, atol=0)


def test_what_a_checkpoint_may_hold_and_lack(tmp_path, tiny_checkpoint, waveforms):
    state = torch.load(tiny_checkpoint, weights_only=True)
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    changed = {
        name: value
        for name, value in state.items()
        if not name.endswith(("spectrogram.window", "num_batches_tracked"))
    }
    changed["image_transform.sequential.0.weight"] = torch.zeros(3, 3)
    changed["loss_fn_a.logit_scale"] = torch.tensor(2.6)
    torch.save({"state_dict": changed, "epoch": 3}, tmp_path / "lightning.ckpt")
    vectors = Wav2CLIPTransformer(tmp_path / "lightning.ckpt").fit_transform(waveforms)
    np.testing.assert_array_equal(vectors, expected)


def test_half_precision_is_read_as_single(tmp_path, tiny_checkpoint, waveforms):
    state = torch.load(tiny_checkpoint, weights_only=True)
    halved = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    save_file(halved, tmp_path / "half.safetensors")
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    vectors = Wav2CLIPTransformer(tmp_path / "half.safetensors").fit_transform(waveforms)
    np.testing.assert_allclose(vectors, expected, atol=0.01)


def test_other_architectures_are_recognised(tmp_path, waveforms):
    path = write_tiny_checkpoint(tmp_path / "w.pt", architecture="resnet34", n_outputs=24)
    assert Wav2CLIPTransformer(path).fit_transform(waveforms).shape == (6, 24)


def damage(state, kind):
    if kind == "missing":
        del state["audio_encoder.layer2.0.conv1.weight"]
    elif kind == "unexpected":
        state["audio_encoder.fc.weight"] = torch.zeros(3)
    elif kind == "deeper":
        for name in [name for name in state if "layer3.1" in name]:
            state[name.replace("layer3.1", "layer3.2")] = state[name]
    elif kind == "other model":
        return {"conv1.weight": torch.zeros(64, 3, 7, 7), "fc.weight": torch.zeros(10, 512)}
    elif kind == "shape":
        state["audio_encoder.bn1.weight"] = torch.zeros(7)
    elif kind == "not finite":
        state["audio_encoder.bn1.weight"][0] = float("nan")
    elif kind == "no state dict":
        return [1, 2, 3]
    return state


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", r"Missing: audio_encoder\.layer2\.0\.conv1\.weight\. Unexpected: none"),
        ("unexpected", r"Missing: none\. Unexpected: audio_encoder\.fc\.weight"),
        ("deeper", r"Unexpected: audio_encoder\.layer3\.2\.bn1.* and \d+ more"),
        ("other model", "not a checkpoint of Wav2CLIP"),
        ("shape", r"audio_encoder\.bn1\.weight has shape \(7,\), expected \(4,\)"),
        ("not finite", "NaN or infinite"),
        ("no state dict", "hold a list"),
    ],
)
def test_checkpoints_that_do_not_fit(tmp_path, tiny_checkpoint, kind, message):
    state = damage(torch.load(tiny_checkpoint, weights_only=True), kind)
    torch.save(state, tmp_path / "bad.pt")
    with pytest.raises(WeightsError, match=message) as caught:
        Wav2CLIPTransformer(tmp_path / "bad.pt").fit([""])
    assert "bad.pt" in str(caught.value)


@pytest.mark.parametrize("extension", ["pt", "safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_checkpoint(tmp_path, tiny_checkpoint, extension, share):
    path = tmp_path / f"cut.{extension}"
    state = torch.load(tiny_checkpoint, weights_only=True)
    save_file(state, path) if extension == "safetensors" else torch.save(state, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(WeightsError, match="damaged|refused"):
        Wav2CLIPTransformer(path).fit([""])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("stack.pt", b"\x80\x02q\x00."),  # a pickle that keeps what is not there
        (
            "version.npz",
            b"PK\3\4PK\1\2\x14\0\x67"
            + bytes(39)  # a zip of version 10.3
            + b"PK\5\6"
            + bytes(4)
            + b"\1\0\1\0\x2e"
            + bytes(9),
        ),
    ],
)
def test_damage_that_python_meets_in_other_ways(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match="damaged|refused"):
        Wav2CLIPTransformer(tmp_path / name).fit()


class Bomb:
    """Would create a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("container", ["torch", "pickle"])
def test_pickle_bomb_is_refused_and_does_not_run(tmp_path, container):
    fuse = tmp_path / "executed"
    state = {"audio_encoder.conv1.weight": Bomb(str(fuse))}
    if container == "torch":
        torch.save(state, tmp_path / "bomb.pt")
    else:
        (tmp_path / "bomb.pt").write_bytes(pickle.dumps(state))
    with pytest.raises(WeightsError, match="refused.*could run code"):
        Wav2CLIPTransformer(tmp_path / "bomb.pt").fit([""])
    assert not fuse.exists()


def test_unknown_weights(tmp_path):
    message = r"neither a known name \('wav2clip', 'mini'\) nor an existing"
    with pytest.raises(WeightsError, match=message):
        Wav2CLIPTransformer("wav2clap").fit([""])
    with pytest.raises(WeightsError, match="nor an existing file"):
        Wav2CLIPTransformer(tmp_path).fit([""])


def test_weights_that_change_after_fit(tmp_path, waveforms):
    path = write_tiny_checkpoint(tmp_path / "w.pt")
    transformer = Wav2CLIPTransformer(path).fit(waveforms)
    pickled = pickle.dumps(transformer)
    vectors = transformer.transform(waveforms)
    write_tiny_checkpoint(tmp_path / "w.pt", seed=1)
    # The process that fitted goes on with what it read; another must not mix them up.
    np.testing.assert_array_equal(transformer.transform(waveforms), vectors)
    (tmp_path / "pickled").write_bytes(pickled)
    code = (
        "import pickle, sys, numpy as np\n"
        "t = pickle.load(open(sys.argv[1], 'rb'))\n"
        "try: t.transform([np.ones(9000)])\n"
        "except ValueError as e: print(e)"
    )

    def transform_elsewhere():
        return run_python("-c", code, tmp_path / "pickled").stdout

    assert "changed since the estimator was fitted" in transform_elsewhere()
    (tmp_path / "w.pt").unlink()
    assert "cannot be read" in transform_elsewhere()
    write_tiny_checkpoint(tmp_path / "w.pt")
    assert transform_elsewhere() == ""


def test_official_names_and_shapes(shared):
    """The full-size model has the names and shapes of the official format, no more, no less."""
    path = shared / "oracles" / "wav2clip_random_checkpoint.pt"
    official = torch.load(path, weights_only=True)
    own = Wav2CLIP().state_dict()
    expected = {k: v.shape for k, v in official.items() if not k.startswith("image_transform")}
    assert {k: v.shape for k, v in own.items()} == expected


def test_a_file_that_goes_with_weights_is_kept_as_it_is(
    server, cache, monkeypatch, tiny_checkpoint
):
    """Such as a tokenizer: fetched once, and checked whenever it is read."""
    with open(tiny_checkpoint, "rb") as file:
        content = file.read()
    row = dataclasses.replace(
        registry()["clap-tokenizer"],
        url=server.url,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
    )
    monkeypatch.setattr(_fetch, "registry", lambda: {row.name: row})
    assert not is_cached(row.name)
    assert _fetch.fetch_file(row.name) == content
    assert is_cached(row.name)
    assert _fetch.fetch_file(row.name) == content
    assert server.n_requests == 1
    assert files_in(cache) == ["clap-tokenizer.json"]
    (cache / "clap-tokenizer.json").write_bytes(b"{}")
    with pytest.raises(WeightsError, match="is damaged: its checksum is not the one"):
        _fetch.fetch_file(row.name)


def test_random_weights_are_in_no_file():
    with pytest.raises(WeightsError, match="Random weights are in no file"):
        WeightsReference(seed=0).read()
