"""Lists, newest first (agents by number), page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from server.storage.queries import serialise
from server.storage.queries.lists.asking import Ask, Asking, Wanted
from server.storage.queries.lists.calls import ANSWERED, CallFilter, recordings_of, wanted_calls
from server.storage.queries.lists.tickets import OF_AGENTS, filter_of, row_of, wanted_tickets
from server.storage.queries.paging import Page, check_limit, decode_cursor, encode_cursor

if TYPE_CHECKING:
    from server.storage.queries.lists.promises import PromiseFilter


class Lists:
    """Answers over one database. Every method opens and closes its own connection; use from any thread."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def calls(
        self, which: CallFilter | None = None, *, limit: int = 100, after: str | None = None, mask: bool = False
    ) -> Page:
        """Calls. Raises QueryError for an unknown outcome, a bad limit or cursor."""
        wanted = wanted_calls(which or CallFilter())
        with self._asking() as ask:
            calls, following = page(ask, wanted, "call", limit, after)
            recordings = recordings_of(ask, [call.id for call in calls])
        return Page([serialise.call(call, recordings[call.id], mask) for call in calls], following)

    def tickets(
        self,
        *,
        agents: frozenset[str] | None = None,
        limit: int = 100,
        after: str | None = None,
        **which: str | None,
    ) -> Page:
        """Tickets; only those that one of `agents` owns, or has answered a call of, where given.

        `which` are fields of `TicketFilter`. Raises QueryError for one that does not exist, for a value that none has,
        and for a bad limit or cursor.
        """
        now = datetime.now(UTC)
        wanted = wanted_tickets(filter_of(which), now, agents)
        with self._asking() as ask:
            tickets, following = page(ask, wanted, "ticket", limit, after)
        return Page([row_of(ticket, now) for ticket in tickets], following)

    def recordings(
        self,
        *,
        call: int | None = None,
        agent: str | None = None,
        agents: frozenset[str] | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page:
        """Closed recordings; only those of `agents` where given. Raises QueryError for a bad limit or cursor."""
        wanted = Wanted("SELECT * FROM recordings")
        wanted.equal(state="closed", call=call, agent=agent)
        if agents is not None:
            wanted.among("agent IN ({0})", agents, "of")
        with self._asking() as ask:
            found, following = page(ask, wanted, "recording", limit, after)
            tickets = _tickets_of(ask, {each.call for each in found if each.call is not None})
        return Page([serialise.recording(each, tickets.get(each.call)) for each in found], following)

    def promises(
        self, which: PromiseFilter | None = None, *, limit: int = 100, after: str | None = None, mask: bool = False
    ) -> Page:
        """Promises. Raises QueryError for an unknown state, a bad limit or cursor."""
        from server.storage.queries.lists import promises

        wanted = promises.wanted_promises(which or promises.PromiseFilter())
        with self._asking() as ask:
            found, following = page(ask, wanted, promises.KIND, limit, after)
        return Page([promises.promise_row(each, mask) for each in found], following)

    def agents(self, *, removed: bool = False) -> list[dict[str, Any]]:
        """All agents by number, as they are according to the records; removed ones only when asked for."""
        wanted = Wanted("SELECT * FROM agents")
        if not removed:
            wanted.where("removed_at IS NULL")
        with self._asking() as ask:
            return [serialise.agent(agent) for agent in wanted.rows(ask, "id")]

    def concerns(self, kind: str, number: int, agents: frozenset[str]) -> bool:
        """Whether this call, ticket or recording (`kind` in the plural) is one of these agents'."""
        condition = {"calls": f"id IN ({ANSWERED})", "tickets": OF_AGENTS, "recordings": "agent IN ({0})"}[kind]
        wanted = Wanted(f"SELECT id FROM {kind}")
        wanted.equal(id=number)
        wanted.among(condition, agents, "of")
        with self._asking() as ask:
            return bool(wanted.rows(ask, "id"))


def page(ask: Ask, wanted: Wanted, kind: str, limit: int, after: str | None) -> tuple[list[Any], str | None]:
    """(rows with the greatest ids first, cursor of the page after them or None)."""
    check_limit(limit)
    if after is not None:
        wanted.where("id < :after", after=decode_cursor(kind, after))
    rows = wanted.rows(ask, "id DESC", limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return rows, encode_cursor(kind, rows[-1].id) if more else None


def _tickets_of(ask: Ask, calls: set[int]) -> dict[int, int | None]:
    if not calls:
        return {}
    wanted = Wanted("SELECT id, ticket FROM calls")
    wanted.among("id IN ({0})", calls, "call")
    return {row.id: row.ticket for row in wanted.rows(ask, "id")}
