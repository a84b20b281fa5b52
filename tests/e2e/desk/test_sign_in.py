"""The sign-in page opens in both languages, for everybody, and under its own policy."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.desk.browsing import LANGUAGES, shoot, violations

pytestmark = pytest.mark.e2e
WORDS = {"zh-CN": ("用户名", "登录"), "en": ("User", "Sign in")}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_sign_in_page_opens_without_a_complaint_and_is_accessible(page: Page, language: str) -> None:
    answer = await page.goto(f"/desk?lang={language}")
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    user, submit = WORDS[language]
    await expect(page.get_by_label(user)).to_be_focused()
    await expect(page.get_by_test_id("login-submit")).to_have_text(submit)
    await expect(page.locator("html")).to_have_attribute("lang", language)
    assert await violations(page) == []
    await shoot(page, "sign-in", language=language)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_server_that_stands_by_says_where_people_sign_in(page: Page, language: str) -> None:
    told = {"sign_in": ["password"], "problem": None, "zone": "Asia/Shanghai"}
    told |= {"standing_by": "this server stands by, hotline-2 leads: ask the server that leads"}
    told |= {"leader": "https://hotline-2.example.com"}
    await page.route("**/api/v1/session/ways", lambda route: route.fulfill(json=told))
    await page.goto(f"/desk?lang={language}")
    await expect(page.get_by_test_id("standing-by")).to_contain_text("hotline-2 leads")
    await expect(page.get_by_test_id("leader")).to_have_attribute(
        "href", f"https://hotline-2.example.com/desk?lang={language}"
    )
    assert await violations(page) == []
    await shoot(page, "standing-by", sizes=[(1366, 768)], language=language)


async def test_empty_fields_are_asked_for_before_anything_is_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    await page.goto("/?lang=en")
    await page.get_by_test_id("login-submit").click()
    await expect(page.get_by_text("Enter the user name")).to_be_visible()
    await expect(page.get_by_test_id("login-user")).to_be_focused()
    await page.get_by_test_id("login-user").fill("admin")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Enter the password")).to_be_visible()
    assert "POST" not in sent


async def test_the_language_is_changed_on_the_page_and_kept(page: Page) -> None:
    await page.goto("/")
    await page.get_by_test_id("language").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Sign in"))
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Sign in"))
