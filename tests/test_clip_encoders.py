"""Texts, images and videos: open_clip's own vectors, and the manners of a transformer.

scikit-learn's suite feeds tables of numbers, which are none of these, and passes them over
with a word. Here the same laws are checked in the forms that these encoders take.
"""

import pickle
import warnings
from pathlib import Path

import numpy as np
import open_clip
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import CLIPImageEncoder, CLIPTextEncoder, CLIPVideoEncoder
from skw2c.exceptions import FailedRowWarning, ImageError, TextError, VideoError
from skw2c.models import get_frozen_clip

from .test_images import write_video
from .tolerances import assert_close

TEXTS = ["a dog", "rain on a roof", "church bells", "a dog", "", "Größe 東京", "x " * 60]


@pytest.fixture(scope="module")
def image_files(tmp_path_factory):
    """Six images of several sizes and modes, as files that lose nothing."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for row, (mode, size) in enumerate(
        [
            ("RGB", (80, 60)),
            ("RGB", (64, 64)),
            ("L", (100, 70)),
            ("RGBA", (50, 90)),
            ("P", (70, 70)),
            ("RGB", (300, 20)),
        ]
    ):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        image = Image.fromarray(pixels).convert(mode)
        paths.append(str(folder / f"image {row}.png"))
        image.save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def video_files(tmp_path_factory):
    """Two videos of a second and a half, and one of a second."""
    from fractions import Fraction

    folder = tmp_path_factory.mktemp("videos")
    return [
        str(write_video(folder / f"{rate}.mp4", range(n_frames + 1), Fraction(1, rate)))
        for rate, n_frames in ((10, 15), (24, 36), (30, 30))
    ]


@pytest.fixture(params=["text", "image", "video"])
def case(request, tiny_clip, image_files, video_files):
    """An encoder, and what it embeds."""
    parameters = dict(model=tiny_clip, pretrained=None, random_state=0)
    if request.param == "text":
        return CLIPTextEncoder(**parameters), TEXTS
    if request.param == "image":
        return CLIPImageEncoder(**parameters), image_files
    return CLIPVideoEncoder(**parameters, fps=5), video_files


FORMS = {
    "list": lambda items: items,
    "tuple": tuple,
    "Series": pd.Series,
    "DataFrame": lambda items: pd.DataFrame({"item": items}),
    "polars Series": pl.Series,
    "polars DataFrame": lambda items: pl.DataFrame({"item": items}),
    "string array": np.array,
    "object array": lambda items: np.array(items, dtype=object),
    "column": lambda items: np.array(items, dtype=object)[:, None],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_table(case, form):
    encoder, items = case
    expected = np.concatenate([encoder.fit([item]).transform([item]) for item in items])
    vectors = encoder.fit_transform(form(items))
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(items), 16)
    assert_close(vectors, expected)


def test_manners(case):
    encoder, items = case
    assert encoder.fit(items) is encoder
    before = dict(vars(encoder))
    vectors = encoder.transform(items)
    assert vars(encoder) == before
    learned = {name for name in before if not name.startswith("_")} - set(encoder.get_params())
    assert learned == {"weights_"}
    np.testing.assert_array_equal(encoder.fit(items).transform(items), vectors)
    np.testing.assert_array_equal(clone(encoder).fit().transform(items), vectors)
    pickled = pickle.dumps(encoder)
    assert len(pickled) < 2000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(items), vectors)
    with pytest.raises(NotFittedError):
        clone(encoder).transform(items)
    assert type(encoder).__name__ in encoder._repr_html_()


def test_subset_order_and_batches(case):
    encoder, items = case
    vectors = encoder.fit_transform(items)
    order = [2, 0, 1]
    assert_close(encoder.transform([items[row] for row in order]), vectors[order])
    for batch_size in (1, 2):
        encoder.set_params(batch_size=batch_size)
        assert_close(encoder.transform(items), vectors)


def test_feature_names_and_containers(case):
    encoder, items = case
    expected = encoder.fit_transform(items)
    prefix = type(encoder).__name__.lower()
    names = [f"{prefix}{k}" for k in range(16)]
    assert encoder.get_feature_names_out().tolist() == names
    with config_context(transform_output="pandas"):
        table = encoder.transform(pd.Series(items, index=range(5, 5 + len(items))))
    assert table.columns.tolist() == names
    assert table.index.tolist() == list(range(5, 5 + len(items)))
    np.testing.assert_array_equal(table.to_numpy(), expected)
    in_columns = ColumnTransformer([("clip", encoder, "item"), ("n", "passthrough", ["n"])])
    frame = pd.DataFrame({"item": items, "n": range(len(items))})
    assert in_columns.fit_transform(frame).shape == (len(items), 17)
    encoder.fit(frame[["item"]])
    assert encoder.feature_names_in_.tolist() == ["item"]
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(pd.DataFrame({"other": items}))
    encoder.fit(items)
    assert not hasattr(encoder, "feature_names_in_")


def test_pipelines_and_grids(case):
    encoder, items = case
    items = items[:3] * 4
    target = [0, 1, 1] * 4
    pipeline = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    assert cross_val_score(pipeline, items, target, cv=2).mean() == 1
    grid = {"__".join([type(encoder).__name__.lower(), "normalize"]): [False, True]}
    assert GridSearchCV(pipeline, grid, cv=2).fit(items, target).best_score_ == 1


def test_unit_length(case):
    encoder, items = case
    vectors = encoder.fit_transform(items)
    encoder.set_params(normalize=True)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert_close(encoder.transform(items), unit)


BAD = {
    CLIPTextEncoder: (None, TextError, "it is None of type NoneType, expected a string"),
    CLIPImageEncoder: ("missing.png", ImageError, "does not exist"),
    CLIPVideoEncoder: ("missing.mp4", VideoError, "does not exist"),
}


def test_failures_keep_their_rows(case):
    encoder, items = case
    bad, error, cause = BAD[type(encoder)]
    mixed = [items[0], bad, items[1], bad]
    expected = encoder.fit_transform(items[:2])
    with pytest.raises(error, match=rf"Row 1.*{cause}.*pass on_error='nan'"):
        encoder.transform(mixed)
    encoder.set_params(on_error="nan")
    with pytest.warns(FailedRowWarning, match="2 of 4 .* failed and are rows of NaN") as record:
        vectors = encoder.transform(mixed)
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True, False, True]
    assert_close(vectors[[0, 2]], expected)
    [warning] = [entry.message for entry in record]
    assert [row for row, _, _ in warning.failures] == [1, 3]
    assert record[0].filename == __file__
    with pytest.warns(FailedRowWarning):
        assert np.isnan(encoder.transform([bad])).all()


def test_progress(case, capsys):
    encoder, items = case
    encoder.set_params(verbose=True).fit_transform(items)
    assert f"{len(items)}/{len(items)}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, "X is empty"),
        ("one", TypeError, "X is the single"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "column"),
        (3, TypeError, "X is 3 of type int, expected a collection"),
    ],
)
def test_no_collections(case, X, error, message):
    encoder, _ = case
    with pytest.raises(error, match=message):
        encoder.fit(X)
    with pytest.raises(error, match=message):
        encoder.fit().transform(X)


@pytest.mark.parametrize(
    "parameters", [dict(batch_size=0), dict(normalize=3), dict(device="gpu9"), dict(on_error="x")]
)
def test_bad_parameters(case, parameters):
    encoder, items = case
    with pytest.raises(ValueError, match=next(iter(parameters))):
        encoder.set_params(**parameters).fit(items)


@pytest.mark.parametrize("kind", [CLIPImageEncoder, CLIPVideoEncoder])
def test_memory(kind, tiny_clip, image_files, video_files, tmp_path, monkeypatch):
    files = image_files if kind is CLIPImageEncoder else video_files
    encoder = kind(tiny_clip, None, random_state=0, memory=tmp_path, n_jobs=2).fit()
    expected = encoder.transform(files)
    monkeypatch.setattr("skw2c.models.FrozenCLIP.encode_images", None)
    np.testing.assert_array_equal(encoder.transform(files), expected)
    with pytest.raises(TypeError):
        kind(tiny_clip, None, random_state=1, memory=tmp_path).fit_transform(files)


# Texts


def test_texts_are_what_open_clip_makes_of_them(tiny_clip):
    encoder = CLIPTextEncoder(tiny_clip, None, random_state=0).fit()
    model = get_frozen_clip(encoder.weights_, "cpu")._model
    with torch.inference_mode():
        expected = model.encode_text(open_clip.get_tokenizer("ViT-B-32")(TEXTS)).numpy()
    assert_close(encoder.transform(TEXTS), expected)
    many = TEXTS * 10
    assert_close(encoder.transform(many), np.tile(expected, (10, 1)))


def test_long_texts_are_cut_with_a_warning(tiny_clip):
    encoder = CLIPTextEncoder(tiny_clip, None, random_state=0).fit()
    just, long = "dog " * 75, "dog " * 76
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = encoder.transform([just])
    with pytest.warns(
        UserWarning, match="2 of the texts are longer than the model reads"
    ) as record:
        cut = encoder.transform([just, long, long + "cat"])
    assert record[0].filename == __file__
    assert_close(cut, np.repeat(whole, 3, axis=0))


def test_texts_that_cannot_be_written(tiny_clip):
    encoder = CLIPTextEncoder(tiny_clip, None, random_state=0).fit()
    with pytest.raises(TextError, match=r"Row 1: it is 'bad \\udcff', which is not valid text"):
        encoder.transform(["good", "bad \udcff"])
    with pytest.warns(FailedRowWarning):
        vectors = encoder.set_params(on_error="nan").transform(["good", "bad \udcff"])
    assert np.isnan(vectors[1]).all()


# Images


def test_images_are_what_open_clip_makes_of_them(tiny_clip, image_files):
    encoder = CLIPImageEncoder(tiny_clip, None, random_state=0).fit()
    model = get_frozen_clip(encoder.weights_, "cpu")._model
    from open_clip.transform import PreprocessCfg, image_transform_v2

    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    rgb = [path for path in image_files if Image.open(path).mode == "RGB"]
    with torch.inference_mode():
        inputs = torch.stack([transform(Image.open(path)) for path in rgb])
        expected = model.encode_image(inputs).numpy()
    assert_close(encoder.transform(rgb), expected)
    many = rgb * 11
    assert_close(encoder.transform(many), np.tile(expected, (11, 1)))


def test_images_of_every_kind(tiny_clip, image_files):
    encoder = CLIPImageEncoder(tiny_clip, None, random_state=0).fit()
    path = image_files[0]
    expected = encoder.transform([path])[0]
    pixels = np.asarray(Image.open(path))
    same = [
        Path(path),
        Image.open(path),
        pixels,
        torch.from_numpy(pixels.copy()),
        pixels / 255,
        (pixels.astype(np.uint16) * 257),
    ]
    assert_close(encoder.transform(same), np.tile(expected, (6, 1)))
    assert_close(encoder.transform(np.stack([pixels, pixels])), np.tile(expected, (2, 1)))
    unseen = encoder.transform(
        [Image.new("I;16", (64, 64), 65535), Image.new("RGB", (64, 64), "white")]
    )
    assert_close(unseen[0], unseen[1])


# Videos


def frame_vectors(encoder, path, fps):
    """The vector of each instant by way of CLIPImageEncoder."""
    from skw2c.images import VideoFile

    images = CLIPImageEncoder(encoder.model, None, random_state=0).fit()
    frames = [(image, repeats) for image, repeats in VideoFile(path).frames(fps)]
    vectors = images.transform([image for image, _ in frames])
    return np.repeat(vectors, [repeats for _, repeats in frames], axis=0)


@pytest.mark.parametrize("fps", [1, 5, 30])
def test_videos_are_means_of_their_frames(tiny_clip, video_files, fps):
    encoder = CLIPVideoEncoder(tiny_clip, None, random_state=0, fps=fps, batch_size=7).fit()
    for path in video_files:
        expected = frame_vectors(encoder, path, fps)
        encoder.set_params(pool=None, normalize_frames=False)
        assert_close(encoder.transform([path])[0], expected)
        encoder.set_params(pool="mean")
        assert_close(encoder.transform([path])[0], expected.mean(axis=0))
        unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
        encoder.set_params(normalize_frames=True)
        assert_close(encoder.transform([path])[0], unit.mean(axis=0))


def test_frames_of_a_video_have_times(tiny_clip, video_files):
    encoder = CLIPVideoEncoder(tiny_clip, None, random_state=0, fps=5, pool=None)
    vectors = encoder.fit_transform(video_files[:1] * 2)
    assert vectors.shape == (2, 8, 16)  # 1.5 seconds
    times = encoder.frame_times(8)
    np.testing.assert_allclose(times[:, 0], np.arange(8) / 5)
    np.testing.assert_allclose(times[:, 1], np.arange(1, 9) / 5)
    ragged = encoder.set_params(fps=20, on_error="nan").fit(video_files)
    with pytest.warns(FailedRowWarning):
        frames = ragged.transform([*video_files, "missing.mp4"])
    assert [len(rows) for rows in frames] == [30, 30, 20, 1]
    encoder.set_output(transform="pandas")
    with pytest.raises(ValueError, match="'pandas' cannot hold: use pool='mean'"):
        encoder.transform(video_files)


def test_real_videos(tiny_clip, shared):
    folder = shared / "data" / "video"
    encoder = CLIPVideoEncoder(tiny_clip, None, random_state=0, pool=None)
    frames = encoder.fit_transform([folder / "bigbuckbunny.mp4", folder / "bento.mp4"])
    assert [rows.shape for rows in frames] == [(159, 16), (33, 16)]
    mean = encoder.set_params(pool="mean").transform([folder / "bento.mp4"])
    assert_close(mean[0], frames[1].mean(axis=0))
    # A video of 10 frames per second shows each of them three times at 30.
    np.testing.assert_array_equal(frames[1][::3], frames[1][2::3])
    assert np.abs(np.diff(frames[1][::3], axis=0)).max(axis=1).min() > 0
