"""The words by which an article is found, as the database's own full-text search takes them."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from knowledge.grams import coded, words

_PUT = {
    "postgresql": (
        "INSERT INTO article_words (id, title, body) VALUES (:id, CAST(:title AS tsvector), CAST(:body AS tsvector)) "
        "ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body"
    ),
    "sqlite": "INSERT OR REPLACE INTO article_words (rowid, title, body) VALUES (:id, :title, :body)",
}
_FORGET = {
    "postgresql": "DELETE FROM article_words WHERE id = :id",
    "sqlite": "DELETE FROM article_words WHERE rowid = :id",
}


def put_words(session: Session, number: int, title: str, body: str) -> None:
    """Let the article be found by the words of its title and its text."""
    named, said = words(title), words(body)
    values = {"id": number, "title": _all(named), "body": _all([*named, *said])}
    session.execute(text(_PUT[session.get_bind().dialect.name]), values)


def forget_words(session: Session, number: int) -> None:
    """Let the article be found no more."""
    session.execute(text(_FORGET[session.get_bind().dialect.name]), {"id": number})


def _all(found: list[str]) -> str:
    return " ".join(dict.fromkeys(coded(each) for each in found))
