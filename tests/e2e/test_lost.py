"""The limits as they are delivered: a phone that dies is noticed within 10 s, a caller who vanishes within 30 s."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone
from softphone.phone import Answer
from tests.e2e.conftest import hears_tone
from tests.e2e.hearing import hears

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

LATE = 1.5
"""Seconds that a slow machine may take to tell it."""


async def test_who_is_gone_is_noticed_within_the_usual_limits(hotline: Hotline) -> None:
    clock = asyncio.get_running_loop().time

    # Both talk before one of them is gone: the caller whose agent died would be first in line for the other agent.
    joined, both = asyncio.Event(), asyncio.Event()

    async def agent_dies(number: str, caller: str) -> None:
        async with hotline.agent(number, complaint=9) as agent, hotline.caller(caller) as phone:
            agent.on_invite = Answer(0.1, Tone(600))
            call = await phone.dial("4008001234", source=Tone(1000))
            await hears_tone(call, 600)
            joined.set()  # each has an agent of their own
            await both.wait()
            agent.unplug()
            died = clock()
            await hotline.agent_is(number, phone="unreachable", state="idle")
            assert clock() - died < 10 + LATE
            await hears(call, "agent-cut-off")
            await call.hangup()
        shown = await hotline.ended_call(caller)
        assert [(each["outcome"], each["ended_by"]) for each in shown["segments"]] == [("lost", "lost")]
        assert shown["outcome"] != "handled"

    async def caller_vanishes(number: str, caller: str) -> None:
        await joined.wait()
        async with hotline.agent(number, complaint=8) as agent, hotline.caller(caller) as phone:
            agent.on_invite = Answer(0.1, Tone(600))
            await hears_tone(await phone.dial("4008001234", source=Tone(1000)), 600)
            leg = agent.calls[-1]
            both.set()
            phone.unplug()
            vanished = clock()
            await leg.ended(40)
            assert clock() - vanished < 30 + LATE
        shown = await hotline.ended_call(caller)
        assert (shown["end_cause"], [each["ended_by"] for each in shown["segments"]]) == ("lost", ["lost"])

    async with asyncio.TaskGroup() as group:
        group.create_task(agent_dies("2641", "13800131091"))
        group.create_task(caller_vanishes("2642", "13800131092"))
