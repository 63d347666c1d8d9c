"""The small CLIP: trained, cached, and read like any CLIP."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from skw2c import CLIPImageEncoder, CLIPTextEncoder
from skw2c.datasets import make_audiovisual_events, pair_frames, train_small_clip

from .tolerances import assert_close

open_clip = pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def pairs():
    kinds = ["bell", "engine"]
    clips = make_audiovisual_events(24, kinds=kinds, duration=1.0, random_state=0)
    return pair_frames(clips, random_state=0)


@pytest.fixture(scope="module")
def folder(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "clip"
    return train_small_clip(
        pairs.images, pairs.captions, folder=folder, max_epochs=1, verbose=False
    )


def again(pairs, folder, **changes):
    parameters = dict(folder=folder, max_epochs=1, verbose=False)
    return train_small_clip(pairs.images, pairs.captions, **{**parameters, **changes})


def test_encoders_give_the_vectors_of_the_model(pairs, folder):
    model, _, _ = open_clip.create_model_and_transforms(
        f"local-dir:{folder}", device="cpu", precision="fp32"
    )
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.no_grad():
        texts = model.eval().encode_text(tokenizer(pairs.captions[:4])).numpy()
        pixels = torch.from_numpy(pairs.images[:4]).permute(0, 3, 1, 2) / 255
        images = model.encode_image((pixels - 0.5) / 0.25).numpy()
    ours = CLIPTextEncoder(folder).fit_transform(pairs.captions[:4])
    assert_close(ours, texts)
    ours = CLIPImageEncoder(folder).fit_transform(list(pairs.images[:4]))
    assert_close(ours, images)
    assert ours.shape == (4, 64)


def test_it_is_trained_once(pairs, folder, monkeypatch):
    monkeypatch.setattr("skw2c.datasets._small_clip.train_contrastively", None)
    assert again(pairs, folder) == folder
    with pytest.raises(ValueError, match=r"trained on other data.*another folder"):
        again(pairs, folder, random_state=1)


def test_cache_and_seed(pairs, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    state = torch.random.get_rng_state()
    cached = again(pairs, None)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert Path(cached).is_relative_to(tmp_path)
    names = ("open_clip_model.safetensors", "open_clip_config.json")
    for name in names:
        assert (Path(cached) / name).read_bytes() == (Path(folder) / name).read_bytes()
    assert again(pairs, None, random_state=1) != cached


def test_an_interrupted_training_leaves_no_model(pairs, folder, tmp_path, monkeypatch):
    """The configuration comes last, so that an interrupted call does not leave a broken model."""

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("skw2c.datasets._small_clip.write_atomically", interrupt)
        with pytest.raises(KeyboardInterrupt):
            again(pairs, tmp_path / "half")
    assert not (tmp_path / "half" / "open_clip_config.json").exists()
    done = Path(again(pairs, tmp_path / "half"))
    own = json.loads((done / "open_clip_config.json").read_text())
    assert own == json.loads((Path(folder) / "open_clip_config.json").read_text())


def test_wrong_arguments(pairs):
    for images, captions, message in (
        (pairs.images[:, :40], pairs.captions, r"size, size, 3"),
        (pairs.images / 255, pairs.captions, "uint8 from 0 to 255"),
        (pairs.images[:3], pairs.captions[:2], "3 images and 2 captions"),
        (pairs.images[:2], ["a", None], r"captions\[1\] is None"),
    ):
        with pytest.raises(ValueError, match=message):
            train_small_clip(images, captions)


def test_it_learns_what_captions_say(tmp_path, rng):
    """Light above or below, in noise, described by captions in new images; chance is 0.5."""
    things, kinds = ["light above", "light below"], np.arange(200) % 2
    images = rng.integers(0, 120, (200, 48, 48, 3))
    for image, kind in zip(images, kinds, strict=True):
        image[24 * kind : 24 * kind + 24] += 100
    images = images.astype(np.uint8)
    captions = [f"{things[kind]}, number {rng.integers(20)}" for kind in kinds[:160]]
    folder = train_small_clip(
        images[:160], captions, folder=tmp_path, max_epochs=4, batch_size=16, verbose=False
    )
    texts = CLIPTextEncoder(folder, normalize=True).fit_transform(things)
    seen = CLIPImageEncoder(folder).fit_transform(list(images[160:]))
    assert np.mean((seen @ texts.T).argmax(axis=1) == kinds[160:]) > 0.9
