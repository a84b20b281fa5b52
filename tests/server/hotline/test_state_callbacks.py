"""A number that a caller left becomes, in the state, a ticket, a promise, and a placed call on the same ticket.

`NumberTaken` is how logs of the version before tell of them: their promises are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import acd.callbacks.events as callback
import acd.events as acd
import ivr.events as ivr
from acd.callbacks.commands import OfferCallback, PlaceCall
from acd.callbacks.policy import CallbackPolicy
from acd.callbacks.states import PromiseState
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from server.eventlog.derived_events import Decided, ModeNoted, PromiseNoted
from server.eventlog.log import Entry, decode, encode
from server.hotline.promising import asked_back
from server.hotline.state import HotlineState

NEEDED = Requirement((Skill("complaint"),))
POLICY = Policy(skills=("complaint",), queues=(Queue("complaint", "complaint"),))
NUMBER = "13800001111"

Play = Callable[..., list[Any]]


@pytest.fixture
def state() -> HotlineState:
    return HotlineState()


@pytest.fixture
def play(state: HotlineState) -> Play:
    """Plays events, a second apart, as the log has them; answers the commands of the last."""
    numbers = iter(range(1, 1000))

    def playing(*events: Any) -> list[Any]:
        commands: list[Any] = []
        for event in events:
            number = next(numbers)
            commands = state.play(Entry(f"{number}-0", 1_800_000_000.0 + number, decode(*encode(event))))
        return commands

    playing(acd.PolicySet(POLICY), callback.CallbackPolicySet(CallbackPolicy()))
    return playing


def notes(state: HotlineState, kind: type) -> list[Any]:
    return [each.note for each in state.unwritten if isinstance(each.note, kind)]


def waits(call: int, caller: str = NUMBER) -> list[Any]:
    return [
        acd.CallArrived(call, caller, "400", f"PJSIP/t-{call}", f"u{call}", 1.0),
        acd.CallQueued(call, "complaint", NEEDED, 1_800_000_000.5, priority=3, caller=caller, category="attitude"),
    ]


def test_a_number_taken_from_a_waiting_caller_is_a_promise_at_the_same_place(state: HotlineState, play: Play) -> None:
    commands = play(*waits(1), acd.CallLeftQueue(1, "callback"), ivr.NumberTaken(1, NUMBER, "attitude"))
    (promise,) = state.callbacks.promises()
    assert (promise.number, promise.queue, promise.category, promise.origin) == (NUMBER, "complaint", "attitude", 1)
    assert (promise.queued_at, promise.priority, promise.state) == (1_800_000_000.5, 3, PromiseState.PENDING)
    assert promise.ticket == state.calls.get(1).ticket is not None  # type: ignore[union-attr]
    assert PlaceCall(promise.id) in commands
    assert notes(state, PromiseNoted)[-1].promise.id == promise.id


def test_a_number_taken_by_the_fallback_opens_a_ticket_and_a_promise(state: HotlineState, play: Play) -> None:
    play(
        acd.CallArrived(1, NUMBER, "400", "", "spool-x", 1.0),
        ivr.FieldSet(1, "category", "system"),
        ivr.NumberTaken(1, NUMBER, "system", "fallback", 1_799_999_000.0, "x", queue="complaint"),
        acd.CallEnded(1, "hotline_hung_up"),
    )
    (promise,) = state.callbacks.promises()
    assert (promise.source, promise.queued_at) == ("fallback", 1_799_999_000.0)
    assert promise.ticket is not None
    assert state.tickets.case(promise.ticket).category == "system"


def test_a_number_left_while_no_server_was_there_has_the_place_that_the_caller_had(
    state: HotlineState, play: Play
) -> None:
    play(*waits(1), ivr.FieldSet(1, "category", "attitude"))
    play(ivr.NumberTaken(1, NUMBER, "", "fallback", 1_800_000_090.0, "x", queue="inquiry"))
    (promise,) = state.callbacks.promises()
    assert (promise.queue, promise.category) == ("complaint", "attitude")
    assert (promise.queued_at, promise.priority) == (1_800_000_000.5, 3)
    assert promise.ticket is not None


def test_the_call_that_keeps_a_promise_is_a_contact_on_its_ticket_and_no_repeat(
    state: HotlineState, play: Play
) -> None:
    play(*waits(1), acd.CallLeftQueue(1, "callback"), ivr.NumberTaken(1, NUMBER, "attitude"))
    play(acd.CallEnded(1, "hotline_hung_up"))
    (promise,) = state.callbacks.promises()
    play(
        callback.CallPlaced(2, promise.id, NUMBER, shown="01012345678"),
        acd.CallQueued(2, "complaint", NEEDED, promise.queued_at, caller=NUMBER, category="attitude", promised=True),
    )
    live = state.calls.get(2)
    assert live is not None
    assert (live.ticket, live.promise, live.reached) == (promise.ticket, promise.id, False)
    assert promise.ticket is not None
    matter = state.tickets.case(promise.ticket)
    assert (matter.calls, matter.grade) == ([1, 2], "general")


def test_every_waiting_caller_is_offered_a_callback_when_the_mode_turns_on(state: HotlineState, play: Play) -> None:
    play(*waits(1), *waits(2, "13800002222"))
    commands = play(callback.ModeSet("", callback.Mode.ON, by="9001", reason="a storm"))
    assert [command.call for command in commands if isinstance(command, OfferCallback)] == [1, 2]
    noted = notes(state, ModeNoted)
    assert any(note.mode.active and note.mode.scope == "complaint" for note in noted)


def test_a_restored_state_keeps_modes_and_promises(state: HotlineState, play: Play) -> None:
    play(*waits(1), acd.CallLeftQueue(1, "callback"), ivr.NumberTaken(1, NUMBER, "attitude"))
    play(callback.ModeSet("complaint", callback.Mode.ON, by="9001"))
    again = HotlineState.restore(state.snapshot())
    assert again.callbacks.promises() == state.callbacks.promises()
    assert again.callbacks.modes() == state.callbacks.modes()
    assert again.next_timer() == state.next_timer()
    assert again.calls.next_call() == state.calls.next_call()


OLD: list[ivr.NumberTaken] = [
    ivr.NumberTaken(1, NUMBER, "attitude", queue="complaint"),
    ivr.NumberTaken(1, NUMBER, "", "queue", queue="inquiry", language="en"),
    ivr.NumberTaken(1, NUMBER, "system", "fallback", 1_799_999_000.0, "x", queue="complaint", vip=True),
    ivr.NumberTaken(1, NUMBER, "", "fallback", 1_799_999_000.0, "x", queue="inquiry"),
    ivr.NumberTaken(1, NUMBER, "attitude", "shutdown", queue="media"),
]


@pytest.mark.parametrize("old", OLD)
@pytest.mark.parametrize("where", ["menu", "queue", "over"])
def test_a_number_is_the_same_promise_whichever_event_tells_of_it(where: str, old: ivr.NumberTaken) -> None:
    before, now = HotlineState(), HotlineState()
    story = waits(1) if where == "queue" else waits(1)[:1]
    story += [ivr.FieldSet(1, "business", old.queue), ivr.FieldSet(1, "category", old.category)]
    story += [acd.CallEnded(1, "hotline_hung_up")] if where == "over" else []
    for state in (before, now):
        for number, event in enumerate([acd.PolicySet(POLICY), *story], 1):
            state.play(Entry(f"{number}-0", 1_800_000_000.0 + number, event))
    asked = asked_back(
        old.number,
        old.source,
        call=1,
        live=now.calls.get(1),
        queue=old.queue,
        category=old.category,
        language=old.language,
        vip=old.vip,
        taken_at=old.taken_at,
        spool_id=old.spool_id,
    )
    before.play(Entry("50-0", 1_800_000_050.0, decode(*encode(old))))
    now.play(Entry("50-0", 1_800_000_050.0, decode(*encode(asked))))
    assert len(now.callbacks.promises()) == 1
    assert before.callbacks.promises() == now.callbacks.promises()
    # The floor hears of the new event, so that time passes there too.
    told, tells = ([each for each in state.unwritten if not isinstance(each.note, Decided)] for state in (before, now))
    assert told == tells
    assert before.calls.was_taken("x") == now.calls.was_taken("x") == bool(old.spool_id)


def test_a_refused_number_of_an_older_log_is_on_the_ticket_alone(state: HotlineState, play: Play) -> None:
    play(acd.CallArrived(1, NUMBER, "400", "", "spool-x", 1.0))
    play(ivr.NumberTaken(1, "4008001234", "system", "fallback", 1.0, "x", queue="complaint", refused="not called back"))
    assert state.callbacks.promises() == []
    assert state.last_ticket == 1


def test_people_of_the_house_open_no_ticket_by_asking_in_a_call(state: HotlineState, play: Play) -> None:
    play(acd.CallArrived(1, NUMBER, "400", "", "u1", 1.0), callback.PromiseAsked(NUMBER, "complaint", call=1))
    (promise,) = state.callbacks.promises()
    assert (promise.ticket, state.last_ticket) == (None, 0)
