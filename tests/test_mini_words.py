"""The encoder of words that the package carries: texts, its tokenizer, and its partners."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skw2c import (
    AudioIndex,
    AudioToImage,
    CLIPTextEncoder,
    MiniTextEncoder,
    Wav2CLIPTransformer,
    ZeroShotClassifier,
)
from skw2c.cli import main
from skw2c.exceptions import FailedRowWarning, TextError, WeightsError
from skw2c.models.words import FrozenWords, WordPieces, Words, read_words, write_words
from skw2c.models.words._word_pieces import has_unread_letters
from skw2c.weights import fetch_weights, read_checkpoint, write_safetensors

from .tolerances import assert_close

TEXTS = ["dog", "a dog is barking", "rain on a roof", "church bells", "café"]
VOCABULARY = ["dog", "bark", "##ing", "##s", "cafe", "rain", "a"]


@pytest.fixture(scope="module")
def encoder():
    return MiniTextEncoder().fit()


@pytest.fixture
def words(rng):
    """A small encoder of words."""
    return Words(
        vocabulary=VOCABULARY,
        pieces=rng.integers(-127, 128, (7, 4), np.int8),
        scales=np.full(7, 0.01, np.float32),
        anchors=np.eye(5, 4, dtype=np.float32),
        projection=rng.normal(size=(5, 3)).astype(np.float16).astype(np.float32),
        sharpness=4.0,
    )


# ---- the tokenizer


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("dog", ["dog"]),
        ("Dogs, barking!", ["dog", "##s", "bark", "##ing"]),
        ("CAFÉ", ["cafe"]),
        ("cafe\u0301", ["cafe"]),
        ("dog_bark", ["dog", "bark"]),
        ("dogx", []),
        ("", []),
        ("犬 dog", ["dog"]),
    ],
)
def test_texts_are_cut_into_the_longest_known_pieces(text, pieces):
    assert [VOCABULARY[number] for number in WordPieces(VOCABULARY)(text)] == pieces


def test_what_is_passed_over_is_known():
    read = ["dog", "café, naïve", "don\u2019t \u2013 stop\u2026", "\ufb01re", "", "\xbd"]
    assert not any(map(has_unread_letters, read))
    assert all(map(has_unread_letters, ["犬", "собака dog", "dog 🐶", "क"]))


def test_memory_of_words_is_bounded(monkeypatch):
    monkeypatch.setattr("skw2c.models.words._word_pieces._MOST_KEPT", 2)
    cut = WordPieces(VOCABULARY)
    assert [cut(text) for text in ("dog", "bark", "rain", "dog")] == [[0], [1], [5], [0]]
    assert cut._pieces_of.cache_info().currsize == 2


# ---- the vectors


def test_vectors_follow_their_formula(words):
    frozen = FrozenWords(words)
    assert frozen.widths == {"embedding": 3, "semantic": 4}
    total = 0.01 * (words.pieces[0].astype(float) + words.pieces[5])
    semantic = total / np.linalg.norm(total)
    assert_close(frozen.encode_texts(["dog rain"], "semantic")[0], semantic)
    expected = np.exp(4 * (words.anchors @ semantic - 1)) @ words.projection
    vector = frozen.encode_texts(["dog rain"])[0]
    assert vector.dtype == np.float32
    assert_close(vector, expected / np.linalg.norm(expected))
    np.testing.assert_array_equal(frozen.encode_texts(["rain DOG"])[0], vector)


def test_entries_are_read_as_they_were_written(words):
    again = read_words({**write_words(words), "audio_encoder.x": None}, "a file")
    assert again.vocabulary == words.vocabulary
    np.testing.assert_array_equal(again.pieces, words.pieces)
    np.testing.assert_array_equal(again.projection, words.projection)
    assert again.sharpness == words.sharpness


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("pieces", None, "lacks 'words.pieces' with 2 dimensions"),
        ("sharpness", None, "lacks 'words.sharpness'"),
        ("vocabulary", lambda x: x[:10], "does not fit an encoder of words: 3 names"),
        ("vocabulary", lambda x: x * 0 + 255, "damaged vocabulary"),
        ("pieces", lambda x: x.float(), "type float32"),
        ("anchors", lambda x: x[:3], "does not fit"),
        ("scales", lambda x: x * float("nan"), "finite"),
    ],
)
def test_bad_entries_are_told(words, name, change, message):
    entries = write_words(words)
    value = entries.pop(f"words.{name}")
    if change is not None:
        entries[f"words.{name}"] = change(value)
    with pytest.raises(WeightsError, match=message):
        read_words(entries, "mine.safetensors")


# ---- the estimator


def test_near_texts_are_near(encoder):
    vectors = encoder.transform(TEXTS)
    assert vectors.shape == (5, 512)
    assert vectors.dtype == np.float32
    assert_close(np.linalg.norm(vectors, axis=1), 1)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.6 > 0.2 > cosines[0, [2, 3]].max()
    same = encoder.transform(["the sound of rain on a roof", "dog?"])
    assert same[0] @ vectors[2] > 0.95
    np.testing.assert_array_equal(same[1], vectors[0])


@pytest.mark.parametrize(
    "form",
    [tuple, pd.Series, pl.Series, np.array, lambda texts: pd.DataFrame({"text": texts})],
)
def test_every_form_and_batch_gives_the_same(encoder, form):
    expected = np.concatenate([encoder.transform([text]) for text in TEXTS])
    np.testing.assert_array_equal(encoder.transform(form(TEXTS)), expected)
    small = MiniTextEncoder(batch_size=2).fit(TEXTS)
    np.testing.assert_array_equal(small.transform(TEXTS[::-1] * 2), np.tile(expected[::-1], (2, 1)))


def test_manners(encoder):
    before = dict(vars(encoder))
    vectors = encoder.transform(TEXTS)
    assert vars(encoder) == before
    pickled = pickle.dumps(encoder)
    assert len(pickled) < 2000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(TEXTS), vectors)
    assert encoder.get_feature_names_out()[0] == "minitextencoder0"
    with pytest.raises(NotFittedError):
        clone(encoder).transform(TEXTS)
    frame = pd.DataFrame({"text": TEXTS})
    fitted = make_pipeline(MiniTextEncoder()).set_output(transform="pandas").fit(frame)
    assert fitted.transform(frame).shape == (5, 512)
    with pytest.raises(ValueError, match="batch_size"):
        MiniTextEncoder(batch_size=0).fit()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("🐶", "it has no English word"),
        ("собака лает", "it has no English word"),
        (None, "it is None of type NoneType"),
        ("\ud800", "not valid text"),
    ],
)
def test_unreadable_texts_keep_their_rows(encoder, text, cause):
    with pytest.raises(TextError, match=f"Row 1: .*{cause}.*on_error='nan'"):
        encoder.transform(["dog", text])
    lenient = MiniTextEncoder(on_error="nan").fit()
    with pytest.warns(FailedRowWarning, match="1 of 2 texts failed"):
        vectors = lenient.transform(["dog", text])
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True]


def test_other_scripts_are_told_once(encoder):
    with pytest.warns(UserWarning, match="2 of the texts have letters or pictures") as record:
        vectors = encoder.transform(["dog 🐶", "dog", "犬 dog"])
    assert len(record) == 1
    assert record[0].filename == __file__
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_long_texts_are_read_to_the_end(encoder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        long, other = encoder.transform(["dog " * 10_000, "dog " * 9_999 + "rain " * 10_000])
    assert_close(long, encoder.transform(["dog"])[0])
    assert long @ other < 0.95


# ---- its partners


def test_it_is_found_by_name_and_by_weights(tmp_path):
    copied = tmp_path / "mine.safetensors"
    write_safetensors(copied, read_checkpoint(fetch_weights("mini").path), {"format": "skw2c"})
    for sound, weights in [
        ("mini", "mini"),
        (Wav2CLIPTransformer("mini", output="words"), "mini"),
        (Wav2CLIPTransformer(copied, output="words"), copied),
    ]:
        for text in ("auto", "mini"):
            classifier = ZeroShotClassifier(["dog", "rain"], encoder=sound, text_encoder=text)
            own = classifier.fit().text_encoder_
            assert isinstance(own, MiniTextEncoder)
            assert own.weights == weights


@pytest.mark.parametrize(
    ("sound", "text", "message"),
    [
        ("mini", "clip", "space 'clip', and encoder='mini' in the space 'mini'"),
        (
            Wav2CLIPTransformer("mini"),
            "mini",
            "'mini', and Wav2CLIPTransformer in the space 'clip'",
        ),
        (Wav2CLIPTransformer("mini"), MiniTextEncoder(), "their cosines mean nothing"),
        (
            Wav2CLIPTransformer("mini", output="words"),
            MiniTextEncoder("other.safetensors"),
            "weights='other.safetensors'.*weights='mini'.*not trained for each other",
        ),
        ("mini", CLIPTextEncoder(), "Leave text_encoder out"),
    ],
)
def test_words_of_another_space_or_edition_are_refused(sound, text, message):
    with pytest.raises(ValueError, match=message):
        ZeroShotClassifier(["dog", "rain"], encoder=sound, text_encoder=text).fit()
    with pytest.raises(ValueError, match=message):
        AudioIndex(encoder=sound, text_encoder=text).fit([np.ones(8000)]).search("dog")


def test_ready_vectors_may_lie_in_its_space(encoder):
    vectors = encoder.transform(["rain", "dog"])
    classifier = ZeroShotClassifier(["dog", "rain"], encoder="passthrough", text_encoder="mini")
    assert classifier.fit().predict(vectors).tolist() == ["rain", "dog"]


def test_labels_that_it_cannot_tell_apart_are_refused():
    with pytest.raises(ValueError, match="'bark, dog' and 'dog bark' have the same vector"):
        ZeroShotClassifier(["dog bark", "rain", "bark, dog"], encoder="mini").fit()


def test_images_need_the_other_output():
    index = AudioIndex(encoder="mini").fit([np.ones(8000)])
    with pytest.raises(
        ValueError, match="No image encoder .*output='embedding' instead of 'words'"
    ):
        index.search(np.zeros((8, 8, 3), np.uint8), by="image")
    with pytest.raises(ValueError, match=r"such as Wav2CLIPTransformer\('mini'\)"):
        AudioToImage(None, encoder="mini").fit()


def test_index_is_saved_with_its_words(tmp_path):
    rng = np.random.default_rng(0)
    index = AudioIndex(encoder="mini").fit([rng.normal(size=16000) for _ in range(4)])
    index.save(tmp_path / "index")
    expected = index.search(["dog", "rain"], k=2)
    pd.testing.assert_frame_equal(
        AudioIndex.load(tmp_path / "index").search(["dog", "rain"], k=2), expected
    )


def test_shell_needs_no_network(tmp_path, monkeypatch, wav_files):
    monkeypatch.setattr("socket.socket", None)
    monkeypatch.chdir(tmp_path)
    files = [str(file) for file in wav_files]
    arguments = ["--weights", "mini", "--labels", "dog,rain,church bells", "--out", "labels.csv"]
    assert main(["classify", *files, *arguments]) == 0
    table = pd.read_csv("labels.csv")
    assert set(table["label"]) <= {"dog", "rain", "church bells"}
    assert len(table) == len(files)
    assert main(["index", "sounds", *files, "--weights", "mini"]) == 0
    assert main(["search", "sounds", "a dog barks", "--out", "found.csv"]) == 0
    assert len(pd.read_csv("found.csv")) == len(files)
