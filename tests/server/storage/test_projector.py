"""The projector: from the log to the records, exactly once."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

import acd.events as acd
import ivr.events as ivr
import knowledge.events as knowledge
import recordings.events as rec
import tickets.events as tickets
from acd.callbacks.events import PromiseAsked
from acd.policy.definitions import Skill
from recordings.chain import Link, verify
from server.eventlog.derived_events import AgentNoted
from server.eventlog.log import Unreadable, entry_of
from server.storage.archive import archived_entries
from server.storage.database import open_database
from server.storage.projections.plain_rows import PlainRows
from server.storage.projections.rules import Rules
from server.storage.projector import Projector
from server.storage.schema import tables
from server.storage.schema.migrate import migrate
from server.storage.schema.tables import Base


def rows(database, table):
    with Session(database.read) as session:
        return list(session.scalars(select(table).order_by(*table.__table__.primary_key.columns)))


def everything(database):
    """Every table → its rows; a cell is told by what it is of, since its number is that of its coming, and only where
    something is counted."""
    with database.read.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
        }
    cells = {number: rest for number, *rest in found.pop("report_cells")}
    for table in ("report_counts", "report_blocks"):
        found[table] = sorted((place, cells[cell], data) for place, cell, data in found[table])
    return found


def outcome(database, story):
    Projector(database.write).apply(story.entries)
    (call,) = rows(database, tables.Call)
    return call.outcome


def test_a_whole_call_leaves_every_record(database, story):
    story.whole_call()
    Projector(database.write).apply(story.entries)
    (call,) = rows(database, tables.Call)
    assert (call.outcome, call.queue, call.category, call.business) == ("handled", "complaint", "attitude", "complaint")
    assert (call.agent, call.ticket, call.satisfaction, call.talked, call.held) == ("1001", 1, 5, 30.0, 2.0)
    assert call.offered_at < call.answered_at < call.queued_at < call.connected_at < call.ended_at
    (leg,) = rows(database, tables.Segment)
    assert (leg.call, leg.agent, leg.queue, leg.outcome, leg.ended_by) == (1, "1001", "complaint", "answered", "agent")
    assert leg.offered_at < leg.rang_at < leg.answered_at < leg.joined_at < leg.ended_at
    (decision,) = rows(database, tables.Decision)
    assert decision.data["candidates"][1] == {"agent": "1002", "excluded": "on break: lunch", "score": []}
    (ticket,) = rows(database, tables.Ticket)
    assert (ticket.call, ticket.grade, ticket.state, ticket.contacts) == (1, "general", "new", 1)
    (recording,) = rows(database, tables.Recording)
    assert (recording.state, recording.call, recording.seconds, recording.channels) == ("closed", 1, 30.0, 2)
    assert next(entry.type for entry in rows(database, tables.LogEntry)) == "CallArrived"


def test_the_same_entries_again_change_nothing(database, story):
    story.whole_call()
    projector = Projector(database.write)
    assert projector.apply(story.entries) == len(story.entries)
    before = everything(database)
    assert projector.apply(story.entries) == 0
    assert everything(database) == before
    assert projector.cursor() == story.entries[-1].id


def test_an_entry_that_asks_in_the_middle_of_a_batch_takes_nothing_from_the_counts(tmp_path, migrated_sqlite, story):
    story.arrive(1)
    story.tell(rec.RecordingStarted(1, 1, "1001", "a.wav", "b.wav"), knowledge.BulletinRead(1, "1001"))
    story.whole_call(2)
    found = []
    for name, at_once in (("whole", len(story.entries)), ("single", 1)):
        database = open_database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / name)}")
        for first in range(0, len(story.entries), at_once):
            Projector(database.write).apply(story.entries[first : first + at_once])
        found.append(everything(database))
        database.dispose()
    assert found[0] == found[1]


def test_columns_that_others_have_written_meanwhile_stay(database, story):
    story.arrive(1)
    Projector(database.write).apply(story.entries)
    with Session(database.write) as session:
        plain = PlainRows(session.connection())
        (call,) = plain.read(tables.Call)
        call.queue = "orders"
        session.execute(update(tables.Call).values(caller=""))  # a deletion on request, on PostgreSQL
        plain.write()
        session.commit()
    (call,) = rows(database, tables.Call)
    assert (call.queue, call.caller) == ("orders", "")


@pytest.mark.thorough
def test_entries_in_any_cuts_and_overlaps_give_the_same_records(tmp_path, story):
    for call in range(1, 4):
        story.whole_call(call)
    story.tell(AgentNoted("1001", "available", "idle"), AgentNoted("1001", "break", "idle", "lunch"))
    numbers = itertools.count()
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    migrate(empty.write)
    empty.dispose()

    def project(cuts):
        path = shutil.copy(tmp_path / "empty.db", tmp_path / f"{next(numbers)}.db")
        database = open_database(f"sqlite:///{path}")
        for first, last in cuts:
            Projector(database.write).apply(story.entries[first:last])
        found = everything(database)
        database.dispose()
        return found

    whole = project([(0, None)])
    place = st.integers(0, len(story.entries))

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(place, max_size=6), st.integers(0, 10))
    def holds(cuts, overlap):
        ends = [*sorted(cuts), len(story.entries)]
        starts = [0, *ends[:-1]]
        assert project([(max(0, start - overlap), end) for start, end in zip(starts, ends, strict=True)]) == whole

    holds()


def test_rows_and_cursor_are_written_together_or_not_at_all(database, story):
    story.whole_call()
    projector = Projector(database.write)
    projector.apply(story.entries[:5])
    before = everything(database)
    with database.write.begin() as connection:
        connection.execute(text("ALTER TABLE events RENAME TO events_away"))
    with pytest.raises(Exception, match="events"):
        projector.apply(story.entries)
    with database.write.begin() as connection:
        connection.execute(text("ALTER TABLE events_away RENAME TO events"))
    assert everything(database) == before
    assert projector.apply(story.entries) == len(story.entries) - 5


def test_an_entry_that_the_database_refuses_is_kept_with_the_reason_and_holds_up_nobody(database, story):
    story.arrive()
    bad = story.tell(acd.CallEnded(1, "caller_hung_up", ended_at=float("1e300")))
    story.tell(tickets.TicketOpened(2**70, 1, "138", "complaint", "attitude"))
    story.whole_call(2)
    assert Projector(database.write).apply(story.entries) == len(story.entries)
    refused = [entry for entry in rows(database, tables.LogEntry) if entry.problem]
    assert [entry.type for entry in refused] == ["CallEnded", "TicketOpened"]
    assert f"{refused[0].ms}-{refused[0].seq}" == bad.id
    assert [call.outcome for call in rows(database, tables.Call)] == [None, "handled"]


def test_an_entry_that_cannot_be_read_is_kept_with_the_reason_and_holds_up_nobody(database, story):
    story.arrive()
    bad = entry_of("9000000000000-1", {b"t": b"Foreseen\x00" * 900, b"e": b"\xff\x00{", b"at": b"nan"})
    story.entries.append(bad)
    story.entries.append(replace(story.tell(acd.CallEnded(1, "caller_hung_up")), id="9000000000000-2"))
    del story.entries[-2]
    assert Projector(database.write).apply(story.entries) == len(story.entries)
    (kept,) = (entry for entry in rows(database, tables.LogEntry) if entry.problem)
    assert kept.type.startswith("Foreseen")
    assert kept.data == "\\xff\\0{"
    assert "cannot be read" in kept.problem
    assert [call.end_cause for call in rows(database, tables.Call)] == ["caller_hung_up"]
    again = list(archived_entries(database.read, 0, 2e10))
    assert [entry.event for entry in again if not isinstance(entry.event, Unreadable)] == [
        entry.event for entry in story.entries if entry is not bad
    ]


def test_a_text_too_long_for_an_index_holds_up_nobody(database, story):
    """PostgreSQL refuses to index it; SQLite takes it."""
    story.arrive(caller="".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(9000)))
    story.whole_call(2)
    assert Projector(database.write).apply(story.entries) == len(story.entries)
    assert rows(database, tables.Call)[-1].outcome == "handled"


def test_text_with_a_nul_is_stored_without_it(database, story):
    story.arrive(caller="138\x00000")
    Projector(database.write).apply(story.entries)
    (call,) = rows(database, tables.Call)
    assert call.caller == "138\N{REPLACEMENT CHARACTER}000"


def test_a_call_in_progress_has_no_outcome(database, story):
    story.arrive()
    story.serve()
    assert outcome(database, story) is None


def test_a_caller_who_hangs_up_in_the_menu_was_in_the_ivr(database, story):
    story.arrive()
    story.tell(acd.CallEnded(1, "caller_hung_up"))
    assert outcome(database, story) == "in_ivr"


@pytest.mark.parametrize(("waited", "expected"), [(4.9, "short_abandoned"), (5.0, "abandoned"), (300.0, "abandoned")])
def test_giving_up_in_the_queue_is_abandoning_from_five_seconds_on(database, waited, expected, story):
    story.arrive()
    story.queue()
    story.tell(acd.CallEnded(1, "caller_hung_up"), later=waited)
    assert outcome(database, story) == expected


def test_a_call_cut_off_by_a_fault_of_ours_has_failed(database, story):
    story.arrive()
    story.queue()
    story.tell(acd.CallEnded(1, "lost"), later=60)
    assert outcome(database, story) == "failed"


def test_a_conversation_cut_off_was_still_handled_and_its_leg_is_closed(database, story):
    story.arrive()
    story.serve()
    story.tell(acd.CallEnded(1, "lost", ended_at=story.now + 5), later=60)
    assert outcome(database, story) == "handled"
    (leg,) = rows(database, tables.Segment)
    assert leg.ended_by == "lost"
    assert leg.ended_at == rows(database, tables.Call)[0].ended_at


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ([ivr.NumberTaken(1, "13800138000", "attitude", "queue")], "callback"),
        ([PromiseAsked("13800138000", "complaint", "attitude", "queue", 1)], "callback"),
        ([PromiseAsked("13800138000", "complaint", "attitude", "hung_up", 1, unconfirmed="hung up")], "overflowed"),
        ([PromiseAsked("13800138000", "complaint", "attitude", "api", 1)], "overflowed"),
        ([ivr.MessageLeft(1, "m.wav", 8.0)], "message"),
        ([], "overflowed"),
    ],
)
def test_a_caller_led_out_of_the_queue_ends_by_what_they_left(database, then, expected, story):
    story.arrive()
    story.queue()
    story.tell(acd.CallLeftQueue(1, "overflow"), *then, acd.CallEnded(1, "hotline_hung_up"), later=10)
    assert outcome(database, story) == expected


@pytest.mark.parametrize(
    "first",
    [
        lambda at: ivr.NumberTaken(0, "13800138000", "system", "fallback", at, spool_id="s1"),
        lambda at: PromiseAsked("13800138000", "complaint", "system", "fallback", taken_at=at, spool_id="s1"),
    ],
)
def test_a_number_from_the_fallback_spool_is_taken_in_once(database, story, first):
    at = story.began - 60
    taken = PromiseAsked("13800138000", "complaint", "system", "fallback", taken_at=at, spool_id="s1")
    story.tell(first(at))
    story.tell(taken)
    projector = Projector(database.write)
    projector.apply(story.entries)
    story.tell(taken)
    projector.apply(story.entries)
    (number,) = rows(database, tables.NumberTaken)
    assert (number.call, number.taken_at.timestamp()) == (None, story.began - 60)
    assert rows(database, tables.Call) == []


def test_an_unanswered_offer_and_the_next_one_are_two_legs(database, story):
    story.arrive()
    cause = story.queue()
    story.offer(cause, number=1)
    failed = story.tell(acd.OfferRinging(1), acd.OfferFailed(1, acd.Outcome.NO_ANSWER, "20 s"), later=20)
    story.offer(failed, number=2, agent="1002")
    story.tell(acd.OfferRinging(2), acd.OfferAnswered(2), acd.Joined(1, "1002"))
    story.tell(acd.ConversationEnded(1, "1002", "caller", talked=9.0), acd.CallEnded(1, "caller_hung_up"))
    Projector(database.write).apply(story.entries)
    first, second = rows(database, tables.Segment)
    assert (first.agent, first.outcome, first.detail, first.talked) == ("1001", "no_answer", "20 s", 0.0)
    assert (second.agent, second.outcome, second.talked, second.ended_by) == ("1002", "answered", 9.0, "caller")


def test_a_transferred_call_has_a_leg_for_each_agent_and_the_sum_of_their_talk(database, story):
    story.arrive()
    story.serve(number=1)
    story.tell(acd.Transferred(1, "1001", "agent", "1002", attended=True, talked=20.0, held=5.0), later=20)
    story.tell(acd.Transferred(1, "1002", "queue", "orders", talked=10.0), later=10)
    story.offer(story.entries[-1], number=2, agent="1003")
    story.tell(acd.OfferAnswered(2), acd.Joined(1, "1003"), acd.ConversationEnded(1, "1003", "caller", talked=3.0))
    story.tell(acd.CallEnded(1, "caller_hung_up"))
    Projector(database.write).apply(story.entries)
    legs = [(leg.offer, leg.agent, leg.ended_by, leg.talked, leg.held) for leg in rows(database, tables.Segment)]
    assert legs == [
        (1, "1001", "transfer", 20.0, 5.0),
        (None, "1002", "transfer", 10.0, 0.0),
        (2, "1003", "caller", 3.0, 0.0),
    ]
    (call,) = rows(database, tables.Call)
    assert (call.agent, call.queue, call.talked, call.held, call.outcome) == ("1003", "orders", 33.0, 5.0, "handled")


def test_agent_intervals_follow_one_another_from_the_instants_of_their_causes(database, story):
    story.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), ("A",)))
    causes = [story.tell(acd.StatusSet("1001", status)) for status in (acd.Status.AVAILABLE, acd.Status.BREAK)]
    story.tell(AgentNoted("1001", "available", "idle"), after=causes[0].id)
    projector = Projector(database.write)
    projector.apply(story.entries)
    story.tell(AgentNoted("1001", "break", "idle", "lunch"), after=causes[1].id)
    story.tell(AgentNoted("1001", "break", "idle", "lunch"), after=causes[1].id)
    projector.apply(story.entries)
    first, second = rows(database, tables.AgentInterval)
    assert first.began_at.timestamp() == causes[0].at
    assert first.ended_at == second.began_at
    assert second.began_at.timestamp() == causes[1].at
    assert second.ended_at is None
    (agent,) = rows(database, tables.Agent)
    assert (agent.skills, agent.status, agent.reason, agent.since) == (
        {"complaint": 5},
        "break",
        "lunch",
        second.began_at,
    )


def test_a_removed_agent_stays_in_the_records_and_no_interval_stays_open(database, story):
    story.tell(acd.AgentDefined("1001", "Li", ()), AgentNoted("1001", "available", "idle"), acd.AgentRemoved("1001"))
    Projector(database.write).apply(story.entries)
    assert rows(database, tables.AgentInterval)[0].ended_at is not None
    assert rows(database, tables.Agent)[0].removed_at is not None


def test_a_tickets_history_is_told_in_order_with_from_and_to(database, story):
    story.tell(
        tickets.TicketOpened(7, 1, "138", "complaint", "attitude"),
        tickets.ContactAdded(7, 2),
        tickets.GradeRaised(7, "serious", "repeat_contact", story.began + 5, story.began + 9),
        tickets.OwnerSet(7, "1001", "1001", "first_conversation"),
        tickets.CategoryConfirmed(7, "system", "1001"),
        tickets.StateChanged(7, "resolved", "1001"),
        tickets.StateChanged(7, "followed_up"),
        tickets.RoundStarted(7, 2, "critical", "1002", "not satisfied"),
    )
    Projector(database.write).apply(story.entries)
    (ticket,) = rows(database, tables.Ticket)
    assert (ticket.state, ticket.grade, ticket.round, ticket.owner) == ("new", "critical", 2, "1001")
    assert (ticket.contacts, ticket.category, ticket.confirmed) == (2, "attitude", "system")
    told = [(line.kind, line.before, line.after) for line in rows(database, tables.TicketHistory)]
    assert told == [
        ("opened", "", "new"),
        ("contact", "", ""),
        ("grade", "general", "serious"),
        ("owner", "", "1001"),
        ("category", "attitude", "system"),
        ("state", "new", "resolved"),
        ("state", "resolved", "followed_up"),
        ("round", "1", "2"),
    ]
    assert {call.id: call.ticket for call in rows(database, tables.Call)} == {1: 7, 2: 7}


def test_closed_recordings_form_a_chain_that_shows_a_change(database, story):
    projector = Projector(database.write)
    for call in range(1, 4):
        story.whole_call(call)
        projector.apply(story.entries)

    def chain():
        found = sorted(rows(database, tables.Recording), key=lambda each: each.place)
        return found[0].day, [Link(each.place, each.id, each.sha256, each.link) for each in found]

    day, links = chain()
    assert [link.position for link in links] == [1, 2, 3]
    assert verify(day, links, links[-1].link) == []
    with database.write.begin() as connection:
        connection.execute(text("UPDATE recordings SET sha256 = 'forged' WHERE id = 2"))
    assert [fault.recording for fault in verify(*chain())] == [2]


def test_a_recording_that_was_closed_stays_closed(database, story):
    story.whole_call()
    story.tell(rec.RecordingMissing(1, "nothing was written"))
    Projector(database.write).apply(story.entries)
    (recording,) = rows(database, tables.Recording)
    assert (recording.state, recording.problem) == ("closed", "")


def test_events_of_other_kinds_are_archived_word_for_word(database, story):
    story.now += 0.1234567
    story.tell(acd.Tick(), acd.CallDetached(9))
    Projector(database.write).apply(story.entries)
    tick, detached = rows(database, tables.LogEntry)
    assert (tick.type, tick.at, tick.data) == ("Tick", story.entries[0].at, "{}")
    assert (detached.type, detached.data) == ("CallDetached", '{"call":9}')


def test_a_projector_has_the_projections_that_it_is_given(database, story):
    rules = Rules()

    @rules.on(acd.CallArrived)
    def _(event, entry, rows):
        rows.calls[event.call].caller = "told by this rule"

    story.whole_call()
    Projector(database.write, [rules]).apply(story.entries)
    assert [call.caller for call in rows(database, tables.Call)] == ["told by this rule"]
    assert rows(database, tables.Ticket) == []


def test_one_projection_has_one_rule_for_a_type_of_event():
    rules = Rules()
    rules.on(acd.CallArrived)(lambda event, entry, rows: None)
    with pytest.raises(ValueError, match="there is a rule for CallArrived already"):
        rules.on(acd.CallArrived)(lambda event, entry, rows: None)
