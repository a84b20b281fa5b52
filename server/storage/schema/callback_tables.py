"""What the records hold of callback mode: promises, attempts to keep them, offers, and what the mode was when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, OfEntry

CONNECTED = "connected"
"""The outcome of an attempt in which an agent spoke with the customer."""


class Promise(Base):
    """One promise as it is, or was in the end. `call` is the one that keeps it or tried to lastly, `origin` the one in
    which it was asked for. `connected_at` is when agent and customer first spoke, `settled_at` when it came to an end.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        Index(None, "promised_at"),
        Index(None, "state", "promised_at"),
        Index(None, "number"),
        Index(None, "origin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(default="")
    queue: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    promised_at: Mapped[datetime | None] = mapped_column(default=None)
    queued_at: Mapped[datetime | None] = mapped_column(default=None)
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    connected_at: Mapped[datetime | None] = mapped_column(default=None)
    settled_at: Mapped[datetime | None] = mapped_column(default=None)
    priority: Mapped[int] = mapped_column(default=0)
    call: Mapped[int | None] = mapped_column(default=None)
    origin: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(default="")
    caller: Mapped[str] = mapped_column(default="")
    vip: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str] = mapped_column(default="")
    ticket: Mapped[int | None] = mapped_column(default=None)
    asked: Mapped[int] = mapped_column(default=1)
    task: Mapped[bool] = mapped_column(default=False)


class Attempt(OfEntry, Base):
    """One time the customer was dialled. `outcome` is connected, or how it ended otherwise; null while under way."""

    __tablename__ = "attempts"
    __table_args__ = (Index(None, "promise"), Index(None, "call"), Index(None, "started_at"))

    promise: Mapped[int]
    attempt: Mapped[int]
    call: Mapped[int]
    offer: Mapped[int]
    agent: Mapped[str]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)
    detail: Mapped[str] = mapped_column(default="")


class CallbackOffer(Base):
    """A caller was told, once, that they may be called back instead. `place` is entry, queue, or forced (on entry,
    while numbers are taken from everybody).
    """

    __tablename__ = "callback_offers"
    __table_args__ = (Index(None, "at"),)

    call: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    queue: Mapped[str]
    place: Mapped[str]
    at: Mapped[datetime]


class CallbackMode(OfEntry, Base):
    """Callback mode of one queue, or of "all", from `at` on, until the next row of the same scope."""

    __tablename__ = "callback_modes"
    __table_args__ = (Index(None, "scope", "at"),)

    scope: Mapped[str]
    mode: Mapped[str]
    active: Mapped[bool]
    full: Mapped[bool]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    who: Mapped[str]
    reason: Mapped[str]
    rule: Mapped[str]
    at: Mapped[datetime]
