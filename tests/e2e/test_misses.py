"""Calls that an agent misses in other ways than by letting the phone ring lead to a break just as soon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone
from softphone.phone import Answer, Call, Policy, Progress, Redirect, Ring
from tests.e2e.conftest import hears_tone

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


async def _missed_twice(hotline: Hotline, agent: str, caller: str, policy: Policy, outcome: str) -> None:
    """The agent misses the call twice and is on a break; a colleague then has the caller, at the old place."""
    async with (
        hotline.agent(agent, complaint=9) as missing,
        hotline.agent(f"{agent}9", complaint=5, status="break") as ready,
        hotline.caller(caller) as phone,
    ):
        missing.on_invite, ready.on_invite = policy, Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hotline.agent_is(agent, within=20, status="break", reason="no_answer")
        assert len(missing.calls) == 2
        await hotline.request("POST", f"/api/v1/agents/{agent}9/status", {"status": "available"})
        await hears_tone(call, 600)
        await call.hangup()
    shown = await hotline.ended_call(caller)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [
        (agent, outcome),
        (agent, outcome),
        (f"{agent}9", "answered"),
    ]
    assert (shown["outcome"], shown["agent"]) == ("handled", f"{agent}9")


@pytest.mark.parametrize(("agent", "code"), [("2601", 183), ("2602", 199)])
async def test_a_phone_that_makes_progress_and_is_not_picked_up_missed_the_call(
    hotline: Hotline, agent: str, code: int
) -> None:
    await _missed_twice(hotline, agent, f"1380013106{agent[-1]}", Progress(code), "no_answer")


async def test_a_phone_that_sends_the_call_elsewhere_missed_it(hotline: Hotline) -> None:
    where = Redirect(f"sip:*45@127.0.0.1:{hotline.sip_port}")
    await _missed_twice(hotline, "2603", "13800131063", where, "redirected")


async def test_a_phone_that_one_of_our_own_codes_answered_missed_the_call(hotline: Hotline) -> None:
    caller = "13800131067"
    async with (
        hotline.agent("2607", complaint=9) as relaying,
        hotline.caller(caller) as phone,
    ):

        async def relay(call: Call) -> None:
            """As an exchange does whose forwarding the caller of the agent does not see."""
            code = await relaying.dial("*47")
            await code.answered()
            call.pick_up(Tone(600))
            await call.ended()
            await code.hangup()

        relays: set[asyncio.Task[None]] = set()

        def policy(call: Call) -> Policy:
            relays.add(asyncio.create_task(relay(call)))
            return Ring()

        relaying.on_invite = policy
        call = await phone.dial("4008001234", source=Tone(1000))
        await hotline.agent_is("2607", within=20, status="break", reason="no_answer")
        await call.hangup()
        await asyncio.gather(*relays)
    shown = await hotline.ended_call(caller)
    assert [leg["outcome"] for leg in shown["segments"]] == ["dropped", "dropped"]
    assert shown["outcome"] in ("short_abandoned", "abandoned")
