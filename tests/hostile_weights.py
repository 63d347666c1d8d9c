"""Files of weights that were made to do harm, each of a few kilobytes or less.

They would read other files, fill the memory, work without end, or change what is around them.
"""

import gzip
import io
import json
import pickle
import struct
import zipfile

import h5py
import numpy as np
import torch
from safetensors.torch import save

from .tflite_files import write_tflite

GIGABYTE = 1 << 30


def archive(pickled: bytes, **members: bytes) -> bytes:
    """Make the zip file of a checkpoint."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a/data.pkl", b"\x80\x02" + pickled)
        for name, member in members.items():
            file.writestr(f"a/{name}", member)
    return content.getvalue()


def _global(name: str) -> bytes:
    module, _, attribute = name.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _number(number: int) -> bytes:
    return b"\x8a\x08" + number.to_bytes(8, "little", signed=True)


def _storage(n_elements: int, kind: str = "torch.FloatStorage") -> bytes:
    parts = _text("storage") + _global(kind) + _text("0") + _text("cpu") + _number(n_elements)
    return b"(" + parts + b"tQ"


def _tensor(size: list[int], stride: list[int], n_elements: int = 1) -> bytes:
    numbers = [b"(" + b"".join(map(_number, part)) + b"t" for part in (size, stride)]
    arguments = _storage(n_elements) + b"K\0" + numbers[0] + numbers[1]
    arguments += b"\x89" + _global("collections.OrderedDict") + b")R"
    return _global("torch._utils._rebuild_tensor_v2") + b"(" + arguments + b"tR"


def _nested_tuples(depth: int = 60) -> bytes:
    """A tuple whose parts are shared, so that to look at each takes two to the power of depth."""
    return b")" + b"".join(b"q%ch%c\x86" % (k, k) for k in range(depth))


def _shared_modules(depth: int = 60) -> bytes:
    """A module that is part of a module twice, which is part of another twice, and so on."""
    module = _global("__torch__.M") + b")\x81}b"
    for k in range(depth):
        parts = b"(" + _text("a") + b"h%c" % k + _text("b") + b"h%c" % k + b"u"
        module += b"q%c" % k + _global("__torch__.M") + b")\x81}" + parts + b"b"
    return module


def _change_function() -> bytes:
    """Give the function that rebuilds tensors other defaults."""
    change = b"N}" + _text("__defaults__") + b"K\1\x85s\x86b"
    return _global("torch._utils._rebuild_tensor_v2") + change


def _torch_files() -> dict[str, bytes]:
    state = {
        "a repeated number": _tensor([GIGABYTE, 4], [0, 0]),
        "no elements and sizes without end": _tensor([2**60, 0, 2**60], [1, 1, 1]),
        "a storage that is not there": _tensor([GIGABYTE], [1], GIGABYTE),
        "a tensor of a million dimensions": _tensor([1] * 10**5, [1] * 10**5),
        "a negative stride": _tensor([2], [-1]),
        "an offset far outside": _tensor([2], [2**61]),
    }
    files = {
        name: archive(b"}" + _text("w") + tensor + b"s.", **{"data/0": bytes(4)})
        for name, tensor in state.items()
    }
    programs = {
        "a place of the memo far away": b"]r" + struct.pack("<I", 2**29) + b".",
        "text longer than the file": b"\x8d" + struct.pack("<Q", 3 * GIGABYTE) + b".",
        "bytes longer than the file": b"B" + struct.pack("<I", 3 * GIGABYTE) + b".",
        "a frame longer than the file": b"\x95" + struct.pack("<Q", 3 * GIGABYTE) + b".",
        "an array of bytes": _global("builtins.bytearray") + _number(3 * GIGABYTE) + b"\x85R.",
        "a key of shared tuples": b"}" + _nested_tuples() + b"K\1s.",
        "a storage of shared tuples": _nested_tuples() + b"Q.",
        "a type of storage of shared tuples": b"("
        + _text("storage")
        + _nested_tuples()
        + _text("0")
        + _text("cpu")
        + b"K\1tQ.",
        "a state dict of shared tuples": _nested_tuples() + b".",
        "a set of shared tuples": _global("builtins.set") + b"]" + _nested_tuples() + b"a\x85R.",
        "shared modules": _shared_modules() + b".",
        "a module in itself": _global("__torch__.M") + b")\x81q\0}" + _text("a") + b"h\0sb.",
        "a function with other defaults": b"}" + _text("w") + _change_function() + b"s.",
        "a function that is no dictionary": _change_function() + b".",
        "a call of a type": _global("torch.FloatStorage") + b")R.",
        "a call of a type of numbers": _global("torch.float32") + b")R.",
        "a module of torch": _global("torch.hub") + b".",
        "a lazy module of torch": _global("torch.onnx") + b".",
        "a stack below its floor": b"00000.",
        "an unknown place of the memo": b"h\x09.",
        "lists in lists": b"]" * 100_000 + b"a" * 99_999 + b".",
        "a step of the future": b"\xf0.",
        "nothing at all": b"",
        "many equal keys": b"}("
        + b"".join(_number(k * (2**61 - 1)) + b"N" for k in (0, 1, -1, 2)) * 50_000
        + b"u.",
    }
    files |= {name: archive(program) for name, program in programs.items()}
    legacy = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {})]
    tensor = b"\x80\x02}" + _text("w") + _tensor([GIGABYTE], [1], GIGABYTE) + b"s."
    keys = pickle.dumps(["0"], 2)
    files |= {
        "an old checkpoint of a large storage": b"".join(legacy)
        + tensor
        + keys
        + struct.pack("<q", GIGABYTE),
        "an old checkpoint of a negative storage": b"".join(legacy)
        + tensor.replace(_number(GIGABYTE), _number(-8))
        + keys
        + struct.pack("<q", -8),
        "an old checkpoint of a program": b"".join(legacy[:2])
        + b"\x80\x02"
        + _nested_tuples()
        + b".",
    }
    return {f"{name}.pt": content for name, content in files.items()}


def _zip_files() -> dict[str, bytes]:
    content, twice, numpy_file = io.BytesIO(), io.BytesIO(), io.BytesIO()
    zeros = bytes(64 << 20)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for k in range(4):
            file.writestr(f"a/data/{k}", zeros)
        file.writestr("a/data.pkl", b"\x80\x02}.")
    with zipfile.ZipFile(numpy_file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for k in range(2):
            with file.open(f"{k}.npy", "w") as member:
                np.lib.format.write_array(member, np.zeros(8 << 20))
    stated = io.BytesIO()
    with zipfile.ZipFile(stated, "w") as file:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"shape": (GIGABYTE,), "fortran_order": False, "descr": "<f8"}
        )
        file.writestr("w.npy", header.getvalue())
    with zipfile.ZipFile(twice, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("w.npy", zeros[:1000])
    return {
        "a small zip of zeros.pt": content.getvalue(),
        "a small zip of zeros.npz": numpy_file.getvalue(),
        "an array that states more than there is.npz": stated.getvalue(),
        "another compression.npz": twice.getvalue(),
        "gigabytes in gzip.h5.gz": gzip.compress(zeros * 2, compresslevel=1),
    }


def _safetensors_files() -> dict[str, bytes]:
    def write(header: bytes) -> bytes:
        return struct.pack("<Q", len(header)) + header

    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    large = {"dtype": "F32", "shape": [2**40, 2**22, 0], "data_offsets": [0, 0]}
    return {
        "150,000 entries.safetensors": write(
            json.dumps({str(k): entry for k in range(150_000)}).encode()
        ),
        "a long header.safetensors": struct.pack("<Q", 2**40),
        "a header of a hundred megabytes.safetensors": struct.pack("<Q", 99_000_000) + b"{",
        "lists in lists.safetensors": write(b'{"a":' + b"[" * 100_000),
        "an unknown type.safetensors": write(json.dumps({"a": {**entry, "dtype": "F4"}}).encode()),
        "sizes without numbers.safetensors": write(json.dumps({"a": large}).encode()),
    }


def write_keras_files(folder, secret) -> list:
    """Write HDF5 files, some of which would read the file ``secret``."""
    made = {
        "external numbers": lambda group: group.create_dataset(
            "w", (16,), "u1", external=[(str(secret), 0, 16)]
        ),
        "an external link": lambda group: group.__setitem__(
            "w", h5py.ExternalLink(str(folder / "other.hdf5"), "/w")
        ),
        "a soft link": lambda group: group.__setitem__("w", h5py.SoftLink("/far")),
        "a virtual data set": lambda group: group.create_virtual_dataset("w", _virtual(folder)),
        "more than there is": lambda group: group.create_dataset("w", (GIGABYTE,), "f4"),
        "a large chunk": lambda group: group.create_dataset(
            "w", (1,), "f4", maxshape=(None,), chunks=(GIGABYTE // 2,)
        ),
        "compressed": lambda group: group.create_dataset(
            "w", data=np.zeros(8 << 20), compression="gzip", chunks=(8 << 20,)
        ),
        "no numbers": lambda group: group.create_dataset("w", data=["text"]),
        "a group": lambda group: group.create_group("w"),
    }
    with h5py.File(folder / "other.hdf5", "w") as file:
        file["w"] = np.frombuffer(secret.read_bytes()[:16], np.uint8)
    paths = []
    for name, make in made.items():
        paths.append(folder / f"{name}.h5")
        with h5py.File(paths[-1], "w") as file:
            file.attrs["layer_names"] = np.array([b"layer"], "S")
            group = file.create_group("layer")
            group.attrs["weight_names"] = np.array([b"w"], "S")
            file["far"] = h5py.ExternalLink(str(folder / "other.hdf5"), "/w")
            make(group)
    for number, layer in enumerate((b"out", b"far/w", b"../layer")):
        paths.append(folder / f"a way out {number}.h5")
        with h5py.File(paths[-1], "w") as file:
            file.attrs["layer_names"] = np.array([layer], "S")
            file["out"] = h5py.ExternalLink(str(folder / "layers.hdf5"), "/layer")
            file["far"] = h5py.ExternalLink(str(folder / "other.hdf5"), "/")
    paths.append(folder / "a model elsewhere.h5")
    with h5py.File(paths[-1], "w") as file:
        file["model_weights"] = h5py.ExternalLink(str(folder / "layers.hdf5"), "/")
    with h5py.File(folder / "layers.hdf5", "w") as file:
        file.attrs["layer_names"] = np.array([b"layer"], "S")
        group = file.create_group("layer")
        group.attrs["weight_names"] = np.array([b"w"], "S")
        group["w"] = np.frombuffer(secret.read_bytes()[:16], np.uint8)
    return paths


def _virtual(folder):
    layout = h5py.VirtualLayout((16,), "u1")
    layout[:] = h5py.VirtualSource(folder / "other.hdf5", "w", (16,))
    return layout


def _tflite_files(folder) -> dict[str, bytes]:
    few = np.ones((1, 1000), np.int8)
    constant = (few, np.ones(100), 0, 0)  # a hundred scales for one row
    path = write_tflite(folder / "a.tflite", [("FULLY_CONNECTED", "NONE", [constant])])
    with open(path, "rb") as file:
        return {"other scales than numbers.tflite": file.read()}


def _networks() -> dict[str, bytes]:
    """Entries of some megabytes that describe networks of many gigabytes."""
    width = 8000
    states = {
        "wav2clip": {
            "audio_encoder.conv1.weight": torch.zeros(width, 1, 7, 7),
            "audio_transform.sequential.3.weight": torch.zeros(512, 512),
        },
        "audioclip": {
            "conv1.weight": torch.zeros(width, 3, 7, 7),
            "layer1.0.conv1.weight": torch.zeros(width, 64, 1, 1),
            "layer1.0.conv2.weight": torch.zeros(width, width // 32, 1, 1),
            "fc.weight": torch.zeros(1024, 2048),
        },
        "vqgan": {
            "encoder.conv_in.weight": torch.zeros(width * 32, 3, 3, 3),
            "encoder.conv_out.weight": torch.zeros(256, 16, 3, 3),
            "quantize.embedding.weight": torch.zeros(1024, 256),
            "encoder.down.0.block.0.conv1.weight": torch.zeros(width * 32, 4, 3, 3),
        },
        "ced": {
            "encoder.patch_embed.proj.weight": torch.zeros(width * 8, 1, 1),
            "outputlayer.1.weight": torch.zeros(1, 1),
        },
        "clap": {
            "audio_model.audio_encoder.patch_embed.proj.weight": torch.zeros(1 << 20, 1),
            "audio_model.audio_encoder.layers.0.blocks.0.attention.self."
            "relative_position_bias_table": torch.zeros(1, 1),
            "audio_model.audio_encoder.layers.0.blocks.0.intermediate.dense.weight": torch.zeros(
                1 << 20, 1
            ),
            "audio_projection.linear2.weight": torch.zeros(1 << 20, 1),
        },
        "efficientat": {"classifier.2.weight": torch.zeros(1 << 20, 1)},
        "yamnet": {"layer01_conv/kernel": torch.zeros(1, 1, 3, 3, dtype=torch.complex64)},
    }
    return {f"{name}.too large.safetensors": save(state) for name, state in states.items()}


def hostile_files(folder) -> dict[str, bytes]:
    """All but those of HDF5, by name."""
    files = _torch_files() | _zip_files() | _safetensors_files() | _networks()
    return files | _tflite_files(folder)
