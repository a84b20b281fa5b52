"""From a log entry to rows, for customers: files, marks, and checks of identity."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

import customers.events as customers
from customers.files import CustomerFile
from customers.marks import FIRST, Mark, MarkState
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.customer_tables import Customer, CustomerMark, IdentityCheck

RULES = Rules()
_AT_ONCE = 500
"""Files whose rows are fetched by one statement."""


@RULES.on(customers.CustomerSaved)
def _(event: customers.CustomerSaved, entry: Entry, rows: Rows) -> None:
    _save((event.file,), event.by, entry, rows)


@RULES.on(customers.CustomersImported)
def _(event: customers.CustomersImported, entry: Entry, rows: Rows) -> None:
    _save(event.files, event.by, entry, rows)


def _save(files: Sequence[CustomerFile], by: str, entry: Entry, rows: Rows) -> None:
    session, at = rows.session, utc(entry.at)
    session.flush()
    for start in range(0, len(files), _AT_ONCE):
        part = files[start : start + _AT_ONCE]
        found = session.scalars(select(Customer).where(Customer.id.in_([each.id for each in part])))
        known = {row.id: row for row in found}
        for file in part:
            row = known.get(file.id)
            if row is None:
                row = known[file.id] = Customer(id=file.id, created_at=at)
                session.add(row)
            row.ref, row.name, row.numbers = file.ref, file.name, list(file.numbers)
            row.customer_class, row.region, row.registered_on = file.customer_class, file.region, file.registered_on
            row.note, row.identity_kept = file.note, bool(file.identity)
            row.changed_at, row.changed_by, row.removed_at = at, by, None


@RULES.on(customers.CustomerRemoved)
def _(event: customers.CustomerRemoved, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    row = rows.session.get(Customer, event.customer)
    if row is not None:
        row.ref = row.name = row.customer_class = row.region = row.registered_on = row.note = ""
        row.numbers, row.identity_kept = [], False
        row.changed_at = row.removed_at = utc(entry.at)
        row.changed_by = event.by


@RULES.on(customers.MarkPut)
def _(event: customers.MarkPut, entry: Entry, rows: Rows) -> None:
    ms, seq = entry_key(entry.id)
    rows.add(
        CustomerMark(
            ms=ms,
            seq=seq,
            number=event.number,
            mark=event.mark,
            state=FIRST[Mark(event.mark)],
            at=utc(entry.at),
            by=event.by,
            reason=event.reason,
            until=None if event.until is None else utc(event.until),
        )
    )


@RULES.on(customers.MarkConfirmed)
def _(event: customers.MarkConfirmed, entry: Entry, rows: Rows) -> None:
    row = _latest(event, rows)
    if row is not None and row.state == MarkState.PROPOSED:
        row.state, row.confirmed_at, row.confirmed_by = MarkState.IN_FORCE, utc(entry.at), event.by
        row.until = row.until if event.until is None else utc(event.until)


@RULES.on(customers.MarkLifted)
def _(event: customers.MarkLifted, entry: Entry, rows: Rows) -> None:
    row = _latest(event, rows)
    if row is not None and row.state in (MarkState.PROPOSED, MarkState.IN_FORCE):
        row.state, row.lifted_at, row.lifted_by = MarkState.LIFTED, utc(entry.at), event.by
        row.lifted_reason = event.reason


def _latest(event: customers.MarkConfirmed | customers.MarkLifted, rows: Rows) -> CustomerMark | None:
    rows.session.flush()
    wanted = select(CustomerMark).where(CustomerMark.number == event.number, CustomerMark.mark == event.mark)
    return rows.session.scalars(wanted.order_by(CustomerMark.ms.desc(), CustomerMark.seq.desc()).limit(1)).first()


@RULES.on(customers.IdentityChecked)
def _(event: customers.IdentityChecked, entry: Entry, rows: Rows) -> None:
    ms, seq = entry_key(entry.id)
    call, customer, verified = event.call, event.customer, event.verified
    rows.add(
        IdentityCheck(ms=ms, seq=seq, at=utc(entry.at), call=call, customer=customer, verified=verified, by=event.by)
    )
