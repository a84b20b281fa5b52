"""A browser at the server that stands by: it names the one that leads, and leads there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, expect

from tests.e2e import brisk
from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import Complaints, add_user, shoot, sign_in, violations
from tests.faults.test_two_servers import together

pytestmark = pytest.mark.e2e


async def test_the_light_of_a_standby_names_the_leader_and_leads_to_the_same_page_there(
    browser: Browser, built: None, new_hotline: Callable[..., Hotline]
) -> None:
    first, second = new_hotline(), new_hotline()
    brisk.install(first.home)
    brisk.install(second.home)
    for each in (first, second):
        each.environment["SANSHENG_PUBLIC_URL"] = each.api
    async for _ in together(first, second):
        context = await browser.new_context(locale="zh-CN", reduced_motion="reduce", base_url=first.api)
        complaints = Complaints(context)
        page = await context.new_page()
        await sign_in(page, await add_user(first, "li.na", "supervisor"), "/floor")
        await expect(page.get_by_test_id("light")).to_have_text("实时")
        # A cookie is of the machine's name, whatever the port: who is signed in at one server is so at the other.
        await page.goto(f"{second.api}/floor")
        light = page.get_by_test_id("light")
        await expect(light).to_contain_text("备用")
        await expect(light).to_have_attribute("title", re.compile("stands by"))
        link = page.get_by_test_id("leader")
        await expect(link).to_have_attribute("href", f"{first.api}/floor")
        assert await violations(page) == []
        await shoot(page, "standby")
        await link.click()
        await page.wait_for_url(f"{first.api}/floor")
        await expect(page.get_by_test_id("light")).to_have_text("实时")
        await context.close()
        assert complaints.said == []
