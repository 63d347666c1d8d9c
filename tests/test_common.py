"""scikit-learn's own checks, on every public estimator, with no exceptions."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skw2c import (
    AudioCLIPTransformer,
    AudioIndex,
    AudioToImage,
    CEDTransformer,
    CLAPTextEncoder,
    CLAPTransformer,
    CLIPImageEncoder,
    CLIPTextEncoder,
    CLIPVideoEncoder,
    EfficientATTransformer,
    HEARTransformer,
    HuggingFaceAudioTransformer,
    MiniTextEncoder,
    OpenL3ImageTransformer,
    OpenL3Transformer,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    ZeroShotClassifier,
)
from skw2c.transformers._passthrough import Passthrough

from . import yamnet_files
from .ced_files import write_ced
from .clap_files import write_tiny_clap
from .conftest import Table, write_tiny_clip
from .efficientat_files import write_efficientat
from .huggingface_files import write_model
from .openl3_files import draw_layers, write_keras
from .vqgan_files import write_tiny_vqgan


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_checkpoint, tiny_audioclip):
    folder = tmp_path_factory.mktemp("common")
    (folder / "tiny.pt").symlink_to(tiny_checkpoint)
    (folder / "audioclip.pt").symlink_to(tiny_audioclip)
    yamnet_files.write_keras(folder / "yamnet.h5", yamnet_files.draw_layers(yamnet_files.TINY))
    write_keras(folder / "openl3.h5", draw_layers(widths=(1,) * 8))
    write_ced(folder / "ced.safetensors")
    write_tiny_clap(folder / "tiny-clap")
    write_efficientat(folder / "efficientat.pt")
    write_model(folder / "tiny-hubert", "hubert")
    write_tiny_vqgan(folder / "vqgan.pt")
    (folder / "clip").mkdir()
    write_tiny_clip(folder / "clip")
    return folder


# The classes of the checks, most of which are numbers and so need a table of their vectors.
NAMED = Table(zip([-1, 0, 1, 2, 3, "one", "two", "three"], np.eye(8, 16), strict=True))


# Paths are relative, so that the names of the tests are the same in all processes.
@parametrize_with_checks(
    [
        Wav2CLIPTransformer("tiny.pt"),
        Wav2CLIPTransformer("tiny.pt", output="encoder", normalize=True, batch_size=3, n_jobs=2),
        Wav2CLIPTransformer("tiny.pt", on_error="nan"),
        Wav2CLIPTransformer("tiny.pt", memory="cache"),
        Wav2CLIPTransformer("mini", output="words"),
        Wav2CLIPTransformer(weights=None),
        AudioCLIPTransformer("audioclip.pt"),
        OpenL3Transformer("openl3.h5", input_repr="linear", embedding_size=6144),
        EfficientATTransformer("efficientat.pt"),
        YAMNetTransformer("yamnet.h5"),
        YAMNetTransformer("yamnet.h5", output="scores", tail="drop", on_error="nan"),
        HEARTransformer("tests.hear_module"),
        HEARTransformer("tests.hear_module", normalize=True, on_error="nan", n_jobs=2),
        HuggingFaceAudioTransformer("tiny-hubert"),
        HuggingFaceAudioTransformer("tiny-hubert", layer=1, on_error="nan", n_jobs=2),
        CEDTransformer("ced.safetensors"),
        CLAPTransformer("tiny-clap", normalize=True, on_error="nan", n_jobs=2),
        CEDTransformer("ced.safetensors", output="scores", on_error="nan"),
        ZeroShotClassifier(encoder=Wav2CLIPTransformer("tiny.pt"), text_encoder=NAMED),
        ZeroShotClassifier(
            encoder=Wav2CLIPTransformer("tiny.pt", on_error="nan"),
            text_encoder=NAMED,
            temperature=1.0,
        ),
        AudioIndex(Wav2CLIPTransformer("tiny.pt")),
        AudioIndex("passthrough"),
        Passthrough(),
        AudioToImage(
            "vqgan.pt",
            encoder=Wav2CLIPTransformer("tiny.pt"),
            clip_model="clip",
            clip_pretrained=None,
            size=2,
            n_iter=1,
            n_cutouts=1,
            augment=None,
            random_state=0,
        ),
    ]
)
@pytest.mark.filterwarnings("ignore:Float samples of row")
def test_common(estimator, check, folder, monkeypatch):
    monkeypatch.chdir(folder)
    check(estimator)


@pytest.mark.parametrize(
    "kind",
    [
        CLAPTextEncoder,
        CLIPTextEncoder,
        CLIPImageEncoder,
        CLIPVideoEncoder,
        MiniTextEncoder,
        OpenL3ImageTransformer,
    ],
)
def test_encoders_of_no_tables_say_so(kind):
    """The suite has no texts, pictures or videos: tests/test_clip_encoders.py stands for it."""
    tags = kind().__sklearn_tags__().input_tags
    assert tags.string
    assert not tags.two_d_array
