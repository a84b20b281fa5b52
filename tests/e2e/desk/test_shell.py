"""The frame around the pages: who sees which page, the status, keys, search; a session that ends loses nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import LANGUAGES, PASSWORD, add_user, shoot, sign_in, violations

pytestmark = pytest.mark.e2e


@pytest_asyncio.fixture(loop_scope="session")
async def agent(hotline: Hotline) -> AsyncIterator[str]:
    """An agent who can sign in; the user's name."""
    number = "4101"
    await hotline.request("PUT", f"/api/v1/agents/{number}", {"name": "王芳", "skills": {"complaint": 5}})
    name = "wang.fang"
    if name not in [each["name"] for each in (await hotline.request("GET", "/api/v1/users"))["items"]]:
        await add_user(hotline, name, "agent", agent=number, display="王芳")
    yield name
    await hotline.request("DELETE", f"/api/v1/agents/{number}")


async def test_an_agent_changes_the_status_in_the_bar_and_by_keys(page: Page, hotline: Hotline, agent: str) -> None:
    await sign_in(page, agent)
    await expect(page).to_have_url(f"{hotline.api}/desk")
    status = page.get_by_test_id("status")
    await expect(status).to_have_attribute("data-status", "signed_out")
    await status.click()
    assert await violations(page) == []
    await page.get_by_test_id("status-available").click()
    await expect(status).to_have_attribute("data-status", "available")
    await hotline.agent_is("4101", status="available")
    await page.keyboard.press("Alt+3")
    await expect(status).to_contain_text("小休 · 休息")
    await hotline.agent_is("4101", status="break", reason="rest")
    await shoot(page, "shell-agent")
    await page.keyboard.press("Alt+5")
    await expect(status).to_have_attribute("data-status", "signed_out")


async def test_the_rail_shows_what_the_role_may_see(page: Page, hotline: Hotline, agent: str) -> None:
    await sign_in(page, agent)
    rail = page.get_by_role("navigation")
    await expect(rail.get_by_test_id("nav-desk")).to_be_visible()
    assert "nav-admin" not in [await each.get_attribute("data-testid") for each in await rail.get_by_role("link").all()]
    await page.get_by_test_id("person").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("login-user")).to_be_visible()
    await add_user(hotline, "head", "administrator", display="管理员")
    await page.get_by_test_id("login-user").fill("head")
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.get_by_test_id("login-submit").click()
    await expect(rail.get_by_test_id("nav-admin")).to_be_visible()
    await expect(rail.get_by_test_id("nav-desk")).to_have_count(0)
    await expect(page.get_by_test_id("light")).to_have_text("实时")


async def test_a_session_that_is_about_to_end_says_so_and_one_click_stays(page: Page, hotline: Hotline) -> None:
    name = "zhou.qi"
    if name not in [each["name"] for each in (await hotline.request("GET", "/api/v1/users"))["items"]]:
        await add_user(hotline, name, "supervisor", display="周琪")
    left, evening = ({"idle": idle, "day": day, "after": 1800} for idle, day in ((90, 30_000), (1800, 100)))
    await page.route("**/api/v1/session/left", lambda route: route.fulfill(json=left))
    await sign_in(page, name, "/knowledge")
    note = page.get_by_test_id("stay-note")
    await expect(note).to_contain_text("即将自动退出登录", timeout=15_000)
    assert await violations(page) == []
    for language in LANGUAGES:
        if language == "en":
            await page.unroute_all()
            await page.get_by_test_id("stay").click()
            await expect(note).to_have_count(0)
            await page.route("**/api/v1/session/left", lambda route: route.fulfill(json=evening))
            await page.goto("/knowledge?lang=en")
            await expect(note).to_contain_text("The sign-in is about to end", timeout=15_000)
            await expect(page.get_by_test_id("stay")).to_have_count(0)
        await shoot(page, "stay", language=language)


async def test_search_and_help_open_by_their_keys_and_a_key_can_be_changed(page: Page, agent: str) -> None:
    await sign_in(page, agent, "/?lang=en")
    await page.keyboard.press("Control+k")
    search = page.get_by_test_id("search")
    await expect(search).to_be_focused()
    await search.fill("tick")
    await expect(page.get_by_role("option")).to_have_count(1)
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/tickets$"))
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    await expect(dialog).to_be_visible()
    assert await violations(page) == []
    await shoot(page, "keys", language="en")
    await dialog.get_by_role("button", name="F8").click()
    await page.keyboard.press("F2")
    await expect(dialog.get_by_role("alert")).to_contain_text("F2 is taken")
    await page.keyboard.press("F7")
    await expect(dialog.get_by_role("button", name="F7")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("person")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys").get_by_role("button", name="F7")).to_be_visible()


async def test_a_session_that_ends_asks_for_the_password_over_the_page(
    page: Page, hotline: Hotline, agent: str
) -> None:
    await sign_in(page, agent)
    rail = page.get_by_role("navigation")
    await rail.get_by_test_id("nav-knowledge").click()
    for each in (await hotline.request("GET", "/api/v1/sessions"))["items"]:
        if each["user"] == agent:
            await hotline.request("DELETE", f"/api/v1/sessions/{each['id']}")
    await expect(page.get_by_test_id("login-password")).to_be_visible()
    await expect(page.get_by_text("未保存的内容都还在")).to_be_visible()
    await expect(rail).to_be_attached()
    assert await violations(page) == []
    await shoot(page, "session-over", ((1366, 768),))
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("login-password")).to_have_count(0, timeout=20_000)
    await expect(page).to_have_url(f"{hotline.api}/knowledge")
    await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "ready", timeout=20_000)
    await expect(page.get_by_test_id("light")).to_have_text("实时")
