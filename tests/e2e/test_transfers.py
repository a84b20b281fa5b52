"""Hold, consult, help and transfer as callers and agents hear them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from server.demo.audio import Tone, tone_level
from server.demo.call import Call

if TYPE_CHECKING:
    from conftest import Hotline

    from server.demo.softphone import Phone

pytestmark = pytest.mark.e2e
CALLER, FIRST, SECOND = 1000, 600, 440


@asynccontextmanager
async def talking(hotline: Hotline, agent: Phone, number: str) -> AsyncIterator[tuple[Call, Call]]:
    """A caller (1000 Hz) who speaks with this agent (600 Hz): the caller's call and the agent's."""
    async with hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(CALLER))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        ringing = await agent.incoming()
        await ringing.answer(Tone(FIRST))
        await call.heard(FIRST)
        await ringing.heard(CALLER)
        yield call, ringing


async def quiet(call: Call, hz: float, within: float = 5.0) -> None:
    """Wait until a tone is heard no more."""
    try:
        async with asyncio.timeout(within):
            while tone_level(call.rtp.samples(0.3), hz) > -45:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"{hz} Hz is still heard after {within:g} s") from None


async def number_of(hotline: Hotline, agent: str) -> int:
    """The call that this agent has."""
    rows = hotline.records.call_list(limit=20).items
    return next(row["id"] for row in rows if row["ended_at"] is None and row["agent"] == agent)


async def test_an_agent_holds_the_caller_with_music_and_comes_back(hotline: Hotline) -> None:
    number = "13800138101"
    async with hotline.agent("1101", complaint=5) as agent, talking(hotline, agent, number) as (call, leg):
        await leg.press("*1")
        await quiet(call, FIRST)
        await call.heard()
        await quiet(leg, CALLER)
        await leg.press("*1")
        await call.heard(FIRST)
        await leg.heard(CALLER)
        await leg.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert shown["held"] > 0.5
    assert shown["talked"] > 0.2
    assert len(shown["recordings"]) == 1
