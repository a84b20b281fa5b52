"""The transfer key of an agent's phone does what the agent's key *3 does, and agents call each other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone, tone_level
from softphone.call import Call
from softphone.phone import Phone
from tests.e2e.conftest import Hotline, hears_tone
from tests.e2e.test_transfers import (
    CALLER,
    FIRST,
    SECOND,
    TRUNK_PORT,
    agent,
    hotline,
    key,
    legs,
    quiet,
    sides,
    state_of,
    talking,
    together,
    waiting,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["hotline"]
pytestmark = pytest.mark.e2e


async def transfers(leg: Call, user: str, replaces: Call | None = None) -> None:
    """Press the transfer key; a phone hangs up when it is told of the success."""
    assert await leg.refer(user, replaces) == 202
    await leg.told(200)
    await leg.hangup()


@pytest.mark.parametrize("how", ["on hold", "after a hold by key"])
async def test_a_blind_transfer_by_phone_rings_the_colleague(hotline: Hotline, how: str) -> None:
    number = {"on hold": "13800138200", "after a hold by key": "13800138201"}[how]
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        if how == "on hold":
            await leg.hold()
            await quiet(call, FIRST)
        else:
            await key(leg, "*1")
            await quiet(call, FIRST)
            assert await leg.refer("1102") == 202
            await leg.told(404)
            await key(leg, "*1")
            await together(call, leg, FIRST)
        await transfers(leg, "1102")
        second = await colleague.incoming()
        await call.heard()
        await second.answer(Tone(SECOND))
        await together(call, second, SECOND)
        await state_of(hotline, "1101", "idle")
        await second.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "transfer"), ("1102", "answered", "agent")]
    assert all(each["talked"] > 0.2 for each in shown["segments"])
    assert len(shown["recordings"]) == 2


async def test_a_transfer_by_phone_goes_to_a_queue_or_to_an_outside_number(hotline: Hotline) -> None:
    number = "13800138202"
    async with (
        Phone("trunk", "127.0.0.1", hotline.sip_port, port=TRUNK_PORT) as outside,
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await transfers(leg, "2")
        second = await colleague.incoming()
        await second.answer(Tone(SECOND))
        await together(call, second, SECOND)
        await transfers(second, "01088886666")
        department = await outside.incoming()
        await department.answer(Tone(FIRST))
        await together(call, department, FIRST)
        await call.hangup()
        await department.ended()
    shown = await hotline.ended_call(number)
    assert shown["queue"] == "inquiry"
    assert [each[:2] for each in legs(shown)] == [
        ("1101", "answered"),
        ("1102", "answered"),
        ("01088886666", "answered"),
    ]


async def test_what_is_no_number_to_transfer_to_is_refused_and_the_caller_stays(hotline: Hotline) -> None:
    number = "13800138203"
    async with agent(hotline, "1101", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        for target in ("1199", "1102%0d%0aX"):
            leg.progress.clear()
            assert await leg.refer(target) == 202
            await leg.told(404)
            await together(call, leg, FIRST)
        await call.hangup()
        await leg.ended()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "caller")]


async def test_a_transfer_that_cannot_be_rings_the_agent_again(hotline: Hotline) -> None:
    number = "13800138204"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5, status="signed_out"),
        talking(hotline, phone, number) as (call, leg),
    ):
        await transfers(leg, "1102")
        await call.heard()
        again = await phone.incoming()
        await again.answer(Tone(FIRST))
        await together(call, again, FIRST)
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [each[:2] for each in legs(shown)] == [("1101", "answered"), ("1101", "answered")]


async def test_agents_call_each_other_and_are_offered_nothing_meanwhile(hotline: Hotline) -> None:
    number = "13800138205"
    async with agent(hotline, "1101", complaint=5) as phone, agent(hotline, "1102", complaint=5) as colleague:
        own = await phone.dial("1102", source=Tone(FIRST))
        asked = await colleague.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(own, SECOND)
        await hears_tone(asked, FIRST)
        for each in ("1101", "1102"):
            await state_of(hotline, each, "occupied")
        async with hotline.caller(number) as caller:
            call = await waiting(hotline, caller, number)
            await own.hangup()
            await asked.ended()
            ringing = await asyncio.wait_for(phone_that_rings(phone, colleague), 5)
            await ringing.answer(Tone(FIRST))
            await hears_tone(call, FIRST)
            await call.hangup()
    shown = await hotline.ended_call(number)
    assert len(legs(shown)) == 1
    assert (await hotline.request("GET", "/api/v1/calls?caller=1101"))["items"] == [], "it is no caller's call"


async def test_a_colleague_who_cannot_be_called_is_busy(hotline: Hotline) -> None:
    async with agent(hotline, "1101", complaint=5) as phone, agent(hotline, "1102", status="signed_out", complaint=5):
        for target, code in (("1102", 486), ("1101", 486)):
            own = await phone.dial(target)
            await own.ended()
            assert own.code == code
        await state_of(hotline, "1101", "idle")


@pytest.mark.parametrize("how", ["talking", "ringing", "held by key"])
async def test_an_attended_transfer_by_phone_joins_caller_and_colleague(
    hotline: Hotline, tmp_path: Path, how: str
) -> None:
    number = {"talking": "13800138206", "ringing": "13800138207", "held by key": "13800138210"}[how]
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await (key(leg, "*1") if how == "held by key" else leg.hold())
        await quiet(call, FIRST)
        own = await phone.dial("1102", source=Tone(FIRST))
        asked = await colleague.incoming()
        if how != "ringing":
            await asked.answer(Tone(SECOND))
            await hears_tone(own, SECOND)
            await quiet(asked, CALLER)
        else:
            await own.ringing()
        await transfers(leg, "1102", own)
        if how == "ringing":
            await asked.ended()
            asked = await colleague.incoming()
            await asked.answer(Tone(SECOND))
        await own.ended()
        await together(call, asked, SECOND)
        await state_of(hotline, "1102", "on_call")
        await state_of(hotline, "1101", "idle")
        await hotline.until(lambda: len(asked.rtp.samples()) > 16000, "two seconds are heard")
        await asked.hangup()
        await call.heard()
        await call.hangup()
        await state_of(hotline, "1102", "idle")
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "transfer"), ("1102", "answered", "agent")]
    assert all(each["talked"] > 0.2 for each in shown["segments"])
    assert len(shown["recordings"]) == 2
    if how != "talking":
        return
    caller_side, agent_side = await sides(hotline, shown["recordings"][1], tmp_path)
    assert tone_level(caller_side, CALLER) > -30
    assert tone_level(agent_side, SECOND) > -30
    assert tone_level(caller_side, FIRST) < -45, "what was said in private is in no recording"


async def phone_that_rings(*phones: Phone) -> Call:
    """The first call that comes in on one of these."""
    waits = [asyncio.ensure_future(phone.incoming()) for phone in phones]
    done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for each in others:
        each.cancel()
    return done.pop().result()


@pytest.mark.parametrize("how", ["blind", "attended"])
async def test_a_transfer_while_no_server_is_there_is_recorded_by_the_next_one(hotline: Hotline, how: str) -> None:
    number = {"blind": "13800138208", "attended": "13800138209"}[how]
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        own = None
        if how == "attended":
            await leg.hold()
            own = await phone.dial("1102", source=Tone(FIRST))
            second = await colleague.incoming()
            await second.answer(Tone(SECOND))
            await hears_tone(own, SECOND)
        hotline.kill()
        await transfers(leg, "1102", own)
        await call.heard()
        await asyncio.to_thread(hotline.start)
        if how == "blind":
            second = await colleague.incoming(20)
            await second.answer(Tone(SECOND))
        await together(call, second, SECOND)
        await state_of(hotline, "1102", "on_call")
        await state_of(hotline, "1101", "idle")
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "transfer"), ("1102", "answered", "caller")]
    assert len(shown["recordings"]) == 2
