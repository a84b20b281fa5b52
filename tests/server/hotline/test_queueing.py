"""A call's request of the floor is kept whole through every change, and queued again as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import acd.events as acd
from acd.callbacks.events import CallbackPolicySet, PromiseAsked
from acd.callbacks.policy import CallbackPolicy
from acd.policy.definitions import Requirement, Skill
from server.eventlog.log import Entry, decode, encode
from server.hotline import queueing
from server.hotline.definitions import Definitions, load
from server.hotline.state import HotlineState

CALLER = "13800138000"
ASKED_BY_FLOW = Requirement((Skill("complaint"), Skill("system", 3)))


@pytest.fixture
def definitions() -> Definitions:
    """Those that come with the product."""
    return load(Path("/nonexistent"))


class OneCall:
    def __init__(self, definitions: Definitions) -> None:
        self.state, self.at, self.number = HotlineState(), 1_800_000_000.0, 0
        self.play(acd.PolicySet(definitions.policy), CallbackPolicySet(CallbackPolicy()))
        self.play(acd.AgentDefined("1001", "Li", (Skill("complaint", 5), Skill("system", 5), Skill("inquiry", 5))))
        self.play(acd.CallArrived(1, CALLER, "400", "PJSIP/t-1", "u1", 1.0))

    def play(self, *events: Any) -> None:
        for event in events:
            self.number += 1
            self.at += 1.0
            self.state.play(Entry(f"{self.number}-0", self.at, decode(*encode(event))))

    def waits(self) -> None:
        self.play(
            acd.CallQueued(1, "complaint", ASKED_BY_FLOW, self.at - 100, priority=7, caller=CALLER, language="en")
        )

    def again(self, **more: Any) -> acd.CallQueued:
        live = HotlineState.restore(self.state.snapshot()).calls.get(1)
        assert live is not None
        (asked,) = queueing.again(live, **more)
        return asked


@pytest.fixture
def call(definitions: Definitions) -> OneCall:
    return OneCall(definitions)


def test_a_caller_who_comes_back_from_outside_keeps_what_flow_and_supervisor_gave(call: OneCall) -> None:
    call.waits()
    since = call.again().queued_at
    call.play(acd.PrioritySet(1, 40, "9001"), acd.StatusSet("1001", acd.Status.AVAILABLE), acd.OfferAnswered(1))
    call.play(acd.Joined(1, "1001"), acd.Transferred(1, "1001", "outside", "01088886666"))
    asked = call.again(owner="1001")
    assert (asked.queue, asked.requirement, asked.queued_at) == ("complaint", ASKED_BY_FLOW, since)
    assert (asked.priority, asked.language, asked.owner) == (40, "en", "1001")


def test_a_call_that_was_transferred_to_a_queue_keeps_the_priority_a_supervisor_gave(call: OneCall) -> None:
    call.waits()
    call.play(acd.PrioritySet(1, 40, "9001"), acd.StatusSet("1001", acd.Status.AVAILABLE), acd.OfferAnswered(1))
    call.play(acd.Joined(1, "1001"))
    call.play(acd.Transferred(1, "1001", "queue", "inquiry", requirement=Requirement((Skill("inquiry"),))))
    (waiting,) = call.state.floor.waiting()
    assert (waiting.queue, waiting.priority, call.again().priority) == ("inquiry", 40, 40)
    assert call.again().requirement == Requirement((Skill("inquiry"),))


def test_a_call_that_a_supervisor_moved_is_queued_again_where_it_is(call: OneCall) -> None:
    call.waits()
    call.play(acd.CallMoved(1, "inquiry", Requirement((Skill("inquiry"),)), "9001"))
    assert (call.again().queue, call.again().requirement.required) == ("inquiry", (Skill("inquiry"),))


def test_a_call_that_was_forgotten_while_nobody_held_it_waits_again_for_the_same(call: OneCall) -> None:
    call.waits()
    before = call.again()
    call.play(acd.CallDetached(1))
    call.at += 3600.0
    call.play(acd.Tick())
    assert call.state.floor.waiting() == []
    assert call.again() == before


def test_a_call_of_a_snapshot_of_the_version_before_is_queued_again_as_the_floor_has_it(call: OneCall) -> None:
    call.waits()
    before = call.again()
    data = msgspec.json.decode(call.state.snapshot())
    (row,) = data["calls"]["calls"]
    asked = row.pop("asked")
    row |= {name: asked[name] for name in ("queue", "queued_at", "priority", "vip", "owner")}
    del data["calls"]["begun"]
    live = HotlineState.restore(msgspec.json.encode(data)).calls.get(1)
    assert live is not None
    assert live.asked == before
    data["floor"]["calls"].clear()
    live = HotlineState.restore(msgspec.json.encode(data)).calls.get(1)
    assert live is not None
    assert live.asked is not None
    assert (live.asked.priority, live.asked.requirement) == (7, Requirement((Skill("complaint"),)))


def test_the_call_that_keeps_a_promise_asks_for_what_was_promised(call: OneCall, definitions: Definitions) -> None:
    call.play(PromiseAsked(CALLER, "complaint", "system", queued_at=5.0, priority=9, vip=True, owner="1001"))
    (promise,) = call.state.callbacks.promises()
    asked = queueing.for_promise(definitions, 7, promise)
    assert (asked.queue, asked.queued_at, asked.priority, asked.owner) == ("complaint", 5.0, 9, "1001")
    assert (asked.vip, asked.promised, asked.caller) == (True, True, CALLER)
    assert asked.requirement == definitions.requirement("complaint", "system", {})


@pytest.mark.parametrize(("age", "priority", "expected"), [(50.0, 3, (150.0, 7)), (500.0, 20, (500.0, 20))])
def test_a_caller_who_takes_the_place_of_a_promise_has_the_better_of_both(
    call: OneCall, age: float, priority: int, expected: tuple[float, int]
) -> None:
    call.play(PromiseAsked(CALLER, "complaint", queued_at=1000.0 - age, priority=priority, owner="1001"))
    (promise,) = call.state.callbacks.promises()
    own = acd.CallQueued(2, "complaint", ASKED_BY_FLOW, 850.0, priority=7, owner="1002")
    asked = queueing.in_place_of(own, promise, "")
    assert (1000.0 - asked.queued_at, asked.priority, asked.owner) == (*expected, "1002")
    assert queueing.in_place_of(own, promise, "1001").owner == "1001"
