"""The papers' figures of pictures painted from sounds, and what painting costs.

For ``--figure 4`` (words and sounds of UrbanSound8K) or ``--figure 5`` (mixture and tracks of
two songs of musdb18-hq) the official weights paint, which are fetched once. How well pictures
show their sounds is measured by ``run_all.py --tasks pictures-from-sound``.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.datasets import readers
from benchmarks.reports import contact_sheet
from skw2c import AudioToImage, CLIPTextEncoder, Wav2CLIPTransformer

TRACKS = ("mixture", "vocals", "drums", "bass", "other")
_N_TIMED = 8


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
    """What a step costs with networks of full size, in words: time, operations, memory."""
    import psutil
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    times, used, process = [], [], psutil.Process()

    def look(*_):
        times.append(time.perf_counter())
        used.append(process.memory_info().rss / 2**20)

    painter = AudioToImage(
        None,
        encoder="passthrough",
        clip_pretrained=None,
        size=options.speed,
        n_iter=options.iterations,
        n_cutouts=options.cutouts,
        augment=options.augment,
        callback=look,
        callback_every=1,
        random_state=0,
    ).fit()
    vector = np.random.default_rng(0).normal(size=(1, 512))
    painter.transform(vector)
    with FlopCounterMode(display=False) as counter:
        painter.set_params(n_iter=1, callback=None).transform(vector)
    quarter = max(len(used) // 4, 1)
    first, last = np.mean(used[:quarter]), np.mean(used[-quarter:])
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return (
        f"{options.speed} x {options.speed} pixels, {options.cutouts} cutouts, {device}, "
        f"{torch.get_num_threads()} threads, {len(times)} steps: {np.median(np.diff(times)):.2f} s "
        f"per step with the picture to look at, {counter.get_total_flops() / 1e9:.0f} GFLOP; "
        f"memory {first:.0f} MB in the first quarter of the steps, {last:.0f} MB in the last"
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
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--figure", type=int, choices=[4, 5])
    what.add_argument(
        "--speed",
        type=int,
        metavar="PIXELS",
        help="measure full-size networks at this size, untrained",
    )
    parser.add_argument("--out", default="results/imagine", help="folder of the results")
    parser.add_argument(
        "--iterations", type=int, help=f"default: 500; for --speed {_N_TIMED}, at least 2"
    )
    parser.add_argument("--cutouts", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--no-augment", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    figures = parser.add_argument_group("figures of the papers")
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
    if options.iterations is None:
        options.iterations = _N_TIMED if options.speed else 500
    if options.speed and options.iterations < 2:
        parser.error("--speed needs at least 2 --iterations: what is timed lies between two")
    options.augment = None if options.no_augment else AudioToImage().augment
    return options


def main(arguments=None):
    """Run what is asked for, and write it."""
    options = parse_arguments(arguments)
    if options.speed:
        print(measure_speed(options))
        return 0
    draw = {4: draw_figure_4, 5: draw_figure_5}[options.figure]
    path = Path(options.out, f"figure_{options.figure}.png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"Nothing can be written to {str(path.parent)!r}")
        contact_sheet.write(draw(options), path)
    except (OSError, ValueError) as exc:
        print(f"imagine.py: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
