"""A working day for the pages to show: agents, calls with recordings that sound, tickets, customers, samples to score.

The server is the real one without Asterisk: Redis, log, records, routes and pages. Calls and recordings are told to the
log, since no request makes them; everything else is asked for by the API, as people do.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from playwright.async_api import Browser, BrowserContext, Page

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
from acd.policy.definitions import Skill
from quality.events import FormAdded
from server.hotline.quality_rules import product_form
from server.storage.database import open_database
from tests.e2e.desk.browsing import PASSWORD, SCREENS, Complaints, chromium, sign_in
from tests.redis_server import RedisServer
from tests.server.web.api_server import TOKEN, ApiServer, new_application, running
from tests.server.web.live.listening import served

RATE = 8000
FORM = product_form()
QUESTIONS = [(question.id, question.levels) for section in FORM.sections for question in section.questions]
AGENTS = {"1001": ("梅芳", "A"), "1002": ("张强", "A"), "1003": ("王磊", "B"), "1004": ("刘洋", "B")}
PEOPLE: dict[str, dict[str, Any]] = {
    "tang": {"role": "supervisor", "display": "唐主管"},
    "sun": {"role": "supervisor", "display": "孙经理"},
    "wang": {"role": "qa", "display": "王质检"},
    "zhao": {"role": "qa", "display": "赵质检"},
    "mei": {"role": "agent", "agent": "1001", "display": "梅芳"},
    "ship": {"role": "department", "department": "物流部", "display": "物流部 陈"},
}
LONG = 20
"""The call whose recording lasts ten minutes."""
CALLS = 24


def talk(seconds: float, seed: int) -> bytes:
    """A stereo WAV of two people who take turns, pause, and now and then speak at once."""
    chance = np.random.default_rng(seed)
    sides = np.zeros((round(seconds * RATE), 2))
    at, side = 0.5, 0
    while at < seconds - 1:
        length = float(chance.uniform(1.0, 5.0))
        begin, end = round(at * RATE), min(len(sides), round((at + length) * RATE))
        t = np.arange(end - begin) / RATE
        swell = np.abs(np.sin(2 * np.pi * t * 2.1)) * chance.uniform(0.2, 0.7)
        sides[begin:end, side] += np.sin(2 * np.pi * t * (180 if side else 240)) * swell
        at += length + float(chance.choice([0.3, 0.6, -0.8, 6.0], p=[0.5, 0.3, 0.12, 0.08]))
        side = 1 - side
    file = io.BytesIO()
    soundfile.write(file, sides, RATE, subtype="PCM_16", format="WAV")
    return file.getvalue()


@dataclass
class Day:
    """The server of the pages, and the people at it: each has a browser's context of their own, signed in once."""

    server: ApiServer
    address: str
    browser: Browser
    _contexts: dict[str, BrowserContext] = field(default_factory=dict)
    _complaints: list[Complaints] = field(default_factory=list)

    async def request(self, method: str, path: str, body: Any = None, who: str = TOKEN) -> Any:
        """Ask the API, as the owner of the machine or with another token."""
        async with httpx.AsyncClient(base_url=self.address, timeout=120, trust_env=False) as client:
            answer = await client.request(method, path, json=body, headers={"Authorization": f"Bearer {who}"})
        assert not answer.is_error, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def page(self, who: str, path: str, language: str = "zh-CN") -> Page:
        """A tab of this person's browser, at this path."""
        known = self._contexts.get(who)
        if known is None:
            known = self._contexts[who] = await self.browser.new_context(
                base_url=self.address,
                viewport={"width": 1366, "height": 768},
                locale="zh-CN",
                reduced_motion="reduce",
                timezone_id="Asia/Shanghai",
            )
            known.set_default_timeout(20_000)
            self._complaints.append(Complaints(known))
            page = await known.new_page()
            await sign_in(page, who, f"{path}?lang={language}")
            return page
        page = await known.new_page()
        await page.goto(f"{path}?lang={language}")
        return page

    async def leave(self, name: str) -> None:
        """Close what is still open: a test that failed left it, and a picture shows where."""
        for context in self._contexts.values():
            for number, page in enumerate(context.pages):
                await page.screenshot(path=SCREENS / f"{name}-failed-{number}.png")
                await page.close()

    def complaints(self) -> list[str]:
        """What pages complained of."""
        return [said for each in self._complaints for said in each.said]

    async def recorded(self, call: int, agent: str, seconds: float) -> None:
        """The call's recording is in the store, and the log and the records have it."""
        sound = talk(seconds, call)
        key = f"2027/01/15/{call}.wav"
        with self.server.sound.store.writing(key) as file:
            file.write(sound)
        at, digest = round(self.server.dispatcher.state.at, 3), hashlib.sha256(sound).hexdigest()
        closed = rec.RecordingClosed(
            call, key, seconds, 2, digest, -15.0, -15.0, (), "2027-01-15", call, agent, at, call
        )
        await self.server.tell(rec.RecordingStarted(call, call, agent, "a", "b"), closed)


def conversation(call: int, agent: str, at: float, talked: float) -> list[object]:
    """A call that an agent answered, as the log has it."""
    category = ("attitude", "process", "system", "competence")[call % 4]
    return [
        acd.CallArrived(call, f"1380013{call:04d}", "4008001234", f"PJSIP/{call}", f"u{call}", at, "one"),
        ivr.FieldSet(call, "business", "complaint"),
        ivr.FieldSet(call, "category", category),
        acd.Joined(call, agent),
        acd.ConversationEnded(call, agent, "caller", talked, 0.0),
        ivr.SatisfactionGiven(call, 1 + call % 5),
        acd.CallEnded(call, "caller_hung_up"),
    ]


@asynccontextmanager
async def working_day(migrated: Path) -> AsyncIterator[Day]:
    """The server with its day, and a browser. `migrated` is an empty database with its schema."""
    folder = Path(tempfile.mkdtemp(prefix="sd-"))
    redis = RedisServer(folder / "redis")
    redis.home.mkdir()
    shutil.copy(migrated, folder / "records.db")
    database = open_database(f"sqlite:///{folder / 'records.db'}")
    try:
        redis.start()
        async with running(redis, database, folder) as server:
            server.application()
            async with served(new_application()) as address, chromium(folder) as browser:
                day = Day(server, address, browser)
                await _fill(day)
                yield day
                for each in day._contexts.values():
                    await each.close()
    finally:
        redis.kill()
        database.dispose()
        shutil.rmtree(folder, ignore_errors=True)


async def _fill(day: Day) -> None:
    tell, ask = day.server.tell, day.request
    for number, (name, team) in AGENTS.items():
        skills = (Skill("complaint", 5), Skill("attitude", 3))
        await tell(acd.AgentDefined(number, name, skills, (team,), f"sip:{number}@127.0.0.1:5062"))
        await tell(acd.StatusSet(number, acd.Status.AVAILABLE if number != "1004" else acd.Status.BREAK, "meal"))
    events: list[object] = [FormAdded(FORM, "product")]
    now, numbers = time.time(), list(AGENTS)
    for call in range(1, CALLS + 1):
        events += conversation(call, numbers[call % 4], now - 60 * (CALLS - call) - 1, 600.0 if call == LONG else 24.0)
    await tell(*events)
    for call in (4, 8, LONG):
        await day.recorded(call, numbers[call % 4], 600.0 if call == LONG else 24.0)
    for name, more in PEOPLE.items():
        await ask("POST", "/api/v1/users", {"name": name, "password": PASSWORD, **more})
    for call in range(1, 13):
        row = await ask("POST", "/api/v1/tickets", {"call": call, "category": ("process", "attitude")[call % 2]})
        await ask("POST", f"/api/v1/tickets/{row['id']}/notes", {"text": "客户说包裹在武汉停了三天，请查物流"})
        if call % 3 == 0:
            step = {"state": "dispatched", "department": "物流部", "why": "要查包裹"}
            await ask("POST", f"/api/v1/tickets/{row['id']}/state", step)
        await ask("PATCH", f"/api/v1/tickets/{row['id']}", {"owner": numbers[call % 4]})
    for number, name in (("13900139001", "王伟"), ("13900139002", "李娜")):
        await ask("POST", "/api/v1/customers", {"name": name, "numbers": [number], "region": "湖北 武汉"})
