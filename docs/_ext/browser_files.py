"""The files beside the page "Try it in the browser": the encoder, its words and two sounds."""

import json
from pathlib import Path

import onnx
import soundfile
from safetensors import safe_open
from safetensors.numpy import save

from skw2c import Wav2CLIPTransformer, datasets
from skw2c.system._atomic import write_atomically
from skw2c.weights import fetch_weights, registry

LONGEST = 60
"""Seconds that the page hears of a sound: memory grows with the length."""
EXAMPLES = {"bird song": "bird", "rain": "rain"}
"""What the page calls a generated sound, and what the generator does."""

VERSION = "1.30.0"
ADDRESS = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
RUNTIME = {
    "ort.wasm.bundle.min.mjs": (
        "sha384-PLWz+nHEVHpjwBsO0YVdvQj6n5814Iv8E3b8FG0Rp/uIAtjFMCKOpP66iPzedrIG"
    ),
    "ort-wasm-simd-threaded.wasm": (
        "sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM"
    ),
}
"""Files of onnxruntime-web with their checksums, as subresource integrity writes them."""
RUNTIME_BYTES = 14_312_951
OWN_COPY = "onnxruntime-web"
"""A folder beside the scripts of the page, from which they are taken where it is there."""


def write_browser_files(folder, weights="mini"):
    """Write the files into ``_static/browser/model`` of the documentation.

    Parameters
    ----------
    folder : str or Path
        Where to; it is made.
    weights : str or Path, default="mini"
        A file that holds an encoder of sound and its words, whatever their shapes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    encoder = Wav2CLIPTransformer(weights, output="words", normalize=True).fit()
    sound, words = folder / "encoder.onnx", folder / "words.safetensors"
    encoder.export(sound)
    write_words(weights, words)
    stated = read_metadata(sound)
    facts = {
        "encoder": sound.name,
        "words": words.name,
        "sampling_rate": int(stated["sampling_rate"]),
        "temperature": float(stated["temperature"]),
        "longest": LONGEST,
        "bytes": RUNTIME_BYTES + sound.stat().st_size + words.stat().st_size,
        "examples": write_examples(folder, int(stated["sampling_rate"])),
        "runtime": find_runtime(folder.parent),
        "weights": stated["weights"],
        "licence": stated["licence"],
        "version": stated["skw2c_version"],
    }
    write_atomically(folder / "model.json", json.dumps(facts, indent=1).encode())


def write_words(weights, path):
    """Write the tensors that embed words, and no others."""
    source = fetch_weights(weights).path if weights in registry() else weights
    with safe_open(source, "numpy") as file:
        names = [name for name in file.keys() if name.startswith("words.")]  # noqa: SIM118
        write_atomically(path, save({name: file.get_tensor(name) for name in names}))


def read_metadata(path):
    """What an exported model says of itself."""
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def write_examples(folder, rate):
    """Write a generated sound of each kind, and list what they are called."""
    named = {}
    for name, kind in EXAMPLES.items():
        clips = datasets.make_sound_events(
            1, kinds=[kind], sampling_rate=rate, snr=(30, 30), random_state=0
        )
        soundfile.write(folder / f"{kind}.wav", clips.data[0], rate, "PCM_16")
        named[name] = f"{kind}.wav"
    return named


def find_runtime(folder):
    """Where the page finds ONNX Runtime: in its own copy, where that is whole, or on a CDN."""
    own = folder / OWN_COPY
    is_there = all((own / name).is_file() for name in RUNTIME)
    return {"address": f"../{OWN_COPY}/" if is_there else ADDRESS, "files": RUNTIME}
