"""Small networks of OpenL3 in the formats of its files, and what they compute, by numpy."""

import gzip
import io

import h5py
import numpy as np
import torch

AUDIO = {"channels": 1, "rectified_first": (), "last": "audio_embedding_layer"}
IMAGE = {"channels": 3, "rectified_first": (1,), "last": "vision_embedding_layer"}
# All different, so that nothing can be taken for anything else.
WIDTHS = (3, 4, 5, 6, 7, 8, 9, 10)
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def draw_layers(side=AUDIO, widths=WIDTHS, seed=0):
    """Draw the layers of a network, in order: (name, arrays by name), as Keras lays them out."""
    rng = np.random.default_rng(seed)
    layers, before = [], side["channels"]
    for k, width in enumerate(widths):
        level, spread = (-40, 900) if k == 0 and before == 1 else (0, 1)
        norm = [
            rng.uniform(0.5, 1.5, before),
            rng.normal(0, 0.2, before),
            level + rng.normal(0, 0.2, before),
            spread * rng.uniform(0.5, 1.5, before),
        ]
        layers.append((f"batch_normalization_{k + 11}", dict(zip(NORM, norm, strict=True))))
        kernel = rng.normal(0, (2 / (9 * before)) ** 0.5, (3, 3, before, width))
        last = k == len(widths) - 1
        name = side["last"] if last else f"conv2d_{k + 11}"
        # Some of the last values shall be negative even where they are the largest.
        bias = rng.normal(-1, 1, width) if last else rng.normal(0, 0.2, width)
        layers.append((name, {"kernel": kernel, "bias": bias}))
        before = width
    return [
        (name, {part: value.astype(np.float32) for part, value in arrays.items()})
        for name, arrays in layers
    ]


def write_keras(path, layers):
    """Write layers as a file of weights of Keras, with layers between that have none."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        names = ["input_1"]
        file.create_group("input_1").attrs["weight_names"] = []
        for k, (layer, arrays) in enumerate(layers):
            group = file.create_group(layer)
            for name, value in arrays.items():
                group[f"{layer}/{name}:0"] = value
            group.attrs["weight_names"] = np.array(
                [f"{layer}/{name}:0".encode() for name in arrays], "S"
            )
            file.create_group(f"activation_{k}").attrs["weight_names"] = []
            names += [layer, f"activation_{k}"]
        file.attrs["layer_names"] = np.array([name.encode() for name in names], "S")
    content = buffer.getvalue()
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return str(path)


def write_torchopenl3(path, layers):
    """Write layers as a checkpoint of torchopenl3, with the filters of its front end."""
    state = {
        "speclayer.dft_real_kernels": torch.zeros(1025, 1, 2048),
        "speclayer.mel_basis": torch.zeros(256, 1025),
    }
    roles = dict(zip(NORM, ("weight", "bias", "running_mean", "running_var"), strict=True))
    for k, (name, arrays) in enumerate(layers):
        if "gamma" in arrays:
            name = f"batch_normalization_{k // 2 + 1}"
            state[f"{name}.num_batches_tracked"] = torch.tensor(7)
            for part, value in arrays.items():
                state[f"{name}.{roles[part]}"] = torch.from_numpy(value)
        else:
            name = "audio_embedding_layer" if name == AUDIO["last"] else f"conv2d_{k // 2 + 1}"
            kernel = arrays["kernel"].transpose(3, 2, 0, 1).copy()
            state[f"{name}.weight"] = torch.from_numpy(kernel)
            state[f"{name}.bias"] = torch.from_numpy(arrays["bias"])
    torch.save(state, path)
    return str(path)


def run_layers(layers, x, side=AUDIO):
    """Run a network on (batch, rows, columns, channels) in double precision, by numpy."""
    x = _normalise(np.asarray(x, float), layers[0][1])
    for k in range(7):
        x = _convolve(x, layers[2 * k + 1][1])
        norm = layers[2 * k + 2][1]
        if k in side["rectified_first"]:
            x = _normalise(np.maximum(x, 0), norm)
        else:
            x = np.maximum(_normalise(x, norm), 0)
        if k in (1, 3, 5):
            x = largest_of(x, x.shape[1] // 2, x.shape[2] // 2)
    return _convolve(x, layers[-1][1])


def largest_of(x, rows, columns):
    """Largest values of equal cells of (batch, rows, columns, channels); a rest is left out."""
    height, width = x.shape[1] // rows, x.shape[2] // columns
    x = x[:, : rows * height, : columns * width]
    return x.reshape(len(x), rows, height, columns, width, -1).max((2, 4))


def _normalise(x, norm):
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"].astype(float) + 1e-3)
    return (x - norm["moving_mean"]) * scale + norm["beta"]


def _convolve(x, layer):
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel = layer["kernel"].astype(float)
    return layer["bias"] + sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )
