"""`sansheng demo load`: callers and agents over real SIP, so many that the floor moves.

Law: every phone of it stands on this machine and calls the hotline on this machine; its agents are marked by their
team, and they are gone when it ends, however it ends.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from server.commands.demo_agent import host
from server.commands.output import say
from server.commands.shared import Refused, request, settings
from server.config import Settings
from server.hotline.definitions import Definitions
from server.tasks import first_of
from softphone.audio import Tone, tone_level
from softphone.phone import Call, CallEnded, CallState, Phone, Refuse, Ring

TEAM = "demo"
"""The team by which the agents of a demo are known."""
MOST_CALLS, MOST_AGENTS, MOST_AT_ONCE = 500, 40, 24
_FIRST = 9101
_ROUTES = ("14", "11", "12", "13", "15", "10", "2", "3", "4", "5", "0")
_WEIGHTS = (6, 4, 5, 3, 3, 2, 5, 4, 2, 1, 2)
_AGENT_HZ, _CALLER_HZ = 600, 1000
_SPEECH, _LONG = -20.0, 0.5
"""dBFS and seconds of the agent's tone."""
_REMOVED_WITHIN = 20.0
_OVER = (CallEnded, ConnectionError, TimeoutError)
"""How a call tells that it is over: at its end, in the middle of a key, or when nothing came."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many `calls` for so many `agents`, `at_once` at most; a new caller every `every` seconds on average, who talks
    for about `talk` seconds and waits about `patience`. The same `seed` gives the same callers."""

    calls: int = 40
    agents: int = 8
    at_once: int = 12
    every: float = 2.0
    talk: float = 8.0
    patience: float = 60.0
    longest: float = 900.0
    seed: int = 1


@dataclass(slots=True)
class _Floor:
    """How the demo stands."""

    placed: int = 0
    stage: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    def line(self, calls: int) -> str:
        now = ", ".join(f"{count} {stage}" for stage, count in sorted(self.stage.items()) if count) or "nobody"
        return f"{self.placed} of {calls} called; now: {now}; over: {sum(self.ended.values())}"


async def run(definitions: Definitions, load: Load) -> None:
    """Play it, and say how it went. Raises Refused."""
    here = settings()
    _require_this_machine(here)
    await asyncio.to_thread(_remove_left_over)
    chance, floor, numbers = random.Random(load.seed), _Floor(), list[str]()
    try:
        async with _agents(here, definitions, load, chance) as agents:
            say(f"{len(agents)} agents of team {TEAM} take calls; {load.calls} callers call; Ctrl-C ends it")
            telling = asyncio.create_task(_tell(floor, load.calls))
            try:
                async with asyncio.timeout(load.longest):
                    await _calls(here, load, chance, floor, numbers)
            except TimeoutError:
                say(f"the demo ends after {load.longest:g} s")
            finally:
                telling.cancel()
    finally:
        await asyncio.to_thread(_cancel_promises, numbers)
    how = ", ".join(f"{count} {end}" for end, count in sorted(floor.ended.items()))
    say(f"{sum(floor.ended.values())} calls are over: {how}; they stay in the records, the agents are removed")


def _require_this_machine(here: Settings) -> None:
    if here.asterisk:
        raise Refused("Asterisk runs on another machine: the demo's phones call a hotline on this machine alone")
    if not ipaddress.ip_address(host(here)).is_loopback:
        raise Refused(f"the hotline listens on {host(here)}: the demo calls one on 127.0.0.1 alone (SANSHENG_BIND)")


# Agents


@asynccontextmanager
async def _agents(
    here: Settings, definitions: Definitions, load: Load, chance: random.Random
) -> AsyncIterator[list[Phone]]:
    """So many agents with a softphone each, who take calls until the end of the block; then they are gone."""
    skills = list(definitions.policy.skills)
    taken = {each["id"] for each in await asyncio.to_thread(_known_agents)}
    names = [str(number) for number in range(_FIRST, _FIRST + 400) if str(number) not in taken][: load.agents]
    working: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as open_:
        phones = [await open_.enter_async_context(Phone(name, host(here), here.sip_port)) for name in names]
        try:
            for place, phone in enumerate(phones):
                # The first ones can do everything, so that no caller waits in vain.
                some = skills if place < 2 else chance.sample(skills, max(2, len(skills) // 2))
                body = {
                    "id": phone.user,
                    "name": f"演示 Demo {place + 1}",
                    "skills": {skill: chance.randint(3, 9) for skill in some},
                    "teams": [TEAM],
                    "contact": phone.contact,
                }
                await asyncio.to_thread(request, "PUT", f"/api/v1/agents/{phone.user}", body)
                await asyncio.to_thread(_status, phone.user, "available")
                working.append(asyncio.create_task(_works(phone, load, random.Random(f"{load.seed} {place}"))))
            yield phones
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            await asyncio.gather(*(call.hangup(1.0) for phone in phones for call in phone.calls))
            await asyncio.to_thread(_remove, names)


async def _works(phone: Phone, load: Load, chance: random.Random) -> None:
    """Answer each call after a moment, talk, hang up, and finish the wrap-up; take a break now and then."""
    phone.on_invite = Ring()
    served = 0
    while True:
        call = await phone.incoming(load.longest)
        with suppress(*_OVER):
            await asyncio.sleep(chance.uniform(0.5, 3.0))
            await call.answer(Tone(_AGENT_HZ))
            await asyncio.sleep(max(2.0, chance.gauss(load.talk, load.talk / 3)))
            await call.hangup()
        phone.on_invite = Refuse(486)
        await asyncio.sleep(chance.uniform(0.5, 3.0))
        phone.on_invite = Ring()
        served += 1
        if chance.random() < 0.1:
            await asyncio.to_thread(_status, phone.user, "break")
            await asyncio.sleep(chance.uniform(3.0, 8.0))
        with suppress(Refused):
            await asyncio.to_thread(request, "POST", f"/api/v1/agents/{phone.user}/wrap-up/end")
        with suppress(Refused):
            await asyncio.to_thread(_status, phone.user, "available")


def _status(agent: str, status: str) -> None:
    request("POST", f"/api/v1/agents/{agent}/status", {"status": status})


def _known_agents() -> list[dict[str, Any]]:
    return list(request("GET", "/api/v1/agents")["items"])


def _remove_left_over() -> None:
    """Agents of a demo that was killed."""
    _remove([each["id"] for each in _known_agents() if each.get("teams") == [TEAM]])


def _remove(names: list[str]) -> None:
    """Take the agents away; one who is on a call leaves when it is over."""
    deadline, left = time.monotonic() + _REMOVED_WITHIN, list(names)
    while left:
        for name in tuple(left):
            with suppress(Refused):
                _status(name, "signed_out")
            try:
                request("DELETE", f"/api/v1/agents/{name}")
                left.remove(name)
            except Refused as error:
                if "there is no agent" in str(error):
                    left.remove(name)
                elif time.monotonic() > deadline:
                    raise Refused(f"agent {name} of the demo is still there: {error}") from None
        if left:
            time.sleep(0.25)


# Callers


async def _calls(here: Settings, load: Load, chance: random.Random, floor: _Floor, numbers: list[str]) -> None:
    room = asyncio.Semaphore(load.at_once)
    async with asyncio.TaskGroup() as group:
        for place in range(load.calls):
            await room.acquire()
            number = f"138001{chance.randrange(100_000):05}"
            numbers.append(number)
            floor.placed += 1
            caller = _Caller(number, load, random.Random(f"{load.seed} caller {place}"), floor)
            task = group.create_task(caller.calls(here))
            task.add_done_callback(lambda _: room.release())
            await asyncio.sleep(min(chance.expovariate(1 / load.every), 4 * load.every))


class _Caller:
    """One caller, from the INVITE to the goodbye."""

    def __init__(self, number: str, load: Load, chance: random.Random, floor: _Floor) -> None:
        self._number, self._load, self._chance, self._floor = number, load, chance, floor
        self._stage = ""

    async def calls(self, here: Settings) -> None:
        end = "failed"
        try:
            async with Phone(self._number, host(here), here.sip_port) as phone:
                end = await self._call(await phone.dial("4008001234", source=Tone(_CALLER_HZ)))
        except _OVER:
            end = "hung up" if self._stage in ("", "in the menu") else "left the queue"
        finally:
            self._at("")
            self._floor.ended[end] += 1

    async def _call(self, call: Call) -> str:
        """What came of it."""
        await call.answered(15)
        self._at("in the menu")
        await call.heard(within=15)
        for digit in self._chance.choices(_ROUTES, _WEIGHTS)[0]:
            await asyncio.sleep(self._chance.uniform(0.5, 2.0))
            await call.press(digit)
        self._at("waiting")
        patience = min(self._chance.expovariate(1 / self._load.patience) + 15, 4 * self._load.patience)
        heard = call.rtp.heard(_AGENT_HZ, above=_SPEECH, window=_LONG, within=patience)
        await first_of(_until(heard), _until(call.ended(patience)))
        if _is_over(call):
            return "ended by the hotline"
        if tone_level(call.rtp.samples(_LONG), _AGENT_HZ) <= _SPEECH:
            await call.hangup()
            return "gave up"
        self._at("talking")
        await _quiet(call, self._load.talk * 6 + 30)
        self._at("in the survey")
        with suppress(*_OVER):
            await asyncio.sleep(self._chance.uniform(1.0, 3.0))
            await call.press(str(self._chance.choices((1, 2, 3, 4, 5), (1, 1, 2, 5, 8))[0]))
            await call.ended(15)
        if not _is_over(call):
            await call.hangup()
        return "served"

    def _at(self, stage: str) -> None:
        if self._stage:
            self._floor.stage[self._stage] -= 1
        self._stage = stage
        if stage:
            self._floor.stage[stage] += 1


def _is_over(call: Call) -> bool:
    return call.state is CallState.ENDED


async def _until(what: Coroutine[Any, Any, object]) -> None:
    """Wait for it, or until its time is over."""
    with suppress(*_OVER):
        await what


async def _quiet(call: Call, within: float) -> None:
    """Wait until the agent's tone is over, or the call is."""
    for _ in range(int(within / _LONG)):
        await asyncio.sleep(_LONG)
        if call.state is not CallState.TALKING or tone_level(call.rtp.samples(_LONG), _AGENT_HZ) <= _SPEECH:
            return
    raise TimeoutError


def _cancel_promises(numbers: list[str]) -> None:
    """Nobody is called back for a demo."""
    for number in dict.fromkeys(numbers):
        with suppress(Refused):
            for each in request("GET", f"/api/v1/callbacks?number={number}&limit=10")["items"]:
                if each["state"] in ("pending", "dialling"):
                    request("POST", f"/api/v1/callbacks/{each['id']}/cancel", {"reason": "a demo"})


async def _tell(floor: _Floor, calls: int) -> None:
    before = ""
    while True:
        await asyncio.sleep(5.0)
        if (line := floor.line(calls)) != before:
            say(line)
            before = line
