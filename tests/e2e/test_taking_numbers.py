"""A caller leaves a number: it is offered, read back, refused in words, promised, changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from softphone.audio import Tone
from softphone.call import Call
from softphone.phone import Answer, Phone, Ring
from tests.e2e.conftest import SETTLE, Hotline, hears_tone, running
from tests.e2e.hearing import hears, said
from tests.e2e.public_network import OUTGOING, RULES, new_hotline, public_network, set_rules

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def taking() -> Iterator[Hotline]:
    """One running hotline for all tests here. Nobody is signed in unless a test says so."""
    hotline = new_hotline()
    # A phone rings for as long as its owner takes to call in from it.
    set_rules(hotline.home, RULES.replace("ring_for = 5", "ring_for = 60"))
    with running(hotline):
        yield hotline


async def promises(hotline: Hotline, number: str) -> list[dict[str, Any]]:
    """The promises to a number, the newest first."""
    return list((await hotline.request("GET", f"/api/v1/callbacks?number={number}"))["items"])


async def tasks(hotline: Hotline) -> list[dict[str, Any]]:
    """The promises that are somebody's task."""
    return list((await hotline.request("GET", "/api/v1/callbacks?task=true"))["items"])


async def promise(hotline: Hotline, number: str, **expected: Any) -> dict[str, Any]:
    """Wait until the newest promise to a number is like this."""

    end = asyncio.get_running_loop().time() + SETTLE
    while True:
        rows = await promises(hotline, number)
        if rows and all(rows[0][key] == value for key, value in expected.items()):
            return rows[0]
        assert asyncio.get_running_loop().time() < end, f"no promise to {number} with {expected}: {rows}"
        await asyncio.sleep(0.1)


async def cancelled(hotline: Hotline, made: dict[str, Any]) -> None:
    """Leave nothing in line for the next test."""
    await hotline.request("POST", f"/api/v1/callbacks/{made['id']}/cancel", {"reason": "the test is over"})


async def waits(hotline: Hotline, caller: str) -> None:
    """Wait until this caller is in line."""
    async with asyncio.timeout(SETTLE):
        while True:
            floor = await hotline.request("GET", "/api/v1/floor")
            if any(each["caller"] == caller for each in floor["waiting"]):
                return
            await asyncio.sleep(0.1)


async def forced(hotline: Hotline, mode: str, queue: str) -> None:
    await hotline.request("PUT", "/api/v1/callback-mode", {"mode": mode, "scope": queue, "reason": "a test"})


async def hears_then(call: Call, prompt: str, *keys: str, within: float = 15.0, since: float = 0.0) -> float:
    """Wait for a prompt, press keys; when the prompt began."""
    at = (await hears(call, prompt, within=within, since=since)).at
    for key in keys:
        await call.press(key)
    return at


async def test_forced_on_takes_the_number_says_from_where_it_is_called_and_a_second_call_cancels(
    taking: Hotline,
) -> None:
    number = "13800137001"
    await forced(taking, "on", "media")
    try:
        async with taking.caller(number) as phone:
            call = await phone.dial("4008001234")
            await call.answered()
            await call.heard()
            await call.press("5")
            await hears(call, "callback-mode-on")
            await hears_then(call, "callback-mode-choice", "1")
            await hears_then(call, "callback-number-caller", "1")
            await hears(call, "callback-accepted")
            await hears(call, "callback-shown", within=20)
            await call.ended(30)
            assert (await said(call, ["callback-accepted", "callback-shown", "goodbye"]))[-1] == "goodbye"
        made = await promise(taking, number, state="pending")
        assert (made["queue"], made["category"]) == ("media", None)
        async with taking.caller(number) as phone:
            call = await phone.dial("4008001234")
            await hears(call, "callback-duplicate", within=30)
            await hears_then(call, "recall-choice", "3")
            await hears(call, "recall-cancelled")
            await call.ended(15)
        await promise(taking, number, state="cancelled")
        shown = await taking.ended_call(number)
        assert shown["outcome"] != "abandoned"
    finally:
        await forced(taking, "auto", "media")


async def test_what_cannot_be_called_is_refused_in_words_and_the_caller_goes_on(taking: Hotline) -> None:
    number = "13800137002"
    async with taking.agent("2041", media=1, status="signed_out"), taking.caller(number) as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.press("3")
        await hears_then(call, "callback-offer", "1", within=20)
        at = await hears_then(call, "callback-number-caller", "2")
        for keyed, sentence in (("12#", "number-short"), (f"{OUTGOING}#", "number-own")):
            at = await hears_then(call, "callback-number-ask", keyed, since=at)
            at = (await hears(call, sentence, since=at)).at
        # Noise: a key that corrects, then a number, in the middle of the question.
        await call.press("139*")
        at = await hears_then(call, "callback-number-ask", "13900137002#", since=at + 0.5)
        await hears_then(call, "number-keyed", "1", since=at)
        await hears(call, "callback-accepted", since=at)
        await call.hangup()
    made = await promise(taking, "13900137002", state="pending")
    assert made["queue"] == "orders"
    await cancelled(taking, made)


async def test_each_kind_of_refusal_has_its_sentence_and_zero_goes_on_waiting(taking: Hotline) -> None:
    async def refused(caller: str, *numbers: tuple[str, str]) -> None:
        async with taking.caller(caller) as phone:
            call = await phone.dial("4008001234", source=Tone(1000))
            await call.answered()
            await call.press("3")
            await hears_then(call, "callback-offer", "1", within=20)
            before = await taking.queued(caller)
            at = await hears_then(call, "callback-number-caller", "2")
            for keyed, sentence in numbers:
                at = await hears_then(call, "callback-number-ask", keyed, since=at)
                at = (await hears(call, sentence, within=15, since=at)).at
            await call.press("0")
            await waits(taking, caller)
            await call.hangup()
        shown = await taking.ended_call(caller)
        assert shown["queued_at"] == before["queued_at"]
        assert await promises(taking, caller) == []

    async with taking.agent("2042", media=1, status="signed_out"):
        await asyncio.gather(
            refused("13800137011", ("0044207000000#", "number-foreign"), ("139001390#", "number-invalid")),
            refused("13800137012", ("4008001234#", "number-kind"), ("#", "number-none")),
            refused("13800137013", ("2042#", "number-agent"), ("1" * 17 + "#", "number-long")),
        )


async def test_a_caller_who_declines_after_all_waits_in_the_same_place(taking: Hotline) -> None:
    first, second = "13800137003", "13800137004"
    async with (
        taking.agent("2043", orders=5, status="break") as agent,
        taking.caller(first) as one,
        taking.caller(second) as two,
    ):
        call = await one.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.press("3")
        await taking.queued(first)
        other = await two.dial("4008001234", source=Tone(1000))
        await other.answered()
        await other.press("3")
        await taking.queued(second)
        await forced(taking, "on", "orders")
        try:
            await hears_then(call, "callback-offer", "1", within=20)
            await hears_then(call, "callback-number-caller", "0")
        finally:
            await forced(taking, "auto", "orders")
        await waits(taking, first)
        agent.on_invite = Answer(0.1, Tone(600))
        await taking.request("POST", "/api/v1/agents/2043/status", {"status": "available"})
        offered = await agent.incoming()
        assert offered.number == first
        await hears_tone(call, 600)
        for each in (call, other):
            await each.hangup()
    assert await promises(taking, first) == []


async def test_a_customer_who_waits_now_takes_the_place_of_the_callback(taking: Hotline) -> None:
    promised, earlier = "13800137005", "13800137006"
    await taking.request("POST", "/api/v1/callbacks", {"number": promised, "queue": "partnership", "reason": "a test"})
    made = await promise(taking, promised, state="pending")
    async with (
        taking.agent("2044", partnership=5, status="break") as agent,
        taking.caller(earlier) as one,
        taking.caller(promised) as two,
    ):
        other = await one.dial("4008001234", source=Tone(1000))
        await other.answered()
        await other.press("4")
        await taking.queued(earlier)
        call = await two.dial("4008001234", source=Tone(1000))
        await hears_then(call, "recall-choice", "2", within=40)
        await promise(taking, promised, id=made["id"], state="cancelled")
        agent.on_invite = Answer(0.1, Tone(600))
        await taking.request("POST", "/api/v1/agents/2044/status", {"status": "available"})
        offered = await agent.incoming()
        assert offered.number == promised
        await hears_tone(call, 600)
        for each in (call, other):
            await each.hangup()
    shown = await taking.ended_call(promised)
    assert shown["outcome"] == "handled"


async def test_a_withheld_number_is_asked_for(taking: Hotline) -> None:
    async with taking.caller("anonymous") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.press("3")
        await hears_then(call, "callback-offer", "1", within=20)
        at = await hears_then(call, "callback-number-ask", "02188886666#")
        await hears_then(call, "number-keyed", "1", since=at)
        await hears(call, "callback-accepted", since=at)
        assert not await said(call, ["callback-number-caller"])
        await call.hangup()
    await cancelled(taking, await promise(taking, "02188886666", state="pending"))


async def test_who_hangs_up_while_the_own_number_is_read_back_is_promised_it_and_another_number_is_a_task(
    taking: Hotline,
) -> None:
    own, keying, entered = "13800137021", "13800137022", "13900137023"

    async def asked(phone: Phone) -> Call:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.press("3")
        await hears_then(call, "callback-offer", "1", within=20)
        return call

    async with taking.caller(own) as one, taking.caller("anonymous") as two, taking.caller(keying) as three:
        first, second, third = await asyncio.gather(asked(one), asked(two), asked(three))
        # The first hangs up when their own number is proposed, the second in the middle of the question, with all
        # digits keyed and none that ends them, the third when another number is read back.
        await hears(first, "callback-number-caller")
        await first.hangup()
        await hears_then(second, "callback-number-ask", "02188889999")
        await second.hangup()
        at = await hears_then(third, "callback-number-caller", "2")
        at = await hears_then(third, "callback-number-ask", f"{entered}#", since=at)
        await hears(third, "number-keyed", since=at)
        await third.hangup()
    why = "hung up before they confirmed the number"
    made = await promise(taking, own, state="pending", source="queue", queue="orders")
    (row,) = (await taking.request("GET", f"/api/v1/calls?caller={own}&direction=inbound"))["items"]
    assert row["outcome"] == "callback"
    await cancelled(taking, made)
    for number in ("02188889999", entered):
        left = await promise(taking, number, state="unconfirmed", reason=why, queue="orders")
        assert left in await tasks(taking)
        await taking.request("POST", f"/api/v1/callbacks/{left['id']}/settle", {"reason": "rang them"})
        assert left["id"] not in [row["id"] for row in await tasks(taking)]
    assert await promises(taking, keying) == []


async def test_a_customer_who_calls_in_while_being_called_is_joined_with_the_reserved_agent(taking: Hotline) -> None:
    number = "13800137007"
    async with (
        public_network(taking) as network,
        taking.agent("2045", complaint=5, status="break") as kept,
        taking.agent("2046", complaint=5, status="break") as idle,
        taking.caller(number) as phone,
    ):
        network.does[number] = Ring()
        kept.on_invite = idle.on_invite = Answer(0.1, Tone(600))
        made = await network.promise(number)
        await taking.request("POST", "/api/v1/agents/2045/status", {"status": "available"})
        called = await network.rings(number)
        await taking.request("POST", "/api/v1/agents/2046/status", {"status": "available"})
        await kept.incoming()
        call = await phone.dial("4008001234", source=Tone(1000))
        at = await hears_then(call, "callback-dialling", within=30)
        await hears_then(call, "recall-choice", "2", since=at)
        await called.ended(10)
        again = await kept.incoming()
        assert again.number == number
        await hears_tone(call, 600)
        await call.hangup()
        await promise(taking, number, id=made["id"], state="cancelled")
    assert [leg["agent"] for leg in (await taking.ended_call(number))["segments"]] == ["2045"]
