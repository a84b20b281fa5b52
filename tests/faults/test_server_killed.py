"""kill -9 of the server: conversations go on, waiting callers keep their places, no fact is lost."""

from __future__ import annotations

import asyncio
import time

import pytest

import ivr.events as ivr
from softphone.audio import Tone
from softphone.call import CallState
from tests.e2e.conftest import Hotline, hears_tone
from tests.e2e.hearing import hears
from tests.faults.conftest import AGENT_HZ, CALLER_HZ, People, ended_calls, logged, longest_gap, returned

pytestmark = pytest.mark.e2e


async def test_twenty_wait_and_five_talk_and_nobody_notices_that_the_server_dies(
    hotline: Hotline, people: People
) -> None:
    loop = asyncio.get_running_loop()
    talkers = [f"1390000000{n}" for n in range(5)]
    agents = [f"100{n}" for n in range(1, 6)]
    talks = {}
    for agent, caller in zip(agents, talkers, strict=True):
        await people.sign_in(agent)
        talks[agent] = await people.talk(agent, caller)
    order = await people.wait_in_queue([f"138000000{n:02d}" for n in range(20)])
    redis, asterisk, before = hotline.pid("redis"), hotline.pid("asterisk"), loop.time()
    hotline.kill()
    # One conversation ends while no server is there: that agent is free when it is back.
    await asyncio.sleep(0.5)
    await talks["1001"][1].hangup()
    hotline.spawn()
    await asyncio.to_thread(hotline.wait_healthy)
    healthy = time.monotonic()
    assert (hotline.pid("redis"), hotline.pid("asterisk")) == (redis, asterisk), "running children are adopted"
    await hotline.until(lambda: returned(hotline) >= 20, "all are back", 15)
    assert time.monotonic() - healthy < 5
    assert people.dropped() == []

    first = await people.agents["1001"].incoming(10)
    assert first.number == order[0], "the agent who came free meanwhile serves the first in line"
    await first.answer(Tone(AGENT_HZ))
    await hears_tone(people.callers[order[0]], AGENT_HZ, 20)
    assert await people.waiting(19) == order[1:]

    for agent in agents[1:]:
        call, leg = talks[agent]
        assert (call.state, leg.state) == (CallState.TALKING, CallState.TALKING)
        assert longest_gap(call, before) < 1.0
        assert longest_gap(leg, before) < 1.0
        await hears_tone(call, AGENT_HZ)
        await hears_tone(leg, CALLER_HZ)
    for agent, expected in zip(agents[1:], order[1:5], strict=True):
        await talks[agent][1].hangup()
        serving = await people.agents[agent].incoming(15)
        assert serving.number == expected
        await serving.answer(Tone(AGENT_HZ))
        await hears_tone(people.callers[expected], AGENT_HZ, 20)
    assert people.dropped() == []
    for caller in talkers:
        await people.callers[caller].hangup()
    for shown in await ended_calls(hotline, talkers):
        assert shown["outcome"] == "handled"
        assert len(shown["recordings"]) == 1
        recording = next(row for row in hotline.records.recording_list(call=shown["id"]).items)
        assert recording["seconds"] > 1.5
        assert recording["channels"] == 2


async def test_a_caller_in_the_menu_goes_on_at_the_menu(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    call = await people.call("13800000001", "1")
    chosen = lambda: [each for each in logged(hotline, ivr.FieldSet) if each.field == "business"]  # noqa: E731
    await hotline.until(chosen, "the first choice is known")
    hotline.kill()
    hotline.start()
    await hotline.until(lambda: returned(hotline) >= 1, "the caller is back", 10)
    await call.press("4", via="info")
    ringing = await people.agents["1001"].incoming(15)
    await ringing.answer(Tone(AGENT_HZ))
    await hears_tone(call, AGENT_HZ, 20)
    await ringing.hangup()
    await call.hangup()
    shown = await hotline.ended_call("13800000001", 20)
    assert shown["category"] == "attitude"


async def test_a_phone_that_rings_on_without_a_server_is_answered_and_everything_is_told(
    hotline: Hotline, people: People
) -> None:
    await people.sign_in("1001")
    call = await people.call("13800000001", talks=True)
    ringing = await people.agents["1001"].incoming(15)
    hotline.kill()
    await ringing.answer(Tone(AGENT_HZ))
    await hears_tone(call, AGENT_HZ, 20)
    hotline.start()
    await hears_tone(ringing, CALLER_HZ)
    await hotline.agent_is("1001", state="on_call")
    await ringing.hangup()
    await hears(call, "survey", within=20)
    await call.press("5", via="info")
    await call.ended(15)
    shown = await hotline.ended_call("13800000001", 20)
    assert (shown["outcome"], shown["agent"], shown["satisfaction"]) == ("handled", "1001", 5)
    assert len(shown["recordings"]) == 1


def asked_for_a_mark(hotline: Hotline) -> bool:
    """Until then the caller hears music, and keys for another question do not count for this one."""
    return any(moved.flow == "survey" for moved in logged(hotline, ivr.FlowMoved))


async def test_a_conversation_that_began_and_ended_without_a_server_is_in_the_records(
    hotline: Hotline, people: People
) -> None:
    await people.sign_in("1001")
    call = await people.call("13800000001", talks=True)
    ringing = await people.agents["1001"].incoming(15)
    hotline.kill()
    await ringing.answer(Tone(AGENT_HZ))
    await hears_tone(call, AGENT_HZ, 20)
    await asyncio.sleep(1.0)
    await ringing.hangup()
    hotline.start()
    await hotline.until(lambda: asked_for_a_mark(hotline), "the caller is asked for a mark")
    await call.heard(within=15)
    await call.press("4", via="info")
    await call.ended(15)
    shown = await hotline.ended_call("13800000001", 20)
    assert (shown["outcome"], shown["agent"], shown["satisfaction"]) == ("handled", "1001", 4)
    assert len(shown["recordings"]) == 1
    assert shown["segments"][0]["talked"] > 0.5
    await hotline.agent_is("1001", state="idle")


async def test_a_whisper_goes_on_without_a_server_and_becomes_a_conversation(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    call = await people.call("13800000001", talks=True)
    ringing = await people.agents["1001"].incoming(15)
    await ringing.answer(Tone(AGENT_HZ))
    hotline.kill()
    hotline.start()
    await hears_tone(call, AGENT_HZ, 20)
    await hears_tone(ringing, CALLER_HZ)
    await ringing.hangup()
    await call.hangup()
    shown = await hotline.ended_call("13800000001", 20)
    assert (shown["outcome"], shown["agent"], len(shown["recordings"])) == ("handled", "1001", 1)


async def test_the_survey_goes_on(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    call, ringing = await people.talk("1001", "13800000001")
    await ringing.hangup()
    await call.heard(within=10)
    hotline.kill()
    hotline.start()
    await hotline.until(lambda: returned(hotline) >= 1, "the caller is back", 10)
    await call.heard(within=10)
    await call.press("3", via="info")
    await call.ended(15)
    shown = await hotline.ended_call("13800000001", 20)
    assert (shown["outcome"], shown["satisfaction"]) == ("handled", 3)


async def test_a_recording_is_joined_by_the_next_server(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    call, ringing = await people.talk("1001", "13800000001")
    # Stopped at the end of the conversation: whatever came of the recording by then, it is joined once.
    await ringing.hangup()
    hotline.kill()
    await call.hangup()
    hotline.start()
    shown = await hotline.ended_call("13800000001", 20)
    assert len(shown["recordings"]) == 1
    rows = hotline.records.recording_list(call=shown["id"]).items
    assert [row["channels"] for row in rows] == [2]
    spool = hotline.home / "spool" / "recordings"
    await hotline.until(
        lambda: not list(spool.glob("*.wav")), "the sources are gone once the stereo file is in the store"
    )


async def test_a_caller_who_hangs_up_while_no_server_is_there_is_gone_when_it_is_back(
    hotline: Hotline, people: People
) -> None:
    order = await people.wait_in_queue(["13800000001", "13800000002"])
    hotline.kill()
    await people.callers[order[0]].hangup()
    hotline.start()
    assert await people.waiting(1) == order[1:]
    shown = await hotline.ended_call(order[0])
    assert shown["outcome"] in ("abandoned", "short_abandoned")
