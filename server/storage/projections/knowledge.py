"""From a log entry to rows: bulletins, notices, and articles with the words by which they are found."""

from __future__ import annotations

import knowledge.events as knowledge
from server.eventlog.log import Entry
from server.storage.projections.article_words import forget_words, put_words
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.knowledge_tables import Article, ArticleVersion, Bulletin, BulletinRead, Notice

RULES = Rules()


@RULES.on(knowledge.BulletinPosted)
def _(event: knowledge.BulletinPosted, entry: Entry, rows: Rows) -> None:
    rows.add(
        Bulletin(
            id=event.bulletin,
            title=event.title,
            text=event.text,
            at=utc(entry.at),
            by=event.by,
            teams=list(event.teams),
            until=None if event.until is None else utc(event.until),
        )
    )


@RULES.on(knowledge.BulletinRead)
def _(event: knowledge.BulletinRead, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    if rows.session.get(BulletinRead, (event.bulletin, event.agent)) is None:
        rows.add(BulletinRead(bulletin=event.bulletin, agent=event.agent, at=utc(entry.at)))


@RULES.on(knowledge.BulletinWithdrawn)
def _(event: knowledge.BulletinWithdrawn, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    row = rows.session.get(Bulletin, event.bulletin)
    if row is not None and row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by = utc(entry.at), event.by


@RULES.on(knowledge.NoticePosted)
def _(event: knowledge.NoticePosted, entry: Entry, rows: Rows) -> None:
    rows.add(
        Notice(
            id=event.notice,
            text=event.text,
            prompt=event.prompt,
            queues=list(event.queues),
            at=utc(entry.at),
            by=event.by,
            since=utc(event.since),
            until=None if event.until is None else utc(event.until),
        )
    )


@RULES.on(knowledge.NoticeEnded)
def _(event: knowledge.NoticeEnded, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    row = rows.session.get(Notice, event.notice)
    if row is not None and row.ended_at is None:
        row.ended_at, row.ended_by, row.ended_reason = utc(entry.at), event.by, event.reason


@RULES.on(knowledge.ArticleSaved)
def _(event: knowledge.ArticleSaved, entry: Entry, rows: Rows) -> None:
    session, at = rows.session, utc(entry.at)
    session.flush()
    row = session.get(Article, event.article)
    if row is None:
        row = Article(id=event.article, created_at=at, created_by=event.by)
        session.add(row)
    row.version, row.kind, row.title, row.text = event.version, event.kind, event.title, event.text
    row.queue, row.category, row.callback, row.ticket = event.queue, event.category, event.callback, event.ticket
    row.saved_at, row.saved_by, row.removed_at = at, event.by, None
    ms, seq = entry_key(entry.id)
    version = ArticleVersion(
        ms=ms,
        seq=seq,
        article=event.article,
        version=event.version,
        at=at,
        title=event.title,
        text=event.text,
        by=event.by,
        reason=event.reason,
    )
    session.add(version)
    put_words(session, event.article, event.title, event.text)


@RULES.on(knowledge.ArticleRemoved)
def _(event: knowledge.ArticleRemoved, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    row = rows.session.get(Article, event.article)
    if row is not None:
        row.removed_at = utc(entry.at)
        forget_words(rows.session, event.article)
