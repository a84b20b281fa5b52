"""Records of a year out of those of some days: every row once more by SQL, so many days later, until there are enough.

The projector takes hours for a million calls. Rows that are copied have the same callers, agents and texts as the first
ones, numbers of their own, and instants of their own days; counts of reports that lie in the days of another copy (what
was settled late) stay as they were there. So lists and reports find what they would find, and every figure is near.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, Connection, Table, text

from server.storage.database import Database
from server.storage.figures.counts import BLOCK, SLOT
from server.storage.schema.tables import Base, UtcDateTime

NUMBERED = {
    "calls": ("call", "after_call"), "tickets": ("ticket",), "recordings": ("recording",),
    "callbacks": ("promise",), "segments": ("offer",),
}  # fmt: skip
"""The table that gives numbers → the columns of others that have them; of calls also the origin of a promise."""


def doubled(database: Database, times: int, days: int) -> None:
    """Copy all rows so many times; `days` are the days that they span."""
    for done in range(times):
        with database.write.begin() as connection:
            next_one = {table: _next(connection, table) for table in NUMBERED}
            for table in Base.metadata.sorted_tables:
                _copy(connection, table, next_one, days * 2**done)
    if database.write.dialect.name == "postgresql":  # as its autovacuum does, a while later
        with database.write.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _next(connection: Connection, table: str) -> int:
    column = "offer" if table == "segments" else "id"
    return int(connection.scalar(text(f"SELECT max({column}) FROM {table}")) or 0)


def _copy(connection: Connection, table: Table, next_one: dict[str, int], days: int) -> None:
    changed = dict(_changed(table, next_one, days, connection.dialect.name))
    if not {column.name for column in table.primary_key} & set(changed):
        return  # agents, cells of counts, places in the log
    names = [column.name for column in table.columns]
    quoted = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    more = "WHERE true ON CONFLICT DO NOTHING" if table.name in ("report_counts", "report_blocks") else ""
    connection.execute(text(f"INSERT INTO {table.name} ({quoted}) SELECT {values} FROM {table.name} {more}"))


def _changed(table: Table, next_one: dict[str, int], days: int, dialect: str) -> Iterator[tuple[str, str]]:
    seconds = days * 86_400
    of = {name: giver for giver, names in NUMBERED.items() for name in names}
    added = {"ms": 1000 * seconds, "slot": seconds // SLOT, "block": seconds // (SLOT * BLOCK)}
    for column in table.columns:
        name = column.name
        if (giver := table.name if name == "id" else of.get(name)) in NUMBERED and giver is not None:
            yield name, f'"{name}" + {next_one[giver]}'
        elif table.name == "callbacks" and name == "origin":
            yield name, f'"{name}" + {next_one["calls"]}'
        elif name in added:
            yield name, f'"{name}" + {added[name]}'
        elif table.name == "events" and name == "at":
            yield name, f'"{name}" + {seconds}'
        elif isinstance(column.type, UtcDateTime):
            yield name, _later(column, days, dialect)
        elif table.name == "recordings" and name == "day":
            sqlite, postgresql = f"date(\"day\", '+{days} days')", f"to_char(\"day\"::date + {days}, 'YYYY-MM-DD')"
            yield name, sqlite if dialect == "sqlite" else postgresql


def _later(column: Column[object], days: int, dialect: str) -> str:
    if dialect == "sqlite":
        return f"strftime('%Y-%m-%d %H:%M:%f000', \"{column.name}\", '+{days} days')"
    return f"\"{column.name}\" + interval '{days} days'"
