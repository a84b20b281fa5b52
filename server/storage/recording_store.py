"""Recording files are kept whole or not at all: what a name stands for is complete and on the disk, or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_UNFINISHED = ".unfinished-"


class ObjectError(Exception):
    """A file that the store cannot give or take; the message names it."""


def day_of(at: float, zone: tzinfo = UTC) -> str:
    """The day of an instant (UTC epoch seconds) in a zone, as `2027-01-15`."""
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d}"


def key_for(recording: int, at: float, zone: tzinfo = UTC) -> str:
    """Where a recording that began at `at` (UTC epoch seconds) is kept: `2027/01/15/17.wav`, by the zone's day."""
    return f"{day_of(at, zone).replace('-', '/')}/{recording}.wav"


OPUS, MARKS = ".webm", ".marks.json"
"""Endings of the files that are derived from a recording and stand beside it: they are in no chain."""


def derived_key(key: str, ending: str) -> str:
    """Where what is derived from the recording of this key stands."""
    return key.removesuffix(".wav") + ending


def original_of(key: str) -> str:
    """The key of the recording that a derived file belongs to; another key as it is."""
    for ending in (OPUS, MARKS):
        if key.endswith(ending):
            return key.removesuffix(ending) + ".wav"
    return key


class StoreAway(OSError):
    """The store does not answer at the moment: nothing is known of its objects."""


class FolderStore:
    """Objects in a folder, by keys such as `2027/01/15/17.wav`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A file to be written from its start. It takes the key's place when the block ends, and not after an error.

        Durable on return: contents, name and new folders were flushed to the disk.
        """
        path = self._path(key)
        made = _make_folders(path.parent)
        handle, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
        try:
            with os.fdopen(handle, "wb", buffering=1 << 20) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o640)
            os.replace(name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise
        for folder in (path.parent, *made):
            _flush_folder(folder)

    def open(self, key: str) -> BinaryIO:
        """The object, to be read and closed. Raises ObjectError when it is not there."""
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            raise ObjectError(f"{key} is not in the store {self.root}") from None

    def stamp(self, key: str) -> str:
        """What is another text as soon as the object is another one, or was written to. Raises ObjectError."""
        try:
            found = self._path(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            raise ObjectError(f"{key} is not in the store {self.root}") from None
        return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"

    def delete(self, key: str) -> bool:
        """Remove the object, durably; False when there was none."""
        path = self._path(key)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        _flush_folder(path.parent)
        return True

    def keys(self, under: str = "") -> Iterator[str]:
        """Every object's key, or those of one folder such as `2027/01/15`, in order."""
        for folder, folders, names in os.walk(self._path(under) if under else self.root):
            folders.sort()
            for name in sorted(each for each in names if not each.startswith(_UNFINISHED)):
                yield Path(folder, name).relative_to(self.root).as_posix()

    def sweep(self) -> int:
        """Remove what writers that crashed left unfinished, and say how many. Only while nobody writes."""
        left = list(self.root.rglob(f"{_UNFINISHED}*"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*checked_key(key))


def checked_key(key: str) -> tuple[str, ...]:
    """The parts of a key. Raises ObjectError for what leads out of the store, or is none."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\0" in key or parts[-1].startswith(_UNFINISHED):
        raise ObjectError(f"{key!r} is not a key of the store: a key is a relative path such as 2027/01/15/17.wav")
    return parts


def _make_folders(folder: Path) -> list[Path]:
    """Make the folder and those above it, and list the folders in which names are new."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return [each.parent for each in missing]


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
