"""What there is to choose from: each registered encoder of sound, as it describes itself."""

from __future__ import annotations

from ..weights import WeightsFile, is_cached, registry
from ._encoder_registry import READY, find_encoder, names_of_encoders
from ._encoders import make_partner
from ._sound_transformer import SoundTransformer

COLUMNS = ("encoder", "rate", "numbers", "parameters", "words", "images", "licence", "weights")


def list_encoders() -> list[dict]:
    """Describe the registered encoders of sound.

    Names that stand for the same encoder with the same weights share a row.

    Returns
    -------
    list of dict
        ``encoder`` (its names), ``rate`` (Hz), ``numbers`` (length of a vector), ``parameters``,
        ``words`` and ``images`` (whether an encoder of texts or images shares its space),
        ``licence`` and ``weights`` (where they are). What an encoder of another package does not
        say is None.

    See Also
    --------
    register_encoder : How an encoder gets a name.

    Examples
    --------
    >>> from skw2c import list_encoders
    >>> [mini] = [row for row in list_encoders() if row["encoder"] == "mini"]
    >>> mini["rate"], mini["numbers"], mini["words"], mini["weights"]
    (16000, 512, True, 'in the package')
    """
    rows: dict[tuple, dict] = {}
    for name in names_of_encoders("audio"):
        if find_encoder(name, "audio").embeds == READY:
            continue
        row = _describe(name)
        same = rows.setdefault((row["class"], row["file"], row["words"]), row)
        if same is not row:
            same["encoder"] += f", {name}"
    return [{column: row[column] for column in COLUMNS} for row in rows.values()]


def _describe(name: str) -> dict:
    encoder = find_encoder(name, "audio").make()
    is_own = isinstance(encoder, SoundTransformer)
    weights = registry().get(encoder._name_of_weights()) if is_own else None
    return {
        "encoder": name,
        "class": type(encoder),
        "file": weights and weights.name,
        "rate": getattr(encoder, "_rate", None),
        "numbers": weights and weights.width,
        "parameters": weights and weights.parameters,
        "words": make_partner(name, "text") is not None,
        "images": make_partner(name, "image") is not None,
        "licence": weights and weights.licence,
        "weights": weights and _say_where(weights),
    }


def _say_where(weights: WeightsFile) -> str:
    if weights.packaged:
        return "in the package"
    if is_cached(weights.name):
        return "in the cache"
    return f"to fetch, {(weights.bytes or weights.approximate_bytes or 0) / 1e6:.0f} MB"
