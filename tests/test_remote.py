"""Sounds elsewhere: the same vectors as from the folder, each fetched once, errors with a cure."""

import gc
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from skw2c import Wav2CLIPTransformer, embed_corpus, load_audio
from skw2c.cli import main
from skw2c.exceptions import (
    AudioError,
    FailedClipWarning,
    FailedFileWarning,
    OptionalDependencyError,
)
from skw2c.files import (
    RemoteError,
    RemoteFile,
    Stamp,
    _problems,
    _temporary,
    absolute_name,
    fetched,
    is_fresh,
    is_remote,
    list_files,
    new_place,
    suffix_of,
)
from skw2c.files._stamp import stamp_of_info

from .buckets import serve_buckets
from .processes import Python

WAV = {".wav"}
MEMBERS = ["clip 0.wav", "deep/clip 1.wav", "deep/clip 2.wav"]
SPELLINGS = [
    "{home}/archive.zip::{member}",
    "zip://{member}::{home}/archive.zip",
    "{home}/archive.tar::{member}",
    "tar://{member}::{home}/archive.tar",
    "{home}/archive.tgz::{member}",
    "{home}/outer.zip::archive.tgz::{member}",
    "memory://sounds/{member}",
    "memory://archive.zip::{member}",
    "zip://{member}::memory://archive.zip",
    "file://{home}/sounds/{member}",
    "file://{home}/archive.zip::{member}",
]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(_problems, "_PAUSES", (0, 0))


@pytest.fixture(scope="module")
def home(tmp_path_factory, wav_files):
    """The same three sounds in a folder, in archives, and in the memory of fsspec."""
    home = tmp_path_factory.mktemp("elsewhere")
    memory = fsspec.filesystem("memory")
    with zipfile.ZipFile(home / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for member, file in zip(MEMBERS, wav_files, strict=False):
            place = home / "sounds" / member
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
            archive.write(place, member)
            memory.put_file(str(place), f"/sounds/{member}")
        archive.writestr("notes.txt", "no sound")
        archive.writestr("__MACOSX/._clip 0.wav", "what a Mac leaves")
    for name, mode in (("archive.tar", "w"), ("archive.tgz", "w:gz")):
        with tarfile.open(home / name, mode) as archive:
            archive.add(home / "sounds", ".", filter=_rename)
    with zipfile.ZipFile(home / "outer.zip", "w") as archive:
        archive.write(home / "archive.tgz", "archive.tgz")
    memory.put_file(str(home / "archive.zip"), "/archive.zip")
    return home


def _rename(info):
    info.name = info.name.removeprefix("./")
    return info


def temporary_files():
    gc.collect()  # tracebacks of errors in fsspec refer to themselves
    return list(Path(new_place("")).parent.glob("*.wav"))


class Server(ThreadingHTTPServer):
    """Serves what is in ``files``: (status, headers, content), or a list of them to give in turn.

    Attributes
    ----------
    requests : list of tuple (method, path)
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.requests = {}, []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.requests.append((self.command, path))
        answer = self.server.files.get(path, (404, {}, b""))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        status, headers, content = answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
            self.close_connection = True

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    pytest.importorskip("aiohttp")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_same_sound_wherever_it_lies(home, spelling, tiny_checkpoint):
    files = [spelling.format(home=home, member=member) for member in MEMBERS]
    here = [str(home / "sounds" / member) for member in MEMBERS]
    for elsewhere, file in zip(files, here, strict=True):
        np.testing.assert_array_equal(load_audio(elsewhere)[0], load_audio(file)[0])
        size = RemoteFile(elsewhere).stamp().size
        assert size == os.path.getsize(file)
    encoder = Wav2CLIPTransformer(tiny_checkpoint).fit()
    np.testing.assert_array_equal(encoder.transform(files), encoder.transform(here))
    assert temporary_files() == []


def test_local_files_load_no_package(home):
    program = (
        "import sys, torch; before = 'fsspec' in sys.modules\n"
        "from skw2c import load_audio\n"
        f"load_audio({str(home / 'sounds' / MEMBERS[0])!r})\n"
        f"load_audio({str(home / 'archive.zip')!r} + '::{MEMBERS[0]}')\n"
        "assert ('fsspec' in sys.modules) == before\n"
        "assert not {'s3fs', 'aiohttp', 'botocore'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603


def test_names_that_look_like_addresses(tmp_path, monkeypatch, wav_files):
    monkeypatch.chdir(tmp_path)
    for name in ("a::b.wav", "s3:/bucket/a.wav"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(wav_files[0], name)
    for name in ("a::b.wav", "s3://bucket/a.wav"):
        assert not is_remote(name)
        assert len(load_audio(name)[0]) == 16000
    for name in ("a.wav", "deep/a.zip", "c:a.wav", ""):
        assert not is_remote(name)


@pytest.mark.parametrize(
    ("name", "suffix", "absolute"),
    [
        ("s3://b/A.WAV", ".wav", "s3://b/A.WAV"),
        ("https://h/a.wav?sign=x.mp3", ".wav", "https://h/a.wav?sign=x.mp3"),
        ("https://h/a?x=b.wav", "", "https://h/a?x=b.wav"),
        ("s3://b/a?.wav", ".wav", "s3://b/a?.wav"),
        ("a.zip::d/b.flac", ".flac", "{here}/a.zip::d/b.flac"),
        ("zip://b.flac::a.zip", ".flac", "{here}/a.zip::b.flac"),
        ("zip://b.flac::s3://b/a.zip", ".flac", "s3://b/a.zip::b.flac"),
        ("file:///x/b.flac", ".flac", "/x/b.flac"),
        ("simplecache::s3://b/a.wav", ".wav", "simplecache::s3://b/a.wav"),
    ],
)
def test_parts_of_addresses(tmp_path, monkeypatch, name, suffix, absolute):
    monkeypatch.chdir(tmp_path)
    assert suffix_of(name) == suffix
    assert absolute_name(name) == absolute.format(here=os.getcwd())


@pytest.mark.parametrize(
    ("name", "n_skipped"),
    [
        ("{home}/archive.zip", 2),
        ("{home}/archive.zip::", 2),
        ("zip://::{home}/archive.zip", 2),
        ("{home}/archive.tgz", 0),
        ("{home}/outer.zip::archive.tgz", 0),
        ("memory://archive.zip", 2),
        ("memory://sounds", 0),
        ("memory://sounds/", 0),
        ("memory://sounds/**/*.wav", 0),
        ("file://{home}/sounds", 0),
    ],
)
def test_lists(home, name, n_skipped):
    files, skipped = list_files(name.format(home=home), WAV)
    assert [file.replace("::", "/").partition("clip")[2] for file in files] == [
        f" {number}.wav" for number in range(3)
    ]
    assert len(skipped) == n_skipped
    for file, stamp in files.items():
        assert stamp == RemoteFile(file).stamp()


def test_lists_of_patterns_and_single_files(home):
    assert list(list_files("memory://sounds/deep/*1.wav", WAV)[0]) == [
        "memory:///sounds/deep/clip 1.wav"
    ]
    found, _ = list_files(f"{home}/archive.zip::deep/*.wav", WAV)
    assert list(found) == [f"{home}/archive.zip::{member}" for member in MEMBERS[1:]]
    for name in ("memory://sounds/none.wav", f"{home}/archive.zip::notes.txt", "https://h/a.wav"):
        assert list_files(name, WAV) == ({name: Stamp()}, [])


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("memory://none.wav", AudioError, "there is nothing at this address"),
        ("memory://sounds", AudioError, "it is a folder, not a file"),
        ("xyz://a.wav", AudioError, "the protocol 'xyz' is not known to fsspec"),
        ("{home}/none.zip::a.wav", AudioError, "there is nothing at this address"),
        ("{home}/archive.zip::none.wav", AudioError, "the archive has no file 'none.wav'"),
        ("{home}/archive.tar::none.wav", AudioError, "the archive has no file 'none.wav'"),
        ("{home}/archive.tar::deep", AudioError, "it is a folder, not a file"),
        ("{home}/cut.zip::a.wav", AudioError, "the archive is damaged, or neither a zip nor a tar"),
        ("{home}/archive.zip::notes.txt", AudioError, "the file is not a sound or media file"),
        ("none::b.wav", AudioError, "the file does not exist"),
        ("gs://b/a.wav", OptionalDependencyError, "needs the package 'gcsfs'.*pip install gcsfs$"),
        ("az://b/a.wav", OptionalDependencyError, "needs the package 'adlfs'.*pip install adlfs$"),
        ("sftp://h/a.wav", OptionalDependencyError, 'SFTPFileSystem requires "paramiko"'),
        ("ftp://me:secret@h/a.wav", AudioError, "the address contains a password.*remove it"),
    ],
)
def test_errors(home, tiny_checkpoint, name, error, message):
    (home / "cut.zip").write_bytes((home / "archive.zip").read_bytes()[:100])
    name = name.format(home=home)
    encoder = Wav2CLIPTransformer(tiny_checkpoint).fit()
    with pytest.raises(error, match=f"Row 0 .*{message}".removesuffix("$")) as caught:
        encoder.transform([name])
    assert repr(name) in str(caught.value)
    assert "skw2c-remote" not in str(caught.value)
    encoder.set_params(on_error="nan")
    with pytest.warns(FailedClipWarning):
        assert np.isnan(encoder.transform([name])).all()


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(OptionalDependencyError, match=r's3fs.* pip install "skw2c\[remote\]"'):
        load_audio("s3://bucket/a.wav")


def test_a_missing_package_stops_a_run(tmp_path, tiny_checkpoint):
    with pytest.raises(OptionalDependencyError, match="gcsfs"):
        embed_corpus(["gs://b/a.wav"], tmp_path / "v", Wav2CLIPTransformer(tiny_checkpoint))
    assert not (tmp_path / "v").exists()


def test_passwords_are_not_repeated():
    with pytest.raises(RemoteError, match="contains a password") as caught:
        RemoteFile("ftp://me:secret@host/a.wav")
    assert "secret" not in str(caught.value)


def test_damaged_members(home, tmp_path):
    content = bytearray((home / "archive.zip").read_bytes())
    content[2000] ^= 255
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(AudioError, match=r"bad.zip::clip 0.wav': the archive is damaged, or chan"):
        load_audio(f"{tmp_path}/bad.zip::{MEMBERS[0]}")
    cut = (home / "archive.tar").read_bytes()[:30_000]
    (tmp_path / "cut.tar").write_bytes(cut)
    with pytest.raises(AudioError, match="the archive is "):
        load_audio(f"{tmp_path}/cut.tar::{MEMBERS[0]}")


def test_an_archive_that_changes_is_opened_again(home, tmp_path):
    name = f"{tmp_path}/a.zip::a.wav"
    lengths = []
    for member in MEMBERS[:2]:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.write(home / "sounds" / member, "a.wav")
        lengths.append(len(load_audio(name)[0]))
    assert lengths == [16000, 32000]


def test_many_threads_in_one_archive(home):
    names = [f"{home}/{kind}::{m}" for kind in ("archive.zip", "archive.tar") for m in MEMBERS]
    right = [(home / "sounds" / name.rpartition("::")[2]).read_bytes() for name in names]
    wrong = []

    def read():
        for _ in range(20):
            for name, content in zip(names, right, strict=True):
                with fetched(name) as path:
                    if Path(path).read_bytes() != content:
                        wrong.append(name)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_stamps():
    http = {"size": 3, "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "ETag": '"x"'}
    assert stamp_of_info(http) == Stamp(3, 1445412480 * 10**9, '"x"')
    assert stamp_of_info({"size": 3, "updated": "2015-10-21T07:28:00.5Z"}).modified == (
        1445412480_500000000
    )
    assert stamp_of_info({"size": 3, "mtime": 2.0**60}) == Stamp(3, 2**63 - 1)
    assert stamp_of_info({"mtime": "yesterday"}) == Stamp()
    assert Stamp(3, 1, "a").agrees_with(Stamp(3, 2, "a"))
    assert not Stamp(3, 1, "a").agrees_with(Stamp(3, 1, "b"))
    assert Stamp(3, 1).agrees_with(Stamp(3, 1, "b"))
    assert not Stamp(3, 1).agrees_with(Stamp(4, 1))
    assert not Stamp().agrees_with(Stamp())
    assert not Stamp(3).agrees_with(Stamp(3))
    assert is_fresh(Stamp(3, 10 * 10**9), 11)
    assert not is_fresh(Stamp(3, 10 * 10**9), 13)
    assert not is_fresh(Stamp(3, 10 * 10**9, "tag"), 11)


def test_web_server(server, home, tiny_checkpoint):
    content = (home / "sounds" / MEMBERS[0]).read_bytes()
    server.files["/a.wav"] = (200, {"ETag": '"1"'}, content)
    name = f"{server.address}/a.wav?token=x"
    np.testing.assert_array_equal(load_audio(name)[0], load_audio(io.BytesIO(content))[0])
    assert server.requests == [("GET", "/a.wav")]
    assert RemoteFile(name).stamp() == Stamp(len(content), None, '"1"')


def test_a_cache_knows_a_file_by_its_tag(server, home, tiny_checkpoint, tmp_path):
    contents = [(home / "sounds" / member).read_bytes() for member in MEMBERS]
    server.files["/a.wav"] = (200, {"ETag": '"1"'}, contents[0])
    server.files["/b.wav"] = (200, {}, contents[0])
    encoder = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path).fit()
    files = [f"{server.address}/a.wav", f"{server.address}/b.wav"]
    first = encoder.transform(files)
    server.requests.clear()
    np.testing.assert_array_equal(encoder.transform(files), first)
    fetched = [path for method, path in server.requests if method == "GET"]
    assert fetched == ["/b.wav"]  # of which the server says nothing
    server.files["/a.wav"] = (200, {"ETag": '"2"'}, contents[1])
    assert not np.array_equal(encoder.transform(files)[0], first[0])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ((404, {}, b""), "there is nothing at this address"),
        ((403, {}, b""), "access is denied .* give them in fsspec's configuration"),
        ((500, {}, b""), "it cannot be fetched .*status 500"),
        ((200, {"Content-Length": "99999"}, b"RIFF"), "it cannot be fetched .*Payload"),
    ],
)
def test_web_servers_that_fail(server, answers, message):
    server.files["/a.wav"] = answers
    with pytest.raises(AudioError, match=rf"/a.wav\?sign=secret': {message}"):
        load_audio(f"{server.address}/a.wav?sign=secret")
    lasting = answers[0] in (403, 404)
    assert len(server.requests) == (1 if lasting else 3)
    assert temporary_files() == []


def test_a_server_that_fails_for_a_moment(server, home):
    content = (home / "sounds" / MEMBERS[0]).read_bytes()
    cut = (200, {"Content-Length": str(len(content))}, content[:1000])
    server.files["/a.wav"] = [(503, {}, b""), cut, (200, {}, content)]
    assert len(load_audio(f"{server.address}/a.wav")[0]) == 16000
    assert len(server.requests) == 3


def test_long_clips_are_fetched_once(server, tiny_checkpoint, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros(16000 * 150), 16000)
    server.files["/a.wav"] = (200, {}, (tmp_path / "a.wav").read_bytes())
    Wav2CLIPTransformer(tiny_checkpoint).fit().transform([f"{server.address}/a.wav"])
    assert server.requests == [("GET", "/a.wav")]
    assert temporary_files() == []


def test_temporary_files_of_killed_processes_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = (
        "import time; from skw2c.files import new_place\n"
        "open(new_place('.wav'), 'w').close()\n"
        "while True: time.sleep(1)"
    )

    def start(n_files):
        process = Python("-c", program)
        deadline = time.monotonic() + 100
        while len(list(tmp_path.glob("skw2c-remote-*/*.wav"))) < n_files:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process

    first, second = start(1), start(2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _temporary._sweep()
    assert len(list(tmp_path.glob("skw2c-remote-*/*.wav"))) == 1
    second.send_signal(signal.SIGINT)
    second.wait()
    assert list(tmp_path.glob("skw2c-remote-*")) == []


@pytest.fixture(scope="module")
def bucket(tmp_path_factory, home):
    """The sounds in a bucket of a server of S3 on this machine."""
    with serve_buckets() as storage:
        storage.mkdir("recordings")
        for member in MEMBERS:
            storage.put_file(str(home / "sounds" / member), f"recordings/takes/{member}")
        storage.pipe_file("recordings/takes/notes.txt", b"no sound")
        storage.put_file(str(home / "archive.zip"), "recordings/archive.zip")
        yield storage


def table_of(out, home):
    """The rows of a data set with names relative to the folder or the bucket."""
    table = pd.read_parquet(out)
    table["file"] = table["file"].str.replace(r"^.*?(/takes/|/sounds/|::)", "", regex=True)
    return table.sort_values("file", ignore_index=True).drop(columns=["modified", "etag"])


@pytest.mark.parametrize(
    "files",
    [
        "s3://recordings/takes",
        "s3://recordings/takes/**/*.wav",
        "s3://recordings/archive.zip",
        [f"s3://recordings/takes/{member}" for member in MEMBERS],
    ],
    ids=["folder", "pattern", "archive", "list"],
)
def test_a_bucket_is_a_folder(home, bucket, tmp_path, tiny_checkpoint, files):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    embed_corpus(str(home / "sounds"), tmp_path / "here", encoder, verbose=False)
    result = embed_corpus(files, tmp_path / "there", encoder, verbose=False)
    assert (result.n_embedded, result.failures) == (3, [])
    pd.testing.assert_frame_equal(
        table_of(tmp_path / "there", home), table_of(tmp_path / "here", home)
    )
    assert embed_corpus(files, tmp_path / "there", encoder, verbose=False).n_embedded == 0
    assert temporary_files() == []


def test_changes_in_a_bucket(home, bucket, tmp_path, tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)

    def embed(**parameters):
        return embed_corpus(
            "s3://recordings/more", tmp_path / "v", encoder, verbose=False, **parameters
        )

    for name in "abc":
        bucket.put_file(str(home / "sounds" / MEMBERS[0]), f"recordings/more/{name}.wav")
    assert embed().n_embedded == 3
    bucket.put_file(str(home / "sounds" / MEMBERS[1]), "recordings/more/b.wav")
    bucket.rm_file("recordings/more/c.wav")
    assert (embed().n_embedded, embed().n_embedded) == (1, 0)
    assert embed(missing="remove").n_files == 2


def test_vectors_in_a_bucket(home, bucket, tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    out = "s3://recordings/vectors/"
    result = embed_corpus(str(home / "sounds"), out, encoder, verbose=False)
    assert result.n_embedded == 3
    expected = encoder.fit_transform([str(home / "sounds" / member) for member in MEMBERS])
    np.testing.assert_array_equal(np.stack(pd.read_parquet(out)["vector"]), expected)
    assert embed_corpus(str(home / "sounds"), out, encoder, verbose=False).n_embedded == 0
    files = [str(home / "sounds" / MEMBERS[0]), "memory://none.wav"]
    with pytest.warns(FailedFileWarning, match="nothing at this address"):
        result = embed_corpus(files, out, encoder, verbose=False)
    assert result.failures_file == "s3://recordings/vectors/_corpus/failures.csv"
    assert b"memory://none.wav" in bucket.cat_file(result.failures_file)


def test_the_shell_reads_buckets(home, bucket, tmp_path, monkeypatch, tiny_checkpoint, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["--quiet", "--weights", tiny_checkpoint]
    assert main(["embed", "s3://recordings/takes", "--out", "v/", *arguments]) == 0
    error = capsys.readouterr().err
    assert "1 file was skipped: 1 .txt" in error
    assert "v/: files in all: 3, embedded now: 3, failed: 0; per second: " in error
    assert main(["embed", "s3://recordings/takes/", "--out", "v.csv", *arguments]) == 0
    table = pd.read_csv("v.csv")
    assert table["file"].tolist() == [f"s3://recordings/takes/{member}" for member in MEMBERS]
    for name, message in [
        (
            "s3://recordings/empty",
            "the address or archive 's3://recordings/empty' does not contain",
        ),
        ("s3://none-such/x", "cannot be listed: there is nothing at this address"),
        ("s3://recordings/*.ogg", "no files match the pattern 's3://recordings/*.ogg'"),
    ]:
        assert main(["embed", name, "--out", "w/", *arguments]) == 1
        assert message in capsys.readouterr().err
        assert not Path("w").exists()


def test_no_credentials(bucket, monkeypatch, tmp_path, tiny_checkpoint):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    bucket.clear_instance_cache()
    message = "there are no credentials for s3://: set AWS_ACCESS_KEY_ID .* FSSPEC_S3="
    with pytest.raises(AudioError, match=message):
        load_audio(f"s3://recordings/takes/{MEMBERS[0]}")
    with pytest.raises(OSError, match=f"'s3://recordings/takes' cannot be listed: {message}"):
        embed_corpus("s3://recordings/takes", tmp_path / "v", Wav2CLIPTransformer(tiny_checkpoint))
    assert not (tmp_path / "v").exists()
    bucket.clear_instance_cache()


def test_a_list_that_fails_half_way(bucket, monkeypatch, tmp_path, tiny_checkpoint):
    def find(self, path, **options):
        calls.append(path)
        raise TimeoutError("the server does not answer")

    calls = []
    monkeypatch.setattr(type(bucket), "find", find)
    with pytest.raises(OSError, match="'s3://recordings/takes' cannot be listed: .*TimeoutError"):
        embed_corpus("s3://recordings/takes", tmp_path / "v", Wav2CLIPTransformer(tiny_checkpoint))
    assert len(calls) == 3
    assert not (tmp_path / "v").exists()


def test_a_file_that_shrinks_after_it_was_listed(server, home, tmp_path, tiny_checkpoint):
    content = (home / "sounds" / MEMBERS[1]).read_bytes()
    other = (home / "sounds" / MEMBERS[0]).read_bytes()
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    name = f"{server.address}/a.wav"
    server.files["/a.wav"] = [(200, {"ETag": '"1"'}, content), (200, {"ETag": '"2"'}, other)]
    message = f"it has {len(other):,} bytes, and had {len(content):,} when it was listed"
    with pytest.warns(FailedFileWarning, match=message):
        embed_corpus([name], tmp_path / "v", encoder, verbose=False)
    assert embed_corpus([name], tmp_path / "v", encoder, verbose=False).n_embedded == 1
    [digest] = pd.read_parquet(tmp_path / "v")["digest"]
    assert digest == hashlib.sha256(other).hexdigest()


def test_vectors_stay_where_a_server_does_not_answer(server, home, tmp_path, tiny_checkpoint):
    content = (home / "sounds" / MEMBERS[1]).read_bytes()
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    name = f"{server.address}/a.wav"
    server.files["/a.wav"] = (200, {"ETag": '"1"'}, content)
    embed_corpus([name], tmp_path / "v", encoder, verbose=False)
    server.files["/a.wav"] = (503, {}, b"")
    result = embed_corpus([name], tmp_path / "v", encoder, verbose=False, missing="remove")
    assert (result.n_files, result.failures) == (1, [])
    assert pd.read_parquet(tmp_path / "v")["vector"].notna().all()
    server.files["/a.wav"] = (404, {}, b"")
    with pytest.warns(FailedFileWarning, match="nothing at this address"):
        embed_corpus([name], tmp_path / "v", encoder, verbose=False)
