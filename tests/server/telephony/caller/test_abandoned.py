"""A caller who gives up after a long wait is promised one callback, if rules and number allow it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import acd.events as acd
import ivr.events as ivr
from acd.callbacks.events import CallbackPolicySet, PromiseAsked
from acd.callbacks.policy import CallbackPolicy, CallbackRules
from acd.callbacks.states import PromiseState
from acd.policy.definitions import Requirement, Skill
from server.hotline.definitions import Definitions, load
from server.hotline.dispatcher import Dispatcher
from server.hotline.state import HotlineState
from server.hotline.view import View
from server.telephony.caller.abandoned import AbandonedCallers

NEEDED = Requirement((Skill("complaint"),))
OUTSIDE = "13800138000"


def shipped() -> Definitions:
    """The definitions that come with the product."""
    return load(Path("/nonexistent"))


@pytest.fixture
async def dispatcher(dispatcher: Dispatcher) -> Dispatcher:
    """It promises a callback to those who give up after 20 s."""
    await dispatcher.record(CallbackPolicySet(CallbackPolicy(CallbackRules(abandoned_after=20.0))))
    return dispatcher


def following(dispatcher: Dispatcher, definitions: Callable[[], Definitions]) -> AbandonedCallers:
    callers = AbandonedCallers(dispatcher, View(lambda: dispatcher.state), definitions)
    dispatcher.listen(callers.follow)
    return callers


async def gives_up(dispatcher: Dispatcher, call: int, caller: str, waited: float) -> None:
    """A caller waits for so long, and hangs up."""
    now = dispatcher.state.at
    await dispatcher.record(
        acd.CallArrived(call, caller, "400", f"PJSIP/t-{call}", f"u{call}", now - waited),
        acd.CallQueued(call, "complaint", NEEDED, now - waited, caller=caller, category="attitude"),
        acd.CallEnded(call, "caller_hung_up"),
    )


async def test_a_caller_who_gave_up_is_promised_a_call_at_the_place_they_had(dispatcher: Dispatcher) -> None:
    following(dispatcher, shipped)
    await gives_up(dispatcher, 1, OUTSIDE, 25.0)
    assert await dispatcher.until(lambda state: state.callbacks.live(OUTSIDE) is not None, 2.0)
    (promise,) = dispatcher.state.callbacks.promises()
    assert (promise.number, promise.source, promise.origin, promise.category) == (OUTSIDE, "abandoned", 1, "attitude")
    assert promise.promised_at - promise.queued_at >= 25.0
    assert promise.ticket is not None


async def test_a_caller_who_gave_up_early_or_cannot_be_called_gets_no_promise(dispatcher: Dispatcher) -> None:
    following(dispatcher, lambda: replace(shipped(), lists={}))
    await gives_up(dispatcher, 1, OUTSIDE, 5.0)
    await gives_up(dispatcher, 2, "", 60.0)
    await gives_up(dispatcher, 3, "4008001234", 60.0)
    await gives_up(dispatcher, 4, "13800138004", 60.0)
    assert await dispatcher.until(lambda state: state.callbacks.live("13800138004") is not None, 2.0)
    assert [each.origin for each in dispatcher.state.callbacks.promises()] == [4]


async def test_a_caller_who_gave_up_just_before_a_crash_is_promised_the_call_afterwards(dispatcher: Dispatcher) -> None:
    await gives_up(dispatcher, 1, OUTSIDE, 25.0)
    assert dispatcher.state.callbacks.promises() == []
    afterwards = following(dispatcher, shipped)
    afterwards.begin()
    assert await dispatcher.until(lambda state: len(state.callbacks.promises()) == 1, 2.0)
    afterwards.begin()
    await dispatcher.record(acd.Tick())
    assert [each.asked for each in dispatcher.state.callbacks.promises()] == [1], "once"


# A number that was begun


def at_number(answer: str = "", kind: str = "Number", stage: str = "ask") -> str:
    """Where the log says that the caller is: a session's snapshot, as far as it matters."""
    return json.dumps({"kind": kind, "frames": [{"flow": "number", "node": "n", "stage": stage, "answer": answer}]})


async def hangs_up_at(dispatcher: Dispatcher, call: int, caller: str, state: str, *more: object) -> None:
    await dispatcher.record(
        acd.CallArrived(call, caller, "400", f"PJSIP/t-{call}", f"u{call}", dispatcher.state.at),
        ivr.FieldSet(call, "business", "media"),
        ivr.FlowMoved(call, "number", "n", state),
        *more,
        acd.CallEnded(call, "caller_hung_up"),
    )


@pytest.mark.parametrize(
    ("caller", "answer", "keyed", "left"),
    [
        (OUTSIDE, OUTSIDE, "", OUTSIDE),
        (OUTSIDE, "", "", OUTSIDE),
        (OUTSIDE, "13900139000", "", "13900139000"),
        (OUTSIDE, "", "1390013", OUTSIDE),
        ("anonymous", "", "13900139000", "13900139000"),
        ("anonymous", "", "1390013", "1390013"),
    ],
)
async def test_a_number_that_was_begun_is_left_to_an_agent(
    dispatcher: Dispatcher, caller: str, answer: str, keyed: str, left: str
) -> None:
    following(dispatcher, shipped)
    more = [ivr.FieldSet(1, "keyed", keyed)] if keyed else []
    await hangs_up_at(dispatcher, 1, caller, at_number(answer), *more)
    assert await dispatcher.until(lambda state: bool(state.callbacks.promises()), 2.0)
    (task,) = dispatcher.state.callbacks.promises()
    assert (task.number, task.queue, task.state, task.task) == (left, "media", PromiseState.UNCONFIRMED, True)
    assert (task.source, task.origin, task.reason) == ("hung_up", 1, "hung up before they confirmed the number")
    assert dispatcher.state.calls.begun() == []


@pytest.mark.parametrize(("keyed", "state"), [("", "pending"), ("1", "pending"), ("2", "unconfirmed")])
async def test_a_caller_who_hears_the_own_number_read_back_has_been_promised_the_call(
    dispatcher: Dispatcher, keyed: str, state: str
) -> None:
    following(dispatcher, shipped)
    more = [ivr.FieldSet(1, "keyed", keyed)] if keyed else []
    await hangs_up_at(dispatcher, 1, OUTSIDE, at_number(OUTSIDE, stage="offer"), *more)
    assert await dispatcher.until(lambda state: bool(state.callbacks.promises()), 2.0)
    (promise,) = dispatcher.state.callbacks.promises()
    assert (promise.number, promise.queue, promise.state, promise.called) == (OUTSIDE, "media", state, "400")
    if not keyed:
        assert (promise.source, promise.reason) == ("flow", "hung up while their own number was read back")


async def test_callers_with_a_withheld_number_and_callers_asked_for_none_leave_no_task(dispatcher: Dispatcher) -> None:
    following(dispatcher, shipped)
    await hangs_up_at(dispatcher, 1, "anonymous", at_number())
    await hangs_up_at(dispatcher, 2, OUTSIDE, at_number(kind="Enqueue"))
    promised = PromiseAsked("13900139000", "media", "", "flow", 3)
    await hangs_up_at(dispatcher, 3, OUTSIDE, at_number("13900139000", stage="take"), promised)
    await hangs_up_at(dispatcher, 4, "13800138004", at_number())
    assert await dispatcher.until(lambda state: len(state.callbacks.promises()) == 2, 2.0)
    found = {each.origin: each.state for each in dispatcher.state.callbacks.promises()}
    assert found == {3: PromiseState.PENDING, 4: PromiseState.UNCONFIRMED}


async def test_a_number_that_was_begun_just_before_a_crash_is_left_afterwards(dispatcher: Dispatcher) -> None:
    await hangs_up_at(dispatcher, 1, OUTSIDE, at_number())
    assert HotlineState.restore(dispatcher.state.snapshot()).calls.begun() == dispatcher.state.calls.begun() != []
    afterwards = following(dispatcher, shipped)
    afterwards.begin()
    assert await dispatcher.until(lambda state: bool(state.callbacks.promises()), 2.0)
    afterwards.begin()
    await dispatcher.record(acd.Tick())
    assert [each.asked for each in dispatcher.state.callbacks.promises()] == [1], "once"
