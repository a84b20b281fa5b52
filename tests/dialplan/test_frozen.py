"""A server that is frozen takes a call and says nothing: the caller hears music within three seconds all the same."""

from __future__ import annotations

import asyncio

import numpy as np

from softphone.audio import RATE, Tone
from softphone.call import Call

from .conftest import MUSIC, TONES, Machine, Session


def loud_from(call: Call, since: float) -> float | None:
    """When sound was heard first, in seconds after `since` (seconds of sound since the answer)."""
    samples = call.rtp.samples()[int(since * RATE) :].astype(np.float64)
    loud = np.flatnonzero(np.abs(samples) > 500)
    return float(loud[0]) / RATE if len(loud) else None


async def test_a_caller_whom_a_frozen_server_has_taken_hears_music_within_three_seconds(machine: Machine) -> None:
    async def frozen(session: Session) -> None:
        await session.reader.read()

    await machine.servers[0].start(frozen)
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(2)
        await call.heard(MUSIC, within=3)
        first = loud_from(call, 0)
        assert first is not None
        assert 1.5 < first < 3


async def test_a_caller_whom_a_server_serves_in_time_hears_nothing_before_the_first_prompt(machine: Machine) -> None:
    async def slow(session: Session) -> None:
        await session.command("NOOP")
        await asyncio.sleep(1)
        await session.command(f'STREAM FILE "{machine.site.home}/zh/goodbye" ""')
        await asyncio.sleep(3)
        await session.set("SANSHENG_DONE", "1")

    await machine.servers[0].start(slow)
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(2)
        await call.heard(TONES["goodbye"], within=3)
        await call.ended(6)
        first = loud_from(call, 0)
        assert first is not None
        assert first > 0.9
        assert loud_from(call, first + 0.6) is None, "no music after the prompt"


async def test_a_caller_whose_agent_hangs_up_hears_music_although_the_server_is_frozen(
    machine: Machine, fixed_ports: dict[str, int]
) -> None:
    async def frozen(session: Session) -> None:
        dial = f"Dial PJSIP/1001/sip:1001@127.0.0.1:{fixed_ports['1001']},20,gm(default)"
        session.writer.write(f"EXEC {dial}\n".encode())
        # Asterisk would read both lines at once, and look at the second only when a third comes.
        await asyncio.sleep(0.2)
        session.writer.write(b"SET MUSIC on later\n")
        await session.reader.read()

    await machine.servers[0].start(frozen)
    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(2)
        leg = await agent.incoming(5)
        await leg.answer(Tone(600))
        await call.heard(600, within=3)
        await leg.hangup()
        since = len(call.rtp.samples()) / RATE
        await call.heard(MUSIC, within=3)
        first = loud_from(call, since + 0.3)
        assert first is not None
        assert 1.2 < first < 2.7
