"""The state: restored from a snapshot it goes on as the one that played everything; a fault passes one entry over."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
from acd.commands import Moved
from acd.definitions import Policy, Queue, Requirement, Skill
from server import queueing
from server.calls import Stage
from server.log import Entry, Unreadable, decode, encode
from server.state import State

AGENTS = st.sampled_from(["1001", "1002", "1003"])
CALLS = st.integers(1, 4)
OFFERS = st.integers(1, 6)
NEEDED = Requirement((Skill("complaint"),))
POLICY = Policy(skills=("complaint",), queues=(Queue("complaint", "complaint"), Queue("inquiry")))
EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.just(acd.PolicySet(POLICY)),
    st.builds(acd.AgentDefined, AGENTS, st.just("Li"), st.just((Skill("complaint", 5),))),
    st.builds(acd.StatusSet, AGENTS, st.sampled_from(acd.Status)),
    CALLS.map(lambda call: acd.CallArrived(call, f"1380000000{call}", "400", f"PJSIP/t-{call}", f"u{call}", 1.0)),
    CALLS.map(lambda call: acd.CallQueued(call, "complaint", NEEDED, 1.0, caller=f"1380000000{call}")),
    st.builds(acd.PrioritySet, CALLS, st.integers(-5, 50)),
    st.builds(acd.CallMoved, CALLS, st.just("inquiry"), st.just(Requirement())),
    st.builds(
        acd.Transferred, CALLS, AGENTS, st.just("queue"), st.just("inquiry"), st.booleans(), st.just(Requirement())
    ),
    st.builds(acd.Transferred, CALLS, AGENTS, st.just("outside"), st.just("01088886666")),
    st.builds(acd.CallDetached, CALLS),
    st.builds(acd.CallAttached, CALLS),
    st.builds(acd.CallLeftQueue, CALLS, st.just("message")),
    st.builds(acd.CallEnded, CALLS, st.just("caller_hung_up")),
    st.builds(acd.OfferRinging, OFFERS),
    st.builds(acd.OfferAnswered, OFFERS),
    st.builds(acd.OfferFailed, OFFERS, st.sampled_from(acd.Outcome)),
    st.builds(acd.Joined, CALLS, AGENTS),
    st.builds(acd.ConversationEnded, CALLS, AGENTS, st.just("agent"), st.just(3.0)),
    st.just(acd.Tick()),
    st.builds(ivr.FlowMoved, CALLS, st.just("hotline"), st.just("menu"), st.just("{}")),
    st.builds(ivr.FieldSet, CALLS, st.just("category"), st.just("attitude")),
    st.builds(rec.RecordingStarted, OFFERS, CALLS, AGENTS, st.just("a"), st.just("b")),
    st.builds(rec.RecordingMissing, OFFERS, st.just("nothing")),
)
STEPS = st.lists(st.tuples(EVENTS, st.floats(0, 30)), min_size=1, max_size=60)


def entries(steps: list[tuple[Any, float]]) -> list[Entry]:
    """The steps (event, seconds later) as the log has them, after having been written and read."""
    at, found = 1_800_000_000.0, []
    for number, (event, later) in enumerate(steps, 1):
        at += later
        found.append(Entry(f"{number}-0", at, decode(*encode(event))))
    return found


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 60))
def test_a_restored_state_goes_on_as_the_one_that_played_everything(steps: list[tuple[Any, float]], cut: int) -> None:
    log = entries(steps)
    whole, part = State(), State()
    for entry in log[:cut]:
        assert part.play(entry) == whole.play(entry)
    restored = State.restore(part.snapshot())
    assert restored.snapshot() == whole.snapshot()
    for entry in log[cut:]:
        assert restored.play(entry) == whole.play(entry)
        assert restored.floor.next_timer() == whole.floor.next_timer()
    assert restored.snapshot() == whole.snapshot()
    assert list(restored.unwritten) == list(whole.unwritten)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 60))
def test_a_call_that_is_queued_again_is_no_other_call_to_the_floor(steps: list[tuple[Any, float]], cut: int) -> None:
    state = State()
    *played, last = entries([*steps, (acd.Tick(), 0.0)])
    for number, entry in enumerate(played):
        state.play(entry)
        if number == cut:
            state = State.restore(state.snapshot())
    for live in [live for live in state.calls if live.id in state.floor.room.calls]:
        call = state.floor.room.calls[live.id]
        before = (call.queue, call.priority, call.arrival, call.entered, call.step)
        again = Entry(last.id, last.at, *queueing.again(live))
        assert not [each for each in state.play(again) if isinstance(each, Moved)]
        assert state.floor.room.calls[live.id] is call
        assert (call.queue, call.priority, call.arrival, call.entered, call.step) == before


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_notes_that_are_in_the_log_are_not_due_any_more(steps: list[tuple[Any, float]]) -> None:
    leader, reader = State(), State()
    number = 0
    for entry in entries(steps):
        leader.play(entry)
        reader.play(entry)
        for note, at, after in list(leader.unwritten):
            number += 1
            written = Entry(f"{entry.id.partition('-')[0]}-{number}", at, note, after)
            leader.play(written)
            reader.play(written)
    assert not leader.unwritten
    assert not reader.unwritten
    assert leader.snapshot() == reader.snapshot()


def test_a_note_that_is_missing_is_not_waited_for_when_a_later_one_is_there() -> None:
    state = State()
    for number, event in enumerate(
        (
            acd.PolicySet(POLICY),
            acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)),
            acd.StatusSet("1001", acd.Status.AVAILABLE),
            acd.CallArrived(1, "13800000001", "400", "PJSIP/t-1", "u1", 1.0),
            acd.CallQueued(1, "complaint", NEEDED, 1.0),
        ),
        1,
    ):
        state.play(Entry(f"{number}-0", 2.0, event))
    assert state.unwritten[0].after == "3-0"
    first, *rest = (each for each in state.unwritten if each.after == "5-0")
    assert rest
    state.play(Entry("6-0", first.at, Unreadable("", ()), first.after))
    assert list(state.unwritten) == rest
    state.play(Entry("7-0", 3.0, Unreadable("", ()), "6-0"))
    assert not state.unwritten


def test_what_cannot_be_read_changes_nothing_but_the_place() -> None:
    state = State()
    state.play(Entry("1-0", 5.0, acd.PolicySet(POLICY)))
    before = State.restore(state.snapshot())
    assert state.play(Entry("2-0", 7.0, Unreadable("CallArrived cannot be read", ((b"t", b"CallArrived"),)))) == []
    assert (state.position, state.at) == ("2-0", 7.0)
    state.position, state.at = before.position, before.at
    assert state.snapshot() == before.snapshot()


def test_a_note_of_the_snapshot_that_another_version_made_is_left_out() -> None:
    state = State()
    data = msgspec.json.decode(state.snapshot())
    data["unwritten"] = [["Foreseen", "{}", 1.0, "1-0"], ["AgentNoted", "{", 1.0, "1-0"]]
    assert not State.restore(msgspec.json.encode(data)).unwritten


@pytest.mark.parametrize("part", ["floor", "calls", "desk"])
def test_a_part_that_fails_passes_the_entry_over_alone(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State()
    arrived, queued = (
        acd.CallArrived(1, "13800000001", "400", "PJSIP/t-1", "u1", 1.0),
        acd.CallQueued(1, "complaint", NEEDED, 1.0, caller="13800000001"),
    )
    policy, first, second, third = entries([(acd.PolicySet(POLICY), 0), (arrived, 1), (queued, 1), (acd.Tick(), 1)])
    state.play(policy)
    state.play(first)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(getattr(state, part), "contact" if part == "desk" else "receive", broken)
    state.play(second)
    monkeypatch.undo()
    state.play(third)
    assert state.position == third.id
    live = state.calls.get(1)
    assert live is not None
    assert live.stage is (Stage.MENU if part == "calls" else Stage.WAITING)
    assert len(state.floor.waiting()) == (0 if part == "floor" else 1)


def test_what_a_call_was_before_a_crash_is_known_after_it() -> None:
    state = State()
    story = [
        (acd.CallArrived(1, "13800000001", "400", "PJSIP/t-1", "u1", 1.0), 1.0),
        (ivr.FlowMoved(1, "hotline", "main", "{}"), 1.0),
        (ivr.FieldSet(1, "category", "attitude"), 1.0),
        (acd.CallQueued(1, "complaint", NEEDED, 5.0, caller="13800000001"), 1.0),
    ]
    for entry in entries(story):
        state.play(entry)
    live = State.restore(state.snapshot()).calls.by_unique_id("u1")
    assert live is not None
    assert (live.stage, live.queue, live.flow_state) == (Stage.WAITING, "complaint", "{}")
    assert live.asked == acd.CallQueued(1, "complaint", NEEDED, 5.0, caller="13800000001")
    assert live.fields == {"category": "attitude"}
    assert live.ticket == 1
