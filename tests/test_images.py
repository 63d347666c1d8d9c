"""Images and videos in: what a person sees of them, which frames, and broken files."""

import bisect
import collections
import gc
import io
import re
import struct
import warnings
import weakref
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import soundfile
import torch

from skw2c.exceptions import ImageError, OptionalDependencyError, VideoError
from skw2c.images import VideoFile, as_image
from skw2c.images._video import _count_instants, _Track
from skw2c.validation._images import list_images, list_videos
from skw2c.validation._texts import list_texts

av = pytest.importorskip("av")
Image = pytest.importorskip("PIL.Image")


def read(item):
    """The pixels that `as_image` gives, after a check of the mode."""
    image = as_image(item).read()
    assert image.mode == "RGB"
    return np.asarray(image)


def grey(*levels):
    """One row of grey pixels in RGB."""
    return np.repeat(np.array(levels, np.uint8)[None, :, None], 3, axis=2)


# What X is a collection of


COLLECTIONS = {
    "list": list,
    "tuple": tuple,
    "deque": collections.deque,
    "keys": lambda x: dict.fromkeys(x).keys(),
    "Series": pd.Series,
    "Series with one label": lambda x: pd.Series(x, index=[7, 7]),
    "Series of polars": pl.Series,
    "array": np.array,
    "object array": lambda x: np.array(x, object),
    "column of an array": lambda x: np.array(x)[:, None],
    "DataFrame": lambda x: pd.DataFrame({"file": x}),
    "DataFrame of polars": lambda x: pl.DataFrame({"file": x}),
    "array of pyarrow": lambda x: pytest.importorskip("pyarrow").array(x),
    "table of pyarrow": lambda x: pytest.importorskip("pyarrow").table({"file": x}),
}


@pytest.mark.parametrize("list_items", [list_images, list_videos, list_texts])
@pytest.mark.parametrize("kind", COLLECTIONS)
def test_collections(list_items, kind):
    items = list_items(COLLECTIONS[kind](["a.png", "b.png"]))
    assert [str(item) for item in items] == ["a.png", "b.png"]


@pytest.mark.parametrize("list_items", [list_images, list_videos])
def test_missing_items_are_kept(list_items):
    assert list_items(["a.png", None]) == ["a.png", None]
    items = list_items(pd.Series(["a.png", None, np.nan], dtype=object))
    assert items[0] == "a.png"
    assert pd.isna(items[1])
    assert pd.isna(items[2])
    assert len(list_items([np.nan, None, pd.NA])) == 3


def test_images_in_memory(rng):
    stack = rng.integers(0, 256, (3, 8, 9, 3), np.uint8)
    for X in (stack, torch.tensor(stack), list(stack)):
        items = list_images(X)
        assert len(items) == 3
        np.testing.assert_array_equal(read(items[1]), stack[1])
    assert len(list_images(stack[..., 0])) == 3
    image = Image.fromarray(stack[0])
    assert list_images([image, stack[0], Path("a.png")])[0] is image


@pytest.mark.parametrize(
    ("X", "error", "match"),
    [
        ("a.png", TypeError, r"single path 'a.png'.*pass a list, \['a.png'\]"),
        (Path("a.png"), TypeError, "single path"),
        (b"a.png", TypeError, "single path"),
        ((name for name in ["a.png"]), TypeError, r"pass list\(X\)"),
        ({"a.png"}, TypeError, r"X is a set, which has no order.*sorted\(X\)"),
        ({"file": ["a.png"]}, TypeError, "X is a dict, expected a collection"),
        (None, TypeError, "None of type NoneType"),
        (3.5, TypeError, "3.5 of type float"),
        ([], ValueError, "X is empty"),
        (pd.DataFrame({"file": []}), ValueError, "X is empty"),
        (np.array(["a", "b"]).reshape(1, 2), ValueError, r"X\[:, 0\]"),
        (pd.DataFrame({"file": ["a"], "y": [1]}), ValueError, r"\['file', 'y'\].*X\['file'\]"),
        (np.ones((4, 5)), ValueError, r"shape \(4, 5\), and an? (image|video) is"),
        (np.ones(4), ValueError, r"shape \(4,\), and an? (image|video) is"),
        (torch.ones(4, 5), ValueError, r"shape \(4, 5\), and an? (image|video) is"),
    ],
)
@pytest.mark.parametrize("list_items", [list_images, list_videos])
def test_what_is_no_collection(list_items, X, error, match):
    with pytest.raises(error, match=match):
        list_items(X)


def test_single_images_are_refused():
    with pytest.raises(TypeError, match=r"single image .*pass a list, \[X\]"):
        list_images(Image.new("RGB", (4, 4)))
    with pytest.raises(ValueError, match=r"\(480, 640, 3\), which is a single image"):
        list_images(np.zeros((480, 640, 3)))
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 5, 6\)"):
        list_images(np.zeros((2, 3, 4, 5, 6)))
    with pytest.raises(ValueError, match="X is empty"):
        list_images(np.zeros((0, 4, 4, 3)))
    with pytest.raises(ValueError, match="CLIPImageEncoder"):
        list_videos(np.zeros((2, 4, 5, 3)))


# Images


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "bmp", "tiff", "ppm"])
def test_rgb_files_are_as_pillow_reads_them(tmp_path, rng, extension):
    path = tmp_path / f"a.{extension}"
    Image.fromarray(rng.integers(0, 256, (33, 47, 3), np.uint8)).save(path)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read(path), expected)
    np.testing.assert_array_equal(read(str(path)), expected)


def test_files_are_closed(tmp_path, rng):
    Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        as_image(tmp_path / "a.png").read()
        with pytest.raises(ImageError):
            as_image(tmp_path / "b.png").read()
        gc.collect()
    assert not [w for w in caught if issubclass(w.category, ResourceWarning)]


# Where pixel (row, column) of the file is seen in an image of height H and width W, from the
# definition of the entry: which side of the scene row 0 and column 0 are.
SEEN = {
    1: lambda r, c, H, W: (r, c),
    2: lambda r, c, H, W: (r, W - 1 - c),
    3: lambda r, c, H, W: (H - 1 - r, W - 1 - c),
    4: lambda r, c, H, W: (H - 1 - r, c),
    5: lambda r, c, H, W: (c, r),
    6: lambda r, c, H, W: (c, W - 1 - r),
    7: lambda r, c, H, W: (H - 1 - c, W - 1 - r),
    8: lambda r, c, H, W: (H - 1 - c, r),
}


def lay(scene, orientation):
    """Store a scene (H, W, 3) as the EXIF orientation says."""
    H, W = scene.shape[:2]
    stored = np.zeros((H, W, 3) if orientation < 5 else (W, H, 3), np.uint8)
    for r, c in np.ndindex(stored.shape[:2]):
        stored[r, c] = scene[SEEN[orientation](r, c, H, W)]
    return stored


@pytest.mark.parametrize("extension", ["png", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, rng, orientation, extension):
    scene = rng.integers(0, 256, (2, 3, 3), np.uint8)
    image = Image.fromarray(lay(scene, orientation))
    exif = image.getexif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{extension}"
    image.save(path, exif=exif)
    np.testing.assert_array_equal(read(path), scene)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(read(opened), scene)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
@pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning")
def test_garbled_exif_turns_nothing(tmp_path, rng, exif):
    image = Image.fromarray(rng.integers(0, 256, (2, 3, 3), np.uint8))
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.asarray(image))


def test_transparency_is_over_white(tmp_path):
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    expected = np.floor((colour * alpha + 255 * (255 - alpha)) / 255 + 0.5)[..., None]
    la = np.stack([colour, alpha], axis=2).astype(np.uint8)
    rgba = la[:, :, [0, 0, 0, 1]]
    for pixels in (la, rgba):
        Image.fromarray(pixels).save(tmp_path / "a.png")
        for item in (tmp_path / "a.png", pixels, torch.tensor(pixels), Image.fromarray(pixels)):
            np.testing.assert_array_equal(read(item), np.broadcast_to(expected, (256, 256, 3)))


@pytest.mark.parametrize("extension", ["png", "gif"])
def test_palettes(tmp_path, extension):
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    plain, transparent = tmp_path / f"a.{extension}", tmp_path / f"b.{extension}"
    image.save(plain)
    image.save(transparent, transparency=1)
    expected = np.arange(10, 100, 10, np.uint8).reshape(1, 3, 3)
    np.testing.assert_array_equal(read(plain), expected)
    expected[0, 1] = 255
    np.testing.assert_array_equal(read(transparent), expected)


def test_transparent_colours_and_half_transparent_palettes(tmp_path):
    rgb = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    Image.fromarray(rgb).save(tmp_path / "rgb.png", transparency=(4, 5, 6))
    np.testing.assert_array_equal(read(tmp_path / "rgb.png"), [[[1, 2, 3], [255, 255, 255]]])
    Image.fromarray(rgb[..., 0]).save(tmp_path / "l.png", transparency=4)
    np.testing.assert_array_equal(read(tmp_path / "l.png"), grey(1, 255))
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 100, 100, 100])
    image.putdata([0, 1])
    image.save(tmp_path / "p.png", transparency=bytes([51, 255]))
    np.testing.assert_array_equal(read(tmp_path / "p.png"), grey(204, 100))


MODES = {
    "1": (np.array([[False, True]]), grey(0, 255)),
    "L": (np.array([[7, 200]], np.uint8), grey(7, 200)),
    "I;16": (np.array([[0, 128, 129, 257, 33153, 65535]], "<u2"), grey(0, 0, 1, 1, 129, 255)),
    "I;16B": (np.array([[0, 128, 129, 257, 33153, 65535]], ">u2"), grey(0, 0, 1, 1, 129, 255)),
    "I": (np.array([[0, 257, 65535]], np.int32), grey(0, 1, 255)),
    "F": (np.array([[0, 0.5, 0.2, 1]], np.float32), grey(0, 128, 51, 255)),
}


@pytest.mark.parametrize("mode", MODES)
def test_grey_modes(tmp_path, mode):
    pixels, expected = MODES[mode]
    image = Image.fromarray(pixels)
    assert image.mode == mode
    np.testing.assert_array_equal(read(image), expected)
    image.save(tmp_path / "a.tiff")
    np.testing.assert_array_equal(read(tmp_path / "a.tiff"), expected)
    if mode not in ("I", "F", "I;16B"):
        image.save(tmp_path / "a.png")
        np.testing.assert_array_equal(read(tmp_path / "a.png"), expected)


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
        ("YCbCr", (90, 128, 128), (90, 90, 90)),
        ("HSV", (0, 255, 200), (200, 0, 0)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("La", (0, 55), (200, 200, 200)),
        ("RGBa", (0, 0, 0, 55), (200, 200, 200)),
        ("PA", (0, 55), (200, 200, 200)),
    ],
)
def test_colour_modes(mode, pixel, expected):
    image = Image.new(mode, (2, 3))
    if mode == "PA":
        image.putpalette([0, 0, 0])
    image.putdata([pixel] * 6)
    np.testing.assert_array_equal(read(image), np.broadcast_to(np.uint8(expected), (3, 2, 3)))


def test_cmyk_files(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    np.testing.assert_allclose(read(tmp_path / "a.jpg")[8, 8], (255, 0, 0), atol=2)


@pytest.mark.parametrize("extension", ["gif", "png", "webp"])
def test_first_frame_of_an_animation(tmp_path, extension):
    frames = [Image.new("RGB", (4, 4), (level, 0, 0)) for level in (200, 100, 50)]
    options = {"lossless": True} if extension == "webp" else {}
    frames[0].save(tmp_path / f"a.{extension}", save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read(tmp_path / f"a.{extension}")[0, 0], (200, 0, 0))


@pytest.mark.parametrize("n_channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize(
    ("dtype", "factor"),
    [
        ("uint8", 1),
        ("uint16", 257),
        (">u2", 257),
        ("float16", 1 / 255),
        ("float32", 1 / 255),
        ("float64", 1 / 255),
        ("bool", 1),
    ],
)
def test_array_types(rng, dtype, factor, n_channels):
    shape = (5, 6) if n_channels is None else (5, 6, n_channels)
    seen = rng.choice(np.uint8([0, 255]) if dtype == "bool" else np.arange(256), shape)
    samples = (seen * factor).astype(dtype)
    expected = seen.reshape(5, 6, -1).astype(float)
    if n_channels in (2, 4):
        alpha = expected[:, :, -1:] / 255
        expected = np.rint(expected[:, :, :-1] * alpha + 255 * (1 - alpha))
    expected = np.broadcast_to(expected, (5, 6, 3))
    np.testing.assert_array_equal(read(samples), expected)
    np.testing.assert_array_equal(read(np.asfortranarray(samples)), expected)
    if dtype != ">u2":
        np.testing.assert_array_equal(read(torch.tensor(samples)), expected)


def test_tensors_of_networks():
    image = torch.full((4, 5, 3), 0.2, requires_grad=True)
    for tensor in (image, image.half(), image.bfloat16()):
        assert (read(tensor) == 51).all()


@pytest.mark.parametrize(
    ("pixels", "match"),
    [
        (np.zeros((3, 8, 9)), r"\(3, 8, 9\).*x.permute\(1, 2, 0\) or np.moveaxis"),
        (torch.zeros(3, 8, 9), r"x.permute\(1, 2, 0\)"),
        (np.zeros((7, 8, 9)), r"\(7, 8, 9\)"),
        (np.zeros((1, 8, 9, 3)), r"\(1, 8, 9, 3\).*list\(x\)"),
        (np.zeros(8), r"\(8,\)"),
        (np.zeros(()), r"\(\)"),
        (np.zeros((0, 8, 3), np.uint8), "no pixels.*(0, 8, 3)"),
        (np.zeros((4, 4), np.int64), r"int64.*x.astype\('uint8'\)"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.array([["a", "b"]]), "dtype is <U1"),
        (np.array([[0.0, np.nan]]), "NaN"),
        (np.array([[np.nan, 300.0]]), "NaN"),
        (np.array([[0.0, np.inf]]), r"from 0 to inf.*\[0, 1\]"),
        (np.array([[0.0, 255.0]]), r"from 0 to 255.*x / 255"),
        (np.array([[-2.1, 2.5]]), "from -2.1 to 2.5.*standard deviation"),
        (Image.fromarray(np.array([[-0.5, 1]], np.float32)), "from -0.5 to 1"),
        (Image.fromarray(np.array([[0, 70000]], np.int32)), "from 0 to 70000.*16 bits"),
        (Image.fromarray(np.array([[-3, 7]], np.int32)), "from -3 to 7"),
        (Image.new("RGB", (0, 5)), "no pixels.*0 x 5"),
    ],
)
def test_numbers_that_are_not_an_image(pixels, match):
    with pytest.raises(ImageError, match=match):
        read(pixels)


@pytest.mark.parametrize(
    "item", [None, np.nan, pd.NA, 3, b"a.png", [[1, 2], [3, 4]], io.BytesIO(b"x")]
)
def test_items_that_are_not_an_image(item):
    with pytest.raises(ImageError, match=f"of type {type(item).__name__}; an image is a path"):
        as_image(item)


def test_broken_image_files(tmp_path, rng):
    with pytest.raises(ImageError, match="the file does not exist"):
        read(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="it is a folder"):
        read(tmp_path)
    for content in (b"", b"not an image"):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(ImageError, match="not an image that Pillow reads"):
            read(tmp_path / "a.png")
    with pytest.raises(ImageError, match="the file does not exist"):
        as_image(tmp_path / "missing.png").digest()


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "webp", "tiff", "bmp"])
def test_truncated_image_files(tmp_path, rng, extension):
    path = tmp_path / f"a.{extension}"
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match="damaged"):
        read(path)
    with Image.open(path) if extension not in ("tiff", "webp") else path.open("rb") as opened:
        if extension not in ("tiff", "webp"):
            with pytest.raises(ImageError, match="truncated"):
                read(opened)


def test_decompression_bomb(tmp_path, monkeypatch):
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ImageError, match="MAX_IMAGE_PIXELS"):
        read(tmp_path / "a.png")


def test_what_is_given_stays(rng):
    image = Image.fromarray(rng.integers(0, 256, (4, 5, 4), np.uint8))
    image.getexif()[0x0112] = 6
    before = image.copy()
    assert as_image(image).read().size == (4, 5)
    assert image.size == (5, 4)
    assert image == before
    pixels = rng.random((4, 5, 3))
    kept = pixels.copy()
    read(pixels)
    np.testing.assert_array_equal(pixels, kept)
    first = np.asarray(as_image(pixels).read()).copy()
    pixels[:] = 0
    np.testing.assert_array_equal(read(kept), first)


def test_digests_and_names(tmp_path, rng):
    pixels = rng.integers(0, 256, (4, 6, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 3
    palettes = []
    for level in (1, 2):
        palettes.append(Image.new("P", (4, 6)))
        palettes[-1].putpalette([level] * 3)
    items = [
        pixels,
        pixels.reshape(6, 4, 3),
        pixels.astype(np.uint16),
        pixels[::-1],
        turned,
        Image.fromarray(pixels),
        *palettes,
        tmp_path / "a.png",
    ]
    assert len({as_image(item).digest() for item in items}) == len(items)
    assert as_image(tmp_path / "a.png").digest() == as_image(tmp_path / "b.png").digest()
    assert as_image(pixels).digest() == as_image(torch.tensor(pixels)).digest()
    assert as_image(pixels).name is None
    assert as_image(turned).name is None
    assert as_image(tmp_path / "a.png").name == str(tmp_path / "a.png")


def test_images_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    for item in (tmp_path / "a.png", np.zeros((4, 4))):
        with pytest.raises(OptionalDependencyError, match=r'pip install "skw2c\[clip\]"'):
            as_image(item).read()


# Videos: every frame shows its number as eight blocks, black or white.

BLOCK = 16


def draw(number):
    bits = (number >> np.arange(8)) & 1
    blocks = np.kron(bits.reshape(2, 4), np.ones((BLOCK, BLOCK)))
    return np.repeat((255 * blocks).astype(np.uint8)[:, :, None], 3, axis=2)


def number_of(image):
    blocks = np.asarray(image.convert("L"), float).reshape(2, BLOCK, 4, BLOCK).mean(axis=(1, 3))
    assert ((blocks < 60) | (blocks > 195)).all()
    return int((2 ** np.arange(8)) @ (blocks.ravel() > 128))


def write_video(path, times, time_base, codec="libx264", sound=None, draw_frame=draw, **options):
    """Write numbered frames; the last of ``times`` (in ticks) is the end."""
    settings = {"preset": "ultrafast", "crf": "10"} if codec == "libx264" else {"qscale": "2"}
    container_options = {"movflags": "faststart"} if Path(path).suffix == ".mp4" else {}
    with av.open(str(path), "w", options=container_options) as container:
        rate = options.pop("rate", None) or max(1, round(1 / (time_base * (times[1] - times[0]))))
        track = container.add_stream(codec, rate=rate, options=settings)
        height, width = draw_frame(0).shape[:2]
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.time_base = track.codec_context.time_base = time_base
        for name, value in options.items():
            setattr(track.codec_context, name, value)
        audio = None if sound is None else container.add_stream("flac", rate=8000, layout="mono")
        lasting = {start: end - start for start, end in pairwise(times)}
        for number, start in enumerate(lasting):
            frame = av.VideoFrame.from_ndarray(draw_frame(number % 256), format="rgb24")
            frame.pts, frame.time_base = start, time_base
            container.mux(state_durations(track.encode(frame), lasting))
        container.mux(state_durations(track.encode(), lasting))
        if audio is not None:
            container.mux(encode_silence(audio, *sound))
    return path


def write_grey_videos(paths):
    """Write videos of two seconds, each of another grey, with sound."""
    for row, path in enumerate(paths):
        write_video(
            path,
            [250 * k for k in range(9)],
            Fraction(1, 1000),
            sound=(0, 2),
            draw_frame=lambda _, row=row: np.full((64, 64, 3), 60 * row, np.uint8),
        )


def state_durations(packets, lasting):
    for packet in packets:
        packet.duration = lasting[packet.pts]
    return packets


def encode_silence(track, start, seconds):
    frame = av.AudioFrame.from_ndarray(
        np.zeros((1, int(8000 * seconds)), np.float32), format="fltp", layout="mono"
    )
    frame.rate, frame.pts, frame.time_base = 8000, int(8000 * start), Fraction(1, 8000)
    return [*track.encode(frame), *track.encode()]


def shown_at(starts, end, fps):
    """Number of the frame that each instant shows, one by one."""
    period = 1 / Fraction(str(fps))
    numbers = []
    while len(numbers) * period < end:
        numbers.append(max(0, bisect.bisect_right(starts, len(numbers) * period) - 1))
    return numbers


def numbers_of(path, fps):
    return [
        number_of(image) for image, repeats in VideoFile(path).frames(fps) for _ in range(repeats)
    ]


RATES = [10, 24, 25, 30, 60, Fraction(30000, 1001), "variable"]


@pytest.fixture(scope="module", params=RATES, ids=str)
def numbered(request, tmp_path_factory):
    """A video of some three seconds, the times of its frames, and its end."""
    if request.param == "variable":
        time_base = Fraction(1, 90000)
        lasting = np.random.default_rng(2).choice([300, 1501, 3000, 4499, 20000, 45000], 60)
        times = [0, *np.cumsum(lasting).tolist()]
    else:
        time_base = 1 / Fraction(request.param)
        times = list(range(int(3 * request.param) + 2))
    path = tmp_path_factory.mktemp("videos") / "numbered.mp4"
    write_video(path, times, time_base)
    seconds = [tick * time_base for tick in times]
    return path, seconds[:-1], seconds[-1]


@pytest.mark.parametrize("fps", [30, 1, 7.5, 29.97, 100])
def test_choice_of_frames(numbered, fps):
    path, starts, end = numbered
    expected = shown_at(starts, end, fps)
    assert numbers_of(path, fps) == expected
    repeats = [n for _, n in VideoFile(path).frames(fps)]
    assert len(repeats) == len(set(expected))
    assert min(repeats) >= 1


def test_every_frame(numbered):
    path, starts, _ = numbered
    assert numbers_of(path, None) == list(range(len(starts)))
    assert {n for _, n in VideoFile(path).frames(None)} == {1}


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mkv", "libx264", 30),
        ("a.mkv", "ffv1", Fraction(24000, 1001)),
        ("a.webm", "libvpx", 60),
        ("a.ts", "libx264", Fraction(24000, 1001)),
        ("a.ts", "mpeg2video", 25),
        ("a.avi", "mjpeg", 30),
        ("a.mov", "mpeg4", 24),
        ("a.flv", "libx264", 30),
        ("a.mpg", "mpeg1video", Fraction(30000, 1001)),
        ("a.wmv", "wmv2", 30),
        ("a.h264", "libx264", 25),
    ],
)
def test_its_own_rate_takes_every_frame_once(tmp_path, name, codec, rate):
    # The clocks of most of these formats cannot hold the times of the frames exactly.
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_video(
        tmp_path / name, range(61), 1 / Fraction(rate), codec, rate=Fraction(rate), pix_fmt=pix_fmt
    )
    assert numbers_of(path, float(rate)) == list(range(60))


def test_no_drift():
    n_frames = 3600 * 30
    timeline = [(k, Fraction(k * 100, 2997)) for k in range(n_frames)]
    repeats = _count_instants([*timeline, (None, Fraction(n_frames * 100, 2997))], 29.97)
    assert [n for _, n in repeats] == [1] * n_frames
    timeline = [(k, Fraction(k * 1001, 30000)) for k in range(n_frames)]
    repeats = _count_instants([*timeline, (None, Fraction(n_frames * 1001, 30000))], 30000 / 1001)
    assert [n for _, n in repeats] == [1] * n_frames
    [(_, n)] = _count_instants([(0, Fraction(0)), (None, Fraction(86400 * 7))], 1 / 3600)
    assert n == 24 * 7
    for fps in (2, 2.0, np.float32(2), np.int64(2), Fraction(2)):
        assert list(_count_instants([(0, Fraction(0)), (None, Fraction(3))], fps)) == [(0, 6)]


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
@pytest.mark.parametrize(("video_start", "sound_start"), [(0.5, 0), (0, 0.5), (2, 1.5)])
def test_time_starts_with_the_file(tmp_path, extension, video_start, sound_start):
    first = int(25 * video_start)
    times = range(first, first + 26)
    path = tmp_path / f"a.{extension}"
    write_video(path, times, Fraction(1, 25), sound=(sound_start, 1))
    origin = Fraction(min(video_start, sound_start))
    starts = [Fraction(k, 25) - origin for k in range(first, first + 25)]
    assert numbers_of(path, 25) == shown_at(starts, starts[-1] + Fraction(1, 25), 25)
    assert numbers_of(path, 10) == shown_at(starts, starts[-1] + Fraction(1, 25), 10)


@pytest.mark.parametrize(
    ("name", "n_frames", "rate", "n_instants"),
    [("bigbuckbunny", 132, 25, 159), ("bento", 11, 10, 33)],
)
def test_real_videos(shared, name, n_frames, rate, n_instants):
    video = VideoFile(shared / "data" / "video" / f"{name}.mp4")
    assert sum(n for _, n in video.frames(None)) == n_frames
    repeats = [n for _, n in video.frames(30)]
    assert (len(repeats), sum(repeats)) == (n_frames, n_instants)
    numbers = np.repeat(np.arange(n_frames), repeats).tolist()
    assert numbers == shown_at(
        [Fraction(k, rate) for k in range(n_frames)], Fraction(n_frames, rate), 30
    )
    image, _ = next(iter(video.frames(1)))
    assert image.mode == "RGB"
    with av.open(video.name) as container:
        frame = next(container.decode(video=0))
        np.testing.assert_array_equal(np.asarray(image), frame.to_ndarray(format="rgb24"))


def test_memory_does_not_grow(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", range(3001), Fraction(1, 25), "mpeg4")
    decoded, alive = [0], []
    advance = _Track._advance

    def count(self, frame):
        decoded[0] += 1
        advance(self, frame)

    monkeypatch.setattr(_Track, "_advance", count)
    n_yielded = 0
    for image, _ in VideoFile(path).frames(25):
        n_yielded += 1
        assert decoded[0] - n_yielded <= 1
        alive = [*(ref for ref in alive if ref() is not None), weakref.ref(image)]
        assert len(alive) <= 2
    assert n_yielded == 3000


def test_frames_that_are_not_shown_are_not_converted(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", range(101), Fraction(1, 25))
    converted = []
    fromb = Image.frombytes
    monkeypatch.setattr(Image, "frombytes", lambda *args: converted.append(0) or fromb(*args))
    assert numbers_of(path, 1) == [0, 25, 50, 75]
    assert len(converted) == 4


def test_container_is_closed(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", range(26), Fraction(1, 25))
    containers, opener = [], av.open
    monkeypatch.setattr(
        av, "open", lambda *a, **k: containers.append(opener(*a, **k)) or containers[-1]
    )
    list(VideoFile(path).frames(5))
    abandoned = VideoFile(path).frames(5)
    next(abandoned)
    assert len(containers[1].streams) == 1
    abandoned.close()
    soundfile.write(tmp_path / "a.wav", np.zeros(8000), 8000)
    with pytest.raises(VideoError):
        list(VideoFile(tmp_path / "a.wav").frames(5))
    assert [len(container.streams) for container in containers] == [0, 0, 0]


# Laid out as ISO 14496-12 says: pixel (x, y) is shown at (a x + c y, b x + d y), y downwards.
LAID = [
    (1, 0, 0, 1),
    (-1, 0, 0, 1),
    (1, 0, 0, -1),
    (-1, 0, 0, -1),
    (0, 1, -1, 0),
    (0, -1, 1, 0),
    (0, 1, 1, 0),
    (0, -1, -1, 0),
]

PATTERN = 0b00110101  # looks different from each of the eight sides


@pytest.mark.parametrize("matrix", LAID)
def test_rotation(tmp_path, matrix):
    path = write_video(
        tmp_path / "a.mp4", range(4), Fraction(1, 25), draw_frame=lambda number: draw(PATTERN)
    )
    a, b, c, d = (65536 * x for x in matrix)
    content = path.read_bytes()
    place = content.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", content, place) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:place] + turned + content[place + 36 :])
    stored = blocks_of(draw(PATTERN)[..., 0])
    places = {
        (matrix[0] * x + matrix[2] * y, matrix[1] * x + matrix[3] * y): stored[y, x]
        for y, x in np.ndindex(stored.shape)
    }
    left, top = np.min(list(places), axis=0)
    seen = blocks_of(np.asarray(next(VideoFile(path).frames(None))[0].convert("L")))
    assert {(x + left, y + top): seen[y, x] for y, x in np.ndindex(seen.shape)} == places


def blocks_of(grey):
    height, width = grey.shape
    return grey.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(1, 3)) > 128


@pytest.mark.parametrize(("ratio", "width"), [("2", 128), ("1/2", 32), ("64/45", 91)])
def test_pixels_that_are_not_square(tmp_path, ratio, width):
    path = write_video(
        tmp_path / "a.mp4", range(6), Fraction(1, 25), sample_aspect_ratio=Fraction(ratio)
    )
    images = [image for image, _ in VideoFile(path).frames(None)]
    assert {image.size for image in images} == {(width, 32)}
    assert [number_of(image.resize((64, 32))) for image in images] == list(range(5))


@pytest.mark.parametrize(("colorspace", "name"), [(1, "itu709"), (6, "itu601")])
def test_colours_of_videos(tmp_path, colorspace, name):
    colours = np.zeros((32, 64, 3), np.uint8)
    colours[:, :32], colours[:, 32:] = (200, 40, 40), (20, 160, 60)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        track = container.add_stream("libx264", rate=25, options={"crf": "1"})
        track.width, track.height, track.pix_fmt = 64, 32, "yuv444p"
        track.codec_context.colorspace = colorspace
        frame = av.VideoFrame.from_ndarray(colours, format="rgb24")
        frame = frame.reformat(format="yuv444p", dst_colorspace=name)
        container.mux([*track.encode(frame), *track.encode()])
    [(image, _)] = VideoFile(tmp_path / "a.mp4").frames(None)
    np.testing.assert_allclose(np.asarray(image)[16, [8, 56]], colours[16, [8, 56]], atol=3)


# Videos that cannot be read


def frames_of(path):
    return list(VideoFile(path).frames(30))


@pytest.mark.parametrize("item", [None, np.nan, 3, b"a.mp4", np.zeros((4, 4))])
def test_items_that_are_no_video(item):
    with pytest.raises(VideoError, match=f"of type {type(item).__name__}; a video is a path"):
        VideoFile(item)


def test_files_that_are_no_video(tmp_path):
    with pytest.raises(VideoError, match="the file does not exist"):
        frames_of(tmp_path / "missing.mp4")
    with pytest.raises(VideoError, match="the file does not exist"):
        VideoFile(tmp_path / "missing.mp4").digest()
    with pytest.raises(VideoError, match="it is a folder"):
        frames_of(tmp_path)
    for content in (b"", b"no video\n" * 100, bytes(5000)):
        (tmp_path / "a.mp4").write_bytes(content)
        with pytest.raises(VideoError, match="the file is not a video, or is damaged"):
            frames_of(tmp_path / "a.mp4")


def test_lists_of_files_are_refused(tmp_path):
    write_video(tmp_path / "a.mp4", range(6), Fraction(1, 25))
    (tmp_path / "a.ffconcat").write_text("ffconcat version 1.0\nfile a.mp4\n")
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.mp4\n")
    Image.new("RGB", (16, 16)).save(tmp_path / "a1.png")
    for name in ("a.ffconcat", "a.m3u8", "a%d.png"):
        with pytest.raises(VideoError, match="list of other files"):
            frames_of(tmp_path / name)


def test_sound_is_no_video(tmp_path):
    soundfile.write(tmp_path / "a.mp3", np.zeros(8000), 8000)
    with pytest.raises(VideoError, match="the file has no video, only sound$"):
        frames_of(tmp_path / "a.mp3")
    cover = io.BytesIO()
    Image.new("RGB", (16, 16)).save(cover, "PNG")
    entry = b"\0image/png\0\3\0" + cover.getvalue()
    entry = b"APIC" + struct.pack(">I", len(entry)) + b"\0\0" + entry
    size = bytes(len(entry) >> shift & 127 for shift in (21, 14, 7, 0))
    tagged = b"ID3\3\0\0" + size + entry + (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "b.mp3").write_bytes(tagged)
    with av.open(str(tmp_path / "b.mp3")) as container:
        assert container.streams.video
    with pytest.raises(VideoError, match="only sound, apart from a cover"):
        frames_of(tmp_path / "b.mp3")


def test_track_without_frames(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        track = container.add_stream("mpeg4", rate=25)
        track.width, track.height, track.pix_fmt = 64, 32, "yuv420p"
        container.mux(encode_silence(container.add_stream("aac", rate=8000, layout="mono"), 0, 1))
    with pytest.raises(VideoError, match="video track without a frame in it"):
        frames_of(tmp_path / "a.mkv")


def test_unknown_codec(tmp_path):
    path = write_video(tmp_path / "a.mp4", range(6), Fraction(1, 25))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(VideoError, match="in a format that FFmpeg cannot decode"):
        frames_of(path)


def noise(number):
    return np.random.default_rng(number).integers(0, 256, (96, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Four seconds of noise, in several containers, which leaves no byte without a meaning."""
    folder = tmp_path_factory.mktemp("noisy")
    for name, codec in [
        ("a.mp4", "libx264"),
        ("b.mp4", "mpeg4"),
        ("a.mkv", "libx264"),
        ("a.avi", "mpeg4"),
        ("a.m4v", "mpeg4"),
    ]:
        sound = None if name == "a.m4v" else (0, 4)
        write_video(folder / name, range(101), Fraction(1, 25), codec, sound, draw_frame=noise)
    return folder


@pytest.mark.parametrize("name", ["a.mp4", "b.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_truncated_videos(noisy, tmp_path, name, part):
    content = (noisy / name).read_bytes()
    assert sum(n for _, n in frames_of(noisy / name)) >= 120
    path = tmp_path / name
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(VideoError, match=r"truncated.* \d\.\d\d.*ffmpeg -i IN") as caught:
        frames_of(path)
    seconds = [float(number) for number in re.findall(r"\d\.\d\d", str(caught.value))]
    assert 4 * part - 0.5 < seconds[-1] < 4 * part + 0.5


@pytest.mark.parametrize("name", ["a.mp4", "b.mp4", "a.mkv", "a.avi", "a.m4v"])
def test_damaged_videos(noisy, tmp_path, name):
    content = bytearray((noisy / name).read_bytes())
    for part in (0.45, 0.5, 0.55):
        place = int(part * len(content))
        content[place : place + 200] = np.random.default_rng(0).bytes(200)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=r"damaged or truncated [12]\.\d\d seconds.*re-encode"):
        frames_of(tmp_path / name)


def test_clock_that_jumps_back(tmp_path):
    path = write_video(tmp_path / "a.ts", range(76), Fraction(1, 25), "mpeg2video")
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(VideoError, match=r"jumps back from 2\.96 to 0\.00 seconds; re-encode"):
        frames_of(path)


def test_digest_of_videos(tmp_path):
    for name, content in (("a.mp4", b"x"), ("b.mp4", b"x"), ("a.mkv", b"x"), ("c.mp4", b"y")):
        (tmp_path / name).write_bytes(content)
    digests = [VideoFile(tmp_path / f"{n}").digest() for n in ("a.mp4", "b.mp4", "a.mkv", "c.mp4")]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert VideoFile(tmp_path / "a.mp4").name == str(tmp_path / "a.mp4")


@pytest.mark.parametrize(("module", "extra"), [("av", "media"), ("PIL.Image", "clip")])
def test_videos_without_the_extra(tmp_path, monkeypatch, module, extra):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(OptionalDependencyError, match=rf'a\.mp4.*pip install "skw2c\[{extra}\]"'):
        frames_of(tmp_path / "a.mp4")
