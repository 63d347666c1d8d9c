"""Generated clips with pictures and words: aligned, seeded, varied, and not too easy."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c.datasets import (
    SOUND_KINDS,
    make_audiovisual_events,
    make_sound_events,
    pair_frames,
)
from skw2c.datasets._appearance import COLOURS


@pytest.fixture(scope="module")
def clips():
    return make_audiovisual_events(120, random_state=0)


def test_form(clips):
    assert clips.target_names.tolist() == list(SOUND_KINDS)
    assert np.bincount(clips.target).tolist() == [10] * 12
    lengths = {len(value) for name, value in clips.items() if isinstance(value, (list, np.ndarray))}
    assert lengths == {120, len(SOUND_KINDS), len(clips.scene_names)}
    assert set(clips.scene) == set(range(len(clips.scene_names)))
    for waveform, frames, visible in zip(clips.data, clips.frames, clips.visible, strict=True):
        assert waveform.shape == (80000,)
        assert waveform.dtype == np.float32
        assert 0.01 < np.abs(waveform).max() <= 1
        assert frames.shape == (20, 48, 48, 3)
        assert frames.dtype == np.uint8
        assert visible.shape == (20,)


def test_seed(clips):
    same = make_audiovisual_events(13, random_state=0)
    for name in ("data", "frames", "visible"):
        for a, b in zip(same[name], clips[name], strict=False):
            np.testing.assert_array_equal(a, b)
    assert same.captions == clips.captions[:13]
    assert same.scene.tolist() == clips.scene[:13].tolist()
    other = make_audiovisual_events(1, random_state=1)
    assert not np.array_equal(other.data[0], same.data[0])
    assert not np.array_equal(other.frames[0], same.frames[0])


def test_folds_and_splits_hold_all_kinds(clips):
    for fold in range(1, 6):
        assert np.bincount(clips.target[clips.fold == fold]).tolist() == [2] * 12
    for name, count in (("train", 7), ("validation", 1), ("test", 2)):
        assert np.bincount(clips.target[clips.split == name]).tolist() == [count] * 12


def test_a_frame_shows_what_sounds_while_it_is_shown(clips):
    for row, events in clips.events.groupby("row"):
        assert (events["label"] == clips.target_names[clips.target[row]]).all()
        starts = np.arange(20) / clips.frame_rate
        sounds = [
            ((events["onset"] < start + 0.25) & (events["offset"] > start)).any()
            for start in starts
        ]
        assert clips.visible[row].tolist() == sounds


def test_the_thing_is_seen_in_visible_frames_alone(clips):
    """Frames without it differ by the camera's grain only."""
    n_seen = 0
    for frames, visible in zip(clips.frames, clips.visible, strict=True):
        if visible.all() or (~visible).sum() < 2:
            continue
        empty = frames[~visible].astype(float)
        assert np.abs(empty - empty[0]).max() < 45
        changed = np.abs(frames[visible].astype(float) - empty.mean(axis=0)).max(axis=3) > 45
        n_seen += (changed.mean(axis=(1, 2)) > 0.02).all()
    assert n_seen > 60


def test_the_thing_moves():
    """Most drawings look different a quarter of a second later."""
    clips = make_audiovisual_events(12, random_state=0)
    for label, frames, visible in zip(clips.target_names, clips.frames, clips.visible, strict=True):
        seen = frames[visible].astype(float)
        assert np.abs(seen[1:] - seen[:-1]).max() > 60, label


def test_captions_name_kind_scene_and_colour(clips):
    for row, caption in enumerate(clips.captions):
        kind = str(clips.target_names[clips.target[row]])
        assert kind in caption
        others = set(clips.scene_names) - {clips.scene_names[clips.scene[row]]}
        assert not any(scene in caption for scene in others)
    scenes = clips.scene_names[clips.scene]
    told = np.mean([name in text for name, text in zip(scenes, clips.captions, strict=True)])
    assert 0.2 < told < 0.8
    assert 0.1 < np.mean([bool(set(COLOURS) & set(text.split())) for text in clips.captions]) < 0.6
    assert len(set(clips.captions)) > 80


def score(features, target, fold):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    return cross_val_score(pipeline, features, target, cv=PredefinedSplit(fold)).mean()


def test_pixels_and_colours_do_not_tell_the_kind(clips):
    thumbs = [
        frames[visible].mean(0).reshape(12, 4, 12, 4, 3).mean((1, 3)).ravel()
        for frames, visible in zip(clips.frames, clips.visible, strict=True)
    ]
    colours = [
        frames[visible].mean((0, 1, 2))
        for frames, visible in zip(clips.frames, clips.visible, strict=True)
    ]
    assert score(np.array(thumbs), clips.target, clips.fold) < 0.5
    assert score(np.array(colours), clips.target, clips.fold) < 0.25


def spectra_of(sounds):
    spectra = [np.abs(np.fft.rfft(x.reshape(-1, 1000), axis=1)) for x in sounds.data]
    return np.array([np.log(s.std(0) + s.mean(0) + 1e-9)[::4] for s in spectra])


def test_sounds_are_harder_than_those_of_make_sound_events(clips):
    """But a simple spectrum tells something of the kind; chance is 1 / 12."""
    hard = score(spectra_of(clips), clips.target, clips.fold)
    plain = make_sound_events(120, random_state=0)
    assert 0.2 < hard < score(spectra_of(plain), plain.target, clips.fold) - 0.1


def test_scene_is_heard_and_seen():
    clips = make_audiovisual_events(120, snr=-40.0, random_state=0)
    assert score(spectra_of(clips), clips.scene, clips.fold) > 0.7
    colours = np.array([frames.mean((0, 2)).ravel() for frames in clips.frames])
    assert score(colours, clips.scene, clips.fold) > 0.7


def test_options():
    clips = make_audiovisual_events(
        6,
        kinds=["wind", "bell"],
        duration=(1.0, 2.0),
        sampling_rate=8000,
        frame_rate=10,
        image_size=32,
        random_state=0,
    )
    assert clips.target.tolist() == [0, 1] * 3
    assert clips.events["label"].isin(["wind", "bell"]).all()
    assert clips.frame_rate == 10
    assert len({len(x) for x in clips.data}) > 1
    for waveform, frames in zip(clips.data, clips.frames, strict=True):
        assert 8000 <= len(waveform) <= 16000
        assert frames.shape == (np.ceil(len(waveform) / 800), 32, 32, 3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kinds": ["rain", "snow"]}, "kinds=.*'snow'.*bell"),
        ({"n_clips": 0}, "n_clips=0"),
        ({"duration": 0.1}, "duration=0.1"),
        ({"snr": (3, 2)}, "snr"),
        ({"sampling_rate": 4000}, "sampling_rate=4000"),
        ({"frame_rate": 0}, "frame_rate=0"),
        ({"image_size": 8}, "image_size=8"),
    ],
)
def test_bad_options(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_audiovisual_events(**parameters)


def test_pairs(clips):
    pairs = pair_frames(clips, n_visible=2, n_empty=1.0, random_state=0)
    assert len(pairs.images) == len(pairs.captions) == len(pairs.row) == len(pairs.visible)
    assert np.bincount(pairs.row[pairs.visible], minlength=120).max() == 2
    for picture, caption, row, visible in zip(
        pairs.images, pairs.captions, pairs.row, pairs.visible, strict=True
    ):
        frames = clips.frames[row][clips.visible[row] == visible]
        assert (frames == picture).all(axis=(1, 2, 3)).any()
        if visible:
            assert caption == clips.captions[row]
        else:
            own = clips.scene_names[clips.scene[row]]
            assert own in caption or "background" in caption
            assert any(word in caption for word in ("empty", "nothing", "silence", "background"))


def test_pairs_of_some_clips(clips):
    few = pair_frames(clips, [5, 7], n_visible=1, n_empty=0, random_state=0)
    assert few.row.tolist() == [5, 7]
    assert few.visible.all()
    same = pair_frames(clips, n_visible=1, n_empty=0, random_state=0)
    np.testing.assert_array_equal(few.images, same.images[[5, 7]])
    with pytest.raises(ValueError, match="no frames to take from 1 clips"):
        pair_frames(clips, [0], n_visible=0, n_empty=0)
    with pytest.raises(ValueError, match="n_visible=-1"):
        pair_frames(clips, n_visible=-1)
