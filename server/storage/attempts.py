"""Law: guessing becomes slow for the address that guesses, and no user is locked out by the guesses of another.

Two limits. A pair of user and address waits after each attempt, twice as long every time. An address has an allowance
of attempts, whatever the user, that fills up again. A successful attempt costs nothing. An address at which this user
has signed in before is known: there no attempt is refused before the password was checked.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from redis.asyncio import Redis

FREE = 5
"""Attempts of a pair that need not wait."""
LONGEST_WAIT = 300.0
"""Seconds."""
ALLOWANCE, REFILL = 30, 4.0
"""Attempts that an address has at once, and the seconds in which it gets one more."""
FORGOTTEN = 3_600
"""Seconds after its last attempt for which a pair is remembered."""
KNOWN = 90 * 86_400.0
"""Seconds for which an address stays known to a user."""
MOST_KNOWN = 20

# KEYS: pair, address.  ARGV: now, free, longest wait, allowance, refill, forgotten, known. Returns the seconds to wait;
# an attempt that has to wait is not counted unless the address is known.
_CHARGE = """
local now, free, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local allowance, refill, known = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[7] == '1'
local tries = tonumber(redis.call('HGET', KEYS[1], 'tries') or '0')
local last = tonumber(redis.call('HGET', KEYS[1], 'at') or '0')
local wait = 0
if tries >= free then
  wait = math.min(longest, 2 ^ math.min(tries - free, 20)) - math.max(0, now - last)
end
local used = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
if not known then
  wait = math.max(wait, used + refill - now - allowance * refill)
end
if wait < 0.01 then
  wait = 0  -- instants are kept by the millisecond
end
if wait > 0 and not known then
  return tostring(wait)
end
redis.call('HSET', KEYS[1], 'tries', tries + 1, 'at', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[6])
if not known then
  redis.call('SET', KEYS[2], string.format('%.3f', used + refill), 'EX', math.ceil(used + refill - now) + 1)
end
return tostring(wait)
"""

# KEYS: pair, address, known addresses.  ARGV: now, refill, digest of the address, known, most, seconds, whether known.
_SUCCEEDED = """
redis.call('DEL', KEYS[1])
local used = tonumber(redis.call('GET', KEYS[2]) or '0')
if ARGV[7] ~= '1' and used > 0 then
  redis.call('SET', KEYS[2], string.format('%.3f', used - tonumber(ARGV[2])), 'KEEPTTL')
end
redis.call('ZADD', KEYS[3], ARGV[1], ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[5]))
redis.call('EXPIRE', KEYS[3], ARGV[6])
return 1
"""


@dataclass(frozen=True, slots=True)
class Charge:
    """An attempt. `wait`: seconds until another one is looked at, 0 if this one is; `known`: the user has signed in
    from this address before."""

    wait: float
    known: bool


class Attempts:
    """All attempts of the last while, in Redis. `clock` gives UTC epoch seconds. Methods raise RedisError."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time, prefix: str = "sansheng") -> None:
        self._redis, self._clock, self._prefix = redis, clock, f"{prefix}:attempts"
        self._charge, self._succeeded = redis.register_script(_CHARGE), redis.register_script(_SUCCEEDED)

    async def charge(self, user: str, address: str) -> Charge:
        """An attempt begins."""
        known = await self._known(user, address)
        pair, bucket, _ = self._keys(user, address)
        given = (repr(self._clock()), FREE, LONGEST_WAIT, ALLOWANCE, REFILL, FORGOTTEN, int(known))
        wait = await self._charge(keys=[pair, bucket], args=given)
        return Charge(float(wait), known)

    async def succeeded(self, user: str, address: str, known: bool) -> None:
        """The attempt had the right password: it costs nothing, and the address is known to the user from now on."""
        given = (repr(self._clock()), REFILL, _short(address), int(KNOWN), MOST_KNOWN, int(KNOWN), int(known))
        await self._succeeded(keys=self._keys(user, address), args=given)

    async def _known(self, user: str, address: str) -> bool:
        at = await self._redis.zscore(self._keys(user, address)[2], _short(address))
        return at is not None and self._clock() < at + KNOWN

    def _keys(self, user: str, address: str) -> list[str]:
        return [
            f"{self._prefix}:pair:{_short(f'{user} {address}')}",
            f"{self._prefix}:address:{_short(address)}",
            f"{self._prefix}:known:{_short(user)}",
        ]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
