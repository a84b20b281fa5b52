"""An entry of the audit that is written at once, by a command that hands out sound without asking the server."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server.eventlog.access_events import ActAudited
from server.storage.schema.access_tables import AuditEntry


def audit_row(entry: ActAudited, at: datetime) -> AuditEntry:
    """The row that an entry is."""
    return AuditEntry(
        at=at,
        act=entry.act,
        by=entry.by,
        role=entry.role,
        origin=entry.origin,
        subject=entry.subject,
        reason=entry.reason,
    )


def keep_in_audit(engine: Engine, entry: ActAudited) -> None:
    """Write the entry; durable on return. Raises SQLAlchemy's error when the database cannot take it."""
    with Session(engine) as session, session.begin():
        session.add(audit_row(entry, datetime.now(UTC)))
