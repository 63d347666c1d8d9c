"""
Listening at a glance
=====================

``AudioToImage`` paints what is heard: a VQGAN paints, and CLIP compares what it sees with
the vector of the sound. This example runs offline, in a small generated world: its encoder
of sound, its CLIP and its VQGAN are trained on the spot (ten minutes the first time, kept in
the cache). For real use none of it is needed::

    painter = AudioToImage(size=512, random_state=0).fit()
    pictures = painter.transform(["rain.wav", "dog.wav"])
    painter.write_video("walk.wav", "walk.mp4")

which fetches the weights of Wav2CLIP, of CLIP and of a VQGAN once. There, a GPU is of use.
"""

# sphinx_gallery_thumbnail_path = "_static/images-from-sound.png"

# %%
# The small world, and a small VQGAN that learns to give back its pictures.

import matplotlib.pyplot as plt
import numpy as np

from skw2c import AudioToImage, Wav2CLIPTransformer, datasets, make_small_world

world = make_small_world()
clips = datasets.make_audiovisual_events(240, duration=1.0, random_state=0)
pairs = datasets.pair_frames(clips, n_visible=4, random_state=0)
vqgan = datasets.train_small_vqgan(pairs.images, max_epochs=30)

# %%
# New sounds, and what is painted from each. No picture of theirs is looked at.

kinds = ["bell", "rain", "knock", "tick"]
sounds = datasets.make_audiovisual_events(4, kinds=kinds, random_state=3)
painter = AudioToImage(
    vqgan,
    encoder=Wav2CLIPTransformer(world.encoder),
    clip_model=world.clip,
    size=48,
    n_iter=50,
    n_cutouts=8,
    random_state=0,
).fit()
pictures = painter.transform(sounds.data)

# %%
# Words can take part, and start and seed are the same, so that only they make a difference.

painter.set_params(texts={"a picture of a beach": 1.0}).fit()
beaches = painter.transform(sounds.data)

# %%
# Above, the pictures that belong to the sounds, in the middle those that were painted, below
# those with words.

figure, axes = plt.subplots(3, 4, figsize=(7, 6), layout="constrained")
own = [
    shown[np.argmax(visible)] for shown, visible in zip(sounds.frames, sounds.visible, strict=True)
]
for row, images in zip(axes, (own, pictures, beaches), strict=True):
    for cell, image in zip(row, images, strict=True):
        cell.imshow(image)
        cell.set(xticks=[], yticks=[])
for cell, target in zip(axes[0], sounds.target, strict=True):
    cell.set_title(sounds.target_names[target])
for cell, name in zip(axes[:, 0], ["its own", "painted", "and a beach"], strict=True):
    cell.set_ylabel(name)
plt.show()
