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
from acd.callbacks.events import Mode
from acd.callbacks.states import ModeView
from acd.commands import Moved
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from customers.events import CustomerSaved
from customers.files import CustomerFile
from server.eventlog.derived_events import AgentNoted, ModeNoted
from server.eventlog.log import Entry, Unreadable, decode, encode
from server.hotline import queueing
from server.hotline.live_call import Stage
from server.hotline.state import HotlineState

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
    st.builds(acd.Transferred, CALLS, AGENTS, st.just("queue"), st.just("complaint")),
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
    whole, part = HotlineState(), HotlineState()
    for entry in log[:cut]:
        assert part.play(entry) == whole.play(entry)
    restored = HotlineState.restore(part.snapshot())
    assert restored.snapshot() == whole.snapshot()
    for entry in log[cut:]:
        assert restored.play(entry) == whole.play(entry)
        assert restored.floor.next_timer() == whole.floor.next_timer()
    assert restored.snapshot() == whole.snapshot()
    assert list(restored.unwritten) == list(whole.unwritten)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 60))
def test_a_call_that_is_queued_again_is_no_other_call_to_the_floor(steps: list[tuple[Any, float]], cut: int) -> None:
    state = HotlineState()
    *played, last = entries([*steps, (acd.Tick(), 0.0)])
    for number, entry in enumerate(played):
        state.play(entry)
        if number == cut:
            state = HotlineState.restore(state.snapshot())
    for live in [live for live in state.calls if live.id in state.floor.state.calls]:
        call = state.floor.state.calls[live.id]
        before = (call.queue, call.priority, call.arrival, call.entered, call.step)
        again = Entry(last.id, last.at, *queueing.again(live))
        assert not [each for each in state.play(again) if isinstance(each, Moved)]
        assert state.floor.state.calls[live.id] is call
        assert (call.queue, call.priority, call.arrival, call.entered, call.step) == before


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_notes_that_are_in_the_log_are_not_due_any_more(steps: list[tuple[Any, float]]) -> None:
    leader, reader = HotlineState(), HotlineState()
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


def with_notes_due() -> HotlineState:
    """A state in which two entries left notes that are not in the log yet: `3-0` one, `5-0` several."""
    state = HotlineState()
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
    assert [each.after for each in state.unwritten][:2] == ["3-0", "5-0"]
    assert len(state.unwritten) > 2
    return state


def written(state: HotlineState, number: int, note: object, after: str) -> None:
    """A note comes from the log."""
    state.play(Entry(f"{number}-0", 2.0, note, after))


def test_a_note_that_is_missing_is_not_waited_for_when_a_later_one_is_there() -> None:
    state = with_notes_due()
    first, *rest = list(state.unwritten)[1:]
    written(state, 6, first.note, first.after)
    assert list(state.unwritten) == rest
    assert state.differences == {"AgentNoted is not in the log": 1}
    for each in rest:
        written(state, 7, each.note, each.after)
    assert not state.unwritten


def test_a_note_that_cannot_be_read_is_known_by_its_type_and_its_cause() -> None:
    state = with_notes_due()
    written(state, 6, Unreadable("", ((b"t", b"AgentNoted"),)), "3-0")
    due = list(state.unwritten)
    assert {each.after for each in due} == {"5-0"}
    written(state, 7, Unreadable("", ((b"t", b"Foreseen"),)), "5-0")
    written(state, 8, Unreadable("", ()), "1-0")
    assert list(state.unwritten) == due
    assert not state.differences, "it is told of elsewhere"


def test_a_note_that_an_earlier_release_did_not_write_skews_none_that_follow() -> None:
    state = with_notes_due()
    wrote = list(state.unwritten)
    added = wrote.pop(1)
    assert added.after == wrote[1].after
    for number, each in enumerate(wrote, 6):
        written(state, number, each.note, each.after)
    assert list(state.unwritten) == [added], "a leader would write it now"
    assert not state.differences
    state.play(Entry("20-0", 2.0, acd.StatusSet("1001", acd.Status.BREAK)))
    due = list(state.unwritten)[1:]
    assert due
    written(state, 21, due[0].note, "20-0")
    assert list(state.unwritten) == due[1:]
    assert state.differences == {f"{type(added.note).__name__} is not in the log": 1}


def test_a_note_that_only_an_earlier_release_wrote_skews_none_that_follow() -> None:
    state = with_notes_due()
    dropped = ModeNoted(ModeView("media", Mode.ON, True, 1.0, None, "", "", ""))
    for number, each in enumerate(list(state.unwritten), 6):
        written(state, number, dropped, each.after)
        written(state, number, each.note, each.after)
    assert not state.unwritten
    assert set(state.differences) == {"ModeNoted does not follow here"}


def test_a_note_that_reads_otherwise_is_the_same_note_and_told_of_once_with_both_texts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = with_notes_due()
    otherwise = AgentNoted("1001", "available", "idle", reason="in other words")
    written(state, 6, otherwise, "3-0")
    assert {each.after for each in state.unwritten} == {"5-0"}
    state.play(Entry("20-0", 2.0, acd.StatusSet("1001", acd.Status.BREAK)))
    written(state, 21, otherwise, "20-0")
    assert state.differences["AgentNoted reads otherwise"] == 2
    told = [line for line in capsys.readouterr().out.splitlines() if "AgentNoted reads otherwise" in line]
    assert len(told) == 1
    assert "in other words" in told[0]
    assert told[0].count("1001") == 2, "what was written, and what follows here"


def test_what_cannot_be_read_changes_nothing_but_the_place() -> None:
    state = HotlineState()
    state.play(Entry("1-0", 5.0, acd.PolicySet(POLICY)))
    before = HotlineState.restore(state.snapshot())
    assert state.play(Entry("2-0", 7.0, Unreadable("CallArrived cannot be read", ((b"t", b"CallArrived"),)))) == []
    assert (state.position, state.at) == ("2-0", 7.0)
    state.position, state.at = before.position, before.at
    assert state.snapshot() == before.snapshot()


def test_a_note_of_the_snapshot_that_another_version_made_is_left_out() -> None:
    state = HotlineState()
    data = msgspec.json.decode(state.snapshot())
    data["unwritten"] = [["Foreseen", "{}", 1.0, "1-0"], ["AgentNoted", "{", 1.0, "1-0"]]
    assert not HotlineState.restore(msgspec.json.encode(data)).unwritten


@pytest.mark.parametrize("part", ["floor", "calls", "tickets"])
def test_a_part_that_fails_passes_the_entry_over_alone(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = HotlineState()
    arrived, queued = (
        acd.CallArrived(1, "13800000001", "400", "PJSIP/t-1", "u1", 1.0),
        acd.CallQueued(1, "complaint", NEEDED, 1.0, caller="13800000001"),
    )
    policy, first, second, third = entries([(acd.PolicySet(POLICY), 0), (arrived, 1), (queued, 1), (acd.Tick(), 1)])
    state.play(policy)
    state.play(first)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(getattr(state, part), "contact" if part == "tickets" else "receive", broken)
    state.play(second)
    monkeypatch.undo()
    state.play(third)
    assert state.position == third.id
    live = state.calls.get(1)
    assert live is not None
    assert live.stage is (Stage.MENU if part == "calls" else Stage.WAITING)
    assert len(state.floor.waiting()) == (0 if part == "floor" else 1)


def test_what_a_call_was_before_a_crash_is_known_after_it() -> None:
    state = HotlineState()
    story = [
        (acd.CallArrived(1, "13800000001", "400", "PJSIP/t-1", "u1", 1.0), 1.0),
        (ivr.FlowMoved(1, "hotline", "main", "{}"), 1.0),
        (ivr.FieldSet(1, "category", "attitude"), 1.0),
        (acd.CallQueued(1, "complaint", NEEDED, 5.0, caller="13800000001"), 1.0),
    ]
    for entry in entries(story):
        state.play(entry)
    live = HotlineState.restore(state.snapshot()).calls.by_unique_id("u1")
    assert live is not None
    assert (live.stage, live.queue, live.flow_state) == (Stage.WAITING, "complaint", "{}")
    assert live.asked == acd.CallQueued(1, "complaint", NEEDED, 5.0, caller="13800000001")
    assert live.fields == {"category": "attitude"}
    assert live.ticket == 1


def recorded(*more: tuple[Any, float]) -> list[Entry]:
    arrived = acd.CallArrived(1, "13800000001", "400", "PJSIP/t-1", "u1", 1.0)
    return entries([(arrived, 0), (rec.RecordingStarted(1, 1, "1001", "a", "b"), 1), *more])


@pytest.mark.parametrize(
    ("end", "lasted"),
    [
        (acd.ConversationEnded(1, "1001", "agent", talked=2.0, held=1.0), 3.0),
        (acd.Transferred(1, "1001", "queue", "complaint", talked=2.0, held=0.5), 2.5),
        (acd.CallEnded(1, "lost"), None),
    ],
)
def test_a_recording_waits_to_be_closed_from_the_end_of_its_conversation(end: Any, lasted: float | None) -> None:
    state = HotlineState()
    for entry in recorded():
        state.play(entry)
    assert state.recordings.overdue(state.at + 3600, 60) == []
    state.play(recorded((end, 1))[-1])
    assert [each.recording for each in state.recordings.overdue(state.at + 61, 60)] == [1]
    (recording,) = state.recordings.unfinished()
    assert recording.lasted == lasted


def test_a_recording_of_a_call_that_is_over_already_waits_to_be_closed_at_once() -> None:
    state = HotlineState()
    state.play(Entry("1-0", 5.0, rec.RecordingStarted(1, 1, "1001", "a", "b")))
    assert state.recordings.overdue(66.0, 60)


@pytest.mark.parametrize("over", [False, True])
def test_the_recordings_in_a_snapshot_of_an_older_version_are_still_joined(over: bool) -> None:
    state = HotlineState()
    for entry in recorded():
        state.play(entry)
    old = msgspec.json.decode(state.snapshot())
    del old["recordings"]
    leg = {"offer": 1, "agent": "1001", "offered_at": 1.0, "ring_for": 20.0}
    old["calls"]["calls"][0]["leg"] = None if over else leg
    kept = {"recording": 1, "call": 1, "caller_file": "a", "agent_file": "b", "at": 7.0, "talked": None}
    old["calls"]["recordings"] = [kept]
    (again,) = HotlineState.restore(msgspec.json.encode(old)).recordings.unfinished()
    assert (again.caller_file, again.agent_file, again.started_at) == ("a", "b", 7.0)
    assert (again.agent, again.ended_at) == (("", state.at) if over else ("1001", None))


def test_customers_are_in_the_snapshot_as_they_are_after_each_change() -> None:
    state = HotlineState()
    for number in (1, 2):
        saved = CustomerSaved(CustomerFile(number, "Wang", (f"+8613800138{number:03}",)))
        state.play(Entry(f"{number}-0", 1.0, saved))
        again = HotlineState.restore(state.snapshot())
        assert state.snapshot() == state.snapshot()
        assert again.customers.file(number) == saved.file
        assert len(again.customers) == number
