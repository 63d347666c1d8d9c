"""
Teach an encoder to hear what a CLIP sees
=========================================

``Distiller`` trains an encoder of sound on videos: a frozen CLIP says what the pictures
show, and the encoder learns to tell the same from the sound. No labels are needed. This
example runs offline, on generated clips whose pictures a small CLIP has learned to read
(some minutes of training the first time, kept in the cache). With real videos::

    from skw2c import CLIPVideoEncoder, Distiller

    distiller = Distiller(teacher=CLIPVideoEncoder(fps=4), checkpoint_dir="run")
    distiller.fit(videos).save("encoder.safetensors")

and with more of them than fit into memory, ``skw2c shards`` and ``skw2c distill``.
"""

# %%
# Clips with sound and pictures, and the teacher. Each picture becomes a vector; a clip has
# several, and the distiller picks those that are shown while a piece of sound is heard.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity

from skw2c import CLIPImageEncoder, Distiller, make_small_world
from skw2c.datasets import make_audiovisual_events

world = make_small_world()
kinds = ["bell", "siren", "rain", "knock", "whistle", "buzzer"]
clips = make_audiovisual_events(360, kinds=kinds, duration=3.0, random_state=1)
teacher = CLIPImageEncoder(world.clip, device="cpu").fit()
seen = [teacher.transform(frames) for frames in clips.frames]
print(f"{len(clips.data)} clips, {len(seen[0])} pictures each, vectors of {seen[0].shape[1]}")

# %%
# Training. The labels of the clips are not used; a tenth of the clips is set aside to tell
# when to stop.

train, test = clips.split != "test", clips.split == "test"
distiller = Distiller(
    encoder_width=8,
    clip_length=2.0,
    frame_rate=clips.frame_rate,
    batch_size=32,
    max_epochs=12,
    learning_rate=3e-3,
    devices="cpu",
    random_state=0,
)
distiller.fit(
    [sound for sound, own in zip(clips.data, train, strict=True) if own],
    [vectors for vectors, own in zip(seen, train, strict=True) if own],
)

# %%
# Do sounds that it has never heard lie near pictures of their kind? The rows are kinds of
# sound, the columns kinds of pictures.

sounds = distiller.transform([sound for sound, own in zip(clips.data, test, strict=True) if own])
pictures = np.stack([v.mean(axis=0) for v, own in zip(seen, test, strict=True) if own])
target = clips.target[test]


def average(vectors):
    """The mean vector of each kind, without what all kinds have in common."""
    means = np.stack([vectors[target == kind].mean(axis=0) for kind in range(len(kinds))])
    return means - means.mean(axis=0)


similarity = cosine_similarity(average(sounds), average(pictures))
found = np.mean(similarity.argmax(axis=1) == np.arange(len(kinds)))
print(f"{found:.0%} of the kinds of sound are nearest to pictures of their own kind")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
distiller.plot_history(left)
image = right.imshow(similarity, vmin=-1, vmax=1, cmap="RdBu_r")
right.set_xticks(range(len(kinds)), clips.target_names, rotation=45)
right.set_yticks(range(len(kinds)), clips.target_names)
right.set(xlabel="what is seen", ylabel="what is heard", title="Similarity of unseen clips")
figure.colorbar(image, ax=right)
plt.show()

# %%
# What was trained is a transformer, with frames as well, and a file that
# ``Wav2CLIPTransformer`` reads::
#
#     distiller.save("encoder.safetensors", data="generated clips", licence="CC0")
#     Wav2CLIPTransformer("encoder.safetensors", mode="frame")

print(distiller.to_transformer(mode="frame").transform(clips.data[:2]).shape)
