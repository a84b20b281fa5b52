"""A peak: sixty callers on six agents. Callback mode comes and goes by itself; all are called back, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

import acd.callbacks.events as callback
from acd.callbacks.states import PromiseState
from acd.events import CallLeftQueue, CallQueued
from server.eventlog.derived_events import Decided, ModeNoted, PromiseNoted
from server.eventlog.log import Entry, entry_of
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, free_ports
from tests.e2e.phones import sipp  # noqa: F401
from tests.e2e.sipp_peer import Run, Sipp

pytestmark = pytest.mark.e2e

SHOWN = "01065529988"
CALLERS = [f"138000{number:05d}" for number in range(1, 61)]
TALK = 4.0
"""Seconds that an agent speaks with a caller, the whisper in; a customer who is called back says goodbye first."""
TIMED_OUT = 255
"""How sipp ends that had to give a call up after its limit."""
CUSTOMER_TALKS = 3.0
"""Seconds from the pick-up to the goodbye: who leaves before the join has not been reached, and is called again."""
AGENTS = ("1001", "1002", "1003", "1004", "1005", "1006")
CALM = "[callback]\nhold = 3600\nkept_after = 0\n"
RULES = f"""\
[callback]
outgoing = "{SHOWN}"
window = "00:00-24:00"
kept_after = 0
on_above = 8
on_ratio = 2
hold = 1
off_below = 4
dwell = 3
ring_for = 5

# sipp's callers send no sound, and answer no INVITE in mid-call: nobody asks them whether they are there.
[sound]
learn_after = 0
"""


@pytest.fixture
def hotline(new_hotline: Callable[..., Hotline]) -> Hotline:
    """A hotline with a trunk, not started yet."""
    (trunk,) = free_ports(1)
    hotline = new_hotline(SANSHENG_TRUNK=f"sip:127.0.0.1:{trunk}")
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    text = file.read_text().replace("[queues.complaint]\n", "[queues.complaint]\nhandling = 4\n", 1)
    assert CALM in text
    text = text.replace("[phones]\n", "[phones]\ncaller_lost_after = 600\n", 1).replace(CALM, RULES)
    file.write_text(text)
    return hotline


@pytest_asyncio.fixture
async def agents(hotline: Hotline, sipp: Sipp) -> AsyncIterator[list[Run]]:  # noqa: F811
    """Six agents who hang up a while after picking up."""
    hotline.start()
    async with AsyncExitStack() as stack:
        runs = []
        for agent in AGENTS:
            hotline.hush(agent)
            run = await stack.enter_async_context(sipp.run("agent-hangs-up", ring=0.1, talk=TALK, limit=270, calls=80))
            body = {"id": agent, "name": f"Agent {agent}", "skills": {"complaint": 5}, "contact": run.contact}
            await hotline.request("PUT", f"/api/v1/agents/{agent}", body)
            await hotline.request("POST", f"/api/v1/agents/{agent}/status", {"status": "available"})
            runs.append(run)
        yield runs


async def unserved(hotline: Hotline) -> list[str]:
    """The calls that are not over, as the floor has them, and what their agents do."""
    rows = [row for row in hotline.records.call_list(limit=200).items if row["ended_at"] is None]
    agents = [
        f"{row['id']} {row['status']} {row['state']}"
        for row in (await hotline.request("GET", "/api/v1/agents"))["items"]
    ]
    return [
        *(f"{row['id']} {row['caller']} {row['queue']} {row['agent']} {row['connected_at']}" for row in rows),
        *agents,
    ]


def spoken(hotline: Hotline) -> list[dict[str, Any]]:
    """Calls in which an agent spoke with somebody."""
    return [row for row in hotline.records.call_list(limit=200).items if row["connected_at"]]


@asynccontextmanager
async def followed(hotline: Hotline) -> AsyncIterator[list[Entry]]:
    """Every entry of the log from its beginning, as it comes: behind a snapshot the log is trimmed."""
    log: list[Entry] = []
    redis = Redis(unix_socket_path=str(hotline.home / "redis" / "redis.sock"), protocol=2)

    async def follow() -> None:
        last = "0-0"
        while True:
            streams: Any = await redis.xread({"sansheng:log": last}, block=500)
            for _, rows in streams or ():
                log.extend(entry_of(*row) for row in rows)
                last = log[-1].id

    following = asyncio.create_task(follow())
    try:
        yield log
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await redis.aclose()


async def every_promise_is_settled(hotline: Hotline, runs: Sequence[Run], within: float = 200.0) -> None:
    """Wait for it. The error says what became of sipp, which gives a call up when it hears what it does not expect."""
    end = asyncio.get_running_loop().time() + within
    while True:
        rows = (await hotline.request("GET", "/api/v1/callbacks?limit=200"))["items"]
        left = [row for row in rows if row["state"] in ("pending", "dialling", "connected")]
        if rows and not left:
            return
        if asyncio.get_running_loop().time() > end:
            told = "\n".join(run.told() for run in runs)
            raise AssertionError(f"not settled within {within:g} s: {left}\n{told}\n{hotline.output()}")
        await asyncio.sleep(0.5)


async def test_sixty_callers_on_six_agents_are_all_called_back_in_order_and_each_once(
    hotline: Hotline,
    agents: list[Run],
    sipp: Sipp,  # noqa: F811
) -> None:
    trunk = int(hotline.settings["SANSHENG_TRUNK"].rpartition(":")[2])
    async with (
        followed(hotline) as log,
        sipp.run("customer", port=trunk, ring=0.1, talk=CUSTOMER_TALKS, limit=270, calls=80) as customers,
        sipp.run(
            "caller-agrees",
            server=("127.0.0.1", hotline.sip_port),
            callers=CALLERS,
            digits="14",
            again="1",
            rate=4,
            limit=150,
        ) as callers,
    ):
        came = await callers.done()
        assert came.calls == len(CALLERS), came.errors
        assert came.exit_code != TIMED_OUT, f"somebody was left: {await unserved(hotline)}"
        # sipp answers a goodbye that comes while it turns to the next key, but does not count it as expected.
        assert came.failed == came.errors.count("on an unexpected BYE"), came.errors
        await every_promise_is_settled(hotline, (*agents, customers))
        called = [line.split()[1] for line in customers.logged()]
        shown = {line.split()[3] for line in customers.logged()}

    rows = json.loads((await hotline.command("callback", "list", "--json")).stdout)
    assert {row["state"] for row in rows} == {"kept"}
    assert len(rows) >= 20, "at such a peak most agree to be called back"
    again = [row for row in rows if row["attempts"] != 1]
    assert sorted(called) == sorted(row["number"] for row in rows), f"everybody once, and nobody else: {again}"
    assert shown == {SHOWN}
    assert {row["attempts"] for row in rows} == {1}
    spoke = spoken(hotline)
    assert {row["caller"] for row in spoke} == set(CALLERS), "everybody spoke with an agent"
    assert len(spoke) == len(CALLERS)

    assert_in_order(log)
    assert_mode_came_and_went(log)


def assert_in_order(log: list[Entry]) -> None:
    """No call, live or promised, was offered to an agent while an earlier one waited."""
    place: dict[int, float] = {}
    came: dict[int, int] = {}
    offers: list[tuple[int, int]] = []
    order = {entry.id: number for number, entry in enumerate(log)}
    for number, entry in enumerate(log):
        match entry.event:
            case CallQueued(call=call, queued_at=queued_at) if call not in came:
                came[call], place[call] = number, queued_at
            case Decided(decision=decision) if decision.kind == "offer":
                offers.append((order[entry.after], decision.call))
    first = list({call: at for at, call in reversed(offers)}.items())
    # A caller may accept the callback in the instant in which an agent is found: that call was offered too.
    crossed = {entry.event.call for entry in log if isinstance(entry.event, CallLeftQueue)} & dict(first).keys()
    assert len(first) - len(crossed) == len(CALLERS)
    for call, at in first:
        for other, later in first:
            if at < later and came[other] < at:
                assert place[call] <= place[other], f"call {call} was offered before call {other}"


def assert_mode_came_and_went(log: list[Entry]) -> None:
    turns = [entry.event.mode for entry in log if isinstance(entry.event, ModeNoted)]
    complaint = [mode.active for mode in turns if mode.scope == "complaint"]
    assert True in complaint
    assert not complaint[-1], "the peak is over"
    assert all(mode.mode is callback.Mode.AUTO for mode in turns)
    kept = {entry.event.promise.id for entry in log if isinstance(entry.event, PromiseNoted)}
    assert kept == {
        entry.event.promise.id
        for entry in log
        if isinstance(entry.event, PromiseNoted) and entry.event.promise.state is PromiseState.KEPT
    }
