"""Errors and warnings that skw2c raises, each also a standard one."""

__all__ = [
    "AudioError",
    "FailedClipWarning",
    "FailedRowWarning",
    "ImageError",
    "LeftOutWarning",
    "OptionalDependencyError",
    "SavedIndexError",
    "ShardError",
    "TextError",
    "UnreadableError",
    "VideoError",
    "WeightsError",
    "WeightsNotAvailableError",
]


class UnreadableError(ValueError):
    """One item of X cannot be read."""


class AudioError(UnreadableError):
    """A clip cannot be read, or holds samples that mean nothing (NaN, infinity)."""


class ImageError(UnreadableError):
    """A picture cannot be read, or its numbers are no colours."""


class VideoError(UnreadableError):
    """A video cannot be read, is cut off, or has no pictures."""


class TextError(UnreadableError):
    """A text is missing, or is no string."""


class WeightsError(ValueError):
    """A weights file is damaged, is of another model, or is not the file it should be."""


class WeightsNotAvailableError(WeightsError, OSError):
    """Pre-trained weights are neither in the cache nor reachable by the network."""


class SavedIndexError(ValueError):
    """A saved index is damaged, of another version, or is not the one it should be."""


class ShardError(ValueError):
    """A shard is damaged, or a folder of shards is incomplete or of another configuration."""


class OptionalDependencyError(ImportError):
    """A package of one of the optional extras is needed and not installed."""


class FailedRowWarning(UserWarning):
    """Some items of X could not be embedded and stand as rows of NaN.

    Parameters
    ----------
    failures : list of tuple (row, file, cause)
        Row number (int, from 0), file name (str, or None for what is no file) and the
        reason (str) of every item that failed, in the order of the rows.
    n_rows : int
        Number of items that were asked for.
    unit : str
        What the items are.

    Attributes
    ----------
    failures : list of tuple (row, file, cause)
    n_rows : int
    unit : str
    """

    _fate = "are rows of NaN"

    def __init__(self, failures, n_rows, unit="row"):
        self.failures = list(failures)
        self.n_rows = n_rows
        self.unit = unit
        super().__init__(self.failures, n_rows, unit)

    def __str__(self):
        shown = [f"{self._name(row, file)}: {cause}" for row, file, cause in self.failures[:3]]
        more = len(self.failures) - len(shown)
        if more > 0:
            shown.append(f"and {more} more")
        return (
            f"{len(self.failures)} of {self.n_rows} {self.unit}s failed and {self._fate} "
            f"(the `failures` attribute of this warning lists all): {'; '.join(shown)}"
        )

    @staticmethod
    def _name(row, file):
        return f"row {row}" if file is None else f"row {row} ({file!r})"


class FailedClipWarning(FailedRowWarning):
    """Some clips could not be embedded and stand as rows of NaN."""


class LeftOutWarning(FailedRowWarning):
    """Some videos are in no shard, or some clips are not trained on."""

    _fate = "are left out"

    @staticmethod
    def _name(row, file):
        return f"row {row}" if file is None else file
