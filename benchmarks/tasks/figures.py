"""Figures that papers print, beside each task's own: nothing here was measured by this program.

Wav2CLIP: Wu, Seetharaman, Kumar and Bello, ICASSP 2022 (arXiv:2110.11499).
AudioCLIP: Guzhov, Raue, Hees and Dengel, ICASSP 2022 (arXiv:2106.13043).
MTEB: github.com/embeddings-benchmark/results, commit f4cc6c8b3, main scores.
LAION-CLAP, EfficientAT, CED: what the READMEs of their repositories state.
"""

from dataclasses import dataclass

BEST_KNOWN = "SOTA"
"""The system of the best figure that a paper knows of."""

ACCURACY, PRECISION = "accuracy", "mean average precision"
AUDIOCLIP = ({"system": "AudioCLIP (partial)"}, {"system": "AudioCLIP"})
"""Columns of the tables of AudioCLIP."""

MTEB, LAION = "MTEB, results", "LAION-CLAP, README"
"""Sources beside the papers, as figures name them."""

MTEB_COLUMNS = tuple(
    {"system": name}
    for name in (
        "Wav2CLIP",
        "YAMNet",
        "clap-htsat-fused",
        "clap-htsat-unfused",
        "larger_clap_general",
        "larger_clap_music_and_speech",
    )
)
"""Columns of what is quoted from MTEB."""

IN_DOMAIN = "In-domain: Wav2CLIP was pre-trained on VGGSound, so this does not show transfer."
QUOTED = "Quoted by the AudioCLIP paper from elsewhere."


@dataclass(frozen=True)
class Published:
    """One figure of a paper.

    Attributes
    ----------
    source : str
        Paper and table.
    dataset, system, measure : str
        As cells of the benchmarks name them.
    value : float
        As a proportion, also where the paper prints per cent.
    digits : int
        Decimals of ``value`` that the paper gives.
    note : str
        How to read it, where that is not obvious.
    comparable : bool
        Whether a difference to it means anything.
    task : str
        The task that it belongs to, which adds its own name.
    """

    source: str
    dataset: str
    system: str
    measure: str
    value: float
    digits: int
    note: str = ""
    comparable: bool = True
    task: str = ""

    @property
    def key(self):
        """What it is of: task, data set, system, measure."""
        return self.task, self.dataset, self.system, self.measure


def read_figures(source, columns, rows, *, per_cent=False, notes=(), not_comparable=()):
    """Read figures as a paper prints them, row by row.

    Parameters
    ----------
    source : str
        Paper and table.
    columns : sequence of dict
        What each column fixes, out of ``dataset``, ``system`` and ``measure``.
    rows : sequence of (dict, str)
        What a row fixes besides, and its figures with blanks between them; "-" for none.
    per_cent : bool, default=False
        Whether the paper prints per cent.
    notes : sequence of (dict, str)
        Notes, each with what the figures have that it is for; the first that fits is taken.
    not_comparable : collection of str
        Measures whose figures are not to be compared with ours.

    Returns
    -------
    tuple of Published
    """
    found = []
    for row, texts in rows:
        for column, text in zip(columns, texts.split(), strict=True):
            if text == "-":
                continue
            key, digits = {**column, **row}, len(text.partition(".")[2])
            value = round(float(text) / 100, digits + 2) if per_cent else float(text)
            note = next((note for of, note in notes if of.items() <= key.items()), "")
            comparable = key["measure"] not in not_comparable
            found.append(
                Published(
                    source,
                    **key,
                    value=value,
                    digits=digits + 2 * per_cent,
                    note=note,
                    comparable=comparable,
                )
            )
    return tuple(found)
