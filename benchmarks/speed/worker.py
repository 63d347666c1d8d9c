"""One measurement of encoders.py, in a process of its own; prints one line of JSON."""

import json
import statistics
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch

from benchmarks.speed.folder import peak_megabytes, time_folder

RATE = 16000
COLUMNS = 227  # of the spectrogram of 5 seconds
N_CLIPS = 4
# Channels, rows and columns of the maps in the four stages of the network.
SHAPES = ((64, 57, 65), (128, 29, 33), (256, 15, 17), (512, 8, 9))


def time_in_torch(embed, files):
    """Clips per second and peak memory of ``embed``, which maps files to vectors."""
    return time_folder(embed, files, torch.get_num_threads())


def measure_skw2c(job, mode, device="cpu", weights=None):
    from skw2c import Wav2CLIPTransformer

    transformer = Wav2CLIPTransformer(
        weights or job["checkpoint"], mode=mode, n_jobs=job["n_jobs"], device=device
    )
    return time_in_torch(transformer.fit(job["files"]).transform, job["files"])


def measure_original(job, mode):
    """The original's own calls: librosa.load and embed_audio, one file after the other."""
    changes = provide_torchaudio()
    import librosa
    import wav2clip
    from wav2clip.model.encoder import ResNetExtractor

    changes.append(provide_positional_frame(librosa))
    frames = {} if mode == "clip" else {"frame_length": RATE, "hop_length": RATE}
    checkpoint = torch.load(job["checkpoint"], weights_only=True)
    model = ResNetExtractor(checkpoint=checkpoint, scenario="frozen", transform=True, **frames)

    def embed(files):
        waveforms = (librosa.load(file, sr=RATE)[0] for file in files)
        # Frames come as (1, 512, n_frames); here the frames are rows.
        return [wav2clip.embed_audio(waveform, model)[0].T for waveform in waveforms]

    return {**time_in_torch(embed, job["files"]), "changes": " and ".join(changes)}


def provide_torchaudio():
    """Stand in for torchaudio, of which the original uses the spectrogram alone."""
    try:
        import torchaudio.transforms  # noqa: F401
    except (ImportError, OSError, RuntimeError):  # the last where it fits another torch
        package, transforms = types.ModuleType("torchaudio"), types.ModuleType("transforms")
        transforms.Spectrogram = Spectrogram
        package.transforms = transforms
        sys.modules |= {"torchaudio": package, "torchaudio.transforms": transforms}
        return ["an exact stand-in by torch.stft for torchaudio's Spectrogram"]
    return []


class Spectrogram(torch.nn.Module):
    """Equal to torchaudio's: periodic Hann window, centred, reflecting, power 2."""

    def __init__(self, n_fft, hop_length):
        super().__init__()
        self.n_fft, self.hop_length = n_fft, hop_length
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, waveform):
        spectrum = torch.stft(
            waveform.reshape(-1, waveform.shape[-1]),
            self.n_fft,
            self.hop_length,
            window=self.window,
            return_complex=True,
        )
        return spectrum.abs().pow(2).reshape(*waveform.shape[:-1], *spectrum.shape[1:])


def provide_positional_frame(librosa):
    """The original passes positionally what librosa 0.10 and later want by keyword."""
    frame = librosa.util.frame
    librosa.util.frame = lambda x, length, hop: frame(x, frame_length=length, hop_length=hop)
    return "keywords in its call of librosa.util.frame"


def measure_network(job, mode):
    """The rate of the network, in turns with bare convolutions under the same division of work."""
    from skw2c.models import random_wav2clip
    from skw2c.models.wav2clip._folded_resnet import FoldedResNet
    from skw2c.models.wav2clip._openvino_network import OpenVINONetwork
    from skw2c.models.wav2clip._portable_wav2clip import PortableWav2CLIP

    model = random_wav2clip(0)
    resnet = model.audio_encoder
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    portable, integers = (
        PortableWav2CLIP(arrays, "the untrained network", precision)
        for precision in ("float32", "int8")
    )
    networks = {
        "torch": FoldedResNet(resnet, torch.device("cpu")),
        "OpenVINO": OpenVINONetwork(resnet),
        "ONNX Runtime": lambda inputs: torch.from_numpy(portable._network(inputs.numpy())),
        "ONNX Runtime with int8": lambda inputs: torch.from_numpy(
            integers._network(inputs.numpy())
        ),
    }
    inputs = torch.randn(N_CLIPS, 1, 257, COLUMNS)
    work = N_CLIPS * count_operations(resnet)
    convolutions = [bare_convolution(*shape) for shape in SHAPES]
    network_rates, bare_rates = {name: [] for name in networks}, [[] for _ in convolutions]
    for _ in range(job["rounds"]):
        for name, network in networks.items():
            seconds = time_in_threads(lambda: network(inputs).mean((2, 3)), 8)  # noqa: B023
            network_rates[name].append(work / seconds / 1e9)
        for rates, (function, bare_work) in zip(bare_rates, convolutions, strict=True):
            rates.append(bare_work / time_in_threads(function, 20) / 1e9)
    machine_rate = max(map(statistics.median, bare_rates))
    rates = {name: statistics.median(of_rounds) for name, of_rounds in network_rates.items()}
    engines = {
        name: {
            "milliseconds": work / N_CLIPS / rate / 1e6,
            "gflops": rate,
            "share": rate / machine_rate,
        }
        for name, rate in rates.items()
    }
    return {"machine_gflops": machine_rate, "engines": engines}


def bare_convolution(channels, rows, columns):
    """A 3 x 3 convolution without padding, as a function, and its number of operations."""
    convolution = torch.nn.Conv2d(channels, channels, 3).to(memory_format=torch.channels_last)
    x = torch.randn(N_CLIPS, channels, rows + 2, columns + 2)
    x = x.to(memory_format=torch.channels_last)
    return lambda: convolution(x), 2 * N_CLIPS * rows * columns * 9 * channels**2


def time_in_threads(function, repeats):
    """Seconds per call where each core calls on its own, one thread of OpenMP each."""
    from skw2c.system._prefetch import limit_openmp

    n_threads = torch.get_num_threads()

    def call(_):
        with torch.inference_mode():
            for _ in range(repeats):
                function()

    with ThreadPoolExecutor(n_threads, initializer=limit_openmp, initargs=(1,)) as pool:
        list(pool.map(lambda _: function(), range(n_threads)))
        start = time.perf_counter()
        list(pool.map(call, range(n_threads)))
        return (time.perf_counter() - start) / repeats / n_threads


def count_operations(resnet):
    """Multiplications and additions for one clip, without those with padded zeros."""
    return sum(count_products(*layer) for layer in list_convolutions(resnet, COLUMNS))


def list_convolutions(resnet, n_columns):
    """The convolutions of a network as they run, each with the shapes of its maps."""
    layers = []

    def note(convolution, inputs, output):
        layers.append((convolution, inputs[0].shape, output.shape))

    convolutions = [m for m in resnet.modules() if isinstance(m, torch.nn.Conv2d)]
    hooks = [convolution.register_forward_hook(note) for convolution in convolutions]
    with torch.inference_mode():
        resnet.feature_map(torch.zeros(1, 1, 257, n_columns))
    for hook in hooks:
        hook.remove()
    return layers


def count_products(convolution, shape_in, shape_out):
    """Multiplications and additions of one convolution of one clip, from its maps' shapes."""
    taps = 1
    for axis in (0, 1):
        size, n_out = shape_in[2 + axis], shape_out[2 + axis]
        kernel, stride = convolution.kernel_size[axis], convolution.stride[axis]
        first = [place * stride - convolution.padding[axis] for place in range(n_out)]
        taps *= sum(min(at + kernel, size) - max(at, 0) for at in first)
    return 2 * taps * convolution.in_channels * convolution.out_channels


MEASUREMENTS = {
    "skw2c": measure_skw2c,
    "skw2c openvino": partial(measure_skw2c, device="openvino"),
    "skw2c mini": partial(measure_skw2c, weights="mini"),
    "original": measure_original,
    "network": measure_network,
}


def main(job_file, engine, mode):
    """Measure ``engine`` in ``mode`` on the files that ``job_file`` lists."""
    imported = peak_megabytes()
    with open(job_file, encoding="utf-8") as file:
        job = json.load(file)
    result = MEASUREMENTS[engine](job, mode)
    print(json.dumps({**result, "import_megabytes": imported}))


if __name__ == "__main__":
    main(*sys.argv[1:])
