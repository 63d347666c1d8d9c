"""
Embed a corpus in parts
=======================

``embed_corpus`` writes the vectors of any number of files as a folder of Parquet files. What is
finished stays whatever happens, and a second run computes only what is new. Runs offline.
"""

# %%
# A folder of recordings, one of which is broken.

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile
from sklearn.decomposition import PCA

from skw2c import embed_corpus
from skw2c.datasets import make_sound_events

home = Path(tempfile.mkdtemp())
sounds = make_sound_events(120, duration=1, random_state=0)
for row, waveform in enumerate(sounds.data):
    folder = home / "recordings" / str(sounds.target_names[sounds.target[row]])
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{row:03}.wav", waveform, sounds.sampling_rate)
(home / "recordings" / "broken.wav").write_bytes(b"no sound")

# %%
# The first run embeds everything; the file that cannot be read keeps its row, with the reason.

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # which would list the broken file
    first = embed_corpus(home / "recordings", home / "vectors", "mini", verbose=False)
    (home / "recordings" / "bell" / "new.wav").write_bytes(
        (home / "recordings" / "bell" / "000.wav").read_bytes()
    )
    second = embed_corpus(home / "recordings", home / "vectors", "mini", verbose=False)
print(f"embedded in the first run: {first.n_embedded}, in the second: {second.n_embedded}")

# %%
# Any program that reads Parquet reads the result: pandas, polars, DuckDB, Spark.

table = pd.read_parquet(home / "vectors")
print(table[["file", "seconds", "error"]].assign(file=table["file"].map(lambda f: Path(f).name)))
print(table["error"].dropna().item())
heard = table.dropna(subset="vector")

# %%
# The folders are apart in the plane of the two main directions.

vectors = np.stack(heard["vector"])
plane = PCA(2).fit_transform(vectors)
kinds = heard["file"].map(lambda file: Path(file).parent.name).to_numpy()
figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
for number, kind in enumerate(sounds.target_names):
    axes.scatter(*plane[kinds == kind].T, s=18, marker="os^D"[number % 4], label=kind)
axes.set(xticks=[], yticks=[], title=f"{len(heard)} recordings, coloured by folder")
axes.legend(fontsize="small", ncols=2)
plt.show()
