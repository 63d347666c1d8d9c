"""scikit-learn's own checks, on every public estimator, with no exceptions."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skw2c import Wav2CLIPTransformer


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("common")
    (folder / "tiny.pt").symlink_to(tiny_checkpoint)
    return folder


# Paths are relative, so that the names of the tests are the same in all processes.
@parametrize_with_checks(
    [
        Wav2CLIPTransformer("tiny.pt"),
        Wav2CLIPTransformer("tiny.pt", output="encoder", normalize=True, batch_size=3, n_jobs=2),
        Wav2CLIPTransformer("tiny.pt", on_error="nan"),
        Wav2CLIPTransformer("tiny.pt", memory="cache"),
        Wav2CLIPTransformer(weights=None),
    ]
)
def test_common(estimator, check, folder, monkeypatch):
    monkeypatch.chdir(folder)
    check(estimator)
