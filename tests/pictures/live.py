"""People on the floor while pictures are taken: agents with softphones, and callers who keep coming."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import soundfile

from server.hotline.definitions import PROMPTS
from softphone.audio import Wave
from softphone.phone import CallEnded, Phone, Refuse, Ring
from tests.e2e.conftest import Hotline
from tests.pictures.past import AGENTS, TEAMS, Person

ROUTES = ("14", "11", "12", "13", "15", "2", "3", "4")
RATE = 8000


def voices(folder: Path) -> tuple[Wave, Wave]:
    """Two people who speak in turn, made of what the prompts say: (caller, agent)."""
    sounds = [
        soundfile.read(file, dtype="int16")[0]
        for file in sorted((PROMPTS / "zh").glob("*.wav"))
        if 1.5 < (file.stat().st_size - 44) / 2 / RATE < 6
    ][:16]
    sides: list[list[np.ndarray]] = [[], []]
    pause = np.zeros(RATE // 2, np.int16)
    for turn, sound in enumerate(sounds):
        sides[turn % 2] += [sound, pause]
        sides[1 - turn % 2] += [np.zeros_like(sound), pause]
    made = []
    for name, parts in zip(("caller", "agent"), sides, strict=True):
        soundfile.write(folder / f"{name}.wav", np.concatenate(parts), RATE, subtype="PCM_16")
        made.append(Wave(folder / f"{name}.wav", again=True))
    return made[0], made[1]


@asynccontextmanager
async def agent_phone(hotline: Hotline, person: Person, status: str = "available") -> AsyncIterator[Phone]:
    """The person's softphone; signed out afterwards."""
    async with Phone(person.number, "127.0.0.1", hotline.sip_port) as phone:
        await _define(hotline, person, phone.contact)
        body = {"status": status, **({"reason": "meal"} if status == "break" else {})}
        await hotline.request("POST", f"/api/v1/agents/{person.number}/status", body)
        try:
            yield phone
        finally:
            with suppress(AssertionError):
                await hotline.request("POST", f"/api/v1/agents/{person.number}/status", {"status": "signed_out"})


async def _define(hotline: Hotline, person: Person, contact: str) -> None:
    body = {"name": person.name, "skills": person.skills, "teams": [TEAMS[person.team]], "contact": contact}
    await hotline.request("PUT", f"/api/v1/agents/{person.number}", body)


@asynccontextmanager
async def busy_floor(
    hotline: Hotline, people: Sequence[Person], sounds: tuple[Wave, Wave], callers: int
) -> AsyncIterator[None]:
    """These agents work, but for the last, who has a break; so many callers are on the line at any time."""
    chance = random.Random(5)
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        for place, person in enumerate(people):
            status = "break" if place == len(people) - 1 else "available"
            phone = await stack.enter_async_context(agent_phone(hotline, person, status))
            tasks.append(asyncio.create_task(_works(phone, sounds[1], chance)))
        tasks += [asyncio.create_task(_calls(hotline, place, sounds[0], chance)) for place in range(callers)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _works(phone: Phone, sound: Wave, chance: random.Random) -> None:
    phone.on_invite = Ring()
    while True:
        call = await phone.incoming(3600)
        with suppress(CallEnded, TimeoutError):
            await asyncio.sleep(chance.uniform(1.0, 5.0))
            await call.answer(sound)
            await asyncio.sleep(chance.uniform(40, 90))
            await call.hangup()
        phone.on_invite = Refuse(486)
        await asyncio.sleep(1.0)
        phone.on_invite = Ring()


async def _calls(hotline: Hotline, place: int, sound: Wave, chance: random.Random) -> None:
    """One caller after another at this place."""
    await asyncio.sleep(place * 1.5)
    while True:
        number = f"13{chance.choice('5689')}{chance.randrange(10**8):08d}"
        with suppress(CallEnded, TimeoutError):
            async with hotline.caller(number) as phone:
                call = await phone.dial("4008001234", source=sound)
                await call.answered(15)
                await call.heard(within=15)
                for digit in chance.choice(ROUTES):
                    await asyncio.sleep(chance.uniform(0.5, 1.5))
                    await call.press(digit)
                await call.ended(240)


def people(*numbers: str) -> list[Person]:
    """The agents with these numbers, in this order."""
    known = {each.number: each for each in AGENTS}
    return [known[each] for each in numbers]
