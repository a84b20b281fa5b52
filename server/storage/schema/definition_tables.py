"""What the records hold of the definitions: every version, and the texts that it changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base


class DefinitionVersion(Base):
    """One version. `how` is published, undone, by hand or found; `refused` says why it never held."""

    __tablename__ = "definition_versions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    how: Mapped[str] = mapped_column(default="published")
    restores: Mapped[int] = mapped_column(default=0)
    node: Mapped[str] = mapped_column(default="")
    refused: Mapped[str] = mapped_column(default="")


class DefinitionText(Base):
    """The text that a version gave a part; None: the product's own."""

    __tablename__ = "definition_texts"
    __table_args__ = (Index(None, "part", "version"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    part: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str | None] = mapped_column(default=None)
