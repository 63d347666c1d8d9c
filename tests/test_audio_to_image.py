"""AudioToImage: what guides a picture, what determines it, films, and what is refused."""

import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skw2c import AudioToImage, CLIPImageEncoder, CLIPTextEncoder, Wav2CLIPTransformer
from skw2c.exceptions import (
    AudioError,
    FailedClipWarning,
    ImageError,
    OptionalDependencyError,
    TextError,
    WeightsError,
)
from skw2c.generation._video_writer import blend
from skw2c.models.vqgan import spherical_distance

from .conftest import make_tone
from .vqgan_files import write_tiny_vqgan

pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def tiny_vqgan(tmp_path_factory):
    return write_tiny_vqgan(tmp_path_factory.mktemp("vqgan") / "tiny.ckpt")


@pytest.fixture
def painter(tiny_vqgan, tiny_checkpoint, tiny_clip):
    """A painter of small pictures, by small untrained networks."""
    return AudioToImage(
        tiny_vqgan,
        encoder=Wav2CLIPTransformer(tiny_checkpoint),
        clip_model=tiny_clip,
        clip_pretrained=None,
        size=(16, 24),
        n_iter=3,
        n_cutouts=2,
        augment=None,
        random_state=0,
    )


@pytest.fixture
def by_vectors(painter):
    return painter.set_params(encoder="passthrough")


def see(pictures, painter):
    """CLIP's unit vectors of pictures."""
    seed = painter.random_state
    encoder = CLIPImageEncoder(painter.clip_model, None, normalize=True, random_state=seed)
    return encoder.fit_transform(pictures)


def test_pictures(painter, wav_files, waveforms):
    pictures = painter.fit_transform(wav_files[:3])
    assert (pictures.shape, pictures.dtype) == ((3, 16, 24, 3), np.uint8)
    assert len({picture.tobytes() for picture in pictures}) == 3
    np.testing.assert_array_equal(painter.transform(waveforms[:3]), pictures)


def test_same_seed_same_picture(painter, waveforms):
    """Whatever the row, the neighbours, and what else draws from torch's generator."""
    pytest.importorskip("kornia")
    painter.set_params(augment=AudioToImage().augment)
    pictures = painter.fit_transform(waveforms[:2])
    torch.manual_seed(5)
    np.testing.assert_array_equal(clone(painter).fit_transform(waveforms[1:2]), pictures[1:])
    np.testing.assert_array_equal(painter.transform(waveforms[1::-1]), pictures[::-1])
    restored = pickle.loads(pickle.dumps(painter))
    np.testing.assert_array_equal(restored.transform(waveforms[:1]), pictures[:1])
    assert len(pickle.dumps(painter)) < 10_000
    assert (painter.set_params(random_state=1).fit_transform(waveforms[:1]) != pictures[0]).any()


def test_sound_guides(by_vectors, rng):
    vectors = rng.normal(size=(4, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    by_vectors.set_params(n_iter=30, n_cutouts=1, noise=0.0)
    after = see(by_vectors.fit_transform(vectors), by_vectors)
    before = see(by_vectors.set_params(n_iter=0).transform(vectors), by_vectors)
    away = by_vectors.set_params(n_iter=40, sound_weight=-1.0).transform(vectors)
    to_own, at_start, from_own = (
        (seen * vectors).sum(axis=1) for seen in (after, before, see(away, by_vectors))
    )
    assert (to_own > at_start + 0.02).all()
    assert (from_own < at_start - 0.02).all()


def test_texts_and_images_guide(by_vectors, tiny_clip):
    """Without a weight of the sound, pictures go where the words, or the picture, are."""
    red = np.zeros((20, 20, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    words = CLIPTextEncoder(tiny_clip, None, normalize=True, random_state=0)
    targets = {
        "texts": words.fit_transform(["a dog"])[0],
        "images": see([red], by_vectors)[0],
    }
    one = np.eye(16)[:1]
    before = see(clone(by_vectors).set_params(n_iter=0).fit_transform(one), by_vectors)
    by_vectors.set_params(sound_weight=0, n_iter=30, n_cutouts=1, noise=0.0)
    for name, prompts in (("texts", {"a dog": 2.0, "unused": 0}), ("images", [(red, 2.0)])):
        after = see(clone(by_vectors).set_params(**{name: prompts}).fit_transform(one), by_vectors)
        assert after @ targets[name] > before @ targets[name] + 0.05


def test_prompts_and_weights(painter):
    painter.set_params(texts={"a": 0.5, "b": 0, "c": -1}, images=[np.zeros((4, 4)), ("i.png", 0)])
    with pytest.raises(ImageError, match=r"Row 1 of images: the file does not exist"):
        painter.fit()
    painter.set_params(images=[np.zeros((4, 4))]).fit()
    assert painter.prompt_weights_.tolist() == [0.5, -1, 1]
    assert painter.prompt_vectors_.shape == (3, 16)
    assert painter.set_params(texts="a b").fit().prompt_weights_.tolist() == [1, 1]


def test_loss():
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0], [2.0, 2.0], [-1.0, 0.0]])
    angles = [0, 0, np.pi / 4, np.pi]
    distances = spherical_distance(x, torch.tensor([5.0, 0.0]))
    np.testing.assert_allclose(distances, np.square(angles) / 2, atol=0.01)
    for near in (torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.0])):
        near.requires_grad_()
        spherical_distance(near, torch.tensor([1.0, 0.0])).backward()
        assert torch.isfinite(near.grad).all()


def test_start_and_sizes(by_vectors):
    """No steps show the start; sides are rounded down to whole codes, of 2 x 2 pixels here."""
    by_vectors.set_params(n_iter=0, size=(17, 25))
    assert by_vectors.fit_transform(np.eye(16)[:1]).shape == (1, 16, 24, 3)
    assert by_vectors.set_params(size=np.int64(9)).transform(np.eye(16)[:1]).shape == (1, 8, 8, 3)
    starts = {}
    for level in (0, 255):
        picture = np.full((50, 70, 3), level, np.uint8)
        starts[level] = by_vectors.set_params(init_image=picture).transform(np.eye(16)[:1])
    assert (starts[0] != starts[255]).any()
    image = Image.fromarray(np.full((50, 70, 3), 255, np.uint8))
    by_vectors.set_params(init_image=image)
    np.testing.assert_array_equal(by_vectors.transform(np.eye(16)[:1]), starts[255])


def test_callback(by_vectors):
    seen = []
    by_vectors.set_params(n_iter=5, callback=lambda *told: seen.append(told), callback_every=2)
    by_vectors.fit(None)
    by_vectors.transform(np.eye(16)[:2])
    assert [told[:2] for told in seen] == [(0, 2), (0, 4), (1, 2), (1, 4)]
    four = by_vectors.set_params(n_iter=4, callback=None).transform(np.eye(16)[:2])
    np.testing.assert_array_equal([seen[1][2], seen[3][2]], four)


def test_video_follows_the_sound(painter, rng, tmp_path):
    """Each picture is guided by its own second, not by the whole file."""
    av = pytest.importorskip("av")
    first, second, other = (make_tone(rng, 16000) for _ in range(3))
    painter.set_params(frame_iter=4).fit()
    [one] = painter.transform_video([np.concatenate([first, second])])
    [two] = painter.transform_video([np.concatenate([first, other])])
    assert one.shape == (2, 16, 24, 3)
    assert (one[0] != one[1]).any()
    assert (one[1] != two[1]).any()
    sound = np.concatenate([first, second, other])
    painter.write_video(sound, tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as film:
        [seen], [heard] = film.streams.video, film.streams.audio
        assert (seen.width, seen.height, seen.frames) == (24, 16, 36)
        for stream in (seen, heard):
            assert abs(float(stream.duration * stream.time_base) - 3) < 0.05
        pictures = np.array([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])
    changes = np.abs(np.diff(pictures.astype(float), axis=0)).mean(axis=(1, 2, 3))
    # From the middle of the first second to that of the last it changes, and never at once.
    assert changes[8:28].mean() > 2 * changes[:5].mean()
    assert changes.max() < np.abs(pictures[0].astype(float) - pictures[-1]).mean()


def test_vectors_of_windows_as_they_are(by_vectors, tmp_path, rng):
    """In passthrough, with the sound beside them; a short sound has one window."""
    pytest.importorskip("av")
    windows = [rng.normal(size=(2, 16)), rng.normal(size=(1, 16))]
    by_vectors.set_params(frame_iter=2).fit()
    pictures = by_vectors.transform_video(windows)
    assert [len(of_clip) for of_clip in pictures] == [2, 1]
    np.testing.assert_array_equal(pictures[1], by_vectors.transform(windows[1]))
    with pytest.raises(ValueError, match="pass the sound of the video"):
        by_vectors.write_video(windows[0], tmp_path / "a.mp4")
    by_vectors.write_video(windows[1], tmp_path / "a.mp4", sound=make_tone(rng, 5000))
    assert (tmp_path / "a.mp4").exists()


def test_windows_of_transformers(painter, waveforms, tiny_checkpoint):
    pipeline = make_pipeline(Wav2CLIPTransformer(tiny_checkpoint), "passthrough")
    painter.set_params(encoder=pipeline).fit(waveforms)
    assert painter.transform(waveforms[:1]).shape == (1, 16, 24, 3)
    with pytest.raises(ValueError, match="parameter 'mode'"):
        painter.transform_video(waveforms[:1])


def test_blend():
    keys = iter(np.array([[0.0], [1.0], [3.0]]))
    between = blend(keys, [0.5, 1.5, 2.5], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 9.0])
    assert [value.item() for value in between] == [0, 0, 0.5, 1, 2, 3, 3]
    assert [v.item() for v in blend(iter(np.ones((1, 1))), [0.5], [0.0, 7.0])] == [1, 1]


def test_failed_clips(painter, wav_files, tmp_path):
    files = [wav_files[0], str(tmp_path / "none.wav")]
    with pytest.raises(AudioError, match=r"Row 1 .*none\.wav"):
        painter.fit().transform(files)
    painter.set_params(encoder=painter.encoder.set_params(on_error="nan"), on_error="nan").fit()
    with pytest.warns(FailedClipWarning, match="none.wav"):
        pictures = painter.transform(files)
    assert pictures[0].any()
    assert not pictures[1].any()
    with pytest.warns(FailedClipWarning), pytest.raises(ValueError, match=r"cannot be read"):
        painter.write_video(files[1], tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_what_is_refused(painter, tiny_checkpoint, tmp_path, wav_files):
    for parameters, error, message in (
        ({"size": 1}, ValueError, r"expected at least 2 pixels"),
        ({"size": (16, 16, 3)}, ValueError, r"expected pixels or \(height, width\)"),
        ({"augment": ["affine", "Af"]}, ValueError, r"expected some of affine, perspective"),
        ({"sound_weight": 0}, ValueError, "nothing guides"),
        ({"sound_weight": float("inf")}, ValueError, "sound_weight has the weight inf"),
        ({"texts": {"a": None}}, ValueError, r"the text 'a' has the weight None"),
        ({"texts": {"a": Fraction(0)}, "sound_weight": 0}, ValueError, "nothing guides"),
        ({"texts": ["a", 3]}, TextError, "row 1"),
        ({"images": [(wav_files[0], 1.0)]}, ImageError, "Row 0 of images"),
        ({"weights": tiny_checkpoint}, WeightsError, "not a checkpoint of VQGAN"),
        ({"weights": "vqgan-1024"}, WeightsError, r"known name \('vqgan-imagenet-f16-16384'"),
        ({"n_iter": -1}, ValueError, "n_iter"),
    ):
        with pytest.raises(error, match=message):
            clone(painter).set_params(**parameters).fit()
    with pytest.raises(NotFittedError):
        painter.transform(wav_files)
    wide = clone(painter).set_params(encoder="passthrough").fit()
    with pytest.raises(ValueError, match=r"dimension 8, expected 16"):
        wide.transform(np.ones((1, 8)))
    with pytest.raises(ImageError):
        wide.set_params(init_image="none.png").transform(np.ones((1, 16)))
    with pytest.raises(FileNotFoundError):
        painter.fit().write_video(wav_files[0], tmp_path / "none" / "a.mp4")


def test_errors_name_what_they_are_of(painter, tmp_path, tiny_checkpoint):
    missing = str(tmp_path / "missing.png")
    with pytest.raises(ImageError, match=r"init_image \('.*missing.png'\)"):
        clone(painter).set_params(init_image=missing).fit()
    inner = Wav2CLIPTransformer(tiny_checkpoint, output="encoder")
    with pytest.raises(ValueError, match="not in the space of a CLIP"):
        clone(painter).set_params(encoder=inner).fit()
    painter.set_params(encoder="passthrough").fit()
    windows, out = np.ones((2, 16), np.float32), tmp_path / "x.mp4"
    with pytest.raises(AudioError, match=r"sound of the video \('.*none.wav'\)"):
        painter.write_video(windows, out, sound=str(tmp_path / "none.wav"))
    with pytest.raises(ValueError, match="the sound is empty"):
        painter.write_video(windows, out, sound=np.zeros(0, np.float32))
    assert not out.exists()


def test_short_sounds_and_small_blocks(painter, tmp_path):
    """A resampler that fills its filter gives empty blocks first."""
    painter.set_params(encoder="passthrough", sampling_rate=44100).fit()
    for n_samples in (3, 500):
        out = tmp_path / f"{n_samples}.mp4"
        painter.write_video(np.ones((1, 16)), out, sound=np.ones(n_samples, np.float32))
        assert out.exists()


def test_frozen_encoders(painter, waveforms, tiny_checkpoint):
    """What is trained already makes windows too, and is refused where it makes only them."""
    inner = Wav2CLIPTransformer(tiny_checkpoint, frame_length=0.5, hop_length=0.5).fit(None)
    painter.set_params(encoder=FrozenEstimator(inner)).fit()
    [film] = painter.transform_video(waveforms[:1])
    assert len(film) > 1
    assert inner.mode == "clip"
    in_frames = Wav2CLIPTransformer(tiny_checkpoint, mode="frame").fit(None)
    with pytest.raises(ValueError, match="one vector per clip"):
        painter.set_params(encoder=FrozenEstimator(in_frames)).fit().transform(waveforms[:1])


def test_augmenting_needs_kornia(by_vectors, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "kornia.augmentation", None)
    by_vectors.fit()
    assert by_vectors.transform(np.eye(16)[:1]).any()
    with pytest.raises(OptionalDependencyError, match=r"skw2c\[generate\]"):
        by_vectors.set_params(augment=["affine"]).transform(np.eye(16)[:1])


def test_untrained_is_of_full_size(painter):
    painter.set_params(weights=None, size=40, n_iter=0, encoder="passthrough")
    assert painter.fit_transform(np.eye(16)[:1]).shape == (1, 32, 32, 3)


def test_memory_stays_flat(by_vectors):
    process, used = psutil.Process(), []
    by_vectors.set_params(
        size=8,
        n_cutouts=1,
        n_iter=200,
        callback=lambda *_: used.append(process.memory_info().rss),
        callback_every=5,
    )
    by_vectors.fit_transform(np.eye(16)[:1])
    quarter = len(used) // 4
    assert np.mean(used[-quarter:]) < 1.05 * np.mean(used[:quarter])


def test_official_checkpoints_are_found_by_name(painter, monkeypatch, tiny_vqgan, tmp_path):
    """What is fetched is converted, and read back."""
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    copy = Path(tmp_path / "vqgan_imagenet_f16_1024.ckpt")
    copy.write_bytes(Path(tiny_vqgan).read_bytes())
    expected = painter.fit_transform([np.ones(9000)])
    named = painter.set_params(weights="vqgan-imagenet-f16-1024").fit()
    np.testing.assert_array_equal(named.transform([np.ones(9000)]), expected)
    assert named.weights_.name == "vqgan-imagenet-f16-1024"
