"""The corpus of the small encoder: what is taken from packages, and what is left out."""

import io
import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile

from benchmarks.mini import corpus

from .conftest import REPOSITORY

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="dpkg-deb builds the packages of these tests"
)

COPYRIGHT = "Files: *\nLicense: GPL-2+\n\nFiles: sounds/*\nLicense: CC-BY-SA-3.0\n text\n"


def tone(seconds, pitch=440.0, rate=22050):
    times = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * (pitch + times) * times)  # a glide: no second is like another


def pack(folder, name, sounds):
    """Build a package of sounds: arrays at 22050 Hz, or bytes."""
    root = folder / "build" / name
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\n"
        "Homepage: https://example.org\nDescription: sounds\n"
    )
    for path, content in {f"usr/share/doc/{name}/copyright": COPYRIGHT.encode(), **sounds}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            soundfile.write(file, content, 22050)
    packages = folder / "corpus" / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    command = ["dpkg-deb", "--build", "--root-owner-group", str(root), str(packages)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A corpus of two packages, and of one that is not to be had."""
    archive = tmp_path / "more.pk3"
    soundfile.write(tmp_path / "inner.ogg", tone(1, 900), 22050)
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tmp_path / "inner.ogg", "sound/inner.ogg")
        file.writestr("readme.txt", "no sound")
    pack(
        tmp_path,
        "first",
        {
            "usr/share/a.wav": tone(12),
            "usr/share/same.wav": tone(12),
            "usr/share/silent.wav": np.zeros(22050),
            "usr/share/broken.wav": b"RIFF and nothing else",
            "usr/share/short.wav": tone(0.05),
            "usr/share/more.pk3": archive.read_bytes(),
            "usr/share/no.zip": b"no archive",
            "usr/share/picture.png": b"no sound",
        },
    )
    pack(tmp_path, "second", {"usr/share/b.wav": tone(12), "usr/share/c.wav": tone(4, 333)})
    asked = []
    run = corpus._run

    def no_network(command, **options):
        if command[0] == "apt-get":
            asked.append(command[-1])
            error = f"E: Unable to locate package {command[-1]}\n"
            return subprocess.CompletedProcess(command, 100, "", error)
        return run(command, **options)

    monkeypatch.setattr(corpus, "_run", no_network)
    names = ["first", "absent", "second"]
    manifest = corpus.build(names, tmp_path / "corpus", corpus.Cutting(pieces_per_file=2))
    return tmp_path / "corpus", manifest, asked


def test_sounds_are_cut_and_the_rest_is_left_out(built):
    folder, manifest, _ = built
    first, absent, second = manifest["packages"]
    assert absent == {"package": "absent", "left_out": "E: Unable to locate package absent"}
    assert first["licences"] == ["CC-BY-SA-3.0", "GPL-2+"]
    assert (first["version"], first["homepage"]) == ("1.0", "https://example.org")
    assert (first["files"], first["broken"], first["repeated"]) == (6, 1, 2)
    assert (first["pieces"], second["pieces"]) == (3, 3)
    assert manifest["hours"] == pytest.approx((5 + 5 + 1 + 5 + 5 + 4) / 3600, abs=1e-3)
    entry = json.loads((folder / "pieces" / "first.json").read_text())
    assert "usr/share/more.pk3/sound/inner.ogg" in {
        piece["file"].removeprefix("./") for piece in entry["pieces"]
    }


def test_pieces_are_what_was_heard(built):
    sounds = corpus.Corpus(built[0])
    assert sounds.packages == ["first"] * 3 + ["second"]  # b.wav is a.wav once more
    assert sorted(map(len, sounds.pieces)) == [16000, 64000, 80000, 80000]
    assert sounds.hours == pytest.approx(15 / 3600)
    shortest = min(sounds.pieces, key=len)
    assert shortest.dtype == np.int16
    assert np.abs(np.fft.rfft(shortest.astype(float))).argmax() == pytest.approx(901, abs=4)
    assert np.abs(shortest).max() == pytest.approx(0.5 * 32768, rel=0.15)  # Vorbis overshoots


def test_goes_on_where_it_was(built, monkeypatch):
    folder, manifest, asked = built
    monkeypatch.setattr(corpus, "unpack_sounds", None)
    assert not list((folder / "packages").glob("*.deb"))
    cutting = corpus.Cutting(pieces_per_file=2)
    again = corpus.build(["first", "absent", "second"], folder, cutting)
    assert again["packages"] == manifest["packages"]
    assert asked == ["absent", "absent"]
    kept = corpus.Corpus(folder).packages
    own = json.loads((folder / "pieces" / "first.json").read_text())
    own["pieces"][0]["sha256"] = "that of another sound"
    (folder / "pieces" / "tried once.json").write_text(json.dumps(own))
    shutil.copy(folder / "pieces" / "first.npy", folder / "pieces" / "tried once.npy")
    assert corpus.Corpus(folder).packages == kept  # it is not in the manifest
    corpus.build(["first"], folder, corpus.Cutting())  # it is cut anew, from the package
    assert asked[2:] == ["first"]


def test_broken_members_of_archives(tmp_path, capsys):
    """What is encrypted or damaged is told, and the rest of the archive is read."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("1.wav", "2.wav", "3.wav"):
            archive.writestr(name, bytes(range(256)) * 20)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[40:44] = b"\xff" * 4  # in the stream of the first
    second = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 1)
    content[second + 8] |= 1  # the second is said to be encrypted
    sounds = []
    corpus._put(sounds, "a.zip", io.BytesIO(content), tmp_path)
    assert [name for name, _ in sounds] == ["a.zip/3.wav"]
    assert capsys.readouterr().err.count("cannot be read") == 2


def test_licences():
    listed = "License: CC0\nFiles: x\nLicense:  GPL-2+\n"
    assert corpus.list_licences(listed) == ["CC0", "GPL-2+"]
    old = "on Debian systems it is in /usr/share/common-licenses/GPL-2."
    assert corpus.list_licences(old) == ["GPL-2"]
    assert corpus.list_licences("all rights") == ["see its file copyright"]


def test_no_package_gives_more_than_its_share(tmp_path):
    sounds = {f"usr/share/{k}.wav": tone(7, 300 + 50 * k) for k in range(6)}
    pack(tmp_path, "large", sounds)
    cutting = corpus.Cutting(hours_per_package=12 / 3600)
    corpus.build(["large"], tmp_path / "corpus", cutting)
    sounds = corpus.Corpus(tmp_path / "corpus")
    assert sounds.hours == pytest.approx(12 / 3600)


def test_full_disk_and_damaged_package_are_told(tmp_path, monkeypatch):
    pack(tmp_path, "cut-off", {"usr/share/a.wav": tone(20)})
    [deb] = (tmp_path / "corpus" / "packages").glob("*.deb")
    deb.write_bytes(deb.read_bytes()[:-2000])
    manifest = corpus.build(["cut-off"], tmp_path / "corpus", corpus.Cutting())
    assert "damaged" in manifest["packages"][0]["left_out"]
    monkeypatch.setattr(corpus, "_SPARE_DISK", 1 << 60)
    with pytest.raises(OSError, match="free disk.*run again"):
        corpus.fetch("other", tmp_path / "corpus" / "packages")


def test_list_of_packages():
    names = corpus.read_packages(corpus.PACKAGES)
    assert len(names) == len(set(names)) > 50
    assert "tuxpaint-stamps-default" not in names
    assert all(name == name.lower() for name in names)


def test_program_runs_by_itself(tmp_path):
    pack(tmp_path, "sounds", {"usr/share/a.wav": tone(3)})
    (tmp_path / "list.txt").write_text("sounds  # one\n")
    program = [sys.executable, "-m", "benchmarks.mini.corpus"]
    result = subprocess.run(  # noqa: S603
        [*program, "--out", tmp_path / "corpus", "--packages", tmp_path / "list.txt"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout == "0.001 hours of 1 packages\n"
    assert "sounds:" in result.stderr
