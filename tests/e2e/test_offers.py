"""An agent does not take an offered call: the effect on the caller, and the records."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone
from softphone.phone import Answer, Ignore, Refuse, Ring
from tests.e2e.conftest import hears_tone

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


async def test_a_caller_keeps_the_place_when_an_agent_does_not_answer(hotline: Hotline) -> None:
    first, second = "13800131001", "13800131002"
    async with (
        hotline.agent("2001", complaint=9) as deaf,
        hotline.agent("2002", complaint=5, status="break") as ready,
        hotline.caller(first) as one,
        hotline.caller(second) as two,
    ):
        ready.on_invite = Answer(0.2, Tone(600))
        call = await one.dial("4008001234", source=Tone(1000))
        offered = await deaf.incoming()
        assert offered.number == first
        other = await two.dial("4008001234", source=Tone(1000))
        await hotline.queued(second)
        await offered.ended(8)
        assert offered.code == 487
        await hotline.agent_is("2001", state="idle")
        await hotline.request("POST", "/api/v1/agents/2002/status", {"status": "available"})
        taken = await ready.incoming()
        assert taken.number == first
        await hears_tone(call, 600, within=8)
        # An agent who does not answer a second time is on a break with that reason.
        again = await deaf.incoming()
        assert again.number == second
        await again.ended(8)
        await hotline.agent_is("2001", status="break", reason="no_answer")
        await taken.hangup()
        await hears_tone(await ready.incoming(), 1000)
        await hears_tone(other, 600)
        for each in (call, other):
            await each.hangup()
    shown = await hotline.ended_call(first)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [
        ("2001", "no_answer"),
        ("2002", "answered"),
    ]
    assert shown["outcome"] == "handled"
    shown = await hotline.ended_call(second)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [
        ("2001", "no_answer"),
        ("2002", "answered"),
    ]


@pytest.mark.parametrize(
    ("code", "outcome", "caller"), [(603, "declined", "13800131003"), (486, "busy", "13800131004")]
)
async def test_the_next_agent_gets_the_call_that_one_refuses(
    hotline: Hotline, code: int, outcome: str, caller: str
) -> None:
    async with (
        hotline.agent("2003", complaint=9) as refusing,
        hotline.agent("2004", complaint=5) as ready,
        hotline.caller(caller) as phone,
    ):
        refusing.on_invite = Refuse(code, 0.2)
        ready.on_invite = Answer(0.2, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600, within=10)
        await call.hangup()
        await hotline.agent_is("2003", status="available")
    shown = await hotline.ended_call(caller)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [("2003", outcome), ("2004", "answered")]


async def test_a_phone_that_is_not_there_keeps_no_caller_waiting(hotline: Hotline) -> None:
    caller = "13800131005"
    body = {"id": "2005", "name": "Not registered", "skills": {"complaint": 9}}
    await hotline.request("PUT", "/api/v1/agents/2005", body)
    await hotline.request("POST", "/api/v1/agents/2005/status", {"status": "available"})
    async with hotline.agent("2006", complaint=5) as ready, hotline.caller(caller) as phone:
        ready.on_invite = Answer(0.2, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600, within=6)
        await call.hangup()
    await hotline.request("DELETE", "/api/v1/agents/2005")
    shown = await hotline.ended_call(caller)
    legs = [(leg["agent"], leg["outcome"]) for leg in shown["segments"]]
    assert legs in ([("2005", "unregistered"), ("2006", "answered")], [("2006", "answered")])


async def test_a_phone_that_says_nothing_is_not_the_agents_fault(hotline: Hotline) -> None:
    caller = "13800131009"
    async with (
        hotline.agent("2010", complaint=9) as mute,
        hotline.agent("2019", complaint=5) as ready,
        hotline.caller(caller) as phone,
    ):
        mute.on_invite, ready.on_invite = Ignore(), Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600, within=12)
        await call.hangup()
    shown = await hotline.ended_call(caller)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [
        ("2010", "unregistered"),
        ("2019", "answered"),
    ]


async def test_a_caller_waits_on_at_the_same_place_when_the_agent_hangs_up_during_the_whisper(
    hotline: Hotline,
) -> None:
    first, second = "13800131006", "13800131007"
    async with (
        hotline.agent("2007", complaint=9) as leaving,
        hotline.caller(first) as one,
        hotline.caller(second) as two,
    ):
        call = await one.dial("4008001234", source=Tone(1000))
        offered = await leaving.incoming()
        await two.dial("4008001234", source=Tone(1000))
        await hotline.queued(second)
        await offered.answer(Tone(600))
        await offered.heard()
        await offered.hangup()
        # Not joined yet, so no survey follows: music, and the next offer is for the same caller.
        leaving.on_invite = Answer(0.1, Tone(600))
        again = await leaving.incoming(15)
        assert again.number == first
        await hears_tone(call, 600, within=8)
        await again.hangup()
        await call.hangup()
        assert (await leaving.incoming(15)).number == second
    shown = await hotline.ended_call(first)
    assert [(leg["outcome"], leg["joined_at"] is None) for leg in shown["segments"]] == [
        ("dropped", True),
        ("answered", False),
    ]
    assert len(shown["recordings"]) == 1


async def test_an_agent_who_takes_a_break_while_the_phone_rings_is_left_alone_at_once(hotline: Hotline) -> None:
    caller = "13800131008"
    async with (
        hotline.agent("2008", complaint=9) as leaving,
        hotline.agent("2009", complaint=5) as ready,
        hotline.caller(caller) as phone,
    ):
        leaving.on_invite, ready.on_invite = Ring(), Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        offered = await leaving.incoming()
        asked = asyncio.get_running_loop().time()
        await hotline.request("POST", "/api/v1/agents/2008/status", {"status": "break", "reason": "meal"})
        await offered.ended(3)
        assert offered.ended_at is not None
        assert offered.ended_at - asked < 2
        await hears_tone(call, 600, within=8)
        await call.hangup()
        await hotline.agent_is("2008", status="break", reason="meal")
    shown = await hotline.ended_call(caller)
    assert shown["agent"] == "2009"
    assert [(leg["agent"], leg["outcome"], leg["detail"]) for leg in shown["segments"]] == [
        ("2008", "withdrawn", "agent 2008 chose break"),
        ("2009", "answered", None),
    ]
