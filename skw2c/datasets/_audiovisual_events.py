"""make_audiovisual_events: generated clips with sound, video frames and captions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from sklearn.utils import Bunch

from ..audio import check_rate
from ..synthesis import place_events
from ._acoustics import add_reverberation, apply_microphone, draw_impulse_response
from ._appearance import draw_appearance
from ._caption_templates import describe_event
from ._clip_frames import draw_frames, find_visible
from ._distractor_sounds import make_distractors
from ._event_table import tabulate_events
from ._parameter_checks import check_at_least, check_kinds, check_range, draw_seed
from ._scene_sounds import AMBIENCES, make_ambience

_SCENES = tuple(AMBIENCES)
# The split of each round in which every kind has its turn; after ten rounds it starts over.
_SPLITS = (
    "train",
    "train",
    "test",
    "train",
    "train",
    "validation",
    "train",
    "train",
    "test",
    "train",
)


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
    """Generate clips whose sound, video frames and captions describe the same events.

    Each clip is a small video. Its sound contains one to three events of one kind, as in
    `make_sound_events`, but harder to recognise: they are played in a random room, recorded
    by a random microphone, and mixed with the noise of a scene and with distractor sounds
    that belong to none of the kinds. Its frames show the scene and, while an event sounds, a
    drawing of what makes the sound. Its caption names the kind and sometimes the colour, the
    side or the scene.

    The kinds differ in the shapes of their drawings. Colour, size, position, motion, light
    and scene vary from clip to clip and are independent of the kind.

    Parameters
    ----------
    n_clips : int, default=240
        Number of clips. The kinds take turns, so the classes are balanced.
    kinds : sequence of str or None, default=None
        The kinds of sound to generate, from ``skw2c.datasets.SOUND_KINDS``. None means all
        twelve.
    duration : float or (float, float), default=5.0
        Length of the clips in seconds, or the range from which it is drawn.
    sampling_rate : int, default=16000
        In Hz, at least 8000.
    snr : (float, float), default=(0.0, 30.0)
        Range of the signal-to-noise ratio in dB: the power of the events relative to that
        of the scene.
    frame_rate : float, default=4.0
        Video frames per second.
    image_size : int, default=48
        Height and width of the frames in pixels, at least 16.
    random_state : int, RandomState instance or None, default=None
        Determines the clips. Each clip has its own seed, so the first clips do not depend on
        ``n_clips``.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of ndarray of shape (n_samples,), float32
            Waveforms in [-1, 1].
        frames : list of ndarray of shape (n_frames, image_size, image_size, 3), uint8
            RGB images. Frame k is shown from ``k / frame_rate`` to ``(k + 1) / frame_rate``
            seconds; there are enough frames to cover the sound
            (``ceil(n_samples / sampling_rate * frame_rate)``).
        visible : list of ndarray of shape (n_frames,), bool
            Whether the frame shows the sound source, that is, whether an event sounds while
            the frame is shown.
        frame_rate : float
            Video frames per second.
        captions : list of str
            One caption per clip.
        target : ndarray of shape (n_clips,), int
            The kind of each clip, as an index into ``target_names``.
        target_names : ndarray of shape (n_kinds,), str
            Names of the kinds.
        events : :class:`~pandas.DataFrame`
            One row per event: ``row`` (index of the clip), ``label``, ``onset`` and
            ``offset`` (seconds from the start of the clip). Echoes last beyond the offset.
        scene : ndarray of shape (n_clips,), int
            The scene of each clip, as an index into ``scene_names``.
        scene_names : ndarray of shape (n_scenes,), str
            Names of the scenes.
        split : ndarray of shape (n_clips,), str
            ``"train"`` (7 of 10 clips of each kind), ``"validation"`` (1) or ``"test"`` (2).
        fold : ndarray of shape (n_clips,), int
            Folds 1 to 5, for :class:`~sklearn.model_selection.PredefinedSplit`. The kinds
            are balanced in each fold.
        sampling_rate : int
            In Hz.
        DESCR : str
            A description of the data set.

    Raises
    ------
    ValueError
        If a kind is unknown, or a number is out of range.

    See Also
    --------
    make_sound_events : Sounds only, and easier to recognise.
    pair_frames : Pairs of images and captions from such clips.

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
        DESCR=f"{n_clips} generated clips of {len(kinds)} kinds of sound, with frames and captions",
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
    # Separate generators, so that the options of the sound do not change frames or captions,
    # and the other way round. Their order determines every clip: add new ones at the end.
    sound_rng, appearance_rng, frames_rng, caption_rng = rng.spawn(4)
    scene = str(rng.choice(_SCENES))
    waveform, times = _make_sound(sound_rng, label, scene, n_samples, rate, snr)
    visible = find_visible(times, int(np.ceil(n_samples / rate * frame_rate)), frame_rate)
    appearance = draw_appearance(appearance_rng, label)
    frames = draw_frames(frames_rng, appearance, scene, visible, frame_rate, size)
    caption = describe_event(caption_rng, appearance, scene)
    return _Clip(label, scene, waveform, times, frames, visible, caption)


def _make_sound(rng: Generator, label: str, scene: str, n_samples: int, rate: int, snr):
    """Make the waveform of a clip, and the onsets and offsets of its events.

    Events and distractors sound in a room, in the noise of a scene, as recorded by a
    microphone.
    """
    # Reordering these calls would change every clip that a seed gives: they share one rng.
    foreground, times = place_events(rng, label, n_samples, rate)
    foreground += make_distractors(rng, n_samples, rate)
    foreground = add_reverberation(foreground, draw_impulse_response(rng, rate))
    background = make_ambience(rng, scene, n_samples, rate) * 10 ** (-rng.uniform(*snr) / 20)
    mixture = apply_microphone(rng, foreground + background, rate)
    # A peak between -30 and -1 dB of full scale.
    peak = 10 ** (-rng.uniform(1, 30) / 20)
    return (mixture * peak / np.abs(mixture).max()).astype(np.float32), times
