"""The dispatcher: durable first, then played, then done; whatever fails elsewhere, the log goes on or says why not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

import acd.events as acd
from acd.commands import Command, Offer
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from server.eventlog.derived_events import AgentNoted, Decided
from server.eventlog.log import START, Entry, Log, Row, Unwritable, verified
from server.hotline.dispatcher import BATCH, Dispatcher, NotLeading, end
from server.hotline.live_call import Stage
from server.hotline.standby import Standby, rebuild
from server.hotline.state import HotlineState
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]

NEEDED = Requirement((Skill("complaint"),))
POLICY = Policy(skills=("complaint",), queues=(Queue("complaint", "complaint"),))
Begin = Callable[..., Awaitable[Dispatcher]]
LEASE = 8.0
"""Seconds of a lease that no test waits for: leader and standby share one loop, which a busy machine may hold up."""


@pytest.fixture
async def begin(redis_server: RedisServer) -> AsyncIterator[Begin]:
    """Makes a dispatcher that leads; each is left as a crash would leave it, unless the test stops it."""
    made: list[tuple[Dispatcher, Any]] = []

    async def make(node: str = "one", **options: Any) -> Dispatcher:
        redis = redis_server.connect()
        log = Log(redis)
        lease = await log.acquire(node, options.get("lease_ttl", 2.0))
        assert lease is not None
        dispatcher = Dispatcher(log, lease, await rebuild(log), **options)
        made.append((dispatcher, redis))
        await dispatcher.start()
        return dispatcher

    yield make
    for dispatcher, redis in made:
        await crash(dispatcher)
        await redis.aclose()


async def crash(dispatcher: Dispatcher) -> None:
    """The effect of kill -9: the dispatcher writes and releases nothing more."""
    if dispatcher._timer:
        dispatcher._timer.cancel()
    for task in dispatcher._tasks:
        await end(task)


@pytest.fixture
async def log(redis_server: RedisServer) -> AsyncIterator[Log]:
    redis = redis_server.connect()
    yield Log(redis)
    await redis.aclose()


async def run_out(redis: Any) -> None:
    """The lease of a leader who crashed has run out."""
    await redis.delete("sansheng:lease")


async def everything(log: Log) -> list[Entry]:
    found: list[Entry] = []
    while entries := await log.read(found[-1].id if found else START, count=5000):
        found += entries
    return found


def arrived(call: int) -> acd.CallArrived:
    return acd.CallArrived(call, "13800138000", "400", f"PJSIP/t-{call}", f"u{call}", 1.0)


def queued(call: int) -> acd.CallQueued:
    return acd.CallQueued(call, "complaint", NEEDED, 1.0 + call)


async def staff(dispatcher: Dispatcher, *agents: str) -> None:
    await dispatcher.record(acd.PolicySet(POLICY))
    for agent in agents:
        await dispatcher.record(acd.AgentDefined(agent, agent, (Skill("complaint", 5),)))
        await dispatcher.record(acd.StatusSet(agent, acd.Status.AVAILABLE))


async def comes(holds: Callable[[], object]) -> None:
    """Until it holds, five seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 (of another task's making, with no event of its own)
            await asyncio.sleep(0.01)


async def settled(dispatcher: Dispatcher) -> None:
    """Until every note is in the log."""
    async with asyncio.timeout(5):
        while dispatcher.state.unwritten or dispatcher._pending:
            await dispatcher.record()
            await asyncio.sleep(0)


async def test_events_are_played_in_the_order_in_which_they_were_handed_over(begin: Begin, log: Log) -> None:
    dispatcher = await begin()
    seen: list[Any] = []
    dispatcher.listen(lambda entry, _: seen.append(entry.event))
    handed = [acd.CallAttached(number) for number in range(3 * BATCH)]
    await asyncio.gather(*(dispatcher.submit(event) for event in handed))
    assert seen == handed
    assert [entry.event for entry in await everything(log)] == handed


async def test_an_offer_reaches_the_session_that_holds_the_caller_after_it_is_in_the_log(
    begin: Begin, log: Log, redis_server: RedisServer
) -> None:
    dispatcher = await begin()
    await staff(dispatcher, "1001")
    offered: list[Command] = []
    dispatcher.own(1, offered.append)
    await dispatcher.record(arrived(1))
    redis_server.sleep()
    waiting = dispatcher.submit(queued(1))
    await asyncio.sleep(0.2)
    assert offered == [], "it was acted upon before it was durable"
    redis_server.wake()
    await asyncio.wait_for(waiting, 10)
    assert [type(command) for command in offered] == [Offer]


async def test_an_offer_that_no_session_can_carry_out_is_lost_at_once_and_the_caller_keeps_the_place(
    begin: Begin,
) -> None:
    dispatcher = await begin()
    await staff(dispatcher, "1001")
    await dispatcher.record(arrived(1), queued(1))
    assert await dispatcher.until(lambda state: not state.floor.waiting()[0].attached, 5)
    assert [view.call for view in dispatcher.state.floor.waiting()] == [1]


async def test_a_session_that_took_a_call_over_is_not_released_by_the_one_before(begin: Begin) -> None:
    dispatcher = await begin()
    release_first = dispatcher.own(1, lambda command: None)
    release_second = dispatcher.own(1, lambda command: None)
    release_first()
    assert dispatcher.owned(1)
    release_second()
    assert not dispatcher.owned(1)


@pytest.mark.parametrize("before", [0, 1])
async def test_notes_that_a_crash_kept_from_the_log_are_written_by_the_next_leader_once(
    begin: Begin, log: Log, before: int
) -> None:
    first = await begin()
    await staff(first, "1001")
    await settled(first)
    await crash(first)
    # The cause became durable and the server died before its notes did, or before all of them did.
    lease = await log.acquire("one", 2)
    assert lease is not None
    bare = Dispatcher(log, lease, await rebuild(log))
    appended = await bare._append([row for event in (arrived(1), queued(1)) for row in bare._rows((event,))])
    due = list((await rebuild(log)).unwritten)
    assert any(isinstance(each.note, Decided) for each in due)
    await bare._append([Row(each.note, *verified(each.note), each.at, each.after) for each in due[:before]])
    second = await begin()
    assert list(second.state.unwritten) == due[before:]
    await settled(second)
    assert [entry.event for entry in await everything(log) if entry.after == appended[1].id] == [
        each.note for each in due
    ]
    assert not second.state.differences
    await crash(second)
    assert not (await rebuild(log)).unwritten


async def test_a_release_that_notes_more_takes_over_from_one_that_noted_less(
    begin: Begin, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await begin()
    await staff(first, "1001")
    await first.record(arrived(1), queued(1))
    await settled(first)
    await crash(first)
    take_in = HotlineState._take_in

    def more(state: HotlineState, entry: Entry, command: Command) -> None:
        state._note(entry, AgentNoted("1009", "available", "idle"))
        take_in(state, entry, command)

    monkeypatch.setattr(HotlineState, "_take_in", more)
    wrote = await everything(log)
    second = await begin()
    last = wrote[-1].after
    assert {each.after for each in second.state.unwritten} == {last}, "only what the last entry left is written now"
    await settled(second)
    now = await everything(log)
    assert now[: len(wrote)] == wrote
    assert {(entry.event, entry.after) for entry in now[len(wrote) :]} == {
        (AgentNoted("1009", "available", "idle"), last)
    }
    assert set(second.state.differences) == {"AgentNoted is not in the log"}


async def test_a_timer_of_the_floor_becomes_a_tick_in_the_log(begin: Begin, log: Log) -> None:
    dispatcher = await begin()
    await staff(dispatcher, "1001")
    dispatcher.own(1, lambda command: None)
    await dispatcher.record(arrived(1), queued(1))
    await dispatcher.record(acd.OfferAnswered(1), acd.ConversationEnded(1, "1001", "agent", talked=1.0))
    await dispatcher.record(acd.WrapUpEnded("1001"), acd.WrapUpExtended("1001", 0.05))

    def idle(state: HotlineState) -> bool:
        agent = state.floor.agent("1001")
        return agent is not None and agent.state == "idle"

    assert await dispatcher.until(idle, 5)
    assert any(isinstance(entry.event, acd.Tick) for entry in await everything(log))


async def test_waiting_for_a_state_ends_when_it_comes_or_at_its_deadline(begin: Begin) -> None:
    dispatcher = await begin()

    def is_there(state: HotlineState) -> bool:
        return state.calls.get(7) is not None

    assert not await dispatcher.until(is_there, 0.05)
    waiting = asyncio.ensure_future(dispatcher.until(is_there, 5))
    await asyncio.sleep(0)
    await dispatcher.record(arrived(7))
    assert await waiting


async def test_a_dispatcher_is_at_rest_when_nothing_is_on_its_way_into_the_log(begin: Begin, log: Log) -> None:
    dispatcher = await begin()
    await dispatcher.at_rest()
    ended: list[str] = []
    wait = asyncio.ensure_future(dispatcher.record(acd.CallAttached(1)))
    wait.add_done_callback(lambda _: ended.append("recorded"))
    await asyncio.sleep(0)  # it is submitted, and not yet written
    async with asyncio.timeout(5):
        await dispatcher.at_rest()
    await asyncio.sleep(0)
    ended.append("at rest")
    assert ended == ["recorded", "at rest"]


async def test_nothing_is_lost_while_redis_is_away_and_each_event_keeps_its_instant(
    begin: Begin, redis_server: RedisServer, log: Log
) -> None:
    clock = [1000.0]
    dispatcher = await begin(clock=lambda: clock[0], lease_ttl=30.0)
    await dispatcher.record(arrived(1))
    redis_server.kill()
    during = []
    for call in range(2, 40):
        clock[0] += 1.0
        during.append(dispatcher.submit(arrived(call)))
    await comes(lambda: dispatcher.problem)
    assert "Redis" in dispatcher.problem
    clock[0] += 60.0
    redis_server.start()
    instants = await asyncio.wait_for(asyncio.gather(*during), 10)
    assert instants == [1000.0 + second for second in range(1, 39)]
    assert len(dispatcher.state.calls) == 39
    assert not dispatcher.problem
    assert [entry.event.call for entry in await everything(log)] == list(range(1, 40))


async def test_time_in_the_log_never_runs_backward(begin: Begin, log: Log) -> None:
    clock = [1000.0]
    dispatcher = await begin(clock=lambda: clock[0])
    await dispatcher.record(arrived(1))
    clock[0] = 900.0
    await dispatcher.record(arrived(2))
    first, second = [entry.at for entry in await everything(log)]
    assert first == 1000.0
    assert 1000.0 < second < 1060.0, "and never stands still"


async def test_a_leader_that_was_replaced_carries_out_no_command_and_says_so(begin: Begin, log: Log) -> None:
    lost: list[str] = []
    first = await begin("one", on_lost=lost.append, lease_ttl=60.0)
    await staff(first, "1001")
    await first.record(arrived(1))
    offered: list[Command] = []
    first.own(1, offered.append)
    await log._redis.delete("sansheng:lease")
    await begin("two")
    with pytest.raises(NotLeading):
        await first.record(queued(1))
    assert offered == []
    assert first.problem == lost[0]
    with pytest.raises(NotLeading):
        await first.record(arrived(2))
    assert not any(isinstance(entry.event, acd.CallQueued) for entry in await everything(log))


async def test_a_leader_that_slept_past_its_lease_makes_sure_before_it_acts(begin: Begin, log: Log) -> None:
    """The worst instant: the entry is in the log, and the process sleeps before it rings the phone."""
    first = await begin("one", lease_ttl=60.0)
    await staff(first, "1001")
    await first.record(arrived(1))
    offered: list[Command] = []
    first.own(1, offered.append)
    append = first._append

    async def append_and_sleep(rows: Any) -> list[Entry]:
        entries = await append(rows)
        first._renewed = time.monotonic() - 61
        await log._redis.incr("sansheng:fence")
        return entries

    first._append = append_and_sleep  # type: ignore[method-assign]
    await asyncio.wait_for(first.submit(queued(1)), 5)
    await comes(lambda: first.problem)
    assert offered == []


async def test_a_listener_a_session_or_a_condition_that_fails_fails_alone(begin: Begin) -> None:
    dispatcher = await begin()

    def broken(*_: object) -> Any:
        raise RuntimeError("a mistake")

    heard: list[Entry] = []
    dispatcher.listen(broken)
    dispatcher.listen(lambda entry, _: heard.append(entry))
    dispatcher.own(1, broken)
    states: list[HotlineState] = []

    def broken_later(state: HotlineState) -> bool:
        states.append(state)
        if len(states) > 1:
            raise RuntimeError("a mistake")
        return False

    waiting = asyncio.ensure_future(dispatcher.until(broken_later, 5))
    await asyncio.sleep(0)
    await staff(dispatcher, "1001")
    await dispatcher.record(arrived(1), queued(1))
    with pytest.raises(RuntimeError):
        await waiting
    assert dispatcher.problem == ""
    assert any(isinstance(entry.event, acd.CallQueued) for entry in heard)


async def test_an_event_that_the_log_cannot_hold_is_refused_to_its_submitter(begin: Begin) -> None:
    dispatcher = await begin()
    with pytest.raises(KeyError):
        dispatcher.submit(object())
    await dispatcher.record(arrived(1))
    assert dispatcher.problem == ""


async def test_an_event_that_would_not_come_back_is_left_out_alone(begin: Begin, log: Log) -> None:
    dispatcher = await begin()
    bad = replace(arrived(2), invited_at=nan)
    handed = [dispatcher.submit(arrived(1), bad, arrived(3)), dispatcher.submit(bad), dispatcher.submit(arrived(4))]
    results = await asyncio.gather(*handed, return_exceptions=True)
    assert [type(each) for each in results] == [Unwritable, Unwritable, float]
    assert "this CallArrived" in str(results[0])
    with pytest.raises(Unwritable):
        await dispatcher.record(bad)
    assert [entry.event for entry in await everything(log)] == [arrived(1), arrived(3), arrived(4)]
    assert [call.id for call in dispatcher.state.calls] == [1, 3, 4]
    assert (dispatcher.refused, dispatcher.problem) == (3, "")


@pytest.mark.parametrize("absurd", [{"score": inf}, {"rule": "\ud800"}])
async def test_a_note_that_would_not_come_back_is_left_out_and_the_next_ones_are_not_taken_for_it(
    begin: Begin, log: Log, monkeypatch: pytest.MonkeyPatch, absurd: dict[str, Any]
) -> None:
    def odd(state: HotlineState, entry: Entry, command: Command) -> None:
        take_in(state, entry, command)
        if isinstance(command, Offer):
            state._note(entry, Decided(replace(command.decision, **absurd)))

    take_in = HotlineState._take_in
    monkeypatch.setattr(HotlineState, "_take_in", odd)
    dispatcher = await begin()
    await staff(dispatcher, "1001")
    standby = await rebuild(log)
    await dispatcher.record(arrived(1), queued(1))
    await dispatcher.record(acd.OfferAnswered(1))
    await settled(dispatcher)
    assert dispatcher.refused == 1
    for entry in await log.read(standby.position):
        standby.play(entry)
    assert not standby.unwritten
    assert standby.differences == {"Decided is not in the log": 1}
    assert not (await rebuild(log)).unwritten


async def test_a_fault_in_the_writing_ends_the_lead_and_is_told(begin: Begin) -> None:
    lost: list[str] = []
    dispatcher = await begin(on_lost=lost.append)

    def broken(*_: object) -> Any:
        raise ZeroDivisionError("a mistake")

    dispatcher._play = broken  # type: ignore[method-assign]
    with pytest.raises(NotLeading):
        await dispatcher.record(arrived(1))
    assert "ZeroDivisionError" in dispatcher.problem
    assert lost == [dispatcher.problem]


async def test_a_snapshot_bounds_what_the_next_leader_has_to_play(begin: Begin, log: Log) -> None:
    first = await begin(snapshot_every=50)
    first.trim_behind = lambda: first.state.position
    await staff(first, "1001", "1002")
    for call in range(1, 301):
        await first.record(arrived(call), acd.CallEnded(call, "caller_hung_up"))
    await settled(first)
    snapshot = await log.load_snapshot()
    assert snapshot is not None
    assert len(await log.read(snapshot.id, count=10_000)) < 60
    assert await log.first_id() != START
    await crash(first)
    again = await rebuild(log)
    assert again.snapshot() == first.state.snapshot()
    assert isinstance((await log.read(snapshot.id))[-1].event, acd.CallEnded | AgentNoted)


async def test_a_snapshot_is_saved_by_time_and_when_the_server_stops(begin: Begin, log: Log) -> None:
    first = await begin(snapshot_seconds=0.0)
    await first.record(arrived(1))
    await first.record()
    taken = await log.load_snapshot()
    assert taken is not None
    await first.stop()
    second = await begin(snapshot_seconds=3600.0)
    await second.record(arrived(2))
    await second.record(arrived(3))
    await second.stop()
    last = await log.load_snapshot()
    assert last is not None
    assert last.id == second.state.position
    assert await log.holder() == ""


async def test_the_log_is_trimmed_no_further_than_its_slowest_reader(begin: Begin, log: Log) -> None:
    dispatcher = await begin(snapshot_every=10)
    await dispatcher.record(arrived(1))
    read_to = dispatcher.state.position
    dispatcher.trim_behind = lambda: read_to
    for call in range(2, 400):
        await dispatcher.record(arrived(call))
    assert len(await log.read(read_to, count=10_000)) == 398


async def test_a_standby_has_the_leaders_state_and_takes_over_where_it_ended(
    begin: Begin, redis_server: RedisServer
) -> None:
    first = await begin("one", lease_ttl=LEASE, snapshot_every=40)
    first.trim_behind = lambda: first.state.position
    redis = redis_server.connect()
    await Log(redis).announce("one", "https://one.example.com")
    standby = Standby(Log(redis), "two", LEASE, "https://two.example.com")
    leaders: list[str] = []
    taking = asyncio.ensure_future(standby.lead(leaders.append))
    await staff(first, "1001", "1002")
    for call in range(1, 200):
        await first.record(arrived(call), queued(call))
    await settled(first)
    await comes(lambda: standby.state.position == first.state.position)
    assert standby.state.snapshot() == first.state.snapshot()
    assert (leaders, standby.leader_address) == (["one"], "https://one.example.com")
    assert await Log(redis).address_of("two") == "https://two.example.com"
    await crash(first)
    await run_out(redis)
    began = time.monotonic()
    lease, state = await asyncio.wait_for(taking, 10)
    assert time.monotonic() - began < 3
    assert lease.node == "two"
    assert state.snapshot() == first.state.snapshot()
    assert [call.stage for call in state.calls] == [Stage.WAITING] * 199
    await redis.aclose()


async def test_a_standby_plays_over_unreadable_entries_and_leads_all_the_same(
    begin: Begin, log: Log, redis_server: RedisServer
) -> None:
    first = await begin("one", lease_ttl=LEASE)
    redis = redis_server.connect()
    told: list[str] = []
    standby = Standby(Log(redis, set_aside=lambda entry: told.append(entry.id)), "two", LEASE)
    taking = asyncio.ensure_future(standby.lead())
    await staff(first, "1001")
    bad = [
        await redis.xadd("sansheng:log", {"t": "Foreseen", "e": "{}", "at": "1.0"}),
        await redis.xadd("sansheng:log", {"t": "CallEnded", "e": "null", "at": "nan"}),
    ]
    await first.record(arrived(1), queued(1))
    await settled(first)
    await comes(lambda: standby.state.position == first.state.position)
    assert standby.state.snapshot() == first.state.snapshot()
    await crash(first)
    await run_out(redis)
    lease, state = await asyncio.wait_for(taking, 10)
    assert told == [each.decode() for each in bad]
    second = Dispatcher(log, lease, state)
    await second.start()
    await second.record(arrived(2))
    assert [call.id for call in (await rebuild(log)).calls] == [1, 2]
    await second.stop()
    await redis.aclose()


async def test_a_standby_outlives_redis(begin: Begin, redis_server: RedisServer) -> None:
    first = await begin("one", lease_ttl=LEASE)
    redis = redis_server.connect()
    standby = Standby(Log(redis), "two", LEASE)
    taking = asyncio.ensure_future(standby.lead())
    await first.record(arrived(1))
    redis_server.kill()
    await comes(lambda: standby.problem)
    redis_server.start()
    await first.stop()
    _, state = await asyncio.wait_for(taking, 10)
    assert state.calls.get(1) is not None
    assert standby.problem == ""
    await redis.aclose()
