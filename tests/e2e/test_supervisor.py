"""A supervisor's acts on the floor, as callers and agents hear them, and as the log keeps them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from server.storage.database import open_database
from softphone.audio import Tone, tone_level
from softphone.call import Call
from softphone.phone import Phone
from tests.e2e.conftest import Hotline, hears_tone, make_home, running

pytestmark = pytest.mark.e2e
CALLER, AGENT, LEADER = 1000, 600, 2900


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    hotline = Hotline(make_home())
    with running(hotline):
        yield hotline


@asynccontextmanager
async def waiting(hotline: Hotline, number: str) -> AsyncIterator[tuple[Call, int]]:
    """A caller who waits for a complaint agent, and the call's number."""
    async with hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(CALLER))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        end = asyncio.get_running_loop().time() + 10
        while not (found := [row for row in (await floor(hotline))["waiting"] if row["caller"] == number]):
            assert asyncio.get_running_loop().time() < end, f"{number} does not wait"
            await asyncio.sleep(0.05)
        yield call, found[0]["call"]


async def floor(hotline: Hotline) -> dict[str, Any]:
    return dict(await hotline.request("GET", "/api/v1/floor"))


def told(hotline: Hotline, *names: str) -> list[dict[str, Any]]:
    """The log's entries of these types, from the archive."""
    with open_database(f"sqlite:///{hotline.home / 'records.db'}").read.connect() as session:
        rows = session.execute(text("SELECT type, data FROM events ORDER BY ms, seq")).all()
    return [{"name": name, **json.loads(data)} for name, data in rows if name in names]


async def test_a_waiting_call_is_moved_and_says_who_moved_it_and_why(hotline: Hotline) -> None:
    async with waiting(hotline, "13800138201") as (call, number), hotline.agent("1201", inquiry=3) as phone:
        await hotline.command("call", "move", str(number), "inquiry", "--reason", "it is a question")
        leg = await phone.incoming()
        await leg.answer(Tone(AGENT))
        await hears_tone(call, AGENT)
        await call.hangup()
    shown = await hotline.ended_call("13800138201")
    moved = next(each for each in shown["decisions"] if each["kind"] == "moved")
    assert "it is a question" in moved["rule"]
    assert shown["queue"] == "inquiry"


async def test_a_waiting_call_is_pulled_for_an_agent_whatever_the_skills(hotline: Hotline) -> None:
    async with waiting(hotline, "13800138202") as (call, number), hotline.agent("1201", orders=3) as phone:
        await hotline.command("call", "pull", str(number), "1201", "--reason", "knows the caller")
        leg = await phone.incoming()
        await leg.answer(Tone(AGENT))
        await hears_tone(call, AGENT)
        again = await hotline.command("call", "pull", str(number), "1201", check=False)
        assert again.returncode == 1
        assert "does not wait" in again.stderr
        await call.hangup()
    await hotline.ended_call("13800138202")


async def test_a_raised_priority_changes_the_order(hotline: Hotline) -> None:
    async with waiting(hotline, "13800138203") as (_, first), waiting(hotline, "13800138204") as (_, second):
        assert [row["call"] for row in (await floor(hotline))["waiting"]] == [first, second]
        await hotline.command("call", "priority", str(second), "90", "--reason", "a reporter")
        assert [row["call"] for row in (await floor(hotline))["waiting"]] == [second, first]
    raised = await hotline.until(lambda: told(hotline, "PrioritySet"), "the records tell of it")
    assert raised[-1]["reason"] == "a reporter"


async def test_a_supervisor_listens_whispers_and_barges_in_and_the_log_knows(hotline: Hotline) -> None:
    async with (
        hotline.agent("1201", complaint=5) as phone,
        waiting_for(hotline, phone, "13800138205") as (call, leg, number),
        hotline.agent("1209", media=1) as leader,
    ):
        asking = asyncio.ensure_future(
            hotline.request(
                "POST", f"/api/v1/calls/{number}/monitor", {"by": "1209", "mode": "listen", "reason": "training"}
            )
        )
        listening = await leader.incoming()
        await listening.answer(Tone(LEADER))
        await asking
        await hears_tone(listening, CALLER)
        await hears_tone(listening, AGENT)
        assert tone_level(leg.rtp.samples(0.5), LEADER) < -40, "the agent does not hear who listens"
        await listening.press("5")
        await hears_tone(leg, LEADER)
        assert tone_level(call.rtp.samples(0.5), LEADER) < -40, "the caller does not hear a whisper"
        await listening.press("6")
        await hears_tone(call, LEADER)
        switched = await hotline.request(
            "POST", f"/api/v1/calls/{number}/monitor/mode", {"phone": "1209", "mode": "whisper"}
        )
        assert (switched["hears"]["caller"], switched["hears"]["agent"]) == (False, True)
        await hears_tone(leg, LEADER)
        assert tone_level(call.rtp.samples(0.5), LEADER) < -40, "the caller does not hear a whisper again"
        await listening.hangup()
        await hotline.until(lambda: told(hotline, "MonitorEnded"), "the log says that nobody listens any more")
        assert [row["state"] for row in (await floor(hotline))["agents"] if row["id"] == "1209"] == ["idle"]
        await call.hangup()
    started, *changes, ended = told(hotline, "MonitorStarted", "MonitorChanged", "MonitorEnded")
    assert (started["call"], started["agent"], started["by"], started["reason"]) == (number, "1201", "1209", "training")
    assert [each["mode"] for each in changes] == ["whisper", "barge", "whisper"]
    assert ended["why"] == "hung_up"


@asynccontextmanager
async def waiting_for(hotline: Hotline, phone: Phone, number: str) -> AsyncIterator[tuple[Call, Call, int]]:
    """A caller who speaks with this agent: both calls, and the call's number."""
    async with hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(CALLER))
        await call.answered()
        await call.heard()
        for digit in "14":
            await call.press(digit)
        leg = await phone.incoming()
        await leg.answer(Tone(AGENT))
        await hears_tone(call, AGENT)
        rows = await hotline.request("GET", "/api/v1/calls?limit=5")
        yield call, leg, next(row["id"] for row in rows["items"] if row["caller"] == number)


async def test_an_act_that_cannot_be_done_is_refused_with_a_sentence(hotline: Hotline) -> None:
    for act, body, sentence in (
        ("move", {"queue": "orders"}, "is over, or never was"),
        ("hold", None, "is over, or never was"),
        ("monitor", {"by": "1209", "reason": "training"}, "is not in a conversation"),
    ):
        with pytest.raises(AssertionError, match=f"409.*{sentence}"):
            await hotline.request("POST", f"/api/v1/calls/99999/{act}", body)
