"""What the records know of a caller: the latest calls and tickets of all numbers of the customer, and a script.

Read once for each call, when it is offered to an agent, beside everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from server.storage.queries.knowledge import ArticleFilter
from server.web.live.personal_rows import Earlier, OpenTicket, Script

MOST = 10
"""Calls and tickets that are shown."""
MOST_NUMBERS = 4
"""Numbers of one customer that are looked for."""
_CLOSED = "closed"


class Articles(Protocol):
    """The knowledge base."""

    async def page(self, which: ArticleFilter, limit: int, cursor: str | None) -> dict[str, Any]:
        """Articles, newest first."""

    async def show(self, article: int) -> dict[str, Any] | None:
        """One article with its text."""


class CallerRecords(Protocol):
    """The records, as far as they are asked about a caller."""

    knowledge: Any

    async def page(self, kind: str, filters: dict[str, str], limit: int, cursor: str | None) -> dict[str, Any]:
        """One page of a list, newest first."""


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """What the records know."""

    earlier: tuple[Earlier, ...] = ()
    open_tickets: tuple[OpenTicket, ...] = ()
    script: Script | None = None


async def history_of(
    records: CallerRecords, call: int, numbers: Iterable[str], queue: str, category: str, *, callback: bool
) -> CustomerHistory:
    """The history of the customer with these numbers, without this call, and the script for the matter."""
    wanted = list(numbers)[:MOST_NUMBERS]
    asked = [records.page(kind, {"caller": number}, MOST, None) for kind in ("calls", "tickets") for number in wanted]
    found, script = await asyncio.gather(
        asyncio.gather(*asked), _script(records.knowledge, queue, category, callback=callback)
    )
    calls = [row for page in found[: len(wanted)] for row in page["items"] if row["id"] != call]
    tickets = [row for page in found[len(wanted) :] for row in page["items"]]
    earlier = [*map(_call, calls), *map(_ticket, tickets)]
    earlier.sort(key=lambda each: each.at or "", reverse=True)
    standing = sorted((row for row in tickets if row["state"] != _CLOSED), key=lambda row: -row["id"])
    return CustomerHistory(tuple(earlier[:MOST]), tuple(map(_open, standing[:MOST])), script)


async def _script(articles: Articles, queue: str, category: str, *, callback: bool) -> Script | None:
    """The script for this matter: the one of the category before that of the queue, before one for all."""
    page = await articles.page(
        ArticleFilter(kind="script", queue=queue, category=category, callback=callback), 50, None
    )
    fits = sorted(page["items"], key=lambda row: (row["category"] is None, row["queue"] is None, -row["id"]))
    article = await articles.show(fits[0]["id"]) if fits else None
    return Script(id=article["id"], title=article["title"], text=article["text"]) if article else None


def _call(row: dict[str, Any]) -> Earlier:
    return Earlier(
        kind="call",
        id=row["id"],
        at=row["offered_at"],
        queue=row["queue"] or "",
        category=row["category"] or "",
        agent=row["agent"] or "",
        outcome=row["outcome"] or "",
        state="",
        grade="",
    )


def _ticket(row: dict[str, Any]) -> Earlier:
    return Earlier(
        kind="ticket",
        id=row["id"],
        at=row["opened_at"],
        queue="",
        category=row["confirmed"] or row["category"] or "",
        agent=row["owner"] or "",
        outcome="",
        state=row["state"],
        grade=row["grade"],
    )


def _open(row: dict[str, Any]) -> OpenTicket:
    return OpenTicket(
        id=row["id"],
        state=row["state"],
        grade=row["grade"],
        category=row["confirmed"] or row["category"] or "",
        opened_at=row["opened_at"],
        department=row["department"] or "",
        resolve_by=row["resolve_by"],
    )
