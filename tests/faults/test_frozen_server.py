"""A server that is frozen (SIGSTOP): callers hear music as if it had died, and it is ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from softphone.audio import Tone, level_dbfs
from softphone.call import Call, CallState
from tests.e2e import brisk
from tests.e2e.conftest import Hotline
from tests.faults.conftest import CALLER_HZ, People, returned

pytestmark = pytest.mark.e2e


@pytest.fixture
def hotline(new_hotline: Callable[..., Hotline]) -> Hotline:
    hotline = new_hotline(SANSHENG_DRAIN_SECONDS="0.5", SANSHENG_FROZEN_SECONDS="6")
    brisk.install(hotline.home)
    hotline.start()
    return hotline


@pytest.fixture
async def people(hotline: Hotline) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        yield People(hotline, stack)


async def music_within(call: Call, seconds: float) -> float:
    """How long it took until this caller heard a sound that is no tone of an agent."""
    began = asyncio.get_running_loop().time()
    await call.heard(within=seconds, above=-45.0)
    return asyncio.get_running_loop().time() - began


async def test_callers_of_a_frozen_server_hear_music_within_three_seconds_and_it_is_ended(
    hotline: Hotline, people: People
) -> None:
    await people.sign_in("1001")
    talking, leg = await people.talk("1001", "13800000001")
    (waiting,) = await people.wait_in_queue(["13800000002"])
    assert hotline.process is not None
    hotline.process.send_signal(signal.SIGSTOP)

    phone = await people.stack.enter_async_context(hotline.caller("13800000003"))
    arriving = people.callers["13800000003"] = await phone.dial("400", source=Tone(CALLER_HZ))
    await arriving.answered(5)
    await leg.hangup()
    await hotline.until(lambda: level_dbfs(talking.rtp.samples(0.2)) < -50, "the agent is heard no more", 2)
    took = await asyncio.gather(music_within(arriving, 3.0), music_within(talking, 2.7))
    assert hotline.process.poll() is None, f"the music came from the dialplan, after {took}"

    await hotline.until(
        lambda: hotline.process and hotline.process.poll() == -signal.SIGKILL, "the server is ended", 10
    )
    assert "did nothing for 6 s" in (hotline.home / "log" / "server.log").read_text()
    hotline.start()
    await hotline.until(lambda: returned(hotline) >= 2, "callers are back", 15)
    assert await people.waiting(1) == [waiting]
    assert people.dropped() == []
    assert talking.state is CallState.TALKING
