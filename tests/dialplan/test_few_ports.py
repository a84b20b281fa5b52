"""Few audio ports: at their limit a caller hears that the line is full, and agents still find a port."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from server.telephony.asterisk.ready import ready
from server.telephony.asterisk.site import AgentPhone
from softphone.audio import Tone

from .conftest import MUSIC, TONES, Machine, Session, another


async def test_callers_fill_their_ports_and_the_next_hears_so_and_agents_are_reached(
    machine: Machine, fixed_ports: dict[str, int]
) -> None:
    contacts = {agent: f"sip:{agent}@127.0.0.1:{port}" for agent, port in fixed_ports.items()}
    now = asyncio.Event()
    free = iter(contacts.items())

    async def hotline(session: Session) -> None:
        await session.command("SET MUSIC on default")
        await now.wait()
        if (agent := next(free, None)) is not None:
            await session.command(f"EXEC Dial PJSIP/{agent[0]}/{agent[1]},20,gm(default)")
        await session.reader.read()

    await machine.servers[0].start(hotline)
    phones = [AgentPhone(agent, contact=contact) for agent, contact in contacts.items()]
    async with AsyncExitStack() as stack:
        small = stack.enter_context(another(machine, phones, rtp_ports=(19000, 19019), max_calls=200))
        await ready(small.site)
        agents = [await stack.enter_async_context(small.phone(agent, port=port)) for agent, port in fixed_ports.items()]
        phone = await stack.enter_async_context(small.phone("13800001111"))
        callers = [await phone.dial("400", source=Tone(1000)) for _ in range(small.site.places)]
        for call in callers:
            await call.heard(MUSIC, within=10)
        one_more = await phone.dial("400", source=Tone(1000))
        await one_more.heard(TONES["line-full"], within=5)
        now.set()
        for agent in agents:
            leg = await agent.incoming(5)
            await leg.answer(Tone(600))
            await leg.heard(1000, within=5)
