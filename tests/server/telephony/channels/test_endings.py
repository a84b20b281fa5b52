"""Whose act the end of a channel was, and which conversation broke off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
from acd.policy.definitions import Policy, Requirement
from server.telephony.channels.endings import CallerEnds, of_part
from server.telephony.channels.ownership import AgentChannel


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("request_cause", "cause", "expected"),
    [
        ("16", "16", "caller_hung_up"),
        ("", "0", "caller_hung_up"),
        ("18", "18", "lost"),
        (None, "44", "lost"),
        (None, "16", "hotline_hung_up"),
    ],
)
def test_an_end_that_no_phone_asked_for_is_never_the_callers_act(
    request_cause: str | None, cause: str, expected: str
) -> None:
    ends = CallerEnds(Clock())
    if request_cause is not None:
        ends.request("u1", request_cause)
    assert ends.of("u1", cause) == expected


@pytest.mark.parametrize(("after", "expected"), [(5.0, "caller_hung_up"), (12.8, "lost"), (20.0, "caller_hung_up")])
def test_a_dialog_that_is_given_up_ends_when_the_re_invite_and_the_goodbye_had_no_answer(
    after: float, expected: str
) -> None:
    clock = Clock()
    ends = CallerEnds(clock)
    ends.doubt("u1", 12.8)
    clock.now += after
    ends.request("u1", "16")
    assert ends.of("u1", "16") == expected


def test_a_caller_who_was_heard_again_has_hung_up() -> None:
    clock = Clock()
    ends = CallerEnds(clock)
    ends.doubt("u1", 12.8)
    ends.trust("u1")
    clock.now += 12.8
    ends.request("u1", "16")
    assert ends.of("u1", "16") == "caller_hung_up"


def _view(**live: Any) -> Any:
    asked = acd.CallQueued(7, "complaint", Requirement(), 1.0, owner="1001")
    leg = SimpleNamespace(offer=3, outside=False)
    call = SimpleNamespace(id=7, reached=True, leg=leg, asked=asked, **live)
    return SimpleNamespace(calls={7: call}, floor=SimpleNamespace(policy=Policy()))


def _leg(**more: Any) -> AgentChannel:
    return AgentChannel(7, 3, "1001", "PJSIP/1001-1", "u1", answered=True, **more)


@pytest.mark.parametrize(
    ("leg", "by", "talked", "held", "broken"),
    [
        (_leg(), "agent", 0.0, 0.0, "dropped"),
        (_leg(), "agent", 1.9, 0.0, "dropped"),
        (_leg(), "agent", 1.0, 1.5, None),
        (_leg(), "agent", 2.1, 0.0, None),
        (_leg(), "caller", 0.0, 0.0, None),
        (_leg(), "lost", 0.0, 0.0, None),
        (_leg(let_go=True), "agent", 0.0, 0.0, None),
        (_leg(own_code=True, let_go=True), "agent", 60.0, 0.0, "dropped"),
        (_leg(lost=True), "lost", 60.0, 0.0, "lost"),
    ],
)
def test_a_conversation_that_broke_off_says_so(
    leg: AgentChannel, by: str, talked: float, held: float, broken: str | None
) -> None:
    ended, *again = of_part(_view(), leg, by, talked, held)
    assert isinstance(ended, acd.ConversationEnded)
    assert ended.broken == broken
    assert [(each.queued_at, each.first, each.owner) for each in again] == (  # type: ignore[attr-defined]
        [(1.0, broken == "lost", "")] if broken else []
    )
