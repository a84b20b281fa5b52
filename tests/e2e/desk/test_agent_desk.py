"""An agent's whole call in the browser: the pop before the ring, sound both ways, the form, a reload, the wrap-up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, expect

from softphone.audio import Tone
from softphone.phone import Call
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, make_home, running
from tests.e2e.desk.browsing import Complaints, add_user, chromium, shoot, sign_in, violations

pytestmark = pytest.mark.e2e

SPOKEN, HEARD = 600, 1000
"""Hertz of what the agent's microphone and the caller say."""
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
    file.write_text(text, encoding="utf-8")
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
        await expect(page.get_by_test_id("draft-kept")).to_have_text("已保存", timeout=10_000)
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
        await page.keyboard.press("F4")
        await expect(page.get_by_test_id("wrapup-finish")).to_be_visible()
        await call.hangup()
        assert await violations(page) == []
        await shoot(page, "desk-wrap-up")
        await page.keyboard.press("Control+Enter")
        await office.agent_is("4201", state="idle")
        await expect(page.get_by_test_id("wrapup-finish")).to_have_count(0)
    shown = await office.request("GET", f"/api/v1/tickets/{number}")
    assert shown["state"] == "resolved"
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
