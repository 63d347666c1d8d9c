"""Paint what is heard in a sound file: a picture, or a video that follows the sound.

A VQGAN paints, and CLIP compares what it sees with what Wav2CLIP hears. The name of the
output decides: .png or .jpg is a picture of the whole sound, .mp4 a video with the sound.
"""

from __future__ import annotations

import math
import os
import re
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace

import skw2c

from ..exceptions import WeightsError
from ..system._atomic import open_atomically
from ..system._optional import import_optional
from ._failures import listed_failures
from ._options import (
    add_clip,
    add_encoder_name,
    add_machine,
    clip_parameters,
    make_encoder,
    positive,
    weights,
)
from ._partial_folder import resumable
from ._stderr import say
from ._tables import check_output

HELP = "paint a picture or a video of what is heard"

_VIDEO = ".mp4"
_PICTURES = {".png": "PNG", ".jpg": "JPEG"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("path", metavar="SOUND", help="sound file")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="file to write: .png, .jpg or .mp4"
    )
    _add_prompts(parser)
    _add_painting(parser)
    _add_video(parser)
    _add_models(parser)
    add_machine(parser)


def _add_prompts(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what else is to be seen")
    group.add_argument(
        "--text",
        type=_weighted,
        action="append",
        default=[],
        metavar="TEXT[::WEIGHT]",
        help="words, such as 'an oil painting::0.5'; may be given often; a negative weight keeps "
        "away from them; weights of words that are given twice add up",
    )
    group.add_argument(
        "--image",
        type=_weighted,
        action="append",
        default=[],
        metavar="FILE[::WEIGHT]",
        help="picture to resemble; may be given often",
    )
    group.add_argument("--sound-weight", type=float, default=1.0, metavar="WEIGHT")
    group.add_argument("--init-image", metavar="FILE", help="picture to start from")


def _add_painting(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("painting")
    group.add_argument(
        "--size",
        type=_sides,
        default="256",
        metavar="PIXELS",
        help="width x height, such as 384x256, or one number; rounded down to whole codes",
    )
    group.add_argument("--iterations", type=int, default=500, metavar="N")
    group.add_argument("--learning-rate", type=float, default=0.1, metavar="RATE")
    group.add_argument("--cutouts", type=positive, default=32, metavar="N")
    group.add_argument(
        "--no-augment", action="store_true", help="show CLIP unchanged copies; needs no kornia"
    )
    group.add_argument("--seed", type=int, default=0, help="determines all that is drawn")
    group.add_argument(
        "--save-every",
        type=positive,
        metavar="N",
        help="write the picture after every N steps too, as OUT.000050.png",
    )


def _add_video(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("video")
    group.add_argument("--frame-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument("--hop-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument(
        "--frame-iterations", type=int, default=50, metavar="N", help="from window to window"
    )
    group.add_argument("--frame-rate", type=float, default=12.0, metavar="PER_SECOND")


def _add_models(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("models")
    group.add_argument(
        "--vqgan",
        type=weights,
        default="vqgan-imagenet-f16-16384",
        help="name or path of the weights of the VQGAN, or 'none' for an untrained one",
    )
    add_encoder_name(group)
    add_clip(group)


def run(options: Namespace) -> int:
    """Paint; return the exit status."""
    check_output(options.out, (*_PICTURES, _VIDEO))
    if not os.path.isfile(options.path):
        raise FileNotFoundError(f"there is no sound file {options.path!r}")
    _warn_of_single_colons(options)
    with resumable(options.out), listed_failures():
        painter = _make_painter(options).fit()
        if _suffix(options.out) == _VIDEO:
            painter.write_video(options.path, options.out)
        else:
            [picture] = painter.transform([options.path])
            _write_picture(picture, options.out)
    return 0


def _make_painter(options: Namespace):
    return skw2c.AudioToImage(
        _find_vqgan(options),
        encoder=make_encoder(options, None, random_state=options.seed, verbose=False),
        **clip_parameters(options),
        sound_weight=options.sound_weight,
        texts=_weights_of(options.text),
        images=options.image or None,
        init_image=options.init_image,
        size=options.size,
        n_iter=options.iterations,
        learning_rate=options.learning_rate,
        n_cutouts=options.cutouts,
        augment=None if options.no_augment else skw2c.AudioToImage().augment,
        frame_iter=options.frame_iterations,
        frame_rate=options.frame_rate,
        callback=_save_steps(options.out) if options.save_every else None,
        callback_every=options.save_every or 1,
        device=options.device,
        random_state=options.seed,
        verbose=not options.quiet,
    )


def _find_vqgan(options: Namespace):
    """The weights of the VQGAN; its errors name the option, not the parameter."""
    if options.vqgan is None:
        return None
    try:
        return skw2c.weights.refer_to(options.vqgan, "vqgan", progress=not options.quiet)
    except WeightsError as exc:
        raise type(exc)(str(exc).replace("weights=", "vqgan=")) from exc


def _save_steps(out: str):
    stem = os.path.splitext(out)[0]

    def save(row: int, step: int, picture) -> None:
        _write_picture(picture, f"{stem}.{step:06d}.png")

    return save


def _write_picture(picture, path: str) -> None:
    pil = import_optional("PIL.Image", extra="clip", purpose="Writing a picture")
    with open_atomically(path) as file:
        pil.fromarray(picture).save(file, _PICTURES[_suffix(path)])


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _weighted(text: str) -> tuple[str, float]:
    """Read ``words::0.5``; without a number the weight is 1.

    A single colon belongs to the words, as in "a clock at 12:30".
    """
    words, colons, number = text.rpartition("::")
    if not colons:
        return text, 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not (words.strip() and math.isfinite(weight)):
        raise ArgumentTypeError(
            f"{text!r} does not end in a weight such as ::0.5 or ::-1; words with two colons "
            f"in them take one too: {text + '::1'!r}"
        )
    return words, weight


def _warn_of_single_colons(options: Namespace) -> None:
    """Weights were once written with a single colon."""
    for text, _ in (*options.text, *options.image):
        if re.search(r"[^\d\s]:[-+]?(\d+\.?\d*|\.\d+)$", text) and not os.path.exists(text):
            say(f"{text!r} has no weight: a weight is written with two colons, as in rain::0.5")


def _weights_of(texts: list[tuple[str, float]]) -> dict[str, float] | None:
    """The weight of each text; that of one which is given twice is the sum."""
    weights: dict[str, float] = {}
    for text, weight in texts:
        weights[text] = weights.get(text, 0.0) + weight
    return weights or None


def _sides(text: str) -> tuple[int, int]:
    """Read ``width x height`` as (height, width)."""
    numbers = text.lower().split("x")
    if len(numbers) > 2 or not all(number.strip().isdecimal() for number in numbers):
        raise ArgumentTypeError(f"{text!r} is no size such as 256 or 384x256")
    return int(numbers[-1]), int(numbers[0])
