"""What the records hold of a ticket's rounds: limits and when they were met, one row a round, so that reports can count
what was due in a period whatever happened to the ticket later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base


class TicketRound(Base):
    """One round of a ticket. `satisfied` is the answer of the follow-up that ended it; null: it is not over.

    A round that was resolved without a dispatch was settled at the first desk.
    """

    __tablename__ = "ticket_rounds"

    ticket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[datetime | None] = mapped_column(default=None)
    grade: Mapped[str] = mapped_column(default="general")
    department: Mapped[str] = mapped_column(default="")
    dispatches: Mapped[int] = mapped_column(default=0)
    wrong_dispatches: Mapped[int] = mapped_column(default=0)
    respond_by: Mapped[datetime | None] = mapped_column(default=None)
    responded_at: Mapped[datetime | None] = mapped_column(default=None)
    resolve_by: Mapped[datetime | None] = mapped_column(default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    satisfied: Mapped[bool | None] = mapped_column(default=None)
