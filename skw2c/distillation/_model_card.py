"""The metadata of a file of trained weights, and the model card beside it."""

from __future__ import annotations

from .._version import __version__

_PAGE = """\
# Model card: {name}

An audio encoder, trained with `skw2c.Distiller` (skw2c {skw2c_version}) to predict the
vectors that a teacher gives: for what is seen while the sound plays, after Wav2CLIP
(arXiv 2110.11499), or for the sound itself, after tinyCLAP (arXiv 2311.14517).

    from skw2c import Wav2CLIPTransformer
    encoder = Wav2CLIPTransformer(weights="{name}")

| | |
|---|---|
{rows}
"""


def describe_training(facts: dict) -> dict[str, str]:
    """Metadata of the file: all facts as text, those that nobody stated as 'not stated'."""
    texts = {name: "not stated" if value is None else str(value) for name, value in facts.items()}
    return {"format": "skw2c", "skw2c_version": __version__, **texts}


def write_card(name: str, metadata: dict[str, str]) -> str:
    """The model card as a page of Markdown."""
    rows = "\n".join(
        f"| {key.replace('_', ' ')} | {_cell(value)} |"
        for key, value in metadata.items()
        if key not in ("format", "skw2c_version")
    )
    return _PAGE.format(name=name, skw2c_version=metadata["skw2c_version"], rows=rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
