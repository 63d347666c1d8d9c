"""Caption metrics that need Java: METEOR, SPICE and SPIDEr."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ..exceptions import OptionalDependencyError
from ..system._optional import import_optional
from ._caption_checks import check_captions
from ._caption_scores import _cider_d

_NAMES = ("meteor", "spice", "spider")
_FILES = {
    "meteor": ("meteor/meteor-1.5.jar", "meteor/data/paraphrase-en.gz"),
    "spice": (
        "spice/spice-1.0.jar",
        "spice/lib/stanford-corenlp-3.6.0.jar",
        "spice/lib/stanford-corenlp-3.6.0-models.jar",
    ),
}
_TOKENIZER = ("tokenizer/stanford-corenlp-3.4.1.jar",)


def java_caption_scores(candidates, references, *, metrics=_NAMES):
    """Compute METEOR [1]_, SPICE [2]_ and SPIDEr [3]_ with the Java programs of coco-caption.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.
    metrics : sequence of str, default=("meteor", "spice", "spider")
        The metrics to compute.

    Returns
    -------
    scores : dict of str to float
        The score of each metric.

    Raises
    ------
    OptionalDependencyError
        If the package ``pycocoevalcap``, a working Java, or a file that a program needs is
        missing. Nothing is downloaded.
    RuntimeError
        If a program fails.
    ValueError, TypeError
        If a metric is unknown, or for the same reasons as in :func:`caption_scores`.

    See Also
    --------
    caption_scores : The metrics that do not need Java.
    available_java_scores : Tells which metrics can be computed on this machine.

    Notes
    -----
    Captions are split by the Penn Treebank tokeniser, as in the COCO caption evaluation.
    SPIDEr is the mean of SPICE and CIDEr-D, with captions split in the same way. SPICE also
    needs two libraries of Stanford CoreNLP 3.6.0, and a Java from 8 to 13.

    References
    ----------
    .. [1] M. Denkowski and A. Lavie, "Meteor universal: language specific translation
       evaluation for any target language", WMT 2014.
    .. [2] P. Anderson, B. Fernando, M. Johnson and S. Gould, "SPICE: semantic propositional
       image caption evaluation", ECCV 2016, arXiv 1607.08822.
    .. [3] S. Liu, Z. Zhu, N. Ye, S. Guadarrama and K. Murphy, "Improved image captioning via
       policy gradient optimization of SPIDEr", ICCV 2017, arXiv 1612.00370.

    Examples
    --------
    >>> from skw2c.metrics import java_caption_scores
    >>> java_caption_scores(
    ...     ["a dog barks"], [["a dog is barking"]], metrics=["meteor"]
    ... )  # doctest: +SKIP
    {'meteor': 0.24339855389672638}

    As many metrics as this machine can compute:

    >>> from skw2c.metrics import available_java_scores
    >>> metrics = [name for name, missing in available_java_scores().items() if missing is None]
    >>> if metrics:
    ...     scores = java_caption_scores(["a dog barks"], [["a dog"]], metrics=metrics)
    """
    metrics = list(metrics)
    for name in metrics:
        if name not in _NAMES:
            raise ValueError(
                f"metrics contains {name!r}, expected some of {', '.join(map(repr, _NAMES))}"
            )
    candidates, references = check_captions(candidates, references)
    programs = list(dict.fromkeys("spice" if name == "spider" else name for name in metrics))
    _check_programs(programs)
    tokens, reference_tokens = _tokenize(candidates, references)
    scores = {name: _run(name, tokens, reference_tokens) for name in programs}
    if "spider" in metrics:
        scores["spider"] = (scores["spice"] + _cider_d_of_tokens(tokens, reference_tokens)) / 2
    return {name: scores[name] for name in metrics}


def available_java_scores() -> dict[str, str | None]:
    """Tell which caption metrics that need Java can be computed on this machine.

    Returns
    -------
    dict of str to (str or None)
        For ``"meteor"``, ``"spice"`` and ``"spider"``: None if the metric can be computed, or
        else a message about what is missing and how to install it.

    See Also
    --------
    java_caption_scores : Computes these metrics.

    Examples
    --------
    >>> from skw2c.metrics import available_java_scores
    >>> list(available_java_scores())
    ['meteor', 'spice', 'spider']
    """
    missing: dict[str, str | None] = {}
    for name, program in (("meteor", "meteor"), ("spice", "spice"), ("spider", "spice")):
        try:
            _check_programs([program])
            missing[name] = None
        except OptionalDependencyError as exc:
            missing[name] = str(exc)
    return missing


def _check_programs(programs: list[str]) -> None:
    """Check that all files and a Java are there; pycocoevalcap itself would download them."""
    package = import_optional(
        "pycocoevalcap.eval", extra="captions", purpose="Caption metrics that need Java"
    )
    folder = Path(package.__file__ or "").parent
    for name in programs:
        missing = [file for file in (*_TOKENIZER, *_FILES[name]) if not (folder / file).exists()]
        if missing:
            others = [other for other in _FILES if other != name]
            raise OptionalDependencyError(
                f"{name!r} needs {', '.join(map(repr, missing))} in the folder {str(folder)!r}: "
                f"put them there, or pass metrics={others}"
            )
    _check_java()


def _check_java() -> None:
    java = shutil.which("java")
    if java is None:
        raise OptionalDependencyError(
            "METEOR and SPICE need Java, but the program 'java' is not in the PATH: install it, "
            "for example by a package openjdk-*-jre-headless"
        )
    result = subprocess.run([java, "-version"], capture_output=True, text=True)  # noqa: S603
    if result.returncode:
        raise OptionalDependencyError(
            f"METEOR and SPICE need Java, but {java!r} fails: {result.stderr.strip()}"
        )


def _tokenize(candidates: list[str], references: list[list[str]]) -> tuple[dict, dict]:
    """Candidates and references by row, as coco-caption passes them on: words and spaces."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    tokenizer = PTBTokenizer()
    candidate_entries = {row: _as_entries([caption]) for row, caption in enumerate(candidates)}
    reference_entries = {row: _as_entries(captions) for row, captions in enumerate(references)}
    return tokenizer.tokenize(candidate_entries), tokenizer.tokenize(reference_entries)


def _as_entries(captions: list[str]) -> list[dict]:
    # The tokeniser takes each line for a caption, so a line break must not be within one.
    return [{"caption": " ".join(caption.split())} for caption in captions]


def _run(name: str, tokens: dict, reference_tokens: dict) -> float:
    try:
        if name == "meteor":
            from pycocoevalcap.meteor.meteor import Meteor as Scorer
        else:
            from pycocoevalcap.spice.spice import Spice as Scorer
        score, _ = Scorer().compute_score(reference_tokens, tokens)
    except (OSError, ValueError, subprocess.CalledProcessError) as exc:
        raise RuntimeError(
            f"the Java program of {name!r} failed ({type(exc).__name__}: {exc}); METEOR needs 2 GB "
            "of memory, and SPICE 8 GB and a Java from 8 to 13"
        ) from exc
    return float(score)


def _cider_d_of_tokens(tokens: dict, reference_tokens: dict) -> float:
    return _cider_d(
        [tokens[row][0].split() for row in tokens],
        [[caption.split() for caption in reference_tokens[row]] for row in tokens],
    )
