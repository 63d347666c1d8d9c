"""The small VQGAN: trained, cached, and better than a flat image."""

from pathlib import Path

import numpy as np
import pytest
import torch

from skw2c.datasets import train_small_vqgan
from skw2c.models.vqgan import get_frozen_vqgan
from skw2c.weights import refer_to


@pytest.fixture(scope="module")
def images():
    """Dark discs on light grounds."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:8, :8][..., None]
    row, column = rng.uniform(2, 6, (2, 96, 1, 1, 1))
    near = (y - row) ** 2 + (x - column) ** 2 < 5
    grounds = rng.integers(120, 255, (96, 1, 1, 3))
    return np.where(near, grounds // 3, grounds).astype(np.uint8)


def restore(file, images):
    vqgan = get_frozen_vqgan(refer_to(file, "vqgan"), "cpu")
    return np.stack([vqgan.show(vqgan.encode(image)) for image in images])


def test_it_learns_and_is_cached(images, tmp_path, monkeypatch):
    train, new = images[:64], images[64:]
    state = torch.random.get_rng_state()
    file = train_small_vqgan(train, folder=tmp_path, max_epochs=80, batch_size=16, verbose=False)
    assert torch.equal(torch.random.get_rng_state(), state)
    error = np.abs(restore(file, new).astype(float) - new).mean()
    flat = np.abs(new.mean(axis=(1, 2), keepdims=True) - new).mean()
    assert error < 0.75 * flat
    monkeypatch.setattr("skw2c.datasets._small_vqgan.train_to_reconstruct", None)
    again = train_small_vqgan(train, folder=tmp_path, max_epochs=80, batch_size=16)
    assert again == file


def test_seed_and_cache(images, tmp_path, monkeypatch):
    def train(seed, folder):
        return train_small_vqgan(
            images[:8],
            folder=folder,
            max_epochs=1,
            batch_size=4,
            random_state=seed,
            verbose=False,
        )

    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "cache"))
    one, same, other = train(1, tmp_path / "a"), train(1, None), train(2, None)
    assert Path(same).parent == tmp_path / "cache"
    assert Path(one).read_bytes() == Path(same).read_bytes()
    assert Path(one).name != Path(other).name


def test_wrong_arguments(images):
    for wrong, message in (
        (images[:, :7], r"multiples of 4"),
        (images[0], r"n_images, height, width, 3"),
        (images / 255, "uint8 from 0 to 255"),
        (images[:0], "got 0 images"),
    ):
        with pytest.raises(ValueError, match=message):
            train_small_vqgan(wrong)
    with pytest.raises(ValueError, match="max_epochs"):
        train_small_vqgan(images, max_epochs=0)
