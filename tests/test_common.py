"""scikit-learn's own checks, on every public estimator, with no exceptions."""

import tempfile
from pathlib import Path

from sklearn.utils.estimator_checks import parametrize_with_checks

from skw2c import Wav2CLIPTransformer

from .conftest import write_tiny_checkpoint

_folder = tempfile.TemporaryDirectory()
_tiny = write_tiny_checkpoint(Path(_folder.name) / "tiny.pt")


@parametrize_with_checks(
    [
        Wav2CLIPTransformer(_tiny),
        Wav2CLIPTransformer(_tiny, output="encoder", normalize=True, batch_size=3, n_jobs=2),
        Wav2CLIPTransformer(_tiny, on_error="nan"),
        Wav2CLIPTransformer(_tiny, memory=_folder.name),
        Wav2CLIPTransformer(weights=None),
    ]
)
def test_common(estimator, check):
    check(estimator)
