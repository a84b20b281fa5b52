"""Law: only the user who runs the hotline can read the home: callers' numbers and voices, agents' passwords.

Two measures: every file is made under a umask that gives other users no rights, and the home itself is closed to them.
The server closes a wider home where that is safe, and refuses it where it is not.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

CLOSED = 0o027
"""The rights that are taken from all but the owner; the group may read."""
FOLDERS = ("redis", "secrets", "messages", "recordings", "spool", "log")
SIGNS = ("secrets/api-token", "hotline.toml", "flows")
"""A folder that holds one of these, or nothing at all, is a home; we must not close any other."""


class HomeError(Exception):
    """The home cannot be used; the message says why, and what to do."""


def close_to_others() -> None:
    """Close the files that this process and its children make from now on to other users; a tighter umask stays."""
    os.umask(os.umask(CLOSED) | CLOSED)


def prepare(home: Path) -> None:
    """The home with its folders, closed to others. Raises HomeError."""
    try:
        if home.exists():
            _close(home)
        for name in FOLDERS:
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "secrets").chmod(0o700)
        for path in open_to_others(home):
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~CLOSED)
    except OSError as error:
        raise HomeError(f"{home} cannot be used ({error.strerror}): mend it, or set SANSHENG_HOME") from None


def open_to_others(home: Path) -> Iterator[Path]:
    """The entries of the home itself that other users may use; deeper ones are behind the folders named here."""
    for path in sorted(home.iterdir()):
        if too_wide(path):
            yield path


def too_wide(path: Path) -> bool:
    """Whether others may read or use the file, or the group may change it; a link's target does not count."""
    mode = path.lstat().st_mode
    return not stat.S_ISLNK(mode) and bool(mode & CLOSED)


def _close(home: Path) -> None:
    found = home.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not mode & CLOSED:
        return
    wide = f"{home} is open to others (mode {mode:o})"
    if found.st_uid != os.geteuid():
        raise HomeError(f"{wide} and belongs to another user: have it closed with chmod 750, or set SANSHENG_HOME")
    is_home = any((home / sign).exists() for sign in SIGNS) or not any(home.iterdir())
    if mode & stat.S_ISVTX or not is_home:
        raise HomeError(f"{wide} and holds other things: set SANSHENG_HOME to a folder of its own")
    home.chmod(mode & ~CLOSED)


def no_room(root: Path) -> str:
    """Whether the home's disk is full, as a sentence; empty when something can be written, or fails otherwise."""
    try:
        with TemporaryFile(dir=root, buffering=0) as file:
            file.write(bytes(65_536))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk of {root} is full: make room there, and everything goes on by itself"
    return ""
