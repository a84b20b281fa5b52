"""Every log entry reaches SQL exactly once: the rows and the place in the log are written in one transaction.

After a crash of any part the cursor tells what is in the rows; entries at or before it are passed over, so replaying
the same or overlapping entries changes nothing. An entry that cannot be read, or whose content the database refuses, is
kept in the archive with the reason and holds up nobody; a database that is away only delays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server import bounds
from server.eventlog.log import START, Entry, Unreadable, encode
from server.storage.database import is_fault_of_data
from server.storage.projections import (
    access,
    callbacks,
    calls,
    customers,
    definitions,
    knowledge,
    lists,
    quality,
    recordings,
    reports,
    tickets,
    totals,
    webhooks,
)
from server.storage.projections.outcome import SHORT
from server.storage.projections.plain_rows import shape_of
from server.storage.projections.rows import Rows, entry_key
from server.storage.projections.rules import Rule, Rules, project
from server.storage.schema.tables import Cursor, LogEntry

PROJECTIONS: tuple[Rules, ...] = (
    webhooks.BEFORE,
    calls.RULES,
    tickets.RULES,
    callbacks.RULES,
    access.RULES,
    quality.RULES,
    reports.RULES,
    webhooks.RULES,
    customers.RULES,
    knowledge.RULES,
    recordings.RULES,
    lists.RULES,
    definitions.RULES,
)
"""Every projection, in the order in which they are told of an entry."""
READER = "projector"
COUNTER = "report counts"
ROUNDS = "report counts of rounds"
BATCH = 1000
_ARCHIVE = shape_of(LogEntry).insert


class Projector:
    """Writes log entries to the records, as `projections` have it. `short_abandon` is the limit of a short abandon in
    seconds.

    Two projectors may work on one database (a leader and one that was a leader): the second waits for the first's
    transaction and then passes over what is written.
    """

    def __init__(
        self, engine: Engine, projections: Sequence[Rules] = PROJECTIONS, *, short_abandon: float = SHORT
    ) -> None:
        self._engine, self._projections, self._short = engine, projections, short_abandon
        self._rules: dict[type, tuple[Rule[Any], ...]] = {}
        self._counted = False
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def cursor(self) -> str:
        """Id of the last entry that is in the rows; `0-0` before the first."""
        with Session(self._engine) as session:
            return session.scalar(select(Cursor.entry).where(Cursor.reader == READER)) or START

    def apply(self, entries: Sequence[Entry]) -> int:
        """Write the entries, oldest first, and return how many of them were new.

        Raises SQLAlchemy's error when the database is away or cannot be used; nothing is written then beyond the
        cursor, and the same entries can be given again.
        """
        written = 0
        for start in range(0, len(entries), BATCH):
            written += self._apply(entries[start : start + BATCH])
        return written

    def _apply(self, entries: Sequence[Entry]) -> int:
        try:
            return self._write(entries)
        except Exception as error:
            if not is_fault_of_data(error):
                raise
            if len(entries) == 1:
                return self._write(entries, problem=f"{type(error).__name__}: {error}"[:2000])
        middle = len(entries) // 2
        return self._apply(entries[:middle]) + self._apply(entries[middle:])

    def _write(self, entries: Sequence[Entry], problem: str = "") -> int:
        with Session(self._engine, autoflush=False) as session, session.begin():
            cursor = self._locked_cursor(session)
            done = entry_key(cursor.entry)
            new = [entry for entry in entries if entry_key(entry.id) > done]
            if not new:
                return 0
            self._count_once(session)
            if not problem:
                rows = Rows(session, new)
                for entry in new:
                    project(entry, rows, self._rules_for(type(entry.event)), self._short)
                totals.count(session, rows, self._insert)
                rows.plain.write()
                session.flush()
            _ARCHIVE.write(session.connection(), [_archived(entry, problem) for entry in new])
            cursor.entry = new[-1].id
            return len(new)

    def _rules_for(self, kind: type) -> tuple[Rule[Any], ...]:
        """What the projections have of events of this type, each in its turn."""
        if (found := self._rules.get(kind)) is None:
            found = tuple(rule for each in self._projections if (rule := each.of(kind)) is not None)
            self._rules[kind] = found
        return found

    def _count_once(self, session: Session) -> None:
        """Counts of reports are made of the records that were there before there were counts, or counts of rounds."""
        if self._counted:
            return
        known = set(session.scalars(select(Cursor.reader).where(Cursor.reader.in_((COUNTER, ROUNDS)))))
        if COUNTER not in known:
            totals.recount(session, self._insert)
        elif ROUNDS not in known:
            totals.recount_tickets(session, self._insert)
        for reader in {COUNTER, ROUNDS} - known:
            session.execute(self._insert(Cursor).values(reader=reader, entry=START))
        self._counted = True

    def _locked_cursor(self, session: Session) -> Cursor:
        locked = select(Cursor).where(Cursor.reader == READER).with_for_update()
        cursor = session.scalars(locked).one_or_none()
        if cursor is None:
            session.execute(self._insert(Cursor).values(reader=READER, entry=START).on_conflict_do_nothing())
            cursor = session.scalars(locked).one()
        return cursor


def _archived(entry: Entry, problem: str) -> dict[str, object]:
    ms, seq = entry_key(entry.id)
    if isinstance(entry.event, Unreadable):
        kind, text = bounds.line(entry.event.field(b"t"), 80), entry.event.field(b"e")
        problem = entry.event.why
    else:
        kind, data = encode(entry.event)
        text = data.decode()
    return {
        "ms": ms,
        "seq": seq,
        "at": entry.at,
        "type": kind,
        "data": text,
        "after": entry.after,
        "problem": problem,
    }
