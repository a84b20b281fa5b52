"""Every file of a home and every key of Redis is of a kind of which `personal_files` says what a deletion does."""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from server.storage.personal_files import kind_of_file, kind_of_key

_OF_TESTS = ("output", "carrier", "captured")


def untold_files(home: Path) -> list[str]:
    """The files of which nothing is said."""
    files = (each for each in home.rglob("*") if each.is_symlink() or each.is_file())
    names = sorted(each.relative_to(home).as_posix() for each in files)
    return [name for name in names if kind_of_file(name) is None and name.partition("/")[0] not in _OF_TESTS]


def untold_keys(redis: Redis, prefix: str = "sansheng") -> list[str]:
    """The keys of which nothing is said."""
    names = (key.decode() if isinstance(key, bytes) else str(key) for key in redis.scan_iter(match=f"{prefix}:*"))
    return sorted(name for name in names if kind_of_key(name.removeprefix(f"{prefix}:")) is None)
