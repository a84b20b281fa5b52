"""A page that goes in the middle of anything loses nobody: its caller hears music, and has the agent or the queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
from acd.policy.definitions import PhoneRules, Policy, Requirement, Skill
from server.hotline.live_call import Leg, LiveCall, Stage
from server.telephony.agent import page_returns
from server.telephony.agent.page_returns import PageReturns
from server.telephony.ami.link import AmiFailed
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, returned_id
from server.usecases.conversations import AWAY

OWN, DEVICE, SUPERVISOR = "1001", "1001-web", "1009-web"
CALL, OFFER = 7, 3
SILENT = 0.03
DEADLINE = 5.0


class World:
    """A caller whom agent 1001 serves in a page, as the log, Asterisk and the pages have it."""

    def __init__(self, *, within: float = 30.0) -> None:
        asked = acd.CallQueued(CALL, "complaint", Requirement((Skill("complaint"),)), 1.0, caller="13800138000")
        self.part = Leg(OFFER, OWN, 2.0, 20.0, answered_at=3.0, joined_at=3.0)
        self.live = LiveCall(CALL, "13800138000", "4001", "PJSIP/trunk-1", "u1", "one", 1.0, Stage.TALKING, asked=asked)
        self.live.leg = self.part
        self.told: list[Any] = []
        """What was recorded."""
        self.channels: dict[str, dict[str, str]] = {}
        self.speaks: set[str] = set()
        """Channels from which sound comes."""
        self.called: list[str] = []
        """Unique ids of the channels that were called."""
        self.connected: set[str] = set()
        self.there: set[str] = set()
        """Devices whose contact answers."""
        self.gate: asyncio.Event | None = None
        """The end of a hold is recorded when it is set."""
        self._packets = 0
        calls = SimpleNamespace(
            get=lambda call: self.live if self.live and call == CALL else None,
            by_unique_id=lambda unique_id: self.live if unique_id == "u1" else None,
        )
        rules = Policy(phones=PhoneRules(page_back_within=within))
        view: Any = SimpleNamespace(calls=calls, floor=SimpleNamespace(policy=rules))
        dispatcher: Any = SimpleNamespace(record=self._record, submit=self._play)
        ami: Any = SimpleNamespace(action=self._action, collect=self._collect, originate=self._originate)
        presence: Any = SimpleNamespace(is_there=lambda device: device in self.there, lost=lambda agent: None)
        pages: Any = SimpleNamespace(connected=lambda agent: agent in self.connected)
        transfers: Any = SimpleNamespace(put_aside=lambda call, leg, event: self._record(event))
        self.legs = Legs(dispatcher, view, ami, recording_prefix=None, on_final=lambda recording: None)  # type: ignore[arg-type]
        self.returns = PageReturns(dispatcher, view, self.legs, ami, presence, transfers, pages)
        self.leg = self.talks("a1", "PJSIP/1001-web-1")
        self.legs.channels.adopt("a1", self.leg)

    def talks(self, unique_id: str, channel: str) -> AgentChannel:
        """The agent's channel, joined with the caller."""
        self.channel(unique_id, channel)
        return AgentChannel(CALL, OFFER, OWN, channel, "u1", joined_at=3.0, answered=True)

    def channel(self, unique_id: str, name: str, state: str = "Up") -> None:
        self.channels[unique_id] = {"Uniqueid": unique_id, "Channel": name, "ChannelStateDesc": state}

    # What the pages do

    def page_goes(self, agent: str = OWN, device: str = DEVICE) -> None:
        """The connection breaks, and the contact is gone with it."""
        self.connected.discard(agent)
        self.there.discard(device)
        self.returns.gone(agent, SILENT)

    def page_comes(self) -> None:
        """Another page asks for the phone, connects and registers."""
        self.returns.opened(OWN)
        self.connected.add(OWN)
        self.there.add(DEVICE)
        self.returns.contact({"AOR": DEVICE})  # type: ignore[arg-type]

    def page_answers(self) -> None:
        """The page takes the call that came to it, and sends sound."""
        unique_id = self.called[-1]
        self.channel(unique_id, f"PJSIP/1001-web-{len(self.called) + 1}")
        self.speaks.add(self.channels[unique_id]["Channel"])
        told = {"Uniqueid": unique_id, "Response": "Success", "Channel": self.channels[unique_id]["Channel"]}
        self.returns.answered(told)  # type: ignore[arg-type]

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def events(self, kind: type) -> list[Any]:
        return [each for each in self.told if isinstance(each, kind)]

    # The log and Asterisk

    async def _record(self, *events: Any) -> None:
        if self.gate is not None and any(isinstance(each, acd.HoldEnded) for each in events):
            await self.gate.wait()
        self._play(*events)

    def _play(self, *events: Any) -> None:
        for event in events:
            self.told.append(event)
            match event:
                case acd.HoldStarted():
                    self.part.hold = event.why
                case acd.HoldEnded() | acd.ConsultEnded():
                    self.part.hold = self.part.asked = ""
                case acd.ConversationEnded():
                    self.live.leg = None

    async def _action(self, name: str, **given: str) -> dict[str, str]:
        named = {each: event for each, event in self.channels.items() if given["Channel"] in (each, event["Channel"])}
        if not named:
            raise AmiFailed(name, "No such channel")
        if name == "Hangup":
            for unique_id in named:
                del self.channels[unique_id]
                self.legs.hung_up({"Uniqueid": unique_id, "Cause": "16"})  # type: ignore[arg-type]
        self._packets += given["Channel"] in self.speaks
        return {"Value": str(self._packets)}

    async def _collect(self, name: str) -> list[dict[str, str]]:
        return list(self.channels.values())

    async def _originate(self, unique_id: str, **given: Any) -> None:
        self.called.append(unique_id)
        self.channel(unique_id, f"PJSIP/1001-web-{len(self.called) + 1}", "Ringing")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(page_returns, "LOOK", 0.01)
    monkeypatch.setattr(page_returns, "RETRY", 0.01)
    made = World()
    yield made
    await made.returns.stop()


async def goes_and_is_awaited(world: World) -> None:
    world.page_goes()
    await world.until(lambda: world.part.hold == AWAY)
    assert world.returns.spares(world.leg)


async def test_a_page_that_is_back_has_the_caller_again_by_a_new_channel(world: World) -> None:
    await goes_and_is_awaited(world)
    world.page_comes()
    await world.until(lambda: world.called)
    assert world.called[0].startswith(returned_id(OFFER))
    assert world.events(acd.HoldEnded) == [], "the caller hears music until the page has answered"
    world.page_answers()
    await world.until(lambda: world.events(acd.HoldEnded))
    await world.until(lambda: "a1" not in world.channels)
    now = world.legs.channels.of_call(CALL)
    assert now is not None
    assert now.channel == "PJSIP/1001-web-2"
    assert world.live.leg is world.part
    assert not world.returns.spares(now)


async def test_a_page_whose_sound_goes_on_is_left_alone(world: World) -> None:
    world.speaks.add(world.leg.channel)
    world.page_goes()
    await asyncio.sleep(5 * SILENT)
    world.connected.add(OWN)
    await world.until(lambda: not world.returns._watched)
    assert world.told == []


async def test_a_page_that_does_not_come_back_is_a_lost_phone_and_its_caller_stands_first_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_returns, "LOOK", 0.01)
    world = World(within=0.1)
    await goes_and_is_awaited(world)
    await world.until(lambda: world.events(acd.CallQueued))
    assert [each.by for each in world.events(acd.ConversationEnded)] == ["lost"]
    assert world.events(acd.CallQueued)[0].first
    await world.until(lambda: "a1" not in world.channels)


async def test_a_page_that_is_gone_on_hold_comes_back_to_the_hold(world: World) -> None:
    world.part.hold = "hold"
    world.page_goes()
    await world.until(lambda: world.returns.spares(world.leg))
    world.page_comes()
    await world.until(lambda: world.called)
    world.page_answers()
    await world.until(lambda: not world.returns.spares(world.leg))
    assert (world.told, world.part.hold) == ([], "hold")


async def test_of_a_caller_who_hangs_up_meanwhile_no_page_is_called(world: World) -> None:
    await goes_and_is_awaited(world)
    world.live.leg = None
    world.page_comes()
    await world.until(lambda: not world.returns.spares(world.leg))
    assert world.called == []


@pytest.mark.parametrize("state", ["Up", "Ringing"])
async def test_a_supervisors_page_that_is_gone_while_it_listens_leaves_the_conversation_alone(
    world: World, state: str
) -> None:
    world.speaks.add(world.leg.channel)
    world.channel("monitor-7-1", "PJSIP/1009-web-1", state)
    world.page_goes("1009", SUPERVISOR)
    await world.until(lambda: "monitor-7-1" not in world.channels)  # its end is in the log by `Monitoring`
    assert "a1" in world.channels
    assert world.told == []


@pytest.mark.parametrize("whose", ["the one who calls", "the one who is called"])
async def test_an_internal_call_ends_with_the_page_of_either_side(world: World, whose: str) -> None:
    del world.channels["a1"]
    world.channel("i1", "PJSIP/1009-web-1" if whose == "the one who calls" else "PJSIP/1008-web-1")
    world.channel("i2", "PJSIP/1008-web-1" if whose == "the one who calls" else "PJSIP/1009-web-1")
    world.page_goes("1009", SUPERVISOR)
    await world.until(lambda: len(world.channels) == 1)
    (left,) = world.channels.values()
    assert left["Channel"] == "PJSIP/1008-web-1", "Asterisk ends it with the other one, as any call"


async def test_the_page_of_a_colleague_who_is_asked_goes_and_the_agent_keeps_the_caller(world: World) -> None:
    world.part.hold, world.part.asked = "consult", "1008"
    world.channel("c1", "PJSIP/1008-web-1")
    world.page_goes("1008", "1008-web")
    await world.until(lambda: "c1" not in world.channels)
    assert world.live.leg is world.part
    assert world.told == []


async def test_the_page_of_an_agent_who_asks_goes_and_the_colleague_is_let_go(world: World) -> None:
    world.part.hold, world.part.asked = "consult", "1008"
    world.channel("c1", "PJSIP/1008-1")
    world.legs.dial_begin({"Uniqueid": "a1", "DestChannel": "PJSIP/1008-1", "DestUniqueid": "c1"})  # type: ignore[arg-type]
    world.page_goes()
    await world.until(lambda: "c1" not in world.channels)
    assert [type(each) for each in world.told] == [acd.ConsultEnded]
    assert world.live.leg is world.part


async def test_a_second_reload_while_the_first_return_rings_is_called_again(world: World) -> None:
    await goes_and_is_awaited(world)
    world.page_comes()
    await world.until(lambda: world.called)
    world.page_goes()
    await world.until(lambda: world.called[0] not in world.channels)
    assert world.returns.spares(world.leg), "the caller still hears music"
    world.page_comes()
    await world.until(lambda: len(world.called) == 2)
    world.page_answers()
    await world.until(lambda: world.events(acd.HoldEnded))
    now = world.legs.channels.of_call(CALL)
    assert now is not None
    assert now.channel == world.channels[world.called[1]]["Channel"]
    assert world.events(acd.ConversationEnded) == []


async def test_a_second_reload_in_the_moment_of_the_return_is_awaited_anew(world: World) -> None:
    await goes_and_is_awaited(world)
    world.gate = asyncio.Event()
    world.page_comes()
    await world.until(lambda: world.called)
    world.page_answers()
    await world.until(lambda: (now := world.legs.channels.of_call(CALL)) is not None and now is not world.leg)
    world.speaks.clear()
    world.page_goes()
    world.page_comes()  # and it asks for its phone before the hold of the first return has ended
    await asyncio.sleep(3 * SILENT)
    world.gate.set()
    await world.until(lambda: len(world.events(acd.HoldStarted)) == 2)
    assert world.part.hold == AWAY
    await world.until(lambda: len(world.called) == 2)
    world.page_answers()
    await world.until(lambda: len(world.events(acd.HoldEnded)) == 2)
    now = world.legs.channels.of_call(CALL)
    assert now is not None
    assert now.channel == world.channels[world.called[1]]["Channel"]
    assert world.events(acd.ConversationEnded) == []


async def test_a_page_that_does_not_answer_is_called_again_while_it_is_there(world: World) -> None:
    await goes_and_is_awaited(world)
    world.page_comes()
    await world.until(lambda: world.called)
    world.returns.answered({"Uniqueid": world.called[0], "Response": "Failure"})  # type: ignore[arg-type]
    await world.until(lambda: len(world.called) == 2)
    world.page_answers()
    await world.until(lambda: world.events(acd.HoldEnded))


@pytest.mark.parametrize("back_first", [True, False])
async def test_a_server_that_comes_within_the_grace_awaits_the_page_anew(world: World, back_first: bool) -> None:
    world.part.hold = AWAY  # the server of before was killed, its log says so
    if back_first:
        world.connected.add(OWN)
        world.there.add(DEVICE)
    await world.returns.reconcile()
    if not back_first:
        assert world.returns.spares(world.leg)
        assert world.called == []
        world.page_comes()
    await world.until(lambda: world.called)
    world.page_answers()
    await world.until(lambda: world.events(acd.HoldEnded))
    assert [type(each) for each in world.told] == [acd.HoldEnded]


async def test_a_page_that_went_while_no_server_watched_is_seen_to_be_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_returns, "SILENT_AFTER_START", SILENT)
    await world.returns.reconcile()
    await world.until(lambda: world.part.hold == AWAY)


async def test_a_page_that_speaks_while_its_connection_is_not_back_after_a_start_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_returns, "SILENT_AFTER_START", SILENT)
    world.speaks.add(world.leg.channel)
    await world.returns.reconcile()
    await asyncio.sleep(5 * SILENT)
    world.connected.add(OWN)
    await world.until(lambda: not world.returns._watched)
    assert world.told == []


async def test_a_page_that_rings_and_is_closed_is_left_for_the_next_agent(world: World) -> None:
    left: list[AgentChannel] = []
    world.legs.leave = left.append  # type: ignore[method-assign]
    world.leg.answered, world.leg.joined_at = False, None
    world.channel("a1", world.leg.channel, "Ringing")
    world.page_goes()
    await world.until(lambda: left)
    assert left[0] is world.leg
