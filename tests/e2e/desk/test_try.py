"""A caller's phone in the page: it dials the hotline, hears it, keys a menu, and is a caller on the floor."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import add_user, shoot, sign_in, violations

pytestmark = pytest.mark.e2e


async def _call(hotline: Hotline) -> dict[str, Any]:
    """The call of the page, as soon as the floor has it in a queue."""
    for _ in range(200):
        for call in (await hotline.request("GET", "/api/v1/floor"))["waiting"]:
            if str(call["caller"]).endswith("13800000001"):
                return dict(call)
        await asyncio.sleep(0.2)
    raise AssertionError("the page's call came to no queue")


async def test_the_page_calls_as_a_customer_does(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    await sign_in(page, await add_user(hotline, "boss", "administrator", display="王经理"), "/try")
    await page.get_by_test_id("try-dial").click()
    await expect(page.get_by_test_id("try-state")).to_contain_text("通话中", timeout=20_000)
    for key in "14":
        await expect(page.get_by_test_id("try-call")).to_be_visible(timeout=20_000)
        await page.get_by_test_id(f"try-key-{key}").click()
    call = await _call(hotline)
    assert (call["queue"], call["category"]) == ("complaint", "attitude")
    await expect(page.get_by_test_id("try-call")).to_contain_text("投诉")
    assert await violations(page) == []
    await shoot(page, "try")
    await page.get_by_test_id("try-hangup").click()
    await expect(page.get_by_test_id("try-state")).to_contain_text("已结束")
