"""Callback mode in the records, and the report that is made of them; on both databases where they differ."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import acd.events as acd
import ivr.events as ivr
from acd.callbacks.events import AttemptAnswered, AttemptEnded, AttemptOutcome, AttemptStarted, CallPlaced, Mode
from acd.callbacks.states import ModeView, PromiseState, PromiseView
from acd.policy.definitions import Requirement, Skill
from server.eventlog.derived_events import ModeNoted, PromiseNoted
from server.storage.database import open_database
from server.storage.projector import Projector
from server.storage.queries.lists.calls import CallFilter
from server.storage.queries.lists.promises import PromiseFilter
from server.storage.queries.paging import QueryError
from server.storage.queries.records import Queries
from server.storage.schema import tables
from server.storage.schema.callback_tables import Attempt, CallbackMode, Promise
from server.storage.schema.migrate import migrate

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2027, 1, 15)
"""Of the story, which begins at 16:00 in this zone."""
WANTED = Requirement((Skill("complaint"),))


class Told:
    """Promises as the log tells of them."""

    def __init__(self, story) -> None:
        self.story = story

    def promise(
        self, id: int = 1, *, origin: int = 0, source: str = "api", waited: float = 0.0, **values
    ) -> PromiseView:
        now = self.story.now + 1
        view = PromiseView(
            id=id,
            number=f"1380013800{id}",
            queue="complaint",
            category="attitude",
            language="zh",
            state=PromiseState.PENDING,
            attempts=0,
            promised_at=now,
            queued_at=now - waited,
            due_at=now,
            expires_at=now + 86_400,
            priority=0,
            call=None,
            origin=origin,
            reason="",
            source=source,
        )
        return self.note(replace(view, **values))

    def note(self, view: PromiseView, **values) -> PromiseView:
        view = replace(view, **values)
        cause = self.story.tell(acd.Tick())
        self.story.tell(PromiseNoted(view), later=0.0, after=cause.id)
        return view

    def place(self, view: PromiseView, call: int) -> PromiseView:
        self.story.tell(CallPlaced(call, view.id, view.number, "01065529988", "one"))
        self.story.tell(acd.CallQueued(call, "complaint", WANTED, view.queued_at, category="attitude", promised=True))
        return self.note(view, call=call)

    def dial(self, view: PromiseView, call: int, number: int = 1) -> PromiseView:
        self.story.tell(AttemptStarted(call, view.id, number, call, "1001", 30.0))
        return self.note(view, state=PromiseState.DIALLING)

    def fail(self, view: PromiseView, call: int, outcome: AttemptOutcome, number: int = 1) -> PromiseView:
        """Placed, dialled, and not reached."""
        view = self.dial(self.place(view, call), call, number)
        self.story.tell(AttemptEnded(call, view.id, number, outcome), acd.CallEnded(call, "unreached"))
        return self.note(view, state=PromiseState.PENDING, attempts=number, reason=str(outcome))

    def keep(self, view: PromiseView, call: int, number: int = 1) -> PromiseView:
        """Placed, dialled, reached, and spoken with."""
        view = self.dial(self.place(view, call), call, number)
        self.story.tell(AttemptAnswered(call, view.id, number, "PJSIP/trunk-out-1", f"u{call}"))
        cause = self.story.tell(acd.Joined(call, "1001"))
        view = replace(view, state=PromiseState.CONNECTED, attempts=number)
        self.story.tell(PromiseNoted(view), later=0.0, after=cause.id)
        self.story.tell(
            acd.ConversationEnded(call, "1001", "agent", talked=30.0), acd.CallEnded(call, "caller_hung_up")
        )
        return self.note(view, state=PromiseState.KEPT, reason="spoken with")


@pytest.fixture
def told(story) -> Told:
    return Told(story)


@pytest.mark.parametrize("outcome", ["machine", "short"])
def test_a_conversation_that_kept_nothing_is_no_handled_call_and_the_promise_is_open(database, told, story, outcome):
    view = told.dial(told.place(told.promise(), 7), 7)
    story.tell(AttemptAnswered(7, 1, 1, "PJSIP/trunk-out-1", "u7"))
    cause = story.tell(acd.Joined(7, "1001"))
    view = replace(view, state=PromiseState.CONNECTED, attempts=1)
    story.tell(PromiseNoted(view), later=0.0, after=cause.id)
    if outcome == "machine":
        view = told.note(view, state=PromiseState.PENDING, reason="a machine", last="machine")
    story.tell(acd.ConversationEnded(7, "1001", "agent", talked=4.0), acd.CallEnded(7, "unreached"))
    view = told.note(view, state=PromiseState.PENDING, reason=f"it was {outcome}", last=outcome)
    Projector(database.write).apply(story.entries)
    (promise,), (attempt,), (call,) = (rows(database, each) for each in (Promise, Attempt, tables.Call))
    assert (promise.state, promise.connected_at, attempt.outcome) == ("pending", None, outcome)
    assert (call.outcome, call.connected_at, call.talked) == ("unreached", None, 4.0)
    before = len(story.entries)
    told.keep(view, 8, 2)
    Projector(database.write).apply(story.entries[before:])
    (promise,) = rows(database, Promise)
    assert (promise.state, promise.connected_at is not None) == ("kept", True)
    assert [each.outcome for each in rows(database, Attempt)] == [outcome, "connected"]


def rows(database, table):
    with Session(database.read) as session:
        return list(session.scalars(select(table).order_by(*table.__table__.primary_key.columns)))


def test_a_promise_its_attempts_and_its_calls_are_kept(database, told, story):
    story.arrive(1)
    story.tell(ivr.FieldSet(1, "business", "complaint"), ivr.FieldSet(1, "callback_offered", "entry"))
    story.tell(ivr.NumberTaken(1, "13800138001", "attitude"))
    view = told.promise(origin=1, source="flow", waited=60.0)
    story.tell(acd.CallEnded(1, "hotline_hung_up"))
    view = told.fail(view, 7, AttemptOutcome.BUSY)
    told.keep(view, 8, 2)
    Projector(database.write).apply(story.entries)
    (promise,) = rows(database, Promise)
    assert (promise.state, promise.attempts, promise.call, promise.origin) == ("kept", 2, 8, 1)
    assert promise.queued_at < promise.promised_at < promise.connected_at < promise.settled_at
    assert [(each.attempt, each.call, each.outcome) for each in rows(database, Attempt)] == [
        (1, 7, "busy"),
        (2, 8, "connected"),
    ]
    calls = {call.id: call for call in rows(database, tables.Call)}
    assert [(call.direction, call.promise, call.outcome) for call in calls.values()] == [
        ("inbound", 1, "callback"),
        ("outbound", 1, "unreached"),
        ("outbound", 1, "handled"),
    ]
    assert (calls[8].caller, calls[8].called, calls[8].unique_id) == ("13800138001", "01065529988", "u8")
    queries = Queries(database.read)
    assert [row["id"] for row in queries.call_list(CallFilter(direction="inbound")).items] == [1]
    assert [each["outcome"] for each in queries.call_show(1)["attempts"]] == ["busy", "connected"]
    shown = queries.callbacks.promise_show(1)
    assert [each["call"] for each in shown["history"]] == [7, 8]


def test_a_call_of_our_own_that_reaches_nobody_is_never_abandoned_or_in_the_menu(database, told, story):
    view = told.promise()
    told.place(view, 7)
    story.tell(acd.CallEnded(7, "stopped"))
    Projector(database.write).apply(story.entries)
    (call,) = rows(database, tables.Call)
    assert call.outcome == "unreached"


def test_an_attempt_that_is_told_twice_is_one_and_what_was_known_first_stays(database, told, story):
    view = told.place(told.promise(), 7)
    told.dial(view, 7)
    told.dial(view, 7)
    story.tell(AttemptEnded(7, 1, 1, AttemptOutcome.NO_ANSWER), AttemptEnded(7, 1, 1, AttemptOutcome.LOST))
    Projector(database.write).apply(story.entries)
    (attempt,) = rows(database, Attempt)
    assert attempt.outcome == "no_answer"


@pytest.mark.parametrize(("cause", "outcome"), [("stopped", "stopped"), ("lost", "lost")])
def test_an_attempt_ends_with_its_call_at_the_latest(database, told, story, cause, outcome):
    told.dial(told.place(told.promise(), 7), 7)
    story.tell(acd.CallEnded(7, cause))
    Projector(database.write).apply(story.entries)
    (attempt,) = rows(database, Attempt)
    assert (attempt.outcome, attempt.detail) == (outcome, cause)
    assert attempt.ended_at is not None


def test_modes_keep_the_person_the_reason_and_the_rule(database, story):
    mode = ModeView("media", Mode.ON, True, story.now, story.now + 3600, "9001", "press day", "forced on by 9001")
    story.tell(ModeNoted(mode), ModeNoted(replace(mode, mode=Mode.AUTO, active=False, until=None, rule="nobody waits")))
    Projector(database.write).apply(story.entries)
    assert len(rows(database, CallbackMode)) == 2
    latest, first = Queries(database.read).callbacks.mode_history("media").items
    assert (first["mode"], first["who"], first["reason"], first["rule"]) == (
        "on",
        "9001",
        "press day",
        "forced on by 9001",
    )
    assert (latest["mode"], latest["active"], latest["until"]) == ("auto", False, None)


def test_in_any_cuts_and_overlaps_the_records_of_callback_mode_are_the_same(tmp_path, told, story):
    told.keep(told.fail(told.promise(), 7, AttemptOutcome.BUSY), 8, 2)
    told.fail(told.promise(2), 9, AttemptOutcome.NO_ANSWER)
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    migrate(empty.write)
    empty.dispose()
    numbers = itertools.count()

    def project(size):
        path = shutil.copy(tmp_path / "empty.db", tmp_path / f"{next(numbers)}.db")
        database = open_database(f"sqlite:///{path}")
        for first in range(0, len(story.entries), size):
            Projector(database.write).apply(story.entries[max(0, first - 3) : first + size])
        found = [
            {column.name: getattr(row, column.name) for column in table.__table__.columns}
            for table in (Promise, Attempt, tables.Call)
            for row in rows(database, table)
        ]
        database.dispose()
        return found

    whole = project(len(story.entries))
    assert project(1) == whole
    assert project(4) == whole


def test_promises_are_listed_and_filtered(database, told, story):
    told.promise(1)
    told.note(told.promise(2, queue="media", category=""), state=PromiseState.EXPIRED, task=True)
    Projector(database.write).apply(story.entries)
    queries = Queries(database.read).callbacks

    def found(**which):
        return [row["id"] for row in queries.promise_list(PromiseFilter(**which)).items]

    assert found() == [2, 1]
    assert (found(state="pending"), found(queue="media"), found(task=True)) == ([1], [2], [2])
    assert found(number="13800138001", category="attitude") == [1]
    assert queries.to_be_kept() == 1
    assert queries.promise_list(mask=True).items[0]["number"] == "138****8002"
    with pytest.raises(QueryError, match="the states are pending"):
        found(state="great")


# The report


def a_day(told, story) -> None:
    """Of four callers who are offered it two accept at 16:00; at 16:40 one is promised a call through the API."""
    for call in range(1, 5):
        story.arrive(call)
        story.tell(ivr.FieldSet(call, "business", "complaint"), ivr.FieldSet(call, "callback_offered", "queue"))
    first = told.promise(1, origin=1, source="queue", waited=100.0)
    second = told.promise(2, origin=2, source="flow")
    told.keep(told.fail(first, 11, AttemptOutcome.BUSY), 12, 2)
    second = told.fail(second, 13, AttemptOutcome.HUNG_UP)
    told.note(second, state=PromiseState.BROKEN)
    story.now = story.began + 2400
    third = told.promise(3, queue="media", category="")
    told.note(third, state=PromiseState.CANCELLED)
    told.promise(4)


def test_the_report_counts_what_became_of_what_was_offered_and_promised(database, told, story):
    a_day(told, story)
    Projector(database.write).apply(story.entries)
    report = Queries(database.read).callbacks.report(DAY, ZONE)
    total = report["total"]
    assert (total["offered"], total["accepted"], total["promised"]) == (4, 2, 4)
    states = [total[state] for state in ("connected", "kept", "broken", "expired", "cancelled", "open")]
    assert states == [1, 1, 1, 0, 1, 1]
    assert total["outcomes"] == {"connected": 1, "busy": 1, "hung_up": 1}
    assert (total["attempts"], total["abandoned_by_us"]) == (3, 1)
    (promise,) = [each for each in rows(database, Promise) if each.id == 1]
    waited = round((promise.connected_at - promise.queued_at).total_seconds(), 1)
    assert waited > 100
    assert total["wait"] == {"mean": waited, "p50": waited, "p90": waited, "max": waited}
    assert "the interval in which it was made" in report["belongs"]


@pytest.mark.parametrize("interval", [900, 1800, 3600, 86_400])
def test_intervals_sum_to_the_day_and_queues_to_all(database, told, story, interval):
    a_day(told, story)
    Projector(database.write).apply(story.entries)
    report = Queries(database.read).callbacks.report(DAY, ZONE, interval=interval)
    for name in ("offered", "accepted", "promised", "kept", "broken", "cancelled", "open", "attempts"):
        for parts in (report["intervals"], report["queues"]):
            assert sum(part[name] for part in parts) == report["total"][name], name
    assert [row["queue"] for row in report["queues"]] == ["complaint", "media"]
    assert report["intervals"][0]["from"] <= "2027-01-15T08:00:00.000Z" < report["intervals"][0]["to"]


def test_a_report_of_one_queue_and_of_a_day_without_anything(database, told, story):
    a_day(told, story)
    Projector(database.write).apply(story.entries)
    queries = Queries(database.read).callbacks
    assert queries.report(DAY, ZONE, queue="media")["total"]["promised"] == 1
    empty = queries.report(date(2027, 1, 14), ZONE)
    assert (empty["intervals"], empty["total"]["promised"], empty["total"]["wait"]) == ([], 0, None)
    with pytest.raises(QueryError, match="does not divide a day"):
        queries.report(DAY, ZONE, interval=420)
