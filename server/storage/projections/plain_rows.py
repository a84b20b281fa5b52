"""Rows of the tables that nearly every entry touches, as plain objects: read together, changed, and written together.

The mapper's unit of work follows every attribute of every row, which takes longer than all that entries mean. Here a
row remembers how it stood; what has become different is found once, when the batch is written. Only columns that have
changed are written, so that what others have written to the same row meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, bindparam, insert, inspect, select, update

from server.storage.projections.many import OF_KEY, Many
from server.storage.schema.tables import Base

_Row = TypeVar("_Row", bound=Base)


class Shape(Generic[_Row]):
    """What plain rows of one table are made of: `new` makes one, with the table's defaults."""

    def __init__(self, table: type[_Row]) -> None:
        self.mapped, self.table = table, Base.metadata.tables[table.__tablename__]
        self.columns = tuple(inspect(table).columns.keys())
        self.key = tuple(column.name for column in inspect(table).primary_key)
        self.key_of: Callable[[Any], Any] = attrgetter(*self.key)
        made = {each.name: each.default_factory for each in fields(table) if each.default_factory is not MISSING}
        given = [each.name for each in fields(table) if each.default is MISSING and each.name not in made]
        example: Any = table(**dict.fromkeys(given))
        self._made = list(made.items())
        self._defaults = {name: getattr(example, name) for name in self.columns}
        self._kind = type(table.__name__, (Plain,), {"__slots__": (), "shape": self})
        self.select = select(*(self.table.c[name] for name in self.columns))
        self.insert = Many(insert(self.table), self.table, self.columns)
        self._updates: dict[tuple[str, ...], Many] = {}

    def new(self, **values: Any) -> Any:
        """A row that is not in the database."""
        row = self._kind()
        known = vars(row)
        known.update(self._defaults)
        for name, make in self._made:
            known[name] = make()
        known.update(values)
        row.stood = None
        return row

    def known(self, values: dict[str, Any]) -> Any:
        """A row as it is in the database."""
        row = self._kind()
        vars(row).update(values)
        row.stood = values
        return row

    def update(self, names: tuple[str, ...]) -> Many:
        """The statement that gives rows these columns."""
        if (found := self._updates.get(names)) is None:
            which = [self.table.c[name] == bindparam(OF_KEY + name, type_=self.table.c[name].type) for name in self.key]
            statement = update(self.table).where(*which).values({name: bindparam(name) for name in names})
            found = self._updates[names] = Many(statement, self.table, names)
        return found


class Plain:
    """A row: its columns are its attributes, and `stood` has them as they are in the database; None for a new row."""

    __slots__ = ("__dict__", "stood")
    shape: Shape[Any]
    stood: dict[str, Any] | None


@cache
def shape_of(table: type[_Row]) -> Shape[_Row]:
    """The shape of this table's plain rows."""
    return Shape(table)


class PlainRows:
    """The plain rows of one batch. A row that is read twice is one object, with what was changed since."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[type[Base], Any], Any] = {}
        self._new: list[Any] = []

    def read(self, table: type[_Row], *which: Any, order: tuple[Any, ...] = ()) -> list[_Row]:
        """The rows of this table that are in the database and fulfil all of these conditions there."""
        shape = shape_of(table)
        found: list[_Row] = []
        for values in self._connection.execute(shape.select.where(*which).order_by(*order)):
            row = shape.known(dict(zip(shape.columns, values, strict=True)))
            found.append(self._known.setdefault((table, shape.key_of(row)), row))
        return found

    def add(self, table: type[_Row], **values: Any) -> _Row:
        """A new row, which is written with the batch."""
        row: _Row = shape_of(table).new(**values)
        self._new.append(row)
        return row

    def changed(self) -> Iterator[tuple[Any, Any]]:
        """(row, the row as it stood) for each row that is to be written; nothing stood of a new one."""
        for row in self._new:
            yield row, None
        for row in self._known.values():
            if vars(row) != row.stood:
                yield row, before(row)

    def write(self) -> None:
        """Write all that is new or changed."""
        added: dict[Shape[Any], list[dict[str, Any]]] = {}
        for row in self._new:
            added.setdefault(row.shape, []).append(vars(row))
        for shape, rows in added.items():
            shape.insert.write(self._connection, rows)
        updated: dict[tuple[Shape[Any], tuple[str, ...]], list[dict[str, Any]]] = {}
        for row in self._known.values():
            now, stood, shape = vars(row), row.stood, row.shape
            if now != stood:
                names = tuple(name for name in shape.columns if now[name] != stood[name])
                values = {name: now[name] for name in names}
                values |= {OF_KEY + name: stood[name] for name in shape.key}
                updated.setdefault((shape, names), []).append(values)
        for (shape, names), changes in updated.items():
            shape.update(names).write(self._connection, changes)


def before(row: Any) -> Any:
    """The row as it stood when it was read; None for a new one."""
    return None if row.stood is None else row.shape.known(row.stood)
