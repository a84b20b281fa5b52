"""The archive gives back the log of a past time, exactly as it was appended: what a replay plays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Select, select, tuple_
from sqlalchemy.orm import Session

from server import bounds
from server.eventlog.log import Entry, entry_of
from server.storage.schema.tables import LogEntry

SKEW = 2 * 86_400.0
"""Seconds by which the clock of Redis, in an entry's id, and the server's, in its instant, may differ."""


def archived_entries(engine: Engine, since: float, until: float, *, batch: int = 1000) -> Iterator[Entry]:
    """Entries with `since` <= at < `until` (UTC epoch seconds), in the log's order, read a batch at a time."""
    near = [LogEntry.ms >= int(min(max(0.0, since - SKEW), bounds.LATEST) * 1000)]
    if until < bounds.LATEST:
        near.append(LogEntry.ms <= int(max(0.0, until + SKEW) * 1000))
    yield from _entries(engine, select(LogEntry).where(*near, LogEntry.at >= since, LogEntry.at < until), batch)


def archived_after(engine: Engine, position: tuple[int, int], *, batch: int = 1000) -> Iterator[Entry]:
    """Entries after the one with this id, (ms, seq), in the log's order, read a batch at a time."""
    key = tuple_(LogEntry.ms, LogEntry.seq)
    yield from _entries(engine, select(LogEntry).where(key > tuple_(*position)), batch)


def _entries(engine: Engine, wanted: Select[Any], batch: int) -> Iterator[Entry]:
    wanted = wanted.order_by(LogEntry.ms, LogEntry.seq)
    with Session(engine) as session:
        for row in session.scalars(wanted.execution_options(yield_per=batch)):
            cause = {b"f": row.after.encode()} if row.after else {}
            fields = {b"t": row.type.encode(), b"e": row.data.encode(), b"at": repr(row.at).encode()}
            yield entry_of(f"{row.ms}-{row.seq}", fields | cause)
