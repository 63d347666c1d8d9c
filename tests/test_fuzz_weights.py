"""Damaged and hostile files of weights end in the documented error, and in nothing else."""

import random
import struct
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from safetensors.torch import save

from skw2c.exceptions import WeightsError
from skw2c.models import build_wav2clip
from skw2c.models.audioclip import build_audioclip
from skw2c.models.ced._ced_state import build_ced
from skw2c.models.clap._clap_description import CLAPDescription
from skw2c.models.clap._clap_state import build_audio_side, build_text_side
from skw2c.models.efficientat import build_efficientat
from skw2c.models.openl3 import build_openl3
from skw2c.models.vqgan import build_vqgan
from skw2c.models.yamnet._yamnet_state import read_yamnet
from skw2c.weights import _pickled, read_checkpoint

from . import openl3_files, vqgan_files, yamnet_files
from .ced_files import write_ced
from .clap_files import draw_clap
from .conftest import write_tiny_audioclip, write_tiny_checkpoint
from .efficientat_files import write_efficientat
from .fuzzing import REPEATABLE, Victim, damaged
from .hostile_weights import hostile_files, write_keras_files

SECRET = b"nobody may read this"
BUILDERS = {
    "wav2clip": build_wav2clip,
    "audioclip": build_audioclip,
    "efficientat": build_efficientat,
    "openl3": lambda state, source: build_openl3(state, source, "audio"),
    "vqgan": build_vqgan,
    "yamnet": read_yamnet,
    "ced": build_ced,
    "clap": lambda state, source: (
        build_audio_side(state, source),
        build_text_side(state, source, CLAPDescription()),
    ),
}


def read(path):
    """Read a file as the estimators do: the tensors, and the network that they are of."""
    state = read_checkpoint(path)
    builder = BUILDERS.get(Path(path).name.partition(".")[0])
    if builder is not None:
        builder(state, "it")
    assert _pickled._stored_tensor.__defaults__ is None  # nothing was changed around it
    secret = any(SECRET[:16] in value.numpy().tobytes() for value in _plain(state))
    return {"entries": len(state), "secret": secret}


def _plain(state):
    return [value for value in state.values() if value.dtype in (torch.float32, torch.uint8)]


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    with Victim(f"{__name__}:read", ["skw2c.exceptions:WeightsError"], folder) as victim:
        yield victim


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """Small files of all formats, by name."""
    folder = tmp_path_factory.mktemp("whole")
    write_tiny_checkpoint(folder / "wav2clip.pt", width=2, n_outputs=4)
    state = torch.load(folder / "wav2clip.pt", weights_only=True)
    torch.save(state, folder / "wav2clip.old.pt", _use_new_zipfile_serialization=False)
    (folder / "wav2clip.safetensors").write_bytes(save(state))
    np.savez_compressed(folder / "wav2clip.npz", **{k: v.numpy() for k, v in state.items()})
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(folder / "script.pt")
    write_tiny_audioclip(folder / "audioclip.pt", width=2, inner_width=2, groups=1)
    layers = openl3_files.draw_layers(widths=(1,) * 8)
    openl3_files.write_keras(folder / "openl3.h5", layers)
    openl3_files.write_keras(folder / "openl3.h5.gz", layers)
    layers = yamnet_files.draw_layers(widths=(2,) * 14)
    yamnet_files.write_keras(folder / "yamnet.h5", layers)
    yamnet_files.write_program(folder / "yamnet.tflite", layers)
    write_efficientat(folder / "efficientat.pt", width=0.0125)
    vqgan_files.write_tiny_vqgan(folder / "vqgan.ckpt")
    write_ced(folder / "ced.safetensors", n_classes=2)
    (folder / "clap.safetensors").write_bytes(save(draw_clap(fused=True)))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_whole_files_are_read(victim, whole_files):
    for name, content in whole_files.items():
        assert victim.run(content, name).value["entries"] > 3, name


def test_hostile_files_are_refused(victim, tmp_path):
    for name, content in hostile_files(tmp_path).items():
        outcome = victim.run(content, name)
        assert outcome.error == "WeightsError", name
        assert len(outcome.message) < 1500, name


def test_files_of_keras_show_no_other_file(victim, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    for path in write_keras_files(tmp_path, secret):
        assert victim.run_path(path).error == "WeightsError", path.name


def test_damaged_files(victim, whole_files):
    """Hypothesis damages headers; what lies deeper is damaged below."""

    @settings(REPEATABLE, max_examples=250)
    @given(damaged(whole_files))
    def check(example):
        name, content = example
        victim.run(content, name)

    check()


@pytest.mark.fuzz
def test_damaged_files_for_longer(victim, whole_files):
    """All of the file is damaged alike: descriptions lie at its end, and in its middle."""
    seed = random.SystemRandom().randrange(2**32)
    rng = random.Random(seed)  # noqa: S311
    names = sorted(whole_files)
    for number in range(20_000):
        name = rng.choice(names)
        content = bytearray(whole_files[name])
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(content))
            width = rng.choice([1, 1, 2, 4, 8])
            value = rng.choice([0, 1, 2**31 - 1, 2**63 - 1, 2**64 - 1, rng.randrange(2**64)])
            content[place : place + width] = (value % 256**width).to_bytes(width, "little")
        try:
            victim.run(bytes(content), name)
        except AssertionError:
            print(f"seed {seed}, example {number}: {name}", file=sys.stderr)
            raise


def test_names_of_any_length_take_no_memory(tmp_path):
    """Newer versions of h5py write names so; each states its own length before it is read."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["layer"]
        group = file.create_group("layer")
        group.attrs["weight_names"] = ["layer/w"]
        group["layer/w"] = np.arange(3.0)
    assert {name: value.tolist() for name, value in read_checkpoint(path).items()} == {
        "000/layer/layer/w": [0, 1, 2]
    }
    content = path.read_bytes()
    heap = struct.pack("<Q", content.index(b"GCOL"))
    for length in (5, 7):
        name = struct.pack("<I", length) + heap
        assert content.count(name) == 1
        path.write_bytes(content.replace(name, struct.pack("<I", 3 << 30) + heap))
        with pytest.raises(WeightsError, match="the names of its layers cannot be read"):
            read_checkpoint(path)
