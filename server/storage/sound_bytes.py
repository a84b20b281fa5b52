"""The bytes of prompts' sounds, beside the log in Redis, so that every server of the hotline can have them."""

from __future__ import annotations

from redis.asyncio import Redis


class SoundBytes:
    """WAV files by their SHA-256. Methods raise RedisError."""

    def __init__(self, redis: Redis, prefix: str = "sansheng") -> None:
        self._redis, self._prefix = redis, f"{prefix}:prompt-sound:"

    async def put(self, sha256: str, data: bytes) -> None:
        """Keep this file."""
        await self._redis.set(f"{self._prefix}{sha256}", data)

    async def get(self, sha256: str) -> bytes | None:
        """The file, if it is kept."""
        found = await self._redis.get(f"{self._prefix}{sha256}")
        return found if isinstance(found, bytes) else None

    async def keep_only(self, wanted: frozenset[str]) -> None:
        """Forget every other file."""
        async for key in self._redis.scan_iter(match=f"{self._prefix}*", count=100):
            name = key.decode() if isinstance(key, bytes) else key
            if name.removeprefix(self._prefix) not in wanted:
                await self._redis.delete(key)
