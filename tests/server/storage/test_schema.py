"""The schema: what the migrations make is what the tables say, on both databases."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

import acd.events as acd
from server.storage.database import DatabaseError, open_database
from server.storage.projector import Projector
from server.storage.schema.knowledge_tables import SEARCH
from server.storage.schema.migrate import config, migrate, revision, revisions
from server.storage.schema.report_tables import ReportCell, ReportCount
from server.storage.schema.tables import Base, Call
from server.storage.schema.ticket_tables import TicketDispatch, TicketRound


def test_the_migrations_make_exactly_what_the_tables_say(database_url):
    database = open_database(database_url)
    migrate(database.write)
    with database.write.connect() as connection:
        # The words by which articles are found stand in a table that each database has in its own form.
        ours = {"include_name": lambda name, kind, parents: not str(name).startswith(SEARCH)}
        differences = compare_metadata(MigrationContext.configure(connection, opts=ours), Base.metadata)
    database.dispose()
    assert differences == []


def test_migrating_again_changes_nothing(database_url):
    database = open_database(database_url)
    migrate(database.write)
    first = revision(database.write)
    migrate(database.write)
    assert revision(database.write) == first is not None
    database.dispose()


def test_a_revision_has_a_file_that_is_named_after_it():
    script = ScriptDirectory.from_config(config())
    assert revisions() == [each.revision for each in script.walk_revisions()][::-1]
    assert revisions()[-1] == script.get_current_head()


def test_servers_that_start_together_migrate_once(database_url):
    databases = [open_database(database_url) for _ in range(4)]
    faults: list[Exception] = []

    def start(database):
        try:
            migrate(database.write)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=start, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []
    for database in databases:
        database.dispose()


def test_a_server_that_starts_while_another_makes_the_file_waits_for_it(tmp_path):
    """SQLite refuses at once to change a file to WAL while another connection does so."""
    folder, path = os.open(tmp_path, os.O_RDONLY), tmp_path / "records.db"
    fcntl.flock(folder, fcntl.LOCK_EX)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database, faults = open_database(f"sqlite:///{path}"), []

    def start():
        try:
            migrate(database.write)
        except Exception as error:
            faults.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(0.2)
    assert faults == []
    other.close()
    os.close(folder)
    thread.join(30)
    assert faults == []
    assert revision(database.write) is not None
    database.dispose()


def test_a_database_of_a_newer_version_is_refused_with_a_sentence(database_url):
    database = open_database(database_url)
    migrate(database.write)
    with database.write.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="revision 9999, which this version does not know"):
        migrate(database.write)
    database.dispose()


def test_instants_come_back_in_utc_whatever_the_database(database_url):
    database = open_database(database_url)
    migrate(database.write)
    shanghai = timezone(timedelta(hours=8))
    with Session(database.write) as session, session.begin():
        session.add(Call(id=1, offered_at=datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=shanghai)))
    with Session(database.read) as session:
        stored = session.scalars(select(Call)).one()
        assert stored.offered_at == datetime(2026, 3, 1, 0, 0, 0, 123456, tzinfo=UTC)
        assert stored.offered_at.utcoffset() == timedelta(0)
    database.dispose()


def test_an_instant_without_a_zone_is_refused(database_url):
    database = open_database(database_url)
    migrate(database.write)
    with Session(database.write) as session, pytest.raises(StatementError, match="no time zone"), session.begin():
        session.add(Call(id=1, offered_at=datetime(2026, 3, 1)))  # noqa: DTZ001
    database.dispose()


def test_writers_at_the_same_time_lose_no_update(database_url):
    database = open_database(database_url)
    migrate(database.write)
    with Session(database.write) as session, session.begin():
        session.add(Call(id=1))

    def add_ten():
        for _ in range(10):
            with Session(database.write) as session, session.begin():
                call = session.scalars(select(Call).with_for_update()).one()
                call.priority += 1

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with Session(database.read) as session:
        assert session.scalars(select(Call)).one().priority == 40
    database.dispose()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "is not a URL"),
        ("mysql://localhost/calls", "only sqlite and postgresql"),
        ("sqlite://", "forgets everything"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_a_sentence(url, sentence):
    with pytest.raises(DatabaseError, match=sentence):
        open_database(url)


def test_calls_from_before_callback_mode_are_callers_calls(database_url):
    database = open_database(database_url)
    with database.write.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO calls (id, caller, called, node, channel, unique_id, language, business, category, queue,"
                " priority, flow_node, agent, left_queue_why, end_cause, talked, held, promised, message_left)"
                " VALUES (1, '1', '', '', '', '', '', '', '', '', 0, '', '', '', '', 0, 0, false, false)"
            )
        )
    migrate(database.write)
    with Session(database.read) as session:
        call = session.scalars(select(Call)).one()
        assert (call.id, call.direction, call.promise) == (1, "inbound", None)
    database.dispose()


def test_dispatches_of_before_are_made_of_the_history_of_tickets(database_url):
    database = open_database(database_url)
    texts = "type, department, accused, level, warnings, caller, business, category, confirmed, grade, state, owner"
    history = [
        *((1, "state", "new", "dispatched", "Li", "to logistics; the parcel is lost"),),
        *((2, "redispatched", "logistics", "network", "Wang", "not a parcel"), (3, "round", "1", "2", "Li", "")),
        *((4, "note", "", "x", "Li", ""), (5, "state", "new", "dispatched", "Li", "to logistics")),
    ]
    with database.write.begin() as connection:
        command.upgrade(config(connection), "0012")
        empty = ", ".join(["''"] * len(texts.split(", ")))
        connection.execute(
            text(f"INSERT INTO tickets (id, {texts}, round, contacts, dispatches, wrong_dispatches, dates_missed,"
                 f" version) VALUES (7, {empty}, 2, 1, 3, 1, 0, 6)")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO ticket_times (ticket, queue, business, category, department)"
                 " VALUES (7, 'complaint', 'complaint', 'attitude', 'logistics')")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO ticket_rounds (ticket, round, grade, department, dispatches, wrong_dispatches)"
                 " VALUES (7, 1, 'general', 'network', 2, 1), (7, 2, 'serious', 'logistics', 1, 0)")
        )  # fmt: skip
        at = "2027-01-15 08:00:00.000000" + ("" if database_url.startswith("sqlite") else "+00")
        for ms, kind, before, after, by, why in history:
            connection.execute(
                text("INSERT INTO ticket_history (ms, seq, ticket, at, kind, before, after, by, why)"
                     " VALUES (:ms, 0, 7, :at, :kind, :before, :after, :by, :why)"),
                {"ms": ms, "at": at, "kind": kind, "before": before, "after": after, "by": by, "why": why},
            )  # fmt: skip
    migrate(database.write)
    with Session(database.read) as session:
        found = session.scalars(select(TicketDispatch).order_by(TicketDispatch.number)).all()
        assert [(each.number, each.round, each.department, each.by, each.wrong) for each in found] == [
            (1, 1, "logistics", "Li", True),
            (2, 1, "network", "Wang", False),
            (3, 2, "logistics", "Li", False),
        ]
        assert {(each.queue, each.category) for each in found} == {("complaint", "attitude")}
        rounds = session.scalars(select(TicketRound)).all()
        assert {(each.queue, each.category, each.answers) for each in rounds} == {("complaint", "attitude", None)}
    database.dispose()


def test_counts_that_an_earlier_release_lost_are_made_again(database_url, story):
    database = open_database(database_url)
    migrate(database.write)
    story.whole_call(1)
    Projector(database.write).apply(story.entries)
    counts = select(ReportCount.slot, ReportCell.kind, ReportCell.agent, ReportCount.data)
    counts = counts.join(ReportCell, ReportCell.id == ReportCount.cell).order_by(*counts.selected_columns)
    with database.write.begin() as connection:
        whole = connection.execute(counts).all()
        assert {kind for _, kind, _, _ in whole} >= {"call", "agent", "recording"}
        command.downgrade(config(connection), "0020")
        connection.execute(delete(ReportCount))
    migrate(database.write)
    Projector(database.write).apply([story.tell(acd.PhoneSeen("1001", True))])
    with database.read.connect() as connection:
        assert connection.execute(counts).all() == whole
    database.dispose()
