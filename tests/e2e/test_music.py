"""The caller hears the music that the flow names: while waiting, after a crash of the server, and on hold."""

from __future__ import annotations

import wave
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from softphone.audio import Tone
from tests.e2e import brisk
from tests.e2e.conftest import hears_tone

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
OF_THE_BRAND, OF_THE_QUEUE = 1500.0, 2100.0
MUSIC = -14.0
"""dBFS, a little below that of the tones in the files."""


def install(hotline: Hotline, name: str, hertz: float) -> None:
    """A music class that is one long tone."""
    file = hotline.home / "music" / name / "tone.wav"
    file.parent.mkdir(parents=True)
    samples = 8000 * np.sin(2 * np.pi * hertz * np.arange(8000 * 20) / 8000)
    with wave.open(str(file), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(8000)
        target.writeframes(samples.astype("<i2").tobytes())


async def test_a_caller_hears_the_music_that_the_flow_names_wherever_the_call_goes(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline()
    brisk.install(hotline.home)
    install(hotline, "brand-a", OF_THE_BRAND)
    install(hotline, "complaint", OF_THE_QUEUE)
    file = hotline.home / "flows" / "hotline.toml"
    flow = file.read_text(encoding="utf-8")
    named = '[nodes.wait]\nmusic = "{brand}"\n'
    assert "[nodes.wait]\n" in flow
    # One number is of the brand, the other is not; both wait in the same queue.
    flow = flow.replace("[nodes.wait]\n", named).replace(
        "cases = [", 'cases = [\n  { if = { list = "late" }, to = "brand" },', 1
    )
    flow += '\n[nodes.brand]\nkind = "set"\nfields = { brand = "brand-a" }\nnext = "straight"\n'
    file.write_text(flow, encoding="utf-8")
    hotline.start()
    async with hotline.caller("13800133001") as of_brand, hotline.caller("13800131071") as other:
        call = await of_brand.dial("4008001234")
        second = await other.dial("4008001234")
        await hears_tone(call, OF_THE_BRAND, above=MUSIC)
        await hears_tone(second, OF_THE_QUEUE, above=MUSIC)
        await second.hangup()
        hotline.kill()
        hotline.start()
        await hotline.queued("13800133001")
        await hears_tone(call, OF_THE_BRAND, above=MUSIC)
        async with hotline.agent("2071", complaint=9) as agent:
            leg = await agent.incoming()
            await leg.answer(Tone(600))
            await hears_tone(call, 600)
            number = (hotline.newest("13800133001") or {})["id"]
            await hotline.request("POST", f"/api/v1/calls/{number}/hold")
            await hears_tone(call, OF_THE_BRAND, above=MUSIC)
            await hotline.request("POST", f"/api/v1/calls/{number}/resume")
            await hears_tone(call, 600)
            await leg.hangup()
        await call.hangup()
