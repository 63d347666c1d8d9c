"""The small generated world and its data sets: the offline profile of the benchmarks."""

from functools import cached_property

import numpy as np
import pandas as pd

import skw2c
from benchmarks.datasets.dataset import AudioDataset
from skw2c import make_small_world
from skw2c.datasets import SOUND_KINDS, make_audiovisual_events

PROMPTS = ("the sound of {}", "a picture of {}", "this is {}", "{} is heard")
NOTHING = "nothing is heard"
MARK = "generated world"
NAME = "generated world"
MIXTURES = "generated mixtures"
# Clips that are evaluated on have other seeds than those that are trained on.
HELD_OUT = 10_000
N_MIXTURES = {"train": 400, "test": 200}


class World:
    """A small world, its encoders, and clips that are held out.

    Parameters
    ----------
    options : Namespace
        With ``seed``, ``n_train``, ``n_test``, ``epochs``, ``world``, ``n_jobs`` and
        ``verbose``.
    """

    def __init__(self, options):
        self.options = options

    @cached_property
    def made(self):
        """The small CLIP and the encoder, which are trained when they are first asked for."""
        options = self.options
        return make_small_world(
            n_clips=options.n_train,
            max_epochs=options.epochs,
            random_state=options.seed,
            folder=options.world,
            n_jobs=options.n_jobs,
            verbose=True,
        )

    @property
    def fingerprint(self):
        """All that the cells of the world depend on."""
        options = vars(self.options)
        names = (
            "seed",
            "n_train",
            "n_test",
            "epochs",
            "tasks",
            "features",
            "probe",
            "n_trials",
            "supervise_width",
            "supervise_epochs",
            "supervise_shares",
            "caption_epochs",
            "n_painted",
            "painting_steps",
        )
        return ("world", skw2c.__version__, *(options[name] for name in names))

    def data(self):
        """The data sets of the world."""
        known, seed = self.known, HELD_OUT + self.options.seed
        new = make_audiovisual_events(self.options.n_test, random_state=seed)
        both = join(as_dataset(known, "train"), as_dataset(new, "test"))
        learned = np.isin(both.target, self.made.kinds)
        main = self._describe(both, learned, NAME, self.made.kinds)
        main.nothing = [f"an empty {scene}, {NOTHING}" for scene in known.scene_names]
        unseen, title = ~learned & (both.split == "test"), f"{NAME}, kinds never heard"
        among = [
            self._describe(both, unseen, title, self.made.left_out),
            self._describe(both, unseen, f"{title}, among all", SOUND_KINDS),
        ]
        for data in among:
            data.only_zero_shot = True
        return [main, self._mix(main), *among]

    @property
    def device(self):
        """The same on every machine, unless another is asked for."""
        return "cpu" if self.options.device == "auto" else self.options.device

    @property
    def parameters(self):
        """Parameters that all transformers of sound take."""
        return dict(device=self.device, n_jobs=self.options.n_jobs, on_error="nan")

    @cached_property
    def known(self):
        """The clips that the encoders were trained on."""
        return make_audiovisual_events(self.options.n_train, random_state=self.options.seed)

    def describe(self):
        """The report's introduction to the world."""
        return [
            "This is a generated world: synthetic sounds, drawings and captions "
            "(skw2c.datasets.make_audiovisual_events). Its figures show that the system works "
            "from end to end, and say nothing of real recordings.",
            f"The encoder was distilled, without labels, from the frames of {self.options.n_train} "
            "clips as a small CLIP sees them, which was trained on the images and captions of "
            f"the same clips. All is evaluated on {self.options.n_test} other clips. Small "
            "classifiers and decoders learn from labels and captions of the first.",
            "Two kinds of sound were kept from the encoder altogether; texts and images of them "
            "were not kept from the small CLIP.",
        ]

    def _describe(self, data, rows, name, classes):
        """The data set of some clips, with the prompts for its classes."""
        data = data.take(rows)
        data.name, data.classes, data.marks = name, list(classes), [MARK]
        data.prompts = [
            [prompt.format(with_article(kind)) for prompt in PROMPTS] for kind in classes
        ]
        return data

    def _mix(self, data):
        """Two clips at once, of two kinds."""
        rng = np.random.default_rng(self.options.seed)
        clips, target, split = [], [], []
        for part, n in N_MIXTURES.items():
            rows = np.flatnonzero(data.split == part)
            for _ in range(n):
                first, second = rng.choice(rows, 2)
                while data.target[first] == data.target[second]:
                    first, second = rng.choice(rows, 2)
                clips.append(mix(data.clips[first], data.clips[second]))
                target.append(np.isin(data.classes, data.target[[first, second]]).astype(int))
                split.append(part)
        return AudioDataset(
            MIXTURES,
            clips,
            classes=data.classes,
            prompts=data.prompts,
            target=np.array(target),
            split=np.array(split),
            marks=[MARK],
        )


def as_dataset(clips, part):
    """Generated clips as a data set of which all are for one part."""
    return AudioDataset(
        NAME,
        clips.data,
        target=clips.target_names[clips.target],
        split=np.full(len(clips.data), part),
        captions=[[caption] for caption in clips.captions],
        events=clips.events,
        images=clips.frames,
    )


def join(first, second):
    """The clips of two data sets."""
    events = second.events.assign(row=second.events["row"] + len(first))
    return AudioDataset(
        first.name,
        first.clips + second.clips,
        target=np.concatenate([first.target, second.target]).astype(str),
        split=np.concatenate([first.split, second.split]).astype(str),
        captions=first.captions + second.captions,
        events=pd.concat([first.events, events], ignore_index=True),
        images=first.images + second.images,
    )


def mix(first, second):
    """Two clips at once, both as loud as the first, scaled down where they would clip."""
    n_samples = min(len(first), len(second))
    first, second = first[:n_samples], second[:n_samples]
    loudness = np.sqrt(np.mean(first**2) / max(np.mean(second**2), 1e-12))
    mixture = first + loudness * second
    return (mixture / max(np.abs(mixture).max(), 1)).astype(np.float32)


def with_article(kind):
    """A kind of sound as English has it."""
    if kind in ("rain", "wind"):
        return kind
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
