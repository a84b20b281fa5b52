"""What the API reads: the records' queries, asked from the loop and answered from a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from acd.callbacks.engine import Callbacks
from server.storage.customer_reader import CustomerReader
from server.storage.figures.counts import Counts
from server.storage.integrity import Integrity, Store
from server.storage.knowledge_reader import KnowledgeReader
from server.storage.projections.contributions import Key
from server.storage.projector_loop import ProjectorLoop
from server.storage.queries.agent_day import agent_day
from server.storage.queries.callbacks import merged, promise_detail
from server.storage.queries.chain import ChainEnd, chain_end
from server.storage.queries.lists.calls import CallFilter
from server.storage.queries.lists.promises import PromiseFilter
from server.storage.queries.live_counts import counts_since
from server.storage.queries.paging import Page, QueryError
from server.storage.queries.quality import QualityQueries
from server.storage.queries.records import Queries

_Answer = TypeVar("_Answer")
_LAG = 2.0
"""Seconds for which an answer to a change waits until the records show it."""


class Records:
    """`position` gives the id of the last log entry played here."""

    def __init__(self, engine: Engine, following: ProjectorLoop, position: Callable[[], str]) -> None:
        self._engine = engine
        self._queries, self._following, self._position = Queries(engine), following, position
        self._engine = engine
        self.customers = CustomerReader(engine)
        self.knowledge = KnowledgeReader(engine)

    async def quality(self, ask: Callable[[QualityQueries], _Answer]) -> _Answer:
        """What this question to the records of quality assurance is answered. Raises QueryError."""
        try:
            return await asyncio.to_thread(ask, self._queries.quality)
        except OverflowError as error:
            raise QueryError(str(error)) from None

    async def caught_up(self) -> None:
        """Wait, not for ever, until the records show what has happened up to now."""
        await asyncio.to_thread(self._following.wait_for, self._position(), _LAG)

    async def page(
        self,
        kind: str,
        filters: Mapping[str, str],
        limit: int,
        cursor: str | None,
        *,
        mask: bool = False,
        agents: frozenset[str] | None = None,
    ) -> dict[str, Any]:
        """One page of a list of calls, tickets, recordings, agents or audit entries; numbers are masked if wanted.

        Only what is `agents`', where given. Raises QueryError with a sentence for a filter that does not exist or fit.
        """
        try:
            page = await asyncio.to_thread(self._page, kind, dict(filters), limit, cursor, mask, agents)
        except (ValueError, TypeError, OverflowError) as error:
            raise QueryError(str(error)) from None
        return {"items": page.items, "next": page.next}

    def _page(
        self,
        kind: str,
        filters: dict[str, str],
        limit: int,
        cursor: str | None,
        mask: bool,
        agents: frozenset[str] | None,
    ) -> Page:
        match kind:
            case "calls":
                which = replace(_which(filters), agents=agents)
                return self._queries.call_list(which, limit=limit, after=cursor, mask=mask)
            case "tickets":
                return self._queries.ticket_list(**filters, agents=agents, limit=limit, after=cursor)
            case "recordings":
                call = filters.pop("call", None)
                number = int(call) if call else None
                return self._queries.recording_list(call=number, **filters, agents=agents, limit=limit, after=cursor)
            case "audit":
                return self._queries.audit_list(**filters, limit=limit, after=cursor)
            case _:
                return Page(self._queries.agent_list(), None)

    async def one(self, kind: str, number: int, *, mask: bool = False) -> dict[str, Any] | None:
        """One call, ticket or recording (`kind` in the plural), or None; telephone numbers are masked if wanted."""
        readers: dict[str, Callable[[int], dict[str, Any] | None]] = {
            "calls": partial(self._queries.call_show, mask=mask),
            "tickets": partial(self._queries.ticket_show, mask=mask),
            "recordings": self._queries.recording_show,
        }
        return await asyncio.to_thread(readers[kind], number)

    def integrity(self, store: Store) -> Integrity:
        """What compares these records with the files of a store."""
        return Integrity(self._engine, store)

    async def agent_day(self, agent: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """The agent's times in one state within [since, until), in order."""
        return await asyncio.to_thread(agent_day, self._engine, agent, since, until)

    async def counts_since(self, slot: int) -> list[tuple[Key, Counts]]:
        """What was counted of calls and of agents' legs, from this slot of a quarter of an hour on."""
        return await asyncio.to_thread(counts_since, self._engine, slot)

    async def chain_end(self, day: date) -> ChainEnd:
        """One day's chain as it is now."""
        return await asyncio.to_thread(chain_end, self._engine, day)

    async def concerns(self, kind: str, number: int, agents: frozenset[str]) -> bool:
        """Whether this call, ticket or recording is one of these agents'."""
        return await asyncio.to_thread(self._queries.concerns, kind, number, agents)

    async def accused_of(self, calls: Sequence[int]) -> dict[int, str]:
        """Call → the agent whom its ticket accuses, for the calls that have one."""
        return await asyncio.to_thread(self._queries.ticket_accused, calls)

    async def promises(
        self, which: dict[str, Any], limit: int, cursor: str | None, mask: bool, callbacks: Callbacks | None
    ) -> dict[str, Any]:
        """One page of promises, as callback mode has them if it is given. Raises QueryError as `page`."""
        wanted = PromiseFilter(**which)
        try:
            page = await asyncio.to_thread(
                self._queries.callbacks.promise_list, wanted, limit=limit, after=cursor, mask=mask
            )
        except OverflowError as error:
            raise QueryError(str(error)) from None
        if callbacks is not None:
            page = merged(page, wanted, callbacks.promises(), callbacks.promise, limit=limit, cursor=cursor, mask=mask)
        return {"items": page.items, "next": page.next}

    async def promise(self, number: int, mask: bool, callbacks: Callbacks | None) -> dict[str, Any] | None:
        """One promise with its attempts, as callback mode has it if it is given; or None."""
        view = None if callbacks is None else callbacks.promise(number)
        if view is not None:
            await self.caught_up()  # what the state follows from is in the history
        found = await asyncio.to_thread(self._queries.callbacks.promise_show, number, mask=mask)
        return found if view is None else promise_detail(view, found["history"] if found else (), mask)

    async def modes(self, scope: str | None, limit: int, cursor: str | None = None) -> dict[str, Any]:
        """What callback mode was, newest first: one page."""
        page = await asyncio.to_thread(self._queries.callbacks.mode_history, scope, limit=limit, after=cursor)
        return {"items": page.items, "next": page.next}

    async def callback_report(self, day: date, zone: ZoneInfo, interval: int, queue: str | None) -> dict[str, Any]:
        """The figures of one day. Raises QueryError for an interval that divides no day."""
        return await asyncio.to_thread(self._queries.callbacks.report, day, zone, interval=interval, queue=queue)

    async def asked(self, question: Callable[..., _Answer], *args: Any, **named: Any) -> _Answer:
        """What this question to the records' engine answers, from a thread. Raises what it raises."""
        return await asyncio.to_thread(question, self._engine, *args, **named)


def _which(filters: dict[str, str]) -> CallFilter:
    times = {key: datetime.fromisoformat(filters[key]) for key in ("since", "until") if key in filters}
    words: dict[str, Any] = {key: value for key, value in filters.items() if key not in times}
    return replace(CallFilter(since=times.get("since"), until=times.get("until")), **words)
