"""A flood of calls that nobody acknowledges: conversations go on, and a caller in the middle of it reaches an agent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from softphone.audio import Tone
from softphone.call import Call, CallEnded
from softphone.phone import Answer, Phone
from tests.e2e import brisk
from tests.e2e.conftest import hears_tone
from tests.forger import audio_sockets, forging

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

CALLERS = ["13800133101", "13800133102", "13800133103"]
THREE_RINGS = 15.0
PORTS = "10000-10999"
"""The product's own range: it matters how many there are."""


async def test_a_caller_in_the_middle_of_a_flood_of_forged_calls_reaches_an_agent(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline(SANSHENG_RTP_PORTS=PORTS)
    brisk.install(hotline.home)
    await asyncio.to_thread(hotline.start)
    async with (
        hotline.agent("3101", complaint=5) as one,
        hotline.agent("3102", complaint=5) as two,
        hotline.caller(CALLERS[0]) as before,
        hotline.caller(CALLERS[1]) as during,
        hotline.caller(CALLERS[2]) as after,
    ):
        one.on_invite = two.on_invite = Answer(0.1, Tone(600))
        talking = await _to_an_agent(before)
        with forging(hotline.sip_port, again=True) as forger:
            flood = asyncio.create_task(forger.flood(300))
            await forger.until(lambda: len(forger.codes) > 50, 10)
            good = await _to_an_agent(during)
            await hears_tone(talking, 600)
            await flood
            await forger.until(lambda: len(forger.codes) == 300, 10)
            await good.hangup()
            await hotline.until(lambda: _sockets(hotline) <= 4, "only the conversation holds audio ports", 20)
        await hears_tone(talking, 600)
        await talking.hangup()
        last = await _to_an_agent(after)
        await last.hangup()
        await hotline.until(
            lambda: _handled(hotline) == CALLERS, "the good callers' calls are in the records as handled"
        )
        assert (await hotline.command("callback", "list", "--json")).stdout.strip() == "[]", (
            "nobody is promised a call to a forged number"
        )
    await hotline.until(lambda: _sockets(hotline) == 0, "no audio port is held")
    await hotline.until(lambda: _calls_now(hotline) == 0, "every place is free")
    assert hotline.stop() == 0


async def _to_an_agent(phone: Phone) -> Call:
    """A call that is answered within three rings, with sound, and reaches an agent; refused, the caller tries again."""
    async with asyncio.timeout(THREE_RINGS):
        while True:
            call = await phone.dial("4008001234", source=Tone(1000))
            try:
                await call.answered(THREE_RINGS)
                break
            except CallEnded:
                assert call.code == 503, "the caller may try again"
                await asyncio.sleep(0.2)
        await call.heard()
    await call.press("14")
    await hears_tone(call, 600, within=20)
    return call


def _handled(hotline: Hotline) -> list[str]:
    rows = hotline.records.call_list(limit=500).items
    return sorted(row["caller"] for row in rows if row["outcome"] == "handled")


def _sockets(hotline: Hotline) -> int:
    pid = hotline.pid("asterisk")
    assert pid is not None
    first, _, last = PORTS.partition("-")
    return audio_sockets(pid, (int(first), int(last)))


def _calls_now(hotline: Hotline) -> float:
    lines = httpx.get(f"{hotline.api}/metrics", trust_env=False).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("sansheng_calls_now{"))
