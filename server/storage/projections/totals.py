"""The counts of reports are the sum of what the rows add, at every instant at which anybody can read them.

A batch of entries changes rows; before they are written, each changed row's earlier contribution is taken from the
counts and its present one added, in the same transaction.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import Session

from server.storage.figures.counts import BLOCK, Counts, add
from server.storage.projections.contributions import (
    ALARM,
    DUE,
    SORTING,
    Contribution,
    Key,
    difference,
    of_call,
    of_dispatch,
    of_interval,
    of_promise,
    of_recording,
    of_review,
    of_round,
    of_ticket,
)
from server.storage.projections.many import Many
from server.storage.projections.plain_rows import before, shape_of
from server.storage.projections.rows import Rows
from server.storage.schema.callback_tables import Promise
from server.storage.schema.quality_tables import QaReview
from server.storage.schema.report_tables import ReportBlock, ReportCell, ReportCount, TicketTimes
from server.storage.schema.tables import AgentInterval, Call, Recording, Segment
from server.storage.schema.ticket_tables import TicketDispatch, TicketRound

ALONE: dict[type, Callable[[Any], Contribution]] = {
    AgentInterval: of_interval,
    TicketTimes: of_ticket,
    TicketRound: of_round,
    TicketDispatch: of_dispatch,
    Recording: of_recording,
    Promise: of_promise,
    QaReview: of_review,
}
"""Rows whose contribution depends on nothing else. A call's depends on its legs too."""
_decode = msgspec.json.Decoder(dict[str, int]).decode
_AT_ONCE = 1000


def count(session: Session, rows: Rows, insert: Any) -> None:
    """Bring the counts up to date with the rows that are changed, before they are written. `insert`: the dialect's."""
    change = difference(*_contributions(rows))
    for key, counts in rows.counted:
        add(change.setdefault(Key(*key), {}), counts)
    write(session, change, insert)


def recount(session: Session, insert: Any) -> None:
    """Make all counts again from the rows, a thousand at a time; counts of events alone stay.

    Records that were written before there were counts need it once.
    """
    _forget(session, lambda kind: kind != ALARM)
    for table, of in ALONE.items():
        for rows in _all(session, table):
            write(session, difference((), [of(row) for row in rows]), insert)
    for calls in _all(session, Call):
        legs: dict[int | None, list[Segment]] = {}
        for leg in session.scalars(select(Segment).where(Segment.call.in_([call.id for call in calls]))):
            legs.setdefault(leg.call, []).append(leg)
            session.expunge(leg)
        write(session, difference((), [of_call(call, legs.get(call.id, ())) for call in calls]), insert)


def recount_tickets(session: Session, insert: Any) -> None:
    """Make the counts of tickets again. Records that were written before rounds were counted need it once."""
    _forget(session, lambda kind: kind.in_(("ticket", DUE, SORTING)))
    for table in (TicketTimes, TicketRound, TicketDispatch):
        for rows in _all(session, table):
            write(session, difference((), [ALONE[table](row) for row in rows]), insert)


def _all(session: Session, table: type[Any]) -> Iterator[list[Any]]:
    """Every row, a thousand at a time; the session keeps none of them."""
    key = list(table.__table__.primary_key.columns)
    after: Any = None
    while True:
        wanted = select(table).order_by(*key).limit(_AT_ONCE)
        rows = list(session.scalars(wanted if after is None else wanted.where(tuple_(*key) > after)))
        if not rows:
            return
        after = tuple_(*(getattr(rows[-1], column.key) for column in key))
        yield rows
        for row in rows:
            session.expunge(row)


def _forget(session: Session, kinds: Callable[[Any], Any]) -> None:
    cells = select(ReportCell.id).where(kinds(ReportCell.kind))
    for table in (ReportCount, ReportBlock):
        session.execute(delete(table).where(table.cell.in_(cells)))


def write(session: Session, change: Contribution, insert: Any) -> None:
    """Add to the counts, of slots and of blocks. One session at a time may do so: it gives numbers to new cells."""
    change = {key: counts for key, counts in change.items() if counts}
    cells = _cells(session, {key[1:] for key in change})
    slots: dict[tuple[int, int], Counts] = {}
    blocks: dict[tuple[int, int], Counts] = {}
    for key, counts in change.items():
        cell = cells[key[1:]]
        slots[key.slot, cell] = counts
        add(blocks.setdefault((key.slot // BLOCK, cell), {}), counts)
    _write(session, ReportCount, slots, insert)
    _write(session, ReportBlock, blocks, insert)


def _cells(session: Session, wanted: set[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """The numbers of these cells; new ones get the next."""
    columns = (ReportCell.kind, ReportCell.queue, ReportCell.category, ReportCell.agent)
    found: dict[tuple[str, ...], int] = {}
    asked = sorted(wanted)
    for start in range(0, len(asked), _AT_ONCE):
        which = select(ReportCell.id, *columns).where(tuple_(*columns).in_(asked[start : start + _AT_ONCE]))
        found |= {tuple(row[1:]): row[0] for row in session.execute(which)}
    if new := [cell for cell in asked if cell not in found]:
        last = session.scalar(select(func.max(ReportCell.id))) or 0
        made = dict(zip(new, itertools.count(last + 1), strict=False))
        names = [column.key for column in columns]
        shape_of(ReportCell).insert.write(
            session.connection(),
            [{"id": number, **dict(zip(names, cell, strict=True))} for cell, number in made.items()],
        )
        found |= made
    return found


def _write(session: Session, table: Any, change: dict[tuple[int, int], Counts], insert: Any) -> None:
    columns = list(table.__table__.primary_key.columns)
    names = [column.key for column in columns]
    keys = sorted(key for key, counts in change.items() if counts)
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        found: Any = session.execute(select(*columns, table.data).where(tuple_(*columns).in_(part)))
        known = {(begin, cell): _decode(data) for begin, cell, data in found}
        after = {key: _sum(known.get(key, {}), change[key]) for key in part}
        values = [dict(zip(names, key, strict=True), data=_encode(counts)) for key, counts in after.items() if counts]
        if values:
            _upsert(table, insert).write(session.connection(), values)
        if emptied := [key for key, counts in after.items() if not counts and key in known]:
            session.execute(delete(table).where(tuple_(*columns).in_(emptied)))


@cache
def _upsert(table: Any, insert: Any) -> Many:
    of = shape_of(table)
    statement = insert(of.table)
    written = statement.on_conflict_do_update(index_elements=of.key, set_={"data": statement.excluded.data})
    return Many(written, of.table, of.columns)


def _sum(known: Counts, change: Counts) -> Counts:
    add(known, change)
    return known


def _encode(counts: Counts) -> str:
    return msgspec.json.encode(counts, order="sorted").decode()


def _contributions(rows: Rows) -> tuple[list[Contribution], list[Contribution]]:
    stood: list[Contribution] = []
    after: list[Contribution] = []
    calls: set[int] = set()
    for row, earlier in rows.plain.changed():
        table = row.shape.mapped
        if (of := ALONE.get(table)) is not None:
            if earlier is not None:
                stood.append(of(earlier))
            after.append(of(row))
        elif table is Call:
            calls.add(row.id)
        elif table is Segment and row.call is not None:
            calls.add(row.call)
    for call, legs in rows.whole_calls(calls):
        if (earlier := before(call)) is not None:
            known = [leg for leg in map(before, legs) if leg is not None]
            stood.append(of_call(earlier, [leg for leg in known if leg.call == call.id]))
        after.append(of_call(call, legs))
    return stood, after
