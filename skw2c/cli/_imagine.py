"""Generate an image from a sound file, or a video that follows the sound.

The image of a VQGAN is optimised until CLIP's embedding of it matches the embedding of the sound.
The suffix of the output decides: .png or .jpg for one image of the whole sound, .mp4 for a video
with the sound.
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
from ._stderr import print_message
from ._tables import check_output

HELP = "generate an image or a video from a sound"

_VIDEO = ".mp4"
_IMAGE_FORMATS = {".png": "PNG", ".jpg": "JPEG"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("path", metavar="SOUND", help="sound file")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="file to write: .png, .jpg or .mp4"
    )
    _add_prompts(parser)
    _add_generation(parser)
    _add_video(parser)
    _add_models(parser)
    add_machine(parser)


def _add_prompts(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("other prompts")
    group.add_argument(
        "--text",
        type=_weighted,
        action="append",
        default=[],
        metavar="TEXT[::WEIGHT]",
        help="text, such as 'an oil painting::0.5'; may be repeated; a negative weight makes the "
        "image less similar to it; weights of the same text add up",
    )
    group.add_argument(
        "--image",
        type=_weighted,
        action="append",
        default=[],
        metavar="FILE[::WEIGHT]",
        help="image to resemble; may be repeated",
    )
    group.add_argument("--sound-weight", type=float, default=1.0, metavar="WEIGHT")
    group.add_argument("--init-image", metavar="FILE", help="image to start from")


def _add_generation(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("generation")
    group.add_argument(
        "--size",
        type=_sides,
        default="256",
        metavar="PIXELS",
        help="width x height, such as 384x256, or one number; rounded down to multiples of a code",
    )
    group.add_argument("--iterations", type=int, default=500, metavar="N")
    group.add_argument("--learning-rate", type=float, default=0.1, metavar="RATE")
    group.add_argument("--cutouts", type=positive, default=32, metavar="N")
    group.add_argument(
        "--no-augment",
        action="store_true",
        help="do not augment the images that CLIP compares; does not need kornia",
    )
    group.add_argument("--seed", type=int, default=0, help="seed of all randomness")
    group.add_argument(
        "--save-every",
        type=positive,
        metavar="N",
        help="also write the image after every N steps, as OUT.000050.png",
    )


def _add_video(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("video")
    group.add_argument("--frame-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument("--hop-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument(
        "--frame-iterations", type=int, default=50, metavar="N", help="steps from window to window"
    )
    group.add_argument("--frame-rate", type=float, default=12.0, metavar="PER_SECOND")


def _add_models(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("models")
    group.add_argument(
        "--vqgan",
        type=weights,
        default="vqgan-imagenet-f16-16384",
        help="name or path of the weights of the VQGAN, or 'none' for untrained weights",
    )
    add_encoder_name(group)
    add_clip(group)


def run(options: Namespace) -> int:
    """Generate the image or video; return the exit status."""
    check_output(options.out, (*_IMAGE_FORMATS, _VIDEO))
    if not os.path.isfile(options.path):
        raise FileNotFoundError(f"the sound file {options.path!r} does not exist")
    _warn_of_single_colons(options)
    with resumable(options.out), listed_failures():
        generator = _make_generator(options).fit()
        if _suffix(options.out) == _VIDEO:
            generator.write_video(options.path, options.out)
        else:
            [image] = generator.transform([options.path])
            _write_image(image, options.out)
    return 0


def _make_generator(options: Namespace):
    return skw2c.AudioToImage(
        _find_vqgan(options),
        # Images are drawn in the space of CLIP, which "mini" has beside that of its words.
        encoder=make_encoder(
            options, None, output="embedding", random_state=options.seed, verbose=False
        ),
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
    """Find the weights of the VQGAN; its errors name the option, not the parameter."""
    if options.vqgan is None:
        return None
    try:
        return skw2c.weights.refer_to(options.vqgan, "vqgan", progress=not options.quiet)
    except WeightsError as exc:
        raise type(exc)(str(exc).replace("weights=", "vqgan=")) from exc


def _save_steps(out: str):
    stem = os.path.splitext(out)[0]

    def save(row: int, step: int, image) -> None:
        _write_image(image, f"{stem}.{step:06d}.png")

    return save


def _write_image(image, path: str) -> None:
    pil = import_optional("PIL.Image", extra="clip", purpose="Writing an image")
    with open_atomically(path) as file:
        pil.fromarray(image).save(file, _IMAGE_FORMATS[_suffix(path)])


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _weighted(text: str) -> tuple[str, float]:
    """Read ``text::0.5``; without a number, the weight is 1.

    A single colon belongs to the text, as in "a clock at 12:30".
    """
    prompt, colons, number = text.rpartition("::")
    if not colons:
        return text, 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not (prompt.strip() and math.isfinite(weight)):
        raise ArgumentTypeError(
            f"{text!r} does not end in a weight such as ::0.5 or ::-1; text that contains two "
            f"colons needs a weight too: {text + '::1'!r}"
        )
    return prompt, weight


def _warn_of_single_colons(options: Namespace) -> None:
    """Warn of weights with a single colon, as other programs write them."""
    for text, _ in (*options.text, *options.image):
        if re.search(r"[^\d\s]:[-+]?(\d+\.?\d*|\.\d+)$", text) and not os.path.exists(text):
            print_message(
                f"{text!r} does not have a weight: write weights with two colons, as in rain::0.5"
            )


def _weights_of(texts: list[tuple[str, float]]) -> dict[str, float] | None:
    """The weight of each text; weights of the same text add up."""
    weights: dict[str, float] = {}
    for text, weight in texts:
        weights[text] = weights.get(text, 0.0) + weight
    return weights or None


def _sides(text: str) -> tuple[int, int]:
    """Read ``width x height`` as (height, width)."""
    numbers = text.lower().split("x")
    if len(numbers) > 2 or not all(number.strip().isdecimal() for number in numbers):
        raise ArgumentTypeError(f"got {text!r}, expected a size such as 256 or 384x256")
    return int(numbers[-1]), int(numbers[0])
