"""Hold, consult, help and transfer, as callers, agents and colleagues hear them, and as the records have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import soundfile

from server.hotline.definitions import DEFAULTS, FLOWS
from softphone.audio import Tone, tone_level
from softphone.call import Call
from softphone.phone import Phone, Refuse
from tests.e2e.conftest import Hotline, free_ports, hears_tone, make_home, running
from tests.e2e.hearing import hears, now, said

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e
CALLER, FIRST, SECOND = 1000, 600, 2900
"""The tones of the caller, of the agent who answers, and of the colleague who is asked."""
TRUNK_PORT = free_ports(1)[0]


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    """A hotline whose team A is led by 1109, whose calls may go out, and whose phones ring for five seconds.

    Its flow gives each call a priority, and a wish of its own.
    """
    hotline = Hotline(make_home(), {"SANSHENG_TRUNK": f"sip:127.0.0.1:{TRUNK_PORT}"})
    definitions = DEFAULTS.read_text(encoding="utf-8").replace("ring_for = 20", "ring_for = 5")
    definitions = definitions.replace("misses_within = 2", "misses_within = 0")  # conversations of tests are short
    (hotline.home / "hotline.toml").write_text(
        f'{definitions}\n[teams.A]\nleaders = ["1109"]\n'.replace('mode = "timed", seconds = 30', 'mode = "none"'),
        encoding="utf-8",
    )
    flow = (FLOWS / "hotline.toml").read_text(encoding="utf-8")
    asks = flow.replace('served = "survey"', 'served = "survey"\npriority = 20\nrequirement.preferred.orders = 1')
    (hotline.home / "flows").mkdir()
    (hotline.home / "flows" / "hotline.toml").write_text(asks, encoding="utf-8")
    with running(hotline):
        yield hotline


def agent(
    hotline: Hotline, number: str, *, status: str = "available", **skills: int
) -> AbstractAsyncContextManager[Phone]:
    """An agent of team A."""
    return hotline.agent(number, status=status, teams=["A"], **skills)


@asynccontextmanager
async def talking(hotline: Hotline, phone: Phone, number: str) -> AsyncIterator[tuple[Call, Call]]:
    """A caller who speaks with this agent: the caller's call and the agent's."""
    async with hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(CALLER))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        leg = await phone.incoming()
        await leg.answer(Tone(FIRST))
        await together(call, leg, FIRST)
        yield call, leg


async def waiting(hotline: Hotline, caller: Phone, number: str) -> Call:
    """A call of this caller that waits for an agent."""
    call = await caller.dial("4008001234", source=Tone(CALLER))
    await call.answered()
    await call.heard()
    for digit in "14":
        await call.press(digit)
    await hotline.queued(number)
    return call


async def key(leg: Call, digits: str) -> None:
    """Press keys; the last one may end the call."""
    with suppress(ConnectionError):
        await leg.press(digits)


async def together(call: Call, leg: Call, tone: int) -> None:
    """Caller and agent hear each other."""
    await hears_tone(call, tone)
    await hears_tone(leg, CALLER)


async def quiet(call: Call, hz: float, within: float = 5.0) -> None:
    """Wait until a tone is heard no more."""
    end = asyncio.get_running_loop().time() + within
    while True:
        if tone_level(call.rtp.samples(0.3), hz) < -45:
            return
        assert asyncio.get_running_loop().time() < end, f"{hz} Hz is still heard after {within:g} s"
        await asyncio.sleep(0.02)


async def state_of(hotline: Hotline, number: str, state: str, within: float = 5.0) -> None:
    """Wait until the agent's state is this."""

    end = asyncio.get_running_loop().time() + within
    while True:
        floor = await hotline.request("GET", "/api/v1/floor")
        found = next(each["state"] for each in floor["agents"] if each["id"] == number)
        if found == state:
            return
        assert asyncio.get_running_loop().time() < end, f"agent {number} is {found}, not {state}"
        await asyncio.sleep(0.05)


def legs(shown: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(agent, outcome, ended by) of each leg."""
    return [(leg["agent"], leg["outcome"], leg["ended_by"]) for leg in shown["segments"]]


async def sides(hotline: Hotline, recording: int, folder: Path) -> tuple[Any, Any]:
    """What the caller and the agent said in a recording."""
    target = folder / f"{recording}.wav"
    await hotline.command("recording", "pull", str(recording), "--to", str(target))
    samples, _ = soundfile.read(target, dtype="int16")
    return samples[:, 0], samples[:, 1]


async def test_an_agent_holds_the_caller_with_music_and_comes_back(hotline: Hotline) -> None:
    number = "13800138101"
    async with agent(hotline, "1101", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        await key(leg, "*1")
        await quiet(call, FIRST)
        await call.heard()
        await quiet(leg, CALLER)
        await key(leg, "*1")
        await together(call, leg, FIRST)
        await leg.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert shown["held"] > 0.5
    assert shown["talked"] > 0.2
    assert len(shown["recordings"]) == 1


async def test_a_colleague_is_asked_in_private_and_the_agent_comes_back(hotline: Hotline, tmp_path: Path) -> None:
    number = "13800138102"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*21102#")
        asked = await colleague.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(asked, FIRST)
        await hears_tone(leg, SECOND)
        await quiet(asked, CALLER)
        await quiet(call, FIRST)
        assert tone_level(call.rtp.samples(1.0), SECOND) < -45, "the caller hears nothing of it"
        await state_of(hotline, "1102", "occupied")
        await hotline.until(lambda: len(asked.rtp.samples()) > 16000, "they talk for two seconds")
        await asked.hangup()
        await together(call, leg, FIRST)
        await state_of(hotline, "1102", "idle")
        await leg.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "agent")]
    caller_side, agent_side = await sides(hotline, shown["recordings"][0], tmp_path)
    assert tone_level(caller_side, SECOND) < -40, "what was asked in private is in no recording"
    assert len(caller_side) > 16000, "the recording goes on in silence: a place in it is a time of the call"
    assert max(abs(agent_side[len(agent_side) // 2 :][:2000])) < 200, "on hold there is silence on both sides"
    assert tone_level(agent_side[-1600:], FIRST) > -30, "and then the conversation again"


@pytest.mark.parametrize("how", ["keys", "hangs up"])
async def test_an_attended_transfer_hands_the_caller_to_the_colleague_who_was_asked(
    hotline: Hotline, tmp_path: Path, how: str
) -> None:
    number = {"keys": "13800138103", "hangs up": "13800138104"}[how]
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*21102#")
        asked = await colleague.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(leg, SECOND)
        if how == "keys":
            await key(leg, "*3#")
            await leg.ended()
        else:
            await leg.hangup()
        await together(call, asked, SECOND)
        await state_of(hotline, "1102", "on_call")
        await hotline.until(lambda: len(asked.rtp.samples()) > 16000, "two seconds are heard")
        await asked.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "transfer"), ("1102", "answered", "agent")]
    assert len(shown["recordings"]) == 2
    caller_side, agent_side = await sides(hotline, shown["recordings"][1], tmp_path)
    assert tone_level(caller_side, CALLER) > -30
    assert tone_level(agent_side, SECOND) > -30
    assert tone_level(caller_side, FIRST) < -45, "what was said in private is in no recording"
    assert all(leg["talked"] > 0.2 for leg in shown["segments"])


async def test_a_blind_transfer_to_an_agent_rings_there(hotline: Hotline) -> None:
    number = "13800138105"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*31102#")
        await leg.ended()
        second = await colleague.incoming()
        await second.answer(Tone(SECOND))
        await together(call, second, SECOND)
        await second.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "transfer"), ("1102", "answered", "agent")]
    assert len(shown["recordings"]) == 2


async def test_a_blind_transfer_that_is_declined_returns_to_the_agent(hotline: Hotline) -> None:
    number = "13800138106"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        colleague.on_invite = Refuse(603)
        await key(leg, "*31102#")
        await leg.ended()
        again = await phone.incoming()
        await again.answer(Tone(FIRST))
        await together(call, again, FIRST)
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [leg[0] for leg in legs(shown)] == ["1101", "1102", "1101"]


async def test_a_transfer_to_a_queue_keeps_the_time_of_arrival(hotline: Hotline) -> None:
    number = "13800138107"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*32#")
        await leg.ended()
        second = await colleague.incoming()
        await second.answer(Tone(SECOND))
        await together(call, second, SECOND)
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert shown["queue"] == "inquiry"
    moved = next(each for each in shown["decisions"] if each["agent"] == "1102")
    assert moved["waited"] > 0.3, "it is as old as it was"


async def test_help_holds_the_caller_and_rings_the_team_leader(hotline: Hotline) -> None:
    number = "13800138108"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1109", inquiry=5) as leader,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*0")
        asked = await leader.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(leg, SECOND)
        await quiet(call, FIRST)
        await key(leg, "*1")
        await asked.ended()
        await together(call, leg, FIRST)
        await call.hangup()
        await leg.ended()
    await hotline.ended_call(number)


async def test_what_cannot_be_done_is_said_to_the_agent_alone_who_then_has_the_caller_again(hotline: Hotline) -> None:
    number = "13800138109"
    async with agent(hotline, "1101", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        for keys in ("*39#", "*2110#", "*0"):
            since, asked_at = now(leg), now(call)
            await key(leg, keys)
            await hears(leg, "transfer-failed", since=since)
            await together(call, leg, FIRST)
            assert await said(call, ["transfer-failed"], since=asked_at) == []
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [leg[:2] for leg in legs(shown)] == [("1101", "answered")]


async def test_a_caller_on_hold_whose_agent_hangs_up_is_first_in_the_queue_again(hotline: Hotline) -> None:
    number = "13800138110"
    async with agent(hotline, "1101", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        await key(leg, "*1")
        await quiet(call, FIRST)
        await leg.hangup()
        again = await phone.incoming()
        await again.answer(Tone(FIRST))
        await together(call, again, FIRST)
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [leg[0] for leg in legs(shown)] == ["1101", "1101"]


async def test_a_caller_who_hangs_up_on_hold_sets_everybody_free(hotline: Hotline) -> None:
    number = "13800138111"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*21102#")
        asked = await colleague.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(leg, SECOND)
        await call.hangup()
        await leg.ended()
        await asked.ended()
        await state_of(hotline, "1101", "idle")
        await state_of(hotline, "1102", "idle")
    await hotline.ended_call(number)


@pytest.mark.parametrize("how", ["blind", "attended"])
async def test_a_call_goes_out_to_a_number_and_is_recorded_there_too(
    hotline: Hotline, tmp_path: Path, how: str
) -> None:
    number = {"blind": "13800138112", "attended": "13800138113"}[how]
    async with (
        Phone("trunk", "127.0.0.1", hotline.sip_port, port=TRUNK_PORT) as outside,
        agent(hotline, "1101", complaint=5) as phone,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, f"*{'3' if how == 'blind' else '2'}01088886666#")
        department = await outside.incoming()
        await department.answer(Tone(SECOND))
        if how == "attended":
            await hears_tone(leg, SECOND)
            await key(leg, "*3#")
        await leg.ended()
        await together(call, department, SECOND)
        await hotline.until(lambda: len(department.rtp.samples()) > 16000, "two seconds are heard")
        await call.hangup()
        await department.ended()
    shown = await hotline.ended_call(number)
    assert [leg[:2] for leg in legs(shown)] == [("1101", "answered"), ("01088886666", "answered")]
    assert len(shown["recordings"]) == 2
    caller_side, agent_side = await sides(hotline, shown["recordings"][1], tmp_path)
    assert tone_level(caller_side, CALLER) > -30
    assert tone_level(agent_side, SECOND) > -30


async def test_a_call_that_nobody_answers_outside_returns_to_the_agent(hotline: Hotline) -> None:
    number = "13800138114"
    async with (
        Phone("trunk", "127.0.0.1", hotline.sip_port, port=TRUNK_PORT) as outside,
        agent(hotline, "1101", complaint=5) as phone,
        talking(hotline, phone, number) as (call, leg),
    ):
        outside.on_invite = Refuse(486)
        await key(leg, "*301088886666#")
        await leg.ended()
        again = await phone.incoming()
        await again.answer(Tone(FIRST))
        await together(call, again, FIRST)
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [leg[:2] for leg in legs(shown)] == [("1101", "answered"), ("01088886666", "busy"), ("1101", "answered")]


async def test_a_caller_who_comes_back_from_outside_keeps_the_priority_a_supervisor_gave(hotline: Hotline) -> None:
    number = "13800138119"
    async with (
        Phone("trunk", "127.0.0.1", hotline.sip_port, port=TRUNK_PORT) as outside,
        agent(hotline, "1101", complaint=5) as phone,
        hotline.caller(number) as caller,
    ):
        outside.on_invite = Refuse(486)
        await hotline.request("POST", "/api/v1/agents/1101/status", {"status": "break"})
        call = await waiting(hotline, caller, number)
        shown = hotline.newest(number)
        assert shown is not None
        await hotline.request("POST", f"/api/v1/calls/{shown['id']}/priority", {"priority": 60, "reason": "a test"})
        await hotline.request("POST", "/api/v1/agents/1101/status", {"status": "available"})
        leg = await phone.incoming()
        await leg.answer(Tone(FIRST))
        await together(call, leg, FIRST)
        await key(leg, "*301088886666#")
        await leg.ended()
        again = await phone.incoming()
        await again.answer(Tone(FIRST))
        await together(call, again, FIRST)
        await call.hangup()
    ended = await hotline.ended_call(number)
    assert ended["priority"] == 60
    scores = [each["score"] for each in ended["decisions"] if each["agent"] == "1101" and each["kind"] == "offer"]
    assert len(scores) == 2
    assert min(scores) >= 60


async def test_a_crash_moves_no_caller_who_waits(hotline: Hotline) -> None:
    number = "13800138120"
    async with agent(hotline, "1101", complaint=5) as phone, hotline.caller(number) as caller:
        await hotline.request("POST", "/api/v1/agents/1101/status", {"status": "break"})
        call = await waiting(hotline, caller, number)
        hotline.kill()
        await call.heard()
        await asyncio.to_thread(hotline.start)
        await call.heard()
        await hotline.request("POST", "/api/v1/agents/1101/status", {"status": "available"})
        leg = await phone.incoming()
        await leg.answer(Tone(FIRST))
        await together(call, leg, FIRST)
        await call.hangup()
    ended = await hotline.ended_call(number)
    assert [each["kind"] for each in ended["decisions"]] == ["wait", "offer"]
    assert ended["priority"] == 20


async def test_a_hold_outlives_the_server(hotline: Hotline) -> None:
    number = "13800138115"
    async with agent(hotline, "1101", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        await key(leg, "*1")
        await quiet(call, FIRST)
        hotline.kill()
        await call.heard()
        await asyncio.to_thread(hotline.start)
        await call.heard()
        await key(leg, "*1")
        await together(call, leg, FIRST)
        await leg.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "agent")]
    assert shown["held"] > 1


async def test_a_consultation_outlives_the_server(hotline: Hotline) -> None:
    number = "13800138116"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        await key(leg, "*21102#")
        asked = await colleague.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(leg, SECOND)
        hotline.kill()
        await hears_tone(asked, FIRST)
        await asyncio.to_thread(hotline.start)
        await hears_tone(leg, SECOND)
        await key(leg, "*3#")
        await leg.ended()
        await together(call, asked, SECOND)
        await asked.hangup()
        await call.heard()
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert legs(shown) == [("1101", "answered", "transfer"), ("1102", "answered", "agent")]


async def test_pages_do_the_same_by_http(hotline: Hotline) -> None:
    number = "13800138117"
    async with (
        agent(hotline, "1101", complaint=5) as phone,
        agent(hotline, "1102", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        listed = (await hotline.request("GET", "/api/v1/calls?limit=5"))["items"]
        path = f"/api/v1/calls/{next(row['id'] for row in listed if row['caller'] == number)}"
        answer = await hotline.request("POST", f"{path}/consult", {"to": "1102"})
        assert (answer["agent"], answer["hold"], answer["asked"]) == ("1101", "consult", "1102")
        asked = await colleague.incoming()
        await asked.answer(Tone(SECOND))
        await hears_tone(leg, SECOND)
        await hotline.request("POST", f"{path}/hand-over")
        await together(call, asked, SECOND)
        with pytest.raises(AssertionError, match=r"409.*there is no queue nowhere: there are complaint"):
            await hotline.request("POST", f"{path}/transfer", {"kind": "queue", "to": "nowhere"})
        await hotline.request("POST", f"{path}/transfer", {"kind": "agent", "to": "1101"})
        again = await phone.incoming()
        await again.answer(Tone(FIRST))
        await together(call, again, FIRST)
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [leg[0] for leg in legs(shown)] == ["1101", "1102", "1101"]
