"""Sessions in Redis. A session is known by the digest of its text, which the browser alone has, as a cookie.

Every server sees the same sessions: one that is ended holds nowhere any more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from redis.asyncio import Redis

MOST_OF_ONE = 10
"""Sessions of one user; a further one ends the oldest."""
SEEN_EVERY = 30.0
"""Seconds after which it is written again that a session is in use."""
_LONGEST_CALL = 3_600.0
"""Seconds for which a session is kept after its end: a call that goes on is not cut off."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session. Instants are UTC epoch seconds; `by` is how the user signed in: password, oidc.

    `generation` is the user's at the sign-in: the session holds until the user's is higher.
    """

    id: str
    user: str
    generation: int
    by: str
    origin: str
    client: str
    began_at: float
    seen_at: float
    ends_at: float


def digest_of(text: str) -> str:
    """The digest by which a session is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(text: str) -> str:
    """The token that a page of this session sends with each change: it shows that the page could read an answer."""
    return hmac.new(text.encode("utf-8", "surrogatepass"), b"csrf", "sha256").hexdigest()


class Sessions:
    """All sessions. `idle` and `longest` are seconds; `clock` gives UTC epoch seconds. Methods raise RedisError."""

    def __init__(
        self,
        redis: Redis,
        *,
        idle: float = 1_800.0,
        longest: float = 43_200.0,
        clock: Callable[[], float] = time.time,
        prefix: str = "sansheng",
    ) -> None:
        self.idle, self.longest, self._redis, self._clock = idle, longest, redis, clock
        self._prefix, self._index = f"{prefix}:session:", f"{prefix}:sessions"

    async def begin(self, user: str, generation: int, *, by: str, origin: str, client: str) -> tuple[Session, str]:
        """(a new session, its text, which is kept nowhere)."""
        text, now = secrets.token_urlsafe(32), self._clock()
        digest = digest_of(text)
        session = Session(digest[:16], user, generation, by, origin, client[:200], now, now, now + self.longest)
        await self._redis.zremrangebyscore(self._index, "-inf", now - _LONGEST_CALL)
        await self._redis.zadd(self._index, {digest: session.ends_at})
        await self._put(digest, session, self.longest + _LONGEST_CALL)
        mine = sorted((each for each in await self.all() if each.user == user), key=lambda each: each.began_at)
        for oldest in mine[:-MOST_OF_ONE]:
            await self.end(oldest.id)
        return session, text

    async def find(self, text: str) -> Session | None:
        """The session with this text, whether it still holds or not."""
        return _read(await self._redis.get(self._prefix + digest_of(text)))

    async def present(self, digests: list[str]) -> list[Session | None]:
        """The sessions with these digests, in the order of the digests; None for one that was ended."""
        if not digests:
            return []
        return [_read(each) for each in await self._redis.mget([self._prefix + digest for digest in digests])]

    async def seen(self, text: str, session: Session) -> Session:
        """The session is in use now."""
        now = self._clock()
        if now < session.seen_at + min(SEEN_EVERY, self.idle / 4):
            return session
        after = replace(session, seen_at=now)
        await self._redis.set(self._prefix + digest_of(text), msgspec.json.encode(after), xx=True, keepttl=True)
        return after

    async def renew(self, text: str, session: Session, generation: int) -> None:
        """The session goes on although its user has changed."""
        after = replace(session, generation=generation)
        await self._redis.set(self._prefix + digest_of(text), msgspec.json.encode(after), xx=True, keepttl=True)

    async def all(self) -> list[Session]:
        """All sessions that were not ended, newest first."""
        found = [each for each in await self.present(await self._digests()) if each is not None]
        return sorted(found, key=lambda each: (each.began_at, each.id), reverse=True)

    async def end(self, number: str) -> Session | None:
        """End the session with this number; the session, or None if there is none."""
        for digest in await self._digests():
            if digest.startswith(number):
                ended = _read(await self._redis.getdel(self._prefix + digest))
                await self._redis.zrem(self._index, digest)
                return ended
        return None

    async def end_of(self, user: str, but: str = "") -> int:
        """End all sessions of the user but the one with this number; how many."""
        ended = [each for each in await self.all() if each.user == user and each.id != but]
        for each in ended:
            await self.end(each.id)
        return len(ended)

    async def _digests(self) -> list[str]:
        found: list[Any] = await self._redis.zrange(self._index, 0, -1)
        return [each.decode() for each in found]

    async def _put(self, digest: str, session: Session, seconds: float) -> None:
        await self._redis.set(self._prefix + digest, msgspec.json.encode(session), px=max(1, int(seconds * 1000)))


_decoder = msgspec.json.Decoder(Session)


def _read(stored: Any) -> Session | None:
    try:
        return None if stored is None else _decoder.decode(stored)
    except msgspec.MsgspecError:
        return None  # of another release
