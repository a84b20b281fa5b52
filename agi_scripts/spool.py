"""An entry is in the spool whole and for good, or not at all: written aside, flushed to the disk, renamed into place.

Standard library only. One entry is one file `<id>.json`; the server that imports it removes it.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

PLAUSIBLE = re.compile(r"\+?[0-9]{5,15}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A number to call back. `taken_at`: UTC epoch seconds; `call`: the server's number for the call, if it had one;
    `language`: the language of the prompts."""

    id: str
    caller: str
    number: str
    category: str
    called: str
    taken_at: float
    call: int | None = None
    complete: bool = False
    """Whether the caller stayed to the end; else the entry has what was known at the hang-up."""
    language: str = "zh"
    full: bool = False
    """The line was full: a server was there, and admitted no more callers."""
    channel: str = ""
    """Asterisk's unique id of the caller's channel."""


def plausible(number: str) -> bool:
    """Whether a person could be reached there: 5 to 15 digits, perhaps after a plus. The server checks it properly."""
    return PLAUSIBLE.fullmatch(number) is not None


def put(folder: Path, entry: Entry) -> Path:
    """Store `entry` durably; its file. Raises OSError, leaving nothing behind."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{entry.id}.json"
    draft = folder / f".{entry.id}.part"
    try:
        with draft.open("x", encoding="utf-8") as file:
            json.dump(asdict(entry), file, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return target
