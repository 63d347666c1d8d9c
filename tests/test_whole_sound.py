"""All of the sound that is in a file, or an error: joined, cut, holed, never finished files."""

import os
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from skw2c import load_audio
from skw2c.audio._ogg import _checksum
from skw2c.exceptions import AudioError

av = pytest.importorskip("av")

from .sound_files import assert_heard, sound_bytes, write_parts  # noqa: E402

ID3V1 = b"TAG" + bytes(125)
ID3V2 = b"ID3\x04\x00\x00\x00\x00\x00\x0bTIT2\x00\x00\x00\x01\x00\x00a"
COVER = b"ID3\x04\x00\x00\x00\x02\x00\x00" + bytes(range(256)) * 128
APE = b"APETAGEX" + b"".join(n.to_bytes(4, "little") for n in (2000, 32, 0, 0)) + bytes(8)
LIST = b"LIST" + (26).to_bytes(4, "little") + b"INFOISFT\x0e\0\0\0Lavf60.16.100\0"

JOINED = {
    "a.mp3": [("MP3", None, 44100, 1), ("MP3", None, 44100, 1)],
    "rate.mp3": [("MP3", None, 44100, 1), ("MP3", None, 22050, 1)],
    "stereo.mp3": [("MP3", None, 44100, 1), ("MP3", None, 44100, 2)],
    "vorbis.ogg": [("OGG", "VORBIS", 44100, 1), ("OGG", "VORBIS", 44100, 1)],
    "vorbis rate.ogg": [("OGG", "VORBIS", 44100, 1), ("OGG", "VORBIS", 22050, 1)],
    "opus.ogg": [("OGG", "OPUS", 48000, 1), ("OGG", "OPUS", 48000, 1)],
    "opus rate.opus": [("OGG", "OPUS", 48000, 1), ("OGG", "OPUS", 24000, 2)],
    "both.ogg": [("OGG", "VORBIS", 44100, 2), ("OGG", "OPUS", 48000, 1)],
    "flac.bin": [("FLAC", None, 44100, 1), ("FLAC", None, 44100, 1)],
    "a.flac": [("FLAC", None, 44100, 1), ("FLAC", None, 44100, 1)],
    "rate.flac": [("FLAC", None, 44100, 1), ("FLAC", None, 16000, 2)],
    "a.wav": [("WAV", None, 44100, 1), ("WAV", "FLOAT", 22050, 2)],
    "a.aiff": [("AIFF", None, 44100, 1), ("AIFF", None, 44100, 1)],
    "a.au": [("AU", None, 44100, 1), ("AU", None, 44100, 1)],
    "a.rf64": [("RF64", None, 44100, 1), ("RF64", None, 22050, 2)],
    "a.w64": [("W64", None, 44100, 1), ("W64", None, 44100, 1)],
    "a.caf": [("CAF", None, 44100, 1), ("CAF", None, 44100, 1)],
}


@pytest.mark.parametrize("name", JOINED)
@pytest.mark.parametrize("pitches", [(440, 880), (440, 440), (880, 440, 660)])
def test_joined_files_are_heard_whole(tmp_path, name, pitches):
    """Their header counts the first of them alone, and libsndfile reads no more."""
    first, other = JOINED[name]
    kinds = [first, *[other] * (len(pitches) - 1)]
    content = b"".join(
        sound_bytes(hz, 2, rate, form, subtype, n_channels)
        for hz, (form, subtype, rate, n_channels) in zip(pitches, kinds, strict=True)
    )
    (tmp_path / name).write_bytes(content)
    expected = [(440, 4)] if pitches == (440, 440) else [(hz, 2) for hz in pitches]
    assert_heard(load_audio(tmp_path / name)[0], expected)
    assert load_audio(tmp_path / name, sampling_rate=None)[1] == first[2]


@pytest.mark.parametrize("first", ["WAV", "FLAC", "MP3", "OGG", "AIFF", "AU", "W64", "RF64"])
@pytest.mark.parametrize("second", ["WAV", "FLAC", "MP3", "OGG", "AIFF"])
def test_joined_files_of_two_formats_are_refused(tmp_path, first, second):
    """No decoder reads on, however short the second is beside the first."""
    if first == second:
        pytest.skip("read as one")
    content = sound_bytes(440, 4, 44100, first) + sound_bytes(880, 0.3, 44100, second)
    for name in ("a." + first.lower(), "a.bin"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AudioError, match="of another format|more follow"):
            load_audio(tmp_path / name)


def test_flac_with_the_header_of_a_wav_file_in_its_metadata(tmp_path):
    """As `flac --keep-foreign-metadata` writes it; it is no other file that follows."""
    flac = sound_bytes(440, 2, 44100, "FLAC")
    kept = b"riff" + sound_bytes(440, 1, 44100, "WAV")[:44]
    block = bytes([2]) + len(kept).to_bytes(3, "big") + kept
    for name in ("a.flac", "a.bin"):
        (tmp_path / name).write_bytes(flac[:42] + block + flac[42:])
        assert_heard(load_audio(tmp_path / name)[0], [(440, 2)])


@pytest.mark.parametrize("between", [b"", ID3V1, ID3V2, COVER, APE + ID3V1 + COVER])
def test_joined_mp3_with_tags(tmp_path, between):
    first, second = (sound_bytes(hz, 2, 44100, "MP3") for hz in (440, 880))
    (tmp_path / "a.mp3").write_bytes(ID3V2 + first + between + second + ID3V1)
    assert_heard(load_audio(tmp_path / "a.mp3")[0], [(440, 2), (880, 2)])


@pytest.mark.parametrize(
    ("extension", "codec", "message"),
    [("m4a", "aac", "2 files joined into one"), ("flv", "aac", "bytes follow the end")],
)
def test_joined_media_files_are_refused(tmp_path, extension, codec, message):
    path = write_parts(tmp_path / f"a.{extension}", codec, [(0, 440, 3)], 44100)
    assert_heard(load_audio(path)[0], [(440, 3)])
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(AudioError, match=message):
        load_audio(path)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3", "OGG", "AIFF"])
@pytest.mark.parametrize(
    "tail", [ID3V1, APE + ID3V1, LIST, COVER, bytes(30000), b"\x17\xfe" * 1500]
)
def test_what_follows_and_is_no_sound(tmp_path, form, tail):
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(sound_bytes(440, 2, 44100, form))
    whole = load_audio(path)[0]
    path.write_bytes(path.read_bytes() + tail)
    np.testing.assert_array_equal(load_audio(path)[0], whole)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.85])
@pytest.mark.parametrize(
    ("name", "codec", "video"),
    [
        ("a.mkv", "flac", 5),
        ("a.mkv", "libopus", 2),
        ("a.webm", "libopus", 0),
        ("a.avi", "mp3", 5),
        ("a.avi", "pcm_s16le", 5),
    ],
)
def test_cut_and_holed_containers(tmp_path, name, codec, video, share):
    path = write_parts(tmp_path / name, codec, [(0, 440, 5)], video=video)
    content = path.read_bytes()
    assert_heard(load_audio(path)[0], [(440, 5)])
    middle = int(share * len(content))
    path.write_bytes(content[:middle])
    with pytest.raises(AudioError, match="truncated|damaged"):
        load_audio(path)
    path.write_bytes(content[: middle - len(content) // 6] + content[middle:])
    with pytest.raises(AudioError, match="truncated|damaged"):
        load_audio(path)


@pytest.mark.parametrize("live", ["0", "1"])
def test_zeros_within_a_cluster_are_damage(tmp_path, live):
    path = tmp_path / "a.webm"
    write_parts(path, "libopus", [(0, 440, 5)], live=live, cluster_time_limit="1000")
    assert_heard(load_audio(path)[0], [(440, 5)])
    content = path.read_bytes()
    middle, hole = len(content) // 2, len(content) // 4
    path.write_bytes(content[:middle] + bytes(hole) + content[middle + hole :])
    with pytest.raises(AudioError, match="damaged"):
        load_audio(path)


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.mp4"])
@pytest.mark.parametrize(("sound", "video"), [(2, 5), (5, 2)])
def test_tracks_that_are_rightly_shorter(tmp_path, name, sound, video):
    path = write_parts(tmp_path / name, "mp3", [(0, 440, sound)], video=video)
    assert_heard(load_audio(path)[0], [(440, sound)], tolerance=0.2)


@pytest.mark.parametrize("codec", ["libmp3lame", "pcm_s16le", "libopus"])
def test_a_live_recording_states_no_end(tmp_path, codec):
    """FFmpeg estimates one from the bit rate, which is too late."""
    path = write_parts(tmp_path / "a.mka", codec, [(0, 440, 20)], live="1")
    assert_heard(load_audio(path)[0], [(440, 20)])


def pages_of(content):
    starts = [match.start() for match in re.finditer(b"OggS", content)] + [len(content)]
    return [bytearray(content[a:b]) for a, b in pairwise(starts)]


def change_page(page, flags=None, position=None):
    if flags is not None:
        page[5] = flags
    if position is not None:
        page[6:14] = position.to_bytes(8, "little", signed=True)
    page[22:26] = _checksum(bytes(page))


@pytest.mark.parametrize(("subtype", "rate"), [("VORBIS", 44100), ("OPUS", 48000)])
def test_ogg_without_the_end_mark(tmp_path, subtype, rate):
    path = tmp_path / "voice.ogg"
    path.write_bytes(sound_bytes(440, 2, rate, "OGG", subtype))
    whole = load_audio(path)[0]
    pages = pages_of(path.read_bytes())
    change_page(pages[-1], flags=pages[-1][5] & ~4)
    path.write_bytes(b"".join(pages))
    np.testing.assert_array_equal(load_audio(path)[0], whole)
    for bad in (pages[-1][:-1], pages[-1][:-1] + bytes([pages[-1][-1] ^ 1]), pages[-1] + b"OggS"):
        path.write_bytes(b"".join([*pages[:-1], bad]))
        with pytest.raises(AudioError, match="truncated"):
            load_audio(path)


def test_end_mark_on_a_page_that_is_cut(tmp_path):
    path = tmp_path / "a.ogg"
    path.write_bytes(sound_bytes(440, 2, 44100, "OGG")[:-100])
    with pytest.raises(AudioError, match="truncated: its last page needs 100 bytes more"):
        load_audio(path)


LOAD = """
import hashlib, sys
from skw2c import load_audio
for path in sys.argv[1:]:
    try:
        print(hashlib.sha256(load_audio(path)[0].tobytes()).hexdigest())
    except ValueError as exc:
        print(str(exc).partition(": ")[2])
"""


def test_positions_that_run_backward(tmp_path):
    """libsndfile gives memory that nobody wrote; a poisoned allocator tells."""
    content = sound_bytes(440, 4, 48000, "OGG", "OPUS")
    paths = []
    for number in range(2, len(pages_of(content))):
        for position in (-(2**63), -48000, -5, 100, 2**40):
            pages = pages_of(content)
            change_page(pages[number], position=position)
            paths.append(str(tmp_path / f"{number} {position}.ogg"))
            (tmp_path / f"{number} {position}.ogg").write_bytes(b"".join(pages))
    first, second = (
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", LOAD, *paths],
            env=os.environ | {"MALLOC_PERTURB_": poison},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for poison in ("1", "170")
    )
    assert first == second
    assert len(first) == len(paths)
    negative = [line for path, line in zip(paths, first, strict=True) if " -48000" in path]
    assert all("damaged" in line or "header states" in line for line in negative), negative


def test_flac_of_unknown_length(tmp_path, monkeypatch):
    path = tmp_path / "piped.flac"
    content = bytearray(sound_bytes(440, 3, 44100, "FLAC"))
    path.write_bytes(content)
    whole = load_audio(path)[0]
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    for tail in (b"", ID3V1):
        path.write_bytes(content + tail)
        np.testing.assert_array_equal(load_audio(path)[0], whole)
    path.write_bytes(content[:-100])
    with pytest.raises(AudioError, match="damaged or truncated"):
        load_audio(path)
    path.write_bytes(content)
    monkeypatch.setattr("skw2c.audio._decode.importlib.util.find_spec", lambda name: None)
    with pytest.raises(AudioError, match=r"FLAC file that does not state its length.*media"):
        load_audio(path)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("riff", [None, 0])
def test_wav_of_a_recorder_that_was_killed(tmp_path, subtype, riff):
    """It writes the sizes when it stops."""
    path = tmp_path / "killed.wav"
    content = bytearray(sound_bytes(440, 2, 44100, "WAV", subtype))
    path.write_bytes(content)
    whole = load_audio(path)[0]
    at = content.index(b"data") + 4
    content[at : at + 4] = bytes(4)
    if riff is not None:
        content[4:8] = bytes(4)
    path.write_bytes(content)
    np.testing.assert_array_equal(load_audio(path)[0], whole)
    path.write_bytes(content[: at + 4] + LIST)
    with pytest.raises(AudioError, match="no samples"):
        load_audio(path)


def test_wav_that_counts_a_part_of_its_sound(tmp_path):
    path = tmp_path / "killed later.wav"
    content = bytearray(sound_bytes(440, 3, 44100, "WAV"))
    at = content.index(b"data") + 4
    content[at : at + 4] = (2 * 44100).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"176400 more follow.*-ignore_length"):
        load_audio(path)


@pytest.mark.parametrize("name", ["a.flac", "a.bin"])
def test_long_joined_flac(tmp_path, rng, name):
    """Where libsndfile stops is far from both ends; only what is behind it is searched."""
    noise = rng.uniform(-0.3, 0.3, 20 * 16000).astype(np.float32)
    soundfile.write(tmp_path / "noise.flac", noise, 16000)
    long, short = (tmp_path / "noise.flac").read_bytes(), sound_bytes(440, 2, 16000, "FLAC")
    (tmp_path / name).write_bytes(long + short + long)
    waveform, _ = load_audio(tmp_path / name)
    assert len(waveform) == 42 * 16000
    assert_heard(waveform[20 * 16000 : 22 * 16000], [(440, 2)])
    np.testing.assert_array_equal(waveform[: len(noise)], waveform[-len(noise) :])
