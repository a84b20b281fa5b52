"""One statement for many rows of a table, compiled once for each database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, Update

OF_KEY = "old_"
"""Before the name of a column of the key, in the values of an update."""
_Reader = Callable[[Any], Any] | None


class Many:
    """An insert or update of these columns.

    SQLAlchemy makes the parameters of each row anew from the statement, which takes longer than to write the row. Here
    the statement is a text, and each column has the function by which its type is stored.
    """

    def __init__(self, statement: Insert | Update, table: Table, names: Sequence[str]) -> None:
        self._statement, self._table, self._names = statement, table, list(names)
        self._compiled: dict[str, tuple[str, bool, list[tuple[str, _Reader]]]] = {}

    def write(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Do it for each of the rows, which have the columns by name (an update: the key too, as `OF_KEY` says)."""
        dialect = connection.dialect
        if (found := self._compiled.get(dialect.name)) is None:
            found = self._compiled[dialect.name] = self._compile(dialect)
        text, by_place, columns = found
        if by_place:
            connection.exec_driver_sql(
                text, [tuple([row[name] if to is None else to(row[name]) for name, to in columns]) for row in rows]
            )
        else:
            connection.exec_driver_sql(
                text, [{name: row[name] if to is None else to(row[name]) for name, to in columns} for row in rows]
            )

    def _compile(self, dialect: Dialect) -> tuple[str, bool, list[tuple[str, _Reader]]]:
        compiled = self._statement.compile(dialect=dialect, column_keys=self._names)
        names = list(compiled.positiontup or compiled.params)
        types = {name: self._table.c[name.removeprefix(OF_KEY)].type for name in names}
        return (
            str(compiled),
            compiled.positional,
            [(name, each.dialect_impl(dialect).bind_processor(dialect)) for name, each in types.items()],
        )
