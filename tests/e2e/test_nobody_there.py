"""Outside the hours, or without signed-in agents: no caller hears silence, and messages and numbers are kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile

from server.hotline.definitions import PROMPTS
from softphone.audio import Tone, tone_level
from softphone.call import Call
from softphone.phone import Answer
from tests.e2e.conftest import hears_tone
from tests.e2e.hearing import hears, now, said

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

MESSAGE_LEAVE = soundfile.info(PROMPTS / "zh" / "message-leave.wav").duration


async def test_outside_the_hours_a_message_or_a_number_is_taken(hotline: Hotline) -> None:
    speaker, hasty, dialler = "13800133001", "13800133002", "13800133003"
    async with hotline.caller(speaker) as one, hotline.caller(hasty) as two, hotline.caller(dialler) as three:

        async def speak() -> None:
            call = await one.dial("4008001234", source=Tone(1000))
            await hears(call, "closed")
            await hears(call, "closed-message-or-number")
            await call.press("1")
            await _after_the_tone(hotline, call)
            await asyncio.sleep(3)
            await call.press("#")
            await hears(call, "message-saved")
            await call.ended()
            assert (await said(call, ["message-leave", "message-saved", "goodbye"]))[-2:] == [
                "message-saved",
                "goodbye",
            ]

        async def hang_up_while_speaking() -> None:
            call = await two.dial("4008001234", source=Tone(1000))
            await call.answered()
            await call.heard()
            await call.press("1")
            await _after_the_tone(hotline, call)
            await asyncio.sleep(2)
            await call.hangup()

        async def leave_a_number() -> None:
            call = await three.dial("4008001234", source=Tone(1000))
            await hears(call, "closed-message-or-number", within=15)
            await call.press("2")
            # Not this one, but another; agreed to as soon as it is said back.
            said_back = await hears(call, "callback-number-caller")
            await call.press("2")
            await hears(call, "callback-number-ask", since=said_back.at)
            await call.press("13900139000#")
            asked = await hears(call, "number-keyed", since=said_back.at)
            await call.press("1")
            await hears(call, "callback-accepted", since=asked.at)
            await call.ended(30)

        await asyncio.gather(speak(), hang_up_while_speaking(), leave_a_number())
    for caller, least in ((speaker, 2.5), (hasty, 1.0)):
        shown = await hotline.ended_call(caller)
        assert shown["outcome"] == "message"
        (message,) = shown["messages"]
        assert least < message["seconds"] < least + 3
        samples, rate = soundfile.read(Path(message["path"]), dtype="int16")
        assert rate == 8000
        assert tone_level(samples, 1000) > -20
    shown = await hotline.ended_call(dialler)
    assert shown["outcome"] == "callback"
    assert [taken["number"] for taken in shown["numbers"]] == ["13900139000"]


async def _after_the_tone(hotline: Hotline, call: Call) -> None:
    asked = await hears(call, "message-leave", within=15)
    await hotline.until(lambda: now(call) > asked.at + MESSAGE_LEAVE + 0.6, "the prompt and the tone are over")


async def test_with_nobody_signed_in_each_queue_follows_its_recipe(hotline: Hotline) -> None:
    numbers = {"2": "13800134002", "3": "13800134003", "4": "13800134004", "5": "13800134005"}

    async def message(call: Call) -> None:
        await hears(call, "message-leave")
        await call.hangup()

    async def callback(call: Call) -> None:
        await hears(call, "callback-offer")
        await asyncio.sleep(1)
        await call.press("1")
        await hears(call, "callback-number-caller")
        await call.press("1")
        await hears(call, "callback-accepted")
        await call.ended(30)

    async def goodbye(call: Call) -> None:
        await hears(call, "queue-busy")
        await call.ended()

    async def place(key: str) -> dict[str, Any]:
        async with hotline.caller(numbers[key]) as phone:
            call = await phone.dial("4008001234", source=Tone(1000))
            await call.answered()
            await call.heard()
            await call.press(key)
            # Partnership goes to inquiry first, and from there to a message.
            await {"2": message, "3": callback, "4": message, "5": goodbye}[key](call)
        return await hotline.ended_call(numbers[key])

    inquiry, orders, partnership, media = await asyncio.gather(*(place(key) for key in "2345"))
    assert inquiry["outcome"] in ("overflowed", "message")
    assert orders["outcome"] == "callback"
    assert [each["kind"] for each in partnership["decisions"]].count("overflow") == 2
    assert media["outcome"] == "overflowed"


async def test_a_caller_who_does_not_take_the_callback_waits_on_and_is_served(hotline: Hotline) -> None:
    caller = "13800135011"
    async with hotline.caller(caller) as phone, hotline.agent("2022", orders=5, status="signed_out") as agent:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.press("3")
        await hears(call, "callback-offer")
        await call.press("5")  # no answer to the offer
        agent.on_invite = Answer(0.1, Tone(600))
        await hotline.request("POST", "/api/v1/agents/2022/status", {"status": "available"})
        await hears_tone(call, 600)
        await call.hangup()
    assert (await hotline.ended_call(caller))["outcome"] == "handled"


async def test_waiting_callers_hear_where_they_stand_until_an_agent_cuts_it_short(hotline: Hotline) -> None:
    loop = asyncio.get_running_loop()
    callers = ["13800131021", "13800131022", "13800131023"]
    async with (
        hotline.caller(callers[0]) as one,
        hotline.caller(callers[1]) as two,
        hotline.caller(callers[2]) as three,
        hotline.agent("2021", complaint=9, status="break") as agent,
    ):
        calls = []
        for caller, phone in zip(callers, (one, two, three), strict=True):
            calls.append(await phone.dial("4008001234", source=Tone(1000)))
            await hotline.queued(caller)
        await asyncio.gather(
            hears(calls[0], "queue-first"),
            hears(calls[1], "queue-ahead-one"),
            hears(calls[2], "queue-ahead-after", within=15),
        )
        assert not await said(calls[0], ["queue-ahead-one"]) + await said(calls[2], ["queue-ahead-one"])
        await hears(calls[0], "queue-still-waiting", within=15)
        asked = loop.time()
        await hotline.request("POST", "/api/v1/agents/2021/status", {"status": "available"})
        answered = loop.time()
        offered = await agent.incoming()
        assert offered.number == callers[0]
        # In the middle of a sentence of 4 s.
        assert offered.invite_at - asked < 1.0, f"{offered.invite_at - asked:.2f} s, {answered - asked:.2f} of them API"
        await offered.decline()
        for call in calls:
            await call.hangup()
