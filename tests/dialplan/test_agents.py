"""Agents' phones: which phones count as an agent's, what their codes reach, and how caller and agent are joined."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from server.telephony.asterisk.site import AgentPhone
from softphone.audio import Samples, Tone, tone_level
from softphone.call import CallEnded
from softphone.phone import Answer, Ignore, Phone, Policy, Refuse, Refused, Ring

from .conftest import ANNOUNCEMENT, MUSIC, TONES, WHISPER, Machine, Management, Session

LEG = "gm(default)U(sansheng-agent-leg)"


def fixed(fixed_ports: dict[str, int], agent: str = "1001") -> str:
    return AgentPhone(agent, contact=f"sip:{agent}@127.0.0.1:{fixed_ports[agent]}").dial(
        lambda device: "-web" not in device
    )


class Hotline:
    """A server that dials at once and remembers what came of it."""

    def __init__(self, dial: str, **variables: str) -> None:
        self.dial = dial
        self.variables = variables
        self.result: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()

    async def __call__(self, session: Session) -> None:
        await session.command("SET MUSIC ON default")
        for name, value in self.variables.items():
            await session.set(name, value)
        await session.command(f'EXEC Dial "{self.dial}"')
        status = await session.get("DIALSTATUS"), await session.get("HANGUPCAUSE")
        await session.set("SANSHENG_DONE", "1")
        self.result.set_result(status)


async def test_whisper_and_announcement_play_together_and_both_directions_are_recorded_alike(
    machine: Machine, fixed_ports: dict[str, int], tmp_path: Path
) -> None:
    device = fixed(fixed_ports)
    hotline = Hotline(
        f"{device},20,gm(default)A(whisper:announcement)U(sansheng-agent-leg)", __SANSHENG_REC=str(tmp_path / "7-1")
    )
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = Answer(after=0.6, source=Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        leg = await agent.incoming(5)
        await call.heard(MUSIC, within=3)
        await call.heard(ANNOUNCEMENT, within=3)
        await leg.heard(WHISPER, within=3)
        await call.heard(600, within=4)
        await leg.heard(1000, within=4)
        await asyncio.sleep(1)
        await leg.hangup()
        assert await asyncio.wait_for(hotline.result, 3) == ("ANSWER", "16")
        await call.ended(3)
    sides = {side: _samples(tmp_path / f"7-1-{side}.wav") for side in ("caller", "agent")}
    assert len(sides["caller"]) == len(sides["agent"]) > 6000
    assert tone_level(sides["caller"], 1000) > -20 > tone_level(sides["caller"], 600) + 20
    assert tone_level(sides["agent"], 600) > -20 > tone_level(sides["agent"], 1000) + 20
    assert tone_level(sides["caller"], WHISPER) < -40


async def test_both_files_are_equally_long_when_one_side_is_silent(
    machine: Machine, fixed_ports: dict[str, int], tmp_path: Path
) -> None:
    hotline = Hotline(f"{fixed(fixed_ports)},20,{LEG}", __SANSHENG_REC=str(tmp_path / "8-1"))
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = Answer(source=None)
        call = await phone.dial("4008001234", source=Tone(1000))
        leg = await agent.incoming(5)
        await leg.heard(1000, within=4)
        await asyncio.sleep(1.5)
        await call.hangup()
        await leg.ended(3)
    await asyncio.sleep(0.2)
    caller, silent = (_samples(tmp_path / f"8-1-{side}.wav") for side in ("caller", "agent"))
    assert len(caller) > 8000
    assert abs(len(caller) - len(silent)) <= 320


def _samples(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Ring(), ("NOANSWER", "0")),
        (Ignore(), ("NOANSWER", "0")),
        (Refuse(480), ("NOANSWER", "19")),
        (Refuse(486), ("BUSY", "17")),
        (Refuse(603), ("CHANUNAVAIL", "21")),
        (Refuse(404), ("CHANUNAVAIL", "1")),
        (Refuse(503), ("CONGESTION", "34")),
    ],
)
async def test_what_a_phone_does_is_told_by_status_and_cause(
    machine: Machine, fixed_ports: dict[str, int], policy: Policy, expected: tuple[str, str]
) -> None:
    hotline = Hotline(f"{fixed(fixed_ports)},1,{LEG}")
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = policy
        await phone.dial("4008001234", source=Tone(1000))
        assert await asyncio.wait_for(hotline.result, 5) == expected


async def test_an_agent_who_is_not_registered_is_known_at_once(machine: Machine) -> None:
    hotline = Hotline(f"{AgentPhone('1002', secret='secret-of-1002').dial()},20,{LEG}")
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone:
        await phone.dial("4008001234", source=Tone(1000))
        assert await asyncio.wait_for(hotline.result, 3) == ("CHANUNAVAIL", "3")


async def test_a_registered_phone_rings_though_the_agents_browser_is_away(machine: Machine) -> None:
    hotline = Hotline(f"{AgentPhone('1002', secret='secret-of-1002').dial()},20,{LEG}")
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone, machine.phone("1002", secret="secret-of-1002") as agent:
        await agent.register()
        agent.on_invite = Answer(source=Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.heard(600, within=5)


async def test_a_wrong_secret_registers_nothing(machine: Machine) -> None:
    async with machine.phone("1002", secret="not-the-secret") as agent:
        with pytest.raises(Refused):
            await agent.register()


async def test_a_conversation_outlives_the_server_and_the_caller_comes_back_after_it(
    machine: Machine, fixed_ports: dict[str, int]
) -> None:
    await machine.servers[0].start(Hotline(f"{fixed(fixed_ports)},20,{LEG}"))
    again: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def restarted(session: Session) -> None:
        again.set_result(await session.get("DIALSTATUS"))
        await session.set("SANSHENG_DONE", "1")

    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = Answer(source=Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        leg = await agent.incoming(5)
        await call.heard(600, within=4)
        await machine.servers[0].die()
        await asyncio.sleep(0.5)
        assert call.state.name == leg.state.name == "TALKING"
        await machine.servers[0].start(restarted)
        await leg.hangup()
        assert await asyncio.wait_for(again, 3) == "ANSWER"
        await call.ended(3)


async def test_a_code_reaches_the_server_as_its_agent(machine: Machine, fixed_ports: dict[str, int]) -> None:
    seen: list[tuple[str, str, str]] = []

    async def agent(session: Session) -> None:
        seen.append((machine.servers[0].paths[-1], session.query["1"], session.query["2"]))
        await session.set("SANSHENG_DONE", "1")

    await machine.servers[0].start(agent)
    async with (
        machine.phone("1002", secret="secret-of-1002") as registered,
        machine.phone("1001", port=fixed_ports["1001"]) as at_address,
    ):
        for phone, code in ((registered, "*45"), (at_address, "*461"), (at_address, "13800002222")):
            call = await phone.dial(code)
            await _over(phone, call.number)
    assert seen == [("agent", "1002", "*45"), ("agent", "1001", "*461"), ("outbound", "1001", "13800002222")]


async def _over(phone: Phone, number: str) -> None:
    call = next(call for call in reversed(phone.calls) if call.number == number)
    await call.ended(4)


async def test_an_agent_hears_that_the_server_is_away(machine: Machine, fixed_ports: dict[str, int]) -> None:
    async with machine.phone("1001", port=fixed_ports["1001"]) as agent:
        call = await agent.dial("*45", source=Tone(600))
        await call.heard(TONES["agent-server-away"], within=4)
        await call.ended(3)


async def test_writing_an_agents_number_into_from_makes_nobody_an_agent(machine: Machine) -> None:
    async def hotline(session: Session) -> None:
        await session.set("SANSHENG_DONE", "1")

    await machine.servers[0].start(hotline)
    async with machine.phone("1003") as impostor:
        call = await impostor.dial("*45")
        await call.ended(4)
    assert machine.servers[0].paths == ["hotline"]
    async with machine.phone("1002") as impostor:
        call = await impostor.dial("*45")
        with pytest.raises(CallEnded, match="401"):
            await call.answered(3)
    assert machine.servers[0].paths == ["hotline"]


async def test_the_events_of_a_conversation_come_in_this_order(
    machine: Machine, management: Management, fixed_ports: dict[str, int]
) -> None:
    hotline = Hotline(f"{fixed(fixed_ports)},20,{LEG}")
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = Answer(after=0.2, source=Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.heard(600, within=5)
        await agent.calls[0].hangup()
        await call.ended(3)
    caller = next(event for event in management.events if event.get("Event") == "DialBegin")
    await management.expect(Event="Hangup", Uniqueid=caller["Uniqueid"])
    told = [event for event in management.events if event.get("Linkedid") == caller["Uniqueid"]]
    assert {event["Linkedid"] for event in told} == {caller["Uniqueid"]}
    order = [(event["Event"], "caller" if event["Uniqueid"] == caller["Uniqueid"] else "agent") for event in told]
    assert order[:7] == [
        ("DialBegin", "caller"),
        ("DialState", "caller"),
        ("DialEnd", "caller"),
        ("BridgeEnter", "agent"),
        ("BridgeEnter", "caller"),
        ("HangupRequest", "agent"),
        ("BridgeLeave", "agent"),
    ]
    # The caller's channel and the agent's end in threads of their own.
    assert sorted(order[7:9]) == [("BridgeLeave", "caller"), ("Hangup", "agent")]
    assert order[9:] == [("Hangup", "caller")]
