"""The network for CPUs: its bands, its geometry, and that it is the same trained and frozen."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from skw2c import Distiller, SupervisedAudioClassifier, Wav2CLIPTransformer
from skw2c.exceptions import WeightsError
from skw2c.models import Framing, FrozenWav2CLIP, Wav2CLIP
from skw2c.models.mobilenet import FoldedMobileNet, MobileNet
from skw2c.models.mobilenet._bands import mel_bands
from skw2c.models.wav2clip._openvino_network import OpenVINONetwork
from skw2c.models.wav2clip._portable_network import PortableNetwork
from skw2c.weights import read_checkpoint

from .tolerances import assert_close

CPU = torch.device("cpu")


@pytest.fixture
def network():
    """Small, with statistics that are not those of an untrained network."""
    torch.manual_seed(0)
    network = MobileNet(width=16)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def test_bands_are_means_of_neighbouring_bins():
    bands = mel_bands(64, 257, 8000.0)
    assert bands.shape == (64, 257)
    assert (bands >= 0).all()
    np.testing.assert_allclose(bands.sum(axis=1), 1)
    centres = bands @ np.linspace(0, 8000, 257)
    assert (np.diff(centres) > 0).all()
    assert 40 < centres[0] < 110
    assert 7000 < centres[-1] < 8000
    widths = (bands > 0).sum(axis=1)
    assert widths.min() >= 1
    assert widths[-1] > 3 * widths[0]


def test_shape_and_size(network):
    assert network.n_features == 192
    assert sum(value.numel() for value in MobileNet().parameters()) == 1_419_840
    with torch.no_grad():
        assert network.feature_map(torch.randn(2, 1, 257, 100)).shape == (2, 192, 2, 7)
        assert network(torch.randn(2, 1, 257, 1)).shape == (2, 192)


def test_reach_is_exact(network):
    """A change `reach` columns away is felt, and nothing further away is."""
    network = network.double()
    middle, stride = 20, network.time_stride
    x = torch.rand(1, 1, 257, 2 * middle * stride, dtype=torch.float64).requires_grad_()
    network.feature_map(x)[0, :, :, middle].sum().backward()
    touched = x.grad.abs().sum((0, 1, 2)).nonzero().ravel()
    assert touched.min() >= stride * middle - network.reach
    assert touched.max() == stride * middle + network.reach


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("columns", [1, 46, 227])
def test_folded_equals_trained(network, fused, columns):
    x = torch.randn(3, 1, 257, columns)
    with torch.no_grad():
        expected = network.feature_map(x)
        folded = FoldedMobileNet(network, CPU, fused)
        assert_close(folded(x), expected)
        alone = torch.cat([folded(part) for part in x.split(1)])
    assert_close(alone, expected)


@pytest.mark.parametrize("columns", [1, 46, 227])
def test_portable_equals_trained(columns):
    """What runs on a CPU, in ONNX Runtime, whose bits do not depend on the batch."""
    torch.manual_seed(0)
    model = Wav2CLIP("mobilenet", 16, 8).eval()
    x = torch.randn(3, 1, 257, columns)
    with torch.no_grad():
        network = PortableNetwork(model)
        together = network(x)
        assert_close(together, model.audio_encoder.feature_map(x))
        assert torch.equal(together, torch.cat([network(part) for part in x.split(1)]))


def test_openvino_equals_torch(network):
    pytest.importorskip("openvino")
    x = torch.randn(2, 1, 257, 100)
    with torch.no_grad():
        assert_close(OpenVINONetwork(network)(x), network.feature_map(x))


@pytest.mark.parametrize("framing", [None, Framing(16000, 16000), Framing(8000, 20000, True)])
@pytest.mark.parametrize("output", ["embedding", "words", "encoder"])
def test_long_clip_equals_one_piece(rng, framing, output):
    torch.manual_seed(0)
    frozen = FrozenWav2CLIP(Wav2CLIP("mobilenet", 16, 8, 12).eval(), "cpu")
    clip = rng.normal(size=16000 * 130).astype(np.float32)
    whole = frozen.encode(frozen.prepare(clip, framing), output)
    blocks = np.array_split(clip, 19)
    streamed = np.concatenate(list(frozen.embed_blocks(lambda: iter(blocks), framing, output)))
    assert streamed.shape[1] == frozen.widths[output]
    assert_close(streamed, whole)


@pytest.fixture
def saved(distilled, tmp_path):
    path = tmp_path / "small.safetensors"
    distilled[0].save(path, data="noise", licence="CC0-1.0")
    return path


@pytest.fixture(scope="module")
def distilled():
    rng = np.random.default_rng(0)
    sounds, vectors = rng.normal(size=(20, 16000)), rng.normal(size=(20, 24))
    distiller = Distiller(
        loss="cosine",
        encoder="mobilenet",
        encoder_width=8,
        clip_length=0.5,
        batch_size=9,
        max_epochs=3,
        random_state=0,
        verbose=False,
    )
    return distiller.fit(sounds, vectors), sounds


def test_distiller_trains_it(distilled):
    distiller, sounds = distilled
    losses = distiller.history_["training_loss"]
    assert losses.iloc[-1] < losses.iloc[0]
    vectors = distiller.transform(sounds)
    assert vectors.shape == (20, 24)
    assert distiller.to_transformer(output="encoder").transform(sounds).shape == (20, 96)
    order = np.random.default_rng(1).permutation(20)
    assert_close(distiller.transform(sounds[order]), vectors[order])
    assert_close(distiller.transform(sounds[:1]), vectors[:1])


def test_trained_weights_are_read_again(distilled, saved, tmp_path):
    distiller, sounds = distilled
    read = Wav2CLIPTransformer(saved).fit()
    np.testing.assert_array_equal(read.transform(sounds), distiller.transform(sounds))
    frames = Wav2CLIPTransformer(saved, mode="frame", frame_length=0.5, hop_length=0.25)
    assert frames.fit_transform(sounds).shape == (20, 3, 24)
    with pytest.raises(ValueError, match="needs encoder='resnet18'"):
        distiller.save(tmp_path / "small.pt", format="wav2clip", data="noise", licence="CC0-1.0")


def test_weights_without_words_say_so(saved):
    with pytest.raises(ValueError, match="small.*has no output='words': .*weights='mini'"):
        Wav2CLIPTransformer(saved, output="words").fit()


def test_damaged_weights_are_told(saved, tmp_path):
    state = read_checkpoint(saved)
    del state["audio_encoder.blocks.3.expand.0.weight"]
    save_file(state, tmp_path / "less.safetensors")
    with pytest.raises(WeightsError, match=r"Missing: audio_encoder\.blocks\.3\.expand\.0\.weight"):
        Wav2CLIPTransformer(tmp_path / "less.safetensors").fit()


def test_supervised_classifier_trains_it(distilled):
    _, sounds = distilled
    labels = np.array(["a", "b"] * 10)
    classifier = SupervisedAudioClassifier(
        encoder="mobilenet",
        encoder_width=4,
        clip_length=0.5,
        batch_size=9,
        max_epochs=1,
        random_state=0,
        verbose=False,
    )
    assert set(classifier.fit(sounds, labels).predict(sounds)) <= {"a", "b"}


class Ending(torch.nn.Module):
    """A module that ends in the teacher's space."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(
            torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
        )

    def forward(self, waveforms):
        parts = waveforms.unfold(1, 4000, 4000).std(2).log()
        return torch.nn.functional.pad(parts, (0, 4))[:, :4] @ self.weight


def test_modules_may_end_in_the_space_of_the_teacher(rng):
    sounds = rng.normal(size=(40, 4, 4000)) * np.exp(rng.normal(size=(40, 4, 1)))
    sounds = 0.05 * sounds.reshape(40, 16000)
    levels = np.log(sounds.reshape(40, 4, 4000).std(axis=2))
    vectors = levels @ rng.normal(size=(4, 3))
    parameters = dict(loss="direct", encoder=Ending(), clip_length=1.0, batch_size=20)
    training = dict(max_epochs=60, learning_rate=0.1, random_state=0, verbose=False)
    distiller = Distiller(**parameters, **training).fit(sounds, vectors)
    predicted = distiller.transform(sounds)
    cosines = (predicted * vectors).sum(1)
    cosines /= np.linalg.norm(predicted, axis=1) * np.linalg.norm(vectors, axis=1)
    assert cosines.mean() > 0.9
    with pytest.raises(ValueError, match="'direct' do not train"):
        distiller.project(vectors)
    with pytest.raises(ValueError, match="loss='direct' compares vectors as they are"):
        Distiller(**parameters, **training).fit(sounds, vectors[:, :2])
