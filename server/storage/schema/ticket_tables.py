"""What the records hold of a ticket's rounds and dispatches: one row each, so that reports can count what was due,
settled or wrongly sorted in a period whatever happened to the ticket later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, Structure


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
    followed_up_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    satisfied: Mapped[bool | None] = mapped_column(default=None)
    queue: Mapped[str] = mapped_column(default="", server_default="")
    category: Mapped[str] = mapped_column(default="", server_default="")
    answers: Mapped[list[dict[str, Any]] | None] = mapped_column(Structure, default=None)
    """What the customer answered in the follow-up call: `question`, `answer`, `call`, `at` (UTC epoch seconds)."""


class TicketDispatch(Base):
    """One dispatch of a ticket. `wrong`: the dispatcher put it right before anybody had acknowledged it."""

    __tablename__ = "ticket_dispatches"

    ticket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1 in a ticket, over all its rounds."""
    at: Mapped[datetime]
    department: Mapped[str]
    by: Mapped[str]
    round: Mapped[int] = mapped_column(default=1)
    wrong: Mapped[bool] = mapped_column(default=False)
    queue: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
