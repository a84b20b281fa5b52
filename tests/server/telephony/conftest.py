"""Shared by the tests of telephony: a log on a Redis of its own, and the dispatcher that writes it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.eventlog.log import Log
from server.hotline.dispatcher import Dispatcher
from server.hotline.standby import rebuild
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]


@pytest.fixture
async def log(redis_server: RedisServer) -> AsyncIterator[Log]:
    """An empty log."""
    redis = redis_server.connect()
    yield Log(redis)
    await redis.aclose()


@pytest.fixture
async def dispatcher(log: Log) -> AsyncIterator[Dispatcher]:
    """It leads, and has played the log."""
    lease = await log.acquire("one", 10.0)
    assert lease is not None
    dispatcher = Dispatcher(log, lease, await rebuild(log))
    await dispatcher.start()
    yield dispatcher
    await dispatcher.stop()
