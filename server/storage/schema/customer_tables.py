"""What the records hold of customers: files, marks, and checks of identity. Digits that were keyed are nowhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, OfEntry, Structure


class Customer(Base):
    """One customer's file as it is. `numbers` are canonical; a removed file keeps its id alone."""

    __tablename__ = "customers"
    __table_args__ = (Index(None, "name"), Index(None, "customer_class"), Index(None, "ref"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ref: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    numbers: Mapped[list[str]] = mapped_column(Structure, default_factory=list)
    customer_class: Mapped[str] = mapped_column(default="")
    region: Mapped[str] = mapped_column(default="")
    registered_on: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    identity_kept: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime | None] = mapped_column(default=None)
    changed_at: Mapped[datetime | None] = mapped_column(default=None)
    changed_by: Mapped[str] = mapped_column(default="")
    removed_at: Mapped[datetime | None] = mapped_column(default=None)


class CustomerMark(OfEntry, Base):
    """One mark on one canonical number. `until` is its end, null without one; lifted marks keep who lifted them."""

    __tablename__ = "customer_marks"
    __table_args__ = (Index(None, "number"), Index(None, "mark", "state"))

    number: Mapped[str]
    mark: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    until: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_by: Mapped[str] = mapped_column(default="")
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by: Mapped[str] = mapped_column(default="")
    lifted_reason: Mapped[str] = mapped_column(default="")


class IdentityCheck(OfEntry, Base):
    """Digits that a caller gave fitted the customer's file or not; the digits are not kept."""

    __tablename__ = "identity_checks"
    __table_args__ = (Index(None, "call"), Index(None, "customer"))

    call: Mapped[int]
    customer: Mapped[int]
    at: Mapped[datetime]
    verified: Mapped[bool]
    by: Mapped[str] = mapped_column(default="")
