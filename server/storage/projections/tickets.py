"""From a log entry to rows, for tickets and recordings."""

from __future__ import annotations

from typing import Any

import recordings.events as rec
import tickets.events as tickets
from recordings.chain import Covered, link_hash
from server.eventlog.log import Entry
from server.storage.notation import iso
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.recording_store import day_of
from server.storage.schema.tables import Recording, Ticket, TicketHistory
from tickets.case import sooner
from tickets.severity import Grade, Level
from tickets.states import NEXT, TicketState

RULES = Rules()

# Tickets


@RULES.on(tickets.TicketOpened)
def _(event: tickets.TicketOpened, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    if ticket.opened_at is not None:
        return
    ticket.call, ticket.caller = event.call or None, event.caller
    ticket.business, ticket.category, ticket.grade = event.business, event.category, event.grade
    ticket.opened_at, ticket.contacts, ticket.type = utc(entry.at), 1 if event.call else 0, event.type
    ticket.version = 1
    rows.ticket_round(event.ticket, 1).began_at = utc(entry.at)
    _set_limits(rows, ticket, event.respond_by, event.resolve_by)
    if event.call:
        rows.calls[event.call].ticket = event.ticket
    _write(rows, entry, "opened", after=ticket.state, by=event.by, call=event.call or None)


@RULES.on(tickets.ContactAdded)
def _(event: tickets.ContactAdded, entry: Entry, rows: Rows) -> None:
    _changed(rows, event).contacts += 1
    rows.calls[event.call].ticket = event.ticket
    _write(rows, entry, "contact", call=event.call)


@RULES.on(tickets.GradeRaised)
def _(event: tickets.GradeRaised, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    if Grade(event.grade).rank < Grade(ticket.grade).rank:
        return
    _changed(rows, event)
    _write(rows, entry, "grade", ticket.grade, event.grade, event.by, event.why)
    ticket.grade = event.grade
    _tighten(rows, ticket, event.respond_by, event.resolve_by)


@RULES.on(tickets.StateChanged)
def _(event: tickets.StateChanged, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    if event.state not in NEXT[TicketState(ticket.state)]:
        return
    _changed(rows, event)
    _write(rows, entry, "state", ticket.state, event.state, event.by, event.why, department=event.department)
    ticket.state, at = event.state, utc(entry.at)
    this = rows.ticket_round(ticket.id, ticket.round)
    if event.state == TicketState.DISPATCHED:
        ticket.dispatched_at, ticket.department = at, event.department or ticket.department
        ticket.dispatches, this.dispatches, this.department = ticket.dispatches + 1, 1, ticket.department
        _dispatched(rows, entry, ticket, event.by)
    elif event.state in (TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS, TicketState.RESOLVED):
        ticket.responded_at = this.responded_at = this.responded_at or at
    if event.state == TicketState.RESOLVED:
        ticket.resolved_at = this.resolved_at = at
    elif event.state == TicketState.FOLLOWED_UP:
        this.followed_up_at = at
    elif event.state == TicketState.CLOSED:
        ticket.closed_at = this.ended_at = at
        this.satisfied = True
    _set_due(ticket)


@RULES.on(tickets.Redispatched)
def _(event: tickets.Redispatched, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    if ticket.state != TicketState.DISPATCHED:
        return
    _changed(rows, event)
    _write(rows, entry, "redispatched", ticket.department, event.department, event.by, event.why)
    this = rows.ticket_round(ticket.id, ticket.round)
    if (wrong := rows.ticket_dispatch(ticket.id, ticket.dispatches)) is not None:
        wrong.wrong = True
    ticket.department = this.department = event.department
    ticket.dispatched_at = utc(entry.at)
    ticket.dispatches, this.dispatches = ticket.dispatches + 1, this.dispatches + 1
    ticket.wrong_dispatches, this.wrong_dispatches = ticket.wrong_dispatches + 1, this.wrong_dispatches + 1
    _dispatched(rows, entry, ticket, event.by)


@RULES.on(tickets.NoteAdded)
def _(event: tickets.NoteAdded, entry: Entry, rows: Rows) -> None:
    _changed(rows, event)
    _write(rows, entry, "note", after=event.text, by=event.by)


@RULES.on(tickets.OwnerSet)
def _(event: tickets.OwnerSet, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    _write(rows, entry, "owner", ticket.owner, event.agent, event.by, event.why)
    ticket.owner = event.agent


@RULES.on(tickets.AccusedSet)
def _(event: tickets.AccusedSet, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    _write(rows, entry, "accused", ticket.accused, event.accused, event.by, event.why)
    ticket.accused = event.accused


@RULES.on(tickets.CategoryConfirmed)
def _(event: tickets.CategoryConfirmed, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    _write(rows, entry, "category", ticket.confirmed or ticket.category, event.category, event.by)
    ticket.confirmed = event.category


@RULES.on(tickets.TypeSet)
def _(event: tickets.TypeSet, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    _write(rows, entry, "type", ticket.type, event.type, event.by, event.why)
    ticket.type = event.type
    _tighten(rows, ticket, event.respond_by, event.resolve_by)


@RULES.on(tickets.FieldsFilled)
def _(event: tickets.FieldsFilled, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    known = ticket.fields or {}
    before = ", ".join(f"{name}={known[name]}" for name, _ in event.fields if name in known)
    _write(rows, entry, "fields", before, ", ".join(f"{name}={value}" for name, value in event.fields), event.by)
    ticket.fields = {name: value for name, value in (known | dict(event.fields)).items() if value}


@RULES.on(tickets.DatePromised)
def _(event: tickets.DatePromised, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    until = None if event.promised_for is None else utc(event.promised_for)
    _write(rows, entry, "promised", iso(ticket.promised_for) or "", iso(until) or "", event.by, event.why)
    ticket.promised_for = until


@RULES.on(tickets.DateMissed)
def _(event: tickets.DateMissed, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    _write(rows, entry, "promise_missed", iso(utc(event.promised_for)) or "")
    ticket.dates_missed += 1


@RULES.on(tickets.LimitWarned)
def _(event: tickets.LimitWarned, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    _write(rows, entry, "warning", after=event.limit, why=f"due {iso(utc(event.until))}")
    ticket.warnings = " ".join(filter(None, (ticket.warnings, event.limit)))


@RULES.on(tickets.LimitPassed)
def _(event: tickets.LimitPassed, entry: Entry, rows: Rows) -> None:
    _changed(rows, event)
    _write(rows, entry, "overdue", after=event.limit, why=f"was due {iso(utc(event.until))}")


@RULES.on(tickets.Escalated)
def _(event: tickets.Escalated, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    if Level(event.level).rank <= Level(ticket.level).rank:
        return
    _changed(rows, event)
    _write(rows, entry, "escalated", ticket.level, event.level, event.by, event.why)
    ticket.level = event.level


@RULES.on(tickets.AuthorityAsked)
def _(event: tickets.AuthorityAsked, entry: Entry, rows: Rows) -> None:
    _changed(rows, event)
    _write(rows, entry, "authority_asked", after=f"request {event.request}", by=event.by, why=event.what)


@RULES.on(tickets.AuthorityAnswered)
def _(event: tickets.AuthorityAnswered, entry: Entry, rows: Rows) -> None:
    _changed(rows, event)
    answer = "granted" if event.granted else "refused"
    _write(rows, entry, "authority_answered", f"request {event.request}", answer, event.by, event.why)


@RULES.on(tickets.LimitsRecomputed)
def _(event: tickets.LimitsRecomputed, entry: Entry, rows: Rows) -> None:
    ticket = _changed(rows, event)
    before = f"respond {iso(ticket.respond_by)}, resolve {iso(ticket.resolve_by)}"
    _set_limits(rows, ticket, event.respond_by, event.resolve_by)
    after = f"respond {iso(ticket.respond_by)}, resolve {iso(ticket.resolve_by)}"
    _write(rows, entry, "limits", before, after, why=event.why)


@RULES.on(tickets.RoundStarted)
def _(event: tickets.RoundStarted, entry: Entry, rows: Rows) -> None:
    ticket = rows.tickets[event.ticket]
    if event.round != ticket.round + 1:
        return
    _changed(rows, event)
    _write(rows, entry, "round", str(ticket.round), str(event.round), event.by, event.why)
    ended = rows.ticket_round(ticket.id, ticket.round)
    ended.ended_at, ended.satisfied = utc(entry.at), False
    ticket.round, ticket.grade, ticket.state = event.round, event.grade, "new"
    ticket.dispatched_at = ticket.responded_at = ticket.resolved_at = ticket.promised_for = None
    ticket.warnings = ""
    begun = rows.ticket_round(ticket.id, event.round)
    begun.began_at, begun.queue, begun.category = utc(entry.at), ended.queue, ended.category
    begun.department = ticket.department
    _set_limits(rows, ticket, event.respond_by, event.resolve_by)


@RULES.on(tickets.FollowUpAnswered)
def _(event: tickets.FollowUpAnswered, entry: Entry, rows: Rows) -> None:
    _changed(rows, event)
    asked = rows.ticket_round(event.ticket, event.round)
    answer = {"question": event.question, "answer": event.answer, "call": event.call, "at": entry.at}
    asked.answers = [*(asked.answers or []), answer]
    _write(rows, entry, "answer", event.question, event.answer, "customer", call=event.call)


@RULES.on(tickets.TicketLinked)
def _(event: tickets.TicketLinked, entry: Entry, rows: Rows) -> None:
    _changed(rows, event)  # the link itself, and its line in the history, are the webhooks'


def _changed(rows: Rows, event: tickets.Event) -> Ticket:
    ticket = rows.tickets[event.ticket]
    ticket.version += 1
    return ticket


def _dispatched(rows: Rows, entry: Entry, ticket: Ticket, by: str) -> None:
    this = rows.ticket_round(ticket.id, ticket.round)
    rows.add_dispatch(
        ticket.id,
        ticket.dispatches,
        at=utc(entry.at),
        by=by,
        department=ticket.department,
        round=ticket.round,
        queue=this.queue,
        category=this.category,
    )


def _set_limits(rows: Rows, ticket: Ticket, respond_by: float | None, resolve_by: float | None) -> None:
    ticket.respond_by = ticket.respond_by if respond_by is None else utc(respond_by)
    ticket.resolve_by = ticket.resolve_by if resolve_by is None else utc(resolve_by)
    this = rows.ticket_round(ticket.id, ticket.round)
    this.respond_by, this.resolve_by, this.grade = ticket.respond_by, ticket.resolve_by, ticket.grade
    _set_due(ticket)


def _tighten(rows: Rows, ticket: Ticket, respond_by: float | None, resolve_by: float | None) -> None:
    known = [None if each is None else each.timestamp() for each in (ticket.respond_by, ticket.resolve_by)]
    _set_limits(rows, ticket, sooner(known[0], respond_by), sooner(known[1], resolve_by))


def _set_due(ticket: Ticket) -> None:
    if ticket.state in (TicketState.NEW, TicketState.DISPATCHED):
        ticket.due_at = ticket.respond_by
    elif ticket.state in (TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS):
        ticket.due_at = ticket.resolve_by
    else:
        ticket.due_at = None


def _write(
    rows: Rows,
    entry: Entry,
    kind: str,
    before: str = "",
    after: str = "",
    by: str = "",
    why: str = "",
    call: int | None = None,
    department: str = "",
) -> None:
    ms, seq = entry_key(entry.id)
    why = "; ".join(filter(None, (f"to {department}" if department else "", why)))
    values: dict[str, Any] = {"before": before, "after": after, "by": by, "why": why, "call": call}
    rows.plain.add(TicketHistory, ms=ms, seq=seq, ticket=entry.event.ticket, at=utc(entry.at), kind=kind, **values)


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
    if recording.state in ("closed", "deleted"):
        return
    recording.state, recording.closed_at, recording.problem = "closed", utc(entry.at), "; ".join(event.alarms)
    recording.path, recording.sha256 = event.path, event.sha256
    recording.seconds, recording.channels = event.seconds, event.channels
    recording.caller_level, recording.agent_level = event.caller_level, event.agent_level
    recording.talk_over = event.talk_over
    covered = None
    if event.chain >= 2:
        recording.call, recording.agent, recording.started_at = event.call, event.agent, utc(event.started_at)
        covered = Covered(event.call, event.agent, event.started_at, event.seconds)
    _chain(rows, recording, event.day or day_of(entry.at), covered)


@RULES.on(rec.RecordingMissing)
def _(event: rec.RecordingMissing, entry: Entry, rows: Rows) -> None:
    recording = rows.recordings[event.recording]
    if recording.state not in ("closed", "deleted"):
        recording.state, recording.problem = "missing", event.why


def _chain(rows: Rows, recording: Recording, day: str, covered: Covered | None) -> None:
    place, previous = rows.chain_end(day)
    link = link_hash(previous, day, place + 1, recording.id, recording.sha256, covered)
    recording.day, recording.place, recording.link = day, place + 1, link
    rows.lengthen_chain(day, place + 1, link)
