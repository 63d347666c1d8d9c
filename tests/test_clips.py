"""The mirror suite: scikit-learn's laws in the forms that real clips come in.

`test_common.py` only ever passes tables of numbers. Here the same laws are checked for
paths, ragged lists, Series, DataFrames and tensors.
"""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer
from skw2c.models._convolution import _has_onednn_operations

from .processes import run_python
from .tolerances import assert_close

FORMS = {
    "list of str": lambda paths, waveforms: paths,
    "tuple of Path": lambda paths, waveforms: tuple(map(Path, paths)),
    "Series": lambda paths, waveforms: pd.Series(paths),
    "Series of objects": lambda paths, waveforms: pd.Series(list(map(Path, paths))),
    "DataFrame": lambda paths, waveforms: pd.DataFrame({"file": paths}),
    "polars Series": lambda paths, waveforms: pl.Series(paths),
    "polars DataFrame": lambda paths, waveforms: pl.DataFrame({"file": paths}),
    "string array": lambda paths, waveforms: np.array(paths),
    "StringDType array": lambda paths, waveforms: np.array(paths, np.dtypes.StringDType()),
    "object array": lambda paths, waveforms: np.array(paths, dtype=object),
    "column of an array": lambda paths, waveforms: np.array(paths, dtype=object)[:, None],
    "ragged list": lambda paths, waveforms: waveforms,
    "ragged object array": lambda paths, waveforms: as_object_array(waveforms),
    "Series of arrays": lambda paths, waveforms: pd.Series(waveforms),
    "list of tensors": lambda paths, waveforms: list(map(torch.from_numpy, waveforms)),
    "paths and arrays": lambda paths, waveforms: [*paths[:3], *waveforms[3:]],
}


def as_object_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


@pytest.fixture
def transformer(tiny_checkpoint):
    return Wav2CLIPTransformer(tiny_checkpoint)


@pytest.fixture
def expected(transformer, waveforms):
    return np.concatenate([transformer.fit([x]).transform([x]) for x in waveforms])


@pytest.fixture(params=FORMS, ids=lambda name: name.replace(" ", "-"))
def clips(request, wav_files, waveforms):
    return FORMS[request.param](wav_files, waveforms)


def test_every_form_gives_the_same_table(clips, transformer, expected):
    vectors = transformer.fit_transform(clips)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 16)
    assert_close(vectors, expected)


def test_fit_returns_self_and_writes_nothing_public(clips, transformer):
    assert transformer.fit(clips) is transformer
    named = {name for name in vars(transformer) if not name.startswith("_")}
    learned = named - set(transformer.get_params())
    assert learned <= {"weights_", "n_features_in_", "feature_names_in_"}


def test_transform_leaves_the_estimator_unchanged(clips, transformer):
    transformer.fit(clips)
    before = dict(vars(transformer))
    transformer.transform(clips)
    assert vars(transformer) == before


def test_clone_and_pickle(clips, transformer, expected):
    transformer.fit(clips)
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 4000
    np.testing.assert_array_equal(
        pickle.loads(pickled).transform(clips), transformer.transform(clips)
    )
    with pytest.raises(NotFittedError):
        clone(transformer).transform(clips)


def test_fit_is_idempotent(clips, transformer):
    first = transformer.fit(clips).transform(clips)
    np.testing.assert_array_equal(transformer.fit(clips).transform(clips), first)
    np.testing.assert_array_equal(transformer.fit_transform(clips), first)


def test_unfitted(clips, transformer):
    with pytest.raises(NotFittedError):
        transformer.transform(clips)


def test_subset_and_order(transformer, wav_files, expected):
    transformer.fit(wav_files)
    order = [4, 0, 5, 2]
    assert_close(transformer.transform([wav_files[row] for row in order]), expected[order])


def test_number_of_clips_may_change(transformer, wav_files, waveforms):
    transformer.fit(wav_files)
    assert transformer.transform(waveforms[:2]).shape == (2, 16)


def test_table_after_clips_and_clips_after_table(transformer, waveforms):
    table = np.stack([waveforms[0], waveforms[2]])
    assert_close(transformer.fit(table).transform([waveforms[0]]), transformer.transform(table)[:1])
    with pytest.raises(ValueError, match="expecting 16000 features"):
        transformer.transform(table[:, :100])


def test_table_and_tensor_are_rows_of_clips(transformer, waveforms, expected):
    table = np.stack([waveforms[0], waveforms[2]])
    for X in (table, table.tolist(), torch.from_numpy(table), pd.DataFrame(table)):
        assert_close(transformer.fit_transform(X), expected[[0, 2]])
    # Not contiguous, with a gradient.
    tensor = torch.from_numpy(table.T.copy()).requires_grad_().T
    assert_close(transformer.fit_transform(tensor), expected[[0, 2]])


def test_feature_names_out(transformer, wav_files):
    names = transformer.fit(wav_files).get_feature_names_out()
    assert names.tolist() == [f"wav2cliptransformer{k}" for k in range(16)]
    assert len(transformer.set_params(output="encoder").fit([""]).get_feature_names_out()) == 32


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(transformer, wav_files, expected, container):
    table = transformer.set_output(transform=container).fit_transform(wav_files)
    assert table.shape == (6, 16)
    assert list(table.columns) == transformer.get_feature_names_out().tolist()
    assert_close(table.to_numpy(), expected)


def test_set_output_keeps_the_index_of_a_series(transformer, wav_files):
    series = pd.Series(wav_files, index=list("uvwxyz"))
    table = transformer.set_output(transform="pandas").fit_transform(series)
    assert table.index.tolist() == list("uvwxyz")
    assert (table.dtypes == np.float32).all()


def test_frames_fit_no_dataframe(transformer, wav_files):
    transformer.set_params(mode="frame").fit(wav_files)
    with (
        config_context(transform_output="pandas"),
        pytest.raises(ValueError, match="transform='default'"),
    ):
        transformer.transform(wav_files)
    with pytest.raises(ValueError, match="'polars'"):
        transformer.set_output(transform="polars").transform(wav_files)


def test_one_column_dataframe_has_a_feature_name(transformer, wav_files):
    transformer.fit(pd.DataFrame({"file": wav_files}))
    assert transformer.feature_names_in_.tolist() == ["file"]
    assert transformer.n_features_in_ == 1
    with pytest.raises(ValueError, match="feature names should match"):
        transformer.transform(pd.DataFrame({"path": wav_files}))


def test_pipeline(tiny_checkpoint, wav_files):
    labels = ["a", "b"] * 3
    pipeline = make_pipeline(
        Wav2CLIPTransformer(tiny_checkpoint), StandardScaler(), LogisticRegression()
    )
    assert pipeline.fit(wav_files, labels).predict(wav_files).shape == (6,)
    copy = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(copy.predict_proba(wav_files), pipeline.predict_proba(wav_files))


@pytest.mark.parametrize("column", ["file", ["file"]], ids=["Series", "DataFrame"])
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_column_transformer(transformer, wav_files, expected, column, frame):
    X = frame({"file": wav_files, "year": range(6)})
    columns = ColumnTransformer([("sound", transformer, column)], remainder="passthrough")
    vectors = columns.fit_transform(X)
    assert_close(vectors[:, :16], expected)
    assert columns.get_feature_names_out()[-1] == "remainder__year"


def test_feature_union(tiny_checkpoint, wav_files):
    union = FeatureUnion(
        [
            (name, Wav2CLIPTransformer(tiny_checkpoint, output=name))
            for name in ("embedding", "encoder")
        ]
    )
    assert union.fit_transform(wav_files).shape == (6, 48)


def test_cross_validation_in_two_processes(tiny_checkpoint, wav_files):
    pipeline = make_pipeline(Wav2CLIPTransformer(tiny_checkpoint), LogisticRegression())
    labels = [0, 1] * 3
    np.testing.assert_array_equal(
        cross_val_score(pipeline, wav_files, labels, cv=2, n_jobs=2),
        cross_val_score(pipeline, wav_files, labels, cv=2),
    )


def test_grid_search(tiny_checkpoint, wav_files):
    pipeline = make_pipeline(Wav2CLIPTransformer(tiny_checkpoint), LogisticRegression())
    grid = {"wav2cliptransformer__output": ["embedding", "encoder"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(wav_files, [0, 1] * 3)
    assert len(search.cv_results_["params"]) == 2


def test_html_repr_shows_the_parameters(transformer):
    assert "frame_length" in transformer._repr_html_()


@pytest.mark.parametrize("empty", [[], (), np.array([], dtype=object), pd.Series([], dtype=str)])
def test_empty(transformer, empty):
    with pytest.raises(ValueError, match="X is empty"):
        transformer.fit(empty)


def test_single_path(transformer, wav_files):
    for X in (wav_files[0], Path(wav_files[0])):
        with pytest.raises(TypeError, match=r"single path.*pass a list, \["):
            transformer.fit(X)


@pytest.mark.parametrize(
    "missing",
    [[None], [None, float("nan")], pd.Series([None]), pd.Series([pd.NA], dtype="string")],
)
def test_nothing_but_missing_values_is_a_collection_of_clips(transformer, wav_files, missing):
    transformer.set_params(on_error="nan").fit(wav_files)
    with pytest.warns(UserWarning, match="clips failed"):
        vectors = transformer.transform(missing)
    assert vectors.shape == (len(missing), 16)


def test_fit_forgets_the_columns_of_a_former_fit(transformer, wav_files, waveforms):
    table = np.stack([waveforms[0], waveforms[2]])
    transformer.fit(table).fit(wav_files)
    assert transformer.transform(table[:, :8000]).shape == (2, 16)
    transformer.fit(pd.DataFrame({"file": wav_files})).fit(wav_files)
    assert transformer.transform(pd.DataFrame({"path": wav_files})).shape == (6, 16)


def test_parameters_changed_after_fit(transformer, wav_files):
    transformer.fit(wav_files)
    with pytest.raises(ValueError, match="mode"):
        transformer.set_params(mode="frames").transform(wav_files)
    transformer.set_params(mode="clip", output="encoder").set_output(transform="pandas")
    assert transformer.transform(wav_files).shape == (6, 32)
    assert len(transformer.get_feature_names_out()) == 32


def test_default_dtype_of_torch_does_not_matter(tmp_path, waveforms, tiny_checkpoint):
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(waveforms)
    code = (
        "import sys, torch, numpy as np; torch.set_default_dtype(torch.float64)\n"
        "from skw2c import Wav2CLIPTransformer as T\n"
        "np.save('v.npy', T(sys.argv[1]).fit_transform(list(np.load('w.npz').values())))\n"
        "T(None).fit_transform([np.ones(900)])"
    )
    np.savez(tmp_path / "w.npz", *waveforms)
    run_python("-c", code, tiny_checkpoint, cwd=tmp_path)
    assert_close(np.load(tmp_path / "v.npy"), expected)


def test_generator(transformer, wav_files):
    with pytest.raises(TypeError, match=r"pass list\(X\)"):
        transformer.fit(path for path in wav_files)


def test_one_waveform_alone(transformer, waveforms):
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        transformer.fit(waveforms[0])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_two_columns_of_text(transformer, wav_files, frame):
    with pytest.raises(ValueError, match="the clips, for example with X\\['file'\\]"):
        transformer.fit(frame({"file": wav_files, "label": ["a"] * 6}))
    with pytest.raises(ValueError, match="select it"):
        transformer.fit(np.array([wav_files, wav_files]).T)


def test_random_state(waveforms):
    X = waveforms[3:4]
    same = [Wav2CLIPTransformer(None, random_state=7).fit_transform(X) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    other = Wav2CLIPTransformer(None, random_state=8).fit_transform(X)
    assert np.abs(other - same[0]).max() > 1e-3
    fitted = Wav2CLIPTransformer(None).fit(X)
    np.testing.assert_array_equal(fitted.transform(X), fitted.transform(X))


def test_random_weights_leave_torch_alone():
    _has_onednn_operations.cache_clear()  # it is tried out at the first network of a process
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    Wav2CLIPTransformer(None, random_state=123).fit([""])
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "clips"),
        ("output", "image"),
        ("tail", "keep"),
        ("on_error", "ignore"),
        ("batch_size", 0),
        ("frame_length", 0.0),
        ("frame_length", 0.01),
        ("hop_length", 1e-6),
        ("sampling_rate", 0),
        ("device", "abacus"),
        ("weights", 3),
        ("n_jobs", 0),
    ],
)
def test_bad_parameters(tiny_checkpoint, waveforms, name, value):
    transformer = Wav2CLIPTransformer(tiny_checkpoint).set_params(**{name: value})
    with pytest.raises(ValueError, match=name):
        transformer.fit_transform(waveforms)
