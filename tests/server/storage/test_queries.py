"""The lists and records that the command line and the API show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import acd.events as acd
import recordings.events as rec
import tickets.events as tickets
from acd.policy.definitions import Skill
from server.eventlog.derived_events import AgentNoted
from server.storage.archive import archived_entries
from server.storage.projector import Projector
from server.storage.queries.agent_day import agent_day
from server.storage.queries.lists.calls import CallFilter
from server.storage.queries.paging import QueryError, decode_cursor, iso, masked
from server.storage.queries.records import Queries
from tests.conftest import SOUND_SHA256


@pytest.fixture
def ask(database, story):
    """The queries, after the story so far was written."""

    def write():
        Projector(database.write).apply(story.entries)
        return Queries(database.read)

    return write


def test_a_call_is_listed_under_the_names_that_others_rely_on(ask, story):
    story.whole_call()
    (call,) = ask().call_list().items
    assert list(call) == [
        *("id", "caller", "called", "queue", "category", "agent", "ticket", "recordings", "offered_at"),
        *("answered_at", "queued_at", "connected_at", "ended_at", "outcome", "satisfaction", "withheld"),
    ]
    assert call | {"answered_at": 0, "queued_at": 0, "connected_at": 0, "ended_at": 0} == {
        "id": 1,
        "caller": "13800138000",
        "called": "4001",
        "queue": "complaint",
        "category": "attitude",
        "agent": "1001",
        "ticket": 1,
        "recordings": [1],
        "offered_at": "2027-01-15T08:00:00.800Z",
        "answered_at": 0,
        "queued_at": 0,
        "connected_at": 0,
        "ended_at": 0,
        "outcome": "handled",
        "satisfaction": 5,
        "withheld": False,
    }


def test_a_call_is_shown_with_its_legs_and_the_decisions_taken(ask, story):
    story.whole_call()
    shown = ask().call_show(1)
    (segment,) = shown["segments"]
    assert (segment["agent"], segment["outcome"], segment["talked"], segment["held"]) == ("1001", "answered", 30.0, 2.0)
    (decision,) = shown["decisions"]
    assert decision["kind"] == "offer"
    assert decision["rule"] == "longest idle"
    assert decision["candidates"][1]["excluded"] == "on break: lunch"
    assert decision["at"].endswith("Z")
    assert json.loads(json.dumps(shown)) == shown


def test_a_call_shows_when_its_sound_went_one_way_only(ask, story):
    story.arrive(1)
    story.serve(1)
    stopped = story.tell(acd.SoundStopped(1, "1001", "agent", 6.0), acd.SoundStopped(2, "1002", "caller", 5.0))
    returned = story.tell(acd.SoundReturned(1, "1001", "agent", 9.0))
    story.tell(acd.SoundStopped(1, "1001", "caller", 5.0), later=60)
    shown = ask().call_show(1)["one_way_sound"]
    assert [(each["side"], bool(each["until"])) for each in shown] == [("agent", True), ("caller", False)]
    assert shown[0]["since"] == iso(datetime.fromtimestamp(stopped.at - 7.0, UTC))
    assert shown[0]["until"] == iso(datetime.fromtimestamp(returned.at, UTC))


def test_a_call_that_is_not_there_is_none(ask):
    asked = ask()
    assert (asked.call_show(7), asked.ticket_show(7), asked.recording_show(7)) == (None, None, None)


def test_calls_can_be_told_apart_by_time_outcome_agent_and_queue(ask, story):
    story.whole_call(1)
    later = datetime.fromtimestamp(story.now, UTC)
    story.whole_call(2, agent="1002")
    story.arrive(3)
    story.tell(acd.CallEnded(3, "caller_hung_up"))
    asked = ask()

    def found(**which):
        return [call["id"] for call in asked.call_list(CallFilter(**which)).items]

    assert found() == [3, 2, 1]
    assert found(since=later) == [3, 2]
    assert found(until=later) == [1]
    assert found(outcome="handled") == [2, 1]
    assert found(agent="1002") == [2]
    assert found(queue="complaint", agent="1001") == [1]
    assert found(since=later.astimezone(UTC) + timedelta(days=1)) == []
    with pytest.raises(QueryError, match="'solved' is not an outcome; the outcomes are handled, abandoned"):
        found(outcome="solved")


def test_pages_give_every_call_once_even_when_new_ones_arrive_between(ask, story):
    for call in range(1, 8):
        story.arrive(call)
    asked, seen, cursor = ask(), [], None
    for turn in range(4):
        page = asked.call_list(limit=2, after=cursor)
        seen += [call["id"] for call in page.items]
        cursor = page.next
        story.arrive(100 + turn)
        ask()
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "!!", "bnVsbA", "WyJ0aWNrZXQiLDFd", "é"])
def test_a_cursor_from_elsewhere_is_refused_with_a_sentence(cursor):
    with pytest.raises(QueryError, match="is not one of the call list"):
        decode_cursor("call", cursor)


def test_a_page_of_no_sensible_size_is_refused(ask):
    asked = ask()
    for limit in (0, -1, 1001):
        with pytest.raises(QueryError, match="must be from 1 to 1000"):
            asked.call_list(limit=limit)


def test_numbers_are_masked_when_asked_for(ask, story):
    story.whole_call()
    asked = ask()
    assert asked.call_list(mask=True).items[0]["caller"] == "138****8000"
    assert asked.call_show(1, mask=True)["caller"] == "138****8000"
    assert asked.ticket_show(1, mask=True)["caller"] == "138****8000"
    assert [masked(number) for number in ("", "12", "12345", "02088886666")] == ["", "**", "***45", "020****6666"]


def test_closed_recordings_are_listed_with_call_agent_and_ticket(ask, story):
    story.whole_call()
    story.tell(rec.RecordingStarted(2, 1, "1002", "b-caller.wav", "b-agent.wav"))
    asked = ask()
    assert asked.recording_list().items == [
        {"id": 1, "call": 1, "agent": "1001", "ticket": 1, "seconds": 30.0, "channels": 2, "sha256": SOUND_SHA256}
    ]
    assert asked.recording_show(1)["path"] == "2027/01/15/1.wav"
    assert asked.recording_show(2)["state"] == "started"


def test_answers_of_a_follow_up_stand_with_the_round_that_they_are_about(ask, story):
    story.arrive()
    story.tell(tickets.TicketOpened(1, 1, "138", "complaint", "attitude"))
    for state in ("resolved", "followed_up"):
        story.tell(tickets.StateChanged(1, state, "1001"))
    story.tell(tickets.FollowUpAnswered(1, 2, 1, "satisfied", "no"), tickets.RoundStarted(1, 2, "serious", "customer"))
    story.tell(tickets.FollowUpAnswered(1, 2, 1, "mark", "2"))
    first, second = ask().ticket_show(1)["rounds"]
    assert first["answers"] == [
        {"question": "satisfied", "answer": "no", "call": 2},
        {"question": "mark", "answer": "2", "call": 2},
    ]
    assert (first["satisfied"], second["answers"]) == (False, [])


def test_tickets_are_listed_and_shown_with_calls_recordings_and_history(ask, story):
    story.whole_call()
    story.tell(tickets.GradeRaised(1, "serious", "regulator"))
    asked = ask()
    (row,) = asked.ticket_list().items
    assert (
        row.items()
        >= {
            "id": 1,
            "call": 1,
            "category": "attitude",
            "grade": "serious",
            "state": "new",
            "opened_at": "2027-01-15T08:00:04.000Z",
        }.items()
    )
    shown = asked.ticket_show(1)
    assert (shown["calls"], shown["recordings"]) == ([1], [1])
    assert [(line["kind"], line["from"], line["to"], line["why"]) for line in shown["history"]] == [
        ("opened", None, "new", None),
        ("grade", "general", "serious", "regulator"),
    ]
    assert asked.ticket_list(state="closed").items == []
    with pytest.raises(QueryError, match="not listed by colour: by state, department"):
        asked.ticket_list(colour="red")


def test_agents_are_listed_by_number_without_the_removed(ask, story):
    story.tell(
        acd.AgentDefined("1002", "Wang", (Skill("inquiry", 2),), ("B",)),
        acd.AgentDefined("1001", "Li", (Skill("complaint", 5), Skill("attitude", 3)), ("A",), "sip:1001@127.0.0.1"),
        AgentNoted("1001", "break", "idle", "lunch"),
        acd.PhoneSeen("1001", True),
        acd.AgentDefined("1003", "Gone", ()),
        acd.AgentRemoved("1003"),
    )
    first, second = ask().agent_list()
    assert {name: first[name] for name in ("id", "name", "skills", "status", "state", "phone")} == {
        "id": "1001",
        "name": "Li",
        "skills": {"complaint": 5, "attitude": 3},
        "status": "break",
        "state": "idle",
        "phone": "reachable",
    }
    assert first["since"] == iso(datetime.fromtimestamp(story.entries[2].at, UTC))
    assert (second["id"], second["status"], second["phone"]) == ("1002", "signed_out", "unknown")


def test_an_agents_intervals_are_those_that_touch_the_span(ask, story):
    noted = [
        story.tell(AgentNoted("1001", "available", "idle"), later=60),
        story.tell(AgentNoted("1001", "available", "on_call", call=4), later=60),
        story.tell(AgentNoted("1001", "break", "idle", "lunch"), later=60),
    ]
    asked = ask()
    instants = [datetime.fromtimestamp(entry.at, UTC) for entry in noted]
    assert [each["state"] for each in asked.agent_intervals("1001")] == ["idle", "on_call", "idle"]
    assert [each["state"] for each in asked.agent_intervals("1001", newest=2)] == ["on_call", "idle"]
    middle = asked.agent_intervals("1001", instants[1], instants[2])
    assert [(each["state"], each["call"], each["to"]) for each in middle] == [("on_call", 4, iso(instants[2]))]


def test_an_agents_day_has_what_reaches_into_it_however_long_before_it_began(ask, database, story):
    noted = [
        story.tell(AgentNoted("1001", "available", "idle"), later=5),
        story.tell(AgentNoted("1001", "signed_out", "idle"), later=3 * 86_400),
        story.tell(AgentNoted("1001", "available", "idle"), later=60),
        story.tell(AgentNoted("1001", "available", "on_call", call=4), later=60),
    ]
    ask()
    since = datetime.fromtimestamp(noted[2].at, UTC) - timedelta(seconds=1)
    until = since + timedelta(seconds=100)
    found = agent_day(database.read, "1001", since, until)
    assert [(each["status"], each["state"]) for each in found] == [
        ("signed_out", "idle"), ("available", "idle"), ("available", "on_call"),
    ]  # fmt: skip
    assert (found[0]["since"], found[-1]["until"]) == (iso(since), None)
    assert agent_day(database.read, "1001", since - timedelta(days=9), since - timedelta(days=8)) == []
    assert agent_day(database.read, "1002", since, until) == []


def test_the_archive_gives_back_the_log_as_it_was_appended(ask, database, story):
    story.now += 0.1234567
    story.whole_call()
    story.queue(2)
    ask()
    assert list(archived_entries(database.read, 0, story.now + 1)) == story.entries
    middle = story.entries[3].at
    assert list(archived_entries(database.read, middle, story.now, batch=2)) == story.entries[3:-1]


def test_what_could_not_be_written_can_be_seen_with_its_reason(ask, story):
    story.tell(acd.CallEnded(1, "caller_hung_up", ended_at=1e300))
    (problem,) = ask().problems()
    assert problem["type"] == "CallEnded"
    assert problem["problem"]
