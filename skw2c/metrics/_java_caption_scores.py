"""Caption metrics that run in Java: METEOR, SPICE and SPIDEr."""

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


def java_caption_scores(candidates, references, *, scores=_NAMES):
    """Compute METEOR [1]_, SPICE [2]_ and SPIDEr [3]_ with the programs of coco-caption.

    Parameters
    ----------
    candidates : sequence of str, of shape (n_clips,)
        A caption for each clip.
    references : sequence of sequence of str, of shape (n_clips,)
        The true captions of each clip, one or more.
    scores : sequence of str, default=("meteor", "spice", "spider")
        Which of these.

    Returns
    -------
    scores : dict of str to float
        A score under each name that was asked for.

    Raises
    ------
    OptionalDependencyError
        If the package ``pycocoevalcap``, a Java that runs, or a file that a program needs is
        not there. Nothing is downloaded.
    RuntimeError
        If a program fails.
    ValueError, TypeError
        If a name is unknown, or for the reasons of :func:`caption_scores`.

    See Also
    --------
    caption_scores : What needs no Java.

    Notes
    -----
    Captions are split by the Penn Treebank tokeniser, as in the tools of COCO. SPIDEr is
    the mean of SPICE and of CIDEr-D of captions that are split so. SPICE takes two
    libraries more, of Stanford CoreNLP 3.6.0, and a Java from 8 to 13.

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
    ...     ["a dog barks"], [["a dog is barking"]], scores=["meteor"]
    ... )  # doctest: +SKIP
    {'meteor': 0.24339855389672638}
    """
    scores = list(scores)
    for name in scores:
        if name not in _NAMES:
            raise ValueError(f"scores has {name!r}, and {', '.join(map(repr, _NAMES))} are known")
    candidates, references = check_captions(candidates, references)
    needed = list(dict.fromkeys("spice" if name == "spider" else name for name in scores))
    _check_programs(needed)
    truth, guessed = _tokenize(candidates, references)
    found = {name: _run(name, truth, guessed) for name in needed}
    if "spider" in scores:
        found["spider"] = (found["spice"] + _cider_d_of_tokens(guessed, truth)) / 2
    return {name: found[name] for name in scores}


def available_java_scores() -> dict[str, str | None]:
    """Say which scores of captions can be computed by Java on this machine.

    Returns
    -------
    dict of str to (str or None)
        For ``"meteor"``, ``"spice"`` and ``"spider"``: None where all is there, else what
        lacks.

    See Also
    --------
    java_caption_scores : Computes them.

    Examples
    --------
    >>> from skw2c.metrics import available_java_scores
    >>> list(available_java_scores())
    ['meteor', 'spice', 'spider']
    """
    lacking = {}
    for name, needed in (("meteor", "meteor"), ("spice", "spice"), ("spider", "spice")):
        try:
            _check_programs([needed])
            lacking[name] = None
        except OptionalDependencyError as exc:
            lacking[name] = str(exc)
    return lacking


def _check_programs(needed: list[str]) -> None:
    """Refuse what would fail later, or begin to download."""
    package = import_optional(
        "pycocoevalcap.eval", extra="captions", purpose="Scores of captions by Java"
    )
    folder = Path(package.__file__).parent
    for name in needed:
        missing = [file for file in (*_TOKENIZER, *_FILES[name]) if not (folder / file).exists()]
        if missing:
            others = [other for other in _FILES if other != name]
            raise OptionalDependencyError(
                f"{name!r} needs {', '.join(map(repr, missing))} in the folder {str(folder)!r}: "
                f"put them there, or ask for scores={others} alone"
            )
    _check_java()


def _check_java() -> None:
    java = shutil.which("java")
    if java is None:
        raise OptionalDependencyError(
            "METEOR and SPICE run in Java, and there is no program 'java' in the PATH: install "
            "one, such as a package openjdk-*-jre-headless"
        )
    result = subprocess.run([java, "-version"], capture_output=True, text=True)  # noqa: S603
    if result.returncode:
        raise OptionalDependencyError(
            f"METEOR and SPICE run in Java, and {java!r} does not run: {result.stderr.strip()}"
        )


def _tokenize(candidates: list[str], references: list[list[str]]) -> tuple[dict, dict]:
    """References and candidates by row, as coco-caption has them: words between spaces."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    tokenizer = PTBTokenizer()
    truth = {row: _as_entries(captions) for row, captions in enumerate(references)}
    guessed = {row: _as_entries([caption]) for row, caption in enumerate(candidates)}
    return tokenizer.tokenize(truth), tokenizer.tokenize(guessed)


def _as_entries(captions: list[str]) -> list[dict]:
    # The tokeniser reads lines.
    return [{"caption": " ".join(caption.split())} for caption in captions]


def _run(name: str, truth: dict, guessed: dict) -> float:
    try:
        if name == "meteor":
            from pycocoevalcap.meteor.meteor import Meteor as Scorer
        else:
            from pycocoevalcap.spice.spice import Spice as Scorer
        score, _ = Scorer().compute_score(truth, guessed)
    except (OSError, ValueError, subprocess.CalledProcessError) as exc:
        raise RuntimeError(
            f"the program of {name!r} failed ({type(exc).__name__}: {exc}); it needs 2 GB of "
            "memory for METEOR and 8 GB for SPICE, whose Java is from 8 to 13"
        ) from exc
    return float(score)


def _cider_d_of_tokens(guessed: dict, truth: dict) -> float:
    return _cider_d(
        [guessed[row][0].split() for row in guessed],
        [[caption.split() for caption in truth[row]] for row in guessed],
    )
