"""Generated sounds are seeded, labelled, varied and told apart."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c.datasets import SOUND_KINDS, make_sound_events


@pytest.fixture(scope="module")
def sounds():
    return make_sound_events(120, random_state=0)


def test_form(sounds):
    assert len(SOUND_KINDS) == 12
    assert sounds.target_names.tolist() == list(SOUND_KINDS)
    assert np.bincount(sounds.target).tolist() == [10] * 12
    for waveform in sounds.data:
        assert waveform.shape == (80000,)
        assert waveform.dtype == np.float32
        assert 0.05 < np.abs(waveform).max() <= 1


def test_seed(sounds):
    same = make_sound_events(12, random_state=0)
    for a, b in zip(same.data, sounds.data, strict=False):
        np.testing.assert_array_equal(a, b)
    other = make_sound_events(12, random_state=1)
    assert not np.array_equal(other.data[0], same.data[0])


def test_return_X_y(sounds):  # noqa: N802
    X, y = make_sound_events(12, return_X_y=True, random_state=0)
    np.testing.assert_array_equal(X[3], sounds.data[3])
    assert y.tolist() == sounds.target[:12].tolist()


def test_events_lie_where_the_sound_is():
    sounds = make_sound_events(60, snr=40.0, random_state=0)
    assert set(sounds.events["row"]) == set(range(60))
    for row, events in sounds.events.groupby("row"):
        assert (events["label"] == sounds.target_names[sounds.target[row]]).all()
        assert events["onset"].is_monotonic_increasing
        assert (events["onset"].to_numpy()[1:] >= events["offset"].to_numpy()[:-1]).all()
        inside = np.zeros(80000, bool)
        for onset, offset in zip(events["onset"], events["offset"], strict=True):
            inside[round(onset * 16000) : round(offset * 16000)] = True
        power = sounds.data[row].astype(float) ** 2
        if not inside.all():
            assert power[inside].mean() > 30 * power[~inside].mean()


def test_kinds_differ_and_vary(sounds):
    """A simple spectrum tells the kinds apart, though not without error."""
    spectra = [np.abs(np.fft.rfft(x.reshape(-1, 1000), axis=1)) for x in sounds.data]
    features = np.array([np.log(s.std(0) + s.mean(0))[::4] for s in spectra])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    accuracy = cross_val_score(pipeline, features, sounds.target, cv=5).mean()
    assert 0.5 < accuracy < 0.99


def test_options():
    sounds = make_sound_events(
        6, kinds=["rain", "bell"], duration=(1.0, 2.0), sampling_rate=8000, random_state=0
    )
    assert sounds.target.tolist() == [0, 1] * 3
    assert all(8000 <= len(x) <= 16000 for x in sounds.data)
    assert len({len(x) for x in sounds.data}) > 1
    assert sounds.events["offset"].max() <= 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kinds": ["rain", "snow"]}, "kinds=.*'snow'.*bell"),
        ({"kinds": []}, "kinds"),
        ({"n_clips": 0}, "n_clips=0"),
        ({"duration": 0.1}, "duration=0.1"),
        ({"duration": (3, 2)}, "duration"),
        ({"sampling_rate": 4000}, "sampling_rate=4000"),
    ],
)
def test_bad_options(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_sound_events(**parameters)
