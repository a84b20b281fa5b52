"""Several numbers on one hotline, and callbacks that reach a machine, nobody, or one customer about two matters."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from softphone.audio import Tone
from softphone.phone import Answer, Ring
from tests.e2e.conftest import Hotline, hears_tone, running
from tests.e2e.hearing import hears
from tests.e2e.public_network import (
    AGENT_HZ,
    CUSTOMER_HZ,
    OUTGOING,
    RULES,
    PublicNetwork,
    attempts,
    new_hotline,
    public_network,
    set_rules,
)

pytestmark = pytest.mark.e2e

SHORT_TALK = RULES.replace("kept_after = 0", "kept_after = 3").replace("machine = 1", "machine = 2")
NUMBERS = """
[callback.queues.partnership]
amd = true

[hotline]
outside_agent_confirms_for = 4

[numbers."400-800-1235"]
flow = "orders"
language = "en"
name = "Orders 订单"
priority = 30
outgoing = "021-5555-0000"

[numbers."4008001234"]
name = "Complaints"
"""
ORDERS = """\
start = "queue"

[nodes.queue]
kind = "enqueue"
queue = "orders"
served = "bye"
otherwise = "number"

[nodes.number]
kind = "flow"
flow = "number"
next = "bye"

[nodes.bye]
kind = "hangup"
prompts = ["goodbye"]
"""
AGENT = Answer(0.2, Tone(AGENT_HZ))


@pytest.fixture(scope="module")
def numbers_hotline() -> Iterator[Hotline]:
    hotline = new_hotline()
    set_rules(hotline.home, SHORT_TALK + NUMBERS)
    (hotline.home / "flows" / "orders.toml").write_text(ORDERS, encoding="utf-8")
    with running(hotline):
        yield hotline


@pytest_asyncio.fixture
async def network(numbers_hotline: Hotline) -> AsyncIterator[PublicNetwork]:
    async with public_network(numbers_hotline) as network:
        yield network


async def listed(hotline: Hotline, number: str) -> list[dict[str, Any]]:
    return list((await hotline.request("GET", f"/api/v1/callbacks?number={number}"))["items"])


async def test_each_number_has_its_flow_language_name_priority_and_outgoing_number(network: PublicNetwork) -> None:
    hotline, caller, other = network.hotline, "13800131071", "13800131072"
    async with hotline.agent("3101", orders=5, complaint=5) as agent, hotline.caller(caller) as phone:
        agent.on_invite = Ring()
        call = await phone.dial("+864008001235")
        offered = await agent.incoming()
        await call.hangup()
        await offered.ended(3)
        async with hotline.caller(other) as second:
            usual = await second.dial("4008009999")
            await hotline.queued(other)
            await usual.hangup()
    first, second_call = await hotline.ended_call(caller), await hotline.ended_call(other)
    assert (first["queue"], first["language"], first["priority"]) == ("orders", "en", 30)
    assert (second_call["queue"], second_call["priority"]) == ("complaint", 0)
    shown = json.loads((await hotline.command("call", "show", str(first["id"]), "--json")).stdout)
    assert shown["called_name"] == "Orders 订单"
    rows = (await hotline.request("GET", f"/api/v1/calls?caller={caller}"))["items"]
    assert rows[0]["called_name"] == "Orders 订单"
    log = (hotline.home / "log" / "server.log").read_text(encoding="utf-8")
    assert log.count("[numbers] does not name") == 1


async def test_a_callback_shows_the_number_of_the_hotline_that_was_called(network: PublicNetwork) -> None:
    hotline, caller = network.hotline, "13800131073"
    network.does[caller] = Ring()
    async with hotline.caller(caller) as phone:
        call = await phone.dial("4008001235")
        await hears(call, "callback-offer", language="en", within=20)
        await call.press("1")
        await hears(call, "callback-number-caller", language="en")
        await call.press("1")
        await hears(call, "callback-accepted", language="en")
        await call.hangup()
    (made,) = await listed(hotline, caller)
    assert (made["source"], made["connected_at"]) == ("queue", None)
    detail = await network.show(made["id"])
    assert detail["priority"] == 30
    async with hotline.agent("3102", orders=5) as agent:
        agent.on_invite = AGENT
        called = await network.rings(caller)
        assert called.number == "02155550000" != OUTGOING


async def test_a_machine_is_told_by_key_or_act_and_the_customer_is_called_again(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136101"
    network.does[number] = Answer(0.2, Tone(CUSTOMER_HZ))
    async with hotline.agent("3103", complaint=5) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        called = await network.rings(number)
        talking = await agent.incoming()
        await hears_tone(called, AGENT_HZ)
        await talking.press("*5", via="info")
        await called.ended(5)
        await talking.ended(5)
        await hotline.agent_is("3103", state="idle")  # without a wrap-up
        await network.rings(number, time=2)
        await network.becomes(made["id"], "connected")
        done = await hotline.command("callback", "nobody", str(made["id"]))
        assert f"callback {made['id']} is pending, due" in done.stdout
        shown = await network.show(made["id"])
    assert attempts(shown) == ["machine", "machine"]
    assert shown["reason"] == "a machine answered: agent 3103 heard it"
    assert (shown["connected_at"], shown["attempts"]) == (None, 2)
    assert (await hotline.ended_call(number))["outcome"] == "unreached"


async def test_talk_of_a_moment_keeps_no_promise_and_enough_of_it_does(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136102"
    async with hotline.agent("3104", complaint=5) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        again = await network.rings(number, time=2)
        await hears_tone(again, AGENT_HZ)
        said = len(again.rtp.samples())
        await hotline.until(lambda: len(again.rtp.samples()) > said + 3.2 * 8000, "three seconds more are heard")
        await again.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert attempts(kept) == ["short", "connected"]
    (row,) = await listed(hotline, number)
    assert (row["state"], row["source"], row["connected_at"] is not None) == ("kept", "api", True)


async def test_one_customer_with_two_matters_is_called_about_one_at_a_time(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136103"
    network.does[number] = Ring()
    async with hotline.agent("3105", complaint=5) as one, hotline.agent("3106", complaint=5) as two:
        one.on_invite = two.on_invite = AGENT
        first = await network.promise(number, "attitude")
        second = await network.promise(number, "usage")
        called = await network.rings(number)
        shown = await network.show(second["id"])
        assert shown["reason"] == f"waits for callback {first['id']}, which calls the same number first"
        assert network.times(number) == 1
        assert len([*one.calls, *two.calls]) == 1
        await hotline.request("POST", f"/api/v1/callbacks/{first['id']}/cancel", {"reason": "by mail"})
        await called.ended(5)
        await network.rings(number, time=2)
        assert (await network.show(second["id"]))["state"] == "dialling"


async def test_every_answered_call_has_its_row_however_soon_its_caller_hangs_up(network: PublicNetwork) -> None:
    hotline = network.hotline
    numbers = [f"138001311{place:02}" for place in range(12)]
    for place, number in enumerate(numbers):
        async with hotline.caller(number) as phone:
            call = await phone.dial("4008001234")
            await call.answered(3)
            await asyncio.sleep(0.01 * place)  # not a wait: from at once to a tenth of a second after the 200 OK
            await call.hangup()
    for number in numbers:
        shown = await hotline.ended_call(number)
        assert (shown["called"], shown["outcome"], shown["answered_at"] is not None) == ("4008001234", "in_ivr", True)
        assert len([row for row in hotline.records.call_list(limit=100).items if row["caller"] == number]) == 1


@asynccontextmanager
async def outside_agent(hotline: Hotline, agent: str, number: str, **skills: int) -> AsyncIterator[None]:
    """An agent who is at a mobile's number."""
    body = {"name": f"Agent {agent}", "skills": skills, "contact": f"tel:{number}"}
    await hotline.request("PUT", f"/api/v1/agents/{agent}", body)
    await hotline.request("POST", f"/api/v1/agents/{agent}/status", {"status": "available"})
    try:
        yield
    finally:
        await hotline.request("DELETE", f"/api/v1/agents/{agent}")


async def test_an_agent_at_a_mobile_presses_1_before_the_join_and_a_voicemail_is_a_miss(network: PublicNetwork) -> None:
    hotline, caller, mobile = network.hotline, "13800131081", "13800136201"
    network.does[mobile] = Answer(0.3, Tone(AGENT_HZ))
    async with hotline.caller(caller) as phone, outside_agent(hotline, "3110", mobile, complaint=5):
        call = await phone.dial("4008001234", source=Tone(CUSTOMER_HZ))
        voicemail = await network.rings(mobile)
        await hears(voicemail, "agent-confirm")
        await voicemail.ended(10)
        ringing = await network.rings(mobile, time=2)
        await hears(ringing, "agent-confirm")
        assert np.abs(call.rtp.samples()[-4000:]).max() > 300, "the caller hears music meanwhile"
        await ringing.press("1")
        await hears_tone(call, AGENT_HZ)
        await hears_tone(ringing, CUSTOMER_HZ)
        await ringing.hangup()
        await call.hangup()
    shown = await hotline.ended_call(caller)
    assert [(leg["agent"], leg["outcome"], leg["detail"]) for leg in shown["segments"]] == [
        ("3110", "no_answer", "picked up, but nobody pressed 1"),
        ("3110", "answered", None),
    ]
    assert (shown["outcome"], shown["segments"][0]["answered_at"]) == ("handled", None)


async def test_a_callback_by_an_agent_at_a_mobile_rings_nobody_before_the_key(network: PublicNetwork) -> None:
    hotline, customer, mobile = network.hotline, "13800136104", "13800136202"
    network.does[mobile] = Answer(0.3, Tone(AGENT_HZ))
    async with outside_agent(hotline, "3111", mobile, complaint=5):
        made = await network.promise(customer)
        voicemail = await network.rings(mobile)
        await voicemail.ended(15)
        assert network.times(customer) == 0
        ringing = await network.rings(mobile, time=2)
        await hears(ringing, "agent-confirm")
        await ringing.press("1")
        called = await network.rings(customer)
        await hears_tone(called, AGENT_HZ)
        await hears_tone(ringing, CUSTOMER_HZ)
        await network.becomes(made["id"], "connected")
        await called.hangup()
    segments = (await hotline.ended_call(customer))["segments"]
    assert [leg["outcome"] for leg in segments] == ["no_answer", "answered"]


async def test_no_agent_can_be_at_a_number_that_is_not_called(network: PublicNetwork) -> None:
    for number, why in (("4008001234", "own number"), ("008522345678", "abroad is not called")):
        with pytest.raises(AssertionError, match=why):
            async with outside_agent(network.hotline, "3112", number, complaint=5):
                pass


async def test_with_amd_a_machine_that_talks_on_is_not_joined_with_the_agent(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136105"
    network.does[number] = Answer(0.2, Tone(CUSTOMER_HZ))
    async with hotline.agent("3113", partnership=5) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number, "", queue="partnership")
        called = await network.rings(number)
        await called.ended(10)
        shown = await network.says(made["id"], "a machine answered: Asterisk heard it")
        await hotline.agent_is("3113", state="idle")
    assert attempts(shown)[0] == "machine"
