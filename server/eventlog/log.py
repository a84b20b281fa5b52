"""The event log: one ordered Redis Stream, appended to by the leader alone.

Five laws. An entry is durable before anybody acts on it. A server whose lease was taken over can append nothing
more (its fence is no longer the one in Redis). A batch that is sent again after a broken connection is appended once.
What was trimmed is known, so that no reader steps over a gap without noticing. An entry that cannot be read stops no
reader.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from server.eventlog.entries import (
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
    """Leadership, until somebody else has it.

    `token` grows with every change of leader; a Redis that failed over may have lost the last one and give it again.
    `nonce` tells apart who has the same.
    """

    token: int
    node: str
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The hotline's state after the entry `id`, as JSON bytes."""

    id: str
    data: bytes


# KEYS: lease, fence, nonce.  ARGV: node, milliseconds, new nonce. The fence stays a number: a release that only
# counted leads beside this one, and after it.
_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[3], ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
"""

# What only the leader may do begins so.  KEYS: fence, nonce, …  ARGV: token, nonce, …
_FENCE = """
local fence = redis.call('MGET', KEYS[1], KEYS[2])
if fence[1] ~= ARGV[1] or fence[2] ~= ARGV[2] then
  return redis.error_reply('FENCED')
end
"""

# KEYS: …, stream, last batch.  ARGV: …, batch number, then (type, json, at, after) for each event.
_APPEND = f"""{_FENCE}
local last = redis.call('HMGET', KEYS[4], 'token', 'nonce', 'batch', 'ids')
if last[1] == ARGV[1] and last[2] == ARGV[2] and last[3] == ARGV[3] then
  return cjson.decode(last[4])
end
local ids = {{}}
for i = 4, #ARGV, 4 do
  local fields = {{'t', ARGV[i], 'e', ARGV[i + 1], 'at', ARGV[i + 2]}}
  if ARGV[i + 3] ~= '' then
    fields[7], fields[8] = 'f', ARGV[i + 3]
  end
  ids[#ids + 1] = redis.call('XADD', KEYS[3], '*', unpack(fields))
end
redis.call('HSET', KEYS[4], 'token', ARGV[1], 'nonce', ARGV[2], 'batch', ARGV[3], 'ids', cjson.encode(ids))
return ids
"""

# KEYS: …, lease.  ARGV: …, node, milliseconds.
_RENEW = f"""{_FENCE}
return redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
"""

# KEYS: …, lease.
_RELEASE = f"""{_FENCE}
return redis.call('DEL', KEYS[3])
"""

# KEYS: …, stream, trimmed.  ARGV: …, id. Whole nodes of the stream go: it may keep some entries more.
_TRIM = f"""{_FENCE}
redis.call('SET', KEYS[4], ARGV[3])
return redis.call('XTRIM', KEYS[3], 'MINID', '~', ARGV[3])
"""

# KEYS: …, snapshot.  ARGV: …, id, data.
_SAVE = f"""{_FENCE}
return redis.call('HSET', KEYS[3], 'id', ARGV[3], 'data', ARGV[4])
"""


class Log:
    """The log in one Redis database, over a connection with protocol 2. `prefix` keeps hotlines apart in one Redis.

    `set_aside` is told of entries that cannot be read.
    """

    def __init__(self, redis: Redis, prefix: str = "sansheng", *, set_aside: SetAside = lambda entry: None) -> None:
        self._redis, self._set_aside = redis, set_aside
        self._stream, self._lease, self._fence, self._nonce, self._batch, self._snapshot, self._trimmed = (
            f"{prefix}:{name}" for name in ("log", "lease", "fence", "nonce", "batch", "snapshot", "trimmed")
        )
        self._addresses = f"{prefix}:addresses"
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
        fields = [field for row in rows for field in (row.name, row.data, repr(row.at), row.after)]
        ids = await self._led(self._append, lease, [self._stream, self._batch], str(batch), *fields)
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
        nonce = secrets.token_hex(8)
        token = await self._acquire(keys=[self._lease, self._fence, self._nonce], args=[node, int(ttl * 1000), nonce])
        return Lease(int(token), node, nonce) if token else None

    async def renew(self, lease: Lease, ttl: float) -> None:
        """Keep the lead for another `ttl` seconds. Raises Fenced when it is lost."""
        await self._led(self._renew, lease, [self._lease], lease.node, int(ttl * 1000))

    async def release(self, lease: Lease) -> None:
        """Let the next server lead at once."""
        with suppress(Fenced):
            await self._led(self._release, lease, [self._lease])

    async def holder(self) -> str:
        """The node that leads now, or an empty string."""
        return _text(await self._redis.get(self._lease) or b"")

    async def announce(self, node: str, address: str) -> None:
        """Tell the other servers where people reach this node's pages; empty: nowhere."""
        if address:
            await self._redis.hset(self._addresses, node, address)
        else:
            await self._redis.hdel(self._addresses, node)

    async def address_of(self, node: str) -> str:
        """Where people reach the pages of this node, or an empty string."""
        return _text(await self._redis.hget(self._addresses, node) or b"")

    async def save_snapshot(self, lease: Lease, snapshot: Snapshot) -> None:
        """Replace the stored snapshot. Raises Fenced."""
        await self._led(self._save, lease, [self._snapshot], snapshot.id, snapshot.data)

    async def load_snapshot(self) -> Snapshot | None:
        """The stored snapshot, or None before the first."""
        stored = await self._redis.hgetall(self._snapshot)
        if not stored:
            return None
        values = {_text(key): value for key, value in stored.items()}
        return Snapshot(_text(values["id"]), _bytes(values["data"]))

    async def trim(self, lease: Lease, before: str) -> int:
        """Drop entries older than the given id, which a stored snapshot holds; returns how many went. Raises Fenced."""
        return int(await self._led(self._trim, lease, [self._stream, self._trimmed], before))

    async def _led(self, script: AsyncScript, lease: Lease, keys: list[str], *args: str | bytes | int) -> Any:
        """Do what only the leader may. Raises Fenced."""
        try:
            return await script(keys=[self._fence, self._nonce, *keys], args=[str(lease.token), lease.nonce, *args])
        except ResponseError as error:
            if "FENCED" in str(error):
                raise Fenced(f"another server took the lead from {lease.node}") from None
            raise


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
