"""The hotline is stopped while callers wait: they hear so, and their numbers are in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


async def test_a_caller_who_waits_when_the_hotline_is_stopped_is_promised_a_callback(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline(SANSHENG_DRAIN_SECONDS="20")
    hotline.start()
    async with hotline.agent("1001", status="break", complaint=5), hotline.caller("13800138077") as caller:
        call = await caller.dial("4008001234")
        await call.answered()
        await call.heard()
        await call.press("14")
        await hotline.until(lambda: _waits(hotline), "the caller waits")
        stopped = asyncio.ensure_future(asyncio.to_thread(hotline.stop))
        await call.ended(25)
        assert await stopped == 0
    shown = hotline.records.call_list().items[0]
    assert shown["outcome"] == "callback"
    detail = hotline.records.call_show(shown["id"])
    assert detail is not None
    assert [each["number"] for each in detail["numbers"]] == ["13800138077"]


def _waits(hotline: Hotline) -> bool:
    rows = hotline.records.call_list().items
    return bool(rows) and rows[0]["queued_at"] is not None
