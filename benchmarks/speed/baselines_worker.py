"""One measurement of baselines.py, in a process of its own; prints one line of JSON."""

import json
import sys
from functools import partial

import numpy as np
import torch

from benchmarks.speed.folder import time_folder

YAMNET_WINDOW, YAMNET_HOP = 15600, 7680
OPENL3_RATE, OPENL3_WINDOWS_AT_ONCE = 48000, 32
CLAP_RATE = 48000


def time_files(embed, files):
    """What `time_folder` measures, by something that may use all threads of torch."""
    return time_folder(embed, files, torch.get_num_threads())


def measure_yamnet(job):
    from skw2c import YAMNetTransformer

    transformer = YAMNetTransformer(
        job["tflite"], output="scores", tail="drop", n_jobs=job["n_jobs"]
    )
    return time_files(transformer.fit().transform, job["files"])


def measure_mini(job):
    from skw2c import Wav2CLIPTransformer

    transformer = Wav2CLIPTransformer("mini", output="words", n_jobs=job["n_jobs"])
    return time_files(transformer.fit().transform, job["files"])


def measure_tflite(job):
    """The loop around Google's interpreter, on all threads; decoding as in skw2c."""
    from ai_edge_litert.interpreter import Interpreter

    from skw2c import load_audio

    interpreter = Interpreter(job["tflite"], num_threads=torch.get_num_threads())
    interpreter.allocate_tensors()
    [place] = interpreter.get_input_details()
    [scores] = interpreter.get_output_details()

    def embed(files):
        return [np.mean(list(_run(load_audio(file)[0])), axis=0) for file in files]

    def _run(waveform):
        n = 1 + max(len(waveform) - YAMNET_WINDOW, 0) // YAMNET_HOP
        padded = np.pad(waveform, (0, max(YAMNET_WINDOW - len(waveform), 0)))
        for start in range(0, n * YAMNET_HOP, YAMNET_HOP):
            window = padded[start : start + YAMNET_WINDOW]
            interpreter.set_tensor(place["index"], window.reshape(place["shape"]))
            interpreter.invoke()
            yield interpreter.get_tensor(scores["index"]).ravel()

    return time_files(embed, job["files"])


def make_openl3(job):
    from skw2c import OpenL3Transformer

    return OpenL3Transformer(None, hop_length=1.0, random_state=0, n_jobs=job["n_jobs"]).fit()


def measure_openl3(job):
    return time_files(make_openl3(job).transform, job["files"])


def measure_torch_openl3(job):
    """The same spectrograms; the network layer by layer, 32 windows at a time."""
    from skw2c import load_audio
    from skw2c.models.openl3 import get_frozen_openl3, random_openl3, read_out

    transformer = make_openl3(job)
    front_end = get_frozen_openl3(transformer.weights_, "cpu", "mel256", "kapre-0.1")
    network, framing = random_openl3("audio", transformer.weights_.seed), transformer._framing()

    def embed(files):
        return [embed_waveform(load_audio(file, sampling_rate=OPENL3_RATE)[0]) for file in files]

    @torch.inference_mode()
    def embed_waveform(waveform):
        inputs = front_end.prepare(waveform, framing)[:, None]
        parts = [network(part) for part in inputs.split(OPENL3_WINDOWS_AT_ONCE)]
        return read_out(torch.cat(parts), (1, 1)).mean(0).numpy()

    return time_files(embed, job["files"])


def measure_torchopenl3(job):
    """The program of that name, where it can be imported."""
    try:
        import torchopenl3
        from torchopenl3.models import PytorchOpenl3
    except Exception as exc:  # it imports much that may be too new for it
        return {"absent": f"{type(exc).__name__}: {exc}"}
    import soundfile

    torch.manual_seed(0)
    model = PytorchOpenl3("music", "mel256", 512).eval()

    def embed(files):
        vectors = []
        for file in files:
            waveform, rate = soundfile.read(file, dtype="float32")
            vector, _ = torchopenl3.get_audio_embedding(waveform, rate, model=model, hop_size=1.0)
            vectors.append(vector[0].mean(0).numpy())
        return vectors

    return time_files(embed, job["files"])


def measure_clap(job):
    from skw2c import CLAPTransformer

    transformer = CLAPTransformer(job["clap"], n_jobs=job["n_jobs"])
    return time_files(transformer.fit().transform, job["files"])


def measure_transformers_clap(job):
    """The library's own extractor and network, a file after the other, as its examples do it."""
    from transformers import ClapFeatureExtractor, ClapModel

    from skw2c import load_audio

    extractor = ClapFeatureExtractor.from_pretrained(job["clap"])
    model = ClapModel.from_pretrained(job["clap"]).eval()

    @torch.inference_mode()
    def embed_one(waveform):
        inputs = extractor(waveform, sampling_rate=CLAP_RATE, return_tensors="pt")
        hidden = model.audio_model(
            inputs["input_features"], is_longer=torch.zeros(1, 1, dtype=torch.bool)
        )
        return model.audio_projection(hidden.pooler_output)[0].numpy()

    def embed(files):
        return [embed_one(load_audio(file, sampling_rate=CLAP_RATE)[0]) for file in files]

    return time_files(embed, job["files"])


def measure_untrained(kind, job):
    """An encoder with random weights, which takes as long as a trained one."""
    import skw2c

    transformer = getattr(skw2c, kind)(None, random_state=0, n_jobs=job["n_jobs"])
    return time_files(transformer.fit().transform, job["files"])


MEASUREMENTS = {
    "skw2c clap": measure_clap,
    "transformers clap": measure_transformers_clap,
    "skw2c mn10": partial(measure_untrained, "EfficientATTransformer"),
    "skw2c ced-mini": partial(measure_untrained, "CEDTransformer"),
    "skw2c yamnet, untrained": partial(measure_untrained, "YAMNetTransformer"),
    "skw2c yamnet": measure_yamnet,
    "skw2c mini": measure_mini,
    "tflite yamnet": measure_tflite,
    "skw2c openl3": measure_openl3,
    "torch openl3": measure_torch_openl3,
    "torchopenl3": measure_torchopenl3,
}


def main(job_file, engine, mode):
    """Measure ``engine`` on the files that ``job_file`` lists."""
    with open(job_file, encoding="utf-8") as file:
        print(json.dumps(MEASUREMENTS[engine](json.load(file))))


if __name__ == "__main__":
    main(*sys.argv[1:])
