"""Tickets, customers, knowledge in a browser: a dispatch in the page, an acknowledgement in the inbox, accessible."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import LANGUAGES, add_user, shoot, sign_in, violations

pytestmark = pytest.mark.e2e
TYPES = """
[tickets]
departments = ["customer service", "logistics"]
[ticket_types.re-delivery]
label = "补单"
departments = ["logistics"]
checklist = ["order_number"]
[ticket_types.re-delivery.fields]
order_number = { label = "订单号", longest = 30 }
pieces = { label = "件数", kind = "number", least = 1, most = 99 }
"""
TABLE = "姓名,电话,级别\n王伟,13900139001,vip\n李娜,none,\n"
PATIENCE = 30_000


@pytest_asyncio.fixture(loop_scope="session")
async def typed(hotline: Hotline) -> AsyncIterator[None]:
    """The hotline has a type of tickets, which needs an order's number before the dispatch."""
    file = hotline.home / "hotline.toml"
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text((before or "") + TYPES, encoding="utf-8")
    await hotline.request("POST", "/api/v1/definitions/reload")
    yield
    if before is None:
        file.unlink()
    else:
        file.write_text(before, encoding="utf-8")
    await hotline.request("POST", "/api/v1/definitions/reload")


async def opened(hotline: Hotline, **more: Any) -> int:
    body = {"caller": "13800138000", "type": "re-delivery", "category": "process", **more}
    return int((await hotline.request("POST", "/api/v1/tickets", body))["id"])


async def test_a_ticket_is_dispatched_in_the_page_and_acknowledged_in_the_inbox(
    page: Page, hotline: Hotline, typed: None
) -> None:
    page.set_default_timeout(PATIENCE)
    await add_user(hotline, "tang", "supervisor")
    await add_user(hotline, "ship", "department", department="logistics")
    ticket = await opened(hotline)
    await sign_in(page, "tang", f"/tickets/{ticket}")
    await page.get_by_test_id("ticket-dispatch").click()
    await expect(page.get_by_test_id("dispatch-checklist")).to_contain_text("订单号")
    await page.get_by_test_id("dispatch-checklist").get_by_test_id("field-order_number").fill("2027-7")
    await page.get_by_test_id("reason").fill("客户等着发货")

    # What is half typed into the dialog is there again after a reload.
    await expect(page.get_by_test_id("ticket-missing")).to_have_count(0)
    await page.reload()
    await page.get_by_test_id("ticket-dispatch").click()
    await expect(page.get_by_test_id("dispatch-checklist").get_by_test_id("field-order_number")).to_have_value("2027-7")
    await expect(page.get_by_test_id("dispatch-department")).to_contain_text("logistics")
    await expect(page.get_by_test_id("reason")).to_have_value("客户等着发货")
    await shoot(page, "ticket-dispatch")
    await page.get_by_test_id("reason-confirm").click()
    await expect(page.get_by_test_id("ticket-timeline")).to_contain_text("新建 → 已派单")
    shown = await hotline.request("GET", f"/api/v1/tickets/{ticket}")
    assert (shown["state"], shown["department"], shown["fields"]) == (
        "dispatched",
        "logistics",
        {"order_number": "2027-7"},
    )

    # Somebody else writes while this person types: told at once, and nothing is lost.
    await page.get_by_test_id("ticket-note").fill("客户在家等")
    await hotline.request("POST", f"/api/v1/tickets/{ticket}/notes", {"text": "the other one was first"})
    await expect(page.get_by_test_id("ticket-news")).to_contain_text("the other one was first")
    await expect(page.get_by_test_id("ticket-note")).to_have_value("客户在家等")
    await shoot(page, "ticket-changed")
    await page.reload()
    await expect(page.get_by_test_id("ticket-note")).to_have_value("客户在家等")
    await page.get_by_test_id("note-save").click()
    await expect(page.get_by_test_id("ticket-timeline")).to_contain_text("客户在家等")
    await expect(page.get_by_test_id("ticket-note")).to_have_value("")

    await page.context.clear_cookies()
    await sign_in(page, "ship", "/tickets")
    await expect(page.get_by_test_id("view-inbox")).to_have_attribute("aria-pressed", "true")
    assert await violations(page) == []
    await shoot(page, "ticket-inbox")
    await page.get_by_test_id(f"ticket-row-{ticket}").click()
    await page.get_by_test_id("ticket-acknowledge").click()
    await page.get_by_test_id("reason-confirm").click()
    await expect(page.get_by_test_id("ticket-timeline")).to_contain_text("已派单 → 已签收")
    await expect(page.get_by_test_id(f"ticket-row-{ticket}")).to_have_count(0)
    assert (await hotline.request("GET", f"/api/v1/tickets/{ticket}"))["state"] == "acknowledged"


async def test_chosen_tickets_are_dispatched_together_each_with_its_result(
    page: Page, hotline: Hotline, typed: None
) -> None:
    page.set_default_timeout(PATIENCE)
    await add_user(hotline, "tang", "supervisor")
    plain, lacking = await opened(hotline, type="", caller="13800138011"), await opened(hotline, caller="13800138012")
    await sign_in(page, "tang", "/tickets")
    await page.get_by_test_id("view-new").click()
    for each in (plain, lacking):
        await page.get_by_test_id(f"ticket-choose-{each}").click()
    await page.get_by_test_id("tickets-bulk").click()
    await page.get_by_test_id("bulk-department").click()
    await page.get_by_role("option", name="logistics").click()
    await page.get_by_test_id("bulk-confirm").click()
    await expect(page.get_by_test_id(f"bulk-result-{plain}")).to_contain_text("已派给 logistics")
    await expect(page.get_by_test_id(f"bulk-result-{lacking}")).to_contain_text("order_number")
    await shoot(page, "tickets-bulk")
    assert (await hotline.request("GET", f"/api/v1/tickets/{plain}"))["state"] == "dispatched"
    assert (await hotline.request("GET", f"/api/v1/tickets/{lacking}"))["state"] == "new"


async def test_a_table_of_customers_is_checked_before_it_is_taken_in(page: Page, hotline: Hotline) -> None:
    page.set_default_timeout(PATIENCE)
    await add_user(hotline, "tang", "supervisor")
    await sign_in(page, "tang", "/customers")
    await page.get_by_test_id("customers-import").click()
    table = {"name": "customers.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    await page.get_by_test_id("import-file").set_input_files([table])  # type: ignore[list-item]
    await expect(page.get_by_test_id("import-report")).to_contain_text("有问题的 1 行")
    await expect(page.get_by_test_id("import-take")).to_be_disabled()
    assert await violations(page) == []
    await shoot(page, "customers-import")
    await page.get_by_test_id("import-skip").click()
    await page.get_by_test_id("import-take").click()
    await expect(page.get_by_test_id("import-report")).to_contain_text("已导入")
    found = (await hotline.request("GET", "/api/v1/customers?number=13900139001"))["items"]
    assert [each["name"] for each in found] == ["王伟"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_accessible_in_both_languages(
    page: Page, hotline: Hotline, typed: None, language: str
) -> None:
    page.set_default_timeout(PATIENCE)
    await add_user(hotline, "tang", "supervisor")
    ticket = await opened(hotline, caller="13800138021")
    await hotline.request("POST", f"/api/v1/tickets/{ticket}/notes", {"text": "包裹在武汉"})
    await hotline.request("POST", f"/api/v1/tickets/{ticket}/authority", {"what": "退款 200 元"})
    number = {"zh-CN": "13900139101", "en": "13900139102"}[language]
    file = {"name": "张敏", "numbers": [number], "class": "vip", "region": "北京"}
    customer = (await hotline.request("POST", "/api/v1/customers", file))["id"]
    mark = {"number": number, "mark": "nuisance", "reason": "shouts at agents"}
    await hotline.request("POST", "/api/v1/customers/marks", mark)
    article = {"kind": "article", "title": "退款流程", "text": "先核对订单号。\n再看是否在七天内。", "queue": "orders"}
    written = (await hotline.request("POST", "/api/v1/knowledge", article))["id"]
    await hotline.request("PUT", f"/api/v1/knowledge/{written}", {**article, "version": 1, "reason": "new rule"})
    await hotline.request("POST", "/api/v1/bulletins", {"title": "新的退款规则", "text": "明天起执行。"})
    await sign_in(page, "tang", f"/tickets/{ticket}?lang={language}")
    found = {}

    async def look(name: str, testid: str) -> None:
        await expect(page.get_by_test_id(testid).first).to_be_visible()
        if wrong := await violations(page):
            found[name] = wrong
        await shoot(page, name, language=language)

    await page.get_by_test_id("view-all").click()
    await page.get_by_test_id("tickets-filter").click()
    await expect(page.get_by_test_id(f"ticket-row-{ticket}")).to_be_visible()
    await look("tickets", "ticket-timeline")
    await page.goto(f"/customers/{customer}")
    await look("customers", "mark-nuisance")
    await page.goto("/customers/marks")
    await look("customers-marks", "mark-confirm")
    await page.goto(f"/knowledge/{written}")
    await page.get_by_test_id("knowledge-search").fill("退款")
    await expect(page.get_by_test_id(f"article-row-{written}")).to_be_visible()
    await look("knowledge", "article-text")
    assert found == {}
