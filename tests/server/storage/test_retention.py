"""What is trimmed is gone, what stays can be replayed, and a crash at any point loses nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update

from server.config import Settings
from server.storage import retention
from server.storage.archive import archived_after, archived_entries
from server.storage.privacy import find, redact
from server.storage.projections.rows import entry_key
from server.storage.projector import Projector
from server.storage.retention import TRIMMED, slices, start_before, trim
from server.storage.schema.archive_tables import ArchiveStart
from server.storage.schema.tables import Base, Call, Decision, LogEntry
from server.storage.trimming import Trimming, next_at
from simulation.recorded import record
from simulation.replay import replay
from tests.conftest import BOTH, filled_database
from tests.recorded.played import entries

STAY = {"events", "decisions", "archive_starts"}


@pytest.fixture(scope="module")
def log():
    return entries()


@pytest.fixture(scope="module", params=BOTH)
def filled(request, log):
    with filled_database(request, lambda database: Projector(database.write).apply(log)) as copy:
        yield copy


@pytest.fixture
def records(filled):
    with filled() as database:
        yield database


def rows(database):
    with database.read.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
            if table.name not in STAY
        }


def count(database, table, *where):
    with database.read.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*where))


def replayed(database, since):
    start = start_before(database.read, since)
    state = None if start is None else start[0]
    after = (0, 0) if state is None else entry_key(state.position)
    return replay(archived_after(database.read, after), since, 2e10, state)


@pytest.mark.thorough
def test_a_trimmed_archive_replays_every_later_instant_as_the_whole_one_did(records, log):
    middle, later = log[len(log) // 2].at, log[len(log) * 3 // 4].at
    before, kept, played = rows(records), list(archived_entries(records.read, middle, 2e10)), replayed(records, later)
    assert played.notes > 50
    done = trim(records.write, middle)
    assert done.entries > len(log) / 4
    assert done.decisions > 5
    assert rows(records) == before
    assert list(archived_entries(records.read, middle, 2e10)) == kept
    assert {entry.event.__class__.__name__ for entry in archived_entries(records.read, 0, middle)} & TRIMMED == set()
    assert count(records, LogEntry, LogEntry.at < middle) > 0
    assert replayed(records, later) == played
    with pytest.raises(LookupError):
        start_before(records.read, middle - 1)


def test_the_second_trimming_goes_on_from_the_first(records, log):
    whole = replayed(records, log[-100].at)
    for part in (4, 2):
        trim(records.write, log[len(log) // part].at)
    again = trim(records.write, log[len(log) // 2].at)
    assert (again.entries, again.decisions) == (0, 0)
    assert count(records, Base.metadata.tables["archive_starts"]) == 1
    assert replayed(records, log[-100].at) == whole


@pytest.mark.thorough
@pytest.mark.parametrize("at_once", [7, 100])
def test_a_trimming_that_was_stopped_is_finished_by_the_next(records, log, monkeypatch, at_once):
    monkeypatch.setattr(retention, "_AT_ONCE", at_once)
    middle = log[len(log) // 2].at
    whole = replayed(records, middle)

    class Killed(Exception):
        pass

    def kill(deleted):
        raise Killed

    with pytest.raises(Killed):
        trim(records.write, middle, kill)
    assert replayed(records, middle) == whole
    trim(records.write, middle)
    assert replayed(records, middle) == whole
    assert count(records, LogEntry, LogEntry.at < middle, LogEntry.type.in_(TRIMMED)) == 0


def test_a_day_after_the_trimmed_ones_is_recorded_as_before(records, log):
    since, until = log[len(log) * 3 // 4].at, log[-1].at
    before = record(archived_entries(records.read, 0, until), since, until)
    trim(records.write, log[len(log) // 2].at)
    after = record(archived_entries(records.read, 0, until), since, until)
    assert [call.queued for call in after.calls.values()] == [call.queued for call in before.calls.values()]
    assert (after.staff, after.policies) == (before.staff, before.policies)


def test_nothing_is_trimmed_where_nothing_is_old(records, log):
    assert trim(records.write, log[0].at - 1).entries == 0
    assert start_before(records.read, 0.0) is None
    assert count(records, Decision) > 0
    assert count(records, Call) > 0


def test_the_state_that_a_trimmed_archive_begins_with_is_kept_packed_and_one_of_before_is_read(records, log):
    middle, later = log[len(log) // 2].at, log[len(log) * 3 // 4].at
    trim(records.write, middle)
    played = replayed(records, later)
    with records.write.begin() as connection:
        stored = connection.scalar(text("SELECT state FROM archive_starts"))
        plain = connection.scalar(select(ArchiveStart.state))
        assert plain.startswith("{")
        assert len(stored) < len(plain) / 2
        connection.execute(text("UPDATE archive_starts SET state = :plain"), {"plain": plain})
    assert replayed(records, later) == played


def test_a_number_is_erased_from_the_packed_state_too(records, log):
    trim(records.write, log[len(log) // 2].at)
    with records.write.begin() as connection:
        known = connection.scalar(select(ArchiveStart.state))
        connection.execute(update(ArchiveStart).values(state=known.replace('"floor"', '"+8613800138999", "floor"', 1)))
    names = ("+8613800138999", "13800138999")
    redact(records.write, names, find(records.read, names))
    with records.read.connect() as connection:
        assert "13800138999" not in connection.scalar(select(ArchiveStart.state))


ZONE = ZoneInfo("Asia/Shanghai")


def test_slices_are_the_midnights_since_the_last_trimming(records, log):
    first, last = log[0].at, log[-1].at
    assert list(slices(records.write, first, ZONE)) == []
    found = list(slices(records.write, first + 3 * 86_400, ZONE))
    assert found[-1] == first + 3 * 86_400
    assert all(datetime.fromtimestamp(at, ZONE).time() == time() for at in found[:-1])
    assert 3 <= len(found) <= 4
    trim(records.write, last)
    assert list(slices(records.write, last, ZONE)) == []


@pytest.fixture
def trimming(records, log):
    """A night's trimming a day after the middle of the log."""
    made = Trimming(
        Settings(database_url=str(records.write.url.render_as_string(hide_password=False)), archive_days=1),
        lambda: ZONE,
        lambda: True,
        clock=lambda: log[-1].at + 2 * 86_400,
        pause=0.0,
    )
    return made


async def test_the_server_trims_by_a_process_of_its_own_and_every_later_day_is_replayed(trimming, records, log):
    answer = await trimming.trim()
    assert (answer.whole, trimming.problem) == (True, "")
    assert answer.entries > len(log) / 4
    assert answer.decisions > 5
    assert count(records, LogEntry, LogEntry.type.in_(TRIMMED), LogEntry.at < log[-1].at) == 0
    again = await trimming.trim()
    assert (again.days, again.entries) == (0, 0)


async def test_a_night_that_is_too_short_leaves_the_rest_to_the_next_one(trimming, records):
    trimming._longest = 0.0
    answer = await trimming.trim()
    assert (answer.whole, answer.days) == (False, 0)
    trimming._longest = 60.0
    assert (await trimming.trim()).whole


async def test_records_that_are_away_are_a_problem_that_is_told_until_they_are_back(trimming, records):
    whole = trimming._settings
    trimming._settings = replace(whole, database_url="sqlite:////nowhere/at/all/records.db")
    assert await trimming.trim() is None
    assert "could not be trimmed" in trimming.problem
    trimming._settings = whole
    assert await trimming.trim() is not None
    assert trimming.problem == ""


async def test_nothing_is_trimmed_by_itself_where_the_archive_is_kept_for_ever(trimming):
    trimming._settings = replace(trimming._settings, archive_days=0)
    await asyncio.wait_for(trimming.run(), 1)


def test_the_next_night_is_the_next_time_of_day_in_the_zone():
    now = datetime(2027, 1, 15, 4, 30, tzinfo=ZONE).timestamp()
    assert next_at("04:30", now, ZONE) == now + 86_400
    assert next_at("04:31", now, ZONE) == now + 60
