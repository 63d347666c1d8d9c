"""SoundMap: a map of sounds that plays them, as a page in one file."""

from __future__ import annotations

import html
import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..exceptions import AudioError, OptionalDependencyError
from ..system._atomic import write_atomically
from ..system._prefetch import prefetch_map
from ..system._progress import progress_bar
from ..system._warning import warn_caller
from ._colours import Colouring
from ._coordinates import Coordinates
from ._map_page import describe_map, measure_page, render_page
from ._snippets import BIT_RATE, encode_snippet, require_opus
from ._spread import choose_spread

_MOST_WORKERS = 8
_MISSING = "the file does not exist"
_CURE = "for a map without sound, pass clips=0"
_HEIGHT = 640  # pixels in a notebook


class SoundMap:
    """A map of sounds: a point for each clip, and short previews of many of them.

    It shows itself in notebooks. The previews are encoded when they are first needed.

    Parameters
    ----------
    items : sequence
        Names of the clips.
    sounds : sequence
        The file of each clip, or what else can be a clip; None where there is no sound.
    coordinates : Coordinates
    colourings : sequence of Colouring
        What the points can be coloured by. The first one is shown first.
    title : str
    clips : int
        How many clips get a preview at most. They are spread over the map.
    seconds : float
        Longest duration of a preview.
    limit : float or None
        Largest size of the page in megabytes. None: no limit.
    verbose : bool or int
        Whether to show progress.

    Attributes
    ----------
    method : {"umap", "pca"}
        What the map was made by.
    n_clips : int
        Number of points.
    estimated_size : int
        About the size of the page, in bytes.
    failures : dict of int to str
        Why clips that were to get a preview have none, by their numbers. Complete after the
        previews were encoded.

    Raises
    ------
    ValueError
        If the page would be larger than the limit.
    OptionalDependencyError
        If there are previews to encode, and PyAV is not installed.
    """

    def __init__(
        self,
        items: Sequence,
        sounds: Sequence,
        coordinates: Coordinates,
        colourings: Sequence[Colouring],
        *,
        title: str,
        clips: int,
        seconds: float,
        limit: float | None,
        verbose: bool | int = False,
    ):
        self.method, self.n_clips = coordinates.method, len(items)
        self._items, self._sounds = items, sounds
        self._seconds, self._limit, self._verbose = seconds, limit, verbose
        layouts = {self.method.upper(): coordinates.points}
        self._described = describe_map(items, layouts, colourings, title)
        self.failures = dict(_find_missing(sounds)) if clips else {}
        self._chosen = self._choose(coordinates.points, clips)
        if len(self._chosen):
            require_opus(_CURE)
        self._page: str | None = None
        self.estimated_size = measure_page(
            self._described, len(self._chosen) * seconds * BIT_RATE / 8
        )
        self._check_size(self.estimated_size, "about ")

    def html(self) -> str:
        """The page."""
        if self._page is None:
            previews = self._encode()
            page = render_page(self._described, previews, self.notes())
            self._check_size(len(page.encode()), "")
            self._page = page
        return self._page

    def save(self, path: str | os.PathLike) -> SoundMap:
        """Write the page into a file, whole or not at all.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        self : SoundMap
            The map.

        Raises
        ------
        ValueError
            If the page is larger than the limit.
        OSError
            If it cannot be written.
        """
        write_atomically(path, self.html().encode())
        return self

    @property
    def n_previews(self) -> int:
        """Number of clips that have a preview, or are to get one."""
        return len(self._chosen) - sum(number in self.failures for number in self._chosen)

    def notes(self) -> list[str]:
        """Sentences about the sounds that have no preview, for another reason than their number."""
        silent = sum(sound is None for sound in self._sounds)
        causes = Counter(cause == _MISSING for cause in self.failures.values())
        counts = [
            (silent, "did not come from a file", "did not come from files"),
            (causes[True], "has a file that does not exist", "have files that do not exist"),
            (causes[False], "has a file that cannot be read", "have files that cannot be read"),
        ]
        return [
            f"1 sound {one}." if n == 1 else f"{n:,} sounds {many}." for n, one, many in counts if n
        ]

    def _choose(self, points: np.ndarray, clips: int) -> np.ndarray:
        """Numbers of the clips that get a preview."""
        heard = np.array([sound is not None for sound in self._sounds], bool)
        heard[list(self.failures)] = False
        return choose_spread(points, np.flatnonzero(heard), clips)

    def _encode(self) -> dict[int, bytes]:
        """The previews by the numbers of their clips; what fails is noted, and told once."""
        numbers = self._chosen.tolist()
        snippets = prefetch_map(
            self._try_to_encode,
            numbers,
            min(os.cpu_count() or 1, _MOST_WORKERS),
            inner_threads=1,
        )
        previews = {}
        bar = progress_bar(len(numbers), unit="clip", desc="encoding", verbose=self._verbose)
        with bar as drawn:
            for number, snippet in zip(numbers, snippets, strict=True):
                if isinstance(snippet, bytes):
                    previews[number] = snippet
                else:
                    self.failures[number] = snippet
                drawn.update()
        self._warn()
        return previews

    def _try_to_encode(self, number: int) -> bytes | str:
        """A preview, or why there is none."""
        try:
            return encode_snippet(self._sounds[number], self._seconds)
        except (AudioError, OptionalDependencyError, OSError) as exc:
            return str(exc)

    def _warn(self) -> None:
        if self.failures:
            number, cause = next(iter(self.failures.items()))
            others = len(self.failures) - 1
            more = f" (and of {others:,} other{'s' if others > 1 else ''})" if others else ""
            warn_caller(f"the map has no preview of {self._items[number]!r}: {cause}{more}")

    def _check_size(self, n_bytes: int, about: str) -> None:
        if self._limit is not None and n_bytes > self._limit * 1e6:
            raise ValueError(
                f"the map is {about}{n_bytes / 1e6:.1f} MB, and limit={self._limit:g}: choose "
                f"fewer previews (clips={len(self._chosen)}), shorter ones "
                f"(seconds={self._seconds:g}), or a higher limit"
            )

    def _repr_html_(self) -> str:
        # Without allow-same-origin, nothing in it can reach the notebook.
        return (
            f'<iframe title="Map of sounds" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {_HEIGHT}px; border: 0" '
            f'srcdoc="{html.escape(self.html())}"></iframe>'
        )

    def __repr__(self) -> str:
        clips = "1 clip" if self.n_clips == 1 else f"{self.n_clips:,} clips"
        previews = "1 preview" if self.n_previews == 1 else f"{self.n_previews:,} previews"
        return f"SoundMap({clips}, {self.method}, {previews}, {self.estimated_size / 1e6:.1f} MB)"


def _find_missing(sounds: Sequence):
    """Numbers of sounds that are files which do not exist, and that cause."""
    for number, sound in enumerate(sounds):
        if isinstance(sound, (str, os.PathLike)) and not os.path.exists(sound):
            yield number, _MISSING
