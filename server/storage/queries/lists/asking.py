"""A question in SQL, and a connection that answers it: the server's engine, or a plain connection without SQLAlchemy.

To import SQLAlchemy takes longer than all else that a list does. Values are named in a statement as `:name`. Instants
and structures come back alike from both databases.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from server.storage.notation import text_of_instant, words

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Ask = Callable[[str, Mapping[str, Any]], list[Any]]
"""`ask(statement, values)`: the rows, each with its columns as attributes."""
Asking = Callable[[], AbstractContextManager[Ask]]
"""Questions that are asked within it see the records as they are at one instant, on SQLite."""

INSTANTS = frozenset({
    *("offered_at", "answered_at", "queued_at", "connected_at", "ended_at", "left_queue_at", "opened_at", "respond_by"),
    *("resolve_by", "closed_at", "promised_for", "dispatched_at", "responded_at", "resolved_at", "due_at", "since"),
    *("removed_at", "started_at", "promised_at", "expires_at", "settled_at"),
})  # fmt: skip
STRUCTURES = frozenset({"skills", "teams", "fields"})
_NAMED = re.compile(r"(?<!:):([a-z_][a-z_0-9]*)")


@dataclass
class Wanted:
    """A statement in the making: what is selected, under conditions that must all hold."""

    select: str
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def where(self, condition: str, **values: Any) -> None:
        """One more condition, with what it names."""
        self.conditions.append(condition)
        self.values |= values

    def equal(self, **values: Any) -> None:
        """Each of these columns has its value; None asks for nothing."""
        for column, value in values.items():
            if value is not None:
                self.where(f"{column} = :{column}", **{column: value})

    def between(self, column: str, since: datetime | None, until: datetime | None) -> None:
        """The column is in [since, until)."""
        if since is not None:
            self.where(f"{column} >= :since", since=since)
        if until is not None:
            self.where(f"{column} < :until", until=until)

    def among(self, condition: str, values: Collection[Any], name: str) -> None:
        """A condition with `{}` where a list of these values stands."""
        named = {f"{name}_{place}": value for place, value in enumerate(sorted(values))}
        self.where(condition.format(", ".join(f":{each}" for each in named) or "NULL"), **named)

    def rows(self, ask: Ask, order: str, limit: int | None = None) -> list[Any]:
        """The rows, in this order."""
        conditions = " AND ".join(f"({each})" for each in self.conditions)
        statement = f"{self.select}{' WHERE ' if conditions else ''}{conditions} ORDER BY {order}"
        if limit is None:
            return ask(statement, self.values)
        return ask(f"{statement} LIMIT :limit", {**self.values, "limit": limit})


def of_engine(engine: Engine) -> Asking:
    """Questions by SQLAlchemy's engine."""

    @contextmanager
    def asking() -> Iterator[Ask]:
        with engine.connect() as connection:
            yield of_connection(connection)

    return asking


def of_connection(connection: Connection) -> Ask:
    """Questions by a connection of SQLAlchemy's, in its transaction."""
    dialect = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL

    def ask(statement: str, values: Mapping[str, Any]) -> list[Any]:
        found = connection.exec_driver_sql(dialect.spelt(statement), dialect.given(values))
        return dialect.read(list(found.keys()), found.fetchall())

    return ask


def of_url(url: str) -> Asking | None:
    """Questions by a plain connection to this database; None for a URL that only SQLAlchemy reads."""
    if url.startswith("sqlite:///") and not set("?#%") & set(url):
        return lambda: _plain(lambda: _open_sqlite(url.removeprefix("sqlite:///")), _SQLITE)
    if url.startswith(("postgresql://", "postgres://")):
        return lambda: _plain(lambda: _open_postgresql(url), _POSTGRESQL)
    return None


def faults() -> tuple[type[Exception], ...]:
    """What a plain connection raises when the records cannot be read."""
    driver = sys.modules.get("psycopg")  # what was not imported has raised nothing
    return (sqlite3.Error,) if driver is None else (sqlite3.Error, driver.Error)


@contextmanager
def _plain(opened: Callable[[], Any], dialect: _Dialect) -> Iterator[Ask]:
    with closing(opened()) as connection:

        def ask(statement: str, values: Mapping[str, Any]) -> list[Any]:
            with closing(connection.cursor()) as cursor:
                cursor.execute(dialect.spelt(statement), dialect.given(values))
                return dialect.read([each[0] for each in cursor.description], cursor.fetchall())

        yield ask


def _open_sqlite(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    return connection


def _open_postgresql(url: str) -> Any:
    import psycopg

    return psycopg.connect(url)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a driver wants a statement and its values, and what it gives back."""

    spelt: Callable[[str], str]
    stored: Callable[[datetime], Any]
    instant: Callable[[Any], datetime]
    structure: Callable[[Any], Any]

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._given(value) for name, value in values.items()}

    def _given(self, value: Any) -> Any:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{value.isoformat()} has no time zone: instants are stored in UTC")
            return self.stored(value)
        return words(value) if isinstance(value, str) else value

    def read(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Any]:
        readers = [
            self.instant if name in INSTANTS else self.structure if name in STRUCTURES else None for name in names
        ]
        read = [(place, reader) for place, reader in enumerate(readers) if reader is not None]
        found = []
        for row in rows:
            values = list(row)
            for place, reader in read:
                if values[place] is not None:
                    values[place] = reader(values[place])
            found.append(SimpleNamespace(**dict(zip(names, values, strict=True))))
        return found


_SQLITE = _Dialect(
    spelt=lambda statement: statement,
    stored=text_of_instant,
    instant=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
    structure=json.loads,
)
_POSTGRESQL = _Dialect(
    spelt=lambda statement: _NAMED.sub(r"%(\1)s", statement),
    stored=lambda instant: instant,
    instant=lambda instant: instant.astimezone(UTC),
    structure=lambda value: value,
)
