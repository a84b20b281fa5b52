"""Lists are one statement each, answered alike by the server's engine and by a plain connection of the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import acd.callbacks.events as callback
import acd.events as acd
from acd.callbacks.states import PromiseState, PromiseView
from acd.policy.definitions import Skill
from server.eventlog.derived_events import PromiseNoted
from server.storage.database import open_database
from server.storage.projector import Projector
from server.storage.queries.lists.asking import INSTANTS, STRUCTURES, of_engine, of_url
from server.storage.queries.lists.calls import CallFilter
from server.storage.queries.lists.lists import Lists
from server.storage.queries.lists.promises import PromiseFilter
from server.storage.schema.callback_tables import Promise
from server.storage.schema.tables import Agent, Call, Recording, Structure, Ticket, UtcDateTime

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
TEAM = frozenset({"1001", "1002"})
LISTED = (Call, Ticket, Recording, Agent, Promise)
ASKED = {
    "calls": lambda lists: lists.calls(CallFilter(until=NOON, agents=TEAM), limit=1),
    "calls of the other agent": lambda lists: lists.calls(CallFilter(agent="1002", caller="1\0", direction="inbound")),
    "tickets": lambda lists: lists.tickets(
        state="new", category="attitude", overdue="false", since="2027-01-15T00:00:00+00:00", agents=TEAM
    ),
    "overdue tickets": lambda lists: lists.tickets(overdue="true", owner="1001"),
    "recordings": lambda lists: lists.recordings(agent="1001", agents=TEAM, after=lists.recordings(limit=1).next),
    "agents": lambda lists: lists.agents(),
    "removed agents": lambda lists: lists.agents(removed=True),
    "promises": lambda lists: lists.promises(PromiseFilter(state="pending", until=NOON, task=False), mask=True),
}


@pytest.fixture
def both(database_url, story):
    """The lists by an engine, and by a plain connection."""
    from server.storage.schema.migrate import migrate

    promise = PromiseView(
        1, "13800138000", "complaint", "attitude", "zh", PromiseState.PENDING, 0, story.now, story.now,
        story.now + 3600, story.now + 86_400, 0, None, 1, "asked", "queue",
    )  # fmt: skip
    story.tell(acd.AgentDefined("1001", "Wang", (Skill("complaint", 5),), ("A",)), acd.AgentDefined("1002", "Li", ()))
    story.tell(acd.AgentRemoved("1002"), acd.PhoneSeen("1001", True))
    story.whole_call(1)
    story.whole_call(2, agent="1002")
    story.tell(callback.PromiseAsked("13800138000", "complaint", "attitude", "queue", 1), PromiseNoted(promise))
    database = open_database(database_url)
    migrate(database.write)
    Projector(database.write).apply(story.entries)
    plain = of_url(database_url)
    assert plain is not None
    yield Lists(of_engine(database.read)), Lists(plain)
    database.dispose()


def test_every_list_is_the_same_by_the_engine_and_by_a_plain_connection(both) -> None:
    for name, asked in ASKED.items():
        by_engine, plainly = map(asked, both)
        assert by_engine == plainly, name
    calls, tickets, agents, promises = (ASKED[name](both[1]) for name in ("calls", "tickets", "agents", "promises"))
    assert [call["id"] for call in calls.items] == [2]
    assert calls.next is not None
    assert [ticket["state"] for ticket in tickets.items] == ["new"] * len(tickets.items) != []
    assert [(agent["skills"], agent["teams"], agent["phone"]) for agent in agents] == [
        ({"complaint": 5}, ["A"], "reachable")
    ]
    assert [promise["number"] for promise in promises.items] == ["138****8000"]


def test_columns_are_read_as_the_tables_have_them() -> None:
    columns = [column for table in LISTED for column in table.__table__.columns]
    instants = {column.name for column in columns if isinstance(column.type, UtcDateTime)}
    assert instants == INSTANTS
    assert {column.name for column in columns if isinstance(column.type, type(Structure))} >= STRUCTURES
    assert not {column.name for column in columns if not isinstance(column.type, UtcDateTime)} & INSTANTS


def test_a_url_that_only_sqlalchemy_reads_is_left_to_it() -> None:
    for url in ("sqlite:////tmp/a.db?mode=ro", "postgresql+psycopg://user@host/name", "sqlite://"):
        assert of_url(url) is None
