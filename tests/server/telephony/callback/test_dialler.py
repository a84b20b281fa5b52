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
from server.hotline.live_call import Leg, LiveCall, line_id
from server.hotline.standby import rebuild
from server.hotline.trunks import legacy
from server.hotline.view import View
from server.telephony.ami.link import Ami, AmiEvent, AmiReply
from server.telephony.callback.dialler import Dialler
from server.telephony.channels.legs import Legs
from server.telephony.trunks.routes import Trunks
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]

NUMBER = "13800138000"
TRUNK = legacy("sip:127.0.0.1:5090")


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


class Parts(NamedTuple):
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
async def parts(redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Parts]:
    redis = redis_server.connect()
    log = Log(redis)
    lease = await log.acquire("one", 10.0)
    assert lease is not None
    text = DEFAULTS.read_text(encoding="utf-8")
    assert 'window = "09:00-20:00"' in text
    (tmp_path / "hotline.toml").write_text(text.replace('"09:00-20:00"', '"00:00-24:00"'), encoding="utf-8")
    definitions, ami = load(tmp_path), Willing()
    dispatcher = Dispatcher(log, lease, await rebuild(log))
    view = View(lambda: dispatcher.state)
    legs = Legs(
        dispatcher,
        view,
        ami,
        recording_prefix=lambda call, offer: tmp_path / f"{call}-{offer}",
        on_final=lambda _: None,
    )
    trunks = Trunks(ami, view, lambda: (TRUNK,), lambda: "CN", tmp_path / "messages")
    dialler = Dialler(dispatcher, view, legs, ami, lambda: definitions, "one", trunks=trunks)
    trunks.on_free = dialler.place_due
    legs.on_unreached = dialler.unreached
    dispatcher.listen(dialler.follow)
    customers = dialler.customers
    for event, receivers in {
        "DialBegin": (legs.dial_begin, customers.dial_begin),
        "DialState": (legs.dial_state, customers.dial_state),
        "DialEnd": (legs.dial_end, customers.dial_end),
        "HangupRequest": (legs.hangup_request,),
        "Hangup": (legs.hung_up, customers.hung_up),
    }.items():
        for receiver in receivers:
            ami.subscribe(event, receiver)
    await dispatcher.start()
    rules = CallbackRules(dialling=Dialling.CUSTOMER_FIRST, delays=Delays(failed=0.0, lost=0.0))
    await dispatcher.record(
        acd.PolicySet(definitions.policy),
        CallbackPolicySet(CallbackPolicy(rules)),
        acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)),
        acd.StatusSet("1001", acd.Status.AVAILABLE),
    )
    dialler.begin()
    yield Parts(dispatcher, dialler, ami, log)
    await dispatcher.stop()
    await redis.aclose()


async def test_nobody_is_dialled_for_a_promise_that_was_cancelled(parts: Parts) -> None:
    live, leg = await parts.offered()
    await parts.dispatcher.record(PromiseCancelled(live.promise, "9001", "solved by mail"))
    assert not await parts.dialler.start(live, leg, 30.0)
    await parts.until(lambda: not len(parts.dispatcher.state.calls))
    assert await parts.told(AttemptStarted, AttemptEnded) == []


async def test_an_attempt_that_a_cancellation_overtakes_on_the_way_into_the_log_is_ended(parts: Parts) -> None:
    live, leg = await parts.offered()
    parts.dispatcher.submit(PromiseCancelled(live.promise, "9001", "solved by mail"))
    assert not await parts.dialler.start(live, leg, 30.0)
    await parts.until(lambda: not len(parts.dispatcher.state.calls))
    started, ended, over = await parts.told(AttemptStarted, AttemptEnded, acd.CallEnded)
    assert (started.attempt, ended.attempt, ended.outcome) == (1, 1, AttemptOutcome.STOPPED)
    assert over == acd.CallEnded(live.id, "unreached")


async def test_an_attempt_whose_agent_is_lost_on_the_way_into_the_log_is_ended(parts: Parts) -> None:
    live, leg = await parts.offered()
    parts.dispatcher.submit(acd.OfferFailed(leg.offer, acd.Outcome.LOST, "the line is gone"))
    assert not await parts.dialler.start(live, leg, 30.0)
    await parts.until(lambda: parts.dispatcher.state.calls.get(live.id) is None)
    started, ended, _ = (await parts.told(AttemptStarted, AttemptEnded, acd.CallEnded))[:3]
    assert (started.call, ended.outcome) == (live.id, AttemptOutcome.STOPPED)


async def test_a_customer_who_has_picked_up_waits_as_a_caller_when_their_agent_leaves(parts: Parts) -> None:
    live, leg = await parts.offered()
    assert await parts.dialler.start(live, leg, 30.0)
    channel = {"Uniqueid": line_id(leg.offer), "DestChannel": "PJSIP/trunk-out-1", "DestUniqueid": "u1"}
    parts.ami.tell("DialBegin", **channel)
    parts.ami.tell("DialEnd", **channel, DialStatus="ANSWER")
    await parts.dispatcher.record(acd.CallAttached(live.id))
    assert parts.dialler.customers.picked_up(live.id)
    await parts.dispatcher.record(
        acd.AgentDefined("1002", "Wang", (Skill("complaint", 5),)),
        acd.StatusSet("1002", acd.Status.AVAILABLE),
        acd.StatusSet("1001", acd.Status.BREAK, "meal"),
    )
    await parts.until(lambda: live.leg is not None and live.leg.agent == "1002")
    answered = AttemptAnswered(live.id, live.promise, live.attempt, "PJSIP/trunk-out-1", "u1")
    await parts.dispatcher.record(answered)
    assert live.reached
    assert live.leg is not None, "the next agent is kept for them"
    assert await parts.told(AttemptEnded, acd.CallEnded, acd.OfferFailed) == []
    assert parts.ami.done == ["Originate"], "no second line, and nobody is hung up"


@pytest.mark.parametrize(("state", "outcomes"), [("Up", [AttemptOutcome.HUNG_UP]), ("Ringing", [])])
async def test_a_customer_who_hangs_up_before_asterisk_tells_that_they_picked_up_was_there(
    parts: Parts, state: str, outcomes: list[AttemptOutcome]
) -> None:
    live, leg = await parts.offered()
    assert await parts.dialler.start(live, leg, 30.0)
    channel = {"Uniqueid": line_id(leg.offer), "DestChannel": "PJSIP/trunk-out-1", "DestUniqueid": "u1"}
    parts.ami.tell("DialBegin", **channel)
    parts.ami.tell("Hangup", Uniqueid="u1", ChannelStateDesc=state)
    await parts.dispatcher.record(acd.CallAttached(live.id))
    ended = [each.event for each in await parts.log.read(START) if isinstance(each.event, AttemptEnded)]
    assert [each.outcome for each in ended] == outcomes


async def test_nothing_is_kept_of_an_agents_channel_that_is_gone_before_the_customer_was_there(parts: Parts) -> None:
    live, leg = await parts.offered()
    agent = {"DestChannel": "PJSIP/1001-1", "DestUniqueid": "a1"}
    parts.ami.tell("DialBegin", Uniqueid=line_id(leg.offer), **agent)
    parts.ami.tell("HangupRequest", Uniqueid="a1")
    await parts.dispatcher.record(acd.CallAttached(live.id))
    legs = parts.dialler._legs
    assert legs._hung_up_first == {line_id(leg.offer): "agent"}
    parts.ami.tell("Hangup", Uniqueid="a1")
    await parts.dispatcher.record(acd.CallAttached(live.id))
    assert legs._hung_up_first == {}


async def test_a_phone_that_rang_while_nobody_watched_counts_as_one_that_rang(parts: Parts) -> None:
    live, leg = await parts.offered()
    assert await parts.dialler.start(live, leg, 30.0)
    assert not parts.dialler.customers.rang(live.id)
    assert parts.dialler.customers.rang(live.id, watched=False)
    channel = {"Uniqueid": line_id(leg.offer), "DestChannel": "PJSIP/trunk-out-1", "DestUniqueid": "u1"}
    parts.ami.tell("DialBegin", **channel)
    await parts.dispatcher.record(acd.CallAttached(live.id))
    assert not parts.dialler.customers.rang(live.id, watched=False), "it was watched, and did not ring"


async def test_no_agent_is_rung_while_the_trunk_takes_no_calls(parts: Parts) -> None:
    trunks = parts.dialler._trunks
    assert trunks.problems() == []
    for attempt in range(3):
        live, leg = await parts.offered()
        assert await parts.dialler.start(live, leg, 30.0), attempt
        trunks.failed(TRUNK)
        parts.dialler.over(live, AttemptOutcome.FAILED, "CONGESTION 34")
        await parts.until(lambda: parts.dispatcher.state.calls.get(live.id) is None)  # noqa: B023
    await parts.until(parts.dispatcher.state.callbacks.due)
    assert not len(parts.dispatcher.state.calls)
    assert trunks.problems()[0].startswith("the trunk took none of the last 3 calls")
    trunks.worked(TRUNK)
    await parts.until(lambda: len(parts.dispatcher.state.calls))
    assert trunks.problems() == []
