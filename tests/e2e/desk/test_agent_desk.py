"""An agent's whole call in the browser: the pop before the ring, sound both ways, the form, a reload, the wrap-up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.async_api import Browser, BrowserContext, Page, expect
from playwright.async_api import Error as PlaywrightError

from softphone.audio import Tone
from softphone.phone import Call
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, make_home, running
from tests.e2e.desk.browsing import Complaints, add_user, chromium, shoot, sign_in, violations
from tests.e2e.desk.microphones import (
    PLUGGED_IN,
    SILENT,
    SPEAKS,
    UNPLUGGED,
    caller_hears,
    give_microphone,
    page_hears,
)

pytestmark = pytest.mark.e2e

SPOKEN, HEARD = 600, 1000
"""Hertz of what the agent's microphone and the caller say."""
TYPES = """
[tickets]
departments = ["customer service", "logistics"]
[ticket_types.complaint]
label = "投诉"
opens_for = ["complaint"]
departments = ["logistics"]
checklist = ["order_number"]
[ticket_types.complaint.fields]
demand = { label = "客户诉求", longest = 400 }
order_number = { label = "订单号", longest = 40 }
refund = { label = "退款金额", kind = "number", least = 0 }
arrived = { label = "签收日期", kind = "date" }
"""
# The frequency that is loudest in the page's phone, once it is the wanted one; music may come before it.
LOUDEST = """
async (wanted) => {
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 8192
  analyser.smoothingTimeConstant = 0
  context.createMediaStreamSource(document.querySelector('[data-testid=phone-sound]').srcObject).connect(analyser)
  const spectrum = new Float32Array(analyser.frequencyBinCount)
  let loudest = 0
  for (let tries = 0; tries < 50; tries += 1) {
    await new Promise((go) => setTimeout(go, 200))
    analyser.getFloatFrequencyData(spectrum)
    const bin = spectrum.indexOf(Math.max(...spectrum))
    loudest = spectrum[bin] > -50 ? (bin * context.sampleRate) / analyser.fftSize : 0
    if (Math.abs(loudest - wanted) < 10) break
  }
  return loudest
}
"""


@pytest.fixture(scope="module")
def office() -> Iterator[Hotline]:
    """A hotline whose times are those of people at a desk."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    text = file.read_text(encoding="utf-8")
    for brief, usual in (
        ("ring_for = 3", "ring_for = 20"),
        ("rings_within = 1.5", "rings_within = 10"),
        ("seconds = 1 }", "seconds = 60, longest = 600 }"),
    ):
        text = text.replace(brief, usual)
    file.write_text(text + TYPES, encoding="utf-8")
    with running(hotline):
        yield hotline


@asynccontextmanager
async def at_the_desk(office: Hotline, folder: Path, number: str) -> AsyncIterator[Page]:
    """An agent who has signed in, is available, and speaks with the tone SPOKEN."""
    tone = folder / "microphone.wav"
    time = np.arange(48_000 * 10) / 48_000
    soundfile.write(tone, 0.3 * np.sin(2 * np.pi * SPOKEN * time), 48_000, subtype="PCM_16")
    office.hush(number)
    await office.request("PUT", f"/api/v1/agents/{number}", {"name": "王芳", "skills": {"complaint": 9}})
    user = await add_user(office, f"agent.{number}", "agent", agent=number, display="王芳")
    async with chromium(folder, f"--use-file-for-fake-audio-capture={tone}") as browser:
        context = await browser.new_context(
            base_url=office.api, viewport={"width": 1366, "height": 768}, locale="zh-CN", permissions=["microphone"]
        )
        context.set_default_timeout(20_000)
        complaints = Complaints(context)
        page = await context.new_page()
        await sign_in(page, user, "/desk")
        await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "ready", timeout=20_000)
        await page.get_by_test_id("status").click()
        await page.get_by_test_id("status-available").click()
        await office.agent_is(number, status="available", phone="reachable")
        try:
            yield page
        finally:
            await context.close()
            await office.request("DELETE", f"/api/v1/agents/{number}")
    assert complaints.said == []


async def answered(page: Page, call: Call) -> None:
    """The page answers by its key, and both sides hear each other."""
    await page.keyboard.press("F2")
    await expect(page.get_by_test_id("phone-mute")).to_be_visible(timeout=20_000)
    await hears_tone(call, SPOKEN, within=20, above=-35)
    assert await page.evaluate(LOUDEST, HEARD) == pytest.approx(HEARD, abs=15)


async def test_a_caller_is_served_in_the_browser(built: None, office: Hotline, browser_home: Path) -> None:
    async with at_the_desk(office, browser_home, "4201") as page, office.caller("13800131042") as phone:
        assert await violations(page) == []
        await shoot(page, "desk-idle")
        call = await phone.dial("4008001234", source=Tone(HEARD))
        # The pop is there before the phone rings.
        await expect(page.get_by_test_id("pop-number")).to_have_text("13800131042", timeout=20_000)
        await expect(page.get_by_test_id("pop-category")).to_have_text("服务态度")
        await expect(page.get_by_test_id("phone-answer")).to_be_visible(timeout=20_000)
        await answered(page, call)
        await page.get_by_test_id("ticket-note").fill("客户反映快递员态度不好，已道歉。")
        await page.get_by_test_id("field-demand").fill("赔礼道歉")
        await page.get_by_test_id("outcome-dispatch").click()
        await expect(page.get_by_test_id("ticket-lacks")).to_have_text("派单前还要填：订单号")
        await page.get_by_test_id("ticket-department").click()
        await page.get_by_role("option", name="logistics").click()
        await expect(page.get_by_role("option", name="customer service")).to_have_count(0)
        await page.get_by_test_id("field-order_number").fill("2027-7")
        await expect(page.get_by_test_id("ticket-lacks")).to_have_count(0)
        await expect(page.get_by_test_id("draft-kept")).to_have_text("已保存", timeout=10_000)
        await shoot(page, "desk-dispatch")
        await page.get_by_test_id("outcome-resolved").click()
        await page.get_by_test_id("phone-mute").click()
        await expect(page.get_by_test_id("phone-mute")).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("F8")
        await expect(page.get_by_test_id("phone-mute")).to_have_attribute("aria-pressed", "false")
        await page.keyboard.press("F9")
        await expect(page.get_by_test_id("phone-hold")).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("F9")
        await expect(page.get_by_test_id("phone-hold")).to_have_attribute("aria-pressed", "false")
        assert await violations(page) == []
        await shoot(page, "desk-call")
        number = (await page.get_by_test_id("pop-ticket").inner_text()).removeprefix("#")
        after = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
        wish = {"number": "01065529988", "queue": "complaint", "owner": "4201", "after": after, "reason": "核实地址"}
        promised = (await office.request("POST", "/api/v1/callbacks", wish))["id"]
        await page.keyboard.press("F4")
        await expect(page.get_by_test_id("wrapup-finish")).to_be_visible()
        await call.hangup()
        assert await violations(page) == []
        await shoot(page, "desk-wrap-up")
        await page.keyboard.press("Control+Enter")
        await office.agent_is("4201", state="idle")
        await expect(page.get_by_test_id("wrapup-finish")).to_have_count(0)
        await expect(page.get_by_test_id(f"own-callback-{promised}")).to_contain_text("核实地址")
        assert await violations(page) == []
    shown = await office.request("GET", f"/api/v1/tickets/{number}")
    assert (shown["state"], shown["fields"]) == ("resolved", {"demand": "赔礼道歉", "order_number": "2027-7"})
    assert any("快递员态度不好" in str(entry["why"]) + str(entry["to"]) for entry in shown["history"])


async def test_a_reload_in_mid_call_loses_neither_call_nor_form(
    built: None, office: Hotline, browser_home: Path
) -> None:
    async with at_the_desk(office, browser_home, "4202") as page, office.caller("13800131043") as phone:
        call = await phone.dial("4008001234", source=Tone(HEARD))
        await expect(page.get_by_test_id("phone-answer")).to_be_visible(timeout=20_000)
        await answered(page, call)
        await page.get_by_test_id("ticket-note").fill("刚刚输入的字")
        await page.reload()
        await expect(page.get_by_test_id("phone-mute")).to_be_visible(timeout=20_000)
        await expect(page.get_by_test_id("ticket-note")).to_have_value("刚刚输入的字")
        assert await page.evaluate(LOUDEST, HEARD) == pytest.approx(HEARD, abs=15)
        await page.keyboard.press("F4")
        await expect(page.get_by_test_id("wrapup-finish")).to_be_visible()
        await call.hangup()


@asynccontextmanager
async def with_a_phone(
    office: Hotline, browser: Browser, number: str, role: str, hertz: int, at: str = "/desk"
) -> AsyncIterator[tuple[BrowserContext, Page]]:
    """A person whose page has the phone of `number`, and whose microphone says a tone."""
    office.hush(number)
    await office.request("PUT", f"/api/v1/agents/{number}", {"name": number, "skills": {"complaint": 5}})
    user = await add_user(office, f"{role}.{number}", role, agent=number)
    context = await browser.new_context(
        base_url=office.api, viewport={"width": 1366, "height": 768}, locale="zh-CN", permissions=["microphone"]
    )
    context.set_default_timeout(20_000)
    complaints = Complaints(context)
    await give_microphone(context, hertz)
    page = await context.new_page()
    await sign_in(page, user, at)
    await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "ready", timeout=20_000)
    try:
        yield context, page
    finally:
        await context.close()
        await office.request("DELETE", f"/api/v1/agents/{number}")
    assert complaints.said == []


async def test_a_supervisor_listens_whispers_barges_in_and_is_handed_the_call(
    built: None, office: Hotline, browser_home: Path
) -> None:
    """Who hears whom in each of these, and in no other: the caller, the agent's page, the supervisor's page."""
    caller, agent, head = HEARD, SPOKEN, 1700  # no overtone of the others
    async with (
        chromium(browser_home) as browser,
        with_a_phone(office, browser, "4203", "agent", agent) as (_, desk),
        with_a_phone(office, browser, "4204", "supervisor", head, "/floor") as (_, floor),
        office.caller("13800131044") as phone,
    ):
        await office.request("POST", "/api/v1/agents/4203/status", {"status": "available"})
        call = await phone.dial("4008001234", source=Tone(HEARD))
        await expect(desk.get_by_test_id("phone-answer")).to_be_visible(timeout=20_000)
        await desk.keyboard.press("F2")
        await page_hears(desk, [caller], [head])
        number = (office.newest("13800131044") or {})["id"]

        await floor.get_by_test_id("calls-talking").click()
        await floor.get_by_test_id(f"floor-call-{number}").click()
        await floor.get_by_test_id("call-listen").click()
        await floor.get_by_test_id("reason").fill("带教")
        assert await violations(floor) == []
        await floor.get_by_test_id("reason-confirm").click()  # her own page answers by itself
        await page_hears(floor, [caller, agent], [])
        await caller_hears(call, [agent], [head])
        await page_hears(desk, [caller], [head])

        await floor.get_by_test_id("call-whisper").click()
        await page_hears(desk, [caller, head], [])
        await caller_hears(call, [agent], [head])

        await floor.get_by_test_id("call-barge").click()
        await caller_hears(call, [agent, head], [])
        await page_hears(desk, [caller, head], [])
        await floor.get_by_test_id("monitor-end").click()
        await caller_hears(call, [agent], [head])

        await office.request("POST", "/api/v1/agents/4204/status", {"status": "available"})
        await desk.keyboard.press("Alt+t")
        await desk.get_by_test_id("transfer-to").click()
        await desk.get_by_role("option", name="4204").click()
        assert await violations(desk) == []
        await shoot(desk, "desk-transfer")
        await desk.get_by_test_id("transfer-consult").click()
        await expect(floor.get_by_test_id("phone")).to_contain_text("咨询")
        await floor.get_by_test_id("phone-answer").click()
        await page_hears(desk, [head], [caller])
        await page_hears(floor, [agent], [caller])
        await caller_hears(call, [], [agent, head])
        await desk.get_by_test_id("transfer-hand-over").click()
        await page_hears(floor, [caller], [agent])
        await caller_hears(call, [head], [agent])
        await expect(desk.get_by_test_id("wrapup-finish")).to_be_visible()
        await floor.keyboard.press("F4")
        await call.hangup()
    shown = await office.ended_call("13800131044")
    assert [each["agent"] for each in shown["segments"]] == ["4203", "4204"]


async def test_the_phone_says_in_words_what_is_wrong_and_moves_to_another_tab_only_when_asked(
    built: None, office: Hotline, browser_home: Path
) -> None:
    async with (
        chromium(browser_home) as browser,
        with_a_phone(office, browser, "4205", "agent", SPOKEN) as (context, page),
        office.caller("13800131045") as phone,
    ):
        await office.request("POST", "/api/v1/agents/4205/status", {"status": "available"})
        call = await phone.dial("4008001234", source=Tone(HEARD))
        await page.get_by_test_id("phone-answer").click()
        await caller_hears(call, [SPOKEN], [])
        alarm = page.get_by_test_id("phone-alarm")

        await page.evaluate(SILENT)
        await expect(alarm).to_contain_text("5 秒没有听到您的声音：请检查耳机上的静音键", timeout=15_000)
        assert await violations(page) == []
        await shoot(page, "desk-silent")
        await page.evaluate(SPEAKS)
        await expect(alarm).to_have_count(0)

        await page.evaluate(UNPLUGGED)
        await expect(alarm).to_contain_text("麦克风被拔掉了。请重新插上")
        await page.evaluate(PLUGGED_IN)
        await expect(alarm).to_have_count(0)
        await caller_hears(call, [SPOKEN], [])

        # The other tab has the same desk, and the call stays where it is.
        second = await context.new_page()
        await second.goto("/desk")
        strip = second.get_by_test_id("phone")
        await expect(strip).to_have_attribute("data-state", "tab")
        await expect(second.get_by_test_id("ticket-note")).to_be_visible()
        await caller_hears(call, [SPOKEN], [])
        await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "ready")
        await second.get_by_test_id("phone-take").click()
        await expect(strip).to_have_attribute("data-state", "ready", timeout=20_000)
        await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "tab")
        await page_hears(second, [HEARD], [])
        await caller_hears(call, [SPOKEN], [])
        await page.close()
        await second.keyboard.press("F4")
        await call.hangup()

        await second.add_init_script("window.microphone.refused = 'NotAllowedError'")
        await second.reload()
        await expect(strip).to_have_attribute("data-state", "mute", timeout=20_000)
        told = "浏览器没有允许使用麦克风。请点地址栏左边的图标"
        await expect(second.get_by_test_id("phone-alarm")).to_contain_text(told)
        await second.get_by_test_id("phone-settings").click()
        await expect(second.get_by_role("dialog").get_by_role("alert")).to_contain_text(told)
        assert await violations(second) == []
        await second.keyboard.press("Escape")
        await second.evaluate("() => { window.microphone.refused = '' }")
        await second.get_by_test_id("phone-retry").click()
        await expect(strip).to_have_attribute("data-state", "ready", timeout=20_000)


async def test_a_newcomer_is_the_caller_and_the_agent_in_one_page(
    built: None, office: Hotline, browser_home: Path
) -> None:
    user = await add_user(office, "newcomer", "administrator", display="新人")
    async with chromium(browser_home) as browser:
        context = await browser.new_context(
            base_url=office.api, viewport={"width": 1366, "height": 768}, locale="zh-CN", permissions=["microphone"]
        )
        context.set_default_timeout(20_000)
        complaints = Complaints(context)
        page = await context.new_page()
        await sign_in(page, user, "/try")
        await page.get_by_test_id("try-become").click()
        await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "ready", timeout=20_000)
        number = (await office.request("GET", f"/api/v1/users/{user}"))["agent"]
        office.hush(number)
        await page.get_by_test_id("status").click()
        await page.get_by_test_id("status-available").click()
        await office.agent_is(number, status="available", phone="reachable")
        try:
            await page.get_by_test_id("try-dial").click()
            await expect(page.get_by_test_id("try-state")).to_contain_text("通话中", timeout=20_000)
            for key in "14":
                await page.get_by_test_id(f"try-key-{key}").click()
            await expect(page.get_by_test_id("pop-category")).to_have_text("服务态度", timeout=20_000)
            await page.get_by_test_id("phone-answer").click()
            await office.agent_is(number, state="on_call")
            await expect(page.get_by_test_id("pop-ticket")).to_be_visible()
            assert await violations(page) == []
            await shoot(page, "try-both")
            await page.get_by_test_id("try-hangup").click()
            await office.agent_is(number, state="wrap_up")
            await page.get_by_test_id("wrapup-finish").click()
            await office.agent_is(number, state="idle")
        finally:
            await context.close()
            await office.request("DELETE", f"/api/v1/agents/{number}")
    assert complaints.said == []


async def test_a_tab_that_is_closed_signs_its_phone_off_and_one_that_crashes_is_not_rung(
    office: Hotline, browser_home: Path
) -> None:
    number = "4209"
    async with at_the_desk(office, browser_home, number) as page:
        context = page.context
        await page.close(run_before_unload=True)  # as a person closes it
        log = office.home / "log" / "server.log"

        def signed_off() -> bool:
            lines = log.read_text("utf-8").splitlines()
            return any("a page's phone is signed off" in line and number in line for line in lines)

        await office.until(signed_off, "the phone is signed off")
        await office.agent_is(number, phone="unreachable")
        again = await context.new_page()
        await again.goto("/desk")
        await office.agent_is(number, phone="reachable")
        with suppress(PlaywrightError):
            await again.goto("chrome://crash")
        await office.agent_is(number, phone="unreachable")
