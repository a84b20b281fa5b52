"""What the server's tests share: Twisted on the loop of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from twisted.internet.asyncioreactor import AsyncioSelectorReactor


@pytest.fixture
async def reactor() -> AsyncIterator[AsyncioSelectorReactor]:
    """A running reactor on this test's own loop; what it still holds at the end is closed."""
    reactor = AsyncioSelectorReactor(asyncio.get_running_loop())
    reactor.startRunning(installSignalHandlers=False)
    yield reactor
    for selectable in reactor.removeAll():
        selectable.connectionLost(None)
    for call in reactor.getDelayedCalls():
        call.cancel()
    for reader in list(reactor._internalReaders):
        reactor.removeReader(reader)
        reader.connectionLost(None)
