"""The clock of a media file: when each frame of its sound is due, and when it comes."""

from __future__ import annotations

from ..exceptions import AudioError
from ..system._media_container import is_a_pause

# Containers whose packets carry the time of a clock. The others have none, and FFmpeg counts the
# samples or the bytes instead, which is wrong where the rate changes on the way.
_STAMPED = frozenset(
    {"asf", "flv", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "mpeg", "mpegts", "nut", "ogg"}
)
# Containers round to milliseconds, and encoders to whole frames.
_JITTER = 0.1
_LONGEST_OVERLAP = 1.0
_RECODE = "re-encode it, for example with: ffmpeg -i IN -af aresample=async=1 OUT.wav"


class Clock:
    """Compare what is decoded with the time stamps.

    Parameters
    ----------
    container : av.container.InputContainer
        The file.
    with_video : bool
        Whether there are video frames that the sound must keep up with. Without them sound that
        overlaps is kept, and the clock set back.

    Attributes
    ----------
    decoded, paused : float
        Seconds with sound and without so far.
    """

    def __init__(self, container, *, with_video: bool):
        self._is_stamped = container.format.name in _STAMPED
        self._with_video = with_video
        self._due: float | None = None
        self.decoded = 0.0
        self.paused = 0.0

    def wait(self, seconds: float) -> None:
        """Note seconds without sound.

        Raises
        ------
        AudioError
            If that is more than any recording has.
        """
        self.paused += seconds
        if not is_a_pause(self.paused, self.decoded):
            raise AudioError(
                f"its time stamps state {self.paused:.6g} seconds without sound, after "
                f"{self.decoded:.2f} seconds with sound. If it is not damaged, {_RECODE}"
            )

    def late(self, frame) -> float:
        """Seconds by which a frame comes later than the one before it ended.

        Less than zero where it overlaps it. What is small is the rounding of a container, and
        stays in mind: many small gaps make a large one.

        Raises
        ------
        AudioError
            If the clock jumps, back or far forward.
        """
        seconds = frame.samples / frame.sample_rate
        late = 0.0
        if self._is_stamped and frame.time is not None:
            due = frame.time if self._due is None else self._due
            late = self._correction(frame.time - due)
            self._due = frame.time if late or frame.time < due - _JITTER else due
        self.decoded += seconds
        if self._due is not None:
            self._due += seconds
        return late

    def _correction(self, late: float) -> float:
        if late > _JITTER:
            self.wait(late)
            return late
        if late >= -_JITTER or not self._with_video:
            return 0.0
        if late < -_LONGEST_OVERLAP:
            raise AudioError(
                f"its clock jumps back by {-late:.2f} seconds after {self.decoded:.2f} seconds of "
                f"sound, so that sound and video frames do not belong together; {_RECODE}"
            )
        return late
