"""No server, or a line that is full: no caller hears silence or busy, and no number is lost or imported twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import soundfile

from server.hotline.definitions import PROMPTS
from softphone.audio import Tone
from softphone.call import Call
from softphone.phone import Answer
from tests.e2e import brisk
from tests.e2e.conftest import hears_tone
from tests.e2e.hearing import hears, now, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

LIMITS = """
[admission]
max_calls = 2
max_calls_per_second = 10
server_away_seconds = 2
"""


async def test_a_number_is_taken_while_no_server_is_there_and_when_the_line_is_full(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline()
    brisk.install(hotline.home)
    with (hotline.home / "hotline.toml").open("a", encoding="utf-8") as file:
        file.write(LIMITS)
    await asyncio.to_thread(hotline.start)
    one, two, three = "13800131051", "13800131052", "13800131053"
    async with (
        hotline.agent("2051", complaint=9) as agent,
        hotline.caller(one) as first,
        hotline.caller(two) as second,
        hotline.caller(three) as third,
    ):
        agent.on_invite = Answer(0.1, Tone(600))
        talking = await first.dial("4008001234", source=Tone(1000))
        await hears_tone(talking, 600)
        waiting = await second.dial("4008001234", source=Tone(1000))
        await hotline.queued(two)

        # The third is one too many: told so, and may leave a number. The others notice nothing.
        full = await third.dial("4008001234", source=Tone(1000))
        await hears(full, "line-full")
        await _agree(hotline, full, "line-full-number")
        await hears(full, "fallback-category")
        await full.press("2")
        await full.ended(15)
        refused = await hotline.ended_call(three)
        assert (refused["outcome"], refused["numbers"][0]["source"]) == ("callback", "line_full")
        assert not await said(full, ["fallback-sorry"])
        assert len(_called(hotline, "4008001234")) == 3, "with the number that was taken the call has one row"
        await hears_tone(talking, 600)
        assert waiting.state.name == "TALKING"
        await waiting.hangup()

        # The server dies: a new caller hears music, then is asked for a number; the conversation goes on.
        await asyncio.to_thread(hotline.kill)
        away = await second.dial("4008009999", source=Tone(1000))
        await away.answered()
        await away.heard()
        await _agree(hotline, away)
        await hears(away, "fallback-category")
        await away.press("4")
        await hears(away, "fallback-thanks")
        await away.ended(15)
        assert (await said(away, ["fallback-thanks", "goodbye"]))[-1] == "goodbye"
        await hears_tone(talking, 600)
        spool = list((hotline.home).rglob("callbacks/*.json"))
        assert len(spool) == 1
        entry = spool[0].read_text(encoding="utf-8")

        await asyncio.to_thread(hotline.start)
        shown = await hotline.until(
            lambda: (
                (row := hotline.newest(two)) and row["called"] == "4008009999" and hotline.records.call_show(row["id"])
            ),
            "the number is in the log",
        )
        assert (shown["outcome"], shown["category"]) == ("callback", "attitude")
        assert shown["numbers"][0]["source"] == "fallback"
        # The same entry once more, as after a crash between taking it in and removing it.
        spool[0].write_text(entry, encoding="utf-8")
        await hotline.until(lambda: not spool[0].exists(), "the entry is removed again")
        assert len(_called(hotline, "4008009999")) == 1
        await hears_tone(talking, 600)
        await talking.hangup()
    assert (await hotline.ended_call(one))["outcome"] == "handled"
    assert hotline.stop() == 0


async def _agree(hotline: Hotline, call: Call, asked: str = "fallback-sorry") -> None:
    """Hear the apology, and agree to the own number as soon as it is said."""
    sorry = await hears(call, asked, within=20)
    length = soundfile.info(PROMPTS / "zh" / f"{asked}.wav").duration
    await hotline.until(lambda: now(call) > sorry.at + length + 1, "the number is being said")
    await call.press("1")


def _called(hotline: Hotline, number: str) -> list[dict[str, Any]]:
    return [row for row in hotline.records.call_list(limit=100).items if row["called"] == number]
