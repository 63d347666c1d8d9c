"""What is known about each file of pre-trained weights."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class WeightsFile:
    """One row of the registry.

    Attributes
    ----------
    name : str
        What ``weights=`` calls it.
    file : str
        File name of the original.
    url : str
        Where the publisher keeps it; empty for a file that the package carries.
    licence : str
        Its licence.
    architecture : str
        The model it belongs to, in words.
    model : str
        The model it belongs to, in a name that estimators ask for.
    sha256 : str or None
        Checksum, where the publisher states one.
    git_blob : str or None
        Name that git gives the file in the publisher's repository, which is a checksum.
    bytes : int or None
        Size, where the publisher states one.
    approximate_bytes : int or None
        Size that the number of parameters lets expect.
    parameter : str
        Which parameter of the estimators takes the name, or a path instead of it.
    clip_model : str or None
        The model of open_clip whose weights it holds, with others or alone.
    width, parameters : int or None
        Length of the vectors of an encoder of sound, and how many parameters it has.
    companions : dict of str to str
        Files that go with it, such as ``tokenizer.json``: the name of each in the registry.
    verbatim : bool
        Whether it is kept as it is, since it holds no tensors.
    refused : str or None
        Why it is not used, where it is known to be broken.

    Examples
    --------
    >>> from skw2c.weights import registry
    >>> file = registry()["wav2clip"]
    >>> file.file, file.licence
    ('Wav2CLIP.pt', 'CC BY 4.0')
    """

    name: str
    file: str
    url: str
    licence: str
    architecture: str
    model: str
    sha256: str | None = None
    git_blob: str | None = None
    bytes: int | None = None
    approximate_bytes: int | None = None
    parameter: str = "weights"
    clip_model: str | None = None
    width: int | None = None
    parameters: int | None = None
    companions: Mapping[str, str] = field(default_factory=dict)
    verbatim: bool = False
    refused: str | None = None

    @property
    def packaged(self) -> bool:
        """Whether the package carries the file."""
        return not self.url


@cache
def registry() -> dict[str, WeightsFile]:
    """Return all files of pre-trained weights by name.

    Returns
    -------
    dict of str to WeightsFile

    Examples
    --------
    >>> from skw2c.weights import registry
    >>> [name for name, file in registry().items() if file.model == "wav2clip"]
    ['wav2clip', 'mini']
    """
    text = resources.files(__package__).joinpath("registry.toml").read_text("utf-8")
    return {name: WeightsFile(name, **row) for name, row in tomllib.loads(text).items()}
