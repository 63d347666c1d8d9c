"""Text files of users, in the encodings that are common."""

from __future__ import annotations

import codecs

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # begins like the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def read_text(path: str) -> str:
    """Read a text in UTF-8, or in the Unicode encoding given by the byte order mark.

    Raises
    ------
    ValueError
        If it is in another encoding.
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as file:
        content = file.read()
    encoding = "utf-8"
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            content, encoding = content[len(mark) :], name
            break
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        # UTF-16 without a mark: in most languages, every other byte is zero.
        likely = "UTF-16" if b"\0" in content else "ISO-8859-1"
        raise ValueError(
            f"{path!r} is not text in {encoding.upper()}: line {line} has the byte "
            f"0x{content[exc.start]:02x}. {_cure(path, likely)}"
        ) from exc
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"{path!r} is not text in {encoding.upper()}: line {line} has the byte 0x00, as in "
            f"UTF-16. {_cure(path, 'UTF-16')}"
        )
    return text


def _cure(path: str, encoding: str) -> str:
    return (
        "Save it as UTF-8, or convert it, for example with: "
        f"iconv -f {encoding} -t UTF-8 {path!r} > NEW"
    )
