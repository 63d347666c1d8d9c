"""Texts as the numbers of tokens that CLAP's network of texts takes."""

from __future__ import annotations

import torch
from torch import Tensor

from ...exceptions import WeightsError
from ...system._optional import import_optional
from ._roberta import PADDING

LONGEST = 77
"""Tokens of a text that are read, the marks of its start and end among them, as in training."""


class Tokenizer:
    """Cut texts into the tokens that a file ``tokenizer.json`` describes.

    Parameters
    ----------
    content : bytes
        What is in the file.
    n_tokens : int
        How many the network knows.
    source : str
        Name of the weights, for the error.

    Raises
    ------
    OptionalDependencyError
        If the package ``tokenizers`` is not installed.
    WeightsError
        If the file is damaged, or has more tokens than the network knows.
    """

    def __init__(self, content: bytes, n_tokens: int, source: str):
        tokenizers = import_optional("tokenizers", extra="clap", purpose="CLAP's encoder of texts")
        try:
            self._tokenizer = tokenizers.Tokenizer.from_str(content.decode())
        except Exception as exc:  # the package raises nothing more precise
            raise WeightsError(f"{source} has a damaged tokenizer.json ({exc}).") from exc
        if self._tokenizer.get_vocab_size() > n_tokens:
            raise WeightsError(
                f"{source} has a tokenizer.json of {self._tokenizer.get_vocab_size()} tokens, and "
                f"its network knows {n_tokens}: they do not belong together."
            )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def __call__(self, texts: list[str]) -> Tensor:
        """Numbers of the tokens of texts (n, length), filled up to the longest."""
        numbers = [self._cut(encoding.ids) for encoding in self._tokenizer.encode_batch(texts)]
        longest = max(map(len, numbers))
        filled = [row + [PADDING] * (longest - len(row)) for row in numbers]
        return torch.tensor(filled, dtype=torch.int64)

    def count_cut(self, texts: list[str]) -> int:
        """How many texts have more tokens than are read, and lose their end."""
        # A token stands for at least one byte, and two mark the start and the end.
        long = [text for text in texts if len(text.encode()) > LONGEST - 2]
        return sum(len(encoding.ids) > LONGEST for encoding in self._tokenizer.encode_batch(long))

    def _cut(self, numbers: list[int]) -> list[int]:
        """What is read of a text, which keeps the mark of its end."""
        return numbers if len(numbers) <= LONGEST else [*numbers[: LONGEST - 1], numbers[-1]]
