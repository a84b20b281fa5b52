"""The log: durable, in one order, appended once, by the leader alone, with no gap that goes unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from math import inf, nan

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

import acd.events as acd
from acd.decisions import Decision
from server.eventlog.derived_events import Decided, ServerStarted
from server.eventlog.log import (
    EVENTS,
    START,
    Fenced,
    Lease,
    Log,
    LogGap,
    Row,
    Snapshot,
    Unreadable,
    Unwritable,
    decode,
    encode,
    entry_of,
    follower,
    id_order,
    verified,
)
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]


@pytest.fixture
async def log(redis_server: RedisServer) -> AsyncIterator[Log]:
    redis = redis_server.connect()
    yield Log(redis)
    await redis.aclose()


def row(event: object, at: float = 1000.0, after: str = "") -> Row:
    return Row(event, *encode(event), at, after)


def ticks(count: int) -> list[Row]:
    return [row(acd.CallAttached(number)) for number in range(1, count + 1)]


async def lead(log: Log, node: str = "one", ttl: float = 10.0) -> Lease:
    lease = await log.acquire(node, ttl)
    assert lease is not None
    return lease


async def test_entries_are_read_in_the_order_in_which_they_were_appended(log: Log) -> None:
    lease = await lead(log)
    appended = await log.append(lease, 1, [row(acd.CallAttached(1), 5.25), row(ServerStarted("one", 1), 5.5, "7-0")])
    appended += await log.append(lease, 2, [row(acd.CallDetached(1), 6.0)])
    assert await log.read(START) == appended
    assert await log.read(appended[0].id, count=1) == [appended[1]]
    assert [entry.at for entry in appended] == [5.25, 5.5, 6.0]
    assert [entry.after for entry in appended] == ["", "7-0", ""]
    assert (await log.first_id(), await log.last_id()) == (appended[0].id, appended[2].id)


async def test_a_batch_that_is_sent_again_is_appended_once(log: Log) -> None:
    lease = await lead(log)
    first = await log.append(lease, 1, ticks(3))
    assert await log.append(lease, 1, ticks(3)) == first
    await log.append(lease, 2, ticks(1))
    assert len(await log.read(START)) == 4


async def test_a_batch_whose_answer_was_lost_with_redis_is_appended_once(redis_server: RedisServer, log: Log) -> None:
    lease = await lead(log)
    first = await log.append(lease, 1, ticks(3))
    redis_server.kill()
    with pytest.raises(RedisConnectionError):
        await log.append(lease, 1, ticks(3))
    redis_server.start()
    assert await log.append(lease, 1, ticks(3)) == first
    assert await log.read(START) == first


async def test_the_same_batch_number_of_the_next_leader_is_another_batch(log: Log) -> None:
    first = await lead(log)
    await log.append(first, 1, ticks(1))
    await log.release(first)
    second = await lead(log, "two")
    await log.append(second, 1, ticks(1))
    assert len(await log.read(START)) == 2


async def test_only_one_server_leads_and_the_next_one_when_its_lease_is_over(log: Log) -> None:
    first = await lead(log, "one", ttl=0.3)
    assert await log.acquire("two", 0.3) is None
    assert await log.holder() == "one"
    await log.renew(first, 0.3)
    async with asyncio.timeout(5):
        while (second := await log.acquire("two", 10)) is None:  # noqa: ASYNC110 (Redis tells nobody)
            await asyncio.sleep(0.02)
    assert second.token > first.token
    assert await log.holder() == "two"


async def test_a_server_whose_lead_was_taken_can_append_save_trim_and_renew_nothing(log: Log) -> None:
    first = await lead(log)
    kept = await log.append(first, 1, ticks(2))
    await log.release(first)
    second = await lead(log, "two")
    with pytest.raises(Fenced):
        await log.append(first, 2, ticks(1))
    with pytest.raises(Fenced):
        await log.renew(first, 10)
    with pytest.raises(Fenced):
        await log.save_snapshot(first, Snapshot(kept[0].id, b"{}"))
    with pytest.raises(Fenced):
        await log.trim(first, kept[1].id)
    await log.release(first)
    assert await log.holder() == "two", "an old leader gave away what is another's"
    assert await log.read(START) == kept
    await log.renew(second, 10)


async def test_a_server_that_starts_again_under_its_name_leads_at_once(log: Log) -> None:
    first = await lead(log)
    again = await lead(log)
    assert again.token > first.token
    with pytest.raises(Fenced):
        await log.append(first, 1, ticks(1))


class Replica:
    """A copy of Redis as it was at one moment, which takes over as it is: what came afterwards is lost."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._copy = redis, dict[bytes, bytes]()

    async def follow(self) -> None:
        self._copy = {key: await self._redis.dump(key) for key in await self._redis.keys("*")}

    async def take_over(self) -> None:
        await self._redis.flushall()
        for key, value in self._copy.items():
            await self._redis.restore(key, 0, value)


async def test_a_token_that_a_fail_over_gave_away_twice_fences_its_first_holder(
    redis_server: RedisServer, log: Log
) -> None:
    redis = redis_server.connect()
    replica = Replica(redis)
    await log.release(await lead(log, "one"))
    await replica.follow()
    former = await lead(log, "two")
    await log.append(former, 1, ticks(1))
    await replica.take_over()
    now = await lead(log, "three")
    assert now.token == former.token, "the counter has it twice"
    kept = await log.append(now, 1, ticks(2))
    for batch in (1, 2):
        with pytest.raises(Fenced):
            await log.append(former, batch, ticks(1))
    with pytest.raises(Fenced):
        await log.renew(former, 10)
    with pytest.raises(Fenced):
        await log.save_snapshot(former, Snapshot(kept[0].id, b"{}"))
    with pytest.raises(Fenced):
        await log.trim(former, kept[1].id)
    await log.release(former)
    assert await log.holder() == "three"
    assert await log.append(now, 1, ticks(2)) == kept
    assert await log.read(START) == kept
    await redis.aclose()


async def test_a_batch_of_another_leader_with_the_same_token_and_number_is_another_batch(
    redis_server: RedisServer, log: Log
) -> None:
    redis = redis_server.connect()
    first = await lead(log, "one")
    kept = await log.append(first, 1, ticks(1))
    memory = await redis.dump("sansheng:batch")
    await log.release(first)
    await redis.set("sansheng:fence", 0)
    second = await lead(log, "two")
    assert second.token == first.token
    await redis.restore("sansheng:batch", 0, memory, replace=True)
    more = await log.append(second, 1, ticks(1))
    assert more != kept
    assert await log.read(START) == kept + more
    await redis.aclose()


async def test_a_server_leads_on_the_log_of_a_release_that_only_counted_and_beside_one(
    redis_server: RedisServer, log: Log
) -> None:
    redis = redis_server.connect()
    place = await redis.xadd("sansheng:log", {b"t": b"Tick", b"e": b"{}", b"at": b"1.0"})
    await redis.set("sansheng:fence", 41)
    await redis.hset("sansheng:batch", mapping={"token": 41, "batch": 1, "ids": f'["{place.decode()}"]'})
    lease = await lead(log)
    assert lease.token == 42
    (entry,) = await log.append(lease, 1, ticks(1))
    assert [each.id for each in await log.read(START)] == [place.decode(), entry.id]
    assert await redis.incr("sansheng:fence") == 43, "a standby of that release takes the lead"
    with pytest.raises(Fenced):
        await log.append(lease, 2, ticks(1))
    assert (await lead(log)).token == 44
    await redis.aclose()


async def test_what_was_acknowledged_survives_the_death_of_redis(redis_server: RedisServer, log: Log) -> None:
    lease = await lead(log, ttl=60)
    kept = await log.append(lease, 1, ticks(50))
    await log.save_snapshot(lease, Snapshot(kept[9].id, b'{"a": 1}'))
    redis_server.kill()
    redis_server.start()
    async with asyncio.timeout(5):
        while True:
            try:
                assert await log.read(START) == kept
                break
            except RedisConnectionError:
                await asyncio.sleep(0.02)
    assert await log.load_snapshot() == Snapshot(kept[9].id, b'{"a": 1}')
    more = await log.append(lease, 2, ticks(1))
    assert id_order(more[0].id) > id_order(kept[-1].id)


async def test_a_reader_is_told_that_entries_it_has_not_read_were_trimmed(log: Log) -> None:
    lease = await lead(log)
    entries = [entry for batch in range(1, 6) for entry in await log.append(lease, batch, ticks(100))]
    assert await log.load_snapshot() is None
    went = await log.trim(lease, entries[350].id)
    assert 0 < went <= 350
    with pytest.raises(LogGap):
        await log.read(START)
    with pytest.raises(LogGap):
        await log.read(entries[100].id)
    assert await log.read(entries[350].id) == entries[351:]


POISON: list[tuple[dict[bytes, bytes], str]] = [
    ({b"t": b"Teleported", b"e": b"{}", b"at": b"1.0"}, "Teleported cannot be read: this version knows no such event"),
    ({b"t": b"CallAttached", b"e": b'{"call": "x"}', b"at": b"1.0"}, "CallAttached cannot be read: Expected `int`"),
    ({b"t": b"CallAttached", b"e": b"{}", b"at": b"1.0"}, "missing required field `call`"),
    ({b"t": b"CallAttached", b"e": b"{", b"at": b"1.0"}, "Input data was truncated"),
    ({b"t": b"CallAttached", b"e": b"\xff\x00", b"at": b"1.0"}, "JSON is malformed"),
    ({b"t": b"CallAttached", b"at": b"1.0"}, "it has no field e"),
    ({b"e": b'{"call": 1}', b"at": b"1.0"}, "an entry cannot be read: it has no field t"),
    ({b"t": b"\xff\n", b"e": b"{}", b"at": b"1.0"}, "can't decode byte"),
    ({b"t": b"CallAttached", b"e": b'{"call": 1}'}, "it has no field at"),
    ({b"t": b"CallAttached", b"e": b'{"call": 1}', b"at": b"soon"}, "could not convert"),
    ({b"t": b"CallAttached", b"e": b'{"call": 1}', b"at": b"nan"}, "at nan is no instant"),
    ({b"t": b"CallAttached", b"e": b'{"call": 1}', b"at": b"1e300"}, "at 1e+300 is no instant"),
    ({b"t": b"CallAttached", b"e": b'{"call": 1}', b"at": b"1.0", b"f": b"x"}, "is no entry"),
    ({b"x": b"y"}, "it has no field"),
]


@pytest.mark.parametrize(("fields", "why"), POISON, ids=[why for _, why in POISON])
def test_an_entry_that_cannot_be_read_says_why_and_is_kept_whole(fields: dict[bytes, bytes], why: str) -> None:
    entry = entry_of(b"1790000000500-3", fields)
    assert isinstance(entry.event, Unreadable)
    assert why in entry.event.why
    assert entry.event.why.isprintable()
    assert dict(entry.event.fields) == fields
    assert entry.id == "1790000000500-3"
    assert entry.at in (1.0, 1_790_000_000.5)


async def test_what_cannot_be_read_stops_no_reader(redis_server: RedisServer, log: Log) -> None:
    lease = await lead(log)
    first = await log.append(lease, 1, ticks(1))
    redis = redis_server.connect()
    bad = [(await redis.xadd("sansheng:log", fields)).decode() for fields, _ in POISON]
    second = await log.append(lease, 2, ticks(1))
    told: list[str] = []
    reading = SyncRedis.from_url(redis_server.url, protocol=2)
    leading = await Log(redis, set_aside=lambda entry: told.append(entry.id)).read(START)
    following = follower(reading, set_aside=lambda entry: told.append(entry.id))(START, 10)
    assert leading == following
    assert [entry.id for entry in leading] == [first[0].id, *bad, second[0].id]
    assert [leading[0], leading[-1]] == [first[0], second[0]]
    assert told == bad + bad
    reading.close()
    await redis.aclose()


@pytest.mark.parametrize(
    "event",
    [
        acd.CallArrived(1, "1", "400", "PJSIP/1", "u1", invited_at=nan),
        acd.CallArrived(1, "1", "400", "PJSIP/1", "u1", invited_at=1.0, answered_at=nan),
        acd.CallArrived(1, "1", "400", "PJSIP/1", "u1", invited_at=-inf),
        acd.CallArrived(1, "\ud800", "400", "PJSIP/1", "u1", invited_at=1.0),
        acd.CallArrived(1, None, "400", "PJSIP/1", "u1", invited_at=1.0),  # type: ignore[arg-type]
        acd.CallAttached(1.5),  # type: ignore[arg-type]
        acd.CallAttached(object()),  # type: ignore[arg-type]
        Decided(Decision(1, "offer", "rule", 1.0, score=inf)),
    ],
)
def test_an_event_that_would_come_back_otherwise_is_refused_in_a_sentence(event: object) -> None:
    with pytest.raises(Unwritable, match=f"^the log cannot hold this {type(event).__name__}: ") as refused:
        verified(event)
    assert str(refused.value).isprintable()


def test_an_event_that_comes_back_as_it_is_is_written_as_ever() -> None:
    event = acd.CallArrived(1, "+86 李明", "400", "PJSIP/1", "u1", invited_at=1.0, answered_at=2)
    assert verified(event) == encode(event)
    with pytest.raises(KeyError):
        verified(object())


def test_fields_that_were_added_since_take_their_defaults() -> None:
    assert decode("CallEnded", b'{"call": 1, "cause": "lost"}') == acd.CallEnded(1, "lost", None)


def test_what_is_no_event_of_the_log_is_refused() -> None:
    class CallEnded:
        pass

    with pytest.raises(KeyError):
        encode(object())
    with pytest.raises(KeyError):
        encode(CallEnded())


def test_every_event_has_a_name_of_its_own() -> None:
    assert EVENTS["CallEnded"] is acd.CallEnded
    assert "Event" not in EVENTS


async def test_a_reader_that_waits_is_woken_by_the_first_entry(redis_server: RedisServer, log: Log) -> None:
    lease = await lead(log)
    redis = redis_server.connect()
    reading = asyncio.ensure_future(Log(redis).read(START, block_ms=4000))
    await asyncio.sleep(0)
    appended = await log.append(lease, 1, ticks(1))
    assert await asyncio.wait_for(reading, 3) == appended
    await redis.aclose()


async def test_a_reader_of_the_records_goes_on_behind_a_gap_and_says_so_once(
    redis_server: RedisServer, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    lease = await lead(log)
    entries = [entry for batch in range(1, 6) for entry in await log.append(lease, batch, ticks(100))]
    await log.trim(lease, entries[350].id)
    redis = SyncRedis.from_url(redis_server.url, protocol=2)
    read = follower(redis)
    assert read(START, 10)[-1] == entries[-1]
    read(START, 10)
    read(entries[400].id, 10)
    assert capsys.readouterr().out.count("trimmed before") == 1
    redis.close()
