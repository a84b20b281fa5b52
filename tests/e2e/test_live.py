"""Live rows of a whole hotline: an agent sees who calls before the phone rings, the floor sees the call to its end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from softphone.audio import Tone
from tests.e2e.conftest import hears_tone
from tests.server.web.live.listening import listening

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
CALLER, AGENT = 1000, 600


async def test_the_agent_sees_the_caller_before_the_phone_rings_and_the_floor_sees_it_all(hotline: Hotline) -> None:
    number = "13800131601"
    async with hotline.agent("2601", complaint=5) as phone, hotline.caller(number) as caller:
        made = await hotline.request(
            "POST", "/api/v1/tokens", {"name": "desk of 2601", "role": "agent", "agent": "2601"}
        )
        async with (
            listening(hotline.api, made["token"]) as desk,
            listening(hotline.api, (hotline.home / "secrets" / "api-token").read_text().strip()) as floor,
        ):
            call = await caller.dial("4008001234", source=Tone(CALLER))
            await call.answered()
            row = await floor.until(lambda page: _of(page, number))
            assert row["state"] == "ivr"
            await call.heard()
            for digit in "14":
                await call.press(digit)
            popped = asyncio.ensure_future(_popped(desk))
            leg = await phone.incoming()
            rang_at = time.monotonic()
            at, pop = await popped
            assert at <= rang_at + 0.25, "the pop comes with the offer; the phone rings after it"
            assert (pop["number"], pop["ticket"] is not None) == (number, True)
            assert [each["zh-CN"] for each in pop["pressed"]] == ["投诉", "服务态度"]
            await leg.answer(Tone(AGENT))
            await hears_tone(call, AGENT)
            await floor.until(lambda page: _of(page, number)["state"] == "talking")
            await call.hangup()
            await floor.until(lambda page: not _of(page, number))
            await desk.until(lambda page: page.rows["me"]["me"]["state"] in ("wrap_up", "idle"))


def _of(page, number):  # type: ignore[no-untyped-def]
    return next((row for row in page.rows["calls"].values() if row["number"] == number), None)


async def _popped(desk):  # type: ignore[no-untyped-def]
    pop = await desk.until(lambda page: page.rows["me"]["me"]["pop"])
    return time.monotonic(), pop
