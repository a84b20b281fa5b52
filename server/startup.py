"""The parts of a server before it takes calls: its home, the log's Redis, the records' database. Each is opened once.

A part that cannot be opened is a StartError, which says what to do about it.
"""

from __future__ import annotations

import asyncio
import fcntl
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from server.config import Settings
from server.eventlog.log import follower
from server.eventlog.unreadable import SetAside
from server.home import HomeError, prepare
from server.leadership import StartError
from server.storage.database import Database, open_database
from server.storage.projector import PROJECTIONS, Projector
from server.storage.projector_loop import ProjectorLoop
from server.storage.reader import Records
from server.storage.schema.migrate import migrate

_REDIS_DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Home:
    """The home, held by this process alone until `release`. `token` is the file token, `set_aside` the entries of the
    log that could not be read."""

    lock: IO[str]
    token: str
    set_aside: SetAside

    def release(self) -> None:
        """Another server may use the home."""
        self.lock.close()


def open_home(settings: Settings) -> Home:
    """Close the home to others, lock it, and make the file token if there is none. Raises StartError."""
    home = settings.root
    try:
        prepare(home)
        lock = (home / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(f"another server runs in {home}: stop it, or set SANSHENG_HOME to another folder") from None
    except HomeError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"{home} cannot be used ({error.strerror}): mend it, or set SANSHENG_HOME") from None
    if not settings.token_file.exists():
        settings.token_file.touch(mode=0o600)
        settings.token_file.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
    return Home(lock, settings.token_file.read_text(encoding="ascii").strip(), SetAside(home / "log"))


async def reach_log(settings: Settings) -> Redis:
    """A connection to the log's Redis, once it answers: it may have been started just now. Raises StartError."""
    redis = Redis.from_url(settings.log_url, protocol=2, socket_timeout=5, socket_connect_timeout=2)
    deadline = asyncio.get_running_loop().time() + _REDIS_DEADLINE
    while True:
        try:
            await redis.ping()
            return redis
        except (RedisError, OSError) as error:
            if asyncio.get_running_loop().time() > deadline:
                await redis.aclose()
                raise StartError(f"the Redis of the log does not answer ({error}): see REDIS_URL") from None
            await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class OpenRecords:
    """The records: `records` reads them, `projecting` writes them from the log until `close`."""

    records: Records
    projecting: ProjectorLoop
    database: Database

    @property
    def read_to(self) -> str:
        """Id of the log's last entry that is in the records."""
        return self.projecting.progress().cursor

    @property
    def problem(self) -> str:
        """Why the records are behind the log, as a sentence; empty when they are not."""
        error = self.projecting.progress().error
        return f"the records are behind the log: {error}" if error else ""

    async def close(self) -> None:
        """Stop writing, and let go of the database."""
        await asyncio.to_thread(self.projecting.stop)
        self.database.dispose()


async def open_records(settings: Settings, set_aside: SetAside, position: Callable[[], str]) -> OpenRecords:
    """Bring the schema up to date and begin to write. `position` is the log's last entry. Raises StartError."""
    database = open_database(settings.records_url)
    try:
        await asyncio.to_thread(migrate, database.write)
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise StartError(f"the database of the records cannot be used: {why}: see DATABASE_URL") from None
    reading = SyncRedis.from_url(settings.log_url, protocol=2, socket_timeout=5, socket_connect_timeout=2)
    projecting = ProjectorLoop(Projector(database.write, PROJECTIONS), follower(reading, set_aside=set_aside.keep))
    projecting.start()
    return OpenRecords(Records(database.read, projecting, position), projecting, database)
