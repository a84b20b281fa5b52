"""The desk in a real browser: how it is started, what it complains of, what a person with a screen reader meets."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from provision import default_cache, provision
from tests.e2e.conftest import Hotline

TREE = Path(__file__).resolve().parents[3]
SCREENS = TREE / "build" / "screens"
"""Where pictures of the pages go; git ignores it."""
SIZES = ((1366, 768), (1920, 1080))
LANGUAGES = ("zh-CN", "en")
FLAGS = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
    # Sound goes over loopback, and no person is there to allow it.
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <alias>
    <family>sans-serif</family>
    <prefer><family>DejaVu Sans</family><family>Noto Sans CJK SC</family></prefer>
  </alias>
  <alias><family>Arial</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
"""


def quiet(_line: str) -> None:
    """A report that nobody reads."""


def fonts(folder: Path) -> Path:
    """A configuration in `folder` with fonts that have Chinese, whatever the machine has."""
    tool = provision("fonts-noto-cjk", default_cache(), quiet)
    assert tool.data is not None
    file = folder / "fonts.conf"
    file.write_text(FONTS.format(fonts=tool.data, cache=folder / "fontconfig"))
    return file


@asynccontextmanager
async def chromium(folder: Path, *flags: str) -> AsyncIterator[Browser]:
    """A browser of its own, with these flags besides the usual ones."""
    tool = provision("chromium", default_cache(), quiet)
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    env: dict[str, str | float | bool] = {
        **os.environ,
        **tool.env,
        "FONTCONFIG_FILE": str(fonts(folder)),
        "XDG_CACHE_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=tool.argv("chromium")[0], args=[*sandbox, *FLAGS, *flags], env=env
        )
        try:
            yield browser
        finally:
            await browser.close()


class Complaints:
    """What pages of a context complained of: errors of scripts and of the content security policy."""

    def __init__(self, context: BrowserContext) -> None:
        self.said: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.said.append(str(error.error)))

    def _console(self, message: ConsoleMessage) -> None:
        # The browser itself notes each answer that is no success; whether that is right is for the page's test.
        if message.type == "error" and not message.text.startswith(("Failed to load resource", "WebSocket connection")):
            self.said.append(message.text)


async def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 AA on the page as it is now: rule, and the elements."""
    source = (TREE / "desk/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    # By the debugger's way in, to which the page's policy does not apply.
    await page.evaluate(source)
    found: dict[str, Any] = await page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        list(STANDARDS),
    )
    return [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


async def shoot(page: Page, name: str, sizes: Sequence[tuple[int, int]] = SIZES, *, language: str = "zh-CN") -> None:
    """As `take_pictures`, in a run of the tests with SCREENS=1: otherwise nobody looks at them."""
    if os.environ.get("SCREENS"):
        await take_pictures(page, name, sizes, language=language)


async def take_pictures(
    page: Page, name: str, sizes: Sequence[tuple[int, int]] = SIZES, *, language: str = "zh-CN", zoom: float = 1
) -> list[Path]:
    """Pictures of the page as it is now, in each size, into `build/screens`. `zoom` 1.2 is the browser's 120 %."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    made = []
    before = page.viewport_size
    for width, height in sizes:
        await page.set_viewport_size({"width": round(width / zoom), "height": round(height / zoom)})
        path = SCREENS / f"{name}-{language}-{width}{'' if zoom == 1 else f'-{round(zoom * 100)}'}.png"
        await page.screenshot(path=path, animations="disabled")
        made.append(path)
    if before:
        await page.set_viewport_size(before)
    return made


PASSWORD = "Quiet-River-48-Lamps"


async def add_user(hotline: Hotline, name: str, role: str, **fields: Any) -> str:
    """A user who can sign in at once with `PASSWORD`, unless a test before has added it; the user's name."""
    known = (await hotline.request("GET", "/api/v1/users"))["items"]
    if not any(each["name"] == name for each in known):
        await hotline.request("POST", "/api/v1/users", {"name": name, "role": role, "password": PASSWORD, **fields})
    return name


async def sign_in(page: Page, user: str, path: str = "/", password: str = PASSWORD) -> None:
    """Sign in at this page by the form, and wait for the shell."""
    await page.goto(path)
    await page.get_by_test_id("login-user").fill(user)
    await page.get_by_test_id("login-password").fill(password)
    await page.get_by_test_id("login-submit").click()
    # A password takes a while to check, on purpose.
    await expect(page.get_by_test_id("person")).to_be_visible(timeout=20_000)
