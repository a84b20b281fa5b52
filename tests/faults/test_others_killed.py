"""kill -9 of Asterisk, of Redis, of everything at once; a database that is away; an orderly stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest

import acd.events as acd
from softphone.audio import Tone
from softphone.call import CallState
from tests.e2e.conftest import Hotline, hears_tone
from tests.faults.conftest import AGENT_HZ, CALLER_HZ, People, kill, logged

pytestmark = pytest.mark.e2e


async def restarted(hotline: Hotline, child: str, before: int | None) -> None:
    """The child runs again, and calls are taken."""
    await hotline.until(
        lambda: hotline.pid(child) not in (None, before) and hotline.health().get("ok"), f"{child} is back", 30
    )


async def test_asterisk_is_back_by_itself_and_its_calls_are_closed_truthfully(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    await people.talk("1001", "13800000001")
    await people.wait_in_queue(["13800000002"])
    await asyncio.sleep(1.0)
    asterisk = hotline.pid("asterisk")
    kill(asterisk)
    died = time.time()
    await restarted(hotline, "asterisk", asterisk)
    talked = await hotline.ended_call("13800000001", 20)
    waited = await hotline.ended_call("13800000002", 20)
    for shown in (talked, waited):
        assert datetime.fromisoformat(shown["ended_at"]).timestamp() <= died + 1.5
    assert talked["outcome"] == "handled"
    assert waited["outcome"] == "failed"
    assert len(talked["recordings"]) == 1
    recording = hotline.records.recording_list(call=talked["id"]).items[0]
    assert recording["seconds"] > 0.5
    # The agent need not sign in again, and the next call works.
    await hotline.agent_is("1001", status="available", state="idle")
    await people.talk("1001", "13800000003")


async def test_redis_is_back_with_all_it_had_and_waiting_callers_notice_nothing(
    hotline: Hotline, people: People
) -> None:
    order = await people.wait_in_queue([f"1380000000{n}" for n in range(3)])
    redis = hotline.pid("redis")
    assert redis is not None
    os.kill(redis, signal.SIGSTOP)
    # Somebody comes, and somebody leaves, while nothing can be recorded.
    new = await people.call("13800000009", "14")
    await people.callers[order[1]].hangup()
    # This one is gone before the log can know of the arrival.
    await (await people.call("13800000008", "1")).hangup()
    await asyncio.sleep(1.0)
    kill(redis)
    await restarted(hotline, "redis", redis)
    assert await people.waiting(3) == [order[0], order[2], "13800000009"]
    assert new.state is CallState.TALKING
    await people.sign_in("1001")
    ringing = await people.agents["1001"].incoming(15)
    assert ringing.number == order[0]
    await ringing.answer(Tone(AGENT_HZ))
    await hears_tone(people.callers[order[0]], AGENT_HZ, 20)
    assert (await hotline.ended_call(order[1]))["outcome"] in ("abandoned", "short_abandoned")
    assert (await hotline.ended_call("13800000008"))["outcome"] == "in_ivr"


async def test_server_and_redis_die_at_once_and_nothing_is_forgotten(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    call, ringing = await people.talk("1001", "13800000001")
    order = await people.wait_in_queue(["13800000002", "13800000003"])
    kill(hotline.pid("redis"))
    hotline.kill()
    hotline.start()
    assert await people.waiting(2) == order
    await hears_tone(call, AGENT_HZ)
    await hears_tone(ringing, CALLER_HZ)
    await ringing.hangup()
    assert (await people.agents["1001"].incoming(15)).number == order[0]
    assert people.dropped() == []


async def test_a_database_that_cannot_be_written_delays_rows_and_loses_none(hotline: Hotline, people: People) -> None:
    import sqlite3

    await people.sign_in("1001")
    lock = sqlite3.connect(hotline.home / "records.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    call, ringing = await people.talk("1001", "13800000001")
    await ringing.hangup()
    await call.hangup()
    await hotline.until(lambda: logged(hotline, acd.CallEnded), "the call is over in the log")
    await hotline.until(lambda: "behind" in str(hotline.health()["warnings"]), "the delay is told", 30)
    assert hotline.health()["ok"], "calls are taken without a database"
    lock.rollback()
    lock.close()
    shown = await hotline.ended_call("13800000001", 30)
    assert shown["outcome"] == "handled"
    await hotline.until(lambda: not hotline.warnings(), "all is well again", 15)


async def test_a_store_without_room_joins_the_recording_when_there_is_some(hotline: Hotline, people: People) -> None:
    store = hotline.home / "recordings"
    aside = hotline.home / "aside"
    store.rename(aside)
    store.write_text("in the way")
    await people.sign_in("1001")
    call, ringing = await people.talk("1001", "13800000001")
    await ringing.hangup()
    await call.hangup()
    await hotline.until(lambda: "cannot be joined" in str(hotline.health()["warnings"]), "the trouble is told", 30)
    store.unlink()
    aside.rename(store)
    shown = await hotline.ended_call("13800000001", 30)
    assert len(shown["recordings"]) == 1


def processes_of(home: Path) -> list[str]:
    """Command lines that still name this home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in line and int(path.parent.name) != os.getpid():
            found.append(line)
    return found


async def test_an_orderly_stop_lets_conversations_end_and_leaves_no_process(new_hotline, hotline: Hotline) -> None:  # type: ignore[no-untyped-def]
    assert hotline.process is not None
    assert processes_of(hotline.home)
    assert await asyncio.to_thread(hotline.stop) == 0
    assert processes_of(hotline.home) == []
    hotline.environment["SANSHENG_DRAIN_SECONDS"] = "60"
    await asyncio.to_thread(hotline.start)
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        people = People(hotline, stack)
        await people.sign_in("1001")
        call, ringing = await people.talk("1001", "13800000001")
        hotline.process.send_signal(signal.SIGINT)
        await hotline.until(lambda: "stopping" in str(hotline.health()["problems"]), "it says that it stops")
        await hears_tone(call, AGENT_HZ)
        await ringing.hangup()
        assert await asyncio.to_thread(hotline.process.wait, 30) == 0
        assert processes_of(hotline.home) == []

        await asyncio.to_thread(hotline.start)
        await hotline.request("POST", "/api/v1/agents/1001/status", {"status": "available"})
        await people.talk("1001", "13800000002")
        hotline.process.send_signal(signal.SIGINT)
        await hotline.until(lambda: "stopping" in str(hotline.health()["problems"]), "it says that it stops")
        began = time.monotonic()
        hotline.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(hotline.process.wait, 30) == 0
        assert time.monotonic() - began < 20, "the second Ctrl-C waits for nobody"
    assert processes_of(hotline.home) == []


async def test_a_port_in_use_is_told_in_one_sentence(hotline: Hotline, new_hotline) -> None:  # type: ignore[no-untyped-def]
    for name in ("HTTP", "SIP", "AMI", "AGI"):
        other = new_hotline(**{f"SANSHENG_{name}_PORT": str(hotline.ports[name])})
        other.spawn()
        assert other.process is not None
        assert await asyncio.to_thread(other.process.wait, 40) == 1
        said = (other.home / "output").read_text()
        assert f"SANSHENG_{name}_PORT" in said
        assert "Traceback" not in said
        assert processes_of(other.home) == []


async def test_health_is_asked_while_a_server_starts(new_hotline) -> None:  # type: ignore[no-untyped-def]
    hotline = new_hotline()
    hotline.spawn()
    answer = await asyncio.to_thread(_first_answer, hotline)
    assert answer.status_code == 200 or answer.json()["problems"]
    hotline.wait_healthy()


def _first_answer(hotline: Hotline) -> httpx.Response:
    end = time.monotonic() + 60
    while True:
        try:
            return httpx.get(f"{hotline.api}/healthz", timeout=5, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.02)
