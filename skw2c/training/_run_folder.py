"""The folder of a run: the checkpoint from which it goes on."""

from __future__ import annotations

import errno
import io
import os
from itertools import count
from pathlib import Path

import torch

from ..system._atomic import write_atomically
from ._checkpoint_file import read_plain
from ._failure import MAY_DIFFER

_NAME = "checkpoint.pt"
_VERSION = 1


class RunFolder:
    """The folder in which a run keeps its checkpoint.

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

        Where the loss of the run was no longer a number, ``MAY_DIFFER`` lists what of its
        configuration may be another now; ``is_changed`` is then whether something is.

        Raises
        ------
        ValueError
            If it is damaged, of another version or of another configuration.
        """
        if not os.path.lexists(self.path):
            return None
        try:
            content = read_plain(self.path)
            version, configuration = content["version"], content["configuration"]
            has_failed = content.get("failure") is not None
            names = self._compare(configuration)
            if type(version) is not int or type(content.get("world_size", 1)) is not int:
                raise TypeError("its version or number of processes is not a number")
        except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as exc:
            raise self.damaged() from exc
        if version != _VERSION:
            raise ValueError(
                f"{str(self.path)!r} is a checkpoint of version {version}, and this program "
                f"reads version {_VERSION}: choose another checkpoint_dir"
            )
        if names and not (has_failed and set(names) <= {*MAY_DIFFER}):
            changes = ", ".join(
                f"{name} (then {configuration.get(name)!r:.200}, now "
                f"{self._configuration.get(name)!r})"
                for name in names
            )
            raise ValueError(
                f"{str(self.path)!r} is the checkpoint of another run, which stays as it is. "
                f"Different: {changes}. Choose another checkpoint_dir, or pass resume=False to "
                f"begin again; {self._kept()}"
            )
        return {**content, "is_changed": bool(names)}

    def damaged(self) -> ValueError:
        """The error that it cannot be read, or does not hold what it should."""
        return ValueError(
            f"{str(self.path)!r} is not a checkpoint of this program, or is damaged: put a copy "
            f"back, or pass resume=False to begin again; {self._kept()}"
        )

    def rename_former(self) -> Path | None:
        """Give the checkpoint of a former run another name, unless it holds no finished epoch.

        Returns
        -------
        Path or None
            Where it is now.
        """
        if not os.path.lexists(self.path) or self._is_of_no_epoch():
            return None
        place = self._free_place()
        os.rename(self.path, place)
        return place

    def _is_of_no_epoch(self) -> bool:
        try:
            return not read_plain(self.path)["standing"]["best_epoch"]
        except (ValueError, TypeError, LookupError):
            return False

    def _kept(self) -> str:
        return f"it is then kept as {self._free_place().name!r}"

    def _free_place(self) -> Path:
        names = (f"{self.path.stem}-{number}{self.path.suffix}" for number in count(1))
        places = map(self.path.with_name, names)
        return next(place for place in places if not os.path.lexists(place))

    def _compare(self, found: dict) -> list[str]:
        """What differs from the configuration of a checkpoint."""
        return sorted(
            name
            for name in self._configuration | found
            if self._configuration.get(name) != found.get(name)
        )
