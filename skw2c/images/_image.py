"""One image: where its pixels come from, and what a person sees of them, in RGB."""

from __future__ import annotations

import hashlib
import os
import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ..exceptions import ImageError, OptionalDependencyError
from ..system._optional import import_optional
from ..system._regular_file import refuse_device
from ..system._tensors import is_tensor, tensor_to_array

if TYPE_CHECKING:
    from PIL.Image import Image

_DEFINITION = (
    "an image is a path (str or Path), a PIL image, or an array or tensor of shape (height, "
    "width) or (height, width, channels)"
)
_CAUSES = {
    "FileNotFoundError": "the file does not exist",
    "IsADirectoryError": "it is a folder, and an image is a file",
    "UnidentifiedImageError": (
        "the file is not an image that Pillow reads, or is damaged: convert it, for example to PNG"
    ),
    "DecompressionBombError": (
        "it has so many pixels that Pillow takes it for an attack: shrink it, or raise "
        "PIL.Image.MAX_IMAGE_PIXELS if you trust it"
    ),
}
# How an image is turned upright, by the orientation in its EXIF entry.
_ORIENTATION_TAG = 0x0112
_AS_STORED = 1
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


class FileImage:
    """An image in a file.

    Parameters
    ----------
    path : str or os.PathLike
        File of any format that Pillow reads.
    """

    def __init__(self, path: str | os.PathLike):
        self.name = os.fspath(path)

    def digest(self) -> str:
        """SHA-256 of the file's bytes."""
        with _as_image_error():
            refuse_device(self.name, ImageError)
            with open(self.name, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self) -> Image:
        """The image in RGB; of an animation the first frame."""
        pil = _import_pil(self.name)
        with _as_image_error():
            refuse_device(self.name, ImageError)
            with pil.open(self.name) as image:
                return _to_rgb(image, pil)


class MemoryImage:
    """An image in memory.

    Parameters
    ----------
    source : PIL image, or ndarray of shape (height, width) or (height, width, channels)
        Pixels; the channels are grey, grey and alpha, RGB or RGBA.
    """

    name = None

    def __init__(self, source: Image | np.ndarray):
        self._source = source

    def digest(self) -> str:
        """SHA-256 of the pixels and their type."""
        if isinstance(self._source, np.ndarray):
            head = f"{self._source.dtype.str} {self._source.shape} "
            return hashlib.sha256(head.encode() + self._source.tobytes()).hexdigest()
        # A palette, a transparent colour and the EXIF entry count too: all are in the result.
        image = self.read()
        head = f"{self._source.mode} {image.size} "
        return hashlib.sha256(head.encode() + image.tobytes()).hexdigest()

    def read(self) -> Image:
        """The image in RGB."""
        pil = _import_pil("in memory")
        with _as_image_error():
            if isinstance(self._source, np.ndarray):
                return _array_to_rgb(self._source, pil)
            return _to_rgb(self._source, pil)


def as_image(item) -> FileImage | MemoryImage:
    """Wrap one item of X: a path, a PIL image, an array or a tensor.

    Raises
    ------
    ImageError
        If the item is none of these.
    """
    if isinstance(item, (str, os.PathLike)):
        return FileImage(item)
    if is_tensor(item):
        with _as_image_error():
            return MemoryImage(tensor_to_array(item))
    if isinstance(item, np.ndarray) or hasattr(item, "getbands"):
        return MemoryImage(item)
    raise ImageError(f"it is {reprlib.repr(item)} of type {type(item).__name__}; {_DEFINITION}")


@contextmanager
def _as_image_error() -> Iterator[None]:
    """Whatever Pillow trips over in one image is an error of that image."""
    try:
        yield
    except (ImageError, OptionalDependencyError):
        raise
    except MemoryError as exc:
        raise ImageError("there is not enough memory to read it") from exc
    except Exception as exc:
        kind = type(exc).__name__
        cause = _CAUSES.get(kind, "it is damaged, truncated or of a kind that Pillow cannot read")
        detail = f" ({kind}: {exc})" if kind not in _CAUSES else ""
        raise ImageError(cause + detail) from exc


def _import_pil(name: str) -> ModuleType:
    return import_optional("PIL.Image", extra="clip", purpose=f"Reading the image {name!r}")


def _to_rgb(image: Image, pil: ModuleType) -> Image:
    """Convert a PIL image as a person sees it: upright, over white, in 8 bits."""
    if 0 in image.size:
        raise ImageError(f"it has no pixels: its size is {image.size[0]} x {image.size[1]}")
    image.load()
    orientation = _UPRIGHT.get(_orientation_of(image))
    if image.mode == "F" or image.mode.startswith("I"):
        image = pil.fromarray(_scale(_numbers_of(image)))
    image = _flatten(image, pil) if image.has_transparency_data else image.convert("RGB")
    return image.transpose(pil.Transpose[orientation]) if orientation else image


def _orientation_of(image: Image) -> int:
    """What the EXIF entry states, after loading: Pillow turns TIFF files by itself."""
    try:
        return image.getexif().get(_ORIENTATION_TAG, _AS_STORED)
    except Exception:
        # Viewers show an image with a garbled EXIF entry as it is stored, and so do we.
        return _AS_STORED


def _numbers_of(image: Image) -> np.ndarray:
    """The samples of a grey image of more than 8 bits; integers as uint16."""
    samples = np.asarray(image)
    if image.mode == "I":
        low, high = samples.min(), samples.max()
        if low < 0 or high > 65535:
            raise ImageError(
                f"its 32-bit numbers are from {low} to {high}, and only 16 bits, from 0 to "
                "65535, have a meaning as grey: scale them and save the image again"
            )
    return samples if image.mode == "F" else samples.astype(np.uint16)


def _flatten(image: Image, pil: ModuleType) -> Image:
    """Lay an image with transparent parts over white."""
    # Pillow undoes premultiplied alpha ("La", "RGBa") only in a step of its own.
    image = image.convert(image.mode.upper()).convert("RGBA")
    white = pil.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _array_to_rgb(samples: np.ndarray, pil: ModuleType) -> Image:
    _check_shape(samples.shape)
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[:, :, 0]
    return _to_rgb(pil.fromarray(np.ascontiguousarray(_scale(samples))), pil)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) == 2 or (len(shape) == 3 and 1 <= shape[2] <= 4):
        if 0 in shape:
            raise ImageError(f"it has no pixels: its shape is {shape}")
        return
    cure = ""
    if len(shape) == 3 and 1 <= shape[0] <= 4:
        cure = ". Move the channels last: x.permute(1, 2, 0) or np.moveaxis(x, 0, -1)"
    elif len(shape) == 4:
        cure = ". Pass the images of a stack one by one: list(x)"
    raise ImageError(
        f"its shape is {shape}, and an image has the shape (height, width) or (height, width, "
        f"channels), with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels{cure}"
    )


def _scale(samples: np.ndarray) -> np.ndarray:
    """Scale samples to uint8 by what their type means."""
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == bool:
        return samples * np.uint8(255)
    if samples.dtype == np.uint16:
        return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if samples.dtype.kind != "f":
        raise ImageError(
            f"its dtype is {samples.dtype}, and the numbers of an image are uint8, uint16, bool "
            "or floats in [0, 1]; for integers from 0 to 255, x.astype('uint8')"
        )
    low, high = samples.min(), samples.max()
    if np.isnan(low):
        raise ImageError("it has numbers that are NaN")
    if low < 0 or high > 1:
        raise ImageError(
            f"its floats are from {low:g} to {high:g}, and those of an image are in [0, 1]: "
            "scale them, for example by x / 255, and undo the mean and standard deviation of "
            "a network's own preparation"
        )
    return np.rint(samples * 255).astype(np.uint8)
