"""What the encoders of texts share: their rows, and each text embedded once."""

from __future__ import annotations

from ..exceptions import TextError
from ..validation._texts import check_text, list_texts


class TextRows:
    """Mixin of the encoders of texts, before `ItemEncoder`.

    A subclass warns of what its network leaves out in ``_warn_of_unread``, and refuses texts that
    the network cannot embed in ``_check``.
    """

    _unit = "text"
    batch_size: int

    def _list_items(self, X) -> list:
        return list_texts(X)

    def _name_of(self, item) -> str | None:
        return None

    def _check(self, item, network) -> str:
        """Return the text; raise `TextError` for what cannot be embedded."""
        return check_text(item)

    def _warn_of_unread(self, texts: list[str], network) -> None:
        raise NotImplementedError

    def _results(self, network, items):
        """Yield (row, vector or error); a text that comes often is embedded once."""
        rows_of: dict[str, list[int]] = {}
        for row, item in enumerate(items):
            try:
                rows_of.setdefault(self._check(item, network), []).append(row)
            except TextError as exc:
                yield row, exc
        texts = list(rows_of)
        self._warn_of_unread(texts, network)
        for start in range(0, len(texts), self.batch_size):
            batch = texts[start : start + self.batch_size]
            for text, vector in zip(batch, network.encode_texts(batch), strict=True):
                yield from ((row, vector[None]) for row in rows_of[text])
