"""Agents sign in, take breaks and come back by phone, and the phone says their new status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone
from softphone.phone import Phone, Refused, Ring
from tests.e2e.conftest import hears_tone
from tests.e2e.hearing import hears

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
SECRET = "correct-horse-battery"


async def _dials(phone: Phone, code: str, prompt: str) -> None:
    call = await phone.dial(code)
    await hears(call, prompt)
    await call.ended()


async def test_an_agent_whose_phone_registers_signs_in_takes_breaks_and_signs_out(hotline: Hotline) -> None:
    body = {"id": "2031", "name": "Agent 2031", "skills": {"complaint": 5}, "secret": SECRET}
    await hotline.request("PUT", "/api/v1/agents/2031", body)
    async with Phone("2031", "127.0.0.1", hotline.sip_port, secret=SECRET) as phone:
        await phone.register()
        for code, prompt, status, reason in (
            ("*45", "agent-signed-in", "available", None),
            ("*46", "agent-on-break", "break", "break"),
            ("*461", "agent-on-break", "break", "rest"),
            ("*47", "agent-available", "available", None),
            ("*45", "agent-signed-out", "signed_out", None),
        ):
            await _dials(phone, code, prompt)
            row = await hotline.agent_is("2031", status=status)
            assert row["reason"] == reason
        await _dials(phone, "*49", "no-match")
        await _dials(phone, "*45", "agent-signed-in")
        row = await hotline.agent_is("2031", status="available", phone="reachable")
    # The phone signs off; the agent does not.
    await hotline.agent_is("2031", status="available", phone="unreachable")
    await hotline.request("DELETE", "/api/v1/agents/2031")


async def test_an_agent_at_a_fixed_contact_does_the_same(hotline: Hotline) -> None:
    async with hotline.agent("2032", status="signed_out", complaint=5) as phone:
        await _dials(phone, "*45", "agent-signed-in")
        await hotline.agent_is("2032", status="available")
        await _dials(phone, "*462", "agent-on-break")
        await hotline.agent_is("2032", status="break", reason="meal")


async def test_a_wrap_up_is_longer_by_phone_and_by_api(hotline: Hotline) -> None:
    async with hotline.agent("2036", complaint=5) as phone:
        await _dials(phone, "*482", "agent-wrap-up-longer")
        await hotline.agent_is("2036", state="wrap_up")
        await hotline.request("POST", "/api/v1/agents/2036/wrap-up/end")
        await hotline.agent_is("2036", state="idle")
        await hotline.request("POST", "/api/v1/agents/2036/wrap-up/extend", {"seconds": 60})
        await hotline.agent_is("2036", state="wrap_up")
        with pytest.raises(AssertionError, match="422"):
            await hotline.request("POST", "/api/v1/agents/2036/wrap-up/extend", {"seconds": 0})
        said = await hotline.command("agent", "wrap-up", "2036", "end")
        assert said.stdout == "agent 2036 is available, idle\n"
        await hotline.request("POST", "/api/v1/agents/2036/status", {"status": "signed_out"})
        with pytest.raises(AssertionError, match=r"409 .*agent 2036 is signed out: there is no wrap-up to extend"):
            await hotline.request("POST", "/api/v1/agents/2036/wrap-up/extend", {"seconds": 60})


async def test_an_agent_who_was_sent_on_a_break_is_told_so_on_coming_back(hotline: Hotline) -> None:
    async with hotline.agent("2035", complaint=9) as agent, hotline.caller("13800131031") as phone:
        agent.on_invite = Ring()
        call = await phone.dial("4008001234")
        await hotline.agent_is("2035", within=30, status="break", reason="no_answer")
        await call.hangup()
        call = await agent.dial("*47")
        await hears(call, "agent-sent-on-break")
        await hears(call, "agent-available")
        await call.ended()
        await hotline.agent_is("2035", status="available")


async def test_nobody_else_can_be_an_agent(hotline: Hotline) -> None:
    body = {"id": "2033", "name": "Agent 2033", "skills": {"complaint": 5}, "secret": SECRET}
    await hotline.request("PUT", "/api/v1/agents/2033", body)
    async with hotline.agent("2034", status="signed_out", complaint=5):
        async with Phone("2033", "127.0.0.1", hotline.sip_port, secret="a-guess") as phone:
            with pytest.raises(Refused):
                await phone.register()
            call = await phone.dial("*45")
            await call.ended()
            assert call.code == 401
        # From another address the fixed agent's number is a caller like any other.
        async with hotline.caller("2034") as impostor:
            call = await impostor.dial("*45")
            await hears(call, "welcome")
            await call.hangup()
        async with hotline.caller("13800130009") as impostor:
            call = await impostor.dial("*45", caller_id="2033")
            await call.ended() if call.code else await call.hangup()
        for number in ("2033", "2034"):
            assert (await hotline.agent_is(number))["status"] == "signed_out"
    await hotline.request("DELETE", "/api/v1/agents/2033")


async def test_an_agent_who_tries_the_microphone_hears_it(hotline: Hotline) -> None:
    async with hotline.agent("2143", complaint=1, status="break") as agent:
        call = await agent.dial("*43", source=Tone(700))
        await hears_tone(call, 700)
        await call.hangup()
