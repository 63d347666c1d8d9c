"""What comes in as a clip, and what is noticed of it on the way: forms, scale, channels, rates."""

import collections
import io
import itertools
import os
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import soundfile
import torch

from skw2c import (
    AudioCLIPTransformer,
    AudioIndex,
    CEDTransformer,
    CLIPImageEncoder,
    CLIPVideoEncoder,
    Distiller,
    EfficientATTransformer,
    OpenL3Transformer,
    SupervisedAudioClassifier,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    load_audio,
)
from skw2c.audio import as_clip, read_whole
from skw2c.audio._decode import check_duration
from skw2c.datasets import make_audiovisual_events, make_sound_events
from skw2c.exceptions import AudioError, FailedClipWarning
from skw2c.models import FrozenWav2CLIP
from skw2c.validation._clips import list_clips

from .ced_files import write_ced
from .conftest import make_tone
from .efficientat_files import write_efficientat
from .processes import run_python
from .tolerances import FEW, assert_close

RATE = 22050
_NO_PROOF = "nothing in the file shows|not a sound or media file|no sound or video of its own"


@pytest.fixture(scope="module")
def sound():
    return make_tone(np.random.default_rng(3), RATE, RATE)


@pytest.fixture(scope="module")
def path(sound, tmp_path_factory):
    path = tmp_path_factory.mktemp("entrance") / "a.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return str(path)


@pytest.fixture(scope="module")
def content(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture
def transformer(tiny_checkpoint):
    return Wav2CLIPTransformer(tiny_checkpoint).fit()


class Samples:
    """What a decoder of torchcodec gives."""

    def __init__(self, channels, rate):
        self.data, self.sample_rate = torch.from_numpy(np.stack(channels)), rate


class Decoder:
    def __init__(self, *channels):
        self._channels = channels

    def get_all_samples(self):
        return Samples(self._channels, RATE)


ITEMS = {
    "dict of datasets": lambda s, p, c: {"array": s, "sampling_rate": RATE, "path": "q.wav"},
    "dict of lists": lambda s, p, c: {"array": s.tolist(), "sampling_rate": RATE, "path": None},
    "dict of bytes": lambda s, p, c: {"bytes": c, "path": "q.wav"},
    "dict of a path": lambda s, p, c: {"bytes": None, "path": p},
    "pair": lambda s, p, c: (s, RATE),
    "pair of scipy": lambda s, p, c: (RATE, s),
    "pair of torchaudio": lambda s, p, c: (torch.from_numpy(s)[None], RATE),
    "pair with a float": lambda s, p, c: (s, float(RATE)),
    "bytes": lambda s, p, c: c,
    "bytearray": lambda s, p, c: bytearray(c),
    "file in memory": lambda s, p, c: io.BytesIO(c),
    "decoder": lambda s, p, c: Decoder(s),
    "decoded": lambda s, p, c: Samples([s], RATE),
}


@pytest.mark.parametrize("kind", ITEMS, ids=lambda kind: kind.replace(" ", "-"))
def test_every_form_of_a_clip_is_the_file(kind, sound, path, content, transformer, tmp_path):
    item = ITEMS[kind](sound, path, content)
    expected = transformer.transform([path])
    np.testing.assert_array_equal(transformer.transform([item]), expected)
    np.testing.assert_array_equal(transformer.transform(pd.Series([item, path]))[:1], expected)
    np.testing.assert_array_equal(load_audio(item)[0], load_audio(path)[0])
    assert load_audio(item, sampling_rate=None)[1] == RATE
    keeping = Wav2CLIPTransformer(transformer.weights, memory=tmp_path / "kept").fit()
    for _ in range(2):
        np.testing.assert_array_equal(keeping.transform([item]), expected)


def test_an_open_file_stays_open_where_it_is(path, transformer):
    with open(path, "rb") as file:
        file.seek(7)
        vectors = transformer.set_params(n_jobs=3).transform([file, path, file, file])
        assert file.tell() == 7
    assert (vectors == vectors[1]).all()


def test_bytes_are_kept_as_the_file_that_they_are(path, content, tiny_checkpoint, tmp_path):
    named = {"bytes": content, "path": "other.wav"}
    assert as_clip(named, 1).digest() == as_clip(path, 1).digest()


def test_bytes_of_a_format_that_only_pyav_reads(tmp_path, sound):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.aac"), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.rate = RATE
        container.mux([*stream.encode(frame), *stream.encode()])
    expected = load_audio(tmp_path / "a.aac")[0]
    np.testing.assert_array_equal(load_audio((tmp_path / "a.aac").read_bytes())[0], expected)


def test_nothing_is_left_of_bytes(content, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    load_audio(content)
    with pytest.raises(AudioError):
        load_audio(content[:100])
    assert list(tmp_path.iterdir()) == []


COLLECTIONS = {
    "keys": lambda p: dict.fromkeys(p).keys(),
    "values": lambda p: dict(enumerate(p)).values(),
    "deque": collections.deque,
    "polars column of dicts": lambda p: pl.Series([{"bytes": None, "path": q} for q in p]),
}


@pytest.mark.parametrize("kind", COLLECTIONS)
def test_collections(kind, wav_files, transformer):
    expected = transformer.transform(wav_files)
    np.testing.assert_array_equal(transformer.transform(COLLECTIONS[kind](wav_files)), expected)


@pytest.mark.parametrize("n_clips", [1, 2])
def test_columns_of_lists_of_one_length(transformer, rng, n_clips):
    """Such a list in a list is a row of a table; in a column it is a clip."""
    pa = pytest.importorskip("pyarrow")
    samples = [rng.normal(0, 0.1, 4000).tolist() for _ in range(n_clips)]
    expected = transformer.transform(list(map(np.array, samples)))
    for column in (pa.array(samples), pa.table({"sound": samples})):
        assert np.array_equal(transformer.transform(column), expected)


def test_rates_in_half_precision(transformer, rng):
    clip = rng.normal(0, 0.1, 4000)
    assert np.array_equal(
        transformer.transform([(clip, np.float16(16000))]), transformer.transform([(clip, 16000)])
    )


def test_columns_of_pyarrow(wav_files, transformer):
    pa = pytest.importorskip("pyarrow")
    expected = transformer.transform(wav_files)
    column = pa.array(wav_files)
    for X in (
        column,
        pa.chunked_array([column[:2], column[2:]]),
        list(column),
        pa.table({"file": column}),
        pa.array([{"bytes": None, "path": file} for file in wav_files]),
        pd.Series(wav_files, dtype=pd.ArrowDtype(pa.string())),
    ):
        np.testing.assert_array_equal(transformer.transform(X), expected)
    with pytest.raises(ValueError, match=r"X is a Table with the columns.*X\['file'\]"):
        transformer.transform(pa.table({"file": column, "year": range(6)}))


def test_lists_of_several_lengths_are_clips(transformer, rng):
    clips = [rng.normal(size=n).tolist() for n in (900, 1000)]
    expected = transformer.transform(list(map(np.array, clips)))
    np.testing.assert_array_equal(transformer.transform(clips), expected)
    assert list_clips([clips[0], clips[0]]) is None  # a table


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({"a.wav": 1}, r"X is a dict.*list\(X\)"),
        ({"a.wav"}, r"X is a set.*sorted\(X\)"),
        ({"array": np.zeros(9), "sampling_rate": 8000}, r"single clip.*of type dict.*\[X\]"),
        ((np.zeros(9), 8000), r"single clip.*of type tuple.*\[X\]"),
        (io.BytesIO(b"RIFF"), r"single clip.*of type BytesIO.*\[X\]"),
        (bytes(10**6), r"single content of a file.*\[X\]"),
    ],
)
def test_what_is_no_collection(transformer, X, message):
    with pytest.raises(TypeError, match=message) as caught:
        transformer.transform(X)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (object(), "of type object; a clip is a path"),
        ({"a": 1}, "of type dict; a clip is a path"),
        ({"bytes": None, "path": None}, "of type dict; a clip is a path"),
        ((np.zeros(9), 8000, "dog"), "of type tuple; a clip is a path"),
        ({"array": np.zeros((2, 9)), "sampling_rate": 8000}, r"shape \(2, 9\).*mix channels down"),
        ((np.zeros(9), np.nan), "its sampling rate is nan"),
        ((np.zeros(9), 10**12), "its sampling rate is 1000000000000"),
        ((np.zeros(9), True), "its sampling rate is True"),
        ({"array": np.zeros(9), "sampling_rate": "8000"}, "its sampling rate is '8000'"),
        (np.random.default_rng(0).bytes(10**6), "not a sound or media file"),
        (b"a.wav", "not for its name"),
        (io.StringIO("a"), "open it with mode 'rb'"),
        ("x" * 10**6, "a string of 1,000,000 characters"),
        ("a\0b", "not the name of a file"),
        ("http://127.0.0.1:1/c.wav", "it cannot be fetched"),
        (["a.wav"], "of type list; a clip is a path"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 80 else type(value).__name__,
)
def test_what_is_no_clip(transformer, waveforms, item, message):
    with pytest.raises(AudioError, match=f"(?s)Row 1.*{message}") as caught:
        transformer.transform([waveforms[0], item])
    assert len(str(caught.value)) < 600
    with pytest.raises((AudioError, ValueError), match=message):
        load_audio(item)


def test_a_file_that_is_closed_or_a_device(transformer, path):
    with open(path, "rb") as file:
        pass
    with pytest.raises(AudioError, match="closed file"):
        transformer.transform([file])
    with open("/dev/zero", "rb") as device, pytest.raises(AudioError, match="not a regular file"):
        transformer.transform([device])


def test_names_of_bytes_in_errors(transformer, content):
    item = {"bytes": content[:2000], "path": "from/a/data set.wav"}
    with pytest.raises(AudioError, match=r"Row 0 \('from/a/data set.wav'\): .*truncated"):
        transformer.transform([item])


def test_an_index_of_other_forms(sound, path, content, transformer):
    clips = [path, {"bytes": content, "path": "b.wav"}, (sound, RATE), content]
    index = AudioIndex(transformer).fit(clips)
    assert index.items_[0] == path
    assert len(index.items_) == 4
    found = index.search([(sound, RATE)], k=4, by="audio")
    assert_close(found["score"], np.ones(4), FEW)


def test_trainers_take_other_forms(sound, path, content):
    clips = [(sound, RATE), {"bytes": content, "path": None}, path, (sound[::-1].copy(), RATE)]
    targets = np.random.default_rng(0).normal(size=(4, 8))
    settings = dict(max_epochs=1, clip_length=0.5, validation_fraction=0, batch_size=4)
    settings |= dict(encoder_width=8, devices="cpu", random_state=0)
    ours = Distiller(**settings).fit(clips, targets).transform([path])
    rest = Distiller(**settings).fit([path, path, path, clips[3]], targets).transform([path])
    np.testing.assert_array_equal(ours, rest)


# Files that are not files


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    return str(tmp_path / "pipe.wav")


def test_a_pipe_is_refused_before_it_is_opened(pipe, tmp_path, tiny_checkpoint):
    """A process of its own, as the fault is to wait for ever."""
    code = (
        "import sys, warnings, skw2c; from skw2c.exceptions import *\n"
        "for memory in (None, sys.argv[2]):\n"
        "    e = skw2c.Wav2CLIPTransformer(sys.argv[1], memory=memory, on_error='nan').fit()\n"
        "    with warnings.catch_warnings(record=True) as told:\n"
        "        e.transform(sys.argv[3:])\n"
        "    print([cause for _, _, cause in told[0].message.failures])\n"
    )
    os.symlink(tmp_path / "circle.wav", tmp_path / "circle.wav")
    files = [pipe, "/dev/zero", str(tmp_path / "circle.wav"), str(tmp_path), "missing.wav"]
    done = run_python("-c", code, tiny_checkpoint, tmp_path / "kept", *files)
    without, with_memory = done.stdout.splitlines()
    assert without == with_memory
    assert without.count("not a regular file") == 2
    assert "leads in a circle" in without
    assert "it is a folder" in without
    assert "does not exist" in without


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize("kind", [CLIPImageEncoder, CLIPVideoEncoder])
def test_images_and_videos_that_are_pipes(kind, memory, pipe, tmp_path, tiny_clip):
    pytest.importorskip("open_clip")
    encoder = kind(tiny_clip, pretrained=None, memory=tmp_path / "kept" if memory else None)
    with pytest.raises(ValueError, match="not a regular file"):
        encoder.fit().transform([pipe])


@pytest.mark.parametrize("extension", ["au", "snd", "gsm", "vox", "g722", "722", "sln", "raw"])
@pytest.mark.parametrize("kind", ["words", "zeros", "noise"])
def test_what_only_its_name_calls_sound(tmp_path, extension, kind):
    noise = np.random.default_rng(0).bytes(15000)
    contents = {"words": b"this is no sound, only words.\n" * 500, "zeros": bytes(15000)}
    path = tmp_path / f"a.{extension}"
    path.write_bytes(contents.get(kind, noise))
    with pytest.raises(AudioError, match=_NO_PROOF):
        load_audio(path)
    with pytest.raises(AudioError, match=_NO_PROOF):
        load_audio({"bytes": path.read_bytes(), "path": path.name})


def test_every_extension_of_ffmpeg_needs_proof(tmp_path):
    av = pytest.importorskip("av")
    extensions = set()
    for name in av.formats_available:
        try:
            extensions |= av.format.ContainerFormat(name, "r").extensions
        except ValueError:
            continue
    assert len(extensions) > 100
    for extension in sorted(extensions):
        path = tmp_path / f"a.{extension}"
        path.write_bytes(b"this is no sound, only words.\n" * 500)
        with pytest.raises(AudioError):
            load_audio(path)


def test_a_header_is_proof(tmp_path, sound):
    for name in ("a.au", "a.snd"):
        soundfile.write(tmp_path / name, sound, RATE, format="AU")
        assert len(load_audio(tmp_path / name)[0]) == 16000
    soundfile.write(tmp_path / "a.wav", sound[:8000], 8000, subtype="GSM610")
    assert len(load_audio(tmp_path / "a.wav")[0]) > 15000


# Scale


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int8", "int16", "int32"])
def test_integers_of_up_to_32_bits_are_pcm(sound, dtype):
    half = 2 ** (8 * np.dtype(dtype).itemsize - 1)
    zero = half if dtype[0] == "u" else 0
    samples = np.rint(sound.astype(np.float64) * (half - 1) + zero).astype(dtype)
    waveform, _ = load_audio(samples, sampling_rate=None)
    np.testing.assert_allclose(waveform, sound, atol=2 / half + 1e-7)


@pytest.fixture
def loud(sound, tmp_path):
    """One sound in the range of 16-bit integers, in all forms that nobody scaled."""
    samples = np.rint(sound * 32767)
    soundfile.write(tmp_path / "loud.wav", samples, RATE, subtype="FLOAT")
    return [samples, samples.astype(np.int64), str(tmp_path / "loud.wav")]


@pytest.fixture(params=["mini", "yamnet", "audioclip", "ced", "efficientat"])
def heeding(request, tiny_audioclip, tmp_path_factory):
    """A transformer whose vectors depend on the scale of the samples."""
    if request.param == "mini":  # a constant is added before the logarithm
        transformer = Wav2CLIPTransformer("mini")
    elif request.param == "yamnet":
        transformer = YAMNetTransformer(None, random_state=0)
    elif request.param == "ced":
        transformer = CEDTransformer(write_ced(tmp_path_factory.mktemp("ced") / "a.safetensors"))
    elif request.param == "efficientat":
        folder = tmp_path_factory.mktemp("efficientat")
        transformer = EfficientATTransformer(write_efficientat(folder / "a.pt"))
    else:
        transformer = AudioCLIPTransformer(tiny_audioclip)
    return transformer.set_params(sampling_rate=RATE, n_jobs=2)


def test_samples_far_beyond_one_are_told_of_once(heeding, loud, sound, tmp_path):
    heeding.set_params(memory=tmp_path / "kept").fit()
    for _ in range(2):  # decoded, and then remembered
        with pytest.warns(UserWarning, match="go far beyond") as told:
            heeding.transform([sound, *loud, (sound * 32767).astype(np.int16)])
        [warning] = told
        for row in ("row 1 (up to", "row 2 (up to", "row 3 ('"):
            assert row in str(warning.message)
        assert "loud.wav" in str(warning.message)
        assert "row 0" not in str(warning.message)
        assert "row 4" not in str(warning.message)


def test_it_is_told_of_tables_too(heeding, sound):
    with pytest.warns(UserWarning, match=r"row 1 \(up to"):
        heeding.fit().transform(np.stack([sound, sound * 32768]))


@pytest.fixture
def unheeding():
    """A transformer whose vectors do not depend on the scale of the samples."""
    return OpenL3Transformer(None, random_state=0, input_repr="linear", hop_length=1.0).fit()


def test_where_scale_does_not_matter_nothing_is_told(unheeding, loud, tiny_audioclip):
    legacy = AudioCLIPTransformer(tiny_audioclip, legacy_scaling=True).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for transformer in (unheeding, legacy):
            transformer.transform(loud[:1])


def test_vectors_of_which_nothing_is_told_do_not_depend_on_scale(sound, unheeding):
    """The spectrogram's floor is all that is left, and is far below what is heard."""
    one, loud = unheeding.transform([sound, sound * 32768])
    np.testing.assert_allclose(loud, one, atol=0.02 * np.abs(one).max())


class Loudness(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 8)

    def forward(self, waveforms):
        return self.layer(waveforms.square().mean(dim=1, keepdim=True))


@pytest.mark.parametrize("encoder", ["resnet18", Loudness()], ids=["resnet18", "module"])
@pytest.mark.parametrize("in_tensor", [False, True])
def test_trainers_tell_of_scale(encoder, in_tensor, rng):
    clips = rng.uniform(-30000, 30000, (4, 16000)).astype(np.float32)
    clips[2] /= 32768
    classifier = SupervisedAudioClassifier(
        encoder=encoder,
        encoder_width=8,
        max_epochs=1,
        clip_length=1.0,
        validation_fraction=0,
        batch_size=4,
        devices="cpu",
        random_state=0,
    )
    X = torch.from_numpy(clips) if in_tensor else list(clips)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        classifier.fit(X, ["a", "b", "a", "b"])
    told = [str(warning.message) for warning in told if "far beyond" in str(warning.message)]
    [text] = told
    assert "row 0" in text
    assert "row 3" in text
    assert "row 2" not in text
    with pytest.warns(UserWarning, match=r"row 0 \(up to"):
        classifier.predict(list(clips))


# Channels


@pytest.fixture
def out_of_phase(sound, tmp_path):
    path = str(tmp_path / "out of phase.flac")
    soundfile.write(path, np.stack([sound, -sound], axis=1), RATE)
    return path


def test_a_mix_that_cancels_out(out_of_phase, path, transformer, tmp_path):
    with pytest.warns(UserWarning, match=r"The channels of '.*out of phase\.flac' cancel"):
        load_audio(out_of_phase)
    transformer.set_params(memory=tmp_path / "kept", n_jobs=2)
    for _ in range(2):
        with pytest.warns(UserWarning, match="cancel each other out") as told:
            transformer.transform([path, out_of_phase, path, out_of_phase])
        [warning] = told
        assert "row 1 ('" in str(warning.message)
        assert "row 3 ('" in str(warning.message)
        assert "row 0" not in str(warning.message)
    with pytest.warns(UserWarning, match="cancel each other out"):
        load_audio(Decoder(*np.array([[1, -1, 1], [-1, 1, -1]], np.float32)))


@pytest.mark.parametrize("quiet", [1.0, 0.0, -0.5, 1e-5])
def test_a_mix_that_does_not_cancel_out(sound, rng, tmp_path, quiet):
    noise = rng.normal(size=(RATE, 8)) * 0.1
    noise[:, 0] = sound
    noise[:, 1] = quiet * sound
    for name, samples in {
        "two.wav": noise[:, :2],
        "eight.wav": noise,
        "silent.wav": 0 * noise,
    }.items():
        soundfile.write(tmp_path / name, samples, RATE, subtype="FLOAT")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load_audio(tmp_path / name)


# Rates, durations, memory


def with_rate(folder, rate):
    """A second of silence as FLAC, whose header states a rate."""
    path = folder / "a.flac"
    soundfile.write(path, np.zeros(44100), 44100)
    content = bytearray(path.read_bytes())
    content[18:21] = (rate << 4 | content[20] & 15).to_bytes(3, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("rate", [1, 68, 499])
def test_a_rate_at_which_nobody_records(tmp_path, rate, transformer):
    path = with_rate(tmp_path, rate)
    with pytest.raises(AudioError, match=f"a.flac.*states a sampling rate of {rate} Hz"):
        load_audio(path)
    with pytest.raises(AudioError, match=f"states a sampling rate of {rate} Hz"):
        load_audio(path, sampling_rate=None)
    with pytest.warns(FailedClipWarning, match=f"sampling rate of {rate} Hz"):
        transformer.set_params(on_error="nan").transform([str(path)])


@pytest.mark.parametrize("rate", [500, 1000, 96000, 500_000])
def test_the_slowest_and_fastest_recorders(tmp_path, rate, rng):
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.1, 0.1, rate), rate)
    assert len(load_audio(tmp_path / "a.wav")[0]) == 16000


def test_more_sound_than_the_bytes_can_hold():
    endless = itertools.repeat(np.zeros((100 * RATE, 1), np.float32))
    with pytest.raises(AudioError, match="more than 7,218 seconds, which its 81 bytes cannot"):
        collections.deque(check_duration(endless, RATE, 81), maxlen=0)


def test_silence_that_is_packed_as_tight_as_can_be(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(8000 * 600, np.int16), 8000)
    assert path.stat().st_size < 40_000
    assert len(load_audio(path, sampling_rate=None)[0]) == 8000 * 600


@pytest.mark.parametrize("where", ["prepare", "encode"])
def test_lack_of_memory_is_the_failure_of_one_clip(transformer, waveforms, monkeypatch, where):
    expected = transformer.transform(waveforms[:1])
    complete = getattr(FrozenWav2CLIP, where)

    def without_memory(self, data, *rest):
        too_long = len(data) > 20000 if where == "prepare" else len(data) > 1
        if too_long or (where == "encode" and data.shape[-1] > 60):
            raise MemoryError
        return complete(self, data, *rest)

    monkeypatch.setattr(FrozenWav2CLIP, where, without_memory)
    clips = [waveforms[0], waveforms[1], waveforms[2]]
    with pytest.raises(AudioError, match="not enough memory"):
        transformer.transform(waveforms[1:2])
    transformer.set_params(on_error="nan")
    with pytest.warns(FailedClipWarning, match="row 1: there is not enough memory"):
        vectors = transformer.transform(clips)
    np.testing.assert_allclose(vectors[0], expected[0], atol=1e-5)
    assert np.isnan(vectors[1]).all()
    assert np.isfinite(vectors[2]).all()


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")]
)
def test_batches_for_which_memory_lacks_are_halved(transformer, waveforms, monkeypatch, error):
    transformer.set_params(mode="frame", frame_length=0.25, hop_length=0.05)
    expected = transformer.transform(waveforms)
    complete, sizes = FrozenWav2CLIP.encode, []

    def with_little_memory(self, data, *rest):
        sizes.append(len(data))
        if len(data) > 3:
            raise error
        return complete(self, data, *rest)

    monkeypatch.setattr(FrozenWav2CLIP, "encode", with_little_memory)
    with pytest.warns(UserWarning, match=r"memory for batches of up to 32. .* down to [23],"):
        vectors = transformer.transform(waveforms)
    assert max(sizes) > 3
    for ours, whole in zip(vectors, expected, strict=True):
        np.testing.assert_array_equal(ours, whole)


def test_lack_of_memory_while_reading(path, monkeypatch):
    def fail(*args):
        raise MemoryError

    monkeypatch.setattr("skw2c.audio._sound_clip.to_waveform", fail)
    with pytest.raises(AudioError, match="not enough memory"):
        load_audio(path)
    with pytest.raises(AudioError, match="not enough memory"):
        read_whole(as_clip(path, 1), 16000)


@pytest.mark.parametrize("in_file", [False, True])
def test_what_is_not_finite_after_resampling(tmp_path, in_file):
    samples = np.full(4000, 3e38, np.float32)
    samples[::2] *= -1
    source = samples
    if in_file:
        source = tmp_path / "a.wav"
        soundfile.write(source, samples, 8000, subtype="FLOAT")
    with pytest.raises(AudioError, match="infinite or NaN after resampling from 8000 to 16000"):
        load_audio(source, input_sampling_rate=8000)


BAD_RATES = [np.inf, -np.inf, np.nan, 1e12, 2**62, 8000.5, 0, -1, True, "16000", [8000]]


@pytest.mark.parametrize("rate", BAD_RATES, ids=repr)
def test_rates_that_nobody_can_mean(rate, sound, tiny_checkpoint):
    for name in ("sampling_rate", "input_sampling_rate"):
        with pytest.raises(ValueError, match=f"{name}=.* must be a rate in Hz"):
            load_audio(sound, **{name: rate})
    for make in (make_sound_events, make_audiovisual_events):
        with pytest.raises(ValueError, match="sampling_rate=.* must be"):
            make(2, sampling_rate=rate)
    for estimator in (
        Wav2CLIPTransformer(tiny_checkpoint, sampling_rate=rate),
        EfficientATTransformer(None, sampling_rate=rate),
        YAMNetTransformer(None, sampling_rate=rate),
        SupervisedAudioClassifier(sampling_rate=rate),
        Distiller(sampling_rate=rate),
    ):
        with pytest.raises(ValueError, match="'sampling_rate' parameter of"):
            estimator.fit([sound], [0])


def test_rates_that_are_whole_numbers_of_any_type(sound):
    expected = load_audio(sound, input_sampling_rate=8000)
    for rate in (8000.0, np.int32(8000), np.float32(8000), np.array(8000)):
        waveform, result = load_audio(sound, sampling_rate=16000.0, input_sampling_rate=rate)
        np.testing.assert_array_equal(waveform, expected[0])
        assert type(result) is int


def test_a_ratio_that_nobody_can_mean(sound):
    with pytest.raises(AudioError, match="too low to be resampled to 10,000,000 Hz"):
        load_audio(sound[:9], sampling_rate=10_000_000, input_sampling_rate=1)


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e300, 10**30, 0, -1.0, True, "1"], ids=repr)
@pytest.mark.parametrize("name", ["frame_length", "hop_length", "clip_length", "frame_rate", "fps"])
def test_seconds_and_frames_per_second_that_nobody_can_mean(name, value, sound, tiny_clip):
    kinds = {
        "clip_length": Distiller,
        "frame_rate": Distiller,
        "fps": CLIPVideoEncoder,
        "frame_length": Wav2CLIPTransformer,
        "hop_length": Wav2CLIPTransformer,
    }
    with pytest.raises(ValueError, match=f"'{name}' parameter of"):
        kinds[name](**{name: value}).fit([sound], [[0.0]])
