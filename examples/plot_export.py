"""
Export an encoder, and run it without torch
===========================================

``export`` writes an encoder of sound as one ONNX file, and the vectors of a few words beside it are
all that a phone, a server or another language needs to name sounds. Runs offline; to export takes
the extra ``export``.
"""

# %%
# Where everything is at hand: the encoder in the package becomes a file, its words an array.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime

from skw2c import MiniTextEncoder, Wav2CLIPTransformer
from skw2c.datasets import make_sound_events

home = Path(tempfile.mkdtemp())
kinds = ["bell", "siren", "rain", "whistle", "buzzer"]
labels = ["church bell", "police siren", "rain", "whistling", "buzzer", "dog"]
encoder = Wav2CLIPTransformer("mini", output="words", normalize=True).fit()
encoder.export(home / "mini.onnx")
np.save(home / "words.npy", MiniTextEncoder().fit_transform(labels))
print(f"{(home / 'mini.onnx').stat().st_size / 1e6:.1f} MB")

# %%
# Where it runs, two packages are enough, and the file says what it takes.

session = onnxruntime.InferenceSession(home / "mini.onnx")
facts = session.get_modelmeta().custom_metadata_map
print({name: facts[name] for name in ["sampling_rate", "output", "temperature", "licence"]})

# %%
# Waveforms of any length go in, a row each, and vectors come out. They are those of ``transform``.

sounds = make_sound_events(40, kinds=kinds, duration=2.0, random_state=0)
waveforms = np.stack(sounds.data).astype(np.float32)
[vectors] = session.run(["vectors"], {"waveforms": waveforms})
difference = np.abs(vectors - encoder.transform(sounds.data)).max()
print(f"{waveforms.shape} -> {vectors.shape}, largest difference {difference:.1e}")

# %%
# What each kind of sound is called, with the temperature that the file suggests.

logits = vectors @ np.load(home / "words.npy").T / float(facts["temperature"])
probability = np.exp(logits - logits.max(axis=1, keepdims=True))
probability /= probability.sum(axis=1, keepdims=True)
means = np.stack([probability[sounds.target == kind].mean(axis=0) for kind in range(len(kinds))])

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
image = axes.imshow(means, vmin=0, vmax=1, cmap="viridis")
axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
axes.set_yticks(range(len(kinds)), sounds.target_names)
axes.set(xlabel="label", ylabel="sound", title="Mean probability, by the exported file")
figure.colorbar(image, ax=axes, label="probability")
plt.show()
