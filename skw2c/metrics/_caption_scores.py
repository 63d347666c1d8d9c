"""Caption metrics: the n-grams and words that captions share with reference captions."""

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

# coco-caption adds these to numerators and denominators of BLEU, so that no logarithm is of 0
# and no division by 0. They are kept, because they are seen where nothing matches.
_TINY, _SMALL = 1e-15, 1e-9
_BETA = 1.2
_SIGMA = 6.0
_MAX_ORDER = 4


def tokenize_caption(caption):
    """Split a caption into words: lower case, without punctuation.

    Punctuation and symbols separate words, except for apostrophes and hyphens within a word.

    Parameters
    ----------
    caption : str
        The caption.

    Returns
    -------
    list of str
        Its words, in order.

    Notes
    -----
    The COCO caption evaluation uses the Penn Treebank tokeniser, which needs Java. That
    tokeniser splits contractions ("dog's" becomes "dog" and "'s") and keeps some symbols, such
    as "&" and "%". Scores may therefore differ by a few thousandths.

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


def bleu(candidates, references, *, max_order=4):
    """Compute the corpus-level BLEU [1]_ of each order.

    BLEU-N is the geometric mean of the n-gram precisions for n from 1 to N, times a brevity
    penalty if the candidates are shorter than their references. All counts are summed over
    the clips before they are divided.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip. A caption without words counts as empty.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.
    max_order : int, default=4
        The largest N, that is, the length of the longest n-grams.

    Returns
    -------
    scores : ndarray of shape (max_order,), float64
        BLEU-1 to BLEU-``max_order``, in [0, 1].

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference contains no words.
    TypeError
        If a caption is not a string.

    See Also
    --------
    caption_scores : Computes several metrics at once.

    Notes
    -----
    As in coco-caption, the count of an n-gram is clipped to its largest count in any one
    reference; the brevity penalty compares with the reference of the closest length, and with
    the shorter one of two; and a precision of 0 is replaced by 1e-15 divided by the number of
    n-grams, so that a corpus without matching 4-grams has a small BLEU-4 instead of 0.

    References
    ----------
    .. [1] K. Papineni, S. Roukos, T. Ward and W.-J. Zhu, "BLEU: a method for automatic
       evaluation of machine translation", ACL 2002.

    Examples
    --------
    >>> from skw2c.metrics import bleu
    >>> bleu(["a dog barks loudly"], [["a dog barks", "a loud dog"]], max_order=2).round(3)
    array([0.75 , 0.707])
    """
    check_scalar(max_order, "max_order", Integral, min_val=1)
    return _bleu(*_tokenize(candidates, references), int(max_order))


def rouge_l(candidates, references):
    """Compute ROUGE-L [1]_, by longest common subsequences of words, averaged over clips.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip. A caption without words scores 0.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.

    Returns
    -------
    score : float
        In [0, 1].

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference contains no words.
    TypeError
        If a caption is not a string.

    See Also
    --------
    caption_scores : Computes several metrics at once.

    Notes
    -----
    The score of a clip is the F-measure of precision and recall with beta = 1.2. As in
    coco-caption, each of the two is the maximum over the references, even if these maxima
    come from different references.

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
    """Compute CIDEr-D [1]_, by n-grams weighted by TF-IDF.

    N-grams of 1 to 4 words are weighted by how few clips have them in their references. The
    score of a clip is 10 times the mean cosine similarity of candidate and references.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip. A caption without words scores 0.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more. Document frequencies are counted in
        these.

    Returns
    -------
    score : float
        The mean over the clips, in [0, 10].

    Raises
    ------
    ValueError
        If the lengths differ, a clip has no reference, or a reference contains no words.
    TypeError
        If a caption is not a string.

    Warns
    -----
    UndefinedMetricWarning
        If there is only one clip: each of its n-grams occurs in every clip, so the score is 0.

    See Also
    --------
    caption_scores : Computes several metrics at once.

    Notes
    -----
    CIDEr-D is the variant of the metric that papers report as CIDEr: the counts of the
    candidate are clipped to those of the reference, and a difference in length is penalised
    by a Gaussian with a sigma of 6 words. Scores depend on the other clips, so only compare
    scores on the same set of clips.

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
    """Compute all caption metrics that do not need Java.

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
        If the lengths differ, a clip has no reference, or a reference contains no words.
    TypeError
        If a caption is not a string.

    Warns
    -----
    UndefinedMetricWarning
        If there is only one clip, for which CIDEr-D is always 0.

    See Also
    --------
    java_caption_scores : METEOR, SPICE and SPIDEr.
    tokenize_caption : How captions are split, which differs from the COCO evaluation.

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
    by_order = _bleu(candidates, references, _MAX_ORDER)
    return {
        **{f"bleu_{n}": score for n, score in enumerate(by_order.tolist(), start=1)},
        "rouge_l": _rouge_l(candidates, references),
        "cider_d": _cider_d(candidates, references),
    }


def _separates(character: str) -> bool:
    return character not in "'-" and unicodedata.category(character)[0] in "PS"


def _tokenize(candidates, references) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Check captions and split them into words."""
    candidates, references = check_captions(candidates, references)
    split = [[tokenize_caption(caption) for caption in captions] for captions in references]
    for row, captions in enumerate(split):
        if [] in captions:
            position = captions.index([])
            raise ValueError(
                f"references[{row}][{position}] is {references[row][position]!r}, which does not "
                "contain any words: leave it out"
            )
    return [tokenize_caption(caption) for caption in candidates], split


def _warn_of_one_clip(candidates: list) -> None:
    if len(candidates) == 1:
        warn_caller(
            "CIDEr-D of a single clip is always 0, because n-grams are weighted by how few of the "
            "clips have them. Score several clips at once",
            UndefinedMetricWarning,
        )


def _count_ngrams(words: list[str], n: int) -> Counter:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _bleu(candidates, references, max_order: int) -> np.ndarray:
    n_matching, n_candidate = np.zeros(max_order), np.zeros(max_order)
    length = reference_length = 0
    for words, captions in zip(candidates, references, strict=True):
        for n in range(1, max_order + 1):
            counts = _count_ngrams(words, n)
            largest: Counter[tuple] = Counter()
            for caption in captions:
                largest |= _count_ngrams(caption, n)
            n_candidate[n - 1] += counts.total()
            n_matching[n - 1] += (counts & largest).total()
        length += len(words)
        reference_length += min((abs(len(x) - len(words)), len(x)) for x in captions)[1]
    precisions = (n_matching + _TINY) / (n_candidate + _SMALL)
    means = np.cumprod(precisions) ** (1 / np.arange(1, max_order + 1))
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
    # One row of the dynamic programme at a time: lengths[j] is that of the words so far and
    # the first j words of the other caption.
    lengths = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for position, compared in enumerate(other, start=1):
            above = lengths[position]
            longer = diagonal + 1 if word == compared else max(above, lengths[position - 1])
            lengths[position], diagonal = longer, above
    return lengths[-1]


def _cider_d(candidates, references) -> float:
    by_order = [_cosines(candidates, references, n) for n in range(1, _MAX_ORDER + 1)]
    return 10 * float(np.mean(by_order))


def _cosines(candidates, references, n: int) -> list[float]:
    """For each clip, the mean cosine similarity to its references, by n-grams of one length."""
    counts = [[_count_ngrams(caption, n) for caption in captions] for captions in references]
    frequencies = Counter(ngram for of_clip in counts for ngram in set().union(*of_clip))
    idf = {ngram: math.log(len(counts) / number) for ngram, number in frequencies.items()}
    # An n-gram without any reference counts as if it occurred in one clip.
    idf_of_unknown = math.log(len(counts))

    def weigh(ngrams: Counter) -> dict:
        return {ngram: k * idf.get(ngram, idf_of_unknown) for ngram, k in ngrams.items()}

    cosines = []
    for words, captions, of_clip in zip(candidates, references, counts, strict=True):
        candidate = weigh(_count_ngrams(words, n))
        similarities = [
            _clipped_cosine(candidate, weigh(ngrams)) * _penalty(len(words), len(caption))
            for caption, ngrams in zip(captions, of_clip, strict=True)
        ]
        cosines.append(math.fsum(similarities) / len(similarities))
    return cosines


def _clipped_cosine(candidate: dict, reference: dict) -> float:
    common = candidate.keys() & reference.keys()
    product = math.fsum(
        min(candidate[ngram], reference[ngram]) * reference[ngram] for ngram in common
    )
    return product / (_norm(candidate) * _norm(reference)) if product else 0.0


def _norm(weights: dict) -> float:
    return math.sqrt(math.fsum(w * w for w in weights.values()))


def _penalty(length: int, reference_length: int) -> float:
    # coco-caption measures the length of a caption as its number of bigrams.
    difference = max(length - 1, 0) - max(reference_length - 1, 0)
    return math.exp(-(difference**2) / (2 * _SIGMA**2))
