"""Pictures painted from sounds: the proof in the generated world, and two of the papers' figures.

Without ``--figure``: a small VQGAN learns the pictures of the generated world, and paints
from the vectors of held-out sounds under the eyes of the world's small CLIP. Printed is how
often that CLIP finds the sound's kind in the picture, and the contact sheet is written.

With ``--figure 4`` (words and sounds of UrbanSound8K) or ``--figure 5`` (mixture and tracks
of two songs of musdb18-hq) the official weights paint, which are fetched once.
"""

import argparse
import sys
import time
from pathlib import Path

import contact_sheet
import generated
import numpy as np
import pandas as pd
import readers
import report

from skw2c import (
    AudioToImage,
    CLIPImageEncoder,
    CLIPTextEncoder,
    Wav2CLIPTransformer,
    make_small_world,
)
from skw2c.datasets import make_audiovisual_events, pair_frames, train_small_vqgan

WIDTH = 48
TRACKS = ("mixture", "vocals", "drums", "bass", "other")
N_SHUFFLES = 1000
N_WATCHED = 10
_N_TIMED = 3


def prove(options):
    """Paint from held-out sounds of the generated world, and let its CLIP judge.

    Returns
    -------
    text : str
        Markdown.
    sheet : matplotlib Figure
    """
    world = make_small_world(
        n_clips=options.n_train, max_epochs=options.epochs, random_state=options.seed,
        folder=options.world, verbose=options.verbose,
    )  # fmt: skip
    vqgan = train_vqgan(world, options)
    held = make_audiovisual_events(
        options.n_test, kinds=world.kinds, random_state=generated.HELD_OUT + options.seed
    )
    kinds, truth = held.target_names, held.target
    sounds = Wav2CLIPTransformer(world.encoder, normalize=True).fit_transform(held.data)
    judge = Judge(world.clip, kinds)
    painted, watched = paint(vqgan, world.clip, sounds, options)
    own = np.stack([first_visible(held, row) for row in range(len(truth))])
    found = judge.classify(painted)
    rows = [
        ("pictures painted from the sounds", np.mean(found == truth)),
        ("control: from shuffled vectors", shuffled(found, truth, options.seed)),
        ("control: the start, before any step", np.mean(judge.classify(watched[0]) == truth)),
        ("the sounds themselves, by their vectors", np.mean(judge.choose(sounds) == truth)),
        ("the clips' own pictures", np.mean(judge.classify(own) == truth)),
    ]
    cosines = {step: judge.cosine(pictures, sounds) for step, pictures in watched.items()}
    sheet = contact_sheet.lay_out(
        [
            contact_sheet.Column(
                kinds[truth[row]],
                [own[row], painted[row]],
                ["own picture", f"seen as {kinds[found[row]]}"],
                right=bool(found[row] == truth[row]),
            )
            for row in np.argsort(truth[: 2 * len(kinds)], kind="stable")
        ],
        n_columns=len(kinds),
    )
    return tell(rows, cosines, len(kinds), len(truth)), sheet


def train_vqgan(world, options):
    """The VQGAN of the world's pictures, kept beside its CLIP."""
    clips = make_audiovisual_events(options.n_train, random_state=options.seed)
    pairs = pair_frames(clips, n_visible=2, random_state=options.seed)
    return train_small_vqgan(
        pairs.pictures,
        folder=Path(world.clip).parent,
        max_epochs=options.vqgan_epochs,
        random_state=options.seed,
        verbose=options.verbose,
    )


def paint(vqgan, clip, vectors, options):
    """Pictures (n, height, width, 3) of the vectors, and those by step from 0 on."""
    every = max(options.iterations // N_WATCHED, 1)
    painter = AudioToImage(
        vqgan,
        encoder="passthrough",
        clip_model=clip,
        size=WIDTH,
        n_iter=0,
        n_cutouts=options.cutouts,
        augment=options.augment,
        learning_rate=options.learning_rate,
        random_state=options.seed,
        verbose=options.verbose,
    ).fit()
    watched = {0: painter.transform(vectors)}

    def watch(row, step, picture):
        watched.setdefault(step, np.zeros_like(watched[0]))[row] = picture

    painter.set_params(n_iter=options.iterations, callback=watch, callback_every=every)
    return painter.transform(vectors), watched


def first_visible(clips, row):
    """The first frame in which something is seen."""
    return clips.frames[row][np.argmax(clips.visible[row])]


class Judge:
    """The small CLIP, which says what it sees.

    Parameters
    ----------
    clip : str
        Its folder.
    kinds : sequence of str
        What to choose from.
    """

    def __init__(self, clip, kinds):
        reader = CLIPTextEncoder(clip, normalize=True).fit()
        words = [
            reader.transform(
                [prompt.format(generated.with_article(k)) for prompt in generated.PROMPTS]
            )
            for k in kinds
        ]
        self._words = np.stack([vectors.mean(axis=0) for vectors in words])
        self._words /= np.linalg.norm(self._words, axis=1, keepdims=True)
        self._eyes = CLIPImageEncoder(clip, normalize=True).fit()

    def choose(self, vectors):
        """Number of the kind of each vector."""
        return (vectors @ self._words.T).argmax(axis=1)

    def classify(self, pictures):
        """Number of the kind of each picture."""
        return self.choose(self._eyes.transform(list(pictures)))

    def cosine(self, pictures, vectors):
        """Mean cosine of pictures with unit vectors, row by row."""
        return float((self._eyes.transform(list(pictures)) * vectors).sum(axis=1).mean())


def shuffled(found, truth, seed):
    """Accuracy of pictures painted from the vectors of other sounds, over many shuffles.

    A picture depends on nothing but its vector, so that these are the same pictures in
    another order.
    """
    rng = np.random.default_rng(seed)
    return np.mean([np.mean(rng.permutation(found) == truth) for _ in range(N_SHUFFLES)])


def tell(rows, cosines, n_kinds, n_sounds):
    """The figures in words."""
    table = pd.DataFrame(rows, columns=["classified by the small CLIP", "right"])
    table["right"] = [f"{share:.1%}" for share in table["right"]]
    shown = [f"{cosine:.3f}" for cosine in cosines.values()]
    steps = pd.DataFrame({"step": list(cosines), "mean cosine": shown})
    return "\n\n".join(
        [
            f"{n_sounds} held-out sounds of {n_kinds} kinds; chance is {1 / n_kinds:.1%}.",
            table.to_markdown(index=False, disable_numparse=True),
            "Cosine of picture and sound, as CLIP sees the picture without augmentation:",
            steps.to_markdown(index=False, disable_numparse=True),
        ]
    )


def draw_figure_4(options):
    """Words and sounds of UrbanSound8K, side by side."""
    data = readers.read("urbansound8k", options.data_root)
    rng = np.random.default_rng(options.seed)
    clips_of = {
        word: np.flatnonzero(data.target == kind)
        for word, kind in zip(data.words, data.classes, strict=True)
    }
    row_of = {word: rng.choice(rows) for word, rows in clips_of.items() if len(rows)}
    painter = make_painter(options)
    from_sounds = painter.fit_transform([str(data.clips[row]) for row in row_of.values()])
    words = CLIPTextEncoder(options.clip_model, options.clip_pretrained, random_state=options.seed)
    painter.set_params(encoder="passthrough")
    from_words = painter.fit_transform(words.fit_transform(list(row_of)))
    columns = [
        contact_sheet.Column(word, [text, sound], ["from the words", "from a sound"])
        for word, text, sound in zip(row_of, from_words, from_sounds, strict=True)
    ]
    return contact_sheet.lay_out(columns, n_columns=5)


def draw_figure_5(options):
    """Mixtures and tracks of two songs of musdb18-hq."""
    songs = find_songs(options.data_root, options.songs)
    files = [str(song / f"{track}.wav") for song in songs for track in TRACKS]
    pictures = make_painter(options).fit_transform(files)
    of_songs = np.reshape(pictures, (len(songs), len(TRACKS), *pictures.shape[1:]))
    columns = [
        contact_sheet.Column(track, list(of_songs[:, number]), [song.name for song in songs])
        for number, track in enumerate(TRACKS)
    ]
    return contact_sheet.lay_out(columns, n_columns=len(TRACKS))


def find_songs(data_root, names):
    """Folders of the songs: those named, or the first two of the test set."""
    root = Path(data_root).expanduser()
    folders = sorted(path.parent for path in root.glob("*/*/mixture.wav"))
    of_test = [folder for folder in folders if folder.parent.name == "test"]
    chosen = [f for f in folders if f.name in names] if names else (of_test or folders)[:2]
    absent = sorted({*names} - {folder.name for folder in chosen})
    if absent or not chosen:
        raise FileNotFoundError(
            f"There is no {', '.join(absent) or 'song'} of musdb18-hq in {root}, which has the "
            "folders train/SONG and test/SONG with mixture.wav and its tracks. It is at "
            "https://zenodo.org/records/3338373"
        )
    return chosen


def measure_speed(options):
    """Seconds and floating-point operations of a step with networks of full size, in words."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    times = []
    painter = AudioToImage(
        None,
        encoder="passthrough",
        clip_pretrained=None,
        size=options.speed,
        n_iter=_N_TIMED + 1,
        n_cutouts=options.cutouts,
        augment=options.augment,
        callback=lambda *_: times.append(time.perf_counter()),
        callback_every=1,
        random_state=0,
    ).fit()
    vector = np.random.default_rng(0).normal(size=(1, 512))
    painter.transform(vector)
    with FlopCounterMode(display=False) as counter:
        painter.set_params(n_iter=1, callback=None).transform(vector)
    seconds = np.median(np.diff(times))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return (
        f"{options.speed} x {options.speed} pixels, {options.cutouts} cutouts, {device}, "
        f"{torch.get_num_threads()} threads: {seconds:.2f} s per step with the picture to look "
        f"at, {counter.get_total_flops() / 1e9:.0f} GFLOP"
    )


def make_painter(options):
    """The estimator with the official weights, or those that are named."""
    return AudioToImage(
        options.vqgan,
        encoder=Wav2CLIPTransformer(options.weights),
        clip_model=options.clip_model,
        clip_pretrained=options.clip_pretrained,
        size=options.size,
        n_iter=options.iterations,
        n_cutouts=options.cutouts,
        augment=options.augment,
        learning_rate=options.learning_rate,
        random_state=options.seed,
        verbose=options.verbose,
    )


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="results/imagine", help="folder of the results")
    parser.add_argument("--iterations", type=int, help="default: 100; for the figures 500")
    parser.add_argument("--cutouts", type=int, help="default: 8; for the figures 32")
    parser.add_argument("--learning-rate", type=float, help="default: 0.05; for the figures 0.1")
    parser.add_argument("--no-augment", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument(
        "--speed", type=int, metavar="PIXELS",
        help="measure full-size networks at this size, untrained, in place of all else",
    )  # fmt: skip
    world = parser.add_argument_group("generated world")
    world.add_argument("--world", help="folder of what is trained; default: in the cache")
    world.add_argument("--n-train", type=int, default=1500)
    world.add_argument("--n-test", type=int, default=60)
    world.add_argument("--epochs", type=int, default=24, help="of the encoder of sound")
    world.add_argument("--vqgan-epochs", type=int, default=8)
    figures = parser.add_argument_group("figures of the papers")
    figures.add_argument("--figure", type=int, choices=[4, 5])
    figures.add_argument("--data-root", help="folder of UrbanSound8K (4) or musdb18-hq (5)")
    figures.add_argument("--songs", nargs="+", default=[], help="names of songs, for figure 5")
    figures.add_argument("--size", type=int, default=256, help="in pixels")
    figures.add_argument("--vqgan", default="vqgan-imagenet-f16-16384")
    figures.add_argument("--weights", default="wav2clip")
    figures.add_argument("--clip-model", default="ViT-B-32-quickgelu")
    figures.add_argument(
        "--clip-pretrained", default="openai", type=lambda tag: None if tag == "none" else tag
    )
    options = parser.parse_args(arguments)
    if options.figure and not options.data_root:
        parser.error("--figure needs --data-root")
    full = options.figure or options.speed
    options.iterations = options.iterations or (500 if full else 100)
    options.cutouts = options.cutouts or (32 if full else 8)
    options.learning_rate = options.learning_rate or (0.1 if full else 0.05)
    options.augment = None if options.no_augment else AudioToImage().augment
    return options


def main(arguments=None):
    """Run what is asked for, and write it."""
    options = parse_arguments(arguments)
    if options.speed:
        print(measure_speed(options))
        return 0
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    if options.figure:
        draw = {4: draw_figure_4, 5: draw_figure_5}[options.figure]
        try:
            sheet = draw(options)
        except (OSError, ValueError) as exc:
            print(f"imagine.py: {exc}", file=sys.stderr)
            return 1
        contact_sheet.write(sheet, out / f"figure_{options.figure}.png")
        return 0
    text, sheet = prove(options)
    report.replace(out / "imagine.md", f"# Pictures painted from sounds\n\n{text}\n")
    contact_sheet.write(sheet, out / "imagine.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
