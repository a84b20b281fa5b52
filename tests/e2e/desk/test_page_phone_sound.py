"""A page's telephone in a real browser: sound both ways, also after a reload, and while the server is replaced."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from playwright.async_api import BrowserContext, Page

from provision import default_cache
from provision.desk import tools
from softphone.audio import RATE, Tone
from softphone.call import Call
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, make_home, running
from tests.e2e.desk.browsing import chromium, quiet

pytestmark = pytest.mark.e2e

PAGE = """<!doctype html><meta charset="utf-8"><title>phone</title><audio autoplay></audio>
<script type="module" src="/phone-test.js"></script>"""
CALLER_HZ, AGENT_HZ = 1000, 600
LOCAL = "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"
"""A page that the test itself serves is taken for one of the public network."""
PASSWORD = "Quiet-River-48-Lamps"


@pytest.fixture(scope="module")
def desk() -> Iterator[Hotline]:
    """One hotline for all tests of this module."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    file.write_text(file.read_text("utf-8").replace("[phones]\n", "[phones]\npage_back_within = 8\n"), "utf-8")
    with running(hotline):
        yield hotline


@pytest.fixture(scope="module")
def script() -> str:
    """The page's script with its library."""
    program, modules = tools(default_cache(), quiet)
    here = Path(__file__).with_name("page_phone.js")
    with tempfile.TemporaryDirectory() as folder:
        entry, made = Path(folder) / "page.js", Path(folder) / "bundle.js"
        entry.write_text(here.read_text("utf-8"), "utf-8")
        (Path(folder) / "node_modules").symlink_to(modules / "node_modules")
        bundler = modules / "node_modules" / "rolldown" / "bin" / "cli.mjs"
        subprocess.run([program, bundler, entry, "--file", made, "--platform", "browser"], check=True, cwd=folder)
        return made.read_text("utf-8")


@asynccontextmanager
async def at_desk(desk: Hotline, script: str, number: str, user: str) -> AsyncIterator[tuple[BrowserContext, Page]]:
    """An agent who has signed in in a browser, whose microphone hears `AGENT_HZ`."""
    desk.hush(number)
    await desk.request("PUT", f"/api/v1/agents/{number}", {"name": user, "skills": {"complaint": 9}})
    wanted = {"name": user, "role": "agent", "agent": number, "password": PASSWORD}
    await desk.request("POST", "/api/v1/users", wanted)
    with tempfile.TemporaryDirectory(prefix="sb-") as folder:
        seconds = np.arange(10 * 48000) / 48000
        tone = Path(folder) / "tone.wav"
        soundfile.write(tone, (0.45 * 32767 * np.sin(2 * np.pi * AGENT_HZ * seconds)).astype(np.int16), 48000)
        flags = f"--use-file-for-fake-audio-capture={tone}", LOCAL
        async with chromium(Path(folder), *flags) as browser:
            context = await browser.new_context(base_url=desk.api, permissions=["microphone"])
            await context.route("**/phone-test", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
            await context.route(
                "**/phone-test.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
            )
            await context.route(
                "**/phone-test?takeover", lambda route: route.fulfill(body=PAGE, content_type="text/html")
            )
            headers = {"Origin": desk.api}
            signed_in = await context.request.post(
                "/api/v1/session", data={"user": user, "password": PASSWORD}, headers=headers
            )
            assert signed_in.status == 200, await signed_in.text()
            page = await context.new_page()
            await page.goto("/phone-test")
            await said(page, "registered")
            await desk.request("POST", f"/api/v1/agents/{number}/status", {"status": "available"})
            yield context, page
    await desk.request("DELETE", f"/api/v1/agents/{number}")


async def said(page: Page, name: str, right: Callable[[str], bool] = bool, within: float = 15) -> str:
    """Wait until the page says something right."""
    end = asyncio.get_running_loop().time() + within
    while True:
        text = str(await page.evaluate("name => document.documentElement.dataset[name] ?? ''", name))
        if right(text):
            return text
        if asyncio.get_running_loop().time() > end:
            everything = await page.evaluate("() => ({...document.documentElement.dataset})")
            raise AssertionError(f"{name} is {text!r}: the page says {everything}")
        await asyncio.sleep(0.05)


async def hears_caller(page: Page, within: float = 15) -> None:
    await said(page, "hz", lambda hz: hz.isdigit() and abs(int(hz) - CALLER_HZ) < 40, within)


async def until_silent_of(call: Call, hz: float, since: int, within: float = 5) -> None:
    """Wait until something else than this tone has come for a while, after so many samples: a page is back soon."""
    end = asyncio.get_running_loop().time() + within
    while WITHOUT not in (line := heard_in(call.rtp.samples()[since:], hz)):
        assert asyncio.get_running_loop().time() < end, f"{hz} Hz still comes: {line}"
        await asyncio.sleep(0.05)


WITHOUT = "...."
"""80 ms without the tone."""


def heard_in(samples: Any, hz: float) -> str:
    """A letter for each 20 ms: `x` where most of it is this tone."""
    step = RATE // 50
    return "".join("x" if share(samples[at : at + step], hz) > 0.3 else "." for at in range(0, len(samples), step))


def share(samples: Any, hz: float) -> float:
    """How much of the sound's energy is in this tone."""
    sound = samples.astype(np.float64)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE) - hz) < 20
    return float(power[near].sum() / max(power.sum(), 1.0))


async def recorded(desk: Hotline, caller: str) -> tuple[dict[str, Any], Any]:
    """The call, and the sound of its only recording."""
    shown = await desk.ended_call(caller)
    assert len(shown["recordings"]) == 1
    token = (desk.home / "secrets" / "api-token").read_text().strip()
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
        answer = await client.get(
            f"{desk.api}/api/v1/recordings/{shown['segments'][0]['offer']}/audio?purpose=review",
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 200, answer.text
    sound, _ = soundfile.read(io.BytesIO(answer.content), dtype="float64")
    return shown, sound


async def test_a_page_that_is_reloaded_in_mid_call_has_sound_again_within_a_second(desk: Hotline, script: str) -> None:
    clock, caller = asyncio.get_running_loop().time, "13800131060"
    async with at_desk(desk, script, "3201", "wang") as (_, page), desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(CALLER_HZ))
        await hears_tone(call, AGENT_HZ, above=-20, within=20)
        await hears_caller(page)
        assert await said(page, "purpose") == "offer"
        await asyncio.sleep(1)  # something to record
        before_it = len(call.rtp.samples())
        reloading = asyncio.create_task(page.reload())
        await until_silent_of(call, AGENT_HZ, before_it)
        await reloading
        await said(page, "registered")
        back = clock()
        await hears_tone(call, AGENT_HZ, above=-20, within=5)
        took = clock() - back - 0.5  # the tone was heard for half a second
        assert took < 1, f"sound after {took:.2f} s"
        await hears_caller(page, 3)
        assert await said(page, "purpose") == "return"
        assert (desk.agent_row("3201") or {})["state"] == "on_call"
        await asyncio.sleep(1)
        await call.hangup()
        await said(page, "call", lambda text: text.startswith("over"))
    shown, sound = await recorded(desk, caller)
    assert [(each["agent"], each["outcome"]) for each in shown["segments"]] == [("3201", "answered")]
    heard = heard_in(sound[:, 1], AGENT_HZ)
    before, gap, after = heard.strip(".").partition(WITHOUT)
    assert gap, f"no two parts with the music between them: {heard}"
    assert before.count("x") > 25, heard
    assert after.count("x") > 25, heard


async def test_a_second_page_takes_the_call_over(desk: Hotline, script: str) -> None:
    caller = "13800131061"
    async with at_desk(desk, script, "3202", "zhang") as (context, page), desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(CALLER_HZ))
        await hears_tone(call, AGENT_HZ, above=-20, within=20)
        second = await context.new_page()
        await second.goto("/phone-test")
        assert await said(second, "phone") == "409"
        await second.goto("/phone-test?takeover")
        await said(page, "closed", lambda code: code == "4409")
        await hears_caller(second)
        await hears_tone(call, AGENT_HZ, above=-20)
        await second.evaluate("document.dispatchEvent(new Event('hangup'))")
        await said(second, "call", lambda text: text.startswith("over"))
        await desk.agent_is("3202", state="wrap_up")
    shown = await desk.ended_call(caller)
    assert shown["segments"][0]["ended_by"] == "agent"


async def test_a_tab_that_is_killed_is_a_phone_that_died(desk: Hotline, script: str) -> None:
    caller = "13800131062"
    async with at_desk(desk, script, "3203", "zhou") as (_, page), desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(CALLER_HZ))
        await hears_tone(call, AGENT_HZ, above=-20, within=20)
        before_it = len(call.rtp.samples())
        await page.close()
        await until_silent_of(call, AGENT_HZ, before_it)
        assert (desk.agent_row("3203") or {})["state"] == "on_call"
        await desk.agent_is("3203", phone="unreachable", state="idle")
        await call.hangup()
    shown = await desk.ended_call(caller)
    assert shown["segments"][0]["outcome"] == "lost"


async def test_a_server_that_is_killed_in_mid_call_is_not_heard(desk: Hotline, script: str) -> None:
    caller = "13800131063"
    async with at_desk(desk, script, "3204", "wu") as (_, page), desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(CALLER_HZ))
        await hears_tone(call, AGENT_HZ, above=-20, within=20)
        await said(page, "registered")
        desk.kill()
        await said(page, "registered", lambda text: not text)
        await asyncio.to_thread(desk.start)
        await said(page, "registered", within=20)
        await hears_tone(call, AGENT_HZ, above=-20)
        await hears_caller(page)
        await said(page, "mended")
        assert await said(page, "purpose") == "offer", desk.output()
        assert await said(page, "call") == "talking"
        await desk.agent_is("3204", state="on_call", phone="reachable")
        await call.hangup()  # which the page is told over its new connection
        await said(page, "call", lambda text: text.startswith("over"))
    shown = await desk.ended_call(caller)
    assert [(each["agent"], each["outcome"]) for each in shown["segments"]] == [("3204", "answered")]
