"""The notes that follow from entries of the log: which are in it, which are still to be written, and which differ."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import structlog

from server import bounds
from server.eventlog.log import Entry, Unreadable, decode, encode, id_order

_log = structlog.get_logger("state")


class Unwritten(NamedTuple):
    """A note, the instant of its cause, and its cause's id."""

    note: object
    at: float
    after: str


class Notes:
    """What follows here from the entries played, until it is known to be in the log."""

    def __init__(self) -> None:
        self.unwritten: deque[Unwritten] = deque()
        """Notes that are not known to be in the log yet, in its order."""
        self.differences: Counter[str] = Counter()
        """How the notes in the log differ from what follows here from their causes, and how often."""

    def follows(self, entry: Entry, note: object) -> None:
        """This note follows from that entry."""
        self.unwritten.append(Unwritten(note, entry.at, entry.id))

    def written(self, entry: Entry) -> None:
        """A note is in the log: the one like it is due no more. Another release may have derived it in other words, or
        more of them, or fewer. Notes stand in the order of their causes: those of an earlier one are not to come."""
        due, note = self.unwritten, entry.event
        while due and due[0].after != entry.after and id_order(due[0].after) < id_order(entry.after):
            self._differs("is not in the log", entry, derived=due.popleft().note)
        unread = isinstance(note, Unreadable)
        kind = note.field(b"t") if unread else type(note).__name__
        alike = [each for each in takewhile(lambda each: each.after == entry.after, due) if _kind(each) == kind]
        found = next((each for each in alike if each.note == note), alike[0] if alike else None)
        if found is not None:
            due.remove(found)
        if unread:
            return
        if found is None:
            self._differs("does not follow here", entry, written=note)
        elif found.note != note:
            self._differs("reads otherwise", entry, derived=found.note, written=note)

    def _differs(self, how: str, entry: Entry, *, derived: object = None, written: object = None) -> None:
        """Count it, and tell of the first of each kind."""
        difference = f"{type(derived or written).__name__} {how}"
        self.differences[difference] += 1
        if self.differences[difference] == 1:
            both = {"derived": derived, "written": written}
            texts = {name: bounds.line(repr(note), 2000) for name, note in both.items() if note is not None}
            _log.warning("a note of the log is not what follows here", what=difference, entry=entry.id, **texts)

    def snapshot(self) -> list[tuple[str, str, float, str]]:
        """Those that are unwritten, as JSON can hold them."""
        return [(*_text(each.note), each.at, each.after) for each in self.unwritten]

    @classmethod
    def restore(cls, rows: Iterable[Sequence[Any]]) -> Notes:
        """The inverse of `snapshot`."""
        notes = cls()
        for name, note, at, after in rows:
            try:
                notes.unwritten.append(Unwritten(decode(name, note.encode()), at, after))
            except Exception as error:
                _log.error("a note that another version made is left out", kind=name, after=after, error=str(error))
        return notes


def _kind(each: Unwritten) -> str:
    return type(each.note).__name__


def _text(note: object) -> tuple[str, str]:
    name, data = encode(note)
    return name, data.decode()
