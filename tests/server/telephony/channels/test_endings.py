"""Whose act the end of a channel was, and which conversation broke off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
from acd.policy.definitions import Policy, Requirement
from server.telephony.channels.endings import CallerEnds, of_part
from server.telephony.channels.ownership import AgentChannel


@pytest.mark.parametrize(
    ("request_cause", "cause", "answer", "expected"),
    [
        ("16", "16", "", "caller_hung_up"),
        ("", "0", "", "caller_hung_up"),
        ("", "31", "480", "caller_hung_up"),  # a goodbye with a Reason
        ("18", "18", "", "lost"),
        ("", "18", "408", "lost"),
        ("16", "16", "408", "lost"),
        ("", "127", "481", "lost"),
        ("", "0", "503", "lost"),
        (None, "44", "", "lost"),
        (None, "16", "", "hotline_hung_up"),
        (None, "34", "503", "hotline_hung_up"),
    ],
)
@pytest.mark.parametrize("doubted", [False, True])
def test_an_end_that_no_phone_asked_for_is_never_the_callers_act(
    request_cause: str | None, cause: str, answer: str, expected: str, doubted: bool
) -> None:
    ends = CallerEnds()
    if doubted:
        ends.doubt("u1")
    if request_cause is not None:
        ends.request("u1", request_cause)
    assert ends.of("u1", cause, answer) == expected


def test_of_a_caller_who_was_asked_it_is_known_at_the_end_of_the_channel_who_ended_it() -> None:
    ends = CallerEnds()
    ends.doubt("u1")
    ends.doubt("u2")
    ends.trust("u2")
    assert [ends.request(each, "") for each in ("u1", "u2", "u3")] == ["unclear", "caller", "caller"]
    ends.keep({"u3"})
    assert ends.request("u1", "") == "caller"


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
