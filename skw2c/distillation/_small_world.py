"""make_small_world: a generated world, the CLIP that sees it, and the audio encoder for it."""

from __future__ import annotations

import hashlib
import json
import os
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_params

from .._version import __version__
from ..datasets import SOUND_KINDS, make_audiovisual_events, pair_frames, train_small_clip
from ..system._atomic import write_atomically
from ..transformers._clip_image_encoder import CLIPImageEncoder
from ..weights import cache_folder
from ._distiller import Distiller

_ENCODER, _HISTORY, _CLIP, _RUN = "encoder.safetensors", "history.csv", "clip", "run"
_DATA = "generated clips of skw2c.datasets.make_audiovisual_events"
_RECIPE = dict(
    encoder_width=16,
    clip_length=3.0,
    batch_size=64,
    learning_rate=2e-3,
    lr_patience=2,
    early_stopping_patience=None,
    validation_fraction=0.1,
)


@validate_params(
    {
        "n_clips": [Interval(Integral, 100, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "left_out": ["array-like"],
        "folder": [str, os.PathLike, None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def make_small_world(
    *,
    n_clips=1500,
    max_epochs=24,
    left_out=("pluck", "bark"),
    folder=None,
    random_state=0,
    n_jobs=None,
    verbose=True,
):
    """Train all of Wav2CLIP in a small generated world, offline, in a few minutes.

    Clips with sounds, frames and captions are generated. A small CLIP is trained on the frames
    and captions. Frozen, it is the teacher of an audio encoder, as CLIP is that of Wav2CLIP;
    the encoder is trained without labels.

    The result is kept on disk, so that a second call returns at once. An interrupted call goes
    on where it was.

    Parameters
    ----------
    n_clips : int, default=1500
        Clips to learn from.
    max_epochs : int, default=24
        Epochs of the audio encoder.
    left_out : array-like of str, default=("pluck", "bark")
        Kinds of sound that the audio encoder is not trained on. CLIP is.
    folder : str, Path or None, default=None
        Where to keep the result. None is a folder in the cache.
    random_state : int, default=0
        Determines the world and all weights.
    n_jobs : int or None, default=None
        Threads that prepare images.
    verbose : bool or int, default=True
        Whether to show progress.

    Returns
    -------
    world : :class:`~sklearn.utils.Bunch`
        encoder : str
            Path of the encoder's weights, for ``Wav2CLIPTransformer(world.encoder)``.
        clip : str
            Folder of the small CLIP, for ``CLIPTextEncoder(world.clip)`` and its like.
        kinds : tuple of str
            Kinds of sound that the encoder was trained on.
        left_out : tuple of str
            Those that it was not.
        width : int
            Channels of the first stage of that encoder.
        history : :class:`~pandas.DataFrame`
            How its training went, one row per epoch.
        DESCR : str
            A description.

    Raises
    ------
    ValueError
        If a kind is unknown.

    See Also
    --------
    skw2c.datasets.make_audiovisual_events : The clips.
    skw2c.datasets.train_small_clip : The small CLIP.
    Distiller : Trains the audio encoder.

    Examples
    --------
    A world that is too small to be of use, to show how it is made:

    >>> from skw2c import Wav2CLIPTransformer, make_small_world
    >>> world = make_small_world(n_clips=100, max_epochs=1, folder="world", verbose=False)
    >>> encoder = Wav2CLIPTransformer(world.encoder)
    >>> world.left_out
    ('pluck', 'bark')
    """
    left_out = tuple(left_out)
    unknown = sorted({*left_out} - {*SOUND_KINDS})
    if unknown:
        raise ValueError(f"left_out={left_out!r} must be among {', '.join(SOUND_KINDS)}")
    configuration = dict(
        version=__version__,
        n_clips=int(n_clips),
        max_epochs=int(max_epochs),
        left_out=sorted(left_out),
        random_state=int(random_state),
        **_RECIPE,
    )
    folder = _find_folder(folder, configuration)
    if not (folder / _HISTORY).exists():
        _train(folder, configuration, n_jobs, verbose)
    return _describe(folder, left_out)


def _find_folder(folder, configuration: dict) -> Path:
    key = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:16]
    return (cache_folder() / "small-world" if folder is None else Path(folder)) / key


def _train(folder: Path, configuration: dict, n_jobs: int | None, verbose) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    seed = configuration["random_state"]
    if verbose:
        print(f"making a small world in {str(folder)!r}", flush=True)
    clips = make_audiovisual_events(configuration["n_clips"], random_state=seed)
    clip = _train_clip(folder, clips, seed, verbose)
    names = clips.target_names[clips.target]
    rows = np.flatnonzero(~np.isin(names, configuration["left_out"]))
    vectors = _embed_frames(clip, [clips.frames[row] for row in rows], n_jobs)
    distiller = Distiller(
        **{name: configuration[name] for name in _RECIPE},
        frame_rate=clips.frame_rate,
        sampling_rate=clips.sampling_rate,
        max_epochs=configuration["max_epochs"],
        checkpoint_dir=folder / _RUN,
        devices="cpu",
        random_state=seed,
        verbose=verbose,
    ).fit([clips.data[row] for row in rows], vectors)
    distiller.save(folder / _ENCODER, data=_DATA, licence="CC0")
    write_atomically(folder / _HISTORY, distiller.history_.to_csv(index=False).encode())


def _train_clip(folder: Path, clips, seed: int, verbose) -> str:
    pairs = pair_frames(clips, n_visible=3, random_state=seed)
    return train_small_clip(
        pairs.images, pairs.captions, folder=folder / _CLIP, random_state=seed, verbose=verbose
    )


def _embed_frames(clip: str, frames: list[np.ndarray], n_jobs: int | None) -> list[np.ndarray]:
    """The vectors of each clip's frames."""
    encoder = CLIPImageEncoder(clip, batch_size=64, n_jobs=n_jobs, device="cpu")
    vectors = np.asarray(encoder.fit_transform(np.concatenate(frames)))
    return np.split(vectors, np.cumsum([len(shown) for shown in frames])[:-1])


def _describe(folder: Path, left_out: tuple[str, ...]) -> Bunch:
    import pandas as pd

    return Bunch(
        encoder=str(folder / _ENCODER),
        clip=str(folder / _CLIP),
        kinds=tuple(kind for kind in SOUND_KINDS if kind not in left_out),
        left_out=left_out,
        width=_RECIPE["encoder_width"],
        history=pd.read_csv(folder / _HISTORY),
        DESCR="A generated world: its CLIP, and an audio encoder with this CLIP as the teacher",
    )
