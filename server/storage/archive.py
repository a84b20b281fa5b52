"""The archive gives back the log of a past time, exactly as it was appended: what a replay plays."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from server.eventlog.log import Entry, entry_of
from server.storage.schema.tables import LogEntry


def archived_entries(engine: Engine, since: float, until: float, *, batch: int = 1000) -> Iterator[Entry]:
    """Entries with `since` <= at < `until` (UTC epoch seconds), in the log's order, read a batch at a time."""
    key = (LogEntry.ms, LogEntry.seq)
    wanted = select(LogEntry).where(LogEntry.at >= since, LogEntry.at < until).order_by(*key)
    with Session(engine) as session:
        for row in session.scalars(wanted.execution_options(yield_per=batch)):
            cause = {b"f": row.after.encode()} if row.after else {}
            fields = {b"t": row.type.encode(), b"e": row.data.encode(), b"at": repr(row.at).encode()}
            yield entry_of(f"{row.ms}-{row.seq}", fields | cause)
