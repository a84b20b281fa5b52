"""The outbox of webhooks: messages that are to be sent, in the order of the log; those that were given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from server.storage.database import Database
from server.storage.notation import iso
from server.storage.projections.rows import entry_key
from server.storage.queries.paging import Page, QueryError, page_of_entries
from server.storage.queries.ticket_links import ticket_links
from server.storage.schema.webhook_tables import Webhook, WebhookMessage

DEAD_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `id` is that of its entry in the log; `due_at` is None for one that was never tried."""

    webhook: int
    id: str
    type: str
    at: datetime
    data: dict[str, Any]
    attempts: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one subscription has not received. `since` is the instant of the oldest that waits, `problem` its fault."""

    webhook: int
    waiting: int
    dead: int
    since: datetime | None
    problem: str


class Outbox:
    """Over one database. Every method has its own transaction; use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heads(self, webhooks: Collection[int]) -> list[Message]:
        """The oldest message that waits, of each of these subscriptions."""
        found: list[WebhookMessage] = []
        with Session(self._database.read) as session:
            for webhook in sorted(webhooks):
                found += session.scalars(_waiting(webhook).limit(1)).all()
            return [_message(each) for each in found]

    def next(self, webhook: int, count: int) -> list[Message]:
        """The oldest messages that wait."""
        with Session(self._database.read) as session:
            return [_message(each) for each in session.scalars(_waiting(webhook).limit(count))]

    def sent(self, message: Message) -> None:
        """The receiver has it."""
        with Session(self._database.write) as session, session.begin():
            session.execute(delete(WebhookMessage).where(_is(message)))

    def failed(self, message: Message, due_at: datetime | None, problem: str) -> None:
        """The receiver has not taken it: try again at `due_at`, or (None) never."""
        values = {"attempts": message.attempts + 1, "due_at": due_at, "dead": due_at is None, "problem": problem[:300]}
        with Session(self._database.write) as session, session.begin():
            session.execute(update(WebhookMessage).where(_is(message)).values(**values))

    def dead(self, webhook: int, limit: int, after: str | None = None) -> Page:
        """Messages that were given up, newest first. Raises QueryError for a bad limit or cursor."""
        wanted = select(WebhookMessage).where(WebhookMessage.webhook == webhook, WebhookMessage.dead)
        with Session(self._database.read) as session:
            rows, following = page_of_entries(session, wanted, WebhookMessage, "dead letter", limit, after)
            items = [
                {
                    "id": f"{each.ms}-{each.seq}",
                    "type": each.type,
                    "at": iso(each.at),
                    "attempts": each.attempts,
                    "problem": each.problem,
                    "data": each.data,
                }
                for each in rows
            ]
            return Page(items, following)

    def resend(self, webhook: int, message: str = "") -> int:
        """Let messages that were given up be sent again, in their order: one, or all; how many they are.

        Raises QueryError for what is no id of a message.
        """
        which = [WebhookMessage.webhook == webhook, WebhookMessage.dead]
        if message:
            try:
                ms, seq = entry_key(message)
            except ValueError:
                raise QueryError(f"{message[:40]} is no id of a message: see `sansheng webhook dead`") from None
            which += [WebhookMessage.ms == ms, WebhookMessage.seq == seq]
        with Session(self._database.write) as session, session.begin():
            done = session.execute(
                update(WebhookMessage).where(*which).values(dead=False, attempts=0, due_at=None, problem="")
            )
            return int(getattr(done, "rowcount", 0))

    def hurry(self, webhook: int) -> None:
        """Try again at once."""
        mine = update(WebhookMessage).where(WebhookMessage.webhook == webhook, ~WebhookMessage.dead)
        with Session(self._database.write) as session, session.begin():
            session.execute(mine.values(due_at=None, attempts=0))

    def ticket_links(self, ticket: int) -> list[dict[str, Any]]:
        """The ticket in other systems, by the system's name."""
        with Session(self._database.read) as session:
            return ticket_links(session, ticket)

    def backlog(self) -> Sequence[Backlog]:
        """Of each subscription that has not received everything."""
        table = WebhookMessage
        counted = select(table.webhook, table.dead, func.count(), func.min(table.at)).group_by(
            table.webhook, table.dead
        )
        with Session(self._database.read) as session:
            counts: dict[int, dict[bool, tuple[int, datetime | None]]] = {}
            for webhook, dead, count, oldest in session.execute(counted):
                counts.setdefault(webhook, {})[bool(dead)] = (count, oldest)
            found: list[Backlog] = []
            nothing: tuple[int, datetime | None] = (0, None)
            for webhook, each in sorted(counts.items()):
                waiting, since = each.get(False, nothing)
                head = session.scalars(_waiting(webhook).limit(1)).first()
                problem = head.problem if head is not None else ""
                found.append(Backlog(webhook, waiting, each.get(True, nothing)[0], since, problem))
            return found

    def purge(self) -> None:
        """Drop what belongs to removed subscriptions, and what was given up long ago."""
        removed = select(Webhook.id).where(Webhook.removed)
        old = WebhookMessage.dead & (WebhookMessage.at < datetime.now(UTC) - DEAD_KEPT)
        with Session(self._database.write) as session, session.begin():
            session.execute(delete(WebhookMessage).where(WebhookMessage.webhook.in_(removed) | old))


def _waiting(webhook: int) -> Any:
    waiting = select(WebhookMessage).where(WebhookMessage.webhook == webhook, ~WebhookMessage.dead)
    return waiting.order_by(WebhookMessage.ms, WebhookMessage.seq)


def _is(message: Message) -> ColumnElement[bool]:
    ms, seq = entry_key(message.id)
    table = WebhookMessage
    return (table.webhook == message.webhook) & (table.ms == ms) & (table.seq == seq)


def _message(row: WebhookMessage) -> Message:
    return Message(row.webhook, f"{row.ms}-{row.seq}", row.type, row.at, row.data, row.attempts, row.due_at)
