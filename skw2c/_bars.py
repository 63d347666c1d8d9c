"""Progress bars, where tqdm is there to draw them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext


class _NoBar:
    def update(self, n: int = 1) -> None:
        pass


def progress_bar(total: int, *, unit: str, desc: str, verbose, **options) -> AbstractContextManager:
    """Open a bar with a method ``update(n=1)``, which draws nothing where it cannot or shall not.

    Parameters
    ----------
    total : int
    unit, desc : str
        What is counted, and what is done with it.
    verbose : bool or int
        Whether to draw.
    **options
        Of tqdm.
    """
    if verbose:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            pass
        else:
            return tqdm(total=total, unit=unit, desc=desc, **options)
    return nullcontext(_NoBar())
