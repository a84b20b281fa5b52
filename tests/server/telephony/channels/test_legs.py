"""What Asterisk says of channels becomes events, in whatever order its two streams tell it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
from ivr.events import FieldSet
from ivr.nodes import Number
from server.telephony.channels.legs import KEYED, Legs


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
    legs.hung_up({"Uniqueid": "u1"})  # type: ignore[arg-type]
    assert told == [FieldSet(7, KEYED, "0218888"), acd.CallEnded(7, "caller_hung_up")]
