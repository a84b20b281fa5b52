"""A recording that cannot be joined is an alarm from the limit on, until it is joined; then the alarm ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from softphone.audio import Tone
from softphone.phone import Answer
from tests.e2e import brisk
from tests.e2e.conftest import hears_tone

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


def overdue(hotline: Hotline) -> list[str]:
    return [each for each in hotline.health()["warnings"] if "is neither joined nor missing" in each]


def counted(hotline: Hotline) -> float:
    text = httpx.get(f"{hotline.api}/metrics", timeout=5, trust_env=False).text
    (line,) = (line for line in text.splitlines() if line.startswith("sansheng_recordings_overdue "))
    return float(line.split()[1])


async def test_a_recording_that_cannot_be_joined_is_an_alarm_until_the_store_is_mended(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline(SANSHENG_RECORDING_OVERDUE_SECONDS="2")
    brisk.install(hotline.home)
    hotline.start()
    # A file in the folder's place: the server cannot write there, not even as root.
    in_the_way = hotline.home / "recordings" / f"{datetime.now(UTC):%Y}"
    in_the_way.touch()
    async with hotline.agent("2051", complaint=9) as agent, hotline.caller("13800131051") as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600)
        assert overdue(hotline) == []
        await agent.calls[-1].hangup()
        over = time.monotonic()
        await call.hangup()
    (sentence,) = await hotline.until(lambda: overdue(hotline), "the alarm is raised", within=20)
    assert time.monotonic() - over < 2 + 15
    assert "2 s after its conversation" in sentence
    await hotline.until(lambda: counted(hotline) == 1.0, "the metric counts it")
    said = (await hotline.command("doctor", check=False)).stdout
    assert f"warn  server       {sentence}" in said
    assert "warn  recordings   1 recording neither joined nor missing 2 s after the conversation" in said
    # A server that takes over knows of it too.
    hotline.kill()
    half_written = hotline.home / "recordings" / ".unfinished-x"
    half_written.write_bytes(b"half")
    hotline.start()
    await hotline.until(lambda: overdue(hotline), "the alarm is raised again")
    in_the_way.unlink()
    await hotline.until(lambda: not overdue(hotline), "the alarm is over", within=20)
    assert counted(hotline) == 0.0
    await hotline.ended_call("13800131051")
    assert not half_written.exists()
    assert (
        "every recording of a conversation that is over is joined or missing"
        in (await hotline.command("doctor")).stdout
    )
