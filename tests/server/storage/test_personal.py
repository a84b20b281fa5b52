"""Every column that can hold a caller's number, name or words has a line that says what a deletion does with it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from sqlalchemy import JSON, LargeBinary, String

from server.storage import schema
from server.storage.personal import BY_PERSONS, COLUMNS, KEPT, OF_CONTENT, OF_TICKETS, Kind
from server.storage.schema.tables import Base
from tickets import events


def test_every_column_of_text_or_structure_has_its_line() -> None:
    for module in iter_modules(schema.__path__):
        if module.name.endswith("tables"):
            import_module(f"{schema.__name__}.{module.name}")
    expected = {
        table.name: {
            column.name
            for column in table.columns
            if isinstance(getattr(column.type, "impl", column.type), String | JSON | LargeBinary)
        }
        for table in Base.metadata.sorted_tables
    }
    assert {name: set(columns) for name, columns in COLUMNS.items()} == expected


def test_a_kept_table_says_why_but_for_the_audit() -> None:
    kept = {name for name, columns in COLUMNS.items() if Kind.KEPT in columns.values()}
    assert kept == {*KEPT, "audit"}


def test_words_on_tickets_are_fields_that_their_events_have() -> None:
    fields = {name for kind in vars(events).values() for name in getattr(kind, "__dataclass_fields__", ())}
    assert fields >= OF_TICKETS
    assert BY_PERSONS >= OF_CONTENT
