"""The thread that keeps the records up with the log: outages delay rows and lose none."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.storage.database import open_database
from server.storage.projections.rows import entry_key
from server.storage.projector import Projector
from server.storage.projector_loop import ProjectorLoop
from server.storage.schema.tables import LogEntry


class SmallLog:
    """A log in memory that blocks for new entries as the real one does, and can be away."""

    def __init__(self, entries):
        self.entries = list(entries)
        self.away = False
        self._added = threading.Condition()

    def append(self, *entries):
        with self._added:
            self.entries += entries
            self._added.notify_all()

    def read(self, after, block_ms):
        def new():
            return [entry for entry in self.entries if entry_key(entry.id) > entry_key(after)][:5]

        with self._added:
            if self.away:
                raise ConnectionError("Redis does not answer")
            self._added.wait_for(new, block_ms / 1000)
            return new()


@pytest.fixture
def follow(database):
    loops = []

    def start(log, projector=None, **options):
        loop = ProjectorLoop(
            projector or Projector(database.write), log.read, **{"block_ms": 20, "pace": 0.0, **options}
        )
        loops.append(loop)
        loop.start()
        return loop

    yield start
    assert all(loop.stop() for loop in loops)


def written(database):
    with Session(database.read) as session:
        return session.scalar(select(func.count()).select_from(LogEntry))


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Failing(Projector):
    """A projector whose database is away while `away` is set."""

    away = True

    def apply(self, entries):
        if self.away:
            raise OperationalError("INSERT", {}, OSError("the disk is full"))
        return super().apply(entries)


def test_what_is_appended_while_it_runs_is_in_the_records_soon(database, story, follow):
    story.whole_call()
    log = SmallLog(story.entries[:3])
    loop = follow(log)
    assert loop.wait_for(story.entries[2].id, 10)
    log.append(*story.entries[3:])
    assert loop.wait_for(story.entries[-1].id, 10)
    assert written(database) == len(story.entries)
    assert (loop.progress().lag, loop.progress().error) == (0.0, "")


def test_a_second_run_goes_on_where_the_first_one_stopped(database, story, follow):
    story.whole_call()
    first = follow(SmallLog(story.entries[:7]))
    assert first.wait_for(story.entries[6].id, 10)
    assert first.stop()
    second = follow(SmallLog(story.entries))
    assert second.wait_for(story.entries[-1].id, 10)
    assert second.progress().written == len(story.entries) - 7
    assert written(database) == len(story.entries)


def test_an_outage_of_the_database_delays_rows_and_loses_none(database, story, follow):
    story.whole_call()
    projector = Failing(database.write)
    loop = follow(SmallLog(story.entries), projector, clock=lambda: story.began + 100)
    until(lambda: loop.progress().error)
    behind = loop.progress()
    assert "the disk is full" in behind.error
    assert behind.lag == story.began + 100 - story.entries[0].at
    projector.away = False
    assert loop.wait_for(story.entries[-1].id, 20)
    until(lambda: not loop.progress().error)
    assert loop.progress().lag == 0.0
    assert written(database) == len(story.entries)


def test_an_outage_of_the_log_is_told_and_survived(database, story, follow):
    story.whole_call()
    log = SmallLog(story.entries)
    log.away = True
    loop = follow(log)
    until(lambda: "Redis does not answer" in loop.progress().error)
    log.away = False
    assert loop.wait_for(story.entries[-1].id, 20)


def test_two_loops_on_one_database_write_each_entry_once(database, story, follow):
    for call in range(1, 6):
        story.whole_call(call)
    log = SmallLog(story.entries)
    loops = [follow(log), follow(log)]
    assert all(loop.wait_for(story.entries[-1].id, 20) for loop in loops)
    assert written(database) == len(story.entries)
    assert sum(loop.progress().written for loop in loops) == len(story.entries)


def test_a_busy_log_is_written_in_few_batches(database, story, follow):
    class Counting(Projector):
        batches = 0

        def apply(self, entries):
            self.batches += 1
            return super().apply(entries)

    story.whole_call()
    log, projector = SmallLog([]), Counting(database.write)
    loop = follow(log, projector, pace=0.3)
    for entry in story.entries[:5]:
        log.append(entry)
        time.sleep(0.01)
    assert loop.wait_for(story.entries[4].id, 20)
    assert projector.batches <= 3


def test_a_reader_that_waits_for_an_entry_does_not_wait_for_the_pace(story, follow):
    story.whole_call()
    log = SmallLog(story.entries[:2])
    loop = follow(log, pace=60.0)
    for number in (2, 3, 4):
        log.append(story.entries[number])
        assert loop.wait_for(story.entries[number].id, 10)


def test_waiting_for_an_entry_that_does_not_come_ends(database, story, follow):
    story.arrive()
    loop = follow(SmallLog(story.entries))
    assert not loop.wait_for("9999999999999-0", 0.05)


def test_a_writer_killed_at_any_instant_has_written_whole_batches_only(database, story):
    for call in range(1, 40):
        story.whole_call(call)
    url = database.write.url.render_as_string(hide_password=False)
    database.dispose()
    for attempt in range(4):
        child = os.fork()
        if child == 0:
            writer = Projector(open_database(url).write)
            for start in range(0, len(story.entries), 3):
                writer.apply(story.entries[start : start + 3])
            os._exit(0)
        time.sleep(0.05 * (attempt + 1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    projector = Projector(database.write)
    projector.apply(story.entries)
    assert written(database) == len(story.entries)
    with Session(database.read) as session:
        assert session.scalar(select(func.sum(LogEntry.seq))) == sum(range(len(story.entries)))
