"""What the examples in docstrings may use: a folder of their own, and the names below.

``videos`` is a list of the paths of two short videos with sound.
"""

import gc
from fractions import Fraction

import numpy as np
import pytest

# All that is imported and collected stays: a million objects, which the collector of garbage would
# walk through again and again.
gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def surroundings_of_examples(request, doctest_namespace, monkeypatch, tmp_path_factory):
    """Let examples write where they like, without leaving anything in the user's cache."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    monkeypatch.chdir(tmp_path_factory.mktemp("example"))
    monkeypatch.setenv("SKW2C_CACHE", str(request.getfixturevalue("cache_of_examples")))
    if any("videos" in example.source for example in request.node.dtest.examples):
        doctest_namespace["videos"] = request.getfixturevalue("example_videos")


@pytest.fixture(scope="session")
def cache_of_examples(tmp_path_factory):
    return tmp_path_factory.mktemp("cache of examples")


@pytest.fixture(scope="session")
def example_videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return [write_video(folder / f"{name}.mkv") for name in ("walk", "rain")]


def write_video(path, seconds=2, rate=16000, fps=4):
    """Write a video of grey frames with noise as its sound."""
    av = pytest.importorskip("av")
    sound = np.random.default_rng(0).integers(-3000, 3000, (1, seconds * rate), np.int16)
    with av.open(str(path), "w") as file:
        images = file.add_stream("ffv1", rate=fps, width=32, height=32)
        audio = file.add_stream("pcm_s16le", rate=rate, layout="mono")
        for k in range(seconds * fps):
            image = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * k, np.uint8))
            image.pts, image.time_base = k, Fraction(1, fps)
            file.mux(images.encode(image))
        samples = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
        samples.sample_rate, samples.pts, samples.time_base = rate, 0, Fraction(1, rate)
        file.mux([*images.encode(), *audio.encode(samples), *audio.encode()])
    return str(path)
