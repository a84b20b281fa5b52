"""Events of earlier releases: renamed and reshaped ones are read as those of today, new ones as they are."""

from __future__ import annotations

import re
from typing import Any

import pytest

import acd.events as acd
from acd.callbacks.events import CallbackPolicySet
from acd.callbacks.policy import CallbackPolicy, CallbackRules
from acd.policy.definitions import Skill
from server.eventlog.log import Unreadable, decode, encode, entry_of
from server.eventlog.upcast import UPCASTS, upcast


def renamed(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """`CallGone` with a number as its cause became `CallClosed` with a word …"""
    return "CallClosed", {"id": fields["id"], "cause": ("lost", "caller_hung_up")[fields["why"]]}


def reshaped(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """… and that `CallEnded`, whose call is called so."""
    return "CallEnded", {"call": fields["id"], "cause": fields["cause"]}


def agent_defined(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name stays: `team` became `teams`, and skills have names."""
    if "team" in fields:
        skills = [{"name": name, "level": level} for name, level in fields["skills"].items()]
        teams = [fields.pop("team")]
        fields |= {"skills": skills, "teams": teams}
    return "AgentDefined", fields


@pytest.fixture(autouse=True)
def older_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, function in {"CallGone": renamed, "CallClosed": reshaped, "AgentDefined": agent_defined}.items():
        monkeypatch.setitem(UPCASTS, name, function)


def row(name: str, data: str) -> dict[bytes, bytes]:
    return {b"t": name.encode(), b"e": data.encode(), b"at": b"5.0"}


def test_an_event_that_was_renamed_twice_is_read_as_it_is_called_now() -> None:
    expected = acd.CallEnded(7, "caller_hung_up")
    assert entry_of("1-0", row("CallGone", '{"id": 7, "why": 1}')).event == expected
    assert entry_of("1-0", row("CallClosed", '{"id": 7, "cause": "caller_hung_up"}')).event == expected
    assert encode(expected)[0] == "CallEnded"


def test_an_event_that_was_reshaped_under_its_name_is_read_in_both_shapes() -> None:
    event = acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), ("A",))
    old = '{"agent": "1001", "name": "Li", "skills": {"complaint": 5}, "team": "A"}'
    assert entry_of("1-0", row("AgentDefined", old)).event == event
    assert decode(*encode(event)) == event


@pytest.mark.parametrize("data", ['{"id": 7}', "[]", "{", '{"id": "x", "why": 1}'])
def test_one_that_has_not_the_fields_of_its_release_is_unreadable_and_stops_nobody(data: str) -> None:
    entry = entry_of("1-0", row("CallGone", data))
    assert isinstance(entry.event, Unreadable)
    assert entry.event.field(b"t") == "CallGone"


def test_rules_from_before_kept_after_keep_a_promise_by_any_conversation() -> None:
    different = (("media", CallbackRules(kept_after=5.0)),)
    event = CallbackPolicySet(CallbackPolicy(CallbackRules(attempts=5), different))
    assert decode(*encode(event)) == event
    name, written = encode(event)
    old = re.sub(rb',"kept_after":[0-9.]+', b"", written)
    assert old != written
    rules = CallbackRules(attempts=5, kept_after=0.0)
    assert decode(name, old).policy == CallbackPolicy(rules, (("media", CallbackRules(kept_after=0.0)),))


def test_an_event_with_its_present_name_needs_no_upcast() -> None:
    assert upcast("CallEnded", b"{") == ("CallEnded", b"{")
