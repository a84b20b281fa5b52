"""A colleague who was asked takes a call over: what is done to the channels, in which order, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
import recordings.events as rec
from acd.policy.definitions import Policy
from server.hotline.live_call import Leg
from server.telephony.ami.link import AmiError
from server.telephony.caller.rejoining import Rejoining
from server.telephony.channels.leg_recorder import LegRecorder
from server.telephony.channels.legs import Legs
from server.telephony.channels.reconciliation import Reconciliation

CALL, CALLER, FIRST, SECOND = 7, "caller", "first", "second"
GIVEN = Leg(2, "1102", 2.0, 20.0, answered_at=2.0, given_by="1101")


def shown(unique_id: str, bridge: str = "") -> dict[str, str]:
    """A channel as AMI lists it."""
    number = {CALLER: "trunk", FIRST: "1101", SECOND: "1102"}[unique_id]
    about = {"Uniqueid": unique_id, "Channel": f"PJSIP/{number}-0000000a", "Linkedid": CALLER}
    return about | {"ChannelStateDesc": "Up", "BridgeId": bridge}


class Asterisk:
    """Tells what happens to channels, and takes note of what it is asked to do. `refuses`: it starts no recorder."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.done: list[str] = []
        self.told: list[object] = []
        self.final: list[int] = []
        self.listed: list[dict[str, str]] = []
        asking = Leg(1, "1101", 0.0, 20.0, answered_at=1.0, joined_at=1.0, hold="consult", asked="1102")
        self.live: Any = SimpleNamespace(
            id=CALL, reached=True, unique_id=CALLER, stage=None, leg=asking, attached=True, asked=None
        )
        calls = Calls(self.live)
        floor = SimpleNamespace(policy=Policy(), agent=lambda _: None)
        state = SimpleNamespace(calls=calls, recordings=SimpleNamespace(unfinished=list), floor=floor)
        view: Any = state
        self.dispatcher: Any = SimpleNamespace(
            state=state, submit=lambda *events: self.told.extend(events), until=self._until, owned=lambda call: True
        )
        ami: Any = SimpleNamespace(action=self._action, collect=self._collect, is_up=True)
        self.legs = Legs(
            self.dispatcher, view, ami, recording_prefix=lambda call, offer: Path("x"), on_final=self.final.append
        )
        self.reconciliation = Reconciliation(self.dispatcher, view, ami, self.legs, on_final=self.final.append)
        self._heard: dict[str, Callable[[Any], None]] = {
            "DialBegin": self.legs.dial_begin,
            "DialEnd": self.legs.dial_end,
            "BridgeEnter": self.legs.bridge_enter,
            "BridgeLeave": self.legs.bridge_leave,
            "Hangup": self.legs.hung_up,
        }
        folders = SimpleNamespace(recording=lambda call, offer: Path(f"{call}-{offer}"))
        services: Any = SimpleNamespace(
            dispatcher=self.dispatcher,
            view=view,
            legs=self.legs,
            ami=ami,
            recorder=LegRecorder(ami, folders.recording),
        )
        context: Any = SimpleNamespace(call=CALL, agi=SimpleNamespace(execute=self._bridge), audio=self)
        self.conversation = Rejoining(context, services, "music")

    def tells(self, name: str, unique_id: str, **more: str) -> None:
        self._heard[name](shown(unique_id) | more)

    def consulting(self, *, answered: bool = True) -> None:
        """The first agent has the second one on the line, or calls them; the caller is on hold."""
        dialled = {"Uniqueid": CALLER, "DestUniqueid": FIRST, "DestChannel": "PJSIP/1101-0000000a"}
        self._heard["DialBegin"](dialled)
        self.tells("BridgeEnter", FIRST)
        self.tells("BridgeLeave", FIRST)
        asked = {"Uniqueid": FIRST, "DestUniqueid": SECOND, "DestChannel": "PJSIP/1102-0000000a"}
        self._heard["DialBegin"](asked)
        self._heard["DialEnd"](asked | {"DialStatus": "ANSWER"})
        if answered:
            self.tells("BridgeEnter", SECOND)

    def gives(self) -> None:
        """The log says that the second agent has the call."""
        first = self.legs.channels.by_id(FIRST)
        assert first is not None
        self.legs.give(first)
        self.live.leg = GIVEN
        self.legs.take_over(CALL)
        self.told.clear()

    async def music(self, on: bool, music: str = "") -> None: ...

    async def _collect(self, name: str) -> list[dict[str, str]]:
        return self.listed

    async def _until(self, holds: object, within: float) -> bool:
        return False

    async def _action(self, name: str, **headers: str) -> dict[str, str]:
        if name == "MixMonitor" and self.refuses:
            raise AmiError("no such channel")
        if "Channel" in headers:
            self.done.append(f"{name} {headers['Channel']}")
        if name == "Hangup":
            for each in (SECOND, FIRST):
                self.tells("BridgeLeave", each)
            self.tells("Hangup", FIRST)
        return {}

    async def _bridge(self, application: str, channel: str, *arguments: str, music_after: str = "") -> None:
        self.done.append(f"{application} {channel}")
        self.tells("BridgeEnter", SECOND)
        self.tells("BridgeLeave", SECOND)
        self.tells("Hangup", SECOND)
        self.live.leg = None


class Calls:
    """The one call there is."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def __iter__(self) -> Any:
        return iter([self._live])

    def get(self, call: int) -> Any:
        return self._live

    def by_unique_id(self, unique_id: str) -> Any:
        return self._live if unique_id == CALLER else None


async def test_the_recorder_starts_when_the_colleague_is_no_longer_with_the_agent_who_asked() -> None:
    asterisk = Asterisk()
    asterisk.consulting()
    asterisk.gives()
    await asterisk.conversation.go_on(1)
    first, second = "PJSIP/1101-0000000a", "PJSIP/1102-0000000a"
    assert asterisk.done == [f"Hangup {first}", f"MixMonitor {second}", f"Setvar {second}", f"Bridge {second}"]
    assert [type(each) for each in asterisk.told[:2]] == [acd.Joined, rec.RecordingStarted]


async def test_a_colleague_has_answered_once_they_are_with_the_agent_who_asks() -> None:
    asterisk = Asterisk()
    asterisk.consulting(answered=False)
    first = asterisk.legs.channels.by_id(FIRST)
    assert first is not None
    assert first.asked is not None
    assert (first.asked.answered, first.asked.bridged) == (False, False)
    asterisk.tells("BridgeEnter", SECOND)
    assert (first.asked.answered, first.asked.bridged) == (True, True)
    asterisk.tells("BridgeLeave", SECOND)
    assert first.asked.bridged is False
    asterisk.tells("Hangup", SECOND)
    assert first.asked is None


async def test_a_server_that_finds_the_two_still_together_joins_nobody_and_parts_them() -> None:
    asterisk = Asterisk()
    asterisk.live.leg = GIVEN
    asterisk.listed = [shown(CALLER), shown(FIRST, "private"), shown(SECOND, "private")]
    await asterisk.reconciliation()
    assert asterisk.told == []
    channel = asterisk.legs.channels.of_call(CALL)
    assert channel is not None
    await asterisk.legs.part(channel)
    assert asterisk.done == ["Hangup PJSIP/1101-0000000a"]
    asterisk.tells("BridgeEnter", SECOND)
    assert [type(each) for each in asterisk.told] == [acd.Joined, rec.RecordingStarted]


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_recorder_that_does_not_start_is_a_missing_recording_from_the_first_word_on(refuses: bool) -> None:
    asterisk = Asterisk(refuses=refuses)
    asterisk.consulting()
    asterisk.gives()
    await asterisk.conversation.go_on(1)
    missing = [each for each in asterisk.told if isinstance(each, rec.RecordingMissing)]
    assert missing == ([rec.RecordingMissing(2, "the recording did not start: no such channel")] if refuses else [])
    started = [type(each) for each in asterisk.told].index(rec.RecordingStarted)
    assert not missing or asterisk.told.index(missing[0]) > started
    assert asterisk.final == ([1] if refuses else [1, 2]), "there is nothing to join of what was not recorded"
