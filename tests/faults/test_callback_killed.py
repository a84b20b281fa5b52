"""The server is killed at every critical point of a callback: each attempt is made, and made once.

What counts is the customer's end: how often their phone rang, against the attempts that the records tell of.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio

from server.crash_points import POINTS
from softphone.audio import Tone
from softphone.phone import Answer, Refuse, Ring
from tests.e2e.conftest import Hotline, hears_tone
from tests.e2e.hearing import hears
from tests.e2e.public_network import (
    AGENT_HZ,
    CUSTOMER_HZ,
    PublicNetwork,
    attempts,
    new_hotline,
    public_network,
)
from tests.faults.conftest import kill

SPOKEN = ("conversation_ended",)
"""By then the customer has been spoken with, and is not asked to do it again."""


@pytest.fixture(scope="module")
def breaking_hotline() -> Iterator[Hotline]:
    """One home and one Asterisk for all points; the server is a new one after each."""
    hotline = new_hotline()
    hotline.environment["SANSHENG_FAULT"] = str(hotline.home / "fault")
    try:
        hotline.start()
        yield hotline
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


@pytest_asyncio.fixture
async def network(breaking_hotline: Hotline) -> AsyncIterator[PublicNetwork]:
    async with public_network(breaking_hotline) as network:
        yield network


async def _crashed(hotline: Hotline) -> None:
    """Wait until the server has killed itself."""
    assert hotline.process is not None
    await asyncio.wait_for(asyncio.to_thread(hotline.process.wait), 20)


@pytest.mark.parametrize("point", POINTS)
async def test_an_attempt_is_neither_lost_nor_doubled_when_the_server_is_killed(
    network: PublicNetwork, point: str
) -> None:
    hotline, number = network.hotline, f"138001370{POINTS.index(point):02}"
    busy_first = point == "attempt_ended"
    picks_up = Answer(0.5, Tone(CUSTOMER_HZ))
    network.does[number] = [Refuse(486, 0.2), picks_up] if busy_first else picks_up
    (hotline.home / "fault").write_text(point, encoding="utf-8")
    async with hotline.agent("4001", complaint=5) as agent:
        agent.on_invite = Answer(0.2, Tone(AGENT_HZ))
        with suppress(httpx.TransportError):
            await network.promise(number)
        if point in SPOKEN:
            called = await network.rings(number)
            await hears_tone(called, AGENT_HZ)
            await called.hangup()
        await _crashed(hotline)
        await asyncio.to_thread(hotline.start)
        promise = await _promise_of(hotline, number)
        if point not in SPOKEN:
            called = await network.rings(number, time=2 if busy_first else 1, within=25)
            await hears_tone(called, AGENT_HZ, 20)
            await called.hangup()
        kept = await network.becomes(promise, "kept")
        await hotline.agent_is("4001", state="idle")
    assert network.times(number) == len(kept["history"]) == kept["attempts"] == (2 if busy_first else 1)
    assert not (await hotline.request("GET", "/api/v1/floor"))["waiting"]
    if busy_first:
        assert attempts(kept)[0] == "busy"


CUSTOMER_FIRST = (
    "line_opened",
    "attempt_recorded",
    "customer_dialled",
    "customer_answered",
    "answer_recorded",
    "joined",
)


@pytest.mark.parametrize("point", CUSTOMER_FIRST)
async def test_a_customer_who_is_called_first_is_called_once_when_the_server_is_killed(
    network: PublicNetwork, point: str
) -> None:
    hotline, number = network.hotline, f"138001371{POINTS.index(point):02}"
    network.does[number] = Answer(0.5, Tone(CUSTOMER_HZ))
    (hotline.home / "fault").write_text(point, encoding="utf-8")
    async with hotline.agent("4002", inquiry=5) as agent:
        agent.on_invite = Answer(0.2, Tone(AGENT_HZ))
        with suppress(httpx.TransportError):
            await network.promise(number, "", queue="inquiry")
        if point == "joined":
            called = await network.rings(number)
            await hears(called, "callback-answer-confirm")
            await called.press("1", via="info")
        await _crashed(hotline)
        await asyncio.to_thread(hotline.start)
        promise = await _promise_of(hotline, number)
        called = await network.rings(number)
        if point != "joined":
            await called.answered()
            await hears(called, "callback-answer-confirm", within=20)
            await called.press("1", via="info")
        await hears_tone(called, AGENT_HZ, 20)
        await called.hangup()
        kept = await network.becomes(promise, "kept")
        await hotline.agent_is("4002", state="idle")
    assert network.times(number) == len(kept["history"]) == kept["attempts"] == 1


async def test_an_attempt_that_asterisk_took_with_it_is_made_again(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800137200"
    network.does[number] = [Ring(), Answer(0.2, Tone(CUSTOMER_HZ))]
    async with hotline.agent("4003", complaint=5) as agent:
        agent.on_invite = Answer(0.2, Tone(AGENT_HZ))
        made = await network.promise(number)
        await network.rings(number)
        asterisk = hotline.pid("asterisk")
        kill(asterisk)
        called = await network.rings(number, time=2, within=40)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert attempts(kept)[0] == "lost"
    assert network.times(number) == kept["attempts"] == 2


async def test_a_customer_whose_phone_rings_when_the_hotline_stops_is_called_after_the_next_start(
    network: PublicNetwork,
) -> None:
    hotline, number = network.hotline, "13800137201"
    network.does[number] = [Ring(), Answer(0.2, Tone(CUSTOMER_HZ))]
    async with hotline.agent("4004", complaint=5) as agent:
        agent.on_invite = Answer(0.2, Tone(AGENT_HZ))
        made = await network.promise(number)
        ringing = await network.rings(number)
        assert await asyncio.to_thread(hotline.stop) == 0
        await ringing.ended(5)
        assert network.times(number) == 1
        await asyncio.to_thread(hotline.start)
        called = await network.rings(number, time=2, within=25)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert attempts(kept)[0] == "stopped"
    assert kept["attempts"] == 1


async def _promise_of(hotline: Hotline, number: str) -> int:
    listed = await hotline.request("GET", f"/api/v1/callbacks?number={number}")
    assert len(listed["items"]) == 1
    return int(listed["items"][0]["id"])
