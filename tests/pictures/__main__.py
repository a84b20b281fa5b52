"""Pictures of the product as it runs, on made-up days: five for the README, and every page on demand.

python -m tests.pictures            docs/pictures/*.webp, which the README shows
python -m tests.pictures --all      and each page in both languages and sizes, into build/screens
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Page, expect

from provision import desk
from provision.making import default_cache
from softphone.audio import Wave
from tests.e2e.conftest import TREE, Hotline, make_home
from tests.e2e.desk.browsing import LANGUAGES, SCREENS, SIZES, add_user, chromium, quiet, sign_in, take_pictures
from tests.pictures import live, past

SHOWN = TREE / "docs" / "pictures"
SIZE = (1366, 768)
QUALITY = 0.82
PLAYED_WITHIN = 300.0
"""Seconds within which a server has played the past."""
# A picture as WebP, without anything but its pixels.
SMALL = """
async ([png, quality]) => {
  const image = new Image()
  image.src = 'data:image/png;base64,' + png
  await image.decode()
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
  canvas.getContext('2d').drawImage(image, 0, 0)
  return canvas.toDataURL('image/webp', quality).split(',')[1]
}
"""
ADMIN = (
    "people", "queues", "routing", "teams", "numbers", "trunks", "menus", "prompts", "calendar", "categories", "breaks",
    "tickets", "forms",
    "callback", "quality", "lists", "retention", "limits", "files", "versions",
)  # fmt: skip
REPORTS = ("day", "week", "month", "range", "shift", "hourly", "complaints", "callback", "book", "exports")
PAGES = (
    ("supervisor", ("/floor", "/callbacks", "/tickets", "/customers", "/knowledge")),
    ("supervisor", tuple(f"/reports/{part}" for part in REPORTS)),
    ("qa", tuple(f"/qa/{part}" for part in ("samples", "calibration", "appeals", "plans", "figures", "training"))),
    ("administrator", (*(f"/admin/{part}" for part in ADMIN), "/try")),
    ("agent", ("/desk", "/mine/calls", "/mine/scores", "/mine/bulletins")),
)  # fmt: skip
USERS = {"supervisor": "li.na", "qa": "he.jing", "administrator": "wang.lei", "agent": "li.ming"}
CALLER = "13651887326"
NOTES = ("客户反映快递员态度生硬，已致歉并承诺回访。", "客户再次来电：快递员未按约定时间上门，要求今天送达。")


class Studio:
    """One hotline with its past, and browsers in front of it."""

    def __init__(self, hotline: Hotline, browser: Browser, sounds: tuple[Wave, Wave]) -> None:
        self.hotline, self.browser, self.sounds = hotline, browser, sounds

    async def people(self) -> None:
        """Who signs in; and next year's holidays, which are announced late in a year."""
        year = datetime.now(UTC).year + 1
        await self.hotline.request("PUT", f"/api/v1/holidays/{year}", {"days": [f"{year}-01-01"], "source": "made up"})
        await add_user(self.hotline, "wang.lei", "administrator", display="王磊")
        await add_user(self.hotline, "li.na", "supervisor", display="李娜")
        await add_user(self.hotline, "he.jing", "qa", display="何静")
        await add_user(self.hotline, "li.ming", "agent", agent="1001", display="李明")
        await add_user(self.hotline, "zhao.wei", "department", department="物流部", display="赵伟")

    async def asking(self, name: str, role: str) -> Callable[..., Awaitable[Any]]:
        """Acts over HTTP in the name of this person."""
        body = {"name": name, "role": role}
        token = (await self.hotline.request("POST", "/api/v1/tokens", body))["token"]

        async def ask(method: str, path: str, json: Any) -> Any:
            async with httpx.AsyncClient(base_url=self.hotline.api, trust_env=False, timeout=20) as client:
                answer = await client.request(method, path, json=json, headers={"Authorization": f"Bearer {token}"})
            return answer.raise_for_status().json()

        return ask

    async def page(self, role: str, path: str, language: str = "zh-CN") -> Page:
        """A page in front of a person of this role, in a browser of their own."""
        context: BrowserContext = await self.browser.new_context(
            base_url=self.hotline.api, viewport={"width": SIZE[0], "height": SIZE[1]}, locale=language,
            permissions=["microphone"], reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(20_000)
        page = await context.new_page()
        await sign_in(page, USERS[role], f"{path}{'&' if '?' in path else '?'}lang={language}")
        return page

    async def keep(self, page: Page, name: str) -> None:
        """The picture of the page, for the README."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        png = await page.screenshot(animations="disabled", path=SCREENS / f"readme-{name}.png")
        blank = await page.context.new_page()
        made = await blank.evaluate(SMALL, [base64.b64encode(png).decode(), QUALITY])
        await blank.close()
        SHOWN.mkdir(parents=True, exist_ok=True)
        file = SHOWN / f"{name}.webp"
        file.write_bytes(base64.b64decode(made))
        say(f"{file.relative_to(TREE)}: {file.stat().st_size / 1000:.0f} kB")

    # The pictures

    async def desk(self) -> None:
        """An agent's desk in a conversation: who calls and why, the form, the phone."""
        page = await self.page("agent", "/desk")
        await expect(page.get_by_test_id("phone")).to_have_attribute("data-state", "ready")
        await page.get_by_test_id("status").click()
        await page.get_by_test_id("status-available").click()
        await self.hotline.agent_is("1001", status="available", phone="reachable")
        async with self.hotline.caller(CALLER) as phone:
            for time_ in (0, 1):  # the second call of the same customer: there is a history
                call = await phone.dial("4008001234", source=self.sounds[0])
                await call.answered()
                await call.heard(within=15)
                for digit in "14":
                    await call.press(digit)
                await expect(page.get_by_test_id("phone-answer")).to_be_visible(timeout=60_000)
                await page.keyboard.press("F2")
                await expect(page.get_by_test_id("phone-mute")).to_be_visible()
                await page.get_by_test_id("ticket-note").fill(NOTES[time_])
                if time_:
                    break
                await asyncio.sleep(6)
                await page.keyboard.press("F4")
                await expect(page.get_by_test_id("wrapup-finish")).to_be_visible()
                await call.hangup()
                await page.keyboard.press("Control+Enter")
                await self.hotline.agent_is("1001", state="idle")
            await expect(page.get_by_test_id("draft-kept")).to_have_text("已保存")
            await asyncio.sleep(20)
            await self.keep(page, "desk")
            with suppress(Exception):
                await call.hangup()
        await self.hotline.request("POST", "/api/v1/agents/1001/status", {"status": "signed_out"})
        await page.context.close()

    async def floor(self) -> None:
        """The floor in a busy hour."""
        page = await self.page("supervisor", "/floor")
        await asyncio.sleep(75)
        await self.keep(page, "floor")
        await page.context.close()

    async def ticket(self) -> None:
        """A ticket with its way through the departments."""
        call = await self.hotline.ended_call(CALLER, 60)
        number = call["ticket"]
        path = f"/api/v1/tickets/{number}"
        ask = await self.asking("李娜", "supervisor")
        shipping = await self.asking("物流部/赵伟", "department")
        fields = {"demand": "今天送达并致歉", "order_number": "SF-20481"}
        await ask("PATCH", path, {"fields": fields, "category": "attitude"})
        sent = {"state": "dispatched", "department": "物流部", "why": "联系站点重新派送"}
        await ask("POST", f"{path}/state", sent)
        await shipping("POST", f"{path}/state", {"state": "acknowledged"})
        await shipping("POST", f"{path}/notes", {"text": "站点已改派，16:00 前送达；站长将当面致歉。"})
        await shipping("POST", f"{path}/state", {"state": "in_progress"})
        page = await self.page("supervisor", f"/tickets/{number}")
        await expect(page.get_by_test_id("ticket-timeline")).to_contain_text("物流部")
        await self.keep(page, "ticket")
        await page.context.close()

    async def quality(self) -> None:
        """A sample while it is scored: the recording with both voices, the form."""
        (person,) = live.people("1003")
        number = "13983340172"
        async with live.agent_phone(self.hotline, person) as agent, self.hotline.caller(number) as caller:
            call = await caller.dial("4008001234", source=self.sounds[0])
            await call.answered()
            await call.heard(within=15)
            for digit in "11":
                await call.press(digit)
            ringing = await agent.incoming(60)
            await ringing.answer(self.sounds[1])
            await asyncio.sleep(38)
            await call.hangup()
        row = await self.hotline.ended_call(number, 60)
        today = (await self.hotline.request("GET", "/api/v1/reports/day"))["day"]
        plan = {
            "name": "每日抽检",
            "period": "day",
            "per_agent": 10,
            "seed": "2027-spring",
            "shortest": 1,
            "risk_least": 0,
        }
        await self.hotline.request("POST", "/api/v1/qa/plans", plan)
        await self.hotline.request("POST", "/api/v1/qa/jobs", {"plan": plan["name"], "period": today})
        page = await self.page("qa", "/qa/samples")
        by_call = page.get_by_role("columnheader", name="通话").get_by_role("button")
        await by_call.click()
        await by_call.click()  # the newest first: only rows in sight are drawn
        await page.get_by_test_id(f"sample-{row['id']}").click()
        await expect(page.get_by_test_id("call-sound").locator("svg.tracks")).to_be_visible()
        form = await self.hotline.request("GET", "/api/v1/qa/forms/complaint")
        questions = [each for section in form["sections"] for each in section["questions"]]
        await expect(page.get_by_test_id(f"question-{questions[0]['id']}")).to_be_focused()
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
        await page.keyboard.press("m")
        for each in questions[:6]:
            await page.keyboard.press(str(each["levels"] + 1))
        await expect(page.get_by_test_id("draft-state")).to_contain_text("草稿已保存")
        await self.keep(page, "quality")
        await page.context.close()

    async def report(self) -> None:
        """Yesterday in figures."""
        zone = past.definitions.load(self.hotline.home).calendar.zone
        yesterday = datetime.now(zone).date() - timedelta(days=1)
        page = await self.page("supervisor", f"/reports/day?day={yesterday}")
        await expect(page.get_by_test_id("report-tiles")).to_be_visible()
        await expect(page.locator(".chart canvas")).to_be_visible()
        await page.get_by_test_id("report-queues").click()
        await self.keep(page, "report")
        await page.context.close()

    async def every_page(self) -> None:
        """Each page in both languages, in each size and at 120 %."""
        for language in LANGUAGES:
            for role, paths in PAGES:
                page = await self.page(role, paths[0], language)
                for path in paths:
                    await page.goto(f"{path}?lang={language}")
                    with suppress(Exception):
                        await page.wait_for_load_state("networkidle", timeout=3000)
                    name = path.strip("/").replace("/", "-")
                    await take_pictures(page, name, SIZES, language=language)
                    await take_pictures(page, name, SIZES[:1], language=language, zoom=1.2)
                await page.context.close()


def say(line: str) -> None:
    """Tell who waits."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def shown(hotline: Hotline, calls: int) -> None:
    """Wait until the records have the whole past."""
    end = time.monotonic() + PLAYED_WITHIN
    while not (rows := hotline.records.call_list(limit=1).items) or rows[0]["id"] < calls or not rows[0]["ended_at"]:
        assert time.monotonic() < end, "the records do not show the past"
        time.sleep(0.5)


async def take(hotline: Hotline, folder: Path, every: bool, only: str) -> None:
    """The pictures, one after another; `only` names one of the README's."""
    sounds = live.voices(folder)
    async with chromium(folder, f"--use-file-for-fake-audio-capture={sounds[1].path}") as browser:
        studio = Studio(hotline, browser, sounds)
        await studio.people()
        steps: dict[str, Callable[[], Awaitable[Any]]] = {
            "report": studio.report, "desk": studio.desk, "ticket": studio.ticket, "quality": studio.quality,
        }  # fmt: skip
        for name, step in steps.items():
            if not only or only == name:
                await step()
        if every or only in ("", "floor"):
            working = live.people("1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1011")
            async with live.busy_floor(hotline, working, sounds, 11):
                await studio.floor()
                if every:
                    await studio.every_page()


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every page besides, into build/screens")
    parser.add_argument("--only", default="", help="one of the README's: report, desk, ticket, quality, floor")
    options = parser.parse_args()
    desk.prepare(default_cache(), quiet)
    hotline = Hotline(make_home(), preloaded=False)
    folder = Path(tempfile.mkdtemp(prefix="sp-"))
    try:
        calls = past.lay_down(hotline.home, time.time())
        say(f"{calls} calls of {past.DAYS} days are laid down")
        hotline.spawn()
        hotline.wait_healthy(PLAYED_WITHIN)
        shown(hotline, calls)
        asyncio.run(take(hotline, folder, options.all, options.only))
        hotline.stop()
    finally:
        hotline.end()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(hotline.home, ignore_errors=True)


if __name__ == "__main__":
    main()
