"""Law: where a person's number stood, nothing tells it any more, nor what was written down about that customer; but for
what must stay, which is named with its reason.

Rows of calls keep their times, decisions and outcomes: they are counted in reports, and name nobody without the number.
`personal` says of every column what it can hold.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import phonenumbers
from sqlalchemy import JSON, ColumnElement, Connection, Engine, Table, Text, cast, or_, select, update
from sqlalchemy.orm import Session

import tickets.events as tickets
from server.storage.personal import BY_PERSONS, COLUMNS, KEPT, OF_CONTENT, OF_TICKETS, SEARCHED
from server.storage.projections.article_words import put_words
from server.storage.schema.callback_tables import Promise
from server.storage.schema.tables import Base, Call, LogEntry, Message, Packed, Ticket, TicketHistory

ERASED = "erased"
"""What stands where the number stood."""
_NAMES = {"CallArrived": "name", "FieldSet": "value"}
"""Types of a call's events → the field that may hold words of the caller."""
_KEYED = "keyed"
"""The field of a call that holds what the caller had keyed of a number."""
_OF_TICKETS = frozenset(
    kind.__name__
    for kind in vars(tickets).values()
    if isinstance(kind, type) and OF_TICKETS & set(getattr(kind, "__dataclass_fields__", ()))
)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of one person: calls, closed tickets, message files, rows that are to be changed by table, and what
    stays."""

    calls: tuple[int, ...]
    tickets: tuple[int, ...]
    messages: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]
    stays: tuple[tuple[str, str], ...]


def spellings(number: str, shown: str, region: str) -> tuple[str, ...]:
    """The ways in which records write this number: canonical, as shown, with and without the country's code."""
    found = {number, shown, number.lstrip("+")}
    try:
        parsed = phonenumbers.parse(number, region)
        found.add(str(phonenumbers.national_significant_number(parsed)))
        found.add(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
        national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        found.add(re.sub(r"\D", "", national))
    except phonenumbers.NumberParseException:
        pass
    # Fewer digits could be anything: a call's number, a time.
    return tuple(sorted((each for each in found if sum(map(str.isdigit, each)) >= 5), key=len, reverse=True))


def masked(number: str) -> str:
    """For the audit and the report."""
    return f"{number[:3]}****{number[-4:]}" if len(number) > 7 else "****"


def find(engine: Engine, names: tuple[str, ...]) -> Found:
    """All that names the number, or was written down about its customer."""
    with Session(engine) as session:
        calls = tuple(session.scalars(select(Call.id).where(Call.caller.in_(names)).order_by(Call.id)))
        over = select(Ticket.id).where(Ticket.caller.in_(names), Ticket.state == "closed").order_by(Ticket.id)
        closed = tuple(session.scalars(over))
        messages = tuple(session.scalars(select(Message.path).where(Message.call.in_(calls)))) if calls else ()
        stays = tuple(_staying(session, names))
    counts: Counter[str] = Counter()
    found = Found(calls, closed, messages, (), stays)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            counts[table.name] = sum(1 for _ in _changes(connection, table, names, found))
    rows = tuple((name, count) for name, count in sorted(counts.items()) if count)
    return Found(calls, closed, messages, rows, stays)


def redact(engine: Engine, names: tuple[str, ...], found: Found) -> None:
    """Write `erased` where the number stood and over what was written down, in one transaction; rows of open matters
    are left. SQLite's file and its log of changes hold none of it afterwards."""
    with Session(engine) as session, session.begin():
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")  # as Debian's is by itself
        for table in Base.metadata.sorted_tables:
            keys = list(table.primary_key.columns)
            for row, changed in list(_changes(connection, table, names, found)):
                where = [column == row[column.key] for column in keys]
                connection.execute(update(table).where(*where).values(changed))
                if table.name == "articles" and row["removed_at"] is None:
                    article = row | changed
                    put_words(session, article["id"], article["title"], article["text"])
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as alone:  # outside of a transaction
            alone.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()


def _staying(session: Session, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    open_tickets = select(Ticket.id).where(Ticket.caller.in_(names), Ticket.state != "closed")
    for ticket in session.scalars(open_tickets.order_by(Ticket.id)):
        yield f"ticket {ticket}", "the matter is not closed: delete again when it is"
    live = select(Promise.id).where(Promise.number.in_(names), Promise.settled_at.is_(None))
    for promise in session.scalars(live.order_by(Promise.id)):
        yield f"callback {promise}", "the promise is not settled: cancel it, or delete again when it is kept"
    pattern = _pattern(names)
    for name, (what, why) in KEPT.items():
        table = Base.metadata.tables[name]
        columns = [column for column in table.columns if column.key in COLUMNS[name]]
        rows = session.execute(select(*columns).where(_naming(columns, names)))
        if any(_without(value, pattern) != value for row in rows for value in row):
            yield what, why


def _changes(
    connection: Connection, table: Table, names: tuple[str, ...], found: Found
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(row, what of it is to be changed) of the rows that name the number or are about its customer."""
    kinds = COLUMNS[table.name]
    columns = [column for column in table.columns if kinds.get(column.key) in SEARCHED]
    if not columns:
        return
    pattern = _pattern(names)
    wanted = select(table)
    if not any(isinstance(column.type, Packed) for column in columns):  # of these tables there are few rows
        wanted = wanted.where(or_(_naming(columns, names), *_about(table, found)))
    for each in connection.execute(wanted).mappings():
        row = dict(each)
        if _is_open(table.name, row):
            continue
        theirs = _words_of(table.name, row, names, found)
        changed = {column.key: _without(row[column.key], pattern) for column in columns if column.key not in theirs}
        changed |= theirs
        if changed := {name: value for name, value in changed.items() if value != row[name]}:
            yield row, changed


def _about(table: Table, found: Found) -> Iterator[ColumnElement[bool]]:
    """The rows about the customer that need not name the number."""
    if table.name == "ticket_history" and found.tickets:
        yield TicketHistory.ticket.in_(found.tickets)
    elif table.name == "events":
        if found.tickets:
            yield LogEntry.type.in_(sorted(_OF_TICKETS))
        if found.calls:
            yield LogEntry.type.in_(sorted(_NAMES))


def _words_of(table: str, row: dict[str, Any], names: tuple[str, ...], found: Found) -> dict[str, Any]:
    """Column → what takes the place of words about this customer; empty for rows of others."""
    if table == "tickets" and row["caller"] in names:
        return {"fields": _wiped(row["fields"])}
    if table == "outbound_lines" and row["number"] in names:
        return {name: _wiped(row[name]) for name in ("name", "ref", "note")}
    if table == "ticket_history" and row["ticket"] in found.tickets and row["kind"] in BY_PERSONS:
        written = ("before", "after", "why") if row["kind"] in OF_CONTENT else ("why",)
        return {name: _wiped(row[name]) for name in written}
    if table == "events":
        return _words_of_event(row, names, found)
    return {}


def _words_of_event(row: dict[str, Any], names: tuple[str, ...], found: Found) -> dict[str, Any]:
    kind = row["type"]
    if row["problem"] or not (kind in _OF_TICKETS or kind in _NAMES or kind == "ListLoaded"):
        return {}
    event = json.loads(row["data"])
    if kind == "ListLoaded":
        for line in event.get("lines", ()):
            if line.get("number") in names:
                line |= {name: _wiped(line[name]) for name in ("name", "ref", "note") if name in line}
    elif kind in _OF_TICKETS and event["ticket"] in found.tickets:
        event |= {name: _wiped(event[name]) for name in OF_TICKETS & event.keys()}
    elif event.get("call") in found.calls and (kind != "FieldSet" or event["field"] == _KEYED):
        event |= {name: _wiped(event[name]) for name in (_NAMES[kind],) if name in event}
    return {"data": _pattern(names).sub(ERASED, json.dumps(event, ensure_ascii=False, separators=(",", ":")))}


def _wiped(value: Any) -> Any:
    """The same value with `erased` in place of each text; an empty one stays empty. Of pairs the first is a name."""
    if isinstance(value, str):
        return ERASED if value else value
    if isinstance(value, dict):
        return {name: _wiped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [[each[0], _wiped(each[1])] if isinstance(each, list) else _wiped(each) for each in value]
    return value


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    """The same value without the number."""
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, dict):
        return {name: _without(each, pattern) for name, each in value.items()}
    if isinstance(value, list):
        return [_without(each, pattern) for each in value]
    return value


def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    each = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?<![0-9+])(?:{each})(?![0-9])")


def _naming(columns: list[Any], names: tuple[str, ...]) -> ColumnElement[bool]:
    """The rows in which the number may stand: its shortest form is a part of all others."""
    shortest = min(names, key=len)
    texts = (cast(column, Text) if isinstance(column.type, JSON) else column for column in columns)
    return or_(*(column.contains(shortest, autoescape=True) for column in texts))


def _is_open(table: str, row: dict[str, Any]) -> bool:
    if table == "tickets":
        return row.get("state") != "closed"
    if table == "callbacks":
        return row.get("settled_at") is None
    return False
