"""INVITEs that nobody acknowledges, however many: places and ports come back, good callers are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from server.telephony.asterisk.ports import AudioPorts
from softphone.audio import Tone
from softphone.call import Call, CallEnded
from softphone.phone import Answer, Phone
from tests.forger import audio_sockets, forging

from .conftest import Machine, Session

THREE_RINGS = 15.0
AGENT = 820
"""Hertz: far from what a caller hears who finds the line full."""
UNACKNOWLEDGED = 6.4
"""Seconds until an answer is given up that nobody acknowledges; a BYE that nobody answers, likewise."""
NO_LIMIT = {"max_calls": 0, "calls_per_second": 0, "max_silent": 0}
"""But the ports'."""


async def hold(session: Session) -> None:
    await session.command("SET MUSIC ON")
    await session.reader.read()


def to_agent(port: int) -> Callable[[Session], asyncio.Future[None]]:
    """A server that joins the callers 138… with agent 1001 and lets all others wait."""

    async def serve(session: Session) -> None:
        if session.env["agi_callerid"].startswith("138"):
            await session.command(f"EXEC Dial PJSIP/1001/sip:1001@127.0.0.1:{port},20")
        else:
            await hold(session)

    return serve  # type: ignore[return-value]


async def until_calm(machine: Machine, within: float) -> None:
    """Wait until no channel and no audio port is in use."""
    async with asyncio.timeout(within):
        while audio_sockets(machine.process.pid, machine.site.rtp_ports) or not idle(machine):
            await machine.settle()


def idle(machine: Machine) -> bool:
    return machine.command("core show channels count").startswith("0 active")


async def served(phone: Phone) -> Call:
    """A call that is answered within three rings; refused, the caller tries again."""
    async with asyncio.timeout(THREE_RINGS):
        while True:
            call = await phone.dial("4008001234", source=Tone(1000))
            try:
                await call.answered(THREE_RINGS)
            except CallEnded:
                assert call.code == 503, "the caller may try again"
                await asyncio.sleep(0.2)
            else:
                return call


@pytest.mark.parametrize("offer", [True, False], ids=["with an offer", "without an offer"])
async def test_an_answer_that_nobody_acknowledges_ends_soon(machine: Machine, offer: bool) -> None:
    await machine.servers[0].start(hold)
    with forging(machine.site.sip_port) as forger:
        forger.send(1, offer=offer)
        await forger.until(lambda: bool(forger.ended_at), UNACKNOWLEDGED + 3)
        assert forger.ended_at[1] - forger.answered_at[1] == pytest.approx(UNACKNOWLEDGED, abs=1)
        await until_calm(machine, UNACKNOWLEDGED + 3)


@pytest.mark.parametrize("offer", [True, False], ids=["with an offer", "without an offer"])
async def test_a_flood_leaves_ports_for_callers_and_agents(
    machine: Machine, fixed_ports: dict[str, int], offer: bool
) -> None:
    await machine.servers[0].start(to_agent(fixed_ports["1001"]))
    async with (
        machine.phone("13800000001") as first,
        machine.phone("13800000002") as second,
        machine.phone("1001", port=fixed_ports["1001"]) as agent,
    ):
        agent.on_invite = Answer(0.1, Tone(AGENT))
        with machine.changed(**NO_LIMIT), forging(machine.site.sip_port) as forger:
            talking = await served(first)
            await talking.heard(AGENT, within=5)
            flood = asyncio.create_task(forger.flood(300, offer=offer))
            await forger.until(lambda: len(forger.codes) > 100, 10)
            good = await served(second)
            await good.heard(AGENT, within=5)
            await flood
            await forger.until(lambda: len(forger.codes) == 300, 10)
            await asyncio.gather(talking.heard(AGENT), *(leg.heard(1000) for leg in agent.calls))
            assert forger.finals[200] > 0
            await talking.hangup()
            await good.hangup()
            await until_calm(machine, 2 * UNACKNOWLEDGED + 3)


async def test_beyond_the_limit_of_silent_callers_only_heard_ones_stay_and_beyond_the_ports_none_is_answered(
    machine: Machine,
) -> None:
    await machine.servers[0].start(hold)
    first, _ = machine.site.rtp_ports
    few = (first, first + 99)
    most = AudioPorts(*few).max_callers
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(machine.phone("13900000001"))
        stack.enter_context(machine.changed(**NO_LIMIT, rtp_ports=few))

        async def calls(count: int, source: Tone | None) -> list[Call]:
            made = [await phone.dial("4008001234", source=source) for _ in range(count)]
            await asyncio.gather(*(call.answered(5) for call in made))
            return made

        silent = await calls(most // 3, None)
        await (await calls(1, None))[0].ended(3)
        heard = await calls(1, Tone(1000))
        assert {call.state.name for call in silent + heard} == {"TALKING"}
        await calls(most - most // 3 - 1, Tone(1000))
        beyond = await phone.dial("4008001234", source=Tone(1000))
        await beyond.ended(3)
        assert beyond.code == 503
        assert {call.state.name for call in silent + heard} == {"TALKING"}
