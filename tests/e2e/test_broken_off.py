"""A conversation that breaks off, on a hotline whose limits are short: who notices, what the caller hears, and who has
handled the call."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator

import pytest

from softphone.audio import Tone
from softphone.phone import Answer, Call, Policy
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, make_home

pytestmark = pytest.mark.e2e

LIMITS = """
[phones]
misses_within = 2
rings_within = 1.5
"""


@pytest.fixture(scope="module")
def strict() -> Iterator[Hotline]:
    """One hotline for all tests of this module."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    before, _, rest = file.read_text(encoding="utf-8").partition("[phones]\n")
    file.write_text(before + LIMITS + rest[rest.index("\n\n") :], encoding="utf-8")
    try:
        hotline.start()
        yield hotline
        hotline.stop()
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


@pytest.mark.parametrize(("agent", "joined"), [("2605", False), ("2606", True)])
async def test_an_agent_who_hangs_up_before_a_conversation_can_begin_missed_the_call(
    strict: Hotline, agent: str, joined: bool
) -> None:
    caller = f"1380013106{agent[-1]}"

    async def drop(call: Call) -> None:
        await call.answered()
        if joined:
            await hears_tone(call, 1000)
        else:
            await asyncio.sleep(0.3)
        await call.hangup()

    dropping: set[asyncio.Task[None]] = set()

    def policy(call: Call) -> Policy:
        dropping.add(asyncio.create_task(drop(call)))
        return Answer(0.1, Tone(600))

    async with (
        strict.agent(agent, complaint=9) as leaving,
        strict.agent(f"{agent}9", complaint=5, status="break") as ready,
        strict.caller(caller) as one,
        strict.caller(f"1380013107{agent[-1]}") as two,
    ):
        leaving.on_invite, ready.on_invite = policy, Answer(0.1, Tone(600))
        call = await one.dial("4008001234", source=Tone(1000))
        first = await leaving.incoming()
        other = await two.dial("4008001234", source=Tone(1000))
        await strict.agent_is(agent, within=20, status="break", reason="no_answer", state="idle")
        again = await leaving.incoming()
        assert first.number == again.number == caller
        await strict.queued(caller)
        await strict.request("POST", f"/api/v1/agents/{agent}9/status", {"status": "available"})
        assert (await ready.incoming()).number == caller
        await hears_tone(call, 600)
        await call.hangup()
        await other.hangup()
    shown = await strict.ended_call(caller)
    assert [(leg["agent"], leg["outcome"], leg["joined_at"] is not None) for leg in shown["segments"]] == [
        (agent, "dropped", joined),
        (agent, "dropped", joined),
        (f"{agent}9", "answered", True),
    ]
    assert (shown["outcome"], shown["agent"]) == ("handled", f"{agent}9")


async def test_a_caller_who_was_only_dropped_is_not_handled(strict: Hotline) -> None:
    caller = "13800131068"
    async with strict.agent("2608", complaint=9) as leaving, strict.caller(caller) as phone:
        leaving.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        offered = await leaving.incoming()
        await hears_tone(offered, 1000)
        await offered.hangup()
        await strict.queued(caller)
        await call.hangup()
    shown = await strict.ended_call(caller)
    assert (shown["outcome"], shown["agent"], shown["connected_at"]) in [
        ("short_abandoned", None, None),
        ("abandoned", None, None),
    ]
