"""Keys as telephones send them: in the stream, as SIP INFO, as both, or as tones in the sound."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from server.hotline.definitions import PROMPTS
from softphone.audio import ALAW, QUIET, ULAW, Codec, Samples, Tone, Wave
from softphone.call import Call
from tests.e2e.hearing import hears, said

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
KEYS = "123456789*0#"


@dataclass(frozen=True, slots=True)
class KeyTone:
    """The two tones of a key, each at `dbfs`."""

    key: str
    dbfs: float = -16.0

    def samples(self, start: int, count: int) -> Samples:
        row, column = divmod(KEYS.index(self.key), 3)
        tones = (Tone(hz, self.dbfs).samples(start, count) for hz in (ROWS[row], COLUMNS[column]))
        return sum(tones, start=QUIET.samples(start, count))


async def in_sound(call: Call, key: str, seconds: float = 0.1) -> None:
    """Play the tones of a key."""
    call.play(KeyTone(key))
    await asyncio.sleep(seconds)
    call.play(QUIET)


async def both_ways(call: Call, key: str) -> None:
    """Send a key in the stream, and 50 ms after its beginning as SIP INFO."""

    async def as_message() -> None:
        await asyncio.sleep(0.05)
        await call.press(key, via="info")

    await asyncio.gather(call.press(key), as_message())


async def waits(hotline: Hotline, caller: str) -> tuple[str, str]:
    """The queue and the category of the caller, who waits."""
    row: dict[str, Any] = await hotline.queued(caller)
    shown = await hotline.request("GET", f"/api/v1/calls/{row['id']}")
    return row["queue"], shown["category"]


async def test_a_key_that_comes_both_ways_counts_once(hotline: Hotline) -> None:
    async with hotline.caller("13800135017") as phone:
        call = await phone.dial("4008001234")
        await hears(call, "language")
        await both_ways(call, "1")
        await hears(call, "menu-complaint")
        await both_ways(call, "4")
        assert await waits(hotline, "13800135017") == ("complaint", "attitude")
        await call.hangup()


@pytest.mark.parametrize("codec", [ALAW, ULAW], ids=lambda codec: codec.name)
async def test_keys_are_heard_in_the_sound_where_the_telephone_offers_no_events(hotline: Hotline, codec: Codec) -> None:
    number = f"1380013501{codec.payload_type}"
    async with hotline.caller(number) as phone:
        phone.codecs, phone.events = (codec.payload_type,), False
        call = await phone.dial("4008001234")
        await hears(call, "language")
        await in_sound(call, "1")
        await hears(call, "menu-complaint")
        await in_sound(call, "4")
        assert await waits(hotline, number) == ("complaint", "attitude")
        await call.hangup()


async def test_speech_presses_no_key_where_keys_are_heard_in_the_sound(hotline: Hotline, tmp_path: Path) -> None:
    """Half a minute of speech, 6 dB louder than it is, into questions to which any key but 1 is wrong."""
    files = sorted((PROMPTS / "zh").glob("*.wav"), key=lambda file: file.stat().st_size)[-6:]
    speech = np.concatenate([soundfile.read(file, dtype="float32")[0] for file in files])
    soundfile.write(tmp_path / "speech.wav", np.clip(2 * speech, -1, 1), 8000, subtype="PCM_16")
    async with hotline.caller("13800132006") as phone:
        phone.events = False
        call = await phone.dial("4008001234", source=Wave(tmp_path / "speech.wav"))
        await call.ended(40)
        heard = await said(call, ["no-input", "no-match", "too-many-tries"])
    assert heard == ["no-input", "too-many-tries"]
    assert (await hotline.ended_call("13800132006"))["outcome"] == "in_ivr"
