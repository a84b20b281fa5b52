"""One call all the way: dial tone, menu, agent, recording, satisfaction, ticket."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile

from softphone.audio import Tone, tone_level
from tests.e2e.conftest import hears_tone
from tests.e2e.hearing import hears

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


async def test_a_call_goes_from_dial_tone_to_a_ticket_with_its_recording(hotline: Hotline, tmp_path: Path) -> None:
    number = "13800138001"
    async with hotline.agent("1001", complaint=5, attitude=3) as agent, hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        ringing = await agent.incoming()
        await ringing.answer(Tone(600))
        await hears_tone(call, 600)
        await hears_tone(ringing, 1000)
        said = len(ringing.rtp.samples())
        await hotline.until(lambda: len(ringing.rtp.samples()) > said + 16000, "two seconds more are heard")
        await ringing.hangup()
        await hears(call, "survey")
        await call.press("5", via="info")
        await call.ended()
    shown = await hotline.ended_call(number)
    assert shown["outcome"] == "handled"
    assert shown["category"] == "attitude"
    assert shown["agent"] == "1001"
    assert shown["satisfaction"] == 5
    tickets = {row["id"]: row for row in hotline.records.ticket_list().items}
    ticket = tickets[shown["ticket"]]
    assert ticket["opened_at"] <= shown["segments"][0]["offered_at"] or ticket["opened_at"] == shown["queued_at"]
    assert len(shown["recordings"]) == 1
    target = tmp_path / "call.wav"
    await hotline.command("recording", "pull", str(shown["recordings"][0]), "--to", str(target))
    listed = next(row for row in hotline.records.recording_list().items if row["id"] == shown["recordings"][0])
    assert hashlib.sha256(target.read_bytes()).hexdigest() == listed["sha256"]
    samples, rate = soundfile.read(target, dtype="int16")
    assert rate == 8000
    assert samples.shape[1] == 2
    caller_side, agent_side = samples[:, 0], samples[:, 1]
    middle = slice(len(samples) // 4, 3 * len(samples) // 4)
    assert tone_level(caller_side[middle], 1000) > -20
    assert tone_level(agent_side[middle], 600) > -20
    assert tone_level(caller_side[middle], 600) < -45
    assert tone_level(agent_side[middle], 1000) < -45
