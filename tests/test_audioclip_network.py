"""The audio encoder of AudioCLIP: its formulas, an independent reference, training, streaming."""

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.signal
import torch
from torch.nn import functional

from skw2c.exceptions import WeightsError
from skw2c.models import Framing
from skw2c.models.audioclip import (
    ESResNeXtFBSP,
    FrozenAudioCLIP,
    _frozen_audioclip,
    build_audioclip,
    random_audioclip,
    read_logit_scales,
)
from skw2c.models.audioclip._attention import halve
from skw2c.models.audioclip._fbsp import LinearFBSP, blackman_harris, count_columns, pad_widths
from skw2c.training import WaveformAugmentation

from .conftest import make_tiny_audioclip, make_tone
from .tolerances import assert_close, tolerance

RATE = 44100


@pytest.fixture(scope="module")
def network():
    return make_tiny_audioclip()


@pytest.fixture(scope="module")
def frozen(network):
    return FrozenAudioCLIP(network, "cpu")


# ---- the reference: one clip at a time, straight from the papers' formulas


def reference_wavelets(m, fb, fc, dtype):
    """``sqrt(fb) * sinc(fb * t / m) ** m * exp(-j * fc * t)``, with complex numbers."""
    t = (math.pi * torch.linspace(-1, 1, 2048, dtype=dtype) + 1e-8)[None]
    m, fb, fc = (x.to(dtype)[:, None] for x in (m, fb, fc))
    x = fb * t / (m + 1e-8)
    sinc = torch.complex(torch.sin(x) / x, torch.zeros_like(x))
    power = torch.polar(sinc.abs() ** m, sinc.angle() * m)
    return power * torch.polar(fb.sqrt().expand_as(x), -fc * t) / 2048**0.5


def reference_spectrogram(state, waveform):
    x = (waveform * 32768 + 32768) * 2 / 65535 - 1
    n_columns = 1 if len(x) <= 1654 else 1 + math.ceil((len(x) - 1654) / 561)
    n_zeros = (n_columns - 1) * 561 + 1654 - len(x)
    x = torch.cat([torch.zeros(n_zeros // 2), x, torch.zeros(n_zeros - n_zeros // 2)])
    window = torch.from_numpy(scipy.signal.get_window("blackmanharris", 1654)).float()
    columns = torch.stack([x[561 * k : 561 * k + 1654] * window for k in range(n_columns)])
    columns = functional.pad(columns, (197, 197))
    wavelets = reference_wavelets(
        state["fbsp.m"], state["fbsp.fb"], state["fbsp.fc"], torch.float32
    )
    power = (columns.to(torch.complex64) @ wavelets.T).abs().square()
    power[power == 0] = 1e-18
    decibels = 10 * power.log10().T[:1023]
    return torch.stack([decibels[:341], decibels[341:682], decibels[682:]])[None]


def reference_norm(state, name, x):
    keys = ("running_mean", "running_var", "weight", "bias")
    return functional.batch_norm(x, *(state[f"{name}.{key}"] for key in keys), eps=1e-5)


def reference_attention(state, name, x, size):
    x = functional.adaptive_max_pool2d(x, size)
    weight = state[f"{name}.conv_depth.weight"]
    padding = (weight.shape[2] // 2, weight.shape[3] // 2)
    x = functional.conv2d(
        x, weight, state[f"{name}.conv_depth.bias"], padding=padding, groups=x.shape[1]
    )
    x = functional.conv2d(x, state[f"{name}.conv_point.weight"], state[f"{name}.conv_point.bias"])
    return torch.sigmoid(reference_norm(state, f"{name}.bn", x))


def reference_block(state, name, x, stride):
    y = functional.conv2d(x, state[f"{name}.conv1.weight"])
    y = reference_norm(state, f"{name}.bn1", y).relu()
    weight = state[f"{name}.conv2.weight"]
    y = functional.conv2d(y, weight, stride=stride, padding=1, groups=y.shape[1] // weight.shape[1])
    y = reference_norm(state, f"{name}.bn2", y).relu()
    y = reference_norm(state, f"{name}.bn3", functional.conv2d(y, state[f"{name}.conv3.weight"]))
    if f"{name}.downsample.0.weight" in state:
        x = functional.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
        x = reference_norm(state, f"{name}.downsample.1", x)
    return (x + y).relu()


def reference_vector(state, waveform, blocks, n_channels=1):
    x = reference_spectrogram(state, waveform)
    x = functional.conv2d(x, state["conv1.weight"], stride=2, padding=3)
    x = functional.max_pool2d(reference_norm(state, "bn1", x).relu(), 3, 2, 1)
    for stage, n_blocks in enumerate(blocks, 1):
        before = x
        for block in range(n_blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            x = reference_block(state, f"layer{stage}.{block}", x, stride)
        x = x * reference_attention(state, f"att{stage}", before, x.shape[2:])
    weights = reference_attention(state, "att5", x, (1, 1))
    features = n_channels * (x.mean((2, 3), keepdim=True) * weights).flatten()
    return functional.linear(features, state["fc.weight"], state["fc.bias"])


# ---- the time-frequency layer


def draw_wavelets(seed, n_filters=200):
    layer = LinearFBSP(n_filters).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    layer.m.uniform_(0.3, 4, generator=generator)
    layer.fb.uniform_(0.2, 4, generator=generator)
    layer.fc.copy_(torch.linspace(0, 1024, n_filters))
    layer.fc.add_(torch.randn(n_filters, generator=generator))
    return layer


@pytest.mark.parametrize("seed", range(3))
def test_wavelets_are_those_of_the_formula(seed):
    layer = draw_wavelets(seed)
    expected = reference_wavelets(layer.m, layer.fb, layer.fc, torch.float64)
    wavelets = torch.complex(*layer().double())
    assert (expected - wavelets).abs().max() < 1e-5
    t = math.pi * torch.linspace(-1, 1, 2048)
    negative = torch.sinc(layer.fb[:, None] * t / layer.m[:, None] / math.pi) < 0
    assert negative.any(1).sum() > 20  # the power of a negative number occurs


def test_untrained_wavelets_are_a_fourier_transform():
    layer = LinearFBSP()
    assert {name: tuple(x.shape) for name, x in layer.state_dict().items()} == {
        "m": (1025,),
        "fb": (1025,),
        "fc": (1025,),
        "bias": (0,),
    }
    with torch.no_grad():
        wavelets = torch.complex(*layer().double())
    assert_close(wavelets.abs(), torch.full_like(wavelets.abs(), 2048**-0.5))
    assert layer.loss() < 1e-8


def test_window():
    expected = scipy.signal.get_window("blackmanharris", 1654)
    np.testing.assert_allclose(blackman_harris(), expected, atol=tolerance(1, 4))


@pytest.mark.parametrize(
    ("n_samples", "n_columns"),
    [(1, 1), (1654, 1), (1655, 2), (2215, 2), (2216, 3), (4 * RATE, 313), (5 * RATE, 392)],
)
def test_number_of_columns(network, n_samples, n_columns):
    assert count_columns(n_samples) == n_columns
    before, after = pad_widths(n_samples)
    assert after - before in (0, 1)
    assert before + after + n_samples == (n_columns - 1) * 561 + 1654
    assert network.spectrogram(torch.zeros(1, n_samples)).shape == (1, 3, 341, n_columns)


# ---- the network


@pytest.mark.parametrize("length", [1, 2, 5, 42, 43, 44, 97])
def test_halving_is_adaptive_pooling(length):
    x = torch.randn(2, 3, length, 11)
    expected = functional.adaptive_max_pool2d(x, (-(-length // 2), 6))
    torch.testing.assert_close(halve(x), expected, atol=0, rtol=0)


@pytest.mark.parametrize("n_samples", [1, 700, 5000, 44100, 61234, 100003])
def test_vectors_of_the_reference(network, frozen, rng, n_samples):
    waveform = make_tone(rng, n_samples, RATE)
    expected = reference_vector(network.state_dict(), torch.from_numpy(waveform), (1, 2, 1, 1))
    vector = frozen.encode(frozen.prepare(waveform, None), "embedding")
    assert_close(vector[0], expected)
    assert_close(network(torch.from_numpy(waveform)[None])[0], expected)


def test_digital_silence_sounds_as_in_the_reference(network, frozen, rng):
    """It is made of rounding errors, 180 dB below, which the network hears."""
    waveform = make_tone(rng, 60000, RATE)
    waveform[20000:50000] = 0
    expected = reference_spectrogram(network.state_dict(), torch.from_numpy(waveform))
    quiet = expected[..., 40:85]
    assert quiet.mean() < -140
    differences = (frozen.prepare(waveform, None)[..., 40:85] - quiet).abs()
    assert differences.mean() < 0.5


def test_full_size_is_the_resnext_of_torchvision():
    """With attention that lets all through, the layers are those of torchvision."""
    torchvision = pytest.importorskip("torchvision")
    network = random_audioclip(0)
    for _, attention in network.stages():
        attention.conv_point.weight.zero_()
        attention.bn.bias.fill_(50)
    for name, buffer in network.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    reference = torchvision.models.resnext50_32x4d(weights=None).eval()
    ours = network.state_dict()
    shared = {k: v for k, v in ours.items() if k in reference.state_dict() and "fc." not in k}
    result = reference.load_state_dict(shared, strict=False)
    assert result.missing_keys == ["fc.weight", "fc.bias"]
    others = {name.split(".")[0] for name in ours.keys() - shared.keys()}
    assert others == {"window", "fbsp", "att1", "att2", "att3", "att4", "att5", "fc"}
    x = torch.randn(1, 3, 341, 70)
    with torch.no_grad():
        y = reference.maxpool(reference.relu(reference.bn1(reference.conv1(x))))
        for layer in (reference.layer1, reference.layer2, reference.layer3, reference.layer4):
            y = layer(y)
        assert_close(network.feature_map(x), y)
    assert network.n_features == 2048
    assert network.n_outputs == 1024


def test_plain_convolutions_equal_the_fused_ones(network):
    x = torch.randn(2, 3, 341, 45) * 20 - 60
    expected = network.feature_map(x).transpose(2, 3)
    for fused in (True, False):
        folded = _frozen_audioclip.FoldedESResNeXt(network, torch.device("cpu"), fused)
        assert_close(folded(x), expected)


def test_batch_and_order_do_not_matter(frozen, rng):
    waveforms = [make_tone(rng, 30000, RATE) for _ in range(7)]
    waveforms[3][5000:] = 0
    inputs = torch.cat([frozen.prepare(waveform, None) for waveform in waveforms])
    alone = np.concatenate([frozen.encode(one, "embedding") for one in inputs.split(1)])
    for order in (list(range(7)), [6, 3, 1], [3, 3, 2, 0]):
        assert_close(frozen.encode(inputs[order], "embedding"), alone[order])


def test_silence_has_a_finite_vector(frozen):
    for n_samples in (1, 100, 44100):
        vector = frozen.encode(frozen.prepare(np.zeros(n_samples, np.float32), None), "embedding")
        assert np.isfinite(vector).all()


def test_channels_are_summed(network, rng):
    waveform = make_tone(rng, 20000, RATE)
    twice = FrozenAudioCLIP(network, "cpu", n_channels=2)
    expected = reference_vector(network.state_dict(), torch.from_numpy(waveform), (1, 2, 1, 1), 2)
    vector = twice.encode(twice.prepare(waveform, None), "embedding")[0]
    assert_close(vector, expected)


def test_legacy_scaling_takes_samples_for_integers(network, rng):
    waveform = make_tone(rng, 20000, RATE)
    usual, legacy = (FrozenAudioCLIP(network, "cpu", legacy_scaling=on) for on in (False, True))
    torch.testing.assert_close(
        legacy.prepare(waveform * 32768, None), usual.prepare(waveform, None), rtol=0, atol=0
    )
    gap = usual.prepare(waveform, None)[:, 0, 5:50] - legacy.prepare(waveform, None)[:, 0, 5:50]
    assert 70 < gap.mean() < 110


# ---- long clips


def test_reach_is_exact():
    """A change `reach` columns away is felt, and nothing further away is."""
    for blocks in ((1, 1, 1, 1), (3, 4, 6, 3)):
        network = make_tiny_audioclip(blocks=blocks).double()
        n_columns = 32 * (2 * (network.reach // 32) + 5)
        middle = n_columns // 64
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(1, 3, 33, n_columns, dtype=torch.float64, generator=generator)
        x.mul_(20).requires_grad_()
        network.feature_map(x)[0, :, :, middle].sum().backward()
        touched = x.grad.abs().sum((0, 1, 2)).nonzero().ravel()
        reached = max(32 * middle - int(touched.min()), int(touched.max()) - 32 * middle)
        assert network.reach - 32 < reached <= network.reach


@pytest.mark.parametrize("extra", range(16))
def test_long_clip_equals_one_piece(network, frozen, rng, monkeypatch, extra):
    """Whatever the parities of its length, and wherever it is loudest."""
    monkeypatch.setattr(_frozen_audioclip, "CORE_COLUMNS", 256)
    waveform = make_tone(rng, 561 * (1100 + extra) + 300 * extra, RATE)
    waveform *= np.linspace(0.001, 1, len(waveform), dtype=np.float32)
    waveform = waveform if extra % 3 else waveform[::-1].copy()
    waveform[200000:300000] = 0
    blocks = np.array_split(waveform, 37)
    assert len(waveform) > frozen.longest(None)
    for output in ("embedding", "encoder"):
        whole = frozen.encode(frozen.prepare(waveform, None), output)
        [streamed] = frozen.embed_blocks(lambda: iter(blocks), None, output)
        assert streamed.dtype == np.float32
        assert_close(streamed, whole)


@pytest.mark.parametrize("framing", [Framing(44100, 22050), Framing(30000, 50001, True)])
def test_windows_of_a_long_clip(frozen, rng, monkeypatch, framing):
    waveform = make_tone(rng, 44100 * 12, RATE)
    inputs = frozen.prepare(waveform, framing)
    whole = frozen.encode(inputs, "embedding")
    each = [frozen.encode(frozen.prepare(w, None), "embedding") for w in framing.cut(waveform)]
    assert_close(np.concatenate(each), whole)
    monkeypatch.setattr(_frozen_audioclip, "CORE_COLUMNS", 300)
    assert frozen.longest(framing) < len(waveform)
    blocks = np.array_split(waveform, 11)
    parts = list(frozen.embed_blocks(lambda: iter(blocks), framing, "embedding"))
    assert len(parts) > 1
    assert_close(np.concatenate(parts), whole)


# ---- checkpoints


def test_checkpoint_with_and_without_prefix(network):
    state = network.state_dict()
    with_prefix = {f"audio.{name}": tensor for name, tensor in state.items()}
    for given in (state, {**with_prefix, "visual.conv1.weight": torch.zeros(3)}):
        built = build_audioclip(given, "it")
        assert not built.training
        for name, tensor in built.state_dict().items():
            torch.testing.assert_close(tensor, state[name], rtol=0, atol=0)
    left_out = ("window", "fbsp.bias", "layer1.0.bn1.num_batches_tracked")
    built = build_audioclip({k: v for k, v in state.items() if k not in left_out}, "it")
    torch.testing.assert_close(built.window, network.window)
    assert random_audioclip(1).state_dict().keys() >= built.state_dict().keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audio.fc.weight": None}, r"not a checkpoint of AudioCLIP: it lacks 'audio.fc.weight"),
        ({"audio.att3.bn.bias": None}, r"Missing: audio.att3.bn.bias\. Unexpected: none"),
        ({"audio.att6.bn.bias": torch.zeros(2)}, r"Unexpected: audio.att6.bn.bias"),
        ({"audio.fbsp.m": torch.zeros(513)}, r"audio.fbsp.m has shape \(513,\), expected \(1025,"),
        ({"audio.fc.bias": torch.full((16,), torch.nan)}, r"audio.fc.bias holds NaN"),
        ({"audio.conv1.weight": torch.zeros(0, 3, 7, 7)}, r"conv1.weight has shape \(0, 3, 7, 7"),
        (
            {
                "audio.layer1.0.conv1.weight": torch.zeros(9, 8, 1, 1),
                "audio.layer1.0.conv2.weight": torch.zeros(9, 4, 3, 3),
            },
            r"has shape .*, expected",
        ),
    ],
)
def test_checkpoint_that_does_not_fit(network, changes, message):
    state = {f"audio.{name}": tensor for name, tensor in network.state_dict().items()}
    state = {name: value for name, value in {**state, **changes}.items() if value is not None}
    with pytest.raises(WeightsError, match=message):
        build_audioclip(state, "it")


def test_checkpoint_of_another_model():
    with pytest.raises(WeightsError, match="lacks 'conv1.weight'. Expected entries named"):
        build_audioclip({"features.0.weight": torch.zeros(2)}, "it")


def test_logit_scales():
    state = {"logit_scale_ai": torch.tensor(3.0), "logit_scale_at": torch.tensor(9.0)}
    scales = read_logit_scales(state, "it")
    assert scales == {"audio_image": pytest.approx(math.exp(3)), "audio_text": 100.0}
    assert read_logit_scales({"logit_scale_ai": torch.tensor(-4.0)}, "it") == {"audio_image": 1.0}
    with pytest.raises(WeightsError, match="it lacks logit_scale_ai and logit_scale_at"):
        read_logit_scales({}, "it")


# ---- training


def test_gradients_of_the_wavelets_are_scaled(rng):
    network = make_tiny_audioclip().train().requires_grad_(True)
    waveforms = torch.from_numpy(np.stack([make_tone(rng, 9000, RATE) for _ in range(4)]))
    loss = network(waveforms).square().mean() + network.loss_ttf()
    loss.backward()
    for parameter in (network.fbsp.m, network.fbsp.fb, network.fbsp.fc):
        assert float(parameter.grad.abs().max()) == pytest.approx(1, abs=1e-4)
    assert network.fc.weight.grad.isfinite().all()
    assert network.conv1.weight.grad.abs().max() > 0


def test_gradients_are_those_of_both_losses(rng):
    """Scaled once, after what the two losses give has been added up."""
    layer = draw_wavelets(0).requires_grad_(True)
    target = torch.randn(2, 200, 2048, generator=torch.Generator().manual_seed(0))
    ((layer() - target).square().mean() * 100 + layer.loss()).backward()
    m, fb, fc = (x.detach().clone().requires_grad_() for x in (layer.m, layer.fb, layer.fc))
    wavelets = torch.view_as_real(reference_wavelets(m, fb, fc, torch.float64)).movedim(2, 0)
    loss = (wavelets - target).square().mean() * 100
    (loss + (wavelets.square().sum((0, 2)).sqrt() - 1).square().mean()).backward()
    for ours, plain in zip((layer.m, layer.fb, layer.fc), (m, fb, fc), strict=True):
        expected = plain.grad / plain.grad.abs().max()
        # The phase of the highest wavelet, 3220, is known to 2e-4 in single precision.
        torch.testing.assert_close(ours.grad, expected, atol=1e-2, rtol=0)


def test_a_trained_network_can_be_copied(rng):
    network = make_tiny_audioclip().train().requires_grad_(True)
    network(torch.from_numpy(make_tone(rng, 9000, RATE))[None].repeat(2, 1)).sum().backward()
    for again in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        again.loss_ttf().backward()
        assert again.state_dict().keys() == network.state_dict().keys()


def test_training_learns():
    torch.manual_seed(0)
    network = ESResNeXtFBSP(2, width=8, inner_width=16, groups=8, blocks=(1, 1, 1, 1)).train()
    t = torch.arange(4000) / RATE
    tones = [torch.sin(2 * torch.pi * f * t) for f in (500, 600, 700, 5000, 6000, 7000)]
    waveforms, labels = torch.stack(tones) + 0.01 * torch.randn(6, 4000), torch.arange(6) // 3
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(waveforms), labels) + network.loss_ttf()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def augment(waveforms, **parameters):
    parameters = dict(inversion_probability=0, noise_probability=0, **parameters)
    return WaveformAugmentation(**parameters)(waveforms, torch.Generator().manual_seed(0))


def test_augmentation_pads_with_the_samples_at_the_edges():
    waveforms = torch.linspace(1, 2, 1000).repeat(100, 1)
    scaled = augment(waveforms, padding="edge")
    assert scaled.min() >= 1
    shorter = (scaled[:, 0] == 1) & (scaled[:, -1] == 2)
    assert 30 < shorter.sum() < 70
    torch.testing.assert_close(
        augment(waveforms) > 0, augment(waveforms).where(augment(waveforms) > 0, 0) == scaled
    )


@pytest.mark.parametrize("end", ["start", "end"])
def test_augmentation_keeps_where_something_is_heard(end):
    waveforms = torch.zeros(200, 1000)
    part = slice(0, 20) if end == "start" else slice(980, 1000)
    waveforms[:, part] = torch.randn(20, generator=torch.Generator().manual_seed(0))
    heard = [augment(waveforms, shun_silence=on).abs().amax(1) > 0 for on in (False, True)]
    assert 0.4 < heard[0].float().mean() < 0.9
    assert heard[1].all()
