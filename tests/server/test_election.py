"""A server's part in the election."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server import election
from server.election import Election
from server.eventlog.log import Lease, Log
from server.hotline.dispatcher import NotLeading
from server.hotline.state import HotlineState
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]


async def test_a_server_whose_lead_is_taken_while_it_begins_stands_by_for_the_next(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(election, "_PAUSE", 0.0)
    redis = redis_server.connect()
    begun: list[Lease] = []
    lead: Any = object()

    async def begin(log: Log, lease: Lease, state: HotlineState) -> Any:
        begun.append(lease)
        if len(begun) == 1:
            await log.release(lease)
            assert await log.acquire("two", 0.2) is not None
            raise NotLeading("another server took the lead")
        return lead

    said: list[str] = []
    ours = Election("one", 10.0, begin, said.append)
    async with asyncio.timeout(5):
        await ours.lead(Log(redis))
    assert ours.leadership is lead
    assert [lease.token for lease in begun] == [1, 3]
    assert said == ["two leads: standing by"]
    await redis.aclose()
