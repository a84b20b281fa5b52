"""What the records hold for reports: counts of each quarter of an hour, and the instants of each ticket."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base


class ReportCell(Base):
    """Of what counts are, in whatever slot: counts name it by its number, which takes a tenth of the room.

    `kind` says of what: call, agent, time, ticket, due, sorting, answer, recording, promise, score, alarm. `agent` is a
    department for tickets, a dispatcher for sorting, question and answer for answers. A column that says nothing is
    empty.
    """

    __tablename__ = "report_cells"
    __table_args__ = (UniqueConstraint("kind", "queue", "category", "agent"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    queue: Mapped[str]
    category: Mapped[str]
    agent: Mapped[str]


class ReportCount(Base):
    """What was counted in one slot of 15 minutes. `data` is a JSON object of whole numbers.

    `slot` is the slot's begin in epoch seconds, divided by 900.
    """

    __tablename__ = "report_counts"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[str] = mapped_column(Text)


class ReportBlock(Base):
    """What was counted in `BLOCK` slots together: their sum, so that a report of many days reads few rows.

    `block` is its first slot divided by `BLOCK`. Blocks begin with the epoch, in no zone: a day of any zone is made of
    whole blocks, and of slots at its edges.
    """

    __tablename__ = "report_blocks"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[str] = mapped_column(Text)


class TicketTimes(Base):
    """When what happened first to a ticket in its present round, and where it belongs in reports."""

    __tablename__ = "ticket_times"

    ticket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    queue: Mapped[str] = mapped_column(default="")
    business: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    department: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    dispatched_at: Mapped[datetime | None] = mapped_column(default=None)
    settled_at: Mapped[datetime | None] = mapped_column(default=None)


class Handover(Base):
    """The hand-over book of a shift, from the first signature on. `content` is the JSON that was signed."""

    __tablename__ = "handovers"

    team: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    state: Mapped[str]
    digest: Mapped[str]
    content: Mapped[str] = mapped_column(Text)
    outgoing: Mapped[str]
    outgoing_at: Mapped[datetime]
    outgoing_note: Mapped[str]
    incoming: Mapped[str] = mapped_column(default="")
    incoming_at: Mapped[datetime | None] = mapped_column(default=None)
    incoming_note: Mapped[str] = mapped_column(default="")


class Mail(Base):
    """A mail that is to be sent once. `id` says what it is of; `sent_at` is null as long as no server has taken it."""

    __tablename__ = "mails"

    id: Mapped[str] = mapped_column(primary_key=True)
    recipients: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    try_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
