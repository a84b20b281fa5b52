"""Callers who hang up: the agent whose phone rings is free again, and the records have the outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone
from softphone.phone import Answer
from tests.e2e.conftest import hears_tone

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


async def test_giving_up_in_the_queue_is_abandoning_unless_it_was_at_once(hotline: Hotline) -> None:
    long, short = "13800131011", "13800131012"
    async with hotline.caller(long) as patient, hotline.caller(short) as hasty:
        waiting = await patient.dial("4008001234")
        await hotline.queued(long)
        brief = await hasty.dial("4008001234")
        await hotline.queued(short)
        await brief.hangup()
        await asyncio.sleep(5.5)
        await waiting.hangup()
    assert (await hotline.ended_call(short))["outcome"] == "short_abandoned"
    shown = await hotline.ended_call(long)
    assert shown["outcome"] == "abandoned"
    assert shown["connected_at"] is None
    assert shown["agent"] is None
    assert shown["recordings"] == []


async def test_the_phone_stops_ringing_at_once_when_the_caller_hangs_up_and_the_next_call_comes(
    hotline: Hotline,
) -> None:
    first, second = "13800131013", "13800131014"
    loop = asyncio.get_running_loop()
    async with (
        hotline.agent("2011", complaint=9) as agent,
        hotline.caller(first) as leaving,
        hotline.caller(second) as staying,
    ):
        call = await leaving.dial("4008001234")
        offered = await agent.incoming()
        await staying.dial("4008001234", source=Tone(1000))
        await hotline.queued(second)
        gone = loop.time()
        await call.hangup()
        await offered.ended(3)
        assert offered.ended_at is not None
        assert offered.ended_at - gone < 1
        following = await agent.incoming(3)
        assert following.number == second
        await hotline.agent_is("2011", status="available", state="ringing")
        await following.decline()
    shown = await hotline.ended_call(first)
    assert [leg["outcome"] for leg in shown["segments"]] == ["caller_gone"]


async def test_it_is_known_who_hung_up_first(hotline: Hotline) -> None:
    by_caller, by_agent = "13800131015", "13800131016"
    async with (
        hotline.agent("2012", complaint=9) as agent,
        hotline.caller(by_caller) as one,
        hotline.caller(by_agent) as two,
    ):
        agent.on_invite = Answer(0.1, Tone(600))
        call = await one.dial("4008001234")
        await hears_tone(call, 600)
        await call.hangup()
        call = await two.dial("4008001234")
        await hears_tone(call, 600)
        await agent.calls[-1].hangup()
        await call.hangup()
    assert (await hotline.ended_call(by_caller))["segments"][0]["ended_by"] == "caller"
    assert (await hotline.ended_call(by_agent))["segments"][0]["ended_by"] == "agent"
