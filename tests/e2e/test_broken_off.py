"""A conversation that breaks off, on a hotline whose limits are short: who notices, what the caller hears, and who has
handled the call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from softphone.audio import Tone, tone_level
from softphone.phone import Answer, Call, Phone, Policy
from tests.e2e import brisk
from tests.e2e.browser_phone import BrowserPhone, sign_in_token
from tests.e2e.conftest import Hotline, hears_tone, make_home, running
from tests.e2e.hearing import hears

pytestmark = pytest.mark.e2e

LIMITS = """
[phones]
misses_within = 8
rings_within = 1.5
lost_after = 3
back_within = 10
page_back_within = 1
caller_lost_after = 14
"""


@pytest.fixture(scope="module")
def strict() -> Iterator[Hotline]:
    """One hotline for all tests of this module."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    before, _, rest = file.read_text(encoding="utf-8").partition("[phones]\n")
    file.write_text(before + LIMITS + rest[rest.index("\n\n") :], encoding="utf-8")
    with running(hotline):
        yield hotline


@pytest.mark.parametrize(("agent", "joined"), [("2605", False), ("2606", True)])
async def test_an_agent_who_hangs_up_before_a_conversation_can_begin_missed_the_call(
    strict: Hotline, agent: str, joined: bool
) -> None:
    caller = f"1380013106{agent[-1]}"

    async def drop(call: Call) -> None:
        await call.answered()
        if joined:
            await hears_tone(call, 1000)
        else:
            await asyncio.sleep(0.3)
        await call.hangup()

    dropping: set[asyncio.Task[None]] = set()

    def policy(call: Call) -> Policy:
        dropping.add(asyncio.create_task(drop(call)))
        return Answer(0.1, Tone(600))

    async with (
        strict.agent(agent, complaint=9, announced=not joined) as leaving,  # the sentence keeps the two apart
        strict.agent(f"{agent}9", complaint=5, status="break") as ready,
        strict.caller(caller) as one,
        strict.caller(f"1380013107{agent[-1]}") as two,
    ):
        leaving.on_invite, ready.on_invite = policy, Answer(0.1, Tone(600))
        call = await one.dial("4008001234", source=Tone(1000))
        first = await leaving.incoming()
        other = await two.dial("4008001234", source=Tone(1000))
        await strict.agent_is(agent, within=20, status="break", reason="no_answer", state="idle")
        again = await leaving.incoming()
        assert first.number == again.number == caller
        await asyncio.gather(*dropping)
        await strict.queued(caller)
        await strict.request("POST", f"/api/v1/agents/{agent}9/status", {"status": "available"})
        assert (await ready.incoming()).number == caller
        await hears_tone(call, 600)
        await call.hangup()
        await other.hangup()
    shown = await strict.ended_call(caller)
    assert [(leg["agent"], leg["outcome"], leg["joined_at"] is not None) for leg in shown["segments"]] == [
        (agent, "dropped", joined),
        (agent, "dropped", joined),
        (f"{agent}9", "answered", True),
    ]
    assert (shown["outcome"], shown["agent"]) == ("handled", f"{agent}9")


async def test_a_caller_who_was_only_dropped_is_not_handled(strict: Hotline) -> None:
    caller = "13800131068"
    async with strict.agent("2608", complaint=9) as leaving, strict.caller(caller) as phone:
        leaving.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        offered = await leaving.incoming()
        await hears_tone(offered, 1000)
        await offered.hangup()
        await strict.queued(caller)
        await call.hangup()
    shown = await strict.ended_call(caller)
    assert (shown["outcome"], shown["agent"], shown["connected_at"]) in [
        ("short_abandoned", None, None),
        ("abandoned", None, None),
    ]


async def test_a_phone_that_dies_in_a_conversation_gets_the_caller_back_when_it_is_back(strict: Hotline) -> None:
    first, second = "13800131080", "13800131081"
    loop = asyncio.get_running_loop()
    async with (
        strict.agent("2621", complaint=9) as agent,
        strict.caller(first) as one,
        strict.caller(second) as two,
    ):
        agent.on_invite = Answer(0.1, Tone(600))
        call = await one.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600)
        ticket = dict(strict.newest(first) or {})["ticket"]
        await two.dial("4008001234", source=Tone(1000))
        await strict.queued(second)
        raised = {"priority": 90, "reason": "so that arrival alone does not decide"}
        await strict.request("POST", f"/api/v1/calls/{dict(strict.newest(second) or {})['id']}/priority", raised)
        died = loop.time()
        agent.unplug()
        await strict.agent_is("2621", phone="unreachable", state="idle", status="available")
        assert loop.time() - died < 8
        await hears(call, "agent-cut-off")
        await agent.incoming()
        agent.plug_in()
        again = await agent.incoming()
        assert again.number == first
        await hears_tone(again, 1000)
        await call.hangup()
    shown = await strict.ended_call(first)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [("2621", "lost"), ("2621", "answered")]
    assert (shown["outcome"], shown["ticket"]) == ("handled", ticket)
    states = [each["state"] for each in strict.records.agent_intervals("2621")]
    assert states.count("on_call") == 2
    assert "wrap_up" not in states[: states.index("on_call", states.index("on_call") + 1)]


async def test_a_phone_that_dies_while_the_caller_is_on_hold_or_a_colleague_is_asked_loses_the_caller_too(
    strict: Hotline,
) -> None:
    holds, asks = ("2631", "13800131087"), ("2632", "13800131088")

    async def dies(number: str, caller: str, keys: str, colleague: Phone | None = None) -> None:
        async with strict.agent(number, complaint=9) as agent, strict.caller(caller) as phone:
            agent.on_invite = Answer(0.1, Tone(600))
            call = await phone.dial("4008001234", source=Tone(1000))
            leg = await agent.incoming(20)
            await hears_tone(leg, 1000)
            with suppress(ConnectionError):
                await leg.press(keys)
            if colleague is not None:
                asked = await colleague.incoming()
                await asked.answer(Tone(800))
                await hears_tone(leg, 800)
                await strict.agent_is(colleague.user, state="occupied")
            else:
                await strict.until(lambda: tone_level(call.rtp.samples(0.5), 600) < -45, "the caller is on hold")
            agent.unplug()
            await strict.agent_is(number, phone="unreachable", state="idle")
            await hears(call, "agent-cut-off")
            if colleague is not None:
                await asked.ended()
                await strict.agent_is(colleague.user, state="idle")
            await call.hangup()
        shown = await strict.ended_call(caller)
        assert [(leg["agent"], leg["outcome"], leg["ended_by"]) for leg in shown["segments"]] == [
            (number, "lost", "lost")
        ]

    async with strict.agent("2633", inquiry=5) as colleague:
        await dies(*holds, "*1")
        await dies(*asks, "*22633#", colleague)


async def test_of_an_agents_two_devices_the_one_that_has_the_call_may_die(strict: Hotline) -> None:
    number, caller = "2634", "13800131089"
    body = {"name": "Two", "skills": {"complaint": 9}, "secret": "two-devices"}
    strict.hush(number)
    await strict.request("PUT", f"/api/v1/agents/{number}", body)
    async with (
        Phone(number, "127.0.0.1", strict.sip_port, secret=body["secret"]) as desk,
        BrowserPhone(strict, number, await sign_in_token(strict, number), rings=True) as browser,
        strict.caller(caller) as phone,
    ):
        await desk.register()
        await strict.agent_is(number, phone="reachable")
        desk.on_invite = Answer(0.3, Tone(600))
        await strict.request("POST", f"/api/v1/agents/{number}/status", {"status": "available"})
        call = await phone.dial("4008001234", source=Tone(1000))
        await asyncio.wait_for(browser.invited.wait(), 20)
        await hears_tone(call, 600)
        browser.invited.clear()
        desk.unplug()
        await hears(call, "agent-cut-off")
        await asyncio.wait_for(browser.invited.wait(), 20)
        assert (strict.agent_row(number) or {})["phone"] == "reachable"
        await call.hangup()
        desk.plug_in()
    shown = await strict.ended_call(caller)
    assert shown["segments"][0]["outcome"] == "lost"
    await strict.request("DELETE", f"/api/v1/agents/{number}")


async def test_a_browsers_phone_is_lost_when_its_connection_is_gone_and_not_by_silence_alone(strict: Hotline) -> None:
    number, caller = "2635", "13800131090"
    strict.hush(number)
    await strict.request("PUT", f"/api/v1/agents/{number}", {"name": "Web", "skills": {"complaint": 9}})
    async with (
        BrowserPhone(strict, number, await sign_in_token(strict, number)) as browser,
        strict.caller(caller) as phone,
    ):
        await strict.agent_is(number, phone="reachable")
        await strict.request("POST", f"/api/v1/agents/{number}/status", {"status": "available"})
        call = await phone.dial("4008001234", source=Tone(1000))
        await asyncio.wait_for(browser.answered.wait(), 20)
        await strict.agent_is(number, state="on_call")
        asked = browser.asked
        await strict.until(lambda: browser.asked > asked + 1, "it is asked, and answers")
        assert (strict.agent_row(number) or {})["state"] == "on_call"
        browser.close()
        await strict.agent_is(number, phone="unreachable", state="idle")
        await hears(call, "agent-cut-off")
        await call.hangup()
    shown = await strict.ended_call(caller)
    assert [(leg["outcome"], leg["ended_by"]) for leg in shown["segments"]] == [("lost", "lost")]
    await strict.request("DELETE", f"/api/v1/agents/{number}")


async def test_silence_and_hold_are_no_death(strict: Hotline) -> None:
    caller = "13800131082"
    async with strict.agent("2622", complaint=9) as agent, strict.caller(caller) as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600)
        talking = agent.calls[-1]
        talking.play(None)
        call.play(None)
        await asyncio.sleep(5)
        assert not talking.ended_at
        assert not call.ended_at
        await talking.change("inactive")
        await asyncio.sleep(4)
        await talking.change("sendrecv")
        talking.play(Tone(600))
        await hears_tone(call, 600)
        assert len(agent.calls) == 1
        await call.hangup()
    shown = await strict.ended_call(caller)
    assert [leg["outcome"] for leg in shown["segments"]] == ["answered"]
    assert shown["outcome"] == "handled"


async def test_callers_who_vanish_are_noticed_and_one_who_waited_has_the_place_again(strict: Hotline) -> None:
    waiting, behind, talking, restarted = "13800131083", "13800131084", "13800131085", "13800131086"
    held = "13800131094"
    async with (
        strict.agent("2623", complaint=9) as agent,
        strict.agent("2625", complaint=9, status="break") as holding,
        strict.agent("2624", complaint=5, status="break") as ready,
        strict.caller(talking) as three,
        strict.caller(waiting) as one,
        strict.caller(behind) as two,
        strict.caller(restarted) as four,
        strict.caller(held) as five,
    ):
        agent.on_invite = holding.on_invite = Answer(0.1, Tone(600))
        ready.on_invite = Answer(0.1, Tone(600))
        await hears_tone(await three.dial("4008001234", source=Tone(1000)), 600)
        await strict.request("POST", "/api/v1/agents/2623/status", {"status": "break"})  # after this call
        await strict.request("POST", "/api/v1/agents/2625/status", {"status": "available"})
        await hears_tone(await five.dial("4008001234", source=Tone(1000)), 600)
        await holding.calls[0].press("*1")
        await strict.request("POST", "/api/v1/agents/2625/status", {"status": "break"})
        await one.dial("4008001234", source=Tone(1000))
        queued = (await strict.queued(waiting))["queued_at"]
        quiet = await two.dial("4008001234", source=None)
        forgotten = await four.dial("4008001234", source=None)
        for number in (behind, restarted):
            await strict.queued(number)
        four.forget(forgotten)  # asked about this call, the phone answers 481
        for phone in (one, three, five):
            phone.unplug()
        lost = await asyncio.gather(*(strict.ended_call(each, 30) for each in (waiting, talking, held, restarted)))
        assert {each["end_cause"] for each in lost} == {"lost"}
        assert [each["ended_by"] for each in lost[1]["segments"]] == ["lost"]
        assert agent.calls[0].ended_at
        assert not quiet.ended_at  # a caller who is only silent waits on
        async with strict.caller(waiting) as back:
            call = await back.dial("4008001234", source=Tone(1000))
            assert (await strict.queued(waiting))["queued_at"] == queued
            await strict.request("POST", "/api/v1/agents/2624/status", {"status": "available"})
            assert (await ready.incoming()).number == waiting
            await call.hangup()
        await quiet.hangup()
        assert (await strict.ended_call(behind))["end_cause"] == "caller_hung_up"
