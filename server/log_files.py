"""Law: no log file grows without bound, however long the hotline runs and however often a line comes.

A file is rotated when it is large or old; a number of old files stay. Lines that come too often are left out, and one
line says so at the end of the minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

_log = structlog.get_logger("log_files")

EVERY = 10.0
"""Seconds between two checks of files that other programs write."""
MINUTE = 60.0
MOST = 120
"""Lines of one kind that are written in a minute."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a file is rotated, and how many old files stay."""

    bytes: int
    seconds: float
    files: int


class LogFile(RotatingFileHandler):
    """A log file within its limits. Old ones are `<name>.1`, the newest, `<name>.2`, and so on.

    `copied`: a program that cannot be told to open it anew writes to its end; it is copied and then cut.
    """

    def __init__(self, path: Path, limits: Limits, *, copied: bool = False) -> None:
        super().__init__(path, backupCount=limits.files, encoding="utf-8", delay=True, errors="backslashreplace")
        self._path, self._limits = path, limits
        if copied:
            self.rotator = _copy_and_cut
        with contextlib.suppress(OSError):
            self._since = path.stat().st_mtime
            return
        self._since = time.time()

    def due(self, now: float) -> bool:
        """Whether the file must be rotated: it is too large, or was begun in an earlier period than now."""
        try:
            size = self._path.stat().st_size
        except OSError:
            return False
        old = now // self._limits.seconds > self._since // self._limits.seconds
        return size >= self._limits.bytes or (old and size > 0)

    def write(self, line: str) -> None:
        """Append a line."""
        self.handle(logging.makeLogRecord({"msg": line.removesuffix("\n")}))

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """`due`, before each line."""
        return self.due(time.time())

    def doRollover(self) -> None:
        """Rotate the file."""
        super().doRollover()
        self._since = time.time()

    def flush(self) -> None:
        """Write what was begun; a disk that takes nothing is no error, since a line is no reason to stop anything."""
        try:
            super().flush()
        except OSError:
            self._let_go()

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk stops no call: the line is lost."""
        self._let_go()

    def _let_go(self) -> None:
        """The file is opened anew for the next line: what was not written would fail again with each."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()


class Floods:
    """A processor that lets `MOST` lines of one kind through in a minute, and counts the others."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def __call__(self, _: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Raises DropEvent for a line that is left out."""
        kind = (level, str(event.get("event")))
        self._seen[kind] += 1
        if self._seen[kind] > MOST:
            raise structlog.DropEvent
        return event

    def minute_over(self) -> None:
        """Begin to count anew, and write one line for each kind of line that was left out."""
        seen, self._seen = self._seen, Counter()
        for (level, event), count in seen.items():
            if count > MOST:
                _log.warning("lines of one kind were left out", kind=event, level=level, left_out=count - MOST)


async def keep(
    floods: Floods, files: Sequence[LogFile], renamed: Sequence[tuple[LogFile, Callable[[], Awaitable[object]]]]
) -> None:
    """Rotate the files of other programs, until cancelled. After one of `renamed` was rotated, its program is asked to
    open it anew."""
    over = time.monotonic() + MINUTE
    while True:
        for file, reopen in (*((each, None) for each in files), *renamed):
            try:
                if file.due(time.time()):
                    await asyncio.to_thread(file.doRollover)
                    if reopen is not None:
                        await reopen()
            except Exception as error:
                _log.warning("a log file could not be rotated", file=file.baseFilename, why=str(error))
        if time.monotonic() >= over:
            over += MINUTE
            floods.minute_over()
        await asyncio.sleep(EVERY)


def _copy_and_cut(source: str, target: str) -> None:
    # The other program appends to the file: after the cut the next line stands at its beginning.
    shutil.copyfile(source, target)
    with open(source, "r+b") as file:
        file.truncate()
