"""Which calls a list has, and the recordings that stand with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from server.storage.projections.outcome import Outcome
from server.storage.queries.lists.asking import Ask, Wanted
from server.storage.queries.paging import QueryError

ANSWERED = "SELECT call FROM segments WHERE agent IN ({0}) AND answered_at IS NOT NULL"
"""The calls that some agents answered."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls: those offered in [since, until), with this outcome, that reached this agent or this queue.

    `agents`: that one of these answered.
    """

    since: datetime | None = None
    until: datetime | None = None
    outcome: str | None = None
    agent: str | None = None
    queue: str | None = None
    caller: str | None = None
    direction: str | None = None
    agents: frozenset[str] | None = None


def wanted_calls(which: CallFilter) -> Wanted:
    """The statement. Raises QueryError for an unknown outcome."""
    if which.outcome is not None and which.outcome not in set(Outcome):
        raise QueryError(f"{which.outcome!r} is not an outcome; the outcomes are {', '.join(Outcome)}")
    wanted = Wanted("SELECT * FROM calls")
    wanted.between("offered_at", which.since, which.until)
    wanted.equal(outcome=which.outcome, queue=which.queue, caller=which.caller, direction=which.direction)
    if which.agent is not None:
        wanted.among(f"id IN ({ANSWERED})", (which.agent,), "agent")
    if which.agents is not None:
        wanted.among(f"id IN ({ANSWERED})", which.agents, "of")
    return wanted


def recordings_of(ask: Ask, calls: Collection[int]) -> dict[int, list[int]]:
    """Call → its closed recordings, for those that have any; an empty list for the others."""
    found: dict[int, list[int]] = defaultdict(list)
    if calls:
        wanted = Wanted("SELECT call, id FROM recordings")
        wanted.among("call IN ({0})", calls, "call")
        wanted.equal(state="closed")
        for row in wanted.rows(ask, "id"):
            found[row.call].append(row.id)
    return found
