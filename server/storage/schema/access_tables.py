"""What the records hold of access: tokens, users, and the audit of privileged acts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base


class AccessToken(Base):
    """One access token, known by its digest (SHA-256 in hexadecimal); `scopes` are separated by spaces."""

    __tablename__ = "access_tokens"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")
    scopes: Mapped[str] = mapped_column(default="")
    digest: Mapped[str] = mapped_column(default="")
    issued_at: Mapped[datetime | None] = mapped_column(default=None)
    issued_by: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_by: Mapped[str] = mapped_column(default="")


class User(Base):
    """One user, without the password's digest; `teams` stand in lines."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    display: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")
    teams: Mapped[str] = mapped_column(default="")
    department: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    must_change: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime | None] = mapped_column(default=None)
    added_by: Mapped[str] = mapped_column(default="")
    password_at: Mapped[datetime | None] = mapped_column(default=None)


class AuditEntry(Base):
    """One privileged act that was done: which, by which person in which role, from where, on what, and why."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at"), Index(None, "by"))

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    at: Mapped[datetime]
    act: Mapped[str]
    by: Mapped[str]
    role: Mapped[str]
    origin: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str]
