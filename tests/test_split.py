"""The split for validation: every class on both sides, every group on one."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skw2c import AudioCaptioner, Distiller, SupervisedAudioClassifier
from skw2c.training import Plan, find_unvalidated

RARE = np.array(["a"] * 8 + ["b"] * 8 + ["c"] * 8 + ["d"] * 8 + ["e"] * 2)
QUICK = dict(
    encoder_width=4, clip_length=0.1, batch_size=8, max_epochs=1, random_state=0, verbose=False
)


def split(classes, *, fraction=0.2, seed=0, groups=None):
    """Rows for training and for validation, given the class of each clip or an indicator."""
    if np.ndim(classes) == 1:
        classes = (np.unique(classes) == np.asarray(classes)[:, None]).astype(np.float32)
    n_samples = np.full(len(classes), 1600)
    return Plan(n_samples, 1600, 8, fraction, seed, groups=groups, classes=classes).split()


@pytest.fixture
def sounds(rng):
    return rng.normal(size=(34, 1600)).astype(np.float32)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5, 0.9])
def test_every_class_is_split_in_the_same_way(fraction):
    for seed in range(50):
        training, validation = split(RARE, fraction=fraction, seed=seed)
        assert sorted([*training, *validation]) == list(range(34))
        assert len(validation) <= round(fraction * 34)
        for name in np.unique(RARE):
            total, n_held_out = (name == RARE).sum(), (RARE[validation] == name).sum()
            assert abs(n_held_out - fraction * total) < 1 or n_held_out == total - 1
            assert n_held_out < total
    assert split(RARE)[1].tolist() == split(RARE)[1].tolist()
    assert split(RARE, seed=1)[1].tolist() != split(RARE, seed=2)[1].tolist()


def test_which_of_many_classes_are_heard_is_drawn():
    classes = np.repeat(np.arange(50), 8)
    heard = [set(classes[split(classes, fraction=0.1, seed=seed)[1]]) for seed in range(20)]
    assert {len(names) for names in heard} == {40}
    assert set.union(*heard) == set(range(50))


@pytest.mark.parametrize("seed", range(10))
def test_groups_stay_together(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(30, size=300)
    classes = np.where(rng.random(300) < 0.8, groups % 5, rng.integers(5, size=300))
    training, validation = split(classes, groups=groups, seed=seed)
    assert not set(groups[training]) & set(groups[validation])
    assert set(classes[training]) == set(classes[validation]) == set(range(5))
    assert 0.1 < len(validation) / 300 < 0.3


@pytest.mark.parametrize("seed", range(10))
def test_many_classes_of_a_clip(seed):
    rng = np.random.default_rng(seed)
    targets = (rng.random((200, 12)) < np.linspace(0.02, 0.5, 12)).astype(np.float32)
    training, validation = split(targets, seed=seed)
    assert (targets[training].sum(axis=0) > 0).all()
    assert 0.1 < len(validation) / 200 < 0.35
    many = targets.sum(axis=0) >= 20
    shares = targets[validation].sum(axis=0) / targets.sum(axis=0)
    assert (abs(shares - 0.2)[many] < 0.15).all()


def test_what_validation_lacks():
    classes = np.array([[1, 0, 0]] * 10 + [[0, 1, 0]] + [[0, 0, 1]] * 2)
    held_out = np.arange(13) < 2
    assert find_unvalidated(classes, held_out, 0.2).tolist() == [1]
    assert find_unvalidated(classes, ~held_out, 0.2).tolist() == []


def test_a_rare_class_is_trained_on(sounds):
    """A class all of whose clips were held out would never be predicted."""
    seen = []
    for seed in range(5):
        trainer = SupervisedAudioClassifier(**{**QUICK, "random_state": seed})
        trainer.set_params(validation_fraction=0.3)
        _, targets = np.unique(RARE, return_inverse=True)
        clips = [np.full(1600, level / 10, np.float32) for level in targets]

        def watch(waveforms, generator):
            seen.append(set(np.unique(np.round(10 * waveforms.numpy()).astype(int)).tolist()))
            return waveforms

        trainer.set_params(augment=watch, batch_size=40)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="batch_size=")
            trainer.fit(clips, RARE)
    assert all(levels == {0, 1, 2, 3, 4} for levels in seen)


def test_a_class_that_cannot_be_split_is_named(sounds):
    y = RARE.copy()
    y[-1] = "d"
    trainer = SupervisedAudioClassifier(**QUICK)
    with pytest.warns(UserWarning, match="validation set has no clip of 'e': there is a single"):
        trainer.fit(sounds, y)
    with pytest.warns(UserWarning, match="validation_fraction=0.1 of 2 groups leaves none"):
        trainer.fit(sounds, RARE, groups=[0, 1] * 17)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.set_params(validation_fraction=0).fit(sounds, y)
        trainer.set_params(validation_fraction=0.2).fit(sounds, RARE)


@pytest.mark.parametrize("form", [list, np.array, pd.Series])
def test_groups_of_trainers(sounds, form, monkeypatch):
    groups = form([f"recording {row // 4}" for row in range(34)])
    targets = np.random.default_rng(0).normal(size=(34, 4))
    distiller = Distiller(**QUICK, validation_fraction=0.3)
    folds = []
    split_as_before = Plan.split

    def note(plan):
        folds.append(split_as_before(plan))
        return folds[-1]

    monkeypatch.setattr(Plan, "split", note)
    distiller.fit(sounds, targets, groups=groups)
    SupervisedAudioClassifier(**QUICK, validation_fraction=0.3).fit(
        sounds, ["a", "b"] * 17, groups=groups
    )
    names = np.array([row // 4 for row in range(34)])
    assert folds
    for training, validation in folds:
        assert len(validation) > 4
        assert not set(names[training]) & set(names[validation])


def test_groups_of_a_captioner():
    frames = np.repeat(np.eye(2), 20, axis=0)[:, None]
    groups = np.arange(40) // 5
    captioner = AudioCaptioner("passthrough")
    for seed in range(20):
        held_out = captioner.set_params(validation_fraction=0.3)._draw_validation(groups, seed)
        assert held_out.sum() == 10
        assert not set(groups[held_out]) & set(groups[~held_out])
    small = dict(d_model=8, n_heads=2, dim_feedforward=8, max_epochs=1, random_state=0)
    captioner.set_params(**small).fit(frames, ["a dog"] * 40, groups=groups)
    with pytest.raises(ValueError, match="groups has 39 rows for 40 clips"):
        captioner.fit(frames, ["a dog"] * 40, groups=groups[1:])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_groups(sounds, missing):
    groups = ["a"] * 33 + [missing]
    with pytest.raises(ValueError, match="groups has a missing value at row 33"):
        SupervisedAudioClassifier(**QUICK).fit(sounds, RARE, groups=groups)


def test_a_run_of_another_split_is_not_resumed(sounds, tmp_path):
    trainer = SupervisedAudioClassifier(**QUICK, checkpoint_dir=tmp_path).fit(sounds, RARE)
    with pytest.raises(ValueError, match="Different: split "):
        trainer.fit(sounds, RARE, groups=np.arange(34) // 2)
    trainer.fit(sounds, RARE)
