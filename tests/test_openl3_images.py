"""OpenL3 on images: preparation, network, reading of files, and the estimator."""

import pickle

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone

from skw2c import OpenL3ImageTransformer
from skw2c.exceptions import ImageError, WeightsError
from skw2c.models.openl3._frozen_openl3 import FrozenOpenL3Image
from skw2c.models.openl3._openl3_network import OpenL3Network

from .openl3_files import IMAGE, draw_layers, largest_of, run_layers, write_keras
from .tolerances import FEW, assert_close


@pytest.fixture(scope="module")
def layers():
    return draw_layers(IMAGE)


@pytest.fixture(scope="module")
def checkpoint(layers, tmp_path_factory):
    return write_keras(tmp_path_factory.mktemp("openl3") / "small.h5", layers)


@pytest.fixture(scope="module")
def images():
    """Images of the size of the network, a little larger, and much larger."""
    rng = np.random.default_rng(0)
    sizes = [(224, 224), (226, 251), (224, 400), (300, 257), (391, 700)]
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


@pytest.fixture
def transformer(checkpoint):
    return OpenL3ImageTransformer(checkpoint)


def prepare(image):
    """What upstream does to an image, by numpy; colours from -1 to 1, as it was trained."""
    pixels = image / 255
    shape = np.array(pixels.shape[:2])
    if shape.min() > 256:
        new_shape = np.round(shape * (256 / shape.min())).astype(int)
        for axis in (0, 1):
            pixels = _shrink(pixels, axis, shape[axis], new_shape[axis])
    top, left = np.array(pixels.shape[:2]) // 2 - 112
    return 2 * pixels[top : top + 224, left : left + 224] - 1


def _shrink(pixels, axis, old, new):
    """Interpolate linearly between the centres of pixels."""
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    below = np.floor(centres).astype(int)
    above = np.minimum(below + 1, old - 1)
    share = (centres - below).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    return pixels.take(below, axis) * (1 - share) + pixels.take(above, axis) * share


@pytest.mark.parametrize("size", [512, 8192])
def test_numpy_gives_the_same(layers, transformer, images, size):
    maps = run_layers(layers, np.stack([prepare(image) for image in images]), IMAGE)
    cells = 1 if size == 512 else 4
    expected = largest_of(maps, cells, cells).reshape(len(images), -1)
    vectors = transformer.set_params(embedding_size=size).fit_transform(images)
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, 10 * cells**2)
    assert_close(vectors, expected)
    assert (vectors < 0).any()


def test_full_size():
    network = OpenL3Network("image")
    assert sum(p.numel() for p in network.parameters()) == 4_688_198
    frozen = FrozenOpenL3Image(network.eval().requires_grad_(False), 512, "cpu")
    assert frozen.widths == {"512": 512, "8192": 8192}


def test_small_images_are_refused(transformer, images, tmp_path):
    path = str(tmp_path / "small.png")
    Image.fromarray(images[2][:200]).save(path)
    X = [images[0], path]
    with pytest.raises(ImageError, match=r"Row 1 .*small\.png.*400 x 200 pixels.*224 x 224"):
        transformer.fit_transform(X)
    with pytest.warns(UserWarning, match="1 of 2 images failed"):
        vectors = transformer.set_params(on_error="nan").fit_transform(X)
    assert np.isnan(vectors).any(axis=1).tolist() == [False, True]


def test_batches_do_not_matter(transformer, images):
    vectors = transformer.fit_transform(images)
    for batch_size in (1, 2, 5):
        again = transformer.set_params(batch_size=batch_size, n_jobs=2).transform(images[::-1])
        assert_close(again[::-1], vectors)


def test_forms_of_images(transformer, images, tmp_path):
    expected = transformer.fit_transform(images)
    paths = [str(tmp_path / f"{row}.png") for row in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    pil_images = [Image.fromarray(image) for image in images]
    for X in (paths, pd.Series(paths), pd.DataFrame({"file": paths}), pil_images):
        np.testing.assert_array_equal(transformer.fit_transform(X), expected)


def test_pickle_clone_and_containers(transformer, images):
    vectors = transformer.fit_transform(images[:2])
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 4000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(images[:2]), vectors)
    assert clone(transformer).get_params() == transformer.get_params()
    transformer.set_output(transform="pandas").set_params(embedding_size=8192)
    table = transformer.transform(images[:2])
    assert list(table.columns) == [f"openl3imagetransformer{k}" for k in range(160)]


def test_memory(monkeypatch, transformer, images, tmp_path):
    transformer.set_params(memory=tmp_path)
    vectors = transformer.fit_transform(images)
    sizes = transformer.set_params(embedding_size=8192).transform(images)
    assert sizes.shape == (5, 160)
    monkeypatch.setattr(FrozenOpenL3Image, "encode_images", None)
    transformer.set_params(embedding_size=512)
    np.testing.assert_array_equal(transformer.transform(images), vectors)


def test_normalize(transformer, images):
    vectors = transformer.set_params(normalize=True).fit_transform(images)
    assert_close(np.linalg.norm(vectors, axis=1), 1, FEW)


def test_the_network_of_sound_is_refused(tmp_path):
    path = write_keras(tmp_path / "audio.h5", draw_layers())
    with pytest.raises(WeightsError, match="of sound, expected its network of images"):
        OpenL3ImageTransformer(path).fit()


def test_names_of_the_registry(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", refuse)
    with pytest.raises(WeightsError, match="'openl3-image-mel128-env' are not in the cache"):
        OpenL3ImageTransformer(input_repr="mel128", content_type="env").fit()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content_type", "speech"),
        ("input_repr", "mel64"),
        ("embedding_size", 6144),
        ("device", "openvino"),
    ],
)
def test_bad_parameters(transformer, name, value):
    with pytest.raises(ValueError, match=name):
        transformer.set_params(**{name: value}).fit()
