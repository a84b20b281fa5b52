"""No list reads a whole table and none sorts one: what a page costs does not grow with the register."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from server.storage.database import open_database
from server.storage.queries.lists.calls import CallFilter
from server.storage.queries.records import Queries
from server.storage.schema.tables import LogEntry, Recording, asked_for, faulty

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
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


def along_an_index(lines: list[str]) -> bool:
    return bool(lines) and not [line for line in lines if line.startswith("SCAN")]


def test_what_is_asked_of_the_archive_by_type_goes_along_its_small_index(asked) -> None:
    for wanted in (
        select(LogEntry).where(asked_for("SoundStopped"), LogEntry.at >= 1.0),
        select(LogEntry.data).where(asked_for("RecordingDeleted")),
    ):
        plan = asked(lambda records, wanted=wanted: read(records, wanted))
        assert along_an_index(plan)
        assert "ix_events_asked_for" in plan[0]


def test_what_could_not_be_read_is_found_without_reading_the_archive(asked) -> None:
    assert asked(lambda records: records.problems()) == ["SCAN events USING INDEX ix_events_unread"]


def test_recordings_of_which_something_is_wrong_go_along_an_index_of_their_own(asked) -> None:
    plan = asked(lambda records: read(records, select(Recording).where(faulty(), Recording.started_at >= NOON)))
    assert "ix_recordings_faulty" in plan[0]


def read(records, wanted):
    with Session(records._engine) as session:
        return list(session.execute(wanted))
