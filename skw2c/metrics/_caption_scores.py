"""Caption metrics: how much captions have in common with those that people wrote."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from numbers import Integral

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_scalar

from ..system._warning import warn_caller
from ._caption_checks import check_captions

# BLEU as coco-caption computes it: a count of 0 becomes these, so that logarithms exist.
_TINY, _SMALL = 1e-15, 1e-9
_BETA = 1.2
_SIGMA = 6.0
_LONGEST = 4


def tokenize_caption(caption):
    """Split a caption into words: lower case, without punctuation.

    Punctuation and symbols separate words, apart from apostrophes and hyphens within one.

    Parameters
    ----------
    caption : str

    Returns
    -------
    list of str

    Notes
    -----
    The tools of COCO use the Penn Treebank tokeniser, which needs Java. It differs in that
    it parts what is contracted ("dog's" is "dog" and "'s") and keeps some symbols, such as
    "&" and "%". Scores may differ by some thousandths for that.

    Examples
    --------
    >>> from skw2c.metrics import tokenize_caption
    >>> tokenize_caption("A dog's bark, far-off; then rain.")
    ['a', "dog's", 'bark', 'far-off', 'then', 'rain']
    """
    text = caption.lower().replace("\u2019", "'")
    spaced = "".join(" " if _separates(character) else character for character in text)
    words = (word.strip("'-") for word in spaced.split())
    return [word for word in words if word]


def bleu(candidates, references, *, max_n=4):
    """Compute BLEU [1]_ of a corpus, for n-grams up to each length.

    BLEU-N is the geometric mean of the precisions of n-grams, n from 1 to N, times a
    penalty if the candidates are shorter than their references. All counts are summed
    over the clips before they are divided.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip. One without words counts as of length 0.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.
    max_n : int, default=4
        Largest N.

    Returns
    -------
    scores : ndarray of shape (max_n,), float64
        BLEU-1 to BLEU-``max_n``, in [0, 1].

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference has no words.
    TypeError
        If a caption is no string.

    See Also
    --------
    caption_scores : All scores at once.

    Notes
    -----
    As in coco-caption: an n-gram counts at most as often as in the reference that has most
    of it; the length to compare with is that of the reference whose length is closest, the
    shorter of two; and a precision of 0 is taken for 1e-15 divided by the number of n-grams,
    so that a corpus without a common 4-gram has a small BLEU-4, and not 0.

    References
    ----------
    .. [1] K. Papineni, S. Roukos, T. Ward and W.-J. Zhu, "BLEU: a method for automatic
       evaluation of machine translation", ACL 2002.

    Examples
    --------
    >>> from skw2c.metrics import bleu
    >>> bleu(["a dog barks loudly"], [["a dog barks", "a loud dog"]], max_n=2).round(3)
    array([0.75 , 0.707])
    """
    check_scalar(max_n, "max_n", Integral, min_val=1)
    return _bleu(*_tokenize(candidates, references), int(max_n))


def rouge_l(candidates, references):
    """Compute ROUGE-L [1]_: the longest common subsequence of words, averaged over clips.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip. One without words scores 0.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.

    Returns
    -------
    score : float
        In [0, 1].

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference has no words.
    TypeError
        If a caption is no string.

    See Also
    --------
    caption_scores : All scores at once.

    Notes
    -----
    The score of a clip is the F-measure of precision and recall with beta = 1.2, each
    the largest over the references, be it of two different ones, as in coco-caption.

    References
    ----------
    .. [1] C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", Text
       Summarization Branches Out, ACL 2004.

    Examples
    --------
    >>> from skw2c.metrics import rouge_l
    >>> rouge_l(["a dog barks"], [["a brown dog barks"]])
    0.8356164383561644
    """
    return _rouge_l(*_tokenize(candidates, references))


def cider_d(candidates, references):
    """Compute CIDEr-D [1]_: what a caption shares with its references, and no other has.

    N-grams of 1 to 4 words are weighted by how few clips have them in their references. The
    score of a clip is 10 times the mean cosine of candidate and references.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip. One without words scores 0.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more. Document frequencies are taken from
        these.

    Returns
    -------
    score : float
        Mean over the clips, in [0, 10].

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference has no words.
    TypeError
        If a caption is no string.

    Warns
    -----
    UndefinedMetricWarning
        If there is a single clip: all its n-grams are in every clip, and the score is 0.

    See Also
    --------
    caption_scores : All scores at once.

    Notes
    -----
    "D" is the form of the metric that papers report as CIDEr: counts of the candidate are
    clipped to those of the reference, and a difference in length is punished by a Gaussian
    of sigma = 6 words. Scores depend on the other clips, so compare those of one set.

    References
    ----------
    .. [1] R. Vedantam, C. L. Zitnick and D. Parikh, "CIDEr: consensus-based image
       description evaluation", CVPR 2015, arXiv 1411.5726.

    Examples
    --------
    >>> from skw2c.metrics import cider_d
    >>> truth = [["a dog barks at night"], ["rain falls on a roof"]]
    >>> round(cider_d(["a dog barks at night", "rain falls on it"], truth), 3)
    7.14
    """
    candidates, references = _tokenize(candidates, references)
    _warn_of_one_clip(candidates)
    return _cider_d(candidates, references)


def caption_scores(candidates, references):
    """Compute the scores of captions that need no Java, in one go.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.

    Returns
    -------
    scores : dict of str to float
        ``"bleu_1"`` to ``"bleu_4"``, ``"rouge_l"`` and ``"cider_d"``.

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference has no words.
    TypeError
        If a caption is no string.

    Warns
    -----
    UndefinedMetricWarning
        If there is a single clip, for which CIDEr-D says nothing.

    See Also
    --------
    java_caption_scores : METEOR, SPICE and SPIDEr.
    tokenize_caption : How captions are split, which differs from the tools of COCO.

    Examples
    --------
    >>> from skw2c.metrics import caption_scores
    >>> truth = [["a dog barks", "a dog"], ["rain on a roof"]]
    >>> scores = caption_scores(["a dog barks", "rain on the roof"], truth)
    >>> round(scores["bleu_1"], 3), round(scores["rouge_l"], 3)
    (0.857, 0.875)
    """
    candidates, references = _tokenize(candidates, references)
    _warn_of_one_clip(candidates)
    orders = _bleu(candidates, references, _LONGEST)
    return {
        **{f"bleu_{n}": score for n, score in enumerate(orders.tolist(), start=1)},
        "rouge_l": _rouge_l(candidates, references),
        "cider_d": _cider_d(candidates, references),
    }


def _separates(character: str) -> bool:
    return character not in "'-" and unicodedata.category(character)[0] in "PS"


def _tokenize(candidates, references) -> tuple[list[list[str]], list[list[list[str]]]]:
    """The words of checked captions."""
    candidates, references = check_captions(candidates, references)
    truth = [[tokenize_caption(caption) for caption in captions] for captions in references]
    for row, captions in enumerate(truth):
        if [] in captions:
            position = captions.index([])
            raise ValueError(
                f"references[{row}][{position}] is {references[row][position]!r}, which has no "
                "words: leave it out"
            )
    return [tokenize_caption(caption) for caption in candidates], truth


def _warn_of_one_clip(candidates: list) -> None:
    if len(candidates) == 1:
        warn_caller(
            "CIDEr-D of a single clip is 0, whatever its caption: n-grams are weighted by how "
            "few of the clips have them. Score several clips at once",
            UndefinedMetricWarning,
        )


def _count_ngrams(words: list[str], n: int) -> Counter:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _bleu(candidates, references, max_n: int) -> np.ndarray:
    n_correct, n_guessed = np.zeros(max_n), np.zeros(max_n)
    length = reference_length = 0
    for words, captions in zip(candidates, references, strict=True):
        for n in range(1, max_n + 1):
            guessed = _count_ngrams(words, n)
            most = Counter()
            for caption in captions:
                most |= _count_ngrams(caption, n)
            n_guessed[n - 1] += guessed.total()
            n_correct[n - 1] += (guessed & most).total()
        length += len(words)
        reference_length += min((abs(len(x) - len(words)), len(x)) for x in captions)[1]
    precisions = (n_correct + _TINY) / (n_guessed + _SMALL)
    means = np.cumprod(precisions) ** (1 / np.arange(1, max_n + 1))
    ratio = (length + _TINY) / (reference_length + _SMALL)
    return means * math.exp(min(1 - 1 / ratio, 0))


def _rouge_l(candidates, references) -> float:
    scores = map(_rouge_l_of_clip, candidates, references)
    return float(np.mean(list(scores)))


def _rouge_l_of_clip(words: list[str], captions: list[list[str]]) -> float:
    common = [_longest_common_subsequence(words, caption) for caption in captions]
    if not any(common):
        return 0.0
    precision = max(common) / len(words)
    recall = max(n / len(caption) for n, caption in zip(common, captions, strict=True))
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _longest_common_subsequence(one: list[str], other: list[str]) -> int:
    lengths = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for position, compared in enumerate(other, start=1):
            above = lengths[position]
            longer = diagonal + 1 if word == compared else max(above, lengths[position - 1])
            lengths[position], diagonal = longer, above
    return lengths[-1]


def _cider_d(candidates, references) -> float:
    orders = range(1, _LONGEST + 1)
    by_order = [_cosines_of_order(candidates, references, n) for n in orders]
    return 10 * float(np.mean(by_order))


def _cosines_of_order(candidates, references, n: int) -> list[float]:
    """For each clip, the mean over its references of the cosine of n-grams of one length."""
    counted = [[_count_ngrams(caption, n) for caption in captions] for captions in references]
    frequencies = Counter(ngram for counts in counted for ngram in set().union(*counts))
    rarity = {ngram: math.log(len(counted) / number) for ngram, number in frequencies.items()}
    unknown = math.log(len(counted))

    def weigh(counts: Counter) -> dict:
        return {ngram: k * rarity.get(ngram, unknown) for ngram, k in counts.items()}

    cosines = []
    for words, captions, counts in zip(candidates, references, counted, strict=True):
        own = weigh(_count_ngrams(words, n))
        of_references = [
            _clipped_cosine(own, weigh(true)) * _penalty(len(words), len(caption))
            for caption, true in zip(captions, counts, strict=True)
        ]
        cosines.append(math.fsum(of_references) / len(of_references))
    return cosines


def _clipped_cosine(own: dict, true: dict) -> float:
    product = math.fsum(min(w, true[ngram]) * true[ngram] for ngram, w in own.items() if
                        ngram in true)  # fmt: skip
    return product / (_norm(own) * _norm(true)) if product else 0.0


def _norm(weights: dict) -> float:
    return math.sqrt(math.fsum(w * w for w in weights.values()))


def _penalty(length: int, reference_length: int) -> float:
    # coco-caption takes the number of pairs of words for the length.
    difference = max(length - 1, 0) - max(reference_length - 1, 0)
    return math.exp(-(difference**2) / (2 * _SIGMA**2))
