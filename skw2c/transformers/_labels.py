"""Labels as vectors: how a label is said, and the table or encoder that knows its vector."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ._rows import to_unit_length

_TEXTS_AT_ONCE = 1024


def prettify_label(label) -> str:
    """Say a label as a person would.

    Underscores become spaces, and what stands in parentheses is set off by a comma:
    ``"Motor_vehicle_(road)"`` is "Motor vehicle, road". Capitals stay, for CLIP's
    tokenizer takes no notice of them.

    Parameters
    ----------
    label : str or any
        A label of a data set.

    Returns
    -------
    str

    Examples
    --------
    >>> from skw2c import prettify_label
    >>> prettify_label("dog_bark"), prettify_label("bat_(animal)"), prettify_label(3)
    ('dog bark', 'bat, animal', '3')
    """
    parts = re.split(r"[()]", str(label).replace("_", " "))
    words = (" ".join(part.split()).strip(" ,") for part in parts)
    return ", ".join(part for part in words if part)


def check_prompts(prompts) -> list[str]:
    """List the templates, each of which must have a place for the label."""
    templates = [prompts] if isinstance(prompts, str) else list(prompts)
    for template in templates:
        if not isinstance(template, str) or "{}" not in template:
            raise ValueError(
                f"the prompt {template!r} lacks a place for the label: write {{}} there, as in "
                "'the sound of {}'"
            )
    if not templates:
        raise ValueError("prompts is empty: pass '{}' for the label alone")
    twice = [template for template, count in Counter(templates).items() if count > 1]
    if twice:
        raise ValueError(
            f"prompts contains {twice[0]!r} more than once, which would give it more weight"
        )
    return templates


def refuse_prompts(prompts) -> None:
    """Refuse templates where the vectors of labels are made already."""
    if check_prompts(prompts) != ["{}"]:
        raise ValueError(
            f"prompts={prompts!r} needs a text encoder, but text_encoder is a table of precomputed "
            "vectors: leave prompts='{}'"
        )


def embed_labels(labels: list, templates: list[str], text_encoder) -> np.ndarray:
    """Unit vectors (n_labels, width) of labels, as `prettify_label` says them.

    Raises
    ------
    ValueError
        If two labels are said in the same way or have the same vector, or a vector is zero or not
        finite.
    """
    names = [prettify_label(label) for label in labels]
    _refuse_same(labels, names)
    vectors = embed_texts(names, templates, text_encoder)
    _refuse_alike(labels, vectors)
    return vectors


def embed_texts(texts: list[str], templates: list[str], text_encoder) -> np.ndarray:
    """Unit vectors (n_texts, width): the mean over all templates that a text is put into.

    As in CLIP, the vectors of the templates are scaled to unit length before the mean is
    taken, and so is the mean.
    """
    step = max(1, _TEXTS_AT_ONCE // len(templates))
    blocks = [texts[start : start + step] for start in range(0, len(texts), step)]
    return np.concatenate([_embed_block(block, templates, text_encoder) for block in blocks])


def _embed_block(texts: list[str], templates: list[str], text_encoder) -> np.ndarray:
    filled = [template.replace("{}", text) for text in texts for template in templates]
    vectors = text_encoder.transform(filled)
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else vectors
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or len(vectors) != len(filled):
        raise ValueError(
            f"text_encoder returned an array of shape {vectors.shape} for {len(filled)} texts, "
            "expected "
            "one vector for each"
        )
    _refuse_unusable(vectors, filled)
    means = to_unit_length(vectors).reshape(len(texts), len(templates), -1).mean(axis=1)
    _refuse_unusable(means, texts)
    return to_unit_length(means)


def look_up_labels(labels: list, table, names=None) -> np.ndarray:
    """Unit vectors (n_labels, width) of labels that a table holds.

    Parameters
    ----------
    labels : list
        Labels to look for: as they stand, or else as `prettify_label` says them,
        whatever their capitals.
    table : dict, DataFrame, Series, (array, names), or array of shape (n_names, width)
        The vectors.
    names : sequence or None
        Names of the rows where the table is an array alone.

    Raises
    ------
    ValueError
        If the table is none, lacks a label, has several vectors for one or one for
        several, or holds vectors that differ in length, are zero or not finite.
    """
    names, vectors = _read_table(table, names)
    rows = _match(labels, names, vectors)
    _refuse_shared(labels, names, rows)
    chosen = vectors[rows]
    _refuse_unusable(chosen, labels)
    return to_unit_length(chosen)


def names_in_table(table) -> list:
    """Names of the vectors in a table; none of an array alone, whose rows have none."""
    named = isinstance(table, Mapping) or hasattr(table, "index") or _is_pair(table)
    return _read_table(table, None)[0] if named else []


def is_table(text_encoder) -> bool:
    """Whether these are vectors, and not what makes them."""
    makes_them = hasattr(text_encoder, "fit") and hasattr(text_encoder, "transform")
    return not isinstance(text_encoder, str) and not makes_them


def _fold(name: str) -> str:
    """The same for words that CLIP's tokenizer takes for the same."""
    return unicodedata.normalize("NFC", name).lower()


def _refuse_same(labels: list, names: list[str]) -> None:
    seen: dict[str, int] = {}
    for row, (label, name) in enumerate(zip(labels, names, strict=True)):
        if not name:
            raise ValueError(f"the label {label!r} does not contain any words")
        other = seen.setdefault(_fold(name), row)
        if other != row:
            raise ValueError(
                f"the labels {labels[other]!r} and {label!r} have the same text ({name!r}), and "
                "so the "
                "same vector: rename or drop one"
            )


def _refuse_alike(labels: list, vectors: np.ndarray) -> None:
    """Refuse labels that differ in what the text encoder takes no notice of."""
    seen: dict[bytes, int] = {}
    for row, vector in enumerate(vectors.round(6) + 0.0):
        other = seen.setdefault(vector.tobytes(), row)
        if other != row:
            raise ValueError(
                f"the labels {labels[other]!r} and {labels[row]!r} have the same vector, because "
                "the text encoder takes no notice of what they differ in: rename or drop one"
            )


def _refuse_shared(labels: list, names: list, rows: list[int]) -> None:
    for row, count in Counter(rows).items():
        if count > 1:
            shared = [label for label, own in zip(labels, rows, strict=True) if own == row]
            raise ValueError(
                f"the labels {', '.join(map(repr, shared))} all match the vector of "
                f"{names[row]!r} in the table: rename or drop all but one"
            )


def _refuse_unusable(vectors: np.ndarray, labels: list) -> None:
    bad = ~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        what = "zero" if np.isfinite(vectors[row]).all() else "NaN or infinite"
        raise ValueError(f"the vector of {labels[row]!r} is {what}")


def _read_table(table, names) -> tuple[list, np.ndarray]:
    vectors: Sequence | np.ndarray
    if isinstance(table, Mapping):
        names, vectors = list(table), list(table.values())
    elif hasattr(table, "index") and hasattr(table, "to_numpy"):
        names, vectors = list(table.index), list(table.to_numpy())
    elif _is_pair(table):
        vectors, names = table[0], list(table[1])
    elif np.ndim(table) == 2 and names is not None:
        vectors, names = np.asarray(table), list(names)
    else:
        raise ValueError(
            "text_encoder is neither the name of an encoder, nor a transformer, nor a table of "
            "label vectors. A table is a dict (label: vector), a DataFrame (one row per label, "
            "with the labels as its index), a pair (array of shape (n_labels, width), names), or "
            "an "
            "array in the order of the parameter `labels`"
        )
    return names, _as_matrix(names, vectors)


def _is_pair(table) -> bool:
    """Whether this is an array, or a list of vectors, and as many names."""
    if not isinstance(table, (tuple, list)) or len(table) != 2 or not np.iterable(table[0]):
        return False
    return all(map(np.iterable, table[0])) and not any(
        np.iterable(name) and not isinstance(name, str) for name in table[1]
    )


def _as_matrix(names: list, vectors) -> np.ndarray:
    widths = Counter(np.shape(vector) for vector in vectors)
    if len(vectors) != len(names):
        raise ValueError(f"the table has {len(vectors)} vectors for {len(names)} names")
    if not names:
        raise ValueError("the table of label vectors is empty")
    if len(widths) > 1 or len(next(iter(widths))) != 1:
        usual = widths.most_common(1)[0][0]
        odd = next((k for k, v in enumerate(vectors) if np.shape(v) != usual), 0)
        raise ValueError(
            f"got vectors of shapes {np.shape(vectors[odd])} (for {names[odd]!r}) and {usual}, "
            "expected one-dimensional vectors of the same length for all labels"
        )
    return np.array([np.asarray(vector, dtype=float) for vector in vectors])


def _match(labels: list, names: list, vectors: np.ndarray) -> list[int]:
    exact, said = _index(names), _index([_fold(prettify_label(name)) for name in names])
    rows: list[int] = []
    missing: list = []
    for label in labels:
        found = exact.get(label) or said.get(_fold(prettify_label(label))) or []
        if not found:
            missing.append(label)
        elif len(found) > 1 and (vectors[found] != vectors[found[0]]).any():
            raise ValueError(
                f"the table has {len(found)} different vectors for the label {label!r} "
                f"({', '.join(repr(names[row]) for row in found)}): keep one"
            )
        rows += found[:1]
    if missing:
        raise ValueError(_describe_missing(missing, names))
    return rows


def _index(names: list) -> dict:
    rows: dict = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return rows


def _describe_missing(missing: list, names: list) -> str:
    near = difflib.get_close_matches(str(missing[0]), list(map(str, names)), n=3)
    hint = f" Near {missing[0]!r}: {', '.join(map(repr, near))}." if near else ""
    if not isinstance(missing[0], str):
        hint += " Numbers mean words by labels={0: 'dog', 1: 'rain'}."
    shown = ", ".join(map(repr, missing[:5])) + (
        f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    )
    return (
        f"The table of label vectors ({len(names)} names) lacks {shown}.{hint} Add the vectors, "
        "or leave these labels out."
    )
