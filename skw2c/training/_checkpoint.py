"""Where a run stands, in a file from which it goes on."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import torch

from .._atomic import write_atomically

_NAME = "checkpoint.pt"
_VERSION = 1


class RunFolder:
    """The folder in which a run keeps where it stands.

    Parameters
    ----------
    folder : str or os.PathLike
    configuration : dict
        What the run depends on, in plain values. A checkpoint of another is refused.
    """

    def __init__(self, folder: str | os.PathLike, configuration: dict):
        self.path = Path(folder) / _NAME
        self._configuration = configuration

    def save(self, state: dict) -> None:
        """Write a checkpoint; the former one stays until the new one is complete.

        Raises
        ------
        OSError
            If it cannot be written, as on a full disk.
        """
        buffer = io.BytesIO()
        content = {"version": _VERSION, "configuration": self._configuration, **state}
        torch.save(content, buffer)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, buffer.getbuffer())
        except OSError as exc:
            kept = "the former one is intact" if self.path.is_file() else "there is none before it"
            is_full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
            cure = "Make room" if is_full else "Make the folder one that can be written to"
            raise OSError(
                exc.errno,
                f"The checkpoint cannot be written ({exc.strerror}; {kept}). {cure}, or choose "
                "another checkpoint_dir; the same fit() then goes on",
                str(self.path),
            ) from exc

    def load(self) -> dict | None:
        """Read the checkpoint; None if there is none.

        Raises
        ------
        ValueError
            If it is damaged, of another version or of another configuration.
        """
        if not self.path.exists():
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            version, configuration = content["version"], content["configuration"]
        except Exception as exc:  # what torch raises depends on the kind of damage
            raise ValueError(
                f"{str(self.path)!r} is no checkpoint of this program, or is damaged: put a "
                "copy back, remove it, or pass resume=False to begin anew and replace it"
            ) from exc
        if version != _VERSION:
            raise ValueError(
                f"{str(self.path)!r} is a checkpoint of version {version}, and this program "
                f"reads version {_VERSION}: choose another checkpoint_dir"
            )
        self._check(configuration)
        return content

    def _check(self, found: dict) -> None:
        names = sorted(
            name
            for name in self._configuration | found
            if self._configuration.get(name) != found.get(name)
        )
        if names:
            changes = ", ".join(
                f"{name} (then {found.get(name)!r}, now {self._configuration.get(name)!r})"
                for name in names
            )
            raise ValueError(
                f"{str(self.path)!r} is the checkpoint of another run, which stays as it is. "
                f"Different: {changes}. Choose another checkpoint_dir, or pass resume=False to "
                "begin anew and replace it"
            )
