"""What estimators share of scikit-learn's tables: columns in, containers out."""

from __future__ import annotations

import numpy as np
from sklearn import get_config
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data


def note_columns(estimator, X, *, reset: bool) -> None:
    """Note or compare the columns of X.

    A DataFrame has columns, and a list has none, whatever was fitted before. Of an array of
    numbers the columns are counted.
    """
    if reset:
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(estimator, name):
                delattr(estimator, name)
    has_columns = hasattr(X, "columns") or (not reset and _is_table_of_numbers(X))
    if has_columns and (reset or hasattr(estimator, "n_features_in_")):
        validate_data(estimator, X, reset=reset, skip_check_array=True)


def _is_table_of_numbers(X) -> bool:
    return getattr(X, "ndim", 0) == 2 and getattr(getattr(X, "dtype", None), "kind", "") in "biuf"


def take_columns(estimator, inner) -> None:
    """Note the columns that a fitted inner estimator has seen."""
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(inner, name):
            setattr(estimator, name, getattr(inner, name))


def check_container(estimator, what: str, cure: str) -> None:
    """Refuse to put arrays of more than two dimensions into a DataFrame."""
    own = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    container = own or get_config()["transform_output"]
    if container != "default":
        raise ValueError(
            f"{what} gives arrays of more than two dimensions, which {container!r} "
            f"cannot hold: use {cure}, or set_output(transform='default')"
        )


def check_frames(X, width: int | None, finite) -> list[np.ndarray]:
    """Check vectors of frames, (n_frames, width) for each clip; None is a frame of NaN.

    Parameters
    ----------
    X : sequence of array-like of shape (n_frames, width)
    width : int or None
        Dimension of the vectors, where it is known.
    finite : True or "allow-nan"
        Whether NaN may stand for what failed.
    """
    if len(X) == 0:
        raise ValueError("X is empty: got no clips")
    if hasattr(X, "columns"):
        raise ValueError(
            f"X is a table of {X.shape[0]} rows and {X.shape[1]} columns, expected a list "
            "with the vectors of frames of each clip, (n_frames, width): pass [table] if its rows "
            "are the frames of one clip"
        )
    checked: list = [None] * len(X)
    for row, frames in enumerate(X):
        if frames is not None or finite is True:
            try:
                checked[row] = check_array(frames, ensure_all_finite=finite, input_name="X")
            except (ValueError, TypeError) as exc:
                raise ValueError(f"Row {row}: {exc}") from exc
            width = checked[row].shape[1] if width is None else width
            found = checked[row].shape[1]
            if found != width:
                raise ValueError(f"Row {row}: got vectors of dimension {found}, expected {width}")
    failed = np.full((1, width or 1), np.nan)
    return [failed if frames is None else frames for frames in checked]


def spans_of_frames(n_frames: int, length: float, hop: float) -> np.ndarray:
    """Start and end (n_frames, 2) of windows, in the unit of ``length`` and ``hop``."""
    starts = np.arange(n_frames) * hop
    return np.stack([starts, starts + length], axis=1)


def stack_frames(vectors: list[np.ndarray]) -> np.ndarray:
    """Stack (n_frames, width) of each row; an object array where the numbers differ."""
    if len({len(frames) for frames in vectors}) == 1:
        return np.stack(vectors)
    stacked = np.empty(len(vectors), dtype=object)
    stacked[:] = vectors
    return stacked
