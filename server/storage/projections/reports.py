"""From a log entry to what reports need beside the other rows: contacts of a number, instants of a ticket.

These rules come after all others: they find the rows as the entry left them.
"""

from __future__ import annotations

import acd.events as acd
import tickets.events as tickets
from server.eventlog.log import Entry
from server.eventlog.report_events import HandoverSigned
from server.storage.figures.counts import slot_of
from server.storage.figures.handover import BookState, Side, signed
from server.storage.projections.contributions import ALARM
from server.storage.projections.rows import Rows, utc
from server.storage.projections.rules import Rules
from server.storage.schema.report_tables import Handover

RULES = Rules()


@RULES.on(acd.CallEnded)
def _(event: acd.CallEnded, entry: Entry, rows: Rows) -> None:
    """A caller who spoke with an agent: how long ago the same number spoke with one about the same category."""
    call = rows.calls[event.call]
    if call.connected_at is None or call.direction == "outbound" or not call.caller or call.offered_at is None:
        return
    before = rows.take_contact(call)
    if before is not None and before.offered_at is not None and call.since_contact is None:
        gap = max(0.0, (call.offered_at - before.offered_at).total_seconds())
        call.since_contact, before.until_contact = gap, gap


@RULES.on(acd.SoundStopped)
def _(event: acd.SoundStopped, entry: Entry, rows: Rows) -> None:
    rows.counted.append(((slot_of(entry.at), ALARM, "", "", event.agent), {"one_way_sound": 1}))


@RULES.on(HandoverSigned)
def _(event: HandoverSigned, entry: Entry, rows: Rows) -> None:
    """A signature that does not fit the book as it is by then was given at the same time as another, and is none."""
    until, at = utc(event.until), utc(entry.at)
    book = rows.handover(event.team, until)
    state = BookState.OPEN if book is None else BookState(book.state)
    try:
        after = signed(state, Side(event.side), event.by, "" if book is None else book.outgoing)
    except ValueError:
        return
    if book is None:
        book = Handover(
            team=event.team,
            until=until,
            since=utc(event.since),
            state=after,
            digest=event.digest,
            content=event.content,
            outgoing=event.by,
            outgoing_at=at,
            outgoing_note=event.note,
        )
        rows.handovers[event.team, until] = book
        rows.add(book)
    elif event.digest == book.digest:
        book.state, book.incoming, book.incoming_at, book.incoming_note = after, event.by, at, event.note


@RULES.on(tickets.TicketOpened)
def _(event: tickets.TicketOpened, entry: Entry, rows: Rows) -> None:
    ticket, queue = rows.ticket_times[event.ticket], event.business
    if event.call:  # no call: a person opened it by hand
        call = rows.calls[event.call]
        call.opened_ticket, queue = True, call.queue
    ticket.queue, ticket.business, ticket.category = queue, event.business, event.category
    first = rows.ticket_round(event.ticket, 1)
    first.queue, first.category = queue, event.category
    ticket.opened_at = ticket.opened_at or utc(entry.at)
    _due(event, rows)


@RULES.on(tickets.GradeRaised)
def _(event: tickets.GradeRaised, entry: Entry, rows: Rows) -> None:
    _due(event, rows)


@RULES.on(tickets.RoundStarted)
def _(event: tickets.RoundStarted, entry: Entry, rows: Rows) -> None:
    rows.ticket_times[event.ticket].settled_at = None
    _due(event, rows)


@RULES.on(tickets.TypeSet)
def _(event: tickets.TypeSet, entry: Entry, rows: Rows) -> None:
    _due(event, rows, at_most=True)


@RULES.on(tickets.LimitsRecomputed)
def _(event: tickets.LimitsRecomputed, entry: Entry, rows: Rows) -> None:
    _due(event, rows)


@RULES.on(tickets.Redispatched)
def _(event: tickets.Redispatched, entry: Entry, rows: Rows) -> None:
    rows.ticket_times[event.ticket].department = event.department


_Limited = (
    tickets.TicketOpened | tickets.GradeRaised | tickets.RoundStarted | tickets.TypeSet | tickets.LimitsRecomputed
)


def _due(event: _Limited, rows: Rows, *, at_most: bool = False) -> None:
    if event.resolve_by is not None:
        ticket, due_at = rows.ticket_times[event.ticket], utc(event.resolve_by)
        ticket.due_at = min(due_at, ticket.due_at) if at_most and ticket.due_at is not None else due_at


@RULES.on(tickets.CategoryConfirmed)
def _(event: tickets.CategoryConfirmed, entry: Entry, rows: Rows) -> None:
    rows.ticket_times[event.ticket].category = event.category
    for each in rows.rounds(event.ticket):
        each.category = event.category


@RULES.on(tickets.StateChanged)
def _(event: tickets.StateChanged, entry: Entry, rows: Rows) -> None:
    ticket = rows.ticket_times[event.ticket]
    ticket.department = getattr(event, "department", "") or ticket.department
    if event.state == "dispatched":
        ticket.dispatched_at = ticket.dispatched_at or utc(entry.at)
    elif event.state in ("resolved", "closed"):
        ticket.settled_at = ticket.settled_at or utc(entry.at)
