"""What the records hold of bulletins, notices and articles.

The words by which articles are found stand beside these, in a table of the database's own full-text search that each
database has in its own form (`SEARCH`, made by the migration): FTS5 on SQLite, tsvector with GIN on PostgreSQL.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, OfEntry, Structure

SEARCH = "article_words"
"""The table of words. Its name begins the names of all that the database keeps with it."""


class Bulletin(Base):
    """One bulletin to agents of some teams, or of all."""

    __tablename__ = "bulletins"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    teams: Mapped[list[str]] = mapped_column(Structure)
    until: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_by: Mapped[str] = mapped_column(default="")


class BulletinRead(Base):
    """An agent's receipt: the first instant at which the agent confirmed to have read it."""

    __tablename__ = "bulletin_reads"

    bulletin: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agent: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Notice(Base):
    """One incident notice to callers, and who ended it."""

    __tablename__ = "notices"
    __table_args__ = (Index(None, "since"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    prompt: Mapped[str]
    queues: Mapped[list[str]] = mapped_column(Structure)
    at: Mapped[datetime]
    by: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_by: Mapped[str] = mapped_column(default="")
    ended_reason: Mapped[str] = mapped_column(default="")


class Article(Base):
    """An article in its latest version. A removed one is found no more."""

    __tablename__ = "articles"
    __table_args__ = (Index(None, "kind", "queue"), Index(None, "saved_at"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(default="article")
    title: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    queue: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    callback: Mapped[bool] = mapped_column(default=False)
    ticket: Mapped[int | None] = mapped_column(default=None)
    created_at: Mapped[datetime | None] = mapped_column(default=None)
    created_by: Mapped[str] = mapped_column(default="")
    saved_at: Mapped[datetime | None] = mapped_column(default=None)
    saved_by: Mapped[str] = mapped_column(default="")
    removed_at: Mapped[datetime | None] = mapped_column(default=None)


class ArticleVersion(OfEntry, Base):
    """One version of an article, as it was saved. None is ever changed."""

    __tablename__ = "article_versions"
    __table_args__ = (Index(None, "article", "version"),)

    article: Mapped[int]
    version: Mapped[int]
    at: Mapped[datetime]
    title: Mapped[str]
    text: Mapped[str]
    by: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
