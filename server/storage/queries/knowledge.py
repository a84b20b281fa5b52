"""How articles are found: one question for both databases, whose words are cut and coded alike (`knowledge.grams`).

SQLite's trigram index finds no word of two characters, and LIKE on it finds nothing without saying so; PostgreSQL has
no cut for Chinese. So both get words that are cut already, in letters that no tokenizer changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, select, text
from sqlalchemy.orm import Session

from knowledge.grams import coded, question
from server.storage.queries.paging import Page, check_limit, iso, page_of
from server.storage.schema.knowledge_tables import Article, ArticleVersion

_FOUND = {
    "postgresql": "articles.id IN (SELECT id FROM article_words WHERE {column} @@ CAST(:asked AS tsquery))",
    "sqlite": "articles.id IN (SELECT rowid FROM article_words WHERE article_words MATCH :asked)",
}


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles. `queue` also finds those for every queue; `callback` tells scripts of callback mode apart."""

    kind: str | None = None
    queue: str | None = None
    category: str | None = None
    callback: bool | None = None
    ticket: int | None = None


class KnowledgeQueries:
    """Answers over one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._dialect = engine, engine.dialect.name

    def page(self, which: ArticleFilter, *, limit: int = 100, after: str | None = None) -> Page:
        """Articles without their texts, newest first. Raises QueryError for a bad limit or cursor."""
        with Session(self._engine) as session:
            rows, following = page_of(session, _wanted(which), Article.id, "article", limit, after)
            return Page([article(row) for row in rows], following)

    def search(self, asked: str, which: ArticleFilter, *, limit: int = 20) -> list[dict[str, Any]]:
        """The articles in which all words of the question stand: those with them in the title first, then the newest.

        Nothing where the question has no word. Raises QueryError for a bad limit.
        """
        check_limit(limit)
        parts = question(asked)
        if not parts:
            return []
        with Session(self._engine) as session:
            rows: dict[int, Article] = {}
            for column in ("title", "body"):
                found = text(_FOUND[self._dialect].format(column=column))
                wanted = _wanted(which).where(found).params(asked=self._asked(column, parts))
                for row in session.scalars(wanted.order_by(Article.id.desc()).limit(limit)):
                    rows.setdefault(row.id, row)
            return [article(row) | {"excerpt": excerpt(row.text, asked)} for row in list(rows.values())[:limit]]

    def show(self, number: int) -> dict[str, Any] | None:
        """One article with its text and its versions; None when there is none, or it was removed."""
        with Session(self._engine) as session:
            row = session.get(Article, number)
            if row is None or row.removed_at is not None:
                return None
            versions = session.scalars(
                select(ArticleVersion).where(ArticleVersion.article == number).order_by(ArticleVersion.version.desc())
            )
            history = [
                {"version": each.version, "at": iso(each.at), "by": each.by or None, "reason": each.reason or None}
                for each in versions
            ]
            return article(row) | {"text": row.text, "versions": history}

    def version(self, number: int, version: int) -> str | None:
        """The text of a version; None when there is none."""
        with Session(self._engine) as session:
            wanted = select(ArticleVersion.text).where(ArticleVersion.article == number)
            return session.scalars(wanted.where(ArticleVersion.version == version)).first()

    def _asked(self, column: str, parts: list[str]) -> str:
        """The question as the database has it."""
        beginnings = [(coded(each.rstrip("*")), each.endswith("*")) for each in parts]
        if self._dialect == "postgresql":
            return " & ".join(f"{word}:*" if begins else word for word, begins in beginnings)
        all_words = " ".join(f"{word}*" if begins else word for word, begins in beginnings)
        return f"{column} : ({all_words})"


def excerpt(written: str, asked: str, longest: int = 80) -> str:
    """The place of a text where the question's first characters stand, else its beginning."""
    plain = " ".join(written.split())
    at = plain.casefold().find(asked.strip().casefold()[:20])
    start = max(0, at - longest // 4)
    cut = plain[start : start + longest]
    return f"{'…' if start else ''}{cut}{'…' if start + longest < len(plain) else ''}"


def _wanted(which: ArticleFilter) -> Select[Any]:
    wanted = select(Article).where(Article.removed_at.is_(None))
    if which.kind is not None:
        wanted = wanted.where(Article.kind == which.kind)
    if which.queue is not None:
        wanted = wanted.where(Article.queue.in_((which.queue, "")))
    if which.category is not None:
        wanted = wanted.where(Article.category.in_((which.category, "")))
    if which.callback is not None:
        wanted = wanted.where(Article.callback == which.callback)
    if which.ticket is not None:
        wanted = wanted.where(Article.ticket == which.ticket)
    return wanted


def article(row: Article) -> dict[str, Any]:
    """An article as lists show it, without its text."""
    return {
        "id": row.id,
        "version": row.version,
        "kind": row.kind,
        "title": row.title,
        "queue": row.queue or None,
        "category": row.category or None,
        "callback": row.callback,
        "ticket": row.ticket,
        "created_at": iso(row.created_at),
        "created_by": row.created_by or None,
        "saved_at": iso(row.saved_at),
        "saved_by": row.saved_by or None,
    }
