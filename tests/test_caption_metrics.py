"""Caption metrics, against plain definitions, cases by hand, and coco-caption itself."""

import math
import shutil
import subprocess
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skw2c.exceptions import OptionalDependencyError
from skw2c.metrics import (
    _java_caption_scores,
    bleu,
    caption_scores,
    cider_d,
    java_caption_scores,
    rouge_l,
    tokenize_caption,
)

ALL = [bleu, rouge_l, cider_d, caption_scores, java_caption_scores]


def draw(rng, n_clips=9, n_words=12, shortest=1):
    """Candidates and references of words of which some are rare."""
    words = np.array([f"w{k}" for k in range(n_words)])
    chance = rng.dirichlet(np.ones(n_words))

    def say(at_least):
        return " ".join(rng.choice(words, rng.integers(at_least, 13), p=chance))

    references = [[say(1) for _ in range(rng.integers(1, 6))] for _ in range(n_clips)]
    candidates = [own[0] if rng.random() < 0.3 else say(shortest) for own in references]
    return candidates, references


CASES = [
    draw(np.random.default_rng(seed), n_clips, n_words, shortest=seed % 2)
    for seed, (n_clips, n_words) in enumerate(product([2, 9, 25], [2, 6, 40]))
]


# Plain implementations


def ngrams(caption, n):
    words = caption.split()
    return [" ".join(words[k : k + n]) for k in range(len(words) - n + 1)]


def plain_bleu(candidates, references, max_order=4):
    scores, logarithms = [], []
    lengths = [len(candidate.split()) for candidate in candidates]
    closest = []
    for length, own in zip(lengths, references, strict=True):
        by_distance = {}
        for reference in own:
            by_distance.setdefault(abs(len(reference.split()) - length), []).append(
                len(reference.split())
            )
        closest.append(min(by_distance[min(by_distance)]))
    for n in range(1, max_order + 1):
        correct = 0
        for candidate, own in zip(candidates, references, strict=True):
            for ngram in set(ngrams(candidate, n)):
                most = max(ngrams(reference, n).count(ngram) for reference in own)
                correct += min(ngrams(candidate, n).count(ngram), most)
        total = sum(len(ngrams(candidate, n)) for candidate in candidates)
        logarithms.append(math.log((correct + 1e-15) / (total + 1e-9)))
        scores.append(math.exp(sum(logarithms) / n))
    if sum(lengths) < sum(closest):
        penalty = math.exp(1 - (sum(closest) + 1e-9) / (sum(lengths) + 1e-15))
        scores = [score * penalty for score in scores]
    return scores


def plain_rouge_l(candidates, references):
    @cache
    def common(one, other):
        if not one or not other:
            return 0
        if one[0] == other[0]:
            return 1 + common(one[1:], other[1:])
        return max(common(one[1:], other), common(one, other[1:]))

    total = 0
    for candidate, own in zip(candidates, references, strict=True):
        words = tuple(candidate.split())
        found = [(common(words, tuple(x.split())), len(x.split())) for x in own]
        precision = max((n / len(words) for n, _ in found), default=0) if words else 0
        recall = max(n / length for n, length in found)
        if precision and recall:
            total += (1 + 1.44) / (1 / recall * 1.44 + 1 / precision)
    return total / len(candidates)


def plain_cider_d(candidates, references):
    n_clips, total = len(candidates), 0
    for n in range(1, 5):
        known = sorted(
            {gram for own in [*references, candidates] for x in own for gram in ngrams(x, n)}
        )
        frequency = [sum(any(g in ngrams(x, n) for x in own) for own in references) for g in known]
        rarity = np.log(n_clips) - np.log(np.maximum(frequency, 1))

        def vector(caption, n=n, known=known, rarity=rarity):
            return np.array([ngrams(caption, n).count(gram) for gram in known]) * rarity

        for candidate, own in zip(candidates, references, strict=True):
            for reference in own:
                one, other = vector(candidate), vector(reference)
                norms = np.linalg.norm(one) * np.linalg.norm(other)
                difference = len(ngrams(candidate, 2)) - len(ngrams(reference, 2))
                if norms:
                    cosine = np.minimum(one, other) @ other / norms
                    total += cosine * math.exp(-(difference**2) / 72) / len(own)
    return 10 * total / 4 / n_clips


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_plain_definitions(case):
    np.testing.assert_allclose(bleu(*case), plain_bleu(*case), rtol=1e-9)
    assert rouge_l(*case) == pytest.approx(plain_rouge_l(*case), abs=1e-12)
    assert cider_d(*case) == pytest.approx(plain_cider_d(*case), abs=1e-12)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_coco_caption(case):
    """Captions are of words without punctuation, so that tokenisers make no difference."""
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    candidates, references = case
    truth = dict(enumerate(references))
    guessed = {row: [candidate] for row, candidate in enumerate(candidates)}
    orders, _ = Bleu(4).compute_score(truth, guessed, verbose=0)
    expected = {f"bleu_{n}": score for n, score in enumerate(orders, start=1)}
    expected["rouge_l"] = Rouge().compute_score(truth, guessed)[0]
    expected["cider_d"] = Cider().compute_score(truth, guessed)[0]
    assert caption_scores(candidates, references) == pytest.approx(expected, abs=1e-9)


# By hand


def test_bleu_counts_words_no_oftener_than_a_reference():
    references = [["the cat is on the mat", "there is a cat on the mat"]]
    assert bleu(["the the the the the the the"], references)[0] == pytest.approx(2 / 7)


def test_bleu_is_of_the_corpus():
    candidates, references = ["a b c", "x"], [["a b c"], ["y"]]
    np.testing.assert_allclose(bleu(candidates, references, max_order=2), [3 / 4, (3 / 4) ** 0.5])


@pytest.mark.parametrize(
    ("lengths", "penalty"),
    [([4], math.exp(-1)), ([2], 1), ([1], 1), ([1, 3], 1), ([3, 4], math.exp(-1 / 2))],
)
def test_bleu_compares_with_the_closest_length(lengths, penalty):
    references = [[" ".join("abcd"[:length]) for length in lengths]]
    precision = min(max(lengths), 2) / 2
    assert bleu(["a b"], references)[0] == pytest.approx(precision * penalty)


@pytest.mark.parametrize(
    ("candidate", "score"),
    [("police kill the gunman", 3 / 4), ("the gunman kill police", 1 / 2), ("rain", 0), ("", 0)],
)
def test_rouge_l_of_a_clip(candidate, score):
    assert rouge_l([candidate], [["police killed the gunman"]]) == pytest.approx(score)


def test_rouge_l_takes_the_best_of_all_references():
    # Precision 1 of the first, recall 1 of the second.
    assert rouge_l(["a b"], [["a b c d", "b"]]) == pytest.approx(1)


def test_cider_d_of_what_is_said_of_every_clip_is_0():
    references = [["a dog"], ["a cat"]]
    assert cider_d(["a dog", "a cat"], references) == pytest.approx(5)  # n = 1 and 2 of 4
    assert cider_d(["a", "a"], references) == 0


def test_cider_d_clips_and_punishes_length():
    references = [["a b"], ["c d"]]
    assert cider_d(["a a", "c d"], references) == pytest.approx((10 / math.sqrt(8) / 4 + 5) / 2)
    # The pairs are a a, a a, a b: the first is unknown, and counts twice.
    long = 10 / 4 * (2 / math.sqrt(20) + 1 / math.sqrt(5)) * math.exp(-4 / 72)
    assert cider_d(["a a a b", "c d"], references) == pytest.approx((long + 5) / 2)


def test_perfect_captions():
    references = [["a dog barks at night"], ["rain falls on a roof"]]
    scores = caption_scores([own[0] for own in references], references)
    assert scores == pytest.approx(
        {**{f"bleu_{n}": 1 for n in range(1, 5)}, "rouge_l": 1, "cider_d": 10}
    )


def test_all_in_one():
    scores = caption_scores(*CASES[4])
    assert list(scores) == ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d"]
    assert [scores[f"bleu_{n}"] for n in range(1, 5)] == bleu(*CASES[4]).tolist()
    assert scores["rouge_l"] == rouge_l(*CASES[4])
    assert scores["cider_d"] == cider_d(*CASES[4])


def test_collections_of_every_kind():
    candidates, references = CASES[4]
    expected = caption_scores(candidates, references)
    for kind in (tuple, pd.Series, lambda x: np.array(x, dtype=object)):
        assert caption_scores(kind(candidates), references) == expected
    assert caption_scores(np.array(candidates), pd.Series(references)) == expected
    assert caption_scores(candidates, [tuple(own) for own in references]) == expected


# Words


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A dog, barking!", "a dog barking"),
        ("the dog's 'far-off' bark -- then rain...", "the dog's far-off bark then rain"),
        ("the dog\u2019s bark\u2014rain", "the dog's bark rain"),
        ("birds/insects & 2 cars (loud)", "birds insects 2 cars loud"),
        ("GROẞE Straße, 東京。हिन्दी", "große straße 東京 हिन्दी"),
        (" \n", ""),
        ("?!", ""),
    ],
)
def test_words(caption, words):
    assert tokenize_caption(caption) == words.split()


def test_case_and_punctuation_make_no_difference():
    assert caption_scores(["A dog, barking."] * 2, [["a dog barking"], ["A DOG"]]) == (
        caption_scores(["a dog barking"] * 2, [["A dog barking!"], ["a dog"]])
    )


# Errors


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(
    ("candidates", "references", "error", "message"),
    [
        (["a"], [["a"], ["b"]], ValueError, "1 candidates and references for 2 clips"),
        ([], [], ValueError, "got 0 candidates"),
        (["a", "b"], [["a"], []], ValueError, r"references\[1\] is empty"),
        (["a", None], [["a"], ["b"]], TypeError, r"candidates\[1\] is None of type NoneType"),
        (["a"], [["a", 3]], TypeError, r"references\[0\]\[1\] is 3 of type int"),
        (["a"], ["a"], TypeError, r"references\[0\] is the single string 'a'.*\['a'\]"),
        ("a", [["a"]], TypeError, "candidates is the single string 'a'"),
        (3, [["a"]], TypeError, "candidates is 3 of type int"),
    ],
)
def test_wrong_captions(function, candidates, references, error, message):
    with pytest.raises(error, match=message):
        function(candidates, references)


def test_references_without_words():
    with pytest.raises(
        ValueError, match=r"references\[1\]\[1\] is '\.\.\.', which does not contain any words"
    ):
        bleu(["a", "b"], [["a"], ["b", "..."]])


@pytest.mark.parametrize(("max_order", "error"), [(0, ValueError), (1.5, TypeError)])
def test_bad_lengths_of_ngrams(max_order, error):
    with pytest.raises(error, match="max_order"):
        bleu(["a"], [["a"]], max_order=max_order)


@pytest.mark.parametrize("function", [cider_d, caption_scores])
def test_warning_for_a_single_clip(function):
    with pytest.warns(UndefinedMetricWarning, match="of a single clip is always 0") as record:
        function(["a"], [["a"]])
    assert record[0].filename == __file__


# Java


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder of coco-caption with all files but those of SPICE's parser."""
    for file in (
        "tokenizer/stanford-corenlp-3.4.1.jar",
        "meteor/meteor-1.5.jar",
        "meteor/data/paraphrase-en.gz",
        "spice/spice-1.0.jar",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    package = type("package", (), {"__file__": str(tmp_path / "eval.py")})
    monkeypatch.setattr(_java_caption_scores, "import_optional", lambda *a, **k: package)
    return tmp_path


def test_missing_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pycocoevalcap", None)
    with pytest.raises(OptionalDependencyError, match=r"'pycocoevalcap.*skw2c\[captions\]"):
        java_caption_scores(["a"], [["a"]])


@pytest.mark.parametrize("metrics", [["spice"], ["meteor", "spider"]])
def test_missing_files(programs, metrics):
    with pytest.raises(
        OptionalDependencyError, match=r"'spice' needs .*-3.6.0.jar.*or pass metrics=\['meteor'\]"
    ):
        java_caption_scores(["a"], [["a"]], metrics=metrics)


def test_missing_java(programs, monkeypatch):
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(OptionalDependencyError, match="the program 'java' is not in the PATH"):
        java_caption_scores(["a"], [["a"]], metrics=["meteor"])


def test_a_java_that_fails(programs, monkeypatch):
    java = programs / "java"
    java.write_text("#!/bin/sh\necho no heap >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    with pytest.raises(OptionalDependencyError, match="java' fails: no heap"):
        java_caption_scores(["a"], [["a"]], metrics=["meteor"])


def test_unknown_java_scores():
    with pytest.raises(ValueError, match="metrics contains 'cider'"):
        java_caption_scores(["a"], [["a"]], metrics=["cider"])


def test_spider_is_the_mean_of_two(monkeypatch):
    truth, guessed = {0: ["a dog"], 1: ["rain"]}, {0: ["a dog"], 1: ["rain"]}
    monkeypatch.setattr(_java_caption_scores, "_check_programs", lambda needed: None)
    monkeypatch.setattr(_java_caption_scores, "_tokenize", lambda *captions: (truth, guessed))
    monkeypatch.setattr(_java_caption_scores, "_run", lambda name, *captions: {"spice": 0.5}[name])
    cider = cider_d(["a dog", "rain"], [["a dog"], ["rain"]])
    found = java_caption_scores(["a dog", "rain"], [["a dog"], ["rain"]], metrics=["spider"])
    assert found == {"spider": (0.5 + cider) / 2}


def test_a_program_that_fails(monkeypatch):
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.spice import spice

    def fail(self, *captions):
        raise subprocess.CalledProcessError(1, "java")

    monkeypatch.setattr(spice.Spice, "__init__", lambda self: None)
    monkeypatch.setattr(spice.Spice, "compute_score", fail)
    with pytest.raises(RuntimeError, match="program of 'spice' failed .CalledProcessError"):
        _java_caption_scores._run("spice", {}, {})


def test_meteor():
    pytest.importorskip("pycocoevalcap")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    references = [["the dog is barking", "a dog barks at night"], ["rain falls on a roof"]]
    candidates = ["A dog barks, at night.", "Rain falls on a roof."]
    scores = java_caption_scores(candidates, references, metrics=["meteor"])
    assert scores == {"meteor": pytest.approx(1, abs=0.02)}
