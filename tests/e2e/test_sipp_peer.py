"""sipp and the softphone as each other's reference: what one sends the other must understand."""

from __future__ import annotations

import asyncio
import os

import pytest
from sipmessage import URI, Request

from softphone import sip as wire
from softphone.audio import Tone, tone_level
from softphone.phone import Answer, CallState, Ring
from tests.e2e.phones import NewPhone, new_phone, sipp  # noqa: F401
from tests.e2e.sipp_peer import Sipp, SippFailedError

pytestmark = pytest.mark.e2e


async def test_sipp_calls_and_the_phone_hears_one_kilohertz(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    phone = await new_phone("4008001234", 9)
    phone.on_invite = Answer(0.1, Tone(600))
    async with sipp.run("caller", server=("127.0.0.1", phone.port), caller="13812345678") as caller:
        call = await phone.incoming()
        await call.answered()
        await call.heard(1000)
        assert call.number == "13812345678"
        await call.hangup()
        outcome = (await caller.done()).check(calls=1)
    assert 0.09 < outcome.answer_seconds[0] < 1
    assert not call.rtp.gaps(longer_than=0.2)


@pytest.mark.parametrize("via", ["info", "rfc2833"])
async def test_the_phone_hears_each_key_that_sipp_presses_once(sipp: Sipp, new_phone: NewPhone, via: str) -> None:  # noqa: F811
    if via == "rfc2833" and os.geteuid() != 0:
        pytest.skip("sipp sends captured packets through a raw socket, which needs root")
    phone = await new_phone("4008001234", 9)
    phone.on_invite = Answer()
    async with sipp.run("caller", server=("127.0.0.1", phone.port), digits="1*112", via=via) as caller:
        call = await phone.incoming()
        await (call.pressed("1*112") if via == "info" else call.rtp.received("1*112"))
        await call.heard(1000)
        assert call.digits + call.rtp.digits == "1*112"
        await call.hangup()
        (await caller.done()).check(calls=1)


async def test_the_phone_calls_an_agent_of_sipp(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    async with sipp.run("agent", ring=0.3) as agent:
        phone = await new_phone("13800001111", agent.port)
        call = await phone.dial("1001", source=Tone(1000))
        await call.answered()
        assert 0.2 < (call.ok_at or 0) - (call.ringing_at or 0) < 1
        await call.heard(600)
        assert tone_level(call.rtp.samples(0.2), 600) == pytest.approx(-10, abs=1)
        await call.hangup()
        (await agent.done()).check(calls=1)


async def test_an_agent_of_sipp_hangs_up(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    async with sipp.run("agent-hangs-up", ring=0.1, talk=0.5) as agent:
        phone = await new_phone("13800001111", agent.port)
        call = await phone.dial("1001")
        assert await call.ended() == "they hung up"
        (await agent.done()).check(calls=1)


@pytest.mark.parametrize("code", [480, 486, 603])
async def test_an_agent_of_sipp_refuses(sipp: Sipp, new_phone: NewPhone, code: int) -> None:  # noqa: F811
    async with sipp.run("agent-refuses", code=code) as agent:
        phone = await new_phone("13800001111", agent.port)
        call = await phone.dial("1001")
        await call.ended()
        assert (call.code, call.state) == (code, CallState.ENDED)
        (await agent.done()).check(calls=1)


async def test_an_agent_of_sipp_does_not_answer(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    async with sipp.run("agent-no-answer") as agent:
        phone = await new_phone("13800001111", agent.port)
        call = await phone.dial("1001")
        await call.ringing()
        await call.hangup()
        assert (call.code, call.reason) == (487, "we gave up")
        (await agent.done()).check(calls=1)


async def test_an_agent_of_sipp_says_that_it_is_there(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    async with sipp.run("agent") as agent:
        phone = await new_phone("13800001111", agent.port)
        asked = Request("OPTIONS", URI("sip", "127.0.0.1", port=agent.port))
        fields = [("Via", phone.via()), ("From", "<sip:a@b>;tag=1"), ("To", "<sip:c@d>")]
        fields += [("Call-ID", "asked"), ("CSeq", "1 OPTIONS")]
        response = await asyncio.wait_for(phone.wire.request(wire.compose(asked, fields), phone.server), 2)
        assert response.code == 200
        outcome = await agent.done()
        assert (outcome.calls, outcome.failed) == (0, 0)


async def test_many_callers_come_press_and_go(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    phone = await new_phone("4008001234", 9)
    phone.on_invite = Answer(source=None)
    options = {"calls": 20, "rate": 20, "digits": "11", "gap": 0.1, "talk": 0.3}
    async with sipp.run("load-caller", server=("127.0.0.1", phone.port), **options) as callers:
        outcome = (await callers.done()).check(calls=20)
    assert len(outcome.answer_seconds) == 20
    assert {call.digits for call in phone.calls} == {"11"}
    assert {call.reason for call in phone.calls} == {"they hung up"}


async def test_a_run_that_goes_wrong_says_why_and_one_that_is_left_is_gone(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    phone = await new_phone("4008001234", 9)
    phone.on_invite = Ring()
    async with sipp.run("caller", server=("127.0.0.1", phone.port)) as caller:
        call = await phone.incoming()
        await call.decline(486)
        with pytest.raises(SippFailedError, match=r"(?s)0 calls of 1 went by the scenario, 1 failed .*486"):
            (await caller.done()).check(calls=1)
    async with sipp.run("agent") as agent:
        process = agent.process
    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_a_caller_who_agrees_presses_until_the_goodbye(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    phone = await new_phone("4008001234", 9)
    phone.on_invite = Answer()
    numbers = ("13800000001", "13800000002")
    async with sipp.run(
        "caller-agrees", server=("127.0.0.1", phone.port), callers=numbers, digits="14", again="1", rate=20
    ) as callers:
        calls = [await phone.incoming() for _ in numbers]
        for call in calls:
            await call.pressed("1411")
            await call.hangup()
        (await callers.done()).check(calls=2)
    assert sorted(call.number for call in calls) == list(numbers)


async def test_a_customer_of_sipp_tells_who_was_called_and_from_where(sipp: Sipp, new_phone: NewPhone) -> None:  # noqa: F811
    async with sipp.run("customer", ring=0.1, talk=20) as customer:
        phone = await new_phone("01012345678", customer.port)
        call = await phone.dial("13800138000", source=Tone(1000))
        await call.answered()
        await call.heard(600)
        await call.hangup()
        (await customer.done()).check(calls=1)
        (line,) = customer.logged()
    assert line.startswith("invited 13800138000 from 01012345678 at ")
