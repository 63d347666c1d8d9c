"""Sound in: formats, sample types, rates, channels, and files that are broken."""

import os
import warnings
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from skw2c import Wav2CLIPTransformer, load_audio
from skw2c.audio import ArrayClip
from skw2c.audio._sound_file import SoundFile
from skw2c.exceptions import AudioError, OptionalDependencyError
from skw2c.validation._clips import list_clips

from .conftest import make_tone

av = pytest.importorskip("av")

RATE = 44100


@pytest.fixture
def tone(rng):
    t = np.arange(RATE) / RATE
    return (0.4 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


def write_media(path, samples, rate=RATE, codec="aac", video=False):
    """Write a container with sound, and if asked for with video, by PyAV."""
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        sound = container.add_stream(codec, rate=rate, layout="mono")
        if video:
            video = container.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            for k in range(10):
                image = np.full((48, 64, 3), 20 * k, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                container.mux(video.encode(frame))
            container.mux(video.encode())
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = rate
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return str(path)


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_sound_formats(tmp_path, tone, extension):
    soundfile.write(tmp_path / f"tone.{extension}", tone, RATE)
    waveform, rate = load_audio(tmp_path / f"tone.{extension}")
    assert (waveform.dtype, rate, waveform.shape) == (np.float32, 16000, (16000,))
    expected = librosa.resample(tone, orig_sr=RATE, target_sr=16000)
    lossy = extension in ("ogg", "mp3")
    inner = slice(500, -500)
    np.testing.assert_allclose(waveform[inner], expected[inner], atol=0.03 if lossy else 1e-3)


@pytest.mark.parametrize(
    ("name", "codec", "video"),
    [
        ("a.m4a", "aac", False),
        ("a.aac", "aac", False),
        ("a.mp4", "aac", True),
        ("a.mkv", "ac3", True),
        ("a.mov", "pcm_s16le", True),
        ("a.webm", "libopus", False),
        ("a.avi", "mp3", True),
    ],
)
def test_media_formats(tmp_path, tone, name, codec, video):
    rate = 48000 if codec == "libopus" else RATE
    path = write_media(tmp_path / name, tone, rate, codec, video)
    waveform, _ = load_audio(path)
    seconds = len(tone) / rate
    assert abs(len(waveform) / 16000 - seconds) < 0.08
    spectrum = np.abs(np.fft.rfft(waveform[2000:12000]))
    assert np.argmax(spectrum) * 16000 / 10000 == pytest.approx(440 * rate / RATE, abs=5)
    assert np.abs(waveform[2000:12000]).max() == pytest.approx(0.4, abs=0.05)


def test_real_video(shared):
    waveform, rate = load_audio(shared / "data" / "video" / "bigbuckbunny.mp4")
    assert rate == 16000
    assert 5.2 < len(waveform) / rate < 5.4
    assert np.abs(waveform).max() > 0.01


def test_media_without_the_extra(tmp_path, tone, monkeypatch):
    path = write_media(tmp_path / "a.m4a", tone)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(OptionalDependencyError, match=r'pip install "skw2c\[media\]"'):
        load_audio(path)
    with pytest.raises(OptionalDependencyError, match=r"Row 0 .*a\.m4a"):
        Wav2CLIPTransformer(None).fit_transform([path])


def test_unknown_extension_is_tried(tmp_path, tone):
    soundfile.write(tmp_path / "tone.wav", tone, RATE)
    os.rename(tmp_path / "tone.wav", tmp_path / "tone.bin")
    assert load_audio(tmp_path / "tone.bin")[0].shape == (16000,)
    write_media(tmp_path / "tone.m4a", tone)
    os.rename(tmp_path / "tone.m4a", tmp_path / "tone.dat")
    assert len(load_audio(tmp_path / "tone.dat")[0]) > 15000


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_sample_formats_of_files(tmp_path, tone, subtype):
    soundfile.write(tmp_path / "tone.wav", tone, RATE, subtype=subtype)
    waveform, rate = load_audio(tmp_path / "tone.wav", sampling_rate=None)
    assert rate == RATE
    np.testing.assert_allclose(waveform, tone, atol=0.01 if subtype == "PCM_U8" else 1e-4)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("int8", 1 / 100), ("int16", 1e-4), ("int32", 1e-6), ("uint8", 1 / 100)],
)
def test_integer_arrays_are_pcm(tone, dtype, tolerance):
    half = 2 ** (8 * np.dtype(dtype).itemsize - 1)
    zero = half if dtype == "uint8" else 0
    samples = np.round(tone * half + zero).astype(dtype)
    waveform, _ = load_audio(samples, sampling_rate=None)
    np.testing.assert_allclose(waveform, tone, atol=tolerance)
    np.testing.assert_array_equal(load_audio(np.array([zero], dtype), sampling_rate=None)[0], [0])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "bool"])
def test_other_arrays_keep_their_values(dtype):
    samples = np.array([0, 1, 1, 0], dtype)
    waveform, _ = load_audio(samples, sampling_rate=None)
    assert waveform.dtype == np.float32
    np.testing.assert_array_equal(waveform, [0, 1, 1, 0])


def test_tensors_of_any_type():
    for tensor in (torch.ones(5), torch.ones(5, dtype=torch.bfloat16, requires_grad=True)):
        np.testing.assert_array_equal(load_audio(tensor, sampling_rate=None)[0], np.ones(5))
    half = torch.full((5,), 2**14, dtype=torch.int16)
    np.testing.assert_array_equal(load_audio(half, sampling_rate=None)[0], np.full(5, 0.5))


def test_one_rate_for_arrays_and_files(tmp_path, tone, tiny_checkpoint):
    soundfile.write(tmp_path / "tone.wav", tone, RATE, subtype="FLOAT")
    transformer = Wav2CLIPTransformer(tiny_checkpoint, sampling_rate=RATE)
    from_file, from_array = transformer.fit_transform([str(tmp_path / "tone.wav"), tone])
    np.testing.assert_array_equal(from_file, from_array)


@pytest.mark.parametrize("n_channels", [2, 8])
def test_channels_are_averaged(tmp_path, rng, n_channels):
    samples = rng.uniform(-0.9, 0.9, (16000, n_channels)).astype(np.float32)
    soundfile.write(tmp_path / "many.wav", samples, 16000, subtype="FLOAT")
    np.testing.assert_allclose(load_audio(tmp_path / "many.wav")[0], samples.mean(1), atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("n_samples", [1, 2, 1000, 50021, 44100])
def test_resampled_length_and_values_are_those_of_librosa(tmp_path, rng, rate, n_samples):
    samples = make_tone(rng, n_samples, rate)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    waveform, _ = load_audio(tmp_path / "a.wav")
    assert len(waveform) == -(-n_samples * 16000 // rate)
    expected = librosa.resample(samples, orig_sr=rate, target_sr=16000)
    np.testing.assert_allclose(waveform, expected, atol=1e-6)


def test_block_borders_do_not_show(tmp_path, rng, monkeypatch):
    samples = make_tone(rng, 5 * RATE, RATE)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    whole = load_audio(tmp_path / "a.wav")[0]
    monkeypatch.setattr("skw2c.audio._sound_file._BLOCK_SECONDS", 1)
    np.testing.assert_array_equal(load_audio(tmp_path / "a.wav")[0], whole)


def test_blocks_that_grow_are_resampled_in_parts(rng, monkeypatch):
    samples = make_tone(rng, 3000, 16)
    whole = load_audio(samples, input_sampling_rate=16)[0]
    monkeypatch.setattr("skw2c.audio._prepare._LONGEST_RESAMPLED", 50_000)
    longest = max(map(len, ArrayClip(samples, 16).blocks(16000)))
    assert longest < 1_000_000 < len(whole)
    np.testing.assert_array_equal(load_audio(samples, input_sampling_rate=16)[0], whole)


@pytest.mark.parametrize(
    "name", ["with space.wav", "ünïcödé 音.wav", "line\nbreak.wav", "colon:b.wav", "-dash.wav"]
)
def test_file_names(tmp_path, tone, name, monkeypatch):
    soundfile.write(tmp_path / name, tone, RATE)
    assert load_audio(tmp_path / name)[0].shape == (16000,)
    monkeypatch.chdir(tmp_path)
    assert load_audio(name)[0].shape == (16000,)
    media = name.replace(".wav", ".m4a")
    write_media(tmp_path / "a.m4a", tone)
    os.rename("a.m4a", media)
    assert len(load_audio(media)[0]) > 15000


def write_tone(path, samples=None):
    """Write three seconds of sound in the format of the extension."""
    tone = make_tone(np.random.default_rng(0), 3 * RATE, RATE) if samples is None else samples
    if path.suffix in (".m4a", ".mp4"):
        write_media(path, tone)
    else:
        form = "RF64" if path.suffix == ".rf64" else None
        subtype = "FLOAT" if path.suffix == ".wav" else None
        soundfile.write(path, tone, RATE, format=form, subtype=subtype)


def write_with_sample(path, value):
    tone = make_tone(np.random.default_rng(0), 3 * RATE, RATE)
    tone[1234] = value
    write_tone(path, tone)


def write_silent_film(path):
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux(video.encode(frame))
        container.mux(video.encode())


def write_list_of_files(path):
    write_tone(path.with_name("other.wav"))
    path.write_text("ffconcat version 1.0\nfile other.wav\n")


WRITERS = {
    "missing.wav": lambda path: None,
    "folder": Path.mkdir,
    "text.wav": lambda path: path.write_text("not a sound\n" * 100),
    "empty.wav": Path.touch,
    "no samples.wav": lambda path: write_tone(path, np.zeros(0, np.float32)),
    "nan.wav": lambda path: write_with_sample(path, np.nan),
    "inf.wav": lambda path: write_with_sample(path, np.inf),
    "silent film.mp4": write_silent_film,
    "pipe.wav": os.mkfifo,
    "list.wav": write_list_of_files,
    "n.raw": lambda path: path.write_bytes(bytes(range(256)) * 100),
}


def write_bad_file(folder, kind):
    """Make one bad input; return the path."""
    name, _, share = kind.partition(" cut to ")
    path = folder / name
    WRITERS.get(kind, write_tone)(path)
    if share:
        content = path.read_bytes()
        path.write_bytes(content[: int(float(share) * len(content))])
    return str(path)


BAD_FILES = {
    "missing.wav": "does not exist",
    "folder": "it is a folder",
    "text.wav": "not a sound",
    "empty.wav": "not a sound",
    "no samples.wav": "no samples",
    "nan.wav": "sample 1234 is nan",
    "inf.wav": "sample 1234 is inf",
    "silent film.mp4": "no sound track",
    "a.wav cut to 0.5": r"truncated: its header states 3\.00 seconds, 1\.50 are there",
    "b.wav cut to 0.001": "truncated|not a sound",
    "c.flac cut to 0.5": "damaged or truncated",
    "d.flac cut to 0.001": "not a sound|damaged",
    "e.mp3 cut to 0.5": r"truncated: its header states 3\.00 seconds, 1\.",
    "f.mp3 cut to 0.001": "not a sound|damaged",
    "g.m4a cut to 0.5": "damaged",
    "i.ogg cut to 0.5": "no samples|truncated: its last page",
    "j.aiff cut to 0.5": r"truncated: its header states 3\.00 seconds, 1\.50 are there",
    "k.w64 cut to 0.5": r"truncated: its header states 3\.",
    "l.rf64 cut to 0.5": r"truncated: its header states 3\.",
    "m.au cut to 0.5": r"truncated: its header states 3\.00 seconds, 1\.50 are there",
    "pipe.wav": "not a regular file",
    "list.wav": "list of other files",
    "n.raw": "no sound or video of its own",
    "h.mp4 cut to 0.5": r"damaged or truncated 1\.\d\d seconds from its start",
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files(tmp_path, tone, tiny_checkpoint, kind):
    path = write_bad_file(tmp_path, kind)
    soundfile.write(tmp_path / "good.wav", tone, RATE)
    with pytest.raises(AudioError, match=BAD_FILES[kind]) as caught:
        load_audio(path)
    assert repr(path) in str(caught.value)
    transformer = Wav2CLIPTransformer(tiny_checkpoint).fit([path])
    with pytest.raises(AudioError, match=f"Row 1 .*({BAD_FILES[kind]}).*on_error='nan'") as caught:
        transformer.transform([str(tmp_path / "good.wav"), path])
    assert repr(path) in str(caught.value)


@pytest.mark.parametrize("extra", [1, 8, 44, 100])
def test_a_size_that_counts_the_header_is_no_truncation(tmp_path, tone, extra):
    path = tmp_path / "off.wav"
    soundfile.write(path, tone, RATE)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    size = int.from_bytes(content[at : at + 4], "little") + extra
    content[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert load_audio(path)[0].shape == (16000,)


@pytest.mark.parametrize("codec_options", [{"b": "128k"}, {"flags": "+qscale", "q": "4"}])
@pytest.mark.parametrize("xing", ["0", "1"])
def test_mp3_with_and_without_a_stated_length(tmp_path, codec_options, xing):
    """A decoder can only guess the length, and guesses wrong where the bit rate varies."""
    sound = make_tone(np.random.default_rng(0), 8 * RATE)
    samples = np.concatenate([np.zeros(2 * RATE, np.float32), sound])
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w", options={"write_xing": xing}) as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono", options=codec_options)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    waveform, rate = load_audio(path)
    assert len(waveform) / rate == pytest.approx(10, abs=0.1)


def test_mp3_without_a_stated_length_needs_media(tmp_path, tone, monkeypatch):
    path = tmp_path / "a.mp3"
    soundfile.write(path, tone, RATE)
    content = path.read_bytes()
    assert b"Xing" in content or b"Info" in content
    path.write_bytes(content.replace(b"Xing", bytes(4)).replace(b"Info", bytes(4)))
    assert len(load_audio(path)[0]) > 15000
    monkeypatch.setattr("skw2c.audio._decode.importlib.util.find_spec", lambda name: None)
    with pytest.raises(AudioError, match=r"does not state its length.*skw2c\[media\]"):
        load_audio(path)


@pytest.mark.skipif(os.name == "nt", reason="names are unicode there")
def test_file_name_that_is_no_unicode(tmp_path, tone):
    soundfile.write(tmp_path / "a.wav", tone, RATE)
    name = os.fsdecode(os.fsencode(tmp_path) + b"/a\xe9.wav")
    os.rename(tmp_path / "a.wav", name)
    assert load_audio(name)[0].shape == (16000,)


@pytest.mark.parametrize("dtype", [">i2", ">i4", "<i2", ">f4"])
def test_byte_order_does_not_matter(tone, dtype):
    scale = 2 ** (8 * np.dtype(dtype).itemsize - 1) if dtype[1] == "i" else 1
    samples = (tone.astype(np.float64) * scale).astype(dtype)
    np.testing.assert_allclose(load_audio(samples, sampling_rate=None)[0], tone, atol=1e-4)


def test_bad_rates(tone):
    for name in ("sampling_rate", "input_sampling_rate"):
        with pytest.raises(ValueError, match=f"{name}=0 must be a rate"):
            load_audio(tone, **{name: 0})


def test_what_no_decoder_foresaw_is_an_error_of_the_clip(tmp_path, tone, monkeypatch):
    soundfile.write(tmp_path / "a.wav", tone, RATE)
    monkeypatch.setattr(SoundFile, "blocks", lambda self: 1 / 0)
    with pytest.raises(AudioError, match=r"a\.wav.*ZeroDivisionError"):
        load_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF - 100, 0])
def test_wav_written_to_a_pipe_has_no_length_and_is_no_error(tmp_path, tone, size):
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone, RATE)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert load_audio(path)[0].shape == (16000,)


def test_a_whole_file_is_not_called_truncated(shared):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in sorted((shared / "data" / "esc10" / "audio").glob("*.ogg")):
            with SoundFile(str(path)) as file:
                assert sum(map(len, file.blocks())) > 100_000


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (np.zeros(0), "no samples"),
        (np.zeros((2, 100)), r"shape \(2, 100\).*mix channels down"),
        (np.array([1j, 2]), "dtype complex128"),
        (np.array(["a", "b"]), "dtype"),
        (np.array([0.0, np.nan]), r"sample 1 is nan.*nan_to_num"),
        (np.array([0.0, 1e39]), "sample 1 is inf"),
        (None, "None of type NoneType"),
        (float("nan"), "nan of type float"),
        (3, "3 of type int"),
        (b"a.wav", "of type bytes"),
    ],
)
def test_bad_items(tiny_checkpoint, waveforms, item, message):
    transformer = Wav2CLIPTransformer(tiny_checkpoint)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the overflow to float32
        with pytest.raises(AudioError, match=f"(?s)Row 1: .*{message}"):
            transformer.fit_transform([waveforms[0], item])


@pytest.mark.parametrize("n_samples", [1, 2, 256, 257, 258, 400])
def test_short_clips_are_padded(n_samples):
    transformer = Wav2CLIPTransformer(None, random_state=0)
    vectors = transformer.fit_transform([np.ones(n_samples, np.float32)])
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("level", [0.0, 1e-30, 1e-9, 1e-6])
def test_silence_is_finite_and_small(level, rng):
    transformer = Wav2CLIPTransformer(None, random_state=0)
    silent = (level * rng.normal(size=16000)).astype(np.float32)
    vectors = transformer.fit_transform([silent])
    assert np.isfinite(vectors).all()
    assert np.abs(vectors).max() < 100


def test_what_is_a_collection_of_clips():
    paths = ["a.wav", Path("b.wav")]
    assert list_clips(paths) == paths
    assert list_clips([[0.1, 0.2], [0.3, 0.4]]) is None
    assert list_clips(np.zeros((2, 3))) is None
    assert list_clips(np.array([[0.1, {}]], dtype=object)) is None
    assert list_clips(torch.zeros(2, 3)) is None
    assert list_clips([0.1, 0.2]) is None
    assert len(list_clips([np.zeros(3), None])) == 2
    assert len(list_clips([None, float("nan")])) == 2


def test_playlists_are_not_followed(tmp_path, tone):
    """FFmpeg would read the files that a list names, and wait for those of a live one."""
    path = tmp_path / "part.wav"
    soundfile.write(path, tone, RATE)
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(AudioError, match="list of other files, which are not followed"):
        load_audio(tmp_path / "list.m3u8")


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "flac", 16000),
        ("a.mp4", "aac", 48000),
        ("a.mkv", "flac", 44100),
        ("a.mkv", "libopus", 48000),
        ("a.mov", "pcm_s16le", 8000),
        ("a.ts", "mp2", 48000),
    ],
)
@pytest.mark.parametrize("late", [0, 0.5, 25])
def test_sound_that_begins_later_than_the_video(tmp_path, name, codec, rate, late):
    """Time starts with the file, as it does for its frames."""
    path = write_film_with_a_click(tmp_path / name, codec, rate, late)
    waveform, _ = load_audio(path)
    click = np.argmax(np.abs(waveform) > 0.3) / 16000
    assert click == pytest.approx(late + 1, abs=0.03)
    assert len(waveform) / 16000 == pytest.approx(late + 2, abs=0.06)
    if late:
        assert not waveform[: int((late - 0.05) * 16000)].any()


def test_late_sound_far_behind_the_first_frames(tmp_path):
    """FFmpeg opens such a file before it has seen any sound, and guesses when it starts."""
    path = write_film_with_a_click(tmp_path / "a.mkv", "flac", 16000, 0.5, n_frames=250)
    with av.open(str(path)) as container:
        assert container.streams.audio[0].start_time == 0
    waveform, _ = load_audio(path)
    assert np.argmax(np.abs(waveform) > 0.3) == 24000


def write_film_with_a_click(path, codec, rate, late, n_frames=30):
    """Write video, ten frames per second, then two seconds of sound, a click in the middle."""
    samples = np.zeros((1, 2 * rate), np.float32)
    samples[0, rate : rate + rate // 100] = 0.9
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(codec, rate=rate, layout="mono")
        for k in range(n_frames):
            image = np.full((48, 64, 3), k, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode())
        sound = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        sound.rate, sound.pts, sound.time_base = rate, round(late * rate), Fraction(1, rate)
        container.mux([*track.encode(sound), *track.encode()])
    return path
