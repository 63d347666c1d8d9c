"""Damaged sound files, loaded and embedded: no crash, no hang, no memory, nothing undocumented.

Memory that was never written shows as well: the allocator fills it with one number while a file
is read for the first time, and with another while it is read for the second.
"""

import ctypes
import os
import sys
import zlib
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings

from .conftest import make_tone, write_tiny_checkpoint
from .fuzzing import REPEATABLE, Victim, damaged

av = pytest.importorskip("av")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")

SECONDS = 0.3
_M_PERTURB = -6
_SOUNDS = {
    "a.wav": (44100, "WAV", "PCM_16"),
    "b.wav": (16000, "WAV", "FLOAT"),
    "c.wav": (8000, "WAV", "IMA_ADPCM"),
    "a.aiff": (22050, "AIFF", "PCM_24"),
    "a.au": (8000, "AU", "ULAW"),
    "a.w64": (16000, "W64", "PCM_16"),
    "a.rf64": (16000, "RF64", "PCM_16"),
    "a.caf": (44100, "CAF", "ALAC_16"),
    "a.flac": (44100, "FLAC", "PCM_16"),
    "a.ogg": (44100, "OGG", "VORBIS"),
    "a.opus": (48000, "OGG", "OPUS"),
    "a.mp3": (44100, "MP3", "MPEG_LAYER_III"),
    "a.voc": (16000, "VOC", "PCM_16"),
    "a.sph": (16000, "NIST", "PCM_16"),
}
_MEDIA = {
    "a.m4a": ("aac", 44100),
    "a.aac": ("aac", 44100),
    "a.mkv": ("flac", 44100),
    "a.webm": ("libopus", 48000),
    "a.avi": ("mp3", 44100),
    "a.mov": ("pcm_s16le", 16000),
    "a.ts": ("mp2", 48000),
    "a.wv": ("wavpack", 44100),
    "a.tta": ("tta", 44100),
    "a.ac3": ("ac3", 48000),
    "a.flv": ("aac", 44100),
}


def hear(path):
    """Load and embed a file twice; what comes out is finite, and the same."""
    encoder = _encoder()
    heard = []
    for filling in (0x55, 0xAA):
        ctypes.CDLL(None).mallopt(_M_PERTURB, filling)
        heard.append(_try_to_load(path))
    first, second = heard
    if isinstance(first, Exception) or isinstance(second, Exception):
        assert (type(first), str(first)) == (type(second), str(second)), "told of another error"
        raise first
    assert np.isfinite(first).all(), "not finite"
    np.testing.assert_array_equal(first, second, "other samples when it is read again")
    [vector] = encoder.transform([path])
    assert np.isfinite(vector).all(), "its vector is not finite"
    np.testing.assert_array_equal(encoder.transform([first])[0], vector)
    return [len(first), zlib.crc32(vector)]


def _try_to_load(path):
    from skw2c import load_audio
    from skw2c.exceptions import AudioError

    try:
        return load_audio(path)[0]
    except AudioError as exc:
        return exc


@cache
def _encoder():
    from skw2c import Wav2CLIPTransformer

    av.logging.set_level(None)
    return Wav2CLIPTransformer(os.environ["SKW2C_TINY"]).fit()


def write_sounds(folder):
    """Write a short sound in each format; return the contents by name."""
    rng = np.random.default_rng(0)
    for name, (rate, form, subtype) in _SOUNDS.items():
        samples = make_tone(rng, int(SECONDS * rate), rate)
        soundfile.write(folder / name, samples, rate, format=form, subtype=subtype)
    for name, (codec, rate) in _MEDIA.items():
        _write_media(folder / name, codec, rate, make_tone(rng, int(SECONDS * rate), rate))
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".pt"}


def _write_media(path, codec, rate, samples):
    forms = {"pcm_s16le": "s16", "flac": "s16", "mp2": "s16", "tta": "s16"}
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=rate, layout="mono")
        if path.suffix in (".mkv", ".avi"):
            _add_video(container)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        form = forms.get(codec, track.codec_context.format.name)
        for part in av.AudioResampler(format=form, layout="mono", rate=rate).resample(frame):
            container.mux(track.encode(part))
        container.mux(track.encode())


def _add_video(container):
    video = container.add_stream("mpeg4", rate=10)
    video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    for _ in range(3):
        image = np.zeros((48, 64, 3), np.uint8)
        container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
    container.mux(video.encode())


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    tiny = write_tiny_checkpoint(folder / "tiny.pt")
    errors = ["skw2c.exceptions:AudioError"]
    environment = dict(SKW2C_TINY=tiny, MALLOC_PERTURB_="85")
    with Victim("tests.test_fuzz_sound:hear", errors, folder, **environment) as victim:
        yield victim


def test_whole_files_are_heard(contents, victim):
    for name, content in contents.items():
        outcome = victim.run(content, name)
        assert outcome.error is None, (name, outcome.message)
        assert outcome.value[0] >= 0.9 * SECONDS * 16000


def attack(victim, contents, n_examples):
    @settings(REPEATABLE, max_examples=n_examples)
    @given(damaged(contents))
    def damage(example):
        name, content = example
        victim.run(content, name)

    damage()


def test_damaged_files(contents, victim):
    attack(victim, contents, 300)


@pytest.mark.fuzz
def test_thousands_of_damaged_files(contents, victim):
    attack(victim, contents, 8000)
