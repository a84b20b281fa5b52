"""The server that leads is gone, or sleeps, while a customer is being called: the other goes on with that attempt."""

from __future__ import annotations

import shutil
import signal
from collections.abc import AsyncIterator

import pytest

from acd.callbacks.events import AttemptStarted
from softphone.audio import Tone
from softphone.phone import Answer, Ring
from tests.e2e.conftest import hears_tone
from tests.e2e.public_network import AGENT_HZ, CUSTOMER_HZ, PublicNetwork, new_hotline, public_network
from tests.faults.conftest import logged
from tests.faults.test_two_servers import Pair, together

pytestmark = pytest.mark.e2e


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    first = new_hotline()
    second = new_hotline(**first.settings)
    try:
        async for each in together(first, second):
            yield each
    finally:
        for hotline in (second, first):
            hotline.end()
            shutil.rmtree(hotline.home, ignore_errors=True)


@pytest.fixture
async def network(pair: Pair) -> AsyncIterator[PublicNetwork]:
    async with public_network(pair.first) as network:
        yield network


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_other_server_goes_on_with_an_attempt(
    pair: Pair, network: PublicNetwork, way: signal.Signals
) -> None:
    number = "13800137300"
    network.does[number] = Ring()
    async with pair.first.agent("4005", complaint=5) as agent:
        agent.on_invite = Answer(0.2, Tone(AGENT_HZ))
        made = await network.promise(number)
        called = await network.rings(number)
        assert pair.first.process is not None
        pair.first.process.send_signal(way)
        await pair.second_leads(within=10)
        network.hotline = pair.second
        await called.answer(Tone(CUSTOMER_HZ))
        await hears_tone(called, AGENT_HZ, 15)
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert network.times(number) == len(logged(pair.first, AttemptStarted)) == kept["attempts"] == 1
