"""Shared by the fault tests: a brisk hotline of their own, callers who wait, agents who talk, and checks of sound."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis as SyncRedis

from server.eventlog.log import entry_of, id_order
from server.storage.archive import archived_entries
from server.storage.database import open_database
from softphone.audio import Tone
from softphone.call import Call, CallState
from softphone.phone import Phone
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, new_hotline

__all__ = ["new_hotline"]

CALLER_HZ, AGENT_HZ = 1000, 600


@pytest.fixture
def hotline(new_hotline: Callable[..., Hotline]) -> Hotline:
    """A running hotline that the test may break."""
    hotline = new_hotline(SANSHENG_DRAIN_SECONDS="0.5")
    brisk.install(hotline.home)
    hotline.start()
    return hotline


@dataclass
class People:
    """The callers and agents of one test; all hang up at its end."""

    hotline: Hotline
    stack: AsyncExitStack
    agents: dict[str, Phone] = field(default_factory=dict)
    callers: dict[str, Call] = field(default_factory=dict)

    async def sign_in(self, number: str) -> Phone:
        """An agent for complaints, who is available."""
        self.hotline.hush(number)
        phone = self.agents[number] = await self.stack.enter_async_context(
            Phone(number, "127.0.0.1", self.hotline.sip_port)
        )
        body = {"id": number, "name": f"Agent {number}", "skills": {"complaint": 5}, "contact": phone.contact}
        await self.hotline.request("PUT", f"/api/v1/agents/{number}", body)
        await self.hotline.request("POST", f"/api/v1/agents/{number}/status", {"status": "available"})
        return phone

    async def call(self, number: str, digits: str = "14", *, talks: bool = False) -> Call:
        """A caller who passes the menus. One who does not talk sends no sound."""
        phone = await self.stack.enter_async_context(self.hotline.caller(number))
        call = self.callers[number] = await phone.dial("400", source=Tone(CALLER_HZ) if talks else None)
        await call.answered(20)
        await call.heard(within=20)
        for digit in digits:
            await call.press(digit, via="info")
        return call

    async def wait_in_queue(self, numbers: list[str]) -> list[str]:
        """These callers wait in the queue; the order in which they stand."""
        for number in numbers:
            await self.call(number)
        return await self.waiting(len(numbers))

    async def waiting(self, count: int, within: float = 20.0) -> list[str]:
        """The numbers of those who wait, in order, once there are so many."""
        end = asyncio.get_running_loop().time() + within
        while True:
            floor = await self.hotline.request("GET", "/api/v1/floor")
            if len(floor["waiting"]) == count:
                return [each["caller"] for each in floor["waiting"]]
            if asyncio.get_running_loop().time() > end:
                there = [each["caller"] for each in floor["waiting"]]
                raise AssertionError(
                    f"{count} should wait, not {there}; over: {self.dropped()}\n{self.hotline.output()}"
                )
            await asyncio.sleep(0.1)

    async def talk(self, agent: str, caller: str) -> tuple[Call, Call]:
        """A conversation of this free agent with a new caller; both ends of it, once both are heard."""
        call = await self.call(caller, talks=True)
        ringing = await self.agents[agent].incoming(20)
        await ringing.answer(Tone(AGENT_HZ))
        await hears_tone(call, AGENT_HZ, 20)
        await hears_tone(ringing, CALLER_HZ, 20)
        return call, ringing

    def dropped(self) -> list[str]:
        """Callers whose calls are over."""
        return [number for number, call in self.callers.items() if call.state is CallState.ENDED]


@pytest.fixture
async def people(hotline: Hotline) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        yield People(hotline, stack)


def longest_gap(call: Call, since: float) -> float:
    """The longest time in seconds without sound on this call after `since` (the loop's clock)."""
    arrivals = [since, *(at for at in call.rtp.arrivals if at > since), asyncio.get_running_loop().time()]
    return max(later - earlier for earlier, later in pairwise(arrivals))


def returned(hotline: Hotline) -> int:
    """How many callers have come back to a server, as its log tells."""
    return (hotline.home / "log" / "server.log").read_text().count('"a caller is back"')


def logged(hotline: Hotline, kind: type) -> list[Any]:
    """Every event of this type that is in the log, in its order; what is trimmed there is in the archive."""
    redis = SyncRedis.from_url(f"unix://{hotline.home / 'redis' / 'redis.sock'}")
    try:
        rows = redis.xrange("sansheng:log")
    finally:
        redis.close()
    there = [entry_of(*row) for row in rows]
    database = open_database(f"sqlite:///{hotline.home / 'records.db'}")
    try:
        archived = list(archived_entries(database.read, 0, float("inf")))
    finally:
        database.dispose()
    first = id_order(there[0].id) if there else (0, 0)
    trimmed = [entry for entry in archived if id_order(entry.id) < first]
    return [entry.event for entry in (*trimmed, *there) if isinstance(entry.event, kind)]


def kill(pid: int | None) -> None:
    """kill -9 of one process."""
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def ended_calls(hotline: Hotline, numbers: list[str]) -> list[dict[str, Any]]:
    """The records of these callers' calls once they are over."""
    return [await hotline.ended_call(number, 30) for number in numbers]
