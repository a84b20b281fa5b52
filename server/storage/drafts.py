"""Forms of tickets that are being filled in, in Redis: a page that is gone, or a computer that fails, loses no word.

A draft is no record: it is kept for some days after it was touched last, and nobody counts on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from redis.asyncio import Redis

KEPT = 7 * 86_400
"""Seconds for which a draft is kept after the last change."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as it was typed: field → text. `at` is UTC epoch seconds, `by` the principal who typed last."""

    form: Mapping[str, str]
    by: str
    at: float


class Drafts:
    """The drafts of all tickets. Methods raise RedisError."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time, prefix: str = "sansheng") -> None:
        self._redis, self._clock, self._prefix = redis, clock, f"{prefix}:draft:"

    async def get(self, ticket: int) -> Draft | None:
        """The ticket's draft, if there is one."""
        kept = await self._redis.get(f"{self._prefix}{ticket}")
        return None if kept is None else msgspec.json.decode(kept, type=Draft)

    async def put(self, ticket: int, form: Mapping[str, str], by: str) -> Draft:
        """Keep this form."""
        draft = Draft(dict(form), by, self._clock())
        await self._redis.set(f"{self._prefix}{ticket}", msgspec.json.encode(draft), ex=KEPT)
        return draft

    async def remove(self, ticket: int) -> None:
        """The form was handed in, or is not wanted any more."""
        await self._redis.delete(f"{self._prefix}{ticket}")
