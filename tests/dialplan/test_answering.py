"""A call from the trunk is answered and handed over at once; without a server, no caller hears silence or busy."""

from __future__ import annotations

import asyncio
import time

import pytest

from softphone.audio import Tone

from .conftest import MUSIC, TONES, Machine, Management, Session


async def done(session: Session) -> None:
    """A server that ends the call at once."""
    await session.set("SANSHENG_DONE", "1")


async def test_a_call_is_answered_and_handed_over_with_its_number_and_time(machine: Machine) -> None:
    seen: dict[str, str] = {}

    async def hotline(session: Session) -> None:
        for name in ("SANSHENG_INVITED", "SANSHENG_CALLED", "CHANNEL(language)"):
            seen[name] = await session.get(name)
        seen.update(session.env)
        await done(session)

    await machine.servers[0].start(hotline)
    before = time.time()
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234")
        await call.answered(2)
        await call.ended(3)
    assert machine.servers[0].paths == ["hotline"]
    assert before - 0.1 <= float(seen["SANSHENG_INVITED"]) <= time.time()
    assert seen["SANSHENG_CALLED"] == "4008001234"
    assert seen["agi_callerid"] == "13800001111"
    assert seen["CHANNEL(language)"] == "zh"


@pytest.mark.parametrize("number", ["4008001234", "+864008001234", "95588", "1", "*45", "hotline"])
async def test_any_number_from_the_trunk_reaches_the_hotline(machine: Machine, number: str) -> None:
    await machine.servers[0].start(done)
    async with machine.phone("13800001111") as phone:
        call = await phone.dial(number)
        await call.answered(2)
        await call.ended(3)
    assert machine.servers[0].paths == ["hotline"]


async def test_a_server_that_dies_gets_the_call_back_when_it_returns(machine: Machine) -> None:
    asked: list[str] = []
    taken = asyncio.Event()

    async def hotline(session: Session) -> None:
        asked.append(await session.get("SANSHENG_CALL"))
        if len(asked) == 1:
            await session.set("SANSHENG_CALL", "77")
            taken.set()
            await session.reader.read()
        await done(session)

    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(2)
        await asyncio.wait_for(taken.wait(), 3)
        await machine.servers[0].die()
        await call.heard(MUSIC, within=2)
        await machine.servers[0].start(hotline)
        back = time.monotonic()
        await call.ended(3)
    assert asked == ["", "77"]
    assert time.monotonic() - back < 1.5


async def test_the_second_server_is_asked_when_the_first_is_away(machine: Machine) -> None:
    await machine.servers[1].start(done)
    async with machine.phone("13800001111") as phone:
        for _ in range(2):
            call = await phone.dial("4008001234")
            await call.answered(2)
            await call.ended(3)
    assert machine.servers[1].paths == ["hotline", "hotline"]


async def test_a_caller_hears_music_while_no_server_answers(machine: Machine) -> None:
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(2)
        await call.heard(MUSIC, within=2)
        await machine.servers[0].start(done)
        await call.ended(3)


async def test_a_server_that_gives_every_call_back_at_once_is_not_asked_in_a_tight_loop(machine: Machine) -> None:
    async def broken(session: Session) -> None:
        await session.command("NOOP")

    await machine.servers[0].start(broken)
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(2)
        await call.heard(TONES["fallback-sorry"], within=8)
        await call.hangup()
    assert 2 <= len(machine.servers[0].paths) <= 5


async def test_beyond_the_limit_a_caller_hears_that_the_line_is_full_and_may_leave_a_number(machine: Machine) -> None:
    async def hold(session: Session) -> None:
        await session.command("SET MUSIC ON")
        await session.reader.read()

    await machine.servers[0].start(hold)
    async with machine.phone("13800001111") as phone:
        first = [await phone.dial("4008001234") for _ in range(machine.site.max_calls)]
        for call in first:
            await call.answered(3)
        last = await phone.dial("4008001234", source=Tone(1000))
        await last.answered(3)
        await last.heard(TONES["line-full"], within=3)
        await last.heard(TONES["fallback-number"], within=8)
        await last.press("1")
        await last.heard(TONES["fallback-category"], within=5)
        await last.press("4")
        await last.ended(8)
        assert [call.state.name for call in first] == ["TALKING"] * len(first)
    assert len(machine.spooled()) == 1


async def test_a_caller_waits_on_under_music_when_no_more_numbers_can_be_taken(machine: Machine) -> None:
    with machine.changed(max_fallbacks=0):
        async with machine.phone("13800001111") as phone:
            call = await phone.dial("4008001234", source=Tone(1000))
            await call.answered(2)
            with pytest.raises(TimeoutError):
                await call.ended(machine.site.away_after + 2)
            await call.heard(MUSIC, within=2)
            await machine.servers[0].start(done)
            await call.ended(3)
    assert machine.spooled() == []


async def test_more_calls_in_a_second_than_allowed_are_told_so(machine: Machine) -> None:
    await machine.servers[0].start(done)
    with machine.changed(calls_per_second=1):
        async with machine.phone("13800001111") as phone:
            calls = [await phone.dial("4008001234", source=Tone(1000)) for _ in range(4)]
            await asyncio.gather(*(call.answered(3) for call in calls))
            told = await asyncio.gather(
                *(call.heard(TONES["line-full"], within=3) for call in calls), return_exceptions=True
            )
    full = told.count(None)
    assert full >= 1, "four calls came within two seconds"
    assert full + len(machine.servers[0].paths) == len(calls)


async def test_an_answered_call_costs_few_events(machine: Machine, management: Management) -> None:
    await machine.servers[0].start(done)
    caller = "13800009167"  # nobody else's: an earlier call may still be saying goodbye
    async with machine.phone(caller) as phone:
        call = await phone.dial("4008001234")
        await call.answered(2)
        await call.ended(3)
    await management.expect(Event="Hangup", CallerIDNum=caller)
    events = [event for event in management.events if event.get("CallerIDNum") == caller]
    assert [event["Event"] for event in events] == ["Hangup"]
    assert sum(int(event["_bytes"]) for event in events) < 2000


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("CoreShowChannels", {}),
        ("CoreStatus", {}),
        ("Getvar", {"Variable": "SERVERS"}),
        ("Originate", {"Channel": "Local/s@refused", "Application": "Wait", "Data": "1", "Async": "true"}),
        ("Getvar", {"Variable": "PJSIP_AOR(1001,contact)"}),
        ("Redirect", {"Channel": "none", "Context": "hotline", "Exten": "s", "Priority": "1"}),
        ("Hangup", {"Channel": "none"}),
        ("MixMonitorMute", {"Channel": "none", "Direction": "both", "State": "1"}),
        ("ControlPlayback", {"Channel": "none", "Control": "stop"}),
    ],
)
async def test_management_may_do_what_the_server_needs(
    management: Management, action: str, fields: dict[str, str]
) -> None:
    assert (await management.action(action, **fields)).get("Message") != "Permission denied"
