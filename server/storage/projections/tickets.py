"""From a log entry to rows, for tickets and recordings."""

from __future__ import annotations

from typing import Any

import recordings.events as rec
import tickets.events as tickets
from recordings.chain import link_hash
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.recording_store import day_of
from server.storage.schema.tables import Recording, Ticket, TicketHistory

RULES = Rules()

# Tickets


@RULES.on(tickets.TicketOpened)
def _(event: tickets.TicketOpened, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    ticket.call, ticket.caller = event.call, event.caller
    ticket.business, ticket.category, ticket.grade = event.business, event.category, event.grade
    ticket.opened_at, ticket.contacts = utc(entry.at), 1
    _set_limits(ticket, event.respond_by, event.resolve_by)
    rows.calls[event.call].ticket = event.ticket
    _write(rows, entry, "opened", after=ticket.state, call=event.call)


@RULES.on(tickets.ContactAdded)
def _(event: tickets.ContactAdded, entry: Entry, rows: Rows) -> None:
    rows.tickets[event.ticket].contacts += 1
    rows.calls[event.call].ticket = event.ticket
    _write(rows, entry, "contact", call=event.call)


@RULES.on(tickets.GradeRaised)
def _(event: tickets.GradeRaised, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    _write(rows, entry, "grade", ticket.grade, event.grade, why=event.why)
    ticket.grade = event.grade
    _set_limits(ticket, event.respond_by, event.resolve_by)


@RULES.on(tickets.StateChanged)
def _(event: tickets.StateChanged, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    _write(rows, entry, "state", ticket.state, event.state, event.by, event.why)
    ticket.state = event.state
    if event.state == "closed":
        ticket.closed_at = utc(entry.at)


@RULES.on(tickets.OwnerSet)
def _(event: tickets.OwnerSet, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    _write(rows, entry, "owner", ticket.owner, event.agent, event.by, event.why)
    ticket.owner = event.agent


@RULES.on(tickets.CategoryConfirmed)
def _(event: tickets.CategoryConfirmed, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    _write(rows, entry, "category", ticket.confirmed or ticket.category, event.category, event.by)
    ticket.confirmed = event.category


@RULES.on(tickets.RoundStarted)
def _(event: tickets.RoundStarted, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    _write(rows, entry, "round", str(ticket.round), str(event.round), event.by, event.why)
    ticket.round, ticket.grade, ticket.state = event.round, event.grade, "new"
    _set_limits(ticket, event.respond_by, event.resolve_by)


def _set_limits(ticket: Ticket, respond_by: float | None, resolve_by: float | None) -> None:
    ticket.respond_by = ticket.respond_by if respond_by is None else utc(respond_by)
    ticket.resolve_by = ticket.resolve_by if resolve_by is None else utc(resolve_by)


def _write(
    rows: Rows,
    entry: Entry,
    kind: str,
    before: str = "",
    after: str = "",
    by: str = "",
    why: str = "",
    call: int | None = None,
) -> None:
    ms, seq = entry_key(entry.id)
    values: dict[str, Any] = {"before": before, "after": after, "by": by, "why": why, "call": call}
    rows.add(TicketHistory(ms=ms, seq=seq, ticket=entry.event.ticket, at=utc(entry.at), kind=kind, **values))


# Recordings


@RULES.on(rec.RecordingStarted)
def _(event: rec.RecordingStarted, entry: Entry, rows: Rows) -> None:
    recording = rows.recordings[event.recording]
    recording.call, recording.agent = event.call, event.agent
    recording.caller_file, recording.agent_file = event.caller_file, event.agent_file
    recording.started_at = recording.started_at or utc(entry.at)


@RULES.on(rec.RecordingClosed)
def _(event: rec.RecordingClosed, entry: Entry, rows: Rows) -> None:
    recording = rows.recordings[event.recording]
    if recording.state == "closed":
        return
    recording.state, recording.closed_at, recording.problem = "closed", utc(entry.at), "; ".join(event.alarms)
    recording.path, recording.sha256 = event.path, event.sha256
    recording.seconds, recording.channels = event.seconds, event.channels
    recording.caller_level, recording.agent_level = event.caller_level, event.agent_level
    _chain(rows, recording, event.day or day_of(entry.at))


@RULES.on(rec.RecordingMissing)
def _(event: rec.RecordingMissing, entry: Entry, rows: Rows) -> None:
    recording = rows.recordings[event.recording]
    if recording.state != "closed":
        recording.state, recording.problem = "missing", event.why


def _chain(rows: Rows, recording: Recording, day: str) -> None:
    place, previous = rows.chain_end(day)
    link = link_hash(previous, day, place + 1, recording.id, recording.sha256)
    recording.day, recording.place, recording.link = day, place + 1, link
    rows.lengthen_chain(day, place + 1, link)
