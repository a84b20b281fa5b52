"""The dialler: whatever comes between, each attempt has one beginning and one end, and who picked up is not cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from panoramisk.message import Message

import acd.events as acd
from acd.callbacks.events import (
    AttemptAnswered,
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    CallbackPolicySet,
    PromiseAsked,
    PromiseCancelled,
)
from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays, Dialling
from acd.policy.definitions import Skill
from server.eventlog.log import START, Log
from server.hotline.definitions import DEFAULTS, load
from server.hotline.dispatcher import Dispatcher
from server.hotline.live_calls import Leg, LiveCall, line_id
from server.hotline.standby import rebuild
from server.telephony.ami.link import Ami, AmiEvent, AmiReply
from server.telephony.callback.dialler import Dialler
from server.telephony.channels.legs import Legs
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]

NUMBER = "13800138000"


class Willing(Ami):
    """The link to an Asterisk that does whatever it is asked."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0, "sansheng", "")
        self.done: list[str] = []

    @property
    def is_up(self) -> bool:
        return True

    async def action(self, name: str, **headers: Any) -> AmiReply:
        self.done.append(name)
        return AmiReply(Message({"Response": "Success"}))

    def tell(self, name: str, **headers: str) -> None:
        self._events.put(AmiEvent(Message({"Event": name, **headers})))


class House(NamedTuple):
    """One agent is free, and a promise is kept at once."""

    dispatcher: Dispatcher
    dialler: Dialler
    ami: Willing
    log: Log

    async def until(self, holds: Callable[[], object]) -> None:
        assert await self.dispatcher.until(lambda _: bool(holds()), 5.0)

    async def offered(self) -> tuple[LiveCall, Leg]:
        """Promise a call, and wait until an agent is rung for it."""
        await self.dispatcher.record(PromiseAsked(NUMBER, "complaint", "attitude"))
        await self.until(lambda: any(live.leg for live in self.dispatcher.state.calls))
        (live,) = self.dispatcher.state.calls
        assert live.leg is not None
        return live, live.leg

    async def told(self, *kinds: type) -> list[Any]:
        return [entry.event for entry in await self.log.read(START, count=5000) if isinstance(entry.event, kinds)]


@pytest.fixture
async def house(redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[House]:
    redis = redis_server.connect()
    log = Log(redis)
    lease = await log.acquire("one", 10.0)
    assert lease is not None
    text = DEFAULTS.read_text(encoding="utf-8")
    assert 'window = "09:00-20:00"' in text
    (tmp_path / "hotline.toml").write_text(text.replace('"09:00-20:00"', '"00:00-24:00"'), encoding="utf-8")
    definitions, ami = load(tmp_path), Willing()
    dispatcher = Dispatcher(log, lease, await rebuild(log))
    legs = Legs(
        dispatcher, ami, recording_prefix=lambda call, offer: tmp_path / f"{call}-{offer}", on_final=lambda _: None
    )
    dialler = Dialler(dispatcher, legs, ami, lambda: definitions, "one", trunk=True)
    await dispatcher.start()
    rules = CallbackRules(dialling=Dialling.CUSTOMER_FIRST, delays=Delays(failed=0.0, lost=0.0))
    await dispatcher.record(
        acd.PolicySet(definitions.policy),
        CallbackPolicySet(CallbackPolicy(rules)),
        acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)),
        acd.StatusSet("1001", acd.Status.AVAILABLE),
    )
    dialler.begin()
    yield House(dispatcher, dialler, ami, log)
    await dispatcher.stop()
    await redis.aclose()


async def test_nobody_is_dialled_for_a_promise_that_was_cancelled(house: House) -> None:
    live, leg = await house.offered()
    await house.dispatcher.record(PromiseCancelled(live.promise, "9001", "solved by mail"))
    assert not await house.dialler.start(live, leg, 30.0)
    await house.until(lambda: not len(house.dispatcher.state.calls))
    assert await house.told(AttemptStarted, AttemptEnded) == []


async def test_an_attempt_that_a_cancellation_overtakes_on_the_way_into_the_log_is_ended(house: House) -> None:
    live, leg = await house.offered()
    house.dispatcher.submit(PromiseCancelled(live.promise, "9001", "solved by mail"))
    assert not await house.dialler.start(live, leg, 30.0)
    await house.until(lambda: not len(house.dispatcher.state.calls))
    started, ended, over = await house.told(AttemptStarted, AttemptEnded, acd.CallEnded)
    assert (started.attempt, ended.attempt, ended.outcome) == (1, 1, AttemptOutcome.STOPPED)
    assert over == acd.CallEnded(live.id, "unreached")


async def test_an_attempt_whose_agent_is_lost_on_the_way_into_the_log_is_ended(house: House) -> None:
    live, leg = await house.offered()
    house.dispatcher.submit(acd.OfferFailed(leg.offer, acd.Outcome.LOST, "the line is gone"))
    assert not await house.dialler.start(live, leg, 30.0)
    await house.until(lambda: house.dispatcher.state.calls.get(live.id) is None)
    started, ended, _ = (await house.told(AttemptStarted, AttemptEnded, acd.CallEnded))[:3]
    assert (started.call, ended.outcome) == (live.id, AttemptOutcome.STOPPED)


async def test_a_customer_who_has_picked_up_waits_as_a_caller_when_their_agent_leaves(house: House) -> None:
    live, leg = await house.offered()
    assert await house.dialler.start(live, leg, 30.0)
    channel = {"Uniqueid": line_id(leg.offer), "DestChannel": "PJSIP/trunk-out-1", "DestUniqueid": "u1"}
    house.ami.tell("DialBegin", **channel)
    house.ami.tell("DialEnd", **channel, DialStatus="ANSWER")
    await house.dispatcher.record(acd.CallAttached(live.id))
    assert house.dialler.customers.picked_up(live.id)
    await house.dispatcher.record(
        acd.AgentDefined("1002", "Wang", (Skill("complaint", 5),)),
        acd.StatusSet("1002", acd.Status.AVAILABLE),
        acd.StatusSet("1001", acd.Status.BREAK, "meal"),
    )
    await house.until(lambda: live.leg is not None and live.leg.agent == "1002")
    answered = AttemptAnswered(live.id, live.promise, live.attempt, "PJSIP/trunk-out-1", "u1")
    await house.dispatcher.record(answered)
    assert live.reached
    assert live.leg is not None, "the next agent is kept for them"
    assert await house.told(AttemptEnded, acd.CallEnded, acd.OfferFailed) == []
    assert house.ami.done == ["Originate"], "no second line, and nobody is hung up"


async def test_nothing_is_kept_of_an_agents_channel_that_is_gone_before_the_customer_was_there(house: House) -> None:
    live, leg = await house.offered()
    agent = {"DestChannel": "PJSIP/1001-1", "DestUniqueid": "a1"}
    house.ami.tell("DialBegin", Uniqueid=line_id(leg.offer), **agent)
    house.ami.tell("HangupRequest", Uniqueid="a1")
    await house.dispatcher.record(acd.CallAttached(live.id))
    legs = house.dialler._legs
    assert legs._hung_up_first == {line_id(leg.offer): "agent"}
    house.ami.tell("Hangup", Uniqueid="a1")
    await house.dispatcher.record(acd.CallAttached(live.id))
    assert legs._hung_up_first == {}


async def test_a_phone_that_rang_while_nobody_watched_counts_as_one_that_rang(house: House) -> None:
    live, leg = await house.offered()
    assert await house.dialler.start(live, leg, 30.0)
    assert not house.dialler.customers.rang(live.id)
    assert house.dialler.customers.rang(live.id, watched=False)
    channel = {"Uniqueid": line_id(leg.offer), "DestChannel": "PJSIP/trunk-out-1", "DestUniqueid": "u1"}
    house.ami.tell("DialBegin", **channel)
    await house.dispatcher.record(acd.CallAttached(live.id))
    assert not house.dialler.customers.rang(live.id, watched=False), "it was watched, and did not ring"


async def test_no_agent_is_rung_while_the_trunk_takes_no_calls(house: House) -> None:
    assert house.dialler.problem == ""
    for attempt in range(3):
        live, leg = await house.offered()
        assert await house.dialler.start(live, leg, 30.0), attempt
        house.dialler.over(live, AttemptOutcome.FAILED, "CONGESTION 34")
        await house.until(lambda: house.dispatcher.state.calls.get(live.id) is None)  # noqa: B023
    await house.until(house.dispatcher.state.callbacks.due)
    assert not len(house.dispatcher.state.calls)
    assert house.dialler.problem.startswith("the trunk took none of the last 3 calls")
    house.dialler._trunk_rest.worked()
    await house.until(lambda: len(house.dispatcher.state.calls))
    assert house.dialler.problem == ""
