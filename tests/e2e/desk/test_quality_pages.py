"""Quality, reports and own calls in a browser: a sample is scored by keyboard, and the sums of a report are calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page, expect

from softphone.audio import Tone
from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import LANGUAGES, add_user, shoot, sign_in, violations

pytestmark = pytest.mark.e2e
AGENT = "4301"
QUALITY = ("samples", "calibration", "appeals", "plans", "figures", "training")
REPORTS = ("day", "week", "month", "range", "shift", "hourly", "complaints", "callback", "book", "exports")
MINE = ("calls", "scores", "bulletins")
SMALL = ((1366, 768),)


async def conversation(hotline: Hotline, number: str) -> dict[str, Any]:
    """A call with a few seconds of conversation and its recording, as the records have it."""
    async with hotline.agent(AGENT, complaint=5, attitude=3) as agent, hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(1000))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        ringing = await agent.incoming()
        await ringing.answer(Tone(600))
        said = len(ringing.rtp.samples())
        await hotline.until(lambda: len(ringing.rtp.samples()) > said + 24000, "three seconds are heard")
        await call.hangup()
    return await hotline.ended_call(number)


async def drawn(hotline: Hotline, number: str, plan: str) -> dict[str, Any]:
    """A call that this plan drew today, for the reviewer."""
    call = await conversation(hotline, number)
    today = (await hotline.request("GET", "/api/v1/reports/day"))["day"]
    body = {"name": plan, "period": "day", "per_agent": 10, "seed": "2027-spring", "shortest": 1, "risk_least": 0}
    await hotline.request("POST", "/api/v1/qa/plans", body)
    job = await hotline.request("POST", "/api/v1/qa/jobs", {"plan": plan, "period": today})
    assert call["id"] in job["calls"]
    return call


async def test_a_sample_is_scored_by_keyboard(page: Page, hotline: Hotline) -> None:
    call = await drawn(hotline, "13800138431", "daily")
    await add_user(hotline, "reviewer", "qa", display="质检员")
    await sign_in(page, "reviewer", "/qa/samples")
    await page.get_by_test_id(f"sample-{call['id']}").click()
    await expect(page.get_by_test_id("call-sound").locator("svg.tracks")).to_be_visible()
    form = await hotline.request("GET", "/api/v1/qa/forms/complaint")
    questions = [each for section in form["sections"] for each in section["questions"]]
    await expect(page.get_by_test_id(f"question-{questions[0]['id']}")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("m")
    for each in questions:
        await page.keyboard.press(str(each["levels"] + 1))
    await expect(page.get_by_test_id("tally")).to_contain_text("100")
    await expect(page.get_by_test_id("draft-state")).to_contain_text("草稿已保存")
    await page.keyboard.press("Space")
    await page.keyboard.press("]")
    assert await violations(page) == []
    await shoot(page, "qa-score")
    score = (await hotline.request("GET", f"/api/v1/qa/scores?call={call['id']}"))["items"][0]
    assert score["state"] == "draft"
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_test_id("review-desk")).to_be_hidden()
    score = await hotline.request("GET", f"/api/v1/qa/scores/{score['id']}")
    assert (score["state"], score["score"], score["reviewer"]) == ("submitted", 100.0, "reviewer")
    assert [each["question"] for each in score["first"]["marks"] if each["at"]] == [questions[0]["id"]]


async def test_a_reports_sums_are_its_calls(page: Page, hotline: Hotline) -> None:
    await conversation(hotline, "13800138432")
    await add_user(hotline, "head", "supervisor", display="主管")
    await sign_in(page, "head", "/reports/day")
    report = await hotline.request("GET", "/api/v1/reports/day")
    total = report["total"]
    assert total["answered"] > 0
    assert sum(each["calls"] for each in report["intervals"]) == total["calls"]
    for figure in ("calls", "answered", "abandoned"):
        cell = page.get_by_test_id(f"total-{figure}")
        await expect(cell).to_contain_text(str(total[figure]))
        if total[figure] == 0:
            await expect(cell).to_be_disabled()  # there is nothing to lead to
            continue
        await cell.click()
        count = page.get_by_test_id("drill-count")
        await expect(count).to_contain_text(f"共 {total[figure]} 通")
        if figure == "answered":
            assert await violations(page) == []
            await shoot(page, "reports-drill", SMALL)
        await page.keyboard.press("Escape")
        await expect(count).to_be_hidden()
    await page.get_by_test_id("report-agents").click()
    cell = page.get_by_test_id(f"row-{AGENT}").locator("[data-figure=signed_in]")
    await cell.click()
    await expect(page.get_by_test_id("drill-count")).to_contain_text("条记录得出")
    assert await violations(page) == []
    await shoot(page, "reports-drill-times", SMALL)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_part_is_accessible_in_both_languages(page: Page, hotline: Hotline, language: str) -> None:
    await add_user(hotline, "head", "supervisor", display="主管")
    found: dict[str, list[str]] = {}
    await sign_in(page, "head", f"/qa/samples?lang={language}")
    for base, parts in (("qa", QUALITY), ("reports", REPORTS)):
        await page.get_by_test_id(f"nav-{base}").click()
        for part in parts:
            await look(page, base, part, language, found)
    assert found == {}


async def test_ones_own_calls_scores_and_bulletins(page: Page, hotline: Hotline) -> None:
    call = await conversation(hotline, "13800138433")
    body = {"name": "Agent", "skills": {"complaint": 5}, "teams": []}
    await hotline.request("PUT", f"/api/v1/agents/{AGENT}", body)
    text = {"title": "系统维护", "text": f"{datetime.now(UTC):%d} 日 22 点维护，请用备用话术。"}
    bulletin = await hotline.request("POST", "/api/v1/bulletins", text)
    await add_user(hotline, "mei", "agent", agent=AGENT, display="梅")
    found: dict[str, list[str]] = {}
    try:
        await sign_in(page, "mei", "/mine/calls")
        await page.get_by_test_id(f"mine-call-{call['id']}").click()
        await expect(page.get_by_test_id("heard").locator("svg.tracks")).to_be_visible()
        for part in MINE:
            await look(page, "mine", part, "zh-CN", found)
        await page.get_by_test_id(f"read-{bulletin['id']}").click()
        await expect(page.get_by_test_id(f"bulletin-{bulletin['id']}")).to_contain_text("已阅读")
        assert found == {}
    finally:
        await hotline.request("DELETE", f"/api/v1/agents/{AGENT}")


async def look(page: Page, base: str, part: str, language: str, found: dict[str, list[str]]) -> None:
    """Open a part of a page, ask axe about it, and take its picture."""
    await page.get_by_test_id(f"{base}-{part}").click()
    await expect(page.locator(f"[data-testid={base}-{part}][aria-current=page]")).to_be_visible()
    await expect(page.locator(".content .panel").first).to_be_visible()
    if wrong := await violations(page):
        found[f"{base} {part}"] = wrong
    await shoot(page, f"{base}-{part}", SMALL, language=language)
