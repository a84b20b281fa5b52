"""From a log entry to rows, for outbound lists and their lines."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import select

import customers.list_events as lists
from customers.lists import SIGNALS, TRANSITIONS, LineSignal, LineState, ListState
from server.eventlog.derived_events import PromiseNoted
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, utc
from server.storage.projections.rules import Rules
from server.storage.schema.list_tables import OutboundLine, OutboundList

RULES = Rules()


@RULES.on(lists.ListCreated)
def _(event: lists.ListCreated, entry: Entry, rows: Rows) -> None:
    rules = event.rules
    made = OutboundList(
        id=event.list,
        name=rules.name,
        purpose=rules.purpose,
        owner=rules.owner,
        consent=rules.consent,
        proof=rules.proof,
        rules=asdict(rules),
        created_at=utc(entry.at),
        created_by=event.by,
        until=utc(rules.until),
    )
    rows.add(made)


@RULES.on(lists.ListLoaded)
def _(event: lists.ListLoaded, entry: Entry, rows: Rows) -> None:
    for line in event.lines:
        rows.add(OutboundLine(list=event.list, **asdict(line), loaded_at=utc(entry.at)))


@RULES.on(lists.ListPaused)
def _(event: lists.ListPaused, entry: Entry, rows: Rows) -> None:
    _turn(event, entry, rows, ListState.PAUSED)


@RULES.on(lists.ListResumed)
def _(event: lists.ListResumed, entry: Entry, rows: Rows) -> None:
    _turn(event, entry, rows, ListState.RUNNING)


@RULES.on(lists.ListEnded)
def _(event: lists.ListEnded, entry: Entry, rows: Rows) -> None:
    _turn(event, entry, rows, ListState.ENDED)


def _turn(event: lists.Event, entry: Entry, rows: Rows, state: ListState) -> None:
    rows.session.flush()
    row = rows.session.get(OutboundList, event.list)
    if row is not None and row.state != ListState.ENDED:
        row.state, row.ended_at = state.value, utc(entry.at) if state is ListState.ENDED else None


@RULES.on(lists.LineRefused)
def _(event: lists.LineRefused, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    row = rows.session.get(OutboundLine, (event.list, event.line))
    if row is not None and row.state == LineState.WAITING:
        row.state, row.why, row.changed_at = LineState.REFUSED.value, event.why, utc(entry.at)


@RULES.on(PromiseNoted)
def _(event: PromiseNoted, entry: Entry, rows: Rows) -> None:
    view = event.promise
    number, _, line = view.entry.partition("/")
    if not number.isdecimal() or not line.isdecimal():
        return
    rows.session.flush()
    row = rows.session.get(OutboundLine, (int(number), int(line)))
    if row is None:
        return
    if row.state == LineState.WAITING and view.state == "pending" and view.id != row.promise:
        row.state, row.promise = LineState.CALLING.value, view.id
    if row.promise != view.id:
        return
    row.attempts, row.why, row.changed_at = view.attempts, view.reason, rows.instant(entry)
    signal = SIGNALS.get(view.state.value)
    if signal is LineSignal.CANCELLED:
        state = rows.session.scalar(select(OutboundList.state).where(OutboundList.id == int(number)))
        signal = LineSignal.PUT_BACK if state == ListState.PAUSED else signal
    if signal is not None and (after := TRANSITIONS.get((LineState(row.state), signal))) is not None:
        row.state = after.value
