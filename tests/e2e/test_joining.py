"""Caller and agent are joined: the announcements before, the survey afterwards, and the output of the commands."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from softphone.audio import Tone
from softphone.call import Call
from softphone.phone import Answer
from tests.e2e.conftest import hears_tone
from tests.e2e.hearing import Heard, heard, hears

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


def _moment(call: Call, what: Heard) -> float:
    """When it was heard, by the loop's clock."""
    return call.rtp.arrivals[max(0, int(what.at / 0.02))]


async def test_the_agent_hears_the_category_while_the_caller_hears_the_work_number(hotline: Hotline) -> None:
    async with hotline.agent("2041", announced=True, complaint=9) as agent, hotline.caller("13800131041") as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        leg = await agent.incoming()
        await hears_tone(call, 600)
        await hears_tone(leg, 1000)
        (whisper,) = await heard(leg, ["whisper-attitude"])
        number = await heard(call, ["agent-number-before", "agent-number-after"])
        assert [each.prompt for each in number] == ["agent-number-before", "agent-number-after"]
        assert abs(_moment(leg, whisper) - _moment(call, number[0])) < 0.5
        assert not await heard(call, ["whisper-attitude"])
        await call.hangup()
        await leg.ended()


async def test_a_mark_is_taken_after_the_conversation_and_only_a_mark(hotline: Hotline) -> None:
    caller = "13800131042"
    async with hotline.agent("2042", complaint=9) as agent, hotline.caller(caller) as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600)
        await call.press("3")  # during the conversation: no mark
        await agent.calls[-1].hangup()
        asked = await hears(call, "survey")
        await call.press("8")
        await hears(call, "survey-no-match", since=asked.at)
        await call.press("4")
        await hears(call, "survey-thanks", since=asked.at)
        await call.ended()
    assert (await hotline.ended_call(caller))["satisfaction"] == 4


async def test_a_caller_who_hangs_up_during_the_survey_was_served_all_the_same(hotline: Hotline) -> None:
    caller = "13800131043"
    async with hotline.agent("2043", complaint=9) as agent, hotline.caller(caller) as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await hears_tone(call, 600)
        await agent.calls[-1].hangup()
        await hears(call, "survey")
        await call.hangup()
    shown = await hotline.ended_call(caller)
    assert (shown["outcome"], shown["satisfaction"]) == ("handled", None)


async def test_the_commands_show_what_happened_in_the_agreed_fields(hotline: Hotline) -> None:
    caller = "13800131044"
    before = time.time()
    async with hotline.agent("2044", complaint=9) as agent, hotline.caller(caller) as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered()
        answered = time.time()
        await hears_tone(call, 600)
        await agent.calls[-1].hangup()
        await call.hangup()
        agents = await _listed(hotline, "agent")
        agent_row = next(row for row in agents if row["id"] == "2044")
    assert set(agent_row) >= {"id", "name", "skills", "status", "state", "since", "phone"}
    assert agent_row["skills"] == {"complaint": 9}
    shown = await hotline.ended_call(caller)
    row = next(row for row in await _listed(hotline, "call") if row["caller"] == caller)
    assert set(row) == {
        *("id", "caller", "called", "queue", "category", "agent", "ticket", "recordings", "offered_at", "answered_at"),
        *("queued_at", "connected_at", "ended_at", "outcome", "satisfaction", "withheld", "called_name"),
    }
    times = [_epoch(row[name]) for name in ("offered_at", "answered_at", "queued_at", "connected_at", "ended_at")]
    assert times == sorted(times)
    assert before - 0.01 <= times[0] <= times[1] <= answered + 0.001, "the records keep milliseconds"
    assert row["called"] == "4008001234"
    ticket = next(each for each in await _listed(hotline, "ticket") if each["id"] == row["ticket"])
    assert list(ticket)[:6] == ["id", "call", "category", "grade", "state", "opened_at"]
    assert (ticket["call"], ticket["category"]) == (row["id"], "attitude")
    recording = next(each for each in await _listed(hotline, "recording") if each["id"] == row["recordings"][0])
    assert set(recording) == {"id", "call", "agent", "ticket", "seconds", "channels", "sha256"}
    assert (recording["call"], recording["agent"], recording["ticket"]) == (row["id"], "2044", row["ticket"])
    assert recording["channels"] == 2
    said = json.loads((await hotline.command("call", "show", str(row["id"]), "--json")).stdout)
    assert said["decisions"] == shown["decisions"]
    assert [each["kind"] for each in said["decisions"]][-1] == "offer"
    assert (await hotline.command("call", "show", "999999", check=False)).returncode == 1


async def _listed(hotline: Hotline, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((await hotline.command(kind, "list", "--json")).stdout)
    return rows


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_a_demo_of_callbacks_without_a_way_out_says_what_to_set(hotline: Hotline) -> None:
    done = await hotline.command("demo", "callback", check=False)
    assert done.returncode == 1
    assert "SANSHENG_TRUNK=sip:127.0.0.1:5090 make run" in done.stderr
