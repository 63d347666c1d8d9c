"""The numbers that the papers print, as data: nothing here was measured by this program.

Wav2CLIP: Wu, Seetharaman, Kumar and Bello, ICASSP 2022 (arXiv:2110.11499).
AudioCLIP: Guzhov, Raue, Hees and Dengel, ICASSP 2022 (arXiv:2106.13043).
"""

from dataclasses import dataclass

BEST_KNOWN = "SOTA"
ACCURACY, PRECISION = "accuracy", "mean average precision"
TO_IMAGES, TO_AUDIO = "reciprocal rank, audio to images", "reciprocal rank, images to audio"

IN_DOMAIN = "In-domain: Wav2CLIP was pre-trained on VGGSound, so this is no transfer."
CITED = "Cited by the paper from the baseline of DCASE 2021, task 1B; not run by its authors."
ONTOLOGY = "YAMNet was trained with labels of AudioSet, whose classes FSD50K uses."
MACRO_OR_MICRO = "The paper does not say whether this F1 is macro or micro."
AT_CHANCE = "Chance is about .0186 on this list of clips: the two halves of OpenL3 share no space."
ONE_TABLE = (
    "Inconsistent in the paper: its text credits the full model with 69.40 %, its table the one "
    "with only the audio head. The table is cited."
)
BEST_ON_TEST = "The published program keeps the epoch that is best on the test fold: optimistic."
NOT_REPRODUCIBLE = (
    "The printed precision and recall at 1 cannot be the usual ones (51.25 % of 50 queries is no "
    "whole number; with 40 relevant clips a recall at 1 is at most 2.5 %). Only mean average "
    "precision is compared."
)
ESRESNEXT = "Equal to what the AudioCLIP paper prints for ESResNeXt after 30 epochs."
QUOTED = "Quoted by the AudioCLIP paper from elsewhere."


@dataclass(frozen=True)
class Published:
    """One number of a paper.

    Attributes
    ----------
    source : str
        Paper and table.
    task, dataset, system, measure : str
        As cells of the benchmarks name them.
    value : float
        As a proportion, also where the paper prints per cent.
    digits : int
        Decimals of ``value`` that the paper gives.
    note : str
        How to read it, where that is not obvious.
    comparable : bool
        Whether a difference to it means anything.
    """

    source: str
    task: str
    dataset: str
    system: str
    measure: str
    value: float
    digits: int
    note: str = ""
    comparable: bool = True

    @property
    def key(self):
        """What it is of: task, data set, system, measure."""
        return self.task, self.dataset, self.system, self.measure


WAV2CLIP_COLUMNS = (
    ("classification", "ESC-50", ACCURACY),
    ("classification", "UrbanSound8K", ACCURACY),
    ("classification", "FSD50K", PRECISION),
    ("classification", "VGGSound", PRECISION),
    ("classification", "TAU 2021", ACCURACY),
    ("audio retrieval", "DESED", "macro F1"),
    ("cross-modal retrieval", "VGGSound", TO_IMAGES),
    ("cross-modal retrieval", "VGGSound", TO_AUDIO),
)
_WAV2CLIP_2 = {
    "Supervise": (".5300", ".6289", ".3212", ".4512", ".3827", "", "", ""),
    "OpenL3": (".723", ".7681", ".4053", ".3405", ".651", ".1176", ".0171", ".0160"),
    "YAMNet": (".8505", ".7832", ".5039", ".4541", ".5667", ".3420", "", ""),
    "Wav2CLIP": (".8595", ".8101", ".4308", ".4663", ".6302", ".3955", ".0566", ".0678"),
    BEST_KNOWN: (".959", ".8949", ".5671", ".544", ".687", "", "", ""),
}
_WAV2CLIP_2_ZERO_SHOT = {"Wav2CLIP": (".414", ".4044", ".0302", ".1002", ".1726")}
_WAV2CLIP_2_NOTES = {
    ("OpenL3", "TAU 2021"): CITED,
    ("YAMNet", "FSD50K"): ONTOLOGY,
    ("Wav2CLIP", "VGGSound"): IN_DOMAIN,
    (BEST_KNOWN, "ESC-50"): ESRESNEXT,
    (BEST_KNOWN, "UrbanSound8K"): ESRESNEXT,
}

CAPTION_MEASURES = ("BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "SPICE", "SPIDEr")
_WAV2CLIP_3 = {
    "Baseline (DCASE 2020)": (".389", ".015", ".084", ".262", ".074", ".033", ".054"),
    "Wav2CLIP": (".393", ".054", ".104", ".271", ".100", ".045", ".073"),
}

AUDIOCLIP_1_SYSTEMS = ("ESResNeXt (5 epochs)", "ESResNeXt (30 epochs)")
_AUDIOCLIP_1 = {
    ("AudioSet", PRECISION): ("28.17", "34.14"),
    ("UrbanSound8K", ACCURACY): ("89.14", "89.49"),
    ("ESC-50", ACCURACY): ("95.20", "95.90"),
}

AUDIOCLIP_SYSTEMS = ("AudioCLIP (partial)", "AudioCLIP")
_AUDIOCLIP_2 = {
    ("zero-shot", "ImageNet, image", ACCURACY): ("40.51", "21.79"),
    ("fine-tuning", "AudioSet, image", PRECISION): ("8.93", "14.82"),
    ("fine-tuning", "AudioSet, audio", PRECISION): ("25.85", "28.36"),
    ("fine-tuning", "AudioSet, audio and image", PRECISION): ("25.11", "32.38"),
    ("zero-shot", "UrbanSound8K", ACCURACY): ("65.31", "68.78"),
    ("fine-tuning", "UrbanSound8K", ACCURACY): ("89.95", "90.07"),
    ("zero-shot", "ESC-50", ACCURACY): ("69.40", "68.60"),
    ("fine-tuning", "ESC-50", ACCURACY): ("96.65", "97.15"),
}
_AUDIOCLIP_2_NOTES = {
    ("zero-shot", "ESC-50"): ONE_TABLE,
    ("fine-tuning", "ESC-50"): BEST_ON_TEST,
    ("fine-tuning", "UrbanSound8K"): BEST_ON_TEST,
}

_AUDIOCLIP_3 = {
    "Human": ("81.30", ""),
    "Piczak-CNN": ("64.50", "73.70"),
    "SB-CNN": ("", "79.00"),
    "ESResNet": ("91.50", "85.42"),
    "WEANET": ("94.10", ""),
    "DenseNet-201, ensemble of 5": ("92.89", "87.42"),
    "ESResNeXt": ("95.20", "89.14"),
    "AST": ("95.60", ""),
    "ERANN": ("96.10", ""),
    "Audio-Head": ("95.90", "89.49"),
}
_AUDIOCLIP_3_ZERO_SHOT = {
    "VGGish + Word2Vec": ("26.00", ""),
    "VGGish + Word2Vec + GloVe": ("33.00", ""),
}

QUERY_MEASURES = ("precision at 1", "recall at 1", PRECISION)
_AUDIOCLIP_4 = {
    "ImageNet, text to image": ("5.42", "84.15", "52.91", "1.61", "89.00", "33.13"),
    "AudioSet, text to image": (".81", "46.79", "9.51", "1.31", "74.95", "17.22"),
    "AudioSet, text to audio": ("2.51", "84.38", "23.54", "5.33", "76.13", "30.79"),
    "AudioSet, audio to image": (".62", "56.39", "5.45", "1.03", "52.12", "7.22"),
    "AudioSet, image to audio": (".61", "61.94", "4.86", "1.20", "53.15", "6.86"),
    "UrbanSound8K, text to audio": ("40.81", "47.69", "77.43", "42.28", "48.18", "80.04"),
    "ESC-50, text to audio": ("51.25", "85.20", "77.20", "51.78", "80.40", "76.97"),
}


def _number(source, key, printed, note="", per_cent=False, comparable=True):
    digits = len(printed.partition(".")[2])
    value = round(float(printed) / 100, digits + 2) if per_cent else float(printed)
    return Published(source, *key, value, digits + 2 * per_cent, note, comparable)


def _wav2clip_2():
    for rows, zero_shot in ((_WAV2CLIP_2, False), (_WAV2CLIP_2_ZERO_SHOT, True)):
        for system, numbers in rows.items():
            for (task, dataset, measure), printed in zip(WAV2CLIP_COLUMNS, numbers, strict=False):
                key = "zero-shot" if zero_shot else task, dataset, system, measure
                if printed:
                    yield _number("Wav2CLIP, table 2", key, printed, _note_of(*key))


def _note_of(task, dataset, system, measure):
    if task == "audio retrieval":
        return MACRO_OR_MICRO
    if system == "OpenL3" and task == "cross-modal retrieval":
        return AT_CHANCE
    return _WAV2CLIP_2_NOTES.get((system, dataset), "")


def _wav2clip_3():
    for system, numbers in _WAV2CLIP_3.items():
        for measure, printed in zip(CAPTION_MEASURES, numbers, strict=True):
            yield _number("Wav2CLIP, table 3", ("captioning", "Clotho", system, measure), printed)


def _audioclip_1():
    for (dataset, measure), numbers in _AUDIOCLIP_1.items():
        for system, printed in zip(AUDIOCLIP_1_SYSTEMS, numbers, strict=True):
            key = "fine-tuning", dataset, system, measure
            yield _number("AudioCLIP, table 1", key, printed, per_cent=True)


def _audioclip_2():
    for (task, dataset, measure), numbers in _AUDIOCLIP_2.items():
        note = _AUDIOCLIP_2_NOTES.get((task, dataset), "")
        for system, printed in zip(AUDIOCLIP_SYSTEMS, numbers, strict=True):
            key = task, dataset, system, measure
            yield _number("AudioCLIP, table 2", key, printed, note, per_cent=True)


def _audioclip_3():
    for rows, task in ((_AUDIOCLIP_3, "fine-tuning"), (_AUDIOCLIP_3_ZERO_SHOT, "zero-shot")):
        for system, numbers in rows.items():
            for dataset, printed in zip(("ESC-50", "UrbanSound8K"), numbers, strict=True):
                key = task, dataset, system, ACCURACY
                if printed:
                    yield _number("AudioCLIP, table 3", key, printed, QUOTED, per_cent=True)


def _audioclip_4():
    columns = [(system, measure) for system in AUDIOCLIP_SYSTEMS for measure in QUERY_MEASURES]
    for dataset, numbers in _AUDIOCLIP_4.items():
        for (system, measure), printed in zip(columns, numbers, strict=True):
            key, usual = ("querying", dataset, system, measure), measure == PRECISION
            note = "" if usual else NOT_REPRODUCIBLE
            yield _number("AudioCLIP, table 4", key, printed, note, True, comparable=usual)


PUBLISHED = (
    *_wav2clip_2(), *_wav2clip_3(),
    *_audioclip_1(), *_audioclip_2(), *_audioclip_3(), *_audioclip_4(),
)  # fmt: skip
"""All numbers, in the order of the papers' tables."""

_BY_KEY = {number.key: number for number in PUBLISHED}


def find(task, dataset, system, measure):
    """The number that a paper prints for this, or None."""
    return _BY_KEY.get((task, dataset, system, measure))
