"""Sign-ins at a provider that were begun, in Redis: any server finishes what another one began.

What was begun is known by the digest of a text that the browser alone has, as a cookie, and forgotten after a while.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from redis.asyncio import Redis


class BegunSignIns:
    """The sign-ins that go on, each for so many `seconds`. Methods raise RedisError."""

    def __init__(self, redis: Redis, prefix: str = "sansheng") -> None:
        self._redis, self._prefix = redis, f"{prefix}:sign-in-begun:"

    async def keep(self, secret: str, state: Mapping[str, str], seconds: float) -> None:
        """Keep what the browser with this secret comes back for."""
        await self._redis.set(self._key(secret), msgspec.json.encode(dict(state)), px=int(seconds * 1000))

    async def find(self, secret: str) -> dict[str, str] | None:
        """What was kept for the browser with this secret; None when there is nothing, or not any more."""
        kept = await self._redis.get(self._key(secret))
        try:
            return None if kept is None else msgspec.json.decode(kept, type=dict[str, str])
        except msgspec.MsgspecError:
            return None  # of another release

    def _key(self, secret: str) -> str:
        return self._prefix + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
