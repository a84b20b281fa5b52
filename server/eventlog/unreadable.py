"""Entries of the log that cannot be read are set aside whole: one line of JSON each, once, in a file that is bounded.

The file stands until somebody has looked at it and moves it away: that settles it. Entries in a file whose name begins
with its own (`unreadable.settled`) are known, and are not set aside again.
"""

from __future__ import annotations

import json
import os
import threading
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from server.eventlog.log import Entry, Unreadable
from server.warned import warned

NAME = "unreadable"
MOST = 64 * 2**20
"""Bytes of the file. What comes beyond that is counted only; it is in the records' archive too."""

_log = structlog.get_logger("log")


class SetAside:
    """The file in `folder`. Readers in several threads may call `keep`."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._file, self._most = folder / NAME, most
        self._lock = threading.Lock()
        self._known = {each["id"] for file in folder.glob(f"{NAME}*") for each in read(file)}
        self._count = sum(1 for _ in read(self._file))

    def keep(self, entry: Entry) -> None:
        """Set aside an entry whose event is `Unreadable`. Nothing is raised: nobody stops for want of a disk."""
        with self._lock:
            if entry.id in self._known:
                return
            line = _line(entry)
            self._count = 1 + self.count
            try:
                if _append(self._file, line, self._most):
                    self._known.add(entry.id)
            except OSError as error:
                _log.error("an entry of the log cannot be set aside", entry=entry.id, error=str(error))
        _log.error("an entry of the log is set aside, what follows it is played", entry=entry.id, why=entry.event.why)

    @property
    def count(self) -> int:
        """How many entries nobody has settled yet."""
        return self._count if self._file.exists() else 0

    @property
    def problem(self) -> str:
        """What is said of them, as a sentence; empty when there are none."""
        count = self.count
        return warned("log_entries", f"{told(count)}: `sansheng doctor` says what to do", count=count) if count else ""


def told(count: int) -> str:
    """So many entries, as the beginning of a sentence."""
    one = count == 1
    return f"{count} {'entry' if one else 'entries'} of the log cannot be read and {'is' if one else 'are'} set aside"


def read(file: Path) -> Iterable[dict[str, Any]]:
    """The entries of such a file, oldest first, as far as its lines are whole."""
    try:
        lines = file.open("rb")
    except OSError:
        return
    with lines:
        for line in lines:
            try:
                entry = json.loads(line)
                yield {name: entry[name] for name in ("id", "why", "set_aside_at", "fields")}
            except (ValueError, KeyError, TypeError):
                continue


def _append(file: Path, line: bytes, most: int) -> bool:
    """Whether there was room for it. A line that a full disk cut off stays alone."""
    with file.open("ab+") as whole:
        size = whole.tell()
        if size + len(line) > most:
            return False
        if size:
            whole.seek(-1, os.SEEK_END)
            line = line if whole.read(1) == b"\n" else b"\n" + line
        whole.write(line)
    return True


def _line(entry: Entry) -> bytes:
    assert isinstance(entry.event, Unreadable)
    whole = {
        "id": entry.id,
        "why": entry.event.why,
        "set_aside_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "fields": {_name(name): _value(value) for name, value in entry.event.fields},
    }
    return json.dumps(whole, ensure_ascii=False).encode() + b"\n"


def _name(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _value(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}
