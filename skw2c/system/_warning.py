"""Warnings that name the line of whoever called the package, however deep they arise."""

from __future__ import annotations

import sys
import warnings

_PASSED_OVER = {"contextlib", "joblib", "skw2c", "sklearn"}


def warn_caller(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line that is neither of this package nor of scikit-learn.

    A fixed ``stacklevel`` is wrong as soon as one more function stands between, and a wrapper
    of scikit-learn stands between only sometimes.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _package_of(frame) in _PASSED_OVER:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _package_of(frame) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]
