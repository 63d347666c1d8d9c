"""The tasks of Wav2CLIP in the small generated world, on clips that nothing was trained on."""

import numpy as np
import pandas as pd
from classification import CLASSIFIERS
from features import MFCCTransformer
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import (
    CLIPImageEncoder,
    CLIPTextEncoder,
    Wav2CLIPTransformer,
    ZeroShotClassifier,
    make_small_world,
)
from skw2c.datasets import SOUND_KINDS, make_audiovisual_events
from skw2c.metrics import chance_reciprocal_rank, mean_reciprocal_rank

PROMPTS = ("the sound of {}", "a picture of {}", "this is {}", "{} is heard")
NOTHING = "nothing is heard"
N_FOLDS = 5
# Clips that are evaluated on have other seeds than those that are trained on.
HELD_OUT = 10_000


class World:
    """A small world, its encoders, and clips that are held out.

    Parameters
    ----------
    seed : int
    n_clips : int
        Held-out clips.
    options : Namespace
        With ``n_train``, ``epochs``, ``n_jobs``, ``cache`` and ``verbose``.
    """

    def __init__(self, seed, n_clips, options):
        self.seed = seed
        self.made = make_small_world(
            n_clips=options.n_train, max_epochs=options.epochs, random_state=seed,
            folder=options.world, n_jobs=options.n_jobs, verbose=True,
        )  # fmt: skip
        self.clips = make_audiovisual_events(n_clips, random_state=HELD_OUT + seed)
        self.labels = self.clips.target_names[self.clips.target]
        self.heard = np.isin(self.labels, self.made.kinds)
        self._encoder = dict(device="cpu", n_jobs=options.n_jobs, memory=options.cache)

    def encoder(self, **parameters):
        """The distilled encoder."""
        return Wav2CLIPTransformer(self.made.encoder, **{**self._encoder, **parameters})

    def features(self):
        """What is compared in classification."""
        untrained = Wav2CLIPTransformer(None, random_state=self.seed, **self._encoder)
        return {
            "wav2clip (distilled)": self.encoder(output="encoder"),
            "wav2clip (untrained)": untrained.set_params(output="encoder"),
            "mfcc": MFCCTransformer(memory=self._encoder["memory"]),
        }

    def sounds(self, rows):
        """The sounds of some held-out clips."""
        return [self.clips.data[row] for row in rows]

    def seen(self, rows):
        """The mean vector of the pictures of some held-out clips."""
        encoder = CLIPImageEncoder(self.made.clip, device="cpu")
        frames = [self.clips.frames[row] for row in rows]
        vectors = encoder.fit_transform(np.concatenate(frames))
        ends = np.cumsum([len(shown) for shown in frames])[:-1]
        return np.stack([part.mean(axis=0) for part in np.split(vectors, ends)])

    def words(self):
        """The vector of each kind of sound, and of none, in the small CLIP's words."""
        encoder = CLIPTextEncoder(self.made.clip, device="cpu", normalize=True).fit()
        texts = {
            kind: [prompt.format(_with_article(kind)) for prompt in PROMPTS] for kind in SOUND_KINDS
        }
        texts[NOTHING] = [f"an empty {scene}, {NOTHING}" for scene in self.clips.scene_names]
        return {label: encoder.transform(texts[label]).mean(axis=0) for label in texts}


def _with_article(kind):
    """A kind of sound as English has it."""
    if kind in ("rain", "wind"):
        return kind
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def classify(world):
    """Train a small classifier on frozen vectors of clips whose labels no encoder saw."""
    rows = np.flatnonzero(world.heard)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=world.seed)
    for name, features in world.features().items():
        pipeline = make_pipeline(features, StandardScaler(), CLASSIFIERS["mlp"](world.seed))
        scores = cross_val_score(
            pipeline, world.sounds(rows), world.labels[rows], cv=folds, error_score="raise"
        )
        yield name, scores.mean(), 1 / len(world.made.kinds), len(rows)


def name_unseen(world):
    """Name sounds by the words of kinds that the encoder has heard, or has never heard."""
    words = world.words()
    for name, rows, labels in (
        ("kinds it has heard", np.flatnonzero(world.heard), world.made.kinds),
        ("kinds it has never heard, among themselves", np.flatnonzero(~world.heard),
         world.made.left_out),
        ("kinds it has never heard, among all", np.flatnonzero(~world.heard), SOUND_KINDS),
    ):  # fmt: skip
        classifier = ZeroShotClassifier(list(labels), encoder=world.encoder(), text_encoder=words)
        found = classifier.fit().predict(world.sounds(rows))
        yield name, np.mean(found == world.labels[rows]), 1 / len(labels), len(rows)


def search(world):
    """Find the pictures that belong to a sound, and the sound that belongs to pictures."""
    rows = np.flatnonzero(world.heard)
    sounds, pictures = world.encoder().fit_transform(world.sounds(rows)), world.seen(rows)
    for name, queries, items in (
        ("sound to pictures", sounds, pictures),
        ("pictures to sound", pictures, sounds),
    ):
        for relevant, labels in (("its own", rows), ("the same kind", world.labels[rows])):
            yield (
                f"{name}, {relevant}",
                mean_reciprocal_rank(queries, items, labels, labels),
                chance_reciprocal_rank(labels, labels),
                len(rows),
            )


def name_seconds(world):
    """Name each second of the clips, by the words of the kinds or as nothing."""
    rows = np.flatnonzero(world.heard)
    labels = [*world.made.kinds, NOTHING]
    classifier = ZeroShotClassifier(
        labels, encoder=world.encoder(), text_encoder=world.words(), mode="frame"
    ).fit()
    found = np.concatenate(list(classifier.predict(world.sounds(rows))))
    times = classifier.frame_times(len(found) // len(rows))
    truth = np.concatenate([_label_seconds(world, row, times) for row in rows])
    clear = truth != ""
    score = balanced_accuracy_score(truth[clear], found[clear])
    yield "seconds", score, 1 / len(labels), int(clear.sum())


def _label_seconds(world, row, times):
    """The kind where it fills most of the second, nothing where it is silent, else ''."""
    events = world.clips.events.query("row == @row")
    starts, ends = events["onset"].to_numpy(), events["offset"].to_numpy()
    overlap = np.minimum(times[:, 1:], ends) - np.maximum(times[:, :1], starts)
    filled = np.clip(overlap, 0, None).sum(axis=1)
    return np.where(filled > 0.5, world.labels[row], np.where(filled == 0, NOTHING, ""))


TASKS = {
    "classification": (classify, "accuracy"),
    "zero-shot": (name_unseen, "accuracy"),
    "cross-modal search": (search, "mean reciprocal rank"),
    "frame level": (name_seconds, "balanced accuracy"),
}


def evaluate(seed, options):
    """Make the world of a seed and run all tasks in it.

    Returns
    -------
    scores : DataFrame
        One row per task and variant: ``seed``, ``task``, ``what``, ``measure``, ``score``,
        ``chance``, ``n``.
    history : DataFrame
        How the training of the encoder went.
    """
    world = World(seed, options.n_test, options)
    rows = [
        (seed, task, what, measure, score, chance, n)
        for task, (run, measure) in TASKS.items()
        for what, score, chance, n in run(world)
    ]
    columns = ["seed", "task", "what", "measure", "score", "chance", "n"]
    return pd.DataFrame(rows, columns=columns), world.made.history


def summarise(scores):
    """One row per task and variant: mean and deviation over the seeds, beside chance."""
    rows = []
    for (task, what), group in scores.groupby(["task", "what"], sort=False):
        spread = f" ± {group['score'].std(ddof=0):.3f}" if len(group) > 1 else ""
        rows.append(
            {
                "task": task,
                "what": what,
                "measure": group["measure"].iloc[0],
                "score": f"{group['score'].mean():.3f}{spread}",
                "chance": f"{group['chance'].mean():.3f}",
                "n": int(group["n"].sum()),
            }
        )
    return pd.DataFrame(rows)


def describe(options):
    """What the report says of the world."""
    seeds = f"seed {options.seed}" if options.n_seeds == 1 else f"{options.n_seeds} seeds"
    return [
        "**This is a generated world**: synthetic sounds, drawings and captions "
        "(`skw2c.datasets.make_audiovisual_events`). Its figures show that the system works "
        "from end to end, and say nothing of real recordings.",
        f"The encoder was distilled, without labels, from the frames of {options.n_train} clips "
        "as a small CLIP sees them, which was trained on the pictures and captions of the same "
        f"clips. It is evaluated on {options.n_test} other clips ({seeds}), whose labels train "
        "nothing but the small classifiers of the first rows, in 5 folds.",
        "Two kinds of sound were kept from the encoder altogether; words and pictures of them "
        "were not kept from the small CLIP.",
    ]


def draw_history(ax, histories):
    """The loss of training and validation over the epochs, for each seed."""
    for number, (seed, history) in enumerate(histories.groupby("seed")):
        for kind, style in (("training", "--"), ("validation", "-")):
            label = kind if number == 0 else None
            ax.plot(history["epoch"], history[f"{kind}_loss"], style, color=f"C{number}",
                    label=label)  # fmt: skip
        best = history.loc[history["validation_loss"].idxmin()]
        ax.plot(best["epoch"], best["validation_loss"], "o", color=f"C{number}",
                label=f"best, seed {seed}")  # fmt: skip
    ax.set(xlabel="epoch", ylabel="cross projection loss", title="Distillation, learning curve")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
