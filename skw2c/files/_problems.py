"""What went wrong elsewhere, in words, with the cure."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from ..exceptions import OptionalDependencyError
from ._address import Address

_PAUSES = (0.5, 2.0)
"""Seconds before the second and the third try."""
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "http": "aiohttp",
    "https": "aiohttp",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "adl": "adlfs",
}
_OF_EXTRA = ("s3fs", "aiohttp")
_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE in the environment, or, "
    "for a public bucket, FSSPEC_S3='{\"anon\": true}'",
    "gs": "run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS in "
    "the environment",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY in the environment",
}
_CREDENTIALS |= {"s3a": _CREDENTIALS["s3"], "gcs": _CREDENTIALS["gs"], "abfs": _CREDENTIALS["az"]}
_ANY_CREDENTIALS = "give them in fsspec's configuration (the folder ~/.config/fsspec)"
_DENIED, _MISSING = (401, 403), (404, 410)
_LASTING = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
_Result = TypeVar("_Result")


class RemoteError(OSError):
    """A file elsewhere cannot be fetched; the message says why, and does not name it."""


class MissingFileError(RemoteError):
    """There is no such file elsewhere."""


def try_again(action: Callable[[], _Result], address: Address) -> _Result:
    """Do something over a network, up to three times where that may help.

    Raises
    ------
    RemoteError
        If it fails; a `MissingFileError` if there is no such file.
    OptionalDependencyError
        If a package is missing.
    """
    for pause in (*_PAUSES, None):
        try:
            return action()
        except RemoteError:
            raise
        except Exception as exc:
            if pause is None or not may_pass(_real(exc)):
                raise explain(_real(exc), address) from exc
        time.sleep(pause)
    raise AssertionError


def _real(error: Exception) -> Exception:
    """What went wrong: fsspec says of whatever a web server answers that there is no file."""
    cause = error.__cause__
    if not isinstance(error, FileNotFoundError) or not isinstance(cause, Exception):
        return error
    is_of_web = type(cause).__module__.startswith("aiohttp")
    return cause if is_of_web and getattr(cause, "status", None) not in _MISSING else error


def may_pass(error: Exception) -> bool:
    """Whether an error may not occur again."""
    if isinstance(error, _LASTING) or _is_denied(error) or _lacks_credentials(error):
        return False
    if isinstance(error, OSError):
        return error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return status >= 500 or status in (408, 429)
    return type(error).__module__.split(".")[0] in ("aiohttp", "botocore", "asyncio", "gcsfs")


def explain(error: Exception, address: Address) -> Exception:
    """The error to raise in place of one of fsspec or its kin."""
    if isinstance(error, ImportError):
        return _lacks_package(error, address)
    if isinstance(error, FileNotFoundError):
        return MissingFileError("there is nothing at this address")
    if isinstance(error, IsADirectoryError):
        return RemoteError("it is a folder, not a file")
    if _lacks_credentials(error):
        return RemoteError(f"there are no credentials for {address.protocol}://: {_cure(address)}")
    if _is_denied(error):
        return RemoteError(
            f"access is denied ({_shorten(error)}): check that the credentials may read it, or "
            f"{_cure(address)}"
        )
    if isinstance(error, ValueError) and "rotocol not known" in str(error):
        return RemoteError(
            f"the protocol {address.protocol!r} is not known to fsspec; those of buckets are s3, "
            "gs and az, and those of web servers are http and https"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return RemoteError(
            "there is no space left for temporary files: set TMPDIR to a folder that has some"
        )
    return RemoteError(f"it cannot be fetched ({_shorten(error)})")


def _lacks_package(error: ImportError, address: Address) -> OptionalDependencyError:
    package = _PACKAGES.get(address.protocol or "")
    if package is None and "fsspec" in str(error):
        package = "fsspec"
    if package is None:
        return OptionalDependencyError(f"Reading {address.protocol}:// needs a package: {error}")
    of_extra = package in (*_OF_EXTRA, "fsspec")
    cure = 'pip install "skw2c[remote]"' if of_extra else f"pip install {package}"
    return OptionalDependencyError(
        f"Reading {address.protocol}:// needs the package {package!r}, which cannot be imported "
        f"({error}). Install it with: {cure}"
    )


def _lacks_credentials(error: Exception) -> bool:
    return "Credential" in type(error).__name__


def _is_denied(error: Exception) -> bool:
    return isinstance(error, PermissionError) or getattr(error, "status", None) in _DENIED


def _cure(address: Address) -> str:
    return _CREDENTIALS.get(address.protocol or "", _ANY_CREDENTIALS)


def _shorten(error: Exception) -> str:
    """The error in one line, without addresses, which may be signed by a secret."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return f"{type(error).__name__}: status {status} {getattr(error, 'message', '')}".rstrip()
    return f"{type(error).__name__}: {' '.join(str(error).split()):.300}"
