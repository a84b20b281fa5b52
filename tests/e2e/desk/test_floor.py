"""The floor in a browser: what a supervisor sees of real calls, and does about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from softphone.audio import Tone
from softphone.call import Call
from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import LANGUAGES, add_user, shoot, sign_in, violations

pytestmark = pytest.mark.e2e
CALLER = "13800138301"


@pytest_asyncio.fixture(loop_scope="session")
async def supervisor(hotline: Hotline) -> str:
    """A supervisor who can sign in; the user's name."""
    return await add_user(hotline, "li.na", "supervisor", display="李娜")


@pytest_asyncio.fixture(loop_scope="session")
async def waiting(hotline: Hotline) -> AsyncIterator[tuple[Call, int]]:
    """A caller who waits for a complaint agent, and the call's number."""
    async with hotline.caller(CALLER) as caller:
        call = await caller.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        row = await hotline.queued(CALLER)
        yield call, row["id"]


async def test_a_waiting_caller_is_seen_explained_and_given_to_an_agent(
    page: Page, hotline: Hotline, supervisor: str, waiting: tuple[Call, int]
) -> None:
    _, number = waiting
    await sign_in(page, supervisor, "/floor")
    row = page.get_by_test_id(f"floor-call-{number}")
    await expect(row).to_contain_text(CALLER)
    await expect(row).to_contain_text("投诉")
    await row.click()
    await page.get_by_test_id("why-call").click()
    told = page.get_by_test_id("why-told")
    await expect(told).to_contain_text("排第 1 位")
    assert await violations(page) == []
    await shoot(page, "floor-waiting")
    # An agent without the skill, who is given the call by hand.
    async with hotline.agent("4301", inquiry=3) as phone:
        await expect(page.get_by_test_id("floor-agent-4301")).to_contain_text("空闲")
        await page.get_by_test_id("call-pull").click()
        await page.get_by_test_id("pull-agent").click()
        await page.get_by_role("option", name="4301").click()
        await page.get_by_test_id("reason").fill("熟悉这位客户")
        await page.get_by_test_id("reason-confirm").click()
        # The dialog closes when the server has offered the call; it stays, and says why, where it has not.
        await expect(page.get_by_test_id("reason-confirm")).to_be_hidden(timeout=20_000)
        ringing = await phone.incoming()
        await ringing.answer(Tone(600))
        await expect(page.get_by_test_id("floor-agent-4301")).to_contain_text("通话中")
        await page.get_by_test_id("calls-talking").click()
        await expect(row).to_contain_text("通话")
        await expect(page.get_by_test_id("call-listen")).to_be_visible()
        await page.get_by_test_id("why-call").click()
        await expect(told).to_contain_text("4301")
        await shoot(page, "floor-talking")
        await ringing.hangup()
        await expect(row).to_be_hidden()


async def test_callback_mode_is_switched_with_its_reason_and_another_s_choice_is_told(
    page: Page, hotline: Hotline, supervisor: str
) -> None:
    await sign_in(page, supervisor, "/floor")
    now = page.get_by_test_id("mode-now")
    await expect(now).to_contain_text("自动")
    try:
        await page.get_by_test_id("mode-on").click()
        await page.get_by_test_id("mode-apply").click()
        await expect(page.get_by_text("强制开启或关闭要写明原因")).to_be_visible()
        await page.get_by_test_id("mode-reason").fill("媒体报道")
        await page.get_by_test_id("mode-apply").click()
        await expect(now).to_contain_text("媒体报道")
        assert (await hotline.request("GET", "/api/v1/callback-mode"))["items"][0]["mode"] == "on"
        # Two supervisors at once: the other one's choice is told, what was typed stays.
        await page.get_by_test_id("mode-reason").fill("高峰已过")
        await page.get_by_test_id("mode-off").click()
        body = {"scope": "all", "mode": "auto", "reason": "the other supervisor"}
        await hotline.request("PUT", "/api/v1/callback-mode", body)
        await expect(page.get_by_test_id("mode-crossed")).to_be_visible()
        await expect(page.get_by_test_id("mode-reason")).to_have_value("高峰已过")
        assert await violations(page) == []
        await shoot(page, "floor-mode")
    finally:
        await hotline.request("PUT", "/api/v1/callback-mode", {"scope": "all", "mode": "auto", "reason": "test over"})


async def test_an_agent_is_sent_on_a_break_and_gets_another_skill(
    page: Page, hotline: Hotline, supervisor: str
) -> None:
    async with hotline.agent("4302", inquiry=3):
        await sign_in(page, supervisor, "/floor")
        await page.get_by_test_id("floor-agent-4302").click()
        await expect(page.get_by_test_id("agent-panel")).to_contain_text("4302")
        await page.get_by_test_id("force-break").click()
        await page.get_by_test_id("reason").fill("培训")
        await page.get_by_test_id("reason-confirm").click()
        await expect(page.get_by_test_id("floor-agent-4302")).to_contain_text("小休")
        await hotline.agent_is("4302", status="break")
        await page.get_by_test_id("change-skills").click()
        assert await violations(page) == []
        await shoot(page, "floor-skills")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_floor_callbacks_and_wallboard_are_accessible_in_both_languages(
    page: Page, hotline: Hotline, supervisor: str, language: str
) -> None:
    later = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT02:00:00Z}"
    for number, reason in (("13800138302", "扣费不明"), ("13800138303", "退款进度")):
        body = {"number": number, "queue": "complaint", "category": "process", "reason": reason}
        await hotline.request("POST", "/api/v1/callbacks", {**body, "after": later})
    await sign_in(page, supervisor, f"/floor?lang={language}")
    found = {}
    for name in ("floor", "callbacks", "wallboard"):
        await page.goto(f"/{name}?lang={language}")
        if name == "callbacks":
            await page.get_by_text("13800138302").click()
            await expect(page.get_by_test_id("callback-panel")).to_contain_text("13800138302")
        elif name == "wallboard":
            await expect(page.get_by_test_id("wall-waiting")).to_be_visible()
        else:
            await expect(page.get_by_test_id("mode-now")).to_be_visible()
        if wrong := await violations(page):
            found[name] = wrong
        await shoot(page, name, language=language)
    assert found == {}


async def test_a_wallboard_reads_with_its_own_token_and_nobody_signs_in(page: Page, hotline: Hotline) -> None:
    body = {"role": "service", "name": "wallboard in the hall", "scopes": ["wallboard.read"]}
    token = (await hotline.request("POST", "/api/v1/tokens", body))["token"]
    await page.goto(f"/wallboard#token={token}")
    await expect(page.get_by_test_id("wall-waiting")).to_be_visible()
    assert "token" not in page.url
