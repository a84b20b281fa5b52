"""Law: where a person's number stood, nothing tells it any more, but for what must stay, which is named with its
reason.

Rows of calls keep their times, decisions and outcomes: they are counted in reports, and name nobody without the number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import phonenumbers
from sqlalchemy import Connection, Engine, String, Table, or_, select, update
from sqlalchemy.orm import Session

from server.storage.schema.callback_tables import Promise
from server.storage.schema.tables import Base, Call, Message, Packed, Ticket

ERASED = "erased"
"""What stands where the number stood."""
KEPT_TABLES = frozenset({"audit", "cursors", "access_tokens", "agents", "customer_marks", "customers", "webhooks"})
"""Tables that are never changed: the audit, those without callers, and those whose rows a person removes by name."""
_BY_NAME = (
    ("customer_marks", "marks of the number", "by them the wish not to be called or recorded is obeyed: lift them"),
    ("customers", "the customer's file", "it may have other numbers: remove it with `DELETE /api/v1/customers/{id}`"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of one person: calls, message files, rows that name the number by table, and what stays."""

    calls: tuple[int, ...]
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
    """All that names the number."""
    with Session(engine) as session:
        calls = tuple(session.scalars(select(Call.id).where(Call.caller.in_(names)).order_by(Call.id)))
        messages = tuple(session.scalars(select(Message.path).where(Message.call.in_(calls)))) if calls else ()
        stays = tuple(_staying(session, names))
    counts: Counter[str] = Counter()
    with engine.connect() as connection:
        for table in _tables():
            counts[table.name] = sum(1 for _ in _naming(connection, table, names))
    return Found(calls, messages, tuple((name, count) for name, count in sorted(counts.items()) if count), stays)


def redact(engine: Engine, names: tuple[str, ...], found: Found) -> None:
    """Write `erased` where the number stood, in one transaction; rows of open matters are left."""
    pattern = _pattern(names)
    with engine.begin() as connection:
        for table in _tables():
            keys = list(table.primary_key.columns)
            for row in list(_naming(connection, table, names)):
                changed = {
                    name: pattern.sub(ERASED, value)
                    for name, value in row.items()
                    if isinstance(value, str) and pattern.search(value)
                }
                where = [column == row[column.key] for column in keys]
                connection.execute(update(table).where(*where).values(changed))


def _staying(session: Session, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    open_tickets = select(Ticket.id).where(Ticket.caller.in_(names), Ticket.state != "closed")
    for ticket in session.scalars(open_tickets.order_by(Ticket.id)):
        yield f"ticket {ticket}", "the matter is not closed: delete again when it is"
    live = select(Promise.id).where(Promise.number.in_(names), Promise.settled_at.is_(None))
    for promise in session.scalars(live.order_by(Promise.id)):
        yield f"callback {promise}", "the promise is not settled: cancel it, or delete again when it is kept"
    for table, what, why in _BY_NAME:
        if any(_naming(session.connection(), Base.metadata.tables[table], names)):
            yield what, why


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in KEPT_TABLES]


def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    each = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?<![0-9+])(?:{each})(?![0-9])")


def _naming(connection: Connection, table: Table, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The rows of the table whose texts name the number, without those of open matters."""
    texts = [column for column in table.columns if _is_text(column)]
    if not texts:
        return
    pattern = _pattern(names)
    shortest = min(names, key=len)
    wanted = select(table)
    if not any(isinstance(column.type, Packed) for column in texts):  # of these tables there are few rows
        wanted = wanted.where(or_(*(column.contains(shortest, autoescape=True) for column in texts)))
    for row in connection.execute(wanted).mappings():
        values = dict(row)
        if _is_open(table.name, values):
            continue
        if any(isinstance(value, str) and pattern.search(value) for value in values.values()):
            yield values


def _is_text(column: Any) -> bool:
    return isinstance(getattr(column.type, "impl", column.type), String)


def _is_open(table: str, row: dict[str, Any]) -> bool:
    if table == "tickets":
        return row.get("state") != "closed"
    if table == "callbacks":
        return row.get("settled_at") is None
    return False
