"""The small world: trained once, kept, gone on with, and good for examples and benchmarks."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from skw2c import CLIPTextEncoder, Wav2CLIPTransformer, make_small_world
from skw2c.datasets import SOUND_KINDS, make_audiovisual_events
from skw2c.distillation._small_world import _find_folder

pytest.importorskip("open_clip")


def test_world(tiny_world, capsys):
    assert set(tiny_world.kinds) | set(tiny_world.left_out) == set(SOUND_KINDS)
    assert tiny_world.left_out == ("pluck", "bark")
    words = CLIPTextEncoder(tiny_world.clip).fit_transform(["a bell", "rain"])
    sounds = Wav2CLIPTransformer(tiny_world.encoder).fit_transform([np.ones(8000)])
    assert words.shape[1] == sounds.shape[1] == 64
    assert list(tiny_world.history["epoch"]) == [1, 2]


def test_it_is_kept(tiny_world, tiny_world_parameters, monkeypatch):
    monkeypatch.setattr("skw2c.distillation._small_world._train", None)
    again = make_small_world(**tiny_world_parameters)
    assert again.encoder == tiny_world.encoder
    pd.testing.assert_frame_equal(again.history, tiny_world.history)


def test_interrupted_run_goes_on(tiny_world, tiny_world_parameters, monkeypatch, tmp_path):
    """After an interruption in the middle of the distillation, nothing is trained twice."""
    parameters = {**tiny_world_parameters, "folder": tmp_path}
    made_once = cache(make_audiovisual_events)  # each call draws the same clips
    monkeypatch.setattr("skw2c.distillation._small_world.make_audiovisual_events", made_once)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("skw2c.training.Progress.epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_small_world(**parameters)
    monkeypatch.setattr("skw2c.datasets._small_clip.train_contrastively", None)
    world = make_small_world(**parameters)
    sounds = [np.random.default_rng(0).normal(size=8000)]
    vectors = [Wav2CLIPTransformer(w.encoder).fit_transform(sounds) for w in (world, tiny_world)]
    np.testing.assert_array_equal(*vectors)


def test_other_parameters_have_another_folder(tmp_path):
    folders = {
        _find_folder(tmp_path, {"random_state": seed, "n_clips": n})
        for seed in (0, 1)
        for n in (1, 2)
    }
    assert len(folders) == 4
    with pytest.raises(ValueError, match=r"left_out=\('gong',\) must be among bell"):
        make_small_world(left_out=["gong"], folder=tmp_path)
    assert not list(tmp_path.iterdir())
