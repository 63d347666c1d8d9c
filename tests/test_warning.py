"""Warnings name the line of whoever called the package."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skw2c import CLIPTextEncoder, Distiller, Wav2CLIPTransformer, load_audio
from skw2c.exceptions import FailedClipWarning
from skw2c.metrics import cider_d


@pytest.mark.parametrize("container", ["default", "pandas"])
def test_a_transformer_within_wrappers_of_scikit_learn(container):
    encoder = Wav2CLIPTransformer(None, on_error="nan", random_state=0)
    pipeline = make_pipeline(encoder, FunctionTransformer()).set_output(transform=container)
    clips = [np.ones(9000), np.full(9000, np.nan)]
    for call in (encoder.fit_transform, pipeline.fit_transform):
        with pytest.warns(FailedClipWarning) as caught:
            call(clips)
        assert caught[0].filename == __file__


def test_training():
    distiller = Distiller(
        encoder_width=4, clip_length=0.5, batch_size=64, max_epochs=1, random_state=0, verbose=False
    )
    with pytest.warns(UserWarning, match="batch_size=64 is larger") as caught:
        distiller.fit(np.ones((4, 9000), np.float32), np.eye(4))
    assert {warning.filename for warning in caught} == {__file__}


def test_functions(tmp_path):
    import soundfile

    tone = np.sin(np.arange(8000))
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), 16000)
    with pytest.warns(UserWarning, match="cancel each other out") as caught:
        load_audio(tmp_path / "a.wav")
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="CIDEr-D of a single clip") as caught:
        cider_d(["a dog"], [["a dog"]])
    assert caught[0].filename == __file__


def test_texts(tiny_clip):
    encoder = CLIPTextEncoder(tiny_clip, pretrained=None, random_state=0)
    with pytest.warns(UserWarning, match="longer than the model reads") as caught:
        encoder.fit_transform(["a dog " * 90])
    assert caught[0].filename == __file__
