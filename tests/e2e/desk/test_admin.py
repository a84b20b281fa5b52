"""Administration in a browser: a change is checked, published and undone; a flow is tried; every page is accessible."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e import brisk
from tests.e2e.conftest import Hotline, make_home, running
from tests.e2e.desk.browsing import LANGUAGES, add_user, shoot, sign_in, violations

pytestmark = pytest.mark.e2e
PARTS = (
    *("people", "queues", "menus", "prompts", "calendar", "categories", "breaks", "tickets", "callback", "trunks"),
    *("forms", "files"),
    "versions",
)


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    """A hotline whose definitions these tests publish and undo."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    with running(hotline):
        yield hotline


async def boss(page: Page, hotline: Hotline, tmp_path: Path, at: str, language: str = "zh-CN") -> None:
    """An administrator is signed in, and looks at this page."""
    await sign_in(page, await add_user(hotline, "boss", "administrator", display="王经理"), f"{at}?lang={language}")
    await expect(page.get_by_test_id("admin-queues")).to_be_visible()


async def test_a_change_is_checked_published_and_undone(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    file = hotline.home / "hotline.toml"
    before = file.read_text(encoding="utf-8")
    await boss(page, hotline, tmp_path, "/admin/queues")
    ring = page.get_by_test_id("setting-queues.complaint.ring_for")
    await page.get_by_test_id("group-queues-complaint").click()
    await ring.locator("input").fill("25")
    await ring.locator("input").press("Enter")
    await expect(page.get_by_test_id("draft-bar")).to_be_visible()
    await page.get_by_test_id("draft-check").click()
    await expect(page.get_by_text("检查通过")).to_be_visible()
    await page.get_by_test_id("draft-reason").fill("电话多响一会")
    assert await violations(page) == []
    await shoot(page, "admin-check")
    await page.get_by_test_id("draft-publish").click()
    await expect(page.get_by_test_id("draft-bar")).to_be_hidden()
    changed = [line for line in file.read_text(encoding="utf-8").splitlines() if line not in before.splitlines()]
    assert changed == ["ring_for = 25"]
    await page.get_by_test_id("admin-versions").click()
    await expect(page.get_by_role("row").filter(has_text="电话多响一会")).to_be_visible()
    await page.get_by_test_id("undo-last").click()
    await page.get_by_test_id("reason-confirm").click()
    await expect(page.get_by_role("row").filter(has_text="恢复到版本")).to_be_visible()
    assert file.read_text(encoding="utf-8") == before


async def test_an_editor_who_comes_second_is_told_and_loses_nothing(
    page: Page, hotline: Hotline, tmp_path: Path
) -> None:
    begun = (await hotline.request("GET", "/api/v1/definitions"))["version"]
    await boss(page, hotline, tmp_path, "/admin/callback")
    field = page.get_by_test_id("setting-callback.per_day").locator("input")
    await field.fill("1500")
    await field.press("Enter")
    await expect(page.get_by_test_id("draft-bar")).to_be_visible()
    await page.get_by_test_id("draft-check").click()
    await expect(page.get_by_test_id("draft-publish")).to_be_enabled()
    await hotline.command("definitions", "publish", "--set", "callback.attempts=4", "--reason", "the other one")
    await page.get_by_test_id("draft-publish").click()
    await expect(page.get_by_text("the other one")).to_be_visible()
    await page.get_by_test_id("draft-again").click()
    await page.get_by_test_id("draft-publish").click()
    await expect(page.get_by_test_id("draft-bar")).to_be_hidden()
    text = (hotline.home / "hotline.toml").read_text(encoding="utf-8")
    assert "per_day = 1500" in text
    assert "\nattempts = 4" in text
    await hotline.command("definitions", "undo", "--to", str(begun))


async def test_a_flow_is_seen_and_tried(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    await boss(page, hotline, tmp_path, "/admin/menus")
    await expect(page.get_by_test_id("flow-picture")).to_be_visible()
    await page.get_by_test_id("flow-try-begin").click()
    for key in "14":
        await page.get_by_test_id(f"flow-key-{key}").click()
    await expect(page.get_by_text("进入队列 complaint，分类 attitude")).to_be_visible()
    assert await violations(page) == []
    await shoot(page, "admin-menus-tried")


async def test_an_upload_that_is_no_wav_is_refused_in_words(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    await boss(page, hotline, tmp_path, "/admin/prompts")
    await page.get_by_test_id("prompt-welcome").click()
    upload = page.get_by_test_id("prompt-upload")
    await upload.set_input_files({"name": "welcome.wav", "mimeType": "audio/wav", "buffer": b"no sound at all"})
    await expect(page.get_by_text("this is no WAV file")).to_be_visible()
    await shoot(page, "admin-no-wav")


async def test_a_prompt_is_recorded_by_the_microphone(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    await boss(page, hotline, tmp_path, "/admin/prompts")
    await page.get_by_test_id("prompt-goodbye").click()
    record = page.get_by_test_id("prompt-record")
    await record.click()
    await expect(record).to_have_text("停止并使用", timeout=20_000)
    await page.wait_for_timeout(1500)  # the fake microphone beeps once a second
    await record.click()
    await expect(page.get_by_text("录制").first).to_be_visible(timeout=20_000)
    (made,) = (await hotline.request("GET", "/api/v1/prompt-sounds/goodbye/zh/versions"))["items"]
    assert (made["how"], made["rate"], made["by"]) == ("recorded", 8000, "boss")
    assert 0.8 < made["seconds"] < 10
    assert (hotline.home / "prompts" / "zh" / "goodbye.wav").exists()
    await page.get_by_test_id("prompt-product").click()
    await expect(page.get_by_test_id("prompt-product")).to_be_hidden()


async def test_an_overflow_is_edited_row_by_row(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    await boss(page, hotline, tmp_path, "/admin/queues")
    await page.get_by_test_id("group-queues-inquiry").click()
    rows = page.get_by_test_id("setting-queues.inquiry.overflow")
    await rows.get_by_test_id("row-add").click()
    await expect(rows.get_by_role("row")).to_have_count(3)
    amount = rows.get_by_role("row").last.locator(".amount input")
    await amount.fill("90")
    await amount.press("Enter")
    await page.get_by_test_id("draft-check").click()
    await expect(page.get_by_text("检查通过")).to_be_visible()
    assert await violations(page) == []
    await shoot(page, "admin-rows-check")
    found = await page.evaluate("JSON.parse(localStorage.getItem('sansheng.admin.draft')).changes")
    assert found[0]["key"] == ["queues", "inquiry", "overflow"]
    assert found[0]["value"][-1] == {"after": 90, "to": "callback"}
    await page.keyboard.press("Escape")
    await shoot(page, "admin-rows")
    await page.get_by_test_id("draft-clear").click()
    await expect(page.get_by_test_id("draft-bar")).to_be_hidden()


async def test_a_form_gets_its_next_version(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    await boss(page, hotline, tmp_path, "/admin/forms")
    await page.get_by_test_id("form-edit").click()
    passing = page.get_by_test_id("form").locator(".heads .amount input").first
    await passing.fill("90")
    await passing.press("Enter")
    assert await violations(page) == []
    await shoot(page, "admin-form-edited")
    await page.get_by_test_id("form-add").click()
    await expect(page.get_by_text("第 2 版已启用", exact=True)).to_be_visible()
    form = await hotline.request("GET", "/api/v1/qa/forms/complaint")
    assert (form["version"], form["pass_mark"]) == (2, 90.0)
    before = await hotline.request("GET", "/api/v1/qa/forms/complaint?version=1")
    assert form["sections"] == before["sections"]


async def test_a_category_is_added_named_put_in_order_and_retired(page: Page, hotline: Hotline, tmp_path: Path) -> None:
    file = hotline.home / "hotline.toml"
    before = file.read_text(encoding="utf-8")
    await boss(page, hotline, tmp_path, "/admin/categories")
    rows = page.get_by_test_id("setting-categories")
    await rows.locator(".add input").fill("refund")
    await rows.get_by_test_id("row-add").click()
    row = rows.get_by_role("row").filter(has_text="refund")
    for at, words in enumerate(("退款慢", "Slow refund")):
        await row.locator("td.text input").nth(at).fill(words)
        await row.locator("td.text input").nth(at).press("Enter")
    await row.locator("td.choice .el-select").click()
    await page.get_by_role("option", name="业务流程").click()
    usage = rows.get_by_role("row").filter(has_text="usage")
    await expect(usage.locator(".el-button--danger")).to_have_count(0)
    await usage.locator("td.flag .el-switch").click()
    await usage.get_by_label("上移").click()
    await page.get_by_test_id("draft-check").click()
    await expect(page.get_by_text("检查通过")).to_be_visible()
    assert await violations(page) == []
    await shoot(page, "admin-categories-check")
    await page.get_by_test_id("draft-reason").fill("退款要单独统计")
    await page.get_by_test_id("draft-publish").click()
    await expect(page.get_by_test_id("draft-bar")).to_be_hidden()
    table = tomllib.loads(file.read_text(encoding="utf-8"))["categories"]
    assert list(table) == ["process", "system", "competence", "usage", "attitude", "refund"]
    assert table["refund"] == {"zh": "退款慢", "en": "Slow refund", "under": "process"}
    assert table["usage"]["retired"] is True
    offered = (await hotline.request("GET", "/api/v1/tickets/forms"))["categories"]
    assert offered == ["process", "system", "competence", "attitude", "refund", "unreasonable"]
    await page.goto("/knowledge")
    await page.get_by_test_id("article-add").click()
    await page.get_by_role("dialog").get_by_label("分类").click()
    await expect(page.get_by_role("option", name="业务流程 · 退款慢")).to_be_visible()
    await expect(page.get_by_role("option", name="使用不当")).to_have_count(0)
    await page.goto("/admin/versions")
    await expect(page.get_by_test_id("undo-last")).to_be_visible()
    undone = page.get_by_role("row").filter(has_text="恢复到版本")
    before_it = await undone.count()
    await page.get_by_test_id("undo-last").click()
    await page.get_by_test_id("reason-confirm").click()
    await expect(undone).to_have_count(before_it + 1)
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_part_is_accessible_in_both_languages(
    page: Page, hotline: Hotline, tmp_path: Path, language: str
) -> None:
    await boss(page, hotline, tmp_path, "/admin/people", language)
    found = {}
    for part in PARTS:
        await page.get_by_test_id(f"admin-{part}").click()
        await expect(page.locator(f"[data-testid=admin-{part}][aria-current=page]")).to_be_visible()
        await expect(page.locator(".content .panel").first).to_be_visible()
        if wrong := await violations(page):
            found[part] = wrong
        await shoot(page, f"admin-{part}", language=language)
    assert found == {}
