"""Outbound lists with real calls: a line is called in its turn, and gives way to a caller where its list yields."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from softphone.audio import Tone
from softphone.phone import Ring
from tests.e2e.conftest import Hotline, hears_tone, running
from tests.e2e.hearing import hears
from tests.e2e.public_network import AGENT_HZ, CUSTOMER_HZ, PublicNetwork, new_hotline, public_network

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def calling_hotline() -> Iterator[Hotline]:
    hotline = new_hotline()
    with running(hotline):
        yield hotline


@pytest_asyncio.fixture
async def network(calling_hotline: Hotline) -> AsyncIterator[PublicNetwork]:
    async with public_network(calling_hotline) as network:
        yield network


async def made(network: PublicNetwork, number: str, **values: Any) -> int:
    """A list with one line."""
    until = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    body = {"name": "refusals", "purpose": "拒收回访", "queue": "complaint", "owner": "Wang", "until": until, **values}
    body |= {"consent": "agreed to be called", "proof": "contract 7"}
    found = await network.hotline.request("POST", "/api/v1/lists", body)
    table = network.hotline.home / f"{number}.csv"
    table.write_text(f"number,name\n{number},王\n", encoding="utf-8")
    await network.hotline.command("list", "load", str(found["id"]), str(table))
    table.unlink()
    return int(found["id"])


async def line(network: PublicNetwork, number: int, state: str) -> dict[str, Any]:
    """The line of the list, once it is in this state."""

    end = asyncio.get_running_loop().time() + 20
    while True:
        page = await network.hotline.request("GET", f"/api/v1/lists/{number}/lines")
        found = dict(page["items"][0])
        if found["state"] == state:
            return found
        assert asyncio.get_running_loop().time() < end, f"the line is not {state}: {found}"
        await asyncio.sleep(0.1)


async def test_a_line_is_called_by_an_agent_in_its_turn_and_is_reached(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13900131090"
    async with hotline.agent("3001", complaint=5) as agent:
        which = await made(network, number)
        ringing = await agent.incoming()
        await ringing.answer(Tone(AGENT_HZ))
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        await hears_tone(ringing, CUSTOMER_HZ)
        await ringing.hangup()
        await hears(called, "survey")
        await called.hangup()
        found = await line(network, which, "reached")
    assert (found["attempts"], network.times(number)) == (1, 1)
    (promise,) = [
        each for each in (await hotline.request("GET", "/api/v1/callbacks?state=kept"))["items"]
        if each["number"] == number
    ]  # fmt: skip
    assert promise["source"] == "list"
    await hotline.request("POST", f"/api/v1/lists/{which}/state", {"state": "ended"})


async def test_a_call_that_rings_for_a_list_that_yields_is_called_off_for_a_caller(network: PublicNetwork) -> None:
    hotline, number, caller = network.hotline, "13900131091", "13800131092"
    network.does[number] = Ring()
    async with hotline.agent("3001", complaint=5) as agent:
        which = await made(network, number, yields=True)
        ringing = await agent.incoming()
        await ringing.answer(Tone(AGENT_HZ))
        called = await network.rings(number)
        async with hotline.caller(caller) as phone:
            call = await phone.dial("4008001234")
            await called.ended()  # the customer's phone is silent again, unanswered
            await ringing.ended()
            served = await agent.incoming()
            assert served.number == caller
            await served.answer(Tone(AGENT_HZ))
            await hears_tone(call, AGENT_HZ)
            await call.hangup()
            await served.ended()
        found = await line(network, which, "calling")
    assert (found["attempts"], network.times(number)) == (0, 1)
    await hotline.request("POST", f"/api/v1/lists/{which}/state", {"state": "ended"})
