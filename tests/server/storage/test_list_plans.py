"""No list reads a whole table and none sorts one: what a page costs does not grow with the register."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import event

from server.storage.database import open_database
from server.storage.queries.records import CallFilter, Queries

TEAM = frozenset({"1001", "1002"})
LISTS = {
    "calls by queue": lambda records: records.call_list(CallFilter(queue="orders")),
    "calls by outcome": lambda records: records.call_list(CallFilter(outcome="message")),
    "calls by agent": lambda records: records.call_list(CallFilter(agent="1001")),
    "calls of a team": lambda records: records.call_list(CallFilter(agents=TEAM)),
    "calls by caller": lambda records: records.call_list(CallFilter(caller="13800138000")),
    "tickets by state": lambda records: records.ticket_list(state="new"),
    "recordings by agent": lambda records: records.recording_list(agent="1001"),
    "recordings of a call": lambda records: records.recording_list(call=1),
    "whether a ticket is a team's": lambda records: records.concerns("tickets", 1, TEAM),
}


@pytest.fixture
def asked(tmp_path, migrated_sqlite):
    """The plan of every statement that a question asks, line by line."""
    shutil.copy(migrated_sqlite, tmp_path / "records.db")
    database = open_database(f"sqlite:///{tmp_path / 'records.db'}")
    statements = []

    @event.listens_for(database.read, "before_cursor_execute")
    def keep(connection, cursor, statement, parameters, context, many):
        statements.append((statement, parameters))

    def plan(question):
        statements.clear()
        question(Queries(database.read))
        with database.read.connect() as connection:
            read = connection.connection.driver_connection
            return [row[-1] for each in statements for row in read.execute(f"EXPLAIN QUERY PLAN {each[0]}", each[1])]

    yield plan
    database.dispose()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_goes_along_an_index(asked, name) -> None:
    plan = asked(LISTS[name])
    assert plan
    assert not [line for line in plan if line.startswith("SCAN") or "TEMP B-TREE" in line], plan


def test_the_newest_are_read_from_the_end_without_sorting(asked) -> None:
    for question in (lambda records: records.call_list(), lambda records: records.ticket_list()):
        assert not [line for line in asked(question) if "TEMP B-TREE" in line]
