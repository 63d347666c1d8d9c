"""Errors and warnings that skw2c raises, each also a standard one."""

__all__ = [
    "AudioError",
    "FailedClipWarning",
    "OptionalDependencyError",
    "WeightsError",
    "WeightsNotAvailableError",
]


class AudioError(ValueError):
    """A clip cannot be read, or holds samples that mean nothing (NaN, infinity)."""


class WeightsError(ValueError):
    """A weights file is damaged, is of another model, or is not the file it should be."""


class WeightsNotAvailableError(WeightsError, OSError):
    """Pre-trained weights are neither in the cache nor reachable by the network."""


class OptionalDependencyError(ImportError):
    """A package of one of the optional extras is needed and not installed."""


class FailedClipWarning(UserWarning):
    """Some clips could not be embedded and stand as rows of NaN.

    Parameters
    ----------
    failures : list of tuple (row, file, cause)
        Row number (int, from 0), file name (str, or None for an array) and the
        reason (str) of every clip that failed, in the order of the rows.
    n_clips : int
        Number of clips that were asked for.

    Attributes
    ----------
    failures : list of tuple (row, file, cause)
    n_clips : int
    """

    def __init__(self, failures, n_clips):
        self.failures = list(failures)
        self.n_clips = n_clips
        super().__init__(self.failures, n_clips)

    def __str__(self):
        shown = [
            f"row {row}{'' if file is None else f' ({file!r})'}: {cause}"
            for row, file, cause in self.failures[:3]
        ]
        more = len(self.failures) - len(shown)
        if more > 0:
            shown.append(f"and {more} more")
        return (
            f"{len(self.failures)} of {self.n_clips} clips failed and are rows of NaN "
            f"(the `failures` attribute of this warning lists all): {'; '.join(shown)}"
        )
