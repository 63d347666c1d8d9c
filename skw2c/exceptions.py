"""Errors and warnings of skw2c. Each is also a standard one, so that existing handlers work."""

__all__ = [
    "AudioError",
    "CorpusError",
    "FailedClipWarning",
    "FailedFileWarning",
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
    """An item of X cannot be read: a clip, an image, a video or a text.

    This is the base class of the errors for each of them.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import Wav2CLIPTransformer
    >>> from skw2c.exceptions import UnreadableError
    >>> try:
    ...     Wav2CLIPTransformer("mini").fit_transform([np.ones(9000), np.full(16000, np.nan)])
    ... except UnreadableError as error:
    ...     print(type(error).__name__)
    AudioError
    """


class AudioError(UnreadableError):
    """A clip cannot be read, or contains samples that are NaN or infinite.

    Examples
    --------
    >>> from skw2c import load_audio
    >>> from skw2c.exceptions import AudioError
    >>> try:
    ...     load_audio(b"This is not a sound file.")
    ... except AudioError:
    ...     print("not a sound")
    not a sound
    """


class ImageError(UnreadableError):
    """An image cannot be read, or its values are not valid colours.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import CLIPImageEncoder
    >>> from skw2c.exceptions import ImageError
    >>> encoder = CLIPImageEncoder("ViT-S-32", None)
    >>> try:
    ...     encoder.fit_transform([np.full((8, 8, 3), 300.0)])
    ... except ImageError:
    ...     print("not an image")
    not an image
    """


class VideoError(UnreadableError):
    """A video cannot be read, is truncated, or does not contain any images.

    Examples
    --------
    >>> from skw2c.exceptions import UnreadableError, VideoError
    >>> issubclass(VideoError, UnreadableError)
    True
    """


class TextError(UnreadableError):
    """A text is missing, or is not a string.

    Examples
    --------
    >>> from skw2c import CLIPTextEncoder
    >>> from skw2c.exceptions import TextError
    >>> try:
    ...     CLIPTextEncoder("ViT-S-32", None).fit_transform(["a dog", None])
    ... except TextError:
    ...     print("not a text")
    not a text
    """


class WeightsError(ValueError):
    """A file of weights is damaged, belongs to another model, or has changed.

    Examples
    --------
    >>> from skw2c import Wav2CLIPTransformer
    >>> from skw2c.exceptions import WeightsError
    >>> try:
    ...     Wav2CLIPTransformer("no such file.pt").fit()
    ... except WeightsError as error:
    ...     print(str(error).split(" nor ")[0])
    weights='no such file.pt' is neither a known name ('wav2clip', 'mini')
    """


class WeightsNotAvailableError(WeightsError, OSError):
    """Pre-trained weights are not in the cache, and could not be downloaded.

    Its message lists the ways to get weights, for example ``weights="mini"``, which comes with
    the package.

    Examples
    --------
    >>> from skw2c import Wav2CLIPTransformer
    >>> from skw2c.exceptions import WeightsNotAvailableError
    >>> def fit_encoder():
    ...     try:
    ...         return Wav2CLIPTransformer().fit()
    ...     except WeightsNotAvailableError:
    ...         return Wav2CLIPTransformer("mini").fit()
    >>> issubclass(WeightsNotAvailableError, OSError)
    True
    """


class SavedIndexError(ValueError):
    """A saved index is damaged, has another version, or has changed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skw2c import AudioIndex
    >>> from skw2c.exceptions import SavedIndexError
    >>> with TemporaryDirectory() as folder:
    ...     try:
    ...         AudioIndex.load(folder)
    ...     except SavedIndexError:
    ...         print("not a saved index")
    not a saved index
    """


class ShardError(ValueError):
    """A shard is damaged, or a folder of shards is incomplete or was written in another way.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skw2c import ClipShards
    >>> from skw2c.exceptions import ShardError
    >>> with TemporaryDirectory() as folder:
    ...     try:
    ...         ClipShards(folder)
    ...     except ShardError:
    ...         print("not a folder of shards")
    not a folder of shards
    """


class CorpusError(ValueError):
    """A folder of vectors is damaged, was written by another encoder, or is being written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skw2c import embed_corpus
    >>> from skw2c.exceptions import CorpusError
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "notes.txt").write_text("not a vector")
    ...     try:
    ...         embed_corpus(["rain.wav"], folder, "mini")
    ...     except CorpusError:
    ...         print("not a folder of vectors")
    not a folder of vectors
    """


class OptionalDependencyError(ImportError):
    """A package is needed that comes with one of the extras, and is not installed.

    Its message names the extra to install.

    Examples
    --------
    >>> from skw2c.exceptions import OptionalDependencyError
    >>> from skw2c.metrics import java_caption_scores
    >>> try:
    ...     scores = java_caption_scores(["a dog"], [["a dog"]])
    ... except OptionalDependencyError as error:
    ...     print("extra" in str(error) or "Java" in str(error))
    True
    """


class FailedRowWarning(UserWarning):
    """Some items of X could not be embedded; their rows are NaN.

    Parameters
    ----------
    failures : list of tuple (row, file, cause)
        The row (int, from 0), the file name (str, or None for an item that is not a file) and
        the reason (str) for each item that failed, in the order of the rows.
    n_rows : int
        Number of items in X.
    unit : str, default="row"
        What an item is called in the message.

    Attributes
    ----------
    failures : list of tuple (row, file, cause)
        See above.
    n_rows : int
        See above.
    unit : str
        See above.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from skw2c import Wav2CLIPTransformer
    >>> from skw2c.exceptions import FailedRowWarning
    >>> X = [np.zeros(16000), np.full(16000, np.nan)]
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     vectors = Wav2CLIPTransformer("mini", on_error="nan").fit_transform(X)
    >>> [warning] = [w.message for w in caught if isinstance(w.message, FailedRowWarning)]
    >>> [row for row, file, cause in warning.failures]
    [1]
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
    """Some clips could not be embedded; their rows are NaN.

    Examples
    --------
    >>> from skw2c.exceptions import FailedClipWarning
    >>> warning = FailedClipWarning([(3, "rain.wav", "the file is empty")], 240, unit="clip")
    >>> str(warning).split(":")[-2:]
    [" row 3 ('rain.wav')", ' the file is empty']
    """


class FailedFileWarning(FailedRowWarning):
    """Some files of a folder of vectors could not be embedded; their rows have no vector.

    Examples
    --------
    >>> from skw2c.exceptions import FailedFileWarning
    >>> warning = FailedFileWarning([(3, "rain.wav", "the file is empty")], 240, unit="file")
    >>> print(str(warning).split(" (")[0])
    1 of 240 files failed and have no vector
    """

    _fate = "have no vector"

    @staticmethod
    def _name(row, file):
        return f"row {row}" if file is None else file


class LeftOutWarning(FailedRowWarning):
    """Some videos were not written into shards, or some clips were left out of training.

    Examples
    --------
    >>> from skw2c.exceptions import LeftOutWarning
    >>> warning = LeftOutWarning([(0, "walk.mp4", "the video is truncated")], 12, unit="video")
    >>> print(str(warning).split(" (")[0])
    1 of 12 videos failed and are left out
    """

    _fate = "are left out"

    @staticmethod
    def _name(row, file):
        return f"row {row}" if file is None else file
