"""HEAR, both ways: its modules as encoders, and our encoders as a module of it."""

import copy
import pickle
import sys
import threading
import types

import numpy as np
import pytest
import soundfile
import torch
from sklearn.base import clone
from sklearn.preprocessing import Normalizer

from skw2c import (
    AudioCLIPTransformer,
    AudioIndex,
    HEARTransformer,
    OpenL3Transformer,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    hear,
)
from skw2c.exceptions import AudioError, FailedClipWarning, SavedIndexError, WeightsError
from skw2c.models.hear import TimeGrid
from skw2c.transformers._encoder_registry import names_of_encoders, registration_of

from . import hear_module, yamnet_files
from .conftest import make_tone
from .tolerances import FEW, assert_close

TOY = hear_module.__name__
RATE = 16000


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(2)
    return [make_tone(rng, n) for n in (RATE, 24000, 7, 20001)]


@pytest.fixture(scope="module")
def yamnet(tmp_path_factory):
    path = tmp_path_factory.mktemp("hear") / "yamnet.h5"
    yamnet_files.write_keras(path, yamnet_files.draw_layers(yamnet_files.TINY))
    return YAMNetTransformer(path)


@pytest.fixture(params=["mini", "yamnet"])
def ours(request, yamnet):
    return Wav2CLIPTransformer("mini") if request.param == "mini" else yamnet


def wrap(estimator, **parameters):
    """The module that one would write for an estimator."""
    return types.SimpleNamespace(
        load_model=lambda path="": hear.to_hear(estimator, **parameters),
        get_scene_embeddings=hear.get_scene_embeddings,
        get_timestamp_embeddings=hear.get_timestamp_embeddings,
    )


def toy(**functions):
    """The toy module with other functions."""
    names = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")
    own = {name: getattr(hear_module, name) for name in names}
    return types.SimpleNamespace(**{**own, **functions})


# A module of HEAR as an encoder


def test_the_module_gets_the_clip(clips):
    transformer = HEARTransformer(TOY).fit(clips)
    model = hear_module.load_model()
    vectors = transformer.transform(clips)
    assert (vectors.dtype, vectors.shape) == (np.float32, (4, 6))
    for clip, vector in zip(clips, vectors, strict=True):
        scene = hear_module.get_scene_embeddings(torch.from_numpy(clip)[None], model)
        assert_close(vector, scene[0], FEW)
    frames = transformer.set_params(mode="frame").transform(clips)
    assert [len(f) for f in frames] == [40, 60, 1, 51]
    assert_close(frames[1].mean(axis=0), vectors[1], FEW)
    assert transformer.get_feature_names_out()[0] == "heartransformer0"


def test_it_is_resampled_to_the_rate_of_the_model(tmp_path, clips):
    rates = []

    def record(audio, model):
        rates.append(audio.shape)
        return hear_module.get_scene_embeddings(audio, model)

    stereo = np.stack([clips[0], clips[0]], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 8000, subtype="FLOAT")
    transformer = HEARTransformer(toy(get_scene_embeddings=record)).fit()
    file = tmp_path / "a.wav"
    vectors = transformer.transform([str(file), file.read_bytes(), (clips[0], 8000)])
    assert rates[1:] == [(1, 2 * RATE)] * 3
    assert (vectors == vectors[0]).all()


def test_frame_times(clips):
    transformer = HEARTransformer(TOY, mode="frame").fit()
    np.testing.assert_allclose(
        transformer.frame_times(3, duration=9.0), [[0, 0.025], [0.025, 0.05], [0.05, 0.075]]
    )
    _, durations = transformer.embed_with_durations(clips)
    assert durations.tolist() == [len(clip) / RATE for clip in clips]


def test_times_in_single_precision_over_an_hour():
    grid = TimeGrid.through(np.float32(11.609977) * np.arange(345, dtype=np.float32) + 3)
    times = np.float32(11.609977) * np.arange(310_000, dtype=np.float32) + 3
    assert grid.find_departure(times.astype(np.float64)) is None
    assert grid.find_departure(times + 40) == 0


def test_one_clip_at_a_time(clips):
    busy, most = threading.Lock(), []

    def alone(audio, model):
        assert busy.acquire(blocking=False)
        most.append(len(audio))
        vectors = hear_module.get_scene_embeddings(audio, model)
        busy.release()
        return vectors

    transformer = HEARTransformer(toy(get_scene_embeddings=alone), n_jobs=4).fit()
    expected = HEARTransformer(TOY).fit_transform(clips)
    np.testing.assert_array_equal(transformer.transform(clips * 5), np.tile(expected, (5, 1)))
    assert set(most) == {1}


@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_memory(tmp_path, clips, mode):
    calls = []

    def count(audio, model):
        calls.append(len(audio))
        return hear_module.get_timestamp_embeddings(audio, model)

    module = toy(
        get_timestamp_embeddings=count,
        get_scene_embeddings=lambda audio, model: count(audio, model)[0].mean(1),
    )
    transformer = HEARTransformer(module, mode=mode, memory=tmp_path).fit()
    first = transformer.transform(clips)
    n_calls = len(calls)
    for ours, kept in zip(transformer.transform(clips), first, strict=True):
        np.testing.assert_array_equal(ours, kept)
    assert len(calls) == n_calls


def test_wrapped_estimators_do_not_share_their_memory(tmp_path, clips):
    one, other = (YAMNetTransformer(None, random_state=seed) for seed in (0, 1))
    vectors = [
        HEARTransformer(wrap(estimator), memory=tmp_path).fit_transform(clips[:1])
        for estimator in (one, other)
    ]
    assert not np.array_equal(*vectors)


def test_clips_that_the_module_fails_on(clips):
    def pick(audio, model):
        if audio.shape[1] == 7:
            raise RuntimeError("Kernel size can't be greater than actual input size")
        return hear_module.get_scene_embeddings(audio, model)

    transformer = HEARTransformer(toy(get_scene_embeddings=pick)).fit()
    with pytest.raises(AudioError, match="Row 2: the HEAR module .* failed on its 7 samples"):
        transformer.transform(clips)
    transformer.set_params(on_error="nan")
    with pytest.warns(FailedClipWarning, match="2 of 5 clips failed"):
        vectors = transformer.transform([*clips, "missing.wav"])
    assert np.isnan(vectors).all(axis=1).tolist() == [False, False, True, False, True]
    frames = HEARTransformer(TOY, mode="frame", on_error="nan").fit()
    with pytest.warns(FailedClipWarning):
        assert frames.transform([clips[0], "missing.wav"]).shape == (2, 40, 6)


def test_numbers_that_are_not_finite_fail_their_clip(clips):
    def divide(audio, model):
        return hear_module.get_scene_embeddings(audio, model) / (audio.shape[1] != 7)

    transformer = HEARTransformer(toy(get_scene_embeddings=divide)).fit()
    with pytest.raises(AudioError, match="Row 2: .*returned 6 of 6 numbers .* NaN or infinite"):
        transformer.transform(clips)


def test_a_clip_without_frames_fails(clips):
    def drop(audio, model):
        vectors, times = hear_module.get_timestamp_embeddings(audio, model)
        n_frames = audio.shape[1] // 400
        return vectors[:, :n_frames], times[:, :n_frames]

    transformer = HEARTransformer(toy(get_timestamp_embeddings=drop), mode="frame").fit()
    with pytest.raises(AudioError, match="Row 2: .*returned 0 frames"):
        transformer.transform(clips)


# What modules state and do not keep


def with_model(**attributes):
    def load_model(path=""):
        model = hear_module.load_model()
        for name, value in attributes.items():
            delattr(model, name) if value is None else setattr(model, name, value)
        return model

    return toy(load_model=load_model)


@pytest.mark.parametrize("name", ["sample_rate", "scene_embedding_size"])
@pytest.mark.parametrize("value", [None, 0, -1, 16000.0, "16000", True, torch.tensor(3)], ids=repr)
def test_sizes_that_are_none(name, value):
    found = f"no attribute {name}" if value is None else f"{name}="
    with pytest.raises(ValueError, match=rf"{found}.* expected a positive int\. Correct"):
        HEARTransformer(with_model(**{name: value})).fit()


def test_a_model_of_another_kind():
    with pytest.raises(ValueError, match=r"load_model returned a types\.SimpleNamespace"):
        HEARTransformer(toy(load_model=lambda: types.SimpleNamespace(sample_rate=1))).fit()


def changing_scene(change):
    return toy(
        get_scene_embeddings=lambda audio, model: change(
            hear_module.get_scene_embeddings(audio, model)
        )
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v[:, :5], r"returned shape \(1, 5\) for one clip, expected \(1, 6\)"),
        (lambda v: v[0], r"returned shape \(6,\) for one clip, expected \(1, 6\)"),
        (lambda v: v.repeat(2, 1), r"returned shape \(2, 6\) for one clip"),
        (lambda v: v.int(), r"a tensor of torch\.int32, expected torch\.float32"),
        (lambda v: v.to(torch.complex64), r"a tensor of torch\.complex64, expected"),
        (lambda v: v.numpy(), r"returned a ndarray, expected a torch\.Tensor"),
        (lambda v: 1 / 0, r"failed on a probe, 4 seconds .*ZeroDivisionError"),
    ],
)
def test_scenes_that_are_not_as_stated(change, message):
    with pytest.raises(ValueError, match=f"The HEAR module .*{message}"):
        HEARTransformer(changing_scene(change)).fit()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floats_are_converted(clips, dtype):
    expected = HEARTransformer(TOY).fit_transform(clips)
    vectors = HEARTransformer(changing_scene(lambda v: v.to(dtype))).fit_transform(clips)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, rtol=2e-2, atol=1e-2)


def changing_times(change):
    return toy(
        get_timestamp_embeddings=lambda audio, model: change(
            *hear_module.get_timestamp_embeddings(audio, model)
        )
    )


def _drop(v, t):
    return v, torch.cat([t[:, :3], t[:, 4:], t[:, -1:] + 25], dim=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, t: v, r"returned a Tensor, expected a pair"),
        (lambda v, t: (v[..., :5], t), r"embeddings of shape \(1, 160, 5\).*\(1, n_frames, 6\)"),
        (lambda v, t: (v[0], t), r"embeddings of shape \(160, 6\)"),
        (lambda v, t: (v, t[:, 1:]), r"timestamps of shape \(1, 159\), expected \(1, 160\)"),
        (lambda v, t: (v, t[0]), r"timestamps of shape \(160,\), expected \(1, 160\)"),
        (lambda v, t: (v.long(), t), r"as embeddings a tensor of torch\.int64"),
        (lambda v, t: (v, t > 0), r"as timestamps a tensor of torch\.bool"),
        (lambda v, t: (v, t / 0), r"timestamps contain NaN or infinity"),
        (lambda v, t: (v, t.flip(1)), r"timestamps 0 and 1 are 3987.5 and 3962.5, .* increase"),
        (lambda v, t: (v, t / 1000), r"go from 0.0125 to 3.9875 in a clip of 4000 milliseconds"),
        (lambda v, t: (v, t * 16), r"go from 200 to 63800 in a clip of 4000 milliseconds"),
        (lambda v, t: (v, t - 100), r"go from -87.5 to"),
        (_drop, r"timestamps 2 and 3 are 50 milliseconds apart, and others 25.*equal steps"),
        (lambda v, t: (v[:, :1], t[:, :1]), r"1 timestamps for 64 seconds.*Use mode='clip'"),
    ],
)
def test_timestamps_that_are_not_as_stated(change, message):
    with pytest.raises(ValueError, match=f"The HEAR module .*{message}"):
        HEARTransformer(changing_times(change), mode="frame").fit()


def test_times_may_be_integers(clips):
    module = changing_times(lambda v, t: (v, (t + 12.5).long()))
    transformer = HEARTransformer(module, mode="frame").fit(clips)
    assert transformer.frame_times(1).tolist() == [[0.0125, 0.0375]]


def test_times_that_depend_on_the_clip(clips):
    def stretch(audio, model):
        vectors, times = hear_module.get_timestamp_embeddings(audio, model)
        return vectors, torch.linspace(0, audio.shape[1] / 16, times.shape[1])[None]

    module = toy(get_timestamp_embeddings=stretch)
    transformer = HEARTransformer(module, mode="frame").fit()
    with pytest.raises(AudioError, match=r"Row 0: .*frame \d+ is at .* milliseconds, and expected"):
        transformer.transform(clips)


def test_modules_that_are_none():
    with pytest.raises(ImportError, match="'no_such_module' cannot be imported .*install"):
        HEARTransformer("no_such_module").fit()
    with pytest.raises(ImportError, match="module='' cannot be imported"):
        HEARTransformer("").fit()
    with pytest.raises(ValueError, match="'json' lacks load_model and get_scene_embeddings and"):
        HEARTransformer("json").fit()
    with pytest.raises(ValueError, match="'module' parameter of HEARTransformer must be"):
        HEARTransformer(3).fit()


# Copies, pickles, saved indexes


@pytest.mark.parametrize("module", [TOY, hear_module], ids=["name", "module"])
def test_copies_and_pickles(module, clips, tmp_path):
    torch.save(torch.ones(8, 6), tmp_path / "weights.pt")
    transformer = HEARTransformer(module, tmp_path / "weights.pt", mode="frame").fit(clips)
    transformer.set_output(transform="default")
    expected = transformer.transform(clips[:1])
    copies = [clone(transformer).fit(), pickle.loads(pickle.dumps(transformer))]
    for twin in (*copies, copy.deepcopy(transformer)):
        np.testing.assert_array_equal(twin.transform(clips[:1]), expected)
        assert twin.weights_.fingerprint == transformer.weights_.fingerprint
    assert clone(transformer).module is module


def test_a_module_that_cannot_be_imported_is_not_pickled():
    own = types.ModuleType("own")
    vars(own).update(vars(toy()))
    transformer = HEARTransformer(own).fit()
    assert clone(transformer).module is own
    with pytest.raises(TypeError, match="'own' cannot be pickled.*put it into a file"):
        pickle.dumps(transformer)


def test_weights_that_changed(tmp_path, clips):
    path = tmp_path / "weights.pt"
    torch.save(torch.ones(8, 6), path)
    transformer = HEARTransformer(TOY, path).fit()
    torch.save(2 * torch.ones(8, 6), path)
    with pytest.raises(WeightsError, match="its file of weights was .*Fit the estimator again"):
        transformer.transform(clips)
    with pytest.raises(WeightsError, match="its module was .* and is skw2c.hear"):
        HEARTransformer(TOY).fit().set_params(module="skw2c.hear").transform(clips)


def test_it_has_no_name():
    assert "hear" not in names_of_encoders("audio")
    assert registration_of(HEARTransformer(TOY)).encoder is HEARTransformer
    assert registration_of(HEARTransformer(hear_module)).name is None


@pytest.fixture
def saved(tmp_path, clips):
    index = AudioIndex(HEARTransformer(TOY), text_encoder=None, image_encoder=None)
    index.fit(clips).save(tmp_path / "index")
    return tmp_path / "index"


def test_in_a_saved_index(saved, clips):
    index = AudioIndex.load(saved)
    assert index.encoder.module == TOY
    assert index.search(clips[1:2], by="audio", k=1)["item"][0] == index.items_[1]
    AudioIndex.load(saved, encoder=HEARTransformer(TOY)).search(clips[:1], by="audio", k=1)
    AudioIndex.load(saved, encoder=HEARTransformer(TOY, n_jobs=2))
    with pytest.raises(SavedIndexError, match="they differ in"):
        AudioIndex.load(saved, encoder=HEARTransformer("skw2c.hear"))


def test_a_saved_index_imports_nothing(saved, clips, monkeypatch):
    monkeypatch.delitem(sys.modules, TOY)
    index = AudioIndex.load(saved)
    with pytest.raises(WeightsError, match=r"import the module first, or pass the encoder"):
        index.search(clips[:1], by="audio", k=1)
    assert TOY not in sys.modules


def test_what_is_no_name_is_not_saved(tmp_path, clips):
    index = AudioIndex(HEARTransformer(toy()), text_encoder=None, image_encoder=None).fit(clips)
    with pytest.warns(UserWarning, match="its parameter 'module' does not fit into JSON"):
        index.save(tmp_path)
    with pytest.raises(SavedIndexError, match="pass it"):
        AudioIndex.load(tmp_path).search(clips[:1], by="audio")
    AudioIndex.load(tmp_path, encoder=index.encoder).search(clips[:1], by="audio")
    with pytest.raises(SavedIndexError, match="they differ in weights"):
        AudioIndex.load(tmp_path, encoder=HEARTransformer(changing_scene(lambda v: 2 * v)))


# Our encoders as a module of HEAR


def noise(n_sounds, seconds, rate):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n_sounds, int(seconds * rate), generator=generator) * 2 - 1


@pytest.mark.parametrize(("n", "seconds"), [(2, 1.07), (2, 1.98), (2, 4.0), (16, 2.0)])
def test_timestamps_as_the_validator_checks_them(ours, n, seconds):
    model = hear.to_hear(ours)
    embeddings, timestamps = hear.get_timestamp_embeddings(
        noise(n, seconds, model.sample_rate), model
    )
    assert embeddings.dtype == torch.float32
    assert embeddings.shape == (*timestamps.shape, model.timestamp_embedding_size)
    assert len(embeddings) == n
    times = timestamps.numpy()
    assert (times == times[0]).all()
    steps, duration = np.diff(times[0]), 1000 * seconds
    assert np.ptp(steps) < 1
    assert steps.max() <= 50
    assert times[0, 0] <= steps.mean()
    assert duration - 50 <= times[0, -1] <= duration
    assert embeddings.isfinite().all()


@pytest.mark.parametrize(("n", "seconds"), [(4, 2.74), (8, 3.74)])
def test_scenes_as_the_validator_checks_them(ours, n, seconds):
    model = hear.to_hear(ours)
    assert isinstance(model, torch.nn.Module)
    for name in ("sample_rate", "scene_embedding_size", "timestamp_embedding_size"):
        assert type(getattr(model, name)) is int
    assert model.sample_rate in (16000, 22050, 32000, 44100, 48000)
    vectors = hear.get_scene_embeddings(noise(n, seconds, model.sample_rate), model)
    assert vectors.dtype == torch.float32
    assert vectors.shape == (n, model.scene_embedding_size)


def test_out_and_in_again(ours, clips):
    """The vectors of clips come back the same, and those of frames are of windows at the times."""
    there = ours.fit().transform(clips)
    back = HEARTransformer(wrap(ours)).fit()
    np.testing.assert_array_equal(back.transform(clips), there)
    frames = back.set_params(mode="frame").fit().transform(clips)
    assert [len(f) for f in frames] == [20, 30, 1, 26]
    assert back.frame_times(2).tolist() == [[-0.025, 0.025], [0.025, 0.075]]


@pytest.mark.parametrize("hop_length", [0.05, 0.00625, 0.0333])
def test_frames_are_those_of_the_encoder(yamnet, clips, hop_length):
    """Each window by itself, cut out by hand; a hop of 532.8 samples is no whole number."""
    model = hear.to_hear(yamnet, hop_length=hop_length)
    audio = torch.from_numpy(clips[1][None])
    vectors, times = hear.get_timestamp_embeddings(audio, model)
    assert vectors.shape[1] == -(-1.5 // hop_length)
    padded = np.pad(clips[1], (7800, 7800))
    picked = range(0, len(times[0]), 7)
    starts = [round(times[0, k].item() * RATE / 1000) for k in picked]
    windows = [padded[start : start + 15600] for start in starts]
    assert np.abs(np.array(starts) / RATE - hop_length * np.array(picked)).max() <= 0.51 / RATE
    assert_close(vectors[0, list(picked)], yamnet.fit().transform(windows))


def test_windows_of_frames_are_of_the_encoders_own_length(clips):
    audio = torch.from_numpy(clips[1][None])
    for length in (0.5, 1.0):
        encoder = Wav2CLIPTransformer("mini", frame_length=length, hop_length=0.05, mode="frame")
        vectors, _ = hear.get_timestamp_embeddings(audio, hear.to_hear(encoder))
        half = int(length * RATE / 2)
        padded = np.pad(clips[1], (half, half - 800))  # until the last window ends
        assert_close(vectors[0], encoder.fit().transform([padded])[0])


def test_alone_or_in_a_batch(ours):
    model = hear.to_hear(ours)
    audio = noise(5, 1.3, model.sample_rate)
    audio[2] *= 1e-3
    scenes = hear.get_scene_embeddings(audio, model)
    frames, times = hear.get_timestamp_embeddings(audio, model)
    for row in range(5):
        assert_close(scenes[row], hear.get_scene_embeddings(audio[row : row + 1], model)[0])
        alone, own = hear.get_timestamp_embeddings(audio[row : row + 1], model)
        np.testing.assert_array_equal(alone[0], frames[row])
        assert torch.equal(own[0], times[row])


@pytest.mark.parametrize("hop_length", [0.05, 0.025, 0.01, 0.0116])
@pytest.mark.parametrize("rate", hear.RATES)
def test_times_are_exact_over_an_hour(rate, hop_length):
    n_samples = 3600 * rate + 1
    centres = hear.find_centres(n_samples, rate, hop_length)
    assert centres[0] == 0
    assert centres[-1] < n_samples <= centres[-1] + hop_length * rate + 1
    expected = np.arange(len(centres)) * hop_length
    assert np.abs(centres / rate - expected).max() <= 0.5 / rate + 1e-9
    assert centres[int(3600 / hop_length)] == round(int(3600 / hop_length) * hop_length * rate)


@pytest.mark.parametrize("n_samples", [1, 799, 800, 801, 16000])
def test_centres_lie_in_the_sound(n_samples):
    assert len(hear.find_centres(n_samples, RATE, 0.05)) == 1 + (n_samples - 1) // 800


def test_normalized_vectors(yamnet):
    model = hear.to_hear(clone(yamnet).set_params(normalize=True))
    vectors, _ = hear.get_timestamp_embeddings(noise(1, 0.5, RATE), model)
    np.testing.assert_allclose(vectors.norm(dim=2), 1, rtol=1e-5)


def test_the_estimator_is_not_changed(yamnet):
    estimator = clone(yamnet).set_params(mode="frame", on_error="nan", hop_length=0.2)
    before = estimator.get_params()
    hear.to_hear(estimator)
    assert estimator.get_params() == before
    assert not hasattr(estimator, "weights_")


def test_models_by_name(tiny_checkpoint):
    audio = noise(1, 0.3, RATE)
    mini = Wav2CLIPTransformer("mini", output="words").fit()
    for name in ("", "mini"):
        vectors = hear.get_scene_embeddings(audio, hear.load_model(name))
        np.testing.assert_array_equal(vectors, mini.transform([audio[0].numpy()]))
    assert hear.load_model(tiny_checkpoint).scene_embedding_size == 16
    with pytest.raises(
        ValueError, match=r"'jamnet' is neither the name.*'yamnet'.*nor an existing"
    ):
        hear.load_model("jamnet")


def test_rates_that_hear_does_not_know(yamnet, monkeypatch):
    network = yamnet.fit()._network()
    monkeypatch.setattr(type(network), "sampling_rate", 8000)
    with pytest.raises(ValueError, match="takes sound at 8000 Hz, and HEAR knows 16000, 22050"):
        hear.to_hear(yamnet)


def test_encoders_of_other_rates(tiny_audioclip):
    for estimator in (
        AudioCLIPTransformer(tiny_audioclip),
        OpenL3Transformer(None, random_state=0, input_repr="linear"),
    ):
        model = hear.to_hear(estimator, hop_length=0.1)
        vectors, times = hear.get_timestamp_embeddings(noise(1, 0.25, model.sample_rate), model)
        assert vectors.shape == (1, 3, model.timestamp_embedding_size)
        assert times.tolist() == [[0, 100, 200]]


def test_what_cannot_be_wrapped(yamnet):
    with pytest.raises(TypeError, match="runs a module of HEAR, .*: use the module itself"):
        hear.to_hear(HEARTransformer(TOY))
    with pytest.raises(TypeError, match=r"Normalizer\(\) is not an encoder of sound"):
        hear.to_hear(Normalizer())
    for hop in (0, -1, 1e-6, "1", True, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="hop_length=.* must be a number of seconds"):
            hear.to_hear(yamnet, hop_length=hop)


def test_audio_that_is_none(yamnet):
    model = hear.to_hear(yamnet)
    broken = noise(3, 0.1, RATE)
    broken[1, 5] = float("nan")
    for embed in (hear.get_scene_embeddings, hear.get_timestamp_embeddings):
        with pytest.raises(TypeError, match="audio is of type ndarray"):
            embed(np.zeros((1, 9)), model)
        with pytest.raises(TypeError, match=r"audio is of type torch\.int64"):
            embed(torch.zeros(1, 9, dtype=torch.long), model)
        with pytest.raises(ValueError, match=r"shape \(9,\), expected \(n_sounds, n_samples\)"):
            embed(torch.zeros(9), model)
        with pytest.raises(ValueError, match="NaN or infinity in row 1"):
            embed(broken, model)
        with pytest.raises(TypeError, match="model is of type Linear"):
            embed(broken, torch.nn.Linear(1, 1))


def test_state_of_the_model(yamnet):
    model, other = hear.to_hear(yamnet), hear.to_hear(Wav2CLIPTransformer("mini"))
    hear.to_hear(yamnet).load_state_dict(model.state_dict())
    with pytest.raises(ValueError, match="state of another encoder"):
        model.load_state_dict(other.state_dict())
