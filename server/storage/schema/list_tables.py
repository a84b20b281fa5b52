"""What the records hold of outbound lists: rules, lines with their proof of consent, and what came of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, Structure


class OutboundList(Base):
    """One list with its rules as it was created; `ended_at` is null while it may be called."""

    __tablename__ = "outbound_lists"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    purpose: Mapped[str]
    owner: Mapped[str]
    consent: Mapped[str]
    proof: Mapped[str]
    rules: Mapped[dict[str, Any]] = mapped_column(Structure)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    until: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="running")
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class OutboundLine(Base):
    """One line of a list, and the promise that it became lastly."""

    __tablename__ = "outbound_lines"
    __table_args__ = (Index(None, "number"), Index(None, "promise"))

    list: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    ref: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    proof: Mapped[str] = mapped_column(default="")
    loaded_at: Mapped[datetime | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default="waiting")
    promise: Mapped[int | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    why: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime | None] = mapped_column(default=None)
