"""Find the files for the folders, patterns, archives and names on the command line."""

from __future__ import annotations

from ..files import FileSearch, Found
from ..system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS, VIDEO_EXTENSIONS
from ._stderr import print_message


def find_files(names: list[str], *, videos: bool = False, on_error: str = "raise") -> Found:
    """List the sound files in folders, those that match a pattern, and single files.

    Folders are searched recursively, also through links, for files with the suffix of a sound or
    video, or only of a video. Hidden files and folders are left out. Files may also lie in
    archives and buckets. A file that is found in several ways is listed once. The files that are
    skipped in folders are counted and reported.

    Parameters
    ----------
    names : list of str
    videos : bool, default=False
        Whether to look only for videos.
    on_error : {"raise", "nan"}, default="raise"
        Whether a folder that cannot be read is an error, or is noted in `Found.unread`.

    Raises
    ------
    ValueError
        If there are no files for a name.
    OSError
        If a folder cannot be read.
    """
    search = FileSearch(VIDEO_EXTENSIONS if videos else SOUND_EXTENSIONS | MEDIA_EXTENSIONS)
    found: dict[str, str] = {}
    twice = 0
    for name in names:
        files = search.files_of(name)
        if search.unread and (on_error == "raise" or not (files or found)):
            raise PermissionError(_unread(*search.unread[0][1:]))
        if not files and not search.unread:
            raise ValueError(search.nothing_in(name, "mp4, mkv" if videos else "wav, flac"))
        for file in files:
            twice += found.setdefault(search.identity_of(file), file) != file
    _report(search)
    if twice:
        print_message(f"{_count(twice)} found under a second name too, and listed once")
    return Found(list(found.values()), search.unread, search.stamps)


def _report(search: FileSearch) -> None:
    """Print how many files were skipped, and which links are broken."""
    for link in search.broken_links:
        print_message(f"warning: the link {link!r} is broken, and is skipped")
    if search.n_skipped:
        print_message(f"{_count(search.n_skipped)} skipped: {search.kinds_skipped}")


def _unread(folder: str, cause: str) -> str:
    return f"{folder!r}: {cause}; to go on without it, pass --on-error nan"


def _count(number: int) -> str:
    return "1 file was" if number == 1 else f"{number} files were"
