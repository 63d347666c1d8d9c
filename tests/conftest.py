"""Fixtures: sounds that the tests write, a small checkpoint, and the optional reference data."""

import json
import os
import signal
from pathlib import Path

# Tests run side by side, and threads that wait for each other's cores are slow. Training, too,
# gives the same bits only on the same number of threads. To be set before torch is loaded.
os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

# What a shell runs in its background ignores Ctrl-C, and so would all processes that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest
import soundfile
import torch
from filelock import FileLock

from skw2c import make_small_world
from skw2c.models import Wav2CLIP
from skw2c.models.audioclip import ESResNeXtFBSP
from skw2c.weights import is_cached

REPOSITORY = Path(__file__).parents[1]


def pytest_collection_modifyitems(items):
    for item in items:
        for marker in item.iter_markers("official_weights"):
            name = marker.args[0] if marker.args else "wav2clip"
            if not is_cached(name):
                reason = (
                    f"the official weights {name!r} are not in the cache; to fetch them: "
                    f'python -c "import skw2c; skw2c.weights.fetch_weights({name!r})"'
                )
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shared():
    """Folder of real recordings and outputs of the original programs, where there is one."""
    folder = Path(os.environ.get("SKW2C_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "oracles").is_dir():
        pytest.skip(f"there are no reference data in {folder} (set SKW2C_SHARED)")
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """A seeded checkpoint of the official format with few channels, so that tests are quick."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("weights") / "tiny.pt")


def write_tiny_checkpoint(path, seed=0, **configuration):
    """Write a checkpoint of the official format, by default of width 4 and 16 outputs."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Wav2CLIP(**{"width": 4, "n_outputs": 16, **configuration})
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.2)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    torch.save(model.state_dict(), path)
    return str(path)


@pytest.fixture(scope="session")
def tiny_audioclip(tmp_path_factory):
    """A seeded checkpoint of AudioCLIP with few channels and blocks."""
    return write_tiny_audioclip(tmp_path_factory.mktemp("audioclip") / "tiny.pt")


def make_tiny_audioclip(seed=0, **configuration):
    """Draw an audio encoder of AudioCLIP with few channels, whose entries all matter."""
    configuration = {
        **dict(n_outputs=16, width=8, inner_width=16, groups=8, blocks=(1, 2, 1, 1)),
        **configuration,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ESResNeXtFBSP(**configuration).eval().requires_grad_(False)
        network.fbsp.m.uniform_(0.3, 3)
        network.fbsp.fb.uniform_(0.5, 2)
        network.fbsp.fc.add_(0.2 * torch.randn(1025))
        for name, tensor in network.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_(0, 0.2)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("bn.bias", "bn1.bias", "bn2.bias", "bn3.bias")):
                tensor.normal_(0, 0.2)
        network.bn1.running_mean.sub_(20)  # decibels are large
        network.bn1.running_var.mul_(1000)
    return network


def write_tiny_audioclip(path, seed=0, **configuration):
    """Write such an encoder as a checkpoint of the official format, CLIP left out."""
    network = make_tiny_audioclip(seed, **configuration)
    state = {f"audio.{name}": tensor for name, tensor in network.state_dict().items()}
    scales = {"logit_scale_ai": torch.tensor(3.0), "logit_scale_at": torch.tensor(9.0)}
    torch.save({**state, **scales, "visual.proj": torch.zeros(1)}, path)
    return str(path)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def waveforms():
    """Six clips at 16 kHz of several lengths, from a few samples to two seconds."""
    rng = np.random.default_rng(1)
    lengths = (16000, 32000, 16000, 100, 5000, 20001)
    return [make_tone(rng, length) for length in lengths]


def make_tone(rng, n_samples, rate=16000):
    """Draw a tone in noise."""
    t = np.arange(n_samples) / rate
    tone = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 3000) * t)
    return (tone + 0.05 * rng.normal(size=n_samples)).astype(np.float32)


@pytest.fixture(scope="session")
def wav_files(tmp_path_factory, waveforms):
    """The waveforms as float wav files, which lose nothing."""
    folder = tmp_path_factory.mktemp("sounds")
    paths = [folder / f"clip {row}.wav" for row in range(len(waveforms))]
    for path, waveform in zip(paths, waveforms, strict=True):
        soundfile.write(path, waveform, 16000, subtype="FLOAT")
    return [str(path) for path in paths]


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """A folder that describes a small CLIP of width 16, which open_clip builds in a moment."""
    return write_tiny_clip(tmp_path_factory.mktemp("clip"))


class Table(dict):
    """A table of label vectors whose name is short, for the names of tests."""

    def __repr__(self):
        return "Table"


def write_tiny_clip(folder, **model):
    """Write the configuration of a small CLIP of width 16."""
    vision = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 32}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    model = {"embed_dim": 16, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text, **model}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model}))
    return str(folder)


@pytest.fixture(scope="session")
def tiny_world_parameters(tmp_path_factory):
    """Parameters of a small world that is trained in some seconds, and knows next to nothing."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return dict(n_clips=100, max_epochs=2, folder=folder / "small world", verbose=False)


@pytest.fixture(scope="session")
def tiny_world(tiny_world_parameters):
    """That world, trained once for all processes of the run."""
    pytest.importorskip("open_clip")
    folder = tiny_world_parameters["folder"]
    folder.mkdir(exist_ok=True)
    with FileLock(folder / ".lock"):
        return make_small_world(**tiny_world_parameters)


@pytest.fixture(scope="module")
def client():
    """A cluster of two workers, where a part is in question as soon as it loses one."""
    distributed = pytest.importorskip("distributed")
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=50,
            env={"OMP_NUM_THREADS": "1"},
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
