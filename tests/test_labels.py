"""How labels are said, and how a table of their vectors is read."""

import numpy as np
import pandas as pd
import pytest
import torch

from skw2c import prettify_label
from skw2c.transformers._labels import check_prompts, embed_labels, look_up_labels

TABLE = {"dog": [3.0, 4.0], "alarm_clock": [0.0, 2.0], "bat_(animal)": [1.0, 0.0]}


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("dog_bark", "dog bark"),
        ("Motor_vehicle_(road)", "Motor vehicle, road"),
        ("bat_(animal)", "bat, animal"),
        ("(lapel)_pin", "lapel, pin"),
        ("Bathtub (filling or washing)", "Bathtub, filling or washing"),
        ("  two   spaces ", "two spaces"),
        ("chirp, tweet", "chirp, tweet"),
        ("-1", "-1"),
        ("()", ""),
        (3, "3"),
        (np.str_("a_b"), "a b"),
    ],
)
def test_prettify_label(label, said):
    assert prettify_label(label) == said


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        pd.DataFrame(TABLE.values(), index=list(TABLE)),
        (np.array(list(TABLE.values())), list(TABLE)),
        (list(TABLE.values()), np.array(list(TABLE))),
        pd.Series(list(TABLE.values()), index=list(TABLE)),
        (torch.tensor(list(TABLE.values())), list(TABLE)),
    ],
    ids=["dict", "DataFrame", "array and names", "lists", "Series", "tensor and names"],
)
def test_tables(table):
    vectors = look_up_labels(["Bat, animal", "dog", "alarm clock"], table)
    np.testing.assert_allclose(vectors, [[1, 0], [0.6, 0.8], [0, 1]])


@pytest.mark.parametrize("form", [np.array, list, torch.tensor])
def test_array_in_the_order_of_labels(form):
    vectors = look_up_labels(["b", "a"], form(np.eye(2).tolist()), names=["a", "b"])
    np.testing.assert_array_equal(vectors, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("labels", "table", "message"),
    [
        (["dgo"], TABLE, r"\(3 names\) lacks 'dgo'. Near 'dgo': 'dog'. Add the vectors"),
        (list("abcdefg"), TABLE, "lacks 'a', 'b', 'c', 'd', 'e' and 2 more"),
        (["dog"], {"dog": [1, np.nan]}, "vector of 'dog' is NaN or infinite"),
        (["dog"], {"dog": [0, 0]}, "vector of 'dog' is zero"),
        (["dog"], {"dog": [1, 2], "cat": [1, 2, 3]}, r"shapes \(3,\) \(for 'cat'\) and \(2,\)"),
        (["dog"], {"dog": 1.0}, r"shapes \(\) \(for 'dog'\)"),
        (["dog"], {}, "table of label vectors is empty"),
        (["dog"], (np.eye(3), ["dog"]), "3 vectors for 1 names"),
        (["mouse"], {"Mouse": [1, 2], "mouse_": [2, 1]}, "2 different vectors for .* 'mouse'"),
        (["dog"], np.eye(2), "neither the name of an encoder, nor a transformer, nor a table"),
    ],
)
def test_bad_tables(labels, table, message):
    with pytest.raises(ValueError, match=message):
        look_up_labels(labels, table)


def test_a_name_that_comes_twice_with_one_vector():
    table = (np.array([[1.0, 0], [0, 1], [1, 0]]), ["mouse", "cat", "Mouse"])
    np.testing.assert_array_equal(look_up_labels(["mouse"], table), [[1, 0]])
    np.testing.assert_array_equal(look_up_labels(["MOUSE"], table), [[1, 0]])


class Counter:
    """A text encoder whose vectors can be computed in the head."""

    def transform(self, texts):
        return np.array([[len(text), text.count("o"), 1.0] for text in texts])


def test_prompts_are_averaged_after_scaling():
    vectors = embed_labels(["dog", "an_owl"], ["{}", "oooooooo {} {}"], Counter())
    for label, vector in zip(["dog", "an owl"], vectors, strict=True):
        texts = [label, f"oooooooo {label} {label}"]
        units = [v / np.linalg.norm(v) for v in Counter().transform(texts)]
        mean = np.mean(units, axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean))


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ("a sound", "'a sound' lacks a place for the label: write {} there"),
        (["{}", "x"], "'x' lacks a place"),
        (["{}", 3], "prompt 3 lacks a place"),
        ([], "prompts is empty"),
    ],
)
def test_bad_prompts(prompts, message):
    with pytest.raises(ValueError, match=message):
        check_prompts(prompts)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["dog_bark", "Dog bark"], "'dog_bark' and 'Dog bark' have the same text"),
        (["dog", "_()"], r"'_\(\)' does not contain any words"),
    ],
)
def test_labels_that_cannot_be_said(labels, message):
    with pytest.raises(ValueError, match=message):
        embed_labels(labels, ["{}"], Counter())


def test_text_encoders_that_make_no_vectors():
    class Flat:
        def transform(self, texts):
            return np.ones(len(texts))

    with pytest.raises(ValueError, match=r"array of shape \(2,\) for 2 texts"):
        embed_labels(["a", "b"], ["{}"], Flat())


def test_words_are_compared_as_the_tokenizer_does():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    np.testing.assert_array_equal(look_up_labels([decomposed], {composed: [1.0, 0]}), [[1, 0]])
    with pytest.raises(ValueError, match="lacks 'Masse'"):
        look_up_labels(["Masse"], {"Maße": [1.0, 0]})
    with pytest.raises(ValueError, match="have the same text"):
        embed_labels([composed, decomposed], ["{}"], Counter())
    embed_labels(["Maße", "Masse"], ["{}"], Counter())


def test_labels_that_mean_one_vector():
    with pytest.raises(ValueError, match="labels 'a', 'A' all match the vector of 'a'"):
        look_up_labels(["a", "b", "A"], {"a": [1.0, 0], "b": [0, 1.0]})
    look_up_labels(["a", "A"], {"a": [1.0, 0], "A": [0, 1.0]})


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_vectors_of_any_length_become_unit_vectors(scale):
    vectors = look_up_labels(["a"], {"a": [3 * scale, 4 * scale]})
    np.testing.assert_allclose(vectors, [[0.6, 0.8]])


def test_prompts_that_cancel():
    class Opposite:
        def transform(self, texts):
            return np.array([[1.0 if text.startswith("not") else -1.0] for text in texts])

    with pytest.raises(ValueError, match="vector of 'a' is zero"):
        embed_labels(["a"], ["{}", "not {}"], Opposite())


def test_many_prompts_are_embedded_in_blocks():
    sizes = []

    class Counting:
        def transform(self, texts):
            sizes.append(len(texts))
            return np.array([[len(text), 1.0] for text in texts])

    labels = [f"{'x' * k} {k}" for k in range(300)]
    templates = [f"{{}} {k}" for k in range(10)]
    vectors = embed_labels(labels, templates, Counting())
    assert vectors.shape == (300, 2)
    assert max(sizes) <= 1024
    np.testing.assert_allclose(vectors[7], embed_labels(labels[7:8], templates, Counting())[0])


def test_prompts_that_come_twice():
    with pytest.raises(ValueError, match=r"prompts contains 'a \{\}' more than once"):
        check_prompts(["a {}", "{}", "a {}"])


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame([[1.0, 0], [0, 1]], index=["dog", "dog"]),
        ([[1.0, 0], [0, 1]], ["dog", "dog"]),
        {"dog_": [1.0, 0], "Dog": [0, 1.0]},
    ],
)
def test_names_that_come_twice(table):
    with pytest.raises(ValueError, match="has 2 different vectors for the label 'dog'"):
        look_up_labels(["dog"], table)
