"""What is missing or damaged in a sound file that decoders pass over is an error."""

import io
import struct
import zipfile

import numpy as np
import pytest
import soundfile

from skw2c import Wav2CLIPTransformer, load_audio
from skw2c.audio._ogg import _checksum
from skw2c.exceptions import AudioError, FailedClipWarning

pytest.importorskip("av")

from .sound_files import assert_heard, sound_bytes, write_parts
from .test_whole_sound import pages_of

ZEROS = bytes(64)
KINDS = [("VORBIS", 44100), ("OPUS", 48000)]


@pytest.fixture(scope="module", params=KINDS, ids=["vorbis", "opus"])
def pages(request):
    """Pages of four seconds of noise, which is not packed as well as a tone."""
    subtype, rate = request.param
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, 4 * rate)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="OGG", subtype=subtype)
    return pages_of(file.getvalue())


def zero(page, at):
    page[at : at + len(ZEROS)] = ZEROS
    return page


def test_checksum_of_ogg():
    """As bit by bit in RFC 3533: polynomial 0x04C11DB7, nothing inverted."""
    page = bytes(range(7, 256)) * 3
    expected = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        expected ^= byte << 24
        for _ in range(8):
            expected = (expected << 1) ^ (0x104C11DB7 if expected >> 31 else 0)
    assert _checksum(page) == expected.to_bytes(4, "little")


def _zeros_in_body(pages, k):
    pages[k] = zero(pages[k], len(pages[k]) // 2)


def _zeros_in_table(pages, k):
    pages[k] = zero(pages[k], 30)


def _zeros_over_two(pages, k):
    pages[k], pages[k + 1] = pages[k][:-20] + bytes(20), bytes(20) + pages[k + 1][20:]


def _no_mark(pages, k):
    pages[k] = bytes(4) + pages[k][4:]


def _one_bit(pages, k):
    pages[k][-1] ^= 1


def _lost(pages, k):
    del pages[k]


def _twice(pages, k):
    pages.insert(k, pages[k])


def _swapped(pages, k):
    pages[k], pages[k + 1] = pages[k + 1], pages[k]


def _something_between(pages, k):
    pages.insert(k, b"something" * 9)


@pytest.mark.parametrize(
    "damage",
    [
        _zeros_in_body,
        _zeros_in_table,
        _zeros_over_two,
        _no_mark,
        _one_bit,
        _lost,
        _twice,
        _swapped,
        _something_between,
    ],
)
def test_a_page_of_ogg_in_the_middle(tmp_path, pages, damage):
    """libsndfile passes over what is no whole page, or plays another place instead."""
    damaged = [bytearray(page) for page in pages]
    damage(damaged, len(pages) // 2)
    path = tmp_path / "a.ogg"
    path.write_bytes(b"".join(damaged))
    with pytest.raises(AudioError, match=r"a\.ogg.*damaged.* byte \d+.*Fetch it again.*ffmpeg"):
        load_audio(path)


@pytest.mark.parametrize("of", ["bytes", "file", "archive"])
def test_damaged_ogg_from_elsewhere(tmp_path, pages, of):
    damaged = list(map(bytearray, pages))
    _zeros_in_body(damaged, len(pages) // 2)
    content = b"".join(damaged)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.ogg", content)
    source = {
        "bytes": content,
        "file": io.BytesIO(content),
        "archive": f"{tmp_path}/a.zip::a.ogg",
    }[of]
    with pytest.raises(AudioError, match="damaged"):
        load_audio(source)


@pytest.mark.parametrize("damaged", [0, 1])
def test_damage_in_one_of_joined_oggs(tmp_path, pages, damaged):
    parts = [list(map(bytearray, pages)) for _ in range(2)]
    path = tmp_path / "a.ogg"
    path.write_bytes(b"".join(parts[0] + [b"between"] + parts[1]))
    assert len(load_audio(path)[0]) == 8 * 16000
    _zeros_in_body(parts[damaged], len(pages) // 2)
    path.write_bytes(b"".join(parts[0] + parts[1]))
    with pytest.raises(AudioError, match="damaged between byte"):
        load_audio(path)


def test_ogg_of_a_running_stream(tmp_path, pages):
    """A recorder gets the headers, and then the pages that are on air."""
    path = tmp_path / "radio.ogg"
    path.write_bytes(b"".join(pages[:2] + pages[5:]))
    left = len(load_audio(path)[0]) / 16000
    assert 0.5 < left < 3.9


def test_damaged_recording(tmp_path, shared):
    """Zeros in the middle moved sound from another place there."""
    content = bytearray((shared / "data/esc10/audio/1-54505-A-21.ogg").read_bytes())
    path = tmp_path / "a.ogg"
    path.write_bytes(zero(content, len(content) // 2))
    with pytest.raises(AudioError, match="damaged between byte 25996 and 49279"):
        load_audio(path)


def test_real_ogg_is_not_called_damaged(shared):
    for path in sorted((shared / "data/esc10/audio").glob("*.ogg"))[::20]:
        assert len(load_audio(path)[0]) > 70000


WRITTEN = [
    ("CAF", "PCM_16"),
    ("CAF", "FLOAT"),
    ("CAF", "ULAW"),
    ("CAF", "ALAC_16"),
    ("VOC", "PCM_16"),
    ("VOC", "PCM_U8"),
    ("VOC", "ALAW"),
    ("SVX", "PCM_16"),
    ("NIST", "PCM_24"),
    ("NIST", "ULAW"),
    ("WVE", "ALAW"),
    ("W64", "PCM_16"),
]


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(("form", "subtype"), WRITTEN)
def test_cut_files(tmp_path, form, subtype, share):
    """They state how long they are, and libsndfile or FFmpeg takes what is there."""
    path = tmp_path / f"a.{form.lower()}"
    content = sound_bytes(440, 20, 8000, form, subtype)
    path.write_bytes(content)
    assert abs(len(load_audio(path)[0]) - 320000) < 5
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioError, match="truncated"):
        load_audio(path)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_sphere_counts_samples_of_each_channel(tmp_path, n_channels):
    path = tmp_path / "a.sph"
    path.write_bytes(sound_bytes(440, 2, 16000, "NIST", "PCM_16", n_channels))
    assert_heard(load_audio(path)[0], [(440, 2)])
    path.write_bytes(path.read_bytes()[: -n_channels * 1000])
    with pytest.raises(AudioError, match="truncated"):
        load_audio(path)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.sox", "pcm_s32le", 16000),
        ("a.mmf", "adpcm_yamaha", 22050),
        ("a.voc", "pcm_u8", 16000),
        ("a.caf", "pcm_s16le", 16000),
    ],
)
def test_cut_files_of_ffmpeg(tmp_path, name, codec, rate):
    path = write_parts(tmp_path / name, codec, [(0, 440, 3)], rate)
    assert_heard(load_audio(path)[0], [(440, 3)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"it states \d+ bytes and has \d+\. Fetch it"):
        load_audio(path)


def test_last_packet_of_alac_that_is_cut(tmp_path):
    """libsndfile counts the whole ones."""
    path = tmp_path / "a.caf"
    path.write_bytes(sound_bytes(440, 6, 8000, "CAF", "ALAC_16")[:-20])
    with pytest.raises(AudioError, match="truncated"):
        load_audio(path)


def test_chunks_of_caf_that_nobody_knows(tmp_path):
    content = sound_bytes(440, 2, 16000, "CAF")
    at = content.index(b"free")
    path = tmp_path / "a.caf"
    path.write_bytes(content[:at] + b"mine" + struct.pack(">q", 50) + bytes(50) + content[at:])
    assert_heard(load_audio(path)[0], [(440, 2)])
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(AudioError, match="truncated"):
        load_audio(path)


def test_caf_of_unknown_length(tmp_path):
    """A recorder that was killed leaves -1: up to the end."""
    path = tmp_path / "a.caf"
    content = bytearray(sound_bytes(440, 2, 16000, "CAF"))
    at = content.index(b"data") + 4
    content[at : at + 8] = struct.pack(">q", -1)
    path.write_bytes(content)
    assert_heard(load_audio(path)[0], [(440, 2)])


@pytest.mark.parametrize("unknown", [0, -1])
def test_sox_of_unknown_length(tmp_path, unknown):
    path = write_parts(tmp_path / "a.sox", "pcm_s32le", [(0, 440, 2)], 16000)
    content = bytearray(path.read_bytes())
    content[8:16] = struct.pack("<q", unknown)
    path.write_bytes(content)
    assert_heard(load_audio(path)[0], [(440, 2)])


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "RF64", "W64", "CAF", "MP3", "OGG", "FLAC"])
def test_joined_files_of_which_the_last_is_cut(tmp_path, form):
    content = sound_bytes(440, 2, 16000, form)
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(content + content[: len(content) // 2])
    with pytest.raises(AudioError, match="truncated|damaged|cannot be read"):
        load_audio(path)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "FLOAT", "MS_ADPCM"])
@pytest.mark.parametrize("tail", [b"\x17\xfe" * 1500, bytes(30000), b"bext" * 30])
@pytest.mark.parametrize("n_files", [1, 2])
def test_what_follows_w64_is_no_sound(tmp_path, subtype, tail, n_files):
    """libsndfile takes all that follows the head of its samples for samples."""
    content = sound_bytes(440, 1.00007, 16000, "W64", subtype) * n_files
    path = tmp_path / "a.w64"
    path.write_bytes(content)
    whole = load_audio(path)[0]
    path.write_bytes(content + tail)
    np.testing.assert_array_equal(load_audio(path)[0], whole)
    path.write_bytes(content + b"\x17\xfe" * 30000)
    with pytest.raises(AudioError, match=r"(60000|5999\d) more follow.*cut off what is not sound"):
        load_audio(path)


def test_chunks_behind_the_samples_of_w64(tmp_path, rng):
    path = tmp_path / "a.w64"
    content = bytearray(sound_bytes(440, 1, 16000, "W64"))
    path.write_bytes(content)
    whole = load_audio(path)[0]
    markers = b"\xef\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
    content += b"list" + markers + struct.pack("<q", 24 + 8000) + rng.bytes(8000)
    content[16:24] = struct.pack("<q", len(content))
    path.write_bytes(content)
    np.testing.assert_array_equal(load_audio(path)[0], whole)


def test_joined_with_caf(tmp_path):
    path = tmp_path / "a.caf"
    path.write_bytes(sound_bytes(440, 2, 16000, "CAF") + sound_bytes(440, 2, 16000, "WAV"))
    with pytest.raises(AudioError, match="of another format begins at byte 68096"):
        load_audio(path)
    path.write_bytes(sound_bytes(440, 2, 16000, "CAF") + b"\xfe\x17" * 1500)
    assert_heard(load_audio(path)[0], [(440, 2)])


def masked_rows(n_masked):
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, (3, 9000))
    rows = np.ma.masked_array(samples, mask=np.zeros((3, 9000), bool))
    rows[1, 100 : 100 + n_masked] = np.ma.masked
    return rows


@pytest.mark.parametrize("form", [list, np.asanyarray, lambda rows: [(x, 16000) for x in rows]])
def test_masked_samples(tiny_checkpoint, form):
    """What is masked has a value, which is not to be heard."""
    estimator = Wav2CLIPTransformer(tiny_checkpoint).fit()
    match = r"Row 1: 15 of its 9000 samples are masked; fill them, .*clip\.filled\(0\)"
    with pytest.raises(AudioError, match=match):
        estimator.transform(form(masked_rows(15)))
    whole = estimator.transform(masked_rows(0).data)
    np.testing.assert_array_equal(estimator.transform(form(masked_rows(0))), whole)
    estimator.set_params(on_error="nan")
    with pytest.warns(FailedClipWarning, match="row 1: 15 of its 9000"):
        vectors = estimator.transform(form(masked_rows(15)))
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True, False]
    np.testing.assert_allclose(vectors[[0, 2]], whole[[0, 2]], rtol=1e-4, atol=1e-5)


def test_masked_clip():
    [_, clip, _] = masked_rows(15)
    with pytest.raises(AudioError, match="15 of its 9000 samples are masked"):
        load_audio(clip)
    assert not load_audio(clip.filled(0))[0][100:115].any()
