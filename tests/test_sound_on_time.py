"""Seconds of sound are where the file says: rates and layouts that change, gaps, several tracks."""

import numpy as np
import pytest

from skw2c import load_audio
from skw2c.exceptions import AudioError, VideoError

av = pytest.importorskip("av")

from skw2c.images import VideoFile  # noqa: E402

from .sound_files import assert_heard, write_parts, write_tracks  # noqa: E402

YEARS = 3 * 365 * 86400


@pytest.mark.parametrize(
    ("extension", "codec", "options"),
    [("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}), ("aac", "aac", {})],
)
@pytest.mark.parametrize("change", [(44100, "mono"), (22050, "mono"), (44100, "stereo")])
@pytest.mark.parametrize("turned", [False, True])
def test_rate_or_layout_that_changes(tmp_path, extension, codec, options, change, turned):
    """Every frame states its own; the header of the track is that of the first alone."""
    parts = [((44100, "mono"), 440), (change, 880)][:: -1 if turned else 1]
    path = tmp_path / f"joined.{extension}"
    content = b""
    for (rate, layout), hz in parts:
        write_parts(path, codec, [(0, hz, 2)], rate, layout, **options)
        content += path.read_bytes()
    path.write_bytes(content)
    waveform, _ = load_audio(path)
    assert_heard(waveform, [(hz, 2) for _, hz in parts])
    assert load_audio(path, sampling_rate=None)[1] == parts[0][0][0]


FORMATS_WITH_STAMPS = [
    ("mkv", "flac", 48000),
    ("webm", "libopus", 48000),
    ("mp4", "aac", 44100),
    ("ts", "aac", 48000),
    ("flv", "aac", 44100),
]


@pytest.mark.parametrize(("extension", "codec", "rate"), FORMATS_WITH_STAMPS)
@pytest.mark.parametrize("video", [0, 6])
def test_gap_in_the_time_stamps(tmp_path, extension, codec, rate, video):
    if video and extension in ("webm", "flv"):
        pytest.skip("MPEG-4 video is not written to it")
    path = tmp_path / f"gap.{extension}"
    write_parts(path, codec, [(0, 440, 1), (4, 880, 2)], rate, video=video)
    assert_heard(load_audio(path)[0], [(440, 1), (0, 3), (880, 2)])


def test_many_small_gaps_are_a_large_one(tmp_path):
    """As of a sender that is silent between words: none of them is as long as rounding can be."""
    parts = [(0.09 * k, 440, 0.04) for k in range(100)]
    waveform, _ = load_audio(write_parts(tmp_path / "a.mka", "pcm_s16le", parts))
    assert len(waveform) / 16000 == pytest.approx(8.95, abs=0.1)
    loud = np.flatnonzero(np.abs(waveform) > 0.05) / 16000
    assert loud.max() == pytest.approx(8.95, abs=0.1)


@pytest.mark.parametrize(("extension", "codec", "rate"), FORMATS_WITH_STAMPS)
def test_rounded_time_stamps_are_no_gaps(tmp_path, extension, codec, rate):
    path = write_parts(tmp_path / f"a.{extension}", codec, [(0, 440, 20)], rate)
    waveform, _ = load_audio(path)
    assert (
        np.abs(np.lib.stride_tricks.sliding_window_view(waveform, 80)[800:-1600:40])
        .max(axis=1)
        .min()
        > 0.2
    )


def write_overlap(path, starts, video):
    """Join files of two seconds each, on one clock."""
    content = b""
    for start, hz in zip(starts, (440, 660, 880), strict=False):
        parts = [(start, hz, 2)]
        write_parts(path, "mp2", parts, video=video, video_start=start)
        content += path.read_bytes()
    path.write_bytes(content)
    return path


def test_overlap_of_sound_and_video(tmp_path):
    """What overlaps is left out, so that what follows is in time; without video all is kept."""
    film = write_overlap(tmp_path / "film.ts", [0, 1.5], 2)
    assert_heard(load_audio(film)[0], [(440, 2), (660, 1.5)])
    sound = write_overlap(tmp_path / "sound.ts", [0, 1.5], 0)
    assert_heard(load_audio(sound)[0], [(440, 2), (660, 2)])


def test_clock_that_jumps_back(tmp_path):
    film = write_overlap(tmp_path / "a.ts", [0, 0.5], 2)
    with pytest.raises(AudioError, match=r"a\.ts.*jumps back by 1\.[45]\d seconds after 2\.0"):
        load_audio(film)


def test_gap_after_an_overlap_is_as_long_as_stated(tmp_path):
    sound = write_overlap(tmp_path / "a.ts", [0, 0.5, 4.5], 0)
    assert_heard(load_audio(sound)[0], [(440, 2), (660, 2), (0, 2), (880, 2)])


@pytest.mark.parametrize("name", ["late.mkv", "late.mp4", "gap.mka", "gap.mkv"])
def test_time_stamps_of_years(tmp_path, name):
    """Otherwise there are zeros until memory ends."""
    codec = "aac" if name.endswith("mp4") else "flac"
    parts = [(YEARS, 440, 1)] if name.startswith("late") else [(0, 440, 1), (YEARS, 880, 1)]
    video = 0 if name.endswith("mka") else 2
    path = write_parts(tmp_path / name, codec, parts, video=video)
    with pytest.raises(AudioError, match=r"state 9\.4\d*e\+07 seconds without sound.*ffmpeg"):
        load_audio(path)


def test_many_long_gaps(tmp_path):
    """None of them is too long, and all of them would be hours of zeros."""
    parts = [(3000 * k, 440, 0.05) for k in range(10)]
    with pytest.raises(AudioError, match="seconds without sound"):
        load_audio(write_parts(tmp_path / "a.mka", "flac", parts, 8000))


def test_video_that_begins_in_years(tmp_path):
    parts = [(0, 440, 1)]
    path = write_parts(tmp_path / "a.mkv", "flac", parts, video=2, video_start=YEARS)
    with pytest.raises(VideoError, match=r"frame 1 is shown until 9\.4\d*e\+07 seconds"):
        sum(repeats for _, repeats in VideoFile(path).frames(1))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "flac"), ("a.mp4", "aac"), ("a.mka", "libopus")]
)
@pytest.mark.parametrize("default", [0, 1, 2])
def test_the_default_track_is_heard(tmp_path, name, codec, default):
    path = write_tracks(tmp_path / name, codec, [440, 660, 880], default)
    assert_heard(load_audio(path)[0], [([440, 660, 880][default], 2)])


def test_without_a_default_the_first_track_is_heard(tmp_path):
    path = write_tracks(tmp_path / "a.mka", "flac", [440, 660], None)
    assert_heard(load_audio(path)[0], [(440, 2)])
