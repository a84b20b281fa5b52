"""What stands in place of the part of the archived log that was trimmed."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, OfEntry, Packed


class ArchiveStart(OfEntry, Base):
    """The state after the entry (ms, seq), as a snapshot: up to there the archive is not whole."""

    __tablename__ = "archive_starts"

    at: Mapped[float]
    state: Mapped[str] = mapped_column(Packed)
