"""Asterisk's news of channels becomes events, in whatever order its two streams bring it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
from acd.policy.definitions import Policy
from ivr.events import FieldSet
from ivr.nodes import Number
from recordings.events import RecordingStarted
from server.hotline.live_call import Leg
from server.telephony.channels.legs import KEYED, Legs
from server.telephony.channels.ownership import AgentChannel
from server.telephony.channels.reconciliation import Reconciliation


class Keys:
    """A caller's line on which a number was begun."""

    keyed = "0218888"

    def digit(self, digit: str) -> None: ...


@pytest.mark.parametrize("session_ended_first", [True, False])
def test_what_was_keyed_of_a_number_is_kept_whichever_stream_tells_of_the_hangup_first(
    session_ended_first: bool,
) -> None:
    asked = json.dumps({"kind": Number.__name__, "frames": [{"answer": ""}]})
    live = SimpleNamespace(id=7, reached=True, promise=0, attempt=0, flow_state=asked)
    told: list[object] = []
    calls = SimpleNamespace(by_unique_id=lambda unique_id: live if unique_id == "u1" else None)
    dispatcher: Any = SimpleNamespace(submit=lambda *events: told.extend(events))
    view: Any = SimpleNamespace(calls=calls)
    ami: Any = None
    legs = Legs(dispatcher, view, ami, recording_prefix=lambda call, offer: Path("x"), on_final=lambda recording: None)
    release = legs.hear("u1", Keys())
    if session_ended_first:
        release()
    legs.hangup_request({"Uniqueid": "u1", "Cause": "16"})  # type: ignore[arg-type]
    legs.hung_up({"Uniqueid": "u1"})  # type: ignore[arg-type]
    assert told == [FieldSet(7, KEYED, "0218888"), acd.CallEnded(7, "caller_hung_up")]


@pytest.mark.parametrize("answered_at", [None, 2.0])
async def test_a_conversation_that_no_server_saw_begin_is_told_by_its_recording(
    answered_at: float | None, tmp_path: Path
) -> None:
    for side in ("caller", "agent"):
        (tmp_path / f"7-1-{side}.wav").write_bytes(bytes(44 + 16_000 * 3))
    leg = Leg(1, "1001", 1.0, 20.0, answered_at=answered_at)
    live = SimpleNamespace(id=7, reached=True, unique_id="u1", leg=leg, attached=True, arrived_at=0.0, promise=0)
    told: list[object] = []
    final: list[int] = []

    async def record(*events: object) -> None:
        told.extend(events)

    async def action(name: str) -> dict[str, str]:
        return {}

    async def collect(name: str) -> list[dict[str, str]]:
        return [{"Uniqueid": "u1", "Linkedid": "u1", "Channel": "PJSIP/trunk-1"}]

    dispatcher: Any = SimpleNamespace(record=record, owned=lambda call: True)
    view: Any = SimpleNamespace(calls=[live], recordings=SimpleNamespace(unfinished=list))
    ami: Any = SimpleNamespace(action=action, collect=collect)
    prefix = lambda call, offer: tmp_path / f"{call}-{offer}"  # noqa: E731
    legs = Legs(dispatcher, view, ami, recording_prefix=prefix, on_final=final.append)
    await Reconciliation(dispatcher, view, ami, legs, on_final=final.append)()
    answered = [] if answered_at else [acd.OfferAnswered]
    assert [type(each) for each in told] == [*answered, acd.Joined, RecordingStarted, acd.ConversationEnded]
    ended = told[-1]
    assert isinstance(ended, acd.ConversationEnded)
    assert (ended.talked, final) == (3.0, [1])


@pytest.mark.parametrize(("answer", "by"), [("", "caller"), ("408", "lost")])
@pytest.mark.parametrize("agent_first", [True, False])
def test_of_a_caller_who_was_asked_the_end_of_the_channel_tells_who_ended_the_conversation(
    answer: str, by: str, agent_first: bool
) -> None:
    leg = Leg(3, "1001", 1.0, 20.0, answered_at=2.0)
    live = SimpleNamespace(id=7, reached=True, unique_id="u1", leg=leg, promise=0, attempt=0, flow_state="", asked=None)
    told: list[Any] = []
    final: list[int] = []
    calls = {7: live}
    view: Any = SimpleNamespace(
        calls=SimpleNamespace(get=calls.get, by_unique_id=lambda unique_id: live if unique_id == "u1" else None),
        floor=SimpleNamespace(policy=Policy()),
    )
    dispatcher: Any = SimpleNamespace(submit=lambda *events: told.extend(events))
    ami: Any = None
    legs = Legs(dispatcher, view, ami, recording_prefix=lambda call, offer: Path("x"), on_final=final.append)
    legs.channels.adopt(
        "a1", AgentChannel(7, 3, "1001", "PJSIP/1001-1", "u1", joined_at=1.0, left_at=9.0, answered=True)
    )
    legs.ends.doubt("u1")
    legs.hangup_request({"Uniqueid": "u1"})  # type: ignore[arg-type]
    gone = [{"Uniqueid": "a1"}, {"Uniqueid": "u1"} | ({"TechCause": answer} if answer else {})]
    for event in gone if agent_first else reversed(gone):
        legs.hung_up(event)  # type: ignore[arg-type]
    ended, over = told
    assert (ended.by, ended.talked, over.cause) == (by, 8.0, "lost" if by == "lost" else "caller_hung_up")
    assert final == [3]
    assert list(legs.channels) == []
