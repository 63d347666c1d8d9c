"""Small networks of YAMNet in the formats of its files, and what they compute, in float64."""

import h5py
import numpy as np
import torch
from torch.nn.functional import conv2d, pad

from .tflite_files import quantize, write_tflite

# All different where they may be, so that nothing can be taken for anything else.
WIDTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 9, 8, 7, 6, 5)
TINY = (1,) * 14
STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
NORM = ("beta", "moving_mean", "moving_variance")
WINDOW, FRAME, FRAME_HOP = 15600, 400, 160


def draw_layers(widths=WIDTHS, seed=0):
    """Draw the layers in order: (name, arrays by name), as Keras lays them out."""
    rng = np.random.default_rng(seed)

    def layer(name, kernel, *shape):
        before, after = shape[2], max(shape[2:]) if shape[3] == 1 else shape[3]
        fan_in = 9 if kernel == "depthwise_kernel" else shape[0] * shape[1] * before
        drawn = {
            kernel: rng.normal(0, (2 / fan_in) ** 0.5, shape),
            "beta": rng.normal(0.2, 0.3, after),
            "moving_mean": rng.normal(0, 0.2, after),
            "moving_variance": rng.uniform(0.2, 1.0, after),
        }
        return name, {part: value.astype(np.float32) for part, value in drawn.items()}

    layers = [layer("layer1/conv", "kernel", 3, 3, 1, widths[0])]
    for k in range(1, 14):
        name, before, after = f"layer{k + 1}", widths[k - 1], widths[k]
        depthwise = layer(f"{name}/depthwise_conv", "depthwise_kernel", 3, 3, before, 1)
        pointwise = rng.normal(0, (2 / before) ** 0.5, (1, 1, before, after))
        norm = layer("", "kernel", 3, 3, 1, after)[1]
        layers += [
            depthwise,
            (f"{name}/pointwise_conv", {**norm, "kernel": pointwise.astype(np.float32)}),
        ]
    logits = {
        "kernel": rng.normal(0, 1, (widths[-1], 521)).astype(np.float32),
        "bias": rng.normal(-2, 1, 521).astype(np.float32),
    }
    return [*layers, ("logits", logits)]


def write_keras(path, layers):
    """Write the official layout: each convolution and each normalisation is a layer."""
    with h5py.File(path, "w") as file:
        names = []

        def write(layer, arrays):
            group = file.require_group(layer)
            for name, value in arrays.items():
                group[f"{layer}/{name}:0"] = value
            group.attrs["weight_names"] = np.array(
                [f"{layer}/{name}:0".encode() for name in arrays], "S"
            )
            names.append(layer)

        write("input_1", {})
        for layer, arrays in layers:
            norm = {name: arrays[name] for name in NORM if name in arrays}
            write(layer, {name: value for name, value in arrays.items() if name not in NORM})
            if norm:
                write(f"{layer}/bn", norm)
                write(f"{layer}/relu", {})
        file.attrs["layer_names"] = np.array([name.encode() for name in names], "S")
    return str(path)


def fold_layers(layers):
    """Kernel in the order of torch and bias of each layer, in float64."""
    folded = []
    for _, arrays in layers[:-1]:
        depthwise = arrays.get("depthwise_kernel")
        kernel = arrays["kernel"].transpose(3, 2, 0, 1) if depthwise is None else depthwise
        kernel = kernel if depthwise is None else kernel.transpose(2, 3, 0, 1)
        beta, mean, variance = (arrays[name].astype(np.float64) for name in NORM)
        scale = 1 / np.sqrt(variance + 1e-4)
        folded.append((kernel * scale[:, None, None, None], beta - mean * scale))
    logits = layers[-1][1]
    return [*folded, (logits["kernel"].T.astype(np.float64), logits["bias"].astype(np.float64))]


def front_end():
    """Window, mel matrix and offset, written down once more."""
    window = np.array([0.5 - 0.5 * np.cos(2 * np.pi * n / 400) for n in range(400)])
    edges = np.linspace(*(1127 * np.log(1 + np.array([125, 7500]) / 700)), 66)
    mel = 1127 * np.log(1 + np.arange(257) * 16000 / 512 / 700)
    matrix = [np.interp(mel, edges[k : k + 3], [0, 1, 0]) for k in range(64)]
    return window, np.array(matrix), np.array(0.001)


def folded_arrays(layers):
    """The arrays of a folded file by name."""
    *folded, classifier = fold_layers(layers)
    arrays = dict(zip(("window", "mel_matrix", "log_offset"), front_end(), strict=True))
    arrays = {f"frontend/{name}": value for name, value in arrays.items()}
    for number, layer in enumerate(folded, 1):
        kind = "conv" if number == 1 else "pointwise" if number % 2 else "depthwise"
        arrays[f"layer{number:02d}_{kind}/kernel"], arrays[f"layer{number:02d}_{kind}/bias"] = layer
    arrays["classifier/kernel"], arrays["classifier/bias"] = classifier
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def write_arrays(path, layers):
    """Write a folded file."""
    np.savez(path, **folded_arrays(layers))
    return str(path)


def write_program(path, layers, activation="RELU6"):
    """Write a TFLite program with kernels of 8 bits, and give the layers that it stands for."""
    window, matrix, offset = (value.astype(np.float32) for value in front_end())
    operators = [
        ("MUL", None, [window]),
        ("FULLY_CONNECTED", "NONE", [matrix, np.full(64, offset)]),
    ]
    rounded = []
    *folded, (weight, bias) = fold_layers(layers)
    for number, (kernel, own) in enumerate(folded, 1):
        depthwise = number > 1 and number % 2 == 0
        order = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
        constant = quantize(kernel.transpose(order), axis=3 if depthwise else 0)
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        operators.append((kind, activation, [constant, own.astype(np.float32)]))
        along = [1, 1, 1, -1] if depthwise else [-1, 1, 1, 1]
        value = constant[0] * constant[1].reshape(along)
        rounded.append((value.transpose(np.argsort(order)), own))
    constant = quantize(weight)
    operators.append(("FULLY_CONNECTED", "NONE", [constant, bias.astype(np.float32)]))
    write_tflite(path, operators)
    return str(path), [*rounded, (constant[0] * constant[1], bias)]


def cut(waveform, hop=7680):
    """Windows of a waveform, the end filled up with zeros."""
    n_windows = 1 + -(-max(len(waveform) - WINDOW, 0) // hop)
    waveform = np.pad(waveform, (0, (n_windows - 1) * hop + WINDOW))
    return np.stack([waveform[k * hop : k * hop + WINDOW] for k in range(n_windows)])


def compute(folded, windows, most=np.inf):
    """Log-mel patches, embeddings and scores of windows (n, 15600), in float64."""
    window, matrix, offset = front_end()
    frames = np.stack([windows[:, k * FRAME_HOP :][:, :FRAME] for k in range(96)], axis=1)
    magnitudes = np.abs(np.fft.rfft(frames.astype(np.float64) * window, 512))
    patches = np.log(magnitudes @ matrix.T + offset)
    x = torch.from_numpy(patches)[:, None]
    strides = [STRIDES[0], *(s for stride in STRIDES[1:] for s in (stride, 1))]
    *layers, (weight, bias) = folded
    for number, ((kernel, own), stride) in enumerate(zip(layers, strides, strict=True), 1):
        groups = len(kernel) if number > 1 and number % 2 == 0 else 1
        x = pad(x, [*_same(x.shape[3], kernel, stride), *_same(x.shape[2], kernel, stride)])
        x = conv2d(x, *map(torch.from_numpy, (kernel, own)), stride=stride, groups=groups)
        x = x.clamp(0, most)
    embeddings = x.mean((2, 3)).numpy()
    return patches, embeddings, 1 / (1 + np.exp(-(embeddings @ weight.T + bias)))


def _same(size, kernel, stride):
    """Zeros before and after, by TensorFlow's rule."""
    total = max((-(-size // stride) - 1) * stride + kernel.shape[-1] - size, 0)
    return total // 2, total - total // 2
