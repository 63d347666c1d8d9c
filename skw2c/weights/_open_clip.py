"""Say which model of open_clip and which weights, and find their file."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import WeightsError, WeightsNotAvailableError
from ..system._checksum import sha256_of
from ..system._network import check_online
from ..system._optional import import_optional
from ._fetch import cache_folder, fetch_weights
from ._registry import registry

_TEACHER = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
_CONFIGURATION = "open_clip_config.json"
_FOLDER_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def import_open_clip():
    """Import open_clip, or raise an error that names the extra to install.

    Returns
    -------
    module

    Raises
    ------
    OptionalDependencyError
        If open_clip is not installed.

    Examples
    --------
    >>> from skw2c.weights import import_open_clip
    >>> "ViT-B-32" in import_open_clip().list_models()
    True
    """
    return import_optional("open_clip", extra="clip", purpose="CLIP")


@dataclass(frozen=True)
class CLIPReference:
    """Which CLIP: a model of open_clip, and its weights or the seed of random ones.

    Attributes
    ----------
    model : str
        Name in open_clip, or absolute path of a folder with ``open_clip_config.json``.
    pretrained : str or None
        Tag in open_clip, name in the registry, or absolute path of a checkpoint.
    sha256 : str or None
        Checksum of the file, which must be the same whenever it is read again.
    configuration_sha256 : str or None
        Checksum of the folder's configuration.
    seed : int or None
        Seed of random weights.

    Examples
    --------
    >>> from skw2c.weights import refer_to_clip
    >>> reference = refer_to_clip("ViT-B-32", None, seed=0, progress=False)
    >>> reference.fingerprint
    'ViT-B-32 seed 0'
    """

    model: str
    pretrained: str | None = None
    sha256: str | None = None
    configuration_sha256: str | None = None
    seed: int | None = None

    @property
    def label(self) -> str:
        """How messages call these weights."""
        return f"pretrained={self.pretrained!r} of model={self.model!r}"

    @property
    def fingerprint(self) -> str:
        """The same for the same model and weights, wherever they are.

        A tag is part of it, for it also determines how images are prepared.
        """
        model = self.configuration_sha256 or self.model
        if self.pretrained is None:
            return f"{model} seed {self.seed}"
        tag = "" if os.path.isabs(self.pretrained) else f"{self.pretrained} "
        return f"{model} {tag}{self.sha256}"

    def read_configuration(self) -> dict:
        """Read the configuration of a folder.

        Raises
        ------
        WeightsError
            If it is missing or damaged, or no longer the one referred to.
        """
        path = os.path.join(self.model, _CONFIGURATION)
        try:
            with open(path, "rb") as file:
                configuration = json.load(file)
            width = configuration["model_cfg"]["embed_dim"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            raise WeightsError(
                f"The configuration {path!r} is not a configuration of open_clip "
                f"({type(exc).__name__}: {exc})."
            ) from exc
        if not isinstance(width, int):
            raise WeightsError(
                f"The configuration {path!r} has embed_dim={width!r}, expected a number."
            )
        if sha256_of(path) != self.configuration_sha256:
            raise WeightsError(
                f"The configuration {path!r} changed since the estimator was fitted; fit it again, "
                "or put the former file back."
            )
        return configuration

    @property
    def is_folder(self) -> bool:
        """Whether the model is described by a folder."""
        return self.configuration_sha256 is not None

    def locate(self) -> Path:
        """Find the file of weights, fetch it again where it is gone, and check it.

        Raises
        ------
        WeightsError
            If the file is missing, or no longer the one referred to.
        """
        if self.pretrained is None:
            raise WeightsError("Random weights are in no file.")
        path = _find_file(self.model, self.pretrained, progress=False)
        if sha256_of(path) != self.sha256:
            raise WeightsError(
                f"{self.label} changed since the estimator was fitted; fit it again, or "
                "put the former file back."
            )
        return path


def refer_to_clip(
    model: str | os.PathLike, pretrained: str | os.PathLike | None, seed: int, *, progress: bool
) -> CLIPReference:
    """Make the reference for what a user passes as ``model`` and ``pretrained``.

    Raises
    ------
    OptionalDependencyError
        If open_clip is not installed.
    ValueError
        If open_clip knows no such model.
    WeightsError
        If there is neither such a tag nor such a file.
    WeightsNotAvailableError
        If the weights are not on this machine and cannot be fetched.

    Examples
    --------
    >>> from skw2c.weights import refer_to_clip
    >>> refer_to_clip("ViT-B/32", None, seed=3, progress=False)
    CLIPReference(model='ViT-B-32', pretrained=None, sha256=None, configuration_sha256=None, seed=3)
    """
    open_clip = import_open_clip()
    model, configuration = _find_model(open_clip, os.fspath(model))
    if pretrained is None:
        return CLIPReference(model, configuration_sha256=configuration, seed=seed)
    pretrained = _find_pretrained(open_clip, model, pretrained, bool(configuration))
    file = _find_file(model, pretrained, progress=progress)
    return CLIPReference(model, pretrained, sha256_of(file), configuration)


def _find_model(open_clip, model: str) -> tuple[str, str | None]:
    """The model's name, or its folder and the checksum of the configuration in it."""
    folder = os.path.abspath(os.path.expanduser(model.removeprefix("local-dir:")))
    configuration = os.path.join(folder, _CONFIGURATION)
    if os.path.isfile(configuration):
        return folder, sha256_of(configuration)
    name = model.replace("/", "-")
    known = open_clip.list_models()
    if name in known:
        return name, None
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    raise ValueError(
        f"model={model!r} is neither a model of open_clip nor a folder with a file "
        f"{_CONFIGURATION!r}. Near names: {', '.join(near) or 'none'}; "
        "open_clip.list_models() has all."
    )


def _find_pretrained(open_clip, model: str, pretrained, is_folder: bool) -> str:
    """Tag or absolute path; for a folder, its own file where no path is given."""
    means_path = not isinstance(pretrained, str) or not pretrained.replace("_", "").isalnum()
    pretrained = os.fspath(pretrained)
    path = os.path.abspath(os.path.expanduser(pretrained))
    if os.path.isfile(path):
        return path
    if is_folder and not means_path:
        files = [os.path.join(model, name) for name in _FOLDER_FILES]
        found = [file for file in files if os.path.isfile(file)]
        if found:
            return found[0]
        raise WeightsError(
            f"The folder {model!r} holds no weights ({' or '.join(_FOLDER_FILES)}). "
            "pretrained=None gives an untrained model."
        )
    tags = [] if is_folder else open_clip.list_pretrained_tags_by_model(model)
    if pretrained.lower() in tags:
        return pretrained.lower()
    named = _list_registered(model)
    if pretrained in named:
        return pretrained
    tags += named
    raise WeightsError(
        f"pretrained={pretrained!r} is neither a tag of weights for model={model!r} "
        f"({', '.join(map(repr, tags)) or 'it has none'}) nor an existing file (looked for "
        f"{path!r}). pretrained=None gives an untrained model."
    )


def _list_registered(model: str) -> list[str]:
    """Names in the registry of weights of this model, with its own GELU or OpenAI's."""
    models = (model, f"{model}-quickgelu")
    return [name for name, entry in registry().items() if entry.clip_model in models]


def _find_file(model: str, pretrained: str, *, progress: bool) -> Path:
    if os.path.isabs(pretrained):
        if not os.path.isfile(pretrained):
            raise WeightsError(
                f"The file of weights {pretrained!r} is gone; put it back, or fit the "
                "estimator again with other weights."
            )
        return Path(pretrained)
    if pretrained in _list_registered(model):
        return fetch_weights(pretrained, progress=progress).path
    open_clip = import_open_clip()
    configuration = open_clip.get_pretrained_cfg(model, pretrained)
    if _TEACHER in configuration.get("url", ""):
        return fetch_weights("clip-vit-b-32", progress=progress).path
    return _download(open_clip, configuration, model, pretrained)


def _download(open_clip, configuration: dict, model: str, tag: str) -> Path:
    """Let open_clip fetch a file, or find it in the cache, and check it where that can be."""
    folder = cache_folder() / "open_clip"
    try:
        path = _find_in_hub_cache(configuration, folder)
        if path is None:
            if not _find_by_address(configuration, folder):
                check_online()
            path = Path(open_clip.download_pretrained(configuration, cache_dir=str(folder)))
    except Exception as exc:  # urllib, huggingface_hub and open_clip raise many kinds
        raise WeightsNotAvailableError(
            f"The weights pretrained={tag!r} of model={model!r} are not in the cache "
            f"{str(folder)!r} and could not be fetched ({type(exc).__name__}: {exc}). There are "
            "three ways out: (1) connect to the network, or copy the cache folder from another "
            "machine (the variable SKW2C_CACHE names another folder), and try again; (2) pass "
            "the path of a checkpoint file, pretrained='path/to/file.safetensors'; (3) pass "
            "pretrained=None for an untrained model."
        ) from exc
    _check_blob(path)
    return path


def _find_in_hub_cache(configuration: dict, folder: Path) -> Path | None:
    """A file of the Hugging Face hub that is here already: the hub itself would be asked first."""
    repository, name = os.path.split(configuration.get("hf_hub", ""))
    if not repository:
        return None
    from huggingface_hub import try_to_load_from_cache

    for candidate in [name] if name else _FOLDER_FILES:
        found = try_to_load_from_cache(repository, candidate, cache_dir=folder)
        if isinstance(found, str):
            return Path(found)
    return None


def _find_by_address(configuration: dict, folder: Path) -> bool:
    """Whether a file is here already that was fetched by its address."""
    name = os.path.basename(configuration.get("url", ""))
    return bool(name) and (folder / name).is_file()


def _check_blob(path: Path) -> None:
    """The cache of the Hugging Face hub names a large file by its SHA-256 checksum."""
    stated = path.resolve().name
    if len(stated) == 64 and sha256_of(path) != stated:
        raise WeightsError(
            f"The weights {str(path)!r} are damaged: their checksum is not the one they are "
            "stored under. Delete the file to fetch it again."
        )
