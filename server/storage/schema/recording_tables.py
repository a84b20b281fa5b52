"""What the records hold of recordings after they were closed: what happened to them, and the tombstones of deleted
ones.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, OfEntry


class RecordingStep(OfEntry, Base):
    """One thing that happened to a recording: paused, resumed, held, released, fault, settled or deleted.

    `until` is when a pause ends by itself.
    """

    __tablename__ = "recording_steps"
    __table_args__ = (Index(None, "recording"),)

    recording: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    by: Mapped[str]
    reason: Mapped[str]
    until: Mapped[datetime | None]


class Tombstone(Base):
    """A link in the chain of the day on which a recording was deleted; the recording's own link stays in its day."""

    __tablename__ = "recording_tombstones"
    __table_args__ = (UniqueConstraint("day", "place"),)

    recording: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(default="")
    place: Mapped[int] = mapped_column(default=0)
    link: Mapped[str] = mapped_column(default="")
    why: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(default="")
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)
