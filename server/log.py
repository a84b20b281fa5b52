"""The event log: one ordered Redis Stream, appended to by the leader alone.

Five laws. An entry is durable before anybody acts on it. A server whose lease was taken over can append nothing
more (its fencing token is too old). A batch that is sent again after a broken connection is appended once. What was
trimmed is known, so that no reader steps over a gap without noticing. An entry that cannot be read stops no reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from server.entries import (
    EVENTS,
    Entry,
    Row,
    Unreadable,
    Unwritable,
    decode,
    encode,
    entry_of,
    id_order,
    verified,
)

__all__ = [
    "EVENTS",
    "START",
    "Entry",
    "Fenced",
    "Lease",
    "Log",
    "LogGap",
    "Row",
    "Snapshot",
    "Unreadable",
    "Unwritable",
    "decode",
    "encode",
    "entry_of",
    "follower",
    "id_order",
    "verified",
]

START = "0-0"
_log = structlog.get_logger("log")


class Fenced(Exception):
    """Another server leads now: this one must let go of everything it holds."""


class LogGap(Exception):
    """The log was trimmed beyond the place that was asked for: start from the snapshot."""


SetAside = Callable[[Entry], None]
"""Told of every entry that cannot be read, before what follows it is read."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Leadership, until somebody with a higher token has it."""

    token: int
    node: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the house after the entry `id`, as JSON bytes."""

    id: str
    data: bytes


# KEYS: fence, stream, last batch.  ARGV: token, batch number, then (type, json, at, after) for each event.
_APPEND = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
local last = redis.call('HMGET', KEYS[3], 'token', 'batch', 'ids')
if last[1] == ARGV[1] and last[2] == ARGV[2] then
  return cjson.decode(last[3])
end
local ids = {}
for i = 3, #ARGV, 4 do
  local fields = {'t', ARGV[i], 'e', ARGV[i + 1], 'at', ARGV[i + 2]}
  if ARGV[i + 3] ~= '' then
    fields[7], fields[8] = 'f', ARGV[i + 3]
  end
  ids[#ids + 1] = redis.call('XADD', KEYS[2], '*', unpack(fields))
end
redis.call('HSET', KEYS[3], 'token', ARGV[1], 'batch', ARGV[2], 'ids', cjson.encode(ids))
return ids
"""

# KEYS: lease, fence.  ARGV: node, milliseconds.
_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
"""

# KEYS: lease, fence.  ARGV: node, milliseconds, token.
_RENEW = """
if redis.call('GET', KEYS[2]) ~= ARGV[3] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: lease, fence.  ARGV: token.
_RELEASE = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
"""

# KEYS: fence, stream, trimmed.  ARGV: token, id. Whole nodes of the stream go: it may keep some entries more.
_TRIM = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
redis.call('SET', KEYS[3], ARGV[2])
return redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[2])
"""

# KEYS: fence, snapshot.  ARGV: token, id, data.
_SAVE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
redis.call('HSET', KEYS[2], 'id', ARGV[2], 'data', ARGV[3])
return 1
"""


class Log:
    """The log in one Redis database, over a connection with protocol 2. `prefix` keeps hotlines apart in one Redis.

    `set_aside` is told of entries that cannot be read.
    """

    def __init__(self, redis: Redis, prefix: str = "sansheng", *, set_aside: SetAside = lambda entry: None) -> None:
        self._redis, self._set_aside = redis, set_aside
        self._stream, self._lease, self._fence, self._batch, self._snapshot, self._trimmed = (
            f"{prefix}:{name}" for name in ("log", "lease", "fence", "batch", "snapshot", "trimmed")
        )
        self._append = redis.register_script(_APPEND)
        self._acquire = redis.register_script(_ACQUIRE)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(_RELEASE)
        self._save = redis.register_script(_SAVE)
        self._trim = redis.register_script(_TRIM)

    async def append(self, lease: Lease, batch: int, rows: Sequence[Row]) -> list[Entry]:
        """Append rows as one batch; the same batch number again returns the first result.

        Raises Fenced when another server leads, and Redis's own ConnectionError when it cannot be told
        whether the batch was appended: send the same batch again.
        """
        arguments: list[str | bytes] = [str(lease.token), str(batch)]
        for row in rows:
            arguments += [row.name, row.data, repr(row.at), row.after]
        try:
            ids = await self._append(keys=[self._fence, self._stream, self._batch], args=arguments)
        except ResponseError as error:
            raise _translated(error) from None
        return [Entry(_text(entry_id), row.at, row.event, row.after) for entry_id, row in zip(ids, rows, strict=True)]

    async def read(self, after: str, *, count: int = 1000, block_ms: int | None = None) -> list[Entry]:
        """Entries after the given id, oldest first; with `block_ms`, wait that long for the first one.

        What this version cannot read is among them, as `Unreadable`. Raises LogGap when entries after `after` were
        trimmed.
        """
        found = await self._redis.xread({self._stream: after}, count=count, block=block_ms)
        # Asked after reading: what was trimmed meanwhile shows. While `after` is there, nothing behind it is missing.
        trimmed = _text(await self._redis.get(self._trimmed)) or START
        if id_order(after) < id_order(trimmed) and not await self._redis.xrange(self._stream, after, after):
            raise LogGap(f"the log begins at {trimmed}, after {after}")
        return _entries(found, self._set_aside)

    async def last_id(self) -> str:
        """Id of the newest entry; `START` for an empty log."""
        rows = await self._redis.xrevrange(self._stream, count=1)
        return _text(rows[0][0]) if rows else START

    async def first_id(self) -> str:
        """Id of the oldest entry that is still there; `START` for an empty log."""
        rows = await self._redis.xrange(self._stream, count=1)
        return _text(rows[0][0]) if rows else START

    async def acquire(self, node: str, ttl: float) -> Lease | None:
        """Take the lead if nobody holds it (or this very node did); None while another server does."""
        token = await self._acquire(keys=[self._lease, self._fence], args=[node, int(ttl * 1000)])
        return Lease(int(token), node) if token else None

    async def renew(self, lease: Lease, ttl: float) -> None:
        """Keep the lead for another `ttl` seconds. Raises Fenced when it is lost."""
        if not await self._renew(keys=[self._lease, self._fence], args=[lease.node, int(ttl * 1000), str(lease.token)]):
            raise Fenced(f"another server took the lead from {lease.node}")

    async def release(self, lease: Lease) -> None:
        """Let the next server lead at once."""
        await self._release(keys=[self._lease, self._fence], args=[str(lease.token)])

    async def holder(self) -> str:
        """The node that leads now, or an empty string."""
        return _text(await self._redis.get(self._lease) or b"")

    async def save_snapshot(self, lease: Lease, snapshot: Snapshot) -> None:
        """Replace the stored snapshot. Raises Fenced."""
        try:
            await self._save(keys=[self._fence, self._snapshot], args=[str(lease.token), snapshot.id, snapshot.data])
        except ResponseError as error:
            raise _translated(error) from None

    async def load_snapshot(self) -> Snapshot | None:
        """The stored snapshot, or None before the first."""
        stored = await self._redis.hgetall(self._snapshot)
        if not stored:
            return None
        values = {_text(key): value for key, value in stored.items()}
        return Snapshot(_text(values["id"]), _bytes(values["data"]))

    async def trim(self, lease: Lease, before: str) -> int:
        """Drop entries older than the given id, which a stored snapshot holds; returns how many went. Raises Fenced."""
        try:
            went = await self._trim(keys=[self._fence, self._stream, self._trimmed], args=[str(lease.token), before])
        except ResponseError as error:
            raise _translated(error) from None
        return int(went)


def follower(
    redis: SyncRedis, prefix: str = "sansheng", *, set_aside: SetAside = lambda entry: None
) -> Callable[[str, int], list[Entry]]:
    """`read(after, block_ms)` for a reader in a thread of its own. Raises Redis's errors.

    What this version cannot read is among the entries, as `Unreadable`, and `set_aside` is told of it.
    A reader that was away for longer than the log is kept goes on with what there is; the gap is in the server's log.
    """
    warned: set[str] = set()

    def read(after: str, block_ms: int) -> list[Entry]:
        found = redis.xread({f"{prefix}:log": after}, count=1000, block=block_ms)
        trimmed = _text(redis.get(f"{prefix}:trimmed")) or START
        if (
            id_order(after) < id_order(trimmed)
            and after not in warned
            and not redis.xrange(f"{prefix}:log", after, after)
        ):
            warned.add(after)
            _log.error("entries were trimmed before a reader had read them", after=after, up_to=trimmed)
        return _entries(found, set_aside)

    return read


def _entries(found: Any, set_aside: SetAside) -> list[Entry]:
    entries = [entry_of(entry_id, fields) for _, rows in found or () for entry_id, fields in rows]
    for entry in entries:
        if isinstance(entry.event, Unreadable):
            set_aside(entry)
    return entries


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _translated(error: ResponseError) -> Exception:
    return Fenced("another server leads now") if "FENCED" in str(error) else error
