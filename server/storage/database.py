"""How a database is opened: one writing engine, one reading engine, UTC, and no lost update on SQLite either.

SQLite's default transactions lose concurrent read-modify-writes, so its writers begin with BEGIN IMMEDIATE, under
WAL, and readers have an engine of their own that never waits for them. PostgreSQL needs neither.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    SQLAlchemyError,
    StatementError,
)

BUSY_MS = 10_000


class DatabaseError(Exception):
    """The database cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Database:
    """`write` for the projector and migrations, `read` for everybody else. Both are used from threads."""

    write: Engine
    read: Engine

    def dispose(self) -> None:
        """Close every connection."""
        self.write.dispose()
        self.read.dispose()


def open_database(url: str) -> Database:
    """The database at `sqlite:////absolute/path.db` or `postgresql://…`. Connects only when used.

    Raises DatabaseError for a URL that names neither.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(f"DATABASE_URL {url!r} is not a URL such as postgresql://user@host/name") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend in ("postgresql", "postgres"):
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_recycle=3600)
        return Database(engine, engine)
    raise DatabaseError(f"DATABASE_URL names {backend}: only sqlite and postgresql are supported")


def is_fault_of_data(error: BaseException) -> bool:
    """Whether writing the same again would fail again, because the fault is in the data.

    Everything else (the database is away, busy, full, not migrated) is worth another try.
    """
    if isinstance(error, DBAPIError):
        # A text that is too long for PostgreSQL's index is an OperationalError there, of a class of its own.
        limit = str(getattr(error.orig, "sqlstate", None) or "").startswith("54")
        return (limit or isinstance(error, (DataError, IntegrityError))) and not error.connection_invalidated
    if isinstance(error, StatementError):
        return True
    return not isinstance(error, (SQLAlchemyError, OSError, MemoryError))


def _sqlite(url: URL) -> Database:
    if url.database in (None, "", ":memory:"):
        raise DatabaseError(
            "DATABASE_URL: SQLite in memory forgets everything, give a file: sqlite:////path/records.db"
        )
    folder = Path(str(url.database)).absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    write, read = (create_engine(url, connect_args={"check_same_thread": False}) for _ in range(2))
    for engine, begin in ((write, "BEGIN IMMEDIATE"), (read, "BEGIN")):
        _take_over_transactions(engine, begin, folder)
    return Database(write, read)


def _take_over_transactions(engine: Engine, begin: str, folder: Path) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            # Of two connections that change a new file to WAL, SQLite refuses one at once, whatever the time-out.
            with _alone(folder):
                connection.execute("PRAGMA journal_mode=WAL")
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def began(connection: Any) -> None:
        connection.exec_driver_sql(begin)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While nobody else, on this machine, opens a new database in this folder."""
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
