"""What is to be sent to other systems, and the links of tickets to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, Structure


class Webhook(Base):
    """One subscription that holds; `types` are separated by spaces."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    types: Mapped[str] = mapped_column(default="")
    whole_numbers: Mapped[bool] = mapped_column(default=False)
    removed: Mapped[bool] = mapped_column(default=False)


class WebhookMessage(Base):
    """One event that a subscription is still to be told of; (ms, seq) is its entry in the log. `dead`: given up."""

    __tablename__ = "webhook_messages"
    __table_args__ = (Index(None, "webhook", "dead", "ms", "seq"),)

    webhook: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]] = mapped_column(Structure)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    dead: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str] = mapped_column(default="")


class TicketLink(Base):
    """The ticket in another system that owns this matter."""

    __tablename__ = "ticket_links"

    ticket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    system: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime | None] = mapped_column(default=None)
    owns: Mapped[str] = mapped_column(default="", server_default="")
    """What of the ticket only that system may change, with a space between."""
