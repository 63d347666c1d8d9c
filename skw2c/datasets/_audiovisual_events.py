"""make_audiovisual_events: clips of generated sounds with moving pictures and words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from sklearn.utils import Bunch

from ..audio import check_rate
from ._acoustics import draw_room, put_in_room, record
from ._appearance import draw_look
from ._caption_templates import describe_event
from ._clip_frames import draw_frames, find_visible
from ._distractor_sounds import scatter_strays
from ._event_placement import place_events, tabulate_events
from ._parameter_checks import check_at_least, check_kinds, check_range, draw_seed
from ._scene_sounds import AMBIENCES, make_ambience

_SCENES = tuple(AMBIENCES)
# Repeated over the rounds in which every kind has its turn.
_SPLITS = ("train", "train", "test", "train", "train",
           "validation", "train", "train", "test", "train")  # fmt: skip


def make_audiovisual_events(
    n_clips=240,
    *,
    kinds=None,
    duration=5.0,
    sampling_rate=16000,
    snr=(0.0, 30.0),
    frame_rate=4.0,
    image_size=48,
    random_state=None,
):
    """Generate clips in which sounds, pictures and words tell of the same events.

    A clip is a small video. Its sound holds one to three events of one kind, as those of
    `make_sound_events`, but harder to tell: they come from a random room through a random
    microphone, in the noise of a scene, among stray sounds of no kind. Its frames show
    the scene, and in it a drawing of what makes the sound, while it sounds. Its caption
    names the kind, and at times the colour, the side, or the scene.

    Kinds differ by the shapes in their drawings. Colour, size, place, motion, light and
    scene vary from clip to clip, and tell nothing of the kind.

    Parameters
    ----------
    n_clips : int, default=240
        Number of clips. The kinds take turns, so that all are about as frequent.
    kinds : sequence of str or None, default=None
        Kinds of sound, out of ``skw2c.datasets.SOUND_KINDS``. None takes all twelve.
    duration : float or (float, float), default=5.0
        Length of the clips in seconds, or the range to draw it from.
    sampling_rate : int, default=16000
        In Hz, at least 8000.
    snr : (float, float), default=(0.0, 30.0)
        Range of the ratio of the events' power to that of the scene, in dB.
    frame_rate : float, default=4.0
        Frames per second.
    image_size : int, default=48
        Height and width of the frames in pixels, at least 16.
    random_state : int, RandomState instance or None, default=None
        Determines the clips. Each clip has a seed of its own, so the first clips are the
        same whatever ``n_clips``.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of ndarray of shape (n_samples,), float32
            Waveforms in [-1, 1].
        frames : list of ndarray of shape (n_frames, image_size, image_size, 3), uint8
            Pictures in RGB. Frame k is shown from ``k / frame_rate`` until
            ``(k + 1) / frame_rate`` seconds; there are as many as the sound needs
            (``ceil(n_samples / sampling_rate * frame_rate)``).
        visible : list of ndarray of shape (n_frames,), bool
            Whether the frame shows a thing: whether an event sounds while it is shown.
        frame_rate : float
            Frames per second.
        captions : list of str
            One for each clip.
        target : ndarray of shape (n_clips,), int
            Index into ``target_names``.
        target_names : ndarray of shape (n_kinds,), str
            Names of the kinds.
        events : :class:`~pandas.DataFrame`
            One row per event: ``row`` (index of the clip), ``label``, ``onset`` and
            ``offset`` (seconds from the start of the clip). Echoes come after.
        scene : ndarray of shape (n_clips,), int
            Index into ``scene_names``.
        scene_names : ndarray of shape (n_scenes,), str
            Names of the scenes.
        split : ndarray of shape (n_clips,), str
            ``"train"`` (7 of 10 clips of each kind), ``"validation"`` (1) or ``"test"`` (2).
        fold : ndarray of shape (n_clips,), int
            From 1 to 5, for :class:`~sklearn.model_selection.PredefinedSplit`. Every kind is
            about as frequent in each.
        sampling_rate : int
            In Hz.
        DESCR : str
            What this is.

    Raises
    ------
    ValueError
        If a kind is unknown, or a number is out of range.

    See Also
    --------
    make_sound_events : Sounds alone, easier to tell.
    pair_frames : Pictures and captions of such clips.

    Examples
    --------
    >>> from skw2c.datasets import make_audiovisual_events
    >>> clips = make_audiovisual_events(24, random_state=0)
    >>> clips.data[0].shape, clips.frames[0].shape
    ((80000,), (20, 48, 48, 3))
    >>> clips.captions[3]
    'a purple car on the left runs its engine'
    """
    kinds = check_kinds(kinds)
    duration = check_range("duration", duration, at_least=1.0)
    snr = check_range("snr", snr)
    sampling_rate = check_rate("sampling_rate", sampling_rate)
    check_at_least("sampling_rate", sampling_rate, 8000, " Hz")
    check_at_least("n_clips", n_clips, 1)
    check_at_least("frame_rate", frame_rate, 0.1, " frames per second")
    check_at_least("image_size", image_size, 16, " pixels")
    entropy = draw_seed(random_state)
    clips = []
    for clip in range(n_clips):
        rng = np.random.default_rng([entropy, clip])
        label = kinds[clip % len(kinds)]
        n_samples = int(rng.uniform(*duration) * sampling_rate)
        clips.append(_make_clip(rng, label, n_samples, sampling_rate, snr, frame_rate, image_size))
    rounds = np.arange(n_clips) // len(kinds)
    return Bunch(
        data=[clip.waveform for clip in clips],
        frames=[clip.frames for clip in clips],
        visible=[clip.visible for clip in clips],
        frame_rate=float(frame_rate),
        captions=[clip.caption for clip in clips],
        target=np.arange(n_clips) % len(kinds),
        target_names=np.array(kinds),
        events=tabulate_events(
            [
                (row, clip.label, onset, offset)
                for row, clip in enumerate(clips)
                for onset, offset in clip.times
            ]
        ),
        scene=np.array([_SCENES.index(clip.scene) for clip in clips]),
        scene_names=np.array(_SCENES),
        split=np.array(_SPLITS)[rounds % len(_SPLITS)],
        fold=rounds % 5 + 1,
        sampling_rate=sampling_rate,
        DESCR=f"{n_clips} generated clips of {len(kinds)} kinds of sound, with pictures and words",
    )


@dataclass(frozen=True)
class _Clip:
    label: str
    scene: str
    waveform: np.ndarray
    times: list[tuple[float, float]]
    frames: np.ndarray
    visible: np.ndarray
    caption: str


def _make_clip(
    rng: Generator, label: str, n_samples: int, rate: int, snr, frame_rate: float, size: int
) -> _Clip:
    # Sound, pictures and words have seeds of their own: none changes with another's options.
    for_sound, for_look, for_pictures, for_words = rng.spawn(4)
    scene = str(rng.choice(_SCENES))
    waveform, times = _make_sound(for_sound, label, scene, n_samples, rate, snr)
    visible = find_visible(times, int(np.ceil(n_samples / rate * frame_rate)), frame_rate)
    look = draw_look(for_look, label)
    frames = draw_frames(for_pictures, look, scene, visible, frame_rate, size)
    caption = describe_event(for_words, look, scene)
    return _Clip(label, scene, waveform, times, frames, visible, caption)


def _make_sound(rng: Generator, label: str, scene: str, n_samples: int, rate: int, snr):
    """Events and stray sounds in a room, in the noise of a scene; samples and times."""
    foreground, times = place_events(rng, label, n_samples, rate)
    foreground += scatter_strays(rng, n_samples, rate)
    foreground = put_in_room(foreground, draw_room(rng, rate))
    background = make_ambience(rng, scene, n_samples, rate) * 10 ** (-rng.uniform(*snr) / 20)
    mixture = record(rng, foreground + background, rate)
    peak = 10 ** (-rng.uniform(1, 30) / 20)
    return (mixture * peak / np.abs(mixture).max()).astype(np.float32), times
